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
