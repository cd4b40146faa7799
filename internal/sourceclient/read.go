package sourceclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// Clock is told when a wait for the plugin begins and when it ends.
type Clock interface {
	Start()
	Stop()
}

// Read is ReadTimed without a clock.
func (c *Client) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	return c.ReadTimed(ctx, request, out, idle{})
}

// ReadTimed hands what the plugin reads to out, in the order it is sent. It returns nil only if the plugin has said of
// every stream that it is complete and the numbers agree with what came, so that a plugin that dies or gives up half-way is
// never taken for one that is done. The clock does not run while out takes its time.
func (c *Client) ReadTimed(ctx context.Context, request sdk.ReadRequest, out sdk.Writer, clock Clock) error {
	call, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.rpc.Read(call, &sourcepb.ReadRequest{
		Streams: request.Streams, State: request.State, RunId: request.RunID, Known: request.Known,
		Limits: &sourcepb.BatchLimits{
			Records: int32(min(c.config.BatchRecords, math.MaxInt32)), Bytes: sourcepb.BatchBytes,
		},
	})
	if err != nil {
		return c.failure(ctx, "read", err)
	}
	r := &reading{name: c.config.Name, asked: request.Streams, known: request.Known, out: out, tallies: map[string]*tally{}}
	if err := r.run(stream, clock); err != nil {
		if r.broken {
			return c.failure(ctx, "read", err)
		}
		cancel() // and the plugin knows of it before it is asked to read again
		for _, gone := stream.Recv(); gone == nil; _, gone = stream.Recv() {
		}
		return err
	}
	return r.complete()
}

// idle is a clock that nobody reads.
type idle struct{}

func (idle) Start() {}
func (idle) Stop()  {}

// reading takes in the messages of one Read call.
type reading struct {
	name    string
	asked   []string
	known   map[string][]byte
	out     sdk.Writer
	tallies map[string]*tally
	broken  bool // the call itself ended with an error
	unknown bool // a message was skipped, and that was reported
}

// tally counts what came of a stream.
type tally struct {
	records, failed, same int64
	complete              bool
	whole                 bool // it is as it was
}

func (r *reading) run(stream grpc.ServerStreamingClient[sourcepb.ReadResponse], clock Clock) error {
	for {
		clock.Start()
		message, err := stream.Recv()
		clock.Stop()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			r.broken = true
			return err
		}
		if err := r.take(message); err != nil {
			return err
		}
	}
}

func (r *reading) take(message *sourcepb.ReadResponse) error {
	switch m := message.GetMessage().(type) {
	case *sourcepb.ReadResponse_Records:
		return r.takeRecords(m.Records)
	case *sourcepb.ReadResponse_Checkpoint:
		if _, err := r.tally(m.Checkpoint.GetStream()); err != nil {
			return err
		}
		return r.out.Checkpoint(m.Checkpoint.GetStream(), m.Checkpoint.GetState())
	case *sourcepb.ReadResponse_Diagnostic:
		return r.takeDiagnostic(m.Diagnostic)
	case *sourcepb.ReadResponse_Status:
		return r.takeStatus(m.Status)
	case *sourcepb.ReadResponse_Progress:
		s := m.Progress
		return r.out.Progress(s.GetStream(), s.GetDone(), s.GetTotal(), s.GetNote())
	case *sourcepb.ReadResponse_Metrics:
		r.takeMetrics(m.Metrics)
		return nil
	case *sourcepb.ReadResponse_Facts:
		return r.takeFacts(m.Facts)
	case *sourcepb.ReadResponse_Revision:
		return r.takeRevision(m.Revision)
	case *sourcepb.ReadResponse_Unchanged:
		return r.takeUnchanged(m.Unchanged)
	}
	if !r.unknown {
		r.unknown = true
		r.out.Report(sdk.Diagnostic{
			Severity: sdk.SeverityWarning, Kind: sdk.Unsupported, Code: CodeUnsupported,
			Summary:    fmt.Sprintf("plugin %q sends messages that this converter does not know; they are left out", r.name),
			Suggestion: "update the converter",
		})
	}
	return nil
}

// takeRevision hands on what a stream's state is called. One that is too long is left out, and that is reported.
func (r *reading) takeRevision(w *sourcepb.StreamRevision) error {
	if _, err := r.tally(w.GetStream()); err != nil {
		return err
	}
	out, ok := r.out.(sdk.RevisionWriter)
	if !ok {
		return nil
	}
	if n := len(w.GetRevision()); n > sdk.MaxRevision {
		r.out.Report(sdk.Diagnostic{
			Severity: sdk.SeverityWarning, Kind: sdk.Invalid, Code: CodeMisbehaved, Stream: w.GetStream(), Suggestion: ReportIt,
			Summary: fmt.Sprintf("plugin %q: the revision of stream %q has %d bytes, more than %d: the next run reads it again", r.name, w.GetStream(), n, sdk.MaxRevision),
		})
		return nil
	}
	return out.Revision(w.GetStream(), w.GetRevision())
}

// takeUnchanged hands on what is as it was, as far as the plugin can know that.
func (r *reading) takeUnchanged(w *sourcepb.Unchanged) error {
	t, err := r.tally(w.GetStream())
	if err != nil {
		return err
	}
	out, ok := r.out.(sdk.RevisionWriter)
	if _, known := r.known[w.GetStream()]; !known || !ok {
		return r.misbehaved(w.GetStream(), "it called unchanged without having been given a revision of it")
	}
	if w.GetWhole() {
		if t.records+t.failed+t.same > 0 {
			return r.misbehaved(w.GetStream(), "it called unchanged after a part of it had come")
		}
		t.whole = true
		return out.Unchanged(w.GetStream())
	}
	for _, id := range w.GetIds() {
		t.same++
		if err := out.UnchangedRecord(w.GetStream(), id); err != nil {
			return err
		}
	}
	return nil
}

// takeMetrics hands on numbers, which can only grow.
func (r *reading) takeMetrics(m *sourcepb.Metrics) {
	if out, ok := r.out.(sdk.MetricsWriter); ok {
		out.Metrics(sdk.Metrics{
			Requests: max(m.GetHttpRequests(), 0), Hits: max(m.GetCacheHits(), 0),
			Misses: max(m.GetCacheMisses(), 0), Bytes: max(m.GetBytesFetched(), 0),
			Unchanged: max(m.GetRecordsUnchanged(), 0), Changed: max(m.GetRecordsChanged(), 0),
			Retries: max(m.GetHttpRetries(), 0), Confirmed: max(m.GetCacheConfirmed(), 0),
			LimitWait: microseconds(m.GetWaitLimitUs()), PauseWait: microseconds(m.GetWaitPauseUs()),
			BackoffWait: microseconds(m.GetWaitBackoffUs()),
			InFlight:    max(m.GetInFlight(), 0), MostInFlight: max(m.GetMostInFlight(), 0),
		})
	}
}

// microseconds is a time that a plugin has waited, which no plugin has done for a year.
func microseconds(n int64) time.Duration {
	const most = 365 * 24 * time.Hour
	return time.Duration(min(max(n, 0), most.Microseconds())) * time.Microsecond
}

// takeFacts hands on what is known of a stream. What cannot be taken is left out, and that is reported.
func (r *reading) takeFacts(w *sourcepb.StreamFacts) error {
	if _, err := r.tally(w.GetStream()); err != nil {
		return err
	}
	out, ok := r.out.(sdk.FactsWriter)
	if !ok {
		return nil
	}
	facts := make([]sdk.Fact, 0, len(w.GetFacts()))
	for _, f := range w.GetFacts() {
		facts = append(facts, factFromWire(f))
	}
	if err := sdk.ValidateFacts(facts); err != nil {
		for _, d := range sdk.Diagnose(err, "") {
			d.Severity, d.Stream = sdk.SeverityWarning, w.GetStream()
			r.out.Report(*d)
		}
		return nil
	}
	return out.Facts(w.GetStream(), facts...)
}

func (r *reading) takeRecords(batch *sourcepb.RecordBatch) error {
	t, err := r.tally(batch.GetStream())
	if err != nil {
		return err
	}
	if t.whole && len(batch.GetRecords()) > 0 {
		return r.misbehaved(batch.GetStream(), "had not changed, as it said")
	}
	for _, w := range batch.GetRecords() {
		t.records++
		if err := r.takeRecord(batch.GetStream(), w); err != nil {
			return err
		}
	}
	return nil
}

// takeRecord hands on a record, or the reason why it cannot be one: what the SDK makes sure of, other plugins may not.
func (r *reading) takeRecord(stream string, w *sourcepb.Record) error {
	if size := proto.Size(w); size > sourcepb.MaxRecord {
		return r.out.Skip(stream, w.GetId(), diagnosticFromWire(sourcepb.TooLarge(size)))
	}
	record := recordFromWire(w)
	if fault := record.Validate(); fault != nil {
		return r.out.Skip(stream, record.ID, fault)
	}
	return r.out.Record(stream, record)
}

func (r *reading) takeDiagnostic(w *sourcepb.Diagnostic) error {
	d := diagnosticFromWire(w)
	if !w.GetSkipped() {
		r.out.Report(*d)
		return nil
	}
	t, err := r.tally(d.Stream)
	if err != nil {
		return err
	}
	if t.whole {
		return r.misbehaved(d.Stream, "had not changed, as it said")
	}
	t.failed++
	return r.out.Skip(d.Stream, d.RecordID, d)
}

func (r *reading) takeStatus(s *sourcepb.StreamStatus) error {
	t, err := r.tally(s.GetStream())
	if err != nil || s.GetState() != sourcepb.StreamStatus_STATE_COMPLETE {
		return err
	}
	t.complete = true
	if s.GetRecords() != t.records || s.GetFailed() != t.failed {
		return r.incomplete(s.GetStream(), fmt.Sprintf("it counted %d records and %d failed, but %d and %d came",
			s.GetRecords(), s.GetFailed(), t.records, t.failed))
	}
	if s.GetUnchanged() != t.same {
		return r.incomplete(s.GetStream(), fmt.Sprintf("it counted %d unchanged records, but %d came", s.GetUnchanged(), t.same))
	}
	return nil
}

// tally returns the count of a stream that may have messages.
func (r *reading) tally(stream string) (*tally, error) {
	t := r.tallies[stream]
	switch {
	case t == nil && len(r.asked) > 0 && !slices.Contains(r.asked, stream):
		return nil, r.misbehaved(stream, "was not asked for")
	case t == nil:
		t = &tally{}
		r.tallies[stream] = t
	case t.complete:
		return nil, r.misbehaved(stream, "was complete already")
	}
	return t, nil
}

// complete says whether everything came that was asked for.
func (r *reading) complete() error {
	for _, stream := range r.asked {
		if t := r.tallies[stream]; t == nil || !t.complete {
			return r.incomplete(stream, "it ended without saying that it is")
		}
	}
	for stream, t := range r.tallies {
		if !t.complete {
			return r.incomplete(stream, "it ended without saying that it is")
		}
	}
	return nil
}

func (r *reading) incomplete(stream, reason string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Internal, Code: CodeIncomplete, Stream: stream, Suggestion: ReportIt,
		Summary: fmt.Sprintf("plugin %q: stream %q is not complete: %s", r.name, stream, reason),
	}
}

func (r *reading) misbehaved(stream, reason string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Internal, Code: CodeMisbehaved, Stream: stream, Suggestion: ReportIt,
		Summary: fmt.Sprintf("plugin %q sent something for stream %q, which %s", r.name, stream, reason),
	}
}
