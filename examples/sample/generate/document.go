package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
)

// A document is one file of a source tree: a primary document with everything it holds, keys in the order they were written.
type document struct {
	file string
	body yaml.MapSlice
}

// An entry is one key and value of a pack.
type entry struct {
	key   string
	value []byte
}

// embedded names, for each collection, the fields whose documents a pack stores under keys of their own.
// A field with single set holds one document, the others a list.
var embedded = map[string][]struct {
	field  string
	single bool
}{
	"actors":  {{"items", false}, {"effects", false}},
	"items":   {{"effects", false}},
	"delta":   {{"items", false}, {"effects", false}},
	"journal": {{"pages", false}, {"categories", false}},
	"tables":  {{"results", false}},
	"tokens":  {{"delta", true}},
	"regions": {{"behaviors", false}},
	"scenes": {
		{"drawings", false},
		{"tokens", false},
		{"lights", false},
		{"notes", false},
		{"regions", false},
		{"sounds", false},
		{"templates", false},
		{"tiles", false},
		{"walls", false},
	},
}

var identifier = regexp.MustCompile(`^[A-Za-z0-9]{16}$`)

// readPack reads the documents of one pack's folder, in the order of their file names.
func readPack(tree fs.FS, dir string) ([]document, error) {
	files, err := fs.Glob(tree, path.Join(dir, "*.yaml"))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	out := make([]document, 0, len(files))
	for _, file := range files {
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, err
		}
		var body yaml.MapSlice
		if err := yaml.UnmarshalWithOptions(text, &body, yaml.UseOrderedMap()); err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		out = append(out, document{file: file, body: body})
	}
	return out, nil
}

// entries splits documents into what a pack stores, sorted by key.
func entries(documents []document) ([]entry, error) {
	var out []entry
	for _, d := range documents {
		collection, err := primary(d.body)
		if err == nil {
			err = split(d.body, []string{collection}, nil, func(e entry) { out = append(out, e) })
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.file, err)
		}
	}
	slices.SortFunc(out, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	for i := 1; i < len(out); i++ {
		if out[i].key == out[i-1].key {
			return nil, fmt.Errorf("the key %s stands in two places", out[i].key)
		}
	}
	return out, nil
}

// primary is the collection that the key of a whole file names: the part between the two exclamation marks.
func primary(body yaml.MapSlice) (string, error) {
	key, _ := member(body, "_key").(string)
	parts := strings.Split(key, "!")
	if len(parts) != 3 || parts[0] != "" || parts[1] == "" || strings.Contains(parts[1], ".") {
		return "", fmt.Errorf("_key %q is not the key of a primary document, such as !items!0123456789abcdef", key)
	}
	return parts[1], nil
}

// split hands on the entries of the documents inside body, and then of body itself with their ids in their place.
func split(body yaml.MapSlice, collections, ids []string, emit func(entry)) error {
	id, _ := member(body, "_id").(string)
	if !identifier.MatchString(id) {
		return fmt.Errorf("_id %q in %s is not 16 letters and digits", id, strings.Join(collections, "."))
	}
	ids = append(slices.Clone(ids), id)
	key := "!" + strings.Join(collections, ".") + "!" + strings.Join(ids, ".")
	if written, _ := member(body, "_key").(string); written != key {
		return fmt.Errorf("_key %q should be %q", written, key)
	}
	stored := make(yaml.MapSlice, 0, len(body))
	for _, m := range body {
		if m.Key == "_key" {
			continue
		}
		name := fmt.Sprint(m.Key)
		for _, e := range embedded[collections[len(collections)-1]] {
			if e.field != name {
				continue
			}
			inside, err := children(m.Value, e.single, append(slices.Clone(collections), name), ids, emit)
			if err != nil {
				return err
			}
			m.Value = inside
		}
		stored = append(stored, m)
	}
	var text bytes.Buffer
	if err := writeJSON(&text, stored); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	emit(entry{key: key, value: text.Bytes()})
	return nil
}

// children splits the documents of one field and returns their ids, which the parent keeps.
func children(value any, single bool, collections, ids []string, emit func(entry)) (any, error) {
	if single && value == nil {
		return nil, nil
	}
	list, ok := value.([]any)
	if single {
		list, ok = []any{value}, true
	}
	if !ok {
		return nil, fmt.Errorf("%s is not a list of documents", strings.Join(collections, "."))
	}
	found := make([]any, 0, len(list))
	for _, item := range list {
		body, ok := item.(yaml.MapSlice)
		if !ok {
			return nil, fmt.Errorf("%s holds something that is not a document", strings.Join(collections, "."))
		}
		if err := split(body, collections, ids, emit); err != nil {
			return nil, err
		}
		found = append(found, member(body, "_id"))
	}
	if single {
		return found[0], nil
	}
	return found, nil
}

func member(body yaml.MapSlice, name string) any {
	for _, m := range body {
		if m.Key == name {
			return m.Value
		}
	}
	return nil
}

// writeJSON writes what YAML gave, keeping the order of keys and leaving < and & in texts as they are.
func writeJSON(out *bytes.Buffer, value any) error {
	switch v := value.(type) {
	case yaml.MapSlice:
		out.WriteByte('{')
		for i, m := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeScalar(out, fmt.Sprint(m.Key)); err != nil {
				return err
			}
			out.WriteByte(':')
			if err := writeJSON(out, m.Value); err != nil {
				return err
			}
		}
		out.WriteByte('}')
	case []any:
		out.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				out.WriteByte(',')
			}
			if err := writeJSON(out, item); err != nil {
				return err
			}
		}
		out.WriteByte(']')
	default:
		return writeScalar(out, v)
	}
	return nil
}

func writeScalar(out *bytes.Buffer, value any) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	out.Truncate(out.Len() - 1) // the line feed that Encode adds
	return nil
}
