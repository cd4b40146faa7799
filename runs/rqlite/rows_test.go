package rqlite

import (
	"database/sql"
	"testing"
)

func TestScan(t *testing.T) {
	var (
		s    string
		i    int
		i64  int64
		f    float64
		b    bool
		free any
		null sql.Null[int64]
		text sql.NullString
	)
	for _, test := range []struct {
		value any
		dest  any
		got   func() any
		want  any // nil: an error
	}{
		{"a", &s, func() any { return s }, "a"},
		{1.0, &s, nil, nil},
		{nil, &s, nil, nil},
		{3.0, &i, func() any { return i }, 3},
		{3.5, &i64, nil, nil},
		{-3.0, &i64, func() any { return i64 }, int64(-3)},
		{"9223372036854775807", &i64, func() any { return i64 }, int64(9223372036854775807)},
		{"9223372036854775808", &i64, nil, nil},
		{"three", &i64, nil, nil},
		{float64(1 << 53), &i64, nil, nil},
		{float64(1<<53 - 1), &i64, func() any { return i64 }, int64(1<<53 - 1)},
		{nil, &i64, nil, nil},
		{2.0, &f, func() any { return f }, 2.0},
		{"2", &f, nil, nil},
		{1.0, &b, func() any { return b }, true},
		{0.0, &b, func() any { return b }, false},
		{2.0, &b, nil, nil},
		{"true", &b, nil, nil},
		{1.0, &free, func() any { return free }, int64(1)},
		{1.5, &free, func() any { return free }, 1.5},
		{4.0, &null, func() any { return null.V }, int64(4)},
		{float64(1 << 60), &null, nil, nil},
		{nil, &text, func() any { return text.Valid }, false},
		{"a", new([]byte), nil, nil},
		{"a", s, nil, nil},
	} {
		rows := &Rows{columns: []string{"c"}, values: [][]any{{test.value}}}
		if err := rows.Scan(test.dest); err == nil {
			t.Fatal("scan before next")
		}
		if !rows.Next() {
			t.Fatal("no row")
		}
		err := rows.Scan(test.dest)
		switch {
		case test.want == nil && err == nil:
			t.Errorf("%v (%T) into %T: no error", test.value, test.value, test.dest)
		case test.want != nil && (err != nil || test.got() != test.want):
			t.Errorf("%v (%T) into %T: %v, %v", test.value, test.value, test.dest, test.got(), err)
		}
		if err := rows.Scan(test.dest, test.dest); err == nil {
			t.Error("two places for one column")
		}
		for range 2 {
			if rows.Next() || rows.Scan(test.dest) == nil {
				t.Error("there is a row after the last")
			}
		}
	}
}
