// Command converter turns tabletop role-playing content into one clean library.
//
// This package wires: commands, flags, the config file, the terminal and exit codes are its own; everything else is done
// by the packages below it. Its exit codes:
//
//	0        everything or a part was converted; a part is said in a warning
//	1        failed: nothing was converted; for commands that look after the store, what was asked for was not done, or
//	         something was found wrong
//	2        the config or the usage is wrong; nothing was started
//	3        a part was converted, and --strict was given
//	130 143  stopped by a signal: after a clean end, or at once when a second one came
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/sdk"
)

// version is what the program calls itself; a linker may set it for a release.
var version = "dev"

func main() {
	a := app{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: environment}
	os.Exit(a.main(context.Background(), os.Args[1:]))
}

// app is the program without its process: what a test runs too.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) (string, bool)
}

// main runs one command line and returns the exit code.
func (a *app) main(ctx context.Context, args []string) int {
	root := a.command() //nolint:contextcheck // cobra hands the context on
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	var end *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &end):
		if end.err != nil {
			a.complain(end.err)
		}
		return end.code
	default: // cobra's own: wrong flags, unknown commands
		a.complain(err)
		fmt.Fprintln(a.stderr, "\nSee converter --help.")
		return exitUsage
	}
}

// complain says what went wrong, and what to do where it is known.
func (a *app) complain(err error) {
	if wrong, ok := errors.AsType[*configError](err); ok {
		fmt.Fprintln(a.stderr, wrong.Error())
		return
	}
	for _, d := range sdk.Diagnose(err, "") {
		fmt.Fprintln(a.stderr, "error: "+lines(d.Error()))
		if d.Detail != "" {
			fmt.Fprintln(a.stderr, indent(lines(d.Detail), "       "))
		}
		if d.Suggestion != "" {
			fmt.Fprintln(a.stderr, "       → "+plain(d.Suggestion))
		}
	}
}

func (a *app) command() *cobra.Command {
	var build bool // an alias of update-compendium
	var f updateFlags
	root := &cobra.Command{
		Use:           "converter",
		Short:         "Turn tabletop role-playing content into one clean library",
		Version:       version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if build {
				f.progress, f.logLevel = progressAuto, "warn"
				return a.update(c.Context(), f)
			}
			return c.Help()
		},
	}
	root.Flags().BoolVar(&build, "build-cache", false, "the same as the command update-compendium")
	configFlag(root, &f.config)
	root.AddCommand(a.runCommand(), a.updateCommand(), a.validateCommand(), a.serveCommand(), a.schemaCommand(), a.pluginCommand(), a.picturesCommand(), a.pdfCommand())
	root.AddCommand(a.runsCommand(), a.cacheCommand(), a.backupCommand(), a.restoreCommand(), a.doctorCommand())
	return root
}
