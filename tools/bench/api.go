package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

// The variants, as the table calls them.
const (
	apiOurs  = "ours: pages side by side"
	apiNext  = "all lists at once, each from page to page"
	apiPaced = "ours: 335 requests under 50 a second"
	apiFloor = "what 335 requests take at 50 a second"
)

// origin is a server as the public one is: three workers that take their time, and a network of 50 ms.
var origin = []string{"latency", "50ms", "workers", "3", "service", "10ms", "service-per-kb", "400us", "rate-limit", ""}

// limited is one that lets 50 requests a second through.
var limited = []string{"latency", "50ms", "workers", "0", "service", "0", "service-per-kb", "0", "rate-limit", "50/1s"}

// api compares reading recorded APIs with the client that follows each list from page to page, and with the limit of a server.
func api(ctx context.Context, s settings) (r report, err error) {
	source := filepath.Join(filepath.Dir(s.data), "tools", "replay", "main.go")
	if err := need(source, "it is the server of the recorded answers, beside the real content; "+testdata.Variable+" names that"); err != nil {
		return report{}, err
	}
	fetch, replay := filepath.Join(s.work, "fetch"), filepath.Join(s.work, "replay")
	for program, from := range map[string]string{fetch: "./tools/bench/fetch", replay: source} {
		build := command(ctx, "go", "build", "-tags=nodynamic", "-o", program, from)
		if build.Dir = s.repo; from == source {
			build.Dir = filepath.Dir(source)
		}
		if out, err := build.CombinedOutput(); err != nil {
			return report{}, fmt.Errorf("build what is measured: %w\n%s", err, tail(out))
		}
	}
	server := command(ctx, replay, "-addr", "127.0.0.1:0", "-quiet", "-data", filepath.Join(s.data, "open5e"))
	said, err := server.StderrPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		return report{}, err
	}
	defer func() { err = errors.Join(err, end(server)) }()
	address := ""
	for lines := bufio.NewScanner(said); address == "" && lines.Scan(); {
		_, address, _ = strings.Cut(lines.Text(), "recordings, ")
	}
	for n := range s.rounds + 1 {
		s.begin("api", n)
		round := map[string]cost{apiFloor: {wall: 335 * time.Second / 50}}
		for _, v := range []struct {
			name, way string
			as        []string
			records   int64
		}{{apiNext, "next", origin, 5503}, {apiOurs, "ours", origin, 5503}, {apiPaced, "paced", limited, 334}} {
			if round[v.name], err = fetched(ctx, fetch, v.way, address, v.as, v.records); err != nil {
				return report{}, err
			}
		}
		if n > 0 {
			r.rounds = append(r.rounds, round)
		}
	}
	r.tables = []table{{title: "one reading", rows: rows(apiNext, apiOurs, apiPaced, apiFloor), columns: []column{
		{name: "seconds", by: byWall, form: "%.2f"}, {name: "requests", by: func(c cost) float64 { return float64(c.count) }, form: "%.0f"},
	}}}
	r.bars = []bar{
		{what: "time, of page to page", of: apiOurs, to: apiNext, by: byWall, most: 0.42},
		{what: "time, of the limit's", of: apiPaced, to: apiFloor, by: byWall, most: 1.15},
	}
	return r, nil
}

// fetched measures one reading; it must be whole, and nobody may have been refused.
func fetched(ctx context.Context, program, way, address string, as []string, records int64) (cost, error) {
	form := url.Values{}
	for i := 0; i < len(as); i += 2 {
		form.Set(as[i], as[i+1])
	}
	for path, form := range map[string]url.Values{"/__set": form, "/__reset": {}} {
		if _, err := tell(ctx, http.MethodPost, address+path, form); err != nil {
			return cost{}, err
		}
	}
	took, out, err := measure(command(ctx, program, way, address))
	if err != nil {
		return cost{}, err
	}
	seen, err := tell(ctx, http.MethodGet, address+"/__stats", nil)
	if err != nil {
		return cost{}, err
	}
	if n, err := strconv.ParseInt(string(bytes.TrimSpace(out)), 10, 64); err != nil || n != records {
		return cost{}, fmt.Errorf("%s: %s records, not %d", way, out, records)
	}
	if n := seen.Status["429"]; n > 0 {
		return cost{}, fmt.Errorf("%s: the server refused %d requests", way, n)
	}
	took.count = int64(seen.Requests)
	return took, nil
}

// traffic is what the server has seen.
type traffic struct {
	Requests int            `json:"requests"`
	Status   map[string]int `json:"status"`
}

func tell(ctx context.Context, method, address string, form url.Values) (seen traffic, err error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return seen, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return seen, err
	}
	body, err := io.ReadAll(response.Body)
	if err = errors.Join(err, response.Body.Close()); err == nil {
		err = json.Unmarshal(body, &seen)
	}
	return seen, err
}

// end ends a server and waits for it.
func end(c *exec.Cmd) error {
	err := c.Process.Kill()
	_ = c.Wait() // it was killed
	return err
}
