package rqlite

import "syscall"

// FreeSpace returns how many bytes may still be written below dir, where that is known.
func FreeSpace(dir string) (uint64, bool) {
	var stat syscall.Statfs_t
	if syscall.Statfs(dir, &stat) != nil || stat.Bsize <= 0 {
		return 0, false
	}
	return stat.Bavail * uint64(stat.Bsize), true
}

// attributes keep Ctrl-C in the terminal away from the child, and end it when the thread that started it ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
