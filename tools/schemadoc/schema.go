package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// table is one table as the SQL so far has left it.
type table struct {
	name         string
	columns      []column
	key          []string
	indexes      []index
	withoutRowid bool
}

type column struct {
	name, kind string
	null       bool
	unique     bool
}

type index struct {
	name    string
	columns []string
	unique  bool
}

var (
	createTable = regexp.MustCompile(`(?s)^CREATE TABLE (?:IF NOT EXISTS )?(\w+)\((.*)\) (STRICT(?:, WITHOUT ROWID)?)$`)
	createIndex = regexp.MustCompile(`^CREATE (UNIQUE )?INDEX (?:IF NOT EXISTS )?(\w+) ON (\w+)\((.*)\)$`)
	addColumn   = regexp.MustCompile(`^ALTER TABLE (\w+) ADD COLUMN (.*)$`)
	dropTable   = regexp.MustCompile(`^DROP TABLE (?:IF EXISTS )?(\w+)$`)
	dropIndex   = regexp.MustCompile(`^DROP INDEX (?:IF EXISTS )?(\w+)$`)
	primaryKey  = regexp.MustCompile(`^PRIMARY KEY ?\((.*)\)$`)
	columnText  = regexp.MustCompile(`^(\w+) (INTEGER|TEXT|REAL|BLOB)((?: NOT NULL| PRIMARY KEY| UNIQUE| DEFAULT (?:-?\d+|'[^']*'))*)$`)
)

// read returns the tables that statements leave, in the order in which they were made.
func read(statements []string) ([]*table, error) {
	var tables []*table
	for _, text := range statements {
		var err error
		if tables, err = carryOut(tables, strings.TrimSpace(text)); err != nil {
			return nil, err
		}
	}
	return tables, nil
}

func carryOut(tables []*table, text string) ([]*table, error) {
	find := func(name string) (*table, error) {
		if at := slices.IndexFunc(tables, func(t *table) bool { return t.name == name }); at >= 0 {
			return tables[at], nil
		}
		return nil, fmt.Errorf("there is no table %s: %s", name, text)
	}
	if m := createTable.FindStringSubmatch(text); m != nil {
		t := &table{name: m[1], withoutRowid: strings.Contains(m[3], "WITHOUT ROWID")}
		for _, part := range split(m[2]) {
			if err := t.add(part); err != nil {
				return nil, err
			}
		}
		return append(tables, t), nil
	}
	if m := createIndex.FindStringSubmatch(text); m != nil {
		t, err := find(m[3])
		if err == nil {
			t.indexes = append(t.indexes, index{name: m[2], columns: split(m[4]), unique: m[1] != ""})
		}
		return tables, err
	}
	if m := addColumn.FindStringSubmatch(text); m != nil {
		t, err := find(m[1])
		if err != nil {
			return nil, err
		}
		return tables, t.add(m[2])
	}
	if m := dropTable.FindStringSubmatch(text); m != nil {
		return slices.DeleteFunc(tables, func(t *table) bool { return t.name == m[1] }), nil
	}
	if m := dropIndex.FindStringSubmatch(text); m != nil {
		for _, t := range tables {
			t.indexes = slices.DeleteFunc(t.indexes, func(i index) bool { return i.name == m[1] })
		}
		return tables, nil
	}
	if word, _, _ := strings.Cut(text, " "); slices.Contains([]string{"INSERT", "UPDATE", "DELETE"}, word) {
		return tables, nil // rows are no schema
	}
	return nil, fmt.Errorf("not known how to read (is the table STRICT?): %s", text)
}

// add takes a column, or a key, as it stands in the SQL.
func (t *table) add(part string) error {
	if m := primaryKey.FindStringSubmatch(part); m != nil {
		t.key = split(m[1])
		return nil
	}
	m := columnText.FindStringSubmatch(part)
	if m == nil {
		return fmt.Errorf("table %s: not known how to read the column: %s", t.name, part)
	}
	if strings.Contains(m[3], "PRIMARY KEY") {
		t.key = []string{m[1]}
	}
	t.columns = append(t.columns, column{
		name: m[1], kind: m[2], unique: strings.Contains(m[3], "UNIQUE"),
		// A text that is the key may be NULL in SQLite, unless the table says otherwise.
		null: !strings.Contains(m[3], "NOT NULL") && (m[2] != "INTEGER" || !strings.Contains(m[3], "PRIMARY KEY")),
	})
	return nil
}

// split cuts a list at the commas that stand outside of brackets.
func split(list string) []string {
	var parts []string
	depth, begin := 0, 0
	for i, r := range list {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				parts = append(parts, strings.TrimSpace(list[begin:i]))
				begin = i + 1
			}
		}
	}
	return append(parts, strings.TrimSpace(list[begin:]))
}
