//go:build integration

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

// newTroupe is a project whose sources are troupes, by their names.
func newTroupe(t *testing.T, extra string, options ...string) project {
	t.Helper()
	p := project{t: t, dir: t.TempDir()}
	self, err := os.Executable()
	check(t, err)
	check(t, os.Mkdir(p.path("plugins"), 0o700))
	check(t, os.Symlink(self, p.path("plugins", "converter-plugin-troupe")))
	var sources strings.Builder
	for i, o := range options {
		fmt.Fprintf(&sources, "  - {name: troupe-%d, plugin: troupe, options: %s}\n", i, o)
	}
	p.configure(fmt.Sprintf("version: 1\nsources:\n%soutputs:\n  - {name: library, type: json, path: out}\nstore: {rqlited: %q}\n%s\n",
		sources.String(), rqlited(t), extra))
	return p
}

// TestMaxFailures: one item too many, and the run has failed; the previous output stands, and it is said where to look.
func TestMaxFailures(t *testing.T) {
	t.Parallel()
	p := newTroupe(t, "run: {max_failures: 3}", "{players: 5, absent: 3}")
	if stdout, _ := p.must(0); !strings.HasPrefix(stdout, "partial  5 entities") {
		t.Errorf("it says %s", stdout)
	}
	before := state(t, p.path("out"), true)
	p.change("absent: 3", "absent: 4")
	stdout, stderr := p.must(1)
	for _, want := range []string{
		"✗ 4 × the player is not there [record_unreadable]: absent-0, …",
		"error: 4 items failed, and run.max_failures allows 3, so nothing was written; the problems of run r-0002 say which, and why",
		"→ mend their causes, or allow more; `converter serve --config " + p.path("converter.yaml") + "`",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not said:\n%s", want, stderr)
		}
	}
	if !strings.HasPrefix(stdout, "failed  0 entities") || !strings.Contains(stdout, "nothing written, ") {
		t.Errorf("it says %s", stdout)
	}
	equal(t, "output of the failed run", state(t, p.path("out"), true), before)

	var end core.Summary
	stdout, _ = p.must(1, "--progress", "json")
	if err := json.Unmarshal([]byte(stdout), &end); err != nil || end.State != core.Failed || end.Actor != "limit" ||
		!strings.HasPrefix(end.Reason, "4 items failed, and run.max_failures allows 3") {
		t.Errorf("%v: state %s, by %s: %s", err, end.State, end.Actor, end.Reason)
	}
	p.change("max_failures: 3", "max_failures: none")
	p.must(3, "--strict")
}

// TestWhatIsFetched is in the last line for programs, by source, and not there where nothing is fetched.
func TestWhatIsFetched(t *testing.T) {
	t.Parallel()
	p := newTroupe(t, "", "{players: 2}", "{players: 1, fetch: true}")
	end := func() (end core.Summary) {
		stdout, _ := p.must(0, "--progress", "json")
		if err := json.Unmarshal([]byte(stdout), &end); err != nil {
			t.Fatalf("%v: %s", err, stdout)
		}
		return end
	}
	want := core.Fetched{Source: "troupe-1", Requests: 12, Hits: 3, Misses: 9, Bytes: 3_400_000}
	if got := end(); len(got.Fetched) != 1 || got.Fetched[0] != want {
		t.Errorf("fetched %+v, want %+v", got.Fetched, want)
	}
	p.change(", fetch: true", "")
	if got := end(); got.Fetched != nil {
		t.Errorf("fetched %+v, want nothing", got.Fetched)
	}
	if left, err := filepath.Glob(p.path(".out.converter-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
