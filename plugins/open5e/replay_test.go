//go:build integration

package open5e

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/rest"
	"github.com/seed-98789ff7/converter/sdk"
)

// set is what the three APIs are asked for together: eleven lists.
var set = []struct{ preset, path, list, expected string }{
	{"open5e_v2", "/v2/", "spells", "v2/spells"},
	{"open5e_v2", "/v2/", "weapons", "v2/weapons"},
	{"open5e_v2", "/v2/", "armor", "v2/armor"},
	{"open5e_v2", "/v2/", "backgrounds", "v2/backgrounds"},
	{"open5e_v2", "/v2/", "feats", "v2/feats"},
	{"open5e_v2", "/v2/", "conditions", "v2/conditions"},
	{"open5e_v1", "/v1/", "monsters", "v1/monsters"},
	{"open5e_v1", "/v1/", "classes", "v1/classes"},
	{"open5e_v1", "/v1/", "races", "v1/races"},
	{"dnd5e_api", "/api/2014/", "rules", "2014/rules"},
	{"dnd5e_api", "/api/2014/", "rule_sections", "2014/rule-sections"},
}

// entities are how many there are in the set.
const entities = 5503

// expected are the ids of a list, in the order of the server, as they were recorded.
func expected(t *testing.T, name string) []string {
	t.Helper()
	for _, file := range []string{"expected-open5e.json", "expected-dnd5eapi.json"} {
		text, err := os.ReadFile(testdata.Dir(t, "open5e", file))
		if err != nil {
			t.Fatal(err)
		}
		var lists map[string]struct{ IDs []string }
		if err := json.Unmarshal(text, &lists); err != nil {
			t.Fatal(err)
		}
		if l, ok := lists[name]; ok {
			return l.IDs
		}
	}
	t.Fatalf("nothing is expected of %s", name)
	return nil
}

// shelf is a Writer that keeps ids, and the sum of all that came.
type shelf struct {
	mu      sync.Mutex // guards what follows
	ids     map[string][]string
	records map[string][]sdk.Record
	skips   []string
	reports []sdk.Diagnostic
	done    map[string]bool
	sum     sdk.Metrics
}

func (s *shelf) Record(stream string, r sdk.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.JSON = slices.Clone(r.JSON)
	s.ids[stream] = append(s.ids[stream], strings.TrimPrefix(r.ID, stream+"/"))
	s.records[stream] = append(s.records[stream], r)
	return r.Validate()
}

func (s *shelf) Skip(stream, id string, reason error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skips = append(s.skips, stream+": "+id+": "+reason.Error())
	return nil
}

func (s *shelf) Checkpoint(stream string, state []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[stream] = string(state) == `{"done":true}`
	return nil
}

func (s *shelf) Progress(string, int64, int64, string) error { return nil }

func (s *shelf) Report(d sdk.Diagnostic) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reports = append(s.reports, d)
}

func (s *shelf) Metrics(m sdk.Metrics) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Requests += m.Requests
	s.sum.Hits += m.Hits
	s.sum.Misses += m.Misses
	s.sum.Unchanged += m.Unchanged
	s.sum.Changed += m.Changed
}

// digest is the same for two readings that sent the same bytes in the same order, stream by stream.
func (s *shelf) digest(server string) string {
	h := sha256.New()
	for _, one := range set {
		for _, r := range s.records[one.list] {
			fmt.Fprintf(h, "%s\n", strings.ReplaceAll(fmt.Sprintf("%+v %s", r, r.JSON), server, ""))
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// first is the pause before a second try in tests.
var first = json.RawMessage(`"20ms"`)

// readSet reads the whole set, three sources at the same time. The options are changed by the caller.
func readSet(t *testing.T, server, cache string, change func(*rest.Options)) (*shelf, []error) {
	t.Helper()
	s := &shelf{ids: map[string][]string{}, records: map[string][]sdk.Record{}, done: map[string]bool{}}
	var meters []sdk.Source
	failures := make([]error, 3)
	var group sync.WaitGroup
	for i, preset := range Presets() {
		var path string
		for _, one := range set {
			if one.preset == preset {
				path = one.path
			}
		}
		o, err := Options{Preset: preset, BaseURL: server + path}.configured()
		if err != nil {
			t.Fatal(err)
		}
		if err := o.ResourceDefaults.ErrorHandler.FirstPause.UnmarshalJSON(first); err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(&o)
		}
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		source := rest.New() // what open does, with numbers counted
		if err := source.Configure(t.Context(), sdk.Configuration{Source: preset, Options: text, CacheDir: cache}); err != nil {
			t.Fatal(err)
		}
		meters = append(meters, source)
		group.Go(func() {
			streams, err := source.Discover(t.Context())
			var names []string
			for _, one := range streams {
				names = append(names, one.Name)
			}
			if err == nil {
				err = source.Read(t.Context(), sdk.ReadRequest{Streams: names}, s)
			}
			failures[i] = err
		})
	}
	group.Wait()
	for _, m := range meters {
		if err := m.(interface{ Close() error }).Close(); err != nil {
			t.Error(err)
		}
	}
	return s, failures
}

// large are the two lists that hold most of the set, and take most of the time.
var large = []string{"spells", "monsters"}

// withoutLarge leaves them out.
func withoutLarge(o *rest.Options) {
	o.Resources = slices.DeleteFunc(o.Resources, func(r rest.Resource) bool { return slices.Contains(large, r.Name) })
}

// whole fails unless every list came as it was recorded, but those left out, and nothing else.
func (s *shelf) whole(t *testing.T, failures []error, without ...string) {
	t.Helper()
	for _, one := range set {
		if slices.Contains(without, one.list) {
			continue
		}
		ids := s.ids[one.list]
		if want := expected(t, one.expected); !slices.Equal(ids, want) {
			t.Errorf("%s: %d ids, not the %d expected in their order", one.list, len(ids), len(want))
		}
		if !s.done[one.list] {
			t.Errorf("%s is not whole", one.list)
		}
	}
	n := 0
	for _, ids := range s.ids {
		n += len(ids)
	}
	if len(without) == 0 && n != entities || len(s.skips) > 0 {
		t.Errorf("%d records, skipped %q", n, s.skips)
	}
	for _, err := range failures {
		if err != nil {
			t.Error(err)
		}
	}
}

// TestSet reads the same bytes whatever the number of requests in flight and the size of pages, in few requests.
func TestSet(t *testing.T) {
	server := testdata.StartReplay(t, "-etag")
	var digest string
	for _, c := range []struct{ inFlight, page, requests int }{{6, 200, 80}, {16, 50, 170}, {1, 97, 130}} {
		t.Run(fmt.Sprintf("%d in flight, pages of %d", c.inFlight, c.page), func(t *testing.T) {
			server.Reset()
			s, failures := readSet(t, server.URL, t.TempDir(), func(o *rest.Options) {
				o.Client.MaxInFlight = c.inFlight
				o.Client.RateLimit = rest.RateLimit{}
				if p := o.ResourceDefaults.Paginator; p.Type == "page_number" {
					p.PageSize = c.page
				}
			})
			s.whole(t, failures)
			seen := server.Traffic()
			if seen.Requests > c.requests || seen.PeakInFlight > 3*c.inFlight || len(seen.Unmatched) > 0 {
				t.Errorf("%d requests, %d at one time, unmatched %v", seen.Requests, seen.PeakInFlight, seen.Unmatched)
			}
			if d := s.digest(server.URL); digest == "" {
				digest = d
			} else if d != digest {
				t.Error("the records differ from those of another way to ask")
			}
		})
	}
}

// TestSecondReading finds every record as it was, and says so; the D&D 5e API sends no body again.
func TestSecondReading(t *testing.T) {
	server := testdata.StartReplay(t)
	cache := t.TempDir()
	fast := func(o *rest.Options) { o.Client.RateLimit = rest.RateLimit{} }
	once, failures := readSet(t, server.URL, cache, fast)
	once.whole(t, failures)
	if once.sum.Changed != entities || once.sum.Unchanged != 0 {
		t.Errorf("%+v", once.sum)
	}
	server.Reset()
	twice, failures := readSet(t, server.URL, cache, fast)
	twice.whole(t, failures)
	if twice.sum.Unchanged != entities || twice.sum.Changed != 0 || twice.digest(server.URL) != once.digest(server.URL) {
		t.Errorf("%+v", twice.sum)
	}
	if seen := server.Traffic(); seen.NotModified == 0 {
		t.Errorf("%+v", seen)
	}
	server.Reset()
	offline, failures := readSet(t, server.URL, cache, func(o *rest.Options) { o.Cache = "only-if-cached" })
	offline.whole(t, failures)
	if seen := server.Traffic(); seen.Requests != 0 || offline.digest(server.URL) != once.digest(server.URL) {
		t.Errorf("%d requests offline", seen.Requests)
	}
}

// TestFaults meets each fault at the first tries at every address, and some at random.
func TestFaults(t *testing.T) {
	server := testdata.StartReplay(t)
	calm := []string{"fail-url", "", "drop", "", "truncate", "", "garbage-url", "", "hang-url", "", "fail-times", "0", "retry-after", "", "fail-status", "503", "fail-rate", "0", "drop-rate", "0", "truncate-rate", "0"}
	for name, faults := range map[string][]string{
		"503 twice": {"fail-url", ".", "fail-times", "2"},
		"429":       {"fail-url", ".", "fail-times", "1", "fail-status", "429", "retry-after", "0"},
		"drop":      {"drop", ".", "fail-times", "1"},
		"truncate":  {"truncate", ".", "fail-times", "1"},
		"html":      {"garbage-url", ".", "fail-times", "1"},
		"hang":      {"hang-url", ".", "fail-times", "1", "hang", "1m"},
		"random":    {"fail-rate", "0.05", "drop-rate", "0.03", "truncate-rate", "0.03", "fail-times", "3"},
	} {
		t.Run(name, func(t *testing.T) {
			server.Set(calm...)
			server.Reset()
			server.Set(faults...)
			s, failures := readSet(t, server.URL, t.TempDir(), func(o *rest.Options) {
				o.Client.RateLimit = rest.RateLimit{}
				if name != "random" {
					withoutLarge(o)
				}
				if name == "hang" {
					if err := o.Client.Timeout.UnmarshalJSON([]byte(`"2s"`)); err != nil {
						t.Fatal(err)
					}
				}
			})
			if name == "random" {
				s.whole(t, failures)
			} else {
				s.whole(t, failures, large...)
			}
			if seen := server.Traffic(); len(seen.Injected) == 0 {
				t.Error("the replay met us with no fault")
			}
		})
	}
}

// TestBrokenLists are named, and keep nobody else from being read.
func TestBrokenLists(t *testing.T) {
	server := testdata.StartReplay(t)
	fast := func(o *rest.Options) { o.Client.RateLimit = rest.RateLimit{} }
	t.Run("one list", func(t *testing.T) {
		server.Set("fail-url", "^/v1/monsters", "fail-status", "500")
		s, failures := readSet(t, server.URL, t.TempDir(), fast)
		if slices.ContainsFunc(failures, func(err error) bool { return err != nil }) {
			t.Errorf("%v", failures)
		}
		n := 0
		for _, one := range set {
			n += len(s.ids[one.list])
		}
		if n != entities-3207 || len(s.skips) != 1 || !strings.HasPrefix(s.skips[0], "monsters: ") || s.done["monsters"] {
			t.Errorf("%d records, skipped %q", n, s.skips)
		}
	})
	t.Run("one record", func(t *testing.T) {
		// Record 1234 of the monsters, from 1, in pages of any size that it is asked for in.
		server.Set("fail-url", poisoned(1234, 200, 100, 50, 25, 5, 1))
		server.Reset()
		s, failures := readSet(t, server.URL, t.TempDir(), fast)
		if slices.ContainsFunc(failures, func(err error) bool { return err != nil }) {
			t.Errorf("%v", failures)
		}
		want := slices.Delete(expected(t, "v1/monsters"), 1233, 1234)
		if !slices.Equal(s.ids["monsters"], want) {
			t.Errorf("%d monsters, not %d in their order", len(s.ids["monsters"]), len(want))
		}
		if len(s.skips) != 1 || !strings.HasPrefix(s.skips[0], "monsters: monsters#1234: ") {
			t.Errorf("skipped %q", s.skips)
		}
		if seen := server.Traffic(); seen.Requests > 80+30 {
			t.Errorf("%d requests", seen.Requests)
		}
	})
	t.Run("all", func(t *testing.T) {
		server.Set("fail-url", ".", "fail-status", "503")
		_, failures := readSet(t, server.URL, t.TempDir(), fast)
		for _, err := range failures {
			if sdk.KindOf(err) != sdk.Unavailable {
				t.Errorf("%v", err)
			}
		}
	})
}

// poisoned matches the pages of sizes that hold a record.
func poisoned(place int, sizes ...int) string {
	var pages []string
	for _, size := range sizes {
		pages = append(pages, fmt.Sprintf("limit=%d&page=%d$", size, (place-1)/size+1))
	}
	return "^/v1/monsters/\\?(" + strings.Join(pages, "|") + ")"
}

// TestLicences are told for each record, as its own source states them, with the notice where there is one.
func TestLicences(t *testing.T) {
	server := testdata.StartReplay(t)
	s, failures := readSet(t, server.URL, t.TempDir(), func(o *rest.Options) { o.Client.RateLimit = rest.RateLimit{} })
	s.whole(t, failures)
	count := map[string]int{}
	for _, one := range set {
		for _, r := range s.records[one.list] {
			if r.License.Expression == "" || r.License.Attribution == "" || len(r.Warnings) > 0 {
				t.Errorf("%s: %+v %q", r.ID, r.License, r.Warnings)
			}
			count[one.preset+" "+r.License.Expression]++
		}
	}
	want := map[string]int{
		"open5e_v2 CC-BY-4.0 OR OGL-1.0a": 848, "open5e_v2 OGL-1.0a": 786, "open5e_v2 CC-BY-4.0": 591,
		"open5e_v1 OGL-1.0a": 2879, "open5e_v1 LicenseRef-ORC": 360, "dnd5e_api OGL-1.0a OR CC-BY-4.0": 39,
	}
	if fmt.Sprint(count) != fmt.Sprint(want) {
		t.Errorf("%v", count)
	}
	notice := regexp.MustCompile(`^System Reference Document 5\.1 Copyright 2016, Wizards of the Coast`)
	for _, r := range s.records["spells"] {
		if r.Origin.Pack == "srd-2014" && !notice.MatchString(r.License.Attribution) {
			t.Fatalf("%s: %q", r.ID, r.License.Attribution)
		}
	}
	deprecated := 0
	for _, d := range s.reports {
		if d.Code == "rest.server_warns" && strings.Contains(d.Summary, "Deprecated API: use /v2/ instead") {
			deprecated++
		}
	}
	if deprecated != 2 { // version 1, and version 2 for the notices
		t.Errorf("%d warnings of version 1: %+v", deprecated, s.reports)
	}
	links := 0
	for _, r := range s.records["rules"] {
		links += len(r.Links)
	}
	if links != 33 && links != 35 {
		t.Errorf("%d links of rules to their sections", links)
	}
}

// TestEveryList that was recorded comes whole.
func TestEveryList(t *testing.T) {
	server := testdata.StartReplay(t)
	text, err := os.ReadFile(testdata.Dir(t, "open5e", "expected-dnd5eapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var lists map[string]struct {
		IDs []string
	}
	if err := json.Unmarshal(text, &lists); err != nil {
		t.Fatal(err)
	}
	o, err := Options{Preset: "dnd5e_api", BaseURL: server.URL + "/api/2014/", Resources: []string{"all"}}.configured()
	if err != nil {
		t.Fatal(err)
	}
	o.Client.RateLimit = rest.RateLimit{}
	source, err := rest.Open(t.Context(), o, sdk.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	s := &shelf{ids: map[string][]string{}, records: map[string][]sdk.Record{}, done: map[string]bool{}}
	if err := source.Read(t.Context(), sdk.ReadRequest{}, s); err != nil {
		t.Fatal(err)
	}
	n := 0
	for name, l := range lists {
		list, ok := strings.CutPrefix(name, "2014/")
		if !ok {
			continue
		}
		n++
		if got := s.ids[strings.ReplaceAll(list, "-", "_")]; !slices.Equal(got, l.IDs) {
			t.Errorf("%s: %d ids, not the %d expected in their order", name, len(got), len(l.IDs))
		}
	}
	if n < 20 || len(s.ids["class_levels"]) != 240 {
		t.Errorf("%d lists, %d levels of classes", n, len(s.ids["class_levels"]))
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
}
