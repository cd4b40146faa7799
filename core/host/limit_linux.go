package host

import (
	"fmt"
	"os/exec"

	"golang.org/x/sys/unix"
)

// canLimit says whether the memory of a process can be limited here.
const canLimit = true

// limitMemory limits the data of a started process, and of each process it starts: heap, stacks and whatever else it can
// write to and shares with nobody. Asking for more fails in the process itself, which so can say what it was about.
func limitMemory(cmd *exec.Cmd, bytes uint64) error {
	var limit unix.Rlimit
	if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_DATA, nil, &limit); err != nil {
		return fmt.Errorf("read its limit of memory: %w", err)
	}
	limit.Max = min(limit.Max, bytes) // a lower limit of the system stays
	limit.Cur = min(limit.Cur, limit.Max)
	if err := unix.Prlimit(cmd.Process.Pid, unix.RLIMIT_DATA, &limit, nil); err != nil {
		return fmt.Errorf("limit its memory: %w", err)
	}
	return nil
}
