//go:build unix

package sdk

import (
	"errors"
	"syscall"
)

// gone returns whether there is no process of that id; 0 is none in particular.
func gone(pid int) bool {
	return pid > 0 && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}
