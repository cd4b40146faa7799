package dashboard

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// TestRoutes fails for a route that has no test, and for a test whose route is gone.
func TestRoutes(t *testing.T) {
	tested := map[string]func(*testing.T){
		"GET /{$}":                       TestRunsPage,
		"GET /runs":                      TestRunsPage,
		"GET /events":                    TestEvents,
		"GET /frame":                     TestFrames,
		"GET /runs/{id}":                 TestRunPage,
		"GET /runs/{id}/events":          TestEvents,
		"GET /runs/{id}/frame":           TestFrames,
		"GET /assets/{sha}/{resolution}": TestPicture,
		"GET /static/{hash}/{file}":      TestStatic,
		"POST /theme":                    TestTheme,
		"POST /runs/{id}/cancel":         TestCancel,
		"GET /metrics":                   TestMetrics,
		"GET /healthz":                   TestHealthz,
		"GET /readyz":                    TestReadyz,
		"GET /":                          TestNoPage,
	}
	var registered []string
	for _, r := range newHouse(t).routes() {
		registered = append(registered, r.pattern)
	}
	slices.Sort(registered)
	if tested := slices.Sorted(maps.Keys(tested)); !slices.Equal(registered, tested) {
		t.Errorf("routes %q\ntested %q", registered, tested)
	}
}

func TestRunsPage(t *testing.T) {
	h := newHouse(t)
	if root, list := h.ask(t, http.MethodGet, "/", greeted), h.ask(t, http.MethodGet, "/runs", greeted); len(root.text) != len(list.text)-len("runs") {
		t.Error("/ and /runs are not the same page")
	}
	r := h.ask(t, http.MethodGet, "/runs")
	if r.status != http.StatusOK || r.head.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", r.status, r.head)
	}
	found := byID(t, r)
	for id, want := range map[string]string{
		"attention-r-0041": "! partial items r-0041",
		"running-r-0042":   "▸ running bestiary r-0042 5 %",
		"history-r-0040":   "✓ succeeded items r-0040 7",
	} {
		if got := says(found[id]); !strings.HasPrefix(got, want) {
			t.Errorf("#%s says %q, want %q", id, got, want)
		}
	}
	if live := found["live"]; live == nil || attr(live.Attr, "hx-sse:connect") != "/events" || attr(live.Attr, "data-frame") != "/frame" {
		t.Error("the page has no stream")
	}
}

func TestRunPage(t *testing.T) {
	h := newHouse(t)
	t.Run("live", func(t *testing.T) {
		found := byID(t, h.ask(t, http.MethodGet, "/runs/r-0042"))
		for id, want := range map[string]string{
			"title": "5 % · bestiary · converter", "actions": "Cancel run", "say": "The run is at 0 percent.",
		} {
			if got := says(found[id]); got != want {
				t.Errorf("#%s says %q, want %q", id, got, want)
			}
		}
		if got := says(found["facts"]); !strings.Contains(got, "converter run --config '/games/my converter.yaml'") {
			t.Errorf("no command to run it again: %q", got)
		}
		if attr(found["live"].Attr, "hx-sse:connect") != "/runs/r-0042/events" {
			t.Error("the page has no stream")
		}
	})
	t.Run("past", func(t *testing.T) {
		r := h.ask(t, http.MethodGet, "/runs/r-0040")
		tag := r.head.Get("ETag")
		found := byID(t, r)
		if found["live"] != nil || found["hold"] != nil {
			t.Error("a page that stands still has a stream")
		}
		if got := says(found["cards"]); !strings.Contains(got, "succeeded") {
			t.Errorf("cards: %q", got)
		}
		if again := h.ask(t, http.MethodGet, "/runs/r-0040", header("If-None-Match", tag), greeted); again.status != http.StatusNotModified {
			t.Errorf("the same again: %d", again.status)
		}
		if _, finds := h.shelf.asked(); finds != 1 {
			t.Errorf("a run that has ended was read %d times", finds)
		}
	})
	t.Run("by its result", func(t *testing.T) {
		r := h.ask(t, http.MethodGet, "/runs/"+result64)
		if r.status != http.StatusFound || r.head.Get("Location") != "/runs/r-0041" {
			t.Errorf("%d to %q, want the newest run with it", r.status, r.head.Get("Location"))
		}
		h.pulse.change(func(s *core.Snapshot) { s.ResultID = strings.Repeat("ef", 32) })
		r = h.ask(t, http.MethodGet, "/runs/"+strings.Repeat("ef", 32))
		if r.status != http.StatusFound || r.head.Get("Location") != "/runs/r-0042" {
			t.Errorf("%d to %q, want the live run", r.status, r.head.Get("Location"))
		}
	})
	t.Run("none", func(t *testing.T) {
		for _, id := range []string{"r-9999", "%3Cscript%3E", "..%2F..", strings.Repeat("x", 500)} {
			for _, below := range []string{"", "/events", "/frame"} {
				r := h.ask(t, http.MethodGet, "/runs/"+id+below)
				if text := r.text; r.status != http.StatusNotFound || strings.Contains(text, "<script>") || len(text) > 4000 {
					t.Errorf("%s%s: %d, %d bytes", id, below, r.status, len(text))
				}
			}
		}
	})
	t.Run("history away", func(t *testing.T) {
		h := newHouse(t)
		h.shelf.change(func(s *shelf) { s.err = errAway })
		r := h.ask(t, http.MethodGet, "/runs/r-0041")
		if text := r.text; r.status != http.StatusServiceUnavailable || strings.Contains(text, errAway.Error()) {
			t.Errorf("%d %q", r.status, text)
		}
		if r := h.ask(t, http.MethodGet, "/runs/r-0042"); r.status != http.StatusOK {
			t.Errorf("the live run needs no history: %d", r.status)
		}
	})
}

// greeted is a browser that has been here.
func greeted(r *http.Request) {
	r.AddCookie(&http.Cookie{Name: browserCookie, Value: strings.Repeat("a", 32)})
}

func TestEvents(t *testing.T) {
	for path, want := range map[string]string{
		"/events": "say notices attention running history", "/runs/r-0042/events": allRegions, "/runs/r-0040/events": allRegions,
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newHouse(t)
			w, leave, gone := h.open(t, path)
			synctest.Wait()
			if got, _ := messages(w.take()); len(got) == 0 || regions(got[0]) != want {
				t.Errorf("%s: %d messages, want first one of %s", path, len(got), want)
			}
			leave()
			<-gone
		})
		if r := newHouse(t).ask(t, http.MethodHead, path); r.status != http.StatusOK || r.text != "" {
			t.Errorf("HEAD %s: %d %q", path, r.status, r.text)
		}
	}
}

func TestFrames(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/frame", "/runs/r-0042/frame", "/runs/r-0040/frame"} {
		r := h.ask(t, http.MethodGet, path)
		if r.status != http.StatusOK || r.head.Get("Cache-Control") != "no-store" || !strings.HasPrefix(r.text, "<hx-partial ") {
			t.Errorf("%s: %d %v", path, r.status, r.head)
		}
		if last := r.head.Get("Frame-Last"); (last == "true") != (path == "/runs/r-0040/frame") {
			t.Errorf("%s: Frame-Last %q", path, last)
		}
	}
}

func TestPicture(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		path   string
		status int
		text   string
	}{
		{picture64 + "/thumbnail", http.StatusOK, "picture bytes"},
		{picture64 + "/preview", http.StatusOK, "picture bytes"},
		{picture64 + "/display", http.StatusOK, "picture bytes"},
		{picture64 + "/original", http.StatusOK, "<html>not a picture"},
		{picture64 + "/huge", http.StatusNotFound, ""},
		{strings.ToUpper(picture64) + "/preview", http.StatusNotFound, ""},
		{picture64[1:] + "/preview", http.StatusNotFound, ""},
		{"..%2F..%2Fetc%2Fpasswd/preview", http.StatusNotFound, ""},
		{result64 + "/preview", http.StatusNotFound, ""},
	} {
		r := h.ask(t, http.MethodGet, "/assets/"+tt.path)
		if r.status != tt.status {
			t.Errorf("%s: %d", tt.path, r.status)
		}
		if got := r.text; tt.status == http.StatusOK && got != tt.text {
			t.Errorf("%s: %q", tt.path, got)
		}
	}
	r := h.ask(t, http.MethodGet, "/assets/"+picture64+"/preview", header("Range", "bytes=0-6"))
	if got := r.text; r.status != http.StatusPartialContent || got != "picture" {
		t.Errorf("a range: %d %q", r.status, got)
	}
	for name, want := range map[string]string{
		"Content-Type": "image/webp", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
		"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "same-origin",
	} {
		if got := r.head.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	odd := h.ask(t, http.MethodGet, "/assets/"+picture64+"/original")
	if odd.head.Get("Content-Type") != "application/octet-stream" || odd.head.Get("Content-Disposition") != "attachment" {
		t.Errorf("what is no picture is served as one: %v", odd.head)
	}
	broken := newHouse(t, func(c *Config) { c.Pictures = album{err: errors.New("disk")} })
	if r := broken.ask(t, http.MethodGet, "/assets/"+picture64+"/preview"); r.status != http.StatusServiceUnavailable || strings.Contains(r.text, "disk") {
		t.Errorf("a broken disk: %d", r.status)
	}
	none := newHouse(t, func(c *Config) { c.Pictures = nil })
	if r := none.ask(t, http.MethodGet, "/assets/"+picture64+"/preview"); r.status != http.StatusNotFound {
		t.Errorf("no pictures at all: %d", r.status)
	}
}

func TestTheme(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		values, cookie, location string
		status                   int
	}{
		{"theme=dark&back=/runs/r-0042", "converter_theme=dark; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", "/runs/r-0042", http.StatusSeeOther},
		{"theme=&back=/", "converter_theme=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax", "/", http.StatusSeeOther},
		{"theme=light&back=//evil.example", "converter_theme=light; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", "/", http.StatusSeeOther},
		{"theme=light&back=/%5Cevil.example", "converter_theme=light; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", "/", http.StatusSeeOther},
		{"theme=light&back=https://evil.example", "converter_theme=light; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax", "/", http.StatusSeeOther},
		{"theme=%3Cb%3E", "", "", http.StatusBadRequest},
	} {
		r := h.ask(t, http.MethodPost, "/theme", form(tt.values))
		if r.status != tt.status || r.head.Get("Set-Cookie") != tt.cookie || r.head.Get("Location") != tt.location {
			t.Errorf("%s: %d %q to %q", tt.values, r.status, r.head.Get("Set-Cookie"), r.head.Get("Location"))
		}
	}
	dark := h.ask(t, http.MethodGet, "/", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: themeCookie, Value: "dark"}) })
	if text := dark.text; !strings.Contains(text, `data-theme="dark"`) {
		t.Error("the server does not render the theme")
	}
	odd := h.ask(t, http.MethodGet, "/", func(r *http.Request) { r.AddCookie(&http.Cookie{Name: themeCookie, Value: "odd"}) })
	if text := odd.text; !strings.Contains(text, `data-theme=""`) {
		t.Error("an unknown theme is rendered")
	}
}

func TestCancel(t *testing.T) {
	t.Run("with script", func(t *testing.T) {
		h := newHouse(t)
		script := header("HX-Request", "true")
		first := h.ask(t, http.MethodPost, "/runs/r-0042/cancel", script).text
		if !strings.Contains(first, "Cancel: click again") || len(h.cancelled) != 0 {
			t.Fatalf("the first click: %q, %d cancelled", first, len(h.cancelled))
		}
		for range 3 {
			again := h.ask(t, http.MethodPost, "/runs/r-0042/cancel", script, form("confirm=yes")).text
			if !strings.Contains(again, "Cancelling…") {
				t.Errorf("the second click: %q", again)
			}
		}
		if len(h.cancelled) != 1 || <-h.cancelled != cancelReason {
			t.Error("the run was not cancelled exactly once, with the reason")
		}
		if page := says(byID(t, h.ask(t, http.MethodGet, "/runs/r-0042"))["actions"]); page != "Cancelling…" {
			t.Errorf("the page says %q before the run does", page)
		}
	})
	t.Run("without script", func(t *testing.T) {
		h := newHouse(t)
		first := h.ask(t, http.MethodPost, "/runs/r-0042/cancel")
		if first.status != http.StatusSeeOther || first.head.Get("Location") != "/runs/r-0042?cancel=ask" {
			t.Fatalf("%d to %q", first.status, first.head.Get("Location"))
		}
		if asks := says(byID(t, h.ask(t, http.MethodGet, "/runs/r-0042?cancel=ask"))["actions"]); asks != "Keep running Cancel: click again" {
			t.Errorf("the page asks %q", asks)
		}
		second := h.ask(t, http.MethodPost, "/runs/r-0042/cancel", form("confirm=yes"))
		if second.status != http.StatusSeeOther || second.head.Get("Location") != "/runs/r-0042" || len(h.cancelled) != 1 {
			t.Errorf("%d to %q, %d cancelled", second.status, second.head.Get("Location"), len(h.cancelled))
		}
	})
	t.Run("refused", func(t *testing.T) {
		h := newHouse(t)
		if r := h.ask(t, http.MethodPost, "/runs/r-0041/cancel", form("confirm=yes")); r.status != http.StatusConflict || !strings.Contains(r.text, "where it was started") {
			t.Errorf("a run of another process: %d", r.status)
		}
		if r := h.ask(t, http.MethodPost, "/runs/r-9999/cancel", form("confirm=yes")); r.status != http.StatusNotFound {
			t.Errorf("no run: %d", r.status)
		}
		h.pulse.change(func(s *core.Snapshot) { s.State = core.Succeeded })
		if r := h.ask(t, http.MethodPost, "/runs/r-0042/cancel", form("confirm=yes")); r.status != http.StatusSeeOther {
			t.Errorf("a run that has ended: %d", r.status)
		}
		if r := h.ask(t, http.MethodGet, "/runs/r-0042/cancel"); r.status != http.StatusNotFound {
			t.Errorf("GET: %d", r.status)
		}
		if len(h.cancelled) != 0 {
			t.Error("something was cancelled")
		}
		deaf := newHouse(t, func(c *Config) { c.Cancel = nil })
		if r := deaf.ask(t, http.MethodPost, "/runs/r-0042/cancel"); r.status != http.StatusMethodNotAllowed {
			t.Errorf("without a way to cancel: %d", r.status)
		}
		if got := says(byID(t, deaf.ask(t, http.MethodGet, "/runs/r-0042"))["actions"]); got != "" {
			t.Errorf("without a way to cancel there is a button %q", got)
		}
	})
}

// TestMetrics reads what is served line by line, as those do who collect it.
func TestMetrics(t *testing.T) {
	h := newHouse(t)
	h.pulse.change(func(s *core.Snapshot) {
		s.Fetched[1] = core.Fetched{
			Source: "w\"eb\n", Requests: 412, Retries: 7, Confirmed: 80, LimitWaitUS: 1_500_000, PauseWaitUS: 250_000, InFlight: 4, MostInFlight: 6,
		}
		s.Streams[1].Fetched, s.Streams[1].Expected = 400, 1955
		s.Streams[1].Unread = []core.Unread{{Code: "rest.bad_record", Count: 2}}
	})
	r := h.ask(t, http.MethodGet, "/metrics")
	if r.status != http.StatusOK || !strings.HasPrefix(r.head.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("%d %v", r.status, r.head)
	}
	lines := strings.Split(strings.TrimSuffix(r.text, "\n"), "\n")
	for _, want := range []string{
		`converter_run_info{run="r-0042",name="bestiary",state="running"} 1`,
		`converter_items_total{stage="read",outcome="written"} 10`,
		"# TYPE converter_source_requests_total counter",
		`converter_source_requests_total{source="w\"eb\n"} 412`,
		`converter_source_retries_total{source="w\"eb\n"} 7`,
		`converter_source_not_modified_total{source="w\"eb\n"} 80`,
		`converter_source_wait_seconds_total{source="w\"eb\n",reason="limit"} 1.5`,
		`converter_source_wait_seconds_total{source="w\"eb\n",reason="pause"} 0.25`,
		"# TYPE converter_source_in_flight gauge",
		`converter_source_in_flight{source="w\"eb\n"} 4`,
		`converter_source_most_in_flight{source="w\"eb\n"} 6`,
		`converter_stream_fetched{source="web",stream="spells"} 400`,
		`converter_stream_expected{source="web",stream="spells"} 1955`,
		`converter_stream_unread_total{source="web",stream="spells",code="rest.bad_record"} 2`,
	} {
		if !slices.Contains(lines, want) {
			t.Errorf("there is no line %s in\n%s", want, r.text)
		}
	}
	shape := regexp.MustCompile(`^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? [0-9.e+]+)$`)
	for _, line := range lines {
		if !shape.MatchString(line) {
			t.Errorf("no line of metrics: %q", line)
		}
	}
	if idle := newHouse(t, func(c *Config) { c.Live = nil }).ask(t, http.MethodGet, "/metrics"); idle.status != http.StatusOK || idle.text != "" {
		t.Errorf("without a run: %d %q", idle.status, idle.text)
	}
}

func TestHealthz(t *testing.T) {
	h := newHouse(t)
	h.shelf.change(func(s *shelf) { s.err = errAway })
	if r := h.ask(t, http.MethodGet, "/healthz"); r.status != http.StatusOK || r.text != healthy {
		t.Errorf("%d", r.status)
	}
}

func TestReadyz(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		if r := h.ask(t, http.MethodGet, "/readyz"); r.status != http.StatusOK {
			t.Errorf("%d", r.status)
		}
		h.shelf.change(func(s *shelf) { s.err = errAway })
		time.Sleep(listAge)
		if r := h.ask(t, http.MethodGet, "/readyz"); r.status != http.StatusServiceUnavailable {
			t.Errorf("without a history: %d", r.status)
		}
		h.shelf.change(func(s *shelf) { s.err = nil })
		time.Sleep(listAge)
		if r := h.ask(t, http.MethodGet, "/readyz"); r.status != http.StatusOK {
			t.Errorf("when it is back: %d", r.status)
		}
	})
}

func TestNoPage(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/favicon.ico", "/runs/r-0042/x", "/.git/config", "/assets/x"} {
		if r := h.ask(t, http.MethodGet, path); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, r.status)
		}
	}
	for _, path := range []string{"/", "/runs", "/runs/r-0042", "/events"} {
		if r := h.ask(t, http.MethodPost, path); r.status != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, r.status)
		}
	}
}

// TestGuard asks with every sort of host and origin.
func TestGuard(t *testing.T) {
	h := newHouse(t)
	for _, tt := range []struct {
		host string
		want int
	}{
		{"127.0.0.1:8787", http.StatusOK},
		{"127.0.0.2", http.StatusOK},
		{"localhost:1", http.StatusOK},
		{"LOCALHOST", http.StatusOK},
		{"[::1]:8787", http.StatusOK},
		{"[::1]", http.StatusOK},
		{"evil.example", http.StatusMisdirectedRequest},
		{"evil.example:8787", http.StatusMisdirectedRequest},
		{"localhost.evil.example", http.StatusMisdirectedRequest},
		{"127.0.0.1.evil.example", http.StatusMisdirectedRequest},
		{"192.168.1.4:8787", http.StatusMisdirectedRequest},
		{"0.0.0.0:8787", http.StatusMisdirectedRequest},
		{"", http.StatusMisdirectedRequest},
	} {
		for _, path := range []string{"/", "/events", "/healthz", "/static/x/app.js"} {
			if path == "/events" && tt.want == http.StatusOK {
				continue // a stream has no end to wait for
			}
			r := h.ask(t, http.MethodGet, path, func(r *http.Request) { r.Host = tt.host })
			if refused := r.status == http.StatusMisdirectedRequest; refused != (tt.want != http.StatusOK) {
				t.Errorf("%s of %q: %d", path, tt.host, r.status)
			}
			if r.head.Get("Content-Security-Policy") != policy || r.head.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s of %q goes without the policy", path, tt.host)
			}
		}
	}
	for _, tt := range []struct {
		name    string
		headers map[string]string
		want    int
	}{
		{"a program", nil, http.StatusSeeOther},
		{"a page of ours", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8787"}, http.StatusSeeOther},
		{"another site", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, http.StatusForbidden},
		{"another port", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9999"}, http.StatusForbidden},
		{"an old browser on another site", map[string]string{"Origin": "https://evil.example"}, http.StatusForbidden},
	} {
		r := h.ask(t, http.MethodPost, "/runs/r-0042/cancel", form("confirm=yes"), func(r *http.Request) {
			for name, value := range tt.headers {
				r.Header.Set(name, value)
			}
		})
		if r.status != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, r.status, tt.want)
		}
	}
	rebound := h.ask(t, http.MethodPost, "/runs/r-0042/cancel", form("confirm=yes"), header("Origin", "http://evil.example"), func(r *http.Request) { r.Host = "evil.example" })
	if rebound.status != http.StatusMisdirectedRequest {
		t.Errorf("a name that was made to resolve to this machine: %d", rebound.status)
	}
}

// TestPagesAreStrict: what the policy forbids is not in the pages to begin with.
func TestPagesAreStrict(t *testing.T) {
	h := newHouse(t)
	for _, path := range []string{"/", "/runs/r-0042", "/runs/r-0042?cancel=ask", "/runs/r-0041", "/runs/none"} {
		text := h.ask(t, http.MethodGet, path).text
		for _, forbidden := range []string{" style=", "<style", " onclick=", " hx-on", "javascript:", "http://", "https://"} {
			if strings.Contains(text, forbidden) {
				t.Errorf("%s has %q", path, forbidden)
			}
		}
		if strings.Count(text, "<script") != 1 {
			t.Errorf("%s has %d scripts, want the bundle alone: two would race", path, strings.Count(text, "<script"))
		}
	}
}

func TestBrowserIsGreetedOnce(t *testing.T) {
	server := httptest.NewServer(newHouse(t).Handler())
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	for i, want := range []int{1, 0, 0} {
		r, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if got := len(r.Cookies()); got != want {
			t.Errorf("visit %d: %d cookies, want %d", i, got, want)
		}
	}
}
