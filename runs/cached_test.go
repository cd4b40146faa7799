//go:build integration

package runs

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/cache/cachetest"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

func TestCacheRows(t *testing.T) {
	l := openLibrary(t, Config{})
	cachetest.Run(t, func(t *testing.T) cache.Table {
		t.Helper()
		if _, err := l.client.Apply(t.Context(), rqlite.Statement{SQL: "DELETE FROM cache_entries"}); err != nil {
			t.Fatal(err)
		}
		return cacheRows{l.client}
	})
}

// Every statement goes by an index: none looks at rows it does not want.
func TestCacheRowsByIndex(t *testing.T) {
	l := openLibrary(t, Config{})
	for _, sql := range []string{findEntries, scanEntries, scanEntriesBelow, deleteEntries, deleteEntriesBelow, purgeEntries} {
		args := make([]any, strings.Count(purgeEntries, "?"))
		if sql != purgeEntries {
			args = make([]any, 1)
			for i := range 3 {
				if strings.Contains(sql, fmt.Sprint("?", i+1)) {
					args = append(args[:i], `["a","b","c","d","e"]`)
				}
			}
		}
		rows, err := l.client.Query(t.Context(), rqlite.Statement{
			SQL: "EXPLAIN QUERY PLAN " + strings.Replace(sql, "DELETE", "SELECT 1", 1), Args: args, // a query changes nothing
		})
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		var plan []string
		for rows.Next() {
			var id, parent, other int
			var detail string
			if err := rows.Scan(&id, &parent, &other, &detail); err != nil {
				t.Fatal(err)
			}
			plan = append(plan, detail)
			if strings.HasPrefix(detail, "SCAN cache_entries") || strings.Contains(detail, "TEMP B-TREE") {
				t.Errorf("%s: %s", sql, detail)
			}
		}
		if !strings.Contains(strings.Join(plan, "; "), "SEARCH cache_entries USING") {
			t.Errorf("%s: no search in %q", sql, plan)
		}
	}
}

func picture(tb testing.TB, l *Library, text string) core.Asset {
	tb.Helper()
	name, err := l.Blobs().Put(tb.Context(), []byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return core.Asset{
		ID: name, MediaType: "image/webp", Width: 5,
		Renditions: []core.Rendition{{Resolution: "original", SHA256: name, Bytes: int64(len(text)), Ext: "webp"}},
	}
}

func numbers(tb testing.TB, s core.Summary) core.CacheCounts {
	tb.Helper()
	for _, c := range s.Caches {
		if c.Cache == picturesCache {
			return c
		}
	}
	tb.Fatalf("no pictures among %+v", s.Caches)
	return core.CacheCounts{}
}

// A second process finds in memory what the first one rendered, and each run has numbers of its own.
func TestPicturesAreWarm(t *testing.T) {
	const n = 30
	dir := t.TempDir()
	first, err := Open(t.Context(), Config{Dir: dir, Binary: binary(t)})
	if err != nil {
		t.Fatal(err)
	}
	r := begin(t, first)
	var all []core.Asset
	for i := range n {
		a := picture(t, first, fmt.Sprint("picture ", i))
		all = append(all, a)
		if _, found, err := r.Pictures().Lookup(t.Context(), a.ID, "webp80"); err != nil || found {
			t.Fatalf("found before it was stored, %v", err)
		}
		if err := r.Pictures().Store(t.Context(), "webp80", a); err != nil {
			t.Fatal(err)
		}
	}
	if c := numbers(t, r.State().Summary()); c.Misses != n || c.Hits != 0 || c.Loads != n {
		t.Errorf("%+v", c)
	}
	if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
		t.Fatal(err)
	}
	closeLibrary(t, first)

	second := openLibrary(t, Config{Dir: dir})
	r = begin(t, second)
	for deadline := time.Now().Add(10 * time.Second); second.pictures.Stats().Entries < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not warmed: %+v", second.pictures.Stats())
		}
	}
	for _, a := range all {
		if got, found, err := r.Pictures().Lookup(t.Context(), a.ID, "webp80"); err != nil || !found || got.ID != a.ID {
			t.Errorf("%+v, %v, %v", got, found, err)
		}
	}
	other := begin(t, second)
	if _, found, err := other.Pictures().Lookup(t.Context(), all[0].ID, "webp80"); err != nil || !found {
		t.Error(found, err)
	}
	if c := numbers(t, r.State().Summary()); c.L1.Hits != n || c.Hits != n || c.Misses != 0 || c.Loads != 0 || c.Entries != n {
		t.Errorf("%+v", c)
	}
	if c := numbers(t, other.State().Summary()); c.Hits != 1 {
		t.Errorf("%+v", c)
	}
	// What the history keeps is what was counted.
	if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
		t.Fatal(err)
	}
	stored, err := second.Find(t.Context(), r.ID())
	if err != nil || numbers(t, stored).L1.Hits != n {
		t.Errorf("%+v, %v", stored.Caches, err)
	}
}

// A damaged row in L2 is dropped, and the picture comes from its table; with a blob gone it is made anew.
func TestPicturesAreRight(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(t.Context(), Config{Dir: dir, Binary: binary(t)})
	if err != nil {
		t.Fatal(err)
	}
	a, gone := picture(t, first, "kept"), picture(t, first, "gone")
	for _, p := range []core.Asset{a, gone} {
		if err := first.Store(t.Context(), "r", p); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.pictures.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	damage := rqlite.Statement{SQL: `UPDATE cache_entries SET value=replace(value,'image/webp','image/x')`}
	if results, err := first.client.Apply(t.Context(), damage); err != nil || results[0].RowsAffected != 2 {
		t.Fatal(results, err)
	}
	closeLibrary(t, first)

	l := openLibrary(t, Config{Dir: dir})
	got, found, err := l.Lookup(t.Context(), a.ID, "r")
	if err != nil || !found || got.MediaType != "image/webp" {
		t.Errorf("%+v, %v, %v", got, found, err)
	}
	if s := l.pictures.Stats(); s.Corrupt != 1 || s.Loads != 1 {
		t.Errorf("%+v", s)
	}
	if err := l.Store(t.Context(), "r", gone); err != nil {
		t.Fatal(err)
	}
	if err := l.Blobs().Remove(t.Context(), gone.ID); err != nil {
		t.Fatal(err)
	}
	if _, found, err := l.Lookup(t.Context(), gone.ID, "r"); err != nil || found {
		t.Errorf("found with its blob gone, %v", err)
	}
	if err := l.pictures.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows, err := (cacheRows{l.client}).Find(t.Context(), picturesCache, []string{pictureKey(gone.ID, "r")}, 0); err != nil || len(rows) != 0 {
		t.Errorf("L2 still has %+v, %v", rows, err)
	}
}

// BenchmarkLevels asks the store, memory, and the library for the same picture in turns.
func BenchmarkLevels(b *testing.B) {
	const times = 100 // L1 is asked so often for each read
	l := openLibrary(b, Config{})
	a := picture(b, l, "x")
	if err := l.Store(b.Context(), "r", a); err != nil {
		b.Fatal(err)
	}
	if err := l.pictures.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	c, err := cache.Open(b.Context(), cache.Config{Name: picturesCache}) // without the look at the blobs, which both need
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close(b.Context())
	key := pictureKey(a.ID, "r")
	body, err := json.Marshal(a)
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Put(b.Context(), key, body); err != nil {
		b.Fatal(err)
	}
	table := cacheRows{l.client}
	var store, memory, whole time.Duration
	for b.Loop() {
		begun := time.Now()
		if rows, err := table.Find(b.Context(), picturesCache, []string{key}, 0); err != nil || len(rows) != 1 {
			b.Fatal(rows, err)
		}
		read := time.Now()
		for range times {
			if c.Get(b.Context(), key).Level != cache.L1 {
				b.Fatal("not in L1")
			}
		}
		got := time.Now()
		for range times {
			if _, found, err := l.Lookup(b.Context(), a.ID, "r"); err != nil || !found {
				b.Fatal(found, err)
			}
		}
		store += read.Sub(begun)
		memory += got.Sub(read)
		whole += time.Since(got)
	}
	b.ReportMetric(float64(store)/float64(b.N), "ns/store")
	b.ReportMetric(float64(memory)/float64(b.N*times), "ns/L1")
	b.ReportMetric(float64(whole)/float64(b.N*times), "ns/Lookup") // with the look at the blob, and decoded
	b.ReportMetric(float64(store)*times/float64(memory), "store/L1")
}

// TestPurgeCaches: rows that have expired go when somebody says so, and while a run begins; others stay.
func TestPurgeCaches(t *testing.T) {
	l := openLibrary(t, Config{})
	const expired = 1100 // a few pages
	rows := cacheRows{l.client}
	fill := func() {
		t.Helper()
		list := make([]cache.Row, expired+1)
		for i := range list {
			list[i] = cache.Row{Key: fmt.Sprint(i), Value: []byte("x"), Writer: "w", Rev: int64(i) + 1, ExpiresMS: 1}
		}
		list[expired].ExpiresMS = time.Now().Add(time.Hour).UnixMilli()
		if err := rows.Write(t.Context(), "other", nil, list); err != nil {
			t.Fatal(err)
		}
	}
	left := func(want int64) {
		t.Helper()
		if n, err := l.number(t.Context(), rqlite.Statement{SQL: `SELECT COUNT(*) FROM cache_entries`}); err != nil || n != want {
			t.Errorf("%d rows are left, want %d: %v", n, want, err)
		}
	}
	fill()
	for _, dry := range []bool{true, false} {
		if n, err := l.PurgeCaches(t.Context(), dry); err != nil || n != expired {
			t.Errorf("dry %v: %d rows, want %d: %v", dry, n, expired, err)
		}
	}
	left(1)
	if n, err := l.PurgeCaches(t.Context(), false); err != nil || n != 0 {
		t.Errorf("once more: %d rows, %v", n, err)
	}
	if _, err := l.client.Apply(t.Context(), rqlite.Statement{SQL: `DELETE FROM cache_entries`}); err != nil {
		t.Fatal(err)
	}
	fill()
	l.prepare(t.Context()) // as while a run begins
	left(1)
}
