package sdk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// with gives the client of a visit other habits.
func (v *visit) with(c HTTPConfig) { v.web.config = c }

var errNoBeast = errors.New("no beast")

func TestHTTPJudgeDecides(t *testing.T) {
	for name, c := range map[string]struct {
		answers []string
		config  HTTPConfig
		status  int
		tries   int
		err     error
	}{
		"second":   {answers: []string{"<html>", "orc"}, status: 200, tries: 2},
		"never":    {answers: []string{"<html>"}, tries: 4, err: errNoBeast},
		"few":      {answers: []string{"<html>", "<html>", "orc"}, config: HTTPConfig{Tries: 2}, tries: 2, err: errNoBeast},
		"too long": {answers: []string{"orc and orc", "orc"}, config: HTTPConfig{MaxBody: 4}, tries: 1, err: &Diagnostic{}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisit(t, nil)
			var n atomic.Int64
			v.answer = func(w http.ResponseWriter, r *http.Request) {
				says(c.answers[min(int(n.Add(1)), len(c.answers))-1], "ETag", `"1"`)(w, r)
			}
			c.config.Judge = func(_ *http.Request, t Try) Verdict {
				if t.Err == nil && strings.HasPrefix(string(t.Body), "<") {
					return Verdict{Again: true, Err: errNoBeast}
				}
				return Verdict{Again: t.Err != nil}
			}
			v.with(c.config)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, v.server.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			response, err := v.client.Do(r)
			status := 0
			if err == nil {
				status = response.StatusCode
				_ = response.Body.Close()
			}
			_, tooLarge := errors.AsType[*Diagnostic](err)
			if status != c.status || int(n.Load()) != c.tries || errors.Is(c.err, errNoBeast) && !errors.Is(err, errNoBeast) || (name == "too long") != tooLarge {
				t.Errorf("%d after %d tries: %v", status, n.Load(), err)
			}
			if kept := v.web.store.load(keyOf(r)); (kept != nil) != (c.status == 200) {
				t.Errorf("kept: %v", kept)
			}
		})
	}
}

// TestHTTPKeepsAll keeps what neither a validator nor an age would, and answers with it when it is asked to, or has to.
func TestHTTPKeepsAll(t *testing.T) {
	v := newVisit(t, says("orc"))
	v.with(HTTPConfig{KeepAll: true, StaleLimit: 48 * time.Hour})
	if status, _, _ := v.get("/a", "Cache-Control", "only-if-cached"); status != http.StatusGatewayTimeout {
		t.Errorf("nothing is kept, and it answers %d", status)
	}
	v.get("/a")
	for _, c := range []struct {
		after   time.Duration
		answer  http.HandlerFunc
		control string
		status  int
		from    string
	}{
		{0, says("troll"), "only-if-cached", 504, "converter; fwd=miss; detail=only-if-cached"}, // it does not hold any more
		{0, says("troll"), "only-if-cached, max-stale", 200, "converter; hit"},
		{47 * time.Hour, refuses(500), "", 200, "converter; hit; detail=stale"},
		{2 * time.Hour, refuses(500), "", 500, "converter; fwd=miss"},
		{0, says("troll"), "no-cache", 200, "converter; fwd=miss"},
	} {
		v.later(c.after, c.answer)
		var header []string
		if c.control != "" {
			header = []string{"Cache-Control", c.control}
		}
		if status, from, _ := v.get("/a", header...); status != c.status || from != c.from {
			t.Errorf("%q after %s: %d, %s", c.control, c.after, status, from)
		}
	}
	if status, from, _ := v.get("/a", "Authorization", "Bearer orc", "Cache-Control", "only-if-cached, max-stale"); status != 504 {
		t.Errorf("a request with a key is answered: %d, %s", status, from)
	}
	if n := len(v.requests()); n != 4 {
		t.Errorf("%d requests", n)
	}
}

func TestHTTPUnconditional(t *testing.T) {
	v := newVisit(t, says("orc", "ETag", `"1"`))
	v.with(HTTPConfig{Unconditional: true})
	v.get("/a")
	v.get("/a")
	for _, r := range v.requests() {
		if r.Header.Get("If-None-Match") != "" {
			t.Error("it asks for changes only")
		}
	}
	if _, from, _ := v.get("/a", "Cache-Control", "only-if-cached, max-stale"); from != "converter; hit" {
		t.Errorf("not kept: %s", from)
	}
}

// fakeHost answers after a second, and notes when it was asked.
type fakeHost struct {
	mu     sync.Mutex // guards what follows
	asked  []time.Duration
	begun  time.Time
	now    int
	most   int
	answer func(n int) (status int, after string)
}

func (h *fakeHost) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.asked = append(h.asked, time.Since(h.begun))
	status, after := h.answer(len(h.asked))
	h.now++
	h.most = max(h.most, h.now)
	h.mu.Unlock()
	time.Sleep(time.Second)
	h.mu.Lock()
	h.now--
	h.mu.Unlock()
	w := httptest.NewRecorder()
	w.Header().Set("Retry-After", after)
	w.WriteHeader(status)
	response := w.Result()
	response.Request = r
	return response, nil
}

func (h *fakeHost) client(c HTTPConfig) *http.Client {
	h.begun = time.Now()
	client := Environment{}.HTTPWith(c)
	client.Transport.(*web).base = h
	return client
}

// all sends so many requests at once and waits for them.
func all(t *testing.T, client *http.Client, n int) {
	t.Helper()
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			r, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), http.MethodGet, "http://beasts.example/", http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			response, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("status %d", response.StatusCode)
			}
		})
	}
	group.Wait()
}

func TestHTTPGate(t *testing.T) {
	t.Run("in flight", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := &fakeHost{answer: func(int) (int, string) { return 200, "" }}
			all(t, h.client(HTTPConfig{InFlight: 3}), 9)
			if took := time.Since(h.begun); h.most != 3 || took != 3*time.Second {
				t.Errorf("%d at one time, %s", h.most, took)
			}
		})
	})
	t.Run("interval", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := &fakeHost{answer: func(int) (int, string) { return 200, "" }}
			all(t, h.client(HTTPConfig{Interval: 250 * time.Millisecond}), 8)
			for i, at := range h.asked {
				if want := time.Duration(i) * 250 * time.Millisecond; at != want {
					t.Errorf("request %d after %s", i, at)
				}
			}
		})
	})
	t.Run("rest", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := &fakeHost{answer: func(n int) (int, string) {
				if n == 1 {
					return 429, "20"
				}
				return 200, ""
			}}
			all(t, h.client(HTTPConfig{InFlight: 2, Interval: 10 * time.Second}), 4)
			// The first is refused after a second; nobody asks again before 21 seconds have gone by.
			for i, at := range h.asked[1:] {
				if at < 21*time.Second {
					t.Errorf("request %d after %s", i+2, at)
				}
			}
			if len(h.asked) != 5 {
				t.Errorf("%d requests", len(h.asked))
			}
		})
	})
}

// TestHTTPCountsWaits by their reason.
func TestHTTPCountsWaits(t *testing.T) {
	for name, c := range map[string]struct {
		config  HTTPConfig
		answers []http.HandlerFunc // the last one stands
		want    Metrics
	}{
		"limit":   {HTTPConfig{Interval: time.Second}, []http.HandlerFunc{says("orc")}, Metrics{Requests: 3, LimitWait: 2 * time.Second}},
		"pause":   {HTTPConfig{}, []http.HandlerFunc{refuses(429, "Retry-After", "5"), says("orc")}, Metrics{Requests: 4, Retries: 1, PauseWait: 5 * time.Second}},
		"backoff": {HTTPConfig{FirstPause: 2}, []http.HandlerFunc{refuses(503), says("orc")}, Metrics{Requests: 4, Retries: 1, BackoffWait: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVisit(t, nil)
			v.with(c.config)
			var n atomic.Int64
			v.answer = func(w http.ResponseWriter, r *http.Request) { c.answers[min(int(n.Add(1)), len(c.answers))-1](w, r) }
			for range 3 {
				v.get("/a", "Cache-Control", "no-cache")
			}
			got := v.counts.total()
			if c.want.BackoffWait > 0 && got.BackoffWait > 0 { // it is spread
				c.want.BackoffWait = got.BackoffWait
			}
			c.want.Misses, c.want.Bytes, c.want.MostInFlight = got.Misses, got.Bytes, 1
			if got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

// TestHTTPCountsWhatIsUnderWay over all clients of a source: what it says last is what there is.
func TestHTTPCountsWhatIsUnderWay(t *testing.T) {
	m := &meter{}
	m.begin(1)
	m.begin(2)
	m.land(3)
	var seen counted
	end := m.to(&seen)
	if got, want := seen.total(), (Metrics{Requests: 2, Retries: 1, Bytes: 3, InFlight: 1, MostInFlight: 2}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	m.count(Metrics{Hits: 1})
	if got := seen.total(); got.InFlight != 1 || got.Hits != 1 {
		t.Errorf("what says nothing of it changes it: %+v", got)
	}
	m.land(0)
	end()
	if got := seen.total(); got.InFlight != 0 || got.MostInFlight != 2 {
		t.Errorf("in the end: %+v", got)
	}
}
