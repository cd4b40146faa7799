package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs"
)

// runsCommand is `converter runs`: the history on the terminal.
func (a *app) runsCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "runs", Short: "List, show and forget past runs", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.runsListCommand(), a.runsShowCommand(), a.runsPruneCommand())
	return c
}

func (a *app) runsListCommand() *cobra.Command {
	var asJSON bool
	var limit int
	c := &cobra.Command{Use: "list", Short: "List the latest runs, newest first, also while one is at work", Args: cobra.NoArgs}
	k := a.keep(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().IntVar(&limit, "limit", 20, "how many; 0: all")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if limit < 0 {
			return usage("--limit is %d, and has to be 0 or more", limit)
		}
		return k.with(c, true, func(ctx context.Context, l *runs.Library) error {
			list, err := l.Runs(ctx, limit)
			if err != nil {
				return err
			}
			if asJSON {
				if list == nil {
					list = []core.Summary{}
				}
				return a.printJSON(list)
			}
			return printRuns(a.stdout, list)
		})
	}
	return c
}

func printRuns(w io.Writer, list []core.Summary) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "RUN\tSTATE\tSTARTED\tTOOK\tENTITIES\tPICTURES\tFAILED\tNAME")
	for _, s := range list {
		failed, _ := s.Failures()
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", s.ID, s.State, moment(s.StartedMS), lasted(s),
			grouped(madeOf(s, core.StageEntities)), grouped(madeOf(s, core.StageAssets)), grouped(failed), orDash(plain(s.Name)))
	}
	return t.Flush()
}

// madeOf is how many items of a stage came to something.
func madeOf(s core.Summary, stage core.Stage) int64 {
	c := s.Stage(stage)
	return c.Written + c.Cached
}

func moment(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).Format(time.DateTime)
}

// lasted is how long a run took, or has taken until its last sign of life.
func lasted(s core.Summary) string {
	end := s.EndedMS
	if end == 0 {
		end = s.HeartbeatMS
	}
	return took(time.Duration(max(0, end-s.StartedMS)) * time.Millisecond)
}

// shownRun is `runs show --json`.
type shownRun struct {
	core.Summary

	RowsKept bool `json:"rows_kept"` // its rows are in the store; without them nothing can be taken up where it ended
}

func (a *app) runsShowCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use: "show RUN", Short: "Show what became of a run: r-0001, or the run_id of a manifest", Args: cobra.ExactArgs(1),
	}
	k := a.keep(c)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, args []string) error {
		return k.with(c, true, func(ctx context.Context, l *runs.Library) error {
			s, err := l.Find(ctx, args[0])
			if _, none := errors.AsType[*runs.NotFoundError](err); none {
				return usage("%v: converter runs list", err)
			}
			if err != nil {
				return err
			}
			kept, err := l.Kept(ctx, s.Number)
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(shownRun{s, kept})
			}
			return printRun(a.stdout, s, kept)
		})
	}
	return c
}

func printRun(w io.Writer, s core.Summary, kept bool) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(t, "%s\t%s\n", name, fmt.Sprintf(format, args...)) }
	line("run", "%s · %s", s.ID, orDash(plain(s.Name)))
	state := string(s.State)
	if s.Reason != "" {
		state += ": " + plain(s.Reason)
	}
	if s.Actor != "" {
		state += " [" + plain(s.Actor) + "]"
	}
	line("state", "%s", state)
	line("started", "%s", moment(s.StartedMS))
	switch {
	case s.EndedMS > 0:
		line("ended", "%s, after %s", moment(s.EndedMS), lasted(s))
	default:
		line("alive", "%s, after %s", moment(s.HeartbeatMS), lasted(s))
	}
	line("config", "%s", plain(s.Config))
	line("result", "%s", orDash(s.ResultID))
	for _, path := range s.Outputs {
		line("output", "%s", plain(path))
	}
	for _, p := range s.Plugins {
		line("source", "%s: %s %s", plain(p.Source), plain(p.Plugin), plain(p.Version))
	}
	switch {
	case !s.State.Ended():
		line("rows", "in the store: it is at work")
	case kept:
		line("rows", "still in the store")
	default:
		line("rows", "dropped, so that it cannot be taken up where it ended; run its config again")
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(w)
	if err := printStages(w, s.Stages); err != nil {
		return err
	}
	if err := printFetched(w, s); err != nil {
		return err
	}
	for _, p := range s.Problems {
		printProblem(w, p)
	}
	return nil
}

func printStages(w io.Writer, stages []core.StageCounts) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "STAGE\tFOUND\tWRITTEN\tCACHED\tSKIPPED\tFAILED\tCANCELLED\t")
	for _, c := range stages {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t\n", c.Stage, grouped(c.Found), grouped(c.Written), grouped(c.Cached),
			grouped(c.Skipped), grouped(c.Failed), grouped(c.Cancelled))
	}
	return t.Flush()
}

func printProblem(w io.Writer, p core.Problem) {
	mark := "✗"
	if p.Warning {
		mark = "!"
	}
	fmt.Fprintf(w, "\n%s %s × %s [%s]\n", mark, grouped(p.Count), plain(p.Message), plain(p.Code))
	for _, example := range p.Examples {
		fmt.Fprintf(w, "    %s\n", plain(example))
	}
	if p.Suggestion != "" {
		fmt.Fprintf(w, "    → %s\n", plain(p.Suggestion))
	}
}

func (a *app) runsPruneCommand() *cobra.Command {
	var keep int
	var older string
	var dryRun bool
	c := &cobra.Command{
		Use:   "prune",
		Short: "Forget old runs with all their rows, and give the space back",
		Long: `Prune forgets ended runs: those beyond the latest ones (--keep), or those that ended long ago (--older-than). Outputs and
pictures stay. The database's file becomes smaller when more than half of it is free, else the space is used again.`,
		Args: cobra.NoArgs,
	}
	k := a.keep(c)
	c.Flags().IntVar(&keep, "keep", 0, "how many of the latest ended runs to keep")
	c.Flags().StringVar(&older, "older-than", "", "age from which on runs are forgotten, such as 30d or 12h")
	c.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be forgotten")
	c.RunE = func(c *cobra.Command, _ []string) error {
		f, err := forgetting(c.Flags().Changed("keep"), keep, older)
		if err != nil {
			return err
		}
		f.DryRun = dryRun
		return k.with(c, dryRun, func(ctx context.Context, l *runs.Library) error {
			done, err := l.Forget(ctx, f)
			if err != nil {
				return err
			}
			a.sayForgotten(done, dryRun)
			return nil
		})
	}
	return c
}

// forgetting says which runs the flags mean.
func forgetting(kept bool, keep int, older string) (f runs.Forgetting, err error) {
	switch {
	case kept == (older != ""):
		return f, usage("say which runs to forget, by one of --keep N and --older-than 30d")
	case kept && keep < 1:
		return f, usage("--keep is %d, and has to be 1 or more", keep)
	case kept:
		return runs.Forgetting{Keep: keep}, nil
	}
	age, err := parseAge(older)
	if err != nil {
		return f, err
	}
	return runs.Forgetting{Before: time.Now().Add(-age)}, nil
}

// parseAge reads a length of time that may be in days.
func parseAge(text string) (time.Duration, error) {
	days, inDays := strings.CutSuffix(text, "d")
	age, err := time.ParseDuration(text)
	if n, numberErr := strconv.Atoi(days); inDays && numberErr == nil && n <= 36500 {
		age, err = time.Duration(n)*24*time.Hour, nil
	}
	if err != nil || age <= 0 {
		return 0, usage("--older-than is %q, and has to be a length of time such as 30d or 12h", text)
	}
	return age, nil
}

func (a *app) sayForgotten(done runs.Forgotten, dryRun bool) {
	for _, s := range done.Runs {
		fmt.Fprintf(a.stdout, "%s  %s  %s\n", s.ID, s.State, moment(s.StartedMS))
	}
	switch {
	case len(done.Runs) == 0:
		fmt.Fprintln(a.stdout, "no run is that old: nothing to forget")
	case dryRun:
		fmt.Fprintf(a.stdout, "%s would be forgotten, with %s of large bodies\n", plural(len(done.Runs), "run"), sized(done.Bodies))
	default:
		line := fmt.Sprintf("%s forgotten: %s of rows and %s of large bodies are free", plural(len(done.Runs), "run"), sized(done.Rows), sized(done.Bodies))
		if done.Shrunk > 0 {
			line += fmt.Sprintf("; the database is %s smaller", sized(done.Shrunk))
		}
		fmt.Fprintln(a.stdout, line)
	}
}
