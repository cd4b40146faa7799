package rest

import (
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// TestReadOn reads on from each checkpoint of a reading: nothing that came before is sent or fetched
// again, but the first page, which says whether the list is still the same.
func TestReadOn(t *testing.T) {
	for name, c := range map[string]struct {
		options string
		things  int
		most    int // requests to the end of the list, behind a checkpoint: pages and records
	}{
		"by number":   {config(`{"type": "page_number", "page_size": 4, "total_path": "meta.count", "next_path": "next"}`), 22, 6},
		"by offset":   {config(`{"type": "offset", "page_size": 4, "total_path": "meta.count"}`), 22, 6},
		"small pages": {config(`{"type": "page_number", "size_param": "ignored", "page_size": 9, "total_path": "meta.count"}`), 16, 6},
		"links":       {config(`{"type": "json_link"}`), 16, 6},
		"header":      {config(`{"type": "header_link"}`), 16, 6},
		"cursor":      {config(`{"type": "cursor", "cursor_path": "meta.cursor", "cursor_param": "cursor"}`), 16, 6},
		"no count":    {config(`{"type": "page_number", "page_size": 4, "next_path": "next"}`), 22, 6},
		"one by one":  {config(`{"type": "page_number", "page_size": 30, "total_path": "meta.count"}`, `"detail": {"path": "things/{id}"}`), 70, 73},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAPI(t, c.things)
			whole := a.must(c.options)
			if len(whole.places["things"]) < 3 || !whole.done["things"] {
				t.Fatalf("%d checkpoints, done %v", len(whole.places["things"]), whole.done)
			}
			for k, state := range whole.places["things"] {
				before := whole.reached["things"][k]
				a.forget()
				second := a.reader(c.options)
				if err := second.read(map[string][]byte{"things": []byte(state)}); err != nil {
					t.Fatal(err)
				}
				if got := second.ids("things"); !slices.Equal(got, upTo(c.things)[before:]) || !second.done["things"] {
					t.Errorf("behind %d records: %v, done %v", before, got, second.done)
				}
				if want := whole.facts["things"]; !reflect.DeepEqual(second.facts["things"], want) {
					t.Errorf("facts %v, want %v", second.facts["things"], want)
				}
				if len(second.reports) > 0 {
					t.Errorf("reported %v", second.codes())
				}
				asked := a.requests()
				left := c.most * (c.things - before) / c.things
				if most := left + 3; len(asked) > most {
					t.Errorf("behind %d of %d records: %d requests, want no more than %d: %q", before, c.things, len(asked), most, asked)
				}
				if name != "one by one" {
					if pages := c.most - k - 1; len(asked) > pages+1 {
						t.Errorf("behind page %d: %d requests for %d pages", k+1, len(asked), pages)
					}
					continue
				}
				for _, uri := range asked { // no record that was sent
					var i int
					if _, err := fmt.Sscanf(uri, "/things/%d", &i); err == nil && i < before {
						t.Errorf("%s was asked for again", uri)
					}
				}
			}
		})
	}
}

// reader is a source and what it is read into.
type reader struct {
	*catch

	read func(state map[string][]byte) error
}

func (a *api) reader(options string) reader {
	a.t.Helper()
	s, c := a.configured(options), newCatch()
	return reader{c, func(state map[string][]byte) error {
		if _, err := s.Discover(a.t.Context()); err != nil {
			return err
		}
		return s.Read(a.t.Context(), sdk.ReadRequest{Streams: []string{"things"}, State: state}, c)
	}}
}

// TestListMoves: the revision of a list changes with its count and its first page; a reading that goes on in another list than it
// was begun in says so, and does not count as whole.
func TestListMoves(t *testing.T) {
	a := newAPI(t, 22)
	options := config(`{"type": "page_number", "page_size": 4, "total_path": "meta.count"}`, `"hash_ignore": ["at"]`)
	var tick atomic.Int64
	a.edit = func(int) string { return fmt.Sprintf(`,"at":%d`, tick.Add(1)) }
	revision := func() string {
		streams, err := a.configured(options).Discover(t.Context())
		if err != nil || len(streams) != 1 {
			t.Fatalf("%v %v", streams, err)
		}
		return string(streams[0].Revision)
	}
	before := revision()
	if before == "" || revision() != before {
		t.Errorf("what is to be ignored makes another list of it: %s", before)
	}
	first := a.must(options)
	a.set(func() { a.things = 25 })
	if revision() == before {
		t.Error("another count is the same list")
	}
	second := a.reader(options)
	if err := second.read(map[string][]byte{"things": []byte(first.places["things"][2])}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(second.codes(), []string{"rest.list_moved"}) || second.done["things"] || !slices.Equal(second.ids("things"), upTo(25)[12:]) {
		t.Errorf("reported %v, done %v, ids %v", second.codes(), second.done, second.ids("things"))
	}
	a.set(func() { a.things, a.edit = 22, func(i int) string { return strings.Repeat(`,"x":1`, i%2) } })
	if revision() == before {
		t.Error("another first page is the same list")
	}
}

// TestNoPlaces: behind a page that could not be had there is no place to go on from, nor is there one in a list that has not changed.
func TestNoPlaces(t *testing.T) {
	a := newAPI(t, 22)
	options := config(`{"type": "page_number", "page_size": 4, "total_path": "meta.count"}`)
	s := a.configured(options)
	first, err := readAll(t, s, nil)
	if err != nil || len(first.places["things"]) == 0 {
		t.Fatal(err, first.places)
	}
	second, err := readAll(t, a.configured(options), first.revisions)
	if err != nil || len(second.whole) != 1 || len(second.places["things"]) > 0 {
		t.Errorf("%v: unchanged %v, checkpoints %v", err, second.whole, second.places)
	}
	a.before = func(w http.ResponseWriter, r *http.Request, _ int) bool {
		if r.URL.Query().Get("page") == "3" {
			w.WriteHeader(http.StatusTeapot)
			return true
		}
		return false
	}
	if gap, err := a.read(options); err != nil || len(gap.places["things"]) != 2 || len(gap.ids("things")) != 18 || len(gap.skips["things"]) != 1 {
		t.Errorf("%v: %d checkpoints in front of the gap, skipped %v", err, len(gap.places["things"]), gap.skips)
	}
	a.set(func() { a.before = nil })
	for _, state := range []string{`{}`, `{"page":0,"size":4}`, `{"page":-1,"size":4}`, `[`, ``} {
		third := a.reader(options)
		if err := third.read(map[string][]byte{"things": []byte(state)}); err != nil || !slices.Equal(third.ids("things"), upTo(22)) {
			t.Errorf("%q: %v, %v", state, err, third.ids("things"))
		}
	}
}
