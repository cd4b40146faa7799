package host

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin/runner"
)

// lingerLimit is how long the output of a process is read after its end, for what it said last. Whoever holds the pipes
// longer is not the plugin.
const lingerLimit = 200 * time.Millisecond

// why says who ended a process.
type why uint8

const (
	byItself why = iota
	killedForStart
	killedForStall   // it did not answer
	killedForSilence // it answered, and sent nothing
	killedByClose
)

// child is the process of a plugin, for go-plugin to talk to: its first line goes to go-plugin, all other output to talk.
//
//	started ──► running ──► ended (reaped, group killed) ──► done (output read)
//
// One goroutine, bound to its thread, starts the process and waits for it: on Linux the process is killed when that very
// thread ends, and so when the host dies. It waits for the goroutines that read the output, and closes done.
type child struct {
	name    string
	command []string
	env     []string // with the variables of the handshake, once go-plugin has set them
	bare    []string // without
	workDir string
	memory  uint64 // bytes of data it may have; 0: no limit
	folder  string // of the socket
	majors  []int  // versions of the protocol that we speak
	talk    *talk
	done    chan struct{}

	greeting *io.PipeReader // the first line, to go-plugin
	greeter  *io.PipeWriter

	mu      sync.Mutex
	cmd     *exec.Cmd        // nil until it is started
	state   *os.ProcessState // nil until it is reaped
	cause   why              // first reason that we have to end it
	hello   handshake
	fault   error // of the handshake
	failure error // of starting
}

func newChild(ctx context.Context, config Config, command []string, folder string) *child {
	bare := environment(ctx, os.Environ(), config)
	c := &child{
		name: config.Name, command: command, workDir: config.WorkDir, folder: folder, majors: config.majors, done: make(chan struct{}),
		talk: newTalk(config.Name, config.Log), env: slices.Clone(bare), bare: bare,
	}
	if config.MemoryMB > 0 {
		c.memory = uint64(config.MemoryMB) << 20
	}
	c.greeting, c.greeter = io.Pipe()
	return c
}

// Start starts the process. The context is go-plugin's, and only for starting.
func (c *child) Start(ctx context.Context) error {
	started := make(chan error, 1)
	go c.live(context.WithoutCancel(ctx), started)
	err := <-started
	if err != nil {
		c.mu.Lock()
		c.failure = startFailure(c.name, c.command[0], err)
		c.mu.Unlock()
		close(c.done)
	}
	return err
}

// live is the life of the process.
func (c *child) live(ctx context.Context, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	pipes, err := c.start()
	started <- err
	if err != nil {
		return
	}
	var pumps sync.WaitGroup
	pumps.Go(func() { c.pumpOut(ctx, pipes.out) })
	pumps.Go(func() { c.pumpErr(ctx, pipes.err) })
	c.reap()
	pipes.linger(lingerLimit)
	pumps.Wait()
	pipes.close()
	_ = c.greeter.Close() // never fails
	close(c.done)
}

var errTooLate = errors.New("the process was ended before it was started")

func (c *child) start() (*pipes, error) {
	p, err := newPipes()
	if err != nil {
		return nil, err
	}
	//nolint:noctx // the process outlives every context; kill ends it
	cmd := exec.Command(c.command[0], c.command[1:]...)
	cmd.Env, cmd.Dir = c.env, c.workDir
	cmd.Stdout, cmd.Stderr = p.outEnd, p.errEnd // standard input stays closed
	cmd.SysProcAttr = ownGroup()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != byItself {
		p.closeEnds()
		p.close()
		return nil, errTooLate
	}
	err = cmd.Start()
	p.closeEnds()
	if err != nil {
		p.close()
		return nil, err
	}
	if c.memory > 0 {
		if err := limitMemory(cmd, c.memory); err != nil {
			killGroup(cmd)
			_ = cmd.Wait() // it was killed
			p.close()
			return nil, err
		}
	}
	c.cmd = cmd
	return p, nil
}

// reap waits for the end of the process, then ends what it has started. Until it is reaped its id is not given to
// another process, so the group is killed before.
func (c *child) reap() {
	awaitExit(c.cmd)
	c.mu.Lock()
	defer c.mu.Unlock()
	killGroup(c.cmd)
	_ = c.cmd.Wait() // the state says it all
	c.state = c.cmd.ProcessState
}

// expect says that the process is going to end, and on whose wish.
func (c *child) expect(cause why) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == byItself && c.state == nil {
		c.cause = cause
	}
}

// kill ends the process and all it has started, at once.
func (c *child) kill(cause why) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause == byItself && c.state == nil {
		c.cause = cause
	}
	if c.cmd != nil && c.state == nil {
		killGroup(c.cmd)
	}
}

// ended returns whether the process has ended and all it said is read.
func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// closing returns whether it was Close that ends the process.
func (c *child) closing() bool {
	_, cause := c.exit()
	return cause == killedByClose
}

// wait returns when nothing of the process is left. It does not wait for a process that was never started.
func (c *child) wait() {
	c.mu.Lock()
	started := c.cmd != nil
	c.mu.Unlock()
	if started {
		<-c.done
	}
}

// exit returns how the process ended and on whose wish; the state is nil while it has not.
func (c *child) exit() (*os.ProcessState, why) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state, c.cause
}

func (c *child) pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// pumpOut reads standard output: the first line is the handshake.
func (c *child) pumpOut(ctx context.Context, r io.Reader) {
	first := true
	eachLine(r, func(line string) {
		if !first {
			c.talk.print(ctx, line)
			return
		}
		first = false
		c.greet(ctx, line)
	})
}

// greet hands the handshake to go-plugin, or ends the process when the line is none.
func (c *child) greet(ctx context.Context, line string) {
	hello, err := parseHandshake(c.name, c.command[0], line, c.majors)
	if err == nil {
		err = hello.trusted(c.name, c.folder)
	}
	c.mu.Lock()
	c.hello, c.fault = hello, err
	c.mu.Unlock()
	if err != nil {
		c.talk.print(ctx, line)
		_ = c.greeter.Close()
		return
	}
	_, _ = io.WriteString(c.greeter, line+"\n") // go-plugin reads until the end, or is gone
}

func (c *child) pumpErr(ctx context.Context, r io.Reader) {
	var p parser
	eachLine(r, func(line string) { c.talk.say(ctx, p.parse(line)) })
}

// secure says whether the handshake carried a certificate.
func (c *child) secure() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hello.secure
}

// The rest is what go-plugin wants to know of a runner.

var _ runner.Runner = (*child)(nil)

// Wait waits for the end of the process.
func (c *child) Wait(context.Context) error {
	<-c.done
	return nil
}

// Kill ends the process. go-plugin calls it when the start went wrong, and when Close has said so already.
func (c *child) Kill(context.Context) error {
	c.kill(killedForStart)
	return nil
}

// Stdout gives go-plugin the handshake.
func (c *child) Stdout() io.ReadCloser { return c.greeting }

// Stderr is empty: go-plugin cannot be trusted with what plugins write there, and waits for its end.
func (c *child) Stderr() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// Name is the name of the program.
func (c *child) Name() string { return c.command[0] }

// ID is the id of the process; empty before it is started.
func (c *child) ID() string {
	pid := c.pid()
	if pid == 0 {
		return ""
	}
	return strconv.Itoa(pid)
}

// Diagnose has nothing to say to go-plugin: the host says it to the user.
func (c *child) Diagnose(context.Context) string { return "" }

// PluginToHost leaves addresses as they are: both ends are on one machine.
func (c *child) PluginToHost(network, address string) (string, string, error) {
	return network, address, nil
}

// HostToPlugin leaves addresses as they are.
func (c *child) HostToPlugin(network, address string) (string, string, error) {
	return network, address, nil
}
