package page

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// SourceRows are the streams of one source.
type SourceRows struct {
	Source string
	Plugin string // with its version
	Rows   []core.StreamCounts
	Hidden int // streams that are not listed, but counted in Sum
	Sum    core.StreamCounts

	Fetched string // what it fetched, in words; empty: nothing
	Reading string // how far it is, in words; empty: it is not being read
}

// Coverage groups the streams by source, in the order they were announced, then has the sources that nothing came of yet.
// Streams beyond the limit are left out of the rows and stay in the sums.
func (r Run) Coverage() (sources []SourceRows, sum core.StreamCounts) {
	place := map[string]int{}
	of := func(source string) *SourceRows { // good until the next call
		i, known := place[source]
		if !known {
			i = len(sources)
			place[source] = i
			sources = append(sources, SourceRows{Source: source, Plugin: r.plugin(source)})
		}
		return &sources[i]
	}
	listed := 0
	for _, stream := range r.Streams {
		s := of(stream.Source)
		if listed < streamLimit {
			s.Rows = append(s.Rows, stream)
			listed++
		} else {
			s.Hidden++
		}
		add(&s.Sum, stream)
		add(&sum, stream)
	}
	for _, f := range r.Fetched {
		of(f.Source).Fetched = FetchedWords(f)
	}
	if r.Moving() {
		for _, reading := range r.Reading {
			of(reading.Source).Reading = join(cmp.Or(reading.Step, "reading"), r.lastRecord(reading))
		}
	}
	return sources, sum
}

// FetchedWords says what was fetched.
func FetchedWords(f core.Fetched) string {
	lookups := ""
	if f.Hits+f.Misses > 0 {
		lookups = fmt.Sprintf("cache: %s, %s (%s)",
			Count(f.Hits, "hit", "hits"), Count(f.Misses, "miss", "misses"), Percent(f.Hits, f.Hits+f.Misses))
	}
	if f.Requests == 0 && f.Bytes == 0 {
		return lookups
	}
	again, confirmed, flight := "", "", ""
	if f.Retries > 0 {
		again = Number(f.Retries) + " sent again"
	}
	if f.Confirmed > 0 {
		confirmed = Number(f.Confirmed) + " not modified"
	}
	if f.MostInFlight > 0 {
		flight = "at most " + Number(f.MostInFlight) + " at a time"
		if f.InFlight > 0 {
			flight = Number(f.InFlight) + " under way, " + flight
		}
	}
	return join("fetched "+Count(f.Requests, "request", "requests"), again, confirmed, Bytes(f.Bytes), flight, waitWords(f), lookups)
}

// waitWords says how long the requests of a source waited, all of them together, and for what.
func waitWords(f core.Fetched) string {
	var waits []string
	for _, w := range f.Waits() {
		waits = append(waits, Took(w.Time)+" "+w.For)
	}
	if len(waits) == 0 {
		return ""
	}
	return "requests waited " + strings.Join(waits, ", ")
}

// StreamProgress says how far the source of a stream is with it, and why it could not read some of it; empty: it has all of it, or
// says nothing.
func StreamProgress(c core.StreamCounts) string {
	far := ""
	if c.Expected > 0 && c.Fetched != c.Expected {
		far = Number(c.Fetched) + " of " + Number(c.Expected) + " fetched"
	}
	var unread []string
	for _, u := range c.Unread {
		unread = append(unread, Number(u.Count)+" × "+u.Code)
	}
	if len(unread) > 0 {
		unread[0] = "not read: " + unread[0]
	}
	return join(far, strings.Join(unread, ", "))
}

// FetchedSum says what all sources fetched, where that is more than what one of them did.
func (r Run) FetchedSum() string {
	if len(r.Fetched) < 2 {
		return ""
	}
	return FetchedWords(r.AllFetched())
}

// lastRecord says how long ago a source sent its last record, or began, when it has sent none.
func (r Run) lastRecord(reading core.Reading) string {
	since := func(ms int64) string { return Seconds(r.Now.Sub(time.UnixMilli(ms))) }
	if reading.LastMS == 0 {
		return "no record for " + since(reading.SinceMS)
	}
	return "last record " + since(reading.LastMS) + " ago"
}

func add(sum *core.StreamCounts, c core.StreamCounts) {
	sum.Found += c.Found
	sum.Written += c.Written
	sum.Skipped += c.Skipped
	sum.Failed += c.Failed
}

func (r Run) plugin(source string) string {
	for _, p := range r.Plugins {
		if p.Source == source {
			return nameAndVersion(p)
		}
	}
	return ""
}

func nameAndVersion(p core.PluginUse) string {
	if p.Version == "" {
		return p.Plugin
	}
	return p.Plugin + " " + p.Version
}

// Left is what a stream found and has no outcome for: in work while the run moves, unaccounted for when it has ended.
func Left(c core.StreamCounts) int64 { return c.Found - c.Written - c.Skipped - c.Failed }

// AnyLeft says that the coverage needs a column for items without an outcome.
func (r Run) AnyLeft() bool {
	for _, c := range r.Streams {
		if Left(c) != 0 {
			return true
		}
	}
	return false
}

// FactLabel is what a fact is about.
func FactLabel(f core.Fact) string {
	if f.Label != "" {
		return f.Label
	}
	return strings.ReplaceAll(f.Name, "_", " ")
}

// FactValue is the value of a fact, with its unit.
func FactValue(f core.Fact) string {
	switch {
	case f.Text != "":
		return f.Text
	case f.Unit == "bytes":
		return Bytes(f.Number)
	case f.Unit == "ms":
		return Took(time.Duration(f.Number) * time.Millisecond)
	case f.Unit != "":
		return Number(f.Number) + " " + f.Unit
	}
	return Number(f.Number)
}

// FactsBrief are the facts that somebody should look into; where there are none, the first one. A text says what it is by itself, a
// number does not.
func FactsBrief(facts []core.Fact) (brief string, notable bool) {
	named := func(f core.Fact) string { return FactLabel(f) + ": " + FactValue(f) }
	var words []string
	for _, f := range facts {
		if f.Notable {
			words = append(words, named(f))
		}
	}
	switch first := facts[0]; {
	case len(words) > 0:
		return join(words...), true
	case first.Text != "":
		return FactValue(first), false
	default:
		return named(first), false
	}
}

// StreamTitle is what a person calls the stream.
func StreamTitle(c core.StreamCounts) string {
	if c.Title != "" {
		return c.Title
	}
	return c.Stream
}
