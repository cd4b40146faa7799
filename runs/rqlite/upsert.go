package rqlite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Upsert writes many rows of one table as one statement with one parameter: the rows as a JSON array. That is the
// fastest form the database has (40 to 100 rows, at most 128 KB, are best), content stays content whatever it looks
// like, and sending it twice changes nothing.
//
// Of two rows with the same key the later one wins.
type Upsert struct {
	Table   string
	Key     []string // the columns of the primary key or of another unique index
	Columns []string // all columns written, the key among them, in the order of a row's values
	// Update are the columns that a row which is there already takes over. Default: all but the key; with none left,
	// the row stays as it is.
	Update []string
	// Where is SQL that must hold for a row which is there already to be changed, about the old values as table.column
	// and the new ones as excluded.column. Default: none.
	//
	// A row written more than once needs it, because a write that was given up and sent again may arrive a second
	// time later: "excluded.version > items.version".
	Where string
}

// RowError says which row cannot be stored.
type RowError struct {
	Index int // from 0
	Err   error
}

// Error names the row and says why.
func (e *RowError) Error() string { return fmt.Sprintf("row %d: %v", e.Index, e.Err) }

// Unwrap returns why.
func (e *RowError) Unwrap() error { return e.Err }

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Statement returns the statement that writes rows, or an error that is [ErrRejected], with a [RowError] in it where
// one row is to blame.
//
// Values are nil, bool (stored as 0 or 1), string, integers and floats. JSON that must keep its spelling goes in as a
// string.
func (u Upsert) Statement(rows [][]any) (Statement, error) {
	text, err := u.text()
	if err != nil {
		return Statement{}, fmt.Errorf("%w: upsert into %s: %w", ErrRejected, u.Table, err)
	}
	if len(rows) == 0 {
		return Statement{}, fmt.Errorf("%w: upsert into %s: no rows", ErrRejected, u.Table)
	}
	encoder := newEncoder()
	encoder.buffer.WriteByte('[')
	for i, row := range rows {
		if i > 0 {
			encoder.buffer.WriteByte(',')
		}
		if len(row) != len(u.Columns) {
			err = fmt.Errorf("%d values for %d columns", len(row), len(u.Columns))
		} else {
			err = encoder.list(row)
		}
		if err != nil {
			return Statement{}, fmt.Errorf("%w: upsert into %s: %w", ErrRejected, u.Table, &RowError{Index: i, Err: err})
		}
	}
	encoder.buffer.WriteByte(']')
	return Statement{SQL: text, Args: []any{encoder.buffer.String()}}, nil
}

// text writes the SQL without a blank too many: from 1,024 bytes on the node compresses each statement of the log,
// which halves its speed.
func (u Upsert) text() (string, error) {
	if len(u.Key) == 0 || len(u.Columns) == 0 {
		return "", errors.New("no key or no columns")
	}
	updated := u.Update
	known := make(map[string]bool, len(u.Columns))
	for _, column := range u.Columns {
		if known[column] {
			return "", fmt.Errorf("column %q twice", column)
		}
		known[column] = true
	}
	isKey := make(map[string]bool, len(u.Key))
	for _, column := range u.Key {
		isKey[column] = true
	}
	for _, name := range append(append([]string{u.Table}, u.Columns...), u.Key...) {
		if !identifier.MatchString(name) {
			return "", fmt.Errorf("%q is not a name", name)
		}
	}
	for _, column := range append(append([]string{}, u.Key...), u.Update...) {
		if !known[column] {
			return "", fmt.Errorf("column %q is not among those written", column)
		}
	}
	if updated == nil {
		for _, column := range u.Columns {
			if !isKey[column] {
				updated = append(updated, column)
			}
		}
	}
	return u.assemble(updated), nil
}

func (u Upsert) assemble(updated []string) string {
	var b strings.Builder
	// A row is made once, in SQLite's own form of JSON. Asked of json_each itself, each column would write the whole row as
	// text once more, and read it again: with fourteen columns that is two fifths of the time SQLite takes.
	const rows = "WITH json_rows AS MATERIALIZED(SELECT jsonb(value)v FROM json_each(?))"
	fmt.Fprintf(&b, "INSERT INTO %s(%s)%sSELECT ", quoted(u.Table), quoted(u.Columns...), rows)
	for i := range u.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "v->>%d", i)
	}
	// Without WHERE, ON would be read as the condition of a join.
	fmt.Fprintf(&b, " FROM json_rows WHERE true ON CONFLICT(%s)DO ", quoted(u.Key...))
	if len(updated) == 0 {
		b.WriteString("NOTHING")
		return b.String()
	}
	b.WriteString("UPDATE SET ")
	for i, column := range updated {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s=excluded.%[1]s", quoted(column))
	}
	if u.Where != "" {
		b.WriteString(" WHERE " + u.Where)
	}
	return b.String()
}

func quoted(names ...string) string {
	return `"` + strings.Join(names, `","`) + `"`
}

// Size estimates, from below, how many bytes the row takes in a request, for bounding a batch before it is made.
func Size(row []any) int {
	const number = 8
	size := 2
	for _, value := range row {
		switch v := value.(type) {
		case string:
			size += len(v) + 3
		default:
			size += number
		}
	}
	return size
}

// List returns values as a JSON array, the one safe way to pass text that somebody else wrote, and the fast way to ask
// for many keys:
//
//	SELECT … WHERE id IN (SELECT value FROM json_each(?))
//	UPDATE … SET name = ? ->> 0 WHERE …
func List[T any](values []T) (string, error) {
	row := make([]any, len(values))
	for i, value := range values {
		row[i] = value
	}
	encoder := newEncoder()
	if err := encoder.list(row); err != nil {
		return "", fmt.Errorf("%w: list: %w", ErrRejected, err)
	}
	return encoder.buffer.String(), nil
}

// encoder writes JSON without the escapes that only HTML needs.
type encoder struct {
	buffer *bytes.Buffer
	json   *json.Encoder
}

func newEncoder() encoder {
	buffer := new(bytes.Buffer)
	enc := json.NewEncoder(buffer)
	enc.SetEscapeHTML(false)
	return encoder{buffer: buffer, json: enc}
}

func (e encoder) list(values []any) error {
	e.buffer.WriteByte('[')
	for i, value := range values {
		if i > 0 {
			e.buffer.WriteByte(',')
		}
		if err := e.value(value); err != nil {
			return fmt.Errorf("value %d: %w", i, err)
		}
	}
	e.buffer.WriteByte(']')
	return nil
}

func (e encoder) value(value any) error {
	if text, ok := value.(string); ok {
		if !utf8.ValidString(text) {
			return errors.New("text is not UTF-8")
		}
	} else {
		plain, err := parameter(value)
		if err != nil {
			return err
		}
		value = plain
	}
	if err := e.json.Encode(value); err != nil {
		return err
	}
	e.buffer.Truncate(e.buffer.Len() - 1) // the encoder ends each value with a line break
	return nil
}
