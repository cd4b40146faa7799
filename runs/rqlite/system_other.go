//go:build unix && !linux

package rqlite

import "syscall"

// freeSpace is not known here.
func freeSpace(string) (uint64, bool) { return 0, false }

// attributes keep Ctrl-C in the terminal away from the child.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
