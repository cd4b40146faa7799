package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/seed-98789ff7/converter/core/host"
	"github.com/seed-98789ff7/converter/sdk"
)

// The ways to a source, as they are called in the names of cells.
const (
	secure = "tls"    // AutoMTLS, as every plugin has it whose language can
	plain  = "plain"  // the same plugin without
	direct = "direct" // in this process
)

// sample is what one cell of one round came to.
type sample struct {
	Seconds      float64 `json:"seconds,omitempty"`
	CloseSeconds float64 `json:"close_seconds,omitempty"`
	Count        int64   `json:"count,omitempty"` // records or assets
	Bytes        int64   `json:"bytes,omitempty"` // of them
	CPU          float64 `json:"cpu,omitempty"`   // seconds, of this process
	PluginCPU    float64 `json:"plugin_cpu,omitempty"`
	Peak         int64   `json:"peak,omitempty"` // bytes, of this process
	PluginPeak   int64   `json:"plugin_peak,omitempty"`
	Ahead        int64   `json:"ahead,omitempty"` // records that the plugin was rid of while its host waited
}

// cell is one measurement of a round.
type cell interface {
	measure(ctx context.Context) (sample, error)
}

// bench is the benchmark in progress.
type bench struct {
	self      string
	folder    string // to work in
	processes []*host.Process
	names     []string // of the cells, in their order
	cells     map[string]cell
}

// open starts everything that stays for all rounds.
func open(ctx context.Context) (_ *bench, err error) {
	b := &bench{cells: map[string]cell{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.folder, err = os.MkdirTemp("", "converter-wire-"); err != nil {
		return nil, err
	}
	if err := b.plugins(ctx); err != nil {
		return nil, err
	}
	if err := b.python(ctx, slowly); err != nil {
		return nil, err
	}
	if err := b.direct(ctx); err != nil {
		return nil, err
	}
	b.others()
	return b, b.files()
}

// close ends what open started.
func (b *bench) close() error {
	var faults []error
	for _, p := range b.processes {
		faults = append(faults, p.Close())
	}
	return errors.Join(append(faults, os.RemoveAll(b.folder))...)
}

func (b *bench) add(c cell, name string, args ...any) {
	name = fmt.Sprintf(name, args...)
	b.names = append(b.names, name)
	b.cells[name] = c
}

// plugins are the cells of plugin processes in Go.
func (b *bench) plugins(ctx context.Context) error {
	for _, way := range []string{secure, plain} {
		for _, batch := range []struct{ size, records int }{{1, singly}, {100, batched}} {
			p, err := b.start(ctx, b.command(way), batch.size, batch.records)
			if err != nil {
				return err
			}
			b.add(reading{p, true, int64(batch.records)}, "records %s %d", way, batch.size)
			if batch.size == 1 {
				continue
			}
			b.stream(way, p)
			if way == secure {
				b.written(p)
			}
		}
	}
	return nil
}

// direct are the cells of the same source in this process.
func (b *bench) direct(ctx context.Context) error {
	s := newSource()
	if err := configure(ctx, s, inside, b.folder); err != nil {
		return err
	}
	b.add(reading{s, false, inside}, "records %s", direct)
	b.add(decoding{decoded}, "records decoded")
	b.stream(direct, s)
	return nil
}

// starts is how often a plugin is started in a round.
const starts = 5

// others are the cells that have processes of their own.
func (b *bench) others() {
	for _, way := range []string{secure, plain} {
		b.add(starting{b.command(way), starts}, "start %s", way)
	}
	b.add(describing{b.command(plain), starts}, "start describe")
	b.add(carrying{b.self, few, false}, "memory few")
	b.add(carrying{b.self, many, false}, "memory many")
	b.add(carrying{b.self, many, true}, "memory wait")
}

func (b *bench) command(way string) []string { return []string{b.self, "plugin", way} }

// start starts a plugin that stays.
func (b *bench) start(ctx context.Context, command []string, batch, records int) (*host.Process, error) {
	p, err := host.Start(ctx, host.Config{Name: "wire", Command: command, BatchRecords: batch})
	if err != nil {
		return nil, err
	}
	b.processes = append(b.processes, p)
	return p, configure(ctx, p, records, b.folder)
}

func configure(ctx context.Context, s sdk.Source, records int, folder string) error {
	text, err := json.Marshal(options{Records: records})
	if err != nil {
		return err
	}
	return s.Configure(ctx, sdk.Configuration{Source: "wire", Options: text, WorkDir: folder})
}

// measure measures all cells in every round. The first round is not in what it returns.
func (b *bench) measure(ctx context.Context, rounds int) ([]map[string]sample, error) {
	var all []map[string]sample
	for n := range rounds + 1 {
		if n == 0 {
			fmt.Fprintln(os.Stderr, "plugin: a round that does not count")
		} else {
			fmt.Fprintf(os.Stderr, "plugin: round %d of %d\n", n, rounds)
		}
		round := map[string]sample{}
		for _, name := range b.names {
			s, err := b.cells[name].measure(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			round[name] = s
		}
		if n > 0 {
			all = append(all, round)
		}
	}
	return all, nil
}
