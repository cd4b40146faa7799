package output

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// exchange swaps two folders in one step, where the file system can.
func exchange(fresh, path string) error {
	err := unix.Renameat2(unix.AT_FDCWD, fresh, unix.AT_FDCWD, path, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		return swapByTwo(fresh, path)
	}
	return err
}

// sync makes everything written so far durable, with one call for the file system instead of one a file.
func (s *staging) sync() error {
	d, err := os.Open(s.dir)
	if err != nil {
		return s.fail("open it", err)
	}
	defer d.Close() //nolint:errcheck // only read
	if err := unix.Syncfs(int(d.Fd())); err != nil {
		return s.fail("make it durable", err)
	}
	return nil
}

// isMount says whether something is mounted on a folder, which then cannot be moved away.
func isMount(path string) bool {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_TYPE, &st)
	return err == nil && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}
