package compendium

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/cache/cachetest"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// TestKeep: a batch that fails is tried once more at once; what is refused is halved until the item is found, what gets no
// answer is counted, and after three of those the store is taken for gone.
func TestKeep(t *testing.T) {
	silence := &rqlite.OutcomeError{Write: true}
	refusal := &rqlite.StatementError{Message: "CHECK constraint failed"}
	kind := core.SourceKind{Source: "s", Kind: "item"}
	batch := func(uids ...string) (list []item) {
		for _, uid := range uids {
			list = append(list, item{of: kind, uid: uid})
		}
		return list
	}
	for name, test := range map[string]struct {
		batches [][]item
		save    func(call int, uids []string) error
		stored  int64
		failed  int64
		calls   int
		err     error
	}{
		"all is well": {batches: [][]item{batch("a", "b"), batch("c")}, stored: 3, calls: 2},
		"the second try does": {
			batches: [][]item{batch("a", "b")}, stored: 2, calls: 2,
			save: func(call int, _ []string) error {
				if call == 1 {
					return silence
				}
				return nil
			},
		},
		"one is refused": {
			batches: [][]item{batch("a", "b", "bad", "c")}, stored: 3, failed: 1, calls: 2 + 1 + 2 + 2 + 1,
			save: func(_ int, uids []string) error {
				if slices.Contains(uids, "bad") {
					return refusal
				}
				return nil
			},
		},
		"no answer, then one": {
			batches: [][]item{batch("a", "b"), batch("c"), batch("d"), batch("e"), batch("f")}, stored: 1, failed: 5, calls: 2 + 2 + 1 + 2 + 2,
			save: func(_ int, uids []string) error {
				if uids[0] != "d" {
					return silence
				}
				return nil
			},
		},
		"the store is gone": {
			batches: [][]item{batch("a"), batch("b"), batch("c"), batch("d")}, failed: 3, calls: 6, err: silence,
			save: func(int, []string) error { return silence },
		},
		"overtaken": {
			batches: [][]item{batch("a"), batch("b")}, calls: 1, err: ErrOvertaken,
			save: func(int, []string) error { return ErrOvertaken },
		},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			b := &Build{store: New(Config{}), failed: map[core.SourceKind]int64{}}
			b.save = func(_ context.Context, batch []item) error {
				calls++
				uids := make([]string, len(batch))
				for i := range batch {
					uids[i] = batch[i].uid
				}
				if test.save == nil {
					return nil
				}
				return test.save(calls, uids)
			}
			var err error
			for _, list := range test.batches {
				if err = b.keep(t.Context(), list); err != nil {
					break
				}
			}
			if !errors.Is(err, test.err) || b.stored != test.stored || b.failed[kind] != test.failed || calls != test.calls {
				t.Errorf("stored %d, failed %d, %d calls, %v", b.stored, b.failed[kind], calls, err)
			}
		})
	}
}

// TestViewMovesOn: when the library turns out to be another one, nothing of an answer is of the one before.
func TestViewMovesOn(t *testing.T) {
	c, err := cache.Open(t.Context(), cache.Config{Name: "compendium", Table: cachetest.NewMemory()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	}()
	var live atomic.Int64
	live.Store(1)
	asked := 0
	now := int64(1)
	v := &View{live: &live, cache: c, find: func(_ context.Context, by way, asks []ask) (int64, [][]core.CompendiumItem, error) {
		asked++
		found := make([][]core.CompendiumItem, len(asks))
		for i, a := range asks {
			if a[0] != "absent" {
				found[i] = []core.CompendiumItem{{UID: a[0], Name: fmt.Sprint(now)}}
			}
		}
		return now, found, nil
	}}
	row, err := rowOf("compendium", keyOf(1, byUID, ask{"a"}), []core.CompendiumItem{{UID: "a", Name: "1"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Put(t.Context(), row.Key, row.Value); err != nil {
		t.Fatal(err)
	}
	if found, err := v.ByUID(t.Context(), []string{"a"}); err != nil || found["a"].Name != "1" || asked != 0 {
		t.Errorf("%+v, %v, asked %d", found, err, asked)
	}
	now = 2
	found, err := v.ByUID(t.Context(), []string{"a", "b", "absent"})
	if err != nil || len(found) != 2 || found["a"].Name != "2" || found["b"].Name != "2" || asked != 2 {
		t.Errorf("%+v, %v, asked %d", found, err, asked)
	}
	v.find = func(context.Context, way, []ask) (int64, [][]core.CompendiumItem, error) {
		return 0, nil, errors.New("gone")
	}
	if _, err := v.ByUID(t.Context(), []string{"c"}); err == nil {
		t.Error("what is not known is taken for absent")
	}
}

func TestKeys(t *testing.T) {
	for _, by := range []way{byHash, bySlug, byName, byUID, byID, byCall} {
		a := ask{"kind", "a/b:c"}
		if by == byUID {
			a = ask{"p:a/b:c/d"}
		}
		generation, gotBy, got, ok := parsed(keyOf(7, by, a))
		if !ok || generation != 7 || gotBy != by || got != a {
			t.Errorf("%s: %d %s %q %v", by, generation, gotBy, got, ok)
		}
	}
	for _, wrong := range []string{"", "x/h/a/b", "7", "7/h", "7/z/a"} {
		if _, _, _, ok := parsed(wrong); ok {
			t.Errorf("%q is taken for a key", wrong)
		}
	}
}
