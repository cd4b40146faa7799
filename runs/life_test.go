//go:build integration

package runs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// A run whose process died is found by the next one: interrupted, with its problems and its rows.
func TestInterrupted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "library")
	l := openLibrary(t, Config{Dir: dir})
	r := begin(t, l)
	stored(t, r, []byte(`{}`), make([]byte, 100_000))
	r.State().Failure(core.Failure{Code: "image.damaged", Message: "m", Item: "token"})
	r.note(t.Context(), 0)
	closeLibrary(t, l)

	l = openLibrary(t, Config{Dir: dir})
	s, err := l.Find(t.Context(), r.ID())
	if err != nil || s.State != core.Interrupted || s.Actor != "crash" || s.EndedMS != s.HeartbeatMS || s.Reason == "" ||
		len(s.Problems) != 1 || s.Problems[0].Code != "image.damaged" || !s.Resumable() {
		t.Errorf("%+v, %v", s, err)
	}
	if n := tables(t, l); n != int(tableCount) {
		t.Errorf("%d tables are left", n)
	}
	if _, err := os.Stat(l.bodies(1)); err != nil {
		t.Errorf("bodies: %v", err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	_, err = Open(t.Context(), Config{Dir: dir, Binary: binary(t)})
	if _, locked := errors.AsType[*rqlite.LockedError](err); !locked {
		t.Errorf("a second library in the folder: %v", err)
	}
}

// other returns the library as another process of the same cluster has it.
func other(tb testing.TB, l *Library) *Library {
	tb.Helper()
	node := l.node.ClientConfig()
	return openLibrary(tb, Config{Dir: tb.TempDir(), URLs: node.Endpoints(), User: node.User, Password: node.Password})
}

// In a cluster a run is dead when its sign of life is old. One that was wrongly taken for dead notices.
func TestSignOfLife(t *testing.T) {
	l := openLibrary(t, Config{})
	alive, late := begin(t, l), begin(t, l)
	before, err := l.Find(t.Context(), alive.ID())
	if err != nil {
		t.Fatal(err)
	}
	for time.Now().UnixMilli() <= before.HeartbeatMS { // a sign of life is told from the one before by its time
	}
	alive.State().Found(core.StageRead, "home", "actors", 7)
	if err := alive.beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := l.Find(t.Context(), alive.ID())
	if err != nil || after.HeartbeatMS <= before.HeartbeatMS || countOf(after, core.StageRead).Found != 7 {
		t.Errorf("after a sign of life: %+v, %v", after, err)
	}
	old := time.Now().Add(-aliveFor - time.Second).UnixMilli()
	if _, err := l.client.Apply(t.Context(), rqlite.Statement{SQL: `UPDATE runs SET heartbeat_ms=? WHERE number=2`, Args: []any{old}}); err != nil {
		t.Fatal(err)
	}
	second := other(t, l)
	for id, want := range map[string]core.State{alive.ID(): core.Running, late.ID(): core.Interrupted} {
		if s, err := second.Find(t.Context(), id); err != nil || s.State != want {
			t.Errorf("%s is %s, want %s: %v", id, s.State, want, err)
		}
	}
	if err := late.beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	e, h := item(1, 0, []byte(`{}`))
	var lost *StoreError
	if err := late.PutEntity(t.Context(), e, h); !errors.As(err, &lost) || !strings.Contains(err.Error(), "took this run for dead") {
		t.Errorf("put into a run that was taken for dead: %v", err)
	}
	if err := late.End(t.Context(), Ending{State: core.Succeeded}); !errors.As(err, &lost) {
		t.Errorf("end: %v", err)
	}
	if s, err := l.Find(t.Context(), late.ID()); err != nil || s.State != core.Failed || s.Actor != "store" {
		t.Errorf("it ended as %s by %s: %v", s.State, s.Actor, err)
	}
	stored(t, alive, []byte(`{}`))
}

// The sign of life is given without anybody's doing, and carries the problems along.
func TestSignOfLifeIsGiven(t *testing.T) {
	l := openLibrary(t, Config{})
	l.pulse = 5 * time.Millisecond
	r := begin(t, l)
	r.State().Failure(core.Failure{Code: "image.damaged"})
	r.State().Found(core.StageRead, "home", "", 3)
	for ctx := t.Context(); ; {
		s, err := l.Find(ctx, r.ID())
		if err != nil {
			t.Fatal(err)
		}
		found, err := l.storedProblems(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s.HeartbeatMS > s.StartedMS && countOf(s, core.StageRead).Found == 3 && len(found) == 1 {
			return // else the test runs into its time limit
		}
	}
}
