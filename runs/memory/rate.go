package memory

import (
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

const (
	rateSeconds = 60
	rateWindow  = 5 // seconds that the one number on screen is the mean of

	etaAfter = 5 * time.Second
	etaShare = 50   // one in so many items must be done: 2 %
	fading   = 0.93 // weight of a second against the one after it: half in ten seconds
)

// seconds counts events by second, for a little more than the last minute. The second and the count share a word, so
// that a slot is taken over for a new second in one step.
type seconds [64]atomic.Uint64

func (s *seconds) add(second uint32, n int64) {
	slot := &s[second%uint32(len(s))]
	for {
		old := slot.Load()
		switch at := uint32(old >> 32); {
		case at == second:
			slot.Add(uint64(n))
			return
		case at > second: // too late to matter
			return
		case slot.CompareAndSwap(old, uint64(second)<<32|uint64(n)):
			return
		}
	}
}

func (s *seconds) at(second uint32) int64 {
	v := s[second%uint32(len(s))].Load()
	if uint32(v>>32) != second {
		return 0
	}
	return int64(v & (1<<32 - 1))
}

// rated are the stages whose items make the rate. A record that is read is an entity a moment later, and one whose links
// are resolved is written a moment later: the short stages are left out, so that an item counts once at a time.
var rated = [...]core.Stage{core.StageEntities, core.StageAssets, core.StageWrite}

// rates returns the finished items of each of the last seconds that are over, oldest first.
func (s *State) rates(now uint32) []float64 {
	n := min(now, rateSeconds)
	list := make([]float64, n)
	for i := range list {
		second := now - n + uint32(i)
		for _, stage := range rated {
			of := &s.stages[stage]
			list[i] += float64(of.worked.at(second) + of.cached.at(second))
		}
	}
	return list
}

func recentRate(rates []float64) float64 {
	last := rates[max(len(rates)-rateWindow, 0):]
	if len(last) == 0 {
		return 0
	}
	sum := 0.0
	for _, r := range last {
		sum += r
	}
	return sum / float64(len(last))
}

// eta estimates when the stages that are at work will be through: the longest of them, since they work side by side.
// It returns 0 when one of them cannot be estimated yet.
func (s *State) eta(now uint32, stages []core.StageCounts) time.Duration {
	var longest time.Duration
	for i, c := range stages {
		total := max(c.Total, c.Found)
		if c.Ended {
			total = c.Found
		}
		done := c.Done()
		if done >= total && (c.Ended || c.Found == 0 || c.Total > 0) {
			continue // through, or not begun
		}
		if done == 0 || (!c.Ended && c.Total == 0) || done < total/etaShare {
			return 0
		}
		left, ok := s.stages[i].left(now, total-done)
		if !ok {
			return 0
		}
		longest = max(longest, left)
	}
	return longest
}

// left estimates how long n items take. Cached ones cost nearly nothing, so what counts is the rate of the others, and
// how many of n are likely to be others.
func (s *stage) left(now uint32, n int64) (time.Duration, bool) {
	worked, cached := s.worked.mean(now), s.cached.mean(now)
	rate, share := worked, 1.0
	if worked > 0 {
		work := s.outcomes[core.Written].Load() + s.outcomes[core.Skipped].Load() + s.outcomes[core.FailedItem].Load()
		share = float64(work) / float64(work+s.outcomes[core.Cached].Load())
	} else {
		rate = cached
	}
	const least = 0.01 // items a second; below, the estimate is longer than anybody believes
	if rate < least {
		return 0, false
	}
	return time.Duration(float64(n) * share / rate * float64(time.Second)), true
}

// mean is the exponentially weighted mean of the seconds that are over, the latest weighing most.
func (s *seconds) mean(now uint32) float64 {
	sum, weights, weight := 0.0, 0.0, 1.0
	begun := now
	for second := now; second > 0 && now-second < rateSeconds; {
		second--
		if s.at(second) > 0 {
			begun = second
		}
	}
	for second := now; second > begun; {
		second--
		sum += weight * float64(s.at(second))
		weights += weight
		weight *= fading
	}
	if weights == 0 {
		return 0
	}
	return sum / weights
}
