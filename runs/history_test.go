//go:build integration

package runs

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

func TestHistory(t *testing.T) {
	l := openLibrary(t, Config{Keep: 3})
	blob, err := l.Blobs().Put(t.Context(), []byte("picture"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range 5 {
		r := begin(t, l)
		ids = append(ids, r.ID())
		stored(t, r, make([]byte, 100_000))
		r.State().Failure(core.Failure{Code: "image.damaged", Message: "m", Item: "x'41'"})
		if i == 4 {
			r.State().Fetched(core.Fetched{Source: "web", Requests: 12, Hits: 3, Misses: 4, Bytes: 3_400_000})
		}
		ending := Ending{State: core.Partial, Reason: "x'41'", Actor: "limit", ResultID: fmt.Sprint("result", i%2), Drop: i < 3}
		if err := r.End(t.Context(), ending); err != nil {
			t.Fatal(err)
		}
		if err := r.End(t.Context(), ending); err == nil || !strings.Contains(err.Error(), "ended before") {
			t.Errorf("ended twice: %v", err)
		}
		if err := r.PutCheckpoint(t.Context(), core.Checkpoint{}); err == nil {
			t.Error("a row was put after the end")
		}
	}
	list, err := l.Runs(t.Context(), 0)
	if err != nil || len(list) != 3 || list[0].ID != "r-0005" || list[2].ID != "r-0003" {
		t.Fatalf("kept %v, %v", list, err)
	}
	s := list[0]
	if s.State != core.Partial || s.Reason != "x'41'" || s.Actor != "limit" || s.EndedMS < s.StartedMS || s.StartedMS == 0 ||
		s.Number != 5 || s.Name != "test" || !slices.Equal(s.Outputs, []string{"/x/out"}) ||
		countOf(s, core.StageEntities).Written != 1 || len(s.Problems) != 1 || s.Problems[0].Examples[0] != "x'41'" {
		t.Errorf("the last run is kept as %+v", s)
	}
	if want := []core.Fetched{{Source: "web", Requests: 12, Hits: 3, Misses: 4, Bytes: 3_400_000}}; !slices.Equal(s.Fetched, want) {
		t.Errorf("fetched %+v, want %+v", s.Fetched, want)
	}
	if list[1].Fetched != nil { // its row has no such member, as those of older versions
		t.Errorf("a run that fetched nothing: %+v", list[1].Fetched)
	}
	if list, err = l.Runs(t.Context(), 1); err != nil || len(list) != 1 || list[0].ID != "r-0005" {
		t.Errorf("the latest one: %v, %v", list, err)
	}
	for ref, want := range map[string]string{"r-0004": "r-0004", "result0": "r-0005", "result1": "r-0004"} {
		if s, err := l.Find(t.Context(), ref); err != nil || s.ID != want {
			t.Errorf("Find(%s): %s, %v", ref, s.ID, err)
		}
	}
	for _, ref := range []string{"", "r-0001", "r-9", "x'41'", "%", "\xff"} {
		var missing *NotFoundError
		if _, err := l.Find(t.Context(), ref); !errors.As(err, &missing) || missing.Ref != ref {
			t.Errorf("Find(%q): %v", ref, err)
		}
	}
	if n := tables(t, l); n != int(tableCount) {
		t.Errorf("%d tables of runs, want those of r-0005: a later run has finished after r-0004", n)
	}
	for i, id := range ids {
		if _, err := os.Stat(l.bodies(int64(i + 1))); os.IsNotExist(err) == (id == "r-0005") {
			t.Errorf("bodies of %s: %v", id, err)
		}
	}
	if there, err := l.Blobs().Has(t.Context(), blob, 7); !there || err != nil {
		t.Errorf("the picture is %v, %v", there, err)
	}
	if next := begin(t, l); next.ID() != "r-0006" {
		t.Errorf("the next run is %s", next.ID())
	}
}

func TestEndings(t *testing.T) {
	l := openLibrary(t, Config{})
	for _, test := range []struct {
		before []core.State
		end    core.State
		want   core.State
	}{
		{nil, core.Succeeded, core.Succeeded},
		{nil, core.Cancelled, core.Cancelled},
		{[]core.State{core.Cancelling}, core.Cancelled, core.Cancelled},
		{[]core.State{core.Cancelling}, core.Succeeded, core.Cancelled},
		{[]core.State{core.Failed}, core.Succeeded, core.Failed},
	} {
		r := begin(t, l)
		for _, state := range test.before {
			if err := r.State().Transition(state, "", ""); err != nil {
				t.Fatal(err)
			}
		}
		for _, state := range []core.State{core.Running, core.Interrupted, ""} {
			if err := r.End(t.Context(), Ending{State: state}); err == nil {
				t.Errorf("a run ended as %q", state)
			}
		}
		if err := r.End(t.Context(), Ending{State: test.end, Drop: true}); err != nil {
			t.Errorf("%v: %v", test, err)
		}
		if s, err := l.Find(t.Context(), r.ID()); err != nil || s.State != test.want {
			t.Errorf("%v: ended as %s, %v", test, s.State, err)
		}
	}
	r, err := l.Begin(t.Context(), core.Summary{State: core.Queued})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := l.Find(t.Context(), r.ID()); err != nil || s.State != core.Queued {
		t.Errorf("begun as %s, %v", s.State, err)
	}
	if err := r.End(t.Context(), Ending{State: core.Failed, Drop: true}); err != nil {
		t.Error(err)
	}
	if _, err := l.Begin(t.Context(), core.Summary{State: core.Failed}); err == nil {
		t.Error("a run began as failed")
	}
}

func TestManyBeginAtOnce(t *testing.T) {
	l := openLibrary(t, Config{})
	libraries := []*Library{l, other(t, l), other(t, l)}
	var mu sync.Mutex
	ids := map[string]bool{}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			r, err := libraries[i%3].Begin(t.Context(), core.Summary{Name: "race"})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			ids[r.ID()] = true
			mu.Unlock()
			if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(ids) != 12 || !ids["r-0001"] || !ids["r-0012"] {
		t.Errorf("twelve runs are called %v", ids)
	}
	for limit, want := range map[int]int{0: 12, 5: 5, 11: 11, 40: 12} { // 10 are read at once
		list, err := l.Runs(t.Context(), limit)
		if err != nil || len(list) != want {
			t.Errorf("the latest %d are %d, %v", limit, len(list), err)
		}
		for i, s := range list {
			if s.Number != int64(12-i) {
				t.Errorf("of the latest %d, number %d is run %d", limit, i, s.Number)
			}
		}
	}
}
