package rest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// api is a small server: lists of numbered things, and what a test wants of it.
type api struct {
	t      *testing.T
	server *httptest.Server
	dir    string

	mu    sync.Mutex // guards what follows
	asked []string   // path and query
	heads []http.Header
	most  int
	now   int
	// before answers in place of the server where it returns true.
	before func(w http.ResponseWriter, r *http.Request, n int) bool
	tries  map[string]int
	things int
	edit   func(i int) string // more members of a thing
}

func newAPI(t *testing.T, things int) *api {
	t.Helper()
	a := &api{t: t, dir: t.TempDir(), things: things, tries: map[string]int{}}
	a.server = httptest.NewServer(a)
	t.Cleanup(a.server.Close)
	return a
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	uri := r.URL.RequestURI()
	a.mu.Lock()
	a.asked, a.heads = append(a.asked, uri), append(a.heads, r.Header.Clone())
	a.tries[uri]++
	n, before, edit, things := a.tries[uri], a.before, a.edit, a.things
	a.now++
	a.most = max(a.most, a.now)
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.now--
		a.mu.Unlock()
	}()
	if before != nil && before(w, r, n) {
		return
	}
	w.Header().Set("Content-Type", "application/json")
	more := func(i int) string {
		if edit == nil {
			return ""
		}
		return edit(i)
	}
	thing := func(i int) string { return fmt.Sprintf(`{"id":%d,"name":"Thing %d"%s}`, i, i, more(i)) }
	q := r.URL.Query()
	number := func(name string, preset int) int {
		if n, err := strconv.Atoi(q.Get(name)); err == nil {
			return n
		}
		return preset
	}
	size := number("limit", 3)
	from := number("offset", (number("page", 1)-1)*size)
	if c := q.Get("cursor"); c != "" {
		from = number("cursor", 0)
	}
	var items []string
	for i := from; i < min(from+size, things); i++ {
		items = append(items, thing(i))
	}
	next, cursor := "null", ""
	if from+size < things {
		next = strconv.Quote(fmt.Sprintf("%s/things?limit=%d&page=%d", a.server.URL, size, from/size+2))
		cursor = strconv.Itoa(from + size)
		w.Header().Set("Link", fmt.Sprintf(`<%s/things?limit=%d&page=%d>; rel="next"`, a.server.URL, size, from/size+2))
	}
	switch {
	case r.URL.Path == "/things":
		fmt.Fprintf(w, `{"meta":{"count":%d,"cursor":%q},"next":%s,"results":[%s]}`, things, cursor, next, strings.Join(items, ","))
	case r.URL.Path == "/bare":
		fmt.Fprintf(w, "[%s]", strings.Join(items, ","))
	case strings.HasPrefix(r.URL.Path, "/things/") && strings.HasSuffix(r.URL.Path, "/parts"):
		of := strings.Split(r.URL.Path, "/")[2]
		fmt.Fprintf(w, `[{"id":"a","of":%q},{"id":"b","of":%q}]`, of, of)
	case strings.HasPrefix(r.URL.Path, "/things/"):
		i, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/things/"))
		fmt.Fprint(w, strings.Replace(thing(i), `{`, `{"whole":true,`, 1))
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"detail":"Not found."}`)
	}
}

// requests are the addresses that were asked for, in order of their text.
func (a *api) requests() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(slices.Values(a.asked))
}

func (a *api) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked, a.heads, a.tries, a.most = nil, nil, map[string]int{}, 0
}

func (a *api) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// catch is a Writer that keeps what comes.
type catch struct {
	mu      sync.Mutex // guards what follows
	records map[string][]sdk.Record
	skips   map[string][]string // stream: id code summary
	done    map[string]bool
	places  map[string][]string // checkpoints in front of the end
	refuse  error               // what Record returns
	reached map[string][]int    // how many records had come by then
	reports []sdk.Diagnostic
	facts   map[string][]sdk.Fact
	sum     sdk.Metrics

	revisions map[string][]byte
	whole     []string            // streams that had not changed
	same      map[string][]string // records that had not
}

func newCatch() *catch {
	return &catch{
		records: map[string][]sdk.Record{}, skips: map[string][]string{}, done: map[string]bool{}, facts: map[string][]sdk.Fact{},
		revisions: map[string][]byte{}, same: map[string][]string{}, places: map[string][]string{}, reached: map[string][]int{},
	}
}

func (c *catch) Revision(stream string, revision []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revisions[stream] = revision
	return nil
}

func (c *catch) Unchanged(stream string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.whole = append(c.whole, stream)
	return nil
}

func (c *catch) UnchangedRecord(stream, id string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.same[stream] = append(c.same[stream], strings.TrimPrefix(id, stream+"/"))
	return nil
}

func (c *catch) Record(stream string, r sdk.Record) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return c.refuse
	}
	r.JSON = slices.Clone(r.JSON)
	c.records[stream] = append(c.records[stream], r)
	return r.Validate()
}

func (c *catch) Skip(stream, id string, reason error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := sdk.Diagnose(reason, "?")[0]
	c.skips[stream] = append(c.skips[stream], id+" "+d.Code+" "+d.Error())
	return nil
}

func (c *catch) Checkpoint(stream string, state []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if string(state) == done {
		c.done[stream] = true
		return nil
	}
	c.places[stream] = append(c.places[stream], string(state))
	c.reached[stream] = append(c.reached[stream], len(c.records[stream]))
	return nil
}

func (c *catch) Progress(string, int64, int64, string) error { return nil }

func (c *catch) Report(d sdk.Diagnostic) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reports = append(c.reports, d)
}

func (c *catch) Facts(stream string, facts ...sdk.Fact) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.facts[stream] = facts
	return sdk.ValidateFacts(facts)
}

func (c *catch) Metrics(m sdk.Metrics) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sum.Requests += m.Requests
	c.sum.Hits += m.Hits
	c.sum.Misses += m.Misses
	c.sum.Unchanged += m.Unchanged
	c.sum.Changed += m.Changed
}

// ids are those of the records of a stream.
func (c *catch) ids(stream string) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := []string{}
	for _, r := range c.records[stream] {
		ids = append(ids, strings.TrimPrefix(r.ID, stream+"/"))
	}
	return ids
}

func (c *catch) codes() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	codes := []string{}
	for _, d := range c.reports {
		codes = append(codes, d.Code)
	}
	return codes
}

// quick is what every test has: pauses that nobody notices.
const quick = `"error_handler": {"first_pause": "1ms", "max_attempts": 3}`

// configured is a source with options, in which URL stands for the server.
func (a *api) configured(options string) sdk.Source {
	a.t.Helper()
	s := New()
	a.t.Cleanup(func() { _ = s.(interface{ Close() error }).Close() })
	err := s.Configure(a.t.Context(), sdk.Configuration{
		Source: "api", Options: json.RawMessage(strings.ReplaceAll(options, "URL", a.server.URL)), CacheDir: a.dir, WorkDir: a.t.TempDir(),
	})
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

// read reads a source once, as a run does.
func (a *api) read(options string) (*catch, error) {
	a.t.Helper()
	return readAll(a.t, a.configured(options), nil)
}

func readAll(t *testing.T, s sdk.Source, known map[string][]byte) (*catch, error) {
	t.Helper()
	streams, err := s.Discover(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range streams {
		names = append(names, one.Name)
	}
	c := newCatch()
	return c, s.Read(t.Context(), sdk.ReadRequest{Streams: names, Known: known}, c)
}

// must is read for what has to go well.
func (a *api) must(options string) *catch {
	a.t.Helper()
	c, err := a.read(options)
	if err != nil {
		a.t.Fatal(err)
	}
	return c
}

// upTo are the numbers below n as text.
func upTo(n int) []string {
	list := []string{}
	for i := range n {
		list = append(list, strconv.Itoa(i))
	}
	return list
}
