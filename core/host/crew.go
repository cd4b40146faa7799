package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/seed-98789ff7/converter/sdk"
)

// Crew is the plugins that a program has running, to be ended all at once when there is no time to close one after the
// other. The zero value is ready for use.
type Crew struct {
	mu      sync.Mutex // guards what follows
	killed  bool
	members map[*child]struct{}
}

// Kill kills the plugins and all they have started, waits until they are gone or ctx ends, and removes the folders of
// their sockets. After it no plugin of the crew is started any more. Calls that run, Close among them, go on as if the
// plugins had died by themselves, and find nothing left to do.
func (c *Crew) Kill(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killed = true
	for member := range c.members {
		member.kill(killedByClose)
	}
	var failures []error
	for member := range c.members {
		if err := member.vanish(ctx); err != nil {
			failures = append(failures, fmt.Errorf("plugin %q: %w", member.name, err))
		}
	}
	return errors.Join(failures...)
}

// join takes a plugin in before it is started; nil takes in nobody.
func (c *Crew) join(member *child) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.killed {
		return &sdk.Diagnostic{
			Kind: sdk.Cancelled, Code: CodeClosed, Summary: fmt.Sprintf("plugin %q is not started: the converter is ending", member.name),
		}
	}
	if c.members == nil {
		c.members = map[*child]struct{}{}
	}
	c.members[member] = struct{}{}
	return nil
}

// leave lets a plugin go that is gone.
func (c *Crew) leave(member *child) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.members, member)
}

// vanish waits for the end of a process that was killed, and removes its folder.
func (c *child) vanish(ctx context.Context) error {
	c.mu.Lock()
	started := c.cmd != nil
	c.mu.Unlock()
	if started {
		select {
		case <-c.done:
		case <-ctx.Done():
		}
	}
	err := os.RemoveAll(c.folder)
	if err != nil { // go-plugin was just making its own folder in it
		err = os.RemoveAll(c.folder)
	}
	return err
}
