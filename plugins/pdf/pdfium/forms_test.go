package pdfium

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestForget: forms that are old go when another one was made, and nothing else does.
func TestForget(t *testing.T) {
	dir := t.TempDir()
	put := func(folder, name string, age time.Duration) string {
		t.Helper()
		path := filepath.Join(dir, folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("form"), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(path, then, then); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const day = 24 * time.Hour
	sum := func(digit string) string { return strings.Repeat(digit, 64) }
	old, older := put("wazero-v1", sum("a"), 31*day), put("wazero-v0", sum("b"), 400*day)
	kept := []string{
		put("wazero-v1", sum("c"), 29*day), put("wazero-v1", "notes", 400*day), put("wazero-v1", sum("z"), 400*day), put("other", sum("a"), 400*day),
		put("wazero-v1", sum("d"), -day),
	}
	left := func() (all []string) {
		for _, name := range append([]string{old, older}, kept...) {
			if _, err := os.Stat(name); err == nil {
				all = append(all, name)
			}
		}
		return all
	}
	before := forms(dir)
	if len(before) != 4 {
		t.Fatalf("forms are %v", before)
	}
	forget(dir, before)
	if got := left(); len(got) != len(kept)+2 {
		t.Fatalf("without another form there are %v", got)
	}
	kept = append(kept, put("wazero-v2", sum("e"), 0))
	forget(dir, before)
	if got := left(); !slices.Equal(got, kept) {
		t.Errorf("left are %v, want %v", got, kept)
	}
	forget(filepath.Join(dir, "none"), nil)
}
