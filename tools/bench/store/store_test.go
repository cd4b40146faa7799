package main

import (
	"encoding/json"
	"errors"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// TestThings: the same number makes the same thing, another one another, and documents are JSON of about the size asked for.
func TestThings(t *testing.T) {
	seen := map[string]bool{}
	for i, made := range things(5, 50, documentBytes) {
		again := newThing(5+i, documentBytes)
		if made.entity.UID != again.entity.UID || string(made.entity.Raw) != string(again.entity.Raw) || seen[made.entity.UID] {
			t.Errorf("thing %d is %s, and then %s", i, made.entity.UID, again.entity.UID)
		}
		seen[made.entity.UID] = true
		if n := len(made.entity.Raw); !json.Valid(made.entity.Raw) || n < documentBytes*9/10 || n > documentBytes*11/10 {
			t.Errorf("%d bytes: %s", n, made.entity.Raw)
		}
	}
}

func TestInsert(t *testing.T) {
	l := layout{columns: []string{"a", "b", "c"}}
	if got := l.insert(); got != "INSERT INTO items(a,b,c) VALUES(?,?,?)" {
		t.Error(got)
	}
}

// TestByUID: the table that a run keeps by number is one that is kept by uid, and nothing else is different.
func TestByUID(t *testing.T) {
	l := layout{ddl: "CREATE TABLE items(rev INTEGER PRIMARY KEY, uid TEXT NOT NULL, source_order INTEGER NOT NULL) STRICT"}
	const want = "CREATE TABLE items(rev INTEGER NOT NULL, uid TEXT NOT NULL, source_order INTEGER NOT NULL, PRIMARY KEY(uid, source_order)) STRICT"
	if got, err := l.byUID(); err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	for _, ddl := range []string{"", "CREATE TABLE items(rev INTEGER PRIMARY KEY)", "CREATE TABLE items(rev INTEGER NOT NULL) STRICT"} {
		if got, err := (layout{ddl: ddl}).byUID(); err == nil {
			t.Errorf("%q became %q", ddl, got)
		}
	}
}

// TestEach: each number is given to one worker, and the first error ends it.
func TestEach(t *testing.T) {
	const count = 1000
	var mu sync.Mutex
	var got []int
	err := each(t.Context(), count, func(i int) error {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, i)
		return nil
	})
	slices.Sort(got)
	if err != nil || len(got) != count || got[0] != 0 || got[count-1] != count-1 || len(slices.Compact(got)) != count {
		t.Errorf("%d numbers, %v", len(got), err)
	}
	fault := errors.New("no more")
	if err := each(t.Context(), count, func(i int) error {
		if i == 5 {
			return fault
		}
		return nil
	}); !errors.Is(err, fault) {
		t.Errorf("got %v", err)
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"-dir", "x"}, {"-dir", "x", "-rqlited", "y", "fill", "many"}, {"-nonsense"}} {
		if err := run(t.Context(), args); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}

// TestMeter: work that this process does is its own, and that of the other one the other's.
func TestMeter(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the CPU of another process is not known here")
	}
	m := startMeter(os.Getpid())
	for usage().cpu-m.own < 20*time.Millisecond {
		document(1, 1<<20)
	}
	s := m.end(7)
	if s.Count != 7 || s.CPU < 0.02 || s.PluginCPU < s.CPU/2 || s.PluginCPU > s.CPU*2 {
		t.Errorf("two looks at one process: %+v", s)
	}
	if s := startMeter(-1).end(1); s.CPU != 0 || s.PluginCPU != 0 {
		t.Errorf("a process that is not there: %+v", s)
	}
}
