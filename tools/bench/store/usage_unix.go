//go:build unix

package main

import (
	"runtime"
	"syscall"
)

// usage is the largest resident set of this process, and of the processes that it has waited for, in bytes.
func usage() (own, children int64) {
	most := func(who int) int64 {
		var u syscall.Rusage
		if err := syscall.Getrusage(who, &u); err != nil {
			return 0
		}
		if runtime.GOOS == "darwin" {
			return u.Maxrss
		}
		return u.Maxrss * 1024
	}
	return most(syscall.RUSAGE_SELF), most(syscall.RUSAGE_CHILDREN)
}
