//go:build unix && !linux

package rqlite

import "syscall"

// FreeSpace is not known here.
func FreeSpace(string) (uint64, bool) { return 0, false }

// attributes keep Ctrl-C in the terminal away from the child.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
