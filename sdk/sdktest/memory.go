package sdktest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/seed-98789ff7/converter/internal/sourceclient"
	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// wired is a source in this process behind the wire. What it says is written, sent through memory and read again as it is
// with a plugin, so the wire is tested with it; and debuggers and coverage see all of it.
type wired struct {
	*sourceclient.Client

	inner  *inner
	conn   *grpc.ClientConn
	stop   context.CancelFunc
	served chan error

	closing sync.Once
	closed  error
}

// wire serves a source in memory and connects to it.
func wire(ctx context.Context, s sdk.Source) (*wired, error) {
	const pipe = 64 << 10
	listener := bufconn.Listen(pipe)
	conn, err := grpc.NewClient("passthrough:memory",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(sourcepb.CallOptions()...))
	if err != nil {
		return nil, err
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	w := &wired{
		Client: sourceclient.New(conn, sourceclient.Config{}), inner: &inner{Source: s},
		conn: conn, stop: stop, served: make(chan error, 1),
	}
	go func() { w.served <- sdk.ServeListener(serving, w.inner, listener, nil) }()
	if err := w.Greet(ctx); err != nil {
		return nil, errors.Join(w.Meaning("GetSpec", err), w.Close())
	}
	return w, nil
}

// Configure is that of [sdk.Source]. The logger does not go over the wire, and comes to the source all the same.
func (w *wired) Configure(ctx context.Context, c sdk.Configuration) error {
	w.inner.log = c.Log
	return w.Client.Configure(ctx, c)
}

// Read is that of [sdk.Source]. It returns when the source has done with it too, so that a source which does not end when
// it is cancelled is found out.
func (w *wired) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	err := w.Client.Read(ctx, request, out)
	w.inner.rest()
	return err
}

// Close ends the serving, closes the source where it can be closed, and waits for both.
func (w *wired) Close() error {
	w.closing.Do(func() {
		err := w.conn.Close()
		w.stop()
		w.closed = errors.Join(err, <-w.served)
	})
	return w.closed
}

// inner is the source as the serving end has it. It looks at what the wire does not let through.
type inner struct {
	sdk.Source

	log     *slog.Logger // that of the test
	reading sync.Mutex   // held while the source reads
	waiting atomic.Int64 // calls of its Writer that have not returned

	mu     sync.Mutex // guards what follows
	faults []string
	faulty int64
}

// rest returns when the source does not read.
func (i *inner) rest() {
	i.reading.Lock()
	defer i.reading.Unlock()
}

// Configure is that of [sdk.Source].
func (i *inner) Configure(ctx context.Context, c sdk.Configuration) error {
	c.Log = i.log
	return i.Source.Configure(ctx, c)
}

// Read is that of [sdk.Source].
func (i *inner) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	i.reading.Lock()
	defer i.reading.Unlock()
	return i.Source.Read(ctx, request, &innerWriter{Writer: out, inner: i})
}

// Close is that of [io.Closer].
func (i *inner) Close() error {
	if c, isCloser := i.Source.(io.Closer); isCloser {
		return c.Close()
	}
	return nil
}

// ambiguous notes a reference with several locators, of which the wire has room for one.
func (i *inner) ambiguous(id string, a sdk.AssetRef) {
	if locators(a) < 2 {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faulty++
	if len(i.faults) < faultsKept {
		i.faults = append(i.faults, fmt.Sprintf("record %q: asset %q has more than one of URL, Path and Key", id, a.URI))
	}
}

// found is what was noted so far.
func (i *inner) found() (int64, []string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.faulty, slices.Clone(i.faults)
}

// innerWriter is the Writer of the SDK, watched.
type innerWriter struct {
	sdk.Writer

	inner *inner
}

var (
	_ sdk.MetricsWriter  = (*innerWriter)(nil)
	_ sdk.FactsWriter    = (*innerWriter)(nil)
	_ sdk.RevisionWriter = (*innerWriter)(nil)
)

// Record is that of [sdk.Writer].
func (w *innerWriter) Record(stream string, r sdk.Record) error {
	w.inner.waiting.Add(1)
	defer w.inner.waiting.Add(-1)
	for _, a := range r.Assets {
		w.inner.ambiguous(r.ID, a)
	}
	return w.Writer.Record(stream, r)
}

// Skip is that of [sdk.Writer].
func (w *innerWriter) Skip(stream, id string, reason error) error {
	w.inner.waiting.Add(1)
	defer w.inner.waiting.Add(-1)
	return w.Writer.Skip(stream, id, reason)
}

// Checkpoint is that of [sdk.Writer].
func (w *innerWriter) Checkpoint(stream string, state []byte) error {
	w.inner.waiting.Add(1)
	defer w.inner.waiting.Add(-1)
	return w.Writer.Checkpoint(stream, state)
}

// Revision is that of [sdk.RevisionWriter].
func (w *innerWriter) Revision(stream string, revision []byte) error {
	return w.remembering(func(out sdk.RevisionWriter) error { return out.Revision(stream, revision) })
}

// Unchanged is that of [sdk.RevisionWriter].
func (w *innerWriter) Unchanged(stream string) error {
	return w.remembering(func(out sdk.RevisionWriter) error { return out.Unchanged(stream) })
}

// UnchangedRecord is that of [sdk.RevisionWriter].
func (w *innerWriter) UnchangedRecord(stream, id string) error {
	return w.remembering(func(out sdk.RevisionWriter) error { return out.UnchangedRecord(stream, id) })
}

func (w *innerWriter) remembering(do func(out sdk.RevisionWriter) error) error {
	w.inner.waiting.Add(1)
	defer w.inner.waiting.Add(-1)
	return do(w.Writer.(sdk.RevisionWriter)) // it is that of the SDK
}

// Metrics is that of [sdk.MetricsWriter].
func (w *innerWriter) Metrics(m sdk.Metrics) {
	if out, ok := w.Writer.(sdk.MetricsWriter); ok {
		out.Metrics(m)
	}
}

// Facts is that of [sdk.FactsWriter].
func (w *innerWriter) Facts(stream string, facts ...sdk.Fact) error {
	w.inner.waiting.Add(1)
	defer w.inner.waiting.Add(-1)
	if out, ok := w.Writer.(sdk.FactsWriter); ok {
		return out.Facts(stream, facts...)
	}
	return nil
}
