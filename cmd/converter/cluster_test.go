//go:build integration && linux

package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/runs/rqlite/rqlitetest"
)

// TestClusterRun converts real content on three nodes whose leader is killed or frozen again and again from the moment
// reading begins. The run ends well, and its output is that of a run on the private node.
func TestClusterRun(t *testing.T) {
	t.Parallel()
	root := testdata.Dir(t, "foundry", "Data")
	alone := newProject(t, root, "assets: {enabled: false}")
	alone.must(0)
	want := state(t, alone.path("out"), false)

	cluster := rqlitetest.Start(t, rqlitetest.Config{Binary: rqlited(t)})
	p := newProject(t, root, "assets: {enabled: false}")
	store := fmt.Sprintf(`store: {urls: ["%s"], user: "${STORE_USER}", password: "${STORE_PASSWORD}"}`, strings.Join(cluster.URLs(), `", "`))
	p.change(fmt.Sprintf("store: {rqlited: %q}", rqlited(t)), store)

	c := p.command("--progress", "json")
	c.Env = append(os.Environ(), "STORE_USER="+rqlitetest.User, "STORE_PASSWORD="+rqlitetest.Password)
	began := time.Now()
	reading, ended, said := p.watch(t, c)
	<-reading
	const most = 13 // each fourth one freezes, for longer than a call waits for a node
	done, over := 0, false
	for ; done < most && !over; done++ {
		leader := cluster.Leader()
		if done%4 == 3 {
			cluster.Freeze(leader)
			over = within(ended, 1500*time.Millisecond)
			cluster.Thaw(leader)
		} else {
			cluster.Kill(leader)
			over = within(ended, 500*time.Millisecond)
			cluster.Restart(leader)
		}
		over = over || within(ended, time.Second)
	}
	<-ended
	if err := c.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	if done < 4 {
		t.Errorf("the run was over after the leader was lost %d times: little was proved", done)
	}
	equal(t, "output on the cluster", state(t, p.path("out"), false), want)
	t.Logf("the leader was killed %d times and frozen %d times; the run took %s", done-done/4, done/4, time.Since(began).Round(time.Second))
}

// watch starts the program, and says when it begins to read and when it has closed its output.
func (p project) watch(t *testing.T, c *exec.Cmd) (reading, ended chan struct{}, said *strings.Builder) {
	t.Helper()
	read, write, err := os.Pipe()
	check(t, err)
	c.Stderr, c.Stdout = write, write
	check(t, errors.Join(c.Start(), write.Close()))
	reading, ended, said = make(chan struct{}), make(chan struct{}), &strings.Builder{}
	go func() {
		defer close(ended)
		began := false
		lines := bufio.NewScanner(read)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			said.WriteString(lines.Text() + "\n")
			if !began && strings.Contains(lines.Text(), `"doing":"reading"`) {
				began = true
				close(reading)
			}
		}
		if !began {
			close(reading)
		}
	}()
	return reading, ended, said
}

// within reports whether something ends in that time.
func within(ended <-chan struct{}, length time.Duration) bool {
	select {
	case <-ended:
		return true
	case <-time.After(length):
		return false
	}
}
