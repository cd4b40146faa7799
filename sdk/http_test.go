package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// visit is a client with a clock of its own, and a server that answers as the test says.
type visit struct {
	t      *testing.T
	client *http.Client
	web    *web
	dir    string
	server *httptest.Server
	log    bytes.Buffer

	mu     sync.Mutex // guards what follows
	now    time.Time
	asked  []*http.Request
	pauses []time.Duration
	answer http.HandlerFunc
	counts counted
}

// counted is a Writer that only counts.
type counted struct {
	Writer
	mu  sync.Mutex // guards sum
	sum Metrics
}

func (c *counted) Metrics(m Metrics) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum = c.sum.plus(m)
}

func (c *counted) total() Metrics {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.sum
}

func newVisit(t *testing.T, answer http.HandlerFunc) *visit {
	t.Helper()
	v := &visit{t: t, dir: t.TempDir(), now: time.Now(), answer: answer}
	v.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.mu.Lock()
		v.asked = append(v.asked, r)
		handle := v.answer
		v.mu.Unlock()
		handle(w, r)
	}))
	t.Cleanup(v.server.Close)
	m := &meter{}
	v.web = newWeb(Environment{CacheDir: v.dir, Log: slog.New(slog.NewTextHandler(&v.log, nil))}, "guard/0.1.0", m)
	v.web.now = func() time.Time {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.now
	}
	v.web.pause = func(ctx context.Context, d time.Duration) error {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.pauses = append(v.pauses, d)
		v.now = v.now.Add(d)
		return ctx.Err()
	}
	t.Cleanup(m.to(&v.counts))
	t.Cleanup(v.web.CloseIdleConnections)
	v.client = Environment{web: v.web}.HTTP()
	return v
}

func (v *visit) later(d time.Duration, answer http.HandlerFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
	v.answer = answer
}

func (v *visit) requests() []*http.Request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked
}

// do sends a request and returns its status, where it came from and its body.
func (v *visit) do(method, path string, body io.Reader, header ...string) (int, string, string) {
	v.t.Helper()
	r, err := http.NewRequestWithContext(v.t.Context(), method, v.server.URL+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		v.t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("Cache-Status"), string(text)
}

func (v *visit) get(path string, header ...string) (int, string, string) {
	v.t.Helper()
	return v.do(http.MethodGet, path, nil, header...)
}

// says is an answer with headers and a body.
func says(body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = io.WriteString(w, body)
	}
}

func refuses(status int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
	}
}

func TestHTTPAsksNobodyWhileAnAnswerIsFresh(t *testing.T) {
	v := newVisit(t, says("orcs", "Cache-Control", "max-age=60", "Set-Cookie", "session=secret"))
	if _, from, body := v.get("/a"); from != "converter; fwd=miss" || body != "orcs" {
		t.Errorf("%q from %q", body, from)
	}
	v.later(59*time.Second, says("elves", "Cache-Control", "max-age=60"))
	if _, from, body := v.get("/a#part"); from != "converter; hit" || body != "orcs" {
		t.Errorf("%q from %q", body, from)
	}
	if _, _, body := v.get("/a", "Cache-Control", "no-cache"); body != "elves" {
		t.Errorf("%q, though the server was to be asked", body)
	}
	v.later(61*time.Second, says("dwarves"))
	if _, _, body := v.get("/a"); body != "dwarves" {
		t.Errorf("%q is too old", body)
	}
	if want := (Metrics{Requests: 3, Hits: 1, Misses: 3, Bytes: 16, MostInFlight: 1}); v.counts.total() != want {
		t.Errorf("%+v, not %+v", v.counts.total(), want)
	}
	if agent := v.requests()[0].UserAgent(); agent != "guard/0.1.0" {
		t.Errorf("agent %q", agent)
	}
}

func TestHTTPAsksWhetherAnAnswerStillHolds(t *testing.T) {
	v := newVisit(t, says("orcs", "ETag", `"1"`, "Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", "X-Pages", "7"))
	v.get("/a")
	v.later(time.Hour, refuses(http.StatusNotModified, "Cache-Control", "max-age=10"))
	if status, from, body := v.get("/a"); status != 200 || from != "converter; hit; detail=confirmed" || body != "orcs" {
		t.Errorf("%d %q from %q", status, body, from)
	}
	second := v.requests()[1].Header
	if second.Get("If-None-Match") != `"1"` || second.Get("If-Modified-Since") != "Mon, 02 Jan 2006 15:04:05 GMT" {
		t.Errorf("asked with %v", second)
	}
	v.later(9*time.Second, nil)
	if _, from, _ := v.get("/a"); from != "converter; hit" {
		t.Errorf("from %q: the new max-age is not known", from)
	}
	if want := (Metrics{Requests: 2, Hits: 2, Confirmed: 1, Misses: 1, Bytes: 4, MostInFlight: 1}); v.counts.total() != want {
		t.Errorf("%+v, not %+v", v.counts.total(), want)
	}
}

func TestHTTPKeepsOnlyWhatItMay(t *testing.T) {
	fresh := []string{"Cache-Control", "max-age=60"}
	for name, c := range map[string]struct {
		path   string
		answer []string
		header []string
	}{
		"no-store":       {answer: []string{"Cache-Control", "max-age=60, no-store"}},
		"vary":           {answer: []string{"Cache-Control", "max-age=60", "Vary", "*"}},
		"nothing known":  {},
		"authorization":  {answer: fresh, header: []string{"Authorization", "Bearer secret"}},
		"cookie":         {answer: fresh, header: []string{"Cookie", "session=secret"}},
		"key":            {answer: fresh, header: []string{"X-Api-Key", "secret"}},
		"range":          {answer: fresh, header: []string{"Range", "bytes=0-1"}},
		"asked no-store": {answer: fresh, header: []string{"Cache-Control", "no-store"}},
		"negative":       {answer: []string{"Cache-Control", "max-age=-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisit(t, says("orcs", c.answer...))
			v.get("/a?key=secret", c.header...)
			v.get("/a?key=secret", c.header...)
			if n := len(v.requests()); n != 2 {
				t.Errorf("%d requests", n)
			}
			if files := v.files(); len(files) != 0 {
				t.Errorf("kept %v", files)
			}
			if strings.Contains(v.log.String(), "secret") {
				t.Errorf("logged %s", v.log.String())
			}
		})
	}
}

// files are those in the cache.
func (v *visit) files() []string {
	v.t.Helper()
	files, err := filepath.Glob(filepath.Join(v.dir, "http", "*", "*"))
	if err != nil {
		v.t.Fatal(err)
	}
	return files
}

func TestHTTPKeepsNoSecrets(t *testing.T) {
	v := newVisit(t, says("orcs", "Cache-Control", "max-age=60", "Set-Cookie", "session=secret"))
	v.get("/a?key=secret")
	v.get("/a?key=other")
	if n := len(v.requests()); n != 2 {
		t.Errorf("%d requests", n)
	}
	files := v.files()
	if len(files) != 2 {
		t.Fatalf("%v", files)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(file+string(content), "secret") {
			t.Errorf("%s: %s", file, content)
		}
	}
}

func TestHTTPForgetsWhatTheServerTakesBack(t *testing.T) {
	v := newVisit(t, says("orcs", "Cache-Control", "max-age=60"))
	v.get("/a")
	v.later(time.Hour, says("elves", "Cache-Control", "no-store"))
	v.get("/a")
	if files := v.files(); len(files) != 0 {
		t.Errorf("still there: %v", files)
	}
}

func TestHTTPDamagedFileIsMissing(t *testing.T) {
	v := newVisit(t, says("orcs", "Cache-Control", "max-age=60"))
	for _, damage := range []func([]byte) []byte{
		func([]byte) []byte { return nil },
		func(b []byte) []byte { return append(b, '!') },
		func(b []byte) []byte { return b[:len(b)-1] },
		func(b []byte) []byte { return bytes.Replace(b, []byte("{"), []byte("["), 1) },
	} {
		v.get("/a")
		content, err := os.ReadFile(v.files()[0])
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(v.files()[0], damage(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, from, body := v.get("/a"); from != "converter; fwd=miss" || body != "orcs" {
			t.Errorf("%q from %q", body, from)
		}
	}
}

func TestHTTPFolderThatCannotBeWritten(t *testing.T) {
	v := newVisit(t, says("orcs", "Cache-Control", "max-age=60"))
	if err := os.WriteFile(filepath.Join(v.dir, "http"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, body := v.get("/a"); body != "orcs" {
		t.Errorf("body %q", body)
	}
	if !strings.Contains(v.log.String(), "answer not stored") {
		t.Error("nobody is told")
	}
}

func TestHTTPTriesAgain(t *testing.T) {
	fine := says("orcs")
	for name, c := range map[string]struct {
		method  string
		answers []http.HandlerFunc
		status  int
		pauses  string // in seconds; empty: of our own choice
		tries   int
	}{
		"busy":          {answers: []http.HandlerFunc{refuses(503), refuses(429), fine}, status: 200, tries: 3},
		"seconds":       {answers: []http.HandlerFunc{refuses(429, "Retry-After", "7"), fine}, status: 200, tries: 2, pauses: "7s"},
		"date":          {answers: []http.HandlerFunc{refuses(503, "Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"), fine}, status: 200, tries: 2, pauses: "0s"},
		"too long":      {answers: []http.HandlerFunc{refuses(429, "Retry-After", "61"), fine}, status: 429, tries: 1},
		"for ever":      {answers: []http.HandlerFunc{refuses(503)}, status: 503, tries: 4},
		"gateway":       {answers: []http.HandlerFunc{refuses(502), refuses(504), fine}, status: 200, tries: 3},
		"not found":     {answers: []http.HandlerFunc{refuses(404), fine}, status: 404, tries: 1},
		"broken off":    {answers: []http.HandlerFunc{breaks, fine}, status: 200, tries: 2},
		"post":          {method: http.MethodPost, answers: []http.HandlerFunc{refuses(503), echoes}, status: 200, tries: 2},
		"post, gateway": {method: http.MethodPost, answers: []http.HandlerFunc{refuses(502), fine}, status: 502, tries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisit(t, nil)
			n := 0
			v.answer = func(w http.ResponseWriter, r *http.Request) {
				c.answers[min(n, len(c.answers)-1)](w, r)
				n++
			}
			var body io.Reader
			if c.method == http.MethodPost {
				body = strings.NewReader("orcs")
			}
			status, _, text := v.do(c.method, "/a?key=secret", body)
			if status != c.status || status == 200 && text != "orcs" || n != c.tries {
				t.Errorf("%d %q after %d tries", status, text, n)
			}
			if c.pauses != "" && fmt.Sprint(v.pauses) != "["+c.pauses+"]" {
				t.Errorf("pauses %v", v.pauses)
			}
			for i, p := range v.pauses {
				if whole := firstPause << i; c.pauses == "" && (p < whole/2 || p > whole) {
					t.Errorf("pause %d is %s", i, p)
				}
			}
			if strings.Contains(v.log.String(), "secret") {
				t.Errorf("logged %s", v.log.String())
			}
		})
	}
}

// breaks ends the connection in the middle of a body.
func breaks(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, "or")
}

func echoes(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

func TestHTTPServerIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		control string
		after   time.Duration
		used    bool
	}{
		"a day":            {control: "max-age=60", after: 24 * time.Hour, used: true},
		"more than a day":  {control: "max-age=60", after: 25 * time.Hour},
		"as long as said":  {control: "max-age=60, stale-if-error=600", after: 10 * time.Minute, used: true},
		"longer than said": {control: "max-age=60, stale-if-error=600", after: 12 * time.Minute},
		"never":            {control: "max-age=60, must-revalidate", after: 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisit(t, says("orcs", "Cache-Control", c.control, "ETag", `"1"`))
			v.get("/a")
			v.later(c.after, refuses(500))
			status, from, _ := v.get("/a")
			if used := status == 200 && from == "converter; hit; detail=stale"; used != c.used {
				t.Errorf("500: %d from %q", status, from)
			}
			v.server.Close()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.server.URL+"/a", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := v.client.Do(r)
			if err == nil {
				if err := response.Body.Close(); err != nil {
					t.Error(err)
				}
			}
			if (err == nil) != c.used {
				t.Errorf("gone: %v", err)
			}
			if err != nil && KindOf(err) != Unavailable {
				t.Errorf("kind %v of %v", KindOf(err), err)
			}
		})
	}
}

func TestHTTPIsCancelled(t *testing.T) {
	v := newVisit(t, refuses(503))
	ctx, cancel := context.WithCancel(t.Context())
	v.web.pause = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, v.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := v.client.Do(r)
	if err == nil {
		_ = response.Body.Close()
	}
	if KindOf(err) != Cancelled || len(v.requests()) != 1 {
		t.Errorf("%v after %d requests", err, len(v.requests()))
	}
}

func TestHTTPBodyIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it sends 64 MiB")
	}
	v := newVisit(t, func(w http.ResponseWriter, _ *http.Request) {
		block := make([]byte, 1<<20)
		for range maxBody>>20 + 1 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := v.client.Do(r)
	if err == nil {
		_ = response.Body.Close()
	}
	if KindOf(err) != Unsupported || len(v.requests()) != 1 {
		t.Errorf("%v after %d requests", err, len(v.requests()))
	}
}

func TestHTTPWithoutACacheFolder(t *testing.T) {
	server := httptest.NewServer(says("orcs", "Cache-Control", "max-age=60"))
	t.Cleanup(server.Close)
	client := Environment{}.HTTP()
	t.Cleanup(client.CloseIdleConnections)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
		if response.ContentLength != 4 || response.Header.Get("Cache-Status") != "" {
			t.Errorf("%s: %d bytes, %v", method, response.ContentLength, response.Header)
		}
	}
}

func TestPauseEndsWithItsContext(t *testing.T) {
	if err := pause(t.Context(), time.Microsecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := pause(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestLifeOfAnAnswer(t *testing.T) {
	const date = "Mon, 02 Jan 2006 15:04:05 GMT"
	for _, c := range []struct {
		header http.Header
		want   time.Duration
	}{
		{http.Header{"Cache-Control": {"public, max-age=60"}, "Age": {"20"}}, 40 * time.Second},
		{http.Header{"Cache-Control": {"public", `MAX-AGE="60"`}}, time.Minute},
		{http.Header{"Cache-Control": {"max-age=60"}, "Age": {"90"}}, 0},
		{http.Header{"Cache-Control": {"max-age=99999999999999999999"}}, 0},
		{http.Header{"Cache-Control": {"max-age=2000000000"}}, longestLife},
		{http.Header{"Cache-Control": {"max-age=60, no-cache"}}, 0},
		{http.Header{"Date": {date}, "Expires": {"Mon, 02 Jan 2006 16:04:05 GMT"}}, time.Hour},
		{http.Header{"Date": {date}, "Expires": {"0"}}, 0},
		{http.Header{"Cache-Control": {"max-age=0"}, "Date": {date}, "Expires": {"Mon, 02 Jan 2006 16:04:05 GMT"}}, 0},
	} {
		if got := (&answer{Header: c.header}).life(); got != c.want {
			t.Errorf("%v: %s, not %s", c.header, got, c.want)
		}
	}
}
