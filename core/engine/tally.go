package engine

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// tally knows how many records there are to read: as many as the sources say, and of one that has been read whole, as many as came. What
// sources say may be an estimate.
type tally struct {
	recorder Recorder
	came     []atomic.Int64 // by source, as all below

	mu       sync.Mutex // guards what follows
	expected []int64
	about    []bool // that is an estimate
}

func newTally(recorder Recorder, sources int) *tally {
	return &tally{recorder: recorder, came: make([]atomic.Int64, sources), expected: make([]int64, sources), about: make([]bool, sources)}
}

// announce sets how many records a source says it has, in all of its streams. It is not recorded before tell.
func (t *tally) announce(source int, streams []sdk.Stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expected[source], t.about[source] = 0, false
	for _, s := range streams {
		t.expected[source] += s.Records.Count
		t.about[source] = t.about[source] || s.Records.Quality == sdk.Approximate || s.Records.Quality == sdk.LowerBound
	}
}

// whole says that a source has been read to its end.
func (t *tally) whole(source int) {
	t.mu.Lock()
	t.expected[source], t.about[source] = t.came[source].Load(), false
	t.mu.Unlock()
	t.tell()
}

// tell records how many there are. Every record becomes an entity.
func (t *tally) tell() {
	t.mu.Lock()
	defer t.mu.Unlock()
	var total int64
	for _, n := range t.expected {
		total += n
	}
	set := t.recorder.Total
	if total > 0 && slices.Contains(t.about, true) {
		set = t.recorder.Estimate
	}
	set(core.StageRead, total)
	set(core.StageEntities, total)
}

// arrived counts records that came, with what was made of them.
func (r *run) arrived(source int, outcome core.Outcome, n int64) {
	name := r.Sources[source].Name
	r.tally.came[source].Add(n)
	r.Recorder.Found(core.StageRead, name, "", n)
	r.Recorder.Done(core.StageRead, name, "", outcome, n)
}

// arrivedBefore counts records that came in an earlier attempt at the run.
func (r *run) arrivedBefore(source int, outcome core.Outcome, n int64) {
	r.tally.came[source].Add(n)
	r.Recorder.Kept(core.StageRead, r.Sources[source].Name, "", outcome, n)
}
