// Command store measures what the way of a run into the store costs, and what reading back costs that was kept in memory.
// It is started by tools/bench, which knows what the numbers are to be compared with; it is a program of its own because
// what it links would be charged to the small programs that tools/bench measures.
//
//	store -rqlited PATH -direct PATH -dir DIR -n 5     all cells, once a round, after a round that does not count
//	… -cells 'write (run|direct)'                      those whose names match, for looking into them
//	store -rqlited PATH -dir DIR fill N                stores N rows, and prints what memory that took
//
// The nodes are real ones, private as those of runs; they stay for all rounds. The cells of a round come one after the
// other, so that a loaded machine loads all of them alike.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"runtime/debug"
	"strconv"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "store:", err)
		os.Exit(2)
	}
}

// places are what is used of this machine.
type places struct {
	rqlited, direct string // programs
	dir             string // a folder to work in
}

func run(ctx context.Context, args []string) error {
	var at places
	flags := flag.NewFlagSet("store", flag.ContinueOnError)
	rounds := flags.Int("n", 5, "rounds that count")
	only := flags.String("cells", "", "what the names of the cells to be measured match; default: all")
	flags.StringVar(&at.rqlited, "rqlited", "", "the program of the node")
	flags.StringVar(&at.direct, "direct", "", "the program that writes into SQLite itself")
	flags.StringVar(&at.dir, "dir", "", "a folder to work in")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if at.rqlited == "" || at.dir == "" {
		return errors.New("-rqlited and -dir are wanted")
	}
	debug.SetGCPercent(200) // as a run has it
	if flags.Arg(0) == "fill" {
		n, err := strconv.Atoi(flags.Arg(1))
		if err != nil {
			return err
		}
		filled, err := fill(ctx, at, n)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(filled)
	}
	names, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	b, err := open(ctx, at)
	if err != nil {
		return err
	}
	measured, err := b.measure(ctx, *rounds, names)
	if err := errors.Join(err, b.close(ctx)); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(measured)
}
