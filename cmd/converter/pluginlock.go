package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/core/host"
)

// pin is the sum of the program that a source is read with.
type pin struct {
	source  int
	program string
	sum     string
}

func (a *app) pluginLockCommand() *cobra.Command {
	var dirs []string
	var path string
	var write bool
	c := &cobra.Command{
		Use:   "lock",
		Short: "Pin the plugins of a config: show, or write, the SHA-256 sums of their programs",
		Long: `Lock shows the line sha256: for each source of a config whose plugin is a program of its own. With --write it puts the
lines into the file, and changes nothing else in it. From then on, a plugin with another sum is not started.`,
		Args: cobra.NoArgs,
		RunE: func(_ *cobra.Command, _ []string) error {
			conf, err := a.config(path)
			if err != nil {
				return err
			}
			conf.plugins = dirs
			pins, err := conf.pins()
			if err != nil {
				return err
			}
			if len(pins) == 0 {
				fmt.Fprintln(a.stderr, "There is nothing to pin: all plugins of this config are part of converter.")
				return nil
			}
			if write {
				if err := conf.writePins(pins); err != nil {
					return err
				}
				fmt.Fprintf(a.stdout, "%s: %s pinned\n", path, plural(len(pins), "source"))
				return nil
			}
			for _, p := range pins {
				s := conf.Sources[p.source]
				fmt.Fprintf(a.stdout, "# source %s, %s\n- name: %s\n  plugin: %s\n  sha256: %s\n", s.Name, p.program, s.Name, s.Plugin, p.sum)
			}
			return nil
		},
	}
	configFlag(c, &path)
	pluginDirFlag(c, &dirs)
	c.Flags().BoolVar(&write, "write", false, "put the lines into the config file")
	return c
}

// pins returns the sums of the programs of all sources; built-in plugins have none.
func (c *config) pins() ([]pin, error) {
	var pins []pin
	for i, s := range c.Sources {
		if _, builtin := builtIn()[s.Plugin]; builtin && s.Path == "" {
			continue
		}
		command, err := c.command(i)
		if err != nil {
			return nil, failed(err)
		}
		if command == nil { // there is no such plugin, which is noted
			continue
		}
		sum, err := host.Sum(command[0])
		if err != nil {
			return nil, failed(err)
		}
		pins = append(pins, pin{source: i, program: command[0], sum: sum})
	}
	if len(c.document.found) > 0 {
		return nil, &exitError{code: exitUsage, err: &configError{document: c.document}}
	}
	return pins, nil
}

var errNotPinned = errors.New("the file is not written in a way that a line can be put into; run it without --write, and put the lines in yourself")

// writePins puts the sums into the config file. The file is replaced as a whole, and only when it says what it said
// before and the sums.
func (c *config) writePins(pins []pin) error {
	lines, want := c.document.lines, c.document.value
	for _, p := range slices.Backward(pins) { // from the end, so that the places of the others stay
		want = withPin(want, p)
		var ok bool
		if lines, ok = c.pinned(lines, p, want); !ok {
			return failed(fmt.Errorf("%s: source %q: %w", c.path, c.Sources[p.source].Name, errNotPinned))
		}
	}
	if err := replaceFile(c.path, strings.Join(lines, "\n")); err != nil {
		return failed(fmt.Errorf("write the sums: %w", err))
	}
	return nil
}

// withPin returns a config with one more sum in it.
func withPin(config any, p pin) any {
	root := maps.Clone(config.(map[string]any))
	sources := slices.Clone(root["sources"].([]any))
	source := maps.Clone(sources[p.source].(map[string]any))
	source["sha256"], sources[p.source], root["sources"] = p.sum, source, sources
	return root
}

// pinned returns the lines with one sum in them: in the place of the one that is there, or before the name of the plugin.
// How it is parted from what follows depends on the style of the file; which is right shows when it is read again.
func (c *config) pinned(lines []string, p pin, want any) ([]string, bool) {
	pointer := fmt.Sprintf("/sources/%d", p.source)
	at, old := c.document.keys[pointer+"/plugin"], c.Sources[p.source].SHA256
	if old != "" {
		at = c.document.vals[pointer+"/sha256"]
	}
	if at.line < 1 || at.line > len(lines) {
		return nil, false
	}
	line := []rune(lines[at.line-1])
	if at.column < 1 || at.column > len(line) {
		return nil, false
	}
	before, after := string(line[:at.column-1]), string(line[at.column-1:])
	field := "sha256: " + p.sum
	ways := []string{
		before + field + "\n" + strings.Repeat(" ", at.column-1) + after,
		before + field + ", " + after,
	}
	if old != "" {
		ways = []string{before + strings.Replace(after, old, p.sum, 1)}
	}
	for _, way := range ways {
		changed := slices.Clone(lines)
		changed[at.line-1] = way
		d := parseDocument(c.path, []byte(strings.Join(changed, "\n")), c.document.env)
		if len(d.found) == 0 && reflect.DeepEqual(d.value, want) {
			return changed, true
		}
	}
	return nil, false
}

// replaceFile puts a text in the place of a file, whole or not at all.
func replaceFile(path, text string) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".converter-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Chmod(info.Mode().Perm()), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
