package extract

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-98789ff7/converter/internal/child"
)

// startTimeout is how long a process may take until PDFium is loaded. Compiling it, which is done once on a machine, takes
// seconds, and longer on one that is busy.
const startTimeout = 3 * time.Minute

// process is one that runs Work.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	words *tail
	path  string // of the file it has open
	pages int    // read by it
	late  atomic.Bool
}

// errLate says that a process did not answer in time.
var errLate = errors.New("it took too long")

func start(ctx context.Context, command []string, s settings) (*process, error) {
	if len(command) == 0 {
		return nil, errors.New("no command starts one")
	}
	// The process outlives the call that it was started for.
	w := &process{cmd: exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...), words: &tail{}}
	w.cmd.Stderr = w.words
	child.Bind(w.cmd)
	in, err := w.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.in, w.out = in, bufio.NewReaderSize(out, 1<<16)
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	err = w.during(ctx, startTimeout, func(func()) error {
		if err := writeJSON(w.in, kindSettings, s); err != nil {
			return err
		}
		if k, _, err := readFrame(w.out); err != nil || k != kindReady {
			return errors.Join(errors.New("it did not get ready"), err)
		}
		return nil
	})
	if err != nil {
		return nil, w.end(err)
	}
	return w, nil
}

// during does something with the process, and kills it when that takes too long or ctx ends. What it does may say that it got on,
// which gives it the time anew.
func (w *process) during(ctx context.Context, most time.Duration, do func(gotOn func()) error) error {
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		_ = w.cmd.Process.Kill() // it may be gone already
	})
	clock := time.AfterFunc(most, func() {
		w.late.Store(true)
		_ = w.cmd.Process.Kill()
	})
	err := do(func() { clock.Reset(most) })
	clock.Stop()
	if !stop() {
		<-killed
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case w.late.Load():
		return errLate
	}
	return err
}

// end kills a process that failed, waits for it, and says of what it died.
func (w *process) end(why error) error {
	_ = w.in.Close()
	_ = w.cmd.Process.Kill()
	err := w.cmd.Wait()
	if errors.Is(why, errLate) || errors.Is(why, context.Canceled) || errors.Is(why, context.DeadlineExceeded) {
		return why
	}
	if line := w.words.cause(); line != "" {
		return fmt.Errorf("%w: %s", why, line)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return fmt.Errorf("%w: %w", why, exit)
	}
	return why
}

// stop ends a process that has nothing to do.
func (w *process) stop() {
	_ = w.in.Close() // that ends it
	_ = w.cmd.Wait() // whatever its last words
}

// tail keeps the first words of a process, where the Go runtime says of what it dies.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p[:min(len(p), 4096-len(t.kept))]...)
	return len(p), nil
}

// cause is the line that says of what the process died.
func (t *tail) cause() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range bytes.Lines(t.kept) {
		text := strings.TrimSpace(string(line))
		for _, begin := range []string{"fatal error: ", "panic: ", "error: "} {
			if rest, ok := strings.CutPrefix(text, begin); ok {
				return rest
			}
		}
	}
	return ""
}
