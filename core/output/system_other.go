//go:build unix && !linux

package output

import (
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

func exchange(fresh, path string) error { return swapByTwo(fresh, path) }

// sync makes everything written so far durable.
func (s *staging) sync() error {
	unix.Sync()
	return nil
}

// isMount says whether something is mounted on a folder, which then cannot be moved away: it lies on another device than
// the folder it stands in.
func isMount(path string) bool {
	here, err := device(path)
	if err != nil {
		return false
	}
	above, err := device(filepath.Join(path, ".."))
	return err == nil && here != above
}

func device(path string) (uint64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, nil
	}
	return uint64(st.Dev), nil //nolint:unconvert // another type on every system
}
