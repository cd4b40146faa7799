package foundry

import (
	"fmt"
	"io/fs"
	"syscall"
)

// identityOf is what the system tells a file from others by, and when it was last changed, which nobody can set back.
func identityOf(info fs.FileInfo) (identity string, changed int64, known bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", 0, false
	}
	changed = s.Ctim.Nano()
	return fmt.Sprint(s.Dev, s.Ino, changed), changed, true
}
