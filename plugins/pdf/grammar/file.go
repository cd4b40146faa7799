package grammar

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

//go:embed shipped/*.yaml
var shipped embed.FS

// Mistake is what is wrong with a grammar file, and where.
type Mistake struct {
	File  string
	Line  int
	Field string // as entities[0].fields[2].key
	Text  string
}

func (m Mistake) String() string {
	if m.Field == "" {
		return fmt.Sprintf("%s:%d: %s", m.File, m.Line, m.Text)
	}
	return fmt.Sprintf("%s:%d: %s: %s", m.File, m.Line, m.Field, m.Text)
}

// Mistakes are all that is wrong with a file.
type Mistakes []Mistake //nolint:errname // it is a list of mistakes, and reads as one

func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i, mistake := range m {
		lines[i] = mistake.String()
	}
	return strings.Join(lines, "\n")
}

// Shipped returns the grammars that come with the plugin, by name in the order of their names.
func Shipped() ([]*Grammar, error) {
	names, err := fs.Glob(shipped, "shipped/*.yaml")
	if err != nil {
		return nil, err
	}
	var found []*Grammar
	for _, name := range names {
		text, err := shipped.ReadFile(name)
		if err != nil {
			return nil, err
		}
		g, err := Parse(name, text)
		if err != nil {
			return nil, err
		}
		found = append(found, g)
	}
	return found, nil
}

// Load reads grammar files. A grammar that has the name of an earlier one is in its place.
func Load(from []*Grammar, files ...string) ([]*Grammar, error) {
	loaded := slices.Clone(from)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("grammar file: %w; check the path in the source's options", err)
		}
		g, err := Parse(file, text)
		if err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(loaded, func(l *Grammar) bool { return l.Name == g.Name }); i >= 0 {
			loaded[i] = g
		} else {
			loaded = append(loaded, g)
		}
	}
	return loaded, nil
}

// Parse reads the text of a grammar file. The error is of type Mistakes.
func Parse(file string, text []byte) (*Grammar, error) {
	r := reader{file: file}
	tree, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, message := 1, err.Error()
		var y yaml.Error
		if e, ok := err.(yaml.Error); ok { //nolint:errorlint // the parser's own, never wrapped
			y, message = e, e.GetMessage()
		}
		if y != nil && y.GetToken() != nil && y.GetToken().Position != nil {
			line = y.GetToken().Position.Line
		}
		return nil, Mistakes{{File: file, Line: line, Text: message}}
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		return nil, Mistakes{{File: file, Line: 1, Text: "a grammar file holds one document; this one holds " + strconv.Itoa(documents(tree))}}
	}
	g := r.grammar(tree.Docs[0].Body)
	if len(r.found) > 0 {
		slices.SortStableFunc(r.found, func(a, b Mistake) int { return a.Line - b.Line })
		return nil, r.found
	}
	return g, nil
}

func documents(tree *ast.File) int {
	n := 0
	for _, d := range tree.Docs {
		if d.Body != nil {
			n++
		}
	}
	return n
}

// reader takes a file apart and notes what is wrong with it.
type reader struct {
	file  string
	found Mistakes
}

func (r *reader) wrong(at ast.Node, path, format string, args ...any) {
	line := 1
	if at != nil {
		line = lineOf(at.GetToken())
	}
	r.found = append(r.found, Mistake{File: r.file, Line: line, Field: path, Text: fmt.Sprintf(format, args...)})
}

func lineOf(t *token.Token) int {
	if t == nil || t.Position == nil {
		return 1
	}
	return t.Position.Line
}

// mapping is a mapping of the file.
type mapping struct {
	r       *reader
	at      ast.Node
	path    string
	members map[string]ast.Node
}

// table returns the members of a mapping, which may have the given names alone.
func (r *reader) table(n ast.Node, path string, known ...string) mapping {
	t := mapping{r: r, at: n, path: path, members: map[string]ast.Node{}}
	var values []*ast.MappingValueNode
	switch n := n.(type) {
	case *ast.MappingNode:
		values = n.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{n}
	default:
		r.wrong(n, path, "has to be a mapping of names to values; what may stand here: %s", strings.Join(known, ", "))
		return t
	}
	for _, v := range values {
		key := v.Key.GetToken().Value
		switch {
		case t.members[key] != nil:
			r.wrong(v.Key, join(path, key), "stands here twice; keep one of them")
		case known != nil && !slices.Contains(known, key):
			r.wrong(v.Key, join(path, key), "is not known here; what may stand here: %s", strings.Join(known, ", "))
		default:
			t.members[key] = v.Value
		}
	}
	return t
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (t mapping) has(key string) bool { return t.members[key] != nil }

// need notes that something is missing.
func (t mapping) need(key, why string) {
	if !t.has(key) && t.members != nil {
		t.r.wrong(t.at, join(t.path, key), "is missing: %s", why)
	}
}

func (t mapping) text(key, preset string) string {
	n := t.members[key]
	if n == nil {
		return preset
	}
	if s, ok := t.r.text(n); ok && s != "" {
		return s
	}
	t.r.wrong(n, join(t.path, key), "has to be a text that is not empty")
	return preset
}

func (r *reader) text(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return strings.TrimSpace(n.Value.Value), true
	default:
		return "", false
	}
}

func (t mapping) oneOf(key, preset string, known ...string) string {
	s := t.text(key, preset)
	if s != preset && !slices.Contains(known, s) {
		t.r.wrong(t.members[key], join(t.path, key), "is %q; it may be %s", s, strings.Join(known, ", "))
	}
	return s
}

func (t mapping) number(key string, preset, low, high float64) float64 {
	n := t.members[key]
	if n == nil {
		return preset
	}
	var v float64
	switch n := n.(type) {
	case *ast.IntegerNode:
		v, _ = strconv.ParseFloat(n.GetToken().Value, 64)
	case *ast.FloatNode:
		v = n.Value
	default:
		t.r.wrong(n, join(t.path, key), "has to be a number")
		return preset
	}
	if v < low || v > high {
		t.r.wrong(n, join(t.path, key), "is %v; it may be %v to %v", v, low, high)
		return preset
	}
	return v
}

// whole returns a whole number from 1 to high.
func (t mapping) whole(key string, preset, high int) int {
	v := t.number(key, float64(preset), 1, float64(high))
	if v != float64(int(v)) {
		t.r.wrong(t.members[key], join(t.path, key), "has to be a whole number")
	}
	return int(v)
}

func (t mapping) yes(key string) bool {
	n := t.members[key]
	if n == nil {
		return false
	}
	if b, ok := n.(*ast.BoolNode); ok {
		return b.Value
	}
	t.r.wrong(n, join(t.path, key), "has to be true or false")
	return false
}

// pattern reads a regular expression; wrap makes it of the text in the file.
func (t mapping) pattern(key string, wrap func(string) string) *Pattern {
	if !t.has(key) {
		return nil
	}
	return t.r.pattern(t.members[key], join(t.path, key), t.text(key, ""), wrap)
}

func (r *reader) pattern(at ast.Node, path, text string, wrap func(string) string) *Pattern {
	if text == "" {
		return nil
	}
	if wrap != nil {
		text = wrap(text)
	}
	p, err := newPattern(text)
	if err != nil {
		r.wrong(at, path, "is no regular expression: %s (see https://pkg.go.dev/regexp/syntax)", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return nil
	}
	return p
}

// list returns the members of a sequence; what is none counts as a sequence of one.
func (t mapping) list(key string, single bool) []ast.Node {
	n := t.members[key]
	if n == nil {
		return nil
	}
	if s, ok := n.(*ast.SequenceNode); ok {
		if len(s.Values) == 0 {
			t.r.wrong(n, join(t.path, key), "is empty")
		}
		return s.Values
	}
	if single {
		return []ast.Node{n}
	}
	t.r.wrong(n, join(t.path, key), "has to be a list")
	return nil
}

func (t mapping) item(key string, i int) string { return fmt.Sprintf("%s[%d]", join(t.path, key), i) }
