package page_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/dashboard/page"
)

func past(id, config string, state core.State, entities, failed int64) core.Summary {
	s := core.Summary{
		ID: id, Name: config, Config: config, State: state, StartedMS: minute.Add(-time.Hour).UnixMilli(),
		EndedMS: minute.Add(-50 * time.Minute).UnixMilli(),
		Stages: []core.StageCounts{
			{Stage: "read", Found: entities + failed, Written: entities + failed},
			{Stage: "entities", Found: entities + failed, Written: entities, Failed: failed},
		},
	}
	if failed > 0 {
		s.Problems = []core.Problem{{Code: "x", Count: failed}}
	}
	return s
}

func TestRunsAreSorted(t *testing.T) {
	silent := past("r-3", "d", core.Running, 5, 0)
	silent.HeartbeatMS = minute.Add(-time.Hour).UnixMilli()
	elsewhere := past("r-8", "e", core.Running, 5, 0)
	elsewhere.HeartbeatMS = minute.Add(-10 * time.Second).UnixMilli()
	live := core.Snapshot{Summary: past("r-9", "a", core.Running, 5, 0)}
	v := page.NewRuns([]core.Summary{
		past("r-9", "a", core.Queued, 0, 0), // the row of the live run is older than what memory knows
		elsewhere,
		past("r-7", "a", core.Cancelled, 5, 0),
		past("r-6", "a", core.Partial, 90, 10),
		past("r-5", "b", core.Succeeded, 100, 0),
		past("r-4", "b", core.Failed, 0, 1), // made good by r-5
		silent,
		past("r-2", "a", core.Failed, 0, 1), // its config has a newer result
		past("r-1", "c", core.Succeeded, 0, 0),
		past("r-0", "a", core.Succeeded, 80, 12),
	}, &live, 100, minute)
	ids := func(rows []page.Row) string {
		var list []string
		for _, r := range rows {
			list = append(list, r.ID)
		}
		return strings.Join(list, " ")
	}
	for _, tt := range []struct{ name, got, want string }{
		{"running", ids(v.Running), "r-9 r-8"},
		{"attention", ids(v.Attention), "r-6 r-3 r-1"},
		{"history", ids(v.History), "r-7 r-6 r-5 r-4 r-3 r-2 r-1 r-0"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, tt.got, tt.want)
		}
	}
	if v.Running[0].Live == nil || v.Running[0].State != core.Running {
		t.Error("the live run is shown from its row instead of from memory")
	}
	partial := v.History[slices.IndexFunc(v.History, func(r page.Row) bool { return r.ID == "r-6" })]
	if want := (page.Delta{Known: true, Entities: 10, Failed: -2}); partial.Delta != want {
		t.Errorf("delta %+v, want %+v: against r-0, because r-2 is not a whole result", partial.Delta, want)
	}
	if d := v.History[2].Delta; d.Known {
		t.Errorf("r-5 has nothing to be compared with, and says %+v", d)
	}
}

func TestRunsPage(t *testing.T) {
	v := page.NewRuns([]core.Summary{
		past("r-6", "a", core.Partial, 90, 10),
		past("r-1", "c", core.Succeeded, 0, 0),
		past("r-0", "a", core.Succeeded, 80, 12),
	}, nil, 3, minute)
	doc, raw := render(t, page.RunsPage(page.Site{}, v, page.Stream{}))
	for selector, want := range map[string]string{
		"#attention-r-6": "! partial a r-6 10 of 100 items failed in 1 cause 50 min ago",
		"#attention-r-1": "! found nothing c r-1 the sources listed 0 items 50 min ago",
		"#history-r-6":   "! partial a r-6 90 +10 10 −2 – 10 min 00 s 1 h ago",
		"#history-r-0":   "✓ succeeded a r-0 80 12 – 10 min 00 s 1 h ago",
	} {
		if got := only(t, doc, selector); got != want {
			t.Errorf("%s: %q, want %q", selector, got, want)
		}
	}
	if !strings.Contains(plain(raw), "The newest 3 runs are listed.") {
		t.Error("a cut list does not say so")
	}
}

func TestNoRuns(t *testing.T) {
	v := page.NewRuns(nil, nil, 100, minute)
	v.Start = []page.Command{{Label: "Begin", Line: "converter run --config converter.yaml"}}
	doc, _ := render(t, page.RunsPage(page.Site{}, v, page.Stream{}))
	if got, want := only(t, doc, "#history"), "History No runs yet. Begin converter run --config converter.yaml Copy"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestStates: every state has a word and a mark of its own, and a run that found nothing is never green.
func TestStates(t *testing.T) {
	words, marks := map[string]core.State{}, map[string]core.State{}
	for _, state := range []core.State{
		core.Queued, core.Running, core.Cancelling, core.Succeeded, core.Partial, core.Failed, core.Cancelled, core.Interrupted,
	} {
		look := page.LookOf(past("r", "c", state, 1, 0))
		if look.Mark == "?" || look.Word != string(state) {
			t.Errorf("%s looks like %+v", state, look)
		}
		if other, taken := words[look.Word]; taken {
			t.Errorf("%s and %s have the same word", state, other)
		}
		if other, taken := marks[look.Mark]; taken {
			t.Errorf("%s and %s have the same mark", state, other)
		}
		words[look.Word], marks[look.Mark] = state, state
		if empty := page.LookOf(past("r", "c", state, 0, 0)); empty.Tone == "good" {
			t.Errorf("%s with nothing found is green", state)
		}
	}
	if look := page.LookOf(core.Summary{State: "strange"}); look.Word != "strange" {
		t.Errorf("an unknown state is shown as %q", look.Word)
	}
}

func TestSettle(t *testing.T) {
	for _, tt := range []struct {
		name      string
		state     core.State
		heartbeat time.Duration
		want      core.State
	}{
		{"alive", core.Running, 14 * time.Second, core.Running},
		{"silent", core.Running, 16 * time.Second, core.Interrupted},
		{"silent while cancelling", core.Cancelling, time.Hour, core.Interrupted},
		{"ended long ago", core.Failed, time.Hour, core.Failed},
	} {
		s := past("r", "c", tt.state, 1, 0)
		s.EndedMS = 0
		s.HeartbeatMS = minute.Add(-tt.heartbeat).UnixMilli()
		got := page.Settle(s, minute)
		if got.State != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got.State, tt.want)
		}
		if got.State == core.Interrupted && (got.EndedMS != s.HeartbeatMS || got.Reason == "") {
			t.Errorf("%s: ended %d for %q", tt.name, got.EndedMS, got.Reason)
		}
	}
}
