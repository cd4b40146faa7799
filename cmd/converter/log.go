package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/lmittmann/tint"
	"golang.org/x/term"
)

// newLog makes the logger of a run: colours on a terminal, JSON lines among JSON lines.
func newLog(out io.Writer, stderr io.Writer, level, mode string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, usage("--log-level is %q, and has to be debug, info, warn or error", level)
	}
	if mode == progressJSON {
		return slog.New(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: l})), nil
	}
	f, ok := stderr.(*os.File)
	plain := !ok || !term.IsTerminal(int(f.Fd())) || os.Getenv("NO_COLOR") != ""
	return slog.New(tint.NewTextHandler(out, &tint.Options{Level: l, NoColor: plain, TimeFormat: time.TimeOnly})), nil
}

func checkProgress(mode string) error {
	switch mode {
	case progressAuto, progressTTY, progressPlain, progressJSON, progressNone:
		return nil
	default:
		return usage("--progress is %q, and has to be %s", mode,
			fmt.Sprintf("%s, %s, %s, %s or %s", progressAuto, progressTTY, progressPlain, progressJSON, progressNone))
	}
}
