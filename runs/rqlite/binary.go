package rqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

const (
	program = "rqlited"
	// version is the one whose ways this package knows; a later patch of it is welcome.
	version = "v8.43"
	// versionTimeout is ample for a program that prints a line, on a machine that has far too much to do.
	versionTimeout = time.Minute
)

// ErrNoBinary says that there is no rqlited of the right version.
var ErrNoBinary = errors.New("rqlited " + version + " is needed to keep the store")

// findBinary returns the path of rqlited: the one asked for, else the one beside our own program, else that on PATH.
func findBinary(ctx context.Context, asked string) (string, error) {
	path, _, err := FindBinary(ctx, asked)
	return path, err
}

// FindBinary returns the path of rqlited, as [NodeConfig] says where it is looked for, and what it calls itself.
// Without one of the right version the error is [ErrNoBinary].
func FindBinary(ctx context.Context, asked string) (path, named string, err error) {
	path, err = locate(asked)
	if err != nil {
		return "", "", err
	}
	limited, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	told, err := exec.CommandContext(limited, path, "-version").CombinedOutput()
	if ctx.Err() != nil {
		return "", "", ctx.Err()
	}
	if limited.Err() != nil {
		err = fmt.Errorf("it had %v for it", versionTimeout) // rather than of what signal it died then
	}
	if err != nil {
		return "", "", fmt.Errorf("%w, but %s does not say its version (%w): %s", ErrNoBinary, path, err, remedy)
	}
	line := strings.TrimSpace(string(told))
	if !strings.Contains(line, version+".") {
		return "", "", fmt.Errorf("%w, but %s is %q: %s", ErrNoBinary, path, line, remedy)
	}
	return path, line, nil
}

const remedy = "build it with ./task build, or put rqlited " + version + " on PATH, or name a cluster in store.urls"

func locate(asked string) (string, error) {
	if asked != "" {
		if info, err := os.Stat(asked); err != nil || info.IsDir() {
			return "", fmt.Errorf("%w, but there is none at %s: %s", ErrNoBinary, asked, remedy)
		}
		return filepath.Abs(asked)
	}
	name := program
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	own, err := os.Executable()
	if err == nil {
		if resolved, err := filepath.EvalSymlinks(own); err == nil {
			own = resolved
		}
		beside := filepath.Join(filepath.Dir(own), name)
		if info, err := os.Stat(beside); err == nil && !info.IsDir() {
			return beside, nil
		}
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%w, but it is neither beside this program nor on PATH: %s", ErrNoBinary, remedy)
	}
	return filepath.Abs(path)
}
