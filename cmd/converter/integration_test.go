//go:build integration

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/internal/jcs"
	"github.com/seed-98789ff7/converter/internal/testdata"
)

// rqlited is the database node that the tests run with.
func rqlited(t *testing.T) string {
	t.Helper()
	path := os.Getenv("CONVERTER_RQLITED")
	if path == "" {
		path = filepath.Join("..", "..", "bin", "rqlited")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no rqlited: %v; build it with ./task build, or name it in CONVERTER_RQLITED", err)
	}
	return path
}

// project is a folder with a config in it.
type project struct {
	t   *testing.T
	dir string
}

// smallPictures are enough for tests to which it does not matter how large pictures are: they take half as long.
const smallPictures = "assets: {resolutions: {thumbnail: 16, preview: 24, display: 32}}"

// newProject is a project with a Foundry folder and, beside what all have, something more in its config.
func newProject(t *testing.T, root, extra string) project {
	t.Helper()
	p := project{t: t, dir: t.TempDir()}
	p.configure(fmt.Sprintf(`version: 1
sources:
  - name: game
    plugin: foundry
    options: {roots: [%q]}
outputs:
  - {name: library, type: json, path: out}
store: {rqlited: %q}
%s
`, root, rqlited(t), extra))
	return p
}

func (p project) configure(text string) {
	p.t.Helper()
	if err := os.WriteFile(p.path("converter.yaml"), []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p project) path(elem ...string) string {
	return filepath.Join(append([]string{p.dir}, elem...)...)
}

// command is the program on this project.
func (p project) command(args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	bin := filepath.Join(p.t.TempDir(), "converter") // the test binary is the program under this name
	if err := os.Symlink(self, bin); err != nil {
		p.t.Fatal(err)
	}
	c := exec.CommandContext(p.t.Context(), bin, append([]string{"run", "--no-dashboard", "--config", p.path("converter.yaml")}, args...)...)
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) }
	return c
}

// run runs the program and returns exit code, standard output and standard error.
func (p project) run(args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	c := p.command(args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// must runs the program and fails unless it exits with the code.
func (p project) must(code int, args ...string) (stdout, stderr string) {
	p.t.Helper()
	got, stdout, stderr := p.run(args...)
	if got != code {
		p.t.Fatalf("exit code %d, want %d\n%s%s", got, code, stdout, stderr)
	}
	return stdout, stderr
}

// state is every file below a folder with its bytes' hash and its time.
func state(t *testing.T, dir string, times bool) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum := ""
		if !d.IsDir() {
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			digest := sha256.Sum256(data)
			sum = hex.EncodeToString(digest[:])
		}
		if times {
			sum += " " + info.ModTime().String() + " " + info.Mode().String()
		}
		rel, err := filepath.Rel(dir, path)
		files[rel] = sum
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func equal(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	for path, sum := range want {
		if got[path] != sum {
			t.Errorf("%s: %s is %q, was %q", what, path, got[path], sum)
		}
	}
	for path := range got {
		if _, ok := want[path]; !ok {
			t.Errorf("%s: %s was not there", what, path)
		}
	}
}

// family is a process and all that came of it, by process id, with their command lines.
func family(t *testing.T, root int) map[int]string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		t.Skipf("SKIPPED: no /proc on this system: %v", err)
	}
	children := map[int][]int{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended meanwhile
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		pid, pidErr := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, parentErr := strconv.Atoi(fields[1])
		if pidErr == nil && parentErr == nil && fields[0] != "Z" {
			children[parent] = append(children[parent], pid)
		}
	}
	found := map[int]string{}
	for queue := []int{root}; len(queue) > 0; queue = queue[1:] {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", queue[0]))
		if err == nil {
			found[queue[0]] = strings.ReplaceAll(string(line), "\x00", " ")
			queue = append(queue, children[queue[0]]...)
		}
	}
	return found
}

// gone fails when one of the processes still runs.
func gone(t *testing.T, pids map[int]string) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for pid, line := range pids {
		for {
			now, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
			if err != nil || strings.ReplaceAll(string(now), "\x00", " ") != line {
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("still running: %d %s", pid, line)
				break
			}
			time.Sleep(10 * time.Millisecond) // a killed process leaves the table when the system gets to it
		}
	}
}

// entities reads entities.jsonl.
func entities(t *testing.T, path string) []core.Entity {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	var all []core.Entity
	for lines.Scan() {
		var e core.Entity
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSample runs the main job on the repository's own sample: everything is there, the missing picture is said, and a
// second run, and one with other workers, give the same bytes.
func TestSample(t *testing.T) {
	t.Parallel()
	sample, err := filepath.Abs(filepath.Join("..", "..", "examples", "FoundryData"))
	if err != nil {
		t.Fatal(err)
	}
	before := state(t, sample, true)
	p := newProject(t, sample, "")
	stdout, stderr := p.must(0)
	if !strings.HasPrefix(stdout, "partial") || !strings.Contains(stderr, "asset.missing") {
		t.Errorf("the missing picture is not said:\n%s%s", stdout, stderr)
	}
	first := state(t, p.path("out"), false)
	equal(t, "originals", state(t, sample, true), before)

	stdout, _ = p.must(0)
	if !strings.Contains(stdout, "100% cached") {
		t.Errorf("the second run made pictures again: %s", stdout)
	}
	equal(t, "second run", state(t, p.path("out"), false), first)

	other := newProject(t, sample, "run: {workers: 1}")
	other.must(3, "--strict")
	equal(t, "one worker", state(t, other.path("out"), false), first)
	var pictures int
	for _, e := range entities(t, p.path("out", "entities.jsonl")) {
		if _, err := os.Stat(p.path("out", "entities", e.Kind, e.Slug+".json")); err != nil {
			t.Errorf("%s: %v", e.UID, err)
		}
		for _, a := range e.Assets {
			if a.AssetID == "" {
				continue
			}
			pictures++
			found, err := filepath.Glob(p.path("out", "assets", a.AssetID[:2], a.AssetID+"_*"))
			if err != nil || len(found) == 0 {
				t.Errorf("%s: no file of asset %s", e.UID, a.AssetID)
			}
		}
	}
	if pictures == 0 {
		t.Error("no entity has a picture")
	}
}

// TestFoundryData compares whole runs with what the official command line tool makes of the same packs.
func TestFoundryData(t *testing.T) {
	t.Parallel()
	root := testdata.Dir(t, "foundry", "Data")
	expected := testdata.Dir(t, "foundry", "expected", "Data")
	before := state(t, root, true)
	p := newProject(t, root, "assets: {enabled: false}")
	p.must(0)
	equal(t, "originals", state(t, root, true), before)

	type document struct {
		Key    string `json:"key"`
		ID     string `json:"id"`
		SHA256 string `json:"sha256"`
	}
	want := map[string]string{} // by pack and key
	err := filepath.WalkDir(expected, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".db.jsonl") {
			return err
		}
		rel, err := filepath.Rel(expected, strings.TrimSuffix(path, ".jsonl"))
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if name := filepath.Base(rel); slices.Contains([]string{"settings", "fog", "combats", "drawings"}, name) {
			return nil // collections of a world that are read only when they are named
		}
		for line := range bytes.Lines(data) {
			var doc document
			if err := json.Unmarshal(line, &doc); err != nil {
				return err
			}
			want[filepath.ToSlash(rel)+" "+doc.Key] = doc.SHA256
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(want) < 4700 {
		t.Fatalf("only %d documents are expected: is the content whole?", len(want))
	}
	for _, e := range entities(t, p.path("out", "entities.jsonl")) {
		var doc document
		var key struct {
			Key string `json:"_key"`
		}
		if err := errors.Join(json.Unmarshal(e.Raw, &key), json.Unmarshal(e.Raw, &doc)); err != nil {
			t.Fatal(err)
		}
		at := e.Source.URI + " " + key.Key
		canonical, err := jcs.Transform(e.Raw)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(canonical)
		switch got := hex.EncodeToString(sum[:]); {
		case want[at] == "":
			t.Errorf("%s: not expected", at)
		case got != want[at]:
			t.Errorf("%s: sha256 %s, want %s", at, got, want[at])
		}
		delete(want, at)
	}
	for at := range want {
		t.Errorf("%s: missing", at)
	}
}

// TestKills kills each process of a run in turn while it works. Whatever happens, no process is left, there is no half
// output, the previous output stands, and the next run works.
func TestKills(t *testing.T) {
	t.Parallel()
	p := newProject(t, someContent(t), "assets: {enabled: false}")
	p.must(0)
	want := state(t, p.path("out"), false)
	enough(t, want)
	for _, c := range []struct {
		name   string
		victim func(pids map[int]string, self int) int
		codes  []int
	}{
		{"plugin", byText("plugin serve foundry"), []int{0}},
		{"rqlited", byText("rqlited"), []int{0}},
		{"converter", func(_ map[int]string, self int) int { return self }, []int{-1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, delay := range []time.Duration{0, 300 * time.Millisecond, 900 * time.Millisecond} {
				code, stderr, pids := p.killed(t, c.victim, delay)
				if !slices.Contains(c.codes, code) {
					t.Errorf("after %v: exit code %d\n%s", delay, code, stderr)
				}
				gone(t, pids)
				equal(t, "output after the kill", state(t, p.path("out"), false), want)
				left, err := filepath.Glob(p.path(".out.converter-*"))
				if err != nil || c.name != "converter" && len(left) > 0 {
					t.Errorf("left behind: %v", left)
				}
			}
			p.must(0)
			equal(t, "output of the next run", state(t, p.path("out"), false), want)
			if left, err := filepath.Glob(p.path(".out.converter-*")); err != nil || len(left) > 0 {
				t.Errorf("left behind by the killed runs: %v", left)
			}
		})
	}
}

func byText(text string) func(map[int]string, int) int {
	return func(pids map[int]string, self int) int {
		for pid, line := range pids {
			if pid != self && strings.Contains(line, text) {
				return pid
			}
		}
		return 0
	}
}

// killed starts a run that reads everything, kills one of its processes a while after it has begun to, and waits for the run.
func (p project) killed(t *testing.T, victim func(map[int]string, int) int, delay time.Duration) (code int, stderr string, pids map[int]string) {
	t.Helper()
	c := p.command("--progress", "json", "--fresh")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c.Stderr, c.Stdout = write, write
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close()
	var all strings.Builder
	done := make(chan struct{})
	reading := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(read)
		lines.Buffer(nil, 16<<20)
		began := false
		for lines.Scan() {
			all.WriteString(lines.Text() + "\n")
			if !began && strings.Contains(lines.Text(), `"doing":"reading"`) {
				began = true
				close(reading)
			}
		}
		if !began {
			close(reading)
		}
	}()
	<-reading
	wait, cancel := context.WithTimeout(t.Context(), delay)
	<-wait.Done()
	cancel()
	pids = family(t, c.Process.Pid)
	pid := victim(pids, c.Process.Pid)
	if pid == 0 {
		t.Errorf("nothing to kill %v after reading began: %v", delay, pids)
	} else if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Error(err)
	}
	_ = c.Wait()
	<-done
	return c.ProcessState.ExitCode(), all.String(), pids
}

// TestSignal stops a run with SIGINT: exit code 130, the previous output as it was, nothing left running.
func TestSignal(t *testing.T) {
	t.Parallel()
	root := testdata.Dir(t, "foundry", "Data")
	p := newProject(t, root, "assets: {enabled: false}")
	for signal, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		c := p.command("--progress", "json")
		pipe, err := c.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(pipe)
		lines.Buffer(nil, 16<<20)
		sent := false
		var pids map[int]string
		for lines.Scan() {
			if !sent && strings.Contains(lines.Text(), `"doing":"reading"`) {
				sent = true
				pids = family(t, c.Process.Pid)
				if err := c.Process.Signal(signal); err != nil {
					t.Error(err)
				}
			}
		}
		_ = c.Wait()
		if got := c.ProcessState.ExitCode(); got != code {
			t.Errorf("%v: exit code %d, want %d", signal, got, code)
		}
		if _, err := os.Stat(p.path("out")); err == nil {
			t.Errorf("%v: there is an output", signal)
		}
		gone(t, pids)
	}
}

// TestSecondSignal ends a run at once whose plugin ends by no word: exit code 130, no process and no folder is left, the
// previous output stands, and so does what was remembered.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := newTroupe(t, "", "{players: 3}", "{players: 2}")
	p.must(0)
	before := state(t, p.path("out"), true)
	p.change("{players: 2}", "{players: 2, stay: true}")
	temp, err := os.MkdirTemp("", "c") //nolint:usetesting // its folders carry the name of the test, too long for sockets
	check(t, err)
	t.Cleanup(func() { check(t, os.Remove(temp)) }) // which is an error when something is in it
	c := p.command("--progress", "json")
	c.Env = append(os.Environ(), "TMPDIR="+temp)
	pipe, err := c.StderrPipe()
	check(t, err)
	check(t, c.Start())
	var pids map[int]string
	var said strings.Builder
	playing, stopping := false, false
	lines := bufio.NewScanner(pipe)
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		switch {
		case !playing && strings.Contains(lines.Text(), "the play goes on"):
			playing = true
			if left, err := os.ReadDir(temp); err != nil || len(left) != 2 {
				t.Errorf("the sockets are not in %s: %v, %v", temp, left, err)
			}
			if left, err := os.ReadDir(p.path(".converter", "work")); err != nil || len(left) != 2 {
				t.Errorf("the plugins have the folders %v, %v", left, err)
			}
			pids = family(t, c.Process.Pid)
			check(t, c.Process.Signal(os.Interrupt))
		case !stopping && strings.Contains(lines.Text(), "once more to kill the plugins and end at once"):
			stopping = true
			check(t, c.Process.Signal(os.Interrupt))
		}
	}
	_ = c.Wait()
	if got := c.ProcessState.ExitCode(); got != exitSIGINT || !strings.Contains(said.String(), "ended at once: the plugins are killed") {
		t.Errorf("exit code %d, it says:\n%s", got, said.String())
	}
	if byText("sleep 600")(pids, 0) == 0 || byText("rqlited")(pids, 0) == 0 {
		t.Errorf("what has to end is not there: %v", pids)
	}
	gone(t, pids)
	for _, dir := range []string{temp, p.path(".converter", "work")} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("left in %s: %v, %v", dir, left, err)
		}
	}
	equal(t, "output after the signals", state(t, p.path("out"), true), before)

	p.change(", stay: true", "")
	stdout, _ := p.must(0, "--progress", "json")
	if !strings.Contains(stdout, `"id":"r-0003"`) || !strings.Contains(stdout, `"state":"succeeded"`) {
		t.Errorf("the next run: %s", stdout)
	}
	if left, err := filepath.Glob(p.path(".out.converter-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
