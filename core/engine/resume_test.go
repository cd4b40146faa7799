package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// again is the same job in another process: with the ledger, pictures and blobs as they are, and all numbers at nothing.
func (j *job) again(t *testing.T, sources ...*shelf) *job {
	t.Helper()
	next := newJob(t, sources...)
	next.ledger, next.pictures, next.blobs, next.path = j.ledger, j.pictures, j.blobs, j.path
	next.ledger.count, next.ledger.fault, next.ledger.log = next.count, nil, nil
	for key := range j.pictures.assets { // all by this run
		next.ledger.made = append(next.ledger.made, key[0])
	}
	next.Ledger, next.Pictures, next.Blobs, next.Resumed = next.ledger, next.pictures, next.blobs, true
	next.Outputs = []Output{jsonOutput("library", j.path)}
	next.Images.Config.Encoder, next.encoder = j.encoder, j.encoder
	return next
}

// eventful makes sources with every sort of item: one that goes on from checkpoints, one that cannot, one that says
// nothing of its streams.
func eventful(t *testing.T) []*shelf {
	t.Helper()
	torn := &sdk.Diagnostic{Kind: sdk.Invalid, Code: "shelf.torn", Summary: "the page is torn"}
	with := func(keys ...string) func(*sdk.Record) {
		return func(r *sdk.Record) {
			for _, key := range keys {
				r.Assets = append(r.Assets, sdk.AssetRef{URI: key + ".png", Status: sdk.Present, Key: key, Role: "token"})
			}
			r.Assets = append(r.Assets, sdk.AssetRef{URI: "gone.png", Status: sdk.Missing})
		}
	}
	a := []item{
		doc("a", "1"), doc("a", "2", with("red", "same")), doc("a", ""), doc("a", "3"),
		{stream: "a", skip: torn},
		doc("a", "1"), doc("a", "4", with("copy", "broken")),
		{stream: "a", record: sdk.Record{ID: "x"}, skip: torn},
		doc("a", "2"), doc("a", "5", with("red", "none")), doc("a", "6", func(r *sdk.Record) { r.JSON = nil }), doc("a", "7"),
		{stream: "a", record: sdk.Record{ID: "x"}, skip: torn},
		doc("a", "8"),
	}
	b := append(docs("b", 5), doc("b", "1", with("blue")), doc("b", ""))
	pictures := map[string][]byte{
		"red": drawing(t, 8, 8, 1), "same": drawing(t, 8, 8, 2), "copy": drawing(t, 8, 8, 2), "blue": drawing(t, 8, 8, 3), "broken": []byte("?"),
	}
	return []*shelf{
		{plugin: "goes", items: append(a, b...), every: 3, facts: true, resume: true, bytes: pictures},
		{plugin: "starts", items: append(docs("c", 6), doc("c", "1", with("blue")), doc("c", "c.001")), bytes: pictures},
		{plugin: "hidden", items: append(docs("e", 4), docs("d", 3)...), hidden: true, every: 2, facts: true, resume: true},
	}
}

var errKilled = errors.New("killed")

// dying makes a ledger that is gone from its nth act on: what it has by then is what a process leaves that is killed.
func dying(n int64) (fault func(context.Context, string, string) error, happened func() bool) {
	var acts atomic.Int64
	return func(context.Context, string, string) error {
		if acts.Add(1) > n {
			return errKilled
		}
		return nil
	}, func() bool { return acts.Load() > n }
}

// TestResume kills a run after each thing that it hands to the ledger, resumes it, kills it again a few steps later and
// resumes it once more. The output is the same, the numbers are the same, and nothing is read again that need not be.
func TestResume(t *testing.T) {
	calm := newJob(t, eventful(t)...)
	calm.run(t)
	want := tree(t, calm.path)
	if n := strings.Count(want["manifest.json"], `"name": "seen"`); n != 4 {
		t.Fatalf("%d streams have facts in %q", n, slices.Collect(maps.Keys(want)))
	}
	if c := calm.count.stage(core.StageEntities); c.Failed < 8 || c.Written < 20 {
		t.Fatalf("the sources are not what this test thinks: %+v", c)
	}
	for n := int64(0); ; n++ {
		j := newJob(t, eventful(t)...)
		var happened func() bool
		j.ledger.fault, happened = dying(n)
		_, err := Run(t.Context(), j.Config)
		if !happened() {
			if n < 50 {
				t.Errorf("it ended after %d acts: %v", n, err)
			}
			return
		}
		if !errors.Is(err, errKilled) {
			t.Fatalf("after %d acts: %v", n, err)
		}
		for _, more := range []int64{n % 7, n % 11} {
			j = j.again(t, eventful(t)...)
			j.ledger.fault, _ = dying(more)
			if _, err := Run(t.Context(), j.Config); !errors.Is(err, errKilled) {
				t.Fatalf("after %d and %d acts: %v", n, more, err)
			}
		}
		j = j.again(t, eventful(t)...)
		j.run(t)
		same(t, tree(t, j.path), want)
		for stage := range core.StageCount {
			if got, want := j.count.stage(stage), calm.count.stage(stage); got != want {
				t.Errorf("%s: %+v, want %+v", stage, got, want)
			}
		}
		codes := j.count.codes()
		maps.DeleteFunc(codes, func(code string, _ int) bool { return code == "source.read_anew*" })
		if !maps.Equal(codes, calm.count.codes()) {
			t.Errorf("problems %v, want %v", codes, calm.count.codes())
		}
		if j.count.hits != calm.count.hits || j.count.lookups != calm.count.lookups {
			t.Errorf("%d of %d lookups hit, want %d of %d", j.count.hits, j.count.lookups, calm.count.hits, calm.count.lookups)
		}
		if t.Failed() {
			t.Fatalf("killed after %d acts", n)
		}
	}
}

// TestStreamThatMoved: a stream that is another one than when it was read in part is read from its start, and all of what came
// of it before is replaced. One that is the same, or says nothing, is read on.
func TestStreamThatMoved(t *testing.T) {
	fill := func(state string, ids ...string) *shelf {
		s := &shelf{plugin: "goes", every: 2, resume: true, state: state}
		for _, id := range ids {
			s.items = append(s.items, doc("a", id, func(r *sdk.Record) { r.Name += " of " + state }))
		}
		return s
	}
	old := []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	for name, c := range map[string]struct {
		state string
		ids   []string
		moved bool
	}{
		"same":    {"one", old, false},
		"silent":  {"", old, false},
		"another": {"two", []string{"0", "2", "4", "3", "6", "7", "9"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			calm := newJob(t, fill(c.state, c.ids...))
			calm.run(t)
			partly := 0
			for n := int64(3); n < 14; n++ {
				j := newJob(t, fill("one", old...))
				j.ledger.fault, _ = dying(n)
				if _, err := Run(t.Context(), j.Config); !errors.Is(err, errKilled) {
					t.Fatalf("after %d acts: %v", n, err)
				}
				s := fill(c.state, c.ids...)
				if j = j.again(t, s); len(j.ledger.checkpoints) == 0 {
					continue
				}
				partly++
				j.run(t)
				if len(s.states) > 0 && (len(s.states[0]) == 0) != c.moved {
					t.Errorf("after %d acts: read on from %q", n, s.states[0])
				}
				if moved := j.count.codes()["stream.moved*"] == 1; moved != c.moved {
					t.Errorf("after %d acts: %v", n, j.count.codes())
				}
				if c.moved {
					same(t, tree(t, j.path), tree(t, calm.path))
				}
				if got, want := j.count.stage(core.StageEntities), calm.count.stage(core.StageEntities); got != want {
					t.Errorf("after %d acts: %+v, want %+v", n, got, want)
				}
			}
			if partly < 3 {
				t.Errorf("only %d of the runs had a checkpoint", partly)
			}
		})
	}
}

// TestNothingIsDoneTwice: what is whole is not asked for, what has a checkpoint is read on from there, what is stored is
// not stored again, and no picture is fetched twice.
func TestNothingIsDoneTwice(t *testing.T) {
	j := newJob(t, eventful(t)...)
	j.ledger.fault = func(_ context.Context, what, item string) error {
		if what == "heads" {
			return errKilled
		}
		return nil
	}
	if _, err := Run(t.Context(), j.Config); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	sources := eventful(t)
	for _, s := range sources {
		s.check = errors.New("it was asked")
	}
	j = j.again(t, sources...)
	j.run(t)
	for i, s := range sources {
		if s.started() != 0 || len(s.fetched) != 0 {
			t.Errorf("source %d was read %d times, and asked for %v", i, s.started(), s.fetched)
		}
	}
	if len(j.ledger.log) != 0 {
		t.Errorf("stored again: %q", j.ledger.log)
	}

	// Checkpoints are thrown away, the rows are not.
	j.ledger.checkpoints = map[[2]string]core.Checkpoint{}
	sources = eventful(t)
	j = j.again(t, sources...)
	j.run(t)
	for _, line := range j.ledger.log {
		if strings.HasPrefix(line, "entity") {
			t.Errorf("stored again: %q", line)
		}
	}
	if sources[0].started() != 1 {
		t.Error("it was not read")
	}
}

// TestReadOn: a stream goes on behind its checkpoint, and one that is whole is not asked for.
func TestReadOn(t *testing.T) {
	stop := func(s *shelf) *shelf {
		s.during = func(_ context.Context, _, at int) error {
			if at == 8 {
				return errKilled
			}
			return nil
		}
		return s
	}
	shelves := func() *shelf {
		return &shelf{items: append(docs("a", 5), docs("b", 5)...), every: 5, facts: true, resume: true}
	}
	j := newJob(t, stop(shelves()))
	if _, err := Run(t.Context(), j.Config); err == nil {
		t.Fatal("it did not stop")
	}
	s := shelves()
	j = j.again(t, s)
	j.run(t)
	if len(s.states) != 1 || string(s.states[0]["a"]) != "5" || len(s.states[0]) != 1 {
		t.Errorf("it was given %q", s.states)
	}
	if got := fmt.Sprint(len(j.ledger.entities), j.count.stage(core.StageEntities).Written); got != "10 10" {
		t.Errorf("entities stored and counted: %s", got)
	}
	for _, stream := range []string{"a", "b"} { // a was told before, b now
		if got := j.ledger.checkpoints[[2]string{"s0", stream}].Facts; len(got) != 1 || got[0].Number != 5 {
			t.Errorf("stored of %s: %+v", stream, got)
		}
	}
}

// TestContentChanges: what is read again and has changed replaces what was stored, what is gone is removed, and a source
// whose checkpoints have another form is read from its start.
func TestContentChanges(t *testing.T) {
	old := func() *shelf { return &shelf{plugin: "p", items: docs("a", 9), every: 4, resume: true} }
	j := newJob(t, old())
	j.ledger.fault = func(_ context.Context, what, _ string) error {
		if what == "finish" {
			return errKilled
		}
		return nil
	}
	if _, err := Run(t.Context(), j.Config); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	changed := old()
	changed.items[0] = doc("a", "before the checkpoint") // not read again
	changed.items[8] = doc("a", "a.100")                 // in place of a.008
	checkpoints := maps.Clone(j.ledger.checkpoints)
	rows := maps.Clone(j.ledger.entities)
	j = j.again(t, changed)
	j.run(t)
	want := []string{"a.000", "a.001", "a.002", "a.003", "a.004", "a.005", "a.006", "a.007", "a.100"}
	ids := func() (ids []string) {
		for uid := range written(t, j.path) {
			ids = append(ids, strings.TrimPrefix(uid, "p:w:"))
		}
		slices.Sort(ids)
		return ids
	}
	if got := ids(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}

	for key, c := range checkpoints {
		c.StateVersion = 6
		checkpoints[key] = c
	}
	j.ledger.checkpoints, j.ledger.entities = checkpoints, rows
	j = j.again(t, changed)
	j.run(t)
	want[0] = "before the checkpoint"
	slices.Sort(want)
	if got := ids(); !slices.Equal(got, want) {
		t.Errorf("with another version of checkpoints: got %q", got)
	}
	if j.count.codes()["source.read_anew*"] != 1 {
		t.Errorf("it is not said: %v", j.count.codes())
	}
	if n := j.ledger.puts("entity p:w:a.001"); n != 0 {
		t.Error("what is the same was stored again")
	}
	if c := j.count.stage(core.StageEntities); c.Written != 9 || c.Found != 9 {
		t.Errorf("counted %+v", c)
	}
}

// TestDuplicatesAcrossAPause: a second record of one id is one, whichever side of the pause the two are on; a record that is
// sent again behind the checkpoint is none.
func TestDuplicatesAcrossAPause(t *testing.T) {
	items := func() []item { return append(docs("a", 6), doc("a", "a.001"), doc("a", "a.005"), doc("a", "z")) }
	for stop := range 10 {
		s := &shelf{items: items(), every: 4, resume: true}
		s.during = func(_ context.Context, _, at int) error {
			if at == stop {
				return errKilled
			}
			return nil
		}
		j := newJob(t, s)
		if _, err := Run(t.Context(), j.Config); err == nil {
			t.Fatal("it did not stop")
		}
		j = j.again(t, &shelf{items: items(), every: 4, resume: true})
		j.run(t)
		if c := j.count.stage(core.StageEntities); c.Written != 7 || c.Failed != 2 || j.count.codes()["record.duplicate_id"] != 2 {
			t.Errorf("stopped before %d: %+v, %v", stop, c, j.count.codes())
		}
	}
	// The same when only the plugin dies.
	for at := range 9 {
		j := newJob(t, &shelf{items: items(), every: 4, resume: true, during: diesAt(at)})
		j.run(t)
		if c := j.count.stage(core.StageEntities); c.Written != 7 || c.Failed != 2 {
			t.Errorf("died before %d: %+v", at, c)
		}
	}
}

// TestFilesOfOneAttempt: a source that names a file which only that attempt had is read anew.
func TestFilesOfOneAttempt(t *testing.T) {
	shelves := func(path string) *shelf {
		return &shelf{resume: true, every: 1, items: []item{doc("a", "1", func(r *sdk.Record) {
			r.Assets = []sdk.AssetRef{{URI: "page 1", Status: sdk.Present, Path: path}}
		})}}
	}
	j := newJob(t, shelves(filepath.Join(t.TempDir(), "gone.png")))
	j.ledger.fault = func(_ context.Context, what, item string) error {
		if what == "heads" || what == "mapping" && j.ledger.puts("pending page 1") > 0 {
			return errKilled
		}
		return nil
	}
	if _, err := Run(t.Context(), j.Config); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "page.png")
	if err := os.WriteFile(path, drawing(t, 8, 8, 1), 0o600); err != nil {
		t.Fatal(err)
	}
	j = j.again(t, shelves(path))
	j.run(t)
	for _, e := range written(t, j.path) {
		if len(e.Assets) != 1 || e.Assets[0].AssetID == "" {
			t.Errorf("got %+v", e.Assets)
		}
	}
}

// TestCheckpointEvery: however often a source sends checkpoints, the ledger has one a stream and interval; the last one
// comes without the source's doing, and a plugin that dies goes on from the latest that it has sent.
func TestCheckpointEvery(t *testing.T) {
	marks := func(j *job) (list []string) {
		for _, line := range j.ledger.log {
			if strings.HasPrefix(line, "checkpoint") {
				list = append(list, line)
			}
		}
		return list
	}
	t.Run("many", func(t *testing.T) {
		j := newJob(t, &shelf{items: docs("a", 5000), every: 1, resume: true})
		j.CheckpointEvery = time.Hour
		j.run(t)
		if got := marks(j); len(got) > 0 {
			t.Errorf("%d checkpoints", len(got))
		}
	})
	t.Run("in time", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &shelf{items: docs("a", 100), every: 1, resume: true}
			s.during = func(ctx context.Context, _, at int) error {
				pause := time.Second
				if at == 90 {
					pause = time.Minute // and nothing is sent meanwhile
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(pause):
					return nil
				}
			}
			j := newJob(t, s)
			j.onSheet()
			j.CheckpointEvery = 10 * time.Second
			j.run(t)
			got := marks(j)
			if len(got) < 9 || len(got) > 13 || !slices.Contains(got, "checkpoint a 90") {
				t.Errorf("%d checkpoints: %q", len(got), got)
			}
		})
	})
	t.Run("plugin dies", func(t *testing.T) {
		s := &shelf{items: docs("a", 9), every: 2, resume: true, during: diesAt(7)}
		j := newJob(t, s)
		j.CheckpointEvery = time.Hour
		j.run(t)
		if len(s.states) != 2 || string(s.states[1]["a"]) != "6" {
			t.Errorf("it was given %q", s.states)
		}
	})
}

// TestOtherOrder: a plugin that died sends in another order than before. No checkpoint is stored in the middle of it, for
// what the ledger has stands in the old order.
func TestOtherOrder(t *testing.T) {
	s := &shelf{items: docs("a", 12), every: 4, resume: true, during: diesAt(7)}
	j := newJob(t, s)
	look := s.during
	s.during = func(ctx context.Context, attempt, at int) error {
		if attempt == 2 && at == 0 {
			s.items[5], s.items[6] = s.items[6], s.items[5]
		}
		return look(ctx, attempt, at)
	}
	j.run(t)
	if j.ledger.puts("checkpoint a 4") != 1 || j.ledger.puts("checkpoint a 8") != 0 || len(j.ledger.entities) != 12 {
		t.Errorf("%q", j.ledger.log)
	}
}
