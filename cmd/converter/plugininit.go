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
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/core/host"
)

//go:embed scaffold
var scaffold embed.FS

// scaffolded are the files of a new plugin, by the names of their templates.
func scaffolded() map[string]string {
	return map[string]string{
		"main.go": "main.go", "README.md": "README.md", "converter.yaml": "converter.yaml", "gitignore": ".gitignore",
		"goblin.json": "sample/goblin.json",
	}
}

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
		Long: `Init writes a plugin that reads a folder of JSON files into a new folder converter-plugin-NAME. It builds as it is.

With --sdk it is built against a checkout of converter, and needs no network. Without, it is built against the release
that this converter is; a converter that is none needs --sdk.`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if lang != "go" {
				return usage("there is nothing to begin with for the language %q; there is: go", lang)
			}
			return a.initPlugin(args[0], sdkDir)
		},
	}
	c.Flags().StringVar(&lang, "lang", "go", "language of the plugin: go")
	c.Flags().StringVar(&sdkDir, "sdk", "", "folder of converter's source, to build the plugin against")
	return c
}

func (a *app) initPlugin(name, sdkDir string) error {
	if err := host.CheckName(name); err != nil {
		return &exitError{code: exitUsage, err: err}
	}
	if _, reserved := builtIn()[name]; reserved {
		return usage("%q is the name of a plugin that is part of converter; choose another", name)
	}
	dir := host.FilePrefix + name
	files, err := newModule(dir, sdkDir)
	if err != nil {
		return err
	}
	for from, to := range scaffolded() {
		text, err := fill("scaffold/go/"+from+".tmpl", name)
		if err != nil {
			return failed(err)
		}
		files[to] = text
	}
	if err := os.Mkdir(dir, 0o755); errors.Is(err, fs.ErrExist) {
		return usage("there is a %s here already; choose another name, or another folder to work in", dir)
	} else if err != nil {
		return failed(err)
	}
	for path, text := range files {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return failed(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return failed(err)
		}
	}
	fmt.Fprintf(a.stdout, "%s is written. Now:\n\n    cd %s\n", dir, dir)
	if sdkDir == "" {
		fmt.Fprintln(a.stdout, "    go mod tidy")
	}
	fmt.Fprintf(a.stdout, "    go build\n    converter plugin test ./%s --config converter.yaml\n    converter run\n", dir)
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
