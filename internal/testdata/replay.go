package testdata

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Replay is a server on this machine that answers as recorded APIs did, with faults on request. It is a program beside the
// folder of real content.
type Replay struct {
	URL string // without a slash at the end

	t testing.TB
}

// Traffic is what a replay has seen.
type Traffic struct {
	Requests     int            `json:"requests"`
	Status       map[string]int `json:"status"`
	Injected     map[string]int `json:"injected"`
	Endpoints    map[string]int `json:"endpoints"`
	Repeated     int            `json:"repeated_urls"`
	Unmatched    map[string]int `json:"unmatched"`
	PeakInFlight int            `json:"peak_in_flight"`
	PeakPerSec   int            `json:"peak_per_second"`
	NotModified  int            `json:"not_modified"`
}

// StartReplay starts a replay, which ends with the test, or skips the test where there is none.
func StartReplay(t testing.TB, flags ...string) *Replay {
	t.Helper()
	data := Dir(t, "open5e")
	source := Dir(t, "..", "tools", "replay", "main.go")
	program := buildReplay(t, source)
	c := exec.CommandContext(context.WithoutCancel(t.Context()), program, append([]string{"-addr", "127.0.0.1:0", "-quiet", "-data", data}, flags...)...)
	said, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatalf("start the replay: %v", err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait() // it was killed
	})
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if _, address, ok := strings.Cut(lines.Text(), "recordings, "); ok {
			return &Replay{URL: strings.TrimSpace(address), t: t}
		}
	}
	t.Fatal("the replay does not say where it is")
	return nil
}

// buildReplay compiles the replay, once for each state of its source.
func buildReplay(t testing.TB, source string) string {
	t.Helper()
	text, err := os.ReadFile(source)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	folder, err := os.UserCacheDir()
	if err != nil {
		folder = os.TempDir()
	}
	folder = filepath.Join(folder, "converter-tests")
	program := filepath.Join(folder, "replay-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(program); err == nil {
		return program
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(t.TempDir(), "replay")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", fresh, source)
	build.Dir = filepath.Dir(source)
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the replay: %v\n%s", err, said)
	}
	if err := os.Rename(fresh, program); err != nil {
		return fresh // another file system
	}
	return program
}

// Set changes faults, by the names of the replay's flags.
func (r *Replay) Set(faults ...string) {
	r.t.Helper()
	form := url.Values{}
	for i := 0; i < len(faults); i += 2 {
		form.Set(faults[i], faults[i+1])
	}
	r.call("/__set", form)
}

// Reset forgets what was seen.
func (r *Replay) Reset() {
	r.t.Helper()
	r.call("/__reset", url.Values{})
}

// Traffic is what was seen since the start, or since it was forgotten.
func (r *Replay) Traffic() Traffic {
	r.t.Helper()
	return r.call("/__stats", nil)
}

func (r *Replay) call(path string, form url.Values) Traffic {
	r.t.Helper()
	method, body := http.MethodGet, ""
	if form != nil {
		method, body = http.MethodPost, form.Encode()
	}
	request, err := http.NewRequestWithContext(context.WithoutCancel(r.t.Context()), method, r.URL+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var seen Traffic
	if err := json.NewDecoder(response.Body).Decode(&seen); err != nil {
		r.t.Fatal(fmt.Errorf("%s: %w", path, err))
	}
	return seen
}
