// Package testdata finds what tests and benchmarks need but the repository does not carry: real content, and a Python that
// plugins can run with.
//
// The folder of real content is the one CONVERTER_TESTDATA names, else `shared/data` beside the repository. A test that needs
// what is not there skips by name, so that a run always says what it did not prove.
package testdata

import (
	"os"
	"path/filepath"
	"testing"
)

// Variable is the environment variable that names the folder of real content.
const Variable = "CONVERTER_TESTDATA"

// Dir returns the path of elem inside the folder of real content, or skips the test and names what is missing.
func Dir(t testing.TB, elem ...string) string {
	t.Helper()
	path := filepath.Join(append([]string{root(t)}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED: real content is missing: %s (set %s to the folder that has it)", path, Variable)
	}
	return path
}

func root(t testing.TB) string {
	t.Helper()
	if dir := os.Getenv(Variable); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("working folder: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared", "data")
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatalf("no go.mod above the working folder: cannot tell where the repository is")
		}
		dir = parent
	}
}
