package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seed-98789ff7/converter/core/host"
	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/pdf"
)

// TestMain lets the test binary be the program: for the scripts, and for the built-in plugins and the workers that a
// run starts as processes of itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "plugin" || os.Args[1] == picturesName || os.Args[1] == pdf.WorkerCommand) {
		main()
		return
	}
	if name, ok := strings.CutPrefix(filepath.Base(os.Args[0]), host.FilePrefix); ok {
		if program := faulty()[name]; program != nil { // no commands for the scripts, whose list of plugins is to be short
			program()
			return
		}
	}
	testscript.Main(m, map[string]func(){
		"converter": main, "converter-plugin-sloppy": sloppy, "converter-plugin-crooked": crooked, "converter-plugin-troupe": troupe,
	})
}

// TestScript runs what needs no store.
func TestScript(t *testing.T) {
	t.Parallel()
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	python := testdata.FindPython()
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Condition: func(name string) (bool, error) {
		if name != "python-grpc" {
			return false, fmt.Errorf("there is no condition %q", name)
		}
		return python != "", nil
	}, Cmds: map[string]func(*testscript.TestScript, bool, []string){"tree": tree}, Setup: func(e *testscript.Env) error {
		e.Setenv("REPOSITORY", repository)
		if err := firstPython(e, python); err != nil {
			return err
		}
		return building(e)
	}})
}

// building lets a script build plugins, from what is on this machine.
func building(e *testscript.Env) error {
	text, err := exec.Command("go", "env", "-json", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		return err
	}
	var caches map[string]string
	if err := json.Unmarshal(text, &caches); err != nil {
		return err
	}
	for name, dir := range caches {
		e.Setenv(name, dir)
	}
	for name, value := range map[string]string{
		"GOPROXY": "off", "GOSUMDB": "off", "GOWORK": "off", "GOFLAGS": "-mod=readonly",
		"GORACE": "atexit_sleep_ms=0", // with the race detector every end of a program takes a second otherwise
	} {
		e.Setenv(name, value)
	}
	return nil
}

// firstPython makes the python that plugins can run with the first one on the PATH of a script, as their #! line wants it.
// The rest of the folder it lies in is not to be found before the rest of the PATH.
func firstPython(e *testscript.Env, python string) error {
	if python == "" {
		return nil
	}
	dir := filepath.Join(e.WorkDir, ".python")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	e.Setenv("PATH", dir+string(os.PathListSeparator)+e.Getenv("PATH"))
	e.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	return os.WriteFile(filepath.Join(dir, "python3"), fmt.Appendf(nil, "#!/bin/sh\nexec '%s' \"$@\"\n", python), 0o755)
}

// tree copies a folder. The files are read by the test itself, so that its result is not taken for that of others.
func tree(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tree from to")
	}
	ts.Check(os.CopyFS(ts.MkAbs(args[1]), os.DirFS(ts.MkAbs(args[0]))))
}
