package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// writer is the sdk.Writer of one source.
type writer struct {
	pool   *pool
	ctx    context.Context //nolint:containedctx // a writer lives as long as one reading of its source, whose context this is
	source int
	listed bool // only streams that the source has announced are known

	mu      sync.Mutex // guards what follows
	attempt int
	streams map[string]*stream
	ids     map[string]times  // by the id of a record
	skips   map[string]times  // the same of those that could not be read
	state   map[string][]byte // last checkpoint by stream
	err     error             // of the ledger, or that too many items failed
}

// stream is one stream being read.
type stream struct {
	sdk.Stream

	gate gate

	nameless times // items without an id, since the last checkpoint
}

// times is how often an item came. What a source sends again after a restart is told from a second item of the same id by
// counting: only what comes more often than in any attempt before is new.
type times struct {
	attempt int // the latest
	sent    int // in it
	counted int // in all of them, each once
}

// meet notes that an item came, and says whether it is new.
func (t times) meet(attempt int) (after times, isNew bool) {
	if t.attempt != attempt {
		t.attempt, t.sent = attempt, 0
	}
	t.sent++
	if t.sent <= t.counted {
		return t, false
	}
	t.counted++
	return t, true
}

func newWriter(ctx context.Context, p *pool, source int) *writer {
	found := p.run.found[source]
	w := &writer{
		pool: p, ctx: ctx, source: source, listed: len(found) > 0 || p.run.Sources[source].Source.Spec().Can.Discover,
		streams: map[string]*stream{}, ids: map[string]times{}, skips: map[string]times{}, state: map[string][]byte{},
	}
	for _, s := range found {
		w.streams[s.Name] = &stream{Stream: s}
	}
	return w
}

// begin begins an attempt at reading and returns the checkpoints to read on from.
func (w *writer) begin(attempt int) map[string][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempt = attempt
	return maps.Clone(w.state)
}

// stream returns a stream by its name. A source that cannot list its streams has those that it sends to.
func (w *writer) stream(name, id string) (*stream, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.streams[name]
	if s == nil {
		if w.listed || name == "" {
			return nil, unannounced(name, id)
		}
		s = &stream{Stream: sdk.Stream{Name: name}}
		w.streams[name] = s
	}
	return s, nil
}

// Record hands a record to the pool; it waits while the pool has its hands full.
func (w *writer) Record(name string, rec sdk.Record) error {
	s, err := w.stream(name, rec.ID)
	if err != nil {
		return err
	}
	before, isNew := w.meet(s, rec.ID, w.ids)
	switch {
	case !isNew:
		return w.ctx.Err() // sent again after a restart; the first one is stored or on its way
	case before > 0 && rec.ID != "":
		return w.refuse(name, rec.ID, &sdk.Diagnostic{
			Kind: sdk.Invalid, Code: "record.duplicate_id", Summary: "the source sent two records with one id",
			Suggestion: "the first one was taken; tell the author of the plugin",
		})
	}
	rec.JSON = bytes.Clone(rec.JSON) // it is the source's own again when this call returns
	w.count(core.Written)
	return w.pool.hand(w.ctx, task{source: w.source, stream: s, record: rec, bytes: min(int64(len(rec.JSON)), inFlight)})
}

// meet notes an item by its id, or by its number in the stream when it has none, and says how many of the kind came before
// and whether it is new.
func (w *writer) meet(s *stream, id string, known map[string]times) (before int, isNew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if id == "" {
		before = s.nameless.counted
		s.nameless, isNew = s.nameless.meet(w.attempt)
		return before, isNew
	}
	before = known[id].counted
	known[id], isNew = known[id].meet(w.attempt)
	return before, isNew
}

// Skip counts a record that could not be read.
func (w *writer) Skip(name, id string, reason error) error {
	s, err := w.stream(name, id)
	if err != nil {
		return err
	}
	if _, isNew := w.meet(s, id, w.skips); !isNew {
		return w.ctx.Err()
	}
	return w.refuse(name, id, reason)
}

// refuse counts an item that does not come to the pool.
func (w *writer) refuse(name, id string, reason error) error {
	if reason == nil {
		reason = errors.New("the source gives no reason")
	}
	w.count(core.FailedItem)
	recorder, source := w.pool.run.Recorder, w.pool.run.Sources[w.source].Name
	recorder.Found(core.StageEntities, source, name, 1)
	recorder.Done(core.StageEntities, source, name, core.FailedItem, 1)
	for _, d := range sdk.Diagnose(reason, "record.unreadable") {
		f := w.pool.run.failure(w.source, core.StageRead, name, d)
		f.Warning = false
		if id != "" {
			f.Item = id
		}
		recorder.Failure(f)
	}
	if err := w.pool.run.limit.fail(); err != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.err = err
		return err
	}
	return w.ctx.Err()
}

// count counts a record of the reading stage, whose numbers are by source only.
func (w *writer) count(outcome core.Outcome) {
	source := w.pool.run.Sources[w.source].Name
	w.pool.run.Recorder.Found(core.StageRead, source, "", 1)
	w.pool.run.Recorder.Done(core.StageRead, source, "", outcome, 1)
}

// Checkpoint waits until the records before it are with the ledger, then hands it the checkpoint.
func (w *writer) Checkpoint(name string, state []byte) error {
	s, err := w.stream(name, "")
	if err != nil {
		return err
	}
	if err := s.gate.wait(w.ctx); err != nil {
		return err
	}
	state = bytes.Clone(state)
	r := w.pool.run
	err = r.Ledger.PutCheckpoint(w.ctx, core.Checkpoint{
		Source: r.Sources[w.source].Name, Stream: name,
		StateVersion: r.Sources[w.source].Source.Spec().StateVersion, State: state,
	})
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.err = err
		return err
	}
	w.state[name] = state
	s.nameless = times{attempt: w.attempt}
	return nil
}

// Progress shows how far a long step is.
func (w *writer) Progress(name string, done, total int64, note string) error {
	switch {
	case note != "":
		w.step(note)
	case total > 0:
		w.step(fmt.Sprintf("reading %s, %d of %d", name, done, total))
	}
	return w.ctx.Err()
}

// step shows a step with its source. It is the step of the whole run only where there is no other source to talk over.
func (w *writer) step(text string) {
	r := w.pool.run
	r.Recorder.Step(r.Sources[w.source].Name, text)
	if len(r.Sources) == 1 {
		r.Recorder.Doing(text)
	}
}

// httpCache is the name under which the lookups of sources in what they have fetched before are counted.
const httpCache = "http"

// Metrics counts what a source fetches, and its lookups in its cache.
func (w *writer) Metrics(m sdk.Metrics) {
	r := w.pool.run
	r.Recorder.Fetched(core.Fetched{
		Source: r.Sources[w.source].Name, Requests: m.Requests, Hits: m.Hits, Misses: m.Misses, Bytes: m.Bytes,
	})
	if m.Hits > 0 || m.Misses > 0 {
		r.Recorder.CacheN(httpCache, m.Hits, m.Misses)
	}
}

// Report passes on what concerns no single record.
func (w *writer) Report(d sdk.Diagnostic) {
	r := w.pool.run
	if d.Severity == sdk.SeverityInfo {
		r.Log.Info(d.Summary, "source", r.Sources[w.source].Name, "code", d.Code) //nolint:sloglint // the plugin's own words
		return
	}
	f := r.failure(w.source, core.StageRead, "", &d)
	f.Transient = f.Warning && d.Kind == sdk.Unavailable // something was slow or away for a while
	r.Recorder.Failure(f)
}

// failed is the error that ends the run, unlike the source's own.
func (w *writer) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func unannounced(name, id string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: "stream.unannounced", Stream: name, RecordID: id,
		Summary:    fmt.Sprintf("the source sent a record of stream %q, which it had not announced", name),
		Suggestion: "tell the author of the plugin: Discover has to list every stream",
	}
}

// gate counts the records of a stream that are on their way to the ledger.
type gate struct {
	mu   sync.Mutex // guards what follows
	n    int
	idle chan struct{} // closed when n comes to 0; nil: nobody waits
}

func (g *gate) enter() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n++
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.n--
	if g.n == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

func (g *gate) wait(ctx context.Context) error {
	g.mu.Lock()
	if g.n == 0 {
		g.mu.Unlock()
		return nil
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	idle := g.idle
	g.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
