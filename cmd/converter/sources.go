package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/seed-98789ff7/converter/core/engine"
	"github.com/seed-98789ff7/converter/core/host"
	"github.com/seed-98789ff7/converter/plugins/foundry"
	"github.com/seed-98789ff7/converter/plugins/open5e"
	"github.com/seed-98789ff7/converter/plugins/pdf"
	"github.com/seed-98789ff7/converter/plugins/rest"
	"github.com/seed-98789ff7/converter/sdk"
)

// builtIn are the plugins that come with the program. They run as processes like all others: this program, started again
// as `converter plugin serve NAME`.
func builtIn() map[string]func() sdk.Source {
	return map[string]func() sdk.Source{"foundry": foundry.New, "open5e": open5e.New, "pdf": pdf.New, "rest": rest.New}
}

func builtInNames() []string {
	names := make([]string, 0, len(builtIn()))
	for name := range builtIn() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// builtInCommand is the command line that serves a built-in plugin.
func builtInCommand(name string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return []string{self, "plugin", "serve", name}, nil
}

// sources are the plugins of a config.
type sources struct {
	list   []engine.Source
	kept   []*host.Keeper
	faults []error // why a source's plugin cannot be used; nil: it can
	crew   host.Crew

	mu     sync.Mutex // guards what follows
	dirs   []string   // made for the plugins
	killed bool       // no more are made
}

func newSources(n int) *sources {
	return &sources{list: make([]engine.Source, n), kept: make([]*host.Keeper, n), faults: make([]error, n)}
}

// kill ends the plugins at once and removes what was made for them, whatever anybody else is doing with them.
func (s *sources) kill(ctx context.Context) error {
	failures := []error{s.crew.Kill(ctx)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.killed = true
	for _, dir := range s.dirs {
		failures = append(failures, os.RemoveAll(dir))
	}
	return errors.Join(failures...)
}

// command returns the command line of a source's plugin. A name that no plugin has is a mistake of the config.
func (c *config) command(i int) ([]string, error) {
	s := c.Sources[i]
	if _, ok := builtIn()[s.Plugin]; ok && s.Path == "" {
		if s.SHA256 != "" {
			c.document.add(fmt.Sprintf("/sources/%d/sha256", i), mistake{
				code: "config.wrong_value", text: fmt.Sprintf("plugin %q is part of converter and has no file of its own to pin", s.Plugin),
				hint: "leave it out",
			})
		}
		return builtInCommand(s.Plugin)
	}
	found, err := host.Find(s.Plugin, host.FindConfig{Path: c.resolve(s.Path), Dirs: c.plugins, ConfigDir: c.dir})
	var d *sdk.Diagnostic
	if errors.As(err, &d) && (d.Code == host.CodeNotFound || d.Code == host.CodeBadName) {
		m := mistake{code: d.Code, text: d.Error()}
		if guess := nearest(s.Plugin, builtInNames()); guess != "" {
			m.hint = "did you mean " + quoted(guess) + "?"
		}
		c.document.add(fmt.Sprintf("/sources/%d/plugin", i), m)
		return nil, nil
	}
	if err != nil && found.Path == "" {
		return nil, err
	}
	return []string{found.Path}, nil // what is there and cannot be started is its source's misfortune
}

// start starts the plugins of all sources of s at the same time and hands them their options. Wrong options are mistakes of
// the config; then, and on any error, nothing is left running. A plugin that cannot be used is its source's misfortune alone:
// the source is [absent] then, and the fault stands in s.
func (c *config) start(ctx context.Context, s *sources, log *slog.Logger, state string) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	commands := make([][]string, len(c.Sources))
	for i := range c.Sources {
		if commands[i], err = c.command(i); err != nil {
			return failed(err)
		}
	}
	if len(c.document.found) > 0 {
		return &exitError{code: exitUsage, err: &configError{document: c.document}}
	}
	var group sync.WaitGroup
	for i := range c.Sources {
		group.Go(func() { s.kept[i], s.faults[i] = c.startOne(ctx, i, commands[i], s, log) })
	}
	group.Wait()
	for i := range c.Sources {
		if s.faults[i] == nil {
			s.list[i] = engine.Source{Name: c.Sources[i].Name, Source: s.kept[i]}
			s.faults[i] = c.configure(ctx, i, commands[i], s, state)
		}
		if s.faults[i] != nil {
			s.list[i] = engine.Source{Name: c.Sources[i].Name, Source: absent{c.Sources[i].Plugin, s.faults[i]}}
		}
	}
	if ctx.Err() != nil {
		return failed(errors.Join(s.faults...))
	}
	if len(c.document.found) > 0 {
		return &exitError{code: exitUsage, err: &configError{document: c.document}}
	}
	return nil
}

func (c *config) startOne(ctx context.Context, i int, command []string, s *sources, log *slog.Logger) (*host.Keeper, error) {
	k, err := host.Keep(ctx, host.Config{
		Name: c.Sources[i].Plugin, Command: command, Version: version, Log: log.With("source", c.Sources[i].Name),
		SHA256: c.Sources[i].SHA256, MemoryMB: c.Sources[i].MemoryMB, StallAfter: c.Sources[i].stallAfter(), Crew: &s.crew,
		Env: c.Sources[i].variables(),
	})
	if err != nil {
		return nil, fmt.Errorf("source %q: %w", c.Sources[i].Name, err)
	}
	return k, nil
}

// configure checks the options of a source against its plugin's schema, notes what is wrong, and hands over what is right.
func (c *config) configure(ctx context.Context, i int, command []string, s *sources, state string) error {
	if wrong, err := c.checkOptions(i, s.kept[i].Spec()); wrong || err != nil {
		return err
	}
	options, err := json.Marshal(orEmpty(c.Sources[i].Options))
	if err != nil {
		return fmt.Errorf("source %q: %w", c.Sources[i].Name, err)
	}
	work, err := s.workDir(state)
	if err != nil {
		return fmt.Errorf("source %q: make its folder: %w", c.Sources[i].Name, err)
	}
	configuration := sdk.Configuration{
		Source: c.Sources[i].Name, Options: options, BaseDir: c.dir, WorkDir: work,
		CacheDir: filepath.Join(state, "cache", c.Sources[i].Plugin),
	}
	s.list[i].Folders, s.list[i].Passing = configuration.Folders(), []string{work}
	if s.kept[i].Spec().Can.Incremental {
		s.list[i].Fingerprint = fingerprint(command[0], c.Sources[i], configuration)
	}
	err = s.kept[i].Configure(ctx, configuration)
	if err == nil {
		return nil
	}
	if sdk.KindOf(err) != sdk.Invalid {
		return fmt.Errorf("source %q: %w", c.Sources[i].Name, err)
	}
	for _, d := range sdk.Diagnose(err, "config.wrong_value") {
		c.document.add(fmt.Sprintf("/sources/%d/options%s", i, d.ConfigPath), mistake{code: d.Code, text: d.Error(), hint: d.Suggestion})
	}
	return nil
}

// variables are what the plugin gets to see of the environment beyond the usual.
func (s Source) variables() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		list = append(list, name+"="+s.Env[name])
	}
	return list
}

// workDir makes a folder for a plugin's own use in the state folder.
func (s *sources) workDir(state string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.killed {
		return "", errors.New("the converter is ending")
	}
	parent := filepath.Join(state, "work")
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(parent, "")
	if err == nil {
		s.dirs = append(s.dirs, dir)
	}
	return dir, err
}

// sweep removes what the plugins of killed runs left in the state folder, which is ours alone by now.
func (s *sources) sweep(state string) {
	left, _ := filepath.Glob(filepath.Join(state, "work", "*")) // a path that is no pattern matches nothing
	for _, dir := range left {
		if !slices.Contains(s.dirs, dir) {
			_ = os.RemoveAll(dir) // tried again by the next run
		}
	}
}

// checkOptions notes how the options of a source differ from its plugin's schema.
func (c *config) checkOptions(i int, spec sdk.Spec) (wrong bool, err error) {
	if len(spec.Options) == 0 {
		return false, nil
	}
	pointer := fmt.Sprintf("/sources/%d/options", i)
	before := len(c.document.found)
	if err := c.document.validate(spec.Options, pointer, orEmpty(c.Sources[i].Options)); err != nil {
		return false, fmt.Errorf("plugin %q: its options have a wrong schema; tell its author: %w", spec.Name, err)
	}
	return len(c.document.found) > before, nil
}

func orEmpty(options map[string]any) map[string]any {
	if options == nil {
		return map[string]any{}
	}
	return options
}

// Close ends the plugins, all at the same time.
func (s *sources) Close() error {
	failures := make([]error, len(s.kept))
	var group sync.WaitGroup
	for i, k := range s.kept {
		if k != nil {
			group.Go(func() { failures[i] = k.Close() })
		}
	}
	group.Wait()
	for _, dir := range s.dirs {
		failures = append(failures, os.RemoveAll(dir))
	}
	return errors.Join(failures...)
}
