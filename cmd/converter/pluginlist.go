package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/core/host"
	"github.com/seed-98789ff7/converter/sdk"
)

// askLimit is how long a plugin may take to say what it is.
const askLimit = 10 * time.Second

// asked at the same time are so many plugins.
const askedAtOnce = 8

// listed is a line of `plugin list`.
type listed struct {
	Name       string   `json:"name"`
	Version    string   `json:"version,omitempty"`
	Protocol   int      `json:"protocol,omitempty"`
	Path       string   `json:"path,omitempty"` // empty: built in
	From       string   `json:"from"`
	ShadowedBy string   `json:"shadowed_by,omitempty"` // what is used in its place
	Broken     *problem `json:"broken,omitempty"`

	command []string
}

// problem is a diagnostic in JSON.
type problem struct {
	Code       string `json:"code"`
	Summary    string `json:"summary"`
	Detail     string `json:"detail,omitempty"`
	Suggestion string `json:"suggestion,omitempty"`
}

const fromConverter = "built in"

func (a *app) pluginListCommand() *cobra.Command {
	var dirs []string
	var path string
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "List the plugins there are, where they were found, and why one cannot be used",
		Args:  cobra.NoArgs,
		RunE: a.stoppable(func(cmd *cobra.Command, _ []string) error {
			find, err := findConfig(path, dirs)
			if err != nil {
				return err
			}
			list, err := plugins(find)
			if err != nil {
				a.complain(err) // what was found is listed all the same
			}
			if list == nil {
				return failed(err)
			}
			list = append(list, a.namedByPath(path)...)
			askAll(cmd.Context(), list)
			if asJSON {
				return a.printJSON(list)
			}
			return printList(a.stdout, list)
		}),
	}
	configFlag(c, &path)
	pluginDirFlag(c, &dirs)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// findConfig says where to look: what lies beside a config file that is not there is looked for all the same.
func findConfig(config string, dirs []string) (host.FindConfig, error) {
	abs, err := filepath.Abs(config)
	if err != nil {
		return host.FindConfig{}, usage("config path: %v", err)
	}
	return host.FindConfig{Dirs: dirs, ConfigDir: filepath.Dir(abs)}, nil
}

// plugins lists all plugins, the built-in ones first. A list comes with an error where a folder cannot be read.
func plugins(find host.FindConfig) ([]listed, error) {
	var list []listed
	for _, name := range builtInNames() {
		command, err := builtInCommand(name)
		if err != nil {
			return nil, err
		}
		list = append(list, listed{Name: name, From: fromConverter, command: command})
	}
	found, err := host.List(find)
	for _, f := range found {
		l := listed{Name: f.Name, Path: f.Path, From: f.From, command: []string{f.Path}}
		if _, reserved := builtIn()[f.Name]; reserved {
			l.ShadowedBy = "the built-in plugin"
		} else if f.Fault != nil {
			l.Broken = problemOf(f.Fault)
		}
		list = append(list, l)
		for _, path := range f.Shadowed {
			s := listed{Name: f.Name, Path: path, From: "further on", ShadowedBy: f.Path}
			if l.ShadowedBy != "" {
				s.ShadowedBy = l.ShadowedBy
			}
			list = append(list, s)
		}
	}
	return list, err
}

// namedByPath lists the plugins that a config names by their files. Without a config there are none; one with mistakes is
// told of, and the rest is listed all the same.
func (a *app) namedByPath(path string) []listed {
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	conf, err := a.config(path)
	if err != nil {
		a.complain(err)
		return nil
	}
	return conf.namedPlugins()
}

// namedPlugins lists the plugins that the config names by their files, each once.
func (c *config) namedPlugins() []listed {
	var list []listed
	for _, s := range c.Sources {
		file := c.resolve(s.Path)
		if file == "" || slices.ContainsFunc(list, func(l listed) bool { return l.Name == s.Plugin && l.Path == file }) {
			continue
		}
		list = append(list, listed{Name: s.Plugin, Path: file, From: "the config", command: []string{file}})
	}
	return list
}

// askAll starts all plugins that would be used, and has each say what it is.
func askAll(ctx context.Context, list []listed) {
	slots := make(chan struct{}, askedAtOnce)
	var group sync.WaitGroup
	for i := range list {
		l := &list[i]
		if l.ShadowedBy != "" || l.Broken != nil {
			continue
		}
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			spec, protocol, err := ask(ctx, l.Name, l.command)
			if err != nil {
				l.Broken = problemOf(err)
				return
			}
			l.Version, l.Protocol = spec.Version, protocol
		})
	}
	group.Wait()
}

// ask starts a plugin, for no longer than it takes to say what it is. Without a name it may have any.
func ask(ctx context.Context, name string, command []string) (spec sdk.Spec, protocol int, err error) {
	p, err := host.Start(ctx, host.Config{Name: name, Command: command, Version: version, StartTimeout: askLimit})
	if err != nil {
		return sdk.Spec{}, 0, err
	}
	return p.Spec(), p.Protocol(), p.Close()
}

func problemOf(err error) *problem {
	if d, ok := errors.AsType[*sdk.Diagnostic](err); ok {
		return &problem{Code: d.Code, Summary: d.Summary, Detail: d.Detail, Suggestion: d.Suggestion}
	}
	return &problem{Code: host.CodeFailed, Summary: err.Error()}
}

// printList prints a table, and below it what is the matter with those that are not used.
func printList(w io.Writer, list []listed) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tVERSION\tPROTOCOL\tSTATE\tFOUND\tPATH")
	for _, l := range list {
		protocol := "-"
		if l.Protocol > 0 {
			protocol = fmt.Sprint(l.Protocol)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, orDash(plain(l.Version)), protocol, l.state(), l.From, orDash(l.Path))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, l := range list {
		switch {
		case l.ShadowedBy != "":
			fmt.Fprintf(w, "\nnot used: %s\n  it is shadowed by %s\n", l.Path, l.ShadowedBy)
		case l.Broken != nil:
			fmt.Fprintf(w, "\nbroken: %s [%s]\n", plain(l.Broken.Summary), l.Broken.Code)
			if l.Broken.Suggestion != "" {
				fmt.Fprintf(w, "  → %s\n", plain(l.Broken.Suggestion))
			}
		}
	}
	return nil
}

func (l listed) state() string {
	switch {
	case l.ShadowedBy != "":
		return "shadowed"
	case l.Broken != nil:
		return "broken"
	default:
		return "ok"
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// plain makes one line of what a plugin says, that moves nothing on a terminal.
func plain(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
}

// lines is the same for a text of several lines, whose blanks stay.
func lines(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', unicode.IsPrint(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		default:
			return unicode.ReplacementChar
		}
	}, s)
}

func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.stdout)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
