package rqlite

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// lockFile takes the lock of an open file, which ends with the process at the latest. The locked byte lies beyond what
// is written, so that others can read who holds it.
func lockFile(file *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{Offset: 1 << 20})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return errHeld
	}
	return err
}

// unlockFile does nothing: closing the file gives the lock up.
func unlockFile(*os.File) error { return nil }

// alive reports whether there is a process of that number.
func alive(pid int) bool {
	process, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	_ = process.Release()
	return true
}

// terminate ends a process: there is no way to ask it.
func terminate(process *os.Process) error { return process.Kill() }

// FreeSpace is not known here.
func FreeSpace(string) (uint64, bool) { return 0, false }

// attributes keep Ctrl-C in the console away from the child.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: windows.CREATE_NEW_PROCESS_GROUP}
}
