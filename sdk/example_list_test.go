package sdk

import (
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestEveryEntryHasAnExample, functions, types and methods alike; those of interfaces are shown by whoever has them.
func TestEveryEntryHasAnExample(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	var files, tests []*ast.File
	for _, name := range names {
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			tests = append(tests, file)
		} else {
			files = append(files, file)
		}
	}
	shown := map[string]bool{}
	for _, e := range doc.Examples(tests...) {
		shown[e.Name] = true
		if e.Output == "" && !e.EmptyOutput && e.Name != "Serve" {
			t.Errorf("Example%s does not run", e.Name)
		}
	}
	pkg, err := doc.NewFromFiles(set, files, "sdk")
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	for _, f := range pkg.Funcs {
		entries = append(entries, f.Name)
	}
	for _, e := range pkg.Types {
		entries = append(entries, e.Name)
		for _, f := range e.Funcs {
			entries = append(entries, f.Name)
		}
		for _, m := range e.Methods {
			entries = append(entries, e.Name+"_"+m.Name)
		}
	}
	if len(entries) < 30 {
		t.Errorf("only %d entries: %v", len(entries), entries)
	}
	for _, entry := range entries {
		if !shown[entry] {
			t.Errorf("there is no Example%s", entry)
		}
	}
}
