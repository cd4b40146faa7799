package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// family returns what a process and its descendants have taken of CPU, with those that have ended and were waited for, and what
// they have in memory now. What they share is counted once.
func family(pid int) (cpu time.Duration, memory int64) {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, 0
	}
	parents, ticks := map[int]int{}, map[int]int64{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		begin, end := bytes.IndexByte(text, '('), bytes.LastIndexByte(text, ')')
		if begin < 0 || end < 0 {
			continue
		}
		id, _ := strconv.Atoi(string(bytes.TrimSpace(text[:begin])))
		fields := bytes.Fields(text[end+1:])
		if len(fields) < 15 {
			continue
		}
		parents[id], _ = strconv.Atoi(string(fields[1]))
		for _, field := range fields[11:15] { // user, system, and those of children
			n, _ := strconv.ParseInt(string(field), 10, 64)
			ticks[id] += n
		}
	}
	const tick = time.Second / 100
	for id := range parents {
		if descends(parents, id, pid) {
			cpu += time.Duration(ticks[id]) * tick
			memory += share(id)
		}
	}
	return cpu, memory
}

func descends(parents map[int]int, id, from int) bool {
	for range 100 { // nobody descends from himself, unless ids were given anew meanwhile
		if id == from {
			return true
		}
		parent, known := parents[id]
		if !known {
			return false
		}
		id = parent
	}
	return false
}

// share is what a process has in memory, with its part of what it shares with others.
func share(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte("Pss:")); ok {
			n, _ := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSpace(rest), []byte("kB")))), 10, 64)
			return n << 10
		}
	}
	return 0
}
