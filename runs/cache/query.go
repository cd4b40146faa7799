package cache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Query is an SQL query whose result may be cached.
type Query struct {
	SQL    string
	Params []any
	// Tables are those that the result depends on; a change of one of them makes it invalid.
	Tables []string
}

// Rows are the rows of a result, each as one JSON value.
type Rows []json.RawMessage

// Queries caches the results of queries. Results beyond [ValueLimit] are kept in L1 alone.
type Queries struct{ cache *Cache }

// NewQueries returns results kept in a cache, which should hold nothing else.
func NewQueries(c *Cache) *Queries { return &Queries{cache: c} }

// Rows returns the result of a query, from the cache or from run, which is called once however many ask at a time. The
// rows belong to the cache and must not be changed.
func (q *Queries) Rows(ctx context.Context, query Query, run func(ctx context.Context) (Rows, error)) (Rows, error) {
	key, err := query.key()
	if err != nil {
		return nil, err
	}
	var fresh Rows
	hit, err := q.cache.GetOrLoad(ctx, key, func(ctx context.Context) ([]byte, bool, error) {
		rows, err := run(ctx)
		if err != nil {
			return nil, false, err
		}
		fresh = rows
		value, err := json.Marshal(slices.Concat(Rows{}, rows))
		return value, true, err
	})
	if err != nil || (hit.Level == Loaded && fresh != nil) {
		return fresh, err
	}
	var rows Rows
	if err := json.Unmarshal(hit.Value, &rows); err != nil {
		return nil, fmt.Errorf("cached result of %q: %w", query.SQL, err)
	}
	return rows, nil
}

// Changed drops the results that depend on any of the tables.
func (q *Queries) Changed(ctx context.Context, tables ...string) error {
	var failures []error
	for _, table := range tables {
		if err := checkTable(table); err != nil {
			failures = append(failures, err)
			continue
		}
		failures = append(failures, q.cache.Invalidate(ctx, "*,"+strings.ToLower(table)+",*"))
	}
	return errors.Join(failures...)
}

// ChangedLike drops the results that depend on any table whose name matches a pattern with *, such as run_12_*.
func (q *Queries) ChangedLike(ctx context.Context, pattern string) error {
	if err := checkTable(strings.ReplaceAll(pattern, "*", "x")); err != nil {
		return err
	}
	return q.cache.Invalidate(ctx, "*,"+strings.ToLower(pattern)+",*")
}

func checkTable(name string) error {
	if name == "" || strings.ContainsAny(name, ",*|\x00") {
		return fmt.Errorf("%q is not the name of a table", name)
	}
	return nil
}

// key is the tables, then a hash of the normalised SQL and the parameters with their types: ,a,b,|hash.
func (q Query) key() (string, error) {
	sum := sha256.New()
	sum.Write([]byte(Normalise(q.SQL))) // a hash takes everything
	for i, p := range q.Params {
		text, err := json.Marshal(p)
		if err != nil {
			return "", fmt.Errorf("parameter %d of %q: %w", i, q.SQL, err)
		}
		fmt.Fprintf(sum, "\x00%T:%d:%s", p, len(text), text)
	}
	tables := make([]string, len(q.Tables))
	for i, table := range q.Tables {
		if err := checkTable(table); err != nil {
			return "", err
		}
		tables[i] = strings.ToLower(table)
	}
	slices.Sort(tables)
	return "," + strings.Join(slices.Compact(tables), ",") + ",|" + hex.EncodeToString(sum.Sum(nil)), nil
}

// Normalise writes an SQL text in the one form that stands for all that differ from it only in how they are written:
//
//   - comments, blanks and line breaks are one blank, and none at the ends and beside ( ) and commas;
//   - the reserved words of SQL are in upper case;
//   - semicolons at the end are left out.
//
// Literals and quoted names stay as they are, and so do other names, though SQL does not tell their case apart, because
// the columns of a result are called as the query calls them.
func Normalise(sql string) string {
	var b bytes.Buffer
	gap := false
	emit := func(token string) {
		tight := token == "(" || token == ")" || token == "," || b.Len() == 0
		if last := b.Bytes(); gap && !tight && last[len(last)-1] != '(' && last[len(last)-1] != ')' && last[len(last)-1] != ',' {
			b.WriteByte(' ')
		}
		gap = false
		b.WriteString(token)
	}
	for sql != "" {
		token, space := nextToken(sql)
		sql = sql[len(token):]
		switch {
		case space:
			gap = true
		case reserved[strings.ToUpper(token)]:
			emit(strings.ToUpper(token))
		default:
			emit(token)
		}
	}
	return strings.TrimRight(b.String(), "; ")
}

// nextToken returns the first token of a text: a comment or white space (space), a literal, a quoted name, a word, or one
// character.
func nextToken(sql string) (token string, space bool) {
	until := func(end string, from int) string {
		if at := strings.Index(sql[from:], end); at >= 0 {
			return sql[:from+at+len(end)]
		}
		return sql // it is not closed
	}
	switch c := sql[0]; {
	case strings.ContainsRune(" \t\r\n\f", rune(c)):
		return sql[:len(sql)-len(strings.TrimLeft(sql, " \t\r\n\f"))], true
	case strings.HasPrefix(sql, "--"):
		return until("\n", 2), true
	case strings.HasPrefix(sql, "/*"):
		return until("*/", 2), true
	case c == '\'' || c == '"' || c == '`': // a doubled quote is two literals side by side, and stays as it is
		return until(sql[:1], 1), false
	case c == '[':
		return until("]", 1), false
	case wordByte(c):
		n := 1
		for n < len(sql) && wordByte(sql[n]) {
			n++
		}
		return sql[:n], false
	}
	return sql[:1], false
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// reserved are words that can only be themselves outside of quotes.
var reserved = words(`ADD ALL ALTER AND AS BETWEEN BY CASE CHECK COLLATE COMMIT CONSTRAINT CREATE CROSS DEFAULT DELETE DISTINCT
	DROP ELSE ESCAPE EXCEPT EXISTS FOREIGN FROM FULL GLOB GROUP HAVING IN INDEX INNER INSERT INTERSECT INTO IS ISNULL JOIN
	LEFT LIKE LIMIT NATURAL NOT NOTNULL NULL OFFSET ON OR ORDER OUTER OVER PRIMARY REFERENCES REGEXP RETURNING RIGHT SELECT
	SET TABLE THEN TO UNION UNIQUE UPDATE USING VALUES WHEN WHERE WITH`)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}
