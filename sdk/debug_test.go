package sdk

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// debugged serves a source for debugging and returns a calling end of it.
func debugged(t *testing.T, s Source) sourcepb.SourceServiceClient {
	t.Helper()
	dir, err := os.MkdirTemp("", "d") //nolint:usetesting // its folders carry the name of the test, too long for sockets
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- debugUntil(ctx, s, in, slog.New(slog.DiscardHandler))
		_ = in.Close()
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if err := os.Remove(dir); err != nil {
			t.Errorf("something is left behind: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	_, address, _ := strings.Cut(line, `"addr":"`)
	address, _, _ = strings.Cut(address, `"`)
	conn, err := grpc.NewClient("unix:"+address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return sourcepb.NewSourceServiceClient(conn)
}

// TestDebuggedSourceIsConfiguredAgain, but not under the feet of a run that reads it.
func TestDebuggedSourceIsConfiguredAgain(t *testing.T) {
	reading := make(chan struct{})
	client := debugged(t, reads(func(ctx context.Context, _ ReadRequest, _ Writer) error {
		close(reading)
		<-ctx.Done()
		return ctx.Err()
	}))
	for range 2 {
		if _, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	// What is refused leaves it without a configuration, as what it had belonged to another run.
	if _, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{Options: []byte(`{"x": 1}`)}); err == nil {
		t.Error("wrong options are taken")
	}
	if _, err := client.Check(t.Context(), &sourcepb.CheckRequest{}); err == nil {
		t.Error("it works without options")
	}
	if _, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(t.Context(), &sourcepb.ReadRequest{}); err != nil {
		t.Fatal(err)
	}
	<-reading
	_, err := client.Configure(t.Context(), &sourcepb.ConfigureRequest{})
	if said := diagnosed(err); len(said) != 1 || said[0].GetCode() != "already_reading" {
		t.Errorf("%v", err)
	}
}

func TestDebugSaysNothingToNobody(t *testing.T) {
	out, in := io.Pipe()
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	err := debugUntil(t.Context(), reads(nil), in, slog.New(slog.DiscardHandler))
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}

// shut is a listener that takes nobody.
type shut struct{ net.Listener }

func (shut) Accept() (net.Conn, error) { return nil, net.ErrClosed }

// closing notes when it is closed.
type closing struct {
	Source
	closed bool
}

func (c *closing) Close() error {
	c.closed = true
	return nil
}

func TestServedListenerIsClosed(t *testing.T) {
	over, end := context.WithCancel(t.Context())
	end()
	for name, tc := range map[string]struct {
		ctx  context.Context //nolint:containedctx // of one call
		wrap func(net.Listener) net.Listener
		want error
	}{
		"ended before it began": {over, func(l net.Listener) net.Listener { return l }, nil},
		"a listener that fails": {t.Context(), func(l net.Listener) net.Listener { return shut{l} }, net.ErrClosed},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := &closing{Source: reads(nil)}
			if err := ServeListener(tc.ctx, s, tc.wrap(l), nil); !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
				t.Errorf("%v", err)
			}
			if !s.closed {
				t.Error("the source is not closed")
			}
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("the listener is not closed: %v", err)
			}
		})
	}
}

func TestReattachLineIsQuoted(t *testing.T) {
	line, err := reattachLine("guard", &net.UnixAddr{Name: "/home/o'neil/s", Net: "unix"})
	if err != nil || !strings.Contains(line, `"/home/o'\''neil/s"`) || !strings.HasPrefix(line, "CONVERTER_REATTACH='{") {
		t.Errorf("%s %v", line, err)
	}
}
