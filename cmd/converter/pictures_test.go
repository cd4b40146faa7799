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
	"syscall"
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

// TestKilledByAPicture: a picture whose rendering killed two processes is not rendered again by later runs, until that is asked for.
func TestKilledByAPicture(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: it takes /proc to find the processes")
	}
	root, files := gallery(t, 2)
	m := image.NewNRGBA(image.Rect(0, 0, 5000, 5000)) // long enough in the making to be killed in time
	seed := uint32(1)
	for i := range m.Pix {
		seed = seed*1664525 + 1013904223
		m.Pix[i] = byte(seed>>24) | byte(i%4/3*255)
	}
	var b bytes.Buffer
	check(t, (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, m))
	check(t, os.WriteFile(files[1], b.Bytes(), 0o666))
	p := newProject(t, root, "")
	quarantined := func(what string, want int64, last core.Summary) {
		t.Helper()
		var got int64
		for _, problem := range last.Problems {
			if problem.Code == "image.quarantined" {
				got += problem.Count
			}
		}
		if c := last.Stage(core.StageAssets); got != want || c.Failed != want || c.Found != 2 {
			t.Fatalf("%s: %d pictures in quarantine, counts %+v, problems %+v", what, got, c, last.Problems)
		}
	}
	killing := func() core.Summary {
		t.Helper()
		c := p.command("--progress", "json")
		var out bytes.Buffer
		c.Stdout = &out
		check(t, c.Start())
		ended := make(chan error, 1)
		go func() { ended <- c.Wait() }()
		for {
			select {
			case err := <-ended:
				check(t, err)
				return lastLine(t, out.String()).Summary
			case <-time.After(20 * time.Millisecond): // until somebody renders the large one
				for pid, line := range family(t, c.Process.Pid) {
					if strings.Contains(line, picturesName) && large(pid) {
						check(t, syscall.Kill(pid, syscall.SIGKILL))
					}
				}
			}
		}
	}
	run := func(args ...string) core.Summary {
		t.Helper()
		stdout, _ := p.must(0, append(args, "--progress", "json")...)
		return lastLine(t, stdout).Summary
	}
	quarantined("killed twice", 1, killing())
	first := state(t, p.path("out"), false)
	quarantined("the next run", 1, run())
	equal(t, "the next run", state(t, p.path("out"), false), first)
	quarantined("fresh", 0, run("--fresh"))
	quarantined("after it", 0, run())

	check(t, os.RemoveAll(p.path(".converter"))) // and what was made of it
	quarantined("killed twice", 1, killing())
	quarantined("the next run", 1, run())
	c := p.command()
	c.Args = []string{c.Args[0], "cache", "prune", "--config", p.path("converter.yaml")}
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	quarantined("pruned", 0, run())
}

// large says that a process holds the large picture.
func large(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return false
	}
	var size, resident int
	_, err = fmt.Sscan(string(text), &size, &resident)
	return err == nil && resident*os.Getpagesize() > 90<<20
}
