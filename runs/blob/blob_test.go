package blob_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/blob/blobtest"
)

func TestFolder(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store {
		t.Helper()
		return folder(t, t.TempDir())
	})
}

func TestMemory(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blob.Store { return blobtest.NewMemory() })
}

func folder(t *testing.T, dir string) *blob.Folder {
	t.Helper()
	f, err := blob.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFolderIsPrivateAndSurvives(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "blobs")
	name, err := folder(t, dir).Put(t.Context(), []byte("body"))
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(dir, name[:2], name)
	if data, err := os.ReadFile(want); err != nil || string(data) != "body" {
		t.Errorf("%s: %q, %v", want, data, err)
	}
	err = filepath.WalkDir(filepath.Dir(dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s can be read by others: %s", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if there, err := folder(t, dir).Has(t.Context(), name, 4); !there || err != nil {
		t.Errorf("opened again, the blob is %v, %v", there, err)
	}
}

// A blob that a power failure left too short is neither found nor kept.
func TestFolderReplacesTornBlob(t *testing.T) {
	f := folder(t, t.TempDir())
	name, err := f.Put(t.Context(), []byte("whole"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.Path(name), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if there, _ := f.Has(t.Context(), name, 5); there {
		t.Error("a torn blob was found")
	}
	if _, err := f.Put(t.Context(), []byte("whole")); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(f.Path(name)); string(data) != "whole" {
		t.Errorf("after another Put: %q, %v", data, err)
	}
}

func TestFolderLeavesNoPartBehind(t *testing.T) {
	dir := t.TempDir()
	f := folder(t, dir)
	data := []byte("cannot be moved to its place")
	// A folder that is not empty stands where the blob should be.
	if err := os.MkdirAll(filepath.Join(f.Path(blob.Name(data)), "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Put(t.Context(), data); err == nil {
		t.Fatal("Put succeeded")
	}
	parts, err := filepath.Glob(filepath.Join(dir, "*", ".part-*"))
	if err != nil || len(parts) > 0 {
		t.Errorf("left behind: %v, %v", parts, err)
	}
}

func TestFolderErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := blob.OpenFolder(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file as folder: %v, want an error that names it", err)
	}
}

func TestDestroy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	f := folder(t, dir)
	if _, err := f.Put(t.Context(), []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := f.Destroy(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
	if _, err := f.Put(t.Context(), []byte("x")); err != nil { // a late writer must not crash on it
		t.Errorf("Put after Destroy: %v", err)
	}
}
