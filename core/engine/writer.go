package engine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

var (
	_ sdk.MetricsWriter  = (*writer)(nil)
	_ sdk.FactsWriter    = (*writer)(nil)
	_ sdk.RevisionWriter = (*writer)(nil)
)

// writer is the sdk.Writer of one source.
type writer struct {
	pool    *pool
	ctx     context.Context //nolint:containedctx // a writer lives as long as one reading of its source, whose context this is
	source  int
	listed  bool // only streams that the source has announced are known
	goesOn  bool // the source reads on from its checkpoints
	harvest harvest

	marking sync.Mutex // held while a checkpoint is handed to the ledger

	mu      sync.Mutex // guards what follows
	attempt int
	streams map[string]*stream
	order   []*stream         // as they were announced, or found
	own     *stream           // what the source remarks about no stream of its
	ids     map[string]times  // by the id of a record
	skips   map[string]times  // the same of those that could not be read
	remarks map[string]times  // the same of what it remarks
	state   map[string][]byte // last checkpoint by stream
	err     error             // of the ledger, or that too many items failed
	lied    *sdk.Diagnostic   // nil: the source said nothing that it cannot know
}

// stream is one stream being read. The writer's lock guards it.
type stream struct {
	sdk.Stream

	gate gate // has a lock of its own

	// place is that of the last item that came, counted from the start of the stream; reached is the highest in the
	// attempts before this one.
	place, reached int64
	fresh          []met  // what came since the last checkpoint, in this attempt
	offer          *offer // the latest checkpoint, while the ledger does not have it
	late           bool   // it is to have it with the next item
	marked         time.Time
	items          int64 // before the last checkpoint that the ledger has
	// astray says that items came in another order than in the attempt before. What the ledger has of them stands in the
	// old order, so that no checkpoint but the last one says what it is worth.
	astray bool
	facts  []core.Fact // the latest

	carried, again, asked bool           // see harvest
	recalled              bool           // a part of it was read by an earlier attempt at the run
	doubled               bool           // ids of it came twice, which hangs on other streams too
	passing               atomic.Bool    // it has assets that are gone with the run
	first                 int            // attempt in which the first item of it came; 0: none did
	same                  int64          // records that had not changed: no later attempt can go on from what is stored
	index                 map[string]int // places of records in what is kept of it, by id
	revision              []byte         // nil: none was named
	revised               int            // attempt in which it was named
}

// met is an item that came.
type met struct {
	id    string
	place int64
	known map[string]times
}

// offer is a checkpoint that a source has sent.
type offer struct {
	items int64
	state []byte
}

// times is how often an item came. What a source sends again after a restart is told from a second item of the same id by
// counting: only what comes more often than in any attempt before is new. What came before a checkpoint is not sent again,
// and counts as if it had come in every attempt.
type times struct {
	attempt int   // the latest
	sent    int   // in it, and before the checkpoint that it began with
	settled int   // before the last checkpoint
	counted int   // in all attempts, each once
	place   int64 // of the first one
}

// meet notes that an item came, and says whether it is new.
func (t times) meet(attempt int, place int64) (after times, isNew bool) {
	if t.attempt != attempt {
		t.attempt, t.sent = attempt, t.settled
	}
	t.sent++
	if t.sent <= t.counted {
		return t, false
	}
	t.counted++
	if t.counted == 1 {
		t.place = place
	}
	return t, true
}

func newWriter(ctx context.Context, p *pool, source int) *writer {
	found, can := p.run.found[source], p.run.Sources[source].Source.Spec().Can
	w := &writer{
		pool: p, ctx: ctx, source: source, listed: len(found) > 0 || can.Discover, goesOn: can.Resumable,
		streams: map[string]*stream{}, ids: map[string]times{}, skips: map[string]times{}, remarks: map[string]times{},
		state: map[string][]byte{}, own: &stream{},
	}
	for _, s := range found {
		w.add(s)
	}
	return w
}

// add wants w.mu held, or nobody else to know of w.
func (w *writer) add(s sdk.Stream) *stream {
	added := &stream{Stream: s, marked: time.Now()}
	w.streams[s.Name] = added
	w.order = append(w.order, added)
	return added
}

// begin begins an attempt at reading and returns the checkpoints to read on from. The latest ones that the attempt before
// has sent are among them.
func (w *writer) begin(attempt int) (map[string][]byte, error) {
	if attempt > 1 {
		for _, s := range w.list() {
			if err := w.mark(s); err != nil {
				return nil, err
			}
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.attempt = attempt
	for _, s := range append(w.order, w.own) {
		s.reached = max(s.reached, s.place)
		s.place, s.fresh = 0, nil
		if w.goesOn {
			s.place = s.items
		}
	}
	if !w.goesOn {
		return nil, nil
	}
	return maps.Clone(w.state), nil
}

func (w *writer) list() []*stream {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.order)
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
		s = w.add(sdk.Stream{Name: name})
	}
	return s, nil
}

// Record hands a record to the pool; it waits while the pool has its hands full.
func (w *writer) Record(name string, rec sdk.Record) error {
	s, err := w.enter(name, rec.ID)
	if err != nil {
		return err
	}
	place, before, isNew := w.meet(s, rec.ID, w.ids)
	switch {
	case !isNew:
		return w.ctx.Err() // sent again after a restart; the first one is stored or on its way
	case before > 0 && rec.ID != "":
		return w.double(s, place, rec.ID)
	}
	rec.JSON = bytes.Clone(rec.JSON) // it is the source's own again when this call returns
	w.count(core.Written)
	return w.pool.hand(w.ctx, task{source: w.source, stream: s, place: place, record: rec, bytes: min(int64(len(rec.JSON)), inFlight)})
}

// double refuses the second record of one id.
func (w *writer) double(s *stream, place int64, id string) error {
	return w.refuse(s, core.MishapDuplicate, place, id, &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: "record.duplicate_id", Summary: "the source sent two records with one id",
		Suggestion: "the first one was taken; tell the author of the plugin",
	})
}

// enter returns the stream of an item that came, after its checkpoint if that is overdue.
func (w *writer) enter(name, id string) (*stream, error) {
	s, err := w.stream(name, id)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	late, carried := s.late, s.carried
	s.late = false
	w.mu.Unlock()
	if carried {
		return nil, w.lie(name, "that nothing of it has changed, and sent some of it")
	}
	if late {
		return s, w.mark(s)
	}
	return s, nil
}

// meet notes an item by its id, or by its place in the stream when it has none. It says where that is, how many of the
// kind came before and whether it is new.
func (w *writer) meet(s *stream, id string, known map[string]times) (place int64, before int, isNew bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s.place++
	s.first = cmp.Or(s.first, w.attempt)
	if id == "" {
		return s.place, 0, s.place > s.reached
	}
	t := known[id]
	before = t.counted
	known[id], isNew = t.meet(w.attempt, s.place)
	s.fresh = append(s.fresh, met{id: id, place: s.place, known: known})
	if !isNew && before == 1 && t.place != s.place {
		s.astray = true
	}
	return s.place, before, isNew
}

// Skip counts a record that could not be read.
func (w *writer) Skip(name, id string, reason error) error {
	s, err := w.enter(name, id)
	if err != nil {
		return err
	}
	w.pool.run.noteGap(w.source, name, reason)
	place, _, isNew := w.meet(s, id, w.skips)
	if !isNew {
		return w.ctx.Err()
	}
	return w.refuse(s, core.MishapSkipped, place, id, reason)
}

// refuse counts an item that does not come to the pool.
func (w *writer) refuse(s *stream, kind string, place int64, id string, reason error) error {
	if reason == nil {
		reason = errors.New("the source gives no reason")
	}
	r := w.pool.run
	m := core.Mishap{Source: r.Sources[w.source].Name, Stream: s.Name, Place: place, Kind: kind, ID: id}
	for _, d := range sdk.Diagnose(reason, "record.unreadable") {
		f := r.failure(w.source, core.StageRead, s.Name, d)
		f.Warning = false
		if id != "" {
			f.Item = id
		}
		m.Failures = append(m.Failures, f)
	}
	if kind == core.MishapDuplicate {
		w.mu.Lock()
		s.doubled = true
		w.mu.Unlock()
	}
	w.count(core.FailedItem)
	r.Recorder.Found(core.StageEntities, m.Source, s.Name, 1)
	err := w.pool.mishap(w.ctx, m)
	if err == nil {
		return w.ctx.Err()
	}
	return w.fail(err)
}

// fail remembers what ends the run.
func (w *writer) fail(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	return err
}

// count counts a record of the reading stage, whose numbers are by source only.
func (w *writer) count(outcome core.Outcome) { w.pool.run.arrived(w.source, outcome, 1) }

// Checkpoint takes a checkpoint. When the last one that the ledger has of the stream is old enough, it waits until the
// records before this one are with the ledger, then hands it over.
func (w *writer) Checkpoint(name string, state []byte) error {
	s, err := w.stream(name, "")
	if err != nil {
		return err
	}
	w.mu.Lock()
	s.offer = &offer{items: s.place, state: bytes.Clone(state)}
	due := s.late || time.Since(s.marked) >= w.pool.run.CheckpointEvery
	s.late = false
	w.mu.Unlock()
	if !due {
		return w.ctx.Err()
	}
	return w.mark(s)
}

// mark hands the latest checkpoint of a stream to the ledger, when all that came by now is with it.
func (w *writer) mark(s *stream) error {
	if err := s.gate.wait(w.ctx); err != nil {
		return err
	}
	return w.hand(s)
}

// overdue hands the checkpoints to the ledger that have waited for long. Where records are on their way, the source does
// it before the next one.
func (w *writer) overdue() error {
	for _, s := range w.list() {
		w.mu.Lock()
		due := s.offer != nil && time.Since(s.marked) >= w.pool.run.CheckpointEvery
		w.mu.Unlock()
		switch {
		case !due:
		case s.gate.isIdle():
			if err := w.hand(s); err != nil {
				return err
			}
		default:
			w.mu.Lock()
			s.late = s.offer != nil
			w.mu.Unlock()
		}
	}
	return nil
}

// hand hands the latest checkpoint to the ledger. All that came before it is there.
func (w *writer) hand(s *stream) error {
	w.marking.Lock()
	defer w.marking.Unlock()
	w.mu.Lock()
	o, astray, facts := s.offer, s.astray || s.same > 0, s.facts
	s.offer = nil
	w.mu.Unlock()
	if o == nil || astray {
		return nil
	}
	r := w.pool.run
	err := r.Ledger.PutCheckpoint(w.ctx, core.Checkpoint{
		Source: r.Sources[w.source].Name, Stream: s.Name, Items: o.items, State: o.state,
		StateVersion: r.Sources[w.source].Source.Spec().StateVersion, Facts: facts, Revision: s.Revision,
	})
	if err != nil {
		return w.fail(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.state[s.Name], s.items, s.marked = o.state, o.items, time.Now()
	if w.goesOn {
		s.settle(o.items)
	}
	return nil
}

// settle notes that the items up to a place will not be sent again.
func (s *stream) settle(items int64) {
	n := 0
	for ; n < len(s.fresh) && s.fresh[n].place <= items; n++ {
		m := s.fresh[n]
		t := m.known[m.id]
		t.settled++
		m.known[m.id] = t
	}
	s.fresh = slices.Clone(s.fresh[n:])
}

// complete notes that the source has sent all of its streams.
func (w *writer) complete() error {
	r := w.pool.run
	source := r.Sources[w.source].Name
	streams := w.list()
	for _, s := range streams {
		if err := s.gate.wait(w.ctx); err != nil {
			return err
		}
	}
	w.marking.Lock() // a checkpoint that waits must not come behind the end of its stream
	defer w.marking.Unlock()
	w.mu.Lock()
	for _, s := range streams {
		s.offer = nil
	}
	w.mu.Unlock()
	if err := r.Ledger.Finish(w.ctx, source, true); err != nil {
		return err
	}
	whole := true
	for i, s := range streams {
		if err := w.keep(s); err != nil {
			return err
		}
		if s.carried || s.same > 0 { // not all of it is in the ledger: a later attempt asks for it again
			whole = false
			continue
		}
		err := r.Ledger.PutCheckpoint(w.ctx, core.Checkpoint{
			Source: source, Stream: s.Name, Complete: true, Items: s.place, Order: i, Title: s.Title, Expected: s.Records.Count,
			Facts: s.facts,
		})
		if err != nil {
			return err
		}
	}
	if !whole {
		return nil
	}
	return r.Ledger.PutCheckpoint(w.ctx, core.Checkpoint{Source: source, Complete: true})
}

// Facts takes what is known of a stream. It is stored with the checkpoints that follow.
func (w *writer) Facts(name string, facts ...sdk.Fact) error {
	s, err := w.stream(name, "")
	if err != nil {
		return err
	}
	list := make([]core.Fact, len(facts))
	for i, f := range facts {
		list[i] = core.Fact(f)
	}
	w.mu.Lock()
	s.facts = list
	w.mu.Unlock()
	w.pool.run.Recorder.Facts(w.pool.run.Sources[w.source].Name, name, list)
	return w.ctx.Err()
}

// Progress shows how far a long step is.
func (w *writer) Progress(name string, done, total int64, note string) error {
	if total > 0 || done > 0 {
		w.mu.Lock()
		known := w.streams[name] != nil
		w.mu.Unlock()
		if known {
			w.pool.run.Recorder.Progress(w.pool.run.Sources[w.source].Name, name, done, total)
		}
	}
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

// The names under which the lookups of sources are counted: in what they have kept of earlier runs, and in what they know of
// the records that they have sent before.
const (
	sourceCache = "sources"
	recordCache = "records"
)

// Metrics counts what a source fetches, and its lookups in its caches.
func (w *writer) Metrics(m sdk.Metrics) {
	r := w.pool.run
	r.Recorder.Fetched(core.Fetched{
		Source: r.Sources[w.source].Name, Requests: m.Requests, Retries: m.Retries, Hits: m.Hits, Confirmed: m.Confirmed,
		Misses: m.Misses, Bytes: m.Bytes, LimitWaitUS: m.LimitWait.Microseconds(), PauseWaitUS: m.PauseWait.Microseconds(),
		BackoffWaitUS: m.BackoffWait.Microseconds(), InFlight: m.InFlight, MostInFlight: m.MostInFlight,
	})
	if m.Hits > 0 || m.Misses > 0 {
		r.Recorder.CacheN(sourceCache, m.Hits, m.Misses)
	}
	if m.Unchanged > 0 || m.Changed > 0 {
		r.Recorder.CacheN(recordCache, m.Unchanged, m.Changed)
	}
}

// Report passes on what concerns no single record. What is said again after a restart is not counted again.
func (w *writer) Report(d sdk.Diagnostic) {
	r := w.pool.run
	if d.Severity == sdk.SeverityInfo {
		r.Log.Info(d.Summary, "source", r.Sources[w.source].Name, "code", d.Code) //nolint:sloglint // the plugin's own words
		return
	}
	f := r.failure(w.source, core.StageRead, "", &d)
	if f.Warning && d.Kind == sdk.Unavailable { // something was slow or away for a while
		f.Transient = true
		r.Recorder.Failure(f)
		return
	}
	w.mu.Lock()
	s := w.streams[d.Stream]
	if s == nil {
		s = w.own
	}
	carried := s.carried
	w.mu.Unlock()
	if carried { // what there was to remark of it is taken over with it
		return
	}
	id := remark(f)
	place, _, isNew := w.meet(s, id, w.remarks)
	if !isNew {
		return
	}
	r.Recorder.Failure(f)
	err := r.Ledger.PutMishap(w.ctx, core.Mishap{
		Source: f.Source, Stream: s.Name, Place: place, Kind: core.MishapRemark, ID: id, Failures: []core.Failure{f},
	})
	if err != nil {
		_ = w.fail(err)
	}
}

// remark tells a remark from others.
func remark(f core.Failure) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{f.Code, f.Stream, f.Item, f.Message}, "\x00")))
	return hex.EncodeToString(sum[:8])
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

func (g *gate) isIdle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.n == 0
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
