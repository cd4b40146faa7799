package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/runs"
)

// keeper is what the commands that look after the store have in common: which one it is, and how they are stopped.
type keeper struct {
	app      *app
	config   string
	state    string
	logLevel string

	named  bool // the config was named on the command line
	screen *terminal
	log    *slog.Logger
	stop   *stopper
}

// keep adds the flags that say which store is meant.
func (a *app) keep(c *cobra.Command) *keeper {
	k := &keeper{app: a}
	configFlag(c, &k.config)
	c.Flags().StringVar(&k.state, "state", "", "state folder (default: .converter beside the config file)")
	c.Flags().StringVar(&k.logLevel, "log-level", "warn", "what is logged: debug, info, warn or error")
	return k
}

// do runs a command on the store: with a terminal, a log, and a context that ends when the program is told to stop.
func (k *keeper) do(c *cobra.Command, work func(context.Context, runs.Config) error) (err error) {
	k.named = c.Flags().Changed("config")
	k.screen = newTerminal(k.app.stderr, progressAuto)
	if k.log, err = newLog(k.screen, k.app.stderr, k.logLevel, progressPlain); err != nil {
		return err
	}
	config, err := k.library()
	if err != nil {
		return err
	}
	ctx, stop := stopOnSignal(c.Context(), k.screen)
	k.stop = stop
	defer stop.close()
	err = work(ctx, config)
	k.screen.draw("")
	if err != nil && stop.signal() != "" {
		return stop.instead(err)
	}
	if _, told := errors.AsType[*exitError](err); err == nil || told {
		return err
	}
	return failed(err)
}

// library says where the store is. With --state alone no config is needed.
func (k *keeper) library() (runs.Config, error) {
	if _, err := os.Stat(k.config); k.state != "" && !k.named && errors.Is(err, fs.ErrNotExist) {
		state, err := filepath.Abs(k.state)
		if err != nil {
			return runs.Config{}, usage("state folder: %w", err)
		}
		return runs.Config{Dir: state, Log: k.log}, nil
	}
	conf, err := k.app.config(k.config)
	if err != nil {
		return runs.Config{}, err
	}
	state, err := filepath.Abs(conf.stateDir(k.state))
	if err != nil {
		return runs.Config{}, usage("state folder: %w", err)
	}
	config, err := conf.library(state, k.log)
	if err != nil {
		return config, usage("%w", err)
	}
	return config, nil
}

// there returns an error when there is no store to speak of.
func (k *keeper) there(config runs.Config) error {
	if runs.Exists(config) {
		return nil
	}
	return usage("there are no runs in %s yet; run the config first: converter run --config %s", config.Dir, k.config)
}

// with opens the library for a command. A guest may look while a run is at work in another process.
func (k *keeper) with(c *cobra.Command, guest bool, work func(context.Context, *runs.Library) error) error {
	return k.do(c, func(ctx context.Context, config runs.Config) (err error) {
		if err := k.there(config); err != nil {
			return err
		}
		config.Guest = guest
		library, err := runs.Open(ctx, config)
		if err != nil {
			return err
		}
		defer func() {
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
			defer cancel()
			if closed := library.Close(last); closed != nil {
				k.log.Warn("store_not_closed", "error", closed)
			}
		}()
		return work(ctx, library)
	})
}

// progress shows how far something is: on a terminal again and again, elsewhere each step once.
func (k *keeper) progress() runs.Progress {
	var doing string
	percent := int64(-1)
	return func(now string, done, total int64) {
		p := int64(-1)
		if total > 0 {
			p = done * 100 / total
		}
		if now == doing && p == percent {
			return
		}
		fresh := now != doing
		doing, percent = now, p
		switch {
		case k.screen.mode == progressTTY && p >= 0:
			k.screen.draw(fmt.Sprintf("%s … %d%% of %s", now, p, sized(total)))
		case k.screen.mode == progressTTY:
			k.screen.draw(now + " …")
		case fresh:
			fmt.Fprintln(k.screen, now+" …")
		}
	}
}
