package sdktest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

// read reads everything, or from a state on, or until on has ended the reading.
func (b *bench) read(ctx context.Context, s sdk.Source, request sdk.ReadRequest, on func(int64)) (*recorder, error) {
	r := b.recorder(request.Streams)
	r.on = on
	return r, b.record(ctx, s, request, r)
}

// record reads into a recorder.
func (b *bench) record(ctx context.Context, s sdk.Source, request sdk.ReadRequest, r *recorder) error {
	return b.call(ctx, func(ctx context.Context) error {
		r.ctx = ctx
		return s.Read(ctx, request, r)
	})
}

// all asks for every stream, by name where the names are known.
func (b *bench) all() sdk.ReadRequest { return sdk.ReadRequest{Streams: b.names, RunID: "test"} }

// checkRead reads everything for the first time; the checks after it look at what came.
func checkRead(ctx context.Context, b *bench) Result {
	r := b.recorder(b.names)
	if b.Golden != "" {
		r.scribe = newScribe(b.Configuration)
	}
	begun := time.Now()
	err := b.record(ctx, b.source, b.all(), r)
	switch took := time.Since(begun); {
	case err != nil:
		return failed("a document that cannot be read is a Skip; only a source that cannot be read at all is an error", "the reading failed: %v", err)
	case r.refused:
		return failed("return the errors of the Writer", "the reading went on after an error of the Writer")
	case r.records == 0:
		seen := "no records came"
		if r.reason != "" {
			seen += fmt.Sprintf("; %d were skipped, the first %s", r.failures, r.reason)
		}
		return failed("give the test options with a small sample of everything the source can read", "%s", seen)
	default:
		b.first = r
		seen := fmt.Sprintf("%s in %s, %.1f MB, %.0f records/s", count(int(r.records), "record"), count(len(r.order), "stream"), float64(r.bytes)/1e6,
			float64(r.records)/max(took.Seconds(), 1e-6))
		if r.failures > 0 {
			seen += fmt.Sprintf("; %d skipped, the first %s", r.failures, r.reason)
		}
		return ok("%s", seen)
	}
}

const notRead = "there was no whole reading to look at"

// checkRecords looks at the records of the first reading.
func checkRecords(_ context.Context, b *bench) Result {
	if b.first == nil {
		return skipped(notRead)
	}
	faulty, faults := b.first.faulty, b.first.faults
	if w, isWired := b.source.(*wired); isWired {
		more, others := w.inner.found()
		faulty, faults = faulty+more, slices.Concat(faults, others)
	}
	if faulty > 0 {
		return failed("a record is one JSON object with an id that no other record of the source has, and an asset has one locator",
			"%d faults: %s", faulty, strings.Join(faults, "; "))
	}
	return ok("%s, all different; every document is a JSON object", count(len(b.first.ids), "id"))
}

// checkCounts compares what came with what was foretold. That every stream was said to be complete, with the right numbers,
// is the condition for a reading without an error.
func checkCounts(_ context.Context, b *bench) Result {
	if b.first == nil {
		return skipped(notRead)
	}
	exact := 0
	for _, s := range b.streams {
		if s.Records.Quality != sdk.Exact {
			continue
		}
		exact++
		t := b.first.streams[s.Name]
		if t == nil {
			t = &track{}
		}
		if s.Records.Count != t.records && s.Records.Count != t.records+t.failed {
			return failed("count again, or call the estimate Approximate", "stream %q: exactly %d records were foretold, %d came and %d were skipped",
				s.Name, s.Records.Count, t.records, t.failed)
		}
	}
	if exact == 0 {
		return ok("%s complete; no exact estimate to compare with", count(len(b.first.order), "stream"))
	}
	return ok("%s complete; %s right", count(len(b.first.order), "stream"), count(exact, "exact estimate"))
}

// checkAgain reads everything a second time.
func checkAgain(ctx context.Context, b *bench) Result {
	if b.first == nil {
		return skipped(notRead)
	}
	return b.sameAs(ctx, b.source, "the second reading")
}

// sameAs reads everything and compares it with the first reading.
func (b *bench) sameAs(ctx context.Context, s sdk.Source, what string) Result {
	r, err := b.read(ctx, s, b.all(), nil)
	b.refuses = err != nil && r.records == 0
	if err != nil {
		return failed("a source can be read any number of times", "%s failed: %v", what, err)
	}
	if where := differs(b.first.streams, r.streams); where != "" {
		return failed("the same content gives the same records in the same order: sort what comes from maps and folders, and leave out the time of day",
			"%s was not like the first: %s", what, where)
	}
	return ok("%s was like the first", what)
}

// checkResume reads one stream on from its first checkpoint.
func checkResume(ctx context.Context, b *bench) Result {
	switch {
	case b.first == nil:
		return skipped(notRead)
	case !b.spec.Can.Resumable:
		return skipped("the plugin does not say that it can resume")
	}
	var name string
	var from *track
	for _, stream := range b.first.order { // best one with something left to read
		t := b.first.streams[stream]
		if t.state != nil && (from == nil || from.at == len(from.items)) {
			name, from = stream, t
		}
	}
	if from == nil {
		return skipped("no checkpoint came; the sample may be too small")
	}
	request := sdk.ReadRequest{Streams: []string{name}, State: map[string][]byte{name: from.state}, RunID: "test"}
	r, err := b.read(ctx, b.source, request, nil)
	if err != nil {
		return failed("take back the state that you gave", "stream %q, from its first checkpoint: %v", name, err)
	}
	got := r.streams[name]
	if got == nil {
		got = &track{}
	}
	rest := from.items[from.at:]
	if where := differ(rest, got.items); where != "" {
		return failed("a checkpoint covers what was sent before it, and nothing else", "stream %q, from its first checkpoint: %s", name, where)
	}
	return ok("stream %q, after %d of %d: exactly the rest came", name, from.at, len(from.items))
}

// checkCancel ends a reading after its first record, and reads again.
func checkCancel(ctx context.Context, b *bench) Result {
	if b.first == nil {
		return skipped(notRead)
	}
	cancelled, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := b.read(cancelled, b.source, b.all(), func(int64) { cancel() })
	ended := time.Now()
	switch {
	case errors.Is(err, errHangs):
		return failed("hand the context on to everything that waits, and return the errors of the Writer", "%s", b.lost)
	case err == nil && r.refused:
		return failed("return the errors of the Writer", "the reading was cancelled, and still ended as if everything had been sent")
	}
	for {
		begun := time.Now()
		result := b.sameAs(ctx, b.source, "the reading after one that was cancelled")
		if result.Outcome == OK || begun.Sub(ended) > b.Patience || b.lost != "" || !b.refuses {
			return result
		}
		pause(ctx, b.Patience/100)
	}
}

// pause waits a little: a host does not see when a plugin is done with a reading that was cancelled, and until then the
// plugin may refuse to begin another.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// dam is a Writer that takes nothing, as that of a host which is busy.
type dam struct {
	ctx     context.Context //nolint:containedctx // it is that of the one Read call the dam is made for
	once    sync.Once
	reached chan struct{} // closed by the first that waits
	waiting atomic.Int64
}

func (d *dam) wait() error {
	d.waiting.Add(1)
	defer d.waiting.Add(-1)
	d.once.Do(func() { close(d.reached) })
	<-d.ctx.Done()
	return d.ctx.Err()
}

// Record is that of [sdk.Writer].
func (d *dam) Record(string, sdk.Record) error { return d.wait() }

// Skip is that of [sdk.Writer].
func (d *dam) Skip(string, string, error) error { return d.wait() }

// Checkpoint is that of [sdk.Writer].
func (d *dam) Checkpoint(string, []byte) error { return d.wait() }

// Progress is that of [sdk.Writer].
func (d *dam) Progress(string, int64, int64, string) error { return d.ctx.Err() }

// Report is that of [sdk.Writer].
func (d *dam) Report(sdk.Diagnostic) {}

// mostWaiting is how many calls of a Writer may wait at one time.
const mostWaiting = 64

// checkBusy reads into a host that takes nothing for a while, and watches what the source does meanwhile.
func checkBusy(ctx context.Context, b *bench) Result {
	if b.first == nil {
		return skipped(notRead)
	}
	reading, cancel := context.WithCancel(ctx)
	defer cancel()
	d := &dam{ctx: reading, reached: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		ended <- b.call(reading, func(ctx context.Context) error { return b.source.Read(ctx, b.all(), d) })
	}()
	select {
	case <-d.reached:
	case err := <-ended:
		return failed("return the errors of the Writer, and nothing else", "the reading ended before its first record: %v", err)
	}
	grown, calls := b.watch(reading, d)
	cancel()
	err := <-ended
	switch {
	case b.lost != "":
		return failed("return the errors of the Writer", "%s", b.lost)
	case err == nil:
		return failed("return the errors of the Writer", "the reading ended as if everything had been sent, and nothing was taken")
	case calls > mostWaiting:
		return failed("send from a few goroutines at most; a Writer that waits is to stop the source", "%d calls of the Writer waited at one time", calls)
	case grown > b.Memory:
		return failed("read no further than the Writer takes", "the source grew by %d MB while the host took nothing", grown/1e6)
	}
	return ok("grew by %.1f MB in %s while the host took nothing", float64(max(grown, 0))/1e6, b.Hold)
}

// watch returns by how many bytes the source grew, and how many calls waited, at most.
func (b *bench) watch(ctx context.Context, d *dam) (grown, calls int64) {
	const looks = 5
	before := b.memory()
	tick := time.NewTicker(max(b.Hold/looks, time.Millisecond))
	defer tick.Stop()
	for range looks {
		select {
		case <-ctx.Done():
			return grown, calls
		case <-tick.C:
		}
		grown, calls = max(grown, b.memory()-before), max(calls, d.waiting.Load(), b.waiting())
	}
	return grown, calls
}

// waiting is how many calls of a Writer wait in the SDK, where that can be seen.
func (b *bench) waiting() int64 {
	if w, isWired := b.source.(*wired); isWired {
		return w.inner.waiting.Load()
	}
	return 0
}

// memory is what the source takes up: its process, or this one.
func (b *bench) memory() int64 {
	if p, isProcess := b.source.(Process); isProcess {
		return p.Memory()
	}
	runtime.GC() // what is not held any more does not count
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
