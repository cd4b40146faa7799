package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/rqlite/gorqlite"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs"
	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// sample is what one cell of one round came to.
type sample struct {
	Seconds    float64 `json:"seconds,omitempty"`
	CPU        float64 `json:"cpu,omitempty"`        // seconds, of this process, or of the one that writes into SQLite
	PluginCPU  float64 `json:"plugin_cpu,omitempty"` // of the node; both are 0 where the system does not say
	Count      int64   `json:"count,omitempty"`
	Bytes      int64   `json:"bytes,omitempty"`       // of the rows, or of the heap
	Peak       int64   `json:"peak,omitempty"`        // bytes, of this process
	PluginPeak int64   `json:"plugin_peak,omitempty"` // of the node
}

// How many rows a round writes on each way. The slow way gets fewer, so that all take about as long.
const (
	writes  = 6000
	singles = 1000
	batch   = 100
	lookups = 2000
)

// bench is the benchmark in progress.
type bench struct {
	at      places
	library *runs.Library
	guest   *rqlite.Client // reads from the library's node
	node    *rqlite.Node   // for what is compared with
	client  *rqlite.Client // of it

	process, otherProcess int // of the library's node and of that one

	naive  *gorqlite.Connection
	direct *direct // keeps rows by uid
	same   *direct // keeps them as a run does
	table  layout
	rows   [][]any // as a run has stored them
	mem    *cache.Cache
	asset  core.Asset
	things []thing
	cells  []cell
}

// cell is one measurement of a round.
type cell struct {
	name    string
	measure func(ctx context.Context) (sample, error)
}

// open starts everything that stays for all rounds.
func open(ctx context.Context, at places) (_ *bench, err error) {
	b := &bench{at: at, things: things(0, writes, documentBytes)}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close(ctx))
		}
	}()
	if b.library, err = runs.Open(ctx, runs.Config{Dir: filepath.Join(at.dir, "library"), Binary: at.rqlited}); err != nil {
		return b, err
	}
	visit, err := rqlite.Visit(filepath.Join(at.dir, "library", "store"))
	if err != nil {
		return b, err
	}
	if b.guest, err = rqlite.Open(ctx, visit); err != nil {
		return b, err
	}
	if b.process, err = processOf(ctx, visit); err != nil {
		return b, err
	}
	for _, prepare := range []func(context.Context) error{b.learn, b.other, b.aside, b.remember} {
		if err := prepare(ctx); err != nil {
			return b, err
		}
	}
	b.cells = []cell{
		{"write run", b.writeRun},
		{"write direct", func(context.Context) (sample, error) { return b.writeDirect(b.direct) }},
		{"write same", func(context.Context) (sample, error) { return b.writeDirect(b.same) }},
		{"write single", b.writeSingle},
		{"write batches", b.writeBatches},
		{"look memory", b.lookMemory},
		{"look picture", b.lookPicture},
		{"look store", b.lookStore},
	}
	for _, n := range []int{1000, 10_000, 100_000} {
		b.cells = append(b.cells, cell{fmt.Sprint("items ", n), func(ctx context.Context) (sample, error) { return b.items(ctx, n) }})
	}
	return b, nil
}

// close ends what open started.
func (b *bench) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var faults []error
	for _, d := range []*direct{b.direct, b.same} {
		if d != nil {
			faults = append(faults, d.close())
		}
	}
	if b.mem != nil {
		faults = append(faults, b.mem.Close(ctx))
	}
	if b.naive != nil {
		b.naive.Close()
	}
	for _, c := range []*rqlite.Client{b.client, b.guest} {
		if c != nil {
			faults = append(faults, c.Close())
		}
	}
	if b.node != nil {
		faults = append(faults, b.node.Stop(ctx))
	}
	if b.library != nil {
		faults = append(faults, b.library.Close(ctx))
	}
	return errors.Join(faults...)
}

// rest is how long the nodes get to see to what a cell has left behind, tables that were dropped and a snapshot that is due, before the
// next one is measured.
const rest = 1500 * time.Millisecond

// measure measures the cells whose names match, so many rounds and one before them that does not count.
func (b *bench) measure(ctx context.Context, rounds int, names *regexp.Regexp) ([]map[string]sample, error) {
	var measured []map[string]sample
	for n := range rounds + 1 {
		fmt.Fprintf(os.Stderr, "store: round %d of %d\n", n, rounds)
		round := map[string]sample{}
		for _, c := range b.cells {
			if !names.MatchString(c.name) {
				continue
			}
			time.Sleep(rest)
			s, err := c.measure(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			round[c.name] = s
		}
		if n > 0 {
			measured = append(measured, round)
		}
	}
	return measured, nil
}

// timed is a sample of so many items since then.
func timed(began time.Time, count int) sample {
	return sample{Seconds: time.Since(began).Seconds(), Count: int64(count)}
}

// layout is a table of a run, as it is in the store.
type layout struct {
	columns []string
	ddl     string // of a table called items
}

func (l layout) insert() string {
	return "INSERT INTO items(" + strings.Join(l.columns, ",") + ") VALUES(" + strings.Repeat("?,", len(l.columns)-1) + "?)"
}

// byUID is the same table as a program has it that keeps entities by what identifies them.
func (l layout) byUID() (string, error) {
	const number, end = "rev INTEGER PRIMARY KEY", ") STRICT"
	if strings.Count(l.ddl, number) != 1 || !strings.HasSuffix(l.ddl, end) {
		return "", fmt.Errorf("what keeps rows by uid cannot be made of %s", l.ddl)
	}
	ddl := strings.Replace(l.ddl, number, "rev INTEGER NOT NULL", 1)
	return strings.TrimSuffix(ddl, end) + ", PRIMARY KEY(uid, source_order)" + end, nil
}

// learn has a run store all rows, and reads them back: they are what the other ways write.
func (b *bench) learn(ctx context.Context) (err error) {
	r, err := b.begin(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.end(ctx, r)) }()
	if err := b.store(ctx, r, writes); err != nil {
		return err
	}
	table := "run_" + strings.TrimLeft(strings.TrimPrefix(r.ID(), "r-"), "0") + "_custom_items"
	if b.table, err = b.describe(ctx, table); err != nil {
		return err
	}
	return b.read(ctx, table)
}

func (b *bench) describe(ctx context.Context, table string) (l layout, err error) {
	rows, err := b.guest.Query(ctx, rqlite.Statement{
		SQL: `SELECT name,(SELECT sql FROM sqlite_schema WHERE name=?1) FROM pragma_table_info(?1)`, Args: []any{table},
	})
	if err != nil {
		return l, err
	}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name, &l.ddl); err != nil {
			return l, err
		}
		l.columns = append(l.columns, name)
	}
	if len(l.columns) == 0 {
		return l, fmt.Errorf("there is no table %s", table)
	}
	l.ddl = strings.Replace(l.ddl, table, "items", 1)
	return l, nil
}

// read reads the rows of a run, in the order in which they were put.
func (b *bench) read(ctx context.Context, table string) error {
	const page = 500
	for from := 0; from < writes; from += page {
		rows, err := b.guest.Query(ctx, rqlite.Statement{
			SQL:  `SELECT json_array(` + strings.Join(b.table.columns, ",") + `) FROM ` + table + ` ORDER BY rev LIMIT ? OFFSET ?`,
			Args: []any{page, from},
		})
		if err != nil {
			return err
		}
		for rows.Next() {
			var text string
			if err := rows.Scan(&text); err != nil {
				return err
			}
			decoder := json.NewDecoder(strings.NewReader(text))
			decoder.UseNumber()
			var row []any
			if err := decoder.Decode(&row); err != nil {
				return err
			}
			for i, v := range row {
				if n, ok := v.(json.Number); ok {
					if row[i], err = n.Int64(); err != nil {
						return err
					}
				}
			}
			b.rows = append(b.rows, row)
		}
	}
	if len(b.rows) != writes {
		return fmt.Errorf("%d rows were stored, not %d", len(b.rows), writes)
	}
	return nil
}

// bytes is how large the first rows are.
func (b *bench) bytes(count int) (sum int64) {
	for _, row := range b.rows[:count] {
		sum += int64(rqlite.Size(row))
	}
	return sum
}

func (b *bench) begin(ctx context.Context) (*runs.Run, error) {
	return b.library.Begin(ctx, core.Summary{Name: "bench", Config: "bench", ConfigDigest: "bench"})
}

func (b *bench) end(ctx context.Context, r *runs.Run) error {
	return r.End(ctx, runs.Ending{State: core.Succeeded, Drop: true})
}

// store has a run store the first rows.
func (b *bench) store(ctx context.Context, r *runs.Run, count int) error {
	if err := put(ctx, r, count, func(i int) thing { return b.things[i] }); err != nil {
		return err
	}
	return r.Flush(ctx)
}

// other starts a node of its own for the ways that a run does not take.
func (b *bench) other(ctx context.Context) (err error) {
	if b.node, err = rqlite.StartNode(ctx, rqlite.NodeConfig{Binary: b.at.rqlited, Dir: filepath.Join(b.at.dir, "other")}); err != nil {
		return err
	}
	config := b.node.ClientConfig()
	if b.client, err = rqlite.Open(ctx, config); err != nil {
		return err
	}
	login := config.User + ":" + config.Password
	if b.otherProcess, err = processOf(ctx, config); err != nil {
		return err
	}
	at := strings.Replace(config.Endpoints()[0], "://", "://"+login+"@", 1)
	b.naive, err = gorqlite.Open(at + "/?disableClusterDiscovery=true")
	return err
}

// aside starts the programs that write into SQLite itself.
func (b *bench) aside(ctx context.Context) error {
	path := filepath.Join(b.at.dir, "rows.jsonl")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(file)
	for _, row := range b.rows {
		err = errors.Join(err, lines.Encode(row))
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	byUID, err := b.table.byUID()
	if err != nil {
		return err
	}
	if b.direct, err = startDirect(ctx, b.at.direct, filepath.Join(b.at.dir, "direct.sqlite"), byUID, b.table.insert(), path); err != nil {
		return err
	}
	b.same, err = startDirect(ctx, b.at.direct, filepath.Join(b.at.dir, "same.sqlite"), b.table.ddl, b.table.insert(), path)
	return err
}

// direct is the program that writes into SQLite itself.
type direct struct {
	command *exec.Cmd
	orders  io.WriteCloser
	answers *bufio.Reader
}

func startDirect(ctx context.Context, program string, args ...string) (*direct, error) {
	d := &direct{command: exec.CommandContext(ctx, program, args...)}
	d.command.Stderr = os.Stderr
	var err error
	if d.orders, err = d.command.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := d.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d.answers = bufio.NewReader(out)
	return d, d.command.Start()
}

func (d *direct) write(count, batch int) (time.Duration, error) {
	if _, err := fmt.Fprintln(d.orders, 0, count, batch); err != nil {
		return 0, err
	}
	var ns int64
	if _, err := fmt.Fscanln(d.answers, &ns); err != nil {
		return 0, fmt.Errorf("the program that writes into SQLite: %w", err)
	}
	return time.Duration(ns), nil
}

// cpu is how much the process has used so far.
func (d *direct) cpu() time.Duration { return processCPU(d.command.Process.Pid) }

func (d *direct) close() error { return errors.Join(d.orders.Close(), d.command.Wait()) }
