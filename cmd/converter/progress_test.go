package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// reading is a run that reads two sources.
func reading() core.Snapshot {
	return core.Snapshot{
		Doing: "reading",
		Summary: core.Summary{
			ID: "r-0001", State: core.Running,
			Stages:  []core.StageCounts{{Stage: "read", Total: 100, Found: 50, Written: 50}, {Stage: "entities", Total: 100, Found: 50, Written: 25}},
			Fetched: []core.Fetched{{Source: "web", Requests: 11, Retries: 2, Hits: 3, Misses: 8, Bytes: 3_400_000, InFlight: 3}, {Source: "wiki", Requests: 1}},
			Streams: []core.StreamCounts{
				{Source: "home", Stream: "pack"},
				{Source: "web", Stream: "spells", Fetched: 198, Expected: 200, Unread: []core.Unread{{Code: "rest.bad_record", Count: 2}}},
			},
			Caches: []core.CacheCounts{{Cache: "http", Hits: 3, Misses: 8}},
		},
		Reading: []core.Reading{{Source: "home"}, {Source: "web", Step: "page 12\x1b[2J of 320"}, {Source: "wiki", Step: "reading pages, 3 of 9"}},
	}
}

// TestBlock is what is shown while sources are read: what each of them does, and what they fetched.
func TestBlock(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*core.Snapshot)
		want   string
	}{
		{"two sources that fetch", func(*core.Snapshot) {}, `
			read      ━━━━━━━━━━━━━━──────────────  50%  50/100
			entities  ━━━━━━━─────────────────────  25%  25/100
			fetched   12 requests · 3.4 MB · 2 sent again · 3 under way
			web       page 12 [2J of 320
			wiki      reading pages, 3 of 9
			reading · 27% cached · 0.0s`},
		{"about so many", func(s *core.Snapshot) {
			s.Stages[0].Estimated = true
			s.Stages[1].Estimated, s.Stages[1].Found = true, 101 // more came than was thought
			s.Reading, s.Fetched = nil, nil
		}, `
			read      ━━━━━━━━━━━━━━──────────────  50%  50/~100
			entities  ━━━━━━──────────────────────  24%  25/101
			reading · 27% cached · 0.0s`},
		{"one that says it all", func(s *core.Snapshot) {
			s.Reading, s.Doing = s.Reading[2:], "reading pages, 3 of 9"
			s.Stages, s.Caches, s.Fetched = nil, nil, s.Fetched[1:]
		}, `
			fetched   1 request · 0 B
			reading pages, 3 of 9 · 0.0s`},
		{"nothing is fetched", func(s *core.Snapshot) { s.Stages, s.Reading, s.Fetched = nil, nil, nil }, `
			reading · 27% cached · 0.0s`},
		{"all came from the cache", func(s *core.Snapshot) {
			s.Stages, s.Reading, s.Fetched = nil, nil, []core.Fetched{{Source: "web", Hits: 3}}
		}, `
			reading · 27% cached · 0.0s`},
		{"all is read", func(s *core.Snapshot) {
			s.Reading, s.Doing, s.Stages = nil, "making pictures", []core.StageCounts{{Stage: "read", Ended: true}}
		}, `
			making pictures · 27% cached · 0.0s`},
		{"it has ended", func(s *core.Snapshot) {
			s.Reading, s.Doing, s.Stages, s.Fetched, s.Caches = nil, "", nil, nil, nil
		}, `
			0.0s`},
		{"many sources", func(s *core.Snapshot) {
			s.Stages, s.Caches, s.Fetched, s.Reading = nil, nil, nil, nil
			for range 2 * shownSteps {
				s.Reading = append(s.Reading, core.Reading{Source: "s", Step: "busy"})
			}
		}, strings.Repeat(`
			s         busy`, shownSteps) + `
			reading · 0.0s`},
	} {
		s := reading()
		c.change(&s)
		p := progress{started: time.Now()}
		if got, want := p.draw(s), strings.TrimPrefix(strings.ReplaceAll(c.want, "\t", ""), "\n"); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, want)
		}
	}
}

// TestLines is the same where there is no terminal: text, and JSON for programs.
func TestLines(t *testing.T) {
	var b strings.Builder
	p := progress{terminal: newTerminal(&b, progressPlain)}
	p.plain(reading(), false)
	if want := "reading · 25 of 100 entities · fetched 12 requests · 3.4 MB · 2 sent again · 3 under way\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	about := reading()
	about.Stages[1].Estimated, about.Fetched = true, nil
	p = progress{terminal: newTerminal(&b, progressPlain)}
	p.plain(about, false)
	if want := "reading · 25 of about 100 entities\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	b.Reset()
	p.json(reading())
	var line struct {
		Fetched []core.Fetched
		Reading []core.Reading
		Streams []streamLine
	}
	if err := json.Unmarshal([]byte(b.String()), &line); err != nil {
		t.Fatal(err)
	}
	if len(line.Fetched) != 2 || line.Fetched[0] != reading().Fetched[0] || len(line.Reading) != 3 || line.Reading[2] != reading().Reading[2] {
		t.Errorf("got %s", b.String())
	}
	if len(line.Streams) != 1 || line.Streams[0].Fetched != 198 || line.Streams[0].Expected != 200 || len(line.Streams[0].Unread) != 1 {
		t.Errorf("streams %+v", line.Streams)
	}
	b.Reset()
	p.json(core.Snapshot{})
	if strings.Contains(b.String(), "fetched") || strings.Contains(b.String(), "reading") {
		t.Errorf("nothing is fetched, and it says %s", b.String())
	}
}

// TestWhatWasFetched is what is said at the end of a run and by runs show.
func TestWhatWasFetched(t *testing.T) {
	s := reading().Summary
	s.Fetched[0] = core.Fetched{
		Source: "web", Requests: 1412, Retries: 7, Confirmed: 80, Bytes: 3_400_000, LimitWaitUS: 12_000_000, PauseWaitUS: 1_500_000, BackoffWaitUS: 300_000,
		MostInFlight: 6,
	}
	s.Fetched[1].Requests = 0
	web := "1 412 requests (7 sent again) · 80 not modified · 3.4 MB · its requests waited 12s for the limit, " +
		"1.5s while the server wanted rest, 0.3s before another try · at most 6 at a time"
	want := []string{"web: " + web, "web: spells: 198 of 200 · not read: 2 × rest.bad_record"}
	if got := fetchedLines(s); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	var b strings.Builder
	if err := printFetched(&b, s); err != nil {
		t.Fatal(err)
	}
	shown := "\nweb fetched " + web + "\n\nSOURCE  STREAM  FETCHED     NOT READ\nweb     spells  198 of 200  2 × rest.bad_record\n"
	if b.String() != shown {
		t.Errorf("%q, want %q", b.String(), shown)
	}
	if got := fetchedLines(core.Summary{}); len(got) != 0 {
		t.Errorf("nothing was fetched, and it says %q", got)
	}
}

func TestSized(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 9_960: "10 kB", 3_400_000: "3.4 MB", 999_600_000: "1.0 GB", 5_000_000_000_000: "5.0 TB",
	} {
		if got := sized(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}
