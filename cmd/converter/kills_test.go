//go:build integration

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	// kills are how many times a plugin is killed in all.
	kills = 400
	// mills are how many sources a run has, each with a plugin of its own.
	mills = 20
	// deaths are how many of its plugins a source survives.
	deaths = 2
)

// TestManyKills kills plugins at random times, while they start, while they are asked and while they are read, as often as a
// run can bear: its output is the same, byte for byte, as that of a run that nobody disturbed. So no reading ended as if it
// were whole that was not, nothing is missing, and nothing is there twice.
func TestManyKills(t *testing.T) {
	t.Parallel()
	p := project{t: t, dir: t.TempDir()}
	var config strings.Builder
	config.WriteString("version: 1\nsources:\n")
	for i := range mills {
		p.plugin(fmt.Sprintf("mill-%d", i), "mill")
		fmt.Fprintf(&config, "  - {name: mill-%d, plugin: mill, path: mill-%d/converter-plugin-mill, options: {seed: %d}}\n", i, i, i)
	}
	fmt.Fprintf(&config, "outputs: [{name: library, type: json, path: out}]\nstore: {rqlited: %q}\n", rqlited(t))
	p.configure(config.String())
	check(t, os.Mkdir(p.path("tmp"), 0o700))

	p.must(0)
	want := state(t, p.path("out"), false)
	if n := len(entities(t, p.path("out", "entities.jsonl"))); n != mills*2*(milled-milled/70) {
		t.Fatalf("%d entities without any kill", n)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it is to be different every time, not unguessable
	killed := 0
	for run := 0; killed < kills; run++ {
		if run == 3*kills/(mills*deaths) {
			t.Fatalf("only %d kills in %d runs", killed, run)
		}
		check(t, os.RemoveAll(p.path("out")))
		n, output := p.massacre(random)
		killed += n
		equal(t, fmt.Sprintf("after %d kills in run %d", n, run), state(t, p.path("out"), false), want)
		if t.Failed() {
			t.Fatalf("seed %d\n%s", seed, output)
		}
	}
	t.Logf("%d kills", killed)
	if left, err := os.ReadDir(p.path("tmp")); err != nil || len(left) > 0 {
		t.Errorf("left in the folder for temporary files: %v, %v", left, err)
	}
	gone(t, running(t, p.dir))
}

// massacre runs the project and kills each plugin it starts after a random time, but leaves each source its last one. It
// returns how many were killed while they lived.
func (p project) massacre(random *rand.Rand) (killed int, output string) {
	p.t.Helper()
	c := p.command("--progress", "json", "--log-level", "error")
	c.Env = append(os.Environ(), "TMPDIR="+p.path("tmp"))
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	check(p.t, c.Start())
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()

	doomed := map[int]time.Time{} // by process: when it is to be killed
	died := map[string]int{}      // by source
	names := map[int]string{}     // of processes
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				p.t.Fatalf("the run ended with %v\n%s", err, both.String())
			}
			return killed, both.String()
		case <-tick.C:
		}
		for pid, mill := range children(c.Process.Pid, names) {
			at, known := doomed[pid]
			switch {
			case !known && died[mill] < deaths:
				died[mill]++
				doomed[pid] = time.Now().Add(time.Duration(random.IntN(150)) * time.Millisecond)
			case known && !at.IsZero() && time.Now().After(at):
				doomed[pid] = time.Time{}
				if syscall.Kill(pid, syscall.SIGKILL) == nil {
					killed++
				}
			}
		}
	}
}

// children are the plugins that a process has started and that live, with the folders of their programs. It remembers the
// names of processes it has seen.
func children(parent int, names map[int]string) map[int]string {
	found := map[int]string{}
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", parent))
	if err != nil {
		return nil
	}
	for _, path := range tasks {
		f, err := os.Open(path)
		if err != nil {
			continue // the thread has ended
		}
		pids := bufio.NewScanner(f)
		pids.Split(bufio.ScanWords)
		for pids.Scan() {
			var pid int
			if _, err := fmt.Sscan(pids.Text(), &pid); err != nil {
				continue
			}
			program := names[pid]
			if program == "" {
				line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it may have ended
				name, _, _ := bytes.Cut(line, []byte{0})
				program = string(name)
			}
			if filepath.Base(program) == "converter-plugin-mill" {
				names[pid], found[pid] = program, filepath.Base(filepath.Dir(program))
			}
		}
		_ = f.Close()
	}
	return found
}
