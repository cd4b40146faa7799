package dashboard

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// running serves a house on a port of its own; stop ends it and returns what Run returned.
func running(t *testing.T, h *house) (base string, stop func() error) {
	t.Helper()
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- h.Run(ctx, ln) }()
	return strings.TrimSuffix(URL(ln.Addr(), ""), "/"), func() error {
		cancel()
		return <-result
	}
}

// read returns the lines of a stream until one that begins with a text has come, or the stream has ended.
func read(t *testing.T, from *bufio.Reader, until string) []string {
	t.Helper()
	var lines []string
	for {
		line, err := from.ReadString('\n')
		if line != "" {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
		if err != nil || until != "" && strings.HasPrefix(line, until) {
			return lines
		}
	}
}

// TestServer reads a stream over a real connection and closes the server under it.
func TestServer(t *testing.T) {
	h := newHouse(t)
	base, stop := running(t, h)
	r, err := http.Get(base + "/runs/r-0042/events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	stream := bufio.NewReader(r.Body)
	first := strings.Join(read(t, stream, "data: "), "\n")
	if !strings.Contains(first, "id: ") || !strings.Contains(first, `hx-target="#cards"`) {
		t.Fatalf("the stream begins with %q", first)
	}
	h.pulse.read(30)
	read(t, stream, "id: ") // of the frame that shows it

	// Connections on which nothing is asked do not hold up the end.
	var dialer net.Dialer
	idle, err := dialer.DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()

	h.pulse.read(7)
	began := time.Now()
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("closing took %s", took)
	}
	rest := read(t, stream, "")
	tail := strings.Join(rest[max(0, len(rest)-3):], "\n")
	if want := "event: end\ndata: The dashboard has closed. Open it again: converter serve\n"; tail != want {
		t.Errorf("the stream ends with %q, want %q", tail, want)
	}
	if !strings.Contains(strings.Join(rest, ""), "47 of") {
		t.Error("the last frame does not show the last numbers")
	}
	if _, err := stream.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream was cut off: %v", err)
	}
	if again, err := http.Get(base + "/healthz"); err == nil {
		again.Body.Close()
		t.Error("somebody still answers")
	}
}

func TestServerClosesWithItsRun(t *testing.T) {
	h := newHouse(t)
	base, stop := running(t, h)
	r, err := http.Get(base + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	stream := bufio.NewReader(r.Body)
	read(t, stream, "data: ")
	h.pulse.change(func(s *core.Snapshot) { s.State = core.Succeeded })
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	rest := strings.Join(read(t, stream, ""), "\n")
	if !strings.Contains(rest, "data: Run finished and its dashboard closed with it. Open it again: converter serve") {
		t.Errorf("the list ends with %q", rest)
	}
}

// TestServerDoesNotWaitForEver: a request that will not end is cut off.
func TestServerDoesNotWaitForEver(t *testing.T) {
	stuck := make(chan struct{})
	slow := slowAlbum{entered: make(chan struct{}), left: stuck}
	h := newHouse(t, func(c *Config) { c.Pictures = slow })
	base, stop := running(t, h)
	go func() {
		r, err := http.Get(base + "/assets/" + picture64 + "/preview")
		if err == nil {
			r.Body.Close()
		}
	}()
	<-slow.entered
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	select {
	case <-stuck:
	default:
		t.Error("Run returned before the request had ended")
	}
}

// slowAlbum opens nothing until its context ends.
type slowAlbum struct{ entered, left chan struct{} }

func (s slowAlbum) Open(ctx context.Context, _, _ string) (io.ReadCloser, string, error) {
	close(s.entered)
	<-ctx.Done()
	time.Sleep(50 * time.Millisecond) // not at once, or nobody could tell whether Run waits
	close(s.left)
	return nil, "", ctx.Err()
}

func TestServerReportsABrokenListener(t *testing.T) {
	h := newHouse(t)
	ln, err := Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := h.Run(t.Context(), ln); err == nil || !strings.Contains(err.Error(), ln.Addr().String()) {
		t.Errorf("%v, want the address that could not be served", err)
	}
}

func TestGate(t *testing.T) {
	g := newGate()
	if !g.enter() {
		t.Fatal("shut from the start")
	}
	g.close()
	g.close()
	if g.enter() {
		t.Error("somebody came in through a shut gate")
	}
	select {
	case <-g.empty:
		t.Error("empty with somebody inside")
	default:
	}
	g.leave()
	<-g.empty
}

func TestConfig(t *testing.T) {
	if _, err := New(Config{}); err == nil || !strings.Contains(err.Error(), "Config.Library") {
		t.Errorf("%v, want the field that is missing", err)
	}
	s, err := New(Config{Library: &shelf{}})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.routes() {
		if strings.Contains(r.pattern, "cancel") {
			t.Error("nothing can be cancelled, and there is a route for it")
		}
	}
	for path, want := range map[string]string{
		"a/b-c_1.yaml": "a/b-c_1.yaml", "my game.yaml": "'my game.yaml'", "it's.yaml": `'it'\''s.yaml'`, "$(rm).yaml": "'$(rm).yaml'", "": "''",
	} {
		if got := quote(path); got != want {
			t.Errorf("quote(%q) = %s, want %s", path, got, want)
		}
	}
}

// TestHistory: what has ended is read once, and only so much is kept.
func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		library := &shelf{}
		for i := range 100 {
			r := ended("r-"+string(rune('a'+i)), core.Succeeded)
			r.ResultID = ""
			library.runs = append(library.runs, r)
		}
		h := newHouse(t, func(c *Config) { c.Library = library }).history
		for range 3 {
			for _, r := range library.runs[:keptRuns] {
				if _, err := h.find(t.Context(), r.ID); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(time.Hour)
		}
		if _, finds := library.asked(); finds != keptRuns {
			t.Errorf("%d reads of %d runs that have ended", finds, keptRuns)
		}
		for _, r := range library.runs {
			if _, err := h.find(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
		}
		if len(h.kept) != keptRuns {
			t.Errorf("%d runs are kept", len(h.kept))
		}
		library.change(func(s *shelf) { s.runs[0].State = core.Running })
		for range 3 {
			if got, err := h.find(t.Context(), library.runs[0].ID); err != nil || got.State != core.Running {
				t.Errorf("%s, %v", got.State, err)
			}
		}
		_, before := library.asked()
		time.Sleep(summaryAge)
		if _, err := h.find(t.Context(), library.runs[0].ID); err != nil {
			t.Error(err)
		}
		if _, after := library.asked(); after != before+1 {
			t.Errorf("a run that moves was read %d times after a while, want once", after-before)
		}
		left, cancel := context.WithCancel(t.Context())
		cancel()
		if _, away := h.newest(left); !away.IsZero() {
			t.Error("a viewer who left made the history unavailable")
		}
	})
}
