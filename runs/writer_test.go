package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/memory"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// fakeStore takes rows like the database does: all of a call or none, and a newer row over an older one.
type fakeStore struct {
	before func(call int) error // an error is the call's
	bad    func(key string) bool

	mu    sync.Mutex
	calls int
	log   [][]string        // the keys of the calls that were carried out, in order
	rows  map[string][]any  // by table and key
	order map[string]int    // call in which a key was last written
	open  int               // calls in progress
	most  int               // at the same time
	sizes []int             // bytes of the calls
	seen  map[string]uint64 // highest rev by key
}

var intoTable = regexp.MustCompile(`^INSERT INTO "run_1_(\w+)"`)

func (f *fakeStore) Apply(ctx context.Context, statements ...rqlite.Statement) ([]rqlite.Result, error) {
	f.mu.Lock()
	f.calls++
	call := f.calls
	f.open++
	f.most = max(f.most, f.open)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.open--
		f.mu.Unlock()
	}()
	if f.before != nil {
		if err := f.before(call); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f.carryOut(call, statements)
}

func (f *fakeStore) carryOut(call int, statements []rqlite.Statement) ([]rqlite.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	written := map[string][]any{}
	var keys []string
	size := 0
	for i, s := range statements {
		for _, arg := range s.Args {
			size += len(arg.(string))
		}
		name := intoTable.FindStringSubmatch(s.SQL)[1]
		rows, err := rowsIn(s, table(slices.Index(tableNames[:], name)))
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			key := fmt.Sprint(name, "/", row[0])
			if f.bad != nil && f.bad(key) {
				return nil, &rqlite.StatementError{Index: i, Message: "CHECK constraint failed: " + key}
			}
			written[key] = row
			keys = append(keys, key)
		}
	}
	if f.rows == nil {
		f.rows, f.order, f.seen = map[string][]any{}, map[string]int{}, map[string]uint64{}
	}
	for key, row := range written {
		rev := uint64(row[len(row)-1].(float64))
		if rev > f.seen[key] {
			f.rows[key], f.order[key], f.seen[key] = row, call, rev
		}
	}
	f.log = append(f.log, keys)
	f.sizes = append(f.sizes, size)
	return make([]rqlite.Result, len(statements)), nil
}

// rowsIn returns the rows that a statement writes into a table.
func rowsIn(s rqlite.Statement, t table) ([][]any, error) {
	var sent [][]any
	if err := json.Unmarshal([]byte(s.Args[0].(string)), &sent); err != nil {
		return nil, err
	}
	rows := make([][]any, len(sent))
	for i, values := range sent {
		for _, column := range tableColumns[t] {
			value := values[0]
			values = values[1:]
			if slices.Contains(tableLong[t], column) {
				if from, there := value.(float64); there {
					value = s.Args[1].(string)[int(from)-1:][:int(values[0].(float64))]
				}
				values = values[1:]
			}
			rows[i] = append(rows[i], value)
		}
	}
	return rows, nil
}

func (f *fakeStore) has(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows[key] != nil
}

func (f *fakeStore) written() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// tally counts outcomes.
type tally struct {
	mu       sync.Mutex
	outcomes map[core.Outcome]int64
	streams  map[string]int64
	failures []core.Failure
}

func (t *tally) Done(_ core.Stage, source, stream string, outcome core.Outcome, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outcomes == nil {
		t.outcomes, t.streams = map[core.Outcome]int64{}, map[string]int64{}
	}
	t.outcomes[outcome] += n
	t.streams[source+"/"+stream] += n
}

func (t *tally) Failure(f core.Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, f)
}

func (t *tally) of(outcome core.Outcome) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.outcomes[outcome]
}

var errDown = fmt.Errorf("write to the store: %w", &rqlite.OutcomeError{Write: true, Attempts: 3, Reason: errors.New("tried long enough")})

func startWriter(t *testing.T, f *fakeStore, change func(*writerConfig)) (*writer, *tally) {
	t.Helper()
	count := &tally{}
	config := writerConfig{store: f, count: count, run: "r-0001", number: 1, log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&config)
	}
	w := newWriter(t.Context(), config)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel()
		_ = w.close(ctx)
	})
	return w, count
}

func entity(key, value string) *entry {
	return &entry{
		table: mappings, key: key, row: []any{key, "uri", value}, bytes: len(key) + len(value),
		counts: []count{{stage: core.StageEntities, source: "home", stream: "actors", outcome: core.Written, n: 1}},
		about:  core.Failure{Stage: core.StageEntities, Source: "home", Item: key},
	}
}

func mark(stream, value string) *entry {
	return &entry{table: checkpoints, key: stream, row: []any{stream, "s", 1, value, 0, false, 0, "", 0, "null"}, bytes: 20}
}

func mustPut(t *testing.T, w *writer, entries ...*entry) {
	t.Helper()
	for _, e := range entries {
		if err := w.put(t.Context(), e); err != nil {
			t.Fatalf("put %s: %v", e.key, err)
		}
	}
}

func mustFlush(t *testing.T, w *writer) {
	t.Helper()
	if err := w.flush(t.Context()); err != nil {
		t.Fatalf("flush: %v", err)
	}
}

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
