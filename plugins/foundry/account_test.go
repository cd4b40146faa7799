package foundry_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/sdk"
)

// TestAccounts: what the host is told of packs, in numbers.
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
			"format": "leveldb", "uri": "systems/s/packs/a", "documents": 1.0, "embedded": 1.0, "missing": 1.0, "faults": 1.0,
			"orphans": map[string]any{"actors.items": 1.0}, "stale": []any{"000999.ldb"},
		},
		"system/s/b": {
			"format": "nedb", "uri": "systems/s/packs/b.db", "documents": 1.0, "embedded": 1.0, "lines": 5.0, "bytes": 95.0, "dead": 2.0, "damage": 1.0, "torn": 1.0,
		},
		"system/s/c": {"format": "source", "uri": "systems/s/packs/c", "documents": 1.0, "embedded": 0.0, "files": 2.0, "faults": 1.0},
		"system/s/d": {"format": "leveldb", "uri": "systems/s/packs/d", "documents": 1.0, "embedded": 0.0},
	} {
		report, ok := h.accounts[stream]
		if !ok || report.Severity != sdk.SeverityInfo || report.Summary == "" {
			t.Errorf("%s: %+v", stream, report)
			continue
		}
		var got map[string]any
		if err := json.Unmarshal([]byte(report.Detail), &got); err != nil {
			t.Fatal(err)
		}
		if (got["salvaged"] != nil) != (stream == "system/s/d") {
			t.Errorf("%s: salvaged %v", stream, got["salvaged"])
		}
		if want["format"] == "leveldb" {
			if got["tables"] == nil || got["bytes"] == nil {
				t.Errorf("%s: %v", stream, got)
			}
			for _, varies := range []string{"tables", "logs", "bytes", "log_bytes", "dead", "salvaged"} { // as its writer pleased
				delete(got, varies)
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\ngot  %v\nwant %v", stream, got, want)
		}
	}
}

// TestRealAccount: the pack with an uncompacted log says so.
func TestRealAccount(t *testing.T) {
	h := read(t, open(t, options{"roots": []string{testdata.Dir(t, "foundry", "Data", "modules", "orbs-bad-maps")}}))
	var got struct {
		Logs, Dead, Documents, Embedded int
		LogBytes                        int `json:"log_bytes"`
	}
	if err := json.Unmarshal([]byte(h.accounts["module/orbs-bad-maps/orbs-bad-maps"].Detail), &got); err != nil {
		t.Fatal(err)
	}
	if got.Logs != 1 || got.LogBytes < 70_000 || got.Dead == 0 || got.Documents == 0 || got.Embedded == 0 {
		t.Errorf("got %+v", got)
	}
}
