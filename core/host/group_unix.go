//go:build unix && !linux

package host

import (
	"os/exec"
	"syscall"
)

// ownGroup makes a process the head of a group, so that all it starts can be ended with it. That its host has died it
// must see for itself here, and sdk.Serve does.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// awaitExit returns when the process has ended. There is no way here to leave it unreaped.
func awaitExit(cmd *exec.Cmd) { _ = cmd.Wait() }

// killGroup kills the process and its group.
func killGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may be gone already
}
