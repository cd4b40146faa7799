package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// The lists of a run page are bounded, because the whole of a region is sent whenever it changes.
const (
	problemLimit = 50
	streamLimit  = 100
	workLimit    = 16
)

// stall is the silence after which a running run says that nothing has been finished.
const stall = 30 * time.Second

// Command is a line to copy into a terminal.
type Command struct {
	Label string // what it does: run this again
	Line  string
}

// Notice is a strip above the numbers.
type Notice struct {
	Tone string // bad, warn, calm
	Text string
}

// Run is one run as its page shows it.
type Run struct {
	core.Snapshot

	Now        time.Time
	Here       bool // it is the run of this process
	Cancel     bool // it can be cancelled from here
	Asked      bool // cancelling was asked for once; the second click does it
	Cancelling bool // cancelling was asked for, its state does not say so yet
	Pictures   bool // pictures can be opened
	Commands   []Command
	Notices    []Notice // of the server, such as a history that cannot be read
}

// NewRun returns the view of a run that another process converts or has converted.
func NewRun(s core.Summary, now time.Time) Run {
	s = Settle(s, now)
	snapshot := core.Snapshot{Summary: s, AtMS: now.UnixMilli()}
	if s.State.Ended() {
		snapshot.AtMS = s.EndedMS
	}
	return Run{Snapshot: snapshot, Now: now}
}

// Moving says that the numbers still change.
func (r Run) Moving() bool { return !r.State.Ended() }

// Title names the page in the browser's tab.
func (r Run) Title() string {
	state := string(r.State)
	if r.State == core.Running {
		if p := r.Progress(); p.Known {
			state = p.Percent()
		}
	}
	return state + " · " + r.Label() + " · converter"
}

// Label is the run's name, or its id when it has none.
func (r Run) Label() string { return label(r.Summary) }

func label(s core.Summary) string {
	if s.Name != "" {
		return s.Name
	}
	return s.ID
}

// Say is what a screen reader is told: the state, and the progress in tenths so that it does not speak all the time.
func (r Run) Say() string {
	switch {
	case r.State == core.Running:
		p := r.Progress()
		if !p.Known {
			return "The run is still discovering items."
		}
		return fmt.Sprintf("The run is at %d percent.", p.hundredths()/10*10)
	case r.State.Ended():
		items, causes := r.Failures()
		if items == 0 {
			return fmt.Sprintf("The run has ended: %s.", r.State)
		}
		return fmt.Sprintf("The run has ended: %s, %s in %s.", r.State,
			Count(items, "failure", "failures"), Count(int64(causes), "cause", "causes"))
	default:
		return fmt.Sprintf("The run is %s.", r.State)
	}
}

// Progress is how far a run is, over all of its stages.
type Progress struct {
	Done, Total int64
	About       bool // Total is an estimate
	Known       bool // the sources have said how much there is
	Ended       bool
}

// Progress adds up the stages. Every record becomes an entity, so the entities are expected from the start; pictures,
// links and files join when they are known.
func (r Run) Progress() Progress { return progress(&r.Summary) }

func progress(s *core.Summary) Progress {
	read := s.Stage(core.StageRead)
	p := Progress{Known: read.Total > 0 || read.Ended, Ended: s.State.Ended()}
	for stage := range core.StageCount {
		c := s.Stage(stage)
		p.Done += c.Done()
		p.Total += expected(s, stage)
		p.About = p.About || c.About()
	}
	p.Known = p.Known && p.Total > 0
	return p
}

// aboutWord stands before a number that is an estimate.
func aboutWord(about bool) string {
	if about {
		return "about "
	}
	return ""
}

func expected(s *core.Summary, stage core.Stage) int64 {
	c := s.Stage(stage)
	total := max(c.Total, c.Found, c.Done())
	if stage == core.StageEntities && !c.Ended && c.Total == 0 {
		read := s.Stage(core.StageRead)
		total = max(total, read.Total, read.Found)
	}
	return total
}

func (p Progress) hundredths() int64 {
	if p.Total == 0 {
		return 0
	}
	percent := p.Done * 100 / p.Total
	if !p.Ended {
		percent = min(percent, 99)
	}
	return percent
}

// Percent writes the share that is done; a run that has not ended is never at 100 %.
func (p Progress) Percent() string {
	return fmt.Sprintf("%d%s%%", p.hundredths(), thin)
}

// Elapsed is how long the run has taken so far, or took.
func (r Run) Elapsed() time.Duration { return elapsed(r.Summary, r.Now) }

// elapsed leaves the pauses between the attempts at a run out.
func elapsed(s core.Summary, now time.Time) time.Duration {
	return time.Duration(s.WorkedMS(now.UnixMilli())) * time.Millisecond
}

// Resumed says how often the run was taken up again.
func (r Run) Resumed() string {
	switch n := len(r.Attempts); n {
	case 0:
		return ""
	case 1:
		return "once"
	case 2:
		return "twice"
	default:
		return Count(int64(n), "time", "times")
	}
}

// attempt says what became of an earlier attempt.
func attempt(a core.Attempt) string {
	return join(string(a.State)+" after "+Took(time.Duration(a.EndedMS-a.StartedMS)*time.Millisecond), a.Reason)
}

// StoreWords say how the rows get into the store: what is stored, what waits, and what went wrong.
func (r Run) StoreWords() []string {
	s := r.Storing
	if s.Batches == 0 && s.Waiting == 0 && s.Failures == 0 {
		return nil
	}
	words := []string{join(Count(s.Rows, "row", "rows")+" stored in "+Count(s.Batches, "batch", "batches"), Count(s.Waiting, "row waits", "rows wait"))}
	if s.Batches > 0 {
		words = append(words, "a batch takes "+micro(s.TotalUS/s.Batches)+" on average, the longest took "+micro(s.LongestUS))
	}
	if s.Replaced > 0 {
		words = append(words, Count(s.Replaced, "row was", "rows were")+" put again before they were stored, and stored once")
	}
	if s.Waits > 0 {
		words = append(words, "workers waited "+Count(s.Waits, "time", "times")+" for the store, "+micro(s.WaitedUS)+" in all")
	}
	if s.FlushedUS > 0 {
		words = append(words, "the run waited "+micro(s.FlushedUS)+" until all was stored")
	}
	if s.Failures > 0 {
		words = append(words, Count(s.Failures, "batch", "batches")+" had to be sent again")
	}
	if s.Refused > 0 {
		words = append(words, Count(s.Refused, "row was", "rows were")+" refused")
	}
	return append(words, r.meetings()...)
}

// meetings say how often workers waited for another who had the same thing in hand.
func (r Run) meetings() []string {
	what := map[string]string{
		"picture":  "for another to render the same content",
		"download": "for another to fetch the same address",
	}
	var words []string
	for _, m := range r.Meetings {
		if m.Waits > 0 && what[m.Place] != "" {
			words = append(words, "workers waited "+Count(m.Waits, "time", "times")+" "+what[m.Place]+", "+micro(m.WaitedUS)+" in all")
		}
	}
	return words
}

func micro(us int64) string {
	if us < 10_000_000 {
		return fmt.Sprintf("%.1f%sms", float64(us)/1000, thin)
	}
	return Took(time.Duration(us) * time.Microsecond)
}

// ETA is the time that is left, 0 when nobody can tell.
func (r Run) ETA() time.Duration {
	if !r.Moving() || r.ETAMS <= 0 {
		return 0
	}
	return time.Duration(r.ETAMS) * time.Millisecond
}

// Average is finished items a second over the whole run, of the stages that the rate of a moving run is made of: an
// item that was read, stored and linked counts once.
func (r Run) Average() float64 {
	seconds := r.Elapsed().Seconds()
	if seconds < 0.1 {
		return 0
	}
	var done int64
	for _, stage := range []core.Stage{core.StageEntities, core.StageAssets, core.StageWrite} {
		c := r.Stage(stage)
		done += c.Written + c.Cached
	}
	return float64(done) / seconds
}

// Entities is how many entities the outputs have, new ones and those taken from an earlier result.
func (r Run) Entities() int64 { return entities(r.Summary) }

func entities(s core.Summary) int64 {
	c := s.Stage(core.StageEntities)
	return c.Written + c.Cached
}

// Strips are the notices of the run: those of the server, then those its numbers ask for.
func (r Run) Strips() []Notice {
	strips := slices.Clone(r.Notices)
	switch {
	case r.State == core.Interrupted:
		text := "Interrupted at " + r.Progress().Percent() + "; nothing written is lost."
		if r.Resumable() {
			text += " What was stored is kept: it goes on from there with the command under “About this run”."
		}
		strips = append(strips, Notice{"warn", text})
	case r.State == core.Failed && r.Reason != "":
		strips = append(strips, Notice{"bad", sentence(r.Reason)})
	case r.State.Ended() && r.State != core.Cancelled && foundNothing(r.Summary):
		strips = append(strips, Notice{"warn", "The sources listed 0 items. Check the path or filter."})
	case !r.Here && r.Moving():
		strips = append(strips, Notice{"calm", "This run belongs to another process: it is watched through the database, every 2 seconds."})
	}
	if silent := r.silent(); silent >= stall {
		strips = append(strips, Notice{"warn", "No item has been finished for " + Took(silent.Truncate(time.Second)) + r.slowest() + "."})
	}
	return strips
}

func (r Run) silent() time.Duration {
	if !r.Here || r.State != core.Running {
		return 0
	}
	last := max(r.LastMS, r.StartedMS, r.ResumedMS)
	return r.Now.Sub(time.UnixMilli(last))
}

func (r Run) slowest() string {
	if len(r.Working) == 0 {
		return ""
	}
	w := slices.MinFunc(r.Working, func(a, b core.Work) int { return cmp.Compare(a.SinceMS, b.SinceMS) })
	return "; slowest: " + w.Stage + " " + w.Item
}

// sentence gives a reason a capital letter and a full stop.
func sentence(text string) string {
	runes := []rune(text)
	if runes[0] >= 'a' && runes[0] <= 'z' {
		runes[0] += 'A' - 'a'
	}
	switch runes[len(runes)-1] {
	case '.', '!', '?':
	default:
		runes = append(runes, '.')
	}
	return string(runes)
}

// StageRow is one stage with how much of it is expected.
type StageRow struct {
	core.StageCounts

	Expected int64 // the total as far as it is known
	Open     int64 // came, and has no outcome yet
}

// StageRows lists all stages, those the run has not come to with zeros.
func (r Run) StageRows() []StageRow {
	rows := make([]StageRow, 0, core.StageCount)
	for stage := range core.StageCount {
		if r.Compendium && (stage == core.StageAssets || stage == core.StageLink) {
			continue // it has neither
		}
		c := r.Stage(stage)
		rows = append(rows, StageRow{
			StageCounts: c,
			Expected:    expected(&r.Summary, stage),
			Open:        max(0, c.Found-c.Done()),
		})
	}
	return rows
}

// AnyCancelled says that the stages need a column for cancelled items.
func (r Run) AnyCancelled() bool {
	return slices.ContainsFunc(r.Stages, func(c core.StageCounts) bool { return c.Cancelled > 0 })
}

// AnyOpen says that a stage has items without an outcome: in work, or unaccounted for once the run has ended.
func (r Run) AnyOpen() bool {
	return slices.ContainsFunc(r.StageRows(), func(s StageRow) bool { return s.Open > 0 })
}

// Causes are the problems of one sort, the largest first, and what of them is not listed.
type Causes struct {
	Listed []core.Problem
	Items  int64 // of all causes
	All    int
	Hidden int
}

// Causes returns the failures, or the warnings.
func (r Run) Causes(warnings bool) Causes {
	var c Causes
	for _, p := range r.Problems {
		if p.Warning == warnings {
			c.Listed = append(c.Listed, p)
			c.Items += p.Count
		}
	}
	slices.SortStableFunc(c.Listed, func(a, b core.Problem) int { return cmp.Compare(b.Count, a.Count) })
	c.All = len(c.Listed)
	if c.All > problemLimit {
		c.Hidden = c.All - problemLimit
		c.Listed = c.Listed[:problemLimit]
	}
	return c
}

// InWork lists the items workers have in hand, the oldest first, and how many are not listed.
func (r Run) InWork() (listed []core.Work, hidden int) {
	listed = slices.Clone(r.Working)
	slices.SortStableFunc(listed, func(a, b core.Work) int { return cmp.Compare(a.SinceMS, b.SinceMS) })
	if len(listed) > workLimit {
		return listed[:workLimit], len(listed) - workLimit
	}
	return listed, 0
}

// Shown lists the latest pictures that have an address, each once.
func (r Run) Shown() []core.Recent {
	if !r.Pictures {
		return nil
	}
	var shown []core.Recent
	for _, p := range r.Recent {
		twin := slices.ContainsFunc(shown, func(s core.Recent) bool { return s.AssetID == p.AssetID })
		if !twin && PicturePath(p.AssetID, "thumbnail") != "" {
			shown = append(shown, p)
		}
	}
	return shown
}

// Since is how long an item has been in hand.
func (r Run) Since(w core.Work) time.Duration {
	return max(0, r.Now.Sub(time.UnixMilli(w.SinceMS))).Truncate(100 * time.Millisecond)
}

// CountedKind is how many entities of a kind were written.
type CountedKind struct {
	Kind  string
	Count int64
}

// KindRows lists the kinds in their own order.
func (r Run) KindRows() []CountedKind {
	rows := make([]CountedKind, 0, len(r.Kinds))
	for kind, n := range r.Kinds {
		rows = append(rows, CountedKind{kind, n})
	}
	place := func(kind string) int {
		if i := slices.Index(core.Kinds[:], kind); i >= 0 {
			return i
		}
		return len(core.Kinds)
	}
	slices.SortFunc(rows, func(a, b CountedKind) int {
		if d := place(a.Kind) - place(b.Kind); d != 0 {
			return d
		}
		return strings.Compare(a.Kind, b.Kind)
	})
	return rows
}

// openWord heads the column of items without an outcome. A run that came to its end has none: what is left is a fault
// of the accounting, and shown as one. A run that was stopped before simply did not get there.
func openWord(r Run) string {
	switch {
	case r.Moving():
		return "Open"
	case r.State == core.Succeeded || r.State == core.Partial:
		return "Unaccounted"
	default:
		return "Not done"
	}
}

func openTone(r Run) string {
	if r.State == core.Succeeded || r.State == core.Partial {
		return "bad"
	}
	return ""
}

// LevelHits are the hits of all caches that have two levels.
func (r Run) LevelHits() (memory, store int64) {
	for _, c := range r.Caches {
		memory += c.L1.Hits
		store += c.L2.Hits
	}
	return memory, store
}

// Leveled says that any cache has two levels; what was kept of older runs has none.
func (r Run) Leveled() bool { return slices.ContainsFunc(r.Caches, core.CacheCounts.Leveled) }

// CacheAside says what a cache holds, and what went wrong with it.
func CacheAside(c core.CacheCounts) string {
	var words []string
	add := func(n int64, text string) {
		if n > 0 {
			words = append(words, text)
		}
	}
	add(c.Entries, Count(c.Entries, "entry", "entries")+" with "+Bytes(c.Bytes)+" in memory")
	add(c.Shared, Count(c.Shared, "wait", "waits")+" for the same lookup")
	add(c.Corrupt, Count(c.Corrupt, "damaged row", "damaged rows")+" dropped")
	add(c.Fallbacks, Count(c.Fallbacks, "lookup", "lookups")+" without the store")
	add(c.Dropped, Number(c.Dropped)+" not stored")
	return join(words...)
}
