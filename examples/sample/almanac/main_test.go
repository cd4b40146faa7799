package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// What is committed is what the program makes.
func TestTheAlmanacIsUpToDate(t *testing.T) {
	made := filepath.Join(t.TempDir(), "almanac.pdf")
	if err := run(made, "../../FoundryData/modules/ninth-lamp/maps/pellwick-isle.jpg"); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../rulebooks/lampwrights-almanac.pdf")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("the committed almanac differs: run go run ./examples/sample/almanac in the root of the repository")
	}
}

func TestRunNamesTheMap(t *testing.T) {
	noJPEG := filepath.Join(t.TempDir(), "map.jpg")
	if err := os.WriteFile(noJPEG, []byte("GIF89a"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, picture := range []string{noJPEG, "not-there.jpg"} {
		if err := run(filepath.Join(t.TempDir(), "x.pdf"), picture); err == nil {
			t.Errorf("%s was taken", picture)
		}
	}
}

// Lines fit their column, whatever the words are.
func TestWrap(t *testing.T) {
	for _, l := range wrap(styled("**Knows the Way.** A boat that follows it comes home, though not always to its own harbour."), columnSize) {
		used := 0.0
		for _, w := range l {
			used += w.face.width(w.text+" ", bodySize)
		}
		if used > columnSize+bodySize {
			t.Errorf("%v is %v wide", l, used)
		}
	}
}

func TestLiteral(t *testing.T) {
	if got := literal("a (b) \\ keeper\u2019s \u2013 \u00e9"); got != `(a \(b\) \\ keeper\222s \226 \351)` {
		t.Error(got)
	}
}
