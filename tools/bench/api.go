package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

	apiChain  = "aiohttp: one list after the other, from page to page"
	apiGather = "aiohttp: all lists at once, each from page to page"

	apiFirst  = "converter run, for the first time"
	apiSecond = "converter run, with nothing changed"
)

// apiPeer is a client as people write it, on the most used library for that.
//
//go:embed peers/api.py
var apiPeer []byte

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
	ways := []apiWay{
		{apiNext, []string{fetch, "next"}, origin, 5503}, {apiOurs, []string{fetch, "ours"}, origin, 5503}, {apiPaced, []string{fetch, "paced"}, limited, 334},
	}
	peer, err := aiohttp(ctx, s)
	if err != nil {
		return report{}, err
	}
	if peer != nil {
		ways = append(ways, apiWay{apiChain, append(peer, "chain"), origin, 5503}, apiWay{apiGather, append(peer, "gather"), origin, 5503})
	} else {
		fmt.Fprintln(s.say, "api: aiohttp is left out: apt-get install python3-aiohttp")
	}
	for n := range s.rounds + 1 {
		s.begin("api", n)
		round := map[string]cost{apiFloor: {wall: 335 * time.Second / 50}}
		for _, v := range ways {
			if round[v.name], err = v.fetched(ctx, address); err != nil {
				return report{}, err
			}
		}
		if err := twice(ctx, s, n, address, round); err != nil {
			return report{}, err
		}
		if n > 0 {
			r.rounds = append(r.rounds, round)
		}
	}
	names := []string{apiNext, apiOurs}
	r.bars = []bar{{what: "time, of page to page", of: apiOurs, to: apiNext, by: byWall, most: 0.42}}
	if peer != nil {
		names = append(names, apiChain, apiGather)
		r.bars = append(r.bars,
			bar{what: "time, of aiohttp's with all lists at once", of: apiOurs, to: apiGather, by: byWall, most: 0.5},
			bar{what: "time, of aiohttp's with one after the other", of: apiOurs, to: apiChain, by: byWall, most: 0.42})
	}
	r.bars = append(r.bars, bar{what: "time, of the limit's", of: apiPaced, to: apiFloor, by: byWall, most: 1.15})
	seconds := column{name: "seconds", by: byWall, form: "%.2f"}
	r.tables = []table{{title: "one reading", rows: rows(append(names, apiPaced, apiFloor)...), columns: []column{
		seconds, {name: "requests", by: func(c cost) float64 { return float64(c.count) }, form: "%.0f"},
	}}}
	if _, ran := r.rounds[0][apiSecond]; ran {
		r.tables = append(r.tables, table{title: "whole runs", rows: rows(apiFirst, apiSecond), columns: []column{
			seconds, {name: "CPU seconds", by: byCPU, form: "%.2f"},
		}})
		r.bars = append(r.bars, bar{what: "CPU, of a second run", of: apiSecond, to: apiFirst, by: byCPU, most: 1})
	}
	return r, nil
}

// aiohttp is the command of the peer without its way; nil: the library is not there.
func aiohttp(ctx context.Context, s settings) ([]string, error) {
	script := filepath.Join(s.work, "api.py")
	if err := os.WriteFile(script, apiPeer, 0o600); err != nil {
		return nil, err
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if command(ctx, python, "-c", "import aiohttp").Run() == nil {
			return []string{python, script}, nil
		}
	}
	return nil, nil
}

// twice measures a run of the built program on all three APIs, and another one in the same state folder.
func twice(ctx context.Context, s settings, n int, address string, round map[string]cost) error {
	converter := filepath.Join(s.repo, "bin", "converter")
	if _, err := os.Stat(converter); err != nil {
		if n == 0 {
			fmt.Fprintln(s.say, "api: whole runs are left out: there is no bin/converter, which ./task build makes")
		}
		return nil
	}
	dir := filepath.Join(s.work, fmt.Sprintf("api-%d", n))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString("version: 1\nsources:\n")
	for _, one := range [][2]string{{"open5e_v2", "/v2/"}, {"open5e_v1", "/v1/"}, {"dnd5e_api", "/api/2014/"}} {
		fmt.Fprintf(&text, "  - {name: %s, plugin: open5e, options: {preset: %s, base_url: %q}}\n", one[0], one[0], address+one[1])
	}
	text.WriteString("outputs: [{name: library, type: json, path: out}]\nassets: {enabled: false}\n")
	config := filepath.Join(dir, "converter.yaml")
	if err := os.WriteFile(config, []byte(text.String()), 0o600); err != nil {
		return err
	}
	if err := behave(ctx, address, origin); err != nil {
		return err
	}
	for _, name := range []string{apiFirst, apiSecond} {
		took, _, err := measure(command(ctx, converter, "run", "--config", config, "--no-dashboard", "--progress", "none"))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		round[name] = took
	}
	return os.RemoveAll(dir)
}

// apiWay is a way to read, from a server that behaves so.
type apiWay struct {
	name    string
	argv    []string // without the address
	as      []string
	records int64
}

// behave tells the server how to behave, and to forget what it has seen.
func behave(ctx context.Context, address string, as []string) error {
	form := url.Values{}
	for i := 0; i < len(as); i += 2 {
		form.Set(as[i], as[i+1])
	}
	for path, form := range map[string]url.Values{"/__set": form, "/__reset": {}} {
		if _, err := tell(ctx, http.MethodPost, address+path, form); err != nil {
			return err
		}
	}
	return nil
}

// fetched measures one reading; it must be whole, and nobody may have been refused.
func (w apiWay) fetched(ctx context.Context, address string) (cost, error) {
	if err := behave(ctx, address, w.as); err != nil {
		return cost{}, err
	}
	took, out, err := measure(command(ctx, w.argv[0], append(slices.Clone(w.argv[1:]), address)...))
	if err != nil {
		return cost{}, err
	}
	seen, err := tell(ctx, http.MethodGet, address+"/__stats", nil)
	if err != nil {
		return cost{}, err
	}
	if n, err := strconv.ParseInt(string(bytes.TrimSpace(out)), 10, 64); err != nil || n != w.records {
		return cost{}, fmt.Errorf("%s: %s records, not %d", w.name, out, w.records)
	}
	if n := seen.Status["429"]; n > 0 {
		return cost{}, fmt.Errorf("%s: the server refused %d requests", w.name, n)
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
