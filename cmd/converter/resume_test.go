//go:build integration

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/internal/testdata"
)

// lastLine reads the last line for programs.
func lastLine(t *testing.T, stdout string) (end end) {
	t.Helper()
	if err := json.Unmarshal([]byte(stdout), &end); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return end
}

// numbers are those of a run that say what became of its items, without times and speeds.
func numbers(s core.Summary) string {
	for i := range s.Problems { // the detail is that of whichever failure came first
		s.Problems[i].FirstMS, s.Problems[i].LastMS, s.Problems[i].Detail = 0, 0, ""
	}
	problems := slices.DeleteFunc(s.Problems, func(p core.Problem) bool { return p.Transient })
	text, err := json.MarshalIndent([]any{s.Stages, s.Streams, s.Kinds, problems}, "", " ")
	if err != nil {
		panic(err)
	}
	return string(text)
}

// deadly is a project of real content and of plugins with a bit of everything, and what becomes of it when nobody disturbs.
type deadly struct {
	project

	mills   int
	want    map[string]string
	numbers string
	took    time.Duration
}

func newDeadly(t *testing.T, extra string) *deadly {
	t.Helper()
	root := someContent(t)
	d := &deadly{project: project{t: t, dir: t.TempDir()}, mills: 3}
	config := fmt.Sprintf("version: 1\nsources:\n  - {name: game, plugin: foundry, options: {roots: [%q]}}\n", root)
	for i := range d.mills {
		d.plugin(fmt.Sprintf("mill-%d", i), "mill")
		config += fmt.Sprintf("  - {name: mill-%d, plugin: mill, path: mill-%d/converter-plugin-mill, options: {seed: %d}}\n", i, i, i)
	}
	config += fmt.Sprintf("outputs: [{name: library, type: json, path: out}]\nassets: {resolutions: {thumbnail: 16}}\nstore: {rqlited: %q}\n%s", rqlited(t), extra)
	d.configure(config)
	begun := time.Now()
	stdout, _ := d.must(0, "--progress", "json", "--log-level", "error")
	d.took = time.Since(begun)
	d.want, d.numbers = state(t, d.path("out"), false), numbers(lastLine(t, stdout).Summary)
	enough(t, d.want)
	return d
}

// someContent is a copy of real content but for what takes long and is nothing new: its pictures, for the mills have some of their
// own, and of its packs those of the newer rules and the largest. What is left is enough to be killed in the midst of.
func someContent(t *testing.T) (root string) {
	t.Helper()
	from, root := testdata.Dir(t, "foundry", "Data"), t.TempDir()
	check(t, filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if filepath.Base(filepath.Dir(path)) == "packs" && (strings.HasSuffix(path, "24") || d.Name() == "items" || d.Name() == "_source") {
				return filepath.SkipDir
			}
			return os.MkdirAll(filepath.Join(root, rel), 0o700)
		}
		switch filepath.Ext(path) {
		case ".webp", ".png", ".jpg", ".svg":
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(root, rel), data, 0o600)
	}))
	return root
}

// enough fails where an output has not what someContent has in it.
func enough(t *testing.T, output map[string]string) {
	t.Helper()
	if len(output) < 1400 {
		t.Fatalf("an output of %d files: is the content whole?", len(output))
	}
}

// fresh forgets everything but the config.
func (d *deadly) fresh() {
	d.t.Helper()
	check(d.t, os.RemoveAll(d.path("out")))
	check(d.t, os.RemoveAll(d.path(".converter")))
}

// ended says whether there is an output, which a run writes at its end.
func (d *deadly) ended() bool {
	_, err := os.Stat(d.path("out"))
	return err == nil
}

// victims are what is killed.
var victims = []string{"converter", "rqlited", "both"}

// kill starts the program and kills it, its database node or both after a while. Its exit code is -1 when it was killed, and
// may be 0 all the same: a node is started again. It was hit unless it ended before.
func (d *deadly) kill(victim string, after time.Duration, args ...string) (hit bool, code int, stdout, stderr string) {
	d.t.Helper()
	c := d.command(append(args, "--progress", "json", "--log-level", "error")...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	check(d.t, c.Start())
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	wait := time.NewTimer(after)
	defer wait.Stop()
	select {
	case <-done:
		return false, c.ProcessState.ExitCode(), out.String(), errs.String()
	case <-wait.C:
	}
	all := family(d.t, c.Process.Pid)
	for pid, line := range all {
		node := strings.Contains(line, "rqlited") && pid != c.Process.Pid
		if node && victim != "converter" || pid == c.Process.Pid && victim != "rqlited" {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
	<-done
	gone(d.t, all)
	return true, c.ProcessState.ExitCode(), out.String(), errs.String()
}

// TestKillAndResume kills the program, its database node or both, with kill -9, at random moments of a run and of the
// attempts to resume it. In the end each run has the output and the numbers of one that nobody disturbed.
func TestKillAndResume(t *testing.T) {
	t.Parallel()
	const killings = 20
	d := newDeadly(t, "run: {checkpoint_every: 1s}\n")
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, a calm run takes %s", seed, d.took)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it is to be different every time, not unguessable
	killed, resumed, twice := 0, 0, 0
	for round := 0; killed < killings; round++ {
		d.fresh()
		var args []string
		var said []string
		for hits := 0; ; {
			victim := victims[random.IntN(len(victims))]
			after := time.Duration(random.Int64N(int64(d.took) + 1))
			if hits == 4 || killed == killings {
				after = time.Hour
			}
			hit, code, stdout, stderr := d.kill(victim, after, args...)
			if hit {
				killed++
				if args != nil {
					twice++
				}
			}
			said = append(said, fmt.Sprintf("%v, %s after %s: %d %s", args, victim, after, code, complaints(stderr)))
			t.Logf("round %d: %s", round, said[len(said)-1])
			switch {
			case code == 0:
				d.judge(stdout, round, said)
			case code == exitUsage && args != nil && d.ended():
				// Killed when the run had ended: there is nothing to take up, and another run would take over what it has kept.
				equal(t, fmt.Sprintf("round %d, output of a run that had ended", round), state(t, d.path("out"), false), d.want)
				args = nil
			case code == exitUsage && args != nil: // killed before there was a run
				args = nil
				continue
			case code == exitUsage || after == time.Hour:
				t.Fatalf("seed %d, round %d: it did not come to its end\n%s", seed, round, strings.Join(said, "\n"))
			default:
				args = []string{"--resume", "last"}
				hits++
				continue
			}
			if args != nil {
				resumed++
			}
			break
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d kills, %d of them during a resume; %d resumes", killed, twice, resumed)
	if resumed == 0 || twice == 0 {
		t.Error("nothing was resumed: the test proves nothing")
	}
}

// complaints are the lines that are not for programs.
func complaints(stderr string) string {
	var list []string
	for line := range strings.Lines(stderr) {
		if !strings.HasPrefix(line, "{") {
			list = append(list, line)
		}
	}
	return strings.Join(list, "")
}

func (d *deadly) judge(stdout string, round int, said []string) {
	d.t.Helper()
	end := lastLine(d.t, stdout)
	equal(d.t, fmt.Sprintf("round %d, output", round), state(d.t, d.path("out"), false), d.want)
	if got := numbers(end.Summary); got != d.numbers {
		d.t.Errorf("round %d: the numbers differ:\n%s", round, difference(got, d.numbers))
	}
	if d.t.Failed() {
		d.t.Log(strings.Join(said, "\n"))
	}
}

// difference lists the lines of two texts that the other one has not in their place.
func difference(got, want string) string {
	var b strings.Builder
	is, was := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(is), len(was)) {
		var a, b2 string
		if i < len(is) {
			a = is[i]
		}
		if i < len(was) {
			b2 = was[i]
		}
		if a != b2 {
			fmt.Fprintf(&b, "line %d: %q, want %q\n", i+1, a, b2)
		}
	}
	return b.String()
}

// TestResumeIsSaid goes through what can be asked for and cannot be had, and through a run that is stopped and goes on.
func TestResumeIsSaid(t *testing.T) {
	t.Parallel()
	p := newTroupe(t, "", "{players: 3}", "{players: 2000}")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--resume", "r-0009"}, `no run is called "r-0009", and there is none that can be resumed`},
		{[]string{"--resume", "last"}, `no run of this config can be resumed`},
		{[]string{"--retry", "last"}, `no run of this config can be retried`},
		{[]string{"--retry", "last", "--resume", "last"}, "--resume and --retry exclude each other"},
	} {
		if _, stderr := p.must(exitUsage, test.args...); !strings.Contains(stderr, test.want) {
			t.Errorf("%v: %s", test.args, stderr)
		}
	}
	p.must(0)
	if _, stderr := p.must(exitUsage, "--resume", "r-0001"); !strings.Contains(stderr, "it has finished, and nothing failed in it") {
		t.Errorf("a finished run: %s", stderr)
	}
}

// TestStopAndResume: what Ctrl-C has stopped goes on with the line that it says, in the same run.
func TestStopAndResume(t *testing.T) {
	t.Parallel()
	p := project{t: t, dir: t.TempDir()}
	p.plugin("mill", "mill")
	config := func(seed int) {
		p.configure(fmt.Sprintf("version: 1\nsources:\n  - {name: mill, plugin: mill, path: mill/converter-plugin-mill, options: {seed: %d, rest_ms: 1000}}\n"+
			"outputs: [{name: library, type: json, path: out}]\nstore: {rqlited: %q}\nrun: {checkpoint_every: 1s}\n", seed, rqlited(t)))
	}
	config(1)
	c := p.command("--progress", "plain")
	stderr, err := c.StderrPipe()
	check(t, err)
	check(t, c.Start())
	var said strings.Builder
	stopped := false
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if stopped || !strings.Contains(lines.Text(), " entities") || strings.Contains(lines.Text(), "· 0 of") {
			continue
		}
		stopped = true // long before its end: the mill takes a rest of a second six times
		check(t, c.Process.Signal(os.Interrupt))
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitSIGINT {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if want := "continue with: converter run --config " + p.path("converter.yaml") + " --resume r-0001"; !strings.Contains(said.String(), want) {
		t.Errorf("%q is not said:\n%s", want, said.String())
	}

	config(2)
	if _, stderr := p.must(exitUsage, "--resume", "r-0001"); !strings.Contains(stderr, "source mill has changed") {
		t.Errorf("another config: %s", stderr)
	}
	config(1)
	stdout, _ := p.must(0, "--resume", "last", "--progress", "json")
	end := lastLine(t, stdout)
	if end.ID != "r-0001" || end.State != core.Partial || len(end.Attempts) != 1 || end.Attempts[0].State != core.Cancelled {
		t.Errorf("%+v", end.Summary)
	}
	if n := len(entities(t, p.path("out", "entities.jsonl"))); n != 2*(milled-milled/70) {
		t.Errorf("%d entities", n)
	}
}

// TestRetry: items that failed are read again, files that were missing are looked for again, and the output is that of a
// run in which nothing failed.
func TestRetry(t *testing.T) {
	t.Parallel()
	sample := filepath.Join(t.TempDir(), "Data")
	check(t, os.CopyFS(sample, os.DirFS(filepath.Join("..", "..", "examples", "FoundryData"))))
	p := newProject(t, sample, smallPictures)
	stdout, stderr := p.must(0, "--progress", "json")
	end := lastLine(t, stdout)
	if end.State != core.Partial || !end.Kept {
		t.Fatalf("%+v\n%s", end.Summary, stderr)
	}
	var missing string
	for _, problem := range end.Problems {
		if problem.Code == "asset.missing" {
			missing = problem.Examples[0]
		}
	}
	picture, err := os.ReadFile(anyPicture(t, sample))
	check(t, err)
	path := filepath.Join(sample, filepath.FromSlash(missing))
	check(t, os.MkdirAll(filepath.Dir(path), 0o700))
	check(t, os.WriteFile(path, picture, 0o600))

	stdout, _ = p.must(0, "--retry", "last", "--progress", "json")
	again := lastLine(t, stdout)
	if again.ID != "r-0002" || again.Parent != "r-0001" || again.State != core.Succeeded {
		t.Errorf("%+v", again.Summary)
	}
	full := newProject(t, sample, smallPictures)
	stdout, _ = full.must(0, "--progress", "json")
	equal(t, "retried", state(t, p.path("out"), false), state(t, full.path("out"), false))
	whole := lastLine(t, stdout)
	if got, want := fmt.Sprint(again.Streams), fmt.Sprint(whole.Streams); got != want {
		t.Errorf("counted %s\nwant %s", got, want)
	}
	if _, stderr := p.must(exitUsage, "--retry", "r-0001"); !strings.Contains(stderr, "it was retried as r-0002") {
		t.Errorf("a second time: %s", stderr)
	}
}

func anyPicture(t *testing.T, dir string) (found string) {
	t.Helper()
	check(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if ext := filepath.Ext(path); err == nil && found == "" && (ext == ".webp" || ext == ".png") {
			found = path
		}
		return err
	}))
	return found
}
