package memory

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/core"
)

const (
	causeLimit   = 500
	exampleLimit = 10

	itemLimit    = 200 // bytes
	messageLimit = 500
	detailLimit  = 2000
)

// causes groups failures by cause.
type causes struct {
	mu     sync.Mutex
	byMark map[string]*cause
	count  uint64         // changes so far
	sorted []core.Problem // nil after a change
}

type cause struct {
	problem  core.Problem
	examples []example // the smallest
	changed  uint64
	stands   [6]string // what the failure that stands for the cause is known by; empty: none does yet
}

// example is a failure that is named: by its item, and by its own words where they are not those of its cause.
type example struct{ item, message string }

func (e example) compare(other example) int {
	return cmp.Or(cmp.Compare(e.item, other.item), cmp.Compare(e.message, other.message))
}

// Failure records a failure or a warning with its cause; it does not count the item's outcome.
func (s *State) Failure(f core.Failure) {
	if f.Stage >= core.StageCount {
		return
	}
	s.causes.add(f, s.now().UnixMilli())
	if f.Stage == core.StageRead && !f.Warning && f.Stream != "" {
		if c := s.streams.get(streamKey{f.Source, f.Stream}); c != nil {
			c.unread.get(clip(f.Code, itemLimit), reasonLimit).Add(1)
		}
	}
	s.changed()
}

// ProblemsSince returns the problems that have changed since an earlier call returned revision, and the revision for
// the next call; 0 is for all.
func (s *State) ProblemsSince(revision uint64) ([]core.Problem, uint64) {
	c := &s.causes
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []core.Problem
	for _, one := range c.byMark {
		if one.changed > revision {
			list = append(list, one.view())
		}
	}
	slices.SortFunc(list, byWeight)
	return list, c.count
}

func (c *causes) add(f core.Failure, atMS int64) {
	mark := fingerprint(f)
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.find(mark, f, atMS)
	c.count++
	one.changed = c.count
	one.problem.Count++
	one.problem.LastMS = max(one.problem.LastMS, atMS)
	one.stand(f)
	c.sorted = nil
}

// stand lets the failure with the smallest item stand for its cause, and keeps the smallest items as examples: what is
// shown of a cause does not depend on which of its failures came first.
func (c *cause) stand(f core.Failure) {
	p := &c.problem
	e := example{clip(f.Item, itemLimit), clip(f.Message, itemLimit)}
	by := [...]string{e.item, e.message, f.Source, f.Plugin, f.Stage.String(), clip(f.Detail, detailLimit)}
	if p.Fingerprint != otherName && (c.stands == [len(by)]string{} || slices.Compare(by[:], c.stands[:]) < 0) {
		c.stands = by
		p.Source, p.Plugin, p.Stage = clip(f.Source, itemLimit), clip(f.Plugin, itemLimit), f.Stage.String()
		p.Message, p.Detail = clip(f.Message, messageLimit), clip(f.Detail, detailLimit)
		p.Suggestion = clip(f.Suggestion, messageLimit)
	}
	at, known := slices.BinarySearchFunc(c.examples, e, example.compare)
	if e.item == "" || known || at == exampleLimit {
		return
	}
	c.examples = slices.Insert(c.examples, at, e)
	c.examples = c.examples[:min(len(c.examples), exampleLimit)]
}

// Tally returns the numbers by stream, and the problems, in an order that does not depend on which came first.
func (s *State) Tally() ([]core.StreamCounts, []core.Problem) {
	streams := s.streams.counts(s.stages[core.StageRead].ended.Load())
	for i := range streams {
		streams[i].Fetched, streams[i].Expected, streams[i].Unread = 0, 0, nil
	}
	return streams, s.causes.list()
}

// find returns the cause by its mark, a new one, or the one for all causes beyond the limit.
func (c *causes) find(mark string, f core.Failure, atMS int64) *cause {
	if one, ok := c.byMark[mark]; ok {
		return one
	}
	problem := core.Problem{
		Fingerprint: mark, Stage: f.Stage.String(), Code: clip(f.Code, itemLimit), Source: clip(f.Source, itemLimit),
		Plugin: clip(f.Plugin, itemLimit), Message: clip(f.Message, messageLimit), Detail: clip(f.Detail, detailLimit),
		Suggestion: clip(f.Suggestion, messageLimit), Warning: f.Warning, Transient: f.Transient, FirstMS: atMS,
	}
	if len(c.byMark) >= causeLimit {
		mark = otherName
		if f.Warning { // never counted together with failures
			mark = "other-warnings"
		}
		if one, ok := c.byMark[mark]; ok {
			return one
		}
		problem = core.Problem{
			Fingerprint: mark, Stage: f.Stage.String(), Code: otherName, Warning: f.Warning, FirstMS: atMS,
			Message: "There are more causes than are listed one by one; these are the rest.",
		}
	}
	if c.byMark == nil {
		c.byMark = map[string]*cause{}
	}
	one := &cause{problem: problem}
	c.byMark[mark] = one
	return one
}

// list returns all problems: failures before warnings, the most frequent first. Who gets it must not change it.
func (c *causes) list() []core.Problem {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sorted == nil && len(c.byMark) > 0 {
		c.sorted = make([]core.Problem, 0, len(c.byMark))
		for _, one := range c.byMark {
			c.sorted = append(c.sorted, one.view())
		}
		slices.SortFunc(c.sorted, byWeight)
	}
	return slices.Clip(c.sorted)
}

// view is the problem as others may keep it.
func (c *cause) view() core.Problem {
	p := c.problem
	for _, e := range c.examples {
		text := e.item
		if e.message != clip(p.Message, itemLimit) {
			text += ": " + e.message
		}
		if !slices.Contains(p.Examples, text) {
			p.Examples = append(p.Examples, text)
		}
	}
	return p
}

func byWeight(a, b core.Problem) int {
	if a.Warning != b.Warning {
		if a.Warning {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Fingerprint, b.Fingerprint))
}

// fingerprint is the same for failures that have the same cause as far as code, plugin and the wording tell.
func fingerprint(f core.Failure) string {
	weight := "failure"
	if f.Warning {
		weight = "warning"
	}
	if f.Transient {
		weight = "transient " + weight
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{weight, f.Code, f.Plugin, normalise(f.Message)}, "\x00")))
	return hex.EncodeToString(sum[:8])
}

// Clip cuts text to limit bytes, at the border of a character.
func Clip(text string, limit int) string { return clip(text, limit) }

func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const mark = "…"
	cut := limit - len(mark)
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.Clone(text[:cut]) + mark
}
