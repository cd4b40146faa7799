package memory

import (
	"sync/atomic"

	"github.com/seed-98789ff7/converter/core"
)

// source is what one source fetched, and how far its reading is.
type source struct {
	requests, hits, misses, bytes atomic.Int64

	reads   atomic.Int64 // under way
	sinceMS atomic.Int64
	lastMS  atomic.Int64 // of the last record
	step    atomic.Pointer[string]
}

func (s *State) source(name string) *source { return s.sources.get(name, sourceLimit) }

// Fetched adds to what a source has fetched.
func (s *State) Fetched(f core.Fetched) {
	c := s.source(f.Source)
	c.requests.Add(max(f.Requests, 0))
	c.hits.Add(max(f.Hits, 0))
	c.misses.Add(max(f.Misses, 0))
	c.bytes.Add(max(f.Bytes, 0))
	s.changed()
}

// Reading says that a source is being read; the returned function ends it and is to be called once.
func (s *State) Reading(name string) (end func()) {
	c := s.source(name)
	c.sinceMS.Store(s.now().UnixMilli())
	c.reads.Add(1)
	s.changed()
	return func() {
		c.reads.Add(-1)
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
			Source: name, Requests: c.requests.Load(), Hits: c.hits.Load(), Misses: c.misses.Load(), Bytes: c.bytes.Load(),
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
