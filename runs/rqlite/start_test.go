package rqlite

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestStartNodeSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		how    string
		within time.Duration // zero: the default
		want   []string
	}{
		{"old", 0, []string{"v8.43", "v7.21.4", "./task build", "PATH"}},
		{"silent", 0, []string{"v8.43", "does not say its version"}},
		{"dies", 0, []string{"exit status 3", "no more wishes"}},
		{"open", 0, []string{"without a password"}},
		{"mute", 4 * time.Second, []string{"does not get ready", "[cluster]"}},
		{"closed", 4 * time.Second, []string{"does not get ready", "store not open", "[http]"}},
	} {
		t.Run(test.how, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "store")
			config := NodeConfig{Binary: fakeBinary(t, test.how), Dir: dir, StartTimeout: test.within}
			node, err := StartNode(t.Context(), config)
			if err == nil {
				_ = node.Stop(t.Context())
				t.Fatal("it started")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q is missing in: %v", part, err)
				}
			}
			if len(err.Error()) > 40_000 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			if _, err := os.Stat(filepath.Join(dir, "auth.json")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the file with the password is still there: %v", err)
			}
			if _, err := os.Stat(dir); err == nil { // nobody has the folder any more
				held, err := takeLock(dir, filepath.Join(dir, "lock"))
				if err != nil {
					t.Fatal(err)
				}
				if err := held.release(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestStartNodeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	began := time.Now()
	_, err := StartNode(ctx, NodeConfig{Binary: fakeBinary(t, "closed"), Dir: t.TempDir()})
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("got %v after %s", err, time.Since(began))
	}
}

func TestStartNodeWithoutBinary(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, binary := range []string{"", filepath.Join(t.TempDir(), "rqlited"), t.TempDir()} {
		_, err := StartNode(t.Context(), NodeConfig{Binary: binary, Dir: t.TempDir()})
		if !errors.Is(err, ErrNoBinary) || !strings.Contains(err.Error(), "./task build") {
			t.Errorf("%q: %v", binary, err)
		}
	}
	if _, err := StartNode(t.Context(), NodeConfig{Binary: os.Args[0]}); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("no folder: %v", err)
	}
}

func TestStartNodeWantsRoom(t *testing.T) {
	t.Parallel()
	if _, known := FreeSpace(t.TempDir()); !known {
		t.Skip("SKIPPED: free space is not known on this system")
	}
	_, err := StartNode(t.Context(), NodeConfig{Binary: fakeBinary(t, "closed"), Dir: t.TempDir(), MinFree: 1 << 60})
	if !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
	var said strings.Builder
	log := slog.New(slog.NewTextHandler(&said, nil))
	_, _ = StartNode(t.Context(), NodeConfig{Binary: fakeBinary(t, "dies"), Dir: t.TempDir(), LittleFree: 1 << 60, Log: log})
	if !strings.Contains(said.String(), "level=WARN msg=store_has_little_room") {
		t.Errorf("little room is not told of: %s", said.String())
	}
}

// A process that does not end when it is asked to is killed after its grace, and the caller told.
func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	node, err := StartNode(t.Context(), NodeConfig{Binary: fakeBinary(t, "deaf"), Dir: t.TempDir(), Grace: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	process := node.child.command.Process.Pid
	if err := node.Stop(t.Context()); err == nil || !strings.Contains(err.Error(), "did not end within 100ms and was killed") {
		t.Errorf("got %v", err)
	}
	if alive(process) {
		t.Error("the process still runs")
	}
	if err := node.Err(); err != nil {
		t.Errorf("it was stopped, and says: %v", err)
	}
}

// The file with the password is for us alone, whatever lay there before, and the process listens for this machine alone.
func TestNodeIsPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	left := filepath.Join(dir, "auth.json") // by a process that was killed
	if err := os.WriteFile(left, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err := StartNode(t.Context(), NodeConfig{Binary: fakeBinary(t, "tells"), Dir: dir})
	if err == nil {
		t.Fatal("it started")
	}
	for _, part := range []string{"auth.json -rw-------", "folder drwx------", "-http-addr 127.0.0.1:0", "-raft-addr localhost:0"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
}

func TestFullDiskIsNamed(t *testing.T) {
	c := &child{log: slog.New(slog.DiscardHandler)}
	n := &Node{child: c, config: NodeConfig{Dir: "/somewhere"}}
	c.hear("[raft] all is well")
	if err := n.trouble(); err != nil {
		t.Errorf("got %v", err)
	}
	c.hear(`[raft] failed to commit logs: error="write raft.db: no space left on device"`)
	config := Config{URLs: []string{newLiar(t).URL}, Trouble: n.trouble, RetryFor: 100 * time.Millisecond}
	client := open(t, config)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Apply(ctx, insert)
	if !errors.Is(err, ErrFull) || !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "/somewhere") {
		t.Errorf("got %v", err)
	}
}

func TestLocate(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	path := filepath.Join(dir, program)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := locate(""); got != path || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if got, err := locate(other); got != other || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "lock")
	first, err := takeLock(dir, path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = takeLock(dir, path)
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != 0 || !strings.Contains(err.Error(), "another process") {
		t.Errorf("nothing known of the holder: %v", err)
	}
	since := time.Now().Add(-time.Hour)
	if err := first.write(holder{PID: 4711, Since: since, Child: 4712}); err != nil {
		t.Fatal(err)
	}
	if _, err = takeLock(dir, path); !errors.As(err, &locked) || locked.PID != 4711 || !locked.Since.Equal(since) || !strings.Contains(err.Error(), dir) {
		t.Errorf("got %+v, %v", locked, err)
	}
	if got := first.previous(); got.Child != 4712 {
		t.Errorf("got %+v", got)
	}
	if err := first.release(); err != nil {
		t.Fatal(err)
	}
	second, err := takeLock(dir, path)
	if err != nil {
		t.Fatal(err)
	}
	if got := second.previous(); got != (holder{}) {
		t.Errorf("a holder that let go left %+v", got)
	}
	if err := second.release(); err != nil {
		t.Error(err)
	}
}
