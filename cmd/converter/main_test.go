package main

import (
	"os"
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
	testscript.Main(m, map[string]func(){"converter": main})
}

// TestScript runs what needs no store.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script"})
}
