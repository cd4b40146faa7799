package compendium

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// Build is a new library in the making, of which nobody sees anything before it is published. It is used by one goroutine.
type Build struct {
	store      *Store
	generation int64
	token      string
	save       func(ctx context.Context, batch []item) error // one transaction

	batch     []item
	bytes     int
	stored    int64
	failed    map[core.SourceKind]int64
	silent    int // batches on end that the store did not answer for
	published bool
	over      bool
}

// item is an entity on its way to the store.
type item struct {
	of    core.SourceKind
	uid   string
	row   []any
	ids   [][]any
	bytes int
}

const (
	batchBytes = 128 << 10
	// mostSilent is how many batches on end may go unanswered: then the store is taken for gone.
	mostSilent = 3
)

var (
	itemRows = rqlite.Upsert{
		Table: "compendium_items", Key: []string{"generation", "uid"},
		Columns: []string{
			"generation", "uid", "kind", "slug", "name", "source", "scope", "native_id", "content_sha256", "entity", "entity_blob", "raw",
			"raw_blob", "namesake",
		},
		Long: []string{"entity", "raw"},
	}
	idRows = rqlite.Upsert{
		Table: "compendium_ids", Key: []string{"generation", "plugin", "native_id", "scope", "uid"},
		Columns: []string{"generation", "plugin", "native_id", "scope", "uid", "rank"},
	}
)

// Begin begins a new library. While another one is being built it waits, for as long as ctx lasts; one that nobody has worked
// on for half a minute was left behind, and is removed. The build has to be published or abandoned.
func (s *Store) Begin(ctx context.Context) (*Build, error) {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("begin a compendium: %w", context.Cause(ctx))
	}
	b, err := s.claim(ctx)
	if err != nil {
		<-s.turn
		return nil, fmt.Errorf("begin a compendium: %w", err)
	}
	if err := s.clean(ctx); err != nil {
		return nil, fmt.Errorf("begin a compendium: %w", errors.Join(err, b.Abandon(context.WithoutCancel(ctx))))
	}
	return b, nil
}

func (s *Store) claim(ctx context.Context) (*Build, error) {
	token := rand.Text()
	for {
		st, err := s.State(ctx)
		if err != nil {
			return nil, err
		}
		free := st.building == 0 || s.config.Alone || time.Since(time.UnixMilli(st.heartbeatMS)) > aliveFor
		if free {
			next := st.last + 1
			mine, err := s.take(ctx, st, next, token)
			if err != nil {
				return nil, err
			}
			if mine {
				b := &Build{store: s, generation: next, token: token, failed: map[core.SourceKind]int64{}}
				b.save = b.apply
				return b, nil
			}
		}
		pause := time.NewTimer(askAgain)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return nil, fmt.Errorf("another one is being built: %w", context.Cause(ctx))
		}
	}
}

// take claims a generation, if nothing has changed since it was seen. That it was us is known by the token.
func (s *Store) take(ctx context.Context, seen State, next int64, token string) (bool, error) {
	rows, err := s.config.Client.Claim(ctx, rqlite.Statement{
		SQL: claimTurn, Args: []any{next, token, time.Now().UnixMilli(), seen.last, seen.building, seen.heartbeatMS},
	}, rqlite.Statement{SQL: selectOwner})
	if err != nil || !rows.Next() {
		return false, err
	}
	var owner string
	var building int64
	err = rows.Scan(&owner, &building)
	return owner == token && building == next, err
}

// Put queues an entity, what it is called, and the native ids that lead to it. It keeps nothing of e. What cannot be stored is counted; an error
// says that the library cannot be made.
func (b *Build) Put(ctx context.Context, e *core.Entity, name core.Namesake, ids []core.CompendiumID) error {
	bare := *e
	bare.Raw = nil
	body, err := encoded(&bare)
	if err != nil {
		return fmt.Errorf("put %s into the compendium: %w", e.UID, err)
	}
	entity, entityBlob, err := b.store.config.Bodies.Store(ctx, b.generation, body)
	if err != nil {
		return fmt.Errorf("put %s into the compendium: %w", e.UID, err)
	}
	raw, rawBlob, err := b.store.config.Bodies.Store(ctx, b.generation, e.Raw)
	if err != nil {
		return fmt.Errorf("put %s into the compendium: %w", e.UID, err)
	}
	i := item{of: core.SourceKind{Source: e.Source.Name, Kind: e.Kind}, uid: e.UID}
	i.row = []any{
		b.generation, e.UID, e.Kind, e.Slug, e.Name, e.Source.Name, e.Source.Scope, e.Source.NativeID, e.ContentSHA256,
		entity, entityBlob, raw, rawBlob, called(name),
	}
	i.bytes = rqlite.Size(i.row)
	for _, id := range ids {
		row := []any{b.generation, id.Plugin, id.NativeID, id.Scope, e.UID, id.Rank}
		i.ids = append(i.ids, row)
		i.bytes += rqlite.Size(row)
	}
	if len(b.batch) > 0 && b.bytes+i.bytes > batchBytes {
		if err := b.flush(ctx); err != nil {
			return err
		}
	}
	b.batch = append(b.batch, i)
	b.bytes += i.bytes
	if len(b.batch) >= b.store.config.BatchRows {
		return b.flush(ctx)
	}
	return nil
}

// called is what a row has of what its item is called; nil: too little is known.
func called(n core.Namesake) any {
	if n == (core.Namesake{}) {
		return nil
	}
	return textOf(n)
}

func textOf(n core.Namesake) string { return n.Slug + " " + n.System + " " + n.Edition } // slugs have no blanks

// Flush stores what was put, and returns how many entities could not be stored.
func (b *Build) Flush(ctx context.Context) (failed map[core.SourceKind]int64, err error) {
	err = b.flush(ctx)
	return b.failed, err
}

func (b *Build) flush(ctx context.Context) error {
	batch := b.batch
	b.batch, b.bytes = nil, 0
	if len(batch) == 0 {
		return nil
	}
	return b.keep(ctx, batch)
}

// keep stores a batch. One that fails is tried once more at once; what is refused then is halved until the item is found that
// is to blame. What fails for good is logged and counted, and the rest goes on.
func (b *Build) keep(ctx context.Context, batch []item) error {
	err := b.save(ctx, batch)
	if err != nil && !b.final(ctx, err) {
		err = b.save(ctx, batch)
	}
	switch {
	case err == nil:
		b.silent = 0
		b.stored += int64(len(batch))
		return nil
	case b.final(ctx, err):
		return fmt.Errorf("build the compendium: %w", err)
	case refused(err):
		b.silent = 0
		if half := len(batch) / 2; half > 0 {
			if err := b.keep(ctx, batch[:half]); err != nil {
				return err
			}
			return b.keep(ctx, batch[half:])
		}
	default:
		b.silent++
	}
	b.store.config.Log.Error("compendium_batch_failed", "items", len(batch), "item", batch[0].uid, "error", err)
	for _, i := range batch {
		b.failed[i.of]++
	}
	if b.silent >= mostSilent {
		return fmt.Errorf("build the compendium: %d batches on end were not stored: %w", b.silent, err)
	}
	return nil
}

func (b *Build) final(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, ErrOvertaken)
}

func refused(err error) bool {
	_, final := errors.AsType[*rqlite.StatementError](err)
	return final || errors.Is(err, rqlite.ErrRejected)
}

// apply stores a batch in one transaction, with a sign of life.
func (b *Build) apply(ctx context.Context, batch []item) error {
	items := make([][]any, len(batch))
	var ids [][]any
	for n, i := range batch {
		items[n] = i.row
		ids = append(ids, i.ids...)
	}
	statements := []rqlite.Statement{{SQL: beat, Args: []any{time.Now().UnixMilli(), b.token, b.generation}}}
	insert, err := itemRows.Statement(items)
	if err != nil {
		return err
	}
	statements = append(statements, insert)
	if len(ids) > 0 {
		if insert, err = idRows.Statement(ids); err != nil {
			return err
		}
		statements = append(statements, insert)
	}
	results, err := b.store.config.Client.Apply(ctx, statements...)
	if err == nil && results[0].RowsAffected == 0 {
		return ErrOvertaken
	}
	return err
}

// Publish makes this the library, for all who look something up from then on, and removes the one before. What remains of
// that because it could not be removed goes with the next build.
func (b *Build) Publish(ctx context.Context) error {
	if err := b.flush(ctx); err != nil {
		return err
	}
	s := b.store
	rows, err := s.config.Client.Claim(ctx, rqlite.Statement{
		SQL: publish, Args: []any{b.generation, b.stored, time.Now().UnixMilli(), b.token},
	}, rqlite.Statement{SQL: selectLive})
	var live int64
	var token string
	if err == nil && rows.Next() {
		err = rows.Scan(&live, &token)
	}
	switch {
	case err != nil:
		return fmt.Errorf("publish the compendium: %w", err)
	case live != b.generation || token != b.token:
		return fmt.Errorf("publish the compendium: %w", ErrOvertaken)
	}
	b.published = true
	s.live.Store(live)
	b.end()
	if err := s.clean(ctx); err != nil {
		s.config.Log.Warn("old_compendium_not_removed", "error", err)
	}
	return nil
}

// end lets the next build of this process begin.
func (b *Build) end() {
	if !b.over {
		b.over = true
		<-b.store.turn
	}
}

// Abandon removes what was stored, unless it was published.
func (b *Build) Abandon(ctx context.Context) error {
	if b.published || b.over {
		return nil
	}
	defer b.end()
	ctx, cancel := context.WithTimeout(ctx, abandonLimit)
	defer cancel()
	if _, err := b.store.config.Client.Apply(ctx, rqlite.Statement{SQL: release, Args: []any{b.token, b.generation}}); err != nil {
		return fmt.Errorf("give up a compendium: %w", err)
	}
	if err := b.store.clean(ctx); err != nil {
		return fmt.Errorf("give up a compendium: %w", err)
	}
	return nil
}

// abandonLimit is how long that may take: the next build does it else.
const abandonLimit = 5 * time.Second

// encoded returns the JSON form of value without the escapes that only HTML needs.
func encoded(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
