// Command bench measures what this program promises about speed and memory, against the tools people use today, and says
// whether the promise is kept. It is run by `./task bench`, from the root of the repository:
//
//	./task bench                 all benchmarks
//	./task bench -- -n 9         more rounds
//	./task bench -- plugin       one benchmark by its name
//	./task bench -- store -rows 1000000     the store, with as many rows at once
//
// The variants of a benchmark take turns in one loop, after a round that does not count, so that a loaded machine loads
// all of them alike; numbers are medians, ratios are medians of each round's ratio. CPU is user and system time, and
// peak is the largest resident set of any one process, both from the system's account of the ended process (wait4),
// which has in it those of its children it waited for.
//
// It exits with 1 when a bar is not met, with 2 when it could not measure. What it starts it waits for.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"

	renderer "github.com/seed-98789ff7/converter/core/asset/worker"
	"github.com/seed-98789ff7/converter/plugins/pdf/extract"
)

// benchmark is one comparison.
type benchmark struct {
	name    string
	summary string
	run     func(context.Context, settings) (report, error)
}

// settings are what all benchmarks are run with.
type settings struct {
	rounds int
	rows   int // that are stored at once to see what memory it takes

	pictures int       // of a folder of many
	repo     string    // root of the repository
	data     string    // folder of real content
	work     string    // a folder to work in, removed at the end
	say      io.Writer // what goes on
}

// begin says that a round begins; the first one, 0, does not count.
func (s settings) begin(of string, n int) {
	if n == 0 {
		fmt.Fprintf(s.say, "%s: a round that does not count\n", of)
		return
	}
	fmt.Fprintf(s.say, "%s: round %d of %d\n", of, n, s.rounds)
}

func benchmarks() []benchmark {
	return []benchmark{
		{name: "foundry", summary: "the 22 packs of dnd5e, against the official command line tool", run: foundry},
		{name: "plugin", summary: "records and assets of a plugin process, against the same source called in process", run: plugin},
		{name: "store", summary: "rows into the store and back, against SQLite itself and the client library", run: store},
		{name: "api", summary: "three recorded APIs, against following each list from page to page", run: api},
		{name: "images", summary: "pictures in four sizes, against Pillow, libvips and ImageMagick", run: pictures},
		{name: "images-many", summary: "a run over thousands of pictures, part by part, and a second one", run: many},
		{name: "pdf", summary: "text of PDF files, against pdftotext, mutool and pypdf", run: pdfs},
	}
}

// errNotMet ends a measurement that shows a bar that is not met.
var errNotMet = errors.New("a bar is not met")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errNotMet):
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 1 && args[0] == workerFlag {
		return work(os.Stdout, args[1], args[2:])
	}
	if len(args) > 0 && args[0] == picturesFlag {
		return makePictures(ctx, os.Stdout, args[1:])
	}
	if len(args) == 3 && args[0] == picturesContent {
		return makeContent(args[1], args[2])
	}
	if len(args) == 4 && args[0] == picturesMany {
		n, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		return makeMany(ctx, args[1], args[2], n)
	}
	if len(args) > 0 && args[0] == picturesServe {
		return renderer.Serve(ctx, os.Stdin, os.Stdout, 1024)
	}
	if len(args) > 0 && args[0] == pdfFlag {
		return readPDF(ctx, os.Stdout, args[1:])
	}
	if len(args) > 0 && args[0] == pdfWorker {
		return extract.Work(ctx, os.Stdin, os.Stdout)
	}
	s := settings{say: os.Stderr}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&s.rounds, "n", 5, "rounds that count")
	flags.IntVar(&s.rows, "rows", 100_000, "rows that are stored at once to see what memory that takes")
	flags.IntVar(&s.pictures, "pictures", 5000, "pictures in a folder of many")
	var names []string
	for { // flags may stand behind names
		if err := flags.Parse(args); err != nil {
			return err
		}
		if flags.NArg() == 0 {
			break
		}
		names, args = append(names, flags.Arg(0)), flags.Args()[1:]
	}
	if s.rounds < 1 {
		return fmt.Errorf("-n %d: at least one round has to count", s.rounds)
	}
	if s.rows < 1 {
		return fmt.Errorf("-rows %d: at least one row has to be stored", s.rows)
	}
	chosen, err := choose(names)
	if err != nil {
		return err
	}
	if s.repo, s.data, err = places(); err != nil {
		return err
	}
	if s.work, err = os.MkdirTemp("", "converter-bench-"); err != nil {
		return fmt.Errorf("folder to work in: %w", err)
	}
	return errors.Join(measureAll(ctx, chosen, s), os.RemoveAll(s.work))
}

func measureAll(ctx context.Context, chosen []benchmark, s settings) error {
	met := true
	for _, b := range chosen {
		r, err := b.run(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", b.name, err)
		}
		fmt.Printf("%s: %s; %d rounds\n\n%s\n", b.name, b.summary, s.rounds, r)
		met = met && r.met()
	}
	if !met {
		return errNotMet
	}
	return nil
}

// choose returns the benchmarks of the given names, or all.
func choose(names []string) ([]benchmark, error) {
	all := benchmarks()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []benchmark
	for _, name := range names {
		before := len(chosen)
		for _, b := range all {
			if b.name == name {
				chosen = append(chosen, b)
			}
		}
		if len(chosen) == before {
			known := make([]string, len(all))
			for i, b := range all {
				known[i] = b.name
			}
			return nil, fmt.Errorf("there is no benchmark %q; there is: %s", name, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}
