package foundry_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/foundry"
	"github.com/seed-98789ff7/converter/sdk"
)

// archived makes a zip file of a folder, everything in it below the name inner.
func archived(t *testing.T, dir, inner string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "package.zip")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	for name := range state(t, dir) {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if !info.Mode().IsRegular() {
			continue
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		entry(t, w, inner+filepath.ToSlash(rel), string(data))
	}
	entry(t, w, "../climbs.txt", "out")
	entry(t, w, "/absolute.txt", "out")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func entry(t *testing.T, w *zip.Writer, name, text string) {
	t.Helper()
	e, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(e, text); err != nil {
		t.Fatal(err)
	}
}

// TestForms: the same documents in every form in which they are found, as every kind of root. What is sent of them is the same.
func TestForms(t *testing.T) {
	const (
		manifest = `{"id": "m", "title": "Module", "packs": [{"name": "things", "path": "packs/things%s", "type": "Item", "flags": {}}]}`
		lamp     = `{"_id":"lamp","name":"Lamp","img":"modules/m/lamp.webp","effects":[{"_id":"glow"}]}`
	)
	base := t.TempDir()
	data := func(name string) string { return filepath.Join(base, name, "modules", "m") }
	for name, db := range map[string]string{"leveldb": "", "nedb": ".db", "source": "", "repository": "", "built": ""} {
		put(t, data(name), map[string]string{"module.json": fmt.Sprintf(manifest, db), "lamp.webp": "x", "lang/en.json": "{}"})
	}
	store(t, data("leveldb"), "packs/things", entries{"!items!lamp": strings.Replace(lamp, `{"_id":"glow"}`, `"glow"`, 1), "!items.effects!lamp.glow": `{"_id":"glow"}`})
	put(t, data("nedb"), map[string]string{"packs/things.db": lamp + "\n"})
	put(t, data("source"), map[string]string{"packs/_source/things/lamp.json": strings.Replace(lamp, "{", `{"_key":"!items!lamp",`, 1)})
	put(t, data("repository"), map[string]string{"packs/things/lamp.json": lamp})
	put(t, data("built"), map[string]string{"src/packs/things/sub/lamp.yml": "_key: '!items!lamp'\n" +
		"_id: lamp\nname: Lamp\nimg: modules/m/lamp.webp\neffects:\n  - _id: glow\n"})
	for name, tt := range map[string]struct {
		root   string
		format string
		assets sdk.AssetStatus
	}{
		"Data, LevelDB":          {filepath.Join(base, "leveldb"), "leveldb", sdk.Present},
		"Data, NeDB":             {filepath.Join(base, "nedb"), "nedb", sdk.Present},
		"Data, sources":          {filepath.Join(base, "source"), "source", sdk.Present},
		"Data, pf2e sources":     {filepath.Join(base, "repository"), "source", sdk.Present},
		"Data, YAML":             {filepath.Join(base, "built"), "source", sdk.Present},
		"package, LevelDB":       {data("leveldb"), "leveldb", sdk.Present},
		"package, NeDB":          {data("nedb"), "nedb", sdk.Present},
		"package, sources":       {data("source"), "source", sdk.Present},
		"pack, LevelDB":          {filepath.Join(data("leveldb"), "packs", "things"), "leveldb", sdk.Uninstalled},
		"pack, NeDB":             {filepath.Join(data("nedb"), "packs", "things.db"), "nedb", sdk.Uninstalled},
		"pack, sources":          {filepath.Join(data("source"), "packs", "_source", "things"), "source", sdk.Uninstalled},
		"pack, pf2e sources":     {filepath.Join(data("repository"), "packs", "things"), "source", sdk.Uninstalled},
		"zip, LevelDB":           {archived(t, data("leveldb"), ""), "leveldb", sdk.Present},
		"zip, NeDB, in a folder": {archived(t, data("nedb"), "m-1.0/"), "nedb", sdk.Present},
		"zip of Data":            {archived(t, filepath.Join(base, "leveldb"), ""), "leveldb", sdk.Present},
	} {
		t.Run(name, func(t *testing.T) {
			before := state(t, tt.root)
			s := open(t, options{"roots": []string{tt.root}})
			if err := s.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
			found, err := s.Discover(t.Context())
			if err != nil || len(found) != 1 || found[0].Name != "module/m/things" || found[0].Records != (sdk.Estimate{Count: 1, Quality: sdk.Exact}) {
				t.Errorf("found %+v, %v", found, err)
			}
			h := read(t, s)
			if len(h.records) != 1 || len(h.reports)+len(h.skipped) > 0 {
				t.Fatalf("heard %q", h.all)
			}
			r := h.records[0]
			if r.ID != "Compendium.m.things.Item.lamp" || r.Name != "Lamp" || r.Origin.Format != tt.format || r.Origin.Package != "m" ||
				!strings.HasPrefix(r.Origin.URI, "modules/m/") || len(r.Assets) != 1 || r.Assets[0].Status != tt.assets {
				t.Errorf("got %+v", r)
			}
			if !strings.Contains(string(r.JSON), `"_key":"!items.effects!lamp.glow"`) {
				t.Errorf("got %s", r.JSON)
			}
			if a := r.Assets[0]; a.Path != "" {
				if text, err := os.ReadFile(a.Path); err != nil || string(text) != "x" {
					t.Errorf("%s: %q, %v", a.Path, text, err)
				}
			}
			if after := state(t, tt.root); !maps.Equal(before, after) {
				t.Errorf("before %v\nafter  %v", before, after)
			}
		})
	}
}

// TestAloneWithoutPackage: packs around which there is no package.
func TestAloneWithoutPackage(t *testing.T) {
	dir := t.TempDir()
	store(t, dir, "odd", entries{"!actors!a": `{"name":"Orc"}`, "!users!u": `{"name":"GM","password":"x"}`})
	put(t, dir, map[string]string{
		"journal.db": `{"_id":"j","name":"Notes","content":"x"}` + "\n", "unknown.db": `{"_id":"t","name":"Loot","results":[]}` + "\n",
		"users.db": `{"_id":"u","name":"GM","password":"hunter2","passwordSalt":"y"}` + "\n", "tree/x.yml": "_id: x\nname: X\npages: []\n",
	})
	for name, tt := range map[string]struct {
		root string
		want string
	}{
		"LevelDB":    {"odd", "Compendium.odd.odd.Actor.a"},
		"by name":    {"journal.db", "Compendium.journal.journal.JournalEntry.j"},
		"by content": {"unknown.db", "Compendium.unknown.unknown.RollTable.t"},
		"sources":    {"tree", "Compendium.tree.tree.JournalEntry.x"},
		"users":      {"users.db", ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := read(t, open(t, options{"roots": []string{filepath.Join(dir, tt.root)}}))
			var got []string
			for _, r := range h.records {
				got = append(got, r.ID)
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q: %q", got, tt.want, h.all)
			}
		})
	}
	h := read(t, open(t, options{"roots": []string{filepath.Join(dir, "users.db")}, "world_collections": []string{"users"}}))
	if len(h.records) != 1 || string(h.records[0].JSON) != `{"_id":"u","name":"GM","_key":"!users!u"}` {
		t.Errorf("heard %q: %s", h.all, h.records[0].JSON)
	}
}

// TestWorldForms: a world that was migrated has both forms, one that was not the older one, folders and all.
func TestWorldForms(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"worlds/w/world.json":      `{"name": "w", "title": "Home"}`,
		"worlds/w/data/actors.db":  `{"_id":"a","name":"older","folder":"f"}` + "\n",
		"worlds/w/data/items.db":   `{"_id":"i","name":"thing","folder":"f","permission":{"default":2},"data":{"source":"Book"}}` + "\n",
		"worlds/w/data/folders.db": `{"_id":"f","name":"Folder","type":"Item"}` + "\n",
		"worlds/w/data/users.db":   `{"_id":"u","name":"GM"}` + "\n", "worlds/w/data/macros.db": "",
	})
	store(t, dir, "worlds/w/data/actors", entries{"!actors!a": `{"_id":"a","name":"newer"}`})
	h := read(t, open(t, options{"roots": []string{dir}}))
	var got []string
	for _, r := range h.records {
		got = append(got, r.ID+" "+r.Name+" "+r.Origin.Format)
	}
	if want := []string{"Actor.a newer leveldb", "Folder.f Folder nedb", "Item.i thing nedb"}; !slices.Equal(got, want) || len(h.reports) > 0 {
		t.Errorf("got %q, reports %v", got, h.reports)
	}
	thing := h.of(t, "thing")
	if !slices.Equal(thing.FolderPath, []string{"Folder"}) || thing.Visibility != "player" || thing.Origin.Book != "Book" {
		t.Errorf("got %+v", thing)
	}
	only := read(t, open(t, options{"roots": []string{filepath.Join(dir, "worlds", "w", "data", "items.db")}}))
	if len(only.records) != 1 || only.records[0].ID != "Item.i" || only.records[0].Scope != "world/w" {
		t.Errorf("heard %q", only.all)
	}
	if private := read(t, open(t, options{"roots": []string{filepath.Join(dir, "worlds", "w", "data", "users.db")}})); len(private.records) > 0 {
		t.Errorf("heard %q", private.all)
	}
}

// TestByName: documents of pf2e's trees are known by their names too.
func TestByName(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"static/system.json":         `{"id": "pf2e", "packs": [{"name": "spells-srd", "path": "packs/spells", "type": "Item"}]}`,
		"packs/spells/bless.json":    `{"_id":"b","name":"Bless","folder":"f"}`,
		"packs/spells/_folders.json": `[{"_id":"f","name":"Rank 1","type":"Item"}]`,
	})
	h := read(t, open(t, options{"roots": []string{dir}}))
	bless := h.of(t, "Bless")
	if bless.ID != "Compendium.pf2e.spells-srd.Item.b" || !slices.Equal(bless.Aliases, []string{"Compendium.pf2e.spells-srd.Item.Bless"}) ||
		!slices.Equal(bless.FolderPath, []string{"Rank 1"}) || bless.Ruleset.System != "pf2e" {
		t.Errorf("got %+v", bless)
	}
}

// TestAdventure: what is in an adventure is sent as well, each once, in its folders.
func TestAdventure(t *testing.T) {
	dir := library(t, "Adventure", entries{"!adventures!adv": `{"_id":"adv","name":"Module","img":null,
		"folders":[{"_id":"f","name":"Foes","type":"Actor"}], "actors":[{"_id":"a","name":"Orc","type":"npc","folder":"f","items":[{"_id":"i","name":"axe"}]},
		{"name":"nobody"}, 7, {"_id":"a","name":"Orc again"}], "journal":null, "scenes":{}, "combats":[], "users":[{"_id":"u","name":"GM"}]}`})
	s := open(t, options{"roots": []string{dir}})
	found, err := s.Discover(t.Context())
	if err != nil || found[0].Records != (sdk.Estimate{Count: 3, Quality: sdk.Exact}) {
		t.Errorf("found %+v, %v", found, err)
	}
	h := read(t, s)
	want := []string{
		"record module/m/p Compendium.m.p.Adventure.adv", "record module/m/p Compendium.m.p.Adventure.adv.Folder.f",
		"record module/m/p Compendium.m.p.Adventure.adv.Actor.a", `checkpoint module/m/p {"done":true}`,
	}
	if !slices.Equal(h.all, want) {
		t.Errorf("got  %q\nwant %q", h.all, want)
	}
	if orc := h.of(t, "Orc"); orc.NativeType != "Actor/npc" || orc.Kind != "creature" || !slices.Equal(orc.FolderPath, []string{"Foes"}) {
		t.Errorf("got %+v", orc)
	}
}

func TestSelection(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"systems/s/system.json": `{"id": "s", "packs": [{"name": "a", "type": "Item"}, {"name": "b", "type": "Actor"}]}`,
		"modules/m/module.json": `{"id": "m", "packs": [{"name": "a", "type": "Item"}]}`,
		"worlds/w/world.json":   `{"id": "w"}`,
	})
	store(t, dir, "systems/s/packs/a", entries{"!items!1": `{"type":"weapon"}`, "!items!2": `{"type":"spell"}`, "!folders!f": `{}`})
	store(t, dir, "systems/s/packs/b", entries{"!actors!3": `{"type":"npc"}`})
	store(t, dir, "modules/m/packs/a", entries{"!items!4": `{"type":"weapon"}`})
	store(t, dir, "worlds/w/data/items", entries{"!items!5": `{"type":"spell"}`})
	type words = map[string][]string
	for name, tt := range map[string]struct {
		include, exclude words
		want             string // ids
		promised         int64
	}{
		"everything":            {nil, nil, "f 1 2 3 4 5", 6},
		"a package":             {words{"packages": {"s"}}, nil, "f 1 2 3", 4},
		"a package with kind":   {words{"packages": {"module/*", "world/w"}}, nil, "4 5", 2},
		"not a package":         {nil, words{"packages": {"s", "w"}}, "4", 1},
		"a pack":                {words{"packs": {"s.a"}}, nil, "f 1 2", 3},
		"packs of a name":       {words{"packs": {"a"}}, nil, "f 1 2 4", 4},
		"a stream":              {words{"packs": {"world/w/items"}}, nil, "5", 1},
		"exclude wins":          {words{"packs": {"*"}}, words{"packs": {"a"}}, "3 5", 2},
		"a type":                {words{"types": {"Item"}}, nil, "1 2 4 5", 4},
		"not a type":            {nil, words{"types": {"Item", "Folder"}}, "3", 1},
		"a subtype":             {words{"types": {"Item/spell", "Actor"}}, nil, "2 3 5", 5},
		"not a subtype":         {nil, words{"types": {"Item/*"}}, "f 3", 6},
		"a package and a type":  {words{"packages": {"s"}, "types": {"Actor"}}, nil, "3", 1},
		"no package has a name": {words{"packages": {"S"}}, nil, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, options{"roots": []string{dir}, "include": tt.include, "exclude": tt.exclude})
			var got []string
			for _, r := range read(t, s).records {
				got = append(got, r.ID[strings.LastIndexByte(r.ID, '.')+1:])
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			found, err := s.Discover(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			promised, quality := int64(0), sdk.Exact
			for _, st := range found {
				promised += st.Records.Count
				quality = st.Records.Quality
			}
			if promised != tt.promised || len(found) > 0 && (quality == sdk.Exact) == strings.Contains(name, "subtype") {
				t.Errorf("%d documents were promised, want %d; quality %d", promised, tt.promised, quality)
			}
		})
	}
}

// TestChangedSince: of a pack that was read and has changed since, what was read is kept, and that is said.
func TestChangedSince(t *testing.T) {
	dir := three(t)
	s := open(t, options{"roots": []string{dir}})
	states := read(t, s).states
	h := &heard{}
	if err := s.Read(t.Context(), sdk.ReadRequest{State: states}, h); err != nil || len(h.all) > 0 {
		t.Errorf("unchanged: %v, %q", err, h.all)
	}
	put(t, dir, map[string]string{"systems/s/packs/b/000099.ldb": "more"})
	if err := s.Read(t.Context(), sdk.ReadRequest{State: states}, h); err != nil || len(h.reports) != 1 || h.reports[0].Code != "foundry.pack_changed" ||
		h.reports[0].Stream != "system/s/b" || len(h.records) > 0 {
		t.Errorf("changed: %v, %q", err, h.all)
	}
}

// TestChangedBehindLink: a pack that is a link to a folder is seen to change.
func TestChangedBehindLink(t *testing.T) {
	dir := three(t)
	packs := filepath.Join(dir, "systems", "s", "packs")
	if err := os.Rename(filepath.Join(packs, "b"), filepath.Join(packs, "real")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real", filepath.Join(packs, "b")); err != nil {
		t.Skipf("SKIPPED: links cannot be made here: %v", err)
	}
	s := open(t, options{"roots": []string{dir}})
	states := read(t, s).states
	put(t, dir, map[string]string{"systems/s/packs/real/000099.ldb": "more"})
	h := &heard{}
	if err := s.Read(t.Context(), sdk.ReadRequest{State: states}, h); err != nil || len(h.reports) != 1 || h.reports[0].Code != "foundry.pack_changed" {
		t.Errorf("%v, %q", err, h.all)
	}
}

// TestOtherFolders: folders that are neither Data nor a package nor a pack, though they look a little like it.
func TestOtherFolders(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{"program/package.json": "{}", "program/src/main.js": "", "user/notes.json": "{}", "user/Data/modules/m/module.json": `{"id":"m"}`})
	for _, name := range []string{"program", "user"} {
		err := open(t, options{"roots": []string{filepath.Join(dir, name)}}).Check(t.Context())
		if d := sdk.Diagnose(err, "")[0]; d.Code != "foundry.nothing_found" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// counter is a Writer that also takes numbers.
type counter struct {
	heard

	metrics sdk.Metrics
}

func (c *counter) Metrics(m sdk.Metrics) {
	c.metrics.Hits += m.Hits
	c.metrics.Misses += m.Misses
}

// TestCountedOnce: packs that did not change are not counted again by the next run, those that did are.
func TestCountedOnce(t *testing.T) {
	dir, cache := three(t), filepath.Join(t.TempDir(), "cache")
	run := func() (counts []int64, m sdk.Metrics) {
		s := foundry.New()
		text, err := json.Marshal(options{"roots": []string{dir}})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Configure(t.Context(), sdk.Configuration{Source: "home", Options: text, CacheDir: cache}); err != nil {
			t.Fatal(err)
		}
		defer s.(io.Closer).Close()
		found, err := s.Discover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range found {
			counts = append(counts, st.Records.Count)
		}
		c := &counter{}
		if err := s.Read(t.Context(), sdk.ReadRequest{}, c); err != nil {
			t.Fatal(err)
		}
		return counts, c.metrics
	}
	for i, tt := range []struct {
		change       func()
		counts       []int64
		hits, misses int64
	}{
		{func() {}, []int64{2, 2, 2}, 0, 3},
		{func() {}, []int64{2, 2, 2}, 3, 0},
		{func() { store(t, dir, "systems/s/packs/b", entries{"!items!3": `{}`}) }, []int64{2, 3, 2}, 2, 1},
		{func() {
			for _, name := range filesIn(t, cache) {
				if err := os.WriteFile(name, []byte("{"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}, []int64{2, 3, 2}, 0, 3},
	} {
		tt.change()
		counts, m := run()
		if !slices.Equal(counts, tt.counts) || m.Hits != tt.hits || m.Misses != tt.misses {
			t.Errorf("%d: counts %v, %+v", i, counts, m)
		}
	}
}

func filesIn(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("nothing in %s: %v", dir, err)
	}
	return names
}

// TestSalvaged: a pack without its MANIFEST is read, and that is said.
func TestSalvaged(t *testing.T) {
	dir := three(t)
	if err := each(filepath.Join(dir, "systems/s/packs/b"), "MANIFEST-*", os.Remove); err != nil {
		t.Fatal(err)
	}
	h := read(t, open(t, options{"roots": []string{dir}}))
	if len(h.records) != 6 || len(h.skipped) > 0 || h.codes()["foundry.pack_salvaged"] != 1 {
		t.Errorf("heard %q", h.all)
	}
}

// TestRealOlderContent reads the packs of an old system and the world beside its migrated copy.
func TestRealOlderContent(t *testing.T) {
	dir := testdata.Dir(t, "foundry", "Data-v9")
	before := state(t, dir)
	s := open(t, options{"roots": []string{dir}})
	found, err := s.Discover(t.Context())
	if err != nil || len(found) == 0 {
		t.Fatal(found, err)
	}
	h := read(t, s)
	promised := int64(0)
	for _, st := range found {
		promised += st.Records.Count
	}
	if len(h.records) != 444 || promised != 444 || len(h.skipped) > 0 {
		t.Errorf("%d documents, %d promised, %d skipped: %v", len(h.records), promised, len(h.skipped), h.reports)
	}
	for _, r := range h.records {
		if err := r.Validate(); err != nil || r.Origin.Format != "nedb" {
			t.Errorf("%s: %v", r.ID, err)
		}
	}
	if after := state(t, dir); !maps.Equal(before, after) {
		t.Error("something was written")
	}
}

// TestNamesInAnyForm: a link without words shows the name of what it leads to, in whatever form that pack is.
func TestNamesInAnyForm(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"systems/s/system.json":       `{"id": "s", "packs": [{"name": "old", "type": "Item"}, {"name": "raw", "type": "Item"}, {"name": "new", "type": "Item"}, {"name": "book", "type": "JournalEntry"}]}`,
		"systems/s/packs/old.db":      `{"_id":"lamp000000000000","name":"Lamp"}` + "\n",
		"systems/s/packs/raw/x.json":  `{"_id":"rope000000000000","name":"Rope","_key":"!items!rope000000000000"}`,
		"systems/s/packs/book/b.json": `{"_id":"b","name":"B","_key":"!journal!b","pages":[{"_id":"p","name":"P","type":"text","_key":"!journal.pages!b.p","text":{"content":"<p>@UUID[Compendium.s.old.Item.lamp000000000000] @UUID[Compendium.s.raw.Item.rope000000000000] @UUID[Compendium.s.new.Item.hook000000000000]</p>"}}]}`,
	})
	store(t, dir, "systems/s/packs/new", entries{"!items!hook000000000000": `{"_id":"hook000000000000","name":"Hook"}`})
	b := read(t, open(t, options{"roots": []string{dir}})).of(t, "B")
	if len(b.Texts) != 1 {
		t.Fatalf("texts %+v", b.Texts)
	}
	for _, name := range []string{"[Lamp](", "[Rope](", "[Hook]("} {
		if !strings.Contains(b.Texts[0].Markdown, name) {
			t.Errorf("no %s in %s", name, b.Texts[0].Markdown)
		}
	}
}
