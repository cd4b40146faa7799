//go:build !linux

package child

import "os/exec"

// Bind does nothing here: the process ends when it reads that its input has ended, with what it has in hand.
func Bind(*exec.Cmd) {}

// LimitMemory limits nothing here: what bounds memory is what the one that started the process asks of it.
func LimitMemory(uint64) error { return nil }
