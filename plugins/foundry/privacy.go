package foundry

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// private are the collections whose documents are read only in a world, and only when world_collections names them: they hold
// accounts, keys, chat, and what single players have seen.
var private = []string{"users", "settings", "messages", "fog"}

// may says whether documents of a collection may be read from the pack.
func (p pack) may(collection string) bool {
	return !slices.Contains(private, collection) || collection == p.collection
}

const secretWord = "password"

func isSecret(name string) bool {
	return len(name) >= len(secretWord) && strings.EqualFold(name[:len(secretWord)], secretWord)
}

// withoutPasswords takes every member whose name begins with "password" out of a document that foundry/pack has proved to be
// JSON, whatever the config says: Foundry keeps the hashes of its users in such members, modules their own. The rest stays byte
// for byte. In settings, where values are JSON in a text, it looks into them too.
func withoutPasswords(collection string, doc []byte) []byte {
	if !mayHaveSecrets(doc) {
		return doc
	}
	r := redactor{doc: doc, settings: collection == "settings"}
	r.value(0)
	if !r.changed {
		return doc
	}
	return append(r.out, doc[r.kept:]...)
}

// mayHaveSecrets is quick, and right when it says no.
func mayHaveSecrets(doc []byte) bool {
	for rest := doc; ; {
		i := bytes.Index(rest, []byte("assword"))
		if i < 0 {
			break
		}
		if i > 0 && rest[i-1]|0x20 == 'p' {
			return true
		}
		rest = rest[i+1:]
	}
	return bytes.Contains(doc, []byte(`\u00`)) || bytes.Contains(bytes.ToLower(doc), []byte(secretWord))
}

// redactor copies a JSON text without some of its members.
type redactor struct {
	doc      []byte
	settings bool
	out      []byte
	kept     int // how much of doc is in out, or left out of it
	changed  bool
	walk     walker
}

// value goes through the value at i and returns the index behind it.
func (r *redactor) value(i int) int {
	r.walk.doc = r.doc
	i = r.walk.space(i)
	switch r.doc[i] {
	case '{':
		return r.object(i)
	case '[':
		for i = r.walk.space(i + 1); r.doc[i] != ']'; i = r.walk.next(i) {
			i = r.value(i)
		}
		return i + 1
	case '"':
		end := r.walk.quoted(i)
		if r.settings {
			r.text(i, end)
		}
		return end
	default:
		return r.walk.bare(i)
	}
}

// object leaves out members, each with the comma in front of it, or behind it when it is the first.
func (r *redactor) object(open int) int {
	secret := r.settings && r.secretSetting(open)
	first, behind := true, open+1 // where what was kept of the members ends
	i := r.walk.space(open + 1)
	for r.doc[i] != '}' {
		name := i
		end := r.walk.quoted(i)
		start := r.walk.space(r.walk.space(end) + 1)
		word := unquote(r.doc[name:end])
		if isSecret(word) || secret && word == "value" {
			w := walker{doc: r.doc}
			stop := w.value(start)
			next := w.next(stop)
			if first {
				r.drop(name, next)
			} else {
				r.drop(behind, stop)
			}
			if !first {
				behind = stop
			}
			i = next
			continue
		}
		behind = r.value(start)
		first = false
		i = r.walk.next(behind)
	}
	return i + 1
}

// drop leaves out doc[from:to].
func (r *redactor) drop(from, to int) {
	r.out = append(r.out, r.doc[min(r.kept, from):from]...)
	r.kept, r.changed = to, true
}

// secretSetting says whether the object at i is a setting that is called a password: "module.password".
func (r *redactor) secretSetting(i int) bool {
	if i != r.walk.space(0) {
		return false
	}
	secret := false
	members(r.doc[i:], func(name string, value []byte) {
		if name == "key" && value[0] == '"' {
			secret = slices.ContainsFunc(strings.Split(unquote(value), "."), isSecret)
		}
	})
	return secret
}

// text looks into a text that holds JSON.
func (r *redactor) text(i, end int) {
	inner := []byte(unquote(r.doc[i:end]))
	if trimmed := bytes.TrimSpace(inner); len(trimmed) == 0 || trimmed[0] != '{' && trimmed[0] != '[' || !shallowJSON(trimmed) {
		return
	}
	clean := redactor{doc: bytes.TrimSpace(inner)}
	clean.value(0)
	if !clean.changed {
		return
	}
	text, err := json.Marshal(string(append(clean.out, clean.doc[clean.kept:]...)))
	if err != nil {
		text = []byte(`""`)
	}
	r.drop(i, end)
	r.out = append(r.out, text...)
}

// shallowJSON says whether a text is JSON that may be walked through.
func shallowJSON(text []byte) bool {
	return json.Valid(text) && bytes.Count(text, []byte("["))+bytes.Count(text, []byte("{")) < 5000
}
