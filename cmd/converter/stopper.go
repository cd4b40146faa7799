package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// stopper ends a run on a signal.
//
//	first ─► the context ends, what was read is saved ─► the program ends by itself
//	second ─► plugins are killed, what was made for them is removed ─► exit
//	third ─► exit
type stopper struct {
	screen  *terminal
	cancel  context.CancelCauseFunc
	why     func() error // what ended the context
	signals chan os.Signal
	gone    chan struct{}
	exit    func(code int)

	mu   sync.Mutex
	kill func(context.Context) error // nil: there is nothing to kill; guarded by mu
}

// killLimit is how long the killing may take. Both the plugins and the removing have it.
const killLimit = time.Second

// stopped is why a context was ended.
type stopped struct{ by, actor string }

// byUser is the actor of a run that somebody ended in the browser.
const byUser = "user"

func (s stopped) Error() string {
	if s.actor == byUser {
		return s.by
	}
	return "stopped by " + s.by
}

// stopOnSignal returns the context of a run, and what ends it when the program is told to stop.
func stopOnSignal(ctx context.Context, screen *terminal) (context.Context, *stopper) {
	ctx, s := newStopper(ctx, screen)
	signal.Notify(s.signals, os.Interrupt, syscall.SIGTERM)
	return ctx, s
}

// stoppable is a command with a context that ends when the program is told to stop, so that it takes away what it has made.
func (a *app) stoppable(work func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		ctx, stop := stopOnSignal(c.Context(), newTerminal(a.stderr, progressNone))
		defer stop.close()
		c.SetContext(ctx)
		return stop.instead(work(c, args))
	}
}

func newStopper(ctx context.Context, screen *terminal) (context.Context, *stopper) {
	s := &stopper{screen: screen, signals: make(chan os.Signal, 3), gone: make(chan struct{}), exit: os.Exit}
	ctx, s.cancel = context.WithCancelCause(ctx)
	s.why = func() error { return context.Cause(ctx) }
	go s.watch(context.WithoutCancel(ctx))
	return ctx, s
}

// second says what the second signal has to do.
func (s *stopper) second(kill func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kill = kill
}

func (s *stopper) killer() func(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kill
}

func (s *stopper) watch(ctx context.Context) {
	defer close(s.gone)
	first, ok := <-s.signals
	if !ok {
		return
	}
	by, code := "SIGINT", exitSIGINT
	if first == syscall.SIGTERM {
		by, code = "SIGTERM", exitSIGTERM
	}
	s.cancel(stopped{by: by, actor: "signal"})
	if s.killer() == nil {
		fmt.Fprintln(s.screen, "stopping; once more to end at once")
	} else {
		fmt.Fprintln(s.screen, "stopping: what was read is being saved; once more to kill the plugins and end at once")
	}
	if _, ok := <-s.signals; ok {
		s.leave(ctx)
		s.exit(code) // rqlited dies with us, as it would if we crashed
	}
}

// leave kills the plugins. It does not wait for a run that comes to its end meanwhile, and not after a third signal.
func (s *stopper) leave(ctx context.Context) {
	killed := make(chan struct{})
	go func() { // the program ends when leave returns, and this with it
		defer close(killed)
		kill := s.killer()
		if kill == nil {
			return
		}
		within, cancel := context.WithTimeout(ctx, killLimit)
		defer cancel()
		if err := kill(within); err != nil {
			fmt.Fprintln(s.screen, "something of the plugins is left behind:", plain(err.Error()))
			return
		}
		fmt.Fprintln(s.screen, "ended at once: the plugins are killed; what was saved by now is kept")
	}()
	limit := time.NewTimer(2 * killLimit)
	defer limit.Stop()
	for signals := s.signals; ; {
		select {
		case _, third := <-signals:
			if third {
				return
			}
			signals = nil // closed: the run has come to its end
		case <-killed:
			return
		case <-limit.C:
			return
		}
	}
}

// user ends the run as somebody in the browser asked for.
func (s *stopper) user(reason string) { s.cancel(stopped{by: reason, actor: byUser}) }

// cause is what stopped the run, the zero value when nothing did.
func (s *stopper) cause() stopped {
	c, _ := errors.AsType[stopped](s.why())
	return c
}

// signal is what stopped the run, empty when nothing did.
func (s *stopper) signal() string { return s.cause().by }

func (s *stopper) actor() string { return s.cause().actor }

// instead returns the exit of a stopped program in place of the errors that the stopping caused.
func (s *stopper) instead(err error) error {
	switch s.signal() {
	case "":
		return err
	case "SIGTERM":
		return &exitError{code: exitSIGTERM}
	default:
		return &exitError{code: exitSIGINT}
	}
}

func (s *stopper) close() {
	signal.Stop(s.signals)
	close(s.signals)
	<-s.gone
	s.cancel(nil)
}
