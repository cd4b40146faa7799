//go:build integration

package main

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sampleCopy is a copy of the sample that a test may damage.
func sampleCopy(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "Data")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", "FoundryData"))); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestBadInput gives a run what is wrong in many ways: each is said with what, where and what to do, has the right exit
// code, and takes nothing of the rest with it.
func TestBadInput(t *testing.T) {
	t.Parallel()
	const whole = 41 // documents of the sample
	for _, c := range []struct {
		name     string
		spoil    func(t *testing.T, p *project, data string)
		args     []string
		code     int
		says     []string
		entities int // -1: there is no output
	}{
		{
			name:  "missing folder",
			spoil: func(t *testing.T, _ *project, data string) { t.Helper(); check(t, os.RemoveAll(data)) },
			code:  1, says: []string{"is not there [foundry.root_missing]", "correct the path"}, entities: -1,
		},
		{
			name: "empty folder",
			spoil: func(t *testing.T, _ *project, data string) {
				t.Helper()
				check(t, os.RemoveAll(data))
				check(t, os.Mkdir(data, 0o700))
			},
			code: 1, says: []string{"[foundry.nothing_found]", "systems, modules and worlds"}, entities: -1,
		},
		{
			name: "damaged table",
			spoil: func(t *testing.T, _ *project, data string) {
				t.Helper()
				flip(t, filepath.Join(data, "modules", "ninth-lamp", "packs", "tables", "000002.ldb"), 200)
			},
			code: 0, says: []string{"000002.ldb at byte 0", "checksum", "[foundry.pack_damaged]", "backup"}, entities: whole - 3,
		},
		{
			name: "truncated picture",
			spoil: func(t *testing.T, _ *project, data string) {
				t.Helper()
				check(t, os.Truncate(filepath.Join(data, "modules", "ninth-lamp", "maps", "pellwick-isle.jpg"), 30_000))
			},
			code: 0, says: []string{"[image.damaged]", "maps/pellwick-isle.jpg", "ends before its picture does"}, entities: whole,
		},
		{
			name: "broken manifest",
			spoil: func(t *testing.T, _ *project, data string) {
				t.Helper()
				check(t, os.WriteFile(filepath.Join(data, "systems", "tidemark", "system.json"), []byte("{"), 0o600))
			},
			code: 0, says: []string{"[foundry.manifest_damaged]", "systems/tidemark/system.json"}, entities: whole - 2,
		},
		{
			name: "output that cannot be written",
			spoil: func(t *testing.T, p *project, _ string) {
				t.Helper()
				p.change("path: out", "path: /sys/converter-test/out")
			},
			code: 1, says: []string{"the output cannot be written", "/sys/converter-test", "[output."}, entities: -1,
		},
		{
			name: "no database node",
			spoil: func(t *testing.T, p *project, _ string) {
				t.Helper()
				p.change(fmt.Sprintf("rqlited: %q", rqlited(t)), "rqlited: ./nowhere")
			},
			code: 1, says: []string{"nowhere", "rqlited"}, entities: -1,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := sampleCopy(t)
			p := newProject(t, data, smallPictures)
			c.spoil(t, &p, data)
			stdout, stderr := p.must(c.code, c.args...)
			for _, word := range c.says {
				if !strings.Contains(stderr, word) {
					t.Errorf("%q is not said:\n%s%s", word, stderr, stdout)
				}
			}
			if c.entities < 0 {
				if _, err := os.Stat(p.path("out")); err == nil {
					t.Error("there is an output")
				}
				return
			}
			if got := len(entities(t, p.path("out", "entities.jsonl"))); got != c.entities {
				t.Errorf("%d entities, want %d\n%s", got, c.entities, stderr)
			}
			if !strings.HasPrefix(stdout, "partial") && c.name != "broken manifest" {
				t.Errorf("a part is missing, and the last line says: %s", stdout)
			}
		})
	}
}

// TestCrookedPlugin reads from a plugin that sends what no record can be, and one that sends a message nobody takes: what
// is wrong is counted and said, and the run goes on with all the rest.
func TestCrookedPlugin(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	check(t, err)
	for _, c := range []struct {
		name, options string
		says          []string
	}{
		{"records", "{}", []string{
			"2 × the document is not valid JSON [record.not_json]", "1 × the record has 9437", "[TOO_LARGE]: large",
			"leave binaries out of records",
		}},
		{"message", "{message: true}", []string{"sent a message larger than 16 MiB [plugin_message_too_large]", "batches at 1 MiB"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProject(t, sampleCopy(t), "assets: {enabled: false}")
			p.change("outputs:", fmt.Sprintf("  - {name: bent, plugin: crooked, stall_after: 1m, options: %s}\noutputs:", c.options))
			check(t, os.Mkdir(p.path("plugins"), 0o700))
			check(t, os.Symlink(self, p.path("plugins", "converter-plugin-crooked")))
			stdout, stderr := p.must(0)
			if !strings.HasPrefix(stdout, "partial") {
				t.Errorf("it ended as %s", stdout)
			}
			for _, words := range c.says {
				if !strings.Contains(stderr, words) {
					t.Errorf("%q is not said:\n%s", words, stderr)
				}
			}
			var names []string
			for _, e := range entities(t, p.path("out", "entities.jsonl")) {
				if e.Source.Name == "bent" {
					names = append(names, e.Name)
				}
			}
			slices.Sort(names)
			if want := []string{"First", "Last"}; !slices.Equal(names, want) {
				t.Errorf("of the plugin came %q, not %q", names, want)
			}
		})
	}
}

// TestPortTaken asks for a port that somebody has: the run does not begin, and the message says what to do.
func TestPortTaken(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	ln, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	p := newProject(t, sampleCopy(t), "")
	c := p.command("--dashboard", ln.Addr().String())
	c.Args = slices.DeleteFunc(c.Args, func(arg string) bool { return arg == "--no-dashboard" })
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err == nil || c.ProcessState.ExitCode() != exitUsage {
		t.Errorf("exit code %d", c.ProcessState.ExitCode())
	}
	if !strings.Contains(stderr.String(), ln.Addr().String()+" is taken") || !strings.Contains(stderr.String(), "free port") {
		t.Errorf("it says: %s", stderr.String())
	}
	if _, err := os.Stat(p.path(".converter")); err == nil {
		t.Error("something was started")
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, path string, at int) {
	t.Helper()
	data, err := os.ReadFile(path)
	check(t, err)
	data[at] ^= 0x40
	check(t, os.WriteFile(path, data, 0o600))
}

// change replaces a text of the config.
func (p *project) change(from, to string) {
	p.t.Helper()
	text, err := os.ReadFile(p.path("converter.yaml"))
	if err != nil {
		p.t.Fatal(err)
	}
	if !strings.Contains(string(text), from) {
		p.t.Fatalf("the config has no %q", from)
	}
	p.configure(strings.ReplaceAll(string(text), from, to))
}
