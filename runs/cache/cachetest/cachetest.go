// Package cachetest says in tests what a cache.Table has to do, and has one in memory as the second to do it.
//
// It owns [Run], the suite, and [Memory]. It starts no goroutine.
package cachetest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/runs/cache"
)

// Memory is a cache.Table in memory, without a bound: for tests.
type Memory struct {
	mu      sync.Mutex
	rows    map[[2]string]cache.Row // by cache and key
	failure error
	calls   int
}

var _ cache.Table = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{rows: map[[2]string]cache.Row{}} }

// Fail makes all calls fail from now on; nil: they work again.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failure = err
}

// Calls returns how many calls there were, failed ones included.
func (m *Memory) Calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// Damage changes the value of a row and leaves its checksum as it was. It says whether there is such a row.
func (m *Memory) Damage(name, key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	row, ok := m.rows[[2]string{name, key}]
	row.Value = append([]byte("damaged "), row.Value...)
	m.rows[[2]string{name, key}] = row
	return ok
}

// Len returns how many rows there are.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.rows)
}

// begin counts a call, and returns why it fails. It wants mu held.
func (m *Memory) begin(ctx context.Context) error {
	m.calls++
	return cmp.Or(ctx.Err(), m.failure)
}

// Find implements [cache.Table].
func (m *Memory) Find(ctx context.Context, name string, keys []string, nowMS int64) ([]cache.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	var found []cache.Row
	for _, key := range keys {
		if row, ok := m.rows[[2]string{name, key}]; ok && row.ExpiresMS > nowMS {
			found = append(found, row)
		}
	}
	return found, nil
}

// Scan implements [cache.Table].
func (m *Memory) Scan(ctx context.Context, name, prefix, after string, nowMS int64, limit int) ([]cache.Row, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx); err != nil {
		return nil, err
	}
	var found []cache.Row
	for at, row := range m.rows {
		if at[0] == name && strings.HasPrefix(row.Key, prefix) && row.Key > after && row.ExpiresMS > nowMS {
			found = append(found, row)
		}
	}
	slices.SortFunc(found, func(a, b cache.Row) int { return strings.Compare(a.Key, b.Key) })
	return found[:min(limit, len(found))], nil
}

// Write implements [cache.Table].
func (m *Memory) Write(ctx context.Context, name string, deletions []cache.Deletion, rows []cache.Row) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx); err != nil {
		return err
	}
	for at, row := range m.rows {
		for _, d := range deletions {
			if at[0] == name && d.Covers(&row) {
				delete(m.rows, at)
			}
		}
	}
	for _, row := range rows {
		at := [2]string{name, row.Key}
		if old, ok := m.rows[at]; !ok || old.Writer != row.Writer || old.Rev < row.Rev {
			row.Value = bytes.Clone(row.Value)
			m.rows[at] = row
		}
	}
	return nil
}

// Purge implements [cache.Table].
func (m *Memory) Purge(ctx context.Context, nowMS int64, limit int) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.begin(ctx); err != nil {
		return 0, err
	}
	var old [][2]string
	for at, row := range m.rows {
		if row.ExpiresMS <= nowMS {
			old = append(old, at)
		}
	}
	slices.SortFunc(old, func(a, b [2]string) int { return cmp.Compare(m.rows[a].ExpiresMS, m.rows[b].ExpiresMS) })
	old = old[:min(limit, len(old))]
	for _, at := range old {
		delete(m.rows, at)
	}
	return len(old), nil
}

const (
	expires = 1_000 // of the suite's rows
	before  = 999
)

// Run runs the suite against tables that open returns; each has to be empty.
func Run(t *testing.T, open func(t *testing.T) cache.Table) {
	t.Helper()
	for name, test := range map[string]func(t *testing.T, table cache.Table){
		"values":    values,
		"expiry":    expiry,
		"order":     order,
		"writers":   writers,
		"deletions": deletions,
		"purge":     purge,
		"scan":      scan,
		"ended":     endedContext,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func row(key, value string, rev int64) cache.Row {
	r := cache.Row{Key: key, Value: []byte(value), ExpiresMS: expires, Writer: "one", Rev: rev}
	r.Checksum = r.Sum("a")
	return r
}

func write(t *testing.T, table cache.Table, name string, d []cache.Deletion, rows ...cache.Row) {
	t.Helper()
	if err := table.Write(t.Context(), name, d, rows); err != nil {
		t.Fatal(err)
	}
}

// listed returns the rows of a cache as "key=value" in order of key.
func listed(t *testing.T, table cache.Table, name string, nowMS int64) string {
	t.Helper()
	rows, err := table.Scan(t.Context(), name, "", "", nowMS, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, r := range rows {
		list = append(list, r.Key+"="+string(r.Value))
	}
	return strings.Join(list, " ")
}

func values(t *testing.T, table cache.Table) {
	t.Helper()
	want := map[string]cache.Row{}
	var keys []string
	var rows []cache.Row
	for i, value := range []string{
		"", "plain", `{"a":"<b>&"}`, "x'4142'", "\x00\xff\xfe", "nul \x00 inside", "\u2028 and 🎲", strings.Repeat("é", cache.ValueLimit/2),
	} {
		r := row(fmt.Sprintf("x'41' %d \"'🎲 %%", i), value, int64(i)+1)
		r.ExpiresMS = 1 << 52
		r.Checksum = r.Sum("a")
		want[r.Key] = r
		keys, rows = append(keys, r.Key), append(rows, r)
	}
	none := cache.Row{Key: "none", Absent: true, ExpiresMS: expires, Writer: "one", Rev: 99}
	none.Checksum = none.Sum("a")
	want["none"] = none
	write(t, table, "a", nil, append(rows, none)...)
	found, err := table.Find(t.Context(), "a", append(keys, "none", "nobody"), before)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != len(want) {
		t.Errorf("%d rows, want %d", len(found), len(want))
	}
	for _, got := range found {
		w := want[got.Key]
		if !bytes.Equal(got.Value, w.Value) || got.Absent != w.Absent || got.ExpiresMS != w.ExpiresMS || got.Checksum != w.Checksum ||
			got.Writer != w.Writer || got.Rev != w.Rev || got.Sum("a") != got.Checksum {
			t.Errorf("%q came back as %.100q, %+v", w.Key, got.Value, got)
		}
	}
	if other, err := table.Find(t.Context(), "b", keys, before); err != nil || len(other) != 0 {
		t.Errorf("another cache has %d of them, %v", len(other), err)
	}
}

func expiry(t *testing.T, table cache.Table) {
	t.Helper()
	write(t, table, "a", nil, row("k", "v", 1))
	for now, want := range map[int64]int{before: 1, expires: 0, expires + 1: 0} {
		found, err := table.Find(t.Context(), "a", []string{"k"}, now)
		if err != nil || len(found) != want {
			t.Errorf("at %d: %d rows, %v", now, len(found), err)
		}
		if got := listed(t, table, "a", now); (got != "") != (want == 1) {
			t.Errorf("at %d the scan has %q", now, got)
		}
	}
}

// order: what arrives late, after its successor, changes nothing.
func order(t *testing.T, table cache.Table) {
	t.Helper()
	write(t, table, "a", nil, row("k", "old", 3))
	write(t, table, "a", nil, row("k", "new", 5))
	write(t, table, "a", nil, row("k", "old", 3))
	write(t, table, "a", nil, row("k", "new", 5))
	if got := listed(t, table, "a", before); got != "k=new" {
		t.Error(got)
	}
}

func writers(t *testing.T, table cache.Table) {
	t.Helper()
	write(t, table, "a", nil, row("k", "mine", 50))
	other := row("k", "theirs", 1)
	other.Writer = "two"
	write(t, table, "a", nil, other)
	if got := listed(t, table, "a", before); got != "k=theirs" {
		t.Error(got)
	}
}

func deletions(t *testing.T, table cache.Table) {
	t.Helper()
	del := func(match cache.Pattern, rev int64) []cache.Deletion {
		return []cache.Deletion{{Match: match, Writer: "one", Rev: rev}}
	}
	rows := []cache.Row{row("a/1", "x", 1), row("a/2", "x", 9), row("a[1]?", "x", 2), row("a*", "x", 3), row("b", "x", 4), row("a\U0010FFFFz", "x", 4)}
	for _, test := range []struct {
		name string
		d    []cache.Deletion
		want string
	}{
		{"by prefix, not the newer one", del(cache.NewPattern("a/*"), 9), "a*=x a/2=x a[1]?=x a\U0010FFFFz=x b=x"},
		{"one key", del(cache.NewPattern("b"), 99), "a*=x a/1=x a/2=x a[1]?=x a\U0010FFFFz=x"},
		{"a key with a star", del(cache.Exactly("a*"), 99), "a/1=x a/2=x a[1]?=x a\U0010FFFFz=x b=x"},
		{"brackets are themselves", del(cache.NewPattern("a[1]?*"), 99), "a*=x a/1=x a/2=x a\U0010FFFFz=x b=x"},
		{"by suffix", del(cache.NewPattern("*2"), 99), "a*=x a/1=x a[1]?=x a\U0010FFFFz=x b=x"},
		{"last of all characters", del(cache.NewPattern("a\U0010FFFF*"), 99), "a*=x a/1=x a/2=x a[1]?=x b=x"},
		{"everything", del(cache.NewPattern("*"), 99), ""},
		{"everything that is older", del(cache.NewPattern("*"), 3), "a*=x a/2=x a\U0010FFFFz=x b=x"},
		{"of another writer all", []cache.Deletion{{Match: cache.NewPattern("*"), Writer: "two", Rev: 0}}, ""},
		{"several", append(del(cache.Exactly("b"), 99), del(cache.NewPattern("a/*"), 99)...), "a*=x a[1]?=x a\U0010FFFFz=x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			write(t, table, "a", []cache.Deletion{{Match: cache.NewPattern("*")}}, rows...)
			write(t, table, "other", nil, row("b", "y", 1))
			write(t, table, "a", test.d)
			if got := listed(t, table, "a", before); got != test.want {
				t.Errorf("left: %q, want %q", got, test.want)
			}
			if got := listed(t, table, "other", before); got != "b=y" {
				t.Errorf("left of another cache: %q", got)
			}
		})
	}
}

func purge(t *testing.T, table cache.Table) {
	t.Helper()
	for i := range 10 {
		r := row(fmt.Sprint(i), "v", 1)
		r.ExpiresMS = int64(100 + i)
		write(t, table, fmt.Sprint("cache", i%2), nil, r)
	}
	for _, step := range []struct{ limit, want int }{{3, 3}, {10, 4}, {10, 0}} {
		n, err := table.Purge(t.Context(), 106, step.limit)
		if err != nil || n != step.want {
			t.Errorf("purged %d, %v, want %d", n, err, step.want)
		}
		if n == 3 && listed(t, table, "cache1", 0) != "3=v 5=v 7=v 9=v" {
			t.Errorf("not the oldest: left %s", listed(t, table, "cache1", 0))
		}
	}
	if got := listed(t, table, "cache0", 0) + " " + listed(t, table, "cache1", 0); got != "8=v 7=v 9=v" {
		t.Errorf("left: %s", got)
	}
}

func scan(t *testing.T, table cache.Table) {
	t.Helper()
	write(t, table, "a", nil, row("b/1", "", 1), row("b/2", "", 1), row("b/é", "", 1), row("b/\U0010FFFF", "", 1), row("a", "", 1), row("c", "", 1))
	var got []string
	after := ""
	for {
		rows, err := table.Scan(t.Context(), "a", "b/", after, before, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			got = append(got, r.Key)
			after = r.Key
		}
		if len(rows) < 2 {
			break
		}
	}
	if want := []string{"b/1", "b/2", "b/é", "b/\U0010FFFF"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func endedContext(t *testing.T, table cache.Table) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := table.Find(ctx, "a", []string{"k"}, 0); err == nil {
		t.Error("found with a context that has ended")
	}
	if err := table.Write(ctx, "a", nil, []cache.Row{row("k", "v", 1)}); err == nil {
		t.Error("written with a context that has ended")
	}
}
