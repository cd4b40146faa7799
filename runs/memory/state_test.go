package memory

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.UnixMilli(1_700_000_000_000)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func newState(state core.State) (*State, *clock) {
	c := newClock()
	return New(Config{Run: core.Summary{ID: "r-0001", State: state}, Now: c.Now}), c
}

func TestTransition(t *testing.T) {
	all := []core.State{
		core.Queued, core.Running, core.Cancelling, core.Succeeded, core.Partial, core.Failed, core.Cancelled, core.Interrupted,
	}
	legal := map[string]bool{
		"queued running": true, "queued cancelled": true,
		"running succeeded": true, "running partial": true, "running failed": true, "running cancelling": true,
		"cancelling cancelled": true,
	}
	for _, from := range all {
		for _, to := range all {
			s, _ := newState(from)
			err := s.Transition(to, "because", "user")
			if want := legal[fmt.Sprint(from, " ", to)]; (err == nil) != want {
				t.Errorf("%s → %s: %v, want legal: %t", from, to, err, want)
			}
			after := s.Summary()
			if err != nil && (after.State != from || after.Reason != "" || after.Actor != "") {
				t.Errorf("%s → %s was refused and left %+v", from, to, after)
			}
			select {
			case <-s.Over():
				if !after.State.Ended() {
					t.Errorf("%s → %s: over, but %s", from, to, after.State)
				}
			default:
				if after.State.Ended() {
					t.Errorf("%s → %s: not over, but %s", from, to, after.State)
				}
			}
		}
	}
}

func TestTransitionTimes(t *testing.T) {
	s, clock := newState("")
	clock.advance(time.Second)
	start := clock.Now().UnixMilli()
	if err := s.Transition(core.Running, "", ""); err != nil {
		t.Fatal(err)
	}
	s.Doing("reading")
	clock.advance(time.Minute)
	if err := s.Transition(core.Partial, "2 items failed", "limit"); err != nil {
		t.Fatal(err)
	}
	got := s.Snapshot()
	if got.StartedMS != start || got.EndedMS != start+60_000 || got.Reason != "2 items failed" || got.Actor != "limit" || got.Doing != "" {
		t.Errorf("ended as %+v", got)
	}
}

func TestCounts(t *testing.T) {
	s, _ := newState(core.Running)
	s.Streams("home", []core.StreamCounts{{Stream: "actors", Title: "Actors", Found: 5}, {Stream: "items", Found: 2}})
	s.Total(core.StageRead, 7)
	s.Found(core.StageRead, "home", "actors", 3)
	s.Done(core.StageRead, "home", "actors", core.Written, 2)
	s.Done(core.StageRead, "home", "actors", core.FailedItem, 1)
	s.Found(core.StageEntities, "home", "actors", 2)
	s.Done(core.StageEntities, "home", "actors", core.Written, 1)
	s.Done(core.StageEntities, "home", "actors", core.Skipped, 1)
	s.Found(core.StageAssets, "home", "", 4)
	s.Done(core.StageAssets, "home", "", core.Cached, 3)
	s.Done(core.StageAssets, "home", "", core.CancelledItem, 1)
	s.Cache("pictures", true)
	s.Cache("pictures", false)
	s.Cache("pictures", true)
	s.Cache("documents", false)
	s.CacheN("http", 5, 7)
	s.CacheN("http", 1, -1) // no number goes down
	s.Facts("home", "items", []core.Fact{{Name: "tables", Number: 2}, {Name: "form", Text: "old"}})
	s.Facts("home", "items", []core.Fact{{Name: "tables", Number: 3}}) // the last word counts
	s.Kinds(map[string]int64{"creature": 1})
	s.Plugins([]core.PluginUse{{Source: "home", Plugin: "foundry", Version: "1"}})
	s.Result("abc")
	s.Total(core.StageLink, 9)
	s.Estimate(core.StageLink, 9)
	s.Estimate(core.StageWrite, 9)
	s.Total(core.StageWrite, 9)
	s.Estimate(core.StageCount, 9)

	got := s.Summary()
	if c := got.Stage(core.StageLink); c != (core.StageCounts{Stage: "link", Total: 9, Estimated: true}) {
		t.Errorf("link: %+v", c)
	}
	if c := got.Stage(core.StageWrite); c != (core.StageCounts{Stage: "write", Total: 9}) {
		t.Errorf("write: %+v", c)
	}
	if c := got.Stage(core.StageRead); c != (core.StageCounts{Stage: "read", Total: 7, Found: 3, Written: 2, Failed: 1}) {
		t.Errorf("read: %+v", c)
	}
	if c := got.Stage(core.StageAssets); c != (core.StageCounts{Stage: "images", Found: 4, Cached: 3, Cancelled: 1}) {
		t.Errorf("assets: %+v", c)
	}
	wantStreams := []core.StreamCounts{
		{Source: "home", Stream: "actors", Title: "Actors", Found: 5, Written: 1, Skipped: 1, Failed: 1},
		{Source: "home", Stream: "items", Found: 2, Facts: []core.Fact{{Name: "tables", Number: 3}}},
	}
	if !reflect.DeepEqual(got.Streams, wantStreams) {
		t.Errorf("streams: %+v", got.Streams)
	}
	wantCaches := []core.CacheCounts{{Cache: "documents", Misses: 1}, {Cache: "http", Hits: 6, Misses: 7}, {Cache: "pictures", Hits: 2, Misses: 1}}
	if !slices.Equal(got.Caches, wantCaches) {
		t.Errorf("caches: %+v", got.Caches)
	}
	if got.Kinds["creature"] != 1 || got.ResultID != "abc" || got.Plugins[0].Plugin != "foundry" {
		t.Errorf("what is set as a whole: %+v", got)
	}
	s.Ended(core.StageRead)
	got = s.Summary()
	if !got.Stage(core.StageRead).Ended || got.Streams[0].Found != 3 || got.Streams[1].Found != 0 {
		t.Errorf("when all is read, what came counts: %+v", got.Streams)
	}
}

func TestNonsenseIsNotCounted(t *testing.T) {
	s, _ := newState(core.Running)
	before := s.Revision()
	s.Found(core.StageCount, "a", "b", 1)
	s.Found(core.StageRead, "a", "b", -1)
	s.Done(core.StageRead, "a", "b", core.OutcomeCount, 1)
	s.Done(core.StageRead, "a", "b", core.Written, 0)
	s.Total(core.StageCount, 1)
	s.Ended(core.StageCount)
	s.Begin(core.StageCount, "x")()
	s.Failure(core.Failure{Stage: core.StageCount})
	if got := s.Snapshot(); s.Revision() != before || len(got.Streams) > 0 || len(got.Problems) > 0 || len(got.Working) > 0 {
		t.Errorf("revision %d, was %d: %+v", s.Revision(), before, got)
	}
}

// Every change that can be seen makes another snapshot due.
func TestRevision(t *testing.T) {
	s, _ := newState(core.Running)
	end := s.Begin(core.StageAssets, "before")
	read := s.Reading("before")
	s.Found(core.StageRead, "a", "b", 1) // of a stream that nobody knows, progress says nothing
	changes := map[string]func(){
		"doing":      func() { s.Doing("x") },
		"streams":    func() { s.Streams("a", []core.StreamCounts{{Stream: "b"}}) },
		"total":      func() { s.Total(core.StageRead, 1) },
		"estimate":   func() { s.Estimate(core.StageLink, 1) },
		"found":      func() { s.Found(core.StageRead, "a", "b", 1) },
		"done":       func() { s.Done(core.StageRead, "a", "b", core.Written, 1) },
		"ended":      func() { s.Ended(core.StageRead) },
		"failure":    func() { s.Failure(core.Failure{Code: "a.b"}) },
		"begin":      func() { s.Begin(core.StageRead, "x") },
		"end":        end,
		"cache":      func() { s.Cache("c", true) },
		"caches":     func() { s.CacheN("c", 2, 3) },
		"progress":   func() { s.Progress("a", "b", 1, 2) },
		"fetched":    func() { s.Fetched(core.Fetched{Source: "a", Requests: 1}) },
		"reading":    func() { s.Reading("a") },
		"read":       read,
		"step":       func() { s.Step("a", "x") },
		"picture":    func() { s.Picture(core.Recent{}) },
		"kinds":      func() { s.Kinds(nil) },
		"result":     func() { s.Result("x") },
		"plugins":    func() { s.Plugins(nil) },
		"transition": func() { _ = s.Transition(core.Cancelling, "", "") },
	}
	for name, change := range changes {
		before := s.Snapshot().Revision
		change()
		if s.Revision() == before {
			t.Errorf("%s: the revision is still %d", name, before)
		}
	}
	before := s.Revision()
	s.Total(core.StageRead, 1)
	s.Ended(core.StageRead)
	if s.Snapshot(); s.Revision() != before {
		t.Error("what changed nothing, or only looked, changed the revision")
	}
}

// TestSources counts what each source fetches, and shows it while it is being read.
func TestSources(t *testing.T) {
	s, clock := newState(core.Running)
	began := clock.Now().UnixMilli()
	ended := s.Reading("web")
	s.Reading("home")
	s.Found(core.StageRead, "quiet", "", 1) // that nobody reads any more
	s.Fetched(core.Fetched{Source: "web", Requests: 5, Hits: 7, Misses: 4, Bytes: 900})
	s.Fetched(core.Fetched{Source: "web", Requests: 1, Hits: -7, Misses: -4, Bytes: -900}) // no number goes down
	s.Fetched(core.Fetched{Source: "home"})
	s.Fetched(core.Fetched{Source: "web", Retries: 1, Confirmed: 2, LimitWaitUS: 3, PauseWaitUS: 4, BackoffWaitUS: 5, InFlight: 3, MostInFlight: 6})
	s.Fetched(core.Fetched{Source: "web", InFlight: 2, MostInFlight: 4, LimitWaitUS: 3})
	s.Fetched(core.Fetched{Source: "web", InFlight: 9}) // says nothing of that
	s.Step("web", "page 1")
	s.Step("web", strings.Repeat("ü", 300))
	clock.advance(time.Second)
	s.Found(core.StageRead, "web", "", 1)
	clock.advance(time.Second)
	s.Found(core.StageEntities, "web", "monsters", 1) // no record of its own

	got := s.Snapshot()
	want := []core.Fetched{{
		Source: "web", Requests: 6, Retries: 1, Hits: 7, Confirmed: 2, Misses: 4, Bytes: 900, LimitWaitUS: 6, PauseWaitUS: 4, BackoffWaitUS: 5,
		InFlight: 2, MostInFlight: 6,
	}}
	if !slices.Equal(got.Fetched, want) {
		t.Errorf("fetched %+v, want %+v", got.Fetched, want)
	}
	if len(got.Reading) != 2 || got.Reading[0] != (core.Reading{Source: "home", SinceMS: began}) {
		t.Fatalf("reading %+v", got.Reading)
	}
	web := got.Reading[1]
	if len(web.Step) > itemLimit || !strings.HasSuffix(web.Step, "ü…") || web.SinceMS != began || web.LastMS != began+1000 {
		t.Errorf("reading %+v", web)
	}
	ended()
	if got = s.Snapshot(); len(got.Reading) != 1 || got.Reading[0].Source != "home" || len(got.Fetched) != 1 {
		t.Errorf("after one has been read: %+v, %+v", got.Reading, got.Fetched)
	}
}

// TestHowFar is what a source says of a stream, and why it could not read some of it. None of that is part of a tally, which is
// written into outputs.
func TestHowFar(t *testing.T) {
	s, _ := newState(core.Running)
	s.Streams("web", []core.StreamCounts{{Stream: "spells", Found: 9}, {Stream: "feats"}})
	s.Progress("web", "spells", 3, 9)
	s.Progress("web", "spells", 4, 9)
	s.Progress("web", "nobody", 4, 9)
	s.Progress("web", "feats", -1, -1)
	for _, f := range []core.Failure{
		{Stage: core.StageRead, Stream: "spells", Code: "rest.bad_record", Item: "a"},
		{Stage: core.StageRead, Stream: "spells", Code: "rest.bad_record", Item: "b"},
		{Stage: core.StageRead, Stream: "spells", Code: "rest.away", Item: "c"},
		{Stage: core.StageRead, Stream: "spells", Code: "rest.odd", Warning: true},
		{Stage: core.StageEntities, Stream: "spells", Code: "entity.invalid"},
		{Stage: core.StageRead, Stream: "nobody", Code: "rest.away"},
	} {
		f.Source = "web"
		s.Failure(f)
	}
	got := s.Snapshot().Streams
	want := []core.StreamCounts{
		{Source: "web", Stream: "spells", Found: 9, Fetched: 4, Expected: 9, Unread: []core.Unread{{Code: "rest.away", Count: 1}, {Code: "rest.bad_record", Count: 2}}},
		{Source: "web", Stream: "feats"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	tally, _ := s.Tally()
	if want := []core.StreamCounts{{Source: "web", Stream: "spells", Found: 9}, {Source: "web", Stream: "feats"}}; !reflect.DeepEqual(tally, want) {
		t.Errorf("%+v, want %+v", tally, want)
	}
	ended := s.Reading("web")
	s.Fetched(core.Fetched{Source: "web", InFlight: 3, MostInFlight: 3})
	ended()
	if got := s.Summary().Fetched; len(got) != 1 || got[0].InFlight != 0 || got[0].MostInFlight != 3 {
		t.Errorf("after its reading: %+v", got)
	}
}

func TestRecentAndWorking(t *testing.T) {
	s, clock := newState(core.Running)
	for i := range 15 {
		s.Picture(core.Recent{AssetID: fmt.Sprint(i)})
	}
	first := s.Begin(core.StageAssets, "first")
	clock.advance(time.Second)
	s.Begin(core.StageEntities, strings.Repeat("ü", 300))
	got := s.Snapshot()
	if len(got.Recent) != 12 || got.Recent[0].AssetID != "14" || got.Recent[11].AssetID != "3" {
		t.Errorf("recent pictures: %+v", got.Recent)
	}
	if len(got.Working) != 2 || got.Working[0] != (core.Work{Stage: "images", Item: "first", SinceMS: clock.Now().UnixMilli() - 1000}) {
		t.Errorf("in hand: %+v", got.Working)
	}
	if item := got.Working[1].Item; len(item) > itemLimit || !strings.HasSuffix(item, "ü…") {
		t.Errorf("a long name was cut to %q", item)
	}
	first()
	if got = s.Snapshot(); len(got.Working) != 1 || got.Working[0].Stage != "entities" {
		t.Errorf("after one ended: %+v", got.Working)
	}
	var ends []func()
	for range 3 * places {
		ends = append(ends, s.Begin(core.StageAssets, "many"))
	}
	if n := len(s.Snapshot().Working); n != places {
		t.Errorf("%d in hand are shown, want %d", n, places)
	}
	for _, end := range ends {
		end()
	}
	if n := len(s.Snapshot().Working); n != 1 {
		t.Errorf("%d in hand are left, want 1", n)
	}
}

// Whoever has a snapshot may keep it: nothing that follows changes it.
func TestSnapshotIsKept(t *testing.T) {
	s, _ := newState(core.Running)
	fill := func(n int) {
		for i := range n {
			s.Failure(core.Failure{Code: "a.b", Message: "x", Item: fmt.Sprint(n, i)})
			s.Picture(core.Recent{AssetID: fmt.Sprint(n, i)})
			s.Found(core.StageRead, "home", fmt.Sprint("stream", n, i), 1)
		}
		s.Fetched(core.Fetched{Source: "home", Requests: int64(n)})
		s.Reading(fmt.Sprint("source", n))
		s.Kinds(map[string]int64{"creature": int64(n)})
		s.Plugins([]core.PluginUse{{Version: fmt.Sprint(n)}})
	}
	fill(2)
	kept := s.Snapshot()
	before := fmt.Sprintf("%+v", kept)
	fill(9)
	if after := fmt.Sprintf("%+v", kept); after != before {
		t.Errorf("the snapshot was\n%s\nand is\n%s", before, after)
	}
	if reflect.DeepEqual(kept, s.Snapshot()) {
		t.Error("the next snapshot shows nothing of what followed")
	}
}

// Numbers are exact however many count at the same time, and no reader sees more done than found.
func TestConcurrent(t *testing.T) {
	s := New(Config{Run: core.Summary{State: core.Running}})
	const workers, each = 8, 500
	var counting, reading sync.WaitGroup
	stop := make(chan struct{})
	reading.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			shot := s.Snapshot()
			if c := shot.Stage(core.StageEntities); c.Done() > c.Found {
				t.Errorf("%d done of %d found", c.Done(), c.Found)
			}
		}
	})
	for w := range workers {
		counting.Go(func() {
			for i := range each {
				stream := fmt.Sprint("stream", i%20)
				s.Found(core.StageEntities, "home", stream, 1)
				end := s.Begin(core.StageEntities, "item")
				s.Cache(fmt.Sprint("cache", i%5), i%2 == 0)
				s.Fetched(core.Fetched{Source: fmt.Sprint("source", i%5), Requests: 1, Hits: 2, Misses: 3, Bytes: 4})
				read := s.Reading("home")
				s.Step("home", stream)
				read()
				s.Failure(core.Failure{Code: "a.b", Message: fmt.Sprint("worker ", w), Item: stream})
				s.Picture(core.Recent{})
				s.Done(core.StageEntities, "home", stream, core.Outcome(i%int(core.OutcomeCount)), 1)
				end()
			}
		})
	}
	counting.Wait()
	close(stop)
	reading.Wait()
	got := s.Summary()
	if c := got.Stage(core.StageEntities); c.Found != workers*each || c.Done() != c.Found || c.Failed != workers*each/5 {
		t.Errorf("entities: %+v", c)
	}
	var found int64
	for _, c := range got.Streams {
		found += c.Found
	}
	if _, lookups := got.CacheRate(); found != workers*each || lookups != workers*each || len(got.Streams) != 20 {
		t.Errorf("%d found in %d streams, %d lookups", found, len(got.Streams), lookups)
	}
	if len(got.Problems) != 1 || got.Problems[0].Count != workers*each || len(got.Problems[0].Examples) != exampleLimit {
		t.Errorf("problems: %+v", got.Problems)
	}
	const all = workers * each
	if f := got.AllFetched(); f != (core.Fetched{Requests: all, Hits: 2 * all, Misses: 3 * all, Bytes: 4 * all}) || len(got.Fetched) != 5 {
		t.Errorf("fetched %+v by %d sources", f, len(got.Fetched))
	}
	if shot := s.Snapshot(); len(shot.Working) != 0 || len(shot.Reading) != 0 {
		t.Errorf("%d items are still in hand, %d sources are being read", len(shot.Working), len(shot.Reading))
	}
}

// A cache that counts itself replaces what was counted under its name, and is left out until it was asked anything.
func TestCountsFromElsewhere(t *testing.T) {
	s := New(Config{})
	var pictures core.CacheCounts
	s.Counts(func() core.CacheCounts { return pictures })
	s.Counts(func() core.CacheCounts { return core.CacheCounts{Cache: "unused", Entries: 5} })
	pictures.Cache = "pictures"
	s.Cache("pictures", true)
	s.Cache("zip", true)
	s.Cache("http", false)
	before := []core.CacheCounts{{Cache: "http", Misses: 1}, {Cache: "zip", Hits: 1}}
	if got := s.Summary().Caches; !slices.Equal(got, before) {
		t.Errorf("%+v", got)
	}
	pictures.Hits, pictures.L1.Hits = 3, 3
	if got := s.Snapshot().Caches; !slices.Equal(got, []core.CacheCounts{before[0], pictures, before[1]}) {
		t.Errorf("%+v", got)
	}
}

// TestMeets: places are listed by name, once somebody came there.
func TestMeets(t *testing.T) {
	s := New(Config{})
	download := core.Meeting{Place: "download"}
	picture := core.Meeting{Place: "picture", Calls: 2, Waits: 1, WaitedUS: 5, Contended: 1}
	s.Meets(func() core.Meeting { return picture })
	s.Meets(func() core.Meeting { return download })
	if got := s.Snapshot().Meetings; !slices.Equal(got, []core.Meeting{picture}) {
		t.Errorf("%+v", got)
	}
	download.Calls = 1
	if got := s.Snapshot().Meetings; !slices.Equal(got, []core.Meeting{download, picture}) {
		t.Errorf("%+v", got)
	}
}

func TestStreamsCachesAndSourcesAreBounded(t *testing.T) {
	s, _ := newState(core.Running)
	var announced []core.StreamCounts
	for i := range streamLimit + 50 {
		announced = append(announced, core.StreamCounts{Stream: fmt.Sprint(i), Found: 1})
	}
	s.Streams("home", announced)
	s.Found(core.StageRead, "home", "yet another", 3)
	s.Ended(core.StageRead)
	for i := range cacheLimit + 50 {
		s.Cache(fmt.Sprint(i), true)
	}
	for i := range sourceLimit + 50 {
		s.Fetched(core.Fetched{Source: fmt.Sprint("source", i), Requests: 2, Bytes: 3})
	}
	got := s.Summary()
	if n := len(got.Streams); n != streamLimit+1 || got.Streams[n-1].Stream != otherName || got.Streams[n-1].Found != 3 {
		t.Errorf("%d streams, the last one %+v", n, got.Streams[n-1])
	}
	if hits, _ := got.CacheRate(); len(got.Caches) != cacheLimit+1 || hits != cacheLimit+50 {
		t.Errorf("%d caches with %d hits", len(got.Caches), hits)
	}
	// The read stage mentioned one source before.
	if want := (core.Fetched{Requests: 2 * (sourceLimit + 50), Bytes: 3 * (sourceLimit + 50)}); len(got.Fetched) != sourceLimit || got.AllFetched() != want {
		t.Errorf("%d sources fetched %+v", len(got.Fetched), got.AllFetched())
	}
}

func BenchmarkItem(b *testing.B) {
	s := New(Config{Run: core.Summary{State: core.Running}})
	s.Streams("home", []core.StreamCounts{{Stream: "actors"}})
	b.Run("found", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Found(core.StageEntities, "home", "actors", 1)
		}
	})
	b.Run("done", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Done(core.StageEntities, "home", "actors", core.Written, 1)
		}
	})
	b.Run("done_parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				s.Done(core.StageEntities, "home", "actors", core.Written, 1)
			}
		})
	})
	b.Run("begin_end", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Begin(core.StageEntities, "item")()
		}
	})
	b.Run("cache", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s.Cache("pictures", true)
		}
	})
}

func BenchmarkSnapshot(b *testing.B) {
	s := New(Config{Run: core.Summary{State: core.Running}})
	for i := range 50 {
		s.Found(core.StageRead, "home", fmt.Sprint(i), 1)
		s.Failure(core.Failure{Code: fmt.Sprint("code.", string(rune('a'+i%26)), string(rune('a'+i/26)))})
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Snapshot()
	}
}

// The hot path allocates nothing; a benchmark that nobody runs would not tell.
func TestCountingAllocatesNothing(t *testing.T) {
	s, _ := newState(core.Running)
	s.Streams("home", []core.StreamCounts{{Stream: "actors"}})
	s.Cache("pictures", true)
	s.Found(core.StageRead, "home", "", 1)
	n := testing.AllocsPerRun(100, func() {
		s.Found(core.StageRead, "home", "", 1)
		s.Fetched(core.Fetched{Source: "home", Requests: 1})
		s.Found(core.StageEntities, "home", "actors", 1)
		end := s.Begin(core.StageEntities, "item")
		s.Cache("pictures", true)
		s.Done(core.StageEntities, "home", "actors", core.Written, 1)
		end()
	})
	if n != 0 {
		t.Errorf("%v allocations an item", n)
	}
}

// TestKept: what an earlier attempt did is counted, and says nothing about the speed of this one.
func TestKept(t *testing.T) {
	s := New(Config{Run: core.Summary{State: core.Running}})
	s.Kept(core.StageRead, "home", "", core.Written, 5)
	s.Kept(core.StageEntities, "home", "actors", core.Written, 3)
	s.Kept(core.StageEntities, "home", "actors", core.FailedItem, 2)
	s.Kept(core.StageAssets, "home", "", core.Cached, 1)
	s.Kept(core.StageCount, "home", "", core.Cached, 1)
	s.Kept(core.StageAssets, "home", "", core.OutcomeCount, 1)
	shot := s.Snapshot()
	for stage, want := range map[core.Stage]core.StageCounts{
		core.StageRead: {Stage: "read", Found: 5, Written: 5}, core.StageEntities: {Stage: "entities", Found: 5, Written: 3, Failed: 2},
		core.StageAssets: {Stage: "images", Found: 1, Cached: 1},
	} {
		if got := shot.Stage(stage); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if want := (core.StreamCounts{Source: "home", Stream: "actors", Found: 5, Written: 3, Failed: 2}); len(shot.Streams) != 1 || !reflect.DeepEqual(shot.Streams[0], want) {
		t.Errorf("streams %+v, want %+v", shot.Streams, want)
	}
	for i := range core.StageCount {
		if n := s.stages[i].worked.at(0) + s.stages[i].cached.at(0); n != 0 {
			t.Errorf("%s: %d items make the rate", i, n)
		}
	}
}

// TestWhoStandsForACause: two sources that say the same of no item, in whichever order they say it.
func TestWhoStandsForACause(t *testing.T) {
	for _, order := range [][]string{{"a", "b"}, {"b", "a"}, {"b", "a", "b"}} {
		s := New(Config{})
		for _, source := range order {
			s.Failure(core.Failure{Stage: core.StageRead, Code: "server.warns", Source: source, Message: "it is old", Detail: source, Warning: true})
		}
		_, problems := s.Tally()
		if len(problems) != 1 || problems[0].Source != "a" || problems[0].Detail != "a" || problems[0].Count != int64(len(order)) {
			t.Errorf("%v: %+v", order, problems)
		}
	}
}
