//go:build !unix

package host

import (
	"os/exec"
	"syscall"
)

// ownGroup has no groups to make here: what a plugin starts must end by itself.
func ownGroup() *syscall.SysProcAttr { return nil }

// awaitExit returns when the process has ended.
func awaitExit(cmd *exec.Cmd) { _ = cmd.Wait() }

// killGroup kills the process.
func killGroup(cmd *exec.Cmd) {
	_ = cmd.Process.Kill() // it may be gone already
}
