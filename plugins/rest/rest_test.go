package rest

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
	"github.com/seed-98789ff7/converter/sdk/sdktest"
)

// config is a source with one list of things and a paginator.
func config(paginator string, more ...string) string {
	extra := ""
	if len(more) > 0 {
		extra = ", " + strings.Join(more, ", ")
	}
	return fmt.Sprintf(`{"client": {"base_url": "URL"}, "resource_defaults": {%s},
		"resources": [{"name": "things", "path": "things", "data_selector": "results", "paginator": %s%s}]}`, quick, paginator, extra)
}

func TestPaginators(t *testing.T) {
	for name, c := range map[string]struct {
		paginator string
		path      string
		requests  int
	}{
		"page number, counted":     {`{"type": "page_number", "page_size": 4, "total_path": "meta.count"}`, "things", 6},
		"page number, by link":     {`{"type": "page_number", "page_size": 4, "next_path": "next"}`, "things", 6},
		"page number, to the end":  {`{"type": "page_number", "page_size": 4}`, "bare", 6},
		"page number, server size": {`{"type": "page_number", "total_path": "meta.count"}`, "things", 8},
		"page number, whole pages": {`{"type": "page_number", "page_size": 11}`, "bare", 3},
		"offset, counted":          {`{"type": "offset", "page_size": 5, "total_path": "meta.count"}`, "things", 5},
		"offset, to the end":       {`{"type": "offset", "page_size": 5}`, "bare", 5},
		"link":                     {`{"type": "json_link"}`, "things", 8},
		"header":                   {`{"type": "header_link"}`, "things", 8},
		"cursor":                   {`{"type": "cursor", "cursor_path": "meta.cursor", "page_size": 6}`, "things", 4},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, 22)
			options := strings.Replace(config(c.paginator), `"path": "things"`, `"path": "`+c.path+`"`, 1)
			got := a.must(options)
			if !slices.Equal(got.ids("things"), upTo(22)) {
				t.Errorf("ids %v", got.ids("things"))
			}
			if n := len(a.requests()); n != c.requests {
				t.Errorf("%d requests, want %d: %q", n, c.requests, a.requests())
			}
			if !got.done["things"] || len(got.skips) > 0 || len(got.reports) > 0 {
				t.Errorf("done %v, skipped %v, reported %v", got.done, got.skips, got.reports)
			}
		})
	}
}

// TestAnswers are lists, bare lists, records and everything else.
func TestAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		body, key string
		ids       []string
		skip      string
	}{
		"list":        {`{"results":[{"id":"a"},{"id":"b"}]}`, "id", []string{"a", "b"}, ""},
		"array":       {` [{"id":"a"}]`, "id", []string{"a"}, ""},
		"record":      {`{"id":"a","results":7}`, "id", []string{"a"}, ""},
		"deep key":    {`[{"of":{"id":3}}]`, "of.id", []string{"3"}, ""},
		"empty":       {`{"results":[]}`, "id", []string{}, ""},
		"other":       {`{"items":[{"id":"a"}]}`, "id", nil, "neither a list nor a record: it has the members items"},
		"text":        {`"hello"`, "id", nil, "neither a list nor a record"},
		"without id":  {`[{"id":"a"},{"name":"b"}]`, "id", []string{"a"}, "things/ rest.no_id"},
		"not objects": {`[{"id":"a"},7]`, "id", []string{"a"}, "rest.record"},
		"twice":       {`[{"id":"a"},{"id":"a"}]`, "id", []string{"a"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, 0)
			a.before = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				_, err := fmt.Fprint(w, c.body)
				return err == nil
			}
			got, err := a.read(strings.Replace(config(`{"type": "single_page"}`), `"data_selector"`, `"primary_key": "`+c.key+`", "data_selector"`, 1))
			if c.ids == nil {
				if err == nil || !strings.Contains(err.Error(), c.skip) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil || !slices.Equal(got.ids("things"), c.ids) {
				t.Errorf("%v: %v", got.ids("things"), err)
			}
			if text := strings.Join(got.skips["things"], "\n"); (text == "") != (c.skip == "") || len(got.skips["things"]) > 1 {
				t.Errorf("skipped %q", text)
			}
			want := map[string]string{"empty": "rest.empty", "twice": "rest.doubled"}[name]
			if codes := strings.Join(got.codes(), " "); codes != want {
				t.Errorf("reported %q, want %q", codes, want)
			}
		})
	}
}

// TestFaults are each met at the first two attempts at every address, and leave no trace; at all attempts, they are named.
func TestFaults(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	faults := map[string]func(w http.ResponseWriter, r *http.Request){
		"503": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"500": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"429": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"transport": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"truncated": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "99")
			fmt.Fprint(w, `{"results":[`)
		},
		"half": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"results":[{"id":1},`) },
		"html": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<html>Just a moment</html>")
		},
		"hang": func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-r.Context().Done():
			case <-hang:
			}
		},
	}
	for name, does := range faults {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, 10)
			a.server.Config.ErrorLog = nil
			first := 2
			a.before = func(w http.ResponseWriter, r *http.Request, n int) bool {
				if n <= first {
					does(w, r)
				}
				return n <= first
			}
			options := strings.Replace(config(`{"type": "page_number", "page_size": 2, "total_path": "meta.count"}`), `"base_url"`, `"timeout": "200ms", "base_url"`, 1)
			got := a.must(options)
			if !slices.Equal(got.ids("things"), upTo(10)) || len(got.skips) > 0 || len(got.reports) > 0 {
				t.Errorf("%v, skipped %v, reported %v", got.ids("things"), got.skips, got.reports)
			}
			a.set(func() { first = 1000 })
			a.dir = t.TempDir()
			_, err := a.read(options)
			if sdk.KindOf(err) != sdk.Unavailable {
				t.Errorf("always: %v", err)
			}
		})
	}
}

// TestBadRecord is one that every page fails with that holds it.
func TestBadRecord(t *testing.T) {
	for _, bad := range []int{0, 37, 199, 431} {
		t.Run(fmt.Sprint(bad), func(t *testing.T) {
			a := newAPI(t, 432)
			a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				page, size := 1, 3
				_, _ = fmt.Sscan(r.URL.Query().Get("page"), &page)
				_, _ = fmt.Sscan(r.URL.Query().Get("limit"), &size)
				if r.URL.Path == "/things" && (page-1)*size <= bad && bad < page*size {
					w.WriteHeader(http.StatusInternalServerError)
					return true
				}
				return false
			}
			got := a.must(config(`{"type": "page_number", "page_size": 200, "total_path": "meta.count"}`))
			want := slices.Delete(upTo(432), bad, bad+1)
			if !slices.Equal(got.ids("things"), want) {
				t.Errorf("%d records: %v", len(got.ids("things")), got.ids("things"))
			}
			if s := got.skips["things"]; len(s) != 1 || !strings.HasPrefix(s[0], fmt.Sprintf("things#%d rest.bad_record", bad+1)) {
				t.Errorf("skipped %q", s)
			}
			if n := len(a.requests()); n > 2+3+25 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// TestBrokenList does not keep the others from being read, and is asked for a few times only.
func TestBrokenList(t *testing.T) {
	a := newAPI(t, 9)
	a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
		return r.URL.Path == "/broken"
	}
	const options = `{"client": {"base_url": "URL"}, "resource_defaults": {"data_selector": "results", ` + quick + `,
		"paginator": {"type": "page_number", "page_size": 200, "total_path": "meta.count"}},
		"resources": [{"name": "broken", "path": "broken"}, {"name": "things", "path": "things"}]}`
	got := a.must(options)
	if !slices.Equal(got.ids("things"), upTo(9)) || got.done["broken"] || !got.done["things"] {
		t.Errorf("%v, done %v", got.ids("things"), got.done)
	}
	if s := got.skips["broken"]; len(s) != 1 || !strings.Contains(s[0], "the list broken cannot be had: the server answers 500") {
		t.Errorf("skipped %q", s)
	}
	if n := len(a.requests()); n > 12 {
		t.Errorf("%d requests: %q", n, a.requests())
	}
}

func TestDetailsAndChildren(t *testing.T) {
	a := newAPI(t, 7)
	a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		switch r.URL.Path {
		case "/things/3":
			w.WriteHeader(http.StatusNotFound)
			return true
		case "/things/5":
			w.WriteHeader(http.StatusGone)
			return true
		}
		return false
	}
	const options = `{"client": {"base_url": "URL", "max_in_flight": 3}, "resource_defaults": {"data_selector": "results"}, "resources": [
		{"name": "things", "path": "things", "paginator": {"type": "json_link"}, "detail": {"path": "things/{id}"}, "error_handler": {"actions": {"410": "ignore"}}},
		{"name": "parts", "path": "things/{thing}/parts", "resolve": {"param": "thing", "resource": "things", "field": "id"}, "primary_key": ["{thing}", "id"],
			"links": [{"path": "of", "to": "things"}]}]}`
	got := a.must(options)
	if want := []string{"0", "1", "2", "4", "6"}; !slices.Equal(got.ids("things"), want) {
		t.Errorf("ids %v", got.ids("things"))
	}
	for _, r := range got.records["things"] {
		if !strings.HasPrefix(string(r.JSON), `{"whole":true`) || !strings.HasPrefix(r.Origin.URI, a.server.URL+"/things/") {
			t.Errorf("%s from %s", r.JSON, r.Origin.URI)
		}
	}
	if s := got.skips["things"]; len(s) != 1 || !strings.HasPrefix(s[0], "things/3 rest.status_404") {
		t.Errorf("skipped %q", s)
	}
	parts := got.ids("parts")
	if len(parts) != 14 || parts[0] != "0/a" || parts[13] != "6/b" || !slices.IsSorted(parts) {
		t.Errorf("parts %v", parts)
	}
	if l := got.records["parts"][4].Links; len(l) != 1 || l[0].Target != "things/2" || l[0].Pointer != "/of" {
		t.Errorf("links %+v", l)
	}
	if n := slices.Index(a.requests(), "/things?page=2"); n >= 0 || a.most > 3 {
		t.Errorf("%d at one time, %q", a.most, a.requests())
	}
}

func TestOnlyOurHost(t *testing.T) {
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a stranger was asked") }))
	t.Cleanup(stranger.Close)
	for name, answer := range map[string]http.HandlerFunc{
		"next": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"results":[{"id":0}],"next":%q}`, stranger.URL)
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, stranger.URL, http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, 1)
			a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool { answer(w, r); return true }
			got, err := a.read(config(`{"type": "json_link"}`))
			if text := fmt.Sprint(err, got.skips); !strings.Contains(text, "which is not") {
				t.Errorf("%s", text)
			}
			if got.done["things"] {
				t.Error("the list counts as whole")
			}
		})
	}
}

func TestPagesWithoutEnd(t *testing.T) {
	for name, c := range map[string]struct {
		next func(url string, n int) string
		most string
		want string
	}{
		"round":  {func(url string, _ int) string { return url + "/things" }, "", "pages go round"},
		"always": {func(url string, n int) string { return fmt.Sprintf("%s/things?page=%d", url, n) }, `, "max_pages": 5`, "more pages than the 5"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, 1)
			n := 0
			a.before = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
				n++
				fmt.Fprintf(w, `{"results":[{"id":%d}],"next":%q}`, n, c.next(a.server.URL, n+1))
				return true
			}
			got := a.must(config(`{"type": "json_link"` + c.most + `}`))
			if s := strings.Join(got.skips["things"], ""); !strings.Contains(s, c.want) || n > 5 {
				t.Errorf("%q after %d requests", s, n)
			}
		})
	}
}

func TestAuth(t *testing.T) {
	t.Setenv("BEAST_KEY", "sesame")
	for name, c := range map[string]struct {
		auth string
		sent func(r *http.Request) string
	}{
		"bearer": {`{"type": "bearer", "env": "BEAST_KEY"}`, func(r *http.Request) string { return strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") }},
		"header": {`{"type": "header", "name": "X-Key", "env": "BEAST_KEY"}`, func(r *http.Request) string { return r.Header.Get("X-Key") }},
		"query":  {`{"type": "query", "name": "key", "env": "BEAST_KEY"}`, func(r *http.Request) string { return r.URL.Query().Get("key") }},
		"none":   {`{"type": "none"}`, func(*http.Request) string { return "sesame" }},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, 7)
			a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
				if c.sent(r) != "sesame" {
					t.Errorf("%s without the secret", r.URL)
				}
				if r.URL.Query().Get("page") == "2" { // where errors are made of
					w.WriteHeader(http.StatusTeapot)
					return true
				}
				return false
			}
			got := a.must(strings.Replace(config(`{"type": "json_link"}`), `"base_url"`, `"auth": `+c.auth+`, "base_url"`, 1))
			if len(got.ids("things")) != 3 || len(got.skips["things"]) != 1 {
				t.Errorf("%v, skipped %v", got.ids("things"), got.skips)
			}
			if said := fmt.Sprintf("%+v %+v %+v", got.skips, got.records, got.reports); strings.Contains(said, "sesame") {
				t.Errorf("the secret is told: %s", said)
			}
		})
	}
	t.Run("missing", func(t *testing.T) {
		t.Setenv("BEAST_KEY", "")
		s := New()
		err := s.Configure(t.Context(), sdk.Configuration{Options: []byte(`{"client": {"base_url": "https://beasts.example", "auth": {"type": "bearer", "env": "BEAST_KEY"}}, "resources": [{"name": "a", "path": "a"}]}`)})
		if sdk.KindOf(err) != sdk.Invalid || !strings.Contains(err.Error(), "BEAST_KEY") {
			t.Errorf("%v", err)
		}
	})
}

// TestSecondReading finds everything as it was, then one record that has changed, one that is new and one that is gone.
func TestSecondReading(t *testing.T) {
	a := newAPI(t, 20)
	options := config(`{"type": "page_number", "page_size": 4, "total_path": "meta.count"}`, `"hash_ignore": ["seen.at"]`)
	stamp := 0
	a.edit = func(int) string { return fmt.Sprintf(`,"seen":{"at":%d}`, stamp) }
	for i, want := range []sdk.Metrics{{Changed: 20}, {Unchanged: 20}, {Unchanged: 19, Changed: 2}, {Unchanged: 18}} {
		switch i {
		case 1:
			a.set(func() { stamp = 7 })
		case 2:
			a.set(func() {
				a.things = 21
				a.edit = func(i int) string {
					if i == 5 {
						return `,"seen":{"at":7},"teeth":4`
					}
					return `,"seen":{"at":7}`
				}
			})
		case 3:
			a.set(func() { a.things = 18 })
		}
		got := a.must(options)
		if got.sum.Unchanged != want.Unchanged || got.sum.Changed != want.Changed {
			t.Errorf("reading %d: %d unchanged, %d changed", i, got.sum.Unchanged, got.sum.Changed)
		}
		if gone := slices.Contains(got.codes(), "rest.gone"); gone != (i == 3) {
			t.Errorf("reading %d: reported %v", i, got.codes())
		}
	}
	// What an incomplete reading does not meet is not gone.
	a.set(func() {
		a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if r.URL.Query().Get("page") == "2" {
				w.WriteHeader(http.StatusTeapot)
				return true
			}
			return false
		}
	})
	if got := a.must(options); slices.Contains(got.codes(), "rest.gone") || got.done["things"] || len(got.skips["things"]) != 1 {
		t.Errorf("reported %v, skipped %v", got.codes(), got.skips)
	}
	a.set(func() { a.before = nil })
	if got := a.must(options); got.sum.Unchanged != 18 || got.sum.Changed != 0 {
		t.Errorf("%+v", got.sum)
	}
}

// TestUnchanged: a list that is as it was is not sent, and of another one only the records that are not; what is to be ignored
// when changes are counted is sent all the same.
func TestUnchanged(t *testing.T) {
	a := newAPI(t, 20)
	options := config(`{"type": "page_number", "page_size": 4, "total_path": "meta.count"}`, `"hash_ignore": ["seen.at"]`)
	var known map[string][]byte
	read := func(what string, sent, same int, whole bool) *catch {
		t.Helper()
		got, err := readAll(t, a.configured(options), known)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.records["things"]) != sent || len(got.same["things"]) != same || (len(got.whole) == 1) != whole {
			t.Errorf("%s: %d sent, %d unchanged, whole %v", what, len(got.records["things"]), len(got.same["things"]), got.whole)
		}
		return got
	}
	edit := func(change func(i int) string) { a.set(func() { a.edit = change }) }
	seen := func(at, teeth int) func(int) string {
		return func(i int) string {
			return fmt.Sprintf(`,"seen":{"at":%d}`, at) + map[bool]string{true: `,"teeth":4`}[i == teeth]
		}
	}
	edit(seen(0, -1))
	first := read("the first time", 20, 0, false)
	known = first.revisions
	if len(known["things"]) == 0 {
		t.Fatal("no revision was named")
	}
	read("nothing has changed", 0, 0, true)
	known = map[string][]byte{"things": []byte("another")}
	read("the host has something else", 20, 0, false)
	known = first.revisions
	edit(seen(0, 5))
	second := read("a record has changed", 1, 19, false)
	if !slices.Equal(second.same["things"][:5], []string{"0", "1", "2", "3", "4"}) || second.ids("things")[0] != "5" {
		t.Errorf("not in order: %v", second.same)
	}
	read("the run after that came to no good end", 20, 0, false)
	known = second.revisions
	edit(seen(1, 5))
	third := read("what is not counted", 20, 0, false)
	if third.sum.Unchanged != 20 {
		t.Errorf("%d are counted as unchanged", third.sum.Unchanged)
	}
	known = third.revisions
	a.set(func() { a.things = 19 })
	known = read("one is gone", 0, 19, false).revisions
	a.set(func() {
		a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			if r.URL.Query().Get("page") == "2" {
				w.WriteHeader(http.StatusTeapot)
				return true
			}
			return false
		}
	})
	if got := read("a page is missing", 0, 15, false); len(got.revisions) > 0 || len(got.skips["things"]) != 1 {
		t.Errorf("revisions %q, skipped %v", got.revisions, got.skips)
	}
}

func TestCacheModes(t *testing.T) {
	a := newAPI(t, 9)
	options := config(`{"type": "json_link"}`)
	mode := func(name string) string {
		return strings.Replace(options, `"client"`, `"cache": "`+name+`", "client"`, 1)
	}
	if _, err := a.read(mode("only-if-cached")); err == nil || !strings.Contains(err.Error(), "nothing is kept") {
		t.Errorf("before anything was read: %v", err)
	}
	if n := len(a.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	a.must(options)
	a.forget()
	if got := a.must(mode("only-if-cached")); !slices.Equal(got.ids("things"), upTo(9)) || len(a.requests()) != 0 {
		t.Errorf("%v after %q", got.ids("things"), a.requests())
	}
	a.set(func() {
		a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
			w.Header().Set("ETag", `"1"`)
			fresh := r.Header.Get("If-None-Match") == `"1"`
			if fresh {
				w.WriteHeader(http.StatusNotModified)
			}
			return fresh
		}
	})
	for _, c := range []struct {
		mode string
		hits int64
	}{{"no-cache", 0}, {"no-cache", 3}, {"bypass", 0}} {
		got := a.must(mode(c.mode))
		if !slices.Equal(got.ids("things"), upTo(9)) || got.sum.Hits != c.hits || got.sum.Requests != 3 {
			t.Errorf("%s: %v, %+v", c.mode, got.ids("things"), got.sum)
		}
	}
	// A server that fails: what it said before stands in, and that is said.
	a.set(func() {
		a.before = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}
	})
	if got := a.must(options); !slices.Equal(got.ids("things"), upTo(9)) || !slices.Equal(got.codes(), []string{"rest.stale"}) {
		t.Errorf("%v, reported %v", got.ids("things"), got.codes())
	}
	if _, err := a.read(strings.Replace(options, `"client"`, `"stale_if_error": "0s", "client"`, 1)); sdk.KindOf(err) != sdk.Unavailable {
		t.Errorf("%v", err)
	}
}

// TestIncremental asks for changes, and sends everything all the same.
func TestIncremental(t *testing.T) {
	a := newAPI(t, 0)
	stamps := []int{3, 9, 10}
	a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		since := -1
		_, _ = fmt.Sscan(r.URL.Query().Get("since"), &since)
		var items []string
		for i, at := range stamps {
			if at > since {
				items = append(items, fmt.Sprintf(`{"id":%d,"at":%d}`, i, at))
			}
		}
		fmt.Fprintf(w, "[%s]", strings.Join(items, ","))
		return true
	}
	options := config(`{"type": "single_page"}`, `"incremental": {"cursor_path": "at", "param": "since"}`)
	for i, c := range []struct {
		ids     int
		changed int64
		asked   string
	}{{3, 3, "/things"}, {3, 0, "/things?since=10"}, {4, 2, "/things?since=10"}, {4, 0, "/things?since=12"}} {
		if i == 2 {
			a.set(func() { stamps = []int{3, 11, 10, 12} })
		}
		a.forget()
		got := a.must(options)
		if !slices.Equal(got.ids("things"), upTo(c.ids)) || got.sum.Changed != c.changed || !slices.Equal(a.requests(), []string{c.asked}) {
			t.Errorf("reading %d: %v, %d changed, asked %q", i, got.ids("things"), got.sum.Changed, a.requests())
		}
	}
	if got := a.must(strings.Replace(options, `"client"`, `"cache": "only-if-cached", "client"`, 1)); len(got.ids("things")) != 4 {
		t.Errorf("offline: %v", got.ids("things"))
	}
}

func TestRecord(t *testing.T) {
	t.Setenv("BEAST_KEY", "sesame")
	a := newAPI(t, 0)
	a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		switch r.URL.Path {
		case "/books":
			fmt.Fprint(w, `[{"id":"old","rights":[{"key":"ogl"},{"key":"cc"}],"by":"Ann","at":"https://books.example/old"},{"id":"renamed","rights":[{"key":"strange"}]}]`)
		default:
			w.Header().Set("Warning", `299 - "use /v2 instead"`)
			fmt.Fprintf(w, `[
				{"id":"orc","title":"The Orc","book":{"id":"old","name":"Old Book","rules":"5e"},"lair":"/beasts/cave","friends":[{"id":"elf","url":"%s/beasts/elf#ears"}],"picture":"/img/orc.png"},
				{"id":"elf","name":"Elf","book":"once","boss":{"id":"x"},"picture":null},
				{"id":"cave","book":"lost"},
				{"id":"imp","book":"other"}]`, a.server.URL)
		}
		return true
	}
	got := a.must(`{"scope": "beasts", "client": {"base_url": "URL/"}, "resources": [
		{"name": "beasts", "path": "beasts", "where": {"path": ["book.id", "book"], "in": ["old", "once", "lost"]},
			"entity": {"kind": "creature", "kind_if": {"has": "boss.id", "kind": "character"}, "name": ["title", "name"], "lang": "en", "pack": ["book.id", "book"], "book": "book.name",
				"ruleset": {"system": "any"}, "ruleset_by": "book.rules", "rulesets": {"5e": {"system": "dnd5e", "edition": "2014"}}},
			"license": [{"from": "books", "match": ["book.id", "book"], "aliases": {"renamed": "once"}, "expression_path": "rights.key", "names": {"ogl": "OGL-1.0a", "cc": "CC-BY-4.0"}, "attribution_path": ["id", "by"], "url_path": "at"}],
			"links": [{"path": "friends.id", "to": "beasts"}], "assets": [{"path": "picture", "role": "portrait"}]},
		{"name": "books", "path": "books", "role": "reference"}]}`)
	if !slices.Equal(got.ids("beasts"), []string{"orc", "elf", "cave"}) || !slices.Equal(got.codes(), []string{"rest.server_warns", "rest.filtered"}) {
		t.Fatalf("%v, reported %v", got.ids("beasts"), got.reports)
	}
	orc, elf, cave := got.records["beasts"][0], got.records["beasts"][1], got.records["beasts"][2]
	if orc.Scope != "beasts" || orc.Kind != "creature" || orc.Name != "The Orc" || orc.NativeType != "beasts" || orc.Ruleset != (sdk.Ruleset{System: "dnd5e", Edition: "2014"}) ||
		orc.Origin != (sdk.Origin{Format: "rest", URI: a.server.URL + "/beasts", Pack: "old", PackLabel: "Old Book", Book: "Old Book"}) {
		t.Errorf("%+v", orc)
	}
	if orc.License != (sdk.License{Expression: "OGL-1.0a OR CC-BY-4.0", Attribution: "old, Ann", URL: "https://books.example/old", From: "document"}) {
		t.Errorf("%+v", orc.License)
	}
	if elf.License.Expression != "strange" || elf.Kind != "character" || elf.Ruleset.System != "any" || len(elf.Assets) != 0 {
		t.Errorf("%+v", elf)
	}
	if len(cave.Warnings) != 1 || cave.License != (sdk.License{}) {
		t.Errorf("%+v", cave)
	}
	want := []sdk.Link{
		{Pointer: "/friends/0/id", Kind: "reference", Raw: "elf", Target: "beasts/elf"},
		{Pointer: "/friends/0/url", Kind: "reference", Raw: a.server.URL + "/beasts/elf#ears", Target: "beasts/elf", Anchor: "ears"},
		{Pointer: "/lair", Kind: "reference", Raw: "/beasts/cave", Target: "beasts/cave", Label: "The Orc"},
	}
	for i := range orc.Links {
		orc.Links[i].Label = map[bool]string{true: "The Orc"}[orc.Links[i].Pointer == "/lair"]
	}
	if !slices.Equal(orc.Links, want) {
		t.Errorf("%+v", orc.Links)
	}
	if len(orc.Assets) != 1 || orc.Assets[0] != (sdk.AssetRef{URI: "/img/orc.png", URL: a.server.URL + "/img/orc.png", Pointer: "/picture", Role: "portrait"}) {
		t.Errorf("%+v", orc.Assets)
	}
}

// TestRepeatedPages of a list that does not keep still is read again from link to link.
func TestRepeatedPages(t *testing.T) {
	a := newAPI(t, 12)
	a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.RequestURI() == "/things?limit=4&page=3" {
			return false
		}
		if r.URL.Query().Get("page") == "2" && !strings.Contains(r.URL.RawQuery, "again") { // the first page once more
			fmt.Fprintf(w, `{"meta":{"count":12},"next":"%s/things?limit=4&page=3","results":[{"id":0},{"id":1},{"id":2},{"id":3}]}`, a.server.URL)
			return true
		}
		if r.URL.Query().Get("page") == "1" {
			fmt.Fprintf(w, `{"meta":{"count":12},"next":"%s/things?again=1&limit=4&page=2","results":[{"id":0},{"id":1},{"id":2},{"id":3}]}`, a.server.URL)
			return true
		}
		return false
	}
	got := a.must(config(`{"type": "page_number", "page_size": 4, "total_path": "meta.count", "next_path": "next"}`))
	ids := got.ids("things")
	slices.SortFunc(ids, func(a, b string) int { return len(a)*100 + strings.Compare(a, b) - len(b)*100 })
	if !slices.Equal(ids, upTo(12)) || !slices.Contains(got.codes(), "rest.count_differs") {
		t.Errorf("%v, reported %v", ids, got.codes())
	}
}

func TestHostIsLeftAlone(t *testing.T) {
	a := newAPI(t, 1)
	a.before = func(w http.ResponseWriter, _ *http.Request, _ int) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
	var list []string
	for i := range 40 {
		list = append(list, fmt.Sprintf(`{"name": "r%d", "path": "r%d"}`, i, i))
	}
	_, err := a.read(`{"client": {"base_url": "URL", "max_in_flight": 1}, "resource_defaults": {"error_handler": {"first_pause": "1ms", "max_attempts": 1}}, "resources": [` + strings.Join(list, ",") + `]}`)
	if n := len(a.requests()); n > mostFailures+2 {
		t.Errorf("%d requests", n)
	}
	d, ok := errors.AsType[*sdk.Diagnostic](err)
	if !ok || d.Kind != sdk.Unavailable || !strings.Contains(err.Error(), "is not asked any more") {
		t.Errorf("%v", err)
	}
}

func TestWriterHasHeardEnough(t *testing.T) {
	a := newAPI(t, 100)
	s := a.configured(config(`{"type": "page_number", "page_size": 4, "total_path": "meta.count"}`))
	c := newCatch()
	c.refuse = errors.New("enough")
	if err := s.Read(t.Context(), sdk.ReadRequest{}, c); !errors.Is(err, c.refuse) {
		t.Errorf("%v", err)
	}
}

func TestConformance(t *testing.T) {
	a := newAPI(t, 250)
	options := map[string]any{
		"client": map[string]any{"base_url": a.server.URL},
		"resources": []any{map[string]any{
			"name": "things", "path": "things", "data_selector": "results",
			"paginator": map[string]any{"type": "page_number", "page_size": 50, "total_path": "meta.count"},
		}},
	}
	sdktest.Run(t, New, options)
}

func TestOptions(t *testing.T) {
	for name, c := range map[string]struct{ options, at, want string }{
		"address":     {`{"client": {"base_url": "api.example"}, "resources": [{"name": "a", "path": "a"}]}`, "/client/base_url", "no address"},
		"secret":      {`{"client": {"base_url": "https://u:p@api.example"}, "resources": [{"name": "a", "path": "a"}]}`, "/client/base_url", "more than a path"},
		"no name":     {`{"client": {"base_url": "https://api.example"}, "resources": [{"path": "a"}]}`, "/resources/0/name", "named"},
		"twice":       {`{"client": {"base_url": "https://api.example"}, "resources": [{"name": "a", "path": "a"}, {"name": "a", "path": "b"}]}`, "/resources/1/name", "two resources"},
		"kind":        {`{"client": {"base_url": "https://api.example"}, "resources": [{"name": "a", "path": "a", "entity": {"kind": "dragon"}}]}`, "/resources/0/entity/kind", "no kind"},
		"paginator":   {`{"client": {"base_url": "https://api.example"}, "resources": [{"name": "a", "path": "a", "paginator": {"type": "magic"}}]}`, "/resources/0/paginator/type", "no paginator"},
		"placeholder": {`{"client": {"base_url": "https://api.example"}, "resources": [{"name": "a", "path": "a/{b}"}]}`, "/resources/0/path", "nothing is known of {b}"},
		"parent":      {`{"client": {"base_url": "https://api.example"}, "resources": [{"name": "a", "path": "a/{b}", "resolve": {"param": "b", "resource": "c", "field": "id"}}]}`, "/resources/0/resolve/resource", "no resource"},
		"licence":     {`{"client": {"base_url": "https://api.example"}, "resources": [{"name": "a", "path": "a", "license": [{"from": "b"}]}]}`, "/resources/0/license/0/from", "no resource"},
		"action":      {`{"client": {"base_url": "https://api.example"}, "resources": [{"name": "a", "path": "a", "error_handler": {"actions": {"404": "cry"}}}]}`, "/resources/0/error_handler/actions", "no action"},
		"no secret":   {`{"client": {"base_url": "https://api.example", "auth": {"type": "bearer"}}, "resources": [{"name": "a", "path": "a"}]}`, "/client/auth/env", "no secret"},
		"unknown":     {`{"client": {"base_url": "https://api.example", "speed": 9}, "resources": [{"name": "a", "path": "a"}]}`, "", "speed"},
		"time":        {`{"client": {"base_url": "https://api.example", "timeout": "soon"}, "resources": [{"name": "a", "path": "a"}]}`, "", "no time span"},
	} {
		t.Run(name, func(t *testing.T) {
			err := New().Configure(t.Context(), sdk.Configuration{Options: []byte(c.options)})
			d, ok := errors.AsType[*sdk.Diagnostic](err)
			if !ok || d.Kind != sdk.Invalid || c.at != "" && d.ConfigPath != c.at || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v", err)
			}
		})
	}
}
