//go:build integration

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/internal/testdata"
)

// apis writes a config with the three APIs of a replay.
func (p project) apis(server, cache, store string) {
	p.t.Helper()
	var config strings.Builder
	config.WriteString("version: 1\nsources:\n")
	for _, one := range [][2]string{{"open5e_v2", "/v2/"}, {"open5e_v1", "/v1/"}, {"dnd5e_api", "/api/2014/"}} {
		fmt.Fprintf(&config, "  - {name: %s, plugin: open5e, options: {preset: %s, base_url: %q, cache: %s}}\n", one[0], one[0], server+one[1], cache)
	}
	fmt.Fprintf(&config, "outputs: [{name: library, type: json, path: out}]\nassets: {enabled: false}\nstore: {%s}\n", store)
	p.configure(config.String())
}

// built runs update-compendium and returns its report.
func (p project) built(code int) (r updateReport, stderr string) {
	p.t.Helper()
	text, stderr := p.update(code, "--json", "--progress", "none")
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		p.t.Fatalf("%v\n%s", err, stderr)
	}
	return r, stderr
}

// TestCompendiumOfAPIs builds the compendium of recorded answers: whole, again without a network, with a list that fails, with
// all of them failing, and with no store.
func TestCompendiumOfAPIs(t *testing.T) {
	t.Parallel()
	server := testdata.StartReplay(t)
	store := fmt.Sprintf("rqlited: %q", rqlited(t))
	p := project{t: t, dir: t.TempDir()}
	p.apis(server.URL, "no-cache", store)
	r, _ := p.built(0)
	if seen := server.Traffic(); r.Items != 5503 || r.State != core.Succeeded || seen.Requests > 80 {
		t.Errorf("%d items, %s, %d requests", r.Items, r.State, seen.Requests)
	}
	server.Reset()
	p.apis(server.URL, "only-if-cached", store)
	if r, _ = p.built(0); r.Items != 5503 || server.Traffic().Requests != 0 {
		t.Errorf("offline: %d items, %d requests", r.Items, server.Traffic().Requests)
	}
	// Two runs: the second finds every record as it was, and every entity in the compendium, and writes the same bytes.
	p.must(0, "--progress", "none")
	before := state(t, p.path("out"), false)
	lines, _ := p.must(0, "--progress", "json")
	if !strings.Contains(lines, `{"cache":"records","hits":5503,"misses":0,"evictions":0}`) {
		t.Errorf("not all records are unchanged: %s", lines[max(0, len(lines)-2000):])
	}
	if after := state(t, p.path("out"), false); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("the second run wrote something else")
	}
	entities, err := os.ReadFile(p.path("out", "entities.jsonl"))
	check(t, err)
	if n := bytes.Count(entities, []byte(`"compendium_uid":`)); n != 5503 {
		t.Errorf("%d entities have an equal in the compendium", n)
	}

	p.apis(server.URL, "bypass", store)
	server.Set("fail-url", "^/v1/races", "fail-status", "500")
	check(t, os.RemoveAll(p.path(".converter", "cache"))) // or the answers of before would stand in
	r, _ = p.built(0)
	if len(r.Kept) != 1 || r.Kept[0].Source != "open5e_v1" || r.Kept[0].Stream != "races" || r.Kept[0].Count != 20 || r.Items != 5503 || r.State != core.Partial {
		t.Errorf("races fail: %d items, %s, kept %+v", r.Items, r.State, r.Kept)
	}
	if v1 := r.Sources[1]; v1.Kept != 20 || v1.Read+v1.Kept != v1.Indexed+v1.Overwritten+v1.Failed {
		t.Errorf("%+v", v1)
	}
	check(t, os.RemoveAll(p.path(".converter", "cache")))
	table, said := p.update(0, "--progress", "plain")
	if !strings.Contains(said, "kept 20 races of open5e_v1 from the build of ") || !strings.Contains(said, "the server answers 500") {
		t.Errorf("races fail twice: %s\n%s", table, said)
	}

	check(t, os.RemoveAll(p.path(".converter", "cache")))
	if text, _ := p.update(0, "--json", "--progress", "none", "--drop-failed"); json.Unmarshal([]byte(text), &r) != nil || r.Items != 5483 || len(r.Kept) != 0 {
		t.Errorf("without races: %d items, kept %+v", r.Items, r.Kept)
	}
	server.Set("fail-url", ".")
	check(t, os.RemoveAll(p.path(".converter", "cache")))
	if _, stderr := p.built(1); !strings.Contains(stderr, "Critical: No entities indexed") {
		t.Errorf("all failing: %s", stderr)
	}

	server.Reset()
	p.apis(server.URL, "bypass", "urls: [\"http://127.0.0.1:1\"]")
	p.update(1, "--progress", "none")
	if n := server.Traffic().Requests; n != 0 {
		t.Errorf("%d requests without a store", n)
	}
	gone(t, running(t, p.dir))
}
