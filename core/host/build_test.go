//go:build unix

package host

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// build builds the program in a folder, as anybody would: without the race detector, and without a network.
func build(t *testing.T, dir, name string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), FilePrefix+name)
	goTool(t, dir, "build", "-o", program, ".")
	return program
}

func goTool(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS=-mod=readonly")
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, complaints.String())
	}
	return string(out)
}

// TestOutsideModule builds the example that is a module of its own, and looks what it costs to import the SDK.
func TestOutsideModule(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "examples", "source-hello")
	program := build(t, dir, "hello")
	_, code, _ := strings.Cut(string(must(os.ReadFile(filepath.Join(dir, "main.go")))), "\npackage main\n")
	if n := strings.Count("package main\n"+code, "\n"); n > 25 || n < 10 {
		t.Errorf("the smallest plugin has %d lines", n)
	}
	sums, packages := string(must(os.ReadFile(filepath.Join(dir, "go.sum")))), goTool(t, dir, "list", "-deps", ".")
	if !strings.Contains(sums, "google.golang.org/grpc ") || !strings.Contains(packages, "google.golang.org/grpc\n") {
		t.Fatal("nothing was looked at")
	}
	for _, foreign := range []string{
		"gorqlite", "imaging", "a-h/templ", "chromedp", "spf13/cobra", "goleveldb", "gen2brain",
		"seed-98789ff7/converter/core", "seed-98789ff7/converter/runs",
	} {
		if strings.Contains(sums, foreign) || strings.Contains(packages, foreign) {
			t.Errorf("who imports the SDK gets %s", foreign)
		}
	}
	for _, kit := range []string{"santhosh-tekuri", "converter/internal/sourceclient", "grpc/test/bufconn"} { // its tests have them
		if strings.Contains(packages, kit) {
			t.Errorf("the plugin itself is built with %s", kit)
		}
	}

	config := pluginConfig(t, "hello", "")
	config.Command = []string{program}
	p := start(t, config)
	if err := p.Configure(t.Context(), sdk.Configuration{Source: "s", Options: json.RawMessage(`{"greeting":"Hi"}`)}); err != nil {
		t.Fatal(err)
	}
	var c collector
	if err := p.Read(t.Context(), sdk.ReadRequest{}, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.records) != 1 || string(c.records[0].JSON) != `{"name":"Greeter","says":"Hi"}` {
		t.Errorf("records %+v", c.records)
	}
}

func TestHogDiesWithItsOwnWords(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("memory is limited on Linux alone")
	}
	config := pluginConfig(t, "hog", "")
	config.Command, config.MemoryMB = []string{build(t, filepath.Join("testdata", "hog"), "hog")}, 256
	p := start(t, config)
	if err := p.Configure(t.Context(), sdk.Configuration{Source: "s"}); err != nil {
		t.Fatal(err)
	}
	err := p.Read(t.Context(), sdk.ReadRequest{}, &collector{})
	d := diagnostic(t, err, CodeMemory)
	if d.Kind != sdk.Unavailable || !strings.Contains(d.Suggestion, "256 MB") || !strings.Contains(d.Detail, "out of memory") {
		t.Errorf("%v %v\n%s\n%s", d.Kind, err, d.Detail, d.Suggestion)
	}
}
