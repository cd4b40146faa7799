package output

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

func exchange(fresh, path string) error { return swapByTwo(fresh, path) }

// sync does nothing: there is no call that makes many files durable at once.
func (s *staging) sync() error { return nil }

// isMount is not known here; moving the folder away says so.
func isMount(string) bool { return false }

// lockFile locks an open file, or fails at once when another open file holds the lock.
func lockFile(f *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return err
}

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

func isReadOnly(err error) bool { return errors.Is(err, windows.ERROR_WRITE_PROTECT) }
