package memory

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// stage counts the items of one stage.
type stage struct {
	total, found atomic.Int64
	outcomes     [core.OutcomeCount]atomic.Int64
	estimated    atomic.Bool
	ended        atomic.Bool
	_            [64]byte // stages are counted by different workers: not on one cache line

	worked, cached seconds
}

func (s *stage) counts(name core.Stage) core.StageCounts {
	// Outcomes are read before what was found, so that a reader never sees more done than found.
	c := core.StageCounts{Stage: name.String(), Ended: s.ended.Load(), Total: s.total.Load(), Estimated: s.estimated.Load()}
	c.Written = s.outcomes[core.Written].Load()
	c.Cached = s.outcomes[core.Cached].Load()
	c.Skipped = s.outcomes[core.Skipped].Load()
	c.Failed = s.outcomes[core.FailedItem].Load()
	c.Cancelled = s.outcomes[core.CancelledItem].Load()
	c.Found = s.found.Load()
	return c
}

// Total sets the best known number of items of a stage.
func (s *State) Total(stage core.Stage, n int64) { s.setTotal(stage, n, false) }

// Estimate sets it where it is an estimate.
func (s *State) Estimate(stage core.Stage, n int64) { s.setTotal(stage, n, true) }

func (s *State) setTotal(stage core.Stage, n int64, estimated bool) {
	if stage >= core.StageCount {
		return
	}
	c := &s.stages[stage]
	other := c.estimated.Swap(estimated) != estimated
	if c.total.Swap(max(n, 0)) != n || other {
		s.changed()
	}
}

// Ended says that nothing more will come to a stage.
func (s *State) Ended(stage core.Stage) {
	if stage < core.StageCount && !s.stages[stage].ended.Swap(true) {
		s.changed()
	}
}

// Found counts items that came to a stage; stream is empty for stages after the entities.
func (s *State) Found(stage core.Stage, source, stream string, n int64) {
	if stage >= core.StageCount || n <= 0 {
		return
	}
	s.stages[stage].found.Add(n)
	if stage == core.StageRead {
		s.came(source)
	}
	if c := s.stream(stage, source, stream); c != nil {
		if stage == core.StageRead {
			c.read.Add(n)
		} else {
			c.entities.Add(n)
		}
	}
	s.changed()
}

// Done counts items that got an outcome.
func (s *State) Done(stage core.Stage, source, stream string, outcome core.Outcome, n int64) {
	if stage >= core.StageCount || outcome >= core.OutcomeCount || n <= 0 {
		return
	}
	at := s.now()
	of := &s.stages[stage]
	of.outcomes[outcome].Add(n)
	switch outcome {
	case core.Cached:
		of.cached.add(s.second(at), n)
	case core.CancelledItem: // no work was done on it
	default:
		of.worked.add(s.second(at), n)
	}
	if c := s.stream(stage, source, stream); c != nil {
		c.done(stage, outcome, n)
	}
	s.lastMS.Store(at.UnixMilli())
	s.changed()
}

// Kept counts items that came and got their outcome in an earlier attempt at the run. They say nothing about its speed.
func (s *State) Kept(stage core.Stage, source, stream string, outcome core.Outcome, n int64) {
	if stage >= core.StageCount || outcome >= core.OutcomeCount || n <= 0 {
		return
	}
	s.stages[stage].found.Add(n)
	s.stages[stage].outcomes[outcome].Add(n)
	if c := s.stream(stage, source, stream); c != nil {
		if stage == core.StageRead {
			c.read.Add(n)
		} else {
			c.entities.Add(n)
		}
		c.done(stage, outcome, n)
	}
	s.changed()
}

func (s *State) second(at time.Time) uint32 { return uint32(max(at.Sub(s.epoch), 0) / time.Second) }

// stream returns the counters of a stream, or nil where nothing is counted by stream.
func (s *State) stream(stage core.Stage, source, stream string) *stream {
	if stage > core.StageEntities || stream == "" {
		return nil
	}
	key := streamKey{source, stream}
	if c := s.streams.get(key); c != nil {
		return c
	}
	return s.streams.add(key, "")
}

const (
	streamLimit = 2000
	cacheLimit  = 100
	sourceLimit = 100
	otherName   = "other"
)

type streamKey struct{ source, stream string }

// stream counts the records of one stream on their way to stored entities.
type stream struct {
	key                      streamKey
	title                    string
	expected                 atomic.Int64 // announced by the source
	read, entities           atomic.Int64 // found by the two stages
	written, skipped, failed atomic.Int64
	facts                    atomic.Pointer[[]core.Fact]
	fetched, total           atomic.Int64 // how far its source says that it is
	unread                   named[atomic.Int64]
}

// reasonLimit is how many reasons are counted by themselves for which records of a stream could not be read.
const reasonLimit = 20

// reasons lists for what records could not be read, by code.
func (c *stream) reasons() []core.Unread {
	var list []core.Unread
	for code, n := range c.unread.all() {
		list = append(list, core.Unread{Code: code, Count: n.Load()})
	}
	return list
}

func (c *stream) done(stage core.Stage, outcome core.Outcome, n int64) {
	switch outcome {
	case core.Skipped:
		c.skipped.Add(n)
	case core.FailedItem:
		c.failed.Add(n)
	case core.Written, core.Cached:
		if stage == core.StageEntities { // that a record was read says nothing about its fate
			c.written.Add(n)
		}
	default:
	}
}

// streams finds the counters of a stream without a lock. The first mention of a stream copies the map.
type streams struct {
	now atomic.Pointer[streamTable]
	mu  sync.Mutex // held by who replaces the table
}

type streamTable struct {
	byKey map[streamKey]*stream
	order []*stream
}

func (t *streams) get(key streamKey) *stream {
	if table := t.now.Load(); table != nil {
		return table.byKey[key]
	}
	return nil
}

func (t *streams) add(key streamKey, title string) *stream {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := t.copied()
	found := next.add(key, title)
	t.now.Store(next)
	return found
}

func (t *streams) copied() *streamTable {
	next := &streamTable{byKey: map[streamKey]*stream{}}
	if old := t.now.Load(); old != nil {
		next.order = slices.Clone(old.order)
		maps.Copy(next.byKey, old.byKey)
	}
	return next
}

// add returns the counters of a stream, those of all further streams together when there are too many.
func (t *streamTable) add(key streamKey, title string) *stream {
	if c, ok := t.byKey[key]; ok {
		return c
	}
	if len(t.order) >= streamLimit {
		key, title = streamKey{otherName, otherName}, "Further streams"
		if c, ok := t.byKey[key]; ok {
			return c
		}
	}
	c := &stream{key: key, title: title}
	t.byKey[key] = c
	t.order = append(t.order, c)
	return c
}

// Streams announces the streams of a source with the number of records expected in each.
func (s *State) Streams(source string, announced []core.StreamCounts) {
	s.streams.mu.Lock()
	next := s.streams.copied()
	for _, a := range announced {
		if a.Stream == "" {
			continue
		}
		c := next.add(streamKey{source, a.Stream}, clip(a.Title, itemLimit))
		c.expected.Add(max(a.Found, 0))
	}
	s.streams.now.Store(next)
	s.streams.mu.Unlock()
	s.changed()
}

// Facts sets what is known of a stream beside its records. Further streams that are counted together have none.
func (s *State) Facts(source, name string, facts []core.Fact) {
	key := streamKey{source, name}
	c := s.streams.get(key)
	if c == nil {
		c = s.streams.add(key, "")
	}
	if c.key == key {
		c.facts.Store(&facts)
		s.changed()
	}
}

// Progress says how far a source is with a stream, in units of its own; a total of 0 is not known.
func (s *State) Progress(source, name string, done, total int64) {
	if c := s.streams.get(streamKey{source, name}); c != nil {
		c.fetched.Store(max(done, 0))
		c.total.Store(max(total, 0))
		s.changed()
	}
}

// counts lists the streams in the order in which they were announced or first seen. A stream shows what is expected of
// it until all has been read; then what has come.
func (t *streams) counts(read bool) []core.StreamCounts {
	table := t.now.Load()
	if table == nil {
		return nil
	}
	list := make([]core.StreamCounts, len(table.order))
	for i, c := range table.order {
		list[i] = core.StreamCounts{
			Source: c.key.source, Stream: c.key.stream, Title: c.title,
			Written: c.written.Load(), Skipped: c.skipped.Load(), Failed: c.failed.Load(),
			Fetched: c.fetched.Load(), Expected: c.total.Load(), Unread: c.reasons(),
		}
		list[i].Found = max(c.read.Load(), c.entities.Load())
		if facts := c.facts.Load(); facts != nil {
			list[i].Facts = *facts
		}
		if !read {
			list[i].Found = max(list[i].Found, c.expected.Load())
		}
	}
	return list
}

// named finds counters by a name without a lock. The first mention of a name copies the map; names beyond the limit are
// counted together.
type named[T any] struct {
	now atomic.Pointer[map[string]*T]
	mu  sync.Mutex // held by who replaces the map
}

func (t *named[T]) get(name string, limit int) *T {
	if table := t.now.Load(); table != nil {
		if c := (*table)[name]; c != nil {
			return c
		}
	}
	return t.add(name, limit)
}

func (t *named[T]) add(name string, limit int) *T {
	t.mu.Lock()
	defer t.mu.Unlock()
	next := map[string]*T{}
	if old := t.now.Load(); old != nil {
		maps.Copy(next, *old)
	}
	if next[name] == nil && len(next) >= limit {
		name = otherName
	}
	c := next[name]
	if c == nil {
		c = new(T)
		next[name] = c
		t.now.Store(&next)
	}
	return c
}

// all yields the counters by name.
func (t *named[T]) all() iter.Seq2[string, *T] {
	return func(yield func(string, *T) bool) {
		table := t.now.Load()
		if table == nil {
			return
		}
		for _, name := range slices.Sorted(maps.Keys(*table)) {
			if !yield(name, (*table)[name]) {
				return
			}
		}
	}
}

// cache counts lookups.
type cache struct{ hits, misses atomic.Int64 }

// Cache counts a lookup.
func (s *State) Cache(name string, hit bool) {
	if hit {
		s.CacheN(name, 1, 0)
	} else {
		s.CacheN(name, 0, 1)
	}
}

// CacheN counts many lookups at once.
func (s *State) CacheN(name string, hits, misses int64) {
	c := s.caches.get(name, cacheLimit)
	c.hits.Add(max(hits, 0))
	c.misses.Add(max(misses, 0))
	s.changed()
}

// Counts takes the numbers of a cache from whoever counts them, instead of those that are counted here under its name.
// The function is called often, and must not wait.
func (s *State) Counts(of func() core.CacheCounts) {
	s.mu.Lock()
	s.counted = append(s.counted, of)
	s.mu.Unlock()
	s.changed()
}

// Meets takes the numbers of a place where workers meet from whoever counts them. The function is called often, and must
// not wait.
func (s *State) Meets(of func() core.Meeting) {
	s.mu.Lock()
	s.meets = append(s.meets, of)
	s.mu.Unlock()
	s.changed()
}

// meetings lists the places that anybody came to.
func (s *State) meetings() []core.Meeting {
	s.mu.Lock()
	meets := s.meets
	s.mu.Unlock()
	var list []core.Meeting
	for _, of := range meets {
		if m := of(); m.Calls > 0 {
			list = append(list, m)
		}
	}
	slices.SortStableFunc(list, func(a, b core.Meeting) int { return strings.Compare(a.Place, b.Place) })
	return list
}

// cacheCounts lists the caches that were asked anything, by name.
func (s *State) cacheCounts() []core.CacheCounts {
	s.mu.Lock()
	counted := s.counted
	s.mu.Unlock()
	var list []core.CacheCounts
	elsewhere := map[string]bool{}
	for _, of := range counted {
		c := of()
		elsewhere[c.Cache] = true
		if c.Hits+c.Misses > 0 {
			list = append(list, c)
		}
	}
	for name, c := range s.caches.all() {
		if !elsewhere[name] {
			list = append(list, core.CacheCounts{Cache: name, Hits: c.hits.Load(), Misses: c.misses.Load()})
		}
	}
	slices.SortStableFunc(list, func(a, b core.CacheCounts) int { return strings.Compare(a.Cache, b.Cache) })
	return list
}
