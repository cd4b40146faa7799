//go:build integration

package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// copied is a copy of the sample that may be changed.
func copied(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "Data")
	check(t, os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "examples", "FoundryData"))))
	return dir
}

// TestWhatHasNotChanged: a second run takes over what has not changed, one in which something has reads no more than that, and
// one that is to be fresh reads everything. The outputs are those of a run that knows of no other.
func TestWhatHasNotChanged(t *testing.T) {
	t.Parallel()
	data := copied(t)
	p := newProject(t, data, smallPictures)
	outcome := func(what string, want map[string]string, args ...string) (kept, read int64) {
		t.Helper()
		stdout, _ := p.must(0, append(args, "--progress", "json")...)
		if want != nil {
			equal(t, what, state(t, p.path("out"), false), want)
		}
		last := lastLine(t, stdout)
		c := last.Stage(core.StageEntities)
		if c.Found != c.Done() {
			t.Errorf("%s: %+v does not add up", what, c)
		}
		return c.Cached, c.Written
	}
	anew := func() map[string]string {
		t.Helper()
		other := newProject(t, data, smallPictures)
		other.must(0)
		return state(t, other.path("out"), false)
	}
	_, all := outcome("first", nil)
	first := state(t, p.path("out"), false)
	if kept, read := outcome("second", first); kept != all || read != 0 {
		t.Errorf("the second run read %d entities and took over %d of %d", read, kept, all)
	}
	if kept, read := outcome("fresh", first, "--fresh"); kept != 0 || read != all {
		t.Errorf("a fresh run read %d entities and took over %d of %d", read, kept, all)
	}
	files, err := filepath.Glob(p.path(".converter", "harvest", "*", "*", "*"))
	check(t, err)
	for i, name := range files {
		text, err := os.ReadFile(name)
		check(t, err)
		if i%2 == 0 {
			text = text[:len(text)/2]
		} else {
			text[len(text)/2] ^= 1
		}
		check(t, os.WriteFile(name, text, 0o600))
	}
	if kept, _ := outcome("damaged", first); kept != 0 || len(files) == 0 {
		t.Errorf("%d entities were taken over from %d damaged files", kept, len(files))
	}
	packs, err := filepath.Glob(filepath.Join(data, "*", "*", "packs", "*", "*.l*"))
	check(t, err)
	if len(packs) == 0 {
		t.Fatal("the sample has no packs")
	}
	check(t, os.WriteFile(filepath.Join(filepath.Dir(packs[0]), "999999.ldb"), []byte("stale"), 0o600))
	want := anew()
	if kept, read := outcome("a pack has changed", want); kept == 0 || read == 0 || kept+read != all {
		t.Errorf("with another pack: %d read, %d taken over, of %d", read, kept, all)
	}
	check(t, os.RemoveAll(filepath.Dir(packs[0])))
	outcome("a pack is gone", anew())
	check(t, os.WriteFile(anyPicture(t, data), []byte("no picture"), 0o600))
	outcome("a picture", anew())
}

// TestKilledWhileKeeping kills the program and its node at random moments of first, second and changed runs: what the next run
// makes of what they have left is what a run makes that knows nothing.
func TestKilledWhileKeeping(t *testing.T) {
	t.Parallel()
	const killings = 12
	d := newDeadly(t, "")
	begun := time.Now()
	d.must(0)
	again := time.Since(begun) // less than the first, as it reads nothing
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // it is to be different every time, not unguessable
	for killed := 0; killed < killings; {
		took, args := again, []string{}
		if random.IntN(2) == 0 {
			took = d.took
			d.fresh()
		}
		if random.IntN(3) == 0 {
			took, args = d.took, append(args, "--fresh")
		}
		if hit, _, _, _ := d.kill("both", time.Duration(random.Int64N(int64(took)+1)), args...); hit {
			killed++
		}
		stdout, stderr := d.must(0, "--progress", "json")
		equal(t, "after a kill", state(t, d.path("out"), false), d.want)
		if left, _ := filepath.Glob(d.path(".converter", "harvest", "new", "*")); len(left) > 0 {
			t.Errorf("parts are left: %q", left)
		}
		if t.Failed() {
			t.Fatalf("seed %d\n%s%s", seed, stdout, stderr)
		}
	}
}
