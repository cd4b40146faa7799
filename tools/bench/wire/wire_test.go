//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/sdk"
)

// TestMain makes the test program the plugin too.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "plugin" {
		serve(os.Args[2])
		return
	}
	os.Exit(m.Run())
}

// newBenchmark is a benchmark without cells.
func newBenchmark(t *testing.T) *bench {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{self: self, folder: t.TempDir(), cells: map[string]cell{}}
	t.Cleanup(func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestDocument(t *testing.T) {
	if text := document(); len(text) != recordBytes || !json.Valid(text) {
		t.Errorf("%d bytes: %s", len(text), text)
	}
}

// TestWays: a plugin that is plain takes no certificate, though its host offers one, and the other does.
func TestWays(t *testing.T) {
	for way, want := range map[string]bool{plain: false, secure: true} {
		t.Run(way, func(t *testing.T) {
			b := newBenchmark(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			command := b.command(way)
			c := exec.CommandContext(ctx, command[0], command[1:]...)
			c.Env = append(os.Environ(), sourcepb.CookieKey+"="+sourcepb.CookieValue, "PLUGIN_PROTOCOL_VERSIONS=1",
				"PLUGIN_UNIX_SOCKET_DIR="+b.folder, "PLUGIN_CLIENT_CERT=none that could be read")
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(out).ReadString('\n')
			cancel()
			_ = c.Wait() // it was killed
			handshake := strings.Split(strings.TrimSpace(line), "|")
			if got := len(handshake) > 5 && handshake[5] != ""; len(handshake) < 5 || got != want {
				t.Errorf("it begins with %q", line)
			}
		})
	}
}

// TestCells measures what can be measured in a moment, through a real process.
func TestCells(t *testing.T) {
	const records = 500
	b := newBenchmark(t)
	p, err := b.start(t.Context(), b.command(secure), 100, records)
	if err != nil {
		t.Fatal(err)
	}
	here := newSource()
	if err := configure(t.Context(), here, records, b.folder); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]reading{"process": {p, true, records}, "in process": {here, false, records}} {
		s, err := c.measure(t.Context())
		if err != nil || s.Count != records || s.Bytes != records*recordBytes || s.Seconds <= 0 {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
		c.records++
		if _, err := c.measure(t.Context()); err == nil {
			t.Errorf("%s: a record that did not come was not missed", name)
		}
	}
	if s, err := (decoding{records}).measure(t.Context()); err != nil || s.Bytes != records*recordBytes {
		t.Errorf("decoded: %+v, %v", s, err)
	}
	b.stream("process", p)
	b.stream("in process", here)
	b.written(p)
	if err := b.files(); err != nil {
		t.Fatal(err)
	}
	for _, name := range b.names {
		c := b.cells[name].(fetching)
		if n, err := c.fetch(t.Context(), make([]byte, 1000)); err != nil || n != c.size {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
	}
	left, err := os.ReadDir(b.folder)
	if err != nil || len(left) != 2 {
		t.Errorf("the folder has %v, not just the two files that were there: %v", left, err)
	}
	if _, err := p.FetchAsset(t.Context(), sdk.AssetRef{Key: "picture.png"}); sdk.KindOf(err) != sdk.NotFound {
		t.Errorf("an asset that is not there: %v", err)
	}
}

func TestStarts(t *testing.T) {
	b := newBenchmark(t)
	for _, c := range []cell{starting{b.command(secure), 1}, starting{b.command(plain), 1}, describing{b.command(plain), 1}} {
		if s, err := c.measure(t.Context()); err != nil || s.Seconds <= 0 {
			t.Errorf("%+v: %+v, %v", c, s, err)
		}
	}
}

// TestCarry: a plugin whose host waits is not rid of more than the wire holds.
func TestCarry(t *testing.T) {
	s, err := carry(t.Context(), few, true)
	if err != nil {
		t.Fatal(err)
	}
	if s.Count != few || s.Ahead >= few-held {
		t.Errorf("%+v", s)
	}
	if runtime.GOOS == "linux" && (s.Peak < 1<<20 || s.PluginPeak < 1<<20) {
		t.Errorf("peaks of %d and %d bytes", s.Peak, s.PluginPeak)
	}
}

// TestPython: the source in Python is the same.
func TestPython(t *testing.T) {
	const records = 500
	b := newBenchmark(t)
	if err := b.python(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	if len(b.cells) == 0 {
		t.Skip(testdata.NoPython)
	}
	s, err := b.cells["records python 100"].measure(t.Context())
	if err != nil || s.Bytes != records*recordBytes || s.PluginCPU <= 0 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestUsage(t *testing.T) {
	if err := run(t.Context(), []string{"carry", "many"}); err == nil {
		t.Error("it carried many")
	}
}
