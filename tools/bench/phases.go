package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// timeline is the phases of one run, in their order.
type timeline []phase

type phase struct {
	name string
	took time.Duration
}

// The phases around the steps of a run, and the two steps whose bounds the files of the output tell.
const (
	starting = "starting: program, plugin, store"
	writing  = "writing"
	putting  = "putting"
	stopping = "stopping: plugin, store"
)

// status is what is read of the lines that `--progress json` writes to standard error while a run goes on.
type status struct {
	Type  string `json:"type"`
	State string `json:"state"`
	Doing string `json:"doing"`

	Storing stored `json:"storing"`
}

// stored is how the rows of a run got into the store.
type stored struct {
	Rows     int64 `json:"rows"`
	Batches  int64 `json:"batches"`
	TotalUS  int64 `json:"total_us"`
	WaitedUS int64 `json:"waited_us"`
	Flushed  int64 `json:"flushed_us"`
}

// summary is what is read of the last line, which is on standard output.
type summary struct {
	StartedMS int64    `json:"started_ms"`
	EndedMS   int64    `json:"ended_ms"`
	Written   []string `json:"written"` // folders of the outputs
}

// mark is the moment at which a phase was first heard of.
type mark struct {
	name string
	at   time.Time
}

// sum is how long all of it took.
func (t timeline) sum() (all time.Duration) {
	for _, p := range t {
		all += p.took
	}
	return all
}

// watch runs a command that tells its progress in JSON and returns its phases, and how its rows were stored. When a run began and ended it says itself,
// when the writing began and ended its files do; the other steps are known as closely as status lines come.
func watch(c *exec.Cmd) (timeline, stored, error) {
	told, tell := io.Pipe()
	c.Stderr = tell
	heard := make(chan []mark)
	var rows stored
	go func() {
		var steps []mark
		steps, rows = listen(told, time.Now)
		heard <- steps
	}()
	marks := []mark{{starting, time.Now()}}
	_, out, err := measure(c)
	gone := time.Now()
	_ = tell.Close() // it returns none
	steps := <-heard
	if err != nil {
		return nil, rows, err
	}
	var s summary
	if err := json.Unmarshal(out, &s); err != nil {
		return nil, rows, fmt.Errorf("the last line of a run: %w", err)
	}
	if len(s.Written) == 0 {
		return nil, rows, errors.New("a run wrote nothing")
	}
	first, last, err := changed(filepath.Join(s.Written[0], "entities"))
	if err != nil {
		return nil, rows, err
	}
	for _, m := range steps {
		if m.name != writing && m.name != putting {
			marks = append(marks, m)
		}
	}
	return between(append(marks, mark{writing, first}, mark{putting, last}), s, gone), rows, nil
}

// changed returns when the first and the last file below a folder were written.
func changed(dir string) (first, last time.Time, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		at := info.ModTime()
		if first.IsZero() || at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
		return nil
	})
	return first, last, err
}

// listen notes when each step was first heard of, until nothing more is told, and what was told last of the rows.
func listen(told io.Reader, now func() time.Time) (marks []mark, rows stored) {
	lines := bufio.NewReader(told)
	for {
		text, err := lines.ReadBytes('\n')
		var s status
		known := json.Unmarshal(bytes.TrimSpace(text), &s) == nil && s.Type == "status"
		if known {
			rows = s.Storing
		}
		if known && s.State == "running" {
			step, _, _ := strings.Cut(s.Doing, " ") // the rest says of what, and how far
			if step != "" && !slices.ContainsFunc(marks, func(m mark) bool { return m.name == step }) {
				marks = append(marks, mark{step, now()})
			}
		}
		if err != nil {
			return marks, rows
		}
	}
}

// between turns moments into lengths. The first step begins when the run says that it began, not when it was heard of.
func between(marks []mark, s summary, gone time.Time) timeline {
	if len(marks) > 1 {
		marks[1].at = time.UnixMilli(s.StartedMS)
	}
	marks = append(marks, mark{stopping, time.UnixMilli(s.EndedMS)}, mark{at: gone})
	var t timeline
	for i := range len(marks) - 1 {
		t = append(t, phase{marks[i].name, marks[i+1].at.Sub(marks[i].at)})
	}
	return t
}
