//go:build integration

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// gallery makes a Foundry module of so many pictures, all different, and returns its root and its pictures.
func gallery(t *testing.T, n int) (root string, files []string) {
	t.Helper()
	root = t.TempDir()
	dir := filepath.Join(root, "modules", "many")
	check(t, os.MkdirAll(filepath.Join(dir, "packs"), 0o777))
	check(t, os.WriteFile(filepath.Join(dir, "module.json"), []byte(`{"id":"many","title":"Many","version":"1.0.0",`+
		`"packs":[{"name":"items","label":"Items","type":"Item","path":"packs/items.db"}]}`), 0o666))
	var pack bytes.Buffer
	for i := range n {
		name := fmt.Sprintf("%02d.png", i)
		files = append(files, filepath.Join(dir, name))
		paint(t, files[i], byte(i))
		fmt.Fprintf(&pack, `{"_id":"many%012d","name":"Picture %d","type":"loot","img":"modules/many/%s","system":{}}`+"\n", i, i, name)
	}
	check(t, os.WriteFile(filepath.Join(dir, "packs", "items.db"), pack.Bytes(), 0o666))
	return root, files
}

// paint writes a picture; the files of all colours have the same size.
func paint(t *testing.T, path string, colour byte) {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 40, 30))
	for i := range 40 * 30 {
		m.SetNRGBA(i%40, i/40, color.NRGBA{colour, byte(i), byte(i >> 8), 255})
	}
	var b bytes.Buffer
	check(t, (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, m))
	check(t, os.WriteFile(path, b.Bytes(), 0o666))
}

// pause waits until files that were written before have been left alone for long enough to be remembered.
func pause() { time.Sleep(2100 * time.Millisecond) }

// TestUnchangedPictures: a second run over pictures that have not changed opens none of them and renders none; one that has changed
// is seen although its size and its time are what they were.
func TestUnchangedPictures(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: it takes strace to see which files are opened")
	}
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("SKIPPED: there is no strace")
	}
	if err := exec.CommandContext(t.Context(), strace, "-f", "-o", os.DevNull, "true").Run(); err != nil {
		t.Skipf("SKIPPED: strace cannot watch programs here: %v", err)
	}
	const pictures = 12
	root, files := gallery(t, pictures)
	pause()
	p := newProject(t, root, "")
	run := func(what string, written, opened int64, args ...string) {
		t.Helper()
		trace := filepath.Join(t.TempDir(), "trace")
		c := p.command(append([]string{"--progress", "json"}, args...)...)
		watch := append([]string{"-f", "-o", trace, "-e", "trace=open,openat,openat2"}, c.Args...)
		stdout, err := exec.CommandContext(t.Context(), strace, watch...).Output()
		check(t, err)
		var last core.Summary
		check(t, json.Unmarshal(stdout, &last))
		if c := last.Stage(core.StageAssets); c.Written != written || c.Cached != pictures-written || c.Found != pictures {
			t.Errorf("%s: counts %+v", what, c)
		}
		for _, c := range last.Caches {
			if c.Cache == "pictures" && (c.Misses != written || c.Hits != pictures-written) {
				t.Errorf("%s: cache %+v", what, c)
			}
		}
		calls, err := os.ReadFile(trace)
		check(t, err)
		if n := int64(strings.Count(string(calls), `.png"`)); n != opened {
			t.Errorf("%s: pictures were opened %d times, want %d", what, n, opened)
		}
	}
	run("first", pictures, pictures)
	first := state(t, p.path("out"), false)
	run("second", 0, 0)
	equal(t, "second", state(t, p.path("out"), false), first)
	run("fresh", 0, pictures, "--fresh")

	info, err := os.Stat(files[3])
	check(t, err)
	paint(t, files[3], 200)
	check(t, os.Chtimes(files[3], info.ModTime(), info.ModTime()))
	if now, err := os.Stat(files[3]); err != nil || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
		t.Fatalf("%v, %v: the test is about a change that does not show", now, err)
	}
	pause()
	run("one has changed", 1, 1)
	other := newProject(t, root, "")
	other.must(0)
	equal(t, "one has changed", state(t, p.path("out"), false), state(t, other.path("out"), false))
	run("and stays so", 0, 0)
}
