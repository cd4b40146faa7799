package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

// largest is the pack on which memory is compared.
const largest = "actors24"

// The variants, as the table calls them.
const (
	peerAll   = "(a) official CLI: unpack each pack, a process each"
	oursHash  = "(b) ours: read, join, sha256 of every document"
	oursFiles = "(c) ours: the same, one pretty JSON file a document"
	wholeRun  = "(d) converter run: store, plugin, links, output"
	peerLarge = "(a) official CLI: unpack " + largest + " alone"
	oursLarge = "(b) ours: " + largest + " alone"
)

// foundry compares reading and converting Foundry packs with what the official tool takes to unpack them.
func foundry(ctx context.Context, s settings) (report, error) {
	f, err := newFoundry(ctx, s)
	if err != nil {
		return report{}, err
	}
	for n := range s.rounds + 1 {
		s.begin("foundry", n)
		r := round{comparison: f, dir: filepath.Join(s.work, fmt.Sprintf("round-%d", n)), costs: map[string]cost{}}
		if err := r.measure(ctx); err != nil {
			return report{}, err
		}
		if n > 0 {
			f.costs, f.times = append(f.costs, r.costs), append(f.times, r.phases)
		}
		if err := hollow(r.dir); err != nil {
			return report{}, err
		}
	}
	return f.report(), nil
}

// comparison is the benchmark in progress.
type comparison struct {
	settings

	self    string // this program
	peer    *peer
	library string // a Data folder that holds a copy of the system with its packs
	packs   string // folder of these packs
	names   []string
	costs   []map[string]cost // of the rounds that count
	times   []timeline        // of the same
}

func newFoundry(ctx context.Context, s settings) (*comparison, error) {
	const system = "systems/dnd5e"
	from := filepath.Join(s.data, "foundry", "Data", filepath.FromSlash(system))
	f := &comparison{settings: s, library: filepath.Join(s.work, "Data")}
	f.packs = filepath.Join(f.library, filepath.FromSlash(system), "packs")
	const build = "run ./task build"
	err := errors.Join(
		need(from, "the packs are real content, which the repository does not carry; name the folder that has it in "+testdata.Variable),
		need(f.converter(), build), need(filepath.Join(s.repo, "bin", "rqlited"), build),
	)
	if err != nil {
		return nil, err
	}
	if f.self, err = os.Executable(); err != nil {
		return nil, fmt.Errorf("path of this program: %w", err)
	}
	if err := copyTree(filepath.Dir(f.packs), from); err != nil {
		return nil, err
	}
	if f.names, err = packNames(f.packs); err != nil {
		return nil, err
	}
	for _, n := range scales {
		to := filepath.Join(s.work, "scaled", scaled(largest, n))
		multiplier := command(ctx, f.self, workerFlag, "multiply", to, filepath.Join(f.packs, largest), strconv.Itoa(n))
		if out, err := multiplier.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("make a pack %d times as large as %s: %w\n%s", n, largest, err, tail(out))
		}
	}
	fmt.Fprintf(s.say, "foundry: installing %s %s\n", peerPackage, peerVersion)
	f.peer, err = installPeer(ctx, filepath.Join(s.work, "peer"))
	return f, err
}

func (f *comparison) converter() string { return filepath.Join(f.repo, "bin", "converter") }

// packNames lists the folders that are databases.
func packNames(dir string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*", "CURRENT"))
	if err != nil {
		return nil, err
	}
	names := make([]string, len(found))
	for i, path := range found {
		names[i] = filepath.Base(filepath.Dir(path))
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no pack is in %s", dir)
	}
	return names, nil
}

// round is one round: every variant once.
type round struct {
	*comparison

	dir    string // everything the round writes is in it
	costs  map[string]cost
	phases timeline
}

// measure measures all variants, one behind the other. All of them must have done the same.
func (r *round) measure(ctx context.Context) error {
	want, err := r.unpackAll(ctx)
	if err != nil {
		return err
	}
	dirs := make([]string, len(r.names))
	for i, name := range r.names {
		dirs[i] = filepath.Join(r.packs, name)
	}
	hashed, err := r.worker(ctx, oursHash, append([]string{"hash"}, dirs...)...)
	if err != nil {
		return err
	}
	filed, err := r.worker(ctx, oursFiles, append([]string{"files", filepath.Join(r.dir, "files")}, dirs...)...)
	if err != nil {
		return err
	}
	if hashed.Documents != want.Documents || filed != want {
		return fmt.Errorf("the official tool wrote %+v; ours read %+v and wrote %+v: it cannot be compared", want, hashed, filed)
	}
	if _, err := r.worker(ctx, oursLarge, "hash", filepath.Join(r.packs, largest)); err != nil {
		return err
	}
	if err := r.scale(ctx); err != nil {
		return err
	}
	if err := r.whole(ctx); err != nil {
		return err
	}
	return r.watched(ctx)
}

// unpackAll has the official tool unpack a fresh copy of all packs. It returns what the tool wrote.
func (r *round) unpackAll(ctx context.Context) (tally, error) {
	packs, out := filepath.Join(r.dir, "packs"), filepath.Join(r.dir, "unpacked")
	for _, name := range r.names {
		if err := copyTree(filepath.Join(packs, name), filepath.Join(r.packs, name)); err != nil {
			return tally{}, err
		}
	}
	settle()
	var sum cost
	for _, name := range r.names {
		took, err := r.peer.unpack(ctx, packs, name, out)
		if err != nil {
			return tally{}, err
		}
		if name == largest {
			r.costs[peerLarge] = took
		}
		sum = sum.and(took)
	}
	r.costs[peerAll] = sum
	return countFiles(out)
}

// worker runs this program as a worker.
func (r *round) worker(ctx context.Context, variant string, args ...string) (tally, error) {
	settle()
	took, out, err := measure(command(ctx, r.self, append([]string{workerFlag}, args...)...))
	if err != nil {
		return tally{}, err
	}
	r.costs[variant] = took
	var t tally
	if err := json.Unmarshal(out, &t); err != nil {
		return tally{}, fmt.Errorf("what a worker said: %w", err)
	}
	return t, nil
}

// whole is a whole run, from nothing.
func (r *round) whole(ctx context.Context) error {
	c, err := r.run(ctx, "run", "none")
	if err != nil {
		return err
	}
	settle()
	r.costs[wholeRun], _, err = measure(c)
	return err
}

// watched is another whole run, whose steps are timed.
func (r *round) watched(ctx context.Context) error {
	c, err := r.run(ctx, "watched", "json")
	if err != nil {
		return err
	}
	settle()
	r.phases, _, err = watch(c)
	return err
}

// run is the command of a run with config, state and output in a new folder.
func (r *round) run(ctx context.Context, folder, progress string) (*exec.Cmd, error) {
	return runOver(ctx, r.converter(), filepath.Join(r.dir, folder), r.library, "assets: {enabled: false}\n", progress)
}

// runOver is the command of a run over a library, with config, state and output in a new folder; more is added to the config.
func runOver(ctx context.Context, converter, dir, library, more, progress string) (*exec.Cmd, error) {
	config := filepath.Join(dir, "converter.yaml")
	root, err := json.Marshal(library)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if err := os.WriteFile(config, fmt.Appendf(nil, runConfig, root, more), 0o666); err != nil {
		return nil, err
	}
	return command(ctx, converter, "run", "--config", config, "--no-dashboard", "--progress", progress), nil
}

// runConfig is the config of whole runs; the folder to read is missing, and what is added.
const runConfig = `version: 1
sources:
  - {name: dnd5e, plugin: foundry, options: {roots: [%s]}}
outputs:
  - {name: library, type: json, path: ./out}
%s`

func (f *comparison) report() report {
	return report{
		tables: []table{{
			title: "median",
			rows: rows(peerAll, oursHash, oursFiles, wholeRun, peerLarge, oursLarge,
				peerScaled(4), oursScaled(4), peerScaled(16), oursScaled(16)),
			columns: []column{
				{name: "wall", by: byWall, form: "%.2fs"},
				{name: "CPU", by: byCPU, form: "%.2fs"},
				{name: "peak", by: byMegabytes, form: "%.0f MB"},
			},
		}},
		rounds: f.costs,
		bars: []bar{
			{what: "(b) CPU to (a)", of: oursHash, to: peerAll, by: byCPU, most: 1.0 / 30},
			{what: "(c) CPU to (a)", of: oursFiles, to: peerAll, by: byCPU, most: 1.0 / 5},
			{what: "(b) peak memory to (a), " + largest, of: oursLarge, to: peerLarge, by: byPeak, most: 1.0 / 2},
			{what: "(b) peak memory, 16 times as large to once", of: oursScaled(16), to: oursLarge, by: byPeak, most: 2},
			{what: "(d) wall to (a)", of: wholeRun, to: peerAll, by: byWall, most: 1.5},
		},
		told:  []bar{{what: "(d) CPU to (a)", of: wholeRun, to: peerAll, by: byCPU}},
		title: "where the time of (d) goes",
		times: f.times,
	}
}
