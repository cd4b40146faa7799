package page

import (
	"fmt"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// Runs is the list of runs as its page shows it.
type Runs struct {
	Attention []Row
	Running   []Row
	History   []Row
	Limit     int // the history lists at most so many
	Start     []Command
	Notices   []Notice
	Now       time.Time
}

// Row is a run in the list.
type Row struct {
	core.Summary

	Live  *core.Snapshot // of the run of this process
	Now   time.Time
	Delta Delta
}

// Delta is what changed against the run of the same config before.
type Delta struct {
	Known    bool
	Entities int64
	Failed   int64
}

// NewRuns sorts runs, newest first, into what needs somebody, what is running, and what was. Live is the run of this
// process, nil when there is none.
func NewRuns(summaries []core.Summary, live *core.Snapshot, limit int, now time.Time) Runs {
	v := Runs{Limit: limit, Now: now}
	rows := make([]Row, 0, len(summaries)+1)
	if live != nil {
		rows = append(rows, Row{Summary: live.Summary, Live: live, Now: now})
	}
	for _, s := range summaries {
		if live == nil || s.ID != live.ID {
			rows = append(rows, Row{Summary: Settle(s, now), Now: now})
		}
	}
	settled := map[string]bool{} // configs whose newest result has been seen
	for i, row := range rows {
		if !row.State.Ended() {
			v.Running = append(v.Running, row)
			continue
		}
		rows[i].Delta = delta(row, rows[i+1:])
		if Wants(row.Summary) && !settled[series(row)] {
			v.Attention = append(v.Attention, rows[i])
		}
		if row.State != core.Cancelled {
			settled[series(row)] = true
		}
		v.History = append(v.History, rows[i])
	}
	return v
}

// series is what makes runs comparable: the same config under the same name.
func series(r Row) string { return r.Config + "\x00" + r.Name }

// delta compares a run with the newest complete one of the same config before it.
func delta(row Row, earlier []Row) Delta {
	if row.State == core.Cancelled || row.State == core.Interrupted {
		return Delta{}
	}
	for _, e := range earlier {
		if series(e) != series(row) || (e.State != core.Succeeded && e.State != core.Partial) {
			continue
		}
		failed, _ := row.Failures()
		before, _ := e.Failures()
		return Delta{Known: true, Entities: row.Entities() - e.Entities(), Failed: failed - before}
	}
	return Delta{}
}

// Label is the run's name, or its id.
func (r Row) Label() string { return label(r.Summary) }

// Entities is how many entities the outputs have.
func (r Row) Entities() int64 { return entities(r.Summary) }

// Elapsed is how long the run has taken so far, or took.
func (r Row) Elapsed() time.Duration { return elapsed(r.Summary, r.Now) }

// Progress is how far the run is.
func (r Row) Progress() Progress { return progress(&r.Summary) }

// Why says in a few words what the run's state is about.
func (r Row) Why() string {
	items, causes := r.Failures()
	switch {
	case r.State == core.Partial && items > 0:
		return fmt.Sprintf("%s of %s failed in %s", Number(items), Count(max(r.found(), items), "item", "items"),
			Count(int64(causes), "cause", "causes"))
	case r.Reason != "":
		return r.Reason
	case items > 0:
		return fmt.Sprintf("%s failed in %s", Count(items, "item", "items"), Count(int64(causes), "cause", "causes"))
	case r.State.Ended() && foundNothing(r.Summary):
		return "the sources listed 0 items"
	default:
		return ""
	}
}

func (r Row) found() int64 {
	var n int64
	for _, c := range r.Stages {
		if c.Stage == core.StageEntities.String() || c.Stage == core.StageAssets.String() {
			n += c.Found
		}
	}
	return n
}

// When is the moment by which the run is listed: its end, else its start.
func (r Row) When() int64 {
	if r.EndedMS > 0 {
		return r.EndedMS
	}
	return r.StartedMS
}

// Cache writes the share of lookups that were answered by a cache.
func (r Row) Cache() string {
	hits, lookups := r.CacheRate()
	return Percent(hits, lookups)
}

// Empty says that there has been no run at all.
func (v Runs) Empty() bool { return len(v.Running) == 0 && len(v.History) == 0 }

// Say is what a screen reader is told.
func (v Runs) Say() string {
	return fmt.Sprintf("%s running, %s attention.", Count(int64(len(v.Running)), "run", "runs"),
		Count(int64(len(v.Attention)), "needs", "need"))
}
