package pdfium

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// formAge is from when on a compiled form of PDFium may go when another one is made: each build has its own, of 19 MB, and none says when it
// was used last. A program that still wants one that went makes it anew.
const formAge = 30 * 24 * time.Hour

// forms are the compiled forms in a folder, by their names.
func forms(dir string) []string {
	all, _ := filepath.Glob(filepath.Join(dir, "wazero-*", "*")) // the pattern is one
	return slices.DeleteFunc(all, func(name string) bool {
		base := filepath.Base(name)
		return len(base) != 64 || strings.Trim(base, "0123456789abcdef") != ""
	})
}

// forget removes old forms from a folder in which there is one that was not among those before.
func forget(dir string, before []string) {
	now := forms(dir)
	if !slices.ContainsFunc(now, func(name string) bool { return !slices.Contains(before, name) }) {
		return
	}
	for _, name := range now {
		if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > formAge {
			_ = os.Remove(name) // it stays, and is in nobody's way
		}
	}
}
