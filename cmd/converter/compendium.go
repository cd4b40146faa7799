package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/engine"
	"github.com/seed-98789ff7/converter/runs"
	"github.com/seed-98789ff7/converter/runs/memory"
)

// updateFlags are the flags of `converter update-compendium`.
type updateFlags struct {
	runFlags

	json       bool
	dropFailed bool
}

func (a *app) updateCommand() *cobra.Command {
	var f updateFlags
	c := &cobra.Command{
		Use:     "update-compendium",
		Aliases: []string{"build-cache"},
		Short:   "Read all sources of a config into the compendium that later runs look things up in",
		Long: `Update-compendium reads all sources of a config file and puts what it read in the place of the compendium, in one step:
runs see the old one or the new one. Of two sources that have a document of one kind and slug, the later one wins. Of a list that
could not be read in full, what the old compendium has and what did not come stays, and is named; --drop-failed leaves it out.

Exit codes: 0 there is a new compendium, also when a source failed, which is said; 1 there is none and the old one stays, 2 the
config or the usage is wrong, 3 a source failed and --strict was given, 130 and 143 stopped by a signal. The store is
looked for before any plugin is started.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.update(cmd.Context(), f) },
	}
	configFlag(c, &f.config)
	fs := c.Flags()
	fs.StringVar(&f.state, "state", "", "state folder (default: .converter beside the config file)")
	fs.StringVar(&f.progress, "progress", progressAuto, "how progress is shown: auto, tty, plain, json or none")
	fs.StringVar(&f.logLevel, "log-level", "warn", "what is logged: debug, info, warn or error")
	fs.BoolVar(&f.strict, "strict", false, "exit with 3 when a source failed")
	fs.BoolVar(&f.dropFailed, "drop-failed", false, "leave out what could not be read, instead of keeping it from the compendium before")
	fs.BoolVar(&f.json, "json", false, "print the summary as JSON")
	pluginDirFlag(c, &f.plugins)
	return c
}

// update is `converter update-compendium`.
func (a *app) update(ctx context.Context, f updateFlags) (err error) {
	j, err := a.prepare(f.runFlags)
	if err != nil {
		return err
	}
	ctx, j.stop = stopOnSignal(ctx, j.screen)
	defer j.stop.close()
	u := &update{job: j, json: f.json, dropFailed: f.dropFailed}
	if err := u.open(ctx); err != nil {
		return errors.Join(j.stop.instead(err), u.close(ctx))
	}
	err = u.do(ctx)
	if closed := u.close(ctx); closed != nil {
		j.log.Warn("not everything ended as it should", "error", closed)
	}
	return err
}

// update is a run that makes a compendium instead of outputs.
type update struct {
	*job

	json       bool
	dropFailed bool
	took       sync.Map // time.Duration by source
	builtMS    int64    // when the compendium was built that this one replaces
}

// open starts what is needed, the store first: without it no plugin is started.
func (u *update) open(ctx context.Context) (err error) {
	if u.library, err = openLibrary(ctx, u.conf, u.state, u.log); err != nil {
		return failed(err)
	}
	s := newSources(len(u.conf.Sources))
	u.stop.second(s.kill)
	if err := u.conf.start(ctx, s, u.log, u.state); err != nil {
		return err
	}
	u.sources = s
	u.sources.sweep(u.state)
	u.run, err = u.library.Begin(ctx, core.Summary{
		Name: u.conf.name() + " (compendium)", Compendium: true, Config: u.conf.path, ConfigDigest: u.conf.digest, Outputs: []string{}, Plugins: u.plugins(),
	})
	if err != nil {
		return failed(err)
	}
	return nil
}

// timed notes how long sources are read.
type timed struct {
	*memory.State

	took *sync.Map
}

// Reading implements [engine.Recorder].
func (t timed) Reading(source string) func() {
	begun, end := time.Now(), t.State.Reading(source)
	return func() {
		t.took.Store(source, time.Since(begun))
		end()
	}
}

// do makes the compendium, with progress on the terminal, and ends the run.
func (u *update) do(ctx context.Context) error {
	begun := time.Now()
	state := u.run.State()
	showing, hide := context.WithCancel(context.WithoutCancel(ctx))
	var shown errgroup.Group
	shown.Go(func() error {
		p := progress{terminal: u.screen, snapshot: state.Snapshot}
		p.run(showing)
		return nil
	})
	earlier, err := u.earlier(ctx)
	if err != nil {
		hide()
		_ = shown.Wait() // it returns none
		return u.exit(u.finish(engine.Compiled{}, err), err)
	}
	compiled, err := engine.Compile(ctx, engine.Config{
		RunID: u.run.ID(), ConfigDigest: u.conf.digest, Sources: u.sources.list,
		Workers: u.conf.Run.Workers, MaxFailures: int64(u.conf.Run.MaxFailures),
		Ledger: u.run, Harvests: u.run, Recorder: timed{state, &u.took}, Log: u.log.With("run", u.run.ID()),
	}, earlier, func(ctx context.Context) (engine.Edition, error) { return u.library.BuildCompendium(ctx) })
	err = u.explain(err)
	if err == nil {
		u.noteKept(compiled)
	}
	ending := u.finish(compiled, err)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	if unsaved := u.run.End(last, ending); unsaved != nil {
		u.log.Warn("the run's end is not stored", "error", unsaved) // the compendium is in its place, or is not
	}
	if closed := u.sources.Close(); closed != nil {
		u.log.Warn("a plugin did not end as it should", "error", closed)
	}
	u.sources = nil
	hide()
	_ = shown.Wait() // it returns none
	summary := state.Summary()
	if u.screen.mode != progressNone && u.screen.mode != progressJSON {
		u.problems(summary)
		for _, line := range fetchedLines(summary) {
			fmt.Fprintln(u.screen, line)
		}
	}
	for _, source := range compiled.Broken {
		what := "what it had of that before stays"
		if earlier == nil {
			what = "the compendium lacks something of it"
		}
		fmt.Fprintf(u.screen, "warning: source %q was not read to its end: %s\n", source, what)
	}
	report := u.report(compiled, summary, time.Since(begun))
	if err == nil || u.json {
		u.print(report)
	}
	if errors.Is(err, engine.ErrNothingRead) && ending.State == core.Failed {
		fmt.Fprintln(u.screen, "Critical: No entities indexed; the compendium is as it was")
		if rest := unsaid(err); rest != nil {
			return u.exit(ending, rest)
		}
		return &exitError{code: exitFailed}
	}
	return u.exit(ending, err)
}

// earlier is what is kept from: nil where nothing is to be, or there is nothing.
func (u *update) earlier(ctx context.Context) (engine.Earlier, error) {
	if u.dropFailed {
		return nil, nil
	}
	state, err := u.library.CompendiumState(ctx)
	if err != nil || state.Generation == 0 {
		return nil, err
	}
	u.builtMS = state.BuiltMS
	return u.library, nil
}

// noteKept says what stays from the compendium before, among the run's problems.
func (u *update) noteKept(c engine.Compiled) {
	for _, k := range c.Kept {
		u.run.State().Failure(core.Failure{
			Stage: core.StageRead, Code: "compendium.kept", Source: k.Source, Stream: k.Stream, Item: k.Stream, Warning: true, Transient: true,
			Message: fmt.Sprintf("kept %s %s of %s from the build of %s, because it could not be read in full: %s",
				grouped(k.Count), k.Stream, k.Source, moment(u.builtMS), k.Because),
			Suggestion: "build again when the source can be read; --drop-failed leaves out what could not be",
		})
	}
}

// unsaid leaves out of an error that nothing was read.
func unsaid(err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var rest []error
	for _, e := range joined.Unwrap() {
		if !errors.Is(e, engine.ErrNothingRead) {
			rest = append(rest, e)
		}
	}
	return errors.Join(rest...)
}

// finish is how the run ended.
func (u *update) finish(compiled engine.Compiled, err error) runs.Ending {
	e := u.ending(engine.Result{Entities: max(compiled.Items(), 1), Broken: compiled.Broken}, err)
	e.ResultID, e.Drop = "", true // a build is begun anew
	return e
}

// updateReport is what a build did.
type updateReport struct {
	Type        string            `json:"type"` // compendium
	Run         string            `json:"run"`
	State       core.State        `json:"state"`
	Reason      string            `json:"reason,omitempty"`
	Items       int64             `json:"items"`
	TookMS      int64             `json:"took_ms"`
	Sources     []sourceReport    `json:"sources"`
	Overwritten []overwriteReport `json:"overwritten"`
	Broken      []string          `json:"broken"`
	Kept        []keptReport      `json:"kept"`
}

// keptReport is what stays of a stream from the compendium before.
type keptReport struct {
	Source  string `json:"source"`
	Stream  string `json:"stream"`
	Count   int64  `json:"count"`
	BuiltMS int64  `json:"built_ms"` // the compendium before
	Because string `json:"because"`
}

type sourceReport struct {
	Source string `json:"source"`
	counts
	TookMS int64        `json:"took_ms"`
	Kinds  []kindReport `json:"kinds"`
}

type kindReport struct {
	Kind string `json:"kind"`
	counts
}

// counts are records, or entities of one kind.
type counts struct {
	Read        int64 `json:"read"`
	Kept        int64 `json:"kept"` // from the compendium before
	Indexed     int64 `json:"indexed"`
	Overwritten int64 `json:"overwritten"`
	Failed      int64 `json:"failed"`
}

type overwriteReport struct {
	Source    string `json:"source"`
	By        string `json:"by"`
	Kind      string `json:"kind"`
	Count     int64  `json:"count"`
	Identical int64  `json:"identical"`
}

// report puts the numbers together by source and kind. What became no entity has no kind.
func (u *update) report(c engine.Compiled, s core.Summary, took time.Duration) updateReport {
	r := updateReport{
		Type: "compendium", Run: s.ID, State: s.State, Reason: s.Reason, TookMS: took.Milliseconds(),
		Sources: []sourceReport{}, Overwritten: []overwriteReport{}, Broken: append([]string{}, c.Broken...), Kept: []keptReport{},
	}
	for _, k := range c.Kept {
		r.Kept = append(r.Kept, keptReport{k.Source, k.Stream, k.Count, u.builtMS, k.Because})
	}
	if s.State == core.Succeeded || s.State == core.Partial {
		r.Items = c.Items()
	}
	keys := slices.SortedFunc(maps.Keys(c.Kinds), func(a, b core.SourceKind) int { return cmp.Compare(a.Kind, b.Kind) })
	for _, source := range u.conf.Sources {
		of := sourceReport{Source: source.Name, Kinds: []kindReport{}}
		if took, ok := u.took.Load(source.Name); ok {
			of.TookMS = took.(time.Duration).Milliseconds()
		}
		for _, key := range keys {
			if key.Source == source.Name {
				n := counts(c.Kinds[key])
				of.Kinds = append(of.Kinds, kindReport{key.Kind, n})
				of.add(n)
			}
		}
		for _, stream := range s.Streams {
			if stream.Source == source.Name {
				of.add(counts{Read: stream.Failed, Failed: stream.Failed})
			}
		}
		r.Sources = append(r.Sources, of)
	}
	for _, o := range c.Overwritten {
		r.Overwritten = append(r.Overwritten, overwriteReport{o.Source, o.By, o.Kind, o.Count, o.Identical})
	}
	return r
}

func (c *counts) add(n counts) {
	c.Read += n.Read
	c.Kept += n.Kept
	c.Indexed += n.Indexed
	c.Overwritten += n.Overwritten
	c.Failed += n.Failed
}

// print writes the report to standard output.
func (u *update) print(r updateReport) {
	if u.json {
		enc := json.NewEncoder(u.app.stdout)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(r) // a reader that went away does not change what was done
		return
	}
	w := tabwriter.NewWriter(u.app.stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "source\tkind\tread\tkept\tindexed\toverwritten\tfailed\ttook\t")
	row := func(source, kind string, c counts, took string) {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t\n", source, kind, c.Read, c.Kept, c.Indexed, c.Overwritten, c.Failed, took)
	}
	for _, s := range r.Sources {
		for _, k := range s.Kinds {
			row(s.Source, k.Kind, k.counts, "")
		}
		row(s.Source, "all", s.counts, took(time.Duration(s.TookMS)*time.Millisecond))
	}
	_ = w.Flush() // a reader that went away does not change what was done
	for _, o := range r.Overwritten {
		fmt.Fprintf(u.app.stdout, "%s: %s of %s replaced by %s, %d of them the same\n", o.Kind, grouped(o.Count), o.Source, o.By, o.Identical)
	}
	line := strings.NewReplacer("entitys", "entities").Replace(plural(int(r.Items), "entity"))
	fmt.Fprintf(u.app.stdout, "%s  compendium of %s · %s\n", r.State, line, took(time.Duration(r.TookMS)*time.Millisecond))
}
