//go:build integration

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/internal/testdata"
)

// list writes a config that reads one long list of a replay, in pages of 50.
func (p project) list(server, paginator string) {
	p.t.Helper()
	p.configure(fmt.Sprintf(`version: 1
sources:
  - name: beasts
    plugin: rest
    options:
      client: {base_url: "%s/v1/", max_in_flight: 4}
      resources:
        - {name: monsters, path: monsters/, data_selector: results, primary_key: slug, paginator: %s, error_handler: {max_attempts: 1, split_failing_page: false}}
outputs: [{name: library, type: json, path: out}]
assets: {enabled: false}
run: {checkpoint_every: 1s}
store: {rqlited: %q}
`, server, paginator, rqlited(p.t)))
}

// until reads the lines of --progress json, one a second, to some that say that so many records of the list have been fetched and
// all rows are stored; by the last of them the checkpoint behind them is stored too.
func until(t *testing.T, lines *bufio.Scanner, records int64) {
	t.Helper()
	for stands := 0; lines.Scan(); {
		var line struct {
			Stages  []core.StageCounts
			Streams []streamLine
			Storing core.Storing
		}
		check(t, json.Unmarshal(lines.Bytes(), &line))
		if len(line.Streams) == 1 && line.Streams[0].Fetched == records && line.Storing.Waiting == 0 && line.Stages[1].Written == records {
			stands++
		}
		if stands == 5 {
			return
		}
	}
	t.Fatalf("it ended before %d records were fetched", records)
}

// TestReadOn kills the converter, and the plugin, in the middle of a list: the pages that were stored are not fetched again, and
// the output is that of a run that nobody disturbed.
func TestReadOn(t *testing.T) {
	const all, size, stops = 65, 50, 40 // pages, records of a page, the page that does not come
	for name, paginator := range map[string]string{
		"pages side by side": `{type: page_number, page_size: 50, total_path: count, next_path: next}`,
		"link by link":       `{type: json_link, page_size: 50}`,
	} {
		t.Run(name, func(t *testing.T) {
			server := testdata.StartReplay(t, "-hang", "10m")
			p := project{t: t, dir: t.TempDir()}
			p.list(server.URL, paginator)
			p.must(0)
			if n := server.Traffic().Requests; n != all {
				t.Fatalf("%d requests undisturbed", n)
			}
			want := state(t, p.path("out"), false)

			for _, victim := range []string{"converter", "plugin"} {
				check(t, os.RemoveAll(p.path(".converter")))
				check(t, os.RemoveAll(p.path("out")))
				server.Set("hang-url", fmt.Sprintf("page=%d(&|$)", stops))
				c := p.command("--progress", "json", "--log-level", "error")
				said, err := c.StderrPipe()
				check(t, err)
				check(t, c.Start())
				lines := bufio.NewScanner(said)
				lines.Buffer(nil, 16<<20)
				until(t, lines, (stops-1)*size)
				server.Set("hang-url", "")
				server.Reset()
				most := all - stops + 1
				if victim == "plugin" {
					pid := served(t, c.Process.Pid)
					check(t, syscall.Kill(pid, syscall.SIGKILL))
				} else {
					check(t, c.Process.Kill())
					most++ // the first page says whether the list is the same
				}
				for lines.Scan() { // to its end
				}
				if err := c.Wait(); (err == nil) != (victim == "plugin") {
					t.Fatalf("the run ended with %v", err)
				}
				if victim == "converter" {
					p.must(0, "--resume", "last")
				}
				if n := server.Traffic().Requests; n > most {
					t.Errorf("%s killed behind page %d of %d: %d requests after that, want no more than %d", victim, stops-1, all, n, most)
				} else {
					t.Logf("%s killed behind page %d of %d: %d requests after that", victim, stops-1, all, n)
				}
				equal(t, victim+" killed", state(t, p.path("out"), false), want)
			}
			gone(t, running(t, p.dir))
		})
	}
}

// served is the process of the plugin that the converter serves itself.
func served(t *testing.T, parent int) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "--ppid", fmt.Sprint(parent), "-o", "pid=,args=").Output()
	check(t, err)
	for line := range strings.Lines(string(out)) {
		var pid int
		if _, err := fmt.Sscan(line, &pid); err == nil && strings.Contains(line, "serve rest") {
			return pid
		}
	}
	t.Fatalf("no plugin among %s", out)
	return 0
}
