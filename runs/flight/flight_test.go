package flight

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Sixteen workers who want the same thing have it made once, and fifteen wait as long as that takes.
func TestGroupMakesOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[string, int]
		var made atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				v, err := g.Do(t.Context(), "key", func(context.Context) (int, error) {
					time.Sleep(time.Second)
					return int(made.Add(1)), nil
				})
				if v != 1 || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
			})
		}
		wg.Wait()
		if want := (Stats{Calls: 16, Waits: 15, Waited: 15 * time.Second, Contended: 1}); g.Stats() != want {
			t.Errorf("counted %+v, want %+v", g.Stats(), want)
		}
		if len(g.flights) != 0 {
			t.Errorf("%d flights are remembered", len(g.flights))
		}
		if v, _ := g.Do(t.Context(), "key", func(context.Context) (int, error) { return 7, nil }); v != 7 {
			t.Errorf("later it is made anew: got %d", v)
		}
	})
}

func TestGroupErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[int, string]
		wrong := errors.New("wrong")
		gone, leave := context.WithCancelCause(t.Context())
		var made atomic.Int64
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := g.Do(gone, 1, func(ctx context.Context) (string, error) {
				<-ctx.Done()
				return "", ctx.Err()
			})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("who left: %v", err)
			}
		})
		synctest.Wait()
		for range 3 {
			wg.Go(func() {
				_, err := g.Do(t.Context(), 1, func(context.Context) (string, error) {
					made.Add(1)
					time.Sleep(time.Second)
					return "", wrong
				})
				if !errors.Is(err, wrong) {
					t.Errorf("got %v", err)
				}
			})
		}
		impatient := errors.New("impatient")
		short, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, impatient)
		defer cancel()
		if _, err := g.Do(short, 1, nil); !errors.Is(err, impatient) {
			t.Errorf("who would not wait: %v", err)
		}
		leave(nil)
		wg.Wait()
		if made.Load() != 1 {
			t.Errorf("made %d times after the first one left", made.Load())
		}
	})
}

// Whoever panics takes nobody along.
func TestGroupPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group[int, string]
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_, _ = g.Do(t.Context(), 1, func(context.Context) (string, error) {
				time.Sleep(time.Second)
				panic("at the controls")
			})
		})
		synctest.Wait()
		v, err := g.Do(t.Context(), 1, func(context.Context) (string, error) { return "made", nil })
		if v != "made" || err != nil {
			t.Errorf("got %q, %v", v, err)
		}
		wg.Wait()
	})
}

func TestLocksTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Locks[string]
		var mu sync.Mutex
		var log []string
		var wg sync.WaitGroup
		come := func(name string, lock func(context.Context, string) (func(), error)) {
			wg.Go(func() {
				unlock, err := lock(t.Context(), "key")
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				log = append(log, name)
				mu.Unlock()
				time.Sleep(time.Second)
				unlock()
				unlock() // once is enough, twice does no harm
			})
			synctest.Wait()
		}
		began := time.Now()
		come("read 1", l.RLock)
		come("read 2", l.RLock)
		come("write 3", l.Lock)
		come("read 4", l.RLock)
		come("write 5", l.Lock)
		if unlock, err := l.Lock(t.Context(), "another"); err != nil {
			t.Error(err)
		} else {
			unlock()
		}
		wg.Wait()
		if got := fmt.Sprint(log); got != "[read 1 read 2 write 3 read 4 write 5]" || time.Since(began) != 4*time.Second {
			t.Errorf("%s in %s", got, time.Since(began))
		}
		if want := (Stats{Calls: 6, Waits: 3, Waited: 6 * time.Second, Contended: 1}); l.Stats() != want {
			t.Errorf("counted %+v, want %+v", l.Stats(), want)
		}
		if len(l.rooms) != 0 {
			t.Errorf("%d keys are remembered", len(l.rooms))
		}
	})
}

func TestLocksLeaveTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Locks[int]
		first, err := l.RLock(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := l.Lock(short, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the writer: %v", err)
			}
		})
		synctest.Wait()
		began := time.Now()
		second, err := l.RLock(t.Context(), 1) // behind the writer, until that gives up
		if err != nil || time.Since(began) != time.Second {
			t.Errorf("the reader behind: %v after %s", err, time.Since(began))
		}
		wg.Wait()
		second()
		first()
		if _, err := l.Lock(short, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a lock for one who is gone: %v", err)
		}
		if len(l.rooms) != 0 {
			t.Errorf("%d keys are remembered", len(l.rooms))
		}
	})
}

// Many writers and readers race at few keys, some of them impatient: nobody is where a writer is, and none is left over.
func TestLocksRaced(t *testing.T) {
	const keys, workers, rounds = 3, 16, 500
	var l Locks[int]
	var counts [keys]int // guarded by the locks, as the race detector sees
	var changed [keys]atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := range rounds {
				key := (w + n) % keys
				if (w+n)%4 == 0 {
					unlock, err := l.RLock(t.Context(), key)
					if err != nil {
						t.Error(err)
						return
					}
					_ = counts[key]
					unlock()
					continue
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n%5)*20*time.Microsecond)
				unlock, err := l.Lock(ctx, key)
				if err == nil {
					counts[key]++
					changed[key].Add(1)
					unlock()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	for key := range keys {
		if int64(counts[key]) != changed[key].Load() {
			t.Errorf("key %d was changed %d times and counts %d", key, changed[key].Load(), counts[key])
		}
	}
	if len(l.rooms) != 0 {
		t.Errorf("%d keys are remembered", len(l.rooms))
	}
}

func TestGroupRaced(t *testing.T) {
	const keys, workers, rounds = 5, 16, 500
	var g Group[int, int]
	var flying [keys]atomic.Int64
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := range rounds {
				key := (w * n) % keys
				v, err := g.Do(t.Context(), key, func(context.Context) (int, error) {
					if flying[key].Add(1) != 1 {
						t.Error("two make the same")
					}
					defer flying[key].Add(-1)
					return key, nil
				})
				if v != key || err != nil {
					t.Errorf("got %d, %v", v, err)
				}
			}
		})
	}
	wg.Wait()
	if s := g.Stats(); s.Calls != workers*rounds {
		t.Errorf("counted %+v", s)
	}
}
