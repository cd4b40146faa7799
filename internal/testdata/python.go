package testdata

import (
	"os/exec"
	"testing"
)

// NoPython says why a test of plugins in Python is skipped.
const NoPython = "SKIPPED: there is no Python that plugins can run with: neither python3 on PATH nor /usr/bin/python3 has grpc " +
	"and protobuf (apt-get install python3-grpcio python3-protobuf)"

// Python returns the path of a Python that plugins can run with, or skips the test.
func Python(t testing.TB) string {
	t.Helper()
	python := FindPython()
	if python == "" {
		t.Skip(NoPython)
	}
	return python
}

// FindPython returns the path of a Python that plugins can run with: the one on PATH, else the system's, which is another one
// where people have installed their own. It returns "" where neither can.
func FindPython() string {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(python)
		if err != nil {
			continue
		}
		//nolint:noctx // it takes a moment, and ends by itself
		if exec.Command(path, "-c", "import grpc, google.protobuf.internal.builder").Run() == nil {
			return path
		}
	}
	return ""
}
