//go:build !linux

package child

import (
	"errors"
	"os/exec"
	"time"
)

// Bind does nothing here: the process ends when it reads that its input has ended, with what it has in hand.
func Bind(*exec.Cmd) {}

// LimitMemory limits nothing here: what bounds memory is what the one that started the process asks of it.
func LimitMemory(uint64) error { return nil }

// CPU cannot tell here what a process has used.
func CPU(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
