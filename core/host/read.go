package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// Read hands what the plugin reads to out, in the order it is sent. It returns nil only if the plugin has said of every
// stream that it is complete and the numbers agree with what came, so that a plugin that dies or gives up half-way is
// never taken for one that is done.
//
// A plugin that is silent for StallAfter is reported to out; one that does not answer pings for StallKill either is
// killed. The time that out takes is not the plugin's.
func (p *Process) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	call, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := p.rpc.Read(call, &sourcepb.ReadRequest{
		Streams: request.Streams, State: request.State, RunId: request.RunID,
		Limits: &sourcepb.BatchLimits{Records: sourcepb.BatchRecords, Bytes: sourcepb.BatchBytes},
	})
	if err != nil {
		return p.failure(ctx, "read", err)
	}
	clock := &silence{since: time.Now()}
	var watch sync.WaitGroup
	watch.Go(func() { p.watch(call, clock, out) })
	defer watch.Wait()
	defer cancel()
	r := &reading{name: p.config.Name, asked: request.Streams, out: out, tallies: map[string]*tally{}}
	if err := r.run(stream, clock); err != nil {
		if r.broken {
			return p.failure(ctx, "read", err)
		}
		return err
	}
	return r.complete()
}

// reading takes in the messages of one Read call.
type reading struct {
	name    string
	asked   []string
	out     sdk.Writer
	tallies map[string]*tally
	broken  bool // the call itself ended with an error
	unknown bool // a message was skipped, and that was reported
}

// tally counts what came of a stream.
type tally struct {
	records, failed int64
	complete        bool
}

func (r *reading) run(stream grpc.ServerStreamingClient[sourcepb.ReadResponse], clock *silence) error {
	for {
		clock.start()
		message, err := stream.Recv()
		clock.stop()
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

// takeMetrics hands on numbers, which can only grow.
func (r *reading) takeMetrics(m *sourcepb.Metrics) {
	if out, ok := r.out.(sdk.MetricsWriter); ok {
		out.Metrics(sdk.Metrics{
			Requests: max(m.GetHttpRequests(), 0), Hits: max(m.GetCacheHits(), 0),
			Misses: max(m.GetCacheMisses(), 0), Bytes: max(m.GetBytesFetched(), 0),
		})
	}
}

func (r *reading) takeRecords(batch *sourcepb.RecordBatch) error {
	t, err := r.tally(batch.GetStream())
	if err != nil {
		return err
	}
	for _, w := range batch.GetRecords() {
		t.records++
		if err := r.takeRecord(batch.GetStream(), recordFromWire(w)); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) takeRecord(stream string, record sdk.Record) error {
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
		Kind: sdk.Internal, Code: CodeIncomplete, Stream: stream, Suggestion: reportIt,
		Summary: fmt.Sprintf("plugin %q: stream %q is not complete: %s", r.name, stream, reason),
	}
}

func (r *reading) misbehaved(stream, reason string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Internal, Code: CodeMisbehaved, Stream: stream, Suggestion: reportIt,
		Summary: fmt.Sprintf("plugin %q sent something for stream %q, which %s", r.name, stream, reason),
	}
}

// silence measures how long a plugin has kept its host waiting.
type silence struct {
	mu      sync.Mutex
	waiting bool
	since   time.Time
}

func (s *silence) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting, s.since = true, time.Now()
}

func (s *silence) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
}

// length returns how long the host has been waiting, and for which message: since when.
func (s *silence) length() (time.Duration, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.waiting {
		return 0, s.since
	}
	return time.Since(s.since), s.since
}

// watch looks after a reading until ctx ends. Nothing is asked of a plugin that keeps talking.
//
//	talking ──StallAfter──► silent (reported; pinged) ──no answer for StallKill──► killed
//	   ▲                       │ answers a ping: silent, reported again after another StallAfter
//	   └────── a message ──────┘
func (p *Process) watch(ctx context.Context, clock *silence, out sdk.Writer) {
	tick := time.NewTicker(min(p.config.StallAfter, p.config.StallKill) / 4)
	defer tick.Stop()
	var about time.Time    // the silence that was reported
	var reported int       // how often
	var answered time.Time // last answer in it
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		length, since := clock.length()
		if length < p.config.StallAfter {
			continue
		}
		if !since.Equal(about) {
			about, reported, answered = since, 0, time.Now()
		}
		alive := p.ping(ctx) == nil
		if alive {
			answered = time.Now()
		}
		if times := int(length / p.config.StallAfter); times > reported {
			reported = times
			out.Report(p.silent(length, alive))
		}
		if time.Since(answered) >= p.config.StallKill && ctx.Err() == nil {
			p.child.kill(killedForStall)
			return
		}
	}
}

func (p *Process) silent(length time.Duration, alive bool) sdk.Diagnostic {
	answer := "but still answers"
	if !alive {
		answer = "and does not answer"
	}
	return sdk.Diagnostic{
		Severity: sdk.SeverityWarning, Kind: sdk.Unavailable, Code: CodeStalled,
		Summary: fmt.Sprintf("plugin %q has sent nothing for %s, %s", p.config.Name, length.Round(time.Second), answer),
	}
}
