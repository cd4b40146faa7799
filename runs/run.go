package runs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/memory"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// Run is a run at work: its numbers, and its rows in tables of its own. It is safe for concurrent use.
type Run struct {
	library *Library
	number  int64
	id      string
	token   string
	log     *slog.Logger
	state   *memory.State
	writer  *writer
	bodies  *blob.Folder
	revs    uint64 // the highest number of a put in earlier attempts
	aside   aside
	reaper  *reaper
	kept    bool // its rows stay, now that it has ended

	caches map[*cache.Cache]*cache.Cache // those of the library, with the numbers of this run

	lasting context.Context //nolint:containedctx // of the run's goroutines: a run lives as long as it

	halt  context.CancelFunc // ends the sign of life
	still sync.WaitGroup     // its goroutine, and the one that looks after the caches
}

// Begin enters a new run. Its number, id, start and sign of life are set here; the other members of s are what is known
// of it. Unless s says that it is queued, it is running.
//
// The run must be ended. Its goroutines live until then, however long ctx lasts.
func (l *Library) Begin(ctx context.Context, s core.Summary) (*Run, error) {
	if s.State == "" {
		s.State = core.Running
	}
	if s.State.Ended() {
		return nil, fmt.Errorf("begin a run: it cannot begin as %s", s.State)
	}
	s.StartedMS = time.Now().UnixMilli()
	s.HeartbeatMS, s.EndedMS = s.StartedMS, 0
	s, token, err := l.enter(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("begin a run: %w", err)
	}
	r := l.runOf(s, token)
	if err := r.furnish(ctx); err != nil {
		return nil, fmt.Errorf("begin run %s: %w", s.ID, errors.Join(err, r.giveUp(ctx, err, true)))
	}
	r.start(ctx)
	return r, nil
}

func (l *Library) runOf(s core.Summary, token string) *Run {
	r := &Run{
		library: l, number: s.Number, id: s.ID, token: token, log: l.config.Log.With("run", s.ID),
		state: memory.New(memory.Config{Run: s}), caches: map[*cache.Cache]*cache.Cache{},
		aside: aside{streams: map[streamKey]map[itemID]spare{}}, reaper: newReaper(),
	}
	for _, c := range l.caches {
		r.caches[c] = c.Scope()
		r.state.Counts(r.caches[c].Stats)
	}
	return r
}

// furnish makes the places that the run's rows and bodies go to.
func (r *Run) furnish(ctx context.Context) (err error) {
	if _, err := r.library.client.Apply(ctx, createTables(r.number)...); err != nil {
		return err
	}
	r.bodies, err = blob.OpenFolder(r.library.bodies(r.number)) // after the tables: a folder without them is swept away
	return err
}

// giveUp stores that the run failed before it could do anything.
func (r *Run) giveUp(ctx context.Context, cause error, drop bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	r.reach(Ending{State: core.Failed, Reason: cause.Error(), Actor: "store"})
	r.kept = !drop
	return r.conclude(ctx)
}

func (r *Run) start(ctx context.Context) {
	l := r.library
	r.writer = newWriter(ctx, writerConfig{
		store: l.client, count: r.state, meter: r.state, run: r.id, number: r.number, token: r.token, rev: r.revs, log: r.log,
		lost: l.Lost(), cause: l.Err, batchRows: l.config.BatchRows, spoil: r.refused,
	})
	lasting, halt := context.WithCancel(context.WithoutCancel(ctx))
	r.lasting, r.halt = lasting, halt
	l.mu.Lock()
	l.live[r] = true
	l.mu.Unlock()
	r.still.Go(func() { r.live(lasting) })
	r.still.Go(func() { l.prepare(lasting) })
}

// ID returns the run's id, such as r-0001.
func (r *Run) ID() string { return r.id }

// State returns the run's numbers. They are counted on whether or not anybody looks.
func (r *Run) State() *memory.State { return r.state }

// Ending is how a run ends.
type Ending struct {
	State  core.State // a final one
	Reason string     // for people
	Actor  string     // user, signal, limit, plugin crash, store
	// ResultID names what was written, by content.
	ResultID string
	// Drop says that nobody needs the run's rows any more, because its outputs are in their place in full. Rows of other
	// runs are kept, if there are any, so that the run can be resumed or what failed in it tried again; see [Config.KeepRows].
	Drop bool
}

// End ends the run: what was put is stored, the final numbers are kept, the rows are dropped if nobody needs them, and
// so are those of other runs that nobody needs any more; runs beyond the number to be kept are forgotten.
//
// The first reason counts: a run that has reached a final state keeps it, one that is being cancelled ends as
// cancelled. A run whose rows could not all be stored has failed, whatever e says, and keeps those it has.
//
// The end of ctx bounds how long that may take; the goroutines are gone when End returns, error or not.
func (r *Run) End(ctx context.Context, e Ending) error {
	if !e.State.Ended() || e.State == core.Interrupted {
		return fmt.Errorf("end run %s: it cannot end as %q", r.id, e.State)
	}
	l := r.library
	l.mu.Lock()
	live := l.live[r]
	delete(l.live, r)
	l.mu.Unlock()
	if !live {
		return fmt.Errorf("end run %s: it has ended before", r.id)
	}
	unsaved := r.stop(ctx)
	l.saveFiles() // it is true however the run ends
	if unsaved != nil && (e.State == core.Succeeded || e.State == core.Partial) {
		e = Ending{State: core.Failed, Reason: unsaved.Error(), Actor: "store", ResultID: e.ResultID}
	}
	r.state.Result(e.ResultID)
	r.reach(e)
	r.kept = !e.Drop && r.worth()
	if err := r.conclude(ctx); err != nil {
		r.kept = true // whoever finds it interrupted has them
		r.tidy(r.bring(false))
		return errors.Join(unsaved, fmt.Errorf("end run %s: its end could not be stored, so it will be listed as interrupted: %w", r.id, err))
	}
	state := r.state.State()
	r.tidy(r.bring(state == core.Succeeded || state == core.Partial))
	if !r.kept {
		r.tidy(r.bodies.Destroy())
	}
	r.tidy(l.shed(ctx))
	r.tidy(l.prune(ctx))
	if l.node != nil { // writes wait meanwhile, which nobody else's should
		_, err := l.client.Vacuum(ctx)
		r.tidy(err)
	}
	return unsaved
}

// worth says that something was stored that it would take time to make again.
func (r *Run) worth() bool {
	s := r.state.Summary()
	return s.Stage(core.StageEntities).Done() > 0
}

// Kept says, once the run has ended, that its rows are still there.
func (r *Run) Kept() bool { return r.kept }

// tidy notes that something was left lying about, which is no reason to call a run failed.
func (r *Run) tidy(err error) {
	if err != nil {
		r.log.Warn("not_tidied_up", "error", err)
	}
}

// reach takes the run to its final state, through those in between. Others may change the state at the same time.
func (r *Run) reach(e Ending) {
	for {
		next := e.State
		switch now := r.state.State(); {
		case now.Ended():
			return
		case now == core.Cancelling:
			next = core.Cancelled
		case now == core.Queued && e.State != core.Cancelled:
			next = core.Running
		case now == core.Running && e.State == core.Cancelled:
			next = core.Cancelling
		}
		if err := r.state.Transition(next, e.Reason, e.Actor); err != nil {
			r.log.Debug("state_changed_meanwhile", "error", err)
		}
	}
}

// conclude stores the run's end, and drops its rows with it unless they are kept.
func (r *Run) conclude(ctx context.Context) error {
	s := r.state.Summary()
	s.HeartbeatMS = s.EndedMS
	final, err := update(s, r.token, "")
	if err != nil {
		return err
	}
	statements := []rqlite.Statement{owned(r.number, r.token), final}
	if !r.kept {
		statements = append(statements, dropTables(r.number)...)
	}
	_, err = r.library.client.Apply(ctx, statements...)
	return err
}

// stop ends the goroutines, after what was put is stored.
func (r *Run) stop(ctx context.Context) error {
	err := r.writer.close(ctx)
	r.halt() // last, so that a long flush keeps its sign of life
	r.still.Wait()
	return err
}

const (
	defaultPulse = 5 * time.Second // between two signs of life
	pulseLimit   = 10 * time.Second
	noteLimit    = time.Second
)

// live gives the sign of life, and takes the problems to the store, until ctx ends.
func (r *Run) live(ctx context.Context) {
	ticker := time.NewTicker(r.library.pulse)
	defer ticker.Stop()
	var noted uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := r.beat(ctx); err != nil && ctx.Err() == nil {
			r.log.Warn("sign_of_life_missed", "error", err)
		}
		noted = r.note(ctx, noted)
	}
}

// beat stores that the run lives, and its numbers. A run that was taken for dead meanwhile has lost its rows: the
// writer then stores no more.
func (r *Run) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pulseLimit)
	defer cancel()
	s := r.state.Summary()
	if s.State.Ended() {
		return nil // its end is stored elsewhere
	}
	s.HeartbeatMS = time.Now().UnixMilli()
	s.Problems = nil // they have a table, so that only those that change are written
	alive, err := update(s, r.token, ` AND heartbeat_ms<?1->>6 AND state IN `+activeStates)
	if err != nil {
		return err
	}
	results, err := r.library.client.Apply(ctx, alive)
	if err != nil || results[0].RowsAffected == 1 {
		return err
	}
	state, token, err := r.library.stateOf(ctx, r.number)
	if err != nil {
		return err
	}
	if state == "" || state.Ended() || token != r.token {
		r.writer.fail(adviceTaken, fmt.Errorf("it is %q in the store", state))
	}
	return nil
}

// note puts the problems that have changed since the last time, and returns from where to go on. It does not wait long
// for a full backlog: the next sign of life is more important.
func (r *Run) note(ctx context.Context, since uint64) uint64 {
	ctx, cancel := context.WithTimeout(ctx, noteLimit)
	defer cancel()
	changed, now := r.state.ProblemsSince(since)
	for _, p := range changed {
		if err := r.putProblem(ctx, p); err != nil {
			return since
		}
	}
	return now
}
