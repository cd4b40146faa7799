package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary be the program: for the scripts, and for the built-in plugins that a run starts as
// processes of itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "plugin" {
		main()
		return
	}
	programs := map[string]func(){
		"converter": main, "converter-plugin-sloppy": sloppy, "converter-plugin-crooked": crooked, "converter-plugin-troupe": troupe,
	}
	for name, program := range faulty() {
		programs["converter-plugin-"+name] = program
	}
	testscript.Main(m, programs)
}

// TestScript runs what needs no store.
func TestScript(t *testing.T) {
	repository, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	text, err := exec.CommandContext(t.Context(), "go", "env", "-json", "GOCACHE", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	var caches map[string]string
	if err := json.Unmarshal(text, &caches); err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Setup: func(e *testscript.Env) error {
		e.Setenv("REPOSITORY", repository)
		for name, dir := range caches { // scripts build plugins, from what is on this machine
			e.Setenv(name, dir)
		}
		e.Setenv("GOPROXY", "off")
		e.Setenv("GOFLAGS", "-mod=readonly")
		e.Setenv("GOWORK", "off")
		e.Setenv("GORACE", "atexit_sleep_ms=0") // with the race detector every end of a program takes a second otherwise
		return nil
	}})
}
