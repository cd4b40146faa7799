package runs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// A failed batch is tried again at once, then after growing pauses; what was put meanwhile is in the next attempt.
func TestWriterRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		began := time.Now()
		f := &fakeStore{}
		f.before = func(call int) error {
			at = append(at, time.Since(began))
			if call <= 5 {
				return errDown
			}
			return nil
		}
		w, count := startWriter(t, f, func(c *writerConfig) { c.batchRows = 1 })
		mustPut(t, w, entity("a", "old"))
		time.Sleep(250 * time.Millisecond)
		mustPut(t, w, entity("a", "new"))
		mustFlush(t, w)
		want := []time.Duration{0, 0, 100 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond, 1500 * time.Millisecond}
		if !slices.Equal(at, want) {
			t.Errorf("attempts at %v, want %v", at, want)
		}
		if f.rows["asset_mappings/a"][2] != "new" || count.of(core.Written) != 2 || len(f.written()) != 1 {
			t.Errorf("stored %v in %v, %d counted", f.rows, f.written(), count.of(core.Written))
		}
	})
}

func TestWriterFindsTheBadRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{bad: func(key string) bool { return strings.Contains(key, "bad") }}
		w, count := startWriter(t, f, nil)
		for i := range 40 {
			mustPut(t, w, entity(fmt.Sprint(i), "1"))
			if i == 3 || i == 30 {
				mustPut(t, w, entity(fmt.Sprint("bad", i), "1"))
			}
		}
		invalid := entity("text", "\xff")
		mustPut(t, w, invalid, mark("actors", "1"))
		mustFlush(t, w)
		if count.of(core.Written) != 40 || count.of(core.FailedItem) != 3 || !f.has("checkpoints/actors") {
			t.Errorf("counted %v", count.outcomes)
		}
		var blamed []string
		for _, fail := range count.failures {
			blamed = append(blamed, fail.Item)
			if fail.Code != "store.row_refused" || fail.Message == "" || fail.Suggestion == "" || fail.Source != "home" {
				t.Errorf("failure %+v", fail)
			}
		}
		if !slices.Equal(blamed, []string{"bad3", "bad30", "text"}) {
			t.Errorf("blamed: %v", blamed)
		}
	})
}

// While a bad row is looked for the store may fail too: nothing is lost or counted twice.
func TestWriterFailsWhileHalving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeStore{bad: func(key string) bool { return strings.HasSuffix(key, "bad") }}
		f.before = func(call int) error {
			if call%3 == 0 {
				return errDown
			}
			return nil
		}
		w, count := startWriter(t, f, nil)
		for i := range 20 {
			mustPut(t, w, entity(fmt.Sprint(i), "1"))
		}
		mustPut(t, w, entity("bad", "1"))
		mustFlush(t, w)
		if count.of(core.Written) != 20 || count.of(core.FailedItem) != 1 || len(count.failures) != 1 || len(f.rows) != 20 || w.aloft != 0 {
			t.Errorf("counted %v, stored %d, %d bytes on their way", count.outcomes, len(f.rows), w.aloft)
		}
	})
}

// A store that is gone for good is said at once, with what is lost and what to do; nobody hangs, and every item gets an
// outcome.
func TestWriterGivesUp(t *testing.T) {
	gone := make(chan struct{})
	close(gone)
	for name, test := range map[string]struct {
		err    error
		change func(*writerConfig)
		advice string
		took   time.Duration
	}{
		"password": {err: fmt.Errorf("write: %w", rqlite.ErrUnauthorized), advice: "store.password"},
		"tables":   {err: &rqlite.StatementError{Message: "no such table: run_1_custom_items"}, advice: "took this run for dead"},
		"closed":   {err: rqlite.ErrClosed, advice: "closed"},
		"proxy":    {err: fmt.Errorf("%w: HTTP 404", rqlite.ErrRejected), advice: "store.urls"},
		"process": {
			err: errDown,
			change: func(c *writerConfig) {
				c.lost, c.cause = gone, func() error { return errors.New("rqlited was killed") }
			},
			advice: "process is gone",
		},
		"silence": {err: errDown, advice: "has taken nothing for 2m", took: 2*time.Minute + 5*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeStore{before: func(int) error { return test.err }}
				w, count := startWriter(t, f, func(c *writerConfig) {
					c.mostRows = 3
					if test.change != nil {
						test.change(c)
					}
				})
				began := time.Now()
				var err error
				puts := 0
				for ; err == nil; puts++ {
					if puts == 3 {
						err = w.flush(t.Context())
					} else {
						err = w.put(t.Context(), entity(fmt.Sprint(puts), "1"))
					}
				}
				var lost *StoreError
				if !errors.As(err, &lost) || !strings.Contains(err.Error(), test.advice) || time.Since(began) > test.took {
					t.Errorf("after %s: %v", time.Since(began), err)
				}
				again := w.put(t.Context(), entity("x", "1"))
				if !errors.Is(again, lost) || !errors.Is(w.flush(t.Context()), lost) || !errors.Is(w.close(t.Context()), lost) {
					t.Errorf("later calls: %v", again)
				}
				if n := count.of(core.CancelledItem); n != int64(lost.Unsaved) || count.of(core.Written) != 0 {
					t.Errorf("%d are counted as not done, %d were unsaved", n, lost.Unsaved)
				}
			})
		})
	}
}

func TestWriterWaitersLearnOfTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		blocked := make(chan struct{})
		f := &fakeStore{before: func(int) error { <-blocked; return rqlite.ErrUnauthorized }}
		w, _ := startWriter(t, f, func(c *writerConfig) { c.mostRows = 1 })
		mustPut(t, w, entity("a", "1"))
		results := make(chan error, 2)
		go func() { results <- w.put(t.Context(), entity("b", "1")) }()
		go func() { results <- w.flush(t.Context()) }()
		synctest.Wait()
		close(blocked)
		for range 2 {
			var lost *StoreError
			if err := <-results; !errors.As(err, &lost) || lost.Unsaved != 1 {
				t.Errorf("a waiter got %v", err)
			}
		}
	})
}

// TestWriterRemembersRefusedItems: an item that the store refuses is a mishap from then on, in the place of its row, so that
// a later attempt at the run counts it and does not wait for it.
func TestWriterRemembersRefusedItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := 0
		f := &fakeStore{bad: func(key string) bool { return strings.HasPrefix(key, "asset_mappings/bad") }}
		f.before = func(call int) error {
			if call == 2 { // the mishap itself
				down++
				return errDown
			}
			return nil
		}
		w, count := startWriter(t, f, nil)
		e := entity("bad", "1")
		e.mishap = &core.Mishap{Source: "home", Stream: "actors", Place: 7, Kind: core.MishapRecord, ID: "bad"}
		mustPut(t, w, e)
		mustFlush(t, w)
		if !f.has("mishaps/home") || count.of(core.FailedItem) != 1 || len(count.failures) != 1 || down != 1 {
			t.Errorf("rows %v, %d failed, %v", f.rows, count.of(core.FailedItem), count.failures)
		}
	})
}
