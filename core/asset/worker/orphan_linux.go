package worker

import "syscall"

// orphaned has the process killed when the one that started it is, which no signal of ours can tell it then: a decoder that
// does not come to an end would run on.
func orphaned() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
