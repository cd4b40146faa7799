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
)

// update runs update-compendium on the project.
func (p project) update(want int, args ...string) (stdout, stderr string) {
	p.t.Helper()
	c := p.command()
	c.Args = append([]string{c.Args[0], "update-compendium", "--config", p.path("converter.yaml")}, args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); c.ProcessState == nil {
		p.t.Fatal(err)
	}
	if got := c.ProcessState.ExitCode(); got != want {
		p.t.Fatalf("exit code %d, want %d\n%s%s", got, want, out.String(), errs.String())
	}
	return out.String(), errs.String()
}

// mills writes a config with mills of seeds.
func (p project) mills(seeds ...int) {
	p.t.Helper()
	var config strings.Builder
	config.WriteString("version: 1\nsources:\n")
	for i, seed := range seeds {
		p.plugin(fmt.Sprintf("mill-%d", i), "mill")
		fmt.Fprintf(&config, "  - {name: mill-%d, plugin: mill, path: mill-%d/converter-plugin-mill, options: {seed: %d}}\n", i, i, seed)
	}
	fmt.Fprintf(&config, "outputs: [{name: library, type: json, path: out}]\nassets: {enabled: false}\nstore: {rqlited: %q}\n", rqlited(p.t))
	p.configure(config.String())
}

// TestUpdateCompendium builds the compendium of two sources with the same content, runs against it, and fails to build it
// anew: the old one stays.
func TestUpdateCompendium(t *testing.T) {
	t.Parallel()
	const good = 2 * (milled - milled/70)
	p := project{t: t, dir: t.TempDir()}
	p.mills(1, 1)
	p.must(0, "--progress", "none")
	before := state(t, p.path("out"), false)
	text, _ := p.update(0, "--json", "--progress", "none")
	var r updateReport
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	// The later source replaces all of the earlier one, and names it.
	if len(r.Sources) != 2 || r.Sources[0].counts != (counts{Read: 2 * milled, Overwritten: good, Failed: 2*milled - good}) ||
		r.Sources[1].counts != (counts{Read: 2 * milled, Indexed: good, Failed: 2*milled - good}) || r.Items != good {
		t.Errorf("%+v", r)
	}
	if len(r.Overwritten) != 1 || r.Overwritten[0] != (overwriteReport{Source: "mill-0", By: "mill-1", Kind: r.Overwritten[0].Kind, Count: good, Identical: good}) {
		t.Errorf("%+v", r.Overwritten)
	}
	if _, stderr := p.must(exitUsage, "--resume", r.Run); !strings.Contains(stderr, "it was to make the compendium") {
		t.Errorf("the build is taken up: %s", stderr)
	}
	// What a run kept for another try is not given up for a compendium, which keeps nothing.
	var list []core.Summary
	if err := json.Unmarshal([]byte(p.takes(0, []string{"runs", "list", "--json"})), &list); err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 || list[0].ID != r.Run || list[0].Kept || !list[0].Compendium || !list[1].Retriable() {
		t.Errorf("%+v", list)
	}
	if got := commands(list[0]); len(got) != 1 || got[0].Line != "converter update-compendium --config "+p.path("converter.yaml") {
		t.Errorf("the dashboard offers %+v", got)
	}
	equals := func() (n int) {
		p.must(0, "--progress", "none")
		file, err := os.ReadFile(p.path("out", "entities.jsonl"))
		check(t, err)
		return strings.Count(string(file), `"compendium_uid":"mill:mill-1:`)
	}
	if n := equals(); n != 2*good {
		t.Errorf("%d entities have an equal, want %d", n, 2*good)
	}
	if n := len(before); n == 0 {
		t.Error("nothing was written before")
	}
	text, _ = p.update(0)
	if !strings.Contains(text, "replaced by mill-1") || !strings.Contains(text, "compendium of ") {
		t.Errorf("%s", text)
	}

	// One source that cannot be read is a warning; when none can, the compendium stays.
	whole, err := os.ReadFile(p.path("converter.yaml"))
	check(t, err)
	p.configure(strings.Replace(string(whole), "sources:\n", "sources:\n  - {name: gone, plugin: gone, path: gone}\n", 1))
	check(t, os.WriteFile(p.path("gone"), []byte("#!/bin/sh\nexit 1\n"), 0o700))
	if _, errs := p.update(0); !strings.Contains(errs, `warning: source "gone" was not read to its end`) {
		t.Errorf("%s", errs)
	}
	p.update(3, "--strict")
	p.configure(fmt.Sprintf("version: 1\nsources: [{name: gone, plugin: gone, path: gone}]\noutputs: [{name: library, type: json, path: out}]\nstore: {rqlited: %q}\n", rqlited(t)))
	for _, progress := range []string{"none", "plain", "json"} {
		if _, errs := p.update(1, "--progress", progress); !strings.Contains(errs, "Critical: No entities indexed") {
			t.Errorf("%s: %s", progress, errs)
		}
	}
	p.configure(string(whole))
	if n := equals(); n != 2*good {
		t.Errorf("%d entities have an equal after a failed build, want %d", n, 2*good)
	}
	gone(t, running(t, p.dir))
}
