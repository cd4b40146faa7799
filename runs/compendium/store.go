package compendium

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// Client is what the store is asked through.
type Client interface {
	Apply(ctx context.Context, statements ...rqlite.Statement) ([]rqlite.Result, error)
	Query(ctx context.Context, statement rqlite.Statement) (*rqlite.Rows, error)
	QueryLinear(ctx context.Context, statement rqlite.Statement) (*rqlite.Rows, error)
	Claim(ctx context.Context, write, read rqlite.Statement) (*rqlite.Rows, error)
}

// Bodies keeps what rows hold of entities.
type Bodies interface {
	// Store returns a body as the value of its column or, when it is large, the name of the file that it is in.
	Store(ctx context.Context, generation int64, body []byte) (inline, name any, err error)
	Load(ctx context.Context, generation int64, inline, name string) ([]byte, error)
	// Sweep removes the files of all generations that are not to be kept.
	Sweep(ctx context.Context, keep func(generation int64) bool) error
}

// Config says where the library is.
type Config struct {
	Client Client
	Bodies Bodies
	// Alone says that no other process has the database: builds that it knows of and this process does not have ended.
	Alone bool
	// BatchRows is how many items are stored at once at most. Default: 100.
	BatchRows int
	// Log gets what goes wrong without ending a build. Default: nothing is logged.
	Log *slog.Logger
}

// Store is the library in the database. It is safe for concurrent use.
type Store struct {
	config Config
	live   atomic.Int64  // the generation that lookups were last answered from
	turn   chan struct{} // holds a token while this process builds
}

// New returns the library.
func New(config Config) *Store {
	if config.BatchRows == 0 {
		config.BatchRows = 100
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Store{config: config, turn: make(chan struct{}, 1)}
}

// ErrOvertaken says that another build took this one for dead, because it had stood still for long, and goes on in its place.
var ErrOvertaken = errors.New("another build of the compendium has taken over; the one that is published last counts")

const (
	aliveFor   = 30 * time.Second // a build whose last batch is older is dead
	askAgain   = 250 * time.Millisecond
	removeRows = 500 // by one statement
)

// The SQL about the one row that says which generation is the library, and which one is being built.
const (
	selectState = `SELECT generation,items,built_ms,building,last,heartbeat_ms FROM compendium WHERE id=1`
	claimTurn   = `UPDATE compendium SET building=?1,last=?1,token=?2,heartbeat_ms=?3 WHERE id=1 AND last=?4 AND building=?5 AND ` +
		`heartbeat_ms=?6`
	selectOwner = `SELECT token,building FROM compendium WHERE id=1`
	beat        = `UPDATE compendium SET heartbeat_ms=?1 WHERE id=1 AND token=?2 AND building=?3`
	publish     = `UPDATE compendium SET generation=?1,items=?2,built_ms=?3,building=0 WHERE id=1 AND token=?4 AND building=?1`
	selectLive  = `SELECT generation,token FROM compendium WHERE id=1`
	release     = `UPDATE compendium SET building=0 WHERE id=1 AND token=?1 AND building=?2`
)

// State says what the library is.
type State struct {
	Generation int64 // 0: it was never built
	Items      int64
	BuiltMS    int64

	building, last, heartbeatMS int64
}

// State reads what the library is.
func (s *Store) State(ctx context.Context) (State, error) {
	var st State
	rows, err := s.config.Client.QueryLinear(ctx, rqlite.Statement{SQL: selectState})
	if err == nil && !rows.Next() {
		err = errors.New("its row is gone")
	}
	if err == nil {
		err = rows.Scan(&st.Generation, &st.Items, &st.BuiltMS, &st.building, &st.last, &st.heartbeatMS)
	}
	if err != nil {
		return State{}, fmt.Errorf("look at the compendium: %w", err)
	}
	return st, nil
}

// clean removes the rows of all generations but the library and the one being built, a bounded number at a time. A
// statement makes sure itself that what it removes is neither.
func (s *Store) clean(ctx context.Context) error {
	st, err := s.State(ctx)
	if err != nil {
		return err
	}
	for _, t := range []struct{ table, key string }{{"compendium_items", "uid"}, {"compendium_ids", "plugin,native_id,scope,uid"}} {
		for g := int64(-1); ; {
			rows, err := s.config.Client.QueryLinear(ctx, rqlite.Statement{
				SQL: `SELECT generation FROM ` + t.table + ` WHERE generation>? ORDER BY generation LIMIT 1`, Args: []any{g},
			})
			if err != nil {
				return err
			}
			if !rows.Next() {
				break
			}
			if err := rows.Scan(&g); err != nil {
				return err
			}
			for removed := int64(removeRows); removed == removeRows; {
				results, err := s.config.Client.Apply(ctx, rqlite.Statement{
					SQL: `DELETE FROM ` + t.table + ` WHERE generation=?1 AND (` + t.key + `) IN (SELECT ` + t.key + ` FROM ` + t.table +
						` WHERE generation=?1 LIMIT ?2) AND NOT EXISTS(SELECT 1 FROM compendium WHERE id=1 AND (generation=?1 OR building=?1))`,
					Args: []any{g, removeRows},
				})
				if err != nil {
					return err
				}
				removed = results[0].RowsAffected
			}
		}
	}
	return s.config.Bodies.Sweep(ctx, func(g int64) bool { return g == st.Generation || g == st.building || g > st.last })
}
