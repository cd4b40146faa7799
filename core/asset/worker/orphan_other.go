//go:build !linux

package worker

import "syscall"

// orphaned does nothing here: the process ends with its input, when it has rendered what it has in hand.
func orphaned() *syscall.SysProcAttr { return nil }
