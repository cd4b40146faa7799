// Command wire measures what passes between a host and its plugins: records, assets, starts, and the memory both ends
// need. It is started by tools/bench, which knows what the numbers are to be compared with; it is a program of its own
// because what it links would be charged to the small programs that tools/bench measures.
//
//	wire -n 5              all cells, once a round, after a round that does not count; prints the rounds as JSON
//	wire plugin tls        serves the source that is measured, as a plugin with a certificate
//	wire plugin plain      the same without
//	wire carry N [wait]    carries so many records, and prints what memory that took
//
// The plugins are real processes, started by core/host as any other. Those that are read stay for all rounds. The cells
// of a round come one after the other, so that a loaded machine loads all of them alike.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"

	"github.com/seed-98789ff7/converter/sdk"
)

func main() {
	if len(os.Args) > 2 && os.Args[1] == "plugin" {
		serve(os.Args[2])
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(2)
	}
}

// serve is the main function of the plugin. A plugin that is not given the certificate of its host makes none for itself.
func serve(way string) {
	os.Args = slices.Delete(os.Args, 1, 3)
	if way == plain {
		if err := os.Unsetenv("PLUGIN_CLIENT_CERT"); err != nil {
			panic(err)
		}
	}
	sdk.Serve(newSource())
}

func run(ctx context.Context, args []string) error {
	if len(args) > 1 && args[0] == "carry" {
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		s, err := carry(ctx, n, len(args) > 2)
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(s)
	}
	flags := flag.NewFlagSet("wire", flag.ContinueOnError)
	rounds := flags.Int("n", 5, "rounds that count")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := open(ctx)
	if err != nil {
		return err
	}
	measured, err := b.measure(ctx, *rounds)
	if err := errors.Join(err, b.close()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(measured)
}
