package main

import (
	"fmt"
	"strings"
)

// The exit codes; see the package comment.
const (
	exitFailed  = 1
	exitUsage   = 2
	exitPartial = 3
	exitSIGINT  = 130
	exitSIGTERM = 143
)

// exitError ends the program with a code. A nil err has been told already.
type exitError struct {
	code int
	err  error
}

// Error returns the text of what ended the program.
func (e *exitError) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit code %d", e.code)
	}
	return e.err.Error()
}

// Unwrap returns what ended the program.
func (e *exitError) Unwrap() error { return e.err }

func usage(format string, args ...any) error {
	return &exitError{code: exitUsage, err: fmt.Errorf(format, args...)}
}

func failed(err error) error { return &exitError{code: exitFailed, err: err} }

func indent(text, by string) string {
	return by + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n"+by)
}
