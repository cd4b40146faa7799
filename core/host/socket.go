package host

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// socketPrefix is how the names of folders of sockets begin.
	socketPrefix = "converter-s-"
	// socketName is the longest path that go-plugin appends to the folder.
	socketName = len("/plugin-dir4294967295/plugin4294967295")
	// socketLimit is the longest path of a socket that every system takes.
	socketLimit = 103
)

// socketFolder makes a folder for the socket, that nobody else can enter and whose path is short enough: in dir, or else
// in the first that is short enough of what a system of this kind always has.
func socketFolder(ctx context.Context, name, dir string) (string, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	var tooLong string
	for _, parent := range []string{dir, os.Getenv("XDG_RUNTIME_DIR"), "/tmp"} {
		if parent == "" {
			continue
		}
		sweep(ctx, parent)
		folder, err := os.MkdirTemp(parent, socketPrefix)
		if err != nil {
			if parent == dir {
				return "", noSocketFolder(name, parent, err)
			}
			continue
		}
		if len(folder)+socketName <= socketLimit {
			return folder, nil
		}
		tooLong = folder
		if err := os.Remove(folder); err != nil {
			return "", noSocketFolder(name, parent, err)
		}
	}
	return "", noSocketFolder(name, filepath.Dir(tooLong), errors.New("the path is too long for a socket"))
}

// startingAge is how old the folder of a socket is at least by the time that its plugin must have begun to listen.
const startingAge = time.Minute

// sweep removes the folders of sockets that hosts which were killed have left behind: those of some age in which nobody
// listens. What cannot be looked at or removed stays, and is another user's.
func sweep(ctx context.Context, parent string) {
	left, err := filepath.Glob(filepath.Join(parent, socketPrefix+"*"))
	if err != nil {
		return // the parent's name is a pattern; then nothing is swept
	}
	for _, folder := range left {
		info, err := os.Lstat(folder)
		if err == nil && info.IsDir() && time.Since(info.ModTime()) > startingAge && deserted(ctx, folder) {
			_ = os.RemoveAll(folder)
		}
	}
}

// deserted returns whether nobody listens at any socket below a folder, or could.
func deserted(ctx context.Context, folder string) bool {
	dialer := net.Dialer{Timeout: lingerLimit}
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if d.Type() != fs.ModeSocket {
			return errInhabited // nothing of ours
		}
		conn, err := dialer.DialContext(ctx, "unix", path)
		if err == nil {
			_ = conn.Close()
			return errInhabited
		}
		if errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	return err == nil
}

var errInhabited = errors.New("somebody listens")
