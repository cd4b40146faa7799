package dashboard

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/dashboard/page"
)

// Library is the history of runs.
type Library interface {
	// Runs returns the newest runs, newest first.
	Runs(ctx context.Context, limit int) ([]core.Summary, error)
	// Find returns the run with this id, or the newest one whose result has it. An error that is fs.ErrNotExist says
	// that there is none.
	Find(ctx context.Context, id string) (core.Summary, error)
}

// Live is the run of this process.
type Live interface {
	Snapshot() core.Snapshot
}

// Pictures opens renditions of assets. A reader that can seek is served in ranges. An error that is fs.ErrNotExist says
// that there is no such rendition.
type Pictures interface {
	Open(ctx context.Context, assetID, resolution string) (content io.ReadCloser, mediaType string, err error)
}

// Command is a line to copy into a terminal, and what it does.
type Command = page.Command

// Config says what a dashboard shows.
type Config struct {
	// Library is the history; it must be given.
	Library Library
	// Live is the run of this process; nil when it converts nothing.
	Live Live
	// LiveID is the id of that run; default: the one its snapshot has.
	LiveID string
	// Pictures opens renditions; nil: none are shown.
	Pictures Pictures
	// Cancel asks the run of this process to end and returns at once; nil: it cannot be cancelled from the dashboard.
	Cancel func(reason string)
	// StaysOpen says that the dashboard outlives the run of this process; default: it closes with it, and its pages say
	// so.
	StaysOpen bool
	// Reopen is the command that opens the dashboard again once it has closed; default: converter serve.
	Reopen string
	// Commands are lines to copy for a run; default: the one that runs its config again.
	Commands func(run core.Summary) []Command
	// Start are lines to copy for somebody who has no run yet; default: run and demo.
	Start []Command
	// Version is what the foot of the page says; default: nothing.
	Version string
	// Log receives what goes wrong; default: nothing is logged.
	Log *slog.Logger
}

func (c Config) withDefaults() (Config, error) {
	if c.Library == nil {
		return c, errors.New("dashboard: Config.Library is nil: there is no history to show")
	}
	if c.Live != nil && c.LiveID == "" {
		c.LiveID = c.Live.Snapshot().ID
	}
	if c.Reopen == "" {
		c.Reopen = "converter serve"
	}
	if c.Commands == nil {
		c.Commands = again
	}
	if c.Start == nil {
		c.Start = []Command{
			{Label: "Convert what your config names", Line: "converter run --config converter.yaml"},
			{Label: "Or try the sample of the repository", Line: "converter run --config examples/run.yaml"},
		}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

func again(run core.Summary) []Command {
	if run.Config == "" {
		return nil
	}
	return []Command{{Label: "Run this again", Line: "converter run --config " + quote(run.Config)}}
}

// quote makes a path one word of a shell's command line.
func quote(path string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@%:,", r)
	}
	if path != "" && strings.IndexFunc(path, func(r rune) bool { return !plain(r) }) < 0 {
		return path
	}
	return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
}
