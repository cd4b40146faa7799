//go:build integration

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-98789ff7/converter/runs"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// TestSQLite compares what the tool reads in the SQL with what the database makes of it.
func TestSQLite(t *testing.T) {
	binary := os.Getenv("CONVERTER_RQLITED")
	if binary == "" {
		binary = filepath.Join("..", "..", "bin", "rqlited")
	}
	node, err := rqlite.StartNode(t.Context(), rqlite.NodeConfig{Dir: t.TempDir(), Binary: binary})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	client, err := rqlite.Open(t.Context(), node.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	schema := runs.DescribeSchema()
	all := slices.Concat(schema.Shared, schema.Run)
	for _, text := range all {
		if _, err := client.Apply(t.Context(), rqlite.Statement{SQL: text}); err != nil {
			t.Fatal(err)
		}
	}
	tables, err := read(all)
	if err != nil {
		t.Fatal(err)
	}
	lines := func(sql string, args ...any) []string {
		t.Helper()
		rows, err := client.Query(t.Context(), rqlite.Statement{SQL: sql, Args: args})
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			list = append(list, line)
		}
		return list
	}
	var names []string
	for _, table := range tables {
		names = append(names, table.name)
		var want []string
		for _, c := range table.columns {
			want = append(want, fmt.Sprint(c.name, " ", c.kind, " ", slices.Index(table.key, c.name)+1))
		}
		if got := lines(`SELECT name||' '||type||' '||pk FROM pragma_table_info(?) ORDER BY cid`, table.name); !slices.Equal(got, want) {
			t.Errorf("%s has the columns %q, the page says %q", table.name, got, want)
		}
		want = nil
		for _, i := range table.indexes {
			want = append(want, i.name)
		}
		slices.Sort(want)
		if got := lines(`SELECT name FROM pragma_index_list(?) WHERE origin='c' ORDER BY name`, table.name); !slices.Equal(got, want) {
			t.Errorf("%s has the indexes %q, the page says %q", table.name, got, want)
		}
	}
	slices.Sort(names)
	if got := lines(`SELECT name FROM sqlite_schema WHERE type='table' ORDER BY name`); !slices.Equal(got, names) {
		t.Errorf("the database has the tables %q, the page %q", got, names)
	}
}
