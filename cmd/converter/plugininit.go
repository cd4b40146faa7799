package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/core/host"
	sourcepython "github.com/seed-98789ff7/converter/examples/source-python"
)

//go:embed scaffold
var scaffold embed.FS

const (
	ownModule  = "github.com/seed-98789ff7/converter"
	helloBelow = "examples/source-hello" // a module that a new one takes its versions from
)

var (
	release    = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)
	moduleLine = regexp.MustCompile(`(?m)^module .*$`)
	moduleFrom = regexp.MustCompile(`(?m)^replace ` + regexp.QuoteMeta(ownModule) + ` => .*$`)
)

func (a *app) pluginInitCommand() *cobra.Command {
	var lang, sdkDir string
	c := &cobra.Command{
		Use:   "init NAME",
		Short: "Write a new plugin into a new folder converter-plugin-NAME",
		Long: `Init writes a plugin that reads a folder of JSON files into a new folder converter-plugin-NAME. It works as it is.

In Go, with --sdk it is built against a checkout of converter, and needs no network. Without, it is built against the
release that this converter is; a converter that is none needs --sdk.

In Python, the package it is written with lies beside it. It needs Python 3.11, grpcio and protobuf; on Debian these are
the packages python3-grpcio and python3-protobuf.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.initPlugin(args[0], lang, sdkDir)
		},
	}
	c.Flags().StringVar(&lang, "lang", "go", "language of the plugin: go, python")
	c.Flags().StringVar(&sdkDir, "sdk", "", "folder of converter's source, to build a plugin in Go against")
	return c
}

// beginning is a new plugin: what is in its folder, and how to go on from there.
type beginning struct {
	files    map[string][]byte
	programs []string // those of the files that are programs
	steps    []string // commands between cd and the test
}

func (a *app) initPlugin(name, lang, sdkDir string) error {
	if bare, ok := strings.CutPrefix(name, host.FilePrefix); ok {
		return usage("the name of the plugin is what follows %s: converter plugin init %s", host.FilePrefix, bare)
	}
	if err := host.CheckName(name); err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	if _, reserved := builtIn()[name]; reserved {
		return usage("%q is the name of a plugin that is part of converter; choose another", name)
	}
	dir := host.FilePrefix + name
	var b beginning
	var err error
	switch lang {
	case "go":
		b, err = beginGo(name, dir, sdkDir)
	case "python":
		b, err = beginPython(name, dir, sdkDir)
	default:
		return usage("there is nothing to begin with for the language %q; there is: go, python", lang)
	}
	if err != nil {
		return err
	}
	if err := b.write(dir); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s is written. Now:\n\n    cd %s\n", dir, dir)
	for _, step := range b.steps {
		fmt.Fprintln(a.stdout, "    "+step)
	}
	fmt.Fprintf(a.stdout, "    converter plugin test ./%s --config converter.yaml\n    converter run\n", dir)
	return nil
}

func (b beginning) write(dir string) error {
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		return usage("there is a %s here already; choose another name, or another folder to work in", dir)
	} else if err != nil {
		return failed(err)
	}
	for name, text := range b.files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return failed(err)
		}
		mode := fs.FileMode(0o644)
		if slices.Contains(b.programs, name) {
			mode = 0o755
		}
		if err := os.WriteFile(path, text, mode); err != nil {
			return failed(err)
		}
	}
	return nil
}

// beginGo is a plugin in Go, a module of its own.
func beginGo(name, dir, sdkDir string) (beginning, error) {
	files, err := newModule(dir, sdkDir)
	if err != nil {
		return beginning{}, err
	}
	b := beginning{files: files, steps: []string{"go build"}}
	if sdkDir == "" {
		b.steps = []string{"go mod tidy", "go build"}
	}
	return b, b.add("go", name, map[string]string{
		"main.go": "main.go", "main_test.go": "main_test.go", "README.md": "README.md", "converter.yaml": "converter.yaml",
		"gitignore": ".gitignore", "goblin.json": "sample/goblin.json",
	})
}

// beginPython is a plugin in Python, with the package it is written with.
func beginPython(name, dir, sdkDir string) (beginning, error) {
	if sdkDir != "" {
		return beginning{}, usage("--sdk is for plugins in Go; one in Python has all it needs beside it")
	}
	b := beginning{files: map[string][]byte{}, programs: []string{dir}}
	err := fs.WalkDir(sourcepython.Files, sourcepython.Package, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			b.files[path], err = sourcepython.Files.ReadFile(path)
		}
		return err
	})
	if err != nil {
		return beginning{}, failed(err)
	}
	return b, b.add("python", name, map[string]string{
		"plugin": dir, "README.md": "README.md", "converter.yaml": "converter.yaml", "gitignore": ".gitignore",
		"goblin.json": "sample/goblin.json",
	})
}

// add fills in templates, and puts the result where they name it.
func (b beginning) add(lang, name string, templates map[string]string) error {
	for from, to := range templates {
		text, err := fill("scaffold/"+lang+"/"+from+".tmpl", name)
		if err != nil {
			return failed(err)
		}
		b.files[to] = text
	}
	return nil
}

func fill(path, name string) ([]byte, error) {
	t, err := template.ParseFS(scaffold, path)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, struct{ Name string }{name})
	return b.Bytes(), err
}

// newModule returns the go.mod of a new plugin and, where the versions are known, its go.sum. Those of a checkout are
// the versions of the example in it.
func newModule(module, sdkDir string) (map[string][]byte, error) {
	if sdkDir == "" {
		own := ownVersion()
		if !release.MatchString(own) {
			return nil, usage("this converter (%s) is no release that a plugin could be built against; "+
				"name the folder of its source with --sdk", own)
		}
		return map[string][]byte{
			"go.mod": fmt.Appendf(nil, "module %s\n\ngo 1.26.0\n\nrequire %s %s\n", module, ownModule, own),
		}, nil
	}
	abs, err := filepath.Abs(sdkDir)
	if err != nil {
		return nil, usage("--sdk: %v", err)
	}
	mod, err := os.ReadFile(filepath.Join(abs, helloBelow, "go.mod"))
	if err != nil {
		return nil, usage("--sdk: %s is not the source of converter: %v", sdkDir, err)
	}
	sum, err := os.ReadFile(filepath.Join(abs, helloBelow, "go.sum"))
	if err != nil {
		return nil, usage("--sdk: %s is not the source of converter: %v", sdkDir, err)
	}
	if strings.ContainsAny(abs, "\"`\n") {
		return nil, usage("--sdk: the path %q cannot stand in a go.mod", abs)
	}
	text := moduleLine.ReplaceAllLiteralString(string(mod), "module "+module)
	text = moduleFrom.ReplaceAllLiteralString(text, fmt.Sprintf("replace %s => %q", ownModule, filepath.ToSlash(abs)))
	return map[string][]byte{"go.mod": []byte(text), "go.sum": sum}, nil
}

// ownVersion is the version of the module that this program is built of.
func ownVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path != ownModule {
		return version
	}
	return info.Main.Version
}
