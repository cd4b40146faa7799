package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/runs"
)

// cacheCommand is `converter cache`: what is kept so that later runs need not make it again.
func (a *app) cacheCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "cache", Short: "Look after what is kept for later runs: pictures and their rows", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.cacheStatsCommand(), a.cachePruneCommand(), a.cacheVerifyCommand())
	return c
}

func (a *app) cacheStatsCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: "stats", Short: "Say how much is cached, also while a run is at work", Args: cobra.NoArgs}
	k := a.keep(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return k.with(c, true, func(ctx context.Context, l *runs.Library) error {
			s, err := l.CacheStats(ctx)
			switch {
			case err != nil:
				return err
			case asJSON:
				return a.printJSON(s)
			default:
				return printCache(a.stdout, s)
			}
		})
	}
	return c
}

func printCache(w io.Writer, s runs.CacheStats) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(name string, a runs.Amount) {
		fmt.Fprintf(t, "%s\t%s\t%s\n", name, grouped(a.Count), sized(a.Bytes))
	}
	fmt.Fprintln(t, "WHAT\tCOUNT\tSIZE")
	for _, a := range s.Tables {
		line("rows: "+a.Kind, a)
	}
	line("files of pictures", s.Blobs)
	for _, a := range s.Kinds {
		line("  "+plain(a.Kind), a)
	}
	line("  named by no row", s.Unused)
	line("large bodies of runs", s.Bodies)
	line("streams that have not changed", s.Streams)
	line("files of sources that were read", s.Files)
	if s.Quarantined > 0 {
		fmt.Fprintf(t, "pictures that killed what rendered them\t%s\t\n", grouped(s.Quarantined))
	}
	for _, a := range s.Fetched {
		line("fetched: "+plain(a.Kind), a)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if s.Missing.Count > 0 {
		fmt.Fprintf(w, "\n! %s of pictures that rows name are not there in full\n    → converter cache verify --repair\n", counted(s.Missing.Count, "file"))
	}
	if s.Unused.Count > 0 {
		fmt.Fprintf(w, "\n%s can be had back: converter cache prune\n", sized(s.Unused.Bytes))
	}
	return nil
}

func (a *app) cachePruneCommand() *cobra.Command {
	var dryRun, streams bool
	c := &cobra.Command{
		Use: "prune", Short: "Remove files of pictures that no row names any more, and what has expired", Args: cobra.NoArgs,
		Long: `Prune removes files of pictures that no row names any more, rows that have expired, and what is kept of streams that no run has
used for 30 days or that is more than 1 GB. With --streams all of the latter goes, and what files of sources held: the next run
reads everything. Pictures that killed the processes which rendered them are tried again.`,
	}
	k := a.keep(c)
	c.Flags().BoolVar(&streams, "streams", false, "remove all that is kept of streams")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be removed")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return k.with(c, dryRun, func(ctx context.Context, l *runs.Library) error {
			gone, err := l.PruneCache(ctx, dryRun)
			if err != nil {
				return err
			}
			expired, err := l.PurgeCaches(ctx, dryRun)
			if err != nil {
				return err
			}
			kept, err := l.PruneStreams(ctx, streams, dryRun)
			if err != nil {
				return err
			}
			word := "removed"
			if dryRun {
				word = "would be removed"
			}
			fmt.Fprintf(a.stdout, "%s %s: %s\n", counted(gone.Count, "file"), word, sized(gone.Bytes))
			fmt.Fprintf(a.stdout, "%s %s: expired\n", counted(expired, "row"), word)
			fmt.Fprintf(a.stdout, "%s %s: %s\n", counted(kept.Count, "stream"), word, sized(kept.Bytes))
			return nil
		})
	}
	return c
}

// shownFaults is how many faults are shown; JSON has them all.
const shownFaults = 20

func (a *app) cacheVerifyCommand() *cobra.Command {
	var asJSON, repair bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Compare every cached file with its name, and every row with its files",
		Long: `Verify reads every file of a picture and compares it with the SHA-256 that names it, every row with the files it names, and
every picture of a source that seems unchanged with what it held when it was last read.
With --repair what is wrong is removed, and the next run makes it anew.

Exit codes: 0 nothing is wrong any more, 1 something is, 2 the usage is wrong, 130 and 143 stopped by a signal.`,
		Args: cobra.NoArgs,
	}
	k := a.keep(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&repair, "repair", false, "remove what is wrong")
	c.RunE = func(c *cobra.Command, _ []string) error {
		return k.with(c, !repair, func(ctx context.Context, l *runs.Library) error {
			check, err := l.VerifyCache(ctx, repair, k.progress())
			if err != nil {
				return err
			}
			k.screen.draw("")
			if asJSON {
				if check.Faults == nil {
					check.Faults = []runs.CacheFault{}
				}
				err = a.printJSON(check)
			} else {
				a.sayChecked(check)
			}
			if err == nil && len(check.Faults) > 0 && !check.Repaired {
				return &exitError{code: exitFailed}
			}
			return err
		})
	}
	return c
}

func (a *app) sayChecked(c runs.CacheCheck) {
	for i, f := range c.Faults {
		if i == shownFaults {
			fmt.Fprintf(a.stdout, "… and %s more\n", plural(len(c.Faults)-i, "fault"))
			break
		}
		of := ""
		if f.Asset != "" {
			of = " of asset " + f.Asset
		}
		fmt.Fprintf(a.stdout, "✗ %s%s: %s\n", f.Blob+plain(f.File), of, plain(f.What))
	}
	line := fmt.Sprintf("%s, %s and %s looked at: ", counted(c.Blobs.Count, "file"), sized(c.Blobs.Bytes), counted(c.Rows, "row"))
	switch {
	case len(c.Faults) == 0:
		line += "all is well"
	case c.Repaired:
		line += plural(len(c.Faults), "fault") + " removed; the next run makes anew what is missing"
	default:
		line += plural(len(c.Faults), "fault") + "; converter cache verify --repair removes them"
	}
	fmt.Fprintln(a.stdout, line)
}
