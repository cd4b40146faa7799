package extract

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// limitMemory limits the data of this process, for good. Asking for more fails.
func limitMemory(bytes uint64) error {
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
