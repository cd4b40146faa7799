package rqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// lockName is the file in the folder of a node that says whose it is.
const lockName = "lock"

// Hold is the folder of a private node, taken for this process, with a node in it or without. Nobody else can take it
// until it is released, or our process has ended.
type Hold struct {
	lock     *lock
	since    time.Time
	leftover int // the process of an earlier run that was not stopped
}

// Take takes a folder, which is made if need be, and closed to other users. One that another process has is a
// [LockedError].
func Take(dir string) (*Hold, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	if err := makeFolder(dir); err != nil {
		return nil, err
	}
	held, err := takeLock(dir, filepath.Join(dir, lockName))
	if err != nil {
		return nil, err
	}
	h := &Hold{lock: held, since: time.Now(), leftover: held.previous().Child}
	if err := h.note(0, nil); err != nil {
		return nil, errors.Join(err, held.release())
	}
	return h, nil
}

func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700) // rqlited makes its own files readable for everybody
}

// note tells others what is in the folder: the process of a node, and how to read from it.
func (h *Hold) note(child int, visitor *guest) error {
	return h.lock.write(holder{PID: os.Getpid(), Since: h.since, Child: child, Guest: visitor})
}

// Release leaves the folder to others.
func (h *Hold) Release() error { return h.lock.release() }

var (
	// ErrNoNode says that there is no node in a folder to be the guest of.
	ErrNoNode = errors.New("no node can be read from there")
	errLeft   = fmt.Errorf("%w any more: the process that had it has ended", ErrNoNode)
)

// Visit returns what a client needs for reading from the node that another process keeps in dir: it may query and back
// up, and write nothing. It holds for as long as that process keeps the node. Without one the error is [ErrNoNode].
func Visit(dir string) (Config, error) {
	path := filepath.Join(dir, lockName)
	first, err := readHolder(path)
	if err != nil || first.Guest == nil || !alive(first.PID) {
		return Config{}, fmt.Errorf("visit the store in %s: %w", dir, errors.Join(ErrNoNode, err))
	}
	same := func() (holder, bool) {
		h, err := readHolder(path)
		return h, err == nil && h.Guest != nil && h.Guest.User == first.Guest.User && alive(h.PID)
	}
	return Config{
		Endpoints: func() []string {
			if h, ok := same(); ok {
				return []string{h.Guest.URL} // it changes when the process had to be started again
			}
			return nil
		},
		Down: func() error {
			if _, ok := same(); !ok {
				return errLeft
			}
			return nil
		},
		User: first.Guest.User, Password: first.Guest.Password,
	}, nil
}

func readHolder(path string) (h holder, err error) {
	file, err := os.Open(path)
	if err != nil {
		return h, err
	}
	err = json.NewDecoder(file).Decode(&h)
	return h, errors.Join(err, file.Close())
}
