package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// document is a config file taken apart: its values as JSON would have them, and where each of them stands.
type document struct {
	path  string
	lines []string
	value any
	keys  map[string]position // of a member's name, by JSON Pointer
	vals  map[string]position // of a value, by JSON Pointer
	env   func(string) (string, bool)
	found mistakes
}

// position is a place in a file, counted from 1; width is the length of what stands there.
type position struct{ line, column, width int }

// readDocument parses a YAML file. Syntax errors come back as mistakes of the document, an unreadable file as an error.
func readDocument(path string, env func(string) (string, bool)) (*document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseDocument(path, text, env), nil
}

// parseDocument parses the text of a file.
func parseDocument(path string, text []byte, env func(string) (string, bool)) *document {
	d := &document{
		path: path, lines: strings.Split(string(text), "\n"), env: env,
		keys: map[string]position{}, vals: map[string]position{},
	}
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return d
	}
	switch len(file.Docs) {
	case 0:
		d.add("", mistake{code: "config.empty", text: "the file is empty"})
	case 1:
		if file.Docs[0].Body == nil {
			d.add("", mistake{code: "config.empty", text: "the file is empty"})
			break
		}
		d.value = d.node(file.Docs[0].Body, "")
	default:
		at := place(file.Docs[1].GetToken())
		d.found = append(d.found, mistake{at: at, code: "config.syntax", text: "the file holds more than one document; remove everything from the second `---` on"})
	}
	return d
}

func (d *document) syntax(err error) {
	m := mistake{at: position{line: 1, column: 1, width: 1}, code: "config.syntax", text: err.Error()}
	if y, ok := errors.AsType[yaml.Error](err); ok {
		m.text = y.GetMessage()
		if t := y.GetToken(); t != nil {
			m.at = place(t)
		}
	}
	d.found = append(d.found, m)
}

// node returns the JSON value of a node and notes where it stands.
func (d *document) node(n ast.Node, pointer string) any {
	d.vals[pointer] = place(n.GetToken())
	switch n := n.(type) {
	case *ast.MappingNode:
		if len(n.Values) > 0 {
			d.vals[pointer] = place(n.Values[0].Key.GetToken())
		}
		return d.mapping(n.Values, pointer)
	case *ast.MappingValueNode:
		d.vals[pointer] = place(n.Key.GetToken())
		return d.mapping([]*ast.MappingValueNode{n}, pointer)
	case *ast.SequenceNode:
		list := make([]any, len(n.Values))
		for i, v := range n.Values {
			list[i] = d.node(v, pointer+"/"+strconv.Itoa(i))
		}
		return list
	case *ast.StringNode:
		return d.text(n.Value, pointer)
	case *ast.LiteralNode:
		return d.text(n.Value.Value, pointer)
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		d.add(pointer, mistake{code: "config.syntax", text: "anchors, aliases, merge keys and tags are not used in this file; write the value out"})
		return nil
	case *ast.NullNode:
		return nil
	case ast.ScalarNode:
		switch v := n.GetValue().(type) {
		case int64:
			return float64(v)
		case uint64:
			return float64(v)
		default:
			return v
		}
	default:
		d.add(pointer, mistake{code: "config.syntax", text: "this cannot be read as a value"})
		return nil
	}
}

func (d *document) mapping(members []*ast.MappingValueNode, pointer string) any {
	object := make(map[string]any, len(members))
	for _, m := range members {
		key := m.Key.GetToken().Value
		at := pointer + "/" + escapePointer(key)
		if _, twice := object[key]; twice {
			d.found = append(d.found, mistake{
				at: place(m.Key.GetToken()), code: "config.duplicate_field",
				text: fmt.Sprintf("%q stands here twice; keep one of them", key),
			})
			continue
		}
		d.keys[at] = place(m.Key.GetToken())
		object[key] = d.node(m.Value, at)
	}
	return object
}

// text fills in ${NAME} and ${NAME:-default} from the environment; $${ stands for ${. It is done here, on values, so that
// nothing in the environment can change the structure of the file.
func (d *document) text(s, pointer string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		if i > 0 && s[i-1] == '$' {
			b.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		end := strings.IndexByte(s[i:], '}')
		if end < 0 {
			d.add(pointer, mistake{code: "config.variable", text: "a ${ is never closed; write $${ for the characters themselves"})
			b.WriteString(s)
			return b.String()
		}
		name, preset, hasPreset := strings.Cut(s[i+2:i+end], ":-")
		value, set := d.env(name)
		switch {
		case set:
		case hasPreset:
			value = preset
		default:
			value = s[i : i+end+1] // it stays, so that its absence is the one thing that is wrong here
			d.add(pointer, mistake{
				code: "config.variable",
				text: fmt.Sprintf("the environment has no %s; set it, or give a default: ${%s:-…}", name, name),
			})
		}
		b.WriteString(s[:i] + value)
		s = s[i+end+1:]
	}
}

// add notes a mistake at a value, or at the name of the member when the value stands nowhere.
func (d *document) add(pointer string, m mistake) {
	m.at = d.place(pointer)
	d.found = append(d.found, m)
}

// place finds where a pointer leads, or its nearest parent that stands in the file.
func (d *document) place(pointer string) position {
	for {
		if at, ok := d.vals[pointer]; ok && at.line > 0 {
			return at
		}
		i := strings.LastIndexByte(pointer, '/')
		if i < 0 {
			return position{line: 1, column: 1, width: 1}
		}
		pointer = pointer[:i]
	}
}

func place(t *token.Token) position {
	if t == nil || t.Position == nil {
		return position{line: 1, column: 1, width: 1}
	}
	return position{line: t.Position.Line, column: t.Position.Column, width: max(1, len([]rune(strings.TrimSpace(t.Value))))}
}

func escapePointer(s string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(s)
}
