package memory

import (
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// storing counts how rows get into the store.
type storing struct {
	waiting, waitingBytes                      atomic.Int64
	batches, rows, replaced, failures, refused atomic.Int64
	latest, longest, total                     atomic.Int64 // microseconds
	waits, waited, flushed                     atomic.Int64
}

// Waiting says how many rows are not stored yet. It is not a change that a viewer has to see at once.
func (s *State) Waiting(rows, bytes int) {
	s.storing.waiting.Store(int64(rows))
	s.storing.waitingBytes.Store(int64(bytes))
}

// Stored counts a batch that was stored.
func (s *State) Stored(rows int, took time.Duration) {
	c, us := &s.storing, took.Microseconds()
	c.batches.Add(1)
	c.rows.Add(int64(rows))
	c.latest.Store(us)
	for longest := c.longest.Load(); us > longest && !c.longest.CompareAndSwap(longest, us); {
		longest = c.longest.Load()
	}
	c.total.Add(us)
	s.changed()
}

// Replaced counts a row that was put again before it was stored.
func (s *State) Replaced() { s.storing.replaced.Add(1) }

// StoreFailed counts a batch that has to be sent again.
func (s *State) StoreFailed() {
	s.storing.failures.Add(1)
	s.changed()
}

// Refused counts a row that the store will never take.
func (s *State) Refused() {
	s.storing.refused.Add(1)
	s.changed()
}

// Waited counts a wait of somebody who had a row to store.
func (s *State) Waited(length time.Duration) {
	s.storing.waits.Add(1)
	s.storing.waited.Add(length.Microseconds())
}

// Flushed counts a wait until all rows were stored.
func (s *State) Flushed(length time.Duration) { s.storing.flushed.Add(length.Microseconds()) }

func (c *storing) counts() core.Storing {
	return core.Storing{
		Waiting: c.waiting.Load(), WaitingBytes: c.waitingBytes.Load(), Batches: c.batches.Load(), Rows: c.rows.Load(),
		Replaced: c.replaced.Load(), Failures: c.failures.Load(), Refused: c.refused.Load(), LatestUS: c.latest.Load(),
		LongestUS: c.longest.Load(), TotalUS: c.total.Load(), Waits: c.waits.Load(), WaitedUS: c.waited.Load(), FlushedUS: c.flushed.Load(),
	}
}
