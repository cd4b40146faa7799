package flight

import (
	"sync/atomic"
	"time"
)

// Stats says how often workers met.
type Stats struct {
	Calls     int64         // all of them
	Waits     int64         // calls that had to wait for another
	Waited    time.Duration // their waits together
	Contended int64         // keys that somebody waited at, counted anew when all had left
}

// meter counts.
type meter struct {
	calls, waits, waited, contended atomic.Int64
}

// wait begins a wait; the function it returns ends it.
func (m *meter) wait() func() {
	began := time.Now()
	m.waits.Add(1)
	return func() { m.waited.Add(int64(time.Since(began))) }
}

// Stats returns the numbers so far.
func (m *meter) Stats() Stats {
	return Stats{
		Calls: m.calls.Load(), Waits: m.waits.Load(), Waited: time.Duration(m.waited.Load()), Contended: m.contended.Load(),
	}
}
