package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
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
	"github.com/seed-98789ff7/converter/sdk"
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
		Compendium: j.compendium, Harvests: j.run, Fresh: j.flags.fresh,
	}
	if j.images != nil {
		web, meeting := j.downloader()
		j.run.State().Meets(meeting)
		c.Images = &engine.Images{
			Render: j.workers.Render, Config: *j.images, Recipe: j.images.Recipe(), Memory: j.conf.Assets.MemoryMB, Web: web, Remote: j.conf.Assets.Remote,
			LookAlikes: j.conf.Assets.LookAlikes,
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

const codeTooMany = "run.too_many_failures"

// explain says in the words of the config why the engine gave up, where it was the config that made it.
func (j *job) explain(err error) error {
	tooMany, ok := errors.AsType[*engine.TooManyError](err)
	if !ok {
		return err
	}
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: codeTooMany,
		Summary: fmt.Sprintf("%s failed, and run.max_failures allows %s, so nothing was written; the problems of run %s say which, and why",
			counted(tooMany.Failed, "item"), grouped(tooMany.Allowed), j.run.ID()),
		Suggestion: "mend their causes, or allow more; `converter serve --config " + j.flags.config + "` shows the problems again",
	}
}

// ending is how the run ended.
func (j *job) ending(result engine.Result, err error) runs.Ending {
	e := runs.Ending{State: core.Succeeded, ResultID: result.ResultID}
	summary := j.run.State().Summary()
	items, causes := summary.Failures()
	switch {
	case err != nil && j.stop.signal() != "":
		e.State, e.Reason, e.Actor = core.Cancelled, j.stop.why().Error(), j.stop.actor()
	case err != nil:
		e.State, e.Reason, e.Actor = core.Failed, firstLine(err.Error()), "error"
		if _, ok := errors.AsType[*runs.StoreError](err); ok {
			e.Actor = "store"
		}
		if d, ok := errors.AsType[*sdk.Diagnostic](err); ok && d.Code == codeTooMany {
			e.Reason, e.Actor = d.Summary, "limit"
		}
	case len(result.Broken) > 0:
		e.State, e.Actor = core.Partial, "source"
		e.Reason = "not read to the end: " + strings.Join(result.Broken, ", ")
	case items > 0:
		e.State, e.Reason = core.Partial, fmt.Sprintf("%s failed in %s", grouped(items), plural(causes, "cause"))
	case result.Entities == 0:
		e.Reason = "the sources had nothing to convert"
	}
	e.Drop = e.State == core.Succeeded
	return e
}

// exit turns the end of the run into the end of the program.
func (j *job) exit(e runs.Ending, err error) error {
	switch {
	case e.State == core.Cancelled && j.stop.signal() == "SIGTERM":
		return &exitError{code: exitSIGTERM}
	case e.State == core.Cancelled && e.Actor == byUser:
		return &exitError{code: exitFailed} // nothing was converted, and no signal stopped it
	case e.State == core.Cancelled:
		return &exitError{code: exitSIGINT}
	case err != nil && j.told(err):
		return &exitError{code: exitFailed}
	case err != nil:
		return failed(err)
	case e.State == core.Partial && j.flags.strict:
		return &exitError{code: exitPartial}
	default:
		return nil
	}
}

// told says that all there is to say about err stands among the problems, which have been shown.
func (j *job) told(err error) bool {
	if j.screen.mode == progressNone {
		return false
	}
	said := map[string]bool{}
	for _, p := range j.run.State().Summary().Problems {
		said[p.Code] = true
	}
	for _, d := range sdk.Diagnose(err, "") {
		if !said[d.Code] {
			return false
		}
	}
	return true
}

// sum says the last words: problems to standard error, one line that sums up to standard output.
func (j *job) sum(result engine.Result) {
	s := j.run.State().Summary()
	s.Kept = j.run.Kept()
	if j.screen.mode == progressJSON {
		j.sumJSON(s, result)
		return
	}
	if j.screen.mode != progressNone {
		j.problems(s)
	}
	if j.images != nil && result.Assets > 0 && j.screen.mode != progressNone {
		fmt.Fprintf(j.screen, "pictures by %s\n", j.images.EncoderName())
	}
	line := fmt.Sprintf("%s  %s · %s", s.State, plural(int(result.Entities), "entity"), plural(int(result.Assets), "picture"))
	line = strings.NewReplacer("entitys", "entities").Replace(line)
	if items, causes := s.Failures(); items > 0 {
		line += fmt.Sprintf(" · %s failed in %s", grouped(items), plural(causes, "cause"))
	}
	if hits, lookups := s.CacheRate(); lookups > 0 {
		line += fmt.Sprintf(" · %d%% cached", hits*100/lookups)
	}
	line += " · " + took(time.Duration(s.WorkedMS(s.EndedMS))*time.Millisecond)
	switch {
	case len(result.Written) > 0:
		line += " · " + strings.Join(short(result.Written), ", ")
	default:
		line += " · nothing written, " + strings.Join(short(s.Outputs), ", ") + " is as it was"
	}
	if j.board != nil {
		line += " · " + j.board.url
	}
	fmt.Fprintln(j.app.stdout, line)
	if next := further(s); next.Line != "" && j.screen.mode != progressNone {
		fmt.Fprintf(j.screen, "%s: %s\n", strings.ToLower(next.Label[:1])+next.Label[1:], plain(next.Line))
	}
}

// shownProblems is how many causes are shown at the end; the dashboard has them all.
const shownProblems = 12

func (j *job) problems(s core.Summary) {
	for i, p := range s.Problems {
		if i == shownProblems {
			fmt.Fprintf(j.screen, "… and %s more\n", plural(len(s.Problems)-i, "cause"))
			return
		}
		mark := "✗"
		if p.Warning {
			mark = "!"
		}
		fmt.Fprintf(j.screen, "%s %s × %s [%s]", mark, grouped(p.Count), plain(p.Message), plain(p.Code))
		if len(p.Examples) > 0 {
			fmt.Fprintf(j.screen, ": %s", plain(p.Examples[0]))
			if p.Count > 1 {
				fmt.Fprint(j.screen, ", …")
			}
		}
		fmt.Fprintln(j.screen)
		if p.Suggestion != "" && !p.Warning {
			fmt.Fprintf(j.screen, "    → %s\n", plain(p.Suggestion))
		}
	}
}

// end is the last line of --progress json.
type end struct {
	Type      string   `json:"type"` // end
	Entities  int64    `json:"entities"`
	Assets    int64    `json:"assets"`
	Files     int      `json:"files"`
	Written   []string `json:"written"`
	Dashboard string   `json:"dashboard,omitempty"`
	Encoder   string   `json:"encoder,omitempty"` // what wrote the pictures

	core.Summary
}

func (j *job) sumJSON(s core.Summary, result engine.Result) {
	e := end{
		Type: "end", Entities: result.Entities, Assets: result.Assets, Files: result.Files, Written: result.Written, Summary: s,
	}
	if j.board != nil {
		e.Dashboard = j.board.url
	}
	if j.images != nil {
		e.Encoder = j.images.EncoderName()
	}
	enc := json.NewEncoder(j.app.stdout)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(e) // a reader that went away does not change what the run was
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

// short writes paths below the working folder as people would.
func short(paths []string) []string {
	out := make([]string, len(paths))
	wd, err := os.Getwd()
	for i, p := range paths {
		out[i] = p
		if rel, relErr := filepath.Rel(wd, p); err == nil && relErr == nil && !strings.HasPrefix(rel, "..") {
			out[i] = rel
		}
	}
	return out
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// stopper ends a run on a signal.
//
//	first ─► the context ends, what was read is saved ─► the program ends by itself
//	second ─► plugins are killed, what was made for them is removed ─► exit
//	third ─► exit
type stopper struct {
	screen  *terminal
	cancel  context.CancelCauseFunc
	why     func() error // what ended the context
	signals chan os.Signal
	gone    chan struct{}
	exit    func(code int)

	mu   sync.Mutex
	kill func(context.Context) error // nil: there is nothing to kill; guarded by mu
}

// killLimit is how long the killing may take. Both the plugins and the removing have it.
const killLimit = time.Second

// stopped is why a context was ended.
type stopped struct{ by, actor string }

// byUser is the actor of a run that somebody ended in the browser.
const byUser = "user"

func (s stopped) Error() string {
	if s.actor == byUser {
		return s.by
	}
	return "stopped by " + s.by
}

// stopOnSignal returns the context of a run, and what ends it when the program is told to stop.
func stopOnSignal(ctx context.Context, screen *terminal) (context.Context, *stopper) {
	ctx, s := newStopper(ctx, screen)
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM)
	return ctx, s
}

// stoppable is a command with a context that ends when the program is told to stop, so that it takes away what it has made.
func (a *app) stoppable(work func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		ctx, stop := stopOnSignal(c.Context(), newTerminal(a.stderr, progressNone))
		defer stop.close()
		c.SetContext(ctx)
		return stop.instead(work(c, args))
	}
}

func newStopper(ctx context.Context, screen *terminal) (context.Context, *stopper) {
	s := &stopper{screen: screen, signals: make(chan os.Signal, 3), gone: make(chan struct{}), exit: os.Exit}
	ctx, s.cancel = context.WithCancelCause(ctx)
	s.why = func() error { return context.Cause(ctx) }
	go s.watch(context.WithoutCancel(ctx))
	return ctx, s
}

// second says what the second signal has to do.
func (s *stopper) second(kill func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill = kill
}

func (s *stopper) killer() func(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kill
}

func (s *stopper) watch(ctx context.Context) {
	defer close(s.gone)
	first, ok := <-s.signals
	if !ok {
		return
	}
	by, code := "SIGINT", exitSIGINT
	if first == syscall.SIGTERM {
		by, code = "SIGTERM", exitSIGTERM
	}
	s.cancel(stopped{by: by, actor: "signal"})
	if s.killer() == nil {
		fmt.Fprintln(s.screen, "stopping; once more to end at once")
	} else {
		fmt.Fprintln(s.screen, "stopping: what was read is being saved; once more to kill the plugins and end at once")
	}
	if _, ok := <-s.signals; ok {
		s.leave(ctx)
		s.exit(code) // rqlited dies with us, as it would if we crashed
	}
}

// leave kills the plugins. It does not wait for a run that comes to its end meanwhile, and not after a third signal.
func (s *stopper) leave(ctx context.Context) {
	killed := make(chan struct{})
	go func() { // the program ends when leave returns, and this with it
		defer close(killed)
		kill := s.killer()
		if kill == nil {
			return
		}
		within, cancel := context.WithTimeout(ctx, killLimit)
		defer cancel()
		if err := kill(within); err != nil {
			fmt.Fprintln(s.screen, "something of the plugins is left behind:", plain(err.Error()))
			return
		}
		fmt.Fprintln(s.screen, "ended at once: the plugins are killed; what was saved by now is kept")
	}()
	limit := time.NewTimer(2 * killLimit)
	defer limit.Stop()
	for signals := s.signals; ; {
		select {
		case _, third := <-signals:
			if third {
				return
			}
			signals = nil // closed: the run has come to its end
		case <-killed:
			return
		case <-limit.C:
			return
		}
	}
}

// user ends the run as somebody in the browser asked for.
func (s *stopper) user(reason string) { s.cancel(stopped{by: reason, actor: byUser}) }

// cause is what stopped the run, the zero value when nothing did.
func (s *stopper) cause() stopped {
	c, _ := errors.AsType[stopped](s.why())
	return c
}

// signal is what stopped the run, empty when nothing did.
func (s *stopper) signal() string { return s.cause().by }

func (s *stopper) actor() string { return s.cause().actor }

// instead returns the exit of a stopped program in place of the errors that the stopping caused.
func (s *stopper) instead(err error) error {
	switch s.signal() {
	case "":
		return err
	case "SIGTERM":
		return &exitError{code: exitSIGTERM}
	default:
		return &exitError{code: exitSIGINT}
	}
}

func (s *stopper) close() {
	signal.Stop(s.signals)
	close(s.signals)
	<-s.gone
	s.cancel(nil)
}
