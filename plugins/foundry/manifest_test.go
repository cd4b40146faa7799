package foundry_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// TestManifest: one module in every form that manifests have. Its packs have one item each, named as where it lies.
func TestManifest(t *testing.T) {
	for name, tt := range map[string]struct {
		manifest string
		packs    []string // where they lie
		files    map[string]string
		want     []string // stream, id and name of the items
		reports  string   // their codes and numbers
	}{
		"as of today": {
			manifest: `{"id": "mod", "packs": [{"name": "items", "path": "packs/items", "type": "Item"}]}`,
			packs:    []string{"packs/items"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.a packs/items"},
		},
		"name for id, entity for type, .db": {
			manifest: `{"name": "mod", "packs": [{"name": "items", "path": "./packs/items.db", "entity": "Item"}]}`,
			packs:    []string{"packs/items"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.a packs/items"},
		},
		"id before name, and neither": {
			manifest: `{"id": "mod", "name": "old", "packs": [{"name": "items", "path": "/packs/items", "type": "Item"}]}`,
			packs:    []string{"packs/items"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.a packs/items"},
		},
		"no id at all": {
			manifest: `{"packs": [{"name": "items", "type": "Item"}]}`,
			packs:    []string{"packs/items"},
			want:     []string{"module/folder/items Compendium.folder.items.Item.a packs/items"},
		},
		"backslashes, and no name": {
			manifest: `{"id": "mod", "packs": [{"path": "packs\\deep\\items.db", "type": "Item"}]}`,
			packs:    []string{"packs/deep/items"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.a packs/deep/items"},
		},
		"a folder of another name": {
			manifest: `{"id": "mod", "packs": [{"name": "things", "path": "packs/other", "type": "Item"}]}`,
			packs:    []string{"packs/other"},
			want:     []string{"module/mod/things Compendium.mod.things.Item.a packs/other"},
		},
		"a folder that ends with .db": {
			manifest: `{"id": "mod", "packs": [{"name": "items", "path": "packs/items.db", "type": "Item"}]}`,
			packs:    []string{"packs/items.db"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.a packs/items.db"},
		},
		"paths that climb": {
			manifest: `{"id": "mod", "packs": [
				{"name": "a", "path": "../../../../outside", "type": "Item"}, {"name": "b", "path": "packs/../../other/packs/secret", "type": "Item"},
				{"name": "../../other/packs/secret", "type": "Item"}, {"name": "c", "path": "packs\\..\\..\\..\\outside", "type": "Item"}]}`,
			packs:   []string{"../other/packs/secret", "../../outside", "packs/b"},
			reports: "foundry.pack_absent 4",
		},
		"both formats": {
			manifest: `{"id": "mod", "packs": [{"name": "items", "path": "packs/items.db", "type": "Item"}]}`,
			packs:    []string{"packs/items"},
			files:    map[string]string{"packs/items.db": `{"_id":"b","name":"old"}` + "\n"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.a packs/items"},
			reports:  "foundry.nedb_left 1",
		},
		"the older format": {
			manifest: `{"id": "mod", "packs": [{"name": "items", "path": "packs/items.db", "type": "Item"}]}`,
			files:    map[string]string{"packs/items.db": `{"_id":"b","name":"old"}` + "\n"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.b old"},
		},
		"declared and absent": {
			manifest: `{"id": "mod", "packs": [{"name": "gone", "type": "Item"}, {"name": "items", "type": "Item"}]}`,
			packs:    []string{"packs/items"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.a packs/items"},
			reports:  "foundry.pack_absent 1",
		},
		"the same name twice": {
			manifest: `{"id": "mod", "packs": [{"name": "items", "type": "Item"}, {"name": "items", "path": "packs/more", "type": "Item"}]}`,
			packs:    []string{"packs/items", "packs/more"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.a packs/items"},
			reports:  "foundry.pack_twice 1",
		},
		"a byte order mark": {
			manifest: "\uFEFF" + `{"id": "mod", "packs": [{"name": "items", "type": "Item"}]}`,
			packs:    []string{"packs/items"},
			want:     []string{"module/mod/items Compendium.mod.items.Item.a packs/items"},
		},
		"members of surprising types": {
			manifest: `{"id": "mod", "title": 7, "version": 1.20, "license": {}, "relationships": [], "system": {"a": 1}, "authors": null,
				"packs": [null, 3, "x", {}, {"name": "items", "type": "Item", "flags": [], "system": 4, "label": []}]}`,
			packs: []string{"packs/items"},
			want:  []string{"module/mod/items Compendium.mod.items.Item.a packs/items"},
		},
		"no list of packs": {manifest: `{"id": "mod", "packs": {"name": "items"}}`, packs: []string{"packs/items"}},
		"no object":        {manifest: `[1]`, packs: []string{"packs/items"}},
		"damaged":          {manifest: `{"id": "mod", "packs": [`, packs: []string{"packs/items"}, reports: "foundry.manifest_damaged 1"},
		"empty":            {manifest: ``, packs: []string{"packs/items"}, reports: "foundry.manifest_damaged 1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, map[string]string{"modules/folder/module.json": tt.manifest})
			for _, p := range tt.packs {
				store(t, dir, "modules/folder/"+p, entries{"!items!a": fmt.Sprintf(`{"name":%q}`, p)})
			}
			for name, text := range tt.files {
				put(t, dir, map[string]string{"modules/folder/" + name: text})
			}
			// What is wrong with one package is nothing to the next.
			put(t, dir, map[string]string{"modules/zz/module.json": `{"id": "zz", "packs": [{"name": "items", "type": "Item"}]}`})
			store(t, dir, "modules/zz/packs/items", entries{"!items!a": `{"name":"last"}`})

			h := read(t, open(t, options{"roots": []string{dir}}))
			var got []string
			for _, r := range h.records {
				got = append(got, "module/"+r.Origin.Package+"/"+r.Origin.Pack+" "+r.ID+" "+r.Name)
			}
			if want := append(slices.Clone(tt.want), "module/zz/items Compendium.zz.items.Item.a last"); !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q", got, want)
			}
			if got := fmt.Sprint(h.codes()); tt.reports == "" && len(h.reports) > 0 || tt.reports != "" && got != "map["+colon(tt.reports)+"]" {
				t.Errorf("reports %s, want %s: %v", got, tt.reports, h.reports)
			}
			if len(h.skipped) > 0 {
				t.Errorf("skipped: %v", h.skipped)
			}
		})
	}
}

// colon turns "code n" into how a map prints it.
func colon(s string) string {
	var code string
	var n int
	_, _ = fmt.Sscan(s, &code, &n)
	return fmt.Sprintf("%s:%d", code, n)
}

// TestPackageOnlyOnce: of two roots with the same package the first wins, pack by pack.
func TestPackageOnlyOnce(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for i, dir := range []string{first, second} {
		put(t, dir, map[string]string{"systems/s/system.json": fmt.Sprintf(
			`{"id": "s", "packs": [{"name": "a", "type": %q}, {"name": "b", "type": "Item"}]}`, []string{"Item", "Actor"}[i],
		)})
		store(t, dir, "systems/s/packs/a", entries{"!items!x": fmt.Sprintf(`{"name":"of %d","text":"@Compendium[s.a.y]"}`, i)})
	}
	store(t, second, "systems/s/packs/b", entries{"!items!y": `{"name":"only there"}`})
	h := read(t, open(t, options{"roots": []string{first, second}}))
	want := []string{
		"record system/s/a Compendium.s.a.Item.x", `checkpoint system/s/a {"done":true}`,
		"record system/s/b Compendium.s.b.Item.y", `checkpoint system/s/b {"done":true}`,
	}
	if got := h.all[len(h.reports):]; !slices.Equal(got, want) || h.records[0].Name != "of 0" || h.records[0].Links[0].Target != "Compendium.s.a.Item.y" {
		t.Errorf("got %q", h.all)
	}
	if h.codes()["foundry.pack_twice"] != 1 || h.codes()["foundry.pack_absent"] != 1 {
		t.Errorf("reports: %v", h.reports)
	}
}

// TestLinksOutOfTheRoot: a link to a package or a pack elsewhere is not followed, and said where it stands for a package.
func TestLinksOutOfTheRoot(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	for _, where := range []string{"modules/inner", "outer"} {
		put(t, elsewhere, map[string]string{where + "/module.json": `{"id": "outer", "packs": [{"name": "p", "type": "Item"}]}`})
		store(t, elsewhere, where+"/packs/p", entries{"!items!a": `{"name":"private"}`})
	}
	put(t, dir, map[string]string{
		"modules/m/module.json":      `{"id": "m", "packs": [{"name": "p", "type": "Item"}, {"name": "q", "type": "Item"}]}`,
		"modules/a file":             "",
		"modules/bare/notes.txt":     "no package",
		"modules/odd/module.json/is": "a folder",
	})
	store(t, dir, "modules/m/packs/p", entries{"!items!a": `{"name":"ours"}`})
	store(t, dir, "modules/m/real", entries{"!items!a": `{"name":"ours too"}`})
	for link, to := range map[string]string{
		"modules/outer": filepath.Join(elsewhere, "outer"), "worlds": filepath.Join(elsewhere, "modules"),
		"modules/m/packs/q": filepath.Join(elsewhere, "outer", "packs", "p"), "modules/dangling": "nowhere",
	} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Skipf("SKIPPED: links cannot be made here: %v", err)
		}
	}
	h := read(t, open(t, options{"roots": []string{dir}}))
	if len(h.records) != 1 || h.records[0].Name != "ours" {
		t.Errorf("read %q", h.all)
	}
	if got := fmt.Sprint(h.codes()); got != "map[foundry.pack_absent:1 foundry.package_unreadable:3]" {
		t.Errorf("reports %s: %v", got, h.reports)
	}
	for _, d := range h.reports {
		if d.Severity == sdk.SeverityError {
			t.Errorf("%s is an error", d.Code)
		}
	}

	// One that stays inside is as good as a folder.
	if err := os.Remove(filepath.Join(dir, "modules/m/packs/q")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../real", filepath.Join(dir, "modules/m/packs/q")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, open(t, options{"roots": []string{dir}})); len(got.records) != 2 {
		t.Errorf("read %q", got.all)
	}
}

// TestStreams: what a stream says of its pack.
func TestStreams(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"systems/s/system.json": `{"id": "s", "title": "Rules", "license": "MIT", "packs": [
			{"name": "z", "label": "Last letter", "type": "Actor"}, {"name": "a", "type": "JournalEntry"}, {"name": "untyped"}]}`,
		"modules/n/module.json": `{"id": "n", "license": "LICENSE.txt", "packs": [{"name": "p", "type": "Scene"}]}`,
		"modules/m/module.json": `{"id": "m", "license": "https://example.com/by", "packs": [{"name": "p", "type": "RollTable"}]}`,
		"worlds/w/world.json":   `{"id": "w", "title": "Home", "system": "s", "packs": [{"name": "actors", "type": "Actor"}]}`,
	})
	store(t, dir, "systems/s/packs/z", entries{"!actors!a": `{"items":["i"]}`, "!actors.items!a.i": `{}`, "!actors!b": `{}`, "!folders!f": `{}`})
	store(t, dir, "systems/s/packs/a", nil)
	store(t, dir, "systems/s/packs/untyped", entries{"!items!a": `{}`})
	store(t, dir, "modules/n/packs/p", entries{"!scenes!a": `{}`})
	store(t, dir, "modules/m/packs/p", entries{"!tables!a": `{}`})
	store(t, dir, "worlds/w/packs/actors", entries{"!actors!c": `{"name":"in the compendium"}`})
	store(t, dir, "worlds/w/data/actors", entries{"!actors!c": `{"name":"in the world"}`})
	s := open(t, options{"roots": []string{dir}})
	for range 2 { // the same again
		found, err := s.Discover(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, st := range found {
			if st.Records.Quality != sdk.Exact {
				t.Errorf("the number of %s is not exact", st.Name)
			}
			got = append(got, fmt.Sprintf("%s|%s|%s|%d|%s%s", st.Name, st.Title, st.Kind, st.Records.Count, st.License.Expression, st.License.URL))
		}
		want := []string{
			"system/s/z|Last letter|creature|3|MIT", "system/s/a|a|rule|0|MIT", "system/s/untyped|untyped|other|1|MIT",
			"module/m/p|p|table|1|https://example.com/by", "module/n/p|p|scene|1|",
			"world/w/packs/actors|actors|creature|1|", "world/w/actors|Home: actors|creature|1|",
		}
		if !slices.Equal(got, want) {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	h := read(t, s)
	if got := h.of(t, "in the compendium"); got.ID != "Compendium.world.actors.Actor.c" || got.Scope != "world/w" {
		t.Errorf("the id is %s in %s", got.ID, got.Scope)
	}
	if got := h.of(t, "in the world"); got.ID != "Actor.c" || got.Scope != "world/w" {
		t.Errorf("the id is %s in %s", got.ID, got.Scope)
	}
}
