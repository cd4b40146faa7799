package memory

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// Config is what a State starts from.
type Config struct {
	// Run is what is known of the run beforehand. Default of its State: queued.
	Run core.Summary
	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// State is one run at work. All methods may be called from many goroutines.
type State struct {
	now   func() time.Time
	epoch time.Time // seconds are counted from here

	revision atomic.Uint64
	lastMS   atomic.Int64 // when an item last got an outcome

	stages  [core.StageCount]stage
	streams streams
	caches  named[cache]
	sources named[source]
	causes  causes
	storing storing
	desk    desk
	over    chan struct{}

	mu      sync.Mutex
	run     core.Summary // identity, state and what is set as a whole; the numbers are elsewhere
	running time.Time    // since when
	doing   string
	recent  []core.Recent // newest last
	counted []func() core.CacheCounts
	meets   []func() core.Meeting
}

// New returns the state of a run that has done nothing yet.
func New(c Config) *State {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &State{now: c.Now, epoch: c.Now(), run: c.Run, over: make(chan struct{})}
	if s.run.State == "" {
		s.run.State = core.Queued
	}
	if s.run.State == core.Running {
		s.running = s.epoch
	}
	if s.run.State.Ended() {
		close(s.over)
	}
	s.run.Outputs = slices.Clone(s.run.Outputs)
	s.run.Plugins = slices.Clone(s.run.Plugins)
	s.run.Kinds = maps.Clone(s.run.Kinds)
	s.desk.open(s)
	return s
}

// Revision grows with every change that a viewer could see.
func (s *State) Revision() uint64 { return s.revision.Load() }

// Over is closed once the run is in a final state.
func (s *State) Over() <-chan struct{} { return s.over }

// State returns the state of the run.
func (s *State) State() core.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run.State
}

func (s *State) changed() { s.revision.Add(1) }

// nexts are the legal changes of a run's state; see [core.State] for the picture. Interrupted is missing: it is found
// by a later process.
var nexts = map[core.State][]core.State{
	core.Queued:     {core.Running, core.Cancelled},
	core.Running:    {core.Succeeded, core.Partial, core.Failed, core.Cancelling},
	core.Cancelling: {core.Cancelled},
}

// Transition changes the state of the run and says why and by whom. A change that is not legal changes nothing and
// returns an error; so of two who want to end a run the first one does.
func (s *State) Transition(to core.State, reason, actor string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	from := s.run.State
	if !slices.Contains(nexts[from], to) {
		return fmt.Errorf("run %s is %s and cannot become %s", s.run.ID, from, to)
	}
	at := s.now()
	s.run.State, s.run.Reason, s.run.Actor = to, reason, actor
	switch {
	case to == core.Running:
		s.running = at
		if s.run.StartedMS == 0 {
			s.run.StartedMS = at.UnixMilli()
		}
	case to.Ended():
		s.run.EndedMS = at.UnixMilli()
		s.doing = ""
		close(s.over)
	}
	s.changed()
	return nil
}

// Doing says the step in words.
func (s *State) Doing(step string) {
	s.mu.Lock()
	s.doing = clip(step, itemLimit)
	s.mu.Unlock()
	s.changed()
}

// Result sets the name, by content, of what was written.
func (s *State) Result(id string) {
	s.mu.Lock()
	s.run.ResultID = id
	s.mu.Unlock()
	s.changed()
}

// Plugins sets the plugins in use.
func (s *State) Plugins(uses []core.PluginUse) {
	s.mu.Lock()
	s.run.Plugins = slices.Clone(uses)
	s.mu.Unlock()
	s.changed()
}

// Kinds sets the entities written by kind.
func (s *State) Kinds(counts map[string]int64) {
	s.mu.Lock()
	s.run.Kinds = maps.Clone(counts)
	s.mu.Unlock()
	s.changed()
}

const recentPictures = 12

// Picture shows a finished picture.
func (s *State) Picture(r core.Recent) {
	r.URI = clip(r.URI, itemLimit)
	s.mu.Lock()
	if len(s.recent) == recentPictures {
		s.recent = append(s.recent[:0], s.recent[1:]...)
	}
	s.recent = append(s.recent, r)
	s.mu.Unlock()
	s.changed()
}

// Summary returns what is to be kept of the run.
func (s *State) Summary() core.Summary {
	s.mu.Lock()
	run := s.run
	s.mu.Unlock()
	return s.fill(run)
}

// fill adds the numbers to what is known as a whole. The members it takes over are replaced and never changed in place,
// except the map of kinds and the slices cloned here, which the reader may keep.
func (s *State) fill(run core.Summary) core.Summary {
	run.Outputs = slices.Clone(run.Outputs)
	run.Plugins = slices.Clone(run.Plugins)
	run.Kinds = maps.Clone(run.Kinds)
	run.Stages = make([]core.StageCounts, core.StageCount)
	for i := range run.Stages {
		run.Stages[i] = s.stages[i].counts(core.Stage(i))
	}
	run.Streams = s.streams.counts(s.stages[core.StageRead].ended.Load())
	run.Problems = s.causes.list()
	run.Caches = s.cacheCounts()
	run.Fetched = s.fetched()
	return run
}

// Snapshot returns the run at this moment.
func (s *State) Snapshot() core.Snapshot {
	revision := s.revision.Load() // before anything else: what changes meanwhile makes another snapshot due
	at := s.now()
	s.mu.Lock()
	shot := core.Snapshot{Summary: s.run, Revision: revision, AtMS: at.UnixMilli(), Doing: s.doing}
	running := s.running
	shot.Recent = slices.Clone(s.recent)
	s.mu.Unlock()

	slices.Reverse(shot.Recent)
	shot.Summary = s.fill(shot.Summary)
	shot.Reading = s.reading()
	shot.Working = s.desk.working()
	shot.Storing = s.storing.counts()
	shot.Meetings = s.meetings()
	shot.LastMS = s.lastMS.Load()
	second := s.second(at)
	shot.Rates = s.rates(second)
	shot.Rate = recentRate(shot.Rates)
	if shot.State == core.Running && at.Sub(running) >= etaAfter {
		shot.ETAMS = s.eta(second, shot.Stages).Milliseconds()
	}
	return shot
}
