package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

const (
	// describeLimit is how long a plugin may take to print what it is.
	describeLimit = 5 * time.Second
	// describeBytes is how much of that is read.
	describeBytes = 1 << 20
)

// wrongProtocol says that a plugin speaks none of the major versions that we speak.
func wrongProtocol(name string, ours, theirs []int) error {
	d := &sdk.Diagnostic{
		Kind: sdk.Unsupported, Code: CodeProtocol,
		Summary: fmt.Sprintf("plugin %q speaks %s of the protocol, and this converter %s", name, versions(theirs), versions(ours)),
	}
	if slices.Min(theirs) > slices.Max(ours) {
		d.Suggestion = "update the converter, or use an older version of the plugin"
	} else {
		d.Suggestion = "update the plugin"
	}
	return d
}

func versions(majors []int) string {
	majors = slices.Sorted(slices.Values(majors))
	words := make([]string, len(majors))
	for i, v := range majors {
		words[i] = fmt.Sprint(v)
	}
	if len(words) == 1 {
		return "version " + words[0]
	}
	last := len(words) - 1
	return "versions " + strings.Join(words[:last], ", ") + " and " + words[last]
}

// foreignHandshake says that a plugin is one, but of another kind of host.
func foreignHandshake(name, reason string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Unsupported, Code: CodeProtocol, Summary: fmt.Sprintf("plugin %q is no plugin of converter: %s", name, reason),
		Suggestion: "tell its author: it serves the protocol converter.source.v1 over gRPC",
	}
}

// protocolFault completes the fault of a handshake: of a plugin that speaks none of our versions, the line has only its
// lowest, and the plugin itself knows them all.
func (p *Process) protocolFault(ctx context.Context, fault error) error {
	d, ok := errors.AsType[*sdk.Diagnostic](fault)
	if !ok || d.Code != CodeProtocol {
		return fault
	}
	p.child.kill(killedForStart)
	if theirs := p.child.describe(ctx); len(theirs) > 0 && !slices.ContainsFunc(theirs, func(v int) bool {
		return slices.Contains(p.child.majors, v)
	}) {
		return wrongProtocol(p.config.Name, p.child.majors, theirs)
	}
	return fault
}

// describe has the program print which versions of the protocol it speaks. One that cannot do that has none.
func (c *child) describe(ctx context.Context) []int {
	ctx, cancel := context.WithTimeout(ctx, describeLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.command[0], append(slices.Clone(c.command[1:]), "describe")...)
	cmd.Env, cmd.Dir = c.bare, c.workDir
	cmd.SysProcAttr = ownGroup()
	cmd.Cancel = func() error {
		killGroup(cmd)
		return nil
	}
	cmd.WaitDelay = lingerLimit
	out := &clipped{limit: describeBytes}
	cmd.Stdout = out
	if cmd.Run() != nil {
		return nil
	}
	var said struct {
		Protocols []int `json:"protocols"`
	}
	if json.Unmarshal(out.Bytes(), &said) != nil {
		return nil
	}
	return said.Protocols
}

// clipped keeps the first bytes that are written to it.
type clipped struct {
	bytes.Buffer

	limit int
}

// Write never fails: whoever writes is not to be held up.
func (c *clipped) Write(p []byte) (int, error) {
	c.Buffer.Write(p[:min(len(p), max(0, c.limit-c.Len()))])
	return len(p), nil
}
