package rqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/rqlite/gorqlite"
)

// exactLimit is the first integer beyond which the way through JSON numbers loses digits.
const exactLimit = 1 << 53

// Rows is the whole answer to a query. It is not safe for concurrent use, and needs no closing.
type Rows struct {
	columns []string
	values  [][]any
	at      int // index of the current row plus one
}

func newRows(result *gorqlite.QueryResult) (*Rows, error) {
	rows := &Rows{columns: result.Columns(), values: make([][]any, 0, result.NumRows())}
	for result.Next() {
		values, err := result.Slice()
		if err != nil {
			return nil, err
		}
		if len(values) != len(rows.columns) {
			return nil, fmt.Errorf("a row has %d values for %d columns", len(values), len(rows.columns))
		}
		rows.values = append(rows.values, values)
	}
	return rows, nil
}

// Columns returns the names of the columns.
func (r *Rows) Columns() []string { return r.columns }

// Len returns the number of rows.
func (r *Rows) Len() int { return len(r.values) }

// Next moves to the next row, at first to the first one, and reports whether there is one.
func (r *Rows) Next() bool {
	if r.at > len(r.values) {
		return false
	}
	r.at++
	return r.at <= len(r.values)
}

// Scan copies the values of the current row into what dest points to: *string, *int, *int64, *float64, *bool (from 0 or
// 1), *any (string, int64, float64 or nil), or a [sql.Scanner] such as *sql.NullString or *sql.Null[int64].
//
// NULL goes only into *any and scanners; anything else gets an error, as does an integer of 2^53 or more, whose last
// digits the way here loses. Select such a one as CAST(x AS TEXT): Scan reads it into *int64 exactly.
func (r *Rows) Scan(dest ...any) error {
	if r.at < 1 || r.at > len(r.values) {
		return errors.New("scan: no current row: call Next before")
	}
	if len(dest) != len(r.columns) {
		return fmt.Errorf("scan: %d columns into %d places", len(r.columns), len(dest))
	}
	for i, value := range r.values[r.at-1] {
		if err := assign(dest[i], value); err != nil {
			return fmt.Errorf("scan column %q of row %d: %w", r.columns[i], r.at-1, err)
		}
	}
	return nil
}

func assign(dest, value any) error {
	switch d := dest.(type) {
	case *string:
		return assignString(d, value)
	case *int64:
		return assignInt(d, value)
	case *int:
		var wide int64
		if err := assignInt(&wide, value); err != nil {
			return err
		}
		*d = int(wide)
		return nil
	case *float64:
		return assignFloat(d, value)
	case *bool:
		return assignBool(d, value)
	case *any:
		*d = natural(value)
		return nil
	case sql.Scanner:
		return d.Scan(natural(value))
	default:
		return fmt.Errorf("%T is no place to scan into", dest)
	}
}

func assignString(dest *string, value any) error {
	text, ok := value.(string)
	if !ok {
		return mismatch("text", value)
	}
	*dest = text
	return nil
}

func assignInt(dest *int64, value any) (err error) {
	switch v := value.(type) {
	case float64:
		if math.Abs(v) >= exactLimit {
			return fmt.Errorf("%.0f may have lost digits: select CAST(… AS TEXT)", v)
		}
		if v != math.Trunc(v) {
			return fmt.Errorf("%v is not an integer", v)
		}
		*dest = int64(v)
		return nil
	case string:
		*dest, err = strconv.ParseInt(v, 10, 64)
		return err
	default:
		return mismatch("an integer", value)
	}
}

func assignFloat(dest *float64, value any) error {
	number, ok := value.(float64)
	if !ok {
		return mismatch("a number", value)
	}
	*dest = number
	return nil
}

func assignBool(dest *bool, value any) error {
	switch value {
	case 0.0:
		*dest = false
	case 1.0:
		*dest = true
	default:
		return mismatch("0 or 1", value)
	}
	return nil
}

// natural returns value with its integers as such, as far as they are exact: a larger number may as well be a REAL.
func natural(value any) any {
	if number, ok := value.(float64); ok && number == math.Trunc(number) && math.Abs(number) < exactLimit {
		return int64(number)
	}
	return value
}

func mismatch(want string, value any) error {
	if value == nil {
		return fmt.Errorf("NULL where %s is wanted: scan into *any or a sql.Null", want)
	}
	return fmt.Errorf("%v (%T) where %s is wanted", value, value, want)
}
