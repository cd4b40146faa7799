// These tests hold the architecture: who may import whom, who alone touches which library, what lies at the top level.
// They read the sources themselves instead of asking `go list`, so that the test cache sees every file they depend on
// and cannot serve an answer from before a violation.
package converter_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/seed-98789ff7/converter"

// row says what the packages that match a pattern may import of ours. A pattern is a package ("core") or a package with
// all below it ("runs/..."); "..." is everything.
type row struct {
	packages string
	imports  []string
}

// table is the import table: for every package, the first row that matches it holds.
func table() []row {
	return []row{
		{"internal/sourcepb", nil},
		{"internal/sourceclient", []string{"internal/sourcepb", "sdk"}},
		{"internal/testdata", nil},
		{"internal/jcs", nil},
		{"internal/child", nil},
		{"sdk/sdktest/...", []string{"internal/sourcepb", "internal/sourceclient", "sdk/..."}},
		{"sdk/...", []string{"internal/sourcepb", "sdk/..."}},
		{"plugins/foundry/...", []string{"sdk", "plugins/foundry/..."}},
		{"plugins/rest/...", []string{"sdk", "plugins/rest/..."}},
		{"plugins/open5e/...", []string{"sdk", "plugins/rest/...", "plugins/open5e/..."}},
		{"plugins/pdf/...", []string{"sdk", "internal/child", "plugins/pdf/..."}},
		{"core", []string{"sdk"}},
		{"core/entity/...", []string{"core", "sdk", "core/entity/..."}},
		{"core/link/...", []string{"core", "sdk", "core/link/..."}},
		{"core/asset/...", []string{"core", "sdk", "internal/child", "core/asset/..."}},
		{"core/output/...", []string{"core", "sdk", "core/output/..."}},
		{"core/host/...", []string{"core", "sdk", "internal/sourcepb", "internal/sourceclient", "core/host/..."}},
		{"core/engine/...", []string{
			"core", "sdk", "core/entity/...", "core/link/...", "core/asset/...", "core/output/...", "core/engine/...",
		}},
		{"runs/...", []string{"core", "runs/..."}},
		{"dashboard/...", []string{"core", "runs/...", "dashboard/..."}},
		{"cmd/...", []string{"..."}},
		{"tools/...", []string{"..."}},
		{"examples/...", []string{"..."}},
	}
}

// forTests are packages of ours that every test may import, whatever its row says.
func forTests() []string {
	return []string{"internal/testdata", "internal/jcs", "sdk/sdktest"}
}

// reserved says which packages alone may import something. With tests, any test may import it too.
func reserved() []struct {
	path  string
	by    []string
	tests bool
} {
	return []struct {
		path  string
		by    []string
		tests bool
	}{
		{"github.com/rqlite/gorqlite", []string{"runs/rqlite/...", "tools/bench/store"}, false}, // the latter measures what runs/rqlite wins
		{"github.com/hashicorp/go-plugin", []string{"sdk/...", "core/host/...", "internal/sourcepb"}, false},
		{"github.com/disintegration/imaging", []string{"core/asset/..."}, false},
		{module + "/internal/testdata", []string{"tools/..."}, true},
		{module + "/internal/jcs", []string{"tools/..."}, true},
	}
}

// topLevel is all that may lie in the root beside what .gitignore names. Anything more wants a record in docs/decisions.
func topLevel() []string {
	return []string{
		"cmd", "core", "dashboard", "docs", "examples", "internal", "plugins", "runs", "sdk", "tools",
		"go.mod", "go.sum", "Taskfile.yml", "task", "README.md", "CHANGELOG.md", "CONTRIBUTING.md",
		".golangci.yml", "arch_test.go", ".ci", ".git", ".gitattributes", ".gitignore",
	}
}

func TestArchitecture(t *testing.T) {
	root := os.DirFS(".")
	tree, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, must := range []string{"sdk", "core"} {
		if !slices.ContainsFunc(tree, func(f file) bool { return f.pkg() == must }) {
			t.Fatalf("package %s was not found: the sources are not being read", must)
		}
	}
	for _, violation := range check(root, tree) {
		t.Error(violation)
	}
}

// TestToolVersions compares what we link with what generates code for it.
func TestToolVersions(t *testing.T) {
	for dependency, modfile := range map[string]string{
		"github.com/a-h/templ":       "tools/templ.mod",
		"google.golang.org/protobuf": "tools/protogen.mod",
	} {
		linked, generator := version(t, "go.mod", dependency), version(t, modfile, dependency)
		if linked != generator {
			t.Errorf("%s: go.mod has %s, %s has %s: generated code and library must match", dependency, linked, modfile, generator)
		}
	}
}

func version(t *testing.T, modfile, dependency string) string {
	t.Helper()
	content, err := os.ReadFile(modfile)
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?m)^(?:require)?\s+` + regexp.QuoteMeta(dependency) + `\s+(v\S+)`).FindSubmatch(content)
	if match == nil {
		t.Fatalf("%s does not name %s", modfile, dependency)
	}
	return string(match[1])
}

// TestArchitectureSeesViolations plants one violation at a time in a sound tree.
func TestArchitectureSeesViolations(t *testing.T) {
	sound := map[string]string{
		"go.mod":     "module " + module,
		".gitignore": "# ours\n/bin/\n**/*.tmp\n",
		"bin/x.go":   "not even Go",

		"sdk/sdk.go":                    "// Package sdk is.\npackage sdk\nimport _ \"github.com/hashicorp/go-plugin\"",
		"core/core.go":                  "// Package core is.\npackage core\nimport _ \"" + module + "/sdk\"",
		"core/core_test.go":             "package core\nimport _ \"" + module + "/internal/testdata\"",
		"core/testdata/bad.go":          "package ignored\nimport _ \"" + module + "/cmd\"",
		"core/asset/asset.go":           "// Package asset is.\npackage asset\nimport (\n\"image\"\n\"github.com/disintegration/imaging\"\n)\nvar _ image.Image = imaging.New(1, 1, nil)",
		"core/engine/engine.go":         "// Package engine is.\npackage engine\nimport _ \"" + module + "/core/asset\"",
		"internal/testdata/testdata.go": "// Package testdata finds.\npackage testdata",
		"plugins/rest/rest.go":          "// Package rest is.\npackage rest\nimport _ \"" + module + "/sdk\"",
		"plugins/open5e/open5e.go":      "// Package open5e is.\npackage open5e\nimport _ \"" + module + "/plugins/rest\"",
		"runs/rqlite/rqlite.go":         "// Package rqlite is.\npackage rqlite\nimport _ \"github.com/rqlite/gorqlite\"",
		"cmd/converter/main.go":         "// Command converter is.\npackage main\nimport _ \"" + module + "/core/engine\"",
	}
	if got := violations(t, sound); len(got) > 0 {
		t.Fatalf("the sound tree is refused: %q", got)
	}
	ours := func(pkg, imported string) string {
		return "// Package x is.\npackage x\nimport _ \"" + module + "/" + imported + "\"\n// " + pkg
	}
	for _, tt := range []struct{ name, content, want string }{
		{"sdk/x.go", ours("sdk", "core"), "sdk/x.go imports core"},
		{"sdk/x.go", ours("sdk", "internal/sourceclient"), "sdk/x.go imports internal/sourceclient"},
		{"core/engine/x.go", ours("core/engine", "internal/sourceclient"), "core/engine/x.go imports internal/sourceclient"},
		{"core/x.go", ours("core", "core/asset"), "core/x.go imports core/asset"},
		{"core/x_test.go", ours("core", "runs"), "core/x_test.go imports runs"},
		{"core/asset/x.go", ours("core/asset", "core/link"), "core/asset/x.go imports core/link"},
		{"core/engine/x.go", ours("core/engine", "core/host"), "core/engine/x.go imports core/host"},
		{"core/engine/deep/x.go", ours("core/engine/deep", "runs/memory"), "core/engine/deep/x.go imports runs/memory"},
		{"runs/x.go", ours("runs", "sdk"), "runs/x.go imports sdk"},
		{"runs/x.go", ours("runs", "dashboard"), "runs/x.go imports dashboard"},
		{"dashboard/x.go", ours("dashboard", "core/engine"), "dashboard/x.go imports core/engine"},
		{"plugins/rest/x.go", ours("plugins/rest", "plugins/open5e"), "plugins/rest/x.go imports plugins/open5e"},
		{"plugins/foundry/x.go", ours("plugins/foundry", "core"), "plugins/foundry/x.go imports core"},
		{"plugins/new/x.go", ours("plugins/new", "sdk"), "plugins/new is not in the import table"},
		{"core/x.go", ours("core", "internal/testdata"), "core/x.go imports internal/testdata"},
		{"cmd/converter/x.go", ours("cmd/converter", "internal/jcs"), "cmd/converter/x.go imports internal/jcs"},
		{"runs/x.go", "// Package runs is.\npackage runs\nimport _ \"github.com/rqlite/gorqlite/stdlib\"", "runs/x.go imports github.com/rqlite/gorqlite/stdlib"},
		{"cmd/converter/x.go", "package main\nimport _ \"github.com/hashicorp/go-plugin\"", "cmd/converter/x.go imports github.com/hashicorp/go-plugin"},
		{"core/output/x.go", "// Package output is.\npackage output\nimport _ \"github.com/disintegration/imaging\"", "core/output/x.go imports github.com/disintegration/imaging"},
		{"core/asset/x.go", "package asset\nimport _ \"image/png\"", "core/asset/x.go registers the codec image/png"},
		{"core/asset/x.go", "package asset\nimport _ \"golang.org/x/image/webp\"", "core/asset/x.go registers the codec golang.org/x/image/webp"},
		{"core/asset/x.go", "package asset\nimport pic \"image\"\nvar _, _, _ = pic.Decode(nil)", "core/asset/x.go calls pic.Decode"},
		{"core/asset/x.go", "package asset\nimport \"image\"\nvar _ = image.DecodeConfig", "core/asset/x.go calls image.DecodeConfig"},
		{"core/asset/x.go", "package asset\nimport \"github.com/disintegration/imaging\"\nvar _ = imaging.Open", "core/asset/x.go calls imaging.Open"},
		{"core/link/x.go", "package link", "core/link has no package comment"},
		{"util/x.go", "// Package util is.\npackage util", "util is not allowed at the top level"},
		{"notes.txt", "", "notes.txt is not allowed at the top level"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			planted := maps.Clone(sound)
			planted[tt.name] = tt.content
			got := violations(t, planted)
			if !slices.ContainsFunc(got, func(v string) bool { return strings.Contains(v, tt.want) }) {
				t.Errorf("not seen; violations: %q", got)
			}
		})
	}
}

func violations(t *testing.T, content map[string]string) []string {
	t.Helper()
	root := fstest.MapFS{}
	for name, text := range content {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	tree, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	return check(root, tree)
}

// file is one Go file of the tree.
type file struct {
	path   string
	syntax *ast.File
}

func (f file) pkg() string { return path.Dir(f.path) }
func (f file) test() bool  { return strings.HasSuffix(f.path, "_test.go") }
func (f file) root() bool  { return f.pkg() == "." }

// imports yields what the file imports: the path and the name the file knows it by.
func (f file) imports() iter.Seq2[string, string] {
	return func(yield func(target, name string) bool) {
		for _, spec := range f.syntax.Imports {
			target := strings.Trim(spec.Path.Value, "\"`")
			name := path.Base(target)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			if !yield(target, name) {
				return
			}
		}
	}
}

// read parses all Go files that belong to the module, whatever their build constraints.
func read(root fs.FS) ([]file, error) {
	ignored := ignoredAtTop(root)
	var tree []file
	err := fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch base := path.Base(name); {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.ContainsAny(base[:1], "._") || slices.Contains(ignored, name)):
			return fs.SkipDir
		case entry.IsDir() && base == "testdata" && name != "internal/testdata":
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		content, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), name, content, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		tree = append(tree, file{name, syntax})
		return nil
	})
	return tree, err
}

// check returns everything in the tree that breaks a rule.
func check(root fs.FS, tree []file) []string {
	found := checkTopLevel(root)
	for _, f := range tree {
		if f.root() {
			continue
		}
		found = append(found, checkTable(f)...)
		found = append(found, checkReserved(f)...)
		found = append(found, checkCodecs(f)...)
	}
	found = append(found, checkComments(tree)...)
	slices.Sort(found)
	return slices.Compact(found)
}

func checkTable(f file) []string {
	rows := table()
	at := slices.IndexFunc(rows, func(r row) bool { return matches(r.packages, f.pkg()) })
	if at < 0 {
		return []string{f.pkg() + " is not in the import table of arch_test.go: say there what it may import"}
	}
	allowed := rows[at].imports
	if f.test() {
		allowed = append(allowed, forTests()...)
	}
	var found []string
	for target := range f.imports() {
		ours, isOurs := strings.CutPrefix(target, module+"/")
		if isOurs && ours != f.pkg() && !matchesAny(allowed, ours) {
			found = append(found, fmt.Sprintf("%s imports %s; %s may import only %q of ours", f.path, ours, f.pkg(), allowed))
		}
	}
	return found
}

func checkReserved(f file) []string {
	var found []string
	for target := range f.imports() {
		for _, r := range reserved() {
			excused := matchesAny(r.by, f.pkg()) || r.tests && f.test()
			if matches(r.path+"/...", target) && !excused {
				found = append(found, fmt.Sprintf("%s imports %s, which is for %q alone", f.path, strings.TrimPrefix(target, module+"/"), r.by))
			}
		}
	}
	return found
}

// checkCodecs finds pictures decoded by whatever codec happens to be linked in. Formats are told from the bytes and
// checked against a budget first; a registry, filled by blank imports anywhere, would go around both.
func checkCodecs(f file) []string {
	var found []string
	calls := map[string][]string{}
	for target, name := range f.imports() {
		codec := strings.HasPrefix(target, "image/") || strings.HasPrefix(target, "golang.org/x/image/") || strings.Contains(target, "webp")
		switch {
		case name == "_" && codec:
			found = append(found, fmt.Sprintf("%s registers the codec %s; call its own Decode", f.path, target))
		case target == "image":
			calls[name] = []string{"Decode", "DecodeConfig"}
		case target == "github.com/disintegration/imaging":
			calls[name] = []string{"Decode", "Open"}
		}
	}
	ast.Inspect(f.syntax, func(node ast.Node) bool {
		selector, ok := node.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if name, ok := selector.X.(*ast.Ident); ok && slices.Contains(calls[name.Name], selector.Sel.Name) {
			found = append(found, fmt.Sprintf("%s calls %s.%s, which decodes by registered codecs", f.path, name.Name, selector.Sel.Name))
		}
		return true
	})
	return found
}

func checkComments(tree []file) []string {
	commented := map[string]bool{}
	for _, f := range tree {
		if !f.test() {
			commented[f.pkg()] = commented[f.pkg()] || f.syntax.Doc != nil
		}
	}
	var found []string
	for pkg, has := range commented {
		if !has {
			found = append(found, pkg+" has no package comment: say what it owns, what it leaves to whom, who waits for its goroutines, which errors it returns")
		}
	}
	return found
}

func checkTopLevel(root fs.FS) []string {
	entries, err := fs.ReadDir(root, ".")
	if err != nil {
		return []string{err.Error()}
	}
	allowed := append(topLevel(), ignoredAtTop(root)...)
	var found []string
	for _, entry := range entries {
		if !slices.Contains(allowed, entry.Name()) {
			found = append(found, entry.Name()+" is not allowed at the top level")
		}
	}
	return found
}

// ignoredAtTop returns the entries of the root that .gitignore names.
func ignoredAtTop(root fs.FS) []string {
	content, err := fs.ReadFile(root, ".gitignore")
	if err != nil {
		return nil
	}
	var names []string
	for line := range strings.Lines(string(content)) {
		name := strings.Trim(strings.TrimSpace(line), "/")
		if strings.HasPrefix(line, "/") && !strings.ContainsAny(name, "/*") {
			names = append(names, name)
		}
	}
	return names
}

func matchesAny(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return matches(pattern, pkg) })
}

func matches(pattern, pkg string) bool {
	if pattern == "..." {
		return true
	}
	tree, below := strings.CutSuffix(pattern, "/...")
	return pkg == tree || below && strings.HasPrefix(pkg, tree+"/")
}
