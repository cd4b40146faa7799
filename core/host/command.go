package host

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// resolve returns the command with the program as an absolute path, or says why it cannot be a program.
func resolve(name string, command []string) ([]string, error) {
	if len(command) == 0 {
		return nil, noSuchProgram(name, "", errors.New("no command is given"))
	}
	program := command[0]
	if filepath.Base(program) == program {
		found, err := exec.LookPath(program)
		if err != nil {
			return nil, noSuchProgram(name, program, err)
		}
		program = found
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return nil, noSuchProgram(name, program, err)
	}
	if err := executable(name, program); err != nil {
		return nil, err
	}
	return append([]string{program}, command[1:]...), nil
}

// executable looks at the file before the system does, because the system says "permission denied" for many things.
func executable(name, program string) error {
	info, err := os.Stat(program)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return noSuchProgram(name, program, err)
	case err != nil:
		return notExecutable(name, program, err.Error())
	case info.IsDir():
		return notExecutable(name, program, "it is a directory")
	case !info.Mode().IsRegular():
		return notExecutable(name, program, "it is not a regular file")
	case runtime.GOOS != "windows" && info.Mode()&0o111 == 0:
		return notExecutable(name, program, "its mode is "+info.Mode().String())
	}
	return nil
}

const (
	// socketName is the longest path that go-plugin appends to the folder.
	socketName = len("/plugin-dir4294967295/plugin4294967295")
	// socketLimit is the longest path of a socket that every system takes.
	socketLimit = 103
)

// socketFolder makes a folder for the socket, that nobody else can enter and whose path is short enough: in dir, or else
// in the first that is short enough of what a system of this kind always has.
func socketFolder(name, dir string) (string, error) {
	if dir == "" {
		dir = os.TempDir()
	}
	var tooLong string
	for _, parent := range []string{dir, os.Getenv("XDG_RUNTIME_DIR"), "/tmp"} {
		if parent == "" {
			continue
		}
		folder, err := os.MkdirTemp(parent, "converter-")
		if err != nil {
			if parent == dir {
				return "", noSocketFolder(name, parent, err)
			}
			continue
		}
		if len(folder)+socketName <= socketLimit {
			return folder, nil
		}
		tooLong = folder
		if err := os.Remove(folder); err != nil {
			return "", noSocketFolder(name, parent, err)
		}
	}
	return "", noSocketFolder(name, filepath.Dir(tooLong), errors.New("the path is too long for a socket"))
}
