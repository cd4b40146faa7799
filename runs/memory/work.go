package memory

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/seed-98789ff7/converter/core"
)

const places = 128

// desk shows what the workers have in hand. Each item lies in a place of its own, so that workers do not wait for each
// other; when all places are taken, further items are not shown.
type desk struct {
	places [places]place
}

type place struct {
	taken atomic.Bool
	end   func() // made once, so that taking an item in hand allocates nothing

	mu   sync.Mutex // between the one worker and a snapshot
	work core.Work

	_ [32]byte
}

func (d *desk) open(s *State) {
	for i := range d.places {
		p := &d.places[i]
		p.end = func() {
			p.mu.Lock()
			p.work = core.Work{}
			p.mu.Unlock()
			p.taken.Store(false)
			s.changed()
		}
	}
}

// Begin says that a worker has an item in hand; the returned function ends it and is to be called once.
func (s *State) Begin(stage core.Stage, item string) (end func()) {
	if stage >= core.StageCount {
		return func() {}
	}
	for i := range s.desk.places {
		p := &s.desk.places[i]
		if p.taken.Load() || !p.taken.CompareAndSwap(false, true) {
			continue
		}
		p.mu.Lock()
		p.work = core.Work{Stage: stage.String(), Item: clip(item, itemLimit), SinceMS: s.now().UnixMilli()}
		p.mu.Unlock()
		s.changed()
		return p.end
	}
	return func() {}
}

// working lists what is in hand, longest first.
func (d *desk) working() []core.Work {
	var list []core.Work
	for i := range d.places {
		p := &d.places[i]
		if !p.taken.Load() {
			continue
		}
		p.mu.Lock()
		work := p.work
		p.mu.Unlock()
		if work.Stage != "" {
			list = append(list, work)
		}
	}
	slices.SortStableFunc(list, func(a, b core.Work) int { return cmp.Compare(a.SinceMS, b.SinceMS) })
	return list
}
