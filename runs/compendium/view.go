package compendium

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/cache"
)

// View is the library as many look things up in it. It is safe for concurrent use.
//
// The generation is part of the keys of its cache, so that what was known of one library says nothing about the next. Every
// answer is of one library as a whole, the one of the moment or, while memory has all that is asked, one of before.
type View struct {
	find  func(ctx context.Context, by way, asks []ask) (int64, [][]core.CompendiumItem, error)
	live  *atomic.Int64
	cache *cache.Cache
}

// View returns the library, whose answers are kept in a cache that [Store.Cached] is the table of; nil when it was never
// built.
func (s *Store) View(ctx context.Context, c *cache.Cache) (*View, error) {
	st, err := s.State(ctx)
	if err != nil || st.Generation == 0 {
		return nil, err
	}
	s.live.Store(st.Generation)
	return &View{find: s.find, live: &s.live, cache: c}, nil
}

// Warm brings what entities are compared with into memory, at most limit items, and returns how many came.
func (v *View) Warm(ctx context.Context, limit int) (int, error) {
	return v.cache.Warm(ctx, prefix(v.live.Load(), byHash), limit)
}

// ByHash returns the items that are equal to something: same kind, same content.
func (v *View) ByHash(ctx context.Context, keys []core.CompendiumKey) (map[core.CompendiumKey]core.CompendiumItem, error) {
	return firsts(ctx, v, byHash, keys, func(k core.CompendiumKey) ask { return ask{k.Kind, k.ContentSHA256} })
}

// BySlug returns the items of a kind that have the slugs.
func (v *View) BySlug(ctx context.Context, kind string, slugs []string) (map[string]core.CompendiumItem, error) {
	return firsts(ctx, v, bySlug, slugs, func(slug string) ask { return ask{kind, slug} })
}

// ByUID returns the items that have the uids.
func (v *View) ByUID(ctx context.Context, uids []string) (map[string]core.CompendiumItem, error) {
	return firsts(ctx, v, byUID, uids, func(uid string) ask { return ask{uid} })
}

// ByName returns the items of a kind that have the names, which several may have.
func (v *View) ByName(ctx context.Context, kind string, names []string) (map[string][]core.CompendiumItem, error) {
	return all(ctx, v, byName, names, func(name string) ask { return ask{kind, name} })
}

// ByNativeID returns the items that ids of a plugin lead to.
func (v *View) ByNativeID(ctx context.Context, plugin string, ids []string) (map[string][]core.CompendiumItem, error) {
	return all(ctx, v, byID, ids, func(id string) ask { return ask{plugin, id} })
}

// ByNamesake returns the items that are called the same.
func (v *View) ByNamesake(ctx context.Context, names []core.Namesake) (map[core.Namesake][]core.CompendiumItem, error) {
	return all(ctx, v, byCall, names, func(n core.Namesake) ask { return ask{n.Kind, textOf(n)} })
}

func firsts[K comparable](ctx context.Context, v *View, by way, keys []K, of func(K) ask) (map[K]core.CompendiumItem, error) {
	lists, err := all(ctx, v, by, keys, of)
	first := make(map[K]core.CompendiumItem, len(lists))
	for key, list := range lists {
		first[key] = list[0]
	}
	return first, err
}

func all[K comparable](ctx context.Context, v *View, by way, keys []K, of func(K) ask) (map[K][]core.CompendiumItem, error) {
	asks := make([]ask, len(keys))
	for i, key := range keys {
		asks[i] = of(key)
	}
	found, err := v.lookUp(ctx, by, asks)
	if err != nil {
		return nil, fmt.Errorf("look up in the compendium: %w", err)
	}
	lists := make(map[K][]core.CompendiumItem, len(found))
	for i, list := range found {
		if len(list) > 0 {
			lists[keys[i]] = list
		}
	}
	return lists, nil
}

// lookUp answers asks from the cache and, where it does not know, from the store, all of them from the same library: when
// that turns out to be another one now, it begins anew.
func (v *View) lookUp(ctx context.Context, by way, asks []ask) ([][]core.CompendiumItem, error) {
	keys := make([]string, len(asks))
	for ctx.Err() == nil {
		generation := v.live.Load()
		for i, a := range asks {
			keys[i] = keyOf(generation, by, a)
		}
		hits := v.cache.GetMany(ctx, keys)
		found := make([][]core.CompendiumItem, len(asks))
		var rest []int
		for i, key := range keys {
			hit := hits[key]
			switch {
			case hit.Found():
				if err := json.Unmarshal(hit.Value, &found[i]); err != nil {
					return nil, err
				}
			case !hit.Absent:
				rest = append(rest, i)
			}
		}
		if len(rest) == 0 {
			return found, nil
		}
		open := make([]ask, len(rest))
		for n, i := range rest {
			open[n] = asks[i]
		}
		live, answers, err := v.find(ctx, by, open)
		if err != nil {
			return nil, err
		}
		if live != generation {
			v.live.CompareAndSwap(generation, live)
			continue
		}
		for n, i := range rest {
			found[i] = answers[n]
		}
		return found, nil
	}
	return nil, context.Cause(ctx)
}

func prefix(generation int64, by way) string { return fmt.Sprintf("%d/%s/", generation, by) }

func keyOf(generation int64, by way, a ask) string {
	key := prefix(generation, by) + a[0]
	if by == byUID {
		return key
	}
	return key + "/" + a[1] // kinds and plugins have no slash
}

func parsed(key string) (generation int64, by way, a ask, ok bool) {
	number, rest, _ := strings.Cut(key, "/")
	letter, rest, ok := strings.Cut(rest, "/")
	generation, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || findSQL[way(letter)] == "" {
		return 0, "", a, false
	}
	if a[0] = rest; way(letter) != byUID {
		a[0], a[1], _ = strings.Cut(rest, "/")
	}
	return generation, way(letter), a, true
}

// cacheTTL is how long answers are kept in memory; they do not change.
const cacheTTL = 24 * time.Hour

// Cached returns the library as the second level of a cache: its rows are there already, and are not stored once more.
func (s *Store) Cached() cache.Table { return table{s} }

type table struct{ store *Store }

// Find implements [cache.Table]. That the library does not have something is an answer too; when it is no longer the one that
// is asked for there is none.
func (t table) Find(ctx context.Context, name string, keys []string, nowMS int64) ([]cache.Row, error) {
	type group struct {
		keys []string
		asks []ask
	}
	type of struct {
		generation int64
		by         way
	}
	groups := map[of]*group{}
	for _, key := range keys {
		generation, by, a, ok := parsed(key)
		if !ok {
			continue
		}
		g := groups[of{generation, by}]
		if g == nil {
			g = &group{}
			groups[of{generation, by}] = g
		}
		g.keys, g.asks = append(g.keys, key), append(g.asks, a)
	}
	var rows []cache.Row
	for which, g := range groups {
		live, found, err := t.store.find(ctx, which.by, g.asks)
		if err != nil {
			return nil, err
		}
		if live != which.generation {
			continue
		}
		for i, key := range g.keys {
			row, err := rowOf(name, key, found[i], nowMS)
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func rowOf(name, key string, items []core.CompendiumItem, nowMS int64) (cache.Row, error) {
	row := cache.Row{Key: key, Absent: len(items) == 0, ExpiresMS: nowMS + cacheTTL.Milliseconds()}
	if !row.Absent {
		value, err := json.Marshal(items)
		if err != nil {
			return row, err
		}
		row.Value = value
	}
	row.Checksum = row.Sum(name)
	return row, nil
}

// Scan implements [cache.Table] for what entities are compared with.
func (t table) Scan(ctx context.Context, name, prefix, after string, nowMS int64, limit int) ([]cache.Row, error) {
	generation, by, from, ok := parsed(max(prefix, after))
	if !ok || by != byHash {
		return nil, nil
	}
	items, err := t.store.scan(ctx, generation, from, limit)
	if err != nil {
		return nil, err
	}
	rows := make([]cache.Row, 0, len(items))
	for _, i := range items {
		row, err := rowOf(name, keyOf(generation, byHash, ask{i.Kind, i.ContentSHA256}), []core.CompendiumItem{i}, nowMS)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// Write implements [cache.Table]: the rows are the library's own, and there is nothing to write or to remove.
func (t table) Write(context.Context, string, []cache.Deletion, []cache.Row) error { return nil }

// Purge implements [cache.Table].
func (t table) Purge(context.Context, int64, int) (int, error) { return 0, nil }
