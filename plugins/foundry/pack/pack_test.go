package pack_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/syndtr/goleveldb/leveldb"

	"github.com/seed-98789ff7/converter/internal/testdata"
	foundry "github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
	"github.com/seed-98789ff7/converter/plugins/foundry/pack"
)

// written makes a pack of keys and values.
func written(t *testing.T, entries map[string]string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "pack")
	db, err := leveldb.OpenFile(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range entries {
		if err := db.Put([]byte(key), []byte(value), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestJoin(t *testing.T) {
	for name, tt := range map[string]struct {
		entries  map[string]string
		want     string
		embedded map[string]int
	}{
		"as written": {
			map[string]string{"!macros!m": `{"_id":"m","n":1.50,"big":12345678901234567890,"e":1E+2,"s":"\u00e9\/é","z":{"b":[],"a":null}}`},
			`{"_id":"m","n":1.50,"big":12345678901234567890,"e":1E+2,"s":"\u00e9\/é","z":{"b":[],"a":null},"_key":"!macros!m"}`, nil,
		},
		"three levels, in the order of the lists": {
			map[string]string{
				"!actors!a":                   `{"items":["y","x"],"name":"A","effects":["e"],"system":{"items":["x"]}}`,
				"!actors.items!a.x":           `{"_id":"x","effects":[]}`,
				"!actors.items!a.y":           `{"_id":"y","effects":["f"]}`,
				"!actors.items.effects!a.y.f": `{"_id":"f"}`,
				"!actors.effects!a.e":         `{"_id":"e"}`,
			},
			`{"items":[{"_id":"y","effects":[{"_id":"f","_key":"!actors.items.effects!a.y.f"}],"_key":"!actors.items!a.y"},` +
				`{"_id":"x","effects":[],"_key":"!actors.items!a.x"}],"name":"A",` +
				`"effects":[{"_id":"e","_key":"!actors.effects!a.e"}],"system":{"items":["x"]},"_key":"!actors!a"}`,
			map[string]int{"actors.items": 2, "actors.items.effects": 1, "actors.effects": 1},
		},
		"a single document in a list": {
			map[string]string{
				"!scenes!s":                                    `{"tokens":["t","u"],"walls":[]}`,
				"!scenes.tokens!s.t":                           `{"delta":"d"}`,
				"!scenes.tokens!s.u":                           `{"delta":null}`,
				"!scenes.tokens.delta!s.t.d":                   `{"items":["i"]}`,
				"!scenes.tokens.delta.items!s.t.d.i":           `{"effects":["e"]}`,
				"!scenes.tokens.delta.items.effects!s.t.d.i.e": `{}`,
			},
			`{"tokens":[{"delta":{"items":[{"effects":[{"_key":"!scenes.tokens.delta.items.effects!s.t.d.i.e"}],` +
				`"_key":"!scenes.tokens.delta.items!s.t.d.i"}],"effects":[],"_key":"!scenes.tokens.delta!s.t.d"},"_key":"!scenes.tokens!s.t"},` +
				`{"delta":null,"_key":"!scenes.tokens!s.u"}],"walls":[],` +
				`"drawings":[],"levels":[],"lights":[],"notes":[],"regions":[],"sounds":[],"templates":[],"tiles":[],"_key":"!scenes!s"}`,
			map[string]int{"scenes.tokens": 2, "scenes.tokens.delta": 1, "scenes.tokens.delta.items": 1, "scenes.tokens.delta.items.effects": 1},
		},
		"absent members": {
			map[string]string{"!actors!a": `{}`}, `{"items":[],"effects":[],"_key":"!actors!a"}`, nil,
		},
		"cards hold cards": {
			map[string]string{"!cards!c": `{"cards":["d"]}`, "!cards.cards!c.d": `{}`},
			`{"cards":[{"cards":[],"_key":"!cards.cards!c.d"}],"_key":"!cards!c"}`,
			map[string]int{"cards.cards": 1},
		},
		"adventures stay as they are": {
			map[string]string{"!adventures!a": `{"actors":[{"items":[{"_id":"i"}]}]}`},
			`{"actors":[{"items":[{"_id":"i"}]}],"_key":"!adventures!a"}`, nil,
		},
		"an unknown collection": {
			map[string]string{"!novelties!n": `{"items":["x"]}`}, `{"items":["x"],"_key":"!novelties!n"}`, nil,
		},
		"white space": {
			map[string]string{"!items!i": " {\n \"effects\" : [ \"e\" ,\t\"f\" ] } \r\n", "!items.effects!i.e": " { } ", "!items.effects!i.f": "{}"},
			"{\n \"effects\" : [{ \"_key\":\"!items.effects!i.e\"},{\"_key\":\"!items.effects!i.f\"}] ,\"_key\":\"!items!i\"}",
			map[string]int{"items.effects": 2},
		},
		"escaped names and ids": {
			map[string]string{"!items!i": `{"\u0065ffects":["\u0065"]}`, "!items.effects!i.e": `{"_id":"\u0065"}`},
			`{"\u0065ffects":[{"_id":"\u0065","_key":"!items.effects!i.e"}],"_key":"!items!i"}`,
			map[string]int{"items.effects": 1},
		},
		"a _key that is there": {
			map[string]string{"!items!i": `{"_key":"wrong","effects":[]}`}, `{"_key":"!items!i","effects":[]}`, nil,
		},
		"the last of two counts": {
			map[string]string{"!items!i": `{"effects":["x"],"effects":["e"]}`, "!items.effects!i.e": `{}`},
			`{"effects":["x"],"effects":[{"_key":"!items.effects!i.e"}],"_key":"!items!i"}`,
			map[string]int{"items.effects": 1},
		},
		"listed twice": {
			map[string]string{"!items!i": `{"effects":["e","e"]}`, "!items.effects!i.e": `{}`},
			`{"effects":[{"_key":"!items.effects!i.e"},{"_key":"!items.effects!i.e"}],"_key":"!items!i"}`,
			map[string]int{"items.effects": 2},
		},
		"an id to escape": {
			map[string]string{"!items!\"\\\n": `{}`}, `{"effects":[],"_key":"!items!\"\\\u000a"}`, nil,
		},
		"null for a list": {
			map[string]string{"!items!i": `{"effects":null}`}, `{"effects":[],"_key":"!items!i"}`, nil,
		},
		"an empty id": {
			map[string]string{"!scenes!s": `{"tokens":["t"]}`, "!scenes.tokens!s.t": `{"delta":""}`},
			`{"tokens":[{"delta":null,"_key":"!scenes.tokens!s.t"}],"drawings":[],"levels":[],"lights":[],"notes":[],"regions":[],` +
				`"sounds":[],"templates":[],"tiles":[],"walls":[],"_key":"!scenes!s"}`,
			map[string]int{"scenes.tokens": 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			docs, report := readAll(t, written(t, tt.entries))
			if len(docs) != 1 {
				t.Fatalf("%d documents: %v", len(docs), report)
			}
			if got := string(docs[0].JSON); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if !json.Valid(docs[0].JSON) {
				t.Error("not JSON")
			}
			if !maps.Equal(docs[0].Embedded, tt.embedded) {
				t.Errorf("embedded %v, want %v", docs[0].Embedded, tt.embedded)
			}
			if report.FaultCount+report.Missing+len(report.Orphans) > 0 {
				t.Errorf("report: %+v", report)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	deep := strings.Repeat("[", 200) + strings.Repeat("]", 200)
	for name, tt := range map[string]struct {
		entries map[string]string
		docs    []string
		missing []string
		orphans map[string]int
		faults  []string // what each fault says, by key order of discovery
	}{
		"missing children": {
			entries: map[string]string{"!items!i": `{"effects":["a","b","c"]}`, "!items.effects!i.b": `{}`},
			docs:    []string{`{"effects":[{"_key":"!items.effects!i.b"}],"_key":"!items!i"}`},
			missing: []string{"!items.effects!i.a", "!items.effects!i.c"},
		},
		"a missing single document": {
			entries: map[string]string{
				"!scenes!s":          `{"tokens":["t"],"drawings":[],"levels":[],"lights":[],"notes":[],"regions":[],"sounds":[],"templates":[],"tiles":[],"walls":[]}`,
				"!scenes.tokens!s.t": `{"delta":"d"}`,
			},
			docs: []string{`{"tokens":[{"delta":null,"_key":"!scenes.tokens!s.t"}],"drawings":[],"levels":[],"lights":[],"notes":[],"regions":[],"sounds":[],` +
				`"templates":[],"tiles":[],"walls":[],"_key":"!scenes!s"}`},
			missing: []string{"!scenes.tokens.delta!s.t.d"},
		},
		"orphans": {
			entries: map[string]string{
				"!items!i": `{"effects":["b"]}`, "!items.effects!a.x": `{}`, "!items.effects!i.a": `{}`,
				"!items.effects!i.b": `{}`, "!items.effects!z.x": `{}`, "!actors.items!a.b": `{}`, "!items.novelties!i.n": `{}`, "!actors.items.effects!a.b.c": `{}`,
			},
			docs:    []string{`{"effects":[{"_key":"!items.effects!i.b"}],"_key":"!items!i"}`},
			orphans: map[string]int{"items.effects": 3, "actors.items": 1, "actors.items.effects": 1, "items.novelties": 1},
		},
		"a child that is not JSON": {
			entries: map[string]string{"!items!i": `{"effects":["a","b"]}`, "!items.effects!i.a": `{"x":}`, "!items.effects!i.b": `{}`},
			docs:    []string{`{"effects":[{"_key":"!items.effects!i.b"}],"_key":"!items!i"}`},
			missing: []string{"!items.effects!i.a"},
			faults:  []string{`"!items.effects!i.a": not JSON: at byte 5: not the beginning of a value`},
		},
		"documents that are not JSON objects": {
			entries: map[string]string{"!items!a": `[]`, "!items!b": `{"x":"` + "\xff" + `"}`, "!items!c": `{} {}`, "!items!d": ``, "!items!e": "\ufeff{}", "!items!f": `{"x":` + deep + `}`, "!items!g": `{}`},
			docs:    []string{`{"effects":[],"_key":"!items!g"}`},
			faults: []string{
				`"!items!a": not a JSON object`, `"!items!b": the text is not UTF-8`, `"!items!c": not JSON: at byte 3: text after the end of the object`,
				`"!items!d": not a JSON object`, `"!items!e": not a JSON object`, `"!items!f": not JSON: at byte 132: nested too deeply`,
			},
		},
		"keys of something else": {
			entries: map[string]string{
				"": `{}`, "!": `{}`, "!!": `{}`, "!items": `{}`, "!items!": `{}`, "!items!a.b": `{}`, "!items!a!b": `{}`, "!items..x!a..b": `{}`,
				"!items.effects!i": `{}`, "!items.effects!i.a.b": `{}`, "!items.effects!i.": `{}`, "!items!\xff": `{}`, "other": `{}`, "!items!i": `{"effects":[]}`,
			},
			docs:   []string{`{"effects":[],"_key":"!items!i"}`},
			faults: slices.Repeat([]string{"the key is not one of Foundry's"}, 13),
		},
		"an _id of its own": {
			entries: map[string]string{"!items!i": `{"_id":"j","effects":["e"]}`, "!items.effects!i.e": `{"_id":7}`},
			docs:    []string{`{"_id":"j","effects":[{"_id":7,"_key":"!items.effects!i.e"}],"_key":"!items!i"}`},
			faults:  []string{`"!items!i": its _id is "\"j\""`, `"!items.effects!i.e": its _id is "7"`},
		},
		"lists of other things": {
			entries: map[string]string{"!items!i": `{"effects":[1,{"_id":"x"},null,"e",["e"]]}`, "!items.effects!i.e": `{}`},
			docs:    []string{`{"effects":[{"_id":"x"},{"_key":"!items.effects!i.e"}],"_key":"!items!i"}`},
			faults:  []string{"not an id", "whole document", "not an id", "not an id"},
		},
		"not a list": {
			entries: map[string]string{"!items!i": `{"effects":"e"}`, "!items.effects!i.e": `{}`},
			docs:    []string{`{"effects":[],"_key":"!items!i"}`},
			orphans: map[string]int{"items.effects": 1},
			faults:  []string{`"effects" is not a list`},
		},
		"an id out of the grammar": {
			entries: map[string]string{"!actors!a": `{"items":["b.c"],"effects":[]}`, "!actors.items!a.b": `{}`, "!actors.items.effects!a.b.c": `{}`},
			docs:    []string{`{"items":[],"effects":[],"_key":"!actors!a"}`},
			missing: []string{"!actors.items!a.b.c"},
			orphans: map[string]int{"actors.items": 1, "actors.items.effects": 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			docs, report := readAll(t, written(t, tt.entries))
			var texts, missing []string
			for _, d := range docs {
				texts = append(texts, string(d.JSON))
				missing = append(missing, d.Missing...)
			}
			if !slices.Equal(texts, tt.docs) {
				t.Errorf("got  %s\nwant %s", texts, tt.docs)
			}
			if !slices.Equal(missing, tt.missing) || report.Missing != len(tt.missing) {
				t.Errorf("missing %v (%d), want %v", missing, report.Missing, tt.missing)
			}
			if !maps.Equal(report.Orphans, tt.orphans) {
				t.Errorf("orphans %v, want %v", report.Orphans, tt.orphans)
			}
			if len(report.Faults) != len(tt.faults) || report.FaultCount != len(tt.faults) {
				t.Fatalf("faults %v, want %v", report.Faults, tt.faults)
			}
			for i, says := range tt.faults {
				if !strings.Contains(report.Faults[i].String(), says) {
					t.Errorf("fault %v, want %s", report.Faults[i], says)
				}
			}
		})
	}
}

// TestOddIDs: ids that other programs made up, which order differently alone and with a dot behind them.
func TestOddIDs(t *testing.T) {
	entries := map[string]string{}
	want := map[string]string{}
	for _, id := range []string{"a", "a-", "a-b", "a b", "aa", "a+", "A", "é", "a\"", "ab", "a-b-c"} {
		entries["!items!"+id] = `{"effects":["x","y"]}`
		entries["!items.effects!"+id+".x"] = `{}`
		entries["!items.effects!"+id+".y"] = `{}`
		want[id] = ""
	}
	entries["!items.effects!a-.z"] = `{}`
	docs, report := readAll(t, written(t, entries))
	for _, d := range docs {
		if d.Embedded["items.effects"] != 2 || len(d.Missing) > 0 {
			t.Errorf("%s embeds %v, lacks %v", d.Key, d.Embedded, d.Missing)
		}
		delete(want, d.ID)
	}
	if len(want) > 0 || report.Orphans["items.effects"] != 1 || report.FaultCount > 0 {
		t.Errorf("without %v; report %+v", want, report)
	}
}

func TestOrderAndCounts(t *testing.T) {
	entries := map[string]string{"!x.y!1.2": `{}`, "nonsense": `{}`}
	for _, key := range []string{"!items!b", "!items!a", "!folders!f", "!actors!z", "!items-x!c"} {
		entries[key] = `{}`
	}
	dir := written(t, entries)
	docs, report := readAll(t, dir)
	var keys []string
	for _, d := range docs {
		keys = append(keys, d.Key)
	}
	if want := []string{"!actors!z", "!folders!f", "!items!a", "!items!b", "!items-x!c"}; !slices.Equal(keys, want) {
		t.Errorf("order %v, want %v", keys, want)
	}
	counts, err := open(t, dir).Counts()
	if want := map[string]int{"actors": 1, "folders": 1, "items": 2, "items-x": 1}; err != nil || !maps.Equal(counts, want) {
		t.Errorf("Counts = %v, %v; want %v", counts, err, want)
	}
	if report.Documents != 5 || report.Embedded != 0 || report.FaultCount != 1 {
		t.Errorf("report %+v", report)
	}
}

// TestDead: deleted and replaced entries are counted once each, by whichever cursor meets them.
func TestDead(t *testing.T) {
	dir := written(t, map[string]string{
		"!actors!a": `{"items":["i"]}`, "!actors.items!a.a": `{}`, "!actors.items!a.i": `{}`, "!actors.items!a.j": `{}`,
		"!actors.effects!a.e": `{}`, "!items!i": `{}`, "!scenes.walls!s.w": `{}`,
	})
	for range 2 { // the first time puts the entries above into a table
		db, err := leveldb.OpenFile(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"!actors.items!a.a", "!actors.items!a.j", "!actors.effects!a.e", "!items!i", "!zzz!z"} {
			if err := db.Delete([]byte(key), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	p := open(t, dir)
	c := 0
	for _, err := range p.Documents() {
		if err != nil {
			t.Fatal(err)
		}
		c++
	}
	hidden := hiddenEntries(t, dir)
	if r := p.Report(); c != 1 || r.Dead != hidden || hidden < 7 || r.Orphans["scenes.walls"] != 1 {
		t.Errorf("%d documents, %d dead entries, want 1 and %d: %+v", c, r.Dead, hidden, r)
	}
}

// hiddenEntries counts the dead by one walk over everything.
func hiddenEntries(t *testing.T, dir string) int {
	t.Helper()
	t.Helper()
	db, err := foundry.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := db.Cursor(nil)
	for c.Next() {
	}
	return c.Hidden() + db.Report().Dead
}

func TestManyFaults(t *testing.T) {
	entries := map[string]string{}
	for i := range 1500 {
		entries[fmt.Sprintf("!items!%04d", i)] = `null`
	}
	docs, report := readAll(t, written(t, entries))
	if len(docs) != 0 || report.FaultCount != 1500 || len(report.Faults) != 1000 {
		t.Errorf("%d documents, %d faults, %d listed", len(docs), report.FaultCount, len(report.Faults))
	}
}

func TestStopAndWalkAgain(t *testing.T) {
	dir := written(t, map[string]string{"!items!a": `{}`, "!items!b": `{}`, "!items!c": `{}`})
	p := open(t, dir)
	for d, err := range p.Documents() {
		if err != nil {
			t.Fatal(err)
		}
		if d.ID == "b" {
			break
		}
	}
	if r := p.Report(); r.Documents != 2 {
		t.Errorf("%d documents before the break, want 2", r.Documents)
	}
	var kept []pack.Document
	for d := range p.Documents() {
		kept = append(kept, d)
	}
	if len(kept) != 3 || string(kept[0].JSON) != `{"effects":[],"_key":"!items!a"}` {
		t.Errorf("the second walk: %v", kept)
	}
	if r := p.Report(); r.Documents != 3 {
		t.Errorf("%d documents in the second walk, want 3", r.Documents)
	}
}

// TestCollection: one collection gives what the walk over all of them gives of it.
func TestCollection(t *testing.T) {
	dir := written(t, map[string]string{
		"!items!a": `{"effects":["e"]}`, "!items!b": `{}`, "!items.effects!a.e": `{}`,
		"!actors!a": `{}`, "!items-x!c": `{}`, "!tables!t": `null`,
	})
	p := open(t, dir)
	var all []pack.Document
	for _, name := range []string{"actors", "items", "items-x", "item", "tables", "zzz"} {
		for d, err := range p.Collection(name) {
			if err != nil || d.Collection != name {
				t.Fatalf("%s: %s, %v", name, d.Key, err)
			}
			all = append(all, d)
		}
	}
	if r := p.Report(); r.Documents+r.FaultCount > 0 {
		t.Errorf("the report counts: %+v", r)
	}
	want, _ := readAll(t, dir)
	if !reflect.DeepEqual(all, want) || len(all) != 4 {
		t.Errorf("got  %v\nwant %v", all, want)
	}
	for d, err := range p.Collection("items") {
		if err != nil || d.ID != "a" {
			t.Fatalf("%s, %v", d.Key, err)
		}
		break
	}
}

func TestOpenErrors(t *testing.T) {
	if _, err := pack.Open(t.TempDir()); !errors.Is(err, foundry.ErrNoDatabase) {
		t.Errorf("an empty folder: %v", err)
	}
	if _, err := pack.Open(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

// TestClosed needs a table larger than what a cursor reads ahead.
func TestClosed(t *testing.T) {
	p, err := pack.Open(testdata.Dir(t, "foundry", "Data", "systems", "dnd5e", "packs", "monsters"))
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := p.Counts(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Counts = %v, %v", c, err)
	}
	for d, err := range p.Documents() {
		if !errors.Is(err, os.ErrClosed) {
			t.Errorf("Documents: %s, %v", d.Key, err)
		}
	}
}

// TestNothingIsWritten reads a copy without a LOCK file, which LevelDB would make.
func TestNothingIsWritten(t *testing.T) {
	for _, name := range []string{"systems/dnd5e/packs/heroes", "modules/orbs-bad-maps/packs/orbs-bad-maps"} {
		dir := filepath.Join(t.TempDir(), "pack")
		if err := os.CopyFS(dir, os.DirFS(testdata.Dir(t, "foundry", "Data", filepath.FromSlash(name)))); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, "LOCK")); err != nil {
			t.Fatal(err)
		}
		before := fingerprint(t, dir)
		if docs, _ := readAll(t, dir); len(docs) == 0 {
			t.Errorf("%s: no documents", name)
		}
		if after := fingerprint(t, dir); !maps.Equal(before, after) {
			t.Errorf("%s: the folder changed:\nbefore %v\nafter  %v", name, before, after)
		}
	}
}

// TestDamagedBlock: a pack with a flipped bit gives all documents but those of the block, and says where it is.
func TestDamagedBlock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pack")
	if err := os.CopyFS(dir, os.DirFS(testdata.Dir(t, "foundry", "Data", "systems", "dnd5e", "packs", "spells"))); err != nil {
		t.Fatal(err)
	}
	whole, _ := readAll(t, dir)
	path := filepath.Join(dir, "000005.ldb")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0x10
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	docs, report := readAll(t, dir)
	lost := len(whole) - len(docs) + report.Missing
	if lost < 1 || lost > 8 {
		t.Errorf("%d of %d documents are left, %d missing", len(docs), len(whole), report.Missing)
	}
	if d := report.Database.Damage; len(d) != 1 || d[0].File != "000005.ldb" || d[0].Offset > int64(len(data)/2) || d[0].Offset < int64(len(data)/2)-64<<10 {
		t.Errorf("damage %v, flipped byte %d", d, len(data)/2)
	}
	texts := map[string]string{}
	for _, d := range whole {
		texts[d.Key] = string(d.JSON)
	}
	for _, d := range docs {
		if len(d.Missing) == 0 && texts[d.Key] != string(d.JSON) {
			t.Errorf("%s changed", d.Key)
		}
	}
}
