package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	reflector "github.com/invopop/jsonschema"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

const schemaID = "https://github.com/seed-98789ff7/converter/config.schema.json"

// configSchema is the JSON Schema of a config file, made from the File struct.
func configSchema() ([]byte, error) {
	r := reflector.Reflector{DoNotReference: true, ExpandedStruct: true, Anonymous: true}
	s := r.Reflect(&File{})
	s.ID = schemaID
	s.Title = "converter config"
	return json.MarshalIndent(s, "", "  ")
}

// validate notes every way in which the value at pointer differs from a schema.
func (d *document) validate(schema []byte, pointer string, value any) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.UseLoader(noLoader{})
	if err := c.AddResource("schema.json", doc); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if wrong, ok := errors.AsType[*jsonschema.ValidationError](compiled.Validate(value)); ok {
		d.explain(wrong, doc, pointer)
		d.once()
	}
	return nil
}

// noLoader opens nothing: a schema is a plugin's word, and does not name files of this machine or of the net.
type noLoader struct{}

// Load refuses.
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s: a schema of options stands by itself", url)
}

// once drops the complaint that a field is missing where it is there under a misspelt name.
func (d *document) once() {
	meant := map[string]bool{}
	for _, m := range d.found {
		meant[m.means] = true
	}
	d.found = slices.DeleteFunc(d.found, func(m mistake) bool { return m.lacks != "" && meant[m.lacks] })
}

// explain turns the leaves of a validation error into mistakes.
func (d *document) explain(e *jsonschema.ValidationError, schema any, base string) {
	for _, cause := range e.Causes {
		d.explain(cause, schema, base)
	}
	if len(e.Causes) > 0 {
		return
	}
	pointer := join(base, e.InstanceLocation)
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		known := properties(schema, e.SchemaURL)
		for _, name := range k.Properties {
			d.unknown(pointer, name, known)
		}
	case *kind.Required:
		for _, name := range k.Missing {
			d.add(pointer, mistake{
				code: "config.missing_field", text: fmt.Sprintf("%s is missing in %s", quoted(name), where(pointer)),
				lacks: pointer + "/" + escapePointer(name),
			})
		}
	case *kind.Type:
		d.add(pointer, mistake{code: "config.wrong_type", text: fmt.Sprintf("%s is %s here, and has to be %s", where(pointer), k.Got, strings.Join(k.Want, " or "))})
	case *kind.Enum:
		d.choice(pointer, k)
	default:
		text := e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
		d.add(pointer, mistake{code: "config.wrong_value", text: where(pointer) + ": " + text})
	}
}

func join(pointer string, parts []string) string {
	var b strings.Builder
	b.WriteString(pointer)
	for _, part := range parts {
		b.WriteString("/" + escapePointer(part))
	}
	return b.String()
}

func (d *document) unknown(pointer, name string, known []string) {
	m := mistake{
		at: d.keys[pointer+"/"+escapePointer(name)], code: "config.unknown_field",
		text: fmt.Sprintf("unknown field %s in %s", quoted(name), where(pointer)),
	}
	if guess := nearest(name, known); guess != "" {
		m.hint = "did you mean " + quoted(guess) + "?"
		m.means = pointer + "/" + escapePointer(guess)
	} else if len(known) > 0 {
		m.hint = "known: " + strings.Join(known, ", ")
	}
	d.found = append(d.found, m)
}

func (d *document) choice(pointer string, k *kind.Enum) {
	words := make([]string, len(k.Want))
	for i, w := range k.Want {
		words[i] = fmt.Sprint(w)
	}
	m := mistake{code: "config.wrong_value", text: fmt.Sprintf("%s is %s, and has to be %s", where(pointer), quoted(fmt.Sprint(k.Got)), strings.Join(words, " or "))}
	if guess := nearest(fmt.Sprint(k.Got), words); guess != "" {
		m.hint = "did you mean " + quoted(guess) + "?"
	}
	d.add(pointer, m)
}

// properties lists the members that the schema at url allows.
func properties(schema any, url string) []string {
	_, fragment, _ := strings.Cut(url, "#")
	at := schema
	for part := range strings.SplitSeq(strings.Trim(fragment, "/"), "/") {
		if part == "" {
			continue
		}
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		switch node := at.(type) {
		case map[string]any:
			at = node[part]
		case []any:
			var i int
			if _, err := fmt.Sscan(part, &i); err != nil || i >= len(node) {
				return nil
			}
			at = node[i]
		}
	}
	object, _ := at.(map[string]any)
	members, _ := object["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(members))
}

// where names a place in the config as people write it: sources[0].options.
func where(pointer string) string {
	if pointer == "" {
		return "the config"
	}
	var b strings.Builder
	for part := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		part = strings.NewReplacer("~1", "/", "~0", "~").Replace(part)
		if part != "" && strings.Trim(part, "0123456789") == "" {
			b.WriteString("[" + part + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(part)
	}
	return b.String()
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }
