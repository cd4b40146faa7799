package dashboard

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

const (
	listLimit   = 100
	keptRuns    = 32
	listAge     = 2 * time.Second // how old the list may be before it is read again
	summaryAge  = 1500 * time.Millisecond
	readTimeout = 5 * time.Second
)

// history reads the library on behalf of all viewers: the list at most once in two seconds, a run that has ended once, a
// run that another process converts at most once per tick of its feed.
type history struct {
	library Library
	log     *slog.Logger

	mu     sync.Mutex
	list   []core.Summary // guarded by mu
	listed time.Time      // guarded by mu
	away   time.Time      // since when the library cannot be read; guarded by mu
	kept   []kept         // newest use last; guarded by mu
}

type kept struct {
	run  core.Summary
	read time.Time
}

// newest returns the newest runs, newest first. When the library cannot be read it returns the last list it had, and
// since when.
func (h *history) newest(ctx context.Context) (list []core.Summary, away time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listed.IsZero() || time.Since(h.listed) >= listAge {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
		defer cancel()
		list, err := h.library.Runs(ctx, listLimit)
		h.listed = time.Now()
		h.note(err)
		if err == nil {
			h.list = list
		}
	}
	return h.list, h.away
}

// find returns one run. A run that has ended does not change any more and is kept; any other is read again when what is
// known of it is older than a tick.
func (h *history) find(ctx context.Context, id string) (core.Summary, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := slices.IndexFunc(h.kept, func(k kept) bool { return k.run.ID == id })
	if at >= 0 && (h.kept[at].run.State.Ended() || time.Since(h.kept[at].read) < summaryAge) {
		known := h.kept[at]
		h.kept = append(slices.Delete(h.kept, at, at+1), known)
		return known.run, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readTimeout)
	defer cancel()
	run, err := h.library.Find(ctx, id)
	if errors.Is(err, fs.ErrNotExist) {
		h.note(nil)
		return core.Summary{}, err
	}
	if h.note(err); err != nil {
		return core.Summary{}, err
	}
	h.kept = slices.DeleteFunc(h.kept, func(k kept) bool { return k.run.ID == run.ID })
	if len(h.kept) == keptRuns {
		h.kept = slices.Delete(h.kept, 0, 1)
	}
	h.kept = append(h.kept, kept{run, time.Now()})
	return run, nil
}

// note remembers since when the library cannot be read, and says so in the log once. The caller holds mu.
func (h *history) note(err error) {
	switch {
	case err == nil && !h.away.IsZero():
		h.log.Info("history is back")
		h.away = time.Time{}
	case err != nil && h.away.IsZero():
		h.log.Warn("history not read", "error", err)
		h.away = time.Now()
	}
}
