package runs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/memory"
)

func TestWriterBatches(t *testing.T) {
	t.Run("by age", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeStore{}
			w, count := startWriter(t, f, nil)
			mustPut(t, w, entity("a", "1"))
			time.Sleep(200 * time.Millisecond)
			mustPut(t, w, entity("b", "1"))
			time.Sleep(49 * time.Millisecond)
			synctest.Wait()
			if f.has("asset_mappings/a") || count.of(core.Written) != 0 {
				t.Error("stored or counted before its time")
			}
			time.Sleep(2 * time.Millisecond)
			synctest.Wait()
			if got := f.written(); len(got) != 1 || len(got[0]) != 2 || count.of(core.Written) != 2 {
				t.Errorf("after 251 ms: %v, %d counted", got, count.of(core.Written))
			}
			time.Sleep(time.Hour)
			synctest.Wait()
			if len(f.written()) != 1 {
				t.Errorf("nothing was put, yet: %v", f.written())
			}
		})
	})
	t.Run("by rows", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeStore{}
			w, _ := startWriter(t, f, func(c *writerConfig) { c.batchRows = 3; c.age = time.Hour })
			for i := range 8 {
				mustPut(t, w, entity(fmt.Sprint(i), "1"))
			}
			synctest.Wait()
			if got := f.written(); len(got) != 2 || len(got[0]) != 3 || len(got[1]) != 3 {
				t.Errorf("eight rows in batches of three, the rest waits: %v", got)
			}
		})
	})
	t.Run("by bytes", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeStore{}
			w, _ := startWriter(t, f, func(c *writerConfig) { c.batchBytes = 100; c.age = time.Hour })
			mustPut(t, w, entity("a", strings.Repeat("x", 60)), entity("b", strings.Repeat("x", 60)), entity("c", strings.Repeat("x", 500)))
			synctest.Wait()
			mustFlush(t, w)
			if got := f.written(); len(got) != 3 {
				t.Errorf("a batch never exceeds its bytes unless one row does: %v", got)
			}
		})
	})
}

func TestWriterFlushWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{before: func(int) error { time.Sleep(time.Second); return nil }}
		w, count := startWriter(t, f, nil)
		mustFlush(t, w) // of nothing
		mustPut(t, w, entity("a", "1"), mark("actors", "5"))
		began := time.Now()
		mustFlush(t, w)
		if took := time.Since(began); took != time.Second || !f.has("asset_mappings/a") || count.of(core.Written) != 1 {
			t.Errorf("flush took %s, %d counted", took, count.of(core.Written))
		}
		if f.most != 1 {
			t.Errorf("%d batches were on their way at the same time", f.most)
		}
	})
}

func TestWriterFlushWatchesItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{before: func(int) error { time.Sleep(time.Minute); return nil }}
		w, _ := startWriter(t, f, nil)
		mustPut(t, w, entity("a", "1"), entity("b", "1"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := w.flush(ctx)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "2 rows are not stored yet") {
			t.Errorf("flush: %v", err)
		}
		mustFlush(t, w) // the writer itself goes on
	})
}

// Rows of one key are stored once, as the last one was, and count as often as they were put.
func TestWriterCoalesces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{}
		w, count := startWriter(t, f, nil)
		other := entity("a", "3")
		other.counts[0].stream = "items"
		mustPut(t, w, entity("a", "1"), entity("b", "1"), entity("a", "2"), other)
		mustFlush(t, w)
		if got := f.written(); len(got) != 1 || len(got[0]) != 2 || f.rows["asset_mappings/a"][2] != "3" {
			t.Errorf("written %v, a is %v", got, f.rows["asset_mappings/a"])
		}
		if count.of(core.Written) != 4 || count.streams["home/actors"] != 3 || count.streams["home/items"] != 1 {
			t.Errorf("counted %v by stream %v", count.outcomes, count.streams)
		}
		if w.held() != 0 || w.backlog.bytes != 0 || w.aloft != 0 {
			t.Errorf("the backlog believes to hold %d rows of %d bytes, and %d on their way", w.held(), w.backlog.bytes, w.aloft)
		}
	})
}

// Whatever fails and whenever: when a checkpoint is in the store, so is every row put before it.
func TestWriterCheckpointsComeLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{}
		var promised sync.Map // checkpoint value → rows put before it
		f.before = func(call int) error {
			time.Sleep(time.Duration(call%7) * 10 * time.Millisecond)
			if call%3 != 0 {
				return errDown
			}
			return nil
		}
		w, count := startWriter(t, f, func(c *writerConfig) { c.batchRows = 5; c.mostRows = 40 })
		for i := range 200 {
			mustPut(t, w, entity(fmt.Sprint("row", i%150), fmt.Sprint(i)))
			if i%4 == 3 {
				promised.Store(fmt.Sprint(i), i)
				mustPut(t, w, mark("actors", fmt.Sprint(i)))
			}
			f.mu.Lock()
			if stored := f.rows["checkpoints/actors"]; stored != nil {
				last, _ := promised.Load(stored[3])
				for row := range last.(int) + 1 {
					if f.rows[fmt.Sprint("asset_mappings/row", row%150)] == nil {
						t.Errorf("checkpoint %v is stored, row %d is not", stored[3], row)
					}
				}
			}
			f.mu.Unlock()
		}
		mustFlush(t, w)
		if got := f.rows["checkpoints/actors"][3]; got != "199" {
			t.Errorf("the last checkpoint is %v", got)
		}
		for i := range 150 {
			want := fmt.Sprint(i)
			if i < 50 {
				want = fmt.Sprint(i + 150)
			}
			if got := f.rows[fmt.Sprint("asset_mappings/row", i)][2]; got != want {
				t.Errorf("row %d is %v, want %s", i, got, want)
			}
		}
		if count.of(core.Written) != 200 {
			t.Errorf("%d counted of 200", count.of(core.Written))
		}
	})
}

func TestWriterIsBounded(t *testing.T) {
	for name, change := range map[string]func(*writerConfig){
		"rows":  func(c *writerConfig) { c.mostRows = 10 },
		"bytes": func(c *writerConfig) { c.mostBytes = 30 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				blocked := make(chan struct{})
				f := &fakeStore{before: func(int) error { <-blocked; return nil }}
				w, count := startWriter(t, f, func(c *writerConfig) { change(c); c.batchRows = 4 })
				for i := range 10 {
					mustPut(t, w, entity(fmt.Sprint(i), "12"))
				}
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				began := time.Now()
				if err := w.put(ctx, entity("x", "12")); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
					t.Errorf("a full backlog: %v after %s", err, time.Since(began))
				}
				done := make(chan error)
				go func() { done <- w.put(t.Context(), entity("y", "12")) }()
				synctest.Wait()
				close(blocked)
				if err := <-done; err != nil {
					t.Errorf("when there is room: %v", err)
				}
				mustFlush(t, w)
				if count.of(core.Written) != 11 || f.has("asset_mappings/x") {
					t.Errorf("%d stored", count.of(core.Written))
				}
			})
		})
	}
	t.Run("a row larger than all", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w, _ := startWriter(t, &fakeStore{}, func(c *writerConfig) { c.mostBytes = 30 })
			mustPut(t, w, entity("a", strings.Repeat("x", 100)), entity("b", strings.Repeat("x", 100)))
			mustFlush(t, w)
		})
	})
	t.Run("an ended context", func(t *testing.T) {
		w, _ := startWriter(t, &fakeStore{}, nil)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := w.put(ctx, entity("a", "1")); !errors.Is(err, context.Canceled) {
			t.Errorf("put: %v", err)
		}
	})
}

func TestWriterCloses(t *testing.T) {
	t.Run("with all stored", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeStore{before: func(int) error { time.Sleep(time.Second); return nil }}
			w, count := startWriter(t, f, func(c *writerConfig) { c.batchRows = 2; c.age = time.Hour })
			mustPut(t, w, entity("a", "1"), entity("b", "1"), entity("c", "1"))
			if err := w.close(t.Context()); err != nil || count.of(core.Written) != 3 {
				t.Errorf("close: %v, %d counted", err, count.of(core.Written))
			}
			if err := w.put(t.Context(), entity("d", "1")); err == nil || !strings.Contains(err.Error(), "has ended") {
				t.Errorf("put after close: %v", err)
			}
			if err := w.close(t.Context()); err != nil {
				t.Errorf("close again: %v", err)
			}
			mustFlush(t, w)
		})
	})
	t.Run("with a deadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f := &fakeStore{before: func(int) error { return errDown }}
			w, count := startWriter(t, f, nil)
			mustPut(t, w, entity("a", "1"), entity("b", "1"))
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			began := time.Now()
			err := w.close(ctx)
			var lost *StoreError
			if !errors.As(err, &lost) || lost.Unsaved != 2 || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 3*time.Second {
				t.Errorf("close: %v after %s", err, time.Since(began))
			}
			if count.of(core.CancelledItem) != 2 {
				t.Errorf("counted %v", count.outcomes)
			}
		})
	})
	t.Run("though its context ended before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			f, count := &fakeStore{}, &tally{}
			w := newWriter(ctx, writerConfig{store: f, count: count, run: "r-0001", number: 1, log: slog.New(slog.DiscardHandler)})
			mustPut(t, w, entity("a", "1"))
			cancel() // what was put is stored however the run's context ends
			if err := w.close(t.Context()); err != nil || !f.has("asset_mappings/a") {
				t.Errorf("close: %v", err)
			}
		})
	})
}

// Many put, some wait, the store fails now and then: all is stored once, and counted once.
func TestWriterConcurrent(t *testing.T) {
	f := &fakeStore{}
	f.before = func(call int) error {
		if call%5 == 0 {
			return errDown
		}
		return nil
	}
	w, count := startWriter(t, f, func(c *writerConfig) { c.batchRows = 7; c.mostRows = 50; c.age = time.Millisecond })
	const workers, each = 8, 200
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := range each {
				if err := w.put(t.Context(), entity(fmt.Sprint(worker, "-", i), "1")); err != nil {
					t.Errorf("put: %v", err)
				}
				if i%50 == 49 {
					if err := w.put(t.Context(), mark(fmt.Sprint(worker), fmt.Sprint(i))); err != nil {
						t.Errorf("put: %v", err)
					}
					if err := w.flush(t.Context()); err != nil {
						t.Errorf("flush: %v", err)
					}
					if !f.has(fmt.Sprint("asset_mappings/", worker, "-", i)) || !f.has(fmt.Sprint("checkpoints/", worker)) {
						t.Errorf("%d-%d is not stored after the flush", worker, i)
					}
				}
			}
		})
	}
	wg.Wait()
	if n := count.of(core.Written); n != workers*each || f.most > 3 {
		t.Errorf("%d counted of %d, %d at the same time", n, workers*each, f.most)
	}
}

// TestWriterMeasures: what a person wants to know of a store that is slow or away.
func TestWriterMeasures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{before: func(call int) error {
			time.Sleep(10 * time.Millisecond)
			if call == 1 {
				return errDown
			}
			return nil
		}}
		state := memory.New(memory.Config{})
		w, _ := startWriter(t, f, func(c *writerConfig) { c.meter, c.mostRows, c.batchRows = state, 3, 2 })
		mustPut(t, w, entity("a", "1"), entity("a", "2"), entity("b", "1"), entity("c", "1"), entity("d", "1"), entity("e", "1"))
		if s := state.Snapshot().Storing; s.Waiting == 0 || s.WaitingBytes == 0 || s.Waits == 0 || s.WaitedUS == 0 {
			t.Errorf("while rows wait: %+v", s)
		}
		mustFlush(t, w)
		s := state.Snapshot().Storing
		if s.Waiting != 0 || s.WaitingBytes != 0 || s.Rows != 5 || s.Replaced != 1 || s.Failures != 1 || s.Batches < 3 ||
			s.LatestUS != 10_000 || s.LongestUS != 10_000 || s.TotalUS != s.Batches*10_000 {
			t.Errorf("got %+v", s)
		}
	})
}

// TestStatementsAreShort: from 1,024 bytes on the node packs each statement of its log, which halves its speed.
func TestStatementsAreShort(t *testing.T) {
	for table := range tableCount {
		row := make([]any, len(tableColumns[table]))
		statement, err := table.upsert(99_999).Statement([][]any{row})
		if err != nil || len(statement.SQL) >= 1024 {
			t.Errorf("%s: %d bytes, %v", tableNames[table], len(statement.SQL), err)
		}
	}
}

// TestWriterLanes: two batches are on their way at a time, a checkpoint waits until all in front of it is stored, and what
// comes back from two failures is stored in the order of the puts again.
func TestWriterLanes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gates := map[int]chan error{1: make(chan error), 2: make(chan error), 4: make(chan error)}
		f := &fakeStore{before: func(call int) error {
			if gate := gates[call]; gate != nil {
				return <-gate
			}
			return nil
		}}
		w, _ := startWriter(t, f, func(c *writerConfig) { c.batchRows, c.lanes = 2, 2 })
		calls := func(want int) {
			t.Helper()
			synctest.Wait()
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.calls != want {
				t.Errorf("%d batches were sent, want %d", f.calls, want)
			}
		}
		mustPut(t, w, entity("a", "1"), entity("b", "1"))
		calls(1)
		mustPut(t, w, entity("c", "1"), entity("d", "1"), entity("e", "1"), entity("f", "1"))
		calls(2)
		flushed := make(chan error, 1)
		go func() { flushed <- w.flush(t.Context()) }()
		gates[2] <- errDown // the later one comes back first
		gates[1] <- errDown
		synctest.Wait()
		if got := fmt.Sprint(f.written()[0]); got != "[asset_mappings/a asset_mappings/b]" {
			t.Errorf("after two failures %s is stored first", got)
		}
		calls(5) // one alone, then two, of which one does not return
		mustPut(t, w, mark("s", "1"), entity("g", "1"))
		calls(5)
		select {
		case err := <-flushed:
			t.Fatalf("flush returned before all is stored: %v", err)
		default:
		}
		if f.has("checkpoints/s") {
			t.Error("a checkpoint is stored before the rows in front of it")
		}
		gates[4] <- nil
		if err := <-flushed; err != nil {
			t.Error(err)
		}
		mustFlush(t, w)
		if last := f.written()[len(f.written())-1]; !slices.Contains(last, "checkpoints/s") || f.most != 2 {
			t.Errorf("%v, %d at a time", f.written(), f.most)
		}
	})
}
