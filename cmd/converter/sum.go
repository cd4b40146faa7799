package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/engine"
)

// sum says the last words: problems to standard error, one line that sums up to standard output.
func (j *job) sum(result engine.Result) {
	s := j.run.State().Summary()
	s.Kept = j.run.Kept()
	if j.screen.mode == progressJSON {
		j.sumJSON(s, result)
		return
	}
	if j.screen.mode != progressNone {
		j.problems(s)
		for _, line := range fetchedLines(s) {
			fmt.Fprintln(j.screen, line)
		}
	}
	if j.images != nil && result.Assets > 0 && j.screen.mode != progressNone {
		fmt.Fprintf(j.screen, "pictures by %s\n", j.images.EncoderName())
	}
	line := fmt.Sprintf("%s  %s · %s", s.State, plural(int(result.Entities), "entity"), plural(int(result.Assets), "picture"))
	line = strings.NewReplacer("entitys", "entities").Replace(line)
	if items, causes := s.Failures(); items > 0 {
		line += fmt.Sprintf(" · %s failed in %s", grouped(items), plural(causes, "cause"))
	}
	if hits, lookups := s.CacheRate(); lookups > 0 {
		line += fmt.Sprintf(" · %d%% cached", hits*100/lookups)
	}
	line += " · " + took(time.Duration(s.WorkedMS(s.EndedMS))*time.Millisecond)
	switch {
	case len(result.Written) > 0:
		line += " · " + strings.Join(short(result.Written), ", ")
	default:
		line += " · nothing written, " + strings.Join(short(s.Outputs), ", ") + " is as it was"
	}
	if j.board != nil {
		line += " · " + j.board.url
	}
	fmt.Fprintln(j.app.stdout, line)
	if next := further(s); next.Line != "" && j.screen.mode != progressNone {
		fmt.Fprintf(j.screen, "%s: %s\n", strings.ToLower(next.Label[:1])+next.Label[1:], plain(next.Line))
	}
}

// shownProblems is how many causes are shown at the end; the dashboard has them all.
const shownProblems = 12

func (j *job) problems(s core.Summary) {
	for i, p := range s.Problems {
		if i == shownProblems {
			fmt.Fprintf(j.screen, "… and %s more\n", plural(len(s.Problems)-i, "cause"))
			return
		}
		mark := "✗"
		if p.Warning {
			mark = "!"
		}
		fmt.Fprintf(j.screen, "%s %s × %s [%s]", mark, grouped(p.Count), plain(p.Message), plain(p.Code))
		if len(p.Examples) > 0 {
			fmt.Fprintf(j.screen, ": %s", plain(p.Examples[0]))
			if p.Count > 1 {
				fmt.Fprint(j.screen, ", …")
			}
		}
		fmt.Fprintln(j.screen)
		if p.Suggestion != "" && !p.Warning {
			fmt.Fprintf(j.screen, "    → %s\n", plain(p.Suggestion))
		}
	}
}

// end is the last line of --progress json.
type end struct {
	Type      string   `json:"type"` // end
	Entities  int64    `json:"entities"`
	Assets    int64    `json:"assets"`
	Files     int      `json:"files"`
	Written   []string `json:"written"`
	Dashboard string   `json:"dashboard,omitempty"`
	Encoder   string   `json:"encoder,omitempty"` // what wrote the pictures

	core.Summary
}

func (j *job) sumJSON(s core.Summary, result engine.Result) {
	e := end{
		Type: "end", Entities: result.Entities, Assets: result.Assets, Files: result.Files, Written: result.Written, Summary: s,
	}
	if j.board != nil {
		e.Dashboard = j.board.url
	}
	if j.images != nil {
		e.Encoder = j.images.EncoderName()
	}
	enc := json.NewEncoder(j.app.stdout)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(e) // a reader that went away does not change what the run was
}

// short writes paths below the working folder as people would.
func short(paths []string) []string {
	out := make([]string, len(paths))
	wd, err := os.Getwd()
	for i, p := range paths {
		out[i] = p
		if rel, relErr := filepath.Rel(wd, p); err == nil && relErr == nil && !strings.HasPrefix(rel, "..") {
			out[i] = rel
		}
	}
	return out
}
