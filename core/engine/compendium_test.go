package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// edition is a second implementation of [Compendium] and of [Edition], in memory.
type edition struct {
	fault  error // of everything
	failed int64 // items of s0 that cannot be stored

	mu        sync.Mutex // guards what follows
	items     map[string]core.CompendiumItem
	ids       map[[2]string][]core.CompendiumItem
	names     map[core.Namesake][]core.CompendiumItem
	peers     map[string][]core.Counterpart
	asked     int // calls
	largest   int // of them
	published bool
	abandoned bool
}

func (c *edition) Put(_ context.Context, e *core.Entity, name core.Namesake, ids []core.CompendiumID) error {
	i := core.CompendiumItem{UID: e.UID, Kind: e.Kind, Slug: e.Slug, ContentSHA256: e.ContentSHA256, Source: e.Source.Name}
	if c.items == nil {
		c.items, c.ids = map[string]core.CompendiumItem{}, map[[2]string][]core.CompendiumItem{}
		c.names, c.peers = map[core.Namesake][]core.CompendiumItem{}, map[string][]core.Counterpart{}
	}
	c.names[name] = append(c.names[name], i)
	c.items[e.UID], c.peers[e.UID] = i, e.Counterparts
	for _, id := range ids {
		i.Scope, i.Rank = id.Scope, id.Rank
		c.ids[[2]string{id.Plugin, id.NativeID}] = append(c.ids[[2]string{id.Plugin, id.NativeID}], i)
	}
	return c.fault
}

func (c *edition) Flush(context.Context) (map[core.SourceKind]int64, error) {
	if c.failed == 0 {
		return nil, nil
	}
	return map[core.SourceKind]int64{{Source: "s0", Kind: "item"}: c.failed}, nil
}

func (c *edition) Publish(context.Context) error { c.published = true; return nil }
func (c *edition) Abandon(context.Context) error { c.abandoned = true; return nil }

func (c *edition) ByHash(_ context.Context, keys []core.CompendiumKey) (map[core.CompendiumKey]core.CompendiumItem, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	c.largest = max(c.largest, len(keys))
	found := map[core.CompendiumKey]core.CompendiumItem{}
	for _, key := range keys {
		for _, i := range c.items {
			if i.Kind == key.Kind && i.ContentSHA256 == key.ContentSHA256 {
				found[key] = i
			}
		}
	}
	return found, c.fault
}

func (c *edition) ByNativeID(_ context.Context, plugin string, ids []string) (map[string][]core.CompendiumItem, error) {
	found := map[string][]core.CompendiumItem{}
	for _, id := range ids {
		if items := c.ids[[2]string{plugin, id}]; items != nil {
			found[id] = items
		}
	}
	return found, nil
}

func (c *edition) ByNamesake(_ context.Context, names []core.Namesake) (map[core.Namesake][]core.CompendiumItem, error) {
	found := map[core.Namesake][]core.CompendiumItem{}
	for _, name := range names {
		if items := c.names[name]; items != nil {
			found[name] = items
		}
	}
	return found, nil
}

func (j *job) compile(t *testing.T, c *edition) (Compiled, error) {
	t.Helper()
	return Compile(t.Context(), j.Config, j.earlier, func(context.Context) (Edition, error) { return c, nil })
}

// written reads the entities of an output, by uid.
func (j *job) written(t *testing.T) map[string]*core.Entity {
	t.Helper()
	file, err := os.Open(filepath.Join(j.path, "entities.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := map[string]*core.Entity{}
	for decoder := json.NewDecoder(file); decoder.More(); {
		e := &core.Entity{}
		if err := decoder.Decode(e); err != nil {
			t.Fatal(err)
		}
		all[e.UID] = e
	}
	return all
}

// TestCompendium makes a compendium of one source and runs another one against it: equals are marked and counted as cached,
// and links lead into it; without it the same run gives the same but for that.
func TestCompendium(t *testing.T) {
	library := docs("base", 250)
	c := &edition{}
	made, err := newJob(t, &shelf{items: library}).compile(t, c)
	if err != nil || !c.published || c.abandoned || made.Items() != 250 {
		t.Fatalf("%+v, %v", made, err)
	}
	items := append(docs("base", 3), doc("base", "own", func(r *sdk.Record) {
		r.Links = []sdk.Link{{Kind: "uuid", Raw: "x", Target: "base.200"}, {Kind: "uuid", Raw: "y", Target: "nowhere.at.all"}}
	}))
	bare := newJob(t, &shelf{items: items})
	bare.run(t)
	j := newJob(t, &shelf{items: items})
	j.Compendium = c
	j.run(t)
	if got := j.count.stage(core.StageEntities); got.Cached != 3 || got.Written != 1 {
		t.Errorf("%+v", got)
	}
	j.count.balanced(t)
	without, with := bare.written(t), j.written(t)
	marked := 0
	for uid, e := range with {
		if e.CompendiumUID != "" {
			marked++
			if e.CompendiumUID != uid {
				t.Errorf("%s equals %s", uid, e.CompendiumUID)
			}
		}
		if uid == "shelf:w:own" {
			if l := e.Links[0]; l.Status != core.LinkCompendium || l.TargetUID != "shelf:w:base.200" {
				t.Errorf("%+v", l)
			}
			if l := e.Links[1]; l.Status != core.LinkExternal || l.TargetUID != "" {
				t.Errorf("%+v", l)
			}
			e.Links = without[uid].Links
		}
		e.CompendiumUID = ""
		if !reflect.DeepEqual(e, without[uid]) {
			t.Errorf("%+v is not %+v", e, without[uid])
		}
	}
	if marked != 3 {
		t.Errorf("%d are marked", marked)
	}
	big := newJob(t, &shelf{items: library})
	big.Compendium, c.asked = c, 0
	big.run(t)
	if c.asked >= 250 || c.largest > lookups {
		t.Errorf("%d lookups for 250 entities, of %d at most", c.asked, c.largest)
	}
}

// A run does not go on when the compendium cannot say whether it has something: its output would be another one.
// TestCounterparts has a book and two other sources tell the same things: in one run, where one of them is in the compendium
// instead, and in the compendium itself.
func TestCounterparts(t *testing.T) {
	told := func(scope, name string, book string, page int) item {
		return doc(scope, scope+"-"+name, func(r *sdk.Record) {
			r.Kind, r.Name, r.Ruleset = "spell", name, sdk.Ruleset{System: "lamps", Edition: "1"}
			r.Origin.Book, r.Origin.Page = book, page
		})
	}
	book := &shelf{items: []item{told("book", "Keeper\u2019s Light", "Lamps", 12), told("book", "Only Here", "Lamps", 13)}}
	web := &shelf{items: []item{told("web", "Keeper's Light", "", 0), told("web", "Only There", "", 0)}}
	told12 := core.Counterpart{UID: "shelf:w:book-Keeper\u2019s Light", Source: "s0", Book: "Lamps", Page: 12}

	j := newJob(t, book, web)
	j.run(t)
	all := j.written(t)
	if got := all["shelf:w:web-Keeper's Light"].Counterparts; !reflect.DeepEqual(got, []core.Counterpart{told12}) {
		t.Errorf("of the web's: %+v", got)
	}
	if got := all[told12.UID].Counterparts; !reflect.DeepEqual(got, []core.Counterpart{{UID: "shelf:w:web-Keeper's Light", Source: "s1"}}) {
		t.Errorf("of the book's: %+v", got)
	}
	for _, uid := range []string{"shelf:w:book-Only Here", "shelf:w:web-Only There"} {
		if got := all[uid].Counterparts; got != nil {
			t.Errorf("of %s: %+v", uid, got)
		}
	}

	c := &edition{}
	if _, err := newJob(t, web).compile(t, c); err != nil {
		t.Fatal(err)
	}
	j = newJob(t, book)
	j.Compendium = c
	j.run(t)
	want := []core.Counterpart{{UID: "shelf:w:web-Keeper's Light", Source: "s0", In: "compendium"}}
	if got := j.written(t)[told12.UID].Counterparts; !reflect.DeepEqual(got, want) {
		t.Errorf("beside the compendium: %+v", got)
	}

	// The web's takes the place of the book's, and keeps the page.
	kept := &edition{}
	if _, err := newJob(t, book, web).compile(t, kept); err != nil {
		t.Fatal(err)
	}
	if got := kept.peers["shelf:w:web-Keeper's Light"]; !reflect.DeepEqual(got, []core.Counterpart{told12}) {
		t.Errorf("in the compendium: %+v", got)
	}
}

func TestCompendiumFails(t *testing.T) {
	j := newJob(t, &shelf{items: docs("base", 50)})
	j.Compendium = &edition{fault: errors.New("gone")}
	if _, err := Run(t.Context(), j.Config); err == nil {
		t.Error("the run succeeded")
	}
	j.count.balanced(t)
	if _, err := os.Stat(filepath.Join(j.path, "manifest.json")); err == nil {
		t.Error("it wrote an output")
	}
}

func TestCompile(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		sources   []*shelf
		failed    int64 // of the items
		want      map[core.SourceKind]Indexed
		nothing   bool
		broken    []string
		published bool
	}{
		"the later one wins": {
			sources: []*shelf{{items: docs("a", 2), plugin: "one"}, {items: docs("a", 3), plugin: "two"}}, published: true,
			want: map[core.SourceKind]Indexed{{Source: "s0", Kind: "item"}: {Read: 2, Overwritten: 2}, {Source: "s1", Kind: "item"}: {Read: 3, Indexed: 3}},
		},
		"some cannot be stored": {
			sources: []*shelf{{items: docs("a", 3)}}, failed: 2, published: true,
			want: map[core.SourceKind]Indexed{{Source: "s0", Kind: "item"}: {Read: 3, Indexed: 1, Failed: 2}},
		},
		"none can be stored": {
			sources: []*shelf{{items: docs("a", 3)}}, failed: 3, nothing: true,
			want: map[core.SourceKind]Indexed{{Source: "s0", Kind: "item"}: {Read: 3, Failed: 3}},
		},
		"one source fails": {
			sources: []*shelf{{check: broken}, {items: docs("a", 1)}}, broken: []string{"s0"}, published: true,
			want: map[core.SourceKind]Indexed{{Source: "s1", Kind: "item"}: {Read: 1, Indexed: 1}},
		},
		"all fail":   {sources: []*shelf{{check: broken}}, nothing: true, broken: []string{"s0"}},
		"no records": {sources: []*shelf{{}}, nothing: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := &edition{failed: test.failed}
			got, err := newJob(t, test.sources...).compile(t, c)
			if errors.Is(err, ErrNothingRead) != test.nothing || (err != nil) != test.nothing || c.published != test.published {
				t.Errorf("%v, published %v", err, c.published)
			}
			if c.items != nil && c.abandoned == test.published {
				t.Errorf("abandoned %v", c.abandoned)
			}
			if !maps.Equal(got.Kinds, test.want) || !reflect.DeepEqual(got.Broken, test.broken) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// library is a compendium from before, of entities in memory.
type library map[string][]core.Held

func (l library) Held(_ context.Context, source string) iter.Seq2[core.Held, error] {
	return func(yield func(core.Held, error) bool) {
		for _, h := range l[source] {
			e := *h.Entity
			if !yield(core.Held{Entity: &e, Aliases: h.Aliases}, nil) {
				return
			}
		}
	}
}

// TestCompileKeeps: of a stream that could not be read in full, what was there before and did not come stays; a later source still takes
// its place, and what was read in full and is gone is gone.
func TestCompileKeeps(t *testing.T) {
	before := library{}
	for order, ids := range [][]string{{"1", "2", "3"}, {"8"}} {
		for _, stream := range []string{"a", "b"} {
			for _, id := range ids {
				e := &core.Entity{UID: "shelf:w:" + stream + id, Kind: "item", Name: "Thing " + stream + id, ContentSHA256: id, Source: core.Provenance{
					Name: fmt.Sprint("s", order), Plugin: "shelf", Stream: stream, Scope: "w", NativeID: stream + id,
				}}
				before[e.Source.Name] = append(before[e.Source.Name], core.Held{Entity: e, Aliases: []string{"old " + e.Source.NativeID}})
			}
		}
	}
	torn := &sdk.Diagnostic{Kind: sdk.Unavailable, Code: "shelf.away", Summary: "the list cannot be had"}
	away := func() *shelf { return &shelf{items: []item{{stream: "a", skip: torn}, doc("b", "b1")}} }
	for name, test := range map[string]struct {
		sources []*shelf
		earlier Earlier
		want    []string // ids
		kept    []Kept
	}{
		"a list fails": {
			[]*shelf{away()},
			before,
			[]string{"a1", "a2", "a3", "b1"},
			[]Kept{{Source: "s0", Stream: "a", Count: 3, Because: "the list cannot be had"}},
		},
		"a part of it comes": {
			[]*shelf{{items: []item{doc("a", "a2"), doc("a", "a9"), {stream: "a", skip: torn}}}},
			before,
			[]string{"a1", "a2", "a3", "a9"},
			[]Kept{{Source: "s0", Stream: "a", Count: 2, Because: "the list cannot be had"}},
		},
		"it is not to be kept":  {[]*shelf{away()}, nil, []string{"b1"}, []Kept{}},
		"all of it can be read": {[]*shelf{{items: []item{doc("a", "a1"), doc("b", "b1")}}}, before, []string{"a1", "b1"}, []Kept{}},
		"a source fails": {
			[]*shelf{{items: []item{doc("a", "a1")}}, {check: errors.New("broken")}},
			before,
			[]string{"a1", "a8", "b8"},
			[]Kept{{Source: "s1", Stream: "a", Count: 1}, {Source: "s1", Stream: "b", Count: 1}},
		},
		"a later source has it": {
			[]*shelf{away(), {plugin: "other", items: []item{doc("c", "a3")}}},
			before,
			[]string{"a1", "a2", "a3", "b1"},
			[]Kept{{Source: "s0", Stream: "a", Count: 2, Because: "the list cannot be had"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			j, c := newJob(t, test.sources...), &edition{}
			j.earlier = test.earlier
			got, err := j.compile(t, c)
			if err != nil || !c.published {
				t.Fatal(err)
			}
			var ids []string
			for uid := range c.items {
				ids = append(ids, uid[strings.LastIndex(uid, ":")+1:])
			}
			slices.Sort(ids)
			if !slices.Equal(ids, test.want) || got.Items() != int64(len(test.want)) {
				t.Errorf("%v, %d in all, want %v", ids, got.Items(), test.want)
			}
			for i := range got.Kept {
				if name == "a source fails" && strings.Contains(got.Kept[i].Because, "broken") {
					got.Kept[i].Because = ""
				}
			}
			if !slices.Equal(got.Kept, test.kept) {
				t.Errorf("kept %+v, want %+v", got.Kept, test.kept)
			}
			for _, k := range got.Kinds {
				if k.Read+k.Kept != k.Indexed+k.Overwritten+k.Failed {
					t.Errorf("%+v", k)
				}
			}
			if len(test.kept) > 0 && test.kept[0].Source == "s0" && len(c.ids[[2]string{"shelf", "old a1"}]) != 1 {
				t.Errorf("the other id of what is kept leads to %v", c.ids)
			}
		})
	}
	c := &edition{}
	j := newJob(t, &shelf{items: []item{{stream: "a", skip: torn}}})
	j.earlier = before
	if _, err := j.compile(t, c); !errors.Is(err, ErrNothingRead) || c.published {
		t.Errorf("nothing came: %v", err)
	}
}
