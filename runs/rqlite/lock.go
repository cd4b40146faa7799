package rqlite

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
)

// LockedError says that another process keeps its store in the folder.
type LockedError struct {
	Dir   string
	PID   int       // 0: not known
	Since time.Time // when that process took the folder
}

// Error says who has the folder and what to do about it.
func (e *LockedError) Error() string {
	holder := "another process"
	if e.PID != 0 {
		holder = fmt.Sprintf("process %d, since %s", e.PID, e.Since.Local().Format(time.DateTime))
	}
	return fmt.Sprintf("the store in %s is in use by %s: wait for its end or stop it, or use another folder", e.Dir, holder)
}

var errHeld = errors.New("held by another process")

// lock is a file that at most one living process holds. rqlited has one too, but waits for it without a word.
type lock struct{ file *os.File }

// holder is what the lock file says about who has it.
type holder struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
	Child int       `json:"child,omitempty"` // the rqlited process of the moment
	Guest *guest    `json:"guest,omitempty"` // how others may read from it; nil: there is no node to read from
}

// guest is what a process needs that reads from the node of another one.
type guest struct {
	URL      string `json:"url"`
	User     string `json:"user"`
	Password string `json:"password"`
}

func takeLock(dir, path string) (*lock, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Chmod(0o600); err != nil && runtime.GOOS != "windows" { // it says how the node is read from
		return nil, errors.Join(err, file.Close())
	}
	if err := lockFile(file); err != nil {
		if !errors.Is(err, errHeld) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		}
		locked := &LockedError{Dir: dir}
		var h holder
		if json.NewDecoder(file).Decode(&h) == nil {
			locked.PID, locked.Since = h.PID, h.Since
		}
		if err := file.Close(); err != nil {
			return nil, errors.Join(locked, err)
		}
		return nil, locked
	}
	return &lock{file: file}, nil
}

// previous returns what the last holder left behind.
func (l *lock) previous() holder {
	var h holder
	if _, err := l.file.Seek(0, 0); err != nil || json.NewDecoder(l.file).Decode(&h) != nil {
		return holder{}
	}
	return h
}

// write says who has the lock. Who reads meanwhile sees the old text or the new one: it is never empty in between.
func (l *lock) write(h holder) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if _, err = l.file.WriteAt(append(text, '\n'), 0); err != nil {
		return err
	}
	return l.file.Truncate(int64(len(text)) + 1)
}

// release lets go of the lock. The file stays: removing it would let two processes lock two files of one name.
func (l *lock) release() error {
	return errors.Join(l.file.Truncate(0), unlockFile(l.file), l.file.Close())
}
