package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
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

// open opens a cache called "c" that is closed with the test.
func open(tb testing.TB, config cache.Config) *cache.Cache {
	tb.Helper()
	config.Name = "c"
	c, err := cache.Open(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { shut(tb, c) })
	return c
}

func shut(tb testing.TB, c *cache.Cache) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 10*time.Second)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		tb.Error(err)
	}
}

func put(tb testing.TB, c *cache.Cache, key, value string) {
	tb.Helper()
	if err := c.Put(tb.Context(), key, []byte(value)); err != nil {
		tb.Fatal(err)
	}
}

func flush(tb testing.TB, c *cache.Cache) {
	tb.Helper()
	if err := c.Flush(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

// know checks what a cache knows of a key: a value, "absent" or "nothing", and from where.
func know(tb testing.TB, c *cache.Cache, key, want string, level cache.Level) {
	tb.Helper()
	if got := c.Get(tb.Context(), key); said(got) != want || got.Level != level {
		tb.Errorf("%s: %s from %d, want %s from %d", key, said(got), got.Level, want, level)
	}
}

func said(h cache.Hit) string {
	switch {
	case h.Found():
		return string(h.Value)
	case h.Absent:
		return "absent"
	default:
		return "nothing"
	}
}

// never is a loader that must not be asked.
func never(tb testing.TB) cache.Load {
	tb.Helper()
	return func(context.Context) ([]byte, bool, error) {
		tb.Error("loaded")
		return nil, false, nil
	}
}

func value(text string) cache.Load {
	return func(context.Context) ([]byte, bool, error) { return []byte(text), true, nil }
}

func TestConfig(t *testing.T) {
	for want, config := range map[string]cache.Config{
		"no Name":                      {},
		"NUL":                          {Name: "a\x00"},
		"no limit may be negative":     {Name: "a", MaxBytes: -1},
		"TTL, Age and Patience":        {Name: "a", TTL: -1},
		"cache a: no limit":            {Name: "a", MaxBacklog: -2},
		"has a NUL in it or more than": {Name: strings.Repeat("a", cache.KeyLimit+1)},
	} {
		if _, err := cache.Open(t.Context(), config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestLevels(t *testing.T) {
	table := cachetest.NewMemory()
	c := open(t, cache.Config{Table: table})
	know(t, c, "k", "nothing", cache.Nowhere)
	put(t, c, "k", "v")
	put(t, c, "empty", "")
	if err := c.PutNegative(t.Context(), "none"); err != nil {
		t.Fatal(err)
	}
	know(t, c, "k", "v", cache.L1)
	know(t, c, "empty", "", cache.L1)
	know(t, c, "none", "absent", cache.L1)
	flush(t, c)

	later := open(t, cache.Config{Table: table})
	know(t, later, "k", "v", cache.L2)
	know(t, later, "k", "v", cache.L1) // promoted
	know(t, later, "none", "absent", cache.L2)
	know(t, later, "none", "absent", cache.L1)
	know(t, later, "empty", "", cache.L2)
	know(t, later, "other", "nothing", cache.Nowhere)
	s := later.Stats()
	if s.L1.Hits != 2 || s.L1.Misses != 4 || s.L2.Hits != 3 || s.L2.Misses != 1 || s.Hits != 5 || s.Misses != 1 || s.Absent != 2 || s.Entries != 3 {
		t.Errorf("%+v", s)
	}
}

// The value belongs to the caller before and after it is put.
func TestPutCopies(t *testing.T) {
	c := open(t, cache.Config{})
	v := []byte("before")
	if err := c.Put(t.Context(), "k", v); err != nil {
		t.Fatal(err)
	}
	copy(v, "after!")
	know(t, c, "k", "before", cache.L1)
}

func TestExpiry(t *testing.T) {
	for name, table := range map[string]cache.Table{"one level": nil, "two levels": cachetest.NewMemory()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := open(t, cache.Config{Table: table, TTL: time.Hour, AbsentTTL: time.Minute})
				put(t, c, "k", "v")
				if err := c.PutNegative(t.Context(), "none"); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Minute - time.Millisecond)
				know(t, c, "none", "absent", cache.L1)
				time.Sleep(time.Millisecond)
				know(t, c, "none", "nothing", cache.Nowhere)
				time.Sleep(59*time.Minute - time.Millisecond)
				know(t, c, "k", "v", cache.L1)
				put(t, c, "renewed", "v")
				time.Sleep(time.Millisecond)
				know(t, c, "k", "nothing", cache.Nowhere)
				know(t, c, "renewed", "v", cache.L1)
				synctest.Wait() // what has expired is counted beside
				if s := c.Stats(); s.Expired != 2 || s.L1.Evictions != 2 || s.Entries != 1 {
					t.Errorf("%+v", s)
				}
				time.Sleep(2 * time.Hour) // the sweep does not wait to be asked
				if s := c.Stats(); s.Expired != 3 || s.Entries != 0 || s.Bytes != 0 {
					t.Errorf("after the sweep %+v", s)
				}
			})
		})
	}
}

// A promoted entry lives no longer than its row.
func TestPromotionKeepsTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := cachetest.NewMemory()
		c := open(t, cache.Config{Table: table, TTL: time.Hour})
		put(t, c, "k", "v")
		flush(t, c)
		time.Sleep(30 * time.Minute)
		later := open(t, cache.Config{Table: table, TTL: time.Hour})
		know(t, later, "k", "v", cache.L2)
		time.Sleep(30*time.Minute - time.Second)
		know(t, later, "k", "v", cache.L1)
		time.Sleep(time.Second)
		know(t, later, "k", "nothing", cache.Nowhere)
	})
}

func TestNegativesCanBeLeftOut(t *testing.T) {
	c := open(t, cache.Config{Table: cachetest.NewMemory(), AbsentTTL: -1})
	put(t, c, "k", "v")
	if err := c.PutNegative(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	know(t, c, "k", "nothing", cache.Nowhere) // it is not so any more
	hit, err := c.GetOrLoad(t.Context(), "k", func(context.Context) ([]byte, bool, error) { return nil, false, nil })
	if err != nil || !hit.Absent || hit.Found() {
		t.Errorf("%+v, %v", hit, err)
	}
	know(t, c, "k", "nothing", cache.Nowhere)
}

func TestGetOrLoad(t *testing.T) {
	table := cachetest.NewMemory()
	c := open(t, cache.Config{Table: table})
	hit, err := c.GetOrLoad(t.Context(), "k", value("v"))
	if err != nil || said(hit) != "v" || hit.Level != cache.Loaded {
		t.Errorf("%+v, %v", hit, err)
	}
	failure := errors.New("down")
	for range 2 { // it is not remembered
		if _, err := c.GetOrLoad(t.Context(), "bad", func(context.Context) ([]byte, bool, error) { return nil, false, failure }); !errors.Is(err, failure) {
			t.Errorf("%v", err)
		}
	}
	none := func(context.Context) ([]byte, bool, error) { return []byte("ignored"), false, nil }
	if hit, err := c.GetOrLoad(t.Context(), "none", none); err != nil || said(hit) != "absent" || hit.Value != nil {
		t.Errorf("%+v, %v", hit, err)
	}
	for key, want := range map[string]string{"k": "v", "none": "absent"} {
		if hit, err := c.GetOrLoad(t.Context(), key, never(t)); err != nil || said(hit) != want || hit.Level != cache.L1 {
			t.Errorf("%s: %+v, %v", key, hit, err)
		}
	}
	flush(t, c)
	later := open(t, cache.Config{Table: table})
	if hit, err := later.GetOrLoad(t.Context(), "k", never(t)); err != nil || said(hit) != "v" || hit.Level != cache.L2 {
		t.Errorf("%+v, %v", hit, err)
	}
	if s := c.Stats(); s.Loads != 4 || s.Misses != 4 || s.Hits != 2 {
		t.Errorf("%+v", s)
	}
}

// However many want it, one loads; the load time is counted once.
func TestOneLoads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, cache.Config{Table: cachetest.NewMemory()})
		var calls atomic.Int64
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() {
				hit, err := c.GetOrLoad(t.Context(), "k", func(context.Context) ([]byte, bool, error) {
					calls.Add(1)
					time.Sleep(time.Second)
					return []byte("v"), true, nil
				})
				if err != nil || said(hit) != "v" {
					t.Errorf("%+v, %v", hit, err)
				}
			})
		}
		all.Wait()
		if s := c.Stats(); calls.Load() != 1 || s.Loads != 1 || s.LoadMS != 1000 || s.Shared != 99 || s.Misses != 100 {
			t.Errorf("%d calls, %+v", calls.Load(), s)
		}
	})
}

// Who waits stops waiting with its own context; when who loads gives up, another one loads.
func TestLoadersComeAndGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := open(t, cache.Config{})
		slow := func(ctx context.Context) ([]byte, bool, error) {
			select {
			case <-ctx.Done():
				return nil, false, ctx.Err()
			case <-time.After(time.Minute):
				return []byte("v"), true, nil
			}
		}
		leader, giveUp := context.WithCancel(t.Context())
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		results := make([]error, 3)
		var all sync.WaitGroup
		for i, ctx := range []context.Context{leader, impatient, t.Context()} {
			all.Go(func() { _, results[i] = c.GetOrLoad(ctx, "k", slow) })
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		giveUp()
		all.Wait()
		if !errors.Is(results[0], context.Canceled) || !errors.Is(results[1], context.DeadlineExceeded) || results[2] != nil {
			t.Errorf("%v", results)
		}
		know(t, c, "k", "v", cache.L1)
	})
}

func TestLoaderPanics(t *testing.T) {
	c := open(t, cache.Config{})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic is gone")
			}
		}()
		_, _ = c.GetOrLoad(t.Context(), "k", func(context.Context) ([]byte, bool, error) { panic("x") })
	}()
	if hit, err := c.GetOrLoad(t.Context(), "k", value("v")); err != nil || said(hit) != "v" {
		t.Errorf("%+v, %v", hit, err)
	}
}

func TestGetMany(t *testing.T) {
	table := cachetest.NewMemory()
	c := open(t, cache.Config{Table: table})
	var keys []string
	for i := range 150 {
		key := fmt.Sprint("k", i)
		keys = append(keys, key)
		put(t, c, key, "v"+key)
	}
	if err := c.PutNegative(t.Context(), "none"); err != nil {
		t.Fatal(err)
	}
	flush(t, c)
	later := open(t, cache.Config{Table: table})
	know(t, later, "k3", "vk3", cache.L2)
	before := table.Calls()
	hits := later.GetMany(t.Context(), slices.Concat(keys, keys, []string{"none", "nobody", "long" + strings.Repeat("x", cache.KeyLimit)}))
	if calls := table.Calls() - before; calls != 1 || len(hits) != 151 {
		t.Errorf("%d hits in %d calls", len(hits), calls)
	}
	for _, key := range keys {
		want := cache.L2
		if key == "k3" {
			want = cache.L1
		}
		if said(hits[key]) != "v"+key || hits[key].Level != want {
			t.Errorf("%s: %+v", key, hits[key])
		}
	}
	if !hits["none"].Absent {
		t.Errorf("%+v", hits["none"])
	}
	before = table.Calls()
	if hits := later.GetMany(t.Context(), keys); len(hits) != 150 || table.Calls() != before {
		t.Errorf("%d hits, L2 asked again: %v", len(hits), table.Calls() != before)
	}
	balanced(t, later)
}

// balanced checks that every lookup is in the numbers once.
func balanced(tb testing.TB, c *cache.Cache) {
	tb.Helper()
	s := c.Stats()
	if s.Hits+s.Misses != s.L1.Hits+s.L1.Misses || s.L2.Hits+s.L2.Misses+s.Fallbacks > s.L1.Misses || s.Hits != s.L1.Hits+s.L2.Hits {
		tb.Errorf("numbers do not add up: %+v", s)
	}
}

func TestInvalidate(t *testing.T) {
	for _, test := range []struct {
		pattern string
		left    []string
	}{
		{"a/*", []string{"b/1", "b/2", "c*"}},
		{"*1", []string{"a/2", "b/2", "c*"}},
		{"b/2", []string{"a/1", "a/2", "b/1", "c*"}},
		{"*", nil},
		{"nobody*", []string{"a/1", "a/2", "b/1", "b/2", "c*"}},
	} {
		t.Run(test.pattern, func(t *testing.T) {
			table := cachetest.NewMemory()
			c := open(t, cache.Config{Table: table})
			keys := []string{"a/1", "a/2", "b/1", "b/2", "c*"}
			for i, key := range keys {
				put(t, c, key, "v")
				if i == 2 {
					flush(t, c) // some are stored, some are not
				}
			}
			if err := c.Invalidate(t.Context(), test.pattern); err != nil {
				t.Fatal(err)
			}
			flush(t, c)
			later := open(t, cache.Config{Table: table})
			for _, key := range keys {
				kept := slices.Contains(test.left, key)
				if c.Get(t.Context(), key).Found() != kept || later.Get(t.Context(), key).Found() != kept {
					t.Errorf("%s: here %v, in another process %v, want %v", key, c.Get(t.Context(), key).Found(), !kept, kept)
				}
			}
		})
	}
}

// What is read or loaded while its key changes is not kept, and who comes after the change does not get it.
func TestChangesWhileOthersLook(t *testing.T) {
	for name, change := range map[string]func(c *cache.Cache) error{
		"invalidate": func(c *cache.Cache) error { return c.Invalidate(context.Background(), "k*") },
		"put":        func(c *cache.Cache) error { return c.Put(context.Background(), "k", []byte("new")) },
	} {
		want := map[string]string{"invalidate": "nothing", "put": "new"}[name]
		t.Run(name+" during a load", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := open(t, cache.Config{Table: cachetest.NewMemory()})
				var all sync.WaitGroup
				all.Go(func() {
					hit, err := c.GetOrLoad(t.Context(), "k", func(context.Context) ([]byte, bool, error) {
						time.Sleep(time.Second)
						return []byte("old"), true, nil
					})
					if err != nil || said(hit) != "old" {
						t.Errorf("%+v, %v", hit, err)
					}
				})
				synctest.Wait()
				if err := change(c); err != nil {
					t.Fatal(err)
				}
				if name == "invalidate" { // who comes now does not wait for what was true before
					if hit, err := c.GetOrLoad(t.Context(), "k", value("fresh")); err != nil || said(hit) != "fresh" {
						t.Errorf("%+v, %v", hit, err)
					}
					want = "fresh"
				}
				all.Wait()
				know(t, c, "k", want, cache.L1)
			})
		})
		t.Run(name+" during a read", func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				table := &slowTable{Table: cachetest.NewMemory()}
				c := open(t, cache.Config{Table: table})
				put(t, c, "k", "old")
				flush(t, c)
				later := open(t, cache.Config{Table: table})
				table.finding.Store(int64(time.Second))
				var all sync.WaitGroup
				all.Go(func() { later.Get(t.Context(), "k") })
				synctest.Wait()
				if err := change(later); err != nil {
					t.Fatal(err)
				}
				all.Wait()
				if got := said(later.Get(t.Context(), "k")); got == "old" {
					t.Errorf("the value of before came back after %s", name)
				}
			})
		})
	}
}

// slowTable takes its time to answer, after it has looked.
type slowTable struct {
	cache.Table

	finding, writing atomic.Int64 // nanoseconds
	refuse           string       // key of a row that is refused
}

func (s *slowTable) Find(ctx context.Context, name string, keys []string, nowMS int64) ([]cache.Row, error) {
	rows, err := s.Table.Find(ctx, name, keys, nowMS)
	return rows, errors.Join(err, pause(ctx, s.finding.Load()))
}

func (s *slowTable) Write(ctx context.Context, name string, deletions []cache.Deletion, rows []cache.Row) error {
	if err := pause(ctx, s.writing.Load()); err != nil {
		return err
	}
	if s.refuse != "" && slices.ContainsFunc(rows, func(r cache.Row) bool { return r.Key == s.refuse }) {
		return fmt.Errorf("%w: it is odd", cache.ErrRefused)
	}
	return s.Table.Write(ctx, name, deletions, rows)
}

func pause(ctx context.Context, ns int64) error {
	if ns == 0 {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(ns)):
		return nil
	}
}

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

func TestWarmAndPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := cachetest.NewMemory()
		c := open(t, cache.Config{Table: table, TTL: time.Hour})
		for i := range 450 {
			put(t, c, fmt.Sprintf("a/%03d", i), "v")
		}
		put(t, c, "b", "v")
		flush(t, c)
		for _, test := range []struct {
			prefix      string
			limit, want int
		}{{"a/", 1000, 450}, {"a/", 400, 400}, {"a/", 7, 7}, {"", 1000, 451}, {"c", 10, 0}, {"a/", 0, 0}} {
			later := open(t, cache.Config{Table: table})
			n, err := later.Warm(t.Context(), test.prefix, test.limit)
			if err != nil || n != test.want || later.Stats().Entries != int64(n) {
				t.Errorf("warmed %d with %q up to %d, %v; %d entries", n, test.prefix, test.limit, err, later.Stats().Entries)
			}
			if test.want > 0 {
				know(t, later, max(test.prefix+"000", "a/000"), "v", cache.L1)
			}
		}
		small := open(t, cache.Config{Table: table, MaxEntries: 50})
		if n, err := small.Warm(t.Context(), "", 1000); err != nil || n > 2*200 {
			t.Errorf("%d warmed into 50, %v", n, err)
		}
		time.Sleep(30 * time.Minute)
		put(t, c, "b", "v")
		flush(t, c)
		time.Sleep(30 * time.Minute)
		scope := c.Scope()
		for _, step := range []struct{ limit, want int }{{100, 100}, {1000, 350}, {1000, 0}} {
			if n, err := c.Purge(t.Context(), step.limit); err != nil || n != step.want {
				t.Errorf("purged %d, %v, want %d", n, err, step.want)
			}
		}
		if s := scope.Stats(); s.L2.Evictions != 450 || table.Len() != 1 || s.Entries != 1 {
			t.Errorf("%d rows, %+v", table.Len(), s)
		}
		know(t, c, "b", "v", cache.L1)
	})
}

func TestScope(t *testing.T) {
	c := open(t, cache.Config{MaxBytes: 2000, MaxEntries: 4})
	put(t, c, "k", "v")
	c.Get(t.Context(), "k")
	one, two := c.Scope(), c.Scope()
	one.Get(t.Context(), "k")
	one.Get(t.Context(), "nobody")
	two.Get(t.Context(), "k")
	for i := range 20 {
		put(t, two, fmt.Sprint(i), "v")
	}
	for name, got := range map[string][2]int64{
		"all": {c.Stats().Hits, 3}, "one": {one.Stats().Hits, 1}, "two": {two.Stats().Hits, 1},
		"misses of one": {one.Stats().Misses, 1}, "misses of two": {two.Stats().Misses, 0},
		"evicted": {one.Stats().Evictions, c.Stats().Evictions},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %d, want %d", name, got[0], got[1])
		}
	}
	if e := c.Stats().Evictions; e < 16 || c.Scope().Stats().Evictions != 0 {
		t.Errorf("%d evicted", e)
	}
}

// Neither bound is ever exceeded once a put has returned, whatever the sizes.
func TestBounds(t *testing.T) {
	for _, test := range []struct{ bytes, entries, size int }{
		{256 << 10, 50_000, 100}, {1 << 20, 100, 100}, {1 << 20, 50_000, 20_000}, {16 << 10, 10, 30_000}, {10_000, 1, 10},
	} {
		c := open(t, cache.Config{MaxBytes: test.bytes, MaxEntries: test.entries})
		random := rand.New(rand.NewPCG(3, 4))
		for i := range 2000 {
			put(t, c, fmt.Sprint("key", random.IntN(3000)), strings.Repeat("x", random.IntN(test.size)))
			if s := c.Stats(); s.Bytes > int64(test.bytes) || s.Entries > int64(test.entries) || s.Bytes < 0 {
				t.Fatalf("%+v: after %d puts %d entries with %d bytes", test, i, s.Entries, s.Bytes)
			}
		}
		if s := c.Stats(); s.L1.Evictions == 0 {
			t.Errorf("%+v: nothing was evicted", test)
		}
	}
}

// What an entry weighs is what it takes.
func TestMemoryOfAnEntry(t *testing.T) {
	const n, size = 100_000, 100
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	c := open(t, cache.Config{MaxBytes: 1 << 30, MaxEntries: n * 2})
	for i := range n {
		put(t, c, fmt.Sprintf("key %06d", i), strings.Repeat("x", size))
	}
	held, s := heap()-before, c.Stats()
	overhead := held/n - size - int64(len("key 000000"))
	t.Logf("%d entries hold %d bytes, %d an entry beside key and value; they weigh %d", s.Entries, held, overhead, s.Bytes)
	if s.Entries != n || held > s.Bytes || held < s.Bytes/2 {
		t.Errorf("%d entries hold %d bytes and weigh %d", s.Entries, held, s.Bytes)
	}
	runtime.KeepAlive(c)
}

// The model is a map. The cache may have forgotten, and never knows anything else than the map.
func TestAgainstModel(t *testing.T) {
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { modelled(t, rand.New(rand.NewPCG(seed, 5))) })
		})
	}
}

type known struct {
	value  string
	absent bool
	until  time.Time
}

func (k known) String() string {
	switch {
	case time.Now().Before(k.until) && k.absent:
		return "absent"
	case time.Now().Before(k.until):
		return k.value
	}
	return "nothing"
}

func modelled(t *testing.T, random *rand.Rand) {
	t.Helper()
	const keys, ttl, absentTTL = 60, time.Hour, 10 * time.Minute
	table := cachetest.NewMemory()
	config := cache.Config{
		Table: table, TTL: ttl, AbsentTTL: absentTTL, MaxBytes: 6 << 10, MaxEntries: 25, // so that L2 is needed
		MaxBacklog: 30, Patience: time.Second,
	}
	c := open(t, config)
	model := map[string]known{}
	key := func() string { return fmt.Sprintf("%c/%d", 'a'+rune(random.IntN(3)), random.IntN(keys/3)) }
	hits, forgotten := 0, 0
	check := func(k string, got cache.Hit) {
		t.Helper()
		switch want := model[k].String(); {
		case got.Level == cache.Nowhere && want != "nothing":
			forgotten++
		case said(got) != want:
			t.Fatalf("%s: %q from %d, want %q", k, said(got), got.Level, want)
		case want != "nothing":
			hits++
		}
	}
	for i := range 4000 {
		k := key()
		switch random.IntN(20) {
		case 0, 1, 2, 3:
			v := fmt.Sprint("v", i)
			put(t, c, k, v)
			model[k] = known{value: v, until: time.Now().Add(ttl)}
		case 4:
			if err := c.PutNegative(t.Context(), k); err != nil {
				t.Fatal(err)
			}
			model[k] = known{absent: true, until: time.Now().Add(absentTTL)}
		case 5, 6, 7:
			v, there := fmt.Sprint("l", i), random.IntN(4) > 0
			hit, err := c.GetOrLoad(t.Context(), k, func(context.Context) ([]byte, bool, error) { return []byte(v), there, nil })
			if err != nil {
				t.Fatal(err)
			}
			if hit.Level == cache.Loaded {
				model[k] = known{value: v, absent: !there, until: time.Now().Add(map[bool]time.Duration{true: ttl, false: absentTTL}[there])}
			}
			check(k, hit)
		case 8:
			var asked []string
			for range 10 {
				asked = append(asked, key())
			}
			got := c.GetMany(t.Context(), asked)
			for _, k := range asked {
				check(k, got[k])
			}
		case 9:
			pattern := []string{k, k[:2] + "*", "*" + k[2:], "*"}[random.IntN(4)]
			_ = c.Invalidate(t.Context(), pattern) // the store may be down
			for k := range model {
				if cache.NewPattern(pattern).Matches(k) {
					delete(model, k)
				}
			}
		case 10:
			time.Sleep(time.Duration(random.IntN(int(time.Minute))))
		case 11:
			table.Damage("c", k)
		case 12:
			table.Fail([]error{nil, nil, errors.New("down")}[random.IntN(3)])
		case 13:
			if random.IntN(10) == 0 { // a new process on the same store
				table.Fail(nil)
				shut(t, c)
				c = open(t, config)
			}
		case 14:
			_, _ = c.Warm(t.Context(), k[:2], random.IntN(20))
		case 15:
			_, _ = c.Purge(t.Context(), random.IntN(50))
		default:
			check(k, c.Get(t.Context(), k))
		}
		balanced(t, c)
	}
	table.Fail(nil)
	if hits < 200 || forgotten > 3*hits {
		t.Errorf("nothing was proved: %d hits, %d forgotten", hits, forgotten)
	}
	t.Logf("%d hits, %d forgotten, %+v", hits, forgotten, c.Stats())
}

// Everything at once, for the race detector; what is read is always whole and was put under its key.
func TestManyAtOnce(t *testing.T) {
	table := cachetest.NewMemory()
	c := open(t, cache.Config{Table: table, MaxBytes: 32 << 10, MaxEntries: 100, MaxBacklog: 50, BatchRows: 7, Age: time.Millisecond})
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(worker), 6))
			scope := c.Scope()
			for range 400 {
				key := fmt.Sprint("k", random.IntN(300))
				body := []byte(key + "=" + strings.Repeat("x", random.IntN(100)))
				check := func(h cache.Hit) {
					if h.Found() && !bytes.HasPrefix(h.Value, []byte(key+"=")) {
						t.Errorf("%s has %q", key, h.Value)
					}
				}
				switch random.IntN(8) {
				case 0:
					if err := scope.Put(t.Context(), key, body); err != nil {
						t.Error(err)
					}
				case 1:
					_ = scope.PutNegative(t.Context(), key)
				case 2:
					_ = scope.Invalidate(t.Context(), key)
				case 3:
					for k, h := range scope.GetMany(t.Context(), []string{key, "k1", "k2"}) {
						if h.Found() && !bytes.HasPrefix(h.Value, []byte(k+"=")) {
							t.Errorf("%s has %q", k, h.Value)
						}
					}
				case 4:
					check(scope.Get(t.Context(), key))
				case 5:
					if random.IntN(20) == 0 {
						_, _ = scope.Warm(t.Context(), "k", 50)
						table.Damage("c", key)
					}
				default:
					hit, err := scope.GetOrLoad(t.Context(), key, func(context.Context) ([]byte, bool, error) { return body, true, nil })
					if err != nil {
						t.Error(err)
					}
					check(hit)
				}
			}
			balanced(t, scope)
		})
	}
	all.Wait()
	balanced(t, c)
	if s := c.Stats(); s.Bytes > 32<<10 || s.Entries > 100 || s.L1.Hits == 0 || s.L2.Hits == 0 || s.L1.Evictions == 0 {
		t.Errorf("%+v", s)
	}
}

func BenchmarkGet(b *testing.B) {
	c := open(b, cache.Config{Table: cachetest.NewMemory()})
	put(b, c, "key", "value")
	b.ReportAllocs()
	for b.Loop() {
		if !c.Get(b.Context(), "key").Found() {
			b.Fatal("forgotten")
		}
	}
}
