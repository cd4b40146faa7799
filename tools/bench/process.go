package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	quality "github.com/seed-98789ff7/converter/tools/bench/pdf"
)

// cost is what a step took.
type cost struct {
	wall, cpu time.Duration
	peak      int64 // bytes; 0: the system does not say

	closing    time.Duration // what it took to end, which is not in wall
	count      int64         // records or assets
	bytes      int64         // of them
	pluginCPU  time.Duration // cpu is the host's then, and peak
	pluginPeak int64
	ahead      int64 // records that the plugin was rid of while its host took none

	text     quality.Text // how good the text is that was read
	headings quality.Headings
}

// and is the cost of two steps, one behind the other.
func (c cost) and(o cost) cost {
	return cost{wall: c.wall + o.wall, cpu: c.cpu + o.cpu, peak: max(c.peak, o.peak)}
}

// patience is how long a program may take to end when it is asked to.
const patience = 30 * time.Second

// command makes a command that is asked to end, before it is made to, when ctx ends.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	c.WaitDelay = patience
	return c
}

// measure runs a command to its end and returns what it took and what it said. The memory of this process must stay
// small: a new process is charged with its parent's until it runs a program of its own.
func measure(c *exec.Cmd) (cost, []byte, error) {
	var out, said bytes.Buffer
	c.Stdout = &out
	if c.Stderr == nil {
		c.Stderr = &said
	}
	begin := time.Now()
	err := c.Run()
	took := cost{wall: time.Since(begin)}
	if err != nil {
		return cost{}, nil, fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, tail(said.Bytes()))
	}
	took.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	took.peak = peak(c.ProcessState)
	return took, out.Bytes(), nil
}

// tail is the end of what a program said; there it says why it failed.
func tail(said []byte) []byte {
	const most = 2000
	return bytes.TrimSpace(said[max(0, len(said)-most):])
}
