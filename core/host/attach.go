package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// CodeAttach says that a plugin which somebody has started with --debug cannot be talked to.
const CodeAttach = "plugin_attach"

// breakpoint is how long a plugin may take that somebody may have stopped in a debugger.
const breakpoint = 24 * time.Hour

// reattachment returns where the plugin of that name has been started by hand, or nil when it is the host's to start it.
func reattachment(name string) (*sourcepb.Reattach, error) {
	value := os.Getenv(sourcepb.ReattachKey)
	if value == "" {
		return nil, nil
	}
	var all map[string]*sourcepb.Reattach
	if err := json.Unmarshal([]byte(value), &all); err != nil {
		return nil, &sdk.Diagnostic{
			Kind: sdk.Invalid, Code: CodeAttach, Summary: "the variable " + sourcepb.ReattachKey + " cannot be read", Cause: err,
			Suggestion: "set it to what the plugin prints that runs with --debug, or unset it",
		}
	}
	return all[name], nil
}

// attach talks to a plugin that runs already. It is not ours to start, to watch or to end: Close leaves it alone, and
// nothing is done about its being slow, because somebody may be looking at every step of it.
func attach(ctx context.Context, config Config, at sourcepb.Reattach) (*Process, error) {
	if config.SHA256 != "" {
		config.Log.WarnContext(ctx, "checksum not looked at: the plugin runs already", "plugin", config.Name)
	}
	config.CallTimeout, config.StallAfter, config.StallKill, config.StallLimit = breakpoint, breakpoint, breakpoint, breakpoint
	p := &Process{config: config, child: newChild(ctx, config, nil, ""), attached: true}
	switch {
	case !slices.Contains(config.majors, at.Protocol):
		return nil, wrongProtocol(config.Name, config.majors, []int{at.Protocol})
	case at.Network != "unix":
		return nil, p.lost(fmt.Errorf("it listens on %q, not on a socket of this machine", at.Network))
	}
	conn, err := grpc.NewClient("unix:"+at.Addr,
		grpc.WithTransportCredentials(insecure.NewCredentials()), // its folder is closed to everybody else
		grpc.WithDefaultCallOptions(sourcepb.CallOptions()...))
	if err != nil {
		return nil, p.lost(err)
	}
	p.connected(conn)
	deadline, cancel := context.WithTimeout(ctx, config.StartTimeout)
	defer cancel()
	err = p.greet(deadline)
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("attach: %w", context.Cause(ctx))
	case err != nil:
		err = p.lost(err)
	case p.Spec().Name != config.Name:
		err = wrongName(config.Name, p.Spec().Name)
	default:
		config.Log.InfoContext(ctx, "attached to a plugin that runs already", "plugin", config.Name, "pid", at.Pid)
		return p, nil
	}
	return nil, errors.Join(err, p.Close())
}

// lost says that a plugin we are attached to does not answer. The cause is mostly gRPC's, which few can read.
func (p *Process) lost(cause error) error {
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: CodeAttach, Detail: status.Convert(cause).Message(),
		Summary:    fmt.Sprintf("plugin %q, which %s says to run already, cannot be reached", p.config.Name, sourcepb.ReattachKey),
		Suggestion: "start it again with --debug and set the variable to what it prints, or unset the variable",
	}
}

// detach ends the connection, and leaves the plugin alone.
func (p *Process) detach() error {
	p.child.expect(killedByClose)
	if err := p.conn.Close(); err != nil {
		return fmt.Errorf("close the connection: %w", err)
	}
	return nil
}
