package rqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	restartWindow = time.Minute
	snapshotLimit = 30 * time.Second
)

// supervise waits for the process to end, and starts it again unless that was wanted or happens too often.
func (n *Node) supervise(ctx context.Context, current *child) {
	defer close(n.done)
	var restarts []time.Time
	for {
		<-current.exited
		if n.ended() {
			n.leave(nil)
			return
		}
		restarts = recent(append(restarts, time.Now()))
		next, err := n.revive(ctx, len(restarts), current.end())
		if err != nil {
			if ctx.Err() != nil {
				err = nil // it was stopped meanwhile
			}
			n.leave(err)
			return
		}
		current = next
	}
}

// revive starts the process again, this being the restart of that number within the window.
func (n *Node) revive(ctx context.Context, restart int, cause error) (*child, error) {
	for ; restart <= n.config.MaxRestarts; restart++ {
		n.config.Log.Warn("store_restarts", "restart", restart, "error", cause)
		if restart > 1 && !pause(ctx, restart) {
			return nil, ctx.Err()
		}
		next, err := n.start(ctx)
		if err == nil {
			return next, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		cause = err
	}
	return nil, fmt.Errorf("the store cannot be kept running, it ended %d times within %s: %w", restart, restartWindow, cause)
}

// recent returns those of times that lie within the window.
func recent(times []time.Time) []time.Time {
	for len(times) > 0 && time.Since(times[0]) > restartWindow {
		times = times[1:]
	}
	return times
}

// ended takes note that there is no process, and reports whether that was wanted.
func (n *Node) ended() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.url, n.child = "", nil
	return n.stopping
}

func (n *Node) leave(err error) {
	n.mu.Lock()
	n.url, n.child, n.err = "", nil, err
	n.mu.Unlock()
	if err := errors.Join(n.removeAuth(), n.letGo()); err != nil {
		n.config.Log.Warn("store_folder_not_left_clean", "error", err)
	}
}

// Stop ends the node and returns when process and goroutine are gone. A snapshot before makes the next start fast. When
// ctx ends, or the process takes longer than its grace, it is killed: nothing confirmed is lost by that, only the next
// start takes longer, which is the error's meaning.
func (n *Node) Stop(ctx context.Context) error {
	n.mu.Lock()
	current, first := n.child, !n.stopping
	n.stopping = true
	n.halt() // a start in progress kills its process
	n.mu.Unlock()
	var err error
	if current != nil && first {
		err = n.shutdown(ctx, current)
	}
	<-n.done
	return err
}

func (n *Node) shutdown(ctx context.Context, current *child) error {
	if err := n.lastSnapshot(ctx); err != nil && current.dead() == nil {
		n.config.Log.Warn("store_snapshot_missed", "error", err)
	}
	if err := terminate(current.command.Process); err != nil && !errors.Is(err, os.ErrProcessDone) {
		n.config.Log.Warn("store_not_terminated", "error", err)
	}
	grace := time.NewTimer(n.config.Grace)
	defer grace.Stop()
	select {
	case <-current.exited:
		return nil
	case <-grace.C:
		current.kill()
		return fmt.Errorf("stop the store: rqlited did not end within %s and was killed", n.config.Grace)
	case <-ctx.Done():
		current.kill()
		return fmt.Errorf("stop the store: rqlited was killed: %w", ctx.Err())
	}
}

func (n *Node) lastSnapshot(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	client := newClient(n.ClientConfig())
	return errors.Join(client.Snapshot(ctx), client.Close())
}
