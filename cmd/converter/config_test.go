package main

import (
	"testing"
)

// TestDigest: what decides the content of the outputs makes another digest; how a run goes about it does not.
func TestDigest(t *testing.T) {
	base := func() File {
		return File{
			Version: 1, Sources: []Source{{Name: "game", Plugin: "foundry", Options: map[string]any{"roots": []any{"Data"}}}},
			Outputs: []Output{{Name: "library", Type: "json", Path: "out"}},
		}
	}
	of := func(change func(*File)) string {
		f := base()
		change(&f)
		sum, err := digest(f)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	want := of(func(*File) {})
	for name, change := range map[string]func(*File){
		"workers":      func(f *File) { f.Run.Workers = 7 },
		"max_failures": func(f *File) { f.Run.MaxFailures = 7 },
		"path":         func(f *File) { f.Outputs[0].Path = "elsewhere" },
		"store":        func(f *File) { f.Store.Path = "elsewhere" },
		"sha256":       func(f *File) { f.Sources[0].SHA256 = "ab" },
		"memory_mb":    func(f *File) { f.Sources[0].MemoryMB = 500 },
	} {
		if got := of(change); got != want {
			t.Errorf("%s decides nothing of the content, and changes the digest", name)
		}
	}
	for name, change := range map[string]func(*File){
		"options": func(f *File) { f.Sources[0].Options = nil },
		"name":    func(f *File) { f.Sources[0].Name = "other" },
		"quality": func(f *File) { f.Assets.Quality.Original = 7 },
	} {
		if of(change) == want {
			t.Errorf("%s decides the content, and does not change the digest", name)
		}
	}
}
