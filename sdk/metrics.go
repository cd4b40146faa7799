package sdk

import "sync"

// Metrics counts what a source fetched, and how much of it is new. Every value counts from where the one before it ended.
type Metrics struct {
	Requests int64 // sent to a server, each try of its own
	Hits     int64 // answered from the cache, after asking the server whether it still holds too
	Misses   int64 // looked for in the cache and not found
	Bytes    int64 // of the bodies that servers sent

	Unchanged int64 // records that are as they were when the source was read last
	Changed   int64 // records that are not, or that it met for the first time
}

func (m Metrics) plus(n Metrics) Metrics {
	return Metrics{
		Requests: m.Requests + n.Requests, Hits: m.Hits + n.Hits, Misses: m.Misses + n.Misses, Bytes: m.Bytes + n.Bytes,
		Unchanged: m.Unchanged + n.Unchanged, Changed: m.Changed + n.Changed,
	}
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
