package child

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Bind has a process that is to be started killed when the one that starts it dies, which no signal of ours can tell it then:
// it sees that its input has ended only when it reads again.
func Bind(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
}

// LimitMemory limits the data of this process, for good. Asking for more fails.
func LimitMemory(bytes uint64) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_DATA, &limit); err != nil {
		return fmt.Errorf("read the limit of memory: %w", err)
	}
	limit.Max = min(limit.Max, bytes) // a lower limit of the system stays
	limit.Cur = min(limit.Cur, limit.Max)
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &limit); err != nil {
		return fmt.Errorf("limit the memory: %w", err)
	}
	return nil
}

// CPU returns what a process has used of all cores together since it began, to a hundredth of a second.
func CPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read what a process has used: %w", err)
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // its name may hold anything
	if len(fields) < 13 {
		return 0, fmt.Errorf("read what a process has used: the system says %q", text)
	}
	var used time.Duration
	for _, field := range fields[11:13] { // by itself, and by the system for it
		ticks, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read what a process has used: %w", err)
		}
		used += time.Duration(ticks) * time.Second / 100
	}
	return used, nil
}
