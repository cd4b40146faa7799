package pack_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/foundry/pack"
)

// TestExpectedTrees holds real YAML against what the official tool has in the packs that were built of it.
func TestExpectedTrees(t *testing.T) {
	root := testdata.Dir(t, "foundry")
	for name, collection := range map[string]string{"heroes": "actors", "rules": "journal", "tables": "tables", "feats24": "items"} {
		t.Run(name, func(t *testing.T) {
			p, err := pack.OpenTree(os.DirFS(filepath.Join(root, "Data", "systems", "dnd5e", "packs", "_source", name)), "")
			if err != nil {
				t.Fatal(err)
			}
			want := readListing(t, filepath.Join(root, "expected", "Data", "systems", "dnd5e", "packs", name+".jsonl"))
			n := 0
			for d, err := range p.Documents() {
				if err != nil || n >= len(want) {
					t.Fatalf("document %d of %d: %v", n+1, len(want), err)
				}
				compareDocument(t, d, want[n])
				n++
			}
			counts, err := p.Counts()
			if n != len(want) || err != nil || counts[collection]+counts["folders"] != n || p.Named {
				t.Errorf("%d documents, want %d; Counts = %v, %v", n, len(want), counts, err)
			}
			if r := p.Report(); r.FaultCount > 0 || r.Files != n {
				t.Errorf("report %+v", r)
			}
		})
	}
}

func TestSources(t *testing.T) {
	for name, tt := range map[string]struct {
		files      map[string]string
		collection string
		named      bool
		want       []string // keys and texts
		faults     []string
	}{
		"with keys": {
			files: map[string]string{
				"b.json": `{"_id":"b","n":1.50,"_key":"!items!b"}`, "deep/er/a.yml": "_id: a\n_key: '!items!a'\nname: A\n",
				"_folder.yml": "name: F\n_id: f\n_key: \"!folders!f\"\n", "none.json": `{"_id":"x"}`, "notes.txt": "x", "package.json": `{"name":"p"}`,
			},
			want: []string{
				`!folders!f {"name":"F","_id":"f","_key":"!folders!f"}`, `!items!a {"_id":"a","_key":"!items!a","name":"A"}`,
				`!items!b {"_id":"b","n":1.50,"_key":"!items!b"}`,
			},
			faults: []string{"none.json: it has no _key", "package.json: it has no _key"},
		},
		"by name": {
			files: map[string]string{
				"bless.json": `{"_id":"b","name":"Bless"}`, "rank-1/heal.json": `{"_id":"a","name":"Heal","folder":"f"}`,
				"_folders.json": `[{"_id":"f","name":"F"},{"_id":"g"},{"name":"none"}]`,
			},
			collection: "items", named: true,
			want: []string{
				`!folders!f {"_id":"f","name":"F","_key":"!folders!f"}`, `!folders!g {"_id":"g","_key":"!folders!g"}`,
				`!items!a {"_id":"a","name":"Heal","folder":"f","_key":"!items!a"}`, `!items!b {"_id":"b","name":"Bless","_key":"!items!b"}`,
			},
			faults: []string{"_folders.json: entry 2 of the list is no folder"},
		},
		"the same twice": {
			files:  map[string]string{"a.json": `{"_id":"x","_key":"!items!x","n":1}`, "b.yaml": "_id: x\n_key: '!items!x'\n", "c.json": `{"_id":"x","_key":"!actors!x"}`},
			want:   []string{`!actors!x {"_id":"x","_key":"!actors!x"}`, `!items!x {"_id":"x","_key":"!items!x","n":1}`},
			faults: []string{"b.yaml: it has the same id as a.json, which is read"},
		},
		"an adventure that names files": {
			files: map[string]string{
				"adv.json":         `{"_id":"a","_key":"!adventures!a","actors":["adv/actors/x.yml",{"_id":"y"},"gone.json","../out.json"],"journal":[]}`,
				"adv/actors/x.yml": "_id: x\nname: X\n",
			},
			want: []string{`!adventures!a {"_id":"a","_key":"!adventures!a","actors":[{"_id":"x","name":"X"},{"_id":"y"},"gone.json","../out.json"],"journal":[]}`},
		},
		"what is no document": {
			files: map[string]string{
				"a.json": `{"_id":"a"`, "b.yml": "a: [", "c.yml": "", "d.json": `[1]`, "e.json": `{"_id":"a.b"}`, "f.json": `{}`, "ok.json": `{"_id":"ok"}`,
				"g.yml": "_id: g\n_key: nonsense\n",
			},
			collection: "macros",
			want:       nil,
			faults:     []string{"a.json", "b.yml", "c.yml", "d.json", "e.json", "f.json", "g.yml", "ok.json"},
		},
		"guessed": {
			files: map[string]string{"a.json": `{"_id":"a","pages":[]}`, "b.json": `{"_id":"b","system":{}}`, "c.json": `{"_id":"c","prototypeToken":{},"items":[]}`},
			named: true,
			want: []string{
				`!actors!c {"_id":"c","prototypeToken":{},"items":[],"_key":"!actors!c"}`, `!items!b {"_id":"b","system":{},"_key":"!items!b"}`,
				`!journal!a {"_id":"a","pages":[],"_key":"!journal!a"}`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range tt.files {
				file = filepath.Join(dir, filepath.FromSlash(file))
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			p, err := pack.OpenTree(os.DirFS(dir), tt.collection)
			if err != nil {
				t.Fatal(err)
			}
			var got, faults []string
			for d, err := range p.Documents() {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, d.Key+" "+string(d.JSON))
			}
			if !slices.Equal(got, tt.want) || p.Named != tt.named {
				t.Errorf("got  %q\nwant %q, named %v", got, tt.want, p.Named)
			}
			for _, f := range p.Report().Faults {
				faults = append(faults, f.Key+": "+f.Reason)
			}
			slices.Sort(faults)
			if !slices.EqualFunc(faults, tt.faults, strings.HasPrefix) {
				t.Errorf("faults %q\nwant   %q", faults, tt.faults)
			}
		})
	}
}
