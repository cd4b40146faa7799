package asset

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoRegistry holds the rule that formats are chosen one by one: package image's registry is not asked, and no codec is
// imported for its registration alone.
func TestNoRegistry(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil || len(names) == 0 {
		t.Fatalf("no sources: %v", err)
	}
	files := token.NewFileSet()
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			if i.Name != nil && i.Name.Name == "_" && i.Path.Value != `"unsafe"` {
				t.Errorf("%s: blank import of %s", files.Position(i.Pos()), i.Path.Value)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(call.Sel.Name, "Decode") {
				if x, ok := call.X.(*ast.Ident); ok && x.Name == "image" {
					t.Errorf("%s: image.%s", files.Position(call.Pos()), call.Sel.Name)
				}
			}
			return true
		})
	}
}
