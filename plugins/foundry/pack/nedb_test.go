package pack_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/foundry/pack"
)

// collections are those of the real NeDB files, by the beginning of their names.
var collections = map[string]string{
	"classes": "items", "heroes": "actors", "rules": "journal", "spells": "items", "tables": "tables", "actors": "actors",
	"folders": "folders", "items": "items", "macros": "macros", "scenes": "scenes", "settings": "settings",
}

func openNeDB(t *testing.T, path, collection string) *pack.Inline {
	t.Helper()
	p, err := pack.OpenNeDB(path, collection)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// TestExpectedNeDB holds every document of every real NeDB file against the official tool's.
func TestExpectedNeDB(t *testing.T) {
	root := testdata.Dir(t, "foundry")
	files := 0
	for _, pattern := range []string{"Data-v9/systems/dnd5e/packs/*.db.jsonl", "Data/worlds/trophy-dark-srd/data/*.db.jsonl"} {
		listings, err := filepath.Glob(filepath.Join(root, "expected", filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, listed := range listings {
			files++
			name := strings.TrimSuffix(filepath.Base(listed), ".db.jsonl")
			t.Run(name, func(t *testing.T) {
				rel, err := filepath.Rel(filepath.Join(root, "expected"), strings.TrimSuffix(listed, ".jsonl"))
				if err != nil {
					t.Fatal(err)
				}
				path := filepath.Join(root, rel)
				before, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				p := openNeDB(t, path, collections[name])
				want := readListing(t, listed)
				n := 0
				for d, err := range p.Documents() {
					if err != nil || n >= len(want) {
						t.Fatalf("document %d of %d: %v", n+1, len(want), err)
					}
					compareDocument(t, d, want[n])
					n++
				}
				counts, err := p.Counts()
				if n != len(want) || err != nil || counts[collections[name]] != n {
					t.Errorf("%d documents, want %d; Counts = %v, %v", n, len(want), counts, err)
				}
				if r := p.Report(); r.FaultCount > 0 || r.NeDB.DamageCount > 0 || r.NeDB.Live != n || r.NeDB.Torn {
					t.Errorf("the file is whole, the report says otherwise: %+v", r)
				}
				if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
					t.Errorf("the file changed: %v", err)
				}
			})
		}
	}
	if files != 11 {
		t.Errorf("%d files, want 11", files)
	}
}

// TestInlineKeys: what is added to documents that are stored whole, and that nothing else is.
func TestInlineKeys(t *testing.T) {
	for name, tt := range map[string]struct {
		collection, line, want string
		embedded               map[string]int
		faults                 []string
	}{
		"as written": {
			"macros", `{"_id":"m","n":1.50,"big":12345678901234567890, "s":"\u00e9\/é"}`,
			`{"_id":"m","n":1.50,"big":12345678901234567890, "s":"\u00e9\/é","_key":"!macros!m"}`, nil, nil,
		},
		"keys of its own are set right": {"items", `{"_key":"!items!other","_id":"m"}`, `{"_key":"!items!m","_id":"m"}`, nil, nil},
		"three levels": {
			"actors", `{"_id":"m","items":[{"_id":"i","effects":[{"_id":"e"}]}, 7],"effects":null,"system":{"items":[{"_id":"x"}]}}`,
			`{"_id":"m","items":[{"_id":"i","effects":[{"_id":"e","_key":"!actors.items.effects!m.i.e"}],"_key":"!actors.items!m.i"},7],` +
				`"effects":null,"system":{"items":[{"_id":"x"}]},"_key":"!actors!m"}`,
			map[string]int{"actors.items": 1, "actors.items.effects": 1},
			nil,
		},
		"a single document": {
			"scenes", `{"_id":"m","tokens":[{"_id":"t","delta":{"_id":"d"}}]}`,
			`{"_id":"m","tokens":[{"_id":"t","delta":{"_id":"d","_key":"!scenes.tokens.delta!m.t.d"},"_key":"!scenes.tokens!m.t"}],"_key":"!scenes!m"}`,
			map[string]int{"scenes.tokens": 1, "scenes.tokens.delta": 1},
			nil,
		},
		"without an id": {
			"scenes", `{"_id":"m","walls":[{"c":[1]},{"_id":""}]}`,
			`{"_id":"m","walls":[{"c":[1],"_key":"!scenes.walls!m.6rAluS7A13dMWVni"},{"_id":"","_key":"!scenes.walls!m.GMnwNgdQcdPpe8yQ"}],"_key":"!scenes!m"}`,
			map[string]int{"scenes.walls": 2},
			[]string{"it has no _id of its own", "it has no _id of its own"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.db")
			if err := os.WriteFile(path, []byte(tt.line+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			p := openNeDB(t, path, tt.collection)
			for range 2 { // the same again
				var got []pack.Document
				for d, err := range p.Documents() {
					if err != nil {
						t.Fatal(err)
					}
					got = append(got, d)
				}
				if len(got) != 1 || string(got[0].JSON) != tt.want || !maps.Equal(got[0].Embedded, tt.embedded) {
					t.Fatalf("got  %s\nwant %s", got[0].JSON, tt.want)
				}
				var faults []string
				for _, f := range p.Report().Faults {
					faults = append(faults, f.Reason)
				}
				if !slices.EqualFunc(faults, tt.faults, strings.HasPrefix) {
					t.Errorf("faults %q, want %q", faults, tt.faults)
				}
			}
			for range p.Collection("other") {
				t.Error("there is no such collection")
			}
		})
	}
}
