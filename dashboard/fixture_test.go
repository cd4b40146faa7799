package dashboard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/seed-98789ff7/converter/core"
)

var (
	picture64 = strings.Repeat("ab", 32)
	result64  = strings.Repeat("cd", 32)
)

// shelf is a library in memory that counts how often it is asked.
type shelf struct {
	mu    sync.Mutex
	runs  []core.Summary
	err   error
	lists int
	finds int
}

func (s *shelf) Runs(_ context.Context, limit int) ([]core.Summary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lists++
	if s.err != nil {
		return nil, s.err
	}
	return append([]core.Summary(nil), s.runs[:min(limit, len(s.runs))]...), nil
}

func (s *shelf) Find(_ context.Context, id string) (core.Summary, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.finds++
	if s.err != nil {
		return core.Summary{}, s.err
	}
	for _, r := range s.runs {
		if r.ID == id || r.ResultID == id {
			return r, nil
		}
	}
	return core.Summary{}, fs.ErrNotExist
}

func (s *shelf) change(change func(*shelf)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

func (s *shelf) asked() (lists, finds int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists, s.finds
}

// pulse is a run that a test moves by hand, and that counts how often it is looked at.
type pulse struct {
	mu    sync.Mutex
	shot  core.Snapshot
	looks int
}

func (p *pulse) Snapshot() core.Snapshot {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.looks++
	shot := p.shot
	shot.Stages = append([]core.StageCounts(nil), shot.Stages...)
	shot.AtMS = time.Now().UnixMilli()
	return shot
}

func (p *pulse) looked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.looks
}

func (p *pulse) change(change func(*core.Snapshot)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.shot)
	p.shot.Revision++
}

// read counts records as read and stored.
func (p *pulse) read(n int64) {
	p.change(func(s *core.Snapshot) {
		s.Stages[0].Found += n
		s.Stages[0].Written += n
		s.LastMS = time.Now().UnixMilli()
	})
}

func beating() *pulse {
	now := time.Now().UnixMilli()
	return &pulse{shot: core.Snapshot{
		LastMS: now,
		Summary: core.Summary{
			ID: "r-0042", Name: "bestiary", Config: "/games/my converter.yaml", State: core.Running, StartedMS: now,
			Stages:  []core.StageCounts{{Stage: "read", Total: 100, Found: 10, Written: 10}, {Stage: "entities"}},
			Streams: []core.StreamCounts{{Source: "home", Stream: "monsters", Found: 100, Written: 10}, {Source: "web", Stream: "spells"}},
			Fetched: []core.Fetched{{Source: "home", Requests: 1}, {Source: "web", Requests: 412, Hits: 88, Misses: 44, Bytes: 3_400_000}},
			Problems: []core.Problem{{
				Fingerprint: "f1", Stage: "images", Code: "image.damaged", Message: "the picture is damaged", Detail: "line one\r\nevent: end\r\rline two", Count: 2,
			}},
		},
		Recent: []core.Recent{{AssetID: picture64, URI: "tokens/lich.png"}},
	}}
}

func ended(id string, state core.State) core.Summary {
	return core.Summary{
		ID: id, Name: "items", Config: "items.yaml", State: state, ResultID: result64,
		StartedMS: time.Now().Add(-time.Hour).UnixMilli(), EndedMS: time.Now().Add(-time.Minute).UnixMilli(),
		Stages: []core.StageCounts{{Stage: "read", Total: 7, Found: 7, Written: 7, Ended: true}, {Stage: "entities", Found: 7, Written: 7, Ended: true}},
	}
}

// album has one picture.
type album struct{ err error }

type seekable struct{ *bytes.Reader }

func (seekable) Close() error { return nil }

func (a album) Open(_ context.Context, id, resolution string) (io.ReadCloser, string, error) {
	switch {
	case a.err != nil:
		return nil, "", a.err
	case id != picture64:
		return nil, "", fs.ErrNotExist
	case resolution == "original":
		return io.NopCloser(strings.NewReader("<html>not a picture")), "text/html", nil
	default:
		return seekable{bytes.NewReader([]byte("picture bytes"))}, "image/webp", nil
	}
}

// house is a dashboard with everything in it that a test can move.
type house struct {
	*Server

	shelf     *shelf
	pulse     *pulse
	cancelled chan string
}

func newHouse(t *testing.T, change ...func(*Config)) *house {
	t.Helper()
	h := &house{
		shelf:     &shelf{runs: []core.Summary{ended("r-0041", core.Partial), ended("r-0040", core.Succeeded)}},
		pulse:     beating(),
		cancelled: make(chan string, 8),
	}
	config := Config{
		Library: h.shelf, Live: h.pulse, Pictures: album{}, Version: "0.1.0",
		Cancel: func(reason string) { h.cancelled <- reason },
	}
	for _, c := range change {
		c(&config)
	}
	s, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	h.Server = s
	return h
}

// answer is what a browser got.
type answer struct {
	status int
	head   http.Header
	text   string
}

// ask answers a request that is not a stream.
func (h *house) ask(t *testing.T, method, target string, change ...func(*http.Request)) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, http.NoBody)
	r.Host = "127.0.0.1:8787"
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.Handler().ServeHTTP(w, r)
	return answer{w.Code, w.Header(), w.Body.String()}
}

func form(values string) func(*http.Request) {
	return func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(values))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// byID returns the elements of a page by their id.
func byID(t *testing.T, a answer) map[string]*html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(a.text))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*html.Node{}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "id" {
				if found[a.Val] != nil {
					t.Errorf("two elements are #%s", a.Val)
				}
				found[a.Val] = n
			}
		}
	}
	return found
}

func says(n *html.Node) string {
	if n == nil {
		return "(not there)"
	}
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\u202f", " ")), " ")
}

var errAway = errors.New("no leader")

// wire is the browser's end of a stream: a response that can be looked at while it is written.
type wire struct {
	mu       sync.Mutex
	head     http.Header
	status   int
	written  strings.Builder
	flushes  int
	deadline time.Time
	late     bool  // something was written without a deadline in the future
	broken   error // what the next write returns
}

func newWire() *wire { return &wire{head: http.Header{}} }

func (w *wire) Header() http.Header { return w.head }

func (w *wire) WriteHeader(status int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.status = status
}

func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return 0, w.broken
	}
	w.late = w.late || !w.deadline.After(time.Now())
	return w.written.Write(p)
}

func (w *wire) FlushError() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.flushes++
	return nil
}

func (w *wire) SetWriteDeadline(t time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deadline = t
	return nil
}

// take returns what was written since it was last called.
func (w *wire) take() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.written.Reset()
	return w.written.String()
}

// message is one server-sent event, read the way a browser reads it.
type message struct{ id, event, data string }

func messages(raw string) (list []message, comments int) {
	raw = strings.ReplaceAll(strings.ReplaceAll(raw, "\r\n", "\n"), "\r", "\n")
	for block := range strings.SplitSeq(raw, "\n\n") {
		var m message
		var data []string
		for line := range strings.SplitSeq(block, "\n") {
			field, value, _ := strings.Cut(line, ":")
			value = strings.TrimPrefix(value, " ")
			switch {
			case strings.HasPrefix(line, ":"):
				comments++
			case field == "id":
				m.id = value
			case field == "event":
				m.event = value
			case field == "data":
				data = append(data, value)
			}
		}
		if data != nil || m.event != "" {
			m.data = strings.Join(data, "\n")
			list = append(list, m)
		}
	}
	return list, comments
}

// open starts a stream and returns its far end, what ends it, and a channel that closes when the handler has returned.
func (h *house) open(t *testing.T, target string, change ...func(*http.Request)) (w *wire, leave func(), gone chan struct{}) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	r.Host = "localhost:8787"
	for _, c := range change {
		c(r)
	}
	w, gone = newWire(), make(chan struct{})
	go func() {
		defer close(gone)
		h.Handler().ServeHTTP(w, r)
	}()
	return w, cancel, gone
}

func attr(list []html.Attribute, key string) string {
	for _, a := range list {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
