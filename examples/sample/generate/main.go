// Command generate makes the sample that the repository ships: a small adventure for a virtual tabletop, as the folder
// that Foundry VTT would keep it in.
//
// It owns the pictures (drawn here, every one) and the form of the packs; the words are in examples/sample/source, one
// YAML file a document, in the shape that Foundry's own command line tool packs and unpacks. It starts no goroutine of
// its own and uses neither the clock nor chance: the same source gives the same files, byte for byte, which its test
// checks against what is committed.
//
//	go run ./examples/sample/generate            # from the root of the repository
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	source := flag.String("source", "examples/sample/source", "folder with the words of the sample")
	out := flag.String("out", "examples/FoundryData", "folder to write; the packages in it are replaced")
	flag.Parse()
	if err := generate(*source, *out); err != nil {
		fmt.Fprintln(os.Stderr, "generate the sample:", err)
		os.Exit(1)
	}
}

// The module that the pictures belong to, relative to the data folder.
const moduleDir = "modules/ninth-lamp"

// generate writes every package of the source tree, and the pictures, below out.
func generate(source, out string) error {
	packages, err := filepath.Glob(filepath.Join(source, "*", "*"))
	if err != nil {
		return err
	}
	if len(packages) == 0 {
		return fmt.Errorf("no packages in %s; start me in the root of the repository, or name the folder with -source", source)
	}
	drawn, err := pictures()
	if err != nil {
		return err
	}
	for _, dir := range packages {
		name, err := filepath.Rel(source, dir)
		if err != nil {
			return err
		}
		if err := writePackage(os.DirFS(dir), filepath.Join(out, name)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, p := range drawn {
		content, err := p.draw()
		if err != nil {
			return fmt.Errorf("draw %s: %w", p.file, err)
		}
		if err := writeFile(filepath.Join(out, moduleDir, filepath.FromSlash(p.file)), content); err != nil {
			return err
		}
	}
	return nil
}

// writePackage replaces one package: packs are built from their folders, any other file is copied.
func writePackage(tree fs.FS, out string) error {
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	return fs.WalkDir(tree, ".", func(name string, item fs.DirEntry, err error) error {
		target := filepath.Join(out, filepath.FromSlash(name))
		switch parent, pack, _ := strings.Cut(name, "/"); {
		case err != nil:
			return err
		case item.IsDir() && parent == "packs" && pack != "":
			if err := convertPack(tree, name, target); err != nil {
				return err
			}
			return fs.SkipDir
		case item.IsDir():
			return nil
		}
		content, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return writeFile(target, content)
	})
}

func convertPack(tree fs.FS, dir, target string) error {
	documents, err := readPack(tree, dir)
	if err != nil {
		return err
	}
	contents, err := entries(documents)
	if err != nil {
		return err
	}
	return writePack(target, contents)
}

func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o644)
}
