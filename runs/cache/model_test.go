package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/cache/cachetest"
)

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
