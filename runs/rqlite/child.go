package rqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"
)

// tailLines is how many of the child's last lines an error carries.
const tailLines = 12

// What the collector of garbage in the child goes by. It holds the last 512 entries of its log, up to 100 MB of batches, which bounds
// what may lie beside them; below the limit it looks for garbage a quarter as often as it would, and takes a quarter less CPU.
const (
	memoryLimit = "GOMEMLIMIT=128MiB"
	garbage     = "GOGC=400"
)

// child is one rqlited process from its start to its end.
type child struct {
	command *exec.Cmd
	log     *slog.Logger
	started chan error    // one value: whether it started
	bound   chan string   // one value, if it comes that far: host:port of the HTTP side
	exited  chan struct{} // closed when the process is gone and waited for

	mu   sync.Mutex
	tail []string
	full time.Time // when it last found no room on the disk
	err  error     // how it ended
}

// startChild starts the process and the goroutine that keeps it, which ends when exited is closed.
func startChild(ctx context.Context, log *slog.Logger, binary string, arguments []string) (*child, error) {
	c := &child{
		// The end of ctx is the end of a call; the process goes on until it is stopped.
		command: exec.CommandContext(context.WithoutCancel(ctx), binary, arguments...),
		log:     log,
		started: make(chan error, 1),
		bound:   make(chan string, 1),
		exited:  make(chan struct{}),
	}
	c.command.SysProcAttr = attributes()
	c.command.Env = append(os.Environ(), memoryLimit, garbage)
	go c.keep()
	if err := <-c.started; err != nil {
		<-c.exited
		return nil, fmt.Errorf("start %s: %w", binary, err)
	}
	return c, nil
}

// keep starts the process, reads what it says and waits for its end, all on one thread of the system, because it is
// the end of the thread that started it which takes the process along.
func (c *child) keep() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.exited)
	stderr, err := c.command.StderrPipe()
	if err == nil {
		err = c.command.Start()
	}
	c.started <- err
	if err != nil {
		return
	}
	c.listen(stderr)
	err = c.command.Wait()
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
}

// listen reads until the process has closed its end: a process whose output nobody reads would stand still.
func (c *child) listen(stderr io.Reader) {
	reader := bufio.NewReaderSize(stderr, 16<<10)
	for {
		line, cut, err := reader.ReadLine()
		if err != nil {
			return
		}
		text := string(line)
		for cut && err == nil { // the rest of a line beyond measure
			_, cut, err = reader.ReadLine()
		}
		c.hear(text)
	}
}

func (c *child) hear(line string) {
	c.log.Debug("rqlited_says", "line", line)
	c.mu.Lock()
	c.tail = append(c.tail, line)
	if len(c.tail) > tailLines {
		c.tail = c.tail[1:]
	}
	if strings.Contains(line, "no space left on device") || strings.Contains(line, "disk is full") {
		c.full = time.Now()
	}
	c.mu.Unlock()
	if !strings.HasPrefix(line, "[http]") {
		return
	}
	if _, address, found := strings.Cut(line, "service listening on "); found {
		select {
		case c.bound <- strings.TrimSpace(address):
		default:
		}
	}
}

// end describes how the process ended, with its last words.
func (c *child) end() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	how := "exit status 0"
	if c.err != nil {
		how = c.err.Error()
	}
	return fmt.Errorf("rqlited ended (%s); its last lines:\n%s", how, strings.Join(c.tail, "\n"))
}

// late describes that the process lives but is of no use yet.
func (c *child) late(why error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Errorf("rqlited does not get ready (%w); its last lines:\n%s", why, strings.Join(c.tail, "\n"))
}

// dead returns how the process ended, and nil as long as it lives.
func (c *child) dead() error {
	select {
	case <-c.exited:
		return c.end()
	default:
		return nil
	}
}

// outOfSpace reports whether the disk was full a moment ago. A process in that state complains several times a second.
func (c *child) outOfSpace() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.full.IsZero() && time.Since(c.full) < 5*time.Second
}

// kill ends the process at once and waits for it.
func (c *child) kill() {
	if err := c.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		c.log.Warn("rqlited_not_killed", "pid", c.command.Process.Pid, "error", err)
	}
	<-c.exited
}
