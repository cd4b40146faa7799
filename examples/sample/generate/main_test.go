package main

import (
	"bytes"
	"image"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const (
	sourceDir = "../source"
	dataDir   = "../../FoundryData"
)

// What is committed is what the generator makes: no file more, none less, every byte.
func TestTheSampleIsUpToDate(t *testing.T) {
	made := t.TempDir()
	for _, name := range packages(t) {
		if err := writePackage(os.DirFS(filepath.Join(sourceDir, name)), filepath.Join(made, name)); err != nil {
			t.Fatal(err)
		}
	}
	drawn, err := pictures()
	if err != nil {
		t.Fatal(err)
	}
	want := files(t, made)
	for _, p := range drawn {
		want = append(want, moduleDir+"/"+p.file)
	}
	slices.Sort(want)
	if got := files(t, dataDir); !slices.Equal(got, want) {
		t.Errorf("files committed:\n%s\nfiles made:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, name := range files(t, made) {
		if !bytes.Equal(read(t, dataDir, name), read(t, made, name)) {
			t.Errorf("%s differs: run go run ./examples/sample/generate in the root of the repository", name)
		}
	}
}

func TestThePicturesAreUpToDate(t *testing.T) {
	drawn, err := pictures()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range drawn {
		t.Run(p.file, func(t *testing.T) {
			if underRace && p.file != "icons/lamp.svg" && p.file != "tokens/bosun.png" {
				t.Skip("drawn only without the race detector: the package starts no goroutine, and drawing takes ten times as long")
			}
			got, err := p.draw()
			if err != nil {
				t.Fatal(err)
			}
			want := read(t, dataDir, moduleDir+"/"+p.file)
			switch {
			case bytes.Equal(got, want):
			case referenceToolchain() || strings.HasSuffix(p.file, ".svg"):
				t.Errorf("%s differs: run go run ./examples/sample/generate in the root of the repository", p.file)
			default:
				if mean := difference(t, got, want); mean > 1.5 {
					t.Errorf("the pictures differ by %.2f of 255 on average", mean)
				}
			}
		})
	}
}

// referenceToolchain tells whether the pictures were drawn by the same arithmetic and encoders as here. Other processors
// fuse a multiplication and an addition into one, and other versions of Go may compress differently.
func referenceToolchain() bool {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "GOAMD64" && s.Value != "v1" {
				return false
			}
		}
	}
	return runtime.GOARCH == "amd64" && strings.HasPrefix(runtime.Version(), "go1.26")
}

// decoded reads what the generator draws: PNG or JPEG.
func decoded(t *testing.T, data []byte) image.Image {
	t.Helper()
	decode := jpeg.Decode
	if bytes.HasPrefix(data, []byte("\x89PNG")) {
		decode = png.Decode
	}
	m, err := decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// difference is how far two pictures are apart on average, in steps of 255.
func difference(t *testing.T, got, want []byte) float64 {
	t.Helper()
	a, b := decoded(t, got), decoded(t, want)
	if a.Bounds() != b.Bounds() {
		t.Fatalf("drawn %v, committed %v", a.Bounds(), b.Bounds())
	}
	size, sum := a.Bounds(), 0.0
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			r1, g1, b1, a1 := a.At(x, y).RGBA()
			r2, g2, b2, a2 := b.At(x, y).RGBA()
			for _, d := range []float64{float64(r1) - float64(r2), float64(g1) - float64(g2), float64(b1) - float64(b2), float64(a1) - float64(a2)} {
				sum += max(d, -d) / 257
			}
		}
	}
	return sum / float64(4*size.Dx()*size.Dy())
}

func TestTokensAreCutOutAndDiffer(t *testing.T) {
	first := read(t, dataDir, moduleDir+"/tokens/bosun.png")
	if d := difference(t, first, first); d != 0 {
		t.Errorf("a picture differs from itself by %g", d)
	}
	if d := difference(t, first, read(t, dataDir, moduleDir+"/tokens/grey-caller.png")); d < 5 {
		t.Errorf("two tokens differ by only %g", d)
	}
	a := decoded(t, first)
	if _, _, _, alpha := a.At(0, 0).RGBA(); alpha != 0 {
		t.Errorf("the corner of a token is not transparent: alpha %d", alpha)
	}
	if _, _, _, alpha := a.At(200, 200).RGBA(); alpha != 0xffff {
		t.Errorf("the middle of a token is not opaque: alpha %d", alpha)
	}
}

// LevelDB works in goroutines of its own; how they are scheduled must not show.
func TestPacksAreTheSameEveryTime(t *testing.T) {
	documents, err := readPack(os.DirFS(sourceDir), moduleDir+"/packs/scenes")
	if err != nil {
		t.Fatal(err)
	}
	contents, err := entries(documents)
	if err != nil {
		t.Fatal(err)
	}
	first, err := buildPack(contents)
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for name := range first {
		if strings.HasSuffix(name, ".ldb") {
			tables++
		}
	}
	if tables != 1 || len(first) != 3 {
		t.Errorf("a pack is CURRENT, a manifest and one table; got %d files, %d of them tables", len(first), tables)
	}
	for range 10 {
		again, err := buildPack(contents)
		if err != nil {
			t.Fatal(err)
		}
		for name, content := range first {
			if !bytes.Equal(again[name], content) {
				t.Fatalf("%s is not the same as the first time", name)
			}
		}
	}
}

func TestGenerateSaysWhereItLooked(t *testing.T) {
	empty := t.TempDir()
	if err := generate(empty, t.TempDir()); err == nil || !strings.Contains(err.Error(), empty) {
		t.Errorf("generate from an empty folder: %v; want an error that names %s", err, empty)
	}
}

// A package is written whole or, when one of its documents is wrong, with an error that names the file.
func TestWritePackageNamesTheFile(t *testing.T) {
	tree := fstest.MapFS{
		"module.json":            {Data: []byte("{}")},
		"packs/things/lamp.yaml": {Data: []byte("_id: short\n_key: \"!items!short\"\n")},
	}
	err := writePackage(tree, filepath.Join(t.TempDir(), "out"))
	if err == nil || !strings.Contains(err.Error(), "packs/things/lamp.yaml") {
		t.Errorf("got %v; want an error that names packs/things/lamp.yaml", err)
	}
}

func packages(t *testing.T) []string {
	t.Helper()
	dirs, err := fs.Glob(os.DirFS(sourceDir), "*/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("packages in %s: %v, %v", sourceDir, dirs, err)
	}
	return dirs
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	var out []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, item fs.DirEntry, err error) error {
		if err == nil && !item.IsDir() {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}
