package archive

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func sum(text string) string {
	s := sha256.Sum256([]byte(text))
	return hex.EncodeToString(s[:])
}

func blobOf(prefix, text string) string { return prefix + "/" + sum(text)[:2] + "/" + sum(text) }

// content is what a backup of the tests holds.
func content() map[string]string {
	return map[string]string{
		DatabaseName:                   "rows",
		blobOf("blobs", "picture"):     "picture",
		blobOf("bodies/7", "document"): "document",
	}
}

func write(t *testing.T, path string) Manifest {
	t.Helper()
	w, err := Create(path, time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	files := content()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := w.Add(name, strings.NewReader(files[name])); err != nil {
			t.Fatal(err)
		}
	}
	m, size, err := w.Commit(Manifest{Type: Full, Schema: 1})
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != size || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; %d bytes were said", info, err, size)
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	return m
}

// tree is what lies below a folder, by path.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return files
}

// TestRoundTrip: what is written comes out again, nothing else lies about, and nothing is written over.
func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "b.zip")
	want := write(t, path)
	if got := slices.Collect(maps.Keys(tree(t, dir))); len(got) != 1 {
		t.Errorf("beside the backup lies something: %q", got)
	}
	if _, err := Create(path, time.Now()); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("a backup is written over: %v", err)
	}
	a, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if m := a.Manifest(); m.Made != "2001-09-09T01:46:40Z" || m.Bytes() != want.Bytes() || m.Database() != 4 {
		t.Errorf("the manifest is %+v", m)
	}
	out := filepath.Join(dir, "out")
	told := 0
	if err := a.Extract(t.Context(), out, func(File) { told++ }); err != nil {
		t.Fatal(err)
	}
	if got := tree(t, out); !maps.Equal(got, content()) || told != 3 {
		t.Errorf("unpacked: %q, told of %d", got, told)
	}
}

// planted makes a zip file of entries, whatever they are. A name that ends in @ is a link.
func planted(t *testing.T, m any, entries ...[2]string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if m != nil {
		text, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, [2]string{manifestName, string(text)})
	}
	for _, e := range entries {
		name, link := strings.CutSuffix(e[0], "@")
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o600)
		if link {
			header.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(header)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "planted.zip")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRefused plants one wrong thing at a time: each is found before or while unpacking, and nothing is written outside.
func TestRefused(t *testing.T) {
	file := func(name, text string) File { return File{name, int64(len(text)), sum(text)} }
	database := file(DatabaseName, "rows")
	good := [2]string{DatabaseName, "rows"}
	manifest := func(files ...File) Manifest { return Manifest{Format: format, Type: Full, Files: files} }
	bomb := strings.Repeat("0", 1<<20)
	for name, tt := range map[string]struct {
		path, want string
	}{
		"no zip":       {planted(t, nil), "no manifest.json"},
		"no manifest":  {planted(t, nil, good), "no manifest.json"},
		"no JSON":      {planted(t, nil, good, [2]string{manifestName, "{"}), "cannot be read"},
		"newer":        {planted(t, Manifest{Format: 2}, good), "newer version of the program"},
		"no form":      {planted(t, Manifest{}, good), "what form"},
		"unknown type": {planted(t, Manifest{Format: 1, Type: "half"}, good), "unknown type"},
		"no database":  {planted(t, manifest()), "no database"},
		"missing":      {planted(t, manifest(database)), "is missing"},
		"more":         {planted(t, manifest(database), good, [2]string{"more", ""}), "1 files in it are not in its manifest"},
		"up":           {planted(t, manifest(database, file("../evil", "x")), good, [2]string{"../evil", "x"}), "../evil"},
		"absolute":     {planted(t, manifest(database, file("/tmp/evil", "x")), good, [2]string{"/tmp/evil", "x"}), "/tmp/evil"},
		"backslash":    {planted(t, manifest(database, file(`..\evil`, "x")), good, [2]string{`..\evil`, "x"}), "evil"},
		"elsewhere":    {planted(t, manifest(database, file("store/lock", "x")), good, [2]string{"store/lock", "x"}), "does not belong"},
		"misnamed":     {planted(t, manifest(database, File{blobOf("blobs", "x"), 1, sum("y")}), good, [2]string{blobOf("blobs", "x"), "y"}), "not named by its content"},
		"link":         {planted(t, manifest(database), [2]string{DatabaseName + "@", "rows"}), "no ordinary file"},
		"twice":        {planted(t, manifest(database), good, good), "twice"},
		"named twice":  {planted(t, manifest(database, database), good), "twice"},
		"short":        {planted(t, manifest(file(DatabaseName, "rows of it")), good), "has 4 bytes"},
		"bomb":         {planted(t, manifest(database), [2]string{DatabaseName, bomb}), "1048576 bytes"},
		"other bytes":  {planted(t, manifest(database), [2]string{DatabaseName, "rots"}), "its SHA-256 is another one"},
		"endless":      {planted(t, manifest(database, File{blobOf("blobs", "x"), 1 << 62, sum("x")}, File{blobOf("blobs", "y"), 1 << 62, sum("y")}), good), "larger than any disk"},
		"negative":     {planted(t, manifest(File{DatabaseName, -1, sum("")}), good), "does not say size"},
		"blob in a database": {
			planted(t, Manifest{Format: 1, Type: Database, Files: []File{database, file(blobOf("blobs", "x"), "x")}}, good, [2]string{blobOf("blobs", "x"), "x"}),
			"does not belong",
		},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			a, err := Open(tt.path)
			if err == nil {
				err = a.Extract(t.Context(), filepath.Join(root, "in", "out"), func(File) {})
				a.Close()
			}
			var bad *FileError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want a FileError with %q", err, tt.want)
			}
			for path := range tree(t, root) {
				if path != "in/out/"+DatabaseName {
					t.Errorf("%s was written", path)
				}
			}
		})
	}
}

// TestDamaged flips every fifth byte of a backup in turn: it is refused, or what comes out is what went in.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "b.zip")
	write(t, path)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for i := 0; i < len(whole); i += 5 {
		bad := slices.Clone(whole)
		bad[i] ^= 0x55
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(dir, fmt.Sprint(i))
		a, err := Open(path)
		if err == nil {
			err = a.Extract(t.Context(), out, func(File) {})
			a.Close()
		}
		if err != nil {
			refused++
			continue
		}
		if got := tree(t, out); !maps.Equal(got, content()) {
			t.Errorf("byte %d is another one, and out come %q", i, got)
		}
	}
	if refused < len(whole)/10 {
		t.Errorf("%d of %d damaged files were refused", refused, len(whole)/5)
	}
	for _, n := range []int{0, 10, len(whole) / 2, len(whole) - 1} {
		if err := os.WriteFile(path, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		var bad *FileError
		if _, err := Open(path); !errors.As(err, &bad) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
	}
}
