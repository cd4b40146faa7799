package rqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// start starts one process and waits until it has all data in sight. Without success there is none left.
func (n *Node) start(ctx context.Context) (*child, error) {
	ctx, cancel := context.WithTimeout(ctx, n.config.StartTimeout)
	defer cancel()
	began := time.Now()
	if err := n.writeAuth(); err != nil {
		return nil, err
	}
	current, err := startChild(ctx, n.config.Log, n.binary, n.arguments())
	if err != nil {
		return nil, errors.Join(err, n.removeAuth())
	}
	url, err := n.ready(ctx, current)
	if err = errors.Join(err, n.removeAuth()); err != nil {
		current.kill()
		if alive(n.hold.leftover) {
			err = fmt.Errorf("%w\n(an rqlited of an earlier run, process %d, may still have the folder: end it)", err, n.hold.leftover)
		}
		return nil, err
	}
	if !n.adopt(current, url) {
		current.kill()
		return nil, errStopped
	}
	n.config.Log.Debug("store_ready", "pid", current.command.Process.Pid, "took", time.Since(began))
	return current, nil
}

// adopt makes a ready process the one that clients are led to, unless the node was stopped meanwhile.
func (n *Node) adopt(current *child, url string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stopping {
		return false
	}
	n.child, n.url = current, url
	visitor := n.visitor
	visitor.URL = url
	if err := n.hold.note(current.command.Process.Pid, &visitor); err != nil {
		n.config.Log.Warn("store_lock_not_updated", "error", err) // it only tells others about us
	}
	return true
}

// arguments are the same at each start: the Raft address is stored in the data and must not change; it is never
// dialled in a cluster of one. The times are safe for one voter only. The fewer entries the log has between
// two snapshots and keeps behind one, the less of its file is in memory; a snapshot costs little when what it writes lies together.
func (n *Node) arguments() []string {
	return []string{
		"-http-addr", "127.0.0.1:0",
		"-raft-addr", "localhost:0", // must differ in spelling from the one above
		"-raft-adv-addr", "127.0.0.1:1",
		"-node-id", "local",
		"-auth", n.authPath(),
		"-raft-timeout=50ms", "-raft-election-timeout=50ms", "-raft-leader-lease-timeout=50ms",
		"-raft-snap=128", "-raft-snap-wal-size=67108864", "-raft-snap-int=1s",
		filepath.Join(n.config.Dir, "data"),
	}
}

func (n *Node) authPath() string { return filepath.Join(n.config.Dir, "auth.json") }

// writeAuth writes the file that tells the process who may speak to it; it is read once, at the start.
func (n *Node) writeAuth() error {
	type user struct {
		Name        string   `json:"username"`
		Password    string   `json:"password"`
		Permissions []string `json:"perms"`
	}
	text, err := json.Marshal([]user{
		{n.user, n.password, []string{"query", "execute", "status", "ready", "snapshot", "backup", "load"}},
		{n.visitor.User, n.visitor.Password, []string{"query", "status", "ready", "backup"}},
	})
	if err != nil {
		return err
	}
	if err := n.removeAuth(); err != nil { // one left by a killed process, whose mode may be anything
		return err
	}
	return os.WriteFile(n.authPath(), text, 0o600)
}

func (n *Node) removeAuth() error {
	if err := os.Remove(n.authPath()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// ready waits until the process answers a read that went through its log, and returns where. That it answers at all
// means little: it does so long before it has its data in sight.
func (n *Node) ready(ctx context.Context, current *child) (string, error) {
	var url string
	select {
	case address := <-current.bound:
		url = "http://" + address
	case <-current.exited:
		return "", current.end()
	case <-ctx.Done():
		return "", current.late(ctx.Err())
	}
	if err := guarded(ctx, url); err != nil {
		return "", errors.Join(err, current.dead())
	}
	client, err := Open(ctx, Config{
		URLs: []string{url}, User: n.user, Password: n.password, Down: current.dead,
		AttemptTimeout: longestAttempt, RetryFor: n.config.StartTimeout,
	})
	switch {
	case current.dead() != nil:
		return "", current.end()
	case errors.Is(err, ErrUnavailable):
		return "", current.late(err)
	case err != nil:
		return "", err
	}
	return url, client.Close()
}

// guarded checks that nobody is served without the password. What the process says of itself cannot be relied on here.
func guarded(ctx context.Context, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/db/query?q=SELECT%201", http.NoBody)
	if err != nil {
		return err
	}
	base := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: base, Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("rqlited serves requests without a password (HTTP %d)", response.StatusCode)
	}
	return nil
}
