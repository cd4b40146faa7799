package sight

import (
	"io/fs"
	"syscall"
)

func stateOf(info fs.FileInfo) (s state, known bool) {
	of, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return s, false
	}
	return state{
		device: of.Dev, inode: of.Ino, size: info.Size(), modified: info.ModTime().UnixNano(), changed: of.Ctim.Nano(),
	}, true
}
