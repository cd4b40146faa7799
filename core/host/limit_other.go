//go:build !linux

package host

import "os/exec"

// canLimit says whether the memory of a process can be limited here.
const canLimit = false

// limitMemory limits nothing here; [Start] warns of it.
func limitMemory(*exec.Cmd, uint64) error { return nil }
