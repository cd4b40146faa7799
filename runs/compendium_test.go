//go:build integration

package runs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/archive"
	"github.com/seed-98789ff7/converter/runs/compendium"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// edited is item i of an edition of the library: all items of one carry its mark.
func edited(i int, mark string) (*core.Entity, []core.CompendiumID) {
	e, _ := item(i, 0, fmt.Appendf(nil, `{"mark":%q}`, mark))
	e.Name = mark
	e.ContentSHA256 = fmt.Sprintf("%064d", i)
	e.Source.Scope = "world/test"
	return e, []core.CompendiumID{{Plugin: "foundry", Scope: "world/test", NativeID: fmt.Sprint("Actor.", i)}}
}

// fill puts n items with a mark into a new edition, and does not publish it.
func fill(tb testing.TB, l *Library, n int, mark string) *compendium.Build {
	tb.Helper()
	b, err := l.BuildCompendium(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		e, ids := edited(i, mark)
		if err := b.Put(tb.Context(), e, core.Namesake{}, ids); err != nil {
			tb.Fatal(err)
		}
	}
	if failed, err := b.Flush(tb.Context()); err != nil || len(failed) > 0 {
		tb.Fatal(failed, err)
	}
	return b
}

func publish(tb testing.TB, l *Library, n int, mark string) {
	tb.Helper()
	if err := fill(tb, l, n, mark).Publish(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func view(tb testing.TB, l *Library) *compendium.View {
	tb.Helper()
	v, err := l.Compendium(tb.Context())
	if err != nil || v == nil {
		tb.Fatal(v, err)
	}
	return v
}

// generations returns the rows of each generation, in all tables.
func generations(tb testing.TB, l *Library) map[int64]int {
	tb.Helper()
	rows, err := l.client.QueryLinear(tb.Context(), rqlite.Statement{
		SQL: `SELECT generation FROM compendium_items UNION ALL SELECT generation FROM compendium_ids`,
	})
	if err != nil {
		tb.Fatal(err)
	}
	found := map[int64]int{}
	for rows.Next() {
		var g int64
		if err := rows.Scan(&g); err != nil {
			tb.Fatal(err)
		}
		found[g]++
	}
	return found
}

// TestCompendium builds the library, looks it up in every way, and builds it anew with changes.
func TestCompendium(t *testing.T) {
	l := openLibrary(t, Config{})
	if v, err := l.Compendium(t.Context()); v != nil || err != nil {
		t.Fatalf("there is one before it was built: %v, %v", v, err)
	}
	b, err := l.BuildCompendium(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	large := bytes.Repeat([]byte("x"), inlineLimit+1)
	for i := range 250 {
		e, ids := edited(i, "first")
		var name core.Namesake
		switch i {
		case 7:
			e.Raw = large
		case 10, 11:
			name = core.Namesake{Kind: "creature", Slug: fmt.Sprint("beast-", i), System: "lamps", Edition: "1"}
		case 8: // a twin of 9
			e.ContentSHA256 = fmt.Sprintf("%064d", 9)
			ids = append(ids, core.CompendiumID{Plugin: "foundry", Scope: "gone", NativeID: "Old.8", Rank: core.RankReplaced})
		}
		if err := b.Put(t.Context(), e, name, ids); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	v := view(t, l)
	for range 2 { // from the store, then from memory
		equal := core.CompendiumKey{Kind: "creature", ContentSHA256: fmt.Sprintf("%064d", 9)}
		other := core.CompendiumKey{Kind: "item", ContentSHA256: equal.ContentSHA256}
		hashes, err := v.ByHash(t.Context(), []core.CompendiumKey{equal, other})
		if err != nil || len(hashes) != 1 || hashes[equal].UID != "foundry:world/test:Actor.000008" {
			t.Errorf("%+v, %v", hashes, err)
		}
		slugs, err := v.BySlug(t.Context(), "creature", []string{"creature-5", "creature-999"})
		if err != nil || len(slugs) != 1 || slugs["creature-5"].UID != "foundry:world/test:Actor.000005" {
			t.Errorf("%+v, %v", slugs, err)
		}
		uid := "foundry:world/test:Actor.000003"
		uids, err := v.ByUID(t.Context(), []string{uid, "x/y:z"})
		if err != nil || len(uids) != 1 || uids[uid].Slug != "creature-3" {
			t.Errorf("%+v, %v", uids, err)
		}
		names, err := v.ByName(t.Context(), "creature", []string{"first"})
		if err != nil || len(names["first"]) != 250 {
			t.Errorf("%d, %v", len(names["first"]), err)
		}
		ids, err := v.ByNativeID(t.Context(), "foundry", []string{"Old.8", "Actor.2", "Actor/2"})
		if err != nil || len(ids) != 2 || ids["Old.8"][0].UID != "foundry:world/test:Actor.000008" || ids["Old.8"][0].Scope != "gone" ||
			ids["Old.8"][0].Rank != core.RankReplaced || ids["Actor.2"][0].Rank != core.RankOwn {
			t.Errorf("%+v, %v", ids, err)
		}
		called := core.Namesake{Kind: "creature", Slug: "beast-11", System: "lamps", Edition: "1"}
		later := core.Namesake{Kind: "creature", Slug: "beast-11", System: "lamps", Edition: "2"}
		same, err := v.ByNamesake(t.Context(), []core.Namesake{later, called})
		if err != nil || len(same) != 1 || len(same[called]) != 1 || same[called][0].UID != "foundry:world/test:Actor.000011" {
			t.Errorf("%+v, %v", same, err)
		}
		if ids, err := v.ByNativeID(t.Context(), "rest", []string{"Actor.2"}); err != nil || len(ids) != 0 {
			t.Errorf("another plugin's: %+v, %v", ids, err)
		}
	}
	if n := l.lookups.Stats(); n.L1.Hits == 0 || n.Absent == 0 || n.Fallbacks > 0 || n.Corrupt > 0 {
		t.Errorf("%+v", n)
	}
	e, err := l.compendium.Entity(t.Context(), "foundry:world/test:Actor.000007")
	if err != nil || !bytes.Equal(e.Raw, large) || e.Slug != "creature-7" {
		t.Errorf("%v", err)
	}
	publish(t, l, 3, "second")
	hashes, err := v.ByHash(t.Context(), []core.CompendiumKey{
		{Kind: "creature", ContentSHA256: fmt.Sprintf("%064d", 2)}, {Kind: "creature", ContentSHA256: fmt.Sprintf("%064d", 9)},
	})
	if err != nil || len(hashes) != 1 {
		t.Errorf("an old view sees %+v, %v", hashes, err)
	}
	if found := generations(t, l); len(found) != 1 || found[2] != 6 {
		t.Errorf("rows left: %v", found)
	}
	if left, err := os.ReadDir(filepath.Join(l.config.Dir, "bodies", "compendium")); err != nil || len(left) != 0 {
		t.Errorf("files left: %v, %v", left, err)
	}
	r := begin(t, l)
	rv, err := r.Compendium(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := rv.Warm(t.Context(), 100); err != nil || n > 3 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := rv.ByHash(t.Context(), []core.CompendiumKey{{Kind: "creature", ContentSHA256: fmt.Sprintf("%064d", 2)}}); err != nil {
		t.Error(err)
	}
	for _, c := range r.State().Summary().Caches {
		if c.Cache == compendiumCache && (c.L1.Hits != 1 || c.L2.Hits+c.L2.Misses != 0) {
			t.Errorf("not warm: %+v", c)
		}
	}
}

// A batch with an item that the store refuses loses that item alone.
func TestCompendiumRefused(t *testing.T) {
	l := openLibrary(t, Config{})
	b, err := l.BuildCompendium(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		e, ids := edited(i, "m")
		if i == 4 {
			e.Slug = "creature-3" // taken
		}
		if err := b.Put(t.Context(), e, core.Namesake{}, ids); err != nil {
			t.Fatal(err)
		}
	}
	failed, err := b.Flush(t.Context())
	if err != nil || failed[core.SourceKind{Source: "home", Kind: "creature"}] != 1 || len(failed) != 1 {
		t.Errorf("%v, %v", failed, err)
	}
	if err := b.Publish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, err := l.CompendiumState(t.Context()); err != nil || st.Items != 9 {
		t.Errorf("%+v, %v", st, err)
	}
}

// Of two builds at once in one process or in two the later one waits, and wins whole; one given up leaves nothing.
func TestCompendiumBuildsWait(t *testing.T) {
	first := openLibrary(t, Config{})
	node := first.node.ClientConfig()
	second := openLibrary(t, Config{URLs: node.Endpoints(), User: node.User, Password: node.Password})
	b := fill(t, first, 300, "first")
	for _, l := range []*Library{first, second} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if _, err := l.BuildCompendium(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("it did not wait: %v", err)
		}
		cancel()
	}
	var waiting sync.WaitGroup
	waiting.Go(func() { publish(t, second, 200, "second") })
	if err := b.Publish(t.Context()); err != nil {
		t.Error(err)
	}
	waiting.Wait()
	given := fill(t, first, 150, "third")
	if err := given.Abandon(t.Context()); err != nil {
		t.Error(err)
	}
	if found := generations(t, first); len(found) != 1 || found[2] != 400 {
		t.Errorf("%v", found)
	}
	allThere(t, second, "second", 200)

	// One that nobody has worked on for long has been left behind, and cannot come back.
	left := fill(t, second, 50, "left")
	if _, err := first.client.Apply(t.Context(), rqlite.Statement{SQL: `UPDATE compendium SET heartbeat_ms=1 WHERE id=1`}); err != nil {
		t.Fatal(err)
	}
	third := openLibrary(t, Config{URLs: node.Endpoints(), User: node.User, Password: node.Password})
	publish(t, third, 20, "third")
	if err := left.Publish(t.Context()); !errors.Is(err, compendium.ErrOvertaken) {
		t.Errorf("%v", err)
	}
	allThere(t, first, "third", 20)
}

// allThere fails unless the library is that of the mark, all of it.
func allThere(tb testing.TB, l *Library, mark string, n int) {
	tb.Helper()
	names, err := view(tb, l).ByName(tb.Context(), "creature", []string{mark})
	if err != nil || len(names[mark]) != n {
		tb.Errorf("%d items of %s, want %d: %v", len(names[mark]), mark, n, err)
	}
}

// TestCompendiumKilled kills builds at their every request to the store, among them the one that publishes: half of the time
// the request arrives and its answer does not. Four readers look things up all the time, past the builds' process and its
// memory, and see one edition as a whole, always.
func TestCompendiumKilled(t *testing.T) {
	const items = 60
	l := openLibrary(t, Config{})
	publish(t, l, items, "0")
	node := l.node.ClientConfig()
	reading, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 4 {
		own := openLibrary(t, Config{URLs: node.Endpoints(), User: node.User, Password: node.Password})
		v := view(t, own)
		readers.Go(func() {
			keys := make([]core.CompendiumKey, items)
			for i := range keys {
				keys[i] = core.CompendiumKey{Kind: "creature", ContentSHA256: fmt.Sprintf("%064d", i)}
			}
			for n := 0; reading.Err() == nil; n++ {
				asked := append([]core.CompendiumKey{{Kind: "creature", ContentSHA256: fmt.Sprint("new ", n)}}, keys...) // memory does not do
				found, err := v.ByHash(reading, asked)
				if reading.Err() != nil {
					return
				}
				marks := map[string]int{}
				for _, i := range found {
					marks[i.Name]++
				}
				if err != nil || len(marks) != 1 || len(found) != items {
					t.Errorf("a mixture: %v, %v", marks, err)
					return
				}
			}
		})
	}
	k := cut(t, node.Endpoints()[0])
	moved, before := 0, int64(1)
	for n := 1; ; n++ { // the request that is the last one
		client, err := rqlite.Open(t.Context(), rqlite.Config{URLs: []string{k.URL}, User: node.User, Password: node.Password})
		if err != nil {
			t.Fatal(err)
		}
		store := compendium.New(compendium.Config{Client: client, Bodies: compendiumBodies{l}, BatchRows: 20})
		ctx, cancel := context.WithCancel(t.Context())
		k.arm(n, n%2 == 0, func() {
			cancel()
			_ = client.Close() // what the builder would do now it does in vain, as if it were not there any more
		})
		err = build(ctx, store, items, fmt.Sprint(n))
		cut := ctx.Err() != nil
		cancel()
		_ = client.Close()
		k.arm(0, false, nil)
		// The process is dead: the next one need not wait for its sign of life to be old.
		if _, err := l.client.Apply(t.Context(), rqlite.Statement{SQL: `UPDATE compendium SET heartbeat_ms=1 WHERE id=1`}); err != nil {
			t.Fatal(err)
		}
		st, stateErr := l.CompendiumState(t.Context())
		if stateErr != nil {
			t.Fatal(stateErr)
		}
		if st.Generation != before {
			before = st.Generation
			moved++
			allThere(t, l, fmt.Sprint(n), items)
		}
		if !cut {
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("killed at each of %d requests; %d of the builds had been published by then", n-1, moved-1)
			break
		}
		if n == 100 {
			t.Fatal("a build never ends")
		}
	}
	if moved < 3 {
		t.Errorf("only %d builds were killed when they were published", moved-1)
	}
	publish(t, l, items, "last")
	stop()
	readers.Wait()
	if found := generations(t, l); len(found) != 1 {
		t.Errorf("rows left: %v", found)
	}
	allThere(t, l, "last", items)
}

func build(ctx context.Context, s *compendium.Store, n int, mark string) error {
	b, err := s.Begin(ctx)
	if err != nil {
		return err
	}
	for i := range n {
		e, ids := edited(i, mark)
		if err := b.Put(ctx, e, core.Namesake{}, ids); err != nil {
			return err
		}
	}
	return b.Publish(ctx)
}

// TestCompendiumLookupsByIndex asks the database how it carries out what is asked for each lookup and each build.
func TestCompendiumLookupsByIndex(t *testing.T) {
	first := openLibrary(t, Config{})
	l, w := tap(t, first)
	publish(t, l, 5, "a")
	publish(t, l, 5, "b")
	v := view(t, l)
	_, e1 := v.ByHash(t.Context(), []core.CompendiumKey{{Kind: "creature", ContentSHA256: "x"}})
	_, e2 := v.BySlug(t.Context(), "creature", []string{"x"})
	_, e3 := v.ByName(t.Context(), "creature", []string{"x"})
	_, e4 := v.ByUID(t.Context(), []string{"x"})
	_, e5 := v.ByNativeID(t.Context(), "foundry", []string{"x"})
	_, e6 := v.Warm(t.Context(), 10)
	_, e7 := l.compendium.Entity(t.Context(), "x")
	if err := errors.Join(e1, e2, e3, e4, e5, e6, e7); err != nil {
		t.Fatal(err)
	}
	count := 0
	for text, sent := range w.statements {
		if !strings.Contains(text, "compendium") || strings.HasPrefix(text, "INSERT") {
			continue
		}
		ask, looks := asked(text)
		if !looks {
			if !strings.HasPrefix(text, "CREATE") {
				t.Errorf("%s is not known how to look at", text)
			}
			continue
		}
		count++
		rows, err := first.client.Query(t.Context(), rqlite.Statement{SQL: "EXPLAIN QUERY PLAN " + ask, Args: sent.args})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for _, step := range plan(t, rows) {
			if !indexed(ask, step) || strings.Contains(step, "AUTOMATIC") {
				t.Errorf("%s\n\tis carried out as: %s", text, step)
			}
		}
	}
	if count < 15 {
		t.Errorf("only %d statements were seen", count)
	}
}

// cut is a way to a node that can be cut: then nothing goes through any more.
func cut(t *testing.T, target string) *knife {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	k := &knife{}
	proxy := httputil.NewSingleHostReverseProxy(to)
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through, answered := k.pass()
		if !through {
			panic(http.ErrAbortHandler)
		}
		if !answered {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			k.cutNow()
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(k.Close)
	return k
}

type knife struct {
	*httptest.Server

	mu      sync.Mutex // guards what follows
	left    int        // requests; 0: any number
	arrives bool       // the last one, though its answer does not
	cut     bool
	then    func()
}

func (k *knife) arm(n int, arrives bool, then func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left, k.arrives, k.then, k.cut = n, arrives, then, false
}

func (k *knife) pass() (through, answered bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.cut {
		return false, false
	}
	if k.left == 0 {
		return true, true
	}
	k.left--
	if k.left > 0 {
		return true, true
	}
	if k.arrives {
		return true, false
	}
	k.cut = true
	k.then()
	return false, false
}

func (k *knife) cutNow() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.cut = true
	k.then()
}

// TestCompendiumBackedUp restores a compendium with a large body after another one took its place.
func TestCompendiumBackedUp(t *testing.T) {
	l := openLibrary(t, Config{})
	large := bytes.Repeat([]byte("x"), inlineLimit+1)
	build := func(l *Library, mark string, raw []byte) {
		t.Helper()
		b := fill(t, l, 3, mark)
		e, ids := edited(3, mark)
		e.Raw = raw
		if err := errors.Join(b.Put(t.Context(), e, core.Namesake{}, ids), b.Publish(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	build(l, "first", large)
	if s, err := l.CacheStats(t.Context()); err != nil || s.Bodies.Count != 1 {
		t.Errorf("%+v, %v", s.Bodies, err)
	}
	config := l.config
	closeLibrary(t, l)
	saved := backup(t, l, archive.Full)
	again := openLibrary(t, config)
	build(again, "second", nil)
	closeLibrary(t, again)
	if _, err := Restore(t.Context(), config, RestoreConfig{File: saved.Path}); err != nil {
		t.Fatal(err)
	}
	restored := openLibrary(t, config)
	allThere(t, restored, "first", 4)
	e, err := restored.compendium.Entity(t.Context(), "foundry:world/test:Actor.000003")
	if err != nil || e == nil || !bytes.Equal(e.Raw, large) {
		t.Errorf("the large body is not as it was: %v", err)
	}
}
