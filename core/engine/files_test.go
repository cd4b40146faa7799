package engine

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// files is a second implementation of [Files], in memory. It takes a file for unchanged whose name and size are the same, so that
// a test can tell whether it was read.
type files struct {
	mu    sync.Mutex // guards what follows
	known map[string]remembered
}

type remembered struct {
	size int64
	sum  string
}

func (f *files) Holds(path string, info fs.FileInfo) (string, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, ok := f.known[path]
	return r.sum, ok && r.size == info.Size()
}

func (f *files) Read(path string, before, after fs.FileInfo, began time.Time, sum string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if before.Size() != after.Size() || began.IsZero() {
		return
	}
	if f.known == nil {
		f.known = map[string]remembered{}
	}
	f.known[path] = remembered{before.Size(), sum}
}

// TestUnchangedFiles: what an earlier run has read is not opened, where all that is wanted of it is there.
func TestUnchangedFiles(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "token.png"), filepath.Join(dir, "link.png")
	picture := drawing(t, 9, 7, 1)
	write := func(data []byte) {
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write(picture)
	if err := os.Symlink("token.png", link); err != nil {
		t.Fatal(err)
	}
	source := func() *shelf {
		return showing(nil,
			sdk.AssetRef{URI: "x", Status: sdk.Present, Path: path},
			sdk.AssetRef{URI: "y", Status: sdk.Present, Path: link})
	}
	seen := &files{}
	first := newJob(t, source())
	first.Files = seen
	first.run(t)
	want := tree(t, first.path)
	if len(seen.known) != 2 || seen.known[path].sum != sha(picture) {
		t.Fatalf("remembered: %v", seen.known)
	}
	words := make([]byte, len(picture)) // what is there now, if anybody looks

	for name, tc := range map[string]struct {
		change          func(j *job)
		now             []byte
		written, cached int64
		code            string
	}{
		"nothing has changed":      {func(*job) {}, words, 0, 2, ""},
		"everything is to be read": {func(j *job) { j.Fresh = true }, words, 0, 0, "image.not_an_image"},
		"nothing is remembered":    {func(j *job) { j.Files = nil }, words, 0, 0, "image.not_an_image"},
		"of another recipe":        {func(j *job) { j.Images.Recipe = "other" }, picture, 1, 1, ""},
		"another size":             {func(*job) {}, words[1:], 0, 0, "image.not_an_image"},
		"not allowed any more":     {func(j *job) { j.Sources[0].Folders = nil }, words, 0, 0, "asset.outside"},
		"the cache has lost it":    {func(j *job) { j.pictures = &pictures{}; j.Pictures = j.pictures }, picture, 1, 1, ""},
		"gone":                     {func(*job) {}, nil, 0, 0, "asset.missing"},
	} {
		t.Run(name, func(t *testing.T) {
			again := newJob(t, source())
			again.Files, again.blobs, again.Blobs = &files{known: maps.Clone(seen.known)}, first.blobs, first.blobs
			again.pictures, again.Pictures = first.pictures, first.pictures
			write(tc.now)
			if tc.now == nil {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			tc.change(again)
			again.run(t)
			got := again.count.stage(core.StageAssets)
			if got.Written != tc.written || got.Cached != tc.cached || got.Failed != 2-tc.written-tc.cached {
				t.Errorf("counts %+v", got)
			}
			if tc.code != "" && again.count.codes()[tc.code] != 2 {
				t.Errorf("problems %v", again.count.codes())
			}
			if tc.code == "" && again.pictures == first.pictures && again.encoder.calls.Load() != 2*tc.written {
				t.Errorf("%d were encoded", again.encoder.calls.Load())
			}
			if name == "nothing has changed" {
				for file, text := range tree(t, again.path) {
					if want[file] != text {
						t.Errorf("%s is not what it was", file)
					}
				}
			}
		})
	}
}

// TestPassingFiles: what is gone with the run is not remembered.
func TestPassingFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "token.png")
	if err := os.WriteFile(path, drawing(t, 9, 7, 1), 0o666); err != nil {
		t.Fatal(err)
	}
	seen := &files{}
	j := newJob(t, showing(nil, sdk.AssetRef{URI: "x", Status: sdk.Present, Path: path}))
	j.Files, j.Sources[0].Passing = seen, []string{dir}
	j.run(t)
	if len(seen.known) > 0 {
		t.Errorf("remembered: %v", seen.known)
	}
}
