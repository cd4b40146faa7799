package foundry

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// references finds the assets and documents that a document refers to: in every string of it, whatever the system, so
// that flags of unknown modules count too.
type references struct {
	library *library
	root    root // that the document lies in
	record  *sdk.Record
	typ     string

	walk walker
	seen map[place]bool // assets already taken
}

// place is one reference at one place of a document.
type place struct{ pointer, ref string }

// Names of members whose value is for people to read, even where it looks like a file name.
var proseMembers = map[string]bool{"name": true, "label": true, "title": true, "_id": true, "_key": true, "type": true}

// find looks through all strings of a document, and hands out the members of the document on its way.
func (f *references) find(doc []byte, member func(name string, value []byte)) {
	f.seen = map[place]bool{}
	f.walk = walker{doc: doc, visit: f.text, member: member}
	f.walk.value(0)
}

// text looks at one string, as it is written.
func (f *references) text(quoted []byte) {
	if !f.worth(quoted) {
		return
	}
	s := unquote(quoted)
	if strings.ContainsAny(s, "<@") {
		f.prose(s)
	}
	if kind := classify(s); kind != "" && !proseMembers[f.walk.key()] {
		f.asset(s, kind, f.walk.pointer())
	}
	if isUUID(s) {
		f.link(sdk.Link{Pointer: f.walk.pointer(), Kind: uuidKind(f.walk.key()), Raw: s}, s)
	}
}

// worth says quickly that a string can hold no reference; most strings are short words.
func (f *references) worth(quoted []byte) bool {
	if len(quoted) < 6 {
		return false
	}
	for _, b := range quoted {
		if b == '.' || b == '@' || b == '<' || b == ':' || b == '\\' {
			return true
		}
	}
	return false
}

var sourceAttribute = regexp.MustCompile(`(?i)\b(?:src|poster|data-src|href)\s*=\s*(?:"([^"]*)"|'([^']*)')`)

// mayName says quickly whether sourceAttribute can match: most attributes of prose are classes and the like.
func mayName(s string) bool {
	for i := strings.IndexByte(s, '='); i >= 0; {
		before := strings.TrimRight(s[:i], "\t\n\f\r ")
		if before != "" && strings.IndexByte("crfCRF", before[len(before)-1]) >= 0 { // src, poster, href
			return true
		}
		next := strings.IndexByte(s[i+1:], '=')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// prose looks through HTML or text with Foundry's own marks in it.
func (f *references) prose(s string) {
	pointer := ""
	at := func() string {
		if pointer == "" {
			pointer = f.walk.pointer()
		}
		return pointer
	}
	if mayName(s) {
		for _, m := range sourceAttribute.FindAllStringSubmatch(s, -1) {
			ref := first(m[1], m[2])
			if kind := classify(ref); kind != "" {
				f.asset(ref, kind, at())
			}
		}
	}
	for rest := s; ; {
		i := strings.IndexByte(rest, '@')
		if i < 0 {
			return
		}
		rest = rest[i:]
		mark, target, label, length := enricher(rest)
		if length == 0 {
			rest = rest[1:]
			continue
		}
		f.marked(mark, target, label, rest[:length], at())
		rest = rest[length:]
	}
}

// What a mark is not longer than, and neither of its brackets. It bounds the search for the end of one that has none.
const (
	maxMark    = 32
	maxBracket = 1024
)

// enricher takes `@Mark[target]{label}` from the start of s, if it is one that leads to a document; others are the
// system's own business. Brackets nest. Length 0: it is none.
func enricher(s string) (mark, target, label string, length int) {
	open := strings.IndexByte(s[:min(len(s), maxMark+1)], '[')
	if open < 1 || !leads(s[1:open]) {
		return "", "", "", 0
	}
	end := closing(s, open, '[', ']')
	if end < 0 || strings.ContainsAny(s[open:end], "<>\n") {
		return "", "", "", 0
	}
	mark, target, length = s[1:open], s[open+1:end], end+1
	if length < len(s) && s[length] == '{' {
		if end := closing(s, length, '{', '}'); end > 0 {
			label, length = s[length+1:end], end+1
		}
	}
	return mark, target, label, length
}

// leads says whether a mark leads to a document.
func leads(mark string) bool {
	switch mark {
	case "UUID", "Embed", "Compendium", "PlaylistSound", "JournalEntryPage":
		return true
	}
	_, known := kinds[mark]
	return known
}

// closing returns the index of the bracket that closes the one at i, or -1.
func closing(s string, i int, open, shut byte) int {
	depth := 0
	for s = s[:min(len(s), i+maxBracket)]; i < len(s); i++ {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// marked takes a mark that leads to a document.
func (f *references) marked(mark, target, label, raw, pointer string) {
	l := sdk.Link{Pointer: pointer, Kind: "uuid", Raw: raw, Label: label}
	uuid := strings.TrimSpace(target)
	switch mark {
	case "UUID":
	case "Embed":
		l.Kind, uuid = "embed", embed(uuid)
	default: // before v10
		uuid = mark + "." + uuid
	}
	f.link(l, uuid)
}

// embed is the UUID in an @Embed, among options that are divided by spaces.
func embed(config string) (uuid string) {
	for word := range strings.FieldsSeq(config) {
		name, value, option := strings.Cut(word, "=")
		switch {
		case option && name == "uuid":
			return strings.Trim(value, `"'`)
		case !option && uuid == "" && strings.Contains(word, "."):
			uuid = word
		}
	}
	return uuid
}

// link adds a link to the document that uuid names.
func (f *references) link(l sdk.Link, uuid string) {
	uuid, l.Anchor, _ = strings.Cut(uuid, "#")
	l.Target, l.Part = f.target(uuid)
	f.record.Links = append(f.record.Links, l)
}

// target takes a UUID apart: the primary document, in the form of a record's id, and the place inside it.
func (f *references) target(uuid string) (id, part string) {
	parts := strings.Split(uuid, ".")
	switch {
	case parts[0] == "" && uuid != "": // relative: a part of this very document
		return f.record.ID, strings.TrimLeft(uuid, ".")
	case parts[0] == "Compendium":
		return f.inCompendium(parts)
	case len(parts) >= 2 && parts[1] != "":
		return parts[0] + "." + parts[1], strings.Join(parts[2:], ".")
	default:
		return "", ""
	}
}

// inCompendium is target for a UUID that begins with Compendium. Before v11 it was without the type of the document. Where
// an id belongs a name may stand, and that may have dots.
func (f *references) inCompendium(parts []string) (id, part string) {
	if len(parts) < 4 || slices.Contains(parts[:4], "") {
		return "", ""
	}
	if _, typed := kinds[parts[3]]; len(parts) > 4 && parts[4] != "" && (typed || isID(parts[4])) {
		return strings.Join(parts[:5], "."), strings.Join(parts[5:], ".")
	}
	typ := first(f.library.types[parts[1]+"."+parts[2]], "Document")
	return strings.Join([]string{"Compendium", parts[1], parts[2], typ, strings.Join(parts[3:], ".")}, "."), ""
}

// full is a UUID in the form of today.
func (f *references) full(uuid string) string {
	id, part := f.target(uuid)
	if part != "" {
		id += "." + part
	}
	return id
}

// drawn adds what the results of a table lead to that name a document by its collection and its id, as before v13.
func (f *references) drawn(results []byte) {
	var list []struct {
		Collection text `json:"documentCollection"`
		ID         text `json:"documentId"`
		UUID       text `json:"documentUuid"`
	}
	if f.typ == "RollTable" {
		_ = json.Unmarshal(results, &list) // what is of a surprising type stays empty
	}
	for i, r := range list {
		if r.Collection == "" || r.ID == "" || r.UUID != "" {
			continue
		}
		uuid := string(r.Collection + "." + r.ID)
		if strings.Contains(string(r.Collection), ".") {
			uuid = "Compendium." + uuid
		}
		f.link(sdk.Link{Pointer: fmt.Sprintf("/results/%d/documentId", i), Kind: "uuid", Raw: string(r.ID)}, uuid)
	}
}

// isUUID says whether a whole string is the UUID of a document.
func isUUID(s string) bool {
	if len(s) > 256 || strings.ContainsAny(s, " <>[]{}/") || strings.Contains(s, "..") {
		return false
	}
	parts := strings.Split(s, ".")
	if len(parts) < 2 {
		return false
	}
	if parts[0] == "Compendium" {
		return len(parts) >= 4 && parts[len(parts)-1] != ""
	}
	_, known := kinds[parts[0]]
	return known && len(parts)%2 == 0 && isID(parts[1])
}

// isID says whether s has the form of Foundry's ids.
func isID(s string) bool {
	if len(s) != 16 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

func uuidKind(key string) string {
	switch key {
	case "compendiumSource", "duplicateSource", "sourceId", "exportSource":
		return "derived"
	default:
		return "uuid"
	}
}

// asset adds a reference to a file, once for each place.
func (f *references) asset(ref, kind, pointer string) {
	here := place{pointer, ref}
	if f.seen[here] {
		return
	}
	f.seen[here] = true
	a := f.library.files.resolve(f.root, ref)
	a.Pointer, a.Role = pointer, role(f.typ, pointer, kind)
	f.record.Assets = append(f.record.Assets, a)
}
