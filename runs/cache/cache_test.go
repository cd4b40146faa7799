package cache_test

import (
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
