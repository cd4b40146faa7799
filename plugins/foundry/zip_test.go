package foundry

import (
	"archive/zip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// zipped makes a zip file of names and texts; a name that ends with @ is a link to its text.
func zipped(t *testing.T, files ...[2]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.zip")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := zip.NewWriter(file)
	for _, f := range files {
		h := &zip.FileHeader{Name: strings.TrimSuffix(f[0], "@"), Method: zip.Deflate}
		h.SetMode(0o644)
		if strings.HasSuffix(f[0], "@") {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		e, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUnpack: only plain files come out, and only into the folder.
func TestUnpack(t *testing.T) {
	above := t.TempDir()
	dir := filepath.Join(above, "in")
	path := zipped(t, [2]string{"a.txt", "a"}, [2]string{"deep/er/b.txt", "b"}, [2]string{"back\\slash.txt", "c"}, [2]string{"../out.txt", "x"},
		[2]string{"/abs.txt", "x"}, [2]string{"deep/../../out2.txt", "x"}, [2]string{"..\\out3.txt", "x"}, [2]string{"link@", "../../etc"}, [2]string{"link/under.txt", "d"}, [2]string{"empty/", ""})
	if err := unpack(path, dir); err != nil {
		t.Fatal(err)
	}
	var got []string
	err := filepath.WalkDir(above, func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(above, name)
			got = append(got, filepath.ToSlash(rel))
			if !e.Type().IsRegular() {
				t.Errorf("%s is %s", rel, e.Type())
			}
		}
		return err
	})
	if want := []string{"in/a.txt", "in/back/slash.txt", "in/deep/er/b.txt", "in/link/under.txt"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

// TestUnpackLimits: what is larger than it may be, and what is damaged, is an error.
func TestUnpackLimits(t *testing.T) {
	path := zipped(t, [2]string{"zeros", strings.Repeat("\x00", 10<<20)})
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	dir := t.TempDir()
	to, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if _, err := unpackFile(to, archive.File[0], "zeros", 1<<20); !errors.Is(err, errZipLarge) {
		t.Errorf("got %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, "zeros")); err != nil || info.Size() > 1<<20+1 {
		t.Errorf("%d bytes were written, %v", info.Size(), err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0xff // in the packed bytes
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unpack(path, filepath.Join(dir, "damaged")); err == nil {
		t.Error("a damaged file was unpacked")
	}
}
