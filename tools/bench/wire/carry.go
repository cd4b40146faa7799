package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"github.com/seed-98789ff7/converter/core/host"
	"github.com/seed-98789ff7/converter/sdk"
)

// How many records are carried to see what memory that takes, and after how many a host that waits begins to.
const (
	few  = 20_000
	many = 200_000
	held = 1_000
)

// carrying is a cell that looks at the memory of a host and a plugin that carry records. The host is a process of its own,
// as this one has held other things.
type carrying struct {
	self    string
	records int
	wait    bool
}

func (c carrying) measure(ctx context.Context) (s sample, err error) {
	args := []string{"carry", strconv.Itoa(c.records)}
	if c.wait {
		args = append(args, "wait")
	}
	cmd := exec.CommandContext(ctx, c.self, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return s, fmt.Errorf("%w\n%s", err, said.Bytes())
	}
	return s, json.Unmarshal(out, &s)
}

// carry carries records from a plugin and returns what memory that took at both ends. A host that waits takes some
// records and then none until the plugin stands still.
func carry(ctx context.Context, records int, wait bool) (s sample, err error) {
	self, err := os.Executable()
	if err != nil {
		return s, err
	}
	p, err := host.Start(ctx, host.Config{Name: "wire", Command: []string{self, "plugin", secure}})
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := configure(ctx, p, records, ""); err != nil {
		return s, err
	}
	out := &sink{}
	if wait {
		out.hold = held
		out.wait = func() (err error) {
			s.Ahead, err = ahead(ctx, p)
			return err
		}
	}
	if err := p.Read(ctx, sdk.ReadRequest{}, out); err != nil {
		return s, err
	}
	if out.records != int64(records) {
		return s, fmt.Errorf("%d records came, not %d", out.records, records)
	}
	a, err := ask(ctx, p)
	s.Count, s.Bytes, s.PluginPeak = out.records, out.bytes, a.Peak
	_, s.Peak = usage()
	return s, err
}

// ahead waits until a plugin sends no more, and returns how many of the records it was rid of by then are not taken.
func ahead(ctx context.Context, p *host.Process) (int64, error) {
	const still = 3 // looks that see the same number
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var sent int64
	for same := 0; same < still; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		a, err := ask(ctx, p)
		if err != nil {
			return 0, err
		}
		if a.Sent == sent {
			same++
			continue
		}
		same, sent = 0, a.Sent
	}
	return sent - held, nil
}
