//go:build !linux

package extract

import "syscall"

// orphaned does nothing here: the process sees that its input has ended.
func orphaned() *syscall.SysProcAttr { return nil }
