//go:build integration

package runs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// placed puts entities at places of a stream of a run.
func placed(tb testing.TB, r *Run, raws map[int][]byte) {
	tb.Helper()
	for i, raw := range raws {
		e, h := item(i, 0, raw)
		h.Place = int64(i)
		if err := r.PutEntity(tb.Context(), e, h); err != nil {
			tb.Fatal(err)
		}
	}
	if err := r.Flush(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func names(tb testing.TB, r *Run) (list []string) {
	tb.Helper()
	heads, err := r.Heads(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for _, h := range heads {
		list = append(list, strings.TrimLeft(h.NativeID, "0"))
	}
	return list
}

// TestResume goes through what a later process finds of a run, and what becomes of it.
func TestResume(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "library")
	l := openLibrary(t, Config{Dir: dir})
	r := begin(t, l)
	large := make([]byte, 100_000)
	placed(t, r, map[int][]byte{1: []byte(`{}`), 2: large, 3: []byte(`{"a":1}`), 4: []byte(`{}`), 5: []byte(`{}`)})
	mishap := func(place int64) core.Mishap {
		return core.Mishap{
			Source: "home", Stream: "actors", Place: place, Kind: core.MishapSkipped, ID: "x'41'",
			Failures: []core.Failure{{Code: "c", Message: strings.Repeat("ü", textLimit)}},
		}
	}
	puts := []error{
		r.PutMishap(t.Context(), mishap(6)), r.PutMishap(t.Context(), mishap(7)),
		r.PutMapping(t.Context(), core.AssetMapping{Source: "home", URI: "a.png", Pending: true, Locator: core.Locator{Key: "k"}}),
		r.PutCheckpoint(t.Context(), core.Checkpoint{Source: "home", Stream: "actors", Items: 6, State: []byte("six"), StateVersion: 2}),
		r.Pictures().Store(t.Context(), "recipe", core.Asset{ID: "picture"}),
		r.Flush(t.Context()),
	}
	if err := errors.Join(puts...); err != nil {
		t.Fatal(err)
	}
	if c := countOf(r.State().Summary(), core.StageAssets); c.Done() != 0 {
		t.Errorf("a reference that waits is counted: %+v", c)
	}
	if _, err := l.Resume(t.Context(), r.ID(), nil); !errors.As(err, new(*AliveError)) || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) {
		t.Errorf("a run at work: %v", err)
	}
	closeLibrary(t, l)

	l = openLibrary(t, Config{Dir: dir})
	if _, err := l.Resume(t.Context(), "r-0009", nil); !errors.As(err, new(*NotFoundError)) {
		t.Errorf("no run: %v", err)
	}
	r, err := l.Resume(t.Context(), r.ID(), []core.PluginUse{{Source: "home", Version: "2"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Find(t.Context(), r.ID())
	if err != nil || s.State != core.Running || s.Reason != "resumed after it was interrupted" || len(s.Attempts) != 1 ||
		s.Attempts[0].State != core.Interrupted || s.Plugins[0].Version != "2" || s.Kept || s.EndedMS != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	past, err := r.Past(t.Context())
	if err != nil || len(past.Heads) != 5 || len(past.Mishaps) != 2 || len(past.Mappings) != 1 || !slices.Equal(past.Made, []string{"picture"}) ||
		len(past.Checkpoints) != 1 || past.Checkpoints[0].Items != 6 || past.Mappings[0].Locator.Key != "k" ||
		len(past.Mishaps[0].Failures[0].Message) > textLimit {
		t.Errorf("%.600v, %v", past, err)
	}

	// All behind the second item is read again: 3 is the same, 4 has changed, 5 is gone.
	if err := r.Rewind(t.Context(), []core.Checkpoint{{Source: "home", Stream: "actors", Items: 2}}); err != nil {
		t.Fatal(err)
	}
	if left, err := r.Mishaps(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("mishaps %v, %v", left, err)
	}
	before := r.State().Snapshot().Storing.Rows
	placed(t, r, map[int][]byte{3: []byte(`{"a":1}`), 4: []byte(`{"new":1}`)})
	if stored := r.State().Snapshot().Storing.Rows - before; stored != 1 {
		t.Errorf("%d rows were stored, want the changed one", stored)
	}
	if c := countOf(r.State().Summary(), core.StageEntities); c.Written != 2 {
		t.Errorf("counted %+v", c)
	}
	if err := r.Finish(t.Context(), "home", true); err != nil {
		t.Fatal(err)
	}
	if got := names(t, r); !slices.Equal(got, []string{"1", "2", "3", "4"}) {
		t.Errorf("left %q", got)
	}
	heads, err := r.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range r.Entities(t.Context(), heads) {
		if err != nil || e.Source.NativeID == "2" && len(e.Raw) != len(large) || e.Source.NativeID == "4" && string(e.Raw) != `{"new":1}` {
			t.Errorf("%.100v, %v", e, err)
		}
	}

	// What is still aside of a source that was not read whole stays, and counts; one in front of a checkpoint is gone.
	if err := r.Rewind(t.Context(), []core.Checkpoint{{Source: "home", Stream: "actors", Items: 0}}); err != nil {
		t.Fatal(err)
	}
	if err := r.PutCheckpoint(t.Context(), core.Checkpoint{Source: "home", Stream: "actors", Items: 1}); err != nil {
		t.Fatal(err)
	}
	if err := r.Finish(t.Context(), "home", false); err != nil {
		t.Fatal(err)
	}
	if got := names(t, r); !slices.Equal(got, []string{"2", "3", "4"}) {
		t.Errorf("left %q", got)
	}
	if c := countOf(r.State().Summary(), core.StageEntities); c.Written != 5 || c.Found != 3 {
		t.Errorf("counted %+v", c)
	}
	if err := r.Anew(t.Context(), "home"); err != nil {
		t.Fatal(err)
	}
	if past, err := r.Past(t.Context()); err != nil || len(past.Checkpoints)+len(past.Mappings)+len(past.Mishaps) != 0 || len(past.Heads) != 3 {
		t.Errorf("%.300v, %v", past, err)
	}
	if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil || r.Kept() {
		t.Errorf("%v, kept: %v", err, r.Kept())
	}
	if _, err := l.Resume(t.Context(), r.ID(), nil); !errors.As(err, new(*RowsGoneError)) {
		t.Errorf("a finished run: %v", err)
	}
}

// TestTakenOver: a process that stood still while another one took its run over changes nothing any more, not even its end.
func TestTakenOver(t *testing.T) {
	l := openLibrary(t, Config{})
	old := begin(t, l)
	placed(t, old, map[int][]byte{1: []byte(`{}`)})
	_, err := l.client.Apply(t.Context(), rqlite.Statement{SQL: `UPDATE runs SET heartbeat_ms=1 WHERE number=1`})
	if err != nil {
		t.Fatal(err)
	}
	second := other(t, l)
	bodies := second.bodies(1)
	if err := os.MkdirAll(bodies, 0o700); err != nil {
		t.Fatal(err)
	}
	now, err := second.Resume(t.Context(), old.ID(), nil)
	if err != nil {
		t.Fatal(err)
	}
	e, h := item(2, 0, []byte(`{}`))
	h.Place = 2
	if err := old.PutEntity(t.Context(), e, h); err != nil {
		t.Fatal(err)
	}
	var lost *StoreError
	if err := old.Flush(t.Context()); !errors.As(err, &lost) || !strings.Contains(err.Error(), "another process took this run") {
		t.Errorf("flush: %v", err)
	}
	if err := old.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err == nil {
		t.Error("it ended a run that is another's")
	}
	if got := names(t, now); !slices.Equal(got, []string{"1"}) {
		t.Errorf("left %q", got)
	}
	if s, err := second.Find(t.Context(), old.ID()); err != nil || s.State != core.Running {
		t.Errorf("%s, %v", s.State, err)
	}
	if _, err := second.Resume(t.Context(), old.ID(), nil); !errors.As(err, new(*AliveError)) {
		t.Errorf("resumed twice: %v", err)
	}
}

// TestManyResumeAtOnce: of several who want a run one gets it.
func TestManyResumeAtOnce(t *testing.T) {
	l := openLibrary(t, Config{})
	r := begin(t, l)
	placed(t, r, map[int][]byte{1: []byte(`{}`)})
	if err := r.End(t.Context(), Ending{State: core.Cancelled}); err != nil || !r.Kept() {
		t.Fatal(err, r.Kept())
	}
	const many = 6
	errs := make(chan error, many)
	for range many {
		go func() {
			_, err := l.Resume(t.Context(), r.ID(), nil)
			errs <- err
		}()
	}
	won := 0
	for range many {
		switch err := <-errs; {
		case err == nil:
			won++
		case !errors.As(err, new(*AliveError)):
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d got it", won)
	}
}

// TestRowsAreShed: rows go when a later run of the same config has finished, and beyond the newest few.
func TestRowsAreShed(t *testing.T) {
	l := openLibrary(t, Config{KeepRows: 2})
	end := func(config string, state core.State, rows bool) string {
		r, err := l.Begin(t.Context(), core.Summary{Config: config, ConfigDigest: config})
		if err != nil {
			t.Fatal(err)
		}
		if rows {
			placed(t, r, map[int][]byte{1: make([]byte, 100_000)})
		}
		if err := r.End(t.Context(), Ending{State: state, Drop: state == core.Succeeded}); err != nil {
			t.Fatal(err)
		}
		return r.ID()
	}
	kept := func() (list []string) {
		all, err := l.Runs(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			if s.Kept {
				list = append(list, s.ID)
			}
			if _, err := os.Stat(l.bodies(s.Number)); (err == nil) != s.Kept {
				t.Errorf("bodies of %s, whose rows are kept: %v: %v", s.ID, s.Kept, err)
			}
		}
		return list
	}
	for i, step := range []struct {
		config string
		state  core.State
		rows   bool
		want   []string
	}{
		{"a", core.Failed, false, nil},
		{"a", core.Failed, true, []string{"r-0002"}},
		{"a", core.Cancelled, true, []string{"r-0003", "r-0002"}},
		{"b", core.Partial, true, []string{"r-0004", "r-0003"}}, // one too many
		{"b", core.Succeeded, true, []string{"r-0003"}},
		{"b", core.Failed, true, []string{"r-0006", "r-0003"}},
		{"a", core.Partial, true, []string{"r-0007", "r-0006"}},
		{"a", core.Partial, true, []string{"r-0008", "r-0006"}},
	} {
		end(step.config, step.state, step.rows)
		if got := kept(); !slices.Equal(got, step.want) {
			t.Errorf("step %d: rows of %q, want %q", i, got, step.want)
		}
	}
}

// TestRetry: the child has all rows but what failed, the parent none.
func TestRetry(t *testing.T) {
	l := openLibrary(t, Config{})
	r := begin(t, l)
	for i := range 3 {
		e, h := item(i, 0, make([]byte, 100_000))
		h.Place, h.Stream = int64(i+1), fmt.Sprint("s", i)
		e.Source.Stream = h.Stream
		e.Assets[0].URI = fmt.Sprint(i, ".png")
		puts := errors.Join(
			r.PutEntity(t.Context(), e, h),
			r.PutCheckpoint(t.Context(), core.Checkpoint{Source: "home", Stream: h.Stream, Items: 9, Complete: true}),
		)
		if puts != nil {
			t.Fatal(puts)
		}
	}
	fault := []core.Failure{{Code: "x"}}
	puts := errors.Join(
		r.PutCheckpoint(t.Context(), core.Checkpoint{Source: "home", Complete: true}),
		r.PutMishap(t.Context(), core.Mishap{Source: "home", Stream: "s0", Place: 2, Kind: core.MishapSkipped, Failures: fault}),
		r.PutMishap(t.Context(), core.Mishap{Source: "home", Stream: "s2", Place: 2, Kind: core.MishapRemark, Failures: fault}),
		r.PutMapping(t.Context(), core.AssetMapping{Source: "home", URI: "1.png", Status: "missing", Outcome: core.FailedItem, Failures: fault}),
		r.PutMapping(t.Context(), core.AssetMapping{
			Source: "home", URI: "bad.png", Outcome: core.FailedItem, Failures: fault, First: true, AssetID: "a", Problem: "x",
			Asset: &core.Asset{ID: "a"}, Locator: core.Locator{Key: "k"},
		}),
		r.PutMapping(t.Context(), core.AssetMapping{Source: "home", URI: "good.png", Outcome: core.Written, AssetID: "b", Locator: core.Locator{Key: "l"}}),
		r.End(t.Context(), Ending{State: core.Partial}),
	)
	if puts != nil {
		t.Fatal(puts)
	}
	child, err := l.Retry(t.Context(), r.ID(), core.Summary{Name: "test", Config: "/x/converter.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	past, err := child.Past(t.Context())
	if err != nil || len(past.Heads) != 3 || len(past.Mishaps) != 2 {
		t.Errorf("%.300v, %v", past, err)
	}
	if len(past.Checkpoints) != 1 || past.Checkpoints[0].Stream != "s2" { // s0 has a mishap, s1 a missing file
		t.Errorf("checkpoints %+v", past.Checkpoints)
	}
	if len(past.Mappings) != 2 || !past.Mappings[0].Pending || past.Mappings[0].Outcome != 0 || past.Mappings[0].First ||
		past.Mappings[0].Asset != nil || past.Mappings[0].Locator.Key != "k" || past.Mappings[1].AssetID != "b" {
		t.Errorf("mappings %+v", past.Mappings)
	}
	for e, err := range child.Entities(t.Context(), past.Heads) {
		if err != nil || len(e.Raw) != 100_000 {
			t.Errorf("%v", err)
		}
	}
	parent, err := l.Find(t.Context(), r.ID())
	if err != nil || parent.Child != child.ID() || parent.Kept {
		t.Errorf("%+v, %v", parent, err)
	}
	if s, err := l.Find(t.Context(), child.ID()); err != nil || s.Parent != r.ID() || s.State != core.Running {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := os.Stat(l.bodies(1)); !os.IsNotExist(err) {
		t.Errorf("bodies of the parent: %v", err)
	}
	if _, err := l.Retry(t.Context(), r.ID(), core.Summary{}); !errors.As(err, new(*RowsGoneError)) {
		t.Errorf("a second time: %v", err)
	}
}
