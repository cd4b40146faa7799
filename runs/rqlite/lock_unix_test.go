//go:build unix

package rqlite

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A process that is being started has a copy of every descriptor until it runs its own program: it must not keep a lock
// that was given up meanwhile.
func TestReleaseWhileAProcessStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "lock")
	first, err := takeLock(dir, path)
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := syscall.Dup(int(first.file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = syscall.Close(inherited) }()
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	second, err := takeLock(dir, path)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.release(); err != nil {
		t.Error(err)
	}
}
