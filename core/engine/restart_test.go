package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// faulty is a source with every sort of bad item, some of them without an id. Two records of one id are not among those of
// a source that reads on from checkpoints: which of them was sent before the plugin died, nobody can tell then.
func faulty(resumes bool) *shelf {
	torn := &sdk.Diagnostic{Kind: sdk.Invalid, Code: "shelf.torn", Summary: "the page is torn"}
	items := docs("a", 6)
	items = slices.Insert(items, 4, item{stream: "a", skip: torn}, item{stream: "a", record: sdk.Record{ID: "a.bad"}, skip: torn})
	items = slices.Insert(items, 2, doc("a", ""), item{stream: "a", skip: torn})
	if !resumes {
		items = slices.Insert(items, 1, items[0], items[2], items[0])
	}
	return &shelf{plugin: "shelf", items: append(items, docs("b", 4)...), resume: resumes}
}

// TestPluginDies: wherever a plugin dies, and whether it reads on or from the start, the result and the numbers are
// those of a run in which it does not.
func TestPluginDies(t *testing.T) {
	for name, tc := range map[string]struct {
		every  int   // items between two checkpoints; 0: it reads from the start
		behind []int // where it dies in the further attempts, as seen from where it died in the first
	}{
		"from the start": {0, nil}, "from a checkpoint": {3, nil}, "from the last item": {1, nil},
		"twice": {4, []int{2}}, "twice at one place": {2, []int{0}}, "twice from the start": {0, []int{3}}, "earlier from the start": {0, []int{-4}},
	} {
		calm := newJob(t, faulty(tc.every > 0))
		want := calm.onSheet()
		calm.run(t)
		if c := calm.count.stage(core.StageEntities); c.Written != 10 || c.Failed < 4 {
			t.Fatalf("the source is not what this test thinks: %+v", c)
		}
		for at := range len(faulty(tc.every > 0).items) + 1 {
			t.Run(fmt.Sprintf("%s, before %d", name, at), func(t *testing.T) {
				s := faulty(tc.every > 0)
				s.every = tc.every
				places := []int{at}
				for _, n := range tc.behind {
					places = append(places, min(max(at+n, 0), len(s.items)))
				}
				s.during = diesAt(places...)
				j := newJob(t, s)
				got := j.onSheet()
				if result := j.run(t); result.Broken != nil {
					t.Errorf("the source counts as broken: %+v", result)
				}
				if got.text.String() != want.text.String() {
					t.Errorf("got %s\nwant %s", got.text.String(), want.text.String())
				}
				for stage := range core.StageCount {
					if got, want := j.count.stage(stage), calm.count.stage(stage); got != want {
						t.Errorf("%s: %+v, want %+v", stage, got, want)
					}
				}
				for key := range j.ledger.entities {
					if n := j.ledger.puts("entity " + key.uid); n != 1 {
						t.Errorf("%s was put %d times", key.uid, n)
					}
				}
				if got := j.count.codes()["plugin_crashed*"]; got != len(places) || s.started() != len(places)+1 {
					t.Errorf("%d restarts were reported, and there were %d attempts", got, s.started())
				}
			})
		}
	}
}

// TestCheckpointsComeBack: what a source is given to read on from is the last checkpoint that the ledger has.
func TestCheckpointsComeBack(t *testing.T) {
	s := &shelf{items: append(docs("a", 5), docs("b", 5)...), every: 2, resume: true, during: diesAt(3, 9)}
	j := newJob(t, s)
	j.run(t)
	want := []string{"map[]", "map[a:2]", "map[a:4 b:4]"}
	for i, state := range s.states {
		words := map[string]string{}
		for stream, text := range state {
			words[stream] = string(text)
		}
		if got := fmt.Sprint(words); i >= len(want) || got != want[i] {
			t.Errorf("attempt %d was given %s, want %q", i+1, got, want)
		}
	}
	if c := j.ledger.checkpoints[[2]string{"s0", "b"}]; string(c.State) != "4" || c.StateVersion != 7 {
		t.Errorf("got %+v", c)
	}
}

// TestDiesForGood: after the third time the source is given up. The others are still worth writing.
func TestDiesForGood(t *testing.T) {
	always := func(_ context.Context, _, at int) error {
		if at == 3 {
			return died()
		}
		return nil
	}
	t.Run("alone", func(t *testing.T) {
		s := &shelf{items: docs("a", 5), during: always}
		j := newJob(t, s)
		before := j.previous(t)
		_, err := Run(t.Context(), j.Config)
		if sdk.KindOf(err) != sdk.Unavailable || !strings.Contains(err.Error(), "the plugin ended unexpectedly") {
			t.Errorf("got %v", err)
		}
		if s.started() != maxAttempts {
			t.Errorf("it was begun %d times", s.started())
		}
		j.untouched(t, before)
	})
	t.Run("beside another", func(t *testing.T) {
		j := newJob(t, &shelf{items: docs("a", 5), during: always}, &shelf{plugin: "whole", items: docs("b", 4)})
		result := j.run(t)
		if !slices.Equal(result.Broken, []string{"s0"}) || result.Entities != 7 || len(written(t, j.path)) != 7 {
			t.Errorf("got %+v", result)
		}
		if got := j.count.codes(); got["plugin_crashed"] != 1 || got["plugin_crashed*"] != 2 {
			t.Errorf("problems %v", got)
		}
	})
	t.Run("all of them", func(t *testing.T) {
		j := newJob(t, &shelf{items: docs("a", 5), during: always}, &shelf{plugin: "other", items: docs("b", 4), during: always})
		_, err := Run(t.Context(), j.Config)
		if err == nil || !strings.Contains(err.Error(), `"s0"`) || !strings.Contains(err.Error(), `"s1"`) {
			t.Errorf("it does not name both: %v", err)
		}
	})
}

// TestTotals: while a source is read there are as many records as it said, and after its end as many as came; of one that was not read to its
// end, as many as it said.
func TestTotals(t *testing.T) {
	const come = 5
	dies := func(_ context.Context, _, at int) error {
		if at == 2 {
			return errors.New("no more")
		}
		return nil
	}
	for name, tt := range map[string]struct {
		said int64
		bad  *shelf // another source; it says that it has 100
		want int64
	}{
		"as many":  {said: come, want: come},
		"more":     {said: 3 * come, want: come},
		"fewer":    {said: 1, want: come},
		"not said": {said: 0, want: come},
		"another breaks": {said: 3 * come, want: come + 100, bad: &shelf{
			plugin: "bad", items: docs("b", 4), during: dies, guess: func(int64) int64 { return 100 },
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var during core.StageCounts
			var j *job
			s := &shelf{items: docs("a", come), guess: func(int64) int64 { return tt.said }}
			s.during = func(_ context.Context, _, at int) error {
				if at == 1 {
					during = j.count.stage(core.StageRead)
				}
				return nil
			}
			sources := []*shelf{s}
			if tt.bad != nil {
				sources = append(sources, tt.bad)
			}
			j = newJob(t, sources...)
			j.run(t)
			said := tt.said + tt.want - come
			if during.Total != said {
				t.Errorf("while it is read, there are %d; want %d", during.Total, said)
			}
			if during.Estimated != (said > 0) {
				t.Errorf("while it is read, %d are an estimate: %v", said, during.Estimated)
			}
			for _, stage := range []core.Stage{core.StageRead, core.StageEntities} {
				if got := j.count.stage(stage); got.Total != tt.want || got.Estimated != (tt.bad != nil) {
					t.Errorf("%s: %+v, want %d", stage, got, tt.want)
				}
			}
		})
	}
}

// TestOnlyDeathIsWorthAnotherTry.
func TestOnlyDeathIsWorthAnotherTry(t *testing.T) {
	for name, end := range map[string]error{
		"plain": errors.New("no more"), "invalid": &sdk.Diagnostic{Kind: sdk.Invalid, Code: "x", Summary: "no"},
		"cancelled by itself": context.Canceled,
	} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{items: docs("a", 5), during: func(_ context.Context, _, at int) error {
				if at == 2 {
					return end
				}
				return nil
			}}
			j := newJob(t, s, &shelf{plugin: "whole", items: docs("b", 1)})
			if result := j.run(t); s.started() != 1 || !slices.Equal(result.Broken, []string{"s0"}) || result.Entities != 3 {
				t.Errorf("%d attempts, %+v", s.started(), result)
			}
		})
	}
}

// TestSourceThatCannotBeReached is left out before anything is read.
func TestSourceThatCannotBeReached(t *testing.T) {
	away := &sdk.Diagnostic{Kind: sdk.Unavailable, Code: "shelf.away", Summary: "nobody answers", Suggestion: "try again"}
	for name, bad := range map[string]*shelf{"check": {items: docs("a", 2), check: away}, "discover": {items: docs("a", 2), discover: away}} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, &shelf{plugin: "whole", items: docs("b", 3)}, bad)
			result := j.run(t)
			if !slices.Equal(result.Broken, []string{"s1"}) || result.Entities != 3 || bad.started() != 0 {
				t.Errorf("got %+v, %d attempts", result, bad.started())
			}
			if want := map[string]int{"shelf.away": 1}; !maps.Equal(j.count.codes(), want) {
				t.Errorf("problems %v", j.count.codes())
			}
		})
		t.Run(name+", alone", func(t *testing.T) {
			j := newJob(t, bad)
			before := j.previous(t)
			_, err := Run(t.Context(), j.Config)
			if sdk.KindOf(err) != sdk.Unavailable || !strings.Contains(err.Error(), "nobody answers") {
				t.Errorf("got %v", err)
			}
			j.untouched(t, before)
		})
	}
}

func TestItemsThatAreNone(t *testing.T) {
	torn := &sdk.Diagnostic{Kind: sdk.Invalid, Code: "shelf.torn", Summary: "the page is torn"}
	for name, tc := range map[string]struct {
		items           []item
		written, failed int64
		codes           map[string]int
	}{
		"id twice": {[]item{doc("a", "1"), doc("a", "1"), doc("a", "2")}, 2, 1, map[string]int{"record.duplicate_id": 1}},
		"id three times, in two streams": {
			[]item{doc("a", "1"), doc("b", "1"), doc("a", "1"), doc("a", "2")}, 2, 2, map[string]int{"record.duplicate_id": 2},
		},
		"skipped": {
			[]item{doc("a", "1"), {stream: "a", record: sdk.Record{ID: "2"}, skip: torn}, {stream: "a", skip: torn}}, 1, 2, map[string]int{"shelf.torn": 2},
		},
		"skipped for two reasons": {[]item{{stream: "a", skip: errors.Join(torn, torn)}}, 0, 1, map[string]int{"shelf.torn": 2}},
		"a warning is a failure when it is a reason": {
			[]item{{stream: "a", skip: &sdk.Diagnostic{Severity: sdk.SeverityWarning, Code: "w", Summary: "w"}}}, 0, 1, map[string]int{"w": 1},
		},
		"skipped for no reason": {[]item{{stream: "a", torn: true}}, 0, 1, map[string]int{"record.unreadable": 1}},
		"no id":                 {[]item{doc("a", ""), doc("a", "")}, 0, 2, map[string]int{"record.no_id": 2}},
		"no JSON":               {[]item{doc("a", "1", func(r *sdk.Record) { r.JSON = nil })}, 0, 1, map[string]int{"record.not_json": 1}},
		"no such kind":          {[]item{doc("a", "1", func(r *sdk.Record) { r.Kind = "wand" })}, 1, 0, map[string]int{}},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, &shelf{items: tc.items})
			result := j.run(t)
			c := j.count.stage(core.StageEntities)
			if c.Written != tc.written || c.Failed != tc.failed || result.Entities != tc.written {
				t.Errorf("got %+v and %d entities, want %d written and %d failed", c, result.Entities, tc.written, tc.failed)
			}
			if !maps.Equal(j.count.codes(), tc.codes) {
				t.Errorf("problems %v, want %v", j.count.codes(), tc.codes)
			}
			for _, f := range j.count.failures {
				if f.Source != "s0" || f.Plugin != "shelf" || f.Stream == "" || f.Item == "" || f.Message == "" {
					t.Errorf("it does not say where: %+v", f)
				}
			}
		})
	}
}

// TestUnannouncedStream ends the source that sends to it: what it sent would be missing from the numbers.
func TestUnannouncedStream(t *testing.T) {
	for name, bad := range map[string]item{
		"record": doc(unlisted, "x"), "skip": {stream: unlisted, skip: errors.New("x")},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{items: append(docs("a", 2), bad, doc("a", "z"))}
			j := newJob(t, s, &shelf{plugin: "whole", items: docs("b", 1)})
			if result := j.run(t); !slices.Equal(result.Broken, []string{"s0"}) || s.started() != 1 || result.Entities != 3 {
				t.Errorf("%d attempts, %+v", s.started(), result)
			}
			if got := j.count.codes()["stream.unannounced"]; got != 1 {
				t.Errorf("problems %v", j.count.codes())
			}
		})
	}
}

// talker says things that are no records.
type talker struct{ shelf }

func (s *talker) Read(_ context.Context, _ sdk.ReadRequest, out sdk.Writer) error {
	out.Report(sdk.Diagnostic{Severity: sdk.SeverityInfo, Code: "i", Summary: "all is well"})
	out.Report(sdk.Diagnostic{Severity: sdk.SeverityWarning, Code: "w", Summary: "hm", Stream: "a"})
	out.Report(sdk.Diagnostic{Severity: sdk.SeverityWarning, Kind: sdk.Unavailable, Code: "slow", Summary: "one moment", Stream: "a"})
	out.Report(sdk.Diagnostic{Code: "e", Summary: "ouch", Origin: sdk.Origin{URI: "page 3"}})
	out.Report(sdk.Diagnostic{Kind: sdk.Unsupported, Summary: "no code", Stream: "a"})
	return errors.Join(
		out.Progress("a", 3, 10, ""), out.Progress("a", 0, 0, "opening the book"), out.Progress("a", 0, 0, ""),
		out.Progress("nobody", 1, 2, ""), out.Record("a", sdk.Record{ID: "1", JSON: []byte(`{}`)}),
	)
}

func TestWhatSourcesSay(t *testing.T) {
	j := newJob(t, &shelf{})
	j.Sources[0].Source = &talker{shelf{items: docs("a", 1)}}
	j.run(t)
	if want := []string{"s0/a 3 of 10"}; !slices.Equal(j.count.progress, want) {
		t.Errorf("progress %q, want %q", j.count.progress, want)
	}
	if want := map[string]int{"w*": 1, "slow*": 1, "e": 1, "source.unsupported": 1}; !maps.Equal(j.count.codes(), want) {
		t.Errorf("problems %v, want %v", j.count.codes(), want)
	}
	for _, f := range j.count.failures {
		if f.Item == "" || f.Source != "s0" || f.Plugin != "shelf" {
			t.Errorf("it does not say where: %+v", f)
		}
		if f.Transient != (f.Code == "slow") {
			t.Errorf("%s: transient %v: another run of the same input would not have it?", f.Code, f.Transient)
		}
	}
	steps := []string{"reading a, 3 of 10", "opening the book", "reading nobody, 1 of 2"}
	if !slices.Equal(j.count.of["s0"], steps) {
		t.Errorf("steps %q, want %q", j.count.of["s0"], steps)
	}
	for _, want := range steps {
		if !slices.Contains(j.count.steps, want) {
			t.Errorf("%q is not among %q", want, j.count.steps)
		}
	}
}

// TestSourcesDoNotTalkOverEachOther: where there are several, the step of one is not that of the run.
func TestSourcesDoNotTalkOverEachOther(t *testing.T) {
	j := newJob(t, &shelf{}, &shelf{plugin: "other", items: docs("b", 1)})
	j.Sources[0].Source = &talker{shelf{items: docs("a", 1)}}
	j.run(t)
	if len(j.count.of["s0"]) != 3 || len(j.count.of["s1"]) != 0 {
		t.Errorf("steps %q", j.count.of)
	}
	if slices.Contains(j.count.steps, "opening the book") {
		t.Errorf("the run says what one source does: %q", j.count.steps)
	}
}
