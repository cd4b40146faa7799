//go:build unix

package engine

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// TestPipe: opening one would wait for somebody to write to it, whatever becomes of the run.
func TestPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	j := newJob(t, showing(nil, sdk.AssetRef{URI: "x", Status: sdk.Present, Path: pipe}))
	j.run(t)
	if got := j.count.codes(); got["asset.unreadable"] != 1 {
		t.Errorf("problems %v", got)
	}
}
