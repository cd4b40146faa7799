package rqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Upsert writes many rows of one table as one statement with one parameter: the rows as a JSON array. That is the
// fastest form the database has (40 to 100 rows, at most 192 KB, are best), content stays content whatever it looks
// like, and sending it twice changes nothing. Long texts stand in a second parameter, one behind the other.
//
// Of two rows with the same key the later one wins.
type Upsert struct {
	Table   string
	Key     []string // the columns of the primary key or of another unique index
	Columns []string // all columns written, the key among them, in the order of a row's values
	// Long are columns with texts, or nil, that are long: beside the JSON they are not read as JSON within JSON, whose
	// quotation marks are escaped twice. They are parted by places in bytes. Default: none.
	Long []string
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
	size := 0
	for _, row := range rows {
		size += Size(row)
	}
	written := batch{long: u.isLong()}
	if len(u.Long) > 0 {
		written.texts = append(make([]byte, 0, size), textsMark)
	} else {
		written.rows = make([]byte, 0, size+size/8)
	}
	for i, row := range rows {
		if len(row) != len(u.Columns) {
			err = fmt.Errorf("%d values for %d columns", len(row), len(u.Columns))
		} else {
			err = written.add(row)
		}
		if err != nil {
			return Statement{}, fmt.Errorf("%w: upsert into %s: %w", ErrRejected, u.Table, &RowError{Index: i, Err: err})
		}
	}
	return Statement{SQL: text, Args: written.parameters()}, nil
}

// isLong says which columns are long, and nothing when none is.
func (u Upsert) isLong() []bool {
	if len(u.Long) == 0 {
		return nil
	}
	long := make([]bool, len(u.Columns))
	for i, column := range u.Columns {
		long[i] = slices.Contains(u.Long, column)
	}
	return long
}

// batch is rows in the form in which they are sent: in place of a long text stand where it begins and how long it is.
type batch struct {
	long  []bool // columns; nil: none
	rows  []byte // JSON without its end
	texts []byte
}

// textsMark begins the long texts, so that all of them are never taken for bytes (x'41').
const textsMark = '-'

func (b *batch) add(row []any) (err error) {
	if len(b.rows) == 0 {
		b.rows = append(b.rows, '[')
	} else {
		b.rows = append(b.rows, ',')
	}
	if b.long == nil {
		b.rows, err = appendList(b.rows, row)
		return err
	}
	b.rows = append(b.rows, '[')
	for i, value := range row {
		if i > 0 {
			b.rows = append(b.rows, ',')
		}
		if b.long[i] {
			err = b.addLong(value)
		} else {
			b.rows, err = appendValue(b.rows, value)
		}
		if err != nil {
			return fmt.Errorf("value %d: %w", i, err)
		}
	}
	b.rows = append(b.rows, ']')
	return nil
}

func (b *batch) addLong(value any) error {
	text, ok := value.(string)
	switch {
	case value == nil:
		b.rows = append(b.rows, "null,null"...)
		return nil
	case !ok:
		return fmt.Errorf("a %T in a column of long texts", value)
	case !utf8.ValidString(text):
		return errNotUTF8
	}
	b.rows = strconv.AppendInt(b.rows, int64(len(b.texts))+1, 10) // SQL counts from 1
	b.rows = append(b.rows, ',')
	b.rows = strconv.AppendInt(b.rows, int64(len(text)), 10)
	b.texts = append(b.texts, text...)
	return nil
}

func (b *batch) parameters() []any {
	list := []any{string(append(b.rows, ']'))}
	if b.long != nil {
		list = append(list, string(b.texts))
	}
	return list
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
	for _, column := range slices.Concat(u.Key, u.Update, u.Long) {
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
	const rows = "WITH json_rows AS MATERIALIZED(SELECT jsonb(value)v FROM json_each(?1))"
	fmt.Fprintf(&b, "INSERT INTO %s(%s)%sSELECT ", quoted(u.Table), quoted(u.Columns...), rows)
	long := u.isLong()
	next := 0 // place in a row's JSON
	for i := range u.Columns {
		if i > 0 {
			b.WriteByte(',')
		}
		if long != nil && long[i] {
			// Of a text SQLite would count the characters from its beginning, again for each piece. As bytes it is made once.
			fmt.Fprintf(&b, "CAST(substr(CAST(?2 AS BLOB),v->>%d,v->>%d)AS TEXT)", next, next+1)
			next += 2
			continue
		}
		fmt.Fprintf(&b, "v->>%d", next)
		next++
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
	text, err := appendList(nil, row)
	if err != nil {
		return "", fmt.Errorf("%w: list: %w", ErrRejected, err)
	}
	return string(text), nil
}

var errNotUTF8 = errors.New("text is not UTF-8")

// appendList appends values as a JSON array.
func appendList(b []byte, values []any) (_ []byte, err error) {
	b = append(b, '[')
	for i, value := range values {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = appendValue(b, value); err != nil {
			return nil, fmt.Errorf("value %d: %w", i, err)
		}
	}
	return append(b, ']'), nil
}

// appendValue appends the JSON of a value. Of a batch's values most are texts and integers, which are told apart without
// reflection.
func appendValue(b []byte, value any) ([]byte, error) {
	switch v := value.(type) {
	case string:
		return appendText(b, v)
	case nil:
		return append(b, "null"...), nil
	case int:
		return strconv.AppendInt(b, int64(v), 10), nil
	case int64:
		return strconv.AppendInt(b, v, 10), nil
	}
	plain, err := parameter(value)
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(plain)
	return append(b, text...), err
}

// appendText appends a text with no more escapes than JSON asks for.
func appendText(b []byte, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	b = append(b, '"')
	from := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		b = append(b, text[from:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, `\n`...)
		default:
			b = fmt.Appendf(b, `\u%04x`, c)
		}
		from = i + 1
	}
	return append(append(b, text[from:]...), '"'), nil
}
