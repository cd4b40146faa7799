package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/core/host"
	"github.com/seed-98789ff7/converter/sdk"
	"github.com/seed-98789ff7/converter/sdk/sdktest"
)

func (a *app) pluginTestCommand() *cobra.Command {
	var f trialFlags
	c := &cobra.Command{
		Use:   "test PATH|NAME",
		Short: "Try a plugin from the outside, in any language, and say what it does wrong",
		Long: `Try a plugin from the outside: start it, read everything several times, break its options, cancel, kill and end it,
and say what it does wrong and what to do about it. The options come from the first source in the config that uses
the plugin, or from a file that holds nothing but options. Let them name a small sample with some of everything.

With --golden the records that come are compared with a file that has one JSON object a line, and the first that differs
is shown; --update writes the file. Paths below the folder of the config stand in it as ${base}.

Exit codes: 0 all is well, 1 a check failed, 2 the config or the usage is wrong.`,
		Args: cobra.ExactArgs(1),
		RunE: a.stoppable(func(cmd *cobra.Command, args []string) error {
			return a.testPlugin(cmd.Context(), args[0], f)
		}),
	}
	c.Flags().StringVarP(&f.config, "config", "c", "", "config file, or a file with options alone (default: no options)")
	c.Flags().StringVar(&f.golden, "golden", "", "file with the records that are to come (default: they are not compared)")
	c.Flags().BoolVar(&f.update, "update", false, "write the golden file instead of comparing with it")
	c.Flags().BoolVar(&f.asJSON, "json", false, "print the results as one JSON object")
	pluginDirFlag(c, &f.dirs)
	return c
}

type trialFlags struct {
	config, golden string
	dirs           []string // to look for plugins in
	update, asJSON bool
}

// trial is what is tested, with what.
type trial struct {
	name    string // the plugin's; empty: whatever it calls itself
	command []string
	dir     string // that relative paths are relative to
	options map[string]any
	env     []string // NAME=VALUE, that its source names
}

func (a *app) testPlugin(ctx context.Context, plugin string, f trialFlags) (err error) {
	if f.update && f.golden == "" {
		return usage("--update writes the file that --golden names; name one")
	}
	t, err := a.trial(plugin, f.config, f.dirs)
	if err != nil {
		return err
	}
	options, err := json.Marshal(orEmpty(t.options))
	if err != nil {
		return usage("the options cannot be handed over: %v", err)
	}
	temp, err := os.MkdirTemp("", "converter-")
	if err != nil {
		return failed(err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	c := sdktest.Config{
		Start: t.start,
		Configuration: sdk.Configuration{
			Source: "test", Options: options, BaseDir: t.dir,
			WorkDir: filepath.Join(temp, "work"), CacheDir: filepath.Join(temp, "cache"),
		},
		Golden: f.golden, Update: f.update,
	}
	if err := os.Mkdir(c.Configuration.WorkDir, 0o700); err != nil { // the plugin makes the other one when it needs it
		return failed(err)
	}
	report := trialReport{Plugin: plugin}
	for r := range sdktest.Test(ctx, c) {
		report.add(r)
		if !f.asJSON {
			a.showResult(r)
		}
	}
	if err := a.showReport(report, f.asJSON); err != nil {
		return failed(err)
	}
	if report.Failed > 0 || ctx.Err() != nil {
		return &exitError{code: exitFailed}
	}
	return nil
}

type trialReport struct {
	Plugin  string           `json:"plugin"`
	OK      int              `json:"ok"`
	Failed  int              `json:"failed"`
	Skipped int              `json:"skipped"`
	Checks  []sdktest.Result `json:"checks"`
}

func (r *trialReport) add(result sdktest.Result) {
	r.Checks = append(r.Checks, result)
	switch result.Outcome {
	case sdktest.OK:
		r.OK++
	case sdktest.Failed:
		r.Failed++
	case sdktest.Skipped:
		r.Skipped++
	}
}

func (a *app) showResult(r sdktest.Result) {
	mark := map[sdktest.Outcome]string{sdktest.OK: "✓", sdktest.Failed: "✗", sdktest.Skipped: "–"}[r.Outcome]
	seen, more, _ := strings.Cut(r.Seen, "\n")
	fmt.Fprintf(a.stdout, "%s %-16s %s\n", mark, r.Name, seen)
	if r.Outcome != sdktest.Failed {
		return
	}
	const column = "                   "
	if more != "" {
		fmt.Fprintln(a.stdout, indent(more, column))
	}
	if r.Advice != "" {
		fmt.Fprintln(a.stdout, column+"→ "+r.Advice)
	}
}

func (a *app) showReport(r trialReport, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(a.stdout)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	fmt.Fprintf(a.stdout, "\n%s: %d ok, %d failed, %d skipped\n", r.Plugin, r.OK, r.Failed, r.Skipped)
	return nil
}

// trial finds the plugin and its options.
func (a *app) trial(plugin, path string, dirs []string) (*trial, error) {
	t := &trial{name: plugin}
	file := ""
	if name, ok := strings.CutPrefix(plugin, host.FilePrefix); ok {
		return nil, usage("%s is the name of a file; write ./%s, or the plugin's name, %s", plugin, plugin, name)
	}
	if strings.ContainsAny(plugin, `/\`) {
		abs, err := filepath.Abs(plugin)
		if err != nil {
			return nil, usage("%s: %v", plugin, err)
		}
		base := strings.TrimSuffix(filepath.Base(abs), ".exe")
		name, called := strings.CutPrefix(base, host.FilePrefix)
		if !called {
			name = ""
		}
		t.name, t.command, file = name, []string{abs}, abs
	}
	source, err := a.trialOptions(t, file, path)
	if err != nil || t.command != nil {
		return t, err
	}
	if _, ok := builtIn()[plugin]; ok && source == "" {
		self, err := os.Executable()
		if err != nil {
			return nil, failed(fmt.Errorf("find this program: %w", err))
		}
		t.command = []string{self, "plugin", "serve", plugin}
		return t, nil
	}
	found, err := host.Find(plugin, host.FindConfig{Path: source, Dirs: dirs, ConfigDir: t.dir})
	if err != nil {
		return nil, &exitError{code: exitUsage, err: err}
	}
	t.command = []string{found.Path}
	return t, nil
}

// trialOptions reads the options, and returns the path that the config names for the plugin's program.
func (a *app) trialOptions(t *trial, file, path string) (program string, err error) {
	if path == "" {
		t.dir, err = filepath.Abs(".")
		return "", err
	}
	d, err := readDocument(path, a.env)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", usage("there is no file %s", path)
	case err != nil:
		return "", usage("the config file cannot be read: %v", err)
	}
	object, isObject := d.value.(map[string]any)
	if _, isConfig := object["sources"]; isConfig {
		return a.trialSource(t, file, path)
	}
	if !isObject && len(d.found) == 0 {
		d.add("", mistake{code: "config.wrong_type", text: "the options have to be an object"})
	}
	if len(d.found) > 0 {
		return "", &exitError{code: exitUsage, err: &configError{document: d}}
	}
	t.options = object
	abs, err := filepath.Abs(path)
	t.dir = filepath.Dir(abs)
	return "", err
}

// trialSource takes the first source of a config that uses the plugin.
func (a *app) trialSource(t *trial, file, path string) (program string, err error) {
	conf, err := a.config(path)
	if err != nil {
		return "", err
	}
	t.dir = conf.dir
	for _, s := range conf.Sources {
		if s.Plugin == t.name || file != "" && s.Path != "" && conf.resolve(s.Path) == file {
			t.name, t.options, t.env = s.Plugin, s.Options, s.variables()
			return conf.resolve(s.Path), nil
		}
	}
	return "", usage("no source in %s uses the plugin; name it there, or give a file with options alone", path)
}

func (t *trial) start(ctx context.Context) (sdk.Source, error) {
	words := &words{}
	p, err := host.Start(ctx, host.Config{Name: t.name, Command: t.command, Version: version, Env: t.env, Log: slog.New(words)})
	if err != nil {
		return nil, err
	}
	return &tried{Process: p, words: words}, nil
}

// tried is a plugin's process as the checks want it.
type tried struct {
	*host.Process

	words *words
}

var _ sdktest.Process = (*tried)(nil)

// Forced says whether the process was killed.
func (t *tried) Forced() bool {
	state := t.Exit()
	if state == nil {
		return true
	}
	status, known := state.Sys().(syscall.WaitStatus)
	return known && status.Signaled() && status.Signal() == syscall.SIGKILL
}

// Memory is what the process takes up in memory, where the system says so in the way of Linux.
func (t *tried) Memory() int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", t.PID()))
	if err != nil {
		return 0
	}
	var all, resident int64
	if _, err := fmt.Sscan(string(text), &all, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}

// Printed is what was printed on standard output.
func (t *tried) Printed() string { return t.words.text(true) }

// Logged is what else was logged.
func (t *tried) Logged() string { return t.words.text(false) }

// words is the handler of the log of a plugin that is tried: it keeps what the plugin printed apart from what it logged,
// 1 MiB of each.
type words struct {
	mu              sync.Mutex
	printed, logged bytes.Buffer
}

const wordsKept = 1 << 20

// Enabled is true for everything: secrets may be in what only developers want to see.
func (w *words) Enabled(context.Context, slog.Level) bool { return true }

// Handle keeps a record.
func (w *words) Handle(_ context.Context, r slog.Record) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	into, line := &w.logged, r.Message
	r.Attrs(func(attr slog.Attr) bool {
		if attr.Key == host.OutputKey && attr.Value.String() == host.Stdout {
			into = &w.printed
			return true
		}
		line += " " + attr.String()
		return true
	})
	if into.Len()+len(line) < wordsKept {
		into.WriteString(line + "\n")
	}
	return nil
}

// WithAttrs leaves the attributes out: they are the host's.
func (w *words) WithAttrs([]slog.Attr) slog.Handler { return w }

// WithGroup is the same handler.
func (w *words) WithGroup(string) slog.Handler { return w }

func (w *words) text(printed bool) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if printed {
		return w.printed.String()
	}
	return w.logged.String()
}
