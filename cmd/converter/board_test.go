//go:build integration

package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// get fetches a page as a browser on this machine would.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(data)
}

// TestDashboard follows the address that a run prints: the run's page has its numbers, its problem and its pictures, the
// manifest's id leads to it, and Ctrl-C ends it all. Then the same pages are opened over the run that is past.
func TestDashboard(t *testing.T) {
	t.Parallel()
	sample, err := filepath.Abs(filepath.Join("..", "..", "examples", "FoundryData"))
	if err != nil {
		t.Fatal(err)
	}
	p := newProject(t, sample, "")
	c := p.command("--keep-open", "--dashboard", "127.0.0.1:0")
	c.Args = slices.DeleteFunc(c.Args, func(arg string) bool { return arg == "--no-dashboard" })
	var out bytes.Buffer
	c.Stdout = &out
	pipe, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	var url string
	lines := bufio.NewScanner(pipe)
	for url == "" && lines.Scan() {
		if text := lines.Text(); strings.Contains(text, "stays open at ") {
			url = regexp.MustCompile(`http://[^;]*`).FindString(text)
		}
	}
	go io.Copy(io.Discard, pipe)
	if url == "" {
		t.Fatal("no address was printed")
	}
	look(t, url, p)
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		t.Errorf("a run that ended well, then Ctrl-C: %v", err)
	}
	if !strings.Contains(out.String(), url) {
		t.Errorf("the last line does not name the dashboard: %s", out.String())
	}
	p.serveAgain()
}

func look(t *testing.T, url string, p project) {
	t.Helper()
	base, _, _ := strings.Cut(url, "/runs/")
	status, run := get(t, url)
	for _, word := range []string{"partial", "asset.missing", "foundry", "missing-on-purpose"} {
		if status != http.StatusOK || !strings.Contains(run, word) {
			t.Errorf("run page: status %d, no %q", status, word)
		}
	}
	if status, list := get(t, base+"/"); status != http.StatusOK || !strings.Contains(list, "r-0001") {
		t.Errorf("runs page: status %d", status)
	}
	if status, _ := get(t, base+"/runs/r-0099"); status != http.StatusNotFound {
		t.Errorf("a run that never was: status %d", status)
	}
	pictures := 0
	for _, e := range entities(t, p.path("out", "entities.jsonl")) {
		for _, a := range e.Assets {
			if a.AssetID == "" {
				continue
			}
			pictures++
			if status, body := get(t, base+"/assets/"+a.AssetID+"/original"); status != http.StatusOK || body == "" {
				t.Errorf("%s: status %d", a.URI, status)
			}
		}
	}
	if pictures == 0 {
		t.Error("the sample has no picture")
	}
}

// serveAgain opens the dashboard over the past run.
func (p project) serveAgain() {
	p.t.Helper()
	c := p.command()
	c.Args = []string{c.Args[0], "serve", "--config", p.path("converter.yaml"), "--dashboard", "127.0.0.1:0"}
	pipe, err := c.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	lines := bufio.NewScanner(pipe)
	if !lines.Scan() {
		p.t.Fatal("serve prints no address")
	}
	base := regexp.MustCompile(`http://[^;]*`).FindString(lines.Text())
	look(p.t, base+"/runs/r-0001", p)
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	go io.Copy(io.Discard, pipe)
	if err := c.Wait(); err != nil {
		p.t.Errorf("serve: %v", err)
	}
}
