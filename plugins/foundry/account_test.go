package foundry_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/sdk"
)

// values are facts by name. Those to look into have a mark.
func values(facts []sdk.Fact) map[string]any {
	found := map[string]any{}
	for _, f := range facts {
		name := f.Name
		if f.Notable {
			name += "!"
		}
		if found[name] = f.Text; f.Text == "" {
			found[name] = f.Number
		}
	}
	return found
}

// TestAccounts: what the host is told of packs.
func TestAccounts(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"systems/s/system.json":    `{"id": "s", "packs": [{"name": "a", "type": "Actor"}, {"name": "b", "type": "Item"}, {"name": "c", "type": "Item"}, {"name": "d", "type": "Item"}]}`,
		"systems/s/packs/b.db":     `{"_id":"x"}` + "\nnonsense\n" + `{"_id":"x","effects":[{"_id":"e"}]}` + "\n" + `{"_id":"y","$$deleted":true}` + "\n" + `{"_id":"z`,
		"systems/s/packs/c/x.json": `{"_id":"x","_key":"!items!x"}`, "systems/s/packs/c/y.json": `{`,
	})
	store(t, dir, "systems/s/packs/a", entries{"!actors!a": `{"items":["i","gone"]}`, "!actors.items!a.i": `{}`, "!actors.items!b.i": `{}`, "!actors!x": `-`})
	put(t, dir, map[string]string{"systems/s/packs/a/000999.ldb": "left"})
	store(t, dir, "systems/s/packs/d", entries{"!items!x": `{}`})
	if err := each(filepath.Join(dir, "systems/s/packs/d"), "MANIFEST-*", os.Remove); err != nil {
		t.Fatal(err)
	}
	h := read(t, open(t, options{"roots": []string{dir}}))
	for stream, want := range map[string]map[string]any{
		"system/s/a": {
			"format": "leveldb", "documents": int64(1), "embedded": int64(1), "missing!": int64(1), "unusable!": int64(1), "orphans!": int64(1), "stale": int64(1),
		},
		"system/s/b": {
			"format": "nedb", "documents": int64(1), "embedded": int64(1), "lines": int64(5), "bytes": int64(95), "dead": int64(2), "damage!": int64(1), "torn!": int64(1),
		},
		"system/s/c": {"format": "source", "documents": int64(1), "embedded": int64(0), "files": int64(2), "unusable!": int64(1)},
		"system/s/d": {"format": "leveldb", "documents": int64(1), "embedded": int64(0)},
	} {
		facts := h.facts[stream]
		if err := sdk.ValidateFacts(facts); err != nil {
			t.Error(err)
		}
		got := values(facts)
		if why, _ := got["salvaged!"].(string); strings.Contains(why, "MANIFEST") != (stream == "system/s/d") {
			t.Errorf("%s: salvaged %q", stream, why)
		}
		if want["format"] == "leveldb" {
			if got["tables"] == nil || got["bytes"] == nil {
				t.Errorf("%s: %v", stream, got)
			}
			for _, varies := range []string{"tables", "logs", "bytes", "log_bytes", "dead", "salvaged!"} { // as its writer pleased
				delete(got, varies)
			}
			if n, _ := got["stale"].(int64); n > 1 { // beside what was left here, what its writer did not come to remove
				got["stale"] = int64(1)
			}
			if got["stale"] != nil && want["stale"] == nil {
				delete(got, "stale")
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", stream, got, want)
		}
		if next := h.all[h.factsAt[stream]]; !strings.HasPrefix(next, "checkpoint "+stream+" ") {
			t.Errorf("%s: behind the facts comes %s, not the checkpoint that keeps them", stream, next)
		}
	}
}

// TestRealAccount: the pack with an uncompacted log says so.
func TestRealAccount(t *testing.T) {
	h := read(t, open(t, options{"roots": []string{testdata.Dir(t, "foundry", "Data", "modules", "orbs-bad-maps")}}))
	got := values(h.facts["module/orbs-bad-maps/orbs-bad-maps"])
	n := func(name string) int64 { v, _ := got[name].(int64); return v }
	if n("logs") != 1 || n("log_bytes") < 70_000 || n("dead") == 0 || n("documents") == 0 || n("embedded") == 0 {
		t.Errorf("got %+v", got)
	}
}
