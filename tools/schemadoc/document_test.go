package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/runs"
)

// TestFresh says that the page is that of the SQL.
func TestFresh(t *testing.T) {
	want, err := document(runs.DescribeSchema())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "schema.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/schema.md is not what the SQL says: run ./task generate")
	}
}

func TestDocument(t *testing.T) {
	words := map[string]string{"a": "A.", "a.k": "key", "a.v": "value | other", "b": "B.", "b.x": "x", "own": "Own.", "own.n": "n"}
	sound := runs.Schema{
		Shared: []string{
			`CREATE TABLE a(k TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID`, `CREATE TABLE gone(n INTEGER) STRICT`,
			`CREATE TABLE b(x INTEGER NOT NULL UNIQUE, PRIMARY KEY(x)) STRICT`, `ALTER TABLE a ADD COLUMN v REAL`,
			`CREATE UNIQUE INDEX a_v ON a(v, lower(k))`, `CREATE INDEX old ON a(v)`, `DROP INDEX old`, `DROP TABLE gone`, `INSERT INTO b VALUES(1)`,
		},
		Run:      []string{`CREATE TABLE IF NOT EXISTS run_1_own(n INTEGER PRIMARY KEY) STRICT`},
		Meanings: words,
	}
	text, err := document(sound)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"### `a`\n\nA.", "| `v` | REAL or NULL | value \\| other |", "Primary key: `k`; the rows lie in its order",
		"Unique index `a_v`: `v`, `lower(k)`.", "Unique: `x`.", "### `run_N_own`", "| `n` | INTEGER | n |",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in\n%s", part, text)
		}
	}
	for _, part := range []string{"gone", "old"} {
		if strings.Contains(text, "`"+part+"`") {
			t.Errorf("%s is there, which was dropped", part)
		}
	}
	for add, want := range map[string]string{
		`CREATE TABLE c(n INTEGER)`:                 "STRICT",
		`CREATE TABLE c(n INTEGER) STRICT`:          "c has no meaning",
		`CREATE TABLE c(n BOOLEAN) STRICT`:          "n BOOLEAN",
		`ALTER TABLE a ADD COLUMN w TEXT`:           "a.w has no meaning",
		`ALTER TABLE c ADD COLUMN w TEXT`:           "no table c",
		`CREATE INDEX i ON c(w)`:                    "no table c",
		`DROP TABLE b`:                              "no b.x any more",
		`CREATE TABLE c AS SELECT 1`:                "not known how to read",
		`CREATE TRIGGER x AFTER INSERT ON a BEGIN `: "not known how to read",
	} {
		wrong := sound
		wrong.Shared = append(append([]string{}, sound.Shared...), add)
		if _, err := document(wrong); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want …%s…", add, err, want)
		}
	}
}
