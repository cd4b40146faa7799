package rqlite

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

func TestUpsertStatement(t *testing.T) {
	u := Upsert{Table: "items", Key: []string{"id"}, Columns: []string{"id", "name"}}
	statement, err := u.Statement([][]any{{"a", "x'41'"}, {"b", nil}})
	if err != nil {
		t.Fatal(err)
	}
	const text = `INSERT INTO "items"("id","name")WITH json_rows AS MATERIALIZED(SELECT jsonb(value)v FROM json_each(?1))` +
		`SELECT v->>0,v->>1 FROM json_rows WHERE true` +
		` ON CONFLICT("id")DO UPDATE SET "name"=excluded."name"`
	if statement.SQL != text {
		t.Errorf("got %s", statement.SQL)
	}
	if got := statement.Args[0]; got != `[["a","x'41'"],["b",null]]` {
		t.Errorf("got %s", got)
	}
	u.Update, u.Where = []string{}, "excluded.v > items.v"
	if statement, err = u.Statement([][]any{{"a", "b"}}); err != nil || !strings.HasSuffix(statement.SQL, "DO NOTHING") {
		t.Errorf("got %s, %v", statement.SQL, err)
	}
}

// TestUpsertLongTexts: in place of a long text its row says where it is, in bytes.
func TestUpsertLongTexts(t *testing.T) {
	u := Upsert{Table: "items", Key: []string{"id"}, Columns: []string{"id", "body", "n", "note"}, Long: []string{"body", "note"}}
	statement, err := u.Statement([][]any{{"a", "x'41'", 1, nil}, {"\"b\"\x01", "", 2, "häß"}, {"c", nil, 3, "<end>"}})
	if err != nil {
		t.Fatal(err)
	}
	const text = `INSERT INTO "items"("id","body","n","note")WITH json_rows AS MATERIALIZED(SELECT jsonb(value)v FROM json_each(?1))` +
		`SELECT v->>0,CAST(substr(CAST(?2 AS BLOB),v->>1,v->>2)AS TEXT),v->>3,CAST(substr(CAST(?2 AS BLOB),v->>4,v->>5)AS TEXT) ` +
		`FROM json_rows WHERE true ON CONFLICT("id")DO UPDATE SET "body"=excluded."body","n"=excluded."n","note"=excluded."note"`
	if statement.SQL != text {
		t.Errorf("got %s", statement.SQL)
	}
	const rows, texts = `[["a",2,5,1,null,null],["\"b\"\u0001",7,0,2,7,5],["c",null,null,3,12,5]]`, "-x'41'häß<end>"
	if len(statement.Args) != 2 || statement.Args[0] != rows || statement.Args[1] != texts {
		t.Errorf("got %q", statement.Args)
	}
	for name, value := range map[string]any{"number": 1, "not UTF-8": "\xc3", "bytes": []byte("b")} {
		_, err := u.Statement([][]any{{"a", value, 1, nil}})
		var failure *RowError
		if !errors.As(err, &failure) || failure.Index != 0 || !errors.Is(err, ErrRejected) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestUpsertRefuses(t *testing.T) {
	fine := Upsert{Table: "t", Key: []string{"id"}, Columns: []string{"id", "a"}}
	for name, u := range map[string]Upsert{
		"no key":         {Table: "t", Columns: []string{"id"}},
		"no columns":     {Table: "t", Key: []string{"id"}},
		"table name":     {Table: `t"`, Key: []string{"id"}, Columns: []string{"id"}},
		"column name":    {Table: "t", Key: []string{"id"}, Columns: []string{"id", "a b"}},
		"twice":          {Table: "t", Key: []string{"id"}, Columns: []string{"id", "id"}},
		"key elsewhere":  {Table: "t", Key: []string{"k"}, Columns: []string{"id"}},
		"unknown long":   {Table: "t", Key: []string{"id"}, Columns: []string{"id"}, Long: []string{"b"}},
		"unknown update": {Table: "t", Key: []string{"id"}, Columns: []string{"id"}, Update: []string{"b"}},
	} {
		if _, err := u.Statement([][]any{{"a", "b"}}); !errors.Is(err, ErrRejected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := fine.Statement(nil); !errors.Is(err, ErrRejected) {
		t.Errorf("no rows: %v", err)
	}
	for name, row := range map[string][]any{
		"short":     {"a"},
		"long":      {"a", "b", "c"},
		"not UTF-8": {"a", "\xc3"},
		"NaN":       {"a", math.NaN()},
		"bytes":     {"a", []byte("b")},
		"map":       {"a", map[string]any{}},
	} {
		_, err := fine.Statement([][]any{{"a", "b"}, row})
		var failure *RowError
		if !errors.As(err, &failure) || failure.Index != 1 || !errors.Is(err, ErrRejected) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSize(t *testing.T) {
	row := []any{"key", strings.Repeat("b", 1000), 12, nil}
	encoded, err := List(row)
	if err != nil {
		t.Fatal(err)
	}
	if got := Size(row); got < len(encoded)*9/10 || got > len(encoded)*11/10 {
		t.Errorf("%d, not about %d", got, len(encoded))
	}
}

func FuzzList(f *testing.F) {
	f.Add("plain", "x'41'")
	f.Add("<&>", "\u2028\x00")
	f.Fuzz(func(t *testing.T, a, b string) {
		text, err := List([]string{a, b})
		if err != nil {
			if !errors.Is(err, ErrRejected) {
				t.Fatal(err)
			}
			return
		}
		if looksLikeBytes(text) {
			t.Errorf("%q would be stored as bytes", text)
		}
		var back []string
		if err := json.Unmarshal([]byte(text), &back); err != nil || len(back) != 2 || back[0] != a || back[1] != b {
			t.Errorf("%q became %q, %v", []string{a, b}, back, err)
		}
	})
}
