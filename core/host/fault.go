package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/seed-98789ff7/converter/internal/sourceclient"
	"github.com/seed-98789ff7/converter/sdk"
)

// The codes of the diagnostics of this package. They are stable.
const (
	CodeNotFound      = "plugin_not_found"
	CodeNotExecutable = "plugin_not_executable"
	CodeWrongFormat   = "plugin_wrong_format"
	CodeStart         = "plugin_start"
	CodeSocket        = "plugin_socket"
	CodeExited        = "plugin_exited_before_handshake"
	CodeNotAPlugin    = "plugin_not_a_plugin"
	CodeProtocol      = "plugin_protocol_version"
	CodeInsecure      = "plugin_insecure"
	CodeTimeout       = "plugin_start_timeout"
	CodeName          = "plugin_wrong_name"
	CodeChecksum      = "plugin_checksum"
	CodeCrashed       = "plugin_crashed"
	CodeKilled        = "plugin_killed"
	CodeMemory        = "plugin_out_of_memory"
	CodeStalled       = sourceclient.CodeStalled
	CodeClosed        = "plugin_closed"
	CodeDisconnected  = sourceclient.CodeDisconnected
	CodeNotEnding     = "plugin_not_ending"
	CodeUnsupported   = sourceclient.CodeUnsupported
	CodeTooLarge      = sourceclient.CodeTooLarge
	CodeIncomplete    = sourceclient.CodeIncomplete
	CodeMisbehaved    = sourceclient.CodeMisbehaved
	CodeFailed        = sourceclient.CodeFailed
)

const reportIt = sourceclient.ReportIt

func noSuchProgram(name, program string, cause error) error {
	summary := fmt.Sprintf("plugin %q: cannot start %s: there is no such file", name, program)
	if program == "" {
		summary = fmt.Sprintf("plugin %q cannot be started: %v", name, cause)
	}
	return &sdk.Diagnostic{
		Kind: sdk.NotFound, Code: CodeNotFound, Summary: summary,
		Suggestion: "run `converter plugin list` to see which plugins there are and where they are looked for",
	}
}

func notExecutable(name, program, reason string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: CodeNotExecutable,
		Summary:    fmt.Sprintf("plugin %q: %s cannot be executed: %s", name, program, reason),
		Suggestion: "if it is the right file, run chmod +x " + program,
	}
}

func wrongFormat(name, program, reason string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: CodeWrongFormat,
		Summary: fmt.Sprintf("plugin %q: %s is not a program for this machine: %s", name, program, reason),
		Suggestion: fmt.Sprintf("a program must be built for %s/%s; a script must begin with #! and the path of its interpreter",
			runtime.GOOS, runtime.GOARCH),
	}
}

// startFailure tells apart why the system would not start a program.
func startFailure(name, program string, err error) error {
	switch {
	case errors.Is(err, syscall.ENOEXEC):
		return wrongFormat(name, program, "its format is unknown")
	case errors.Is(err, fs.ErrNotExist):
		return wrongFormat(name, program, "the interpreter it names, or the folder to work in, is not there")
	case errors.Is(err, fs.ErrPermission):
		return notExecutable(name, program, "permission denied")
	}
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: CodeStart, Summary: fmt.Sprintf("plugin %q: cannot start %s", name, program), Cause: err,
	}
}

func noSocketFolder(name, parent string, cause error) error {
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: CodeSocket,
		Summary:    fmt.Sprintf("plugin %q: no folder for its socket can be made in %s", name, parent),
		Suggestion: "set TMPDIR to a folder that you can write to and whose path is short, such as /tmp", Cause: cause,
	}
}

func notAPlugin(name, program, line string) error {
	const shown = 200
	if len(line) > shown {
		line = strings.ToValidUTF8(line[:shown], "") + " …"
	}
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: CodeNotAPlugin,
		Summary: fmt.Sprintf("plugin %q: the first line that %s printed was %q, which is not the handshake of a plugin",
			name, program, line),
		Suggestion: "a plugin prints nothing on standard output before it serves, and logs to standard error; " +
			"any other program is not a plugin",
	}
}

func insecurePlugin(name, reason string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: CodeInsecure,
		Summary: fmt.Sprintf("plugin %q is not safe to connect to: %s", name, reason),
		Suggestion: "a plugin listens on a socket in the folder of PLUGIN_UNIX_SOCKET_DIR, " +
			"or on 127.0.0.1 with a certificate",
	}
}

func wrongName(want, got string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: CodeName,
		Summary:    fmt.Sprintf("plugin %q calls itself %q", want, got),
		Suggestion: fmt.Sprintf("use the name %q in the config, and converter-plugin-%s for its file", got, got),
	}
}

func stillThere(name string, pid int) error {
	return &sdk.Diagnostic{
		Kind: sdk.Internal, Code: CodeNotEnding,
		Summary:    fmt.Sprintf("plugin %q does not end, not even killed (process %d)", name, pid),
		Suggestion: "it may wait for a disk or a network that does not answer",
	}
}

// startFault says why a plugin could not be started. What go-plugin says of it names causes that are mostly wrong, so
// the fault is told from what was seen.
func (p *Process) startFault(ctx context.Context, err error) error {
	c, name := p.child, p.config.Name
	c.mu.Lock()
	failure, fault, greeted := c.failure, c.fault, c.hello.network != ""
	c.mu.Unlock()
	var d *sdk.Diagnostic
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("start plugin %q: %w", name, context.Cause(ctx))
	case fault != nil:
		return p.protocolFault(ctx, fault)
	case failure != nil:
		return failure
	case errors.As(err, &d):
		return err
	case c.pid() == 0:
		return startFailure(name, c.command[0], err)
	case within(c.done, deathLimit):
		return p.died(greeted)
	case !greeted:
		return p.noHandshake()
	case errors.Is(err, context.DeadlineExceeded), status.Code(err) == codes.DeadlineExceeded:
		return p.noAnswer()
	}
	if p.wire == nil { // go-plugin made no connection, for a reason of its own
		return &sdk.Diagnostic{
			Kind: sdk.Internal, Code: CodeFailed, Summary: fmt.Sprintf("plugin %q cannot be connected to", name), Cause: err,
		}
	}
	return p.wire.Meaning("GetSpec", err)
}

func (p *Process) noAnswer() error {
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: CodeTimeout, Suggestion: reportIt,
		Summary: fmt.Sprintf("plugin %q gave no answer after its handshake", p.config.Name),
	}
}

func (p *Process) noHandshake() error {
	_, all := p.child.talk.words()
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: CodeTimeout,
		Summary: fmt.Sprintf("plugin %q: no handshake from %s within %s", p.config.Name, p.child.command[0],
			p.config.StartTimeout),
		Detail: output(all), Suggestion: "is it a plugin of converter?",
	}
}

// died says how the process ended, after it was waited for.
func (p *Process) died(greeted bool) error {
	state, cause := p.child.exit()
	name := p.config.Name
	switch {
	case cause == killedForStart && !greeted:
		return p.noHandshake()
	case cause == killedForStart:
		return p.noAnswer()
	case cause == killedForStall:
		return p.stalled(p.config.StallAfter + p.config.StallKill)
	case cause == killedForSilence:
		return p.silenced()
	case cause == killedByClose:
		return p.isClosed()
	}
	line, all := p.child.talk.words()
	d := &sdk.Diagnostic{Kind: sdk.Unavailable, Code: CodeCrashed, Detail: output(all), Suggestion: reportIt}
	d.Summary = fmt.Sprintf("plugin %q ended unexpectedly (%s)", name, state)
	if !greeted {
		d.Kind, d.Code = sdk.Internal, CodeExited
		d.Summary = fmt.Sprintf("plugin %q ended before its handshake (%s)", name, state)
		d.Suggestion = ""
	}
	if bySIGKILL(state) {
		d.Kind, d.Code = sdk.Unavailable, CodeKilled
		d.Suggestion = "often it is the system that kills a process, for lack of memory"
	}
	if line != "" {
		d.Summary += "; it said last: " + line
	}
	if p.config.MemoryMB > 0 && lacksMemory(all) {
		d.Code = CodeMemory
		d.Suggestion = fmt.Sprintf("it may use %d MB; give it more with memory_mb of its source in the config", p.config.MemoryMB)
	}
	return d
}

// lacksMemory knows the last words of programs that were refused memory: Go, C and C++, Python, Java, Node.js, shells.
func lacksMemory(words string) bool {
	words = strings.ToLower(words)
	for _, said := range []string{"out of memory", "cannot allocate", "bad_alloc", "memoryerror", "outofmemoryerror"} {
		if strings.Contains(words, said) {
			return true
		}
	}
	return false
}

func bySIGKILL(state *os.ProcessState) bool {
	if state == nil {
		return false
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == syscall.SIGKILL
}

func output(all string) string {
	if all == "" {
		return ""
	}
	return "its output:\n" + all
}

func (p *Process) stalled(silence time.Duration) error {
	_, all := p.child.talk.words()
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: CodeStalled, Detail: output(all), Suggestion: reportIt,
		Summary: fmt.Sprintf("plugin %q sent nothing for %s and did not answer; it was killed", p.config.Name, silence),
	}
}

// silenced says that a plugin was killed which somebody may have thought to be at work.
func (p *Process) silenced() error {
	_, all := p.child.talk.words()
	return &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: CodeStalled, Detail: output(all),
		Summary: fmt.Sprintf("plugin %q sent nothing for %s although it still answered; it was killed",
			p.config.Name, short(p.config.StallLimit)),
		Suggestion: "if it needs that long, give it more with stall_after of its source in the config, and ask its author " +
			"to send Progress while it works",
	}
}

// short writes a length of time without the zeros at its end.
func short(d time.Duration) string {
	text := d.String()
	for _, zero := range []struct{ unit, rest string }{{"m", "0s"}, {"h", "0m"}} {
		if strings.HasSuffix(text, zero.unit+zero.rest) {
			text = strings.TrimSuffix(text, zero.rest)
		}
	}
	return text
}

func (p *Process) isClosed() error {
	return &sdk.Diagnostic{
		Kind: sdk.Cancelled, Code: CodeClosed, Summary: fmt.Sprintf("plugin %q was ended", p.config.Name),
	}
}
