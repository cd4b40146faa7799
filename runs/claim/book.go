package claim

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/runs/flight"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// Store is what a Book needs of the database.
type Store interface {
	Claim(ctx context.Context, write, read rqlite.Statement) (*rqlite.Rows, error)
}

// Config says where claims are written down.
type Config struct {
	Store Store
	// Table has the columns id and owner, both TEXT NOT NULL, and id as its key.
	Table string
	// Owner is a text that no other Book has, and that a Book which goes on with the work of an earlier one shares with it:
	// what that one got is then this one's.
	Owner string
	// Batch is how many ids are asked for at once at most. Default: 500.
	Batch int
}

// Book knows whose things are. It is safe for concurrent use.
type Book struct {
	config  Config
	asking  flight.Group[string, bool]
	carrier chan struct{} // holds a token while a batch is on its way
	batches atomic.Int64
	won     atomic.Int64

	mu      sync.Mutex
	settled map[string]bool // ids that are nobody's to create any more, as far as this process goes
	waiting []*question
}

// question is one id whose owner is asked for.
type question struct {
	id   string
	done chan struct{} // closed when what follows is set
	ours bool
	err  error
}

var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// New returns a Book.
func New(config Config) (*Book, error) {
	if !identifier.MatchString(config.Table) || config.Owner == "" || config.Store == nil || config.Batch < 0 {
		return nil, fmt.Errorf("claim: a store, the name of a table and an owner are wanted, got %q and %q", config.Table, config.Owner)
	}
	if config.Batch == 0 {
		config.Batch = 500
	}
	return &Book{config: config, carrier: make(chan struct{}, 1), settled: map[string]bool{}}, nil
}

// Claim reports whether the caller is the one to create the thing of that id. It says so to one caller, in whatever
// process, unless that one gives it back.
func (b *Book) Claim(ctx context.Context, id string) (mine bool, err error) {
	if !utf8.ValidString(id) { // it would spoil the batch it is in
		return false, fmt.Errorf("claim %q: %w: not UTF-8", id, rqlite.ErrRejected)
	}
	if b.known(id) {
		return false, nil
	}
	ours, err := b.asking.Do(ctx, id, func(ctx context.Context) (bool, error) { return b.ask(ctx, id) })
	if err != nil {
		return false, fmt.Errorf("claim %s: %w", id, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.settled[id] { // by another of those who waited for the answer
		return false, nil
	}
	b.settled[id] = true
	if ours {
		b.won.Add(1)
	}
	return ours, nil
}

// GiveBack is for whoever was to create something and could not: the next of this process who asks gets it.
func (b *Book) GiveBack(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.settled, id)
}

// Stats says how the claims went.
type Stats struct {
	flight.Stats       // of the claims that memory could not answer
	Won          int64 // claims that were granted
	Batches      int64 // requests to the store
}

// Stats returns the numbers so far.
func (b *Book) Stats() Stats {
	return Stats{Stats: b.asking.Stats(), Won: b.won.Load(), Batches: b.batches.Load()}
}

func (b *Book) known(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.settled[id]
}

// ask gets one answer from the store: with the batch that somebody carries there, or by carrying one.
func (b *Book) ask(ctx context.Context, id string) (bool, error) {
	q := &question{id: id, done: make(chan struct{})}
	b.mu.Lock()
	b.waiting = append(b.waiting, q)
	b.mu.Unlock()
	for {
		select {
		case <-q.done:
			return q.ours, q.err
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case b.carrier <- struct{}{}:
			err := b.carry(ctx)
			<-b.carrier
			if err != nil {
				return false, err
			}
		}
	}
}

// carry takes what waits to the store and answers it. An error is the end of ctx: what it had taken waits again.
func (b *Book) carry(ctx context.Context) error {
	b.mu.Lock()
	n := min(len(b.waiting), b.config.Batch)
	batch := b.waiting[:n:n]
	b.waiting = b.waiting[n:]
	b.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	owners, err := b.owners(ctx, batch)
	if err != nil && ctx.Err() != nil {
		b.mu.Lock()
		b.waiting = append(batch, b.waiting...)
		b.mu.Unlock()
		return context.Cause(ctx)
	}
	for _, q := range batch {
		owner, known := owners[q.id]
		q.ours, q.err = owner == b.config.Owner, err
		if err == nil && !known {
			q.err = errors.New("the store has not written it down")
		}
		close(q.done)
	}
	return nil
}

// owners writes down what is nobody's and reads whose each is, in one transaction that may be sent twice: what an attempt
// whose answer was lost has got is known by its owner.
func (b *Book) owners(ctx context.Context, batch []*question) (map[string]string, error) {
	ids := make([]string, len(batch))
	for i, q := range batch {
		ids[i] = q.id
	}
	list, err := rqlite.List(ids)
	if err != nil {
		return nil, err
	}
	owner, err := rqlite.List([]string{b.config.Owner})
	if err != nil {
		return nil, err
	}
	b.batches.Add(1)
	rows, err := b.config.Store.Claim(ctx,
		rqlite.Statement{
			SQL:  `INSERT INTO ` + b.config.Table + `(id,owner) SELECT value,?2->>0 FROM json_each(?1) WHERE true ON CONFLICT(id) DO NOTHING`,
			Args: []any{list, owner},
		},
		rqlite.Statement{
			SQL:  `SELECT id,owner FROM ` + b.config.Table + ` WHERE id IN (SELECT value FROM json_each(?))`,
			Args: []any{list},
		})
	if err != nil {
		return nil, err
	}
	owners := make(map[string]string, rows.Len())
	for rows.Next() {
		var id, of string
		if err := rows.Scan(&id, &of); err != nil {
			return nil, err
		}
		owners[id] = of
	}
	return owners, nil
}
