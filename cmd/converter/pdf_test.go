//go:build integration

package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/internal/testdata"
)

// TestRulebook converts the rulebook of the repository twice, with the store and the processes of a user.
func TestRulebook(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Abs("../../examples")
	check(t, err)
	p := project{t: t, dir: t.TempDir()}
	p.configure(fmt.Sprintf(`version: 1
sources:
  - name: almanac
    plugin: pdf
    options: {files: [%q], grammars: [%q], edition: "1"}
outputs: [{name: library, type: json, path: out}]
store: {rqlited: %q}
`, filepath.Join(examples, "rulebooks"), filepath.Join(examples, "tidemark-grammar.yaml"), rqlited(t)))
	p.must(0, "--progress", "none")
	kinds := map[string]int{}
	for _, e := range entities(t, p.path("out", "entities.jsonl")) {
		kinds[e.NativeType]++
		if e.License.Expression != "CC0-1.0" || e.License.Redistributable != "yes" {
			t.Errorf("%s: %+v", e.UID, e.License)
		}
		for _, a := range e.Assets {
			if a.AssetID == "" {
				t.Errorf("%s has a picture without bytes: %+v", e.UID, a)
			}
		}
		for _, l := range e.Links {
			if l.Status != core.LinkResolved {
				t.Errorf("%s: %+v", e.UID, l)
			}
		}
	}
	if kinds["pdf/book"] != 1 || kinds["pdf/visitor"] != 3 || kinds["pdf/craft"] != 3 || kinds["pdf/table"] != 2 || kinds["pdf/chunk"] < 12 {
		t.Errorf("%v", kinds)
	}
	before := state(t, p.path("out"), false)
	lines, _ := p.must(0, "--progress", "json")
	if after := state(t, p.path("out"), false); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("the second run wrote something else")
	}
	total := 0
	for _, n := range kinds {
		total += n
	}
	if !strings.Contains(lines, fmt.Sprintf(`{"cache":"unchanged","hits":%d,"misses":0`, total)) {
		t.Errorf("not all of it was taken over: %s", lines[max(0, len(lines)-2000):])
	}
	lines, _ = p.must(0, "--progress", "json", "--fresh")
	if after := state(t, p.path("out"), false); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Error("a fresh run wrote something else")
	}
	if !strings.Contains(lines, `{"cache":"sources","hits":3,"misses":0`) {
		t.Errorf("not all pages were kept: %s", lines[max(0, len(lines)-2000):])
	}
}

// TestBookKilled kills the converter while it reads a large book, and resumes: the bytes are those of a run that nobody disturbed.
func TestBookKilled(t *testing.T) {
	t.Parallel()
	book := filepath.Join(testdata.Dir(t, "pdf"), "dungeon-world-pocket.pdf")
	var want string
	for _, disturbed := range []bool{false, true} {
		p := project{t: t, dir: t.TempDir()}
		p.configure(fmt.Sprintf(`version: 1
sources: [{name: book, plugin: pdf, options: {files: [%q]}}]
outputs: [{name: library, type: json, path: out}]
assets: {enabled: false}
store: {rqlited: %q}
`, book, rqlited(t)))
		resume := []string{"--progress", "none"}
		if disturbed {
			c := p.command("--progress", "none")
			check(t, c.Start())
			kept := func() int {
				list, _ := filepath.Glob(p.path(".converter", "cache", "pdf", "pages", "*", "*", "page-*"))
				return len(list)
			}
			for deadline := time.Now().Add(2 * time.Minute); kept() < 10 && time.Now().Before(deadline); {
				time.Sleep(10 * time.Millisecond)
			}
			check(t, c.Process.Kill())
			_ = c.Wait() // it was killed
			if kept() < 10 {
				t.Fatal("no page was kept in time")
			}
			resume = append(resume, "--resume", "last")
		}
		p.must(0, resume...)
		got := fmt.Sprint(state(t, p.path("out"), false))
		if want == "" {
			want = got
		}
		if got != want {
			t.Error("the resumed run wrote something else")
		}
	}
}

// TestBookAndAPI reads the rules in print and from an API: what both have names the other, with the page; against a compendium of
// the API the same.
func TestBookAndAPI(t *testing.T) {
	t.Parallel()
	server := testdata.StartReplay(t)
	book := filepath.Join(testdata.Dir(t, "pdf"), "srd-5.1-cc.pdf")
	p := project{t: t, dir: t.TempDir()}
	api := fmt.Sprintf("  - {name: api, plugin: open5e, options: {preset: open5e_v2, resources: [spells], documents: [srd-2014], base_url: %q}}\n", server.URL+"/v2/")
	printed := fmt.Sprintf("  - {name: book, plugin: pdf, options: {files: [%q], edition: \"2014\", leave_out: [chunks, tables]}}\n", book)
	configure := func(sources string) {
		p.configure("version: 1\nsources:\n" + sources + "outputs: [{name: library, type: json, path: out}]\nassets: {enabled: false}\n" +
			fmt.Sprintf("store: {rqlited: %q}\n", rqlited(t)))
	}
	configure(api + printed)
	p.must(0, "--progress", "none")
	ofBook, ofAPI := 0, 0
	for _, e := range entities(t, p.path("out", "entities.jsonl")) {
		for _, c := range e.Counterparts {
			switch {
			case e.Kind != "spell":
				t.Errorf("%s has a counterpart", e.UID)
			case e.Source.Name == "book" && c.Source == "api" && e.Source.Page > 0:
				ofBook++
			case e.Source.Name == "api" && c.Source == "book" && c.Page > 0 && c.Book != "":
				ofAPI++
			default:
				t.Errorf("%s: %+v", e.UID, c)
			}
		}
	}
	if ofBook < 310 || ofBook != ofAPI {
		t.Errorf("%d spells of the book have a counterpart, %d of the API", ofBook, ofAPI)
	}

	configure(api)
	p.update(0, "--progress", "none")
	configure(printed)
	p.must(0, "--progress", "none")
	inCompendium := 0
	for _, e := range entities(t, p.path("out", "entities.jsonl")) {
		for _, c := range e.Counterparts {
			if c.In == core.LinkCompendium && c.Source == "api" {
				inCompendium++
			}
		}
	}
	if inCompendium != ofBook {
		t.Errorf("%d spells have a counterpart in the compendium, %d in a run", inCompendium, ofBook)
	}
}
