package worker

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/internal/child"
)

// Config says how pictures are rendered.
type Config struct {
	Command []string                         // Program and arguments that call Serve. Required.
	Limit   func(asset.Header) time.Duration // How long a picture may keep a core busy. Default: [asset.Deadline].
	Log     *slog.Logger                     // Default: nothing is logged.
}

// attempts is how many processes a picture may kill.
const attempts = 2

// Pool is the processes. They are started when they are needed, and kept.
type Pool struct {
	config Config

	mu     sync.Mutex // guards what follows
	idle   []*process
	closed bool
}

// New returns a pool without a process.
func New(config Config) *Pool {
	if config.Limit == nil {
		config.Limit = asset.Deadline
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	return &Pool{config: config}
}

// Render is [asset.Render] in a process. What has no pixels, or may not be opened, is seen to in this one. A picture over its limit is
// answered as if the context had ended at its deadline.
func (p *Pool) Render(ctx context.Context, data []byte, c asset.Config) (asset.Result, error) {
	if !asset.NeedsPixels(data, c) {
		return asset.Render(ctx, data, c)
	}
	header, _ := asset.Inspect(data) // it could be read before
	limit := p.config.Limit(header)
	q := request{Config: c, Encoder: asset.EncoderWasm}
	if c.Encoder != nil {
		q.Encoder = asset.KindOf(c.Encoder)
	}
	var death error
	for range attempts {
		if err := ctx.Err(); err != nil {
			return asset.Result{}, err
		}
		w, err := p.take(ctx)
		if err != nil {
			return asset.Result{}, unstartable(err)
		}
		r, err := w.render(ctx, limit, q, data)
		if err == nil {
			p.put(w)
			return r.restore(data), r.Fault.err()
		}
		death = w.end(err)
		if ctx.Err() != nil {
			return asset.Result{}, ctx.Err()
		}
		if errors.Is(err, errBusy) {
			return asset.Result{}, err
		}
		p.config.Log.Info("a picture killed its worker", "error", death)
	}
	result := asset.Kept(data)
	return result, &asset.CodecError{
		Code: asset.CodeQuarantined, Err: death,
		Reason: fmt.Sprintf("the picture killed the process that rendered it, twice: %v; save it again in another format and report it", death),
	}
}

func unstartable(err error) error {
	return &asset.CodecError{
		Code: asset.CodeFailed, Err: err,
		Reason: fmt.Sprintf("no process for pictures can be started: %v; see that there is memory, and that the program is where it was", err),
	}
}

// restore puts the bytes back in their places.
func (r *delivery) restore(data []byte) asset.Result {
	for i := range r.Result.Renditions {
		if at := r.Blobs[i]; at >= 0 {
			r.Result.Renditions[i].Data = r.data[at]
		} else {
			r.Result.Renditions[i].Data = data
		}
	}
	return r.Result
}

// delivery is a response with its bytes.
type delivery struct {
	response
	data [][]byte
}

func (p *Pool) take(ctx context.Context) (*process, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, errors.New("the run has ended")
	}
	if n := len(p.idle); n > 0 {
		w := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return w, nil
	}
	p.mu.Unlock()
	return start(context.WithoutCancel(ctx), p.config.Command)
}

// put takes a process back.
func (p *Pool) put(w *process) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.idle = append(p.idle, w)
	}
	p.mu.Unlock()
	if closed {
		w.stop()
	}
}

// Close ends the processes. Those at work end with their pictures.
func (p *Pool) Close() {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, w := range idle {
		w.stop()
	}
}

// process is one worker.
type process struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	words *tail
}

func start(ctx context.Context, command []string) (*process, error) {
	w := &process{cmd: exec.CommandContext(ctx, command[0], command[1:]...), words: &tail{}}
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
	return w, w.cmd.Start()
}

// errBusy is of a picture that kept a core busy for longer than it may.
var errBusy = fmt.Errorf("the process was busy for too long: %w", context.DeadlineExceeded)

// render has one picture rendered. After an error the process is of no use.
func (w *process) render(ctx context.Context, limit time.Duration, q request, data []byte) (*delivery, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { w.watch(ctx, limit, cancel) })
	defer watching.Wait()
	defer cancel(nil)
	killed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(killed)
		_ = w.cmd.Process.Kill() // it may be gone already
	})
	r, err := w.ask(q, data)
	if !stop() { // even if it was done in the end, there is no process any more
		<-killed
		return nil, context.Cause(ctx)
	}
	return r, err
}

// watch calls the work off when the process has been busy for longer than the limit. It looks no more often than it may have come to
// that with all cores.
func (w *process) watch(ctx context.Context, limit time.Duration, off context.CancelCauseFunc) {
	began, cores := time.Now(), time.Duration(runtime.NumCPU())
	before, unseen := child.CPU(w.cmd.Process.Pid)
	for left := limit; left > 0; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(left/cores, 10*time.Millisecond)):
		}
		now, err := child.CPU(w.cmd.Process.Pid)
		switch {
		case unseen != nil:
			left = limit - time.Since(began)
		case err != nil:
			return // it has ended
		default:
			left = limit - (now - before)
		}
	}
	off(errBusy)
}

// ask sends a picture and waits for what is made of it.
func (w *process) ask(q request, data []byte) (*delivery, error) {
	if err := write(w.in, q, data); err != nil {
		return nil, err
	}
	r := &delivery{}
	blobs, err := read(w.out, &r.response)
	if err != nil {
		return nil, err
	}
	if len(r.Blobs) != len(r.Result.Renditions) {
		return nil, errors.New("an answer that is none")
	}
	for _, at := range r.Blobs {
		if at < -1 || at >= len(blobs) {
			return nil, errors.New("an answer that is none")
		}
	}
	r.data = blobs
	return r, nil
}

// end kills a process that failed, and says of what it died.
func (w *process) end(why error) error {
	_ = w.in.Close()
	_ = w.cmd.Process.Kill()
	err := w.cmd.Wait()
	if line := w.words.cause(); line != "" {
		return errors.New(line)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ProcessState != nil {
		return fmt.Errorf("%w: %w%s", err, why, atLimit)
	}
	return why
}

// atLimit is behind the causes that say little: Go's runtime does not always get to say that it has no memory left, and its
// collector may stumble over that before anybody asks for more.
const atLimit = " (it may have come to its limit of memory)"

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

// cause returns the line that says of what the process died.
func (t *tail) cause() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for line := range bytes.Lines(t.kept) {
		text := strings.TrimSpace(string(line))
		for _, start := range []string{"fatal error: ", "panic: ", "error: "} {
			if rest, ok := strings.CutPrefix(text, start); ok {
				return rest
			}
		}
		if strings.HasPrefix(text, "SIG") {
			return text + atLimit
		}
	}
	return ""
}
