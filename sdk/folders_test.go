package sdk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestFolders: the folders that a source may have files opened in are those its options name and its own, and no others.
func TestFolders(t *testing.T) {
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
	options, err := json.Marshal(map[string]any{
		"roots": []any{"./Data", "nowhere", 7, map[string]any{"deep": "more/../more"}}, "file": book, "language": "en", "empty": "",
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		c    Configuration
		want []string
	}{
		"named": {
			Configuration{Options: options, BaseDir: dir, WorkDir: "/scratch/", CacheDir: "/cache"},
			[]string{book, filepath.Join(dir, "Data"), filepath.Join(dir, "more"), "/scratch", "/cache"},
		},
		"no cache":   {Configuration{BaseDir: dir, WorkDir: "/scratch"}, []string{"/scratch"}},
		"no options": {Configuration{Options: json.RawMessage(`{"file": `), BaseDir: dir}, nil},
	} {
		if got := tc.c.Folders(); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
