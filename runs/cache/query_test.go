package cache

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"testing"
)

func TestNormalise(t *testing.T) {
	for _, test := range []struct{ sql, want string }{
		{"select a,b from t", "SELECT a,b FROM t"},
		{"  SELECT\n\ta ,  b\r\nFROM t ;; ", "SELECT a,b FROM t"},
		{"select a -- the first\nfrom t /* all\n of it */ where x=1", "SELECT a FROM t WHERE x=1"},
		{"select count( * ) from t", "SELECT count(*)FROM t"},
		{"select 'it''s  -- not /* a */ comment' from t", "SELECT 'it''s  -- not /* a */ comment' FROM t"},
		{`select "From  x", [select  y], ` + "`or  z`", `SELECT "From  x",[select  y],` + "`or  z`"},
		{"select Name, selected, from_x from t", "SELECT Name,selected,from_x FROM t"},
		{"select é from t", "SELECT é FROM t"},
		{"select 1 - -1", "SELECT 1 - -1"},
		{"select 'open", "SELECT 'open"},
		{"select 1 /* open", "SELECT 1"},
		{"select ';'", "SELECT ';'"},
		{"select a from t where b = ? and c is not null limit 5", "SELECT a FROM t WHERE b = ? AND c IS NOT NULL LIMIT 5"},
		{"", ""},
	} {
		got := Normalise(test.sql)
		if got != test.want {
			t.Errorf("%q became %q, want %q", test.sql, got, test.want)
		}
		if again := Normalise(got); again != got {
			t.Errorf("%q is not final: %q", got, again)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	f.Add("select 'a''b' /* x */, \"c\" -- y\nfrom t;")
	f.Fuzz(func(t *testing.T, sql string) {
		once := Normalise(sql)
		if len(once) > len(sql)+len("  ") || Normalise(once) != once {
			t.Errorf("%q became %q, then %q", sql, once, Normalise(once))
		}
	})
}

func TestQueryKey(t *testing.T) {
	base := Query{SQL: "SELECT a FROM t WHERE b=?", Params: []any{1}, Tables: []string{"t", "u"}}
	key := func(q Query) string {
		t.Helper()
		text, err := q.key()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	same := []Query{
		{SQL: "select a\nfrom t where b=?;", Params: []any{1}, Tables: []string{"U", "t", "t"}},
	}
	other := []Query{
		{SQL: base.SQL, Params: []any{2}, Tables: base.Tables},
		{SQL: base.SQL, Params: []any{"1"}, Tables: base.Tables},
		{SQL: base.SQL, Params: []any{1.0}, Tables: base.Tables},
		{SQL: base.SQL, Params: []any{true}, Tables: base.Tables},
		{SQL: base.SQL, Params: []any{1, nil}, Tables: base.Tables},
		{SQL: "SELECT A FROM t WHERE b=?", Params: []any{1}, Tables: base.Tables},
		{SQL: base.SQL, Params: []any{1}, Tables: []string{"t"}},
	}
	for _, q := range same {
		if key(q) != key(base) {
			t.Errorf("%+v has another key", q)
		}
	}
	for _, q := range other {
		if key(q) == key(base) {
			t.Errorf("%+v has the same key", q)
		}
	}
	for _, q := range []Query{{Params: []any{func() {}}}, {Tables: []string{"a,b"}}, {Tables: []string{""}}} {
		if _, err := q.key(); err == nil {
			t.Errorf("%+v has a key", q)
		}
	}
}

func TestQueries(t *testing.T) {
	c, err := Open(t.Context(), Config{Name: "queries"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	q := NewQueries(c)
	runs := 0
	ask := func(sql string, tables ...string) Rows {
		t.Helper()
		rows, err := q.Rows(t.Context(), Query{SQL: sql, Tables: tables}, func(context.Context) (Rows, error) {
			runs++
			return Rows{json.RawMessage(`{"a":1}`), json.RawMessage(`[2]`)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return rows
	}
	first, second := ask("select a from t", "run_1_t"), ask("SELECT a  FROM t", "run_1_t")
	if runs != 1 || !reflect.DeepEqual(first, second) || len(first) != 2 {
		t.Errorf("%d runs, %s, %s", runs, first, second)
	}
	ask("select b from u", "u", "v")
	for _, step := range []struct {
		change func() error
		again  int // how many of the two are run again
	}{
		{func() error { return q.Changed(t.Context(), "w") }, 0},
		{func() error { return q.Changed(t.Context(), "V") }, 1},
		{func() error { return q.Changed(t.Context(), "v", "run_1_t") }, 2},
		{func() error { return q.ChangedLike(t.Context(), "run_1_*") }, 1},
		{func() error { return q.ChangedLike(t.Context(), "run_2_*") }, 0},
	} {
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		runs = 0
		ask("select a from t", "run_1_t")
		ask("select b from u", "u", "v")
		if runs != step.again {
			t.Errorf("%d were run again, want %d", runs, step.again)
		}
	}
	if err := errors.Join(q.Changed(t.Context(), "a,b")); err == nil {
		t.Error("a,b is no table")
	}
	if q.ChangedLike(t.Context(), "a,*") == nil {
		t.Error("a,* is no pattern of tables")
	}
	failure := errors.New("down")
	_, err = q.Rows(t.Context(), Query{SQL: "select c"}, func(context.Context) (Rows, error) { return nil, failure })
	if !errors.Is(err, failure) {
		t.Errorf("%v", err)
	}
	none, err := q.Rows(t.Context(), Query{SQL: "select c"}, func(context.Context) (Rows, error) { return nil, nil })
	if err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}
