// Package host runs source plugins as processes and shows each as an [sdk.Source]. It owns the process: finding the
// program, starting it, watching over it, what it prints, its end, and the end of everything it started.
//
// It leaves the calling end of the wire to internal/sourceclient, to the engine what is read, when, and whether a plugin that died is started again: a [Process] is one process
// and never comes back. It leaves to cmd where the options come from and what they are checked against.
//
// Close waits for the process and for the goroutines that read its output. Everything that can last has a limit of time,
// so that a plugin can be slow, frozen or gone without taking the host with it.
//
// Memory is bounded: messages of 16 MiB at most, one at a time for each call; 16 KiB of each line a plugin prints; the
// last 8 lines, and the first 8 of a panic.
//
// Errors are [*sdk.Diagnostic] values with the codes named at the Code constants. A plugin's own errors keep the kind the
// plugin gave them; a plugin that ended, hangs or did not start in time is Unavailable; a program that cannot be a plugin
// is Invalid, NotFound or Unsupported; a call that the caller ended is Cancelled.
package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/seed-98789ff7/converter/internal/sourceclient"
	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// Config says which plugin to start and how long to be patient with it.
type Config struct {
	Name    string   // name of the plugin, which must be the one it gives itself; default: whatever it gives itself
	Command []string // program and arguments
	Env     []string // NAME=VALUE beyond the few variables every plugin gets; default: none
	WorkDir string   // folder the process works in; default: that of this process
	TempDir string   // folder that the folder of the socket is made in; default: that of the system

	SHA256   string // sum that the program must have, looked at before every start; default: any
	MemoryMB int64  // megabytes of data the process may have, on Linux; default: no limit of ours

	Crew *Crew // that the process is one of; default: none

	Log     *slog.Logger // what the plugin logs and prints; default: nowhere
	Version string       // of the host, told to the plugin; default: empty

	StartTimeout time.Duration // until the plugin has answered for the first time; default: 10 s
	CallTimeout  time.Duration // of one Configure, Check or Discover; default: 2 min
	CloseTimeout time.Duration // until a plugin that does not end by itself is killed; default: 3 s
	PingTimeout  time.Duration // until a plugin counts as not answering; default: 2 s
	StallAfter   time.Duration // without a message, until a reading is reported as stalled; default: 1 min
	StallKill    time.Duration // without an answer to a ping, until a stalled plugin is killed; default: half of StallAfter
	StallLimit   time.Duration // without a message, until a plugin is killed that answers pings; default: ten times StallAfter

	BatchRecords int // records of a batch at most, which the plugin is asked to hold to; default: 100

	majors []int // versions of the protocol; default: those of sourcepb
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&c.StartTimeout, 10 * time.Second},
		{&c.CallTimeout, 2 * time.Minute},
		{&c.CloseTimeout, 3 * time.Second},
		{&c.PingTimeout, 2 * time.Second},
		{&c.StallAfter, time.Minute},
	} {
		*d.field = positive(*d.field, d.value)
	}
	if c.majors == nil {
		c.majors = sourcepb.Majors()
	}
	c.StallKill = positive(c.StallKill, max(c.StallAfter/2, 1))
	c.StallLimit = positive(c.StallLimit, 10*c.StallAfter)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

func positive(d, standard time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return standard
}

// Process is a running plugin. Its methods are those of [sdk.Source], and safe for use by several goroutines; Close ends
// it. Once the process has ended, by itself or by Close, every call returns an error that says so.
type Process struct {
	config Config
	child  *child
	client *plugin.Client
	conn   *grpc.ClientConn
	wire   *sourceclient.Client // nil until there is a connection

	attached bool // it was running already, and is not ours to end

	closing sync.Once
	closed  error
}

var _ sdk.Source = (*Process)(nil)

// Start starts a plugin and returns when it has answered a ping and said what it is. Ending ctx ends the starting, not
// the process that was started: that is for Close.
//
// A plugin that the variable CONVERTER_REATTACH names is not started but talked to where it runs already, without limits
// of time, and Close leaves it alone: somebody has started it with --debug.
func Start(ctx context.Context, config Config) (*Process, error) {
	config = config.withDefaults()
	named := config.Name != ""
	if !named && len(config.Command) > 0 {
		config.Name = filepath.Base(config.Command[0])
	}
	at, err := reattachment(config.Name)
	switch {
	case err != nil:
		return nil, err
	case at != nil:
		return attach(ctx, config, *at)
	}
	command, err := resolve(config.Name, config.Command)
	if err != nil {
		return nil, err
	}
	if err := pinned(config.Name, command[0], config.SHA256); err != nil {
		return nil, err
	}
	if config.MemoryMB > 0 && !canLimit {
		config.Log.WarnContext(ctx, "memory_mb is ignored: plugins cannot be limited on this system", "plugin", config.Name)
	}
	folder, err := socketFolder(ctx, config.Name, config.TempDir)
	if err != nil {
		return nil, err
	}
	c := newChild(ctx, config, command, folder)
	if err := config.Crew.join(c); err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	p := &Process{config: config, child: c, client: plugin.NewClient(c.clientConfig(context.WithoutCancel(ctx)))}
	deadline, cancel := context.WithTimeout(ctx, config.StartTimeout)
	defer cancel()
	err = p.connect(deadline)
	if err == nil && named && p.Spec().Name != config.Name {
		err = wrongName(config.Name, p.Spec().Name)
	}
	if err != nil {
		fault := p.startFault(ctx, err)
		c.kill(killedForStart) // there is nothing to be said to it
		if err := p.Close(); err != nil {
			return nil, errors.Join(fault, err)
		}
		return nil, fault
	}
	return p, nil
}

// connect takes the process from the handshake to its first answer.
func (p *Process) connect(ctx context.Context) error {
	if err := p.dial(ctx); err != nil {
		return err
	}
	return p.greet(ctx)
}

// greet waits for a sign of life and asks the plugin what it is.
func (p *Process) greet(ctx context.Context) error {
	if err := p.ping(ctx); err != nil {
		return err
	}
	return p.wire.Greet(ctx)
}

// dial has go-plugin do the handshake and connect. go-plugin watches no context, so when ctx ends the process is killed,
// which ends everything that go-plugin waits for.
func (p *Process) dial(ctx context.Context) error {
	type result struct {
		client plugin.ClientProtocol
		err    error
	}
	dialled := make(chan result, 1)
	go func() {
		client, err := p.client.Client()
		dialled <- result{client, err}
	}()
	var r result
	select {
	case r = <-dialled:
	case <-ctx.Done():
		p.child.kill(killedForStart)
		r.err = ctx.Err()
		if within(p.child.done, p.config.CloseTimeout) {
			<-dialled
		}
	}
	if r.err != nil {
		return r.err
	}
	client, ok := r.client.(*plugin.GRPCClient)
	if !ok {
		return fmt.Errorf("the connection is a %T", r.client)
	}
	p.connected(client.Conn)
	return nil
}

// ping asks for a sign of life. A plugin without a health service answers that it has none, which is one.
func (p *Process) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.PingTimeout)
	defer cancel()
	request := &grpc_health_v1.HealthCheckRequest{Service: plugin.GRPCServiceName}
	_, err := grpc_health_v1.NewHealthClient(p.conn).Check(ctx, request)
	switch status.Code(err) {
	case codes.Unimplemented, codes.NotFound:
		return nil
	default:
		return err
	}
}

// Close asks the plugin to end, kills it and all it has started when it does not, and returns when it is gone. Calls that
// run end with an error of kind Cancelled. Only the first Close does anything; all return what it returned.
func (p *Process) Close() error {
	p.closing.Do(func() { p.closed = p.close() })
	return p.closed
}

func (p *Process) close() error {
	if p.attached {
		return p.detach()
	}
	p.child.expect(killedByClose)
	killed := make(chan struct{})
	go func() {
		defer close(killed)
		p.client.Kill() // waits without limit for a process that does not answer, and then for ours to end it
	}()
	var err error
	if !within(killed, p.config.CloseTimeout) {
		p.child.kill(killedByClose)
		if !within(killed, max(p.config.CloseTimeout, deathLimit)) {
			err = stillThere(p.config.Name, p.child.pid())
		}
	}
	if err == nil {
		p.child.wait()
	}
	p.child.talk.mute()
	if removeErr := os.RemoveAll(p.child.folder); removeErr != nil {
		err = errors.Join(err, fmt.Errorf("remove the folder of the socket: %w", removeErr))
	}
	p.config.Crew.leave(p.child)
	return err
}

func within(done <-chan struct{}, limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
