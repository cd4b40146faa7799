package page_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/dashboard/page"
)

// minute is the moment at which the runs of these tests are looked at, a minute after they started.
var minute = time.Date(2026, 11, 22, 14, 1, 0, 0, time.UTC)

func moving() page.Run {
	started := minute.Add(-time.Minute)
	return page.Run{
		Here: true, Now: minute, Pictures: true,
		Snapshot: core.Snapshot{
			AtMS: minute.UnixMilli(), LastMS: minute.UnixMilli(), Doing: "reading home",
			Rate: 82, Rates: []float64{70, 90, 82}, ETAMS: 65_000,
			Summary: core.Summary{
				ID: "r-0042", Name: "bestiary", Config: "/games/converter.yaml", State: core.Running,
				StartedMS: started.UnixMilli(),
				Stages: []core.StageCounts{
					{Stage: "read", Total: 100, Found: 60, Written: 60},
					{Stage: "entities", Found: 60, Written: 30, Cached: 10, Skipped: 5, Failed: 5},
					{Stage: "images", Total: 40, Found: 40, Written: 10, Failed: 10},
				},
				Streams: []core.StreamCounts{
					{Source: "home", Stream: "monsters", Title: "Monsters", Found: 50, Written: 32, Skipped: 5, Failed: 5, Facts: []core.Fact{
						{Name: "form", Text: "<b>scroll</b>"},
						{Name: "live_bytes", Number: 3_400_000, Unit: "bytes"},
						{Name: "torn_pages", Label: "pages that are torn", Number: 3, Notable: true},
					}},
					{Source: "home", Stream: "spells", Found: 10, Written: 8},
					{Source: "web", Stream: "items", Fetched: 400, Expected: 1955, Unread: []core.Unread{{Code: "rest.bad_record", Count: 1}, {Code: "rest.status_404", Count: 2}}},
				},
				Problems: []core.Problem{
					{Fingerprint: "f2", Stage: "entities", Code: "entity.invalid", Source: "home", Message: "no name", Count: 5, FirstMS: 1, LastMS: 2},
					{Fingerprint: "f1", Stage: "images", Code: "fetch.http_404", Source: "web", Message: "gone", Count: 10, Suggestion: "Refresh.", Examples: []string{"a.png", "b.png"}},
					{Fingerprint: "w1", Stage: "link", Code: "link.broken", Message: "no such spell", Count: 3, Warning: true},
				},
				Caches:  []core.CacheCounts{{Cache: "pictures", Hits: 30, Misses: 10}},
				Plugins: []core.PluginUse{{Source: "home", Plugin: "foundry", Version: "1.4.0"}},
				Outputs: []string{"/games/out"},
				Fetched: []core.Fetched{
					{Source: "index", Hits: 1},
					{
						Source: "web", Requests: 412, Retries: 7, Hits: 88, Confirmed: 80, Misses: 44, Bytes: 3_400_000,
						LimitWaitUS: 12_000_000, BackoffWaitUS: 1_500_000, InFlight: 4, MostInFlight: 6,
					},
				},
			},
			Reading: []core.Reading{
				{Source: "index", SinceMS: minute.UnixMilli() - 80_000},
				{Source: "web", Step: "page 12 of 320", SinceMS: minute.UnixMilli() - 50_000, LastMS: minute.UnixMilli() - 12_000},
			},
			Working: []core.Work{
				{Stage: "images", Item: "late.png", SinceMS: minute.UnixMilli() - 200},
				{Stage: "images", Item: "early.png", SinceMS: minute.UnixMilli() - 3_000},
			},
			Recent: []core.Recent{
				{AssetID: strings.Repeat("a", 64), URI: `tokens\lich.png`},
				{AssetID: strings.Repeat("a", 64), URI: "twin.png"},
				{AssetID: "not-an-id", URI: "evil.png"},
			},
		},
	}
}

func TestRunPage(t *testing.T) {
	doc, _ := render(t, page.RunPage(page.Site{}, moving(), page.Stream{Events: "/runs/r-0042/events", Frame: "/runs/r-0042/frame"}))
	for selector, want := range map[string][]string{
		"#title":    {"54 % · bestiary · converter"},
		"#cards":    {"▸ running", "reading home · 1 min 00 s", "54 %", "130 of 240 items", "82 /s", "about 1 min 05 s left", "75 %", "30 of 40 lookups", "15 in 2 causes", "and 3 warnings", "40 entities stored"},
		"#stages":   {"read 60 100 60", "entities 50 100 30 10 5 5 10", "images 20 40 10 0 0 10 20", "Open"},
		"#problems": {"15 failures in 2 causes", "10 fetch.http_404 gone", "a.png b.png and 8 more", "What to do Refresh.", "Warnings 3 items, 1 reason; nothing was lost"},
		"#coverage": {
			"home foundry 1.4.0 60 40 5 5 10", "Monsters pages that are torn: 3 form <b>scroll</b> live bytes 3.4 MB pages that are torn 3 50 32 5 5 8", "spells 10 8 0 0 2", "items 0 0 0 0 0 400 of 1 955 fetched · not read: 1 × rest.bad_record, 2 × rest.status_404",
			"web 0 0 0 0 0 page 12 of 320 · last record 12 s ago fetched 412 requests · 7 sent again · 80 not modified · 3.4 MB · 4 under way, at most 6 at a time · requests waited 12 s for the limit, 1.5 s before another try · cache: 88 hits, 44 misses (66 %)",
			"index 0 0 0 0 0 reading · no record for 1 min 20 s cache: 1 hit, 0 misses (100 %)",
			"All sources 60 40 5 5 10 fetched 412 requests · 7 sent again · 80 not modified · 3.4 MB · 4 under way, at most 6 at a time · requests waited 12 s for the limit, 1.5 s before another try · cache: 89 hits, 44 misses (66 %)",
		},
		"#working": {"Working now 2 images early.png 3.0 s images late.png 0.2 s"},
		"#facts":   {"/games/out", "/games/converter.yaml"},
		"#caches":  {"pictures 30 10 0 75 %"},
		"#say":     {"The run is at 50 percent."},
	} {
		got := only(t, doc, selector)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s says %q, want %q in it", selector, got, w)
			}
		}
	}
	if got := len(all(doc, "img")); got != 2 { // the brand and the one picture that has an address, once
		t.Errorf("%d pictures, want 2", got)
	}
	if img := all(doc, "img")[1]; attribute(img, "alt") != "lich.png" {
		t.Errorf("alt %q, want the file's name", attribute(img, "alt"))
	}
}

// TestEstimates: where sources only estimate how much there is, it is said, until more has come or it is known.
func TestEstimates(t *testing.T) {
	for name, tt := range map[string]struct {
		change      func(read *core.StageCounts)
		card, stage string
	}{
		"an estimate":     {func(c *core.StageCounts) { c.Estimated = true }, "130 of about 240 items", "read 60 about 100 60"},
		"more has come":   {func(c *core.StageCounts) { c.Estimated, c.Found = true, 110 }, "130 of 260 items", "read 60 110 60"},
		"it is known now": {func(*core.StageCounts) {}, "130 of 240 items", "read 60 100 60"},
	} {
		run := moving()
		tt.change(&run.Stages[0])
		doc, _ := render(t, page.RunPage(page.Site{}, run, page.Stream{}))
		if got := only(t, doc, "#cards"); !strings.Contains(got, tt.card) {
			t.Errorf("%s: the cards say %q", name, got)
		}
		if got := only(t, doc, "#stages"); !strings.Contains(got, tt.stage) {
			t.Errorf("%s: the stages say %q", name, got)
		}
	}
}

// TestCacheLevels: a cache with levels shows them, one without leaves them open, and an older run has none.
func TestCacheLevels(t *testing.T) {
	r := moving()
	r.Caches = []core.CacheCounts{
		{Cache: "http", Hits: 5, Misses: 5},
		{
			Cache: "pictures", Hits: 30, Misses: 10, Evictions: 3, L1: core.LevelCounts{Hits: 18, Misses: 22, Evictions: 3},
			L2: core.LevelCounts{Hits: 12, Misses: 9}, Entries: 27, Bytes: 12_000, Shared: 1, Corrupt: 2, Fallbacks: 1,
		},
	}
	doc, _ := render(t, page.RunPage(page.Site{}, r, page.Stream{}))
	for selector, want := range map[string][]string{
		"#cards": {"35 of 50 lookups", "18 from memory, 12 from the store"},
		"#caches": {
			"Cache Hits L1 memory L2 store Misses Evicted Rate", "http 5 – – 5 0 50 %", "pictures 30 18 12 10 3 75 %",
			"27 entries with 12 kB in memory · 1 wait for the same lookup · 2 damaged rows dropped · 1 lookup without the store",
		},
	} {
		got := only(t, doc, selector)
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s says %q, want %q in it", selector, got, w)
			}
		}
	}
	doc, _ = render(t, page.RunPage(page.Site{}, moving(), page.Stream{}))
	if got := only(t, doc, "#caches"); strings.Contains(got, "L1") || strings.Contains(only(t, doc, "#cards"), "from memory") {
		t.Errorf("an older run says %q", got)
	}
}

// TestSourcesThatFetchNothing says nothing of fetching, and a run that has ended nothing of reading.
func TestSourcesThatFetchNothing(t *testing.T) {
	r := moving()
	r.Fetched, r.Streams = nil, r.Streams[:2]
	doc, _ := render(t, page.RunPage(page.Site{}, r, page.Stream{}))
	if got := only(t, doc, "#coverage"); strings.Contains(got, "fetched") || !strings.Contains(got, "page 12 of 320") {
		t.Errorf("it says %q", got)
	}
	r = moving()
	r.State, r.EndedMS, r.Streams = core.Partial, minute.UnixMilli(), r.Streams[:2]
	doc, _ = render(t, page.RunPage(page.Site{}, r, page.Stream{}))
	if got := only(t, doc, "#coverage"); strings.Contains(got, "record") || !strings.Contains(got, "web 0 0 0 0 0 fetched 412 requests") {
		t.Errorf("it says %q", got)
	}
	r.Fetched, r.Streams = r.Fetched[1:], r.Streams[:2]
	doc, _ = render(t, page.RunPage(page.Site{}, r, page.Stream{}))
	if got := only(t, doc, "#coverage"); strings.Count(got, "fetched") != 1 {
		t.Errorf("one source is summed up: %q", got)
	}
}

// TestOverAtOnce looks at a run that took no time that a rate could be made of.
func TestOverAtOnce(t *testing.T) {
	for elapsed, want := range map[int64]string{40: "over too soon to tell", 4_000: "on average"} {
		r := moving()
		r.State, r.EndedMS = core.Partial, r.StartedMS+elapsed
		doc, _ := render(t, page.RunPage(page.Site{}, r, page.Stream{}))
		if got := only(t, doc, "#cards"); !strings.Contains(got, want) {
			t.Errorf("after %d ms it says %q, want %q in it", elapsed, got, want)
		}
	}
}

// TestRegions compares the page with the frames: every region has its element, and shows the same in both.
func TestRegions(t *testing.T) {
	run := moving()
	runs := page.NewRuns([]core.Summary{run.Summary}, nil, 100, minute)
	for name, tt := range map[string]struct {
		page    string
		regions []page.Region
	}{
		"run":  {must(render(t, page.RunPage(page.Site{}, run, page.Stream{Events: "/e"}))), run.Regions()},
		"list": {must(render(t, page.RunsPage(page.Site{}, runs, page.Stream{Events: "/e"}))), runs.Regions()},
	} {
		for _, region := range tt.regions {
			_, body := render(t, region.Body)
			at := strings.Index(tt.page, ` id="`+region.ID+`"`)
			if at < 0 {
				t.Errorf("%s: no element #%s", name, region.ID)
				continue
			}
			_, after, _ := strings.Cut(tt.page[at:], ">")
			if !strings.HasPrefix(after, body) {
				t.Errorf("%s: #%s begins with %.80q, the frame has %.80q", name, region.ID, after, body)
			}
		}
	}
}

func must(_ *html.Node, text string) string { return text }

func TestProgress(t *testing.T) {
	counts := func(state core.State, stages ...core.StageCounts) page.Run {
		return page.Run{Snapshot: core.Snapshot{Summary: core.Summary{State: state, Stages: stages}}}
	}
	for _, tt := range []struct {
		name  string
		run   page.Run
		known bool
		want  string
	}{
		{"nothing is known", counts(core.Running), false, "0 %"},
		{"found without a total", counts(core.Running, core.StageCounts{Stage: "read", Found: 9, Written: 9}), false, "50 %"},
		{"entities are expected from the start", counts(core.Running, core.StageCounts{Stage: "read", Total: 100, Found: 100, Written: 100}), true, "50 %"},
		{"not at 100 before the end", counts(core.Running, core.StageCounts{Stage: "read", Total: 1, Found: 1, Written: 1, Ended: true}, core.StageCounts{Stage: "entities", Total: 1, Found: 1, Written: 1, Ended: true}), true, "99 %"},
		{"at 100 at the end", counts(core.Succeeded, core.StageCounts{Stage: "read", Total: 1, Found: 1, Written: 1, Ended: true}, core.StageCounts{Stage: "entities", Total: 1, Found: 1, Cached: 1, Ended: true}), true, "100 %"},
		{"more found than was promised", counts(core.Running, core.StageCounts{Stage: "read", Total: 2, Found: 8, Written: 4}, core.StageCounts{Stage: "entities", Ended: true}), true, "50 %"},
		{"ended with nothing", counts(core.Succeeded, core.StageCounts{Stage: "read", Ended: true}), false, "0 %"},
	} {
		p := tt.run.Progress()
		if p.Known != tt.known || plain(p.Percent()) != tt.want {
			t.Errorf("%s: known %t, %s; want %t, %s", tt.name, p.Known, plain(p.Percent()), tt.known, tt.want)
		}
	}
}

func TestStrips(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*page.Run)
		want   []string
	}{
		{"all is well", func(*page.Run) {}, nil},
		{"a silence", func(r *page.Run) { r.LastMS = minute.UnixMilli() - 34_000 }, []string{"warn: No item has been finished for 34 s; slowest: images early.png."}},
		{"a silence with nobody at work", func(r *page.Run) { r.LastMS, r.Working = minute.UnixMilli()-34_000, nil }, []string{"warn: No item has been finished for 34 s."}},
		{"another process", func(r *page.Run) { r.Here = false }, []string{"calm: This run belongs to another process: it is watched through the database, every 2 seconds."}},
		{"failed", func(r *page.Run) { r.State, r.Reason = core.Failed, "plugin pdf exited" }, []string{"bad: Plugin pdf exited."}},
		{"found nothing", func(r *page.Run) { r.State, r.Stages = core.Succeeded, nil }, []string{"warn: The sources listed 0 items. Check the path or filter."}},
		{"cancelled before anything was found", func(r *page.Run) { r.State, r.Stages = core.Cancelled, nil }, nil},
		{"interrupted", func(r *page.Run) { r.State = core.Interrupted }, []string{"warn: Interrupted at 54 %; nothing written is lost."}},
		{"the server's own", func(r *page.Run) { r.Notices = []page.Notice{{Tone: "bad", Text: "History unavailable."}} }, []string{"bad: History unavailable."}},
	} {
		run := moving()
		tt.change(&run)
		var got []string
		for _, n := range run.Strips() {
			got = append(got, n.Tone+": "+plain(n.Text))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestLists(t *testing.T) {
	run := moving()
	run.Problems, run.Streams, run.Working, run.Fetched, run.Reading = nil, nil, nil, nil, nil
	for i := range 500 {
		run.Problems = append(run.Problems, core.Problem{Fingerprint: fmt.Sprint(i), Count: int64(i)})
		run.Streams = append(run.Streams, core.StreamCounts{Source: "home", Stream: fmt.Sprint(i), Found: 2, Written: 1, Failed: 1})
		run.Working = append(run.Working, core.Work{Item: fmt.Sprint(i), SinceMS: int64(1000 - i)})
	}
	causes := run.Causes(false)
	if len(causes.Listed) != 50 || causes.Hidden != 450 || causes.Listed[0].Count != 499 || causes.Items != 499*500/2 {
		t.Errorf("causes: %d listed, %d hidden, first %d, %d items", len(causes.Listed), causes.Hidden, causes.Listed[0].Count, causes.Items)
	}
	sources, sum := run.Coverage()
	if len(sources) != 1 || len(sources[0].Rows) != 100 || sources[0].Hidden != 400 {
		t.Fatalf("coverage: %d sources, %d rows, %d hidden", len(sources), len(sources[0].Rows), sources[0].Hidden)
	}
	if sum.Found != 1000 || !reflect.DeepEqual(sum, sources[0].Sum) || page.Left(sum) != 0 {
		t.Errorf("the sum leaves out what is not listed: %+v", sum)
	}
	listed, hidden := run.InWork()
	if len(listed) != 16 || hidden != 484 || listed[0].Item != "499" {
		t.Errorf("working: %d listed, %d hidden, first %s", len(listed), hidden, listed[0].Item)
	}
}

// TestHostileText plants markup in everything that comes from a source and looks for elements and attributes that only
// it can have made.
func TestHostileText(t *testing.T) {
	const evil = `"><img src=x onerror=alert(1)><script>alert(2)</script></hx-partial><hx-partial hx-target="body">`
	run := moving()
	run.Name, run.Config, run.Reason, run.Actor, run.Doing, run.ResultID = evil, evil, evil, evil, evil, evil
	run.ConfigDigest = evil
	run.Outputs = []string{evil}
	run.Problems = []core.Problem{{Fingerprint: evil, Stage: evil, Code: evil, Source: evil, Message: evil, Detail: evil, Suggestion: evil, Count: 1, Examples: []string{evil}}}
	run.Streams = []core.StreamCounts{{Source: evil, Stream: evil, Title: evil}}
	run.Plugins = []core.PluginUse{{Source: evil, Plugin: evil, Version: evil}}
	run.Caches = []core.CacheCounts{{Cache: evil, Hits: 1}}
	run.Kinds = map[string]int64{evil: 1}
	run.Fetched = []core.Fetched{{Source: evil, Requests: 1}}
	run.Reading = []core.Reading{{Source: evil, Step: evil}}
	run.Working = []core.Work{{Stage: evil, Item: evil}}
	run.Recent = []core.Recent{{AssetID: evil, URI: evil}, {AssetID: strings.Repeat("b", 64), URI: evil}}
	run.Commands = []page.Command{{Label: evil, Line: evil}}
	ended := run
	ended.State = core.Failed
	list := page.NewRuns([]core.Summary{ended.Summary}, &run.Snapshot, 100, minute)
	for name, c := range map[string]page.Region{
		"run":     {Body: page.RunPage(page.Site{}, run, page.Stream{})},
		"ended":   {Body: page.RunPage(page.Site{}, ended, page.Stream{})},
		"list":    {Body: page.RunsPage(page.Site{}, list, page.Stream{})},
		"message": {Body: page.Message(page.Site{}, evil, evil, run.Commands)},
	} {
		doc, raw := render(t, c.Body)
		if !strings.Contains(raw, "&lt;script&gt;alert(2)") {
			t.Errorf("%s: the text is not there at all", name)
		}
		if strings.Contains(raw, "<hx-partial") {
			t.Errorf("%s: an envelope got through", name)
		}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if n.Data == "script" && (attribute(n, "defer") != "" || n.FirstChild != nil) {
				t.Errorf("%s: a script got through", name)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" {
					t.Errorf("%s: <%s %s=%q>", name, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

func TestActions(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*page.Run)
		want   string
	}{
		{"nobody can cancel it", func(*page.Run) {}, ""},
		{"first", func(r *page.Run) { r.Cancel = true }, "Cancel run"},
		{"second", func(r *page.Run) { r.Cancel, r.Asked = true, true }, "Keep running Cancel: click again"},
		{"asked for", func(r *page.Run) { r.Cancel, r.Cancelling = true, true }, "Cancelling…"},
		{"under way", func(r *page.Run) { r.State = core.Cancelling }, "Cancelling…"},
		{"over", func(r *page.Run) { r.Cancel, r.Cancelling, r.State = true, true, core.Cancelled }, ""},
	} {
		run := moving()
		tt.change(&run)
		doc, _ := render(t, page.Actions(run))
		if got := text(doc); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestFacts(t *testing.T) {
	for _, test := range []struct {
		fact core.Fact
		want string
	}{
		{core.Fact{Name: "live_files", Number: 12_345}, "live files: 12\u202f345"},
		{core.Fact{Name: "x", Label: "Form", Text: "LevelDB", Number: 7}, "Form: LevelDB"},
		{core.Fact{Name: "size", Number: 2_000, Unit: "bytes"}, "size: 2.0\u202fkB"},
		{core.Fact{Name: "took", Number: 90_000, Unit: "ms"}, "took: 1\u202fmin 30\u202fs"},
		{core.Fact{Name: "depth", Number: 3, Unit: "levels"}, "depth: 3 levels"},
	} {
		if got := page.FactLabel(test.fact) + ": " + page.FactValue(test.fact); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
	calm := []core.Fact{{Name: "form", Text: "scroll"}, {Name: "tables", Number: 2}}
	if got, notable := page.FactsBrief(calm); got != "scroll" || notable {
		t.Errorf("%q, %v", got, notable)
	}
	if got, notable := page.FactsBrief([]core.Fact{{Name: "pages", Number: 152}, calm[0]}); got != "pages: 152" || notable {
		t.Errorf("%q, %v", got, notable)
	}
	torn := append(slices.Clone(calm), core.Fact{Name: "torn", Number: 1, Notable: true}, core.Fact{Name: "lost", Number: 2, Notable: true})
	if got, notable := page.FactsBrief(torn); got != "torn: 1 · lost: 2" || !notable {
		t.Errorf("%q, %v", got, notable)
	}
}

// TestCompendiumRun: a run that makes the compendium has no pictures and no links, and says what it makes.
func TestCompendiumRun(t *testing.T) {
	run := moving()
	run.Compendium, run.Outputs = true, nil
	var names []string
	for _, row := range run.StageRows() {
		names = append(names, row.Stage)
	}
	if got := strings.Join(names, " "); got != "read entities write" {
		t.Errorf("stages %q", got)
	}
	doc, _ := render(t, page.RunPage(page.Site{}, run, page.Stream{}))
	if got := only(t, doc, "#facts"); !strings.Contains(got, "Output the compendium") {
		t.Errorf("facts %q", got)
	}
}
