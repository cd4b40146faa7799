//go:build integration

package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

// plugin puts the test binary into a project under the name of one of its plugins.
func (p project) plugin(folder, name string) {
	p.t.Helper()
	self, err := os.Executable()
	check(p.t, err)
	path := p.path(folder, "converter-plugin-"+name)
	check(p.t, os.MkdirAll(filepath.Dir(path), 0o700))
	check(p.t, os.Symlink(self, path))
}

// running are the processes whose command line has a text in it.
func running(t *testing.T, text string) (found map[int]string) {
	t.Helper()
	found = map[int]string{}
	for pid, line := range family(t, 1) {
		if strings.Contains(line, text) {
			found[pid] = line
		}
	}
	return found
}

// TestFaultyPlugins runs a faulty plugin beside one that is right, for every fault: the run lives and says what happened,
// the other source is converted to its end, and nothing is left: no process, no socket.
func TestFaultyPlugins(t *testing.T) {
	t.Parallel()
	const all, none = someRecords, 0
	for _, c := range []struct {
		name   string
		make   func(t *testing.T, p project) // instead of the program of that name
		says   []string
		least  int // entities of the faulty source
		most   int
		whole  bool // nothing is the matter with the result
		failed int  // items
	}{
		{name: "prints", says: []string{"[plugin_not_a_plugin]", "Loading model…", "logs to standard error"}},
		{name: "panics", says: []string{"[plugin_panic]", "assignment to entry in nil map", "report it to its author"}, most: all},
		{name: "killed", says: []string{"[plugin_killed]", "signal: killed", "for lack of memory"}, most: all},
		{name: "frozen", says: []string{"[plugin_stalled]", "did not answer; it was killed"}, most: all},
		{name: "hangs", says: []string{"[plugin_stalled]", "Progress"}, most: all},
		{name: "floods", least: all, most: all, whole: true},
		{name: "no-end", least: all, most: all, whole: true},
		{name: "bad-log", least: all, most: all, whole: true},
		{name: "clings", least: all, most: all, whole: true},
		{name: "leaving", says: []string{"[plugin_exited_before_handshake]", "exit status 3", "cannot find libexample.so"}},
		{
			name: "locked", says: []string{"[plugin_not_executable]", "-rw-------", "chmod +x"},
			make: func(t *testing.T, p project) {
				t.Helper()
				check(t, os.WriteFile(p.path("plugins", "converter-plugin-locked"), []byte("#!/bin/sh\n"), 0o600))
			},
		},
		{
			name: "foreign", says: []string{"[plugin_wrong_format]", "not a program for this machine", "must be built for"},
			make: func(t *testing.T, p project) {
				t.Helper()
				check(t, os.WriteFile(p.path("plugins", "converter-plugin-foreign"), otherMachine(t), 0o700))
			},
		},
		{name: "future", says: []string{"[plugin_protocol_version]", "speaks version 9", "update the converter"}},
		{name: "liar", says: []string{"[plugin_wrong_name]", `calls itself "honest"`, "converter-plugin-honest"}},
		{name: "huge", says: []string{"[TOO_LARGE]", "refer to them as assets"}, least: all, most: all, failed: 1},
		{name: "raw-huge", says: []string{"[plugin_message_too_large]", "16 MiB"}, most: none},
		{name: "torn", says: []string{"[record.", "torn"}, least: all, most: all, failed: 1},
		{ // what it sends again, against its own word, is taken once and called a duplicate
			name: "backward", says: []string{"[plugin_killed]", "source restarted", "[record.duplicate_id]"},
			least: 2 * all, most: 2 * all, failed: 100,
		},
		{name: "escapes", says: []string{"[asset.outside]", "name its folder in the options"}, least: 1, most: 1, failed: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := project{t: t, dir: t.TempDir()}
			p.plugin("plugins", "steady")
			if c.make == nil {
				p.plugin("plugins", c.name)
			} else {
				c.make(t, p)
			}
			secret := p.path("secret.png")
			check(t, os.WriteFile(secret, []byte("not for you"), 0o600))
			check(t, os.Mkdir(p.path("pictures"), 0o700))
			check(t, os.Symlink(secret, p.path("pictures", "out.png")))
			check(t, os.Mkdir(p.path("tmp"), 0o700))
			p.configure(fmt.Sprintf(`version: 1
sources:
  - {name: bad, plugin: %s, stall_after: 1s, options: {folder: pictures}}
  - {name: good, plugin: steady}
outputs: [{name: library, type: json, path: out}]
store: {rqlited: %q}
`, c.name, rqlited(t)))

			command := p.command("--progress", "plain")
			command.Dir = p.dir
			command.Env = append(os.Environ(), "TMPDIR="+p.path("tmp"))
			var stdout, stderr bytes.Buffer
			command.Stdout, command.Stderr = &stdout, &stderr
			if err := command.Run(); err != nil {
				t.Fatalf("%v\n%s%s", err, stdout.String(), stderr.String())
			}
			for _, word := range c.says {
				if !strings.Contains(stderr.String(), word) {
					t.Errorf("%q is not said:\n%s", word, stderr.String())
				}
			}
			for _, word := range []string{"Unrecognized remote plugin", "go-plugin", "rpc error", "goroutine "} {
				if strings.Contains(stderr.String(), word) {
					t.Errorf("%q is not for users:\n%s", word, stderr.String())
				}
			}
			state := "partial"
			if c.whole {
				state = "succeeded"
			}
			if !strings.HasPrefix(stdout.String(), state) {
				t.Errorf("the run is not %s: %s", state, stdout.String())
			}
			if want := fmt.Sprintf("%d failed", c.failed); c.failed > 0 && !strings.Contains(stdout.String(), want) {
				t.Errorf("%q is not said: %s", want, stdout.String())
			}
			p.looks(c.least, c.most)
			if left := running(t, p.dir); len(left) > 0 {
				gone(t, left)
			}
			if left, err := os.ReadDir(p.path("tmp")); err != nil || len(left) > 0 {
				t.Errorf("left in the folder for temporary files: %v, %v", left, err)
			}
		})
	}
}

// looks looks at the output: every record of the good source is there, once, and of the bad one as many as there should be.
func (p project) looks(least, most int) {
	p.t.Helper()
	count := map[string]int{}
	seen := map[string]bool{}
	for _, e := range entities(p.t, p.path("out", "entities.jsonl")) {
		count[e.Source.Name]++
		if seen[e.UID] {
			p.t.Errorf("%s is there twice", e.UID)
		}
		seen[e.UID] = true
		if e.Source.Name == "bad" {
			p.known(e)
		}
	}
	if count["good"] != steadyRecords {
		p.t.Errorf("%d entities of the good source, want %d", count["good"], steadyRecords)
	}
	if n := count["bad"]; n < least || n > most {
		p.t.Errorf("%d entities of the faulty source, want %d to %d", n, least, most)
	}
}

func (p project) known(e core.Entity) {
	p.t.Helper()
	for _, a := range e.Assets {
		if a.AssetID != "" {
			p.t.Errorf("%s has the bytes of %s", e.UID, a.URI)
		}
	}
}

// otherMachine is this program as if it were built for a machine that nobody has.
func otherMachine(t *testing.T) []byte {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	program, err := os.ReadFile(self)
	check(t, err)
	const machine = 18 // where the header of an ELF file names it
	binary.LittleEndian.PutUint16(program[machine:], 0x7fff)
	return program
}
