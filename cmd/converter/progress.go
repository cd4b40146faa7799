package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/seed-98789ff7/converter/core"
)

// The ways of showing progress.
const (
	progressAuto  = "auto"  // tty on a terminal, else plain
	progressTTY   = "tty"   // a block that is drawn again and again
	progressPlain = "plain" // a line now and then
	progressJSON  = "json"  // a JSON object a line
	progressNone  = "none"
)

// terminal is standard error, which progress and logs share: a log line scrolls above the block.
type terminal struct {
	out   io.Writer
	mode  string
	width int

	mu    sync.Mutex // guards what follows
	drawn int        // lines of the block on the screen
	block string
}

// newTerminal decides once how progress is shown.
func newTerminal(out io.Writer, mode string) *terminal {
	t := &terminal{out: out, mode: mode, width: 80}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			t.width = w
		}
		if mode == progressAuto && os.Getenv("TERM") != "dumb" {
			t.mode = progressTTY
		}
	}
	if t.mode == progressAuto {
		t.mode = progressPlain
	}
	return t
}

// Write writes a log line above the block.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
	n, err := t.out.Write(p)
	t.paint()
	return n, err
}

// draw replaces the block.
func (t *terminal) draw(block string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.erase()
	t.block = block
	t.paint()
}

func (t *terminal) erase() {
	if t.drawn > 0 {
		fmt.Fprintf(t.out, "\r\x1b[%dA\x1b[J", t.drawn)
		t.drawn = 0
	}
}

func (t *terminal) paint() {
	if t.block == "" {
		return
	}
	lines := strings.Split(t.block, "\n")
	for i, line := range lines {
		if r := []rune(line); len(r) > t.width {
			lines[i] = string(r[:t.width-1]) + "…"
		}
	}
	fmt.Fprintln(t.out, strings.Join(lines, "\n"))
	t.drawn = len(lines)
}

// progress shows how a run goes on.
type progress struct {
	terminal *terminal
	snapshot func() core.Snapshot
	url      string
	started  time.Time

	said     time.Time // of the last plain line
	done     int64     // at the last plain line
	doing    string    // at the last line of JSON
	problems map[string]int64
}

// The rhythm of each way of showing progress.
const (
	drawEvery  = 200 * time.Millisecond
	plainEvery = 10 * time.Second
	jsonEvery  = time.Second
)

// run shows progress until ctx ends, and once more then.
func (p *progress) run(ctx context.Context) {
	p.started, p.said, p.problems = time.Now(), time.Now(), map[string]int64{}
	tick := time.NewTicker(drawEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.show(p.snapshot(), false)
		case <-ctx.Done():
			p.show(p.snapshot(), true)
			return
		}
	}
}

func (p *progress) show(s core.Snapshot, last bool) {
	switch p.terminal.mode {
	case progressTTY:
		if last {
			p.terminal.draw("")
			return
		}
		p.terminal.draw(p.draw(s))
	case progressPlain:
		p.plain(s, last)
	case progressJSON:
		if !last && s.Doing == p.doing && time.Since(p.said) < jsonEvery {
			return
		}
		p.said, p.doing = time.Now(), s.Doing
		p.json(s)
	}
}

// draw makes the block: a line a stage, a few on what the sources do, and one that sums up.
func (p *progress) draw(s core.Snapshot) string {
	var b strings.Builder
	for _, c := range s.Stages {
		if c.Found == 0 && c.Total == 0 {
			continue
		}
		fmt.Fprintf(&b, "%-9s %s  %s/%s\n", c.Stage, bar(c), grouped(c.Done()), totalOf(c, "~"))
	}
	if f := fetched(s); f != "" { // a line of its own, so that what follows the step is not pushed out of a narrow terminal
		fmt.Fprintf(&b, "%-9s %s\n", "fetched", f)
	}
	b.WriteString(steps(s))
	var parts []string
	if s.Doing != "" {
		parts = append(parts, plain(s.Doing))
	}
	if s.Rate >= 0.5 {
		parts = append(parts, fmt.Sprintf("%.0f/s", s.Rate))
	}
	if s.ETAMS >= 1000 {
		parts = append(parts, "eta "+took(time.Duration(s.ETAMS)*time.Millisecond))
	}
	if hits, lookups := s.CacheRate(); lookups > 0 {
		parts = append(parts, fmt.Sprintf("%d%% cached", hits*100/lookups))
	}
	if items, causes := s.Failures(); items > 0 {
		parts = append(parts, fmt.Sprintf("%s failed in %s", grouped(items), plural(causes, "cause")))
	}
	parts = append(parts, took(time.Since(p.started)))
	if p.url != "" {
		parts = append(parts, p.url)
	}
	b.WriteString(strings.Join(parts, " · "))
	return b.String()
}

// shownSteps is how many sources say how far they are; the dashboard has them all.
const shownSteps = 5

// steps has a line for each source that says how far its reading is, unless the run's own step says it.
func steps(s core.Snapshot) string {
	var b strings.Builder
	shown := 0
	for _, r := range s.Reading {
		if r.Step == "" || r.Step == s.Doing || shown == shownSteps {
			continue
		}
		fmt.Fprintf(&b, "%-9s %s\n", r.Source, plain(r.Step))
		shown++
	}
	return b.String()
}

// fetched says what the sources have fetched, while they are being read.
func fetched(s core.Snapshot) string {
	all := s.AllFetched()
	if all.Requests == 0 || s.Stage(core.StageRead).Ended {
		return ""
	}
	line := fmt.Sprintf("%s · %s", counted(all.Requests, "request"), sized(all.Bytes))
	if all.Retries > 0 {
		line += fmt.Sprintf(" · %s sent again", grouped(all.Retries))
	}
	if all.InFlight > 0 {
		line += fmt.Sprintf(" · %s under way", grouped(all.InFlight))
	}
	return line
}

// totalOf is how many items there are to a stage, with a word before it where that is an estimate that has not been exceeded.
func totalOf(c core.StageCounts, about string) string {
	if c.About() {
		return about + grouped(c.Total)
	}
	return grouped(max(c.Total, c.Found))
}

const barWidth = 28

func bar(c core.StageCounts) string {
	total := max(c.Total, c.Found)
	filled := 0
	percent := "     "
	if total > 0 {
		filled = int(c.Done() * barWidth / total)
		percent = fmt.Sprintf("%4d%%", c.Done()*100/total)
	}
	return strings.Repeat("━", filled) + strings.Repeat("─", barWidth-filled) + percent
}

// plain says a line every ten seconds, or every tenth part of the entities.
func (p *progress) plain(s core.Snapshot, last bool) {
	c := s.Stage(core.StageEntities)
	done := c.Done()
	tenth := max(1, max(c.Total, c.Found)/10)
	if last || time.Since(p.said) < plainEvery && done-p.done < tenth {
		return
	}
	p.said, p.done = time.Now(), done
	images := s.Stage(core.StageAssets)
	line := fmt.Sprintf("%s · %s of %s entities", plain(s.Doing), grouped(done), totalOf(c, "about "))
	if images.Found > 0 {
		line += fmt.Sprintf(" · %s of %s images", grouped(images.Done()), grouped(max(images.Total, images.Found)))
	}
	if f := fetched(s); f != "" {
		line += " · fetched " + f
	}
	if items, causes := s.Failures(); items > 0 {
		line += fmt.Sprintf(" · %s failed in %s", grouped(items), plural(causes, "cause"))
	}
	fmt.Fprintln(p.terminal, line)
}

// status is a line of --progress json.
type status struct {
	Type    string             `json:"type"` // status
	Run     string             `json:"run"`
	State   core.State         `json:"state"`
	Doing   string             `json:"doing,omitempty"`
	Stages  []core.StageCounts `json:"stages"`
	Rate    float64            `json:"rate"`
	ETAMS   int64              `json:"eta_ms,omitempty"`
	Hits    int64              `json:"cache_hits"`
	Lookups int64              `json:"cache_lookups"`
	Fetched []core.Fetched     `json:"fetched,omitempty"`
	Reading []core.Reading     `json:"reading,omitempty"`
	Streams []streamLine       `json:"streams,omitempty"`
	Failed  int64              `json:"failed"`
	Causes  int                `json:"causes"`
	Storing core.Storing       `json:"storing"`
	Meet    []core.Meeting     `json:"meetings,omitempty"`
}

// problemLine is a line of --progress json: a cause that is new, or has more items than when it was told last.
type problemLine struct {
	Type string `json:"type"` // problem

	core.Problem
}

func (p *progress) json(s core.Snapshot) {
	for _, problem := range s.Problems {
		if p.problems[problem.Fingerprint] != problem.Count {
			p.problems[problem.Fingerprint] = problem.Count
			p.line(problemLine{Type: "problem", Problem: problem})
		}
	}
	items, causes := s.Failures()
	hits, lookups := s.CacheRate()
	p.line(status{
		Type: "status", Run: s.ID, State: s.State, Doing: s.Doing, Stages: s.Stages, Rate: s.Rate, ETAMS: s.ETAMS,
		Hits: hits, Lookups: lookups, Fetched: s.Fetched, Reading: s.Reading, Streams: streamLines(s), Failed: items, Causes: causes, Storing: s.Storing, Meet: s.Meetings,
	})
}

func (p *progress) line(v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err == nil {
		_, _ = p.terminal.Write(b.Bytes()) // a reader that went away does not end the run
	}
}

// grouped writes a number with narrow spaces between its thousands.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + " " + s[i:]
	}
	return s
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// counted is plural for large numbers.
func counted(n int64, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return grouped(n) + " " + word + "s"
}

// sized writes a number of bytes.
func sized(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	value := float64(n) / 1000
	for _, unit := range []string{"kB", "MB", "GB"} {
		switch {
		case value < 9.95:
			return fmt.Sprintf("%.1f %s", value, unit)
		case value < 999.5:
			return fmt.Sprintf("%.0f %s", value, unit)
		}
		value /= 1000
	}
	return fmt.Sprintf("%.1f TB", value)
}

func took(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0fs", d.Seconds())
	default:
		d = d.Round(time.Second)
		if d < time.Hour {
			return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
		}
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
}
