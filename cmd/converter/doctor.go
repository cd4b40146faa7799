package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/runs"
)

func (a *app) doctorCommand() *cobra.Command {
	var asJSON bool
	var dirs []string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Look whether everything is there that a run needs, and what is the matter where it is not",
		Long: `Doctor looks at the config, the database node, the state folder and its disk, the store with its schema and whether it is
sound, the nodes of a cluster, the plugins and the encoder of pictures. It changes nothing, and may be used during a run.

Exit codes: 0 nothing failed, 1 something did, 2 the usage is wrong.`,
		Args: cobra.NoArgs,
	}
	k := a.keep(c)
	pluginDirFlag(c, &dirs)
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.RunE = func(c *cobra.Command, _ []string) error {
		k.named = c.Flags().Changed("config")
		findings := a.examine(c.Context(), k, dirs)
		if asJSON {
			if err := a.printJSON(findings); err != nil {
				return err
			}
		} else {
			printFindings(a.stdout, findings)
		}
		if slices.ContainsFunc(findings, func(f runs.Finding) bool { return f.Verdict == runs.Failing }) {
			return &exitError{code: exitFailed}
		}
		return nil
	}
	return c
}

// examine collects what there is to say. What hangs on a config is looked at as without one where there is none.
func (a *app) examine(ctx context.Context, k *keeper, dirs []string) []runs.Finding {
	k.log = slog.New(slog.DiscardHandler) // each finding says what there is to say
	conf, store, list := a.examineConfig(k)
	list = append(list, runs.Examine(ctx, store)...)
	list = append(list, a.examinePlugins(ctx, k, conf, dirs)...)
	if conf == nil {
		conf = &config{}
	}
	return append(list, examinePictures(conf))
}

// examinePictures says what writes pictures, and why it is not the faster one.
func examinePictures(conf *config) runs.Finding {
	f := runs.Finding{Check: "pictures", Verdict: runs.Sound}
	images, note, err := conf.assetConfig()
	switch {
	case err != nil:
		f.Verdict, f.Text = runs.Failing, firstLine(err.Error())
		f.Advice = "install libwebp (Debian: apt-get install libwebp7), or set assets.encoder to auto"
	case note != "":
		f.Verdict, f.Text = runs.Doubt, "written by "+images.EncoderName()+"; "+firstLine(note)
		f.Advice = "install libwebp 1.2 or later (Debian: apt-get install libwebp7)"
	default:
		f.Text = "written by " + images.EncoderName()
	}
	return f
}

func (a *app) examineConfig(k *keeper) (conf *config, store runs.Config, list []runs.Finding) {
	const check = "config"
	conf, err := a.config(k.config)
	if err == nil {
		state, _ := filepath.Abs(conf.stateDir(k.state)) // it is only empty where there is no working folder
		if store, err = conf.library(state, k.log); err == nil {
			return conf, store, []runs.Finding{{Check: check, Verdict: runs.Sound, Text: fmt.Sprintf("%s: %s, %s", k.config,
				plural(len(conf.Sources), "source"), plural(len(conf.Outputs), "output"))}}
		}
	}
	state := k.state
	if state == "" {
		state = filepath.Join(filepath.Dir(k.config), ".converter")
	}
	state, _ = filepath.Abs(state)
	store = runs.Config{Dir: state, Log: k.log}
	if _, statErr := os.Stat(k.config); errors.Is(statErr, os.ErrNotExist) && !k.named {
		return nil, store, []runs.Finding{{
			Check: check, Verdict: runs.Doubt, Text: fmt.Sprintf("there is no %s here", k.config),
			Advice: "name one with --config, or write one: see examples/run.yaml",
		}}
	}
	return nil, store, []runs.Finding{{
		Check: check, Verdict: runs.Failing, Text: firstLine(err.Error()), Advice: "converter validate --config " + k.config + " shows all of it",
	}}
}

// examinePlugins starts all plugins there are. One that cannot be used is a failure when the config wants it.
func (a *app) examinePlugins(ctx context.Context, k *keeper, conf *config, dirs []string) []runs.Finding {
	const check = "plugins"
	find, err := findConfig(k.config, dirs)
	if err != nil {
		return []runs.Finding{{Check: check, Verdict: runs.Failing, Text: err.Error()}}
	}
	list, err := plugins(find)
	var findings []runs.Finding
	if err != nil {
		findings = append(findings, runs.Finding{Check: check, Verdict: runs.Doubt, Text: err.Error()})
	}
	wanted := map[string]bool{}
	if conf != nil {
		list = append(list, conf.namedPlugins()...)
		for _, s := range conf.Sources {
			wanted[s.Plugin] = true
		}
	}
	askAll(ctx, list)
	usable := 0
	for _, l := range list {
		if l.ShadowedBy != "" {
			continue
		}
		delete(wanted, l.Name)
		if l.Broken == nil {
			usable++
			continue
		}
		f := runs.Finding{Check: check, Verdict: runs.Doubt, Text: plain(l.Broken.Summary), Advice: plain(l.Broken.Suggestion)}
		if conf != nil && conf.uses(l.Name) {
			f.Verdict = runs.Failing
		}
		findings = append(findings, f)
	}
	for _, s := range orNone(conf) {
		if wanted[s.Plugin] {
			findings = append(findings, runs.Finding{
				Check: check, Verdict: runs.Failing, Text: fmt.Sprintf("source %q wants the plugin %q, which is not found", s.Name, s.Plugin),
				Advice: "converter plugin list shows those there are",
			})
		}
	}
	return append(findings, runs.Finding{Check: check, Verdict: runs.Sound, Text: plural(usable, "plugin") + " can be started"})
}

func orNone(c *config) []Source {
	if c == nil {
		return nil
	}
	return c.Sources
}

// uses reports whether a source of the config wants the plugin.
func (c *config) uses(plugin string) bool {
	return slices.ContainsFunc(c.Sources, func(s Source) bool { return s.Plugin == plugin })
}

func printFindings(w io.Writer, list []runs.Finding) {
	width := 0
	for _, f := range list {
		width = max(width, len(f.Check))
	}
	marks := map[runs.Verdict]string{runs.Sound: "✓", runs.Doubt: "!", runs.Failing: "✗"}
	failed, doubts := 0, 0
	for _, f := range list {
		fmt.Fprintf(w, "%s %-*s  %s\n", marks[f.Verdict], width, f.Check, lines(f.Text))
		if f.Advice != "" {
			fmt.Fprintf(w, "  %-*s  → %s\n", width, "", plain(f.Advice))
		}
		switch f.Verdict {
		case runs.Failing:
			failed++
		case runs.Doubt:
			doubts++
		default:
		}
	}
	switch {
	case failed > 0:
		fmt.Fprintf(w, "\n%s failed\n", plural(failed, "check"))
	case doubts > 0:
		fmt.Fprintf(w, "\nnothing failed; %s to look at\n", plural(doubts, "thing"))
	default:
		fmt.Fprintln(w, "\nall is well")
	}
}
