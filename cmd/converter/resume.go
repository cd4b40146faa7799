package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/dashboard"
	"github.com/seed-98789ff7/converter/runs"
)

// last names the newest run of the config that can be taken up, or tried again.
const last = "last"

// lookBack finds the run to take up, or to try again, and makes sure that it can be.
func (j *job) lookBack(ctx context.Context) error {
	ref, fits, verb := j.flags.resume, (*core.Summary).Resumable, "resumed"
	if j.flags.retry != "" {
		ref, fits, verb = j.flags.retry, (*core.Summary).Retriable, "retried"
	}
	if err := j.openLibrary(ctx); err != nil {
		return err
	}
	s, err := j.earlierRun(ctx, ref, fits)
	if _, unknown := errors.AsType[*runs.NotFoundError](err); unknown {
		return j.none(ctx, ref, verb, fits)
	}
	if err != nil {
		return failed(err)
	}
	if !s.State.Ended() {
		return failed(&runs.AliveError{ID: s.ID, PID: s.PID})
	}
	if !fits(&s) {
		return usage("run %s cannot be %s: %s", s.ID, verb, instead(s, verb))
	}
	if s.ConfigDigest != j.conf.digest {
		return usage("run %s was begun with another config, and would end with a mixture: %s; undo that to go on with it, or start a new run: "+
			"converter run --config %s", s.ID, changes(s.ConfigParts, j.conf.parts()), j.flags.config)
	}
	j.earlier = &s
	return nil
}

// earlierRun finds a run by its id, or the newest one of the config that fits.
func (j *job) earlierRun(ctx context.Context, ref string, fits func(*core.Summary) bool) (core.Summary, error) {
	if ref != last {
		return j.library.Find(ctx, ref)
	}
	list, err := j.library.Runs(ctx, 0)
	if err != nil {
		return core.Summary{}, err
	}
	for _, s := range list {
		if s.Config == j.conf.path && fits(&s) {
			return s, nil
		}
	}
	return core.Summary{}, &runs.NotFoundError{Ref: ref}
}

// none says that there is no such run, and which there are.
func (j *job) none(ctx context.Context, ref, verb string, fits func(*core.Summary) bool) error {
	list, err := j.library.Runs(ctx, 0)
	if err != nil {
		return failed(err)
	}
	var names []string
	for _, s := range list {
		if fits(&s) {
			names = append(names, fmt.Sprintf("%s (%s, %s)", s.ID, s.Name, s.State))
		}
	}
	what := fmt.Sprintf("no run is called %q", ref)
	if ref == last {
		what = "no run of this config can be " + verb
	}
	if len(names) == 0 {
		return usage("%s, and there is none that can be %s; start a new run: converter run --config %s", what, verb, j.flags.config)
	}
	return usage("%s; these can be %s: %s", what, verb, strings.Join(names, ", "))
}

// instead says why a run cannot be taken up, or tried again, and what can be done.
func instead(s core.Summary, verb string) string {
	again := "converter run --config " + s.Config
	switch {
	case s.Compendium:
		return "it is no conversion, it was to make the compendium; to do that: converter update-compendium --config " + s.Config
	case s.Child != "":
		return fmt.Sprintf("it was retried as %s, which has what was stored of it; see that one", s.Child)
	case s.State == core.Succeeded:
		return "it has finished, and nothing failed in it; to read its sources again: " + again
	case s.State == core.Partial && s.Kept:
		return fmt.Sprintf("it has finished; to try again what failed in it: %s --retry %s", again, s.ID)
	case verb == "retried" && s.Kept:
		return fmt.Sprintf("it has not finished; to take it up: %s --resume %s", again, s.ID)
	default:
		return "nothing is stored of it any more, because a later run has finished, newer runs took its place, or nothing was stored; " +
			"to start a new one, which makes no picture again: " + again
	}
}

// changes says which parts of a config differ.
func changes(was, is map[string]string) string {
	if was == nil {
		return "which parts differ is not known"
	}
	var list []string
	all := maps.Clone(was)
	maps.Copy(all, is)
	for _, part := range slices.Sorted(maps.Keys(all)) {
		switch {
		case was[part] == is[part]:
		case was[part] == "":
			list = append(list, part+" is new")
		case is[part] == "":
			list = append(list, part+" is gone")
		default:
			list = append(list, part+" has changed")
		}
	}
	return strings.Join(list, ", ")
}

// versions warns of plugins that are not those that the run was begun with.
func (j *job) versions() {
	if j.earlier == nil {
		return
	}
	was := map[string]string{}
	for _, p := range j.earlier.Plugins {
		was[p.Source] = p.Version
	}
	for _, p := range j.plugins() {
		if old := was[p.Source]; old != p.Version {
			j.run.State().Failure(core.Failure{
				Stage: core.StageRead, Code: "plugin.other_version", Source: p.Source, Plugin: p.Plugin, Item: p.Source, Warning: true, Transient: true,
				Message:    fmt.Sprintf("a part was read with version %s of the plugin, the rest is read with version %s", old, p.Version),
				Suggestion: "if the versions read differently, start a new run",
			})
		}
	}
}

// commands are the lines to copy for a run: first the one that suggests itself.
func commands(s core.Summary) []dashboard.Command {
	if s.Config == "" {
		return nil
	}
	if s.Compendium {
		return []dashboard.Command{{Label: "Build it anew", Line: "converter update-compendium --config " + s.Config}}
	}
	var list []dashboard.Command
	if next := further(s); next.Line != "" {
		list = append(list, next)
	}
	return append(list, dashboard.Command{Label: "Run this config again", Line: "converter run --config " + s.Config})
}

// further is how to go on with a run that has ended; an empty line: there is nothing to go on with.
func further(s core.Summary) dashboard.Command {
	line := "converter run --config " + s.Config
	switch {
	case s.Resumable():
		return dashboard.Command{Label: "Continue with", Line: line + " --resume " + s.ID}
	case s.Retriable():
		return dashboard.Command{Label: "Try again what failed with", Line: line + " --retry " + s.ID}
	}
	return dashboard.Command{}
}
