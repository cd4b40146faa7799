package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/core/asset/worker"
	"github.com/seed-98789ff7/converter/core/engine"
	"github.com/seed-98789ff7/converter/core/output"
	"github.com/seed-98789ff7/converter/runs"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// runFlags are the flags of `converter run`.
type runFlags struct {
	config      string
	state       string
	progress    string
	logLevel    string
	dashboard   string
	noDashboard bool
	keepOpen    bool
	strict      bool
	resume      string
	retry       string
	fresh       bool
	plugins     []string
}

func (a *app) runCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "run",
		Short: "Read all sources of a config and write its outputs",
		Long: `Run reads all sources of a config file and writes its outputs, each of them whole or not at all.

A run that was interrupted, failed or was cancelled can be taken up where it stopped: --resume r-0007, or --resume last. Of a
run in which items failed, --retry tries again just these, as a new run, and writes the outputs anew as a whole.

What sources can tell to be as it was in an earlier run is taken over from there, and not read again; --fresh reads it all the
same. The outputs are the same either way.

Exit codes: 0 everything or a part was converted, 1 nothing was converted, 2 the config or the usage is wrong and nothing
was started, 3 a part was converted and --strict was given, 130 and 143 stopped by a signal.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.run(cmd.Context(), f) },
	}
	configFlag(c, &f.config)
	fs := c.Flags()
	fs.StringVar(&f.state, "state", "", "state folder (default: .converter beside the config file)")
	fs.StringVar(&f.progress, "progress", progressAuto, "how progress is shown: auto, tty, plain, json or none")
	fs.StringVar(&f.logLevel, "log-level", "warn", "what is logged: debug, info, warn or error")
	fs.StringVar(&f.dashboard, "dashboard", "", "address of the dashboard (default: 127.0.0.1:8787, or the next free port)")
	fs.BoolVar(&f.noDashboard, "no-dashboard", false, "serve no dashboard")
	fs.BoolVar(&f.keepOpen, "keep-open", false, "keep the dashboard open when the run has ended, until Ctrl-C")
	fs.BoolVar(&f.strict, "strict", false, "exit with 3 when only a part was converted")
	fs.StringVar(&f.resume, "resume", "", "take up this run (r-0007, or last) where it was interrupted, failed or cancelled")
	fs.BoolVar(&f.fresh, "fresh", false, "read everything, also what has not changed since an earlier run")
	fs.StringVar(&f.retry, "retry", "", "try again what failed in this run (r-0007, or last), as a new run")
	pluginDirFlag(c, &f.plugins)
	return c
}

// closeLimit is how long the store may take to save what is left and to stop.
const closeLimit = 30 * time.Second

// garbage is how much of it may lie beside what is in use, in percent, before it is looked for. A run and the plugins that come with the
// program make much of it for each item and hold little; looking half as often is a tenth more items a second, and a thirtieth less for a book.
const garbage = 200

// run is `converter run`.
func (a *app) run(ctx context.Context, f runFlags) (err error) {
	if f.keepOpen && f.noDashboard {
		return usage("--keep-open and --no-dashboard exclude each other")
	}
	if f.resume != "" && f.retry != "" {
		return usage("--resume and --retry exclude each other")
	}
	j, err := a.prepare(f)
	if err != nil {
		return err
	}
	ctx, j.stop = stopOnSignal(ctx, j.screen)
	defer j.stop.close()
	if err := j.open(ctx); err != nil {
		return errors.Join(j.stop.instead(err), j.close(ctx))
	}
	err = j.do(ctx)
	if closed := j.close(ctx); closed != nil { // what was written is written, so this is not how the run ended
		j.log.Warn("not everything ended as it should", "error", closed)
	}
	return err
}

// prepare reads the config, and makes a job of it that nothing was started for.
func (a *app) prepare(f runFlags) (*job, error) {
	if err := checkProgress(f.progress); err != nil {
		return nil, err
	}
	conf, err := a.config(f.config)
	if err != nil {
		return nil, err
	}
	conf.plugins = f.plugins
	screen := newTerminal(a.stderr, f.progress)
	log, err := newLog(screen, a.stderr, f.logLevel, screen.mode)
	if err != nil {
		return nil, err
	}
	state, err := filepath.Abs(conf.stateDir(f.state))
	if err != nil {
		return nil, usage("state folder: %w", err)
	}
	debug.SetGCPercent(garbage)
	return &job{app: a, flags: f, conf: conf, screen: screen, log: log, state: state}, nil
}

// job is one run with everything it needs, opened and closed in one place.
type job struct {
	app    *app
	flags  runFlags
	conf   *config
	screen *terminal
	log    *slog.Logger
	stop   *stopper
	state  string // folder

	library *runs.Library
	sources *sources
	run     *runs.Run
	board   *board        // nil: none
	earlier *core.Summary // the run to take up, or to try again; nil: none

	compendium engine.Compendium // nil: none
	images     *asset.Config     // how pictures are made; nil: they are not
	workers    *worker.Pool      // what makes them
}

// open starts what a run needs: store, plugins, dashboard, in this order, so that a plugin is not started in vain.
func (j *job) open(ctx context.Context) (err error) {
	if err := j.conf.checkOutputs(); err != nil {
		return err
	}
	if err := j.chooseEncoder(); err != nil {
		return err
	}
	if !j.flags.noDashboard {
		if j.board, err = listen(ctx, j.flags.dashboard); err != nil {
			return usage("%w", err)
		}
	}
	if j.flags.resume != "" || j.flags.retry != "" { // what cannot be taken up is said before anything is started
		if err := j.lookBack(ctx); err != nil {
			return err
		}
	}
	if err := j.openLibrary(ctx); err != nil {
		return err
	}
	s := newSources(len(j.conf.Sources))
	j.stop.second(s.kill)
	if err := j.conf.start(ctx, s, j.log, j.state); err != nil {
		return err
	}
	j.sources = s
	j.sources.sweep(j.state)
	if err := j.begin(ctx); err != nil {
		return err
	}
	known, err := j.run.Compendium(ctx)
	if err != nil {
		return failed(err)
	}
	if known != nil {
		j.compendium = known
	}
	if j.board == nil {
		return nil
	}
	return j.board.serve(ctx, j)
}

// chooseEncoder settles what writes pictures.
func (j *job) chooseEncoder() error {
	if !j.conf.images() {
		return nil
	}
	images, note, err := j.conf.assetConfig()
	if err != nil {
		return usage("%w", err)
	}
	if note != "" {
		j.log.Info("the built-in encoder writes the pictures", "reason", note)
	}
	j.images = &images
	j.workers, err = pictureWorkers(j.conf, j.log)
	return err
}

func (j *job) openLibrary(ctx context.Context) (err error) {
	if j.library != nil {
		return nil
	}
	if j.library, err = openLibrary(ctx, j.conf, j.state, j.log); err != nil {
		return failed(err)
	}
	return nil
}

// begin enters the run, or takes up the earlier one.
func (j *job) begin(ctx context.Context) (err error) {
	begin := core.Summary{
		Name: j.conf.name(), Config: j.conf.path, ConfigDigest: j.conf.digest, ConfigParts: j.conf.parts(), Outputs: j.outputs(),
		Plugins: j.plugins(),
	}
	switch {
	case j.flags.resume != "":
		j.run, err = j.library.Resume(ctx, j.earlier.ID, begin.Plugins)
	case j.flags.retry != "":
		j.run, err = j.library.Retry(ctx, j.earlier.ID, begin)
	default:
		j.run, err = j.library.Begin(ctx, begin)
	}
	if err != nil {
		return failed(err)
	}
	j.versions()
	return nil
}

func openLibrary(ctx context.Context, c *config, state string, log *slog.Logger) (*runs.Library, error) {
	lc, err := c.library(state, log)
	if err != nil {
		return nil, err
	}
	return runs.Open(ctx, lc)
}

// library says where runs are remembered.
func (c *config) library(state string, log *slog.Logger) (runs.Config, error) {
	lc := runs.Config{
		Dir: state, Binary: c.resolve(c.Store.Rqlited), URLs: c.Store.URLs, User: c.Store.User, Password: c.Store.Password,
		ReadLevel: rqlite.ReadLevel(c.Store.ReadLevel), Log: log,
	}
	if c.Store.CA != "" {
		ca, err := os.ReadFile(c.resolve(c.Store.CA))
		if err != nil {
			return lc, fmt.Errorf("store.ca: %w", err)
		}
		lc.CA = ca
	}
	return lc, nil
}

func (j *job) outputs() []string {
	paths := make([]string, len(j.conf.Outputs))
	for i, o := range j.conf.Outputs {
		paths[i] = j.conf.resolve(o.Path)
	}
	return paths
}

func (j *job) plugins() []core.PluginUse {
	uses := make([]core.PluginUse, len(j.sources.list))
	for i, s := range j.sources.list {
		spec := s.Source.Spec()
		uses[i] = core.PluginUse{Source: s.Name, Plugin: spec.Name, Version: spec.Version, SDK: spec.SDK}
		if k := j.sources.kept[i]; k != nil {
			uses[i].Protocol = k.Protocol()
		}
	}
	return uses
}

// do runs the engine, with progress on the terminal, and ends the run.
func (j *job) do(ctx context.Context) error {
	state := j.run.State()
	if j.board != nil && j.screen.mode != progressJSON && j.screen.mode != progressNone {
		fmt.Fprintf(j.screen, "converter %s · run %s · dashboard %s\n", version, j.run.ID(), j.board.url)
	}
	if j.earlier != nil && j.screen.mode != progressJSON && j.screen.mode != progressNone {
		fmt.Fprintf(j.screen, "run %s %s\n", j.run.ID(), state.Summary().Reason)
	}
	showing, hide := context.WithCancel(context.WithoutCancel(ctx))
	var shown errgroup.Group
	shown.Go(func() error {
		p := progress{terminal: j.screen, snapshot: state.Snapshot}
		if j.board != nil {
			p.url = j.board.url
		}
		p.run(showing)
		return nil
	})
	result, err := engine.Run(ctx, j.engine())
	err = j.explain(err)
	ending := j.ending(result, err)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	if unsaved := j.run.End(last, ending); unsaved != nil {
		err = errors.Join(err, unsaved)
	}
	if closed := j.sources.Close(); closed != nil { // now, because a dashboard that stays open needs no plugins
		j.log.Warn("a plugin did not end as it should", "error", closed)
	}
	j.sources = nil
	hide()
	_ = shown.Wait() // it returns none
	j.sum(result)
	if j.board != nil && j.flags.keepOpen {
		j.board.wait(ctx, j)
	}
	return j.exit(ending, err)
}

func (j *job) engine() engine.Config {
	c := engine.Config{
		RunID: j.run.ID(), ConfigDigest: j.conf.digest, Sources: j.sources.list,
		Workers: j.conf.Run.Workers, MaxFailures: int64(j.conf.Run.MaxFailures),
		CheckpointEvery: j.conf.Run.checkpointEvery(), Resumed: j.earlier != nil,
		Ledger: j.run, Pictures: j.run.Pictures(), Blobs: j.library.Blobs(), Recorder: j.run.State(), Log: j.log.With("run", j.run.ID()),
		Compendium: j.compendium, Harvests: j.run, Files: j.library.Files(), Quarantine: j.library.Quarantine(), Fresh: j.flags.fresh,
	}
	if j.images != nil {
		web, meeting := j.downloader()
		j.run.State().Meets(meeting)
		c.Images = &engine.Images{
			Render: j.workers.Render, Config: *j.images, Recipe: j.images.Recipe(), Memory: j.conf.Assets.MemoryMB, Web: web, Remote: j.conf.Assets.Remote,
			LookAlikes: j.conf.Assets.LookAlikes, Renderer: renderer(j.conf),
		}
	}
	for i, o := range j.conf.Outputs {
		path := j.outputs()[i]
		c.Outputs = append(c.Outputs, engine.Output{
			Name: o.Name, Path: path, Open: func() (output.Writer, error) { return output.OpenJSON(path) },
		})
	}
	return c
}

// close ends everything that open started, in reverse.
func (j *job) close(ctx context.Context) error {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	var failures []error
	if j.board != nil {
		failures = append(failures, j.board.close())
	}
	if j.sources != nil {
		failures = append(failures, j.sources.Close())
	}
	if j.workers != nil {
		j.workers.Close()
	}
	if j.library != nil {
		failures = append(failures, j.library.Close(last))
	}
	return errors.Join(failures...)
}
