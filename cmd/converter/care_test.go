//go:build integration

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs"
)

// care runs another command on the project and returns exit code and what it said.
func (p project) care(args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	c := p.command()
	c.Args = append([]string{c.Args[0]}, args...)
	c.Args = append(c.Args, "--config", p.path("converter.yaml"))
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		if _, exited := err.(*exec.ExitError); !exited { //nolint:errorlint // Run does not wrap it
			p.t.Fatal(err)
		}
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// takes fails unless a command exits with the code and says all of the words.
func (p project) takes(code int, args []string, words ...string) string {
	p.t.Helper()
	got, stdout, stderr := p.care(args...)
	if got != code {
		p.t.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, stdout, stderr)
	}
	for _, w := range words {
		if !strings.Contains(stdout+stderr, w) {
			p.t.Errorf("%v: no %q in\n%s%s", args, w, stdout, stderr)
		}
	}
	return stdout
}

// TestCare looks after the store of a run in all ways, while the run still has the store and when it is over.
func TestCare(t *testing.T) {
	t.Parallel()
	sample, err := filepath.Abs(filepath.Join("..", "..", "examples", "FoundryData"))
	if err != nil {
		t.Fatal(err)
	}
	p := newProject(t, sample, "")
	p.takes(0, []string{"doctor"}, "✓ store", "there is no store yet", "all is well")

	c := p.command("--keep-open", "--dashboard", "127.0.0.1:0")
	c.Args = append(c.Args[:2], c.Args[3:]...) // without --no-dashboard
	pipe, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(pipe)
	for said.Scan() && !strings.Contains(said.Text(), "stays open at ") {
	}
	// The run still has the store.
	p.takes(0, []string{"backup", "--output", p.path("hot.zip")}, "hot.zip", "full backup", "a run was at work")
	p.takes(0, []string{"runs", "list"}, "r-0001", "partial")
	p.takes(0, []string{"runs", "show", "r-0001"}, "missing-on-purpose", "entities", "still in the store")
	p.takes(0, []string{"cache", "stats"}, "rows: pictures", "thumbnail")
	p.takes(0, []string{"cache", "verify"}, "all is well")
	p.takes(0, []string{"doctor"}, "another process has it", "all is well")
	p.takes(1, []string{"runs", "prune", "--keep", "1"}, "is in use by process")
	p.takes(1, []string{"restore", p.path("hot.zip"), "--yes"}, "is in use by process")
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for said.Scan() {
	}
	if err := c.Wait(); err != nil {
		t.Error(err)
	}

	var list []core.Summary
	if err := json.Unmarshal([]byte(p.takes(0, []string{"runs", "list", "--json"})), &list); err != nil || len(list) != 1 || list[0].State != core.Partial {
		t.Errorf("%+v, %v", list, err)
	}
	p.must(0)
	p.takes(2, []string{"runs", "show", "r-0099"}, "r-0099", "runs list")
	p.takes(0, []string{"runs", "prune", "--keep", "1", "--dry-run"}, "1 run would be forgotten")
	p.takes(0, []string{"runs", "prune", "--keep", "1"}, "r-0001", "1 run forgotten")
	p.takes(2, []string{"restore", p.path("hot.zip")}, "--yes")
	p.takes(0, []string{"restore", p.path("hot.zip"), "--yes"}, "restored", "what was there before is in", "backups")
	p.takes(0, []string{"runs", "show", list[0].ResultID, "--json"}, `"id": "r-0001"`, `"rows_kept": true`)
	if stdout, _ := p.must(0); !regexp.MustCompile(`\b(9\d|100)% cached`).MatchString(stdout) {
		t.Errorf("the restored pictures are not used: %s", stdout)
	}
	p.damage()
}

// damage harms the cache and has it repaired.
func (p project) damage() {
	p.t.Helper()
	blobs, err := filepath.Glob(p.path(".converter", "blobs", "??", "*"))
	if err != nil || len(blobs) < 2 {
		p.t.Fatalf("%v, %v", blobs, err)
	}
	if err := os.WriteFile(blobs[0], []byte("damaged"), 0o600); err != nil {
		p.t.Fatal(err)
	}
	var check runs.CacheCheck
	if err := json.Unmarshal([]byte(p.takes(1, []string{"cache", "verify", "--json"})), &check); err != nil || len(check.Faults) < 2 {
		p.t.Errorf("%+v, %v", check, err)
	}
	p.takes(0, []string{"cache", "verify", "--repair"}, "faults removed")
	p.takes(0, []string{"cache", "verify"}, "all is well")
	p.takes(0, []string{"cache", "prune"}, "removed", "0 rows removed: expired") // the other sizes of that picture
	p.must(0)
	p.takes(0, []string{"cache", "verify"}, "all is well")
	p.takes(0, []string{"doctor"}, "all is well")
}
