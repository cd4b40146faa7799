package memory

import (
	"sync/atomic"

	"github.com/seed-98789ff7/converter/core"
)

// source is what one source fetched, and how far its reading is.
type source struct {
	requests, retries, hits, confirmed, misses, bytes atomic.Int64
	limitWait, pauseWait, backoffWait                 atomic.Int64 // microseconds
	inFlight, mostInFlight                            atomic.Int64

	reads   atomic.Int64 // under way
	sinceMS atomic.Int64
	lastMS  atomic.Int64 // of the last record
	step    atomic.Pointer[string]
}

func (s *State) source(name string) *source { return s.sources.get(name, sourceLimit) }

// Fetched adds to what a source has fetched. Of the requests under way it says nothing where their highest number is 0.
func (s *State) Fetched(f core.Fetched) {
	c := s.source(f.Source)
	c.requests.Add(max(f.Requests, 0))
	c.retries.Add(max(f.Retries, 0))
	c.hits.Add(max(f.Hits, 0))
	c.confirmed.Add(max(f.Confirmed, 0))
	c.misses.Add(max(f.Misses, 0))
	c.bytes.Add(max(f.Bytes, 0))
	c.limitWait.Add(max(f.LimitWaitUS, 0))
	c.pauseWait.Add(max(f.PauseWaitUS, 0))
	c.backoffWait.Add(max(f.BackoffWaitUS, 0))
	if f.MostInFlight > 0 {
		c.inFlight.Store(max(f.InFlight, 0))
		for most := c.mostInFlight.Load(); f.MostInFlight > most && !c.mostInFlight.CompareAndSwap(most, f.MostInFlight); {
			most = c.mostInFlight.Load()
		}
	}
	s.changed()
}

// Reading says that a source is being read; the returned function ends it and is to be called once.
func (s *State) Reading(name string) (end func()) {
	c := s.source(name)
	c.sinceMS.Store(s.now().UnixMilli())
	c.reads.Add(1)
	s.changed()
	return func() {
		if c.reads.Add(-1) == 0 {
			c.inFlight.Store(0) // its plugin may have died with some
		}
		s.changed()
	}
}

// Step says in words how far the reading of a source is.
func (s *State) Step(name, step string) {
	step = clip(step, itemLimit)
	s.source(name).step.Store(&step)
	s.changed()
}

// came notes that a record of a source came.
func (s *State) came(name string) { s.source(name).lastMS.Store(s.now().UnixMilli()) }

// fetched lists the sources that fetched anything, by name.
func (s *State) fetched() []core.Fetched {
	var list []core.Fetched
	for name, c := range s.sources.all() {
		f := core.Fetched{
			Source: name, Requests: c.requests.Load(), Retries: c.retries.Load(), Hits: c.hits.Load(), Confirmed: c.confirmed.Load(),
			Misses: c.misses.Load(), Bytes: c.bytes.Load(), LimitWaitUS: c.limitWait.Load(), PauseWaitUS: c.pauseWait.Load(),
			BackoffWaitUS: c.backoffWait.Load(), InFlight: c.inFlight.Load(), MostInFlight: c.mostInFlight.Load(),
		}
		if f != (core.Fetched{Source: name}) {
			list = append(list, f)
		}
	}
	return list
}

// reading lists the sources that are being read, by name.
func (s *State) reading() []core.Reading {
	var list []core.Reading
	for name, c := range s.sources.all() {
		if c.reads.Load() == 0 {
			continue
		}
		r := core.Reading{Source: name, SinceMS: c.sinceMS.Load(), LastMS: c.lastMS.Load()}
		if step := c.step.Load(); step != nil {
			r.Step = *step
		}
		list = append(list, r)
	}
	return list
}
