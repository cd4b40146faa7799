package tree

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/seed-98789ff7/converter/plugins/foundry/object"
)

const (
	maxNesting = 128      // of arrays and objects, as for JSON
	maxIndent  = 1000     // columns before the first word of a line
	maxOpen    = 1000     // brackets that are open at once, those in texts included
	maxJSON    = 64 << 20 // of what one file becomes, aliases replaced by what they stand for
)

var errLarge = fmt.Errorf("what it says is longer than %d MB", maxJSON>>20)

// toJSON turns a YAML text of one document into JSON, members in their order. Words are understood as the core schema of YAML
// 1.2 does; ids are texts whatever they look like.
func toJSON(text []byte) (data []byte, err error) { return toJSONWithin(text, maxJSON) }

// toJSONWithin is toJSON with a limit of its own.
func toJSONWithin(text []byte, limit int) (data []byte, err error) {
	if err := shallow(text); err != nil {
		return nil, err
	}
	defer func() { // the parser has not met every text yet
		if fault := recover(); fault != nil {
			data, err = nil, fmt.Errorf("not YAML: %v", fault)
		}
	}()
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		message, _, _ := strings.Cut(err.Error(), "\n")
		return nil, fmt.Errorf("not YAML: %s", message)
	}
	var bodies []ast.Node
	for _, d := range file.Docs {
		if d.Body != nil {
			bodies = append(bodies, d.Body)
		}
	}
	if len(bodies) != 1 {
		return nil, fmt.Errorf("it has %d documents instead of one", len(bodies))
	}
	w := jsonWriter{anchors: map[string]ast.Node{}, limit: limit}
	err = w.value(bodies[0], 1)
	return w.out, err
}

// shallow refuses what would make the parser call itself without end. It looks at texts as well, and so at brackets that mean
// nothing; those of prose are closed again.
func shallow(text []byte) error {
	open := 0
	for line := range bytes.Lines(text) {
		indent, marks := 0, 0
	lead:
		for i, c := range line {
			switch {
			case c == ' ' || c == '\t':
			case (c == '-' || c == '?' || c == ':') && i+1 < len(line) && (line[i+1] == ' ' || line[i+1] == '\t'):
				marks++
			default:
				break lead
			}
			indent++
		}
		for _, c := range line {
			switch c {
			case '[', '{':
				open++
			case ']', '}':
				open = max(0, open-1)
			}
			if open > maxOpen {
				break
			}
		}
		if indent > maxIndent || marks > maxNesting || open > maxOpen {
			return errors.New("nested too deeply")
		}
	}
	return nil
}

type jsonWriter struct {
	out     []byte
	limit   int // of the length of out, but for one text
	anchors map[string]ast.Node
}

func (w *jsonWriter) value(n ast.Node, depth int) error {
	switch {
	case depth > maxNesting:
		return errors.New("nested too deeply")
	case len(w.out) > w.limit:
		return errLarge
	}
	switch n := n.(type) {
	case nil:
		w.out = append(w.out, "null"...)
	case *ast.MappingNode:
		return w.members(n.Values, depth)
	case *ast.MappingValueNode:
		return w.members([]*ast.MappingValueNode{n}, depth)
	case *ast.SequenceNode:
		w.out = append(w.out, '[')
		for i, entry := range n.Values {
			if i > 0 {
				w.out = append(w.out, ',')
			}
			if err := w.value(entry, depth+1); err != nil {
				return err
			}
		}
		w.out = append(w.out, ']')
	case *ast.AnchorNode:
		w.anchors[n.Name.GetToken().Value] = n.Value
		return w.value(n.Value, depth)
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		target, ok := w.anchors[name]
		if !ok {
			return fmt.Errorf("not YAML: there is no anchor %.40q", name)
		}
		return w.value(target, depth+1)
	case *ast.TagNode:
		return w.tagged(n, depth)
	case *ast.LiteralNode:
		w.out = object.AppendText(w.out, []byte(n.Value.Value))
	case *ast.StringNode:
		if n.Token.Type == token.SingleQuoteType || n.Token.Type == token.DoubleQuoteType {
			w.out = object.AppendText(w.out, []byte(n.Value))
		} else {
			w.out = appendPlain(w.out, n.Value)
		}
	default: // plain words that the parser took for something
		w.out = appendPlain(w.out, n.GetToken().Value)
	}
	return nil
}

// tagged takes the tags of the core schema that leave no choice; any other says nothing to JSON.
func (w *jsonWriter) tagged(n *ast.TagNode, depth int) error {
	if n.Start.Value == "!!str" && n.Value != nil {
		if scalar, ok := n.Value.(*ast.StringNode); ok {
			w.out = object.AppendText(w.out, []byte(scalar.Value))
			return nil
		}
		if _, ok := n.Value.(ast.ScalarNode); ok {
			w.out = object.AppendText(w.out, []byte(n.Value.GetToken().Value))
			return nil
		}
	}
	return w.value(n.Value, depth+1)
}

func (w *jsonWriter) members(values []*ast.MappingValueNode, depth int) error {
	w.out = append(w.out, '{')
	for i, m := range values {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if m.Key.IsMergeKey() {
			return errors.New("it merges objects by <<, which is not YAML 1.2")
		}
		name := m.Key.GetToken().Value
		if s, ok := m.Key.(*ast.StringNode); ok {
			name = s.Value
		}
		w.out = object.AppendText(w.out, []byte(name))
		w.out = append(w.out, ':')
		if err := w.member(name, m.Value, depth); err != nil {
			return err
		}
	}
	w.out = append(w.out, '}')
	return nil
}

// member writes the value of a member. Ids of digits, or of digits and an e, are no numbers.
func (w *jsonWriter) member(name string, value ast.Node, depth int) error {
	switch name {
	case "_id", "_key", "folder":
		switch value := value.(type) {
		case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode, *ast.BoolNode:
			w.out = object.AppendText(w.out, []byte(value.GetToken().Value))
			return nil
		case *ast.StringNode:
			w.out = object.AppendText(w.out, []byte(value.Value))
			return nil
		}
	}
	return w.value(value, depth+1)
}

var (
	jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	coreNumber = regexp.MustCompile(`^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`)
	coreOther  = regexp.MustCompile(`^(0o[0-7]+|0x[0-9a-fA-F]+)$`)
	coreNaN    = regexp.MustCompile(`^([-+]?(\.inf|\.Inf|\.INF)|\.nan|\.NaN|\.NAN)$`)
)

// appendPlain adds a word that stands without quotes. Numbers stay as they are written where JSON writes them so too.
func appendPlain(out []byte, word string) []byte {
	switch word {
	case "", "~", "null", "Null", "NULL":
		return append(out, "null"...)
	case "true", "True", "TRUE":
		return append(out, "true"...)
	case "false", "False", "FALSE":
		return append(out, "false"...)
	}
	switch {
	case jsonNumber.MatchString(word):
		return append(out, word...)
	case coreNumber.MatchString(word):
		if f, err := strconv.ParseFloat(word, 64); err == nil {
			return strconv.AppendFloat(out, f, 'g', -1, 64)
		}
	case coreOther.MatchString(word):
		if n, err := strconv.ParseUint(word, 0, 64); err == nil {
			return strconv.AppendUint(out, n, 10)
		}
	case coreNaN.MatchString(word):
		return append(out, "null"...) // as JSON has it
	}
	return object.AppendText(out, []byte(word))
}
