package sdk

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// batchAge is how long a record waits for others at most.
const batchAge = 200 * time.Millisecond

// progressAge is how long one progress message stands before the next of an unfinished step.
const progressAge = 100 * time.Millisecond

// metricsAge is how long numbers wait for others.
const metricsAge = 500 * time.Millisecond

// writer is the Writer of one Read call. It sends records in batches: one batch is open at a time, and sent when it is
// full, when the next message is of another sort or stream, and when it is batchAge old. It holds one batch in memory,
// plus one record; a slow host makes its methods wait.
type writer struct {
	stream  grpc.ServerStreamingServer[sourcepb.ReadResponse]
	asked   []string // streams; empty: all
	records int      // limits of a batch
	bytes   int

	known     map[string][]byte // revisions that the host has given
	remembers bool              // the host takes revisions

	mu     sync.Mutex
	failed error // of sending; sticks
	ended  bool
	seen   []string // streams, in order of their first message
	counts map[string]*count
	batch  *sourcepb.RecordBatch
	same   *sourcepb.Unchanged // ids that wait to be sent; nil while there is a batch
	size   int
	arena  []byte // the JSON of the batch

	progressed time.Time                     // last progress sent
	steps      map[string]*sourcepb.Progress // that came too soon after another one: the latest by stream
	measured   time.Time                     // last metrics sent

	fetched fetched
}

// fetched are the numbers that wait to be sent. They have a lock of their own: nobody who counts waits for the host.
type fetched struct {
	mu  sync.Mutex // guards what follows
	sum Metrics
}

func (f *fetched) add(m Metrics) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sum = f.sum.plus(m)
}

func (f *fetched) take() Metrics {
	f.mu.Lock()
	defer f.mu.Unlock()
	sum := f.sum
	f.sum = Metrics{}
	return sum
}

type count struct{ records, failed, same int64 }

func newWriter(stream grpc.ServerStreamingServer[sourcepb.ReadResponse], r *sourcepb.ReadRequest) *writer {
	return &writer{
		stream: stream, asked: r.GetStreams(), counts: map[string]*count{}, known: r.GetKnown(), steps: map[string]*sourcepb.Progress{},
		records: limit(r.GetLimits().GetRecords(), sourcepb.BatchRecords, 10*sourcepb.BatchRecords),
		bytes:   limit(r.GetLimits().GetBytes(), sourcepb.BatchBytes, 4*sourcepb.BatchBytes),
	}
}

func limit(asked int32, standard, most int) int {
	if asked <= 0 {
		return standard
	}
	return min(int(asked), most)
}

// flushing runs read and meanwhile sends batches that have waited long enough.
func (w *writer) flushing(read func() error) error {
	done := make(chan struct{})
	var flusher sync.WaitGroup
	flusher.Go(func() {
		tick := time.NewTicker(batchAge)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				w.mu.Lock()
				_ = w.flush() // it sticks, and the next call returns it
				if time.Since(w.measured) >= metricsAge {
					w.measure()
				}
				if time.Since(w.progressed) >= progressAge {
					w.catchUp()
				}
				w.mu.Unlock()
			}
		}
	})
	defer flusher.Wait()
	defer close(done)
	return read()
}

// Record sends one record.
func (w *writer) Record(stream string, r Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := w.open(stream)
	if err != nil {
		return err
	}
	if fault := r.Validate(); fault != nil {
		return w.skip(stream, r.ID, fault)
	}
	wire := recordToWire(r)
	size := proto.Size(wire)
	if size > sourcepb.MaxRecord {
		return w.skip(stream, r.ID, tooLarge(size))
	}
	if err := w.makeRoom(stream, size); err != nil {
		return err
	}
	start := len(w.arena)
	w.arena = append(w.arena, r.JSON...)
	wire.Json = w.arena[start:len(w.arena):len(w.arena)]
	w.batch.Records = append(w.batch.Records, wire)
	w.size += size
	c.records++
	if len(w.batch.Records) >= w.records || w.size >= w.bytes {
		return w.flush()
	}
	return nil
}

// makeRoom leaves an open batch of the stream that the record fits in.
func (w *writer) makeRoom(stream string, size int) error {
	if w.same != nil || w.batch != nil && (w.batch.Stream != stream || w.size+size > w.bytes) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.batch == nil {
		w.batch = &sourcepb.RecordBatch{Stream: stream}
	}
	return nil
}

// Skip counts a record that could not be read.
func (w *writer) Skip(stream, id string, reason error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.open(stream); err != nil {
		return err
	}
	return w.skip(stream, id, reason)
}

func (w *writer) skip(stream, id string, reason error) error {
	d := &Diagnostic{Code: "record_unreadable", Summary: "the source gives no reason"}
	for i, found := range Diagnose(reason, "record_unreadable") {
		if i == 0 {
			first := *found
			d = &first
			continue
		}
		d.Detail += "\n" + found.Error()
	}
	d.Severity = SeverityError
	d.Stream, d.RecordID = stream, id
	wire := diagnosticToWire(d)
	wire.Skipped = true
	if err := w.send(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Diagnostic{Diagnostic: wire}}); err != nil {
		return err
	}
	w.counts[stream].failed++
	return nil
}

// Checkpoint sends a checkpoint after everything before it.
func (w *writer) Checkpoint(stream string, state []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.open(stream); err != nil {
		return err
	}
	if len(state) > sourcepb.MaxRecord {
		return &Diagnostic{
			Kind: Invalid, Code: "TOO_LARGE", Stream: stream,
			Summary: fmt.Sprintf("a checkpoint has %d bytes, more than %d", len(state), sourcepb.MaxRecord),
		}
	}
	point := &sourcepb.Checkpoint{Stream: text(stream), State: bytes.Clone(state)}
	return w.send(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Checkpoint{Checkpoint: point}})
}

// Progress sends how far a long step is, unless it did so a moment ago and the step is not done.
func (w *writer) Progress(stream string, done, total int64, note string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.open(stream); err != nil {
		return err
	}
	step := &sourcepb.Progress{Stream: text(stream), Done: done, Total: total, Note: text(clip(note, maxSummary))}
	if unfinished := total <= 0 || done < total; unfinished && time.Since(w.progressed) < progressAge {
		w.steps[stream] = step
		return nil
	}
	delete(w.steps, stream)
	w.progressed = time.Now()
	return w.transmit(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Progress{Progress: step}})
}

// catchUp sends the latest progress of each stream that has not been sent.
func (w *writer) catchUp() {
	for _, stream := range w.seen {
		if step := w.steps[stream]; step != nil {
			delete(w.steps, stream)
			w.progressed = time.Now()
			_ = w.transmit(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Progress{Progress: step}}) // it sticks
		}
	}
}

// Facts sends what is known of a stream.
func (w *writer) Facts(stream string, facts ...Fact) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.open(stream); err != nil {
		return err
	}
	if err := ValidateFacts(facts); err != nil {
		return err
	}
	message := &sourcepb.StreamFacts{Stream: text(stream)}
	for _, f := range facts {
		message.Facts = append(message.Facts, factToWire(f))
	}
	return w.send(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Facts{Facts: message}})
}

// Metrics adds to the numbers, which are sent every now and then and at the end.
func (w *writer) Metrics(m Metrics) { w.fetched.add(m) }

// measure sends the numbers, where there are any.
func (w *writer) measure() {
	m := w.fetched.take()
	if m == (Metrics{}) {
		return
	}
	w.measured = time.Now()
	_ = w.transmit(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Metrics{Metrics: &sourcepb.Metrics{
		HttpRequests: m.Requests, CacheHits: m.Hits, CacheMisses: m.Misses, BytesFetched: m.Bytes,
		RecordsUnchanged: m.Unchanged, RecordsChanged: m.Changed, HttpRetries: m.Retries, CacheConfirmed: m.Confirmed,
		WaitLimitUs: m.LimitWait.Microseconds(), WaitPauseUs: m.PauseWait.Microseconds(), WaitBackoffUs: m.BackoffWait.Microseconds(),
		InFlight: m.InFlight, MostInFlight: m.MostInFlight,
	}}}) // it sticks, and the next call returns it
}

// Report sends something that concerns no single record.
func (w *writer) Report(d Diagnostic) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.usable() != nil {
		return
	}
	message := &sourcepb.ReadResponse_Diagnostic{Diagnostic: diagnosticToWire(&d)}
	_ = w.send(&sourcepb.ReadResponse{Message: message}) // it sticks, and the next call returns it
}

// end tells the host how every stream ended, and returns what the call is to return: complete only if the source said so
// and the host was there to hear all of it.
func (w *writer) end(err error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.ended = true }()
	w.measure()
	w.catchUp()
	if err == nil {
		err = w.usable()
	}
	if err == nil {
		err = w.openAsked()
	}
	state := sourcepb.StreamStatus_STATE_COMPLETE
	if err != nil {
		state = sourcepb.StreamStatus_STATE_INCOMPLETE
	}
	for _, stream := range w.seen {
		if sendErr := w.status(stream, state); sendErr != nil && err == nil {
			return sendErr
		}
	}
	return err
}

// openAsked starts the streams that had nothing to send.
func (w *writer) openAsked() error {
	for _, stream := range w.asked {
		if _, err := w.open(stream); err != nil {
			return err
		}
	}
	return nil
}

// open counts for a stream, which it starts when this is its first message.
func (w *writer) open(stream string) (*count, error) {
	if err := w.usable(); err != nil {
		return nil, err
	}
	if c := w.counts[stream]; c != nil {
		return c, nil
	}
	if stream == "" || !utf8.ValidString(stream) || (len(w.asked) > 0 && !slices.Contains(w.asked, stream)) {
		return nil, &Diagnostic{
			Kind: Internal, Code: "stream_not_asked_for", Stream: stream,
			Summary:    fmt.Sprintf("the plugin wrote to stream %q, which it was not asked to read", stream),
			Suggestion: "this is a fault of the plugin: please report it to its author",
		}
	}
	w.counts[stream] = &count{}
	w.seen = append(w.seen, stream)
	return w.counts[stream], w.status(stream, sourcepb.StreamStatus_STATE_STARTED)
}

func (w *writer) usable() error {
	switch {
	case w.ended:
		return errEnded
	case w.failed != nil:
		return w.failed
	}
	return w.stream.Context().Err()
}

func (w *writer) status(stream string, state sourcepb.StreamStatus_State) error {
	status := &sourcepb.StreamStatus{Stream: stream, State: state}
	if state != sourcepb.StreamStatus_STATE_STARTED {
		c := w.counts[stream]
		status.Records, status.Failed, status.Unchanged = c.records, c.failed, c.same
	}
	return w.send(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Status{Status: status}})
}

// send sends what waits, then the message.
func (w *writer) send(m *sourcepb.ReadResponse) error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.transmit(m)
}

func (w *writer) flush() error {
	if same := w.same; same != nil && w.failed == nil {
		w.same = nil
		return w.transmit(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Unchanged{Unchanged: same}})
	}
	if w.batch == nil || w.failed != nil {
		return w.failed
	}
	err := w.transmit(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Records{Records: w.batch}})
	w.batch, w.size, w.arena = nil, 0, w.arena[:0] // the arena is used again: what is sent keeps none of it, see newServer
	return err
}

func (w *writer) transmit(m *sourcepb.ReadResponse) error {
	if w.failed != nil {
		return w.failed
	}
	if err := w.stream.Send(m); err != nil {
		w.failed = fmt.Errorf("send to the host: %w", err)
		if gone := w.stream.Context().Err(); gone != nil {
			w.failed = gone
		}
	}
	return w.failed
}

func tooLarge(size int) error {
	w := sourcepb.TooLarge(size)
	return &Diagnostic{
		Kind: ParseKind(w.GetKind()), Code: w.GetCode(), Summary: w.GetSummary(), Suggestion: w.GetSuggestion(),
	}
}
