package foundry_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/foundry"
	"github.com/seed-98789ff7/converter/sdk"
)

// reviser is a Writer that remembers what came of each stream, as the converter does.
type reviser struct {
	heard

	came      map[string][]string // records and facts of streams, in full
	revisions map[string][]byte
	whole     []string
	past      *reviser // nil: nothing is known
}

func newReviser(past *reviser) *reviser {
	return &reviser{came: map[string][]string{}, revisions: map[string][]byte{}, past: past}
}

func (r *reviser) Record(stream string, rec sdk.Record) error {
	doc := string(rec.JSON)
	rec.JSON = nil
	text, err := json.Marshal(rec)
	r.came[stream] = append(r.came[stream], string(text)+doc)
	return err
}

func (r *reviser) Facts(stream string, facts ...sdk.Fact) error {
	r.came[stream] = append(r.came[stream], fmt.Sprint(facts))
	return nil
}

func (r *reviser) Skip(stream, id string, reason error) error {
	r.came[stream] = append(r.came[stream], fmt.Sprint("skip", id, reason))
	return nil
}

func (r *reviser) Revision(stream string, revision []byte) error {
	r.revisions[stream] = revision
	return nil
}

func (r *reviser) Unchanged(stream string) error {
	r.whole = append(r.whole, stream)
	r.came[stream], r.revisions[stream] = r.past.came[stream], r.past.revisions[stream]
	return nil
}

func (r *reviser) UnchangedRecord(stream, id string) error {
	return fmt.Errorf("record %s of %s was called unchanged", id, stream)
}

// revised reads everything in a process of its own, as the next run does.
func revised(t *testing.T, o options, cache string, past *reviser) *reviser {
	t.Helper()
	s := foundry.New()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Configure(t.Context(), sdk.Configuration{Source: "home", Options: text, WorkDir: t.TempDir(), CacheDir: cache}); err != nil {
		t.Fatal(err)
	}
	defer s.(io.Closer).Close()
	request := sdk.ReadRequest{Streams: streams(t, s)}
	if past != nil {
		request.Known = past.revisions
	}
	r := newReviser(past)
	if err := s.Read(t.Context(), request, r); err != nil {
		t.Fatal(err)
	}
	slices.Sort(r.whole)
	return r
}

// realm is a Data folder in which packs hang on each other, on words, on pictures and on licences.
func realm(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"systems/s/system.json": `{"id":"s","title":"System","version":"1","languages":[{"lang":"en","path":"en.json"}],` +
			`"packs":[{"name":"items","type":"Item"},{"name":"rules","type":"JournalEntry"}]}`,
		"systems/s/en.json":     `{"S":{"Sharp":"very sharp"}}`,
		"modules/m/module.json": `{"id":"m","title":"Module","version":"2","packs":[{"name":"beasts","type":"Actor","system":"s"},{"name":"plain","type":"Item"}]}`,
		"modules/m/orc.png":     "orc",
		"worlds/w/world.json":   `{"id":"w","title":"World","system":"s"}`,
	})
	store(t, dir, "systems/s/packs/items", entries{"!items!AAAAAAAAAAAAAAAA": `{"_id":"AAAAAAAAAAAAAAAA","name":"Sword"}`})
	store(t, dir, "systems/s/packs/rules", entries{"!journal!BBBBBBBBBBBBBBBB": `{"_id":"BBBBBBBBBBBBBBBB","name":"Rules","pages":[]}`})
	store(t, dir, "modules/m/packs/beasts", entries{
		"!actors!CCCCCCCCCCCCCCCC": `{"_id":"CCCCCCCCCCCCCCCC","name":"Orc","img":"modules/m/orc.png","token":{"img":"modules/m/gone.png"},` +
			`"system":{"description":{"value":"<p>It has a @UUID[Compendium.s.items.Item.AAAAAAAAAAAAAAAA], @Localize[S.Sharp].</p>"}}}`,
	})
	store(t, dir, "modules/m/packs/plain", entries{
		"!items!DDDDDDDDDDDDDDDD": `{"_id":"DDDDDDDDDDDDDDDD","name":"Stone","img":"data:image/png;base64,iVBORw0KGgo="}`,
	})
	store(t, dir, "worlds/w/data/folders", entries{"!folders!EEEEEEEEEEEEEEEE": `{"_id":"EEEEEEEEEEEEEEEE","name":"Heroes","type":"Actor"}`})
	store(t, dir, "worlds/w/data/actors", entries{"!actors!FFFFFFFFFFFFFFFF": `{"_id":"FFFFFFFFFFFFFFFF","name":"Ann","folder":"EEEEEEEEEEEEEEEE"}`})
	return dir
}

// TestUnchanged: a pack is read again when it has changed, or anything else that its records hang on, and not otherwise. What was
// known and what comes are together what a first reading brings.
func TestUnchanged(t *testing.T) {
	all := []string{"module/m/beasts", "module/m/plain", "system/s/items", "system/s/rules", "world/w/actors", "world/w/folders"}
	without := func(changed ...string) []string {
		return slices.DeleteFunc(slices.Clone(all), func(name string) bool { return slices.Contains(changed, name) })
	}
	sameSize := func(t *testing.T, name, from, to string) {
		t.Helper()
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(text), from, to)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, info.ModTime(), info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
	for name, tt := range map[string]struct {
		change func(t *testing.T, dir, cache string, o options)
		same   []string
	}{
		"nothing": {func(*testing.T, string, string, options) {}, all},
		"touched": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			now := time.Now().Add(-time.Hour)
			files, _ := filepath.Glob(filepath.Join(dir, "*/*/packs/*/*"))
			for _, f := range files {
				if err := os.Chtimes(f, now, now); err != nil {
					t.Fatal(err)
				}
			}
		}, all},
		"another log of the database": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			put(t, dir, map[string]string{"modules/m/packs/plain/LOG": "opened", "modules/m/packs/plain/LOCK": "x"})
		}, all},
		"a document": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			store(t, dir, "modules/m/packs/plain", entries{"!items!DDDDDDDDDDDDDDDD": `{"_id":"DDDDDDDDDDDDDDDD","name":"Gem"}`})
		}, without("module/m/plain")},
		"the name of what is linked": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			store(t, dir, "systems/s/packs/items", entries{"!items!AAAAAAAAAAAAAAAA": `{"_id":"AAAAAAAAAAAAAAAA","name":"Club"}`})
		}, without("system/s/items", "module/m/beasts")},
		"the same size and time": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			files, _ := filepath.Glob(filepath.Join(dir, "modules/m/packs/plain/MANIFEST-*"))
			sameSize(t, files[0], "leveldb.BytewiseComparator", "leveldb.BytewiseComparatoR")
		}, without("module/m/plain")},
		"words": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			put(t, dir, map[string]string{"systems/s/en.json": `{"S":{"Sharp":"quite blunt"}}`})
		}, nil},
		"a picture appears": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			put(t, dir, map[string]string{"modules/m/gone.png": "here"})
		}, without("module/m/beasts")},
		"a picture is gone": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			if err := os.Remove(filepath.Join(dir, "modules/m/orc.png")); err != nil {
				t.Fatal(err)
			}
		}, without("module/m/beasts")},
		"a picture of the same size": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			put(t, dir, map[string]string{"modules/m/orc.png": "elf"})
		}, all}, // the converter looks at its bytes
		"a licence": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			put(t, dir, map[string]string{"modules/m/LICENSE": "* orc.png - \"Orc\" by Ann under CC-BY 4.0\n"})
		}, nil},
		"the version of a package": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			put(t, dir, map[string]string{"worlds/w/world.json": `{"id":"w","title":"The World","system":"s"}`})
		}, without("world/w/actors", "world/w/folders")},
		"a folder's name": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			store(t, dir, "worlds/w/data/folders", entries{"!folders!EEEEEEEEEEEEEEEE": `{"_id":"EEEEEEEEEEEEEEEE","name":"Villains","type":"Actor"}`})
		}, without("world/w/actors", "world/w/folders")},
		"a further pack": {func(t *testing.T, dir, _ string, _ options) {
			t.Helper()
			store(t, dir, "worlds/w/data/items", entries{"!items!AAAAAAAAAAAAAAAA": `{"_id":"AAAAAAAAAAAAAAAA","name":"Sword"}`})
		}, nil},
		"a picture that was taken out": {func(t *testing.T, _, cache string, _ options) {
			t.Helper()
			if err := os.RemoveAll(filepath.Join(cache, "foundry-data-uri")); err != nil {
				t.Fatal(err)
			}
		}, without("module/m/plain")},
		"the cache is lost": {func(t *testing.T, _, cache string, _ options) {
			t.Helper()
			if err := os.RemoveAll(cache); err != nil {
				t.Fatal(err)
			}
		}, []string{}},
		"the cache is damaged": {func(t *testing.T, _, cache string, _ options) {
			t.Helper()
			files, _ := filepath.Glob(filepath.Join(cache, "*", "*.json"))
			more, _ := filepath.Glob(filepath.Join(cache, "*.json"))
			for _, f := range append(files, more...) {
				if err := os.WriteFile(f, []byte("{"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}, []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, cache := realm(t), filepath.Join(t.TempDir(), "cache")
			o := options{"roots": []string{dir}}
			first := revised(t, o, cache, nil)
			if names := slices.Sorted(maps.Keys(first.revisions)); !slices.Equal(names, all) {
				t.Fatalf("revisions of %q", names)
			}
			tt.change(t, dir, cache, o)
			second := revised(t, o, cache, first)
			want := revised(t, o, cache+"-other", nil)
			for stream := range want.came {
				got, want := strings.ReplaceAll(strings.Join(second.came[stream], "\n"), cache, "C"), strings.Join(want.came[stream], "\n")
				if want = strings.ReplaceAll(want, cache+"-other", "C"); got != want {
					t.Errorf("%s: got\n%s\nwant\n%s", stream, got, want)
				}
			}
			if tt.same != nil && !slices.Equal(second.whole, slices.Clip(tt.same)) {
				t.Errorf("unchanged: %q, want %q", second.whole, tt.same)
			}
			third := revised(t, o, cache, second)
			if len(third.whole) != len(want.came) {
				t.Errorf("after that, of %d only %q are unchanged", len(want.came), third.whole)
			}
		})
	}
}

// TestMoving: a pack that is written to while it is read has no revision.
func TestMoving(t *testing.T) {
	dir, cache := realm(t), filepath.Join(t.TempDir(), "cache")
	s := foundry.New()
	text, _ := json.Marshal(options{"roots": []string{dir}})
	if err := s.Configure(t.Context(), sdk.Configuration{Source: "home", Options: text, CacheDir: cache}); err != nil {
		t.Fatal(err)
	}
	defer s.(io.Closer).Close()
	w := &mover{reviser: newReviser(nil), move: func(stream string) {
		if stream == "module/m/plain" {
			put(t, dir, map[string]string{"modules/m/packs/plain/000099.log": "more"})
		}
	}}
	if err := s.Read(t.Context(), sdk.ReadRequest{}, w); err != nil {
		t.Fatal(err)
	}
	if _, named := w.revisions["module/m/plain"]; named || len(w.revisions) != 5 {
		t.Errorf("revisions of %q", slices.Sorted(maps.Keys(w.revisions)))
	}
}

// mover changes something with the first record of a stream.
type mover struct {
	*reviser

	move func(stream string)
}

func (m *mover) Record(stream string, rec sdk.Record) error {
	m.move(stream)
	return m.reviser.Record(stream, rec)
}

// TestUnchangedContent: of real content, a second reading sends nothing.
func TestUnchangedContent(t *testing.T) {
	o := options{"roots": []string{testdata.Dir(t, "foundry/Data")}, "include": map[string]any{"packs": []string{"spells", "heroes", "actors", "tables"}}}
	cache := filepath.Join(t.TempDir(), "cache")
	first := revised(t, o, cache, nil)
	second := revised(t, o, cache, first)
	if len(second.whole) != len(first.revisions) || len(first.revisions) < len(first.came) {
		t.Errorf("%d of %d streams, %d with a revision", len(second.whole), len(first.came), len(first.revisions))
	}
}
