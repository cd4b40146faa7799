//go:build integration

package rqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestVisit reads as the guest of a node, also after it was started again, and cannot write; it ends with the node.
func TestVisit(t *testing.T) {
	config := NodeConfig{Dir: t.TempDir(), Binary: binary(t)}
	if _, err := Visit(config.Dir); !errors.Is(err, ErrNoNode) {
		t.Errorf("nobody has it: %v", err)
	}
	node, client := startNode(t, config)
	mustApply(t, client, `CREATE TABLE t(id INTEGER PRIMARY KEY) STRICT`)
	mustApply(t, client, `INSERT INTO t(id) VALUES(1)`)
	info, err := os.Stat(filepath.Join(config.Dir, lockName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	visitor, err := Visit(config.Dir)
	if err != nil {
		t.Fatal(err)
	}
	guest, err := Open(t.Context(), visitor)
	if err != nil {
		t.Fatal(err)
	}
	defer guest.Close()
	if _, err := guest.Apply(t.Context(), Statement{SQL: `INSERT INTO t(id) VALUES(2)`}); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("a guest writes: %v", err)
	}
	if err := guest.Snapshot(t.Context()); !errors.Is(err, ErrUnauthorized) {
		t.Errorf("a guest makes snapshots: %v", err)
	}
	node.mu.Lock()
	first := node.child
	node.mu.Unlock()
	first.kill()
	if got := queryInt(t, guest, `SELECT count(*) FROM t`); got != 1 {
		t.Errorf("after a restart the guest sees %d rows", got)
	}
	var file bytes.Buffer
	if n, err := guest.Backup(t.Context(), &file); err != nil || n != int64(file.Len()) || n == 0 {
		t.Errorf("%d bytes of %d, %v", n, file.Len(), err)
	}
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := guest.Query(t.Context(), Statement{SQL: `SELECT 1`}); !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrNoNode) {
		t.Errorf("the node is gone: %v", err)
	}
}

// TestHold: a folder that was taken before stays taken when the node in it is gone.
func TestHold(t *testing.T) {
	dir := t.TempDir()
	hold, err := Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	node, _ := startNode(t, NodeConfig{Dir: dir, Binary: binary(t), Hold: hold})
	if err := node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	var locked *LockedError
	if _, err := Take(dir); !errors.As(err, &locked) || locked.PID != os.Getpid() {
		t.Errorf("taken from under its holder: %v", err)
	}
	if _, err := Visit(dir); !errors.Is(err, ErrNoNode) {
		t.Errorf("there is no node any more: %v", err)
	}
	if err := hold.Release(); err != nil {
		t.Fatal(err)
	}
	again, err := Take(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Release(); err != nil {
		t.Error(err)
	}
}
