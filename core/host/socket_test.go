//go:build unix

package host

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSweep: of what lies where sockets are, only the old folders go in which nobody listens any more.
func TestSweep(t *testing.T) {
	t.Parallel()
	parent, err := os.MkdirTemp("/tmp", "") //nolint:usetesting // the paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(parent)
	folder := func(name string) string {
		dir := filepath.Join(parent, name)
		if err := os.MkdirAll(filepath.Join(dir, "plugin-dir1"), 0o700); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	aged := func(dir string) {
		then := time.Now().Add(-2 * startingAge)
		if err := os.Chtimes(dir, then, then); err != nil {
			t.Fatal(err)
		}
	}
	listen := func(dir string) *net.UnixListener {
		l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, "plugin-dir1", "s"), Net: "unix"})
		if err != nil {
			t.Fatal(err)
		}
		l.SetUnlinkOnClose(false)
		return l
	}
	left, empty, alive, young := folder(socketPrefix+"1"), folder(socketPrefix+"2"), folder(socketPrefix+"3"), folder(socketPrefix+"4")
	foreign, other := folder(socketPrefix+"5"), folder("converter-6")
	if err := listen(left).Close(); err != nil {
		t.Fatal(err)
	}
	l := listen(alive)
	defer l.Close()
	if err := os.WriteFile(filepath.Join(foreign, "letter"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{left, empty, alive, foreign, other} {
		aged(dir)
	}
	sweep(t.Context(), parent)
	for dir, stays := range map[string]bool{left: false, empty: false, alive: true, young: true, foreign: true, other: true} {
		if _, err := os.Stat(dir); (err == nil) != stays {
			t.Errorf("%s: there: %v, to stay: %v", filepath.Base(dir), err == nil, stays)
		}
	}
}
