package memory

import (
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

func TestRates(t *testing.T) {
	s, clock := newState(core.Running)
	if got := s.Snapshot(); got.Rate != 0 || len(got.Rates) != 0 || got.LastMS != 0 {
		t.Errorf("before anything: %v %v", got.Rate, got.Rates)
	}
	for second := range 70 { // a second in which 1 entity more is done than in the one before, and 1 asset from the cache
		s.Done(core.StageEntities, "home", "actors", core.Written, int64(second))
		s.Done(core.StageAssets, "home", "", core.Cached, 1)
		s.Done(core.StageRead, "home", "actors", core.Written, 1000) // counts when it is an entity
		s.Done(core.StageAssets, "home", "", core.CancelledItem, 1000)
		clock.advance(time.Second)
	}
	got := s.Snapshot()
	if len(got.Rates) != 60 || got.Rates[0] != 11 || got.Rates[59] != 70 {
		t.Errorf("%d rates from %v to %v, want 60 from 11 to 70", len(got.Rates), got.Rates[0], got.Rates[len(got.Rates)-1])
	}
	if got.Rate != 68 {
		t.Errorf("the last five seconds make %v a second, want 68", got.Rate)
	}
	if got.LastMS != clock.Now().UnixMilli()-1000 {
		t.Errorf("last outcome at %d", got.LastMS)
	}
	clock.advance(2 * time.Minute)
	if got = s.Snapshot(); got.Rate != 0 || got.Rates[0] != 0 {
		t.Errorf("after a silence: %v %v", got.Rate, got.Rates)
	}
	s.Done(core.StageWrite, "", "", core.Written, 5)
	clock.advance(time.Second)
	if got = s.Snapshot(); got.Rate != 1 || got.Rates[59] != 5 {
		t.Errorf("after the silence: %v, %v", got.Rate, got.Rates[59])
	}
}

// work lets seconds pass in each of which assets are done.
func work(s *State, c *clock, seconds int, outcomes map[core.Outcome]int64) {
	for range seconds {
		for outcome, n := range outcomes {
			s.Done(core.StageAssets, "home", "", outcome, n)
		}
		c.advance(time.Second)
	}
}

func TestETA(t *testing.T) {
	about := func(t *testing.T, s *State, want time.Duration) {
		t.Helper()
		got := time.Duration(s.Snapshot().ETAMS) * time.Millisecond
		if got < want*9/10 || got > want*11/10 {
			t.Errorf("%s left, want about %s", got, want)
		}
	}
	t.Run("steady", func(t *testing.T) {
		s, c := newState(core.Running)
		s.Total(core.StageAssets, 1000)
		s.Found(core.StageAssets, "home", "", 1000)
		work(s, c, 4, map[core.Outcome]int64{core.Written: 10})
		about(t, s, 0) // too early
		work(s, c, 6, map[core.Outcome]int64{core.Written: 8, core.FailedItem: 2})
		about(t, s, 90*time.Second)
		if err := s.Transition(core.Cancelling, "", "user"); err != nil {
			t.Fatal(err)
		}
		about(t, s, 0) // it will not be through
	})
	t.Run("too little is done", func(t *testing.T) {
		s, c := newState(core.Running)
		s.Total(core.StageAssets, 10_000)
		work(s, c, 19, map[core.Outcome]int64{core.Written: 10})
		about(t, s, 0)
		work(s, c, 1, map[core.Outcome]int64{core.Written: 10})
		about(t, s, 980*time.Second)
	})
	t.Run("what is cached does not count", func(t *testing.T) {
		s, c := newState(core.Running)
		s.Total(core.StageAssets, 2000)
		work(s, c, 1, map[core.Outcome]int64{core.Cached: 900})
		work(s, c, 10, map[core.Outcome]int64{core.Written: 10})
		// 1,000 are left, one in ten of which takes work, at 10 a second.
		about(t, s, 10*time.Second)
	})
	t.Run("the latest seconds weigh most", func(t *testing.T) {
		s, c := newState(core.Running)
		s.Total(core.StageAssets, 12_000)
		work(s, c, 10, map[core.Outcome]int64{core.Written: 100})
		work(s, c, 45, map[core.Outcome]int64{core.Written: 20})
		eta := time.Duration(s.Snapshot().ETAMS) * time.Millisecond
		if plain := 10_100 * 55 * time.Second / 1900; eta < plain {
			t.Errorf("%s left, a plain mean would say %s", eta, plain)
		}
	})
	t.Run("the longest stage counts, unknown ones spoil it", func(t *testing.T) {
		s, c := newState(core.Running)
		s.Total(core.StageEntities, 1000)
		s.Total(core.StageAssets, 1000)
		for range 10 {
			s.Done(core.StageEntities, "home", "", core.Written, 50)
			work(s, c, 1, map[core.Outcome]int64{core.Written: 10})
		}
		about(t, s, 90*time.Second)
		s.Found(core.StageRead, "home", "", 1) // nobody knows how many will follow
		about(t, s, 0)
		s.Done(core.StageRead, "home", "", core.Written, 1)
		s.Ended(core.StageRead)
		about(t, s, 90*time.Second)
	})
	t.Run("nothing moves any more", func(t *testing.T) {
		s, c := newState(core.Running)
		s.Total(core.StageAssets, 1000)
		work(s, c, 10, map[core.Outcome]int64{core.Written: 10})
		c.advance(2 * time.Minute)
		about(t, s, 0)
	})
}
