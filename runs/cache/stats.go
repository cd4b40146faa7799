package cache

import (
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// number is one of the things that are counted by scope.
type number int

const (
	l1Hits number = iota
	l1Misses
	l2Hits
	l2Misses
	absentHits // hits of either level that said: there is no such thing
	loads
	loadNS
	shared
	corrupt
	fallbacks
	dropped
	numberCount
)

type tally [numberCount]atomic.Int64

func (c *Cache) add(n number, by int64) {
	c.all[n].Add(by)
	if c.own != &c.all {
		c.own[n].Add(by)
	}
}

// level1 is what L1 counts for all scopes together.
type level1 struct{ entries, bytes, overflowed, expired atomic.Int64 }

// Scope returns the same cache with numbers that start at zero, such as those of one run. What is evicted counts in all
// scopes. It needs no closing.
func (c *Cache) Scope() *Cache {
	return &Cache{
		state: c.state, own: new(tally),
		overflowed: c.size.overflowed.Load(), expired: c.size.expired.Load(), purged: c.purgedRows.Load(),
	}
}

// Stats returns the numbers of this scope. While lookups go on they may be a few apart from each other.
func (c *Cache) Stats() core.CacheCounts {
	n := func(n number) int64 { return c.own[n].Load() }
	overflowed, expired := c.size.overflowed.Load()-c.overflowed, c.size.expired.Load()-c.expired
	s := core.CacheCounts{
		Cache: c.Name,
		L1:    core.LevelCounts{Hits: n(l1Hits), Misses: n(l1Misses), Evictions: overflowed + expired},
		L2:    core.LevelCounts{Hits: n(l2Hits), Misses: n(l2Misses), Evictions: c.purgedRows.Load() - c.purged},

		Absent: n(absentHits), Expired: expired,
		Loads: n(loads), LoadMS: time.Duration(n(loadNS)).Milliseconds(), Shared: n(shared),
		Corrupt: n(corrupt), Fallbacks: n(fallbacks), Dropped: n(dropped),
		Entries: c.size.entries.Load(), Bytes: c.size.bytes.Load(),
	}
	s.Hits = s.L1.Hits + s.L2.Hits
	s.Misses = max(0, s.L1.Misses-s.L2.Hits)
	s.Evictions = s.L1.Evictions
	return s
}
