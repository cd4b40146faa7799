package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// ending is a program on its way out, with what it says and how it exits.
type ending struct {
	*stopper

	ctx  context.Context
	said syncBuffer
	code chan int
}

type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newEnding(t *testing.T) *ending {
	t.Helper()
	e := &ending{code: make(chan int, 1)}
	e.ctx, e.stopper = newStopper(t.Context(), newTerminal(&e.said, progressPlain))
	e.exit = func(code int) { e.code <- code }
	return e
}

// TestStopper goes from the first signal to the third.
func TestStopper(t *testing.T) {
	t.Run("first", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEnding(t)
			e.second(func(context.Context) error { t.Error("killed"); return nil })
			e.signals <- os.Interrupt
			<-e.ctx.Done()
			synctest.Wait()
			if !strings.Contains(e.said.String(), "once more to kill the plugins and end at once") {
				t.Errorf("it says %q", e.said.String())
			}
			e.close()
			if len(e.code) != 0 || e.signal() != "SIGINT" {
				t.Errorf("exit codes %d, signal %q", len(e.code), e.signal())
			}
		})
	})
	t.Run("second", func(t *testing.T) {
		for first, code := range map[os.Signal]int{os.Interrupt: exitSIGINT, syscall.SIGTERM: exitSIGTERM} {
			synctest.Test(t, func(t *testing.T) {
				e := newEnding(t)
				killed := false
				e.second(func(context.Context) error { killed = true; return nil })
				e.signals <- first
				<-e.ctx.Done()
				e.signals <- os.Interrupt
				if got := <-e.code; got != code || !killed {
					t.Errorf("%v: exit code %d, want %d; killed %v", first, got, code, killed)
				}
				if !strings.Contains(e.said.String(), "the plugins are killed; what was saved by now is kept") {
					t.Errorf("it says %q", e.said.String())
				}
				e.close()
			})
		}
	})
	t.Run("second with nothing to kill", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEnding(t)
			e.signals <- os.Interrupt
			e.signals <- os.Interrupt
			if got := <-e.code; got != exitSIGINT {
				t.Errorf("exit code %d", got)
			}
			if said := e.said.String(); said != "stopping; once more to end at once\n" {
				t.Errorf("it says %q", said)
			}
			e.close()
		})
	})
	t.Run("the run ends meanwhile", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEnding(t)
			begun, release := make(chan struct{}), make(chan struct{})
			e.second(func(context.Context) error { close(begun); <-release; return errors.New("it is\nheld") })
			e.signals <- os.Interrupt
			e.signals <- os.Interrupt
			<-begun
			closed := make(chan struct{})
			go func() { defer close(closed); e.close() }()
			synctest.Wait()
			if len(e.code) != 0 {
				t.Error("it does not wait for the plugins to be killed")
			}
			close(release)
			<-closed
			if got := <-e.code; got != exitSIGINT || !strings.Contains(e.said.String(), "left behind: it is held") {
				t.Errorf("exit code %d, it says %q", got, e.said.String())
			}
		})
	})
	t.Run("third", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEnding(t)
			begun, release := make(chan struct{}), make(chan struct{})
			e.second(func(context.Context) error { close(begun); <-release; return nil })
			e.signals <- os.Interrupt
			e.signals <- os.Interrupt
			<-begun
			start := time.Now()
			e.signals <- os.Interrupt
			if got := <-e.code; got != exitSIGINT || time.Since(start) != 0 {
				t.Errorf("exit code %d after %v", got, time.Since(start))
			}
			close(release)
			e.close()
		})
	})
	t.Run("no patience", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			e := newEnding(t)
			release := make(chan struct{})
			given := make(chan time.Duration, 1)
			e.second(func(ctx context.Context) error {
				deadline, _ := ctx.Deadline()
				given <- time.Until(deadline)
				<-release
				return nil
			})
			start := time.Now()
			e.signals <- os.Interrupt
			e.signals <- os.Interrupt
			if got := <-e.code; got != exitSIGINT || time.Since(start) != 2*killLimit {
				t.Errorf("exit code %d after %v", got, time.Since(start))
			}
			if got := <-given; got != killLimit {
				t.Errorf("%v for the plugins", got)
			}
			close(release)
			e.close()
		})
	})
}
