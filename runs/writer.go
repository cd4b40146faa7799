package runs

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/memory"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// store is what the writer needs of the database.
type store interface {
	Apply(ctx context.Context, statements ...rqlite.Statement) ([]rqlite.Result, error)
}

// counter takes the numbers of what was stored.
type counter interface {
	Done(stage core.Stage, source, stream string, outcome core.Outcome, n int64)
	Failure(f core.Failure)
}

// meter takes the numbers of the storing itself.
type meter interface {
	Waiting(rows, bytes int)
	Stored(rows int, took time.Duration)
	Replaced()
	StoreFailed()
	Refused()
	Waited(length time.Duration)
	Flushed(length time.Duration)
}

type writerConfig struct {
	store  store
	count  counter
	meter  meter // default: nobody asks
	run    string
	number int64
	token  string // of the run's owner; empty: it has none
	rev    uint64 // numbers of puts begin behind it
	log    *slog.Logger
	// lost is closed when the store is gone for good; cause then says why. Nil: that is not known.
	lost  <-chan struct{}
	cause func() error
	// spoil is told of streams of which the store refuses a row. Default: nobody is.
	spoil func(source, stream string)

	batchRows, batchBytes int           // a batch is stored when it is that large. Default: 100, 192 KB
	age                   time.Duration // or that old. Default: 250 ms
	lanes                 int           // how many batches are on their way at a time at most. Default: 3
	mostRows, mostBytes   int           // what is held back at most. Default: 5,000, 16 MB
	patience              time.Duration // how long the store may fail on end. Default: 2 min
}

func (c writerConfig) withDefaults() writerConfig {
	c.batchRows = cmp.Or(c.batchRows, 100)
	c.batchBytes = cmp.Or(c.batchBytes, 192<<10)
	c.age = cmp.Or(c.age, 250*time.Millisecond)
	c.lanes = cmp.Or(c.lanes, 3)
	c.mostRows = cmp.Or(c.mostRows, mostRows)
	c.mostBytes = cmp.Or(c.mostBytes, 16<<20)
	c.patience = cmp.Or(c.patience, 2*time.Minute)
	if c.meter == nil {
		c.meter = memory.New(memory.Config{})
	}
	return c
}

// writer stores rows behind the back of those who put them: in the order of the puts, many at once, each until it is
// stored or the store says that it never will be.
//
//	put ─► backlog ─► batch ─► store ─► counted
//	          ▲          │
//	          └──────────┘  no answer: once more at once, then after longer and longer pauses
//	                     └► refused: halved until the bad row is found, which becomes a failure
//	                     └► lost, or no answer for too long: put, flush and close return a StoreError
//
// A batch is one transaction. While the store is at work on one, the next ones are on their way: on two cores that is
// half as much again. Which of them arrives first does not matter, since rows of one key are told apart by their numbers; but a
// checkpoint must not be stored before the rows in front of it, so a batch with one waits until it is alone. After a
// failure one goes at a time, until the store takes something again.
type writer struct {
	writerConfig
	cancel context.CancelFunc
	done   chan struct{} // closed when the goroutine is gone
	wake   chan struct{} // holds one token: something has changed for the goroutine

	mu      sync.Mutex
	backlog backlog
	flying  [][]*entry    // batches on their way
	aloft   int           // bytes of them
	moved   chan struct{} // closed and replaced when room was made or the writer failed
	awaited uint64        // place up to which somebody waits for the store
	closing bool
	err     *StoreError
}

// newWriter starts a writer, which lives until it is closed, however long ctx lasts.
func newWriter(ctx context.Context, config writerConfig) *writer {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &writer{
		writerConfig: config.withDefaults(), cancel: cancel,
		done: make(chan struct{}), wake: make(chan struct{}, 1), moved: make(chan struct{}),
	}
	w.backlog.puts = config.rev
	go w.loop(lasting)
	return w
}

// put queues a row. It waits while the backlog is full, for as long as ctx lasts and the store does.
func (w *writer) put(ctx context.Context, e *entry) error {
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		moved, err := w.tryPut(e)
		if moved == nil || err != nil {
			return err
		}
		begun := time.Now()
		select {
		case <-ctx.Done():
		case <-moved:
		}
		w.meter.Waited(time.Since(begun))
	}
}

// tryPut queues a row if there is room, else it returns what to wait for.
func (w *writer) tryPut(e *entry) (<-chan struct{}, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.err != nil:
		return nil, w.err
	case w.closing:
		return nil, fmt.Errorf("run %s has ended: nothing more is stored for it", w.run)
	case w.held() > 0 && (w.held() >= w.mostRows || w.backlog.bytes+w.aloft+e.bytes > w.mostBytes):
		return w.moved, nil
	}
	e.since = time.Now()
	before := w.backlog.rows
	w.backlog.put(e, w.awaited)
	if w.backlog.rows == before {
		w.meter.Replaced()
	}
	w.measure()
	if w.backlog.rows == 1 || w.full() {
		w.nudge()
	}
	return nil, nil
}

// flush waits until everything put so far is stored, or returns what could not be.
func (w *writer) flush(ctx context.Context) error {
	w.mu.Lock()
	begun := time.Now()
	defer func() { w.meter.Flushed(time.Since(begun)) }()
	upTo := w.backlog.puts
	w.awaited = max(w.awaited, upTo)
	w.nudge()
	for w.err == nil && w.oldest() <= upTo {
		moved := w.moved
		w.mu.Unlock()
		select {
		case <-ctx.Done():
			return w.late(context.Cause(ctx))
		case <-moved:
		}
		w.mu.Lock()
	}
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	return nil
}

// close stores what is left, and returns when the goroutine is gone. What could not be stored before ctx ends is in the
// error.
func (w *writer) close(ctx context.Context) error {
	w.mu.Lock()
	w.closing = true
	w.nudge()
	w.mu.Unlock()
	select {
	case <-w.done:
	case <-ctx.Done():
		w.fail("its last rows were not stored in time: start the run again", context.Cause(ctx))
		w.cancel()
		<-w.done
	}
	w.cancel()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	return nil
}

// fail ends the writer: what is not stored by now will not be. The first reason counts.
func (w *writer) fail(advice string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil && w.held() == 0 && w.closing {
		return // everything is stored, and nothing will come
	}
	if w.err == nil {
		w.err = &StoreError{Run: w.run, Unsaved: w.held(), Advice: advice, Err: err}
	}
	w.broadcast()
	w.nudge()
}

func (w *writer) late(cause error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Errorf("run %s: %d rows are not stored yet: %w", w.run, w.held(), cause)
}

// The following want w.mu held.

func (w *writer) measure() { w.meter.Waiting(w.held(), w.backlog.bytes+w.aloft) }

// held is how many rows are not stored yet.
func (w *writer) held() int {
	rows := w.backlog.rows
	for _, batch := range w.flying {
		rows += len(batch)
	}
	return rows
}

func (w *writer) full() bool {
	return w.backlog.rows >= w.batchRows || w.backlog.bytes >= w.batchBytes
}

// oldest is the place of the first row that is not stored.
func (w *writer) oldest() uint64 {
	oldest := uint64(math.MaxUint64)
	for _, batch := range w.flying {
		oldest = min(oldest, batch[0].place)
	}
	if e := w.backlog.first(); e != nil {
		oldest = min(oldest, e.place)
	}
	return oldest
}

func (w *writer) broadcast() {
	close(w.moved)
	w.moved = make(chan struct{})
}

func (w *writer) nudge() {
	select {
	case w.wake <- struct{}{}:
	default: // it will look anyway
	}
}

func sizeOf(batch []*entry) int {
	size := 0
	for _, e := range batch {
		size += e.bytes
	}
	return size
}

// The rest is the goroutine's, and that of those it sends with a batch.

// landing is the end of the way of a batch, of which left was not stored.
type landing struct {
	batch, left []*entry
	err         error
}

func (w *writer) loop(ctx context.Context) {
	defer close(w.done)
	defer w.abandon()
	var failing trouble
	landings := make(chan landing, w.lanes)
	defer func() { w.land(landings) }()
	for {
		batch, more := w.next(ctx, landings, &failing)
		if !more {
			return
		}
		go func() {
			left, err := w.save(ctx, batch)
			landings <- landing{batch, left, err}
		}()
	}
}

// next waits for a batch that is due, and sees to those that land meanwhile. There is no more when all is stored and
// nothing will come, or when the writer has failed.
func (w *writer) next(ctx context.Context, landings chan landing, failing *trouble) (batch []*entry, more bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		lanes := w.lanes
		if failing.attempts > 0 {
			lanes = 1
		}
		batch, wait, over := w.due(lanes)
		if over || batch != nil {
			return batch, !over
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done(): // close has said why
			return nil, false
		case <-w.lost:
			w.fail(adviceLost, w.causeOfLoss())
			return nil, false
		case l := <-landings:
			if !w.landed(ctx, l, landings, failing) {
				return nil, false
			}
		case <-w.wake:
		case <-timer.C:
		}
	}
}

// landed sees to a batch that has landed. After a failure it waits for all others too, so that the order is kept.
func (w *writer) landed(ctx context.Context, l landing, landings chan landing, failing *trouble) bool {
	w.settle(l)
	if l.err == nil {
		*failing = trouble{}
		return true
	}
	w.meter.StoreFailed()
	w.land(landings)
	return w.endure(ctx, failing, l.err)
}

// land waits for all batches on their way.
func (w *writer) land(landings chan landing) {
	for w.inFlight() {
		l := <-landings
		w.settle(l)
		if l.err != nil {
			w.meter.StoreFailed()
		}
	}
}

func (w *writer) inFlight() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.flying) > 0
}

// due returns the batch to be stored now, or how long to wait for one, or that there will be none.
func (w *writer) due(lanes int) (batch []*entry, wait time.Duration, over bool) {
	const idle = time.Hour // a put or a landing ends it
	w.mu.Lock()
	defer w.mu.Unlock()
	first := w.backlog.first()
	switch {
	case w.err != nil:
		return nil, 0, true
	case first == nil:
		return nil, idle, w.closing && len(w.flying) == 0
	case len(w.flying) >= lanes:
		return nil, idle, false
	}
	wait = w.age - time.Since(first.since)
	if wait > 0 && !w.full() && !w.closing && first.place > w.awaited {
		return nil, wait, false
	}
	batch = w.backlog.take(w.batchRows, w.batchBytes, len(w.flying) == 0)
	if len(batch) == 0 {
		return nil, idle, false
	}
	w.flying = append(w.flying, batch)
	w.aloft += sizeOf(batch)
	return batch, 0, false
}

// settle ends the way of a batch.
func (w *writer) settle(l landing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.aloft -= sizeOf(l.batch)
	w.flying = slices.DeleteFunc(w.flying, func(batch []*entry) bool { return batch[0] == l.batch[0] })
	w.backlog.putBack(l.left, w.awaited)
	w.measure()
	w.broadcast()
}

// save stores a batch, counts what is stored, and returns what is not, with the reason. A row that the store refuses is
// found by halving and counted as failed.
func (w *writer) save(ctx context.Context, batch []*entry) ([]*entry, error) {
	begun := time.Now()
	err := w.apply(ctx, batch)
	switch {
	case err == nil:
		w.meter.Stored(len(batch), time.Since(begun))
		for _, e := range batch {
			for _, c := range e.counts {
				w.count.Done(c.stage, c.source, c.stream, c.outcome, c.n)
			}
		}
		return nil, nil
	case !refused(err):
		return batch, err
	case len(batch) == 1:
		return w.refuse(ctx, batch[0], err)
	}
	half := len(batch) / 2
	if left, err := w.save(ctx, batch[:half]); err != nil {
		return slices.Concat(left, batch[half:]), err
	}
	return w.save(ctx, batch[half:])
}

// apply stores a batch in one transaction, with one statement a table.
func (w *writer) apply(ctx context.Context, batch []*entry) error {
	var rows [tableCount][][]any
	for _, e := range batch {
		rows[e.table] = append(rows[e.table], append(slices.Clip(e.row), e.rev))
	}
	var statements []rqlite.Statement
	if w.token != "" {
		statements = append(statements, owned(w.number, w.token))
	}
	for t := range tableCount {
		if len(rows[t]) == 0 {
			continue
		}
		statement, err := t.upsert(w.number).Statement(rows[t])
		if err != nil {
			return err
		}
		statements = append(statements, statement)
	}
	_, err := w.store.Apply(ctx, statements...)
	return err
}

// refuse counts a row that the store will never take. What it stands for is a mishap from now on, for a later attempt at
// the run to know; where that cannot be stored just now, the row is tried again.
func (w *writer) refuse(ctx context.Context, e *entry, err error) ([]*entry, error) {
	f := e.about
	f.Code = "store.row_refused"
	f.Message = "the store refuses it: " + err.Error()
	f.Suggestion = "It is missing from the result. Look at the item in its source; if nothing is wrong with it, report this."
	if e.mishap != nil {
		m := *e.mishap
		m.Failures = []core.Failure{f}
		instead, err := mishapEntry(m)
		if err == nil {
			instead.rev = e.rev
			err = w.apply(ctx, []*entry{instead})
		}
		if err != nil && !refused(err) {
			return []*entry{e}, err
		}
	}
	if w.spoil != nil {
		w.spoil(f.Source, f.Stream)
	}
	w.meter.Refused()
	w.count.Failure(f)
	for _, c := range e.counts {
		w.count.Done(c.stage, c.source, c.stream, core.FailedItem, c.n)
	}
	return nil, nil
}

// abandon counts what was not stored as not done.
func (w *writer) abandon() {
	w.mu.Lock()
	var left []*entry
	for _, e := range w.backlog.entries {
		if !e.gone {
			left = append(left, e)
		}
	}
	w.backlog = backlog{puts: w.backlog.puts}
	w.mu.Unlock()
	for _, e := range left {
		for _, c := range e.counts {
			w.count.Done(c.stage, c.source, c.stream, core.CancelledItem, c.n)
		}
	}
}
