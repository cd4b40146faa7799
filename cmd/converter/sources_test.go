package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestNamed: the folders that a source may have files opened in are those its options name, and no others.
func TestNamed(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"Data", "more"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	book := filepath.Join(dir, "book.pdf")
	if err := os.WriteFile(book, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &config{dir: dir}
	got := c.named(map[string]any{
		"roots": []any{"./Data", "nowhere", 7.0, map[string]any{"deep": "more/../more"}}, "file": book, "language": "en", "empty": "",
	})
	want := []string{book, filepath.Join(dir, "Data"), filepath.Join(dir, "more")}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
