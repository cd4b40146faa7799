package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/dashboard"
	"github.com/seed-98789ff7/converter/runs"
)

// board is the dashboard of this process: a listener first, a server when there is something to show.
type board struct {
	listener net.Listener
	url      string // of the run, or of the list of runs

	end  context.CancelFunc // nil: it does not serve
	done chan error
}

func listen(ctx context.Context, address string) (*board, error) {
	ln, err := dashboard.Listen(ctx, address)
	if err != nil {
		return nil, err
	}
	return &board{listener: ln, url: "http://" + ln.Addr().String()}, nil
}

// serve serves the dashboard of a run.
func (b *board) serve(ctx context.Context, j *job) error {
	server, err := dashboard.New(dashboard.Config{
		Library: j.library, Live: j.run.State(), LiveID: j.run.ID(), StaysOpen: j.flags.keepOpen,
		Pictures: renditions{library: j.library, recipe: j.conf.recipe()}, Cancel: j.stop.user,
		Reopen: "converter serve --config " + j.flags.config, Version: version, Log: j.log,
		Commands: commands,
	})
	if err != nil {
		return failed(err)
	}
	b.url += "/runs/" + j.run.ID()
	b.start(ctx, server)
	return nil
}

func (b *board) start(ctx context.Context, server *dashboard.Server) {
	serving, end := context.WithCancel(context.WithoutCancel(ctx))
	b.end, b.done = end, make(chan error, 1)
	go func() { b.done <- server.Run(serving, b.listener) }()
}

// wait keeps the dashboard open until the program is told to stop.
func (b *board) wait(ctx context.Context, j *job) {
	fmt.Fprintf(j.screen, "the dashboard stays open at %s; Ctrl-C ends it\n", b.url)
	select {
	case <-ctx.Done():
	case err := <-b.done:
		b.done <- err
	}
}

func (b *board) close() error {
	if b.end == nil {
		return b.listener.Close()
	}
	b.end()
	return <-b.done
}

// renditions finds the bytes of pictures for the dashboard.
type renditions struct {
	library *runs.Library
	recipe  string
}

// Open opens a rendition of an asset.
func (r renditions) Open(ctx context.Context, assetID, resolution string) (io.ReadCloser, string, error) {
	a, found, err := r.library.Lookup(ctx, assetID, r.recipe)
	if err != nil {
		return nil, "", err
	}
	made, ok := shown(a, resolution)
	if !found || !ok {
		return nil, "", fmt.Errorf("picture %s, %s: %w", assetID, resolution, fs.ErrNotExist)
	}
	body, err := r.library.Blobs().Open(ctx, made.SHA256)
	return body, made.MediaType, err
}

// shown is the rendition to show for a resolution: a picture without it, such as an SVG, has its original for all.
func shown(a core.Asset, resolution string) (core.Rendition, bool) {
	i := slices.IndexFunc(a.Renditions, func(r core.Rendition) bool { return r.Resolution == resolution })
	if i < 0 && len(a.Renditions) == 1 && strings.HasPrefix(a.MediaType, "image/") {
		i = 0
	}
	if i < 0 || a.Unsafe {
		return core.Rendition{}, false
	}
	return a.Renditions[i], true
}

// serveCommand is `converter serve`: the dashboard over the runs there were.
func (a *app) serveCommand() *cobra.Command {
	var f runFlags
	c := &cobra.Command{
		Use:   "serve",
		Short: "Open the dashboard over the runs of a config, without running it",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.serve(cmd.Context(), f) },
	}
	configFlag(c, &f.config)
	c.Flags().StringVar(&f.state, "state", "", "state folder (default: .converter beside the config file)")
	c.Flags().StringVar(&f.dashboard, "dashboard", "", "address of the dashboard (default: 127.0.0.1:8787, or the next free port)")
	c.Flags().StringVar(&f.logLevel, "log-level", "warn", "what is logged: debug, info, warn or error")
	return c
}

func (a *app) serve(ctx context.Context, f runFlags) (err error) {
	conf, err := a.config(f.config)
	if err != nil {
		return err
	}
	log, err := newLog(a.stderr, a.stderr, f.logLevel, progressPlain)
	if err != nil {
		return err
	}
	state := conf.stateDir(f.state)
	if _, err := os.Stat(state); len(conf.Store.URLs) == 0 && errors.Is(err, fs.ErrNotExist) {
		return usage("there are no runs in %s yet; run the config first: converter run --config %s", state, f.config)
	}
	ctx, stop := stopOnSignal(ctx, newTerminal(a.stderr, progressNone))
	defer stop.close()
	b, err := listen(ctx, f.dashboard)
	if err != nil {
		return usage("%w", err)
	}
	library, err := openLibrary(ctx, conf, state, log)
	if err != nil {
		return failed(errors.Join(err, b.close()))
	}
	server, err := dashboard.New(dashboard.Config{
		Library: library, Pictures: renditions{library: library, recipe: conf.recipe()}, Version: version, Log: log, StaysOpen: true,
		Commands: commands,
	})
	if err == nil {
		b.start(ctx, server)
		fmt.Fprintf(a.stdout, "dashboard %s; Ctrl-C ends it\n", b.url)
		select {
		case <-ctx.Done():
		case err = <-b.done:
			b.done <- err
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	if err := errors.Join(err, b.close(), library.Close(last)); err != nil {
		return failed(err)
	}
	return nil
}
