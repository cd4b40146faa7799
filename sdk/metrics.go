package sdk

import (
	"sync"
	"time"
)

// Metrics counts what a source fetched, and how much of it is new. Every value counts from where the one before it ended, but for
// the requests under way.
type Metrics struct {
	Requests int64 // sent to a server, each try of its own
	Hits     int64 // answered from the cache, after asking the server whether it still holds too
	Misses   int64 // looked for in the cache and not found
	Bytes    int64 // of the bodies that servers sent

	Unchanged int64 // records that are as they were when the source was read last
	Changed   int64 // records that are not, or that it met for the first time

	Retries   int64 // of Requests: sent once more after a try that came to nothing
	Confirmed int64 // of Hits: the server said 304

	LimitWait   time.Duration // that requests waited for their turn, because only so many may begin in a time
	PauseWait   time.Duration // while a server was left alone, as it had asked
	BackoffWait time.Duration // before they were sent once more

	InFlight     int64 // requests under way now; says nothing where MostInFlight is 0
	MostInFlight int64 // requests under way at one time, at most
}

func (m Metrics) plus(n Metrics) Metrics {
	sum := Metrics{
		Requests: m.Requests + n.Requests, Hits: m.Hits + n.Hits, Misses: m.Misses + n.Misses, Bytes: m.Bytes + n.Bytes,
		Unchanged: m.Unchanged + n.Unchanged, Changed: m.Changed + n.Changed,
		Retries: m.Retries + n.Retries, Confirmed: m.Confirmed + n.Confirmed,
		LimitWait: m.LimitWait + n.LimitWait, PauseWait: m.PauseWait + n.PauseWait, BackoffWait: m.BackoffWait + n.BackoffWait,
		InFlight: m.InFlight, MostInFlight: max(m.MostInFlight, n.MostInFlight),
	}
	if n.MostInFlight > 0 {
		sum.InFlight = n.InFlight
	}
	return sum
}

// MetricsWriter is a [Writer] that also takes numbers. The Writers that the converter hands to Read are; a source that
// does not fetch with [Environment.HTTP], which does it by itself, may report through it.
type MetricsWriter interface {
	// Metrics adds to the numbers. It never waits, and what comes after the reading is dropped.
	Metrics(m Metrics)
}

// meter hands on what is counted while a reading runs; the rest waits for the next one. A nil meter counts nothing.
type meter struct {
	mu      sync.Mutex // guards what follows
	waiting Metrics
	flying  int64         // requests under way, of all clients of the source
	out     MetricsWriter // nil: nobody takes it
}

func (m *meter) count(n Metrics) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiting = m.waiting.plus(n)
	m.hand()
}

// begin counts a try, which is under way until land is called.
func (m *meter) begin(number int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.flying++
	n := Metrics{Requests: 1, InFlight: m.flying, MostInFlight: m.flying}
	if number > 1 {
		n.Retries = 1
	}
	m.waiting = m.waiting.plus(n)
	m.hand()
}

// land counts the end of a try, and the bytes that came.
func (m *meter) land(bytes int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := Metrics{Bytes: bytes, InFlight: m.flying - 1, MostInFlight: m.flying}
	m.flying--
	m.waiting = m.waiting.plus(n)
	m.hand()
}

// hand wants m.mu held.
func (m *meter) hand() {
	if m.out != nil && m.waiting != (Metrics{}) {
		m.out.Metrics(m.waiting)
		m.waiting = Metrics{}
	}
}

// to hands on to a writer, where it takes numbers, until the returned function is called.
func (m *meter) to(w Writer) (end func()) {
	out, ok := w.(MetricsWriter)
	if !ok {
		return func() {}
	}
	m.set(out)
	return func() { m.set(nil) }
}

func (m *meter) set(out MetricsWriter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.out = out
	m.hand()
}
