//go:build integration

package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// The node is killed again and again while rows are put: all of them arrive, and each counts once.
func TestNodeIsKilled(t *testing.T) {
	l := openLibrary(t, Config{})
	r := begin(t, l)
	const n = 1500
	for i := range n {
		e, h := item(i, 0, []byte(fmt.Sprint(`{"n":`, i, `}`)))
		if err := r.PutEntity(t.Context(), e, h); err != nil {
			t.Fatal(err)
		}
		if i%500 == 250 {
			kill(t, l)
		}
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	heads, err := r.Heads(t.Context())
	if c := countOf(r.State().Summary(), core.StageEntities); err != nil || len(heads) != n || c.Written != n || c.Failed != 0 {
		t.Errorf("%d stored, counted %+v, %v", len(heads), c, err)
	}
	if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
		t.Error(err)
	}
}

// kill ends the node's process, the one that its lock file names.
func kill(tb testing.TB, l *Library) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(l.config.Dir, "store", "lock"))
	if err != nil {
		tb.Fatal(err)
	}
	var holder struct{ Child int }
	if err := json.Unmarshal(text, &holder); err != nil || holder.Child == 0 {
		tb.Fatalf("%s: %v", text, err)
	}
	process, err := os.FindProcess(holder.Child)
	if err != nil {
		tb.Fatal(err)
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Fatal(err)
	}
}

// When the store is gone for good nobody hangs.
func TestStoreIsLost(t *testing.T) {
	l := openLibrary(t, Config{})
	r := begin(t, l)
	stored(t, r, []byte(`{}`))
	if err := l.node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Lost():
	case <-t.Context().Done():
	}
	e, h := item(5, 0, []byte(`{}`))
	err := r.PutEntity(t.Context(), e, h)
	if err == nil {
		err = r.Flush(t.Context())
	}
	var lost *StoreError
	if !errors.As(err, &lost) || !strings.Contains(err.Error(), "process is gone") {
		t.Errorf("%v", err)
	}
	if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err == nil || !strings.Contains(err.Error(), "listed as interrupted") {
		t.Errorf("end: %v", err)
	}
	if got := r.State().State(); got != core.Failed {
		t.Errorf("the run is %s", got)
	}
	for name, call := range map[string]func() error{
		"Begin":  func() error { _, err := l.Begin(t.Context(), core.Summary{}); return err },
		"Runs":   func() error { _, err := l.Runs(t.Context(), 1); return err },
		"Heads":  func() error { _, err := r.Heads(t.Context()); return err },
		"Store":  func() error { return l.Store(t.Context(), "r", core.Asset{ID: "a"}) },
		"Lookup": func() error { _, _, err := l.Lookup(t.Context(), "a", "r"); return err },
	} {
		if err := call(); !errors.Is(err, rqlite.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
