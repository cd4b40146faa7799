package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// used is what this process has used so far; where the system does not say, nothing.
type used struct {
	cpu            time.Duration
	peak, children int64 // bytes: the largest resident set, and that of the processes it has waited for
}

// meter measures what some rows take.
type meter struct {
	node     int // the process that they are sent to
	own, its time.Duration
	began    time.Time
}

func startMeter(node int) meter {
	runtime.GC() // what others have left behind is not to be paid by these rows
	return meter{node, usage().cpu, processCPU(node), time.Now()}
}

// end is what so many rows took since the start.
func (m meter) end(count int) sample {
	s := timed(m.began, count)
	if now := processCPU(m.node); now > 0 {
		s.CPU, s.PluginCPU = (usage().cpu - m.own).Seconds(), (now - m.its).Seconds()
	}
	return s
}

// processOf asks a node for the number of its process.
func processOf(ctx context.Context, at rqlite.Config) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.Endpoints()[0]+"/status", http.NoBody)
	if err != nil {
		return 0, err
	}
	request.SetBasicAuth(at.User, at.Password)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }() // it was read
	var status struct {
		OS struct {
			PID int `json:"pid"`
		} `json:"os"`
	}
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return 0, fmt.Errorf("the status of the node: %w", err)
	}
	return status.OS.PID, nil
}

// processCPU is how much CPU another process has used so far, but for threads that have ended; 0 where only wait4 says it.
func processCPU(pid int) (sum time.Duration) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0
	}
	for _, path := range threads {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has just ended
		}
		var ns time.Duration
		if _, err := fmt.Sscan(string(text), &ns); err != nil {
			return 0
		}
		sum += ns
	}
	return sum
}
