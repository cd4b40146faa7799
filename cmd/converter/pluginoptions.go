package main

import (
	"encoding/json"
	"fmt"
	"strings"

	reflector "github.com/invopop/jsonschema"
)

// option is a row of the table of a plugin's options.
type option struct {
	name    string // options inside of options are written a.b, those in lists a[].b
	kind    string
	preset  string // its default, or that it is required
	meaning string
}

const (
	required = "required"
	// deepest is how far options are looked into. A schema may contain itself.
	deepest = 4
)

// optionsOf makes a table of a JSON Schema. What it does not understand, or what is none, has no rows: the plugin is told
// of in the rest of the page all the same.
func optionsOf(schema json.RawMessage) []option {
	root := new(reflector.Schema)
	if len(schema) == 0 || json.Unmarshal(schema, root) != nil {
		return nil
	}
	return table{root.Definitions}.rows("", root, 0)
}

// table knows what a schema refers to.
type table struct{ definitions reflector.Definitions }

func (t table) rows(prefix string, object *reflector.Schema, depth int) []option {
	object = t.follow(object)
	if object.Properties == nil || depth == deepest {
		return nil
	}
	must := map[string]bool{}
	for _, name := range object.Required {
		must[name] = true
	}
	var rows []option
	for pair := object.Properties.Oldest(); pair != nil; pair = pair.Next() {
		s := t.follow(pair.Value)
		o := option{name: prefix + pair.Key, kind: t.kind(s, 0), meaning: meaning(pair.Value, s)}
		switch {
		case s.Default != nil:
			o.preset = value(s.Default)
		case must[pair.Key]:
			o.preset = required
		}
		rows = append(rows, o)
		if inner, mark := t.inner(s); inner != nil {
			rows = append(rows, t.rows(o.name+mark+".", inner, depth+1)...)
		}
	}
	return rows
}

// follow returns what a schema refers to, within the same document.
func (t table) follow(s *reflector.Schema) *reflector.Schema {
	for range deepest {
		name, ok := strings.CutPrefix(s.Ref, "#/$defs/")
		target := t.definitions[name]
		if !ok || target == nil {
			break
		}
		s = target
	}
	return s
}

// inner is the schema of what is inside an option.
func (t table) inner(s *reflector.Schema) (inner *reflector.Schema, mark string) {
	switch {
	case s.Properties != nil && s.Properties.Len() > 0:
		return s, ""
	case s.Items != nil:
		return s.Items, "[]"
	}
	return nil, ""
}

func (t table) kind(s *reflector.Schema, depth int) string {
	s = t.follow(s)
	switch {
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, e := range s.Enum {
			words[i] = value(e)
		}
		return strings.Join(words, " or ")
	case s.Type == "array" && s.Items != nil && depth < deepest:
		return "list of " + t.kind(s.Items, depth+1)
	case s.WriteOnly:
		return strings.TrimSpace("secret " + s.Type)
	case len(s.OneOf) > 0 && depth < deepest:
		kinds := make([]string, len(s.OneOf))
		for i, one := range s.OneOf {
			kinds[i] = t.kind(one, depth+1)
		}
		return strings.Join(kinds, " or ")
	case s.Type == "":
		return "anything"
	}
	return s.Type + bounds(s)
}

func bounds(s *reflector.Schema) string {
	switch low, high := s.Minimum.String(), s.Maximum.String(); {
	case low != "" && high != "":
		return fmt.Sprintf(", %s to %s", low, high)
	case low != "":
		return fmt.Sprintf(", at least %s", low)
	case high != "":
		return fmt.Sprintf(", at most %s", high)
	}
	return ""
}

// meaning is what is said at the place, or else at what it refers to.
func meaning(at, target *reflector.Schema) string {
	for _, s := range []*reflector.Schema{at, target} {
		switch {
		case s.Description != "":
			return s.Description
		case s.Title != "":
			return s.Title
		}
	}
	return ""
}

// value writes a value as it would stand in a config.
func value(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
