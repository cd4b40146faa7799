package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/core/host"
	"github.com/seed-98789ff7/converter/plugins/open5e"
	"github.com/seed-98789ff7/converter/sdk"
)

// details are what a plugin says of itself.
type details struct {
	Name         string          `json:"name"`
	Version      string          `json:"version"`
	Protocol     int             `json:"protocol"`
	Summary      string          `json:"summary,omitempty"`
	Description  string          `json:"description,omitempty"`
	Author       string          `json:"author,omitempty"`
	Homepage     string          `json:"homepage,omitempty"`
	License      string          `json:"license,omitempty"`
	Path         string          `json:"path,omitempty"` // empty: built in
	From         string          `json:"from"`
	Kinds        []string        `json:"kinds"`
	Capabilities []string        `json:"capabilities"`
	StateVersion uint32          `json:"state_version,omitempty"`
	SDK          string          `json:"sdk,omitempty"`
	Options      json.RawMessage `json:"options,omitempty"`
}

func (a *app) pluginInfoCommand() *cobra.Command {
	var dirs []string
	var path, preset string
	var asJSON, markdown bool
	c := &cobra.Command{
		Use:   "info NAME|PATH",
		Short: "Show what a plugin is, what it can do and which options it has",
		Args:  cobra.ExactArgs(1),
		RunE: a.stoppable(func(cmd *cobra.Command, args []string) error {
			if preset != "" {
				return a.printPreset(args[0], preset)
			}
			find, err := findConfig(path, dirs)
			if err != nil {
				return err
			}
			for _, l := range a.namedByPath(path) { // as a run of that config would
				if l.Name == args[0] {
					find.Path = l.Path
					break
				}
			}
			name, where, command, err := whichPlugin(args[0], find)
			if err != nil {
				return failed(err)
			}
			spec, protocol, err := ask(cmd.Context(), name, command)
			if err != nil {
				return failed(err)
			}
			d := detailsOf(spec)
			d.Protocol, d.From, d.Path = protocol, where.From, where.Path
			switch {
			case asJSON:
				return a.printJSON(d)
			case markdown:
				d.markdown(a.stdout)
				return nil
			default:
				return d.text(a.stdout)
			}
		}),
	}
	configFlag(c, &path)
	pluginDirFlag(c, &dirs)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&markdown, "markdown", false, "print Markdown, for the documentation of a plugin")
	c.Flags().StringVar(&preset, "preset", "", "print a preset of the plugin, as a source to copy into a config: open5e has "+strings.Join(open5e.Presets(), ", "))
	c.MarkFlagsMutuallyExclusive("json", "markdown", "preset")
	return c
}

// printPreset prints a preset of a plugin that has some.
func (a *app) printPreset(plugin, name string) error {
	if plugin != "open5e" {
		return usage("plugin %q has no presets; open5e has %s", plugin, strings.Join(open5e.Presets(), ", "))
	}
	text, err := open5e.Preset(name)
	if err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	fmt.Fprint(a.stdout, text)
	return nil
}

// whichPlugin finds a plugin by its name, or by a path, which has a separator in it. A plugin that is named by its path
// may have any name.
func whichPlugin(arg string, find host.FindConfig) (name string, where host.Found, command []string, err error) {
	if arg != filepath.Base(arg) {
		path, err := filepath.Abs(arg)
		return "", host.Found{Path: path, From: "the command line"}, []string{path}, err
	}
	if _, ok := builtIn()[arg]; ok && find.Path == "" {
		command, err = builtInCommand(arg)
		return arg, host.Found{From: fromConverter}, command, err
	}
	where, err = host.Find(arg, find)
	if d, ok := errors.AsType[*sdk.Diagnostic](err); ok && d.Code == host.CodeNotFound {
		if guess := nearest(arg, builtInNames()); guess != "" {
			d.Suggestion = "did you mean " + quoted(guess) + "? A file is named by a path with a separator: ./" + arg
		}
	}
	return arg, where, []string{where.Path}, err
}

func detailsOf(s sdk.Spec) details {
	d := details{
		Name: s.Name, Version: s.Version, Summary: s.Summary, Description: s.Description, Author: s.Author,
		Homepage: s.Homepage, License: s.License, Kinds: s.Kinds, StateVersion: s.StateVersion, SDK: s.SDK, Options: s.Options,
		Capabilities: []string{},
	}
	if d.Kinds == nil {
		d.Kinds = []string{}
	}
	for _, c := range []struct {
		can  bool
		word string
	}{
		{s.Can.Check, "check"},
		{s.Can.Discover, "discover"},
		{s.Can.Resumable, "resumable"},
		{s.Can.Incremental, "incremental"},
		{s.Can.FetchAsset, "fetch_asset"},
	} {
		if c.can {
			d.Capabilities = append(d.Capabilities, c.word)
		}
	}
	return d
}

// facts are the short ones, with their names, those that are empty left out.
func (d details) facts() [][2]string {
	found := d.From
	if d.Path != "" {
		found = d.Path + " (" + d.From + ")"
	}
	var facts [][2]string
	for _, f := range [][2]string{
		{"version", d.Version},
		{"protocol", fmt.Sprint(d.Protocol)},
		{"sdk", d.SDK},
		{"kinds", strings.Join(d.Kinds, ", ")},
		{"can", strings.Join(d.Capabilities, ", ")},
		{"author", d.Author},
		{"homepage", d.Homepage},
		{"license", d.License},
		{"found", found},
	} {
		if f[1] != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

func (d details) text(w io.Writer) error {
	fmt.Fprintln(w, strings.TrimRight(d.Name+": "+plain(d.Summary), ": "))
	if d.Description != "" {
		fmt.Fprintln(w)
		for line := range strings.Lines(d.Description) {
			fmt.Fprintln(w, "  "+plain(line))
		}
	}
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	for _, f := range d.facts() {
		fmt.Fprintf(t, "%s\t%s\n", f[0], plain(f[1]))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	options := optionsOf(d.Options)
	if len(options) == 0 {
		fmt.Fprintln(w, "\nIt has no options.")
		return nil
	}
	fmt.Fprintln(w)
	fmt.Fprintln(t, "OPTION\tTYPE\tDEFAULT\tMEANING")
	for _, o := range options {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", plain(o.name), plain(o.kind), orDash(plain(o.preset)), plain(o.meaning))
	}
	return t.Flush()
}

// markdown leaves out where the plugin lies, which is not the reader's concern.
func (d details) markdown(w io.Writer) {
	fmt.Fprintf(w, "# The `%s` plugin\n", d.Name)
	for _, text := range []string{d.Summary, d.Description} {
		if text != "" {
			fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(text))
		}
	}
	fmt.Fprint(w, "\n| | |\n|---|---|\n")
	for _, f := range d.facts() {
		if f[0] != "found" {
			fmt.Fprintf(w, "| %s | %s |\n", f[0], cell(f[1]))
		}
	}
	fmt.Fprint(w, "\n## Options\n\n")
	options := optionsOf(d.Options)
	if len(options) == 0 {
		fmt.Fprintln(w, "It has no options.")
		return
	}
	fmt.Fprint(w, "| option | type | default | meaning |\n|---|---|---|---|\n")
	for _, o := range options {
		preset := cell(o.preset)
		if preset != "" && preset != required {
			preset = "`" + preset + "`"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", cell(o.name), cell(o.kind), preset, cell(o.meaning))
	}
}

// cell is text for a cell of a Markdown table.
func cell(s string) string { return strings.ReplaceAll(plain(s), "|", `\|`) }
