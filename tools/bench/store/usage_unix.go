//go:build unix

package main

import (
	"runtime"
	"syscall"
	"time"
)

func usage() (u used) {
	var own, children syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &own) != nil || syscall.Getrusage(syscall.RUSAGE_CHILDREN, &children) != nil {
		return u
	}
	unit := int64(1024)
	if runtime.GOOS == "darwin" {
		unit = 1
	}
	cpu := time.Duration(own.Utime.Nano() + own.Stime.Nano())
	return used{cpu, own.Maxrss * unit, children.Maxrss * unit}
}
