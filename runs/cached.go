package runs

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// cacheRows are the second level of all caches: rows of the table cache_entries.
type cacheRows struct{ client *rqlite.Client }

var _ cache.Table = cacheRows{}

var cacheEntries = rqlite.Upsert{
	Table: "cache_entries", Key: []string{"cache", "key"},
	Columns: []string{"cache", "key", "writer", "rev", "expires_ms", "absent", "checksum", "form", "value"},
	Long:    []string{"value"},
	Where:   "excluded.writer<>cache_entries.writer OR excluded.rev>cache_entries.rev",
}

// The forms of a value: text as it is, or bytes that are no text in base64.
const (
	formText  = 0
	formBytes = 1
)

const cacheColumns = `key,writer,rev,expires_ms,absent,checksum,form,value`

// SQL of the caches; what is in the values comes from third parties and is passed as JSON.
const (
	findEntries = `SELECT ` + cacheColumns + ` FROM cache_entries WHERE cache=?1->>0 AND key IN (SELECT value FROM json_each(?2)) ` +
		`AND expires_ms>?3`
	scanEntries = `SELECT ` + cacheColumns + ` FROM cache_entries WHERE cache=?1->>0 AND key>=?1->>1 AND key>?1->>2 AND ` +
		`expires_ms>?2 ORDER BY key LIMIT ?3`
	scanEntriesBelow = `SELECT ` + cacheColumns + ` FROM cache_entries WHERE cache=?1->>0 AND key>=?1->>1 AND key>?1->>2 AND ` +
		`key<?1->>3 AND expires_ms>?2 ORDER BY key LIMIT ?3`
	deleteEntries = `DELETE FROM cache_entries WHERE cache=?1->>0 AND key>=?1->>1 AND key GLOB ?1->>2 AND ` +
		`(writer<>?1->>3 OR rev<?2)`
	deleteEntriesBelow = `DELETE FROM cache_entries WHERE cache=?1->>0 AND key>=?1->>1 AND key<?1->>4 AND key GLOB ?1->>2 AND ` +
		`(writer<>?1->>3 OR rev<?2)`
	purgeEntries = `DELETE FROM cache_entries WHERE (cache,key) IN (SELECT cache,key FROM cache_entries WHERE expires_ms<=? ` +
		`ORDER BY expires_ms,cache,key LIMIT ?)`
)

// Find implements [cache.Table].
func (c cacheRows) Find(ctx context.Context, name string, keys []string, nowMS int64) ([]cache.Row, error) {
	of, err := rqlite.List([]string{name})
	if err != nil {
		return nil, err
	}
	list, err := rqlite.List(keys)
	if err != nil {
		return nil, err
	}
	return c.query(ctx, rqlite.Statement{SQL: findEntries, Args: []any{of, list, nowMS}})
}

// Scan implements [cache.Table].
func (c cacheRows) Scan(ctx context.Context, name, prefix, after string, nowMS int64, limit int) ([]cache.Row, error) {
	text, bounds := scanEntries, []string{name, prefix, after}
	if end := cache.After(prefix); end != "" {
		text, bounds = scanEntriesBelow, append(bounds, end)
	}
	list, err := rqlite.List(bounds)
	if err != nil {
		return nil, err
	}
	return c.query(ctx, rqlite.Statement{SQL: text, Args: []any{list, nowMS, limit}})
}

func (c cacheRows) query(ctx context.Context, statement rqlite.Statement) ([]cache.Row, error) {
	rows, err := c.client.Query(ctx, statement)
	if err != nil {
		return nil, err
	}
	found := make([]cache.Row, rows.Len())
	for i := range found {
		var form int
		var value string
		r := &found[i]
		rows.Next()
		if err := rows.Scan(&r.Key, &r.Writer, &r.Rev, &r.ExpiresMS, &r.Absent, &r.Checksum, &form, &value); err != nil {
			return nil, err
		}
		r.Value = []byte(value)
		if form == formBytes {
			if r.Value, err = base64.StdEncoding.DecodeString(value); err != nil {
				r.Checksum = "" // what is no base64 is damaged
			}
		}
	}
	return found, nil
}

// Write implements [cache.Table].
func (c cacheRows) Write(ctx context.Context, name string, deletions []cache.Deletion, rows []cache.Row) error {
	var statements []rqlite.Statement
	for _, d := range deletions {
		statement, err := deletion(name, d)
		if err != nil {
			return refusal(err)
		}
		statements = append(statements, statement)
	}
	if len(rows) > 0 {
		values := make([][]any, len(rows))
		for i, r := range rows {
			form, value := formOf(r.Value)
			values[i] = []any{name, r.Key, r.Writer, r.Rev, r.ExpiresMS, r.Absent, r.Checksum, form, value}
		}
		statement, err := cacheEntries.Statement(values)
		if err != nil {
			return refusal(err)
		}
		statements = append(statements, statement)
	}
	if len(statements) == 0 {
		return nil
	}
	_, err := c.client.Apply(ctx, statements...)
	return refusal(err)
}

func deletion(name string, d cache.Deletion) (rqlite.Statement, error) {
	text, values := deleteEntries, []string{name, d.Match.Prefix(), d.Match.Glob(), d.Writer}
	if end := cache.After(d.Match.Prefix()); end != "" {
		text, values = deleteEntriesBelow, append(values, end)
	}
	list, err := rqlite.List(values)
	return rqlite.Statement{SQL: text, Args: []any{list, d.Rev}}, err
}

func formOf(value []byte) (form int, text string) {
	if text = string(value); utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return formText, text
	}
	return formBytes, base64.StdEncoding.EncodeToString(value)
}

// refusal says in the words of package cache that trying again is of no use.
func refusal(err error) error {
	if _, final := errors.AsType[*rqlite.StatementError](err); final || errors.Is(err, rqlite.ErrRejected) {
		return fmt.Errorf("%w: %w", cache.ErrRefused, err)
	}
	return err
}

// Purge implements [cache.Table].
func (c cacheRows) Purge(ctx context.Context, nowMS int64, limit int) (int, error) {
	results, err := c.client.Apply(ctx, rqlite.Statement{SQL: purgeEntries, Args: []any{nowMS, limit}})
	if err != nil {
		return 0, err
	}
	return int(results[0].RowsAffected), nil
}

const (
	warmPictures = 10_000
	purgeMost    = 20_000 // rows at the start of a run; what is more waits for the next one
	prepareLimit = 10 * time.Second
)

// prepare makes the caches ready for a run while it begins: what earlier runs knew comes to memory, and what has expired
// goes. Both may fail, and the run is only slower for it.
func (l *Library) prepare(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, prepareLimit)
	defer cancel()
	if _, err := l.pictures.Warm(ctx, "", warmPictures); err != nil && ctx.Err() == nil {
		l.config.Log.Warn("cache_not_warmed", "error", err)
	}
	if _, err := l.pictures.Purge(ctx, purgeMost); err != nil && ctx.Err() == nil {
		l.config.Log.Warn("cache_not_purged", "error", err)
	}
}
