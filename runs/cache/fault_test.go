package cache_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/cache/cachetest"
)

func TestDamagedRow(t *testing.T) {
	table := cachetest.NewMemory()
	c := open(t, cache.Config{Table: table})
	for _, key := range []string{"a", "b", "w"} {
		put(t, c, key, "v")
	}
	flush(t, c)
	for _, key := range []string{"a", "b", "w"} {
		if !table.Damage("c", key) {
			t.Fatalf("%s is not in L2", key)
		}
	}
	later := open(t, cache.Config{Table: table})
	if n, err := later.Warm(t.Context(), "w", 10); err != nil || n != 0 {
		t.Errorf("%d warmed, %v", n, err)
	}
	if hit, err := later.GetOrLoad(t.Context(), "a", value("again")); err != nil || said(hit) != "again" || hit.Level != cache.Loaded {
		t.Errorf("%+v, %v", hit, err)
	}
	know(t, later, "b", "nothing", cache.Nowhere)
	know(t, later, "a", "again", cache.L1)
	if s := later.Stats(); s.Corrupt != 3 {
		t.Errorf("%+v", s)
	}
	flush(t, later)
	last := open(t, cache.Config{Table: table})
	know(t, last, "a", "again", cache.L2)
	if table.Len() != 1 {
		t.Errorf("%d rows are left", table.Len())
	}
}

func TestCheck(t *testing.T) {
	table := cachetest.NewMemory()
	var bad atomic.Bool
	config := cache.Config{Table: table, Check: func(_ context.Context, key string, value []byte) bool {
		return !bad.Load() || key != "k" || string(value) == "good"
	}}
	c := open(t, config)
	put(t, c, "k", "v")
	put(t, c, "other", "v")
	flush(t, c)
	later := open(t, config)
	bad.Store(true)
	know(t, later, "k", "nothing", cache.Nowhere) // found in L2
	know(t, c, "k", "nothing", cache.Nowhere)     // found in L1
	know(t, c, "other", "v", cache.L1)
	if s := c.Stats(); s.L1.Hits != 1 || s.L1.Misses != 1 {
		t.Errorf("%+v", s)
	}
	if hit, err := c.GetOrLoad(t.Context(), "k", value("good")); err != nil || said(hit) != "good" {
		t.Errorf("%+v, %v", hit, err)
	}
	know(t, c, "k", "good", cache.L1)
}

// A store that fails costs time once, and nothing else; it is asked again after a second, then after longer.
func TestFailingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := cachetest.NewMemory()
		first := open(t, cache.Config{Table: table})
		put(t, first, "stored", "v")
		flush(t, first)

		c := open(t, cache.Config{Table: table})
		table.Fail(errors.New("down"))
		before := table.Calls()
		for range 10 {
			know(t, c, "stored", "nothing", cache.Nowhere)
		}
		hit, err := c.GetOrLoad(t.Context(), "stored", value("loaded"))
		if err != nil || said(hit) != "loaded" {
			t.Errorf("%+v, %v", hit, err)
		}
		know(t, c, "stored", "loaded", cache.L1)
		if s := c.Stats(); table.Calls()-before != 1 || s.Fallbacks != 11 || s.L2.Misses != 0 {
			t.Errorf("asked %d times, %+v", table.Calls()-before, s)
		}
		balanced(t, c)
		if _, err := c.Warm(t.Context(), "", 5); err == nil {
			t.Error("warmed from a store that fails")
		}
		time.Sleep(time.Second)
		table.Fail(nil)
		flush(t, c)
		know(t, c, "other", "nothing", cache.Nowhere)
		if s := c.Stats(); s.L2.Misses != 1 {
			t.Errorf("not asked again: %+v", s)
		}
		later := open(t, cache.Config{Table: table})
		know(t, later, "stored", "loaded", cache.L2)
	})
}

// A store that hangs is waited for as long as patience lasts, and not by everybody.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &slowTable{Table: cachetest.NewMemory()}
		table.finding.Store(int64(time.Hour))
		c := open(t, cache.Config{Table: table, Patience: time.Second})
		begun := time.Now()
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() { know(t, c, fmt.Sprint("k", i%5), "nothing", cache.Nowhere) })
		}
		all.Wait()
		if took := time.Since(begun); took != time.Second {
			t.Errorf("it took %s", took)
		}
		if s := c.Stats(); s.Fallbacks != 50 {
			t.Errorf("%+v", s)
		}
		// A caller that gives up says nothing about the store.
		time.Sleep(2 * time.Second)
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if hit := c.Get(hurried, "k"); hit.Level != cache.Nowhere {
			t.Errorf("%+v", hit)
		}
		table.finding.Store(0)
		c.Get(t.Context(), "k")
		if s := c.Stats(); s.L2.Misses != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// When more is put than a failing store can be kept for, L2 is emptied, so that it never tells what was true before.
func TestFullBacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := cachetest.NewMemory()
		c := open(t, cache.Config{Table: table, MaxBacklog: 10, MaxBytes: 4 << 10, MaxEntries: 10})
		put(t, c, "k", "old")
		put(t, c, "same", "as ever")
		flush(t, c)
		table.Fail(errors.New("down"))
		put(t, c, "k", "new")
		for i := range 100 { // and nobody waits
			put(t, c, fmt.Sprint("x", i), strings.Repeat("v", 100))
		}
		table.Fail(nil)
		flush(t, c)
		later := open(t, cache.Config{Table: table})
		know(t, later, "k", "nothing", cache.Nowhere)
		know(t, later, "same", "nothing", cache.Nowhere)
		know(t, later, "x99", strings.Repeat("v", 100), cache.L2)
		if s := c.Stats(); s.Dropped < 80 || table.Len() > 10 {
			t.Errorf("%d rows, %+v", table.Len(), s)
		}
	})
}

// A store that is only slow is waited for, as long as the context lasts.
func TestPutWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &slowTable{Table: cachetest.NewMemory()}
		table.writing.Store(int64(time.Second))
		c := open(t, cache.Config{Table: table, MaxBacklog: 2, BatchRows: 1, Age: time.Millisecond})
		begun := time.Now()
		for i := range 5 {
			put(t, c, fmt.Sprint("k", i), "v")
		}
		if took := time.Since(begun); took < 2*time.Second || took > 4*time.Second {
			t.Errorf("it took %s", took)
		}
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := c.Put(hurried, "late", []byte("v")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		know(t, c, "late", "nothing", cache.Nowhere)
		// A reader never waits.
		begun = time.Now()
		if hit, err := c.GetOrLoad(t.Context(), "read", value("v")); err != nil || said(hit) != "v" || time.Since(begun) != 0 {
			t.Errorf("%+v, %v after %s", hit, err, time.Since(begun))
		}
		know(t, c, "read", "v", cache.L1)
		if s := c.Stats(); s.Dropped != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := cachetest.NewMemory()
		c, err := cache.Open(t.Context(), cache.Config{Name: "c", Table: table, Age: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 250 {
			put(t, c, fmt.Sprint(i), "v")
		}
		shut(t, c)
		if table.Len() != 250 {
			t.Errorf("%d rows", table.Len())
		}
		if err := c.Put(t.Context(), "k", nil); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("%v", err)
		}
		know(t, c, "7", "v", cache.L1)
		if hit, err := c.GetOrLoad(t.Context(), "k", value("v")); err != nil || said(hit) != "v" {
			t.Errorf("%+v, %v", hit, err)
		}

		failing, err := cache.Open(t.Context(), cache.Config{Name: "d", Table: table})
		if err != nil {
			t.Fatal(err)
		}
		table.Fail(errors.New("disk"))
		put(t, failing, "k", "v")
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		begun := time.Now()
		err = failing.Close(ctx)
		if err == nil || !strings.Contains(err.Error(), "1 changes are not in the store") || !strings.Contains(err.Error(), "disk") {
			t.Errorf("%v", err)
		}
		if took := time.Since(begun); took != 3*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}

func TestInvalidateWithoutStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := cachetest.NewMemory()
		before := open(t, cache.Config{Table: table})
		put(t, before, "k", "v")
		put(t, before, "kept", "v")
		flush(t, before)
		c := open(t, cache.Config{Table: table})
		table.Fail(errors.New("down"))
		if err := c.Invalidate(t.Context(), "k"); err == nil || !strings.Contains(err.Error(), "down") {
			t.Errorf("%v", err)
		}
		table.Fail(nil)
		know(t, c, "k", "nothing", cache.Nowhere) // the store still has it, or not: it is not served
		time.Sleep(10 * time.Second)
		later := open(t, cache.Config{Table: table})
		know(t, later, "k", "nothing", cache.Nowhere)
		know(t, later, "kept", "v", cache.L2)
	})
}

// A write that had been given up and arrives after all brings back nothing that was deleted.
func TestLateWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := &replayTable{Memory: cachetest.NewMemory()}
		c := open(t, cache.Config{Table: table})
		put(t, c, "k", "old")
		flush(t, c)
		if err := c.Invalidate(t.Context(), "*"); err != nil {
			t.Fatal(err)
		}
		table.replay(t)
		know(t, c, "k", "nothing", cache.Nowhere)
		put(t, c, "k", "new")
		flush(t, c)
		table.replay(t)
		later := open(t, cache.Config{Table: table})
		know(t, later, "k", "new", cache.L2)
	})
}

// replayTable can carry out all writes with rows once more, the first one last.
type replayTable struct {
	*cachetest.Memory

	mu     sync.Mutex
	writes [][]cache.Row
}

func (r *replayTable) Write(ctx context.Context, name string, deletions []cache.Deletion, rows []cache.Row) error {
	r.mu.Lock()
	r.writes = append(r.writes, rows)
	r.mu.Unlock()
	return r.Memory.Write(ctx, name, deletions, rows)
}

func (r *replayTable) replay(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rows := range slices.Backward(r.writes) {
		if err := r.Memory.Write(t.Context(), "c", nil, rows); err != nil {
			t.Fatal(err)
		}
	}
}

// One row that is refused costs no other.
func TestRefusedRow(t *testing.T) {
	table := &slowTable{Table: cachetest.NewMemory(), refuse: "k13"}
	c := open(t, cache.Config{Table: table})
	for i := range 30 {
		put(t, c, fmt.Sprint("k", i), "v")
	}
	if err := c.Invalidate(t.Context(), "k2"); err != nil {
		t.Fatal(err)
	}
	flush(t, c)
	later := open(t, cache.Config{Table: table.Table})
	for i := range 30 {
		want, level := "v", cache.L2
		if i == 13 || i == 2 {
			want, level = "nothing", cache.Nowhere
		}
		know(t, later, fmt.Sprint("k", i), want, level)
	}
	if s := c.Stats(); s.Dropped != 1 {
		t.Errorf("%+v", s)
	}
}

// What was loaded because L2 did not answer, and has no room on its way there, must not leave an older value in L2.
func TestLoadedWithoutRoomAndSight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := cachetest.NewMemory()
		first := open(t, cache.Config{Table: table})
		put(t, first, "k", "old")
		flush(t, first)
		c := open(t, cache.Config{Table: table, MaxBacklog: 1, Age: time.Hour})
		put(t, c, "other", "v") // the backlog is full
		table.Fail(errors.New("down"))
		hit, err := c.GetOrLoad(t.Context(), "k", func(context.Context) ([]byte, bool, error) { return nil, false, nil })
		if err != nil || hit.Level != cache.Loaded || !hit.Absent {
			t.Fatalf("%+v, %v", hit, err)
		}
		table.Fail(nil)
		flush(t, c)
		know(t, c, "k", "absent", cache.L1)
		if s := c.Stats(); s.Dropped != 1 {
			t.Errorf("%+v", s)
		}
		later := open(t, cache.Config{Table: table})
		know(t, later, "k", "nothing", cache.Nowhere)
		know(t, later, "other", "v", cache.L2)
	})
}

func TestWhatIsNotKept(t *testing.T) {
	table := cachetest.NewMemory()
	c := open(t, cache.Config{Table: table})
	large := strings.Repeat("x", cache.ValueLimit+1)
	put(t, c, "large", "small")
	put(t, c, "large", large)
	put(t, c, "a\x00", "v")
	put(t, c, "\xff", "v")
	put(t, c, strings.Repeat("k", cache.KeyLimit+1), "v")
	put(t, c, strings.Repeat("k", cache.KeyLimit), strings.Repeat("x", cache.ValueLimit))
	flush(t, c)
	know(t, c, "large", large, cache.L1)
	for _, key := range []string{"a\x00", "\xff", strings.Repeat("k", cache.KeyLimit+1)} {
		know(t, c, key, "nothing", cache.Nowhere)
		if hit, err := c.GetOrLoad(t.Context(), key, value("v")); err != nil || said(hit) != "v" {
			t.Errorf("%q: %+v, %v", key, hit, err)
		}
	}
	later := open(t, cache.Config{Table: table})
	know(t, later, "large", "nothing", cache.Nowhere)
	know(t, later, strings.Repeat("k", cache.KeyLimit), strings.Repeat("x", cache.ValueLimit), cache.L2)
}
