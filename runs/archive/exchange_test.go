package archive

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func plant(t *testing.T, root string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func before() map[string]string {
	return map[string]string{"store/data/db": "old", "store/lock": "lock", "blobs/a": "old", "other": "stays"}
}

func staged(t *testing.T, root string) {
	t.Helper()
	plant(t, Staging(root), map[string]string{"store/data/db": "new", "blobs/b": "new", "bodies/c": "new"})
}

var parts = []string{"store/data", "blobs", "bodies"}

func after() map[string]string {
	return map[string]string{"store/data/db": "new", "store/lock": "lock", "blobs/b": "new", "bodies/c": "new", "other": "stays"}
}

func TestExchange(t *testing.T) {
	root := t.TempDir()
	plant(t, root, before())
	staged(t, root)
	if err := Exchange(root, parts, ""); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, root); !maps.Equal(got, after()) {
		t.Errorf("%q", got)
	}
	if err := Finish(root); err != nil { // nothing is left to do
		t.Error(err)
	}
	if got := tree(t, root); !maps.Equal(got, after()) {
		t.Errorf("after Finish: %q", got)
	}
}

// TestKeep: what was there is kept on request.
func TestKeep(t *testing.T) {
	root := t.TempDir()
	plant(t, root, before())
	staged(t, root)
	if err := Exchange(root, parts, "aside"); err != nil {
		t.Fatal(err)
	}
	want := after()
	want["aside/store/data/db"], want["aside/blobs/a"] = "old", "old"
	if got := tree(t, root); !maps.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestUndone: an exchange that was not decided leaves nothing.
func TestUndone(t *testing.T) {
	root := t.TempDir()
	plant(t, root, before())
	staged(t, root)
	plant(t, root, map[string]string{"restore/commit.part": "{"})
	if err := Finish(root); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, root); !maps.Equal(got, before()) {
		t.Errorf("%q", got)
	}
}

// TestFinish stops a decided exchange after every number of its steps, and ends it: with a second stop on the way too.
func TestFinish(t *testing.T) {
	steps := []func(root string) error{ // as exchange takes them, one system call each
		func(r string) error { return os.MkdirAll(filepath.Join(r, "restore/old/store"), 0o700) },
		func(r string) error {
			return os.Rename(filepath.Join(r, "store/data"), filepath.Join(r, "restore/old/store/data"))
		},
		func(r string) error {
			return os.Rename(filepath.Join(r, "restore/new/store/data"), filepath.Join(r, "store/data"))
		},
		func(r string) error {
			return os.Rename(filepath.Join(r, "blobs"), filepath.Join(r, "restore/old/blobs"))
		},
		func(r string) error {
			return os.Rename(filepath.Join(r, "restore/new/blobs"), filepath.Join(r, "blobs"))
		},
		func(r string) error {
			return os.Rename(filepath.Join(r, "restore/new/bodies"), filepath.Join(r, "bodies"))
		},
		func(r string) error { return os.Rename(filepath.Join(r, "restore/old"), filepath.Join(r, "aside")) },
		func(r string) error { return os.Remove(filepath.Join(r, "restore/commit")) },
	}
	for n := range len(steps) + 1 {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, before())
			staged(t, root)
			plant(t, root, map[string]string{"restore/commit": `{"parts":["store/data","blobs","bodies"],"keep":"aside"}`})
			for _, step := range steps[:n] {
				if err := step(root); err != nil {
					t.Fatal(err)
				}
			}
			if err := Finish(root); err != nil {
				t.Fatal(err)
			}
			want := after()
			want["aside/store/data/db"], want["aside/blobs/a"] = "old", "old"
			if got := tree(t, root); !maps.Equal(got, want) {
				t.Errorf("after %d steps: %q", n, got)
			}
		})
	}
}

// TestMade: what an older program made anew in between is not lost.
func TestMade(t *testing.T) {
	root := t.TempDir()
	plant(t, root, before())
	staged(t, root)
	plant(t, root, map[string]string{"restore/commit": `{"parts":["store/data","blobs","bodies"],"keep":"aside"}`})
	if err := os.MkdirAll(filepath.Join(root, "restore/old"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(root, "blobs"), filepath.Join(root, "restore/old/blobs")); err != nil {
		t.Fatal(err)
	}
	plant(t, root, map[string]string{"blobs/c": "anew"})
	if err := Finish(root); err != nil {
		t.Fatal(err)
	}
	want := after()
	want["aside/store/data/db"], want["aside/blobs/a"], want["aside/blobs-2/c"] = "old", "old", "anew"
	if got := tree(t, root); !maps.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// TestUnreadable: a mark that cannot be read stops everything, rather than guess.
func TestUnreadable(t *testing.T) {
	root := t.TempDir()
	plant(t, root, before())
	staged(t, root)
	plant(t, root, map[string]string{"restore/commit": "{"})
	if err := Finish(root); err == nil || errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "restore") {
		t.Errorf("%v", err)
	}
	if got := tree(t, root)["store/data/db"]; got != "old" {
		t.Errorf("the store is %q", got)
	}
}
