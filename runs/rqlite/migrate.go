package rqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrNewer says that a newer program has changed the database in a way this one does not know.
var ErrNewer = errors.New("the store was changed by a newer version of the program")

// ErrChanged says that a step which the database has taken is not the one that the program knows by that number.
var ErrChanged = errors.New("the store's schema is not the one this program made")

// Migration is one step of the schema. Once released it is never edited. Tables in it are STRICT, since other types
// than INTEGER, REAL, TEXT and BLOB do not come back as they went in.
type Migration struct {
	Version    int      // from 1, without gaps
	Statements []string // carried out in one transaction
}

// MigrationsTable makes the table of the steps taken.
const MigrationsTable = `CREATE TABLE IF NOT EXISTS schema_migrations(version INTEGER PRIMARY KEY, checksum TEXT NOT NULL, ` +
	`applied_ms INTEGER NOT NULL) STRICT`

const (
	migrationInsert = `INSERT INTO schema_migrations(version, checksum, applied_ms) VALUES(?, ?, ?)`
	migrationSelect = `SELECT version, checksum FROM schema_migrations ORDER BY version`
)

// Migrate takes the steps that the database has not taken yet, each as a whole or not at all. Several programs may do
// so at the same time: each step is taken once. A database with unknown or other steps is left alone ([ErrNewer],
// [ErrChanged]).
func Migrate(ctx context.Context, c *Client, steps []Migration) error {
	for i, step := range steps {
		if step.Version != i+1 || len(step.Statements) == 0 {
			return fmt.Errorf("migrate the store: %w: step %d must have version %d and statements", ErrRejected, i, i+1)
		}
	}
	if _, err := c.Apply(ctx, Statement{SQL: MigrationsTable}); err != nil {
		return fmt.Errorf("migrate the store: %w", err)
	}
	taken, err := stepsTaken(ctx, c, steps)
	if err != nil {
		return fmt.Errorf("migrate the store: %w", err)
	}
	for _, step := range steps[taken:] {
		if err := take(ctx, c, step); err != nil {
			return fmt.Errorf("migrate the store to version %d: %w", step.Version, err)
		}
	}
	if taken == len(steps) {
		return nil
	}
	if _, err := stepsTaken(ctx, c, steps); err != nil { // another program may have been the one that took them
		return fmt.Errorf("migrate the store: %w", err)
	}
	return nil
}

// CheckSchema returns [ErrNewer] or [ErrChanged] when the steps that the database has taken are not the program's. It
// changes nothing; steps may be missing.
func CheckSchema(ctx context.Context, c *Client, steps []Migration) error {
	_, err := stepsTaken(ctx, c, steps)
	if failure, ok := errors.AsType[*StatementError](err); ok && strings.Contains(failure.Message, "no such table") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at the schema of the store: %w", err)
	}
	return nil
}

// SchemaVersion returns how many steps the database has taken, whoever knows them.
func SchemaVersion(ctx context.Context, c *Client) (int, error) {
	rows, err := c.QueryLinear(ctx, Statement{SQL: `SELECT COALESCE(MAX(version),0) FROM schema_migrations`})
	if failure, ok := errors.AsType[*StatementError](err); ok && strings.Contains(failure.Message, "no such table") {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at the schema of the store: %w", err)
	}
	var version int
	if rows.Next() {
		err = rows.Scan(&version)
	}
	return version, err
}

// take takes one step. That it has been taken meanwhile, perhaps by an attempt of our own whose answer was lost, is
// told by its number, which comes first.
func take(ctx context.Context, c *Client, step Migration) error {
	statements := []Statement{{SQL: migrationInsert, Args: []any{step.Version, step.checksum(), time.Now().UnixMilli()}}}
	for _, text := range step.Statements {
		statements = append(statements, Statement{SQL: text})
	}
	_, err := c.Apply(ctx, statements...)
	if failure, ok := errors.AsType[*StatementError](err); ok && failure.Index == 0 && failure.Duplicate() {
		return nil
	}
	return err
}

// stepsTaken returns how many steps the database has taken, having checked that they are ours.
func stepsTaken(ctx context.Context, c *Client, steps []Migration) (int, error) {
	rows, err := c.QueryLinear(ctx, Statement{SQL: migrationSelect})
	if err != nil {
		return 0, err
	}
	count := 0
	for rows.Next() {
		var (
			version  int
			checksum string
		)
		if err := rows.Scan(&version, &checksum); err != nil {
			return 0, err
		}
		count++
		switch {
		case version > len(steps):
			return 0, fmt.Errorf("%w: it is at version %d or later, this program knows %d: update the program, or give it another store",
				ErrNewer, version, len(steps))
		case version != count:
			return 0, fmt.Errorf("%w: step %d is missing: give the program another store", ErrChanged, count)
		case checksum != steps[version-1].checksum():
			return 0, fmt.Errorf("%w: step %d differs: use the version that made it, or give the program another store",
				ErrChanged, version)
		}
	}
	return count, nil
}

func (m Migration) checksum() string {
	sum := sha256.New()
	for _, text := range m.Statements {
		sum.Write(fmt.Appendf(nil, "%d:%s\n", len(text), text)) // a hash takes everything
	}
	return hex.EncodeToString(sum.Sum(nil))
}
