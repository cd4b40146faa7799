package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

// What the store may take.
const (
	nodeLimit = 300e6    // resident memory of the node
	heapLimit = 32 << 20 // what a process holds that does nothing but store: 16 MiB of rows, and what surrounds them
)

// store measures the way of a run's rows into the store and back, and what share of a run it is.
func store(ctx context.Context, s settings) (report, error) {
	b := &shelf{settings: s, library: filepath.Join(s.work, "Data")}
	if err := b.build(ctx); err != nil {
		return report{}, err
	}
	measured, err := b.ask(ctx, "-direct", b.direct, "-n", fmt.Sprint(s.rounds))
	if err != nil {
		return report{}, err
	}
	if err := json.Unmarshal(measured, &b.measured); err != nil {
		return report{}, fmt.Errorf("what %s said: %w", filepath.Base(b.program), err)
	}
	if err := b.fill(ctx); err != nil {
		return report{}, err
	}
	for n := range s.rounds + 1 {
		s.begin("store: runs", n)
		costs, err := b.runs(ctx, n)
		if err != nil {
			return report{}, err
		}
		if n > 0 {
			b.shares = append(b.shares, costs)
		}
	}
	return b.report(), nil
}

// shelf is the benchmark in progress.
type shelf struct {
	settings

	program, direct string // what measures, and what it compares with
	library         string // a copy of the real content, for runs
	measured        []map[string]sample
	filled          sample
	shares          []map[string]cost
}

func (b *shelf) rqlited() string   { return filepath.Join(b.repo, "bin", "rqlited") }
func (b *shelf) converter() string { return filepath.Join(b.repo, "bin", "converter") }

// build builds what measures, and copies what is read.
func (b *shelf) build(ctx context.Context) error {
	from := filepath.Join(b.data, "foundry", "Data")
	for path, advice := range map[string]string{
		b.rqlited(): "run ./task build", b.converter(): "run ./task build",
		from: "runs are measured with real content, which the repository does not carry; name the folder that has it in " + testdata.Variable,
	} {
		if err := need(path, advice); err != nil {
			return err
		}
	}
	if err := copyTree(b.library, from); err != nil {
		return err
	}
	b.program, b.direct = filepath.Join(b.work, "store"), filepath.Join(b.work, "direct")
	fmt.Fprintln(b.say, "store: building SQLite as the node has it; the first time this takes a minute")
	for _, args := range [][]string{
		{"build", "-tags=nodynamic", "-o", b.program, "./tools/bench/store"},
		// With the flags that the node is built with, so that SQLite is compiled once for both.
		{
			"build", "-modfile=tools/rqlited.mod", "-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w",
			"-o", b.direct, "tools/bench/direct/main.go",
		},
	} {
		c := command(ctx, "go", args...)
		c.Dir, c.Env = b.repo, append(os.Environ(), "CGO_ENABLED=1")
		if out, err := c.CombinedOutput(); err != nil {
			return fmt.Errorf("build what is measured: %w\n%s", err, tail(out))
		}
	}
	return nil
}

// ask has the program measure something in a folder of its own, and returns what it said.
func (b *shelf) ask(ctx context.Context, args ...string) ([]byte, error) {
	dir, err := os.MkdirTemp(b.work, "store-")
	if err != nil {
		return nil, err
	}
	c := command(ctx, b.program, append([]string{"-rqlited", b.rqlited(), "-dir", dir}, args...)...)
	c.Stderr = b.say
	_, out, err := measure(c)
	if err != nil {
		return nil, err
	}
	return out, os.RemoveAll(dir)
}

// fill stores many rows, to see what memory that takes.
func (b *shelf) fill(ctx context.Context) error {
	fmt.Fprintf(b.say, "store: %d rows at once\n", b.rows)
	out, err := b.ask(ctx, "fill", strconv.Itoa(b.rows))
	if err != nil {
		return err
	}
	return json.Unmarshal(out, &b.filled)
}

// The runs whose share of the store is measured.
const (
	runPlain    = "run"
	runPictures = "run with pictures"

	waiting = " waiting" // the same run: how long it stood still for the store
	storing = " storing" // and how long batches were on their way
)

// runs runs the converter over the real content, from nothing. What does not count has no pictures.
func (b *shelf) runs(ctx context.Context, n int) (map[string]cost, error) {
	costs := map[string]cost{}
	for name, assets := range map[string]string{runPlain: "assets: {enabled: false}\n", runPictures: ""} {
		if n == 0 && name == runPictures {
			continue
		}
		dir := filepath.Join(b.work, fmt.Sprintf("run-%d%d", n, len(name)))
		c, err := runOver(ctx, b.converter(), dir, b.library, assets, "json")
		if err != nil {
			return nil, err
		}
		settle()
		times, stored, err := watch(c)
		if err != nil {
			return nil, err
		}
		costs[name] = cost{wall: times.sum(), count: stored.Rows}
		costs[name+waiting] = cost{wall: time.Duration(stored.WaitedUS+stored.Flushed) * time.Microsecond}
		costs[name+storing] = cost{wall: time.Duration(stored.TotalUS) * time.Microsecond, count: stored.Batches}
		if err := hollow(dir); err != nil {
			return nil, err
		}
	}
	return costs, nil
}

// limits are what the memory is compared with.
const limits = "limits"

func (b *shelf) report() report {
	r := report{tables: []table{wayTable(), lookTable(), itemTable(), fillTable(b.rows), shareTable()}}
	for i, round := range b.measured {
		costs := map[string]cost{}
		for name, s := range round {
			costs[name] = s.cost()
		}
		costs["fill"], costs[limits] = b.filled.cost(), cost{bytes: heapLimit, pluginPeak: nodeLimit}
		maps.Copy(costs, b.shares[i])
		r.rounds = append(r.rounds, costs)
	}
	r.bars = []bar{
		{what: "rows/s: run to SQLite", of: "write run", to: "write direct", by: byRate, least: 0.35},
		{what: "rows/s: run to one a request", of: "write run", to: "write single", by: byRate, least: 7},
		{what: "answers/s: memory to store", of: "look memory", to: "look store", by: byRate, least: 50},
		{what: "time an item: 10,000 to 1,000", of: "items 10000", to: "items 1000", by: byEach, most: 1.2},
		{what: "time an item: 100,000 to 1,000", of: "items 100000", to: "items 1000", by: byEach, most: 1.2},
		{what: "memory an item: 10,000 to 1,000", of: "items 10000", to: "items 1000", by: byHeld, most: 1.2},
		{what: "memory an item: 100,000 to 1,000", of: "items 100000", to: "items 1000", by: byHeld, most: 1.2},
		{what: "node's memory to 300 MB", of: "fill", to: limits, by: byPluginPeak, most: 1},
		{what: "memory of storing to 32 MB", of: "fill", to: limits, by: byBytes, most: 1},
		{what: "waiting for the store to run", of: runPlain + waiting, to: runPlain, by: byWall, most: 0.1},
		{what: "the same, with pictures", of: runPictures + waiting, to: runPictures, by: byWall, most: 0.1},
	}
	r.told = []bar{
		{what: "answers/s: picture to store", of: "look picture", to: "look store", by: byRate},
		{what: "rows a second of CPU: run to SQLite", of: "write run", to: "write direct", by: byWork},
		{what: "rows/s: run to SQLite by number", of: "write run", to: "write same", by: byRate},
		{what: "rows/s: batches that are ready", of: "write batches", to: "write direct", by: byRate},
		{what: "batches on their way to run", of: runPlain + storing, to: runPlain, by: byWall},
		{what: "the same, with pictures", of: runPictures + storing, to: runPictures, by: byWall},
	}
	return r
}

func wayTable() table {
	return table{
		title: "items of 2 KB into the store",
		rows: []row{
			{"a run: entities put by two workers, batches of 100", "write run"},
			{"SQLite itself: transactions of 100 rows, kept by uid", "write direct"},
			{"the same, kept by number, as a run does", "write same"},
			{"the client library: one row a request", "write single"},
			{"batches of 100 rows that are ready, one at a time", "write batches"},
		},
		columns: []column{
			{name: "rows/s", by: byRate, form: "%.0f"},
			{name: "MB/s", by: bySpeed, form: "%.1f"},
			{name: "CPU a row", by: byShare, form: "%.0f µs"},
			{name: "the node's", by: byPluginShare, form: "%.0f µs"},
		},
	}
}

func lookTable() table {
	return table{
		title: "an answer",
		rows: []row{
			{"from the cache's memory", "look memory"},
			{"a picture from memory, and whether its files are there", "look picture"},
			{"the same row, read from the store", "look store"},
		},
		columns: []column{{name: "each", by: byEach, form: "%.2f µs"}},
	}
}

func itemTable() table {
	return table{
		title:   "items of a run: put, stored, and listed for linking",
		rows:    []row{{"1,000 items", "items 1000"}, {"10,000 items", "items 10000"}, {"100,000 items", "items 100000"}},
		columns: []column{{name: "time each", by: byEach, form: "%.0f µs"}, {name: "held each", by: byHeld, form: "%.0f B"}},
	}
}

func fillTable(rows int) table {
	return table{
		title: "largest memory",
		rows:  []row{{fmt.Sprintf("%d items of 2 KB, as fast as it goes", rows), "fill"}},
		columns: []column{
			{name: "rows/s", by: byRate, form: "%.0f"},
			{name: "in use", by: func(c cost) float64 { return byBytes(c) / (1 << 20) }, form: "%.0f MB"},
			{name: "process", by: byMegabytes, form: "%.0f MB"},
			{name: "node", by: func(c cost) float64 { return byPluginPeak(c) / (1 << 20) }, form: "%.0f MB"},
		},
	}
}

func shareTable() table {
	return table{
		title: "runs over the whole content",
		rows:  []row{{"without pictures", runPlain}, {"with pictures", runPictures}},
		columns: []column{
			{name: "wall", by: byWall, form: "%.2fs"},
			{name: "waiting", variant: waiting, by: byWall, form: "%.2fs"},
			{name: "storing", variant: storing, by: byWall, form: "%.2fs"},
			{name: "batches", variant: storing, by: byCount, form: "%.0f"},
			{name: "rows", by: byCount, form: "%.0f"},
		},
	}
}

// byEach is the time of one of many, in microseconds, and byHeld the memory.
func byEach(c cost) float64 { return byWall(c) * 1e6 / float64(c.count) }
func byHeld(c cost) float64 { return byBytes(c) / float64(c.count) }

// byWork is how many rows a second of CPU is enough for, of all processes together. Unlike rows/s it tells little of what else
// the machine does. Where the CPU is not known it is no number.
func byWork(c cost) float64 {
	if c.cpu == 0 {
		return math.NaN()
	}
	return float64(c.count) / (c.cpu + c.pluginCPU).Seconds()
}

func byBytes(c cost) float64 { return float64(c.bytes) }
func byCount(c cost) float64 { return float64(c.count) }
