package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

var update = flag.Bool("update", false, "write the golden files anew")

// writerVariable makes the test binary a run that begins an output at the path it names and then waits to be killed.
const writerVariable = "CONVERTER_OUTPUT_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerVariable); path != "" {
		os.Exit(beWriter(path))
	}
	os.Exit(m.Run())
}

// beWriter writes half an output, says so, and waits. When its standard input ends it puts the output in place.
func beWriter(path string) int {
	w, err := OpenJSON(path)
	if err == nil {
		err = w.Entity(thing("child"))
	}
	if err == nil {
		err = w.lines.Flush()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("writing in", w.stage.dir)
	_, _ = io.Copy(io.Discard, os.Stdin)
	if _, err := w.Prepare(Manifest{}); err != nil {
		fmt.Println(err)
		return 1
	}
	if err := w.Commit(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// thing makes a small entity.
func thing(name string) *core.Entity {
	raw := json.RawMessage(`{"name":"` + name + `"}`)
	return &core.Entity{
		UID: "p::" + name, Kind: "item", Name: name, Slug: name, Complete: true, License: core.License{Redistributable: "unknown"},
		Source: core.Provenance{Plugin: "p", Name: "s", Stream: "items", NativeID: name}, RawSHA256: hexSum(raw), Raw: raw,
	}
}

// picture makes an asset with renditions that hold the words given, and the opener for them.
func picture(id string, words map[string]string) (core.Asset, Opener) {
	a := core.Asset{ID: hexSum([]byte(id)), MediaType: "image/png", Bytes: 9, Width: 1, Height: 2}
	for _, resolution := range []string{"original", "thumbnail", "preview", "display"} {
		if text, ok := words[resolution]; ok {
			a.Renditions = append(a.Renditions, core.Rendition{
				Resolution: resolution, SHA256: hexSum([]byte(text)), Bytes: int64(len(text)), MediaType: "image/webp", Ext: "webp",
			})
		}
	}
	return a, func(r core.Rendition) (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader(words[r.Resolution])), nil
	}
}

// open begins an output that the test has to end.
func open(t *testing.T, path string) *JSON {
	t.Helper()
	w, err := OpenJSON(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// write writes a whole output.
func write(t *testing.T, path string, names ...string) {
	t.Helper()
	w := open(t, path)
	for _, name := range names {
		if err := w.Entity(thing(name)); err != nil {
			t.Fatal(err)
		}
	}
	a, opener := picture("a", map[string]string{"original": "big", "thumbnail": "small"})
	if err := w.Asset(a, opener); err != nil {
		t.Fatal(err)
	}
	finish(t, w, Manifest{ConfigDigest: "d"})
}

func finish(t *testing.T, w *JSON, m Manifest) Result {
	t.Helper()
	result, err := w.Prepare(m)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return result
}

// tree returns the contents of all files below dir by their paths.
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
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// beyond returns what lies beside path but for names, which is nothing when all runs have cleared up.
func beyond(t *testing.T, path string, names ...string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	var more []string
	for _, e := range entries {
		if e.Name() != filepath.Base(path) && !slices.Contains(names, e.Name()) {
			more = append(more, e.Name())
		}
	}
	return more
}

// wantCode checks that an error is a diagnostic with a code and kind, and says what to do.
func wantCode(t *testing.T, err error, kind sdk.Kind, code string) {
	t.Helper()
	var d *sdk.Diagnostic
	if !errors.As(err, &d) {
		t.Fatalf("got %v, want a diagnostic with code %s", err, code)
	}
	if d.Code != code || d.Kind != kind {
		t.Errorf("got %s (%s): %v, want %s (%s)", d.Code, d.Kind, err, code, kind)
	}
	if d.Suggestion == "" || d.Origin.URI == "" {
		t.Errorf("it does not say where and what to do: %+v", d)
	}
}

// manifestOf reads the manifest of an output.
func manifestOf(t *testing.T, dir string) manifest {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, manifestName))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var m manifest
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return m
}

// whole checks that the manifest of an output lists all of its files as they are.
func whole(t *testing.T, dir string) {
	t.Helper()
	listed := map[string]bool{manifestName: true}
	files := tree(t, dir)
	for _, f := range manifestOf(t, dir).Files {
		text, ok := files[f.Path]
		if !ok || listed[f.Path] || f.Bytes != int64(len(text)) || f.SHA256 != hexSum([]byte(text)) {
			t.Errorf("the manifest says %+v of %q", f, text)
		}
		listed[f.Path] = true
	}
	for path := range files {
		if !listed[path] {
			t.Errorf("the manifest does not list %s", path)
		}
	}
}
