package runs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// StoreError says that the store is lost for a run: what was not stored by then will not be.
type StoreError struct {
	Run     string
	Unsaved int    // rows that were not stored, as far as known when the error was made
	Advice  string // what happened and what to do
	Err     error
}

// Error says what happened, how much is lost by it and what to do.
func (e *StoreError) Error() string {
	return fmt.Sprintf("run %s: %s (%d rows were not stored): %v", e.Run, e.Advice, e.Unsaved, e.Err)
}

// Unwrap returns what the store said.
func (e *StoreError) Unwrap() error { return e.Err }

// trouble is failures of the store on end.
type trouble struct {
	since    time.Time
	attempts int
}

const (
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second

	adviceLost = "the store's process is gone: what was stored is kept; see that it can run, then resume the run"
)

// endure decides what follows a failure: another attempt at once, one after a pause, or the end.
func (w *writer) endure(ctx context.Context, t *trouble, err error) bool {
	if advice := final(err); advice != "" {
		w.fail(advice, err)
		return false
	}
	if t.attempts == 0 {
		t.since = time.Now()
	}
	t.attempts++
	failed := time.Since(t.since)
	if failed >= w.patience {
		w.fail(fmt.Sprintf("the store has taken nothing for %s: remove the cause, then resume the run", failed.Round(time.Second)), err)
		return false
	}
	if t.attempts == 1 {
		return true
	}
	w.log.Warn("store_write_failed", "run", w.run, "attempt", t.attempts, "error", err)
	pause := time.NewTimer(min(firstPause<<min(t.attempts-2, 10), longestPause))
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-w.lost:
		w.fail(adviceLost, w.causeOfLoss())
		return false
	case <-pause.C:
		return true
	}
}

// refused reports whether a row is to blame: the store will never take it.
func refused(err error) bool {
	var statement *rqlite.StatementError
	var row *rqlite.RowError
	return (errors.As(err, &statement) && !tableGone(err) && !takenOver(err)) || errors.As(err, &row)
}

// takenOver reports that the run is somebody else's by now; see [owned].
func takenOver(err error) bool {
	var statement *rqlite.StatementError
	return errors.As(err, &statement) && strings.Contains(statement.Message, "runs.token")
}

func tableGone(err error) bool {
	var statement *rqlite.StatementError
	return errors.As(err, &statement) && strings.Contains(statement.Message, "no such table")
}

// final returns what to do about an error that no attempt will get past, and nothing for others.
func final(err error) string {
	switch {
	case errors.Is(err, rqlite.ErrUnauthorized):
		return "the store no longer accepts user and password: correct store.user and store.password, then resume the run"
	case tableGone(err), takenOver(err):
		return adviceTaken
	case errors.Is(err, rqlite.ErrRejected):
		return "what answers for the store does not take its requests: see that store.urls names rqlite, then start the run again"
	case errors.Is(err, rqlite.ErrClosed):
		return "the library was closed under it"
	}
	return ""
}

const adviceTaken = "another process took this run for dead, which happens when it stands still for long, and has its rows now: " +
	"look there, or start the run again"

func (w *writer) causeOfLoss() error {
	if w.cause != nil {
		if err := w.cause(); err != nil {
			return err
		}
	}
	return errors.New("the store was stopped")
}
