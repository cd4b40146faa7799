//go:build integration

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestTutorial does what docs/writing-a-plugin.md says, word for word: it writes the files, runs the commands, and compares what
// they print.
func TestTutorial(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "writing-a-plugin.md"))
	check(t, err)
	script := scriptOf(t, string(text))
	if n := strings.Count(script, "\nexec "); n < 10 {
		t.Fatalf("only %d commands were found:\n%s", n, script)
	}
	path := filepath.Join(t.TempDir(), "tutorial.txtar")
	check(t, os.WriteFile(path, []byte(script), 0o600))
	repository, err := filepath.Abs("../..")
	check(t, err)
	node := rqlited(t)
	testscript.Run(t, testscript.Params{Files: []string{path}, Setup: func(e *testscript.Env) error {
		if err := building(e); err != nil {
			return err
		}
		e.Setenv("GOFLAGS", "-mod=mod")
		e.Setenv("PATH", e.Getenv("PATH")+string(filepath.ListSeparator)+filepath.Dir(node))
		e.Cd = filepath.Join(e.WorkDir, "work")
		if err := os.Mkdir(e.Cd, 0o700); err != nil {
			return err
		}
		return os.Symlink(repository, filepath.Join(e.WorkDir, "converter")) // where the page has its checkout
	}})
}

var (
	block  = regexp.MustCompile("(?ms)^(?:<!-- file: (\\S+) -->\n)?```(\\w*)\n(.*?)^```$")
	gap    = regexp.MustCompile(`…`)
	titled = regexp.MustCompile(`^\$ (! )?`)
)

// scriptOf makes a script of a page: a block under a comment with the name of a file is that file, a console block is commands
// with what they print. In that, … stands for anything.
func scriptOf(t *testing.T, page string) string {
	t.Helper()
	var script, files strings.Builder
	for i, m := range block.FindAllStringSubmatch(page, -1) {
		name, language, body := m[1], m[2], m[3]
		switch {
		case name != "":
			fmt.Fprintf(&script, "cp $WORK/block-%d %s\n", i, name)
			fmt.Fprintf(&files, "-- block-%d --\n%s", i, body)
		case language == "console":
			script.WriteString(commandsOf(t, body))
		}
	}
	return script.String() + files.String()
}

func commandsOf(t *testing.T, body string) string {
	t.Helper()
	var script strings.Builder
	var fails bool
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		mark := titled.FindStringSubmatch(line)
		switch {
		case mark != nil:
			command := strings.TrimPrefix(line, mark[0])
			fails = mark[1] != ""
			switch {
			case strings.HasPrefix(command, "cd "):
				fmt.Fprintln(&script, command)
			case fails:
				fmt.Fprintln(&script, "! exec", command)
			default:
				fmt.Fprintln(&script, "exec", command)
			}
		case strings.Trim(line, "…") == "":
		default:
			stream := "stdout"
			if fails {
				stream = "stderr"
			}
			fmt.Fprintf(&script, "%s '%s'\n", stream, strings.ReplaceAll(pattern(line), "'", "''"))
		}
	}
	return script.String()
}

// pattern is a regular expression for a line.
func pattern(line string) string {
	parts := gap.Split(line, -1)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return "^" + strings.Join(parts, ".*") + "$"
}
