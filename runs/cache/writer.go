package cache

import (
	"context"
	"errors"
	"time"
)

const (
	sweepEvery    = time.Minute
	firstBackOff  = 100 * time.Millisecond
	lastBackOff   = 5 * time.Second
	writePatience = 5 * time.Second
)

func (s *state) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// loop writes the backlog to L2, one batch at a time, until the cache is closed and nothing is left, or ctx ends.
func (s *state) loop(ctx context.Context) {
	defer close(s.gone)
	sweep := time.NewTicker(sweepEvery)
	defer sweep.Stop()
	timer := time.NewTimer(0)
	defer timer.Stop()
	failures := 0
	for ctx.Err() == nil {
		next, wait, over := s.due(failures)
		if over {
			return
		}
		if !next.empty() {
			if err := s.write(ctx, next); err != nil {
				failures++
			} else {
				failures = 0
			}
			if pause := backOff(failures); pause > 0 {
				timer.Reset(pause)
				select {
				case <-ctx.Done():
				case <-timer.C:
				}
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		case <-sweep.C:
			s.sweep()
		}
	}
}

// backOff is how long to wait after so many failures on end: not at all after the first one.
func backOff(failures int) time.Duration {
	if failures < 2 {
		return 0
	}
	return min(firstBackOff<<min(failures-2, 10), lastBackOff)
}

// due returns what is to be written now, or how long to wait for it, or that nothing will come.
func (s *state) due(failures int) (next batch, wait time.Duration, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.backlog
	if len(b.byKey) == 0 && len(b.deletions) == 0 {
		return batch{}, sweepEvery, s.closing
	}
	wait = s.Age - time.Since(s.since)
	full := len(b.byKey) >= s.BatchRows || b.bytes >= s.BatchBytes || len(b.deletions) > 0
	if wait > 0 && !full && !s.closing && failures == 0 && !b.waitsFor(s.awaited, batch{}) {
		return batch{}, wait, false
	}
	next = b.take(s.BatchRows, s.BatchBytes)
	s.flying = next
	return next, 0, false
}

// write stores a batch, or puts it back.
func (s *state) write(ctx context.Context, next batch) error {
	err := s.save(ctx, next)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flying = batch{}
	if err != nil {
		s.backlog.putBack(next)
		if s.trouble == nil {
			s.Log.Warn("level_2_not_written", "error", err)
		}
	} else {
		s.backlog.settle(next)
		s.since = time.Now()
	}
	s.trouble = err
	close(s.moved)
	s.moved = make(chan struct{})
	return err
}

// save stores a batch. What the table refuses is found by halving and left out.
func (s *state) save(ctx context.Context, next batch) error {
	err := s.tell(ctx, next)
	if !errors.Is(err, ErrRefused) {
		return err
	}
	if len(next.deletions)+len(next.rows) <= 1 {
		s.all[dropped].Add(1)
		s.Log.Warn("row_refused", "error", err)
		return nil
	}
	d, r := len(next.deletions)/2, len(next.rows)/2
	if len(next.rows) == 1 {
		r = 1
	}
	if err := s.save(ctx, batch{next.deletions[:d], next.rows[:r]}); err != nil {
		return err
	}
	return s.save(ctx, batch{next.deletions[d:], next.rows[r:]})
}

func (s *state) tell(ctx context.Context, next batch) error {
	if next.empty() {
		return nil
	}
	deletions := make([]Deletion, len(next.deletions))
	for i, d := range next.deletions {
		deletions[i] = d.Deletion
	}
	rows := make([]Row, len(next.rows))
	for i, p := range next.rows {
		rows[i] = p.row
	}
	limited, cancel := context.WithTimeout(ctx, writePatience)
	defer cancel()
	err := s.Table.Write(limited, s.Name, deletions, rows)
	if err == nil {
		s.sight.regain()
	}
	return err
}
