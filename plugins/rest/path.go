package rest

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// decode reads a document, its numbers as they are written.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// each calls with every value that a dotted path leads to, and the JSON Pointer to it. Lists are looked through.
func each(v any, path, pointer string, call func(v any, pointer string)) {
	if list, ok := v.([]any); ok {
		for i, item := range list {
			each(item, path, pointer+"/"+strconv.Itoa(i), call)
		}
		return
	}
	if path == "" {
		call(v, pointer)
		return
	}
	object, ok := v.(map[string]any)
	if !ok {
		return
	}
	name, rest, _ := strings.Cut(path, ".")
	if inner, ok := object[name]; ok {
		each(inner, rest, pointer+"/"+token(name), call)
	}
}

func token(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

// words are the texts and numbers at a path.
func words(v any, path string) (found []string) {
	each(v, path, "", func(v any, _ string) {
		if w := word(v); w != "" {
			found = append(found, w)
		}
	})
	return found
}

func word(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

// first is the first text or number at the first of the paths that has one.
func first(v any, paths ...string) string {
	for _, p := range paths {
		if found := words(v, p); len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

// without removes what a path leads to.
func without(v any, path string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			without(item, path)
		}
	case map[string]any:
		name, rest, deeper := strings.Cut(path, ".")
		if deeper {
			without(v[name], rest)
		} else {
			delete(v, name)
		}
	}
}

// inside is the value at a path of object members, as it is written; nil where there is none.
func inside(object map[string]json.RawMessage, path string) json.RawMessage {
	name, rest, deeper := strings.Cut(path, ".")
	text := object[name]
	if !deeper || text == nil {
		return text
	}
	var inner map[string]json.RawMessage
	_ = json.Unmarshal(text, &inner) // what is no object has nothing inside
	return inside(inner, rest)
}
