package foundry

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/enrich"
	"github.com/seed-98789ff7/converter/sdk"
)

// references finds the assets and documents that a document refers to: in every string of it, whatever the system, so
// that flags of unknown modules count too.
type references struct {
	library *library
	pack    pack // that the document lies in
	record  *sdk.Record
	typ     string

	texts *texts // what is for people to read; nil: nobody asks
	walk  walker
	seen  map[place]bool // assets already taken
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
	f.texts.take(quoted, &f.walk)
	if !f.worth(quoted) {
		return
	}
	s := unquote(quoted)
	if strings.ContainsAny(s, "<@&[") {
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
		if b == '.' || b == '@' || b == '<' || b == ':' || b == '\\' || b == '[' || b == '&' {
			return true
		}
	}
	return false
}

var sourceAttribute = regexp.MustCompile(`(?i)\b(?:src|poster|data-src|href|data-uuid)\s*=\s*(?:"([^"]*)"|'([^']*)')`)

// mayName says quickly whether sourceAttribute can match: most attributes of prose are classes and the like.
func mayName(s string) bool {
	for i := strings.IndexByte(s, '='); i >= 0; {
		before := strings.TrimRight(s[:i], "\t\n\f\r ")
		if before != "" && strings.IndexByte("crfdCRFD", before[len(before)-1]) >= 0 { // src, poster, href, data-uuid
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
			kind := classify(ref)
			switch {
			case kind != "":
				f.asset(ref, kind, at())
			case isUUID(ref):
				f.link(sdk.Link{Pointer: at(), Kind: "uuid", Raw: ref}, ref)
			case isAddress(ref):
				f.record.Links = append(f.record.Links, sdk.Link{Pointer: at(), Kind: "href", Raw: ref})
			}
		}
	}
	for _, m := range enrich.All(s) {
		f.marked(m, s[m.Start:m.End], at())
	}
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

// marked takes a mark, if it is one that leads to a document. Another may have one of ours in it.
func (f *references) marked(m enrich.Mark, raw, pointer string) {
	switch uuid, kind := f.library.leadsTo(m, f.pack); {
	case kind != "":
		f.link(sdk.Link{Pointer: pointer, Kind: kind, Raw: raw, Label: m.Label}, uuid)
	default:
		inside := m.Config
		for _, m := range enrich.All(inside) {
			if m.Sort == enrich.At {
				f.marked(m, inside[m.Start:m.End], pointer)
			}
		}
	}
}

// leadsTo is the UUID of the document that a mark leads to, and in which way; kind is empty when the mark does something else.
func (l *library) leadsTo(m enrich.Mark, from pack) (uuid, kind string) {
	switch {
	case m.Sort == enrich.At && m.Name == "UUID":
		return strings.TrimSpace(m.Config), "uuid"
	case m.Sort == enrich.At && m.Name == "Embed":
		return embed(m), "embed"
	case m.Sort == enrich.At && leads(m.Name): // before v10
		return m.Name + "." + strings.TrimSpace(m.Config), "uuid"
	case m.Sort == enrich.And:
		if rule, ok := l.rule(referenceWord(m), from); ok {
			return rule.uuid, "reference"
		}
	case m.Sort == enrich.Roll && m.Name == "item":
		words := m.Options().Words
		if len(words) > 0 { // else the item that the text is of
			if word := words[0]; strings.HasPrefix(word, ".") || isUUID(word) {
				return strings.Replace(word, ".", ".Item.", len(word)-len(strings.TrimLeft(word, "."))), "reference"
			}
		}
	}
	return "", ""
}

// referenceWord is what a mark &Reference refers to, in the words of its system.
func referenceWord(m enrich.Mark) string {
	o := m.Options()
	if len(o.Words) > 0 {
		return strings.Join(o.Words, " ")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Named)) {
		if name != "apply" && name != "tooltip" {
			return o.Named[name]
		}
	}
	return ""
}

// embed is the UUID in an @Embed.
func embed(m enrich.Mark) string {
	o := m.Options()
	if uuid := o.Named["uuid"]; uuid != "" {
		return uuid
	}
	for _, word := range o.Words {
		if strings.Contains(word, ".") {
			return word
		}
	}
	return ""
}

// link adds a link to the document that uuid names.
func (f *references) link(l sdk.Link, uuid string) {
	uuid, l.Anchor, _ = strings.Cut(uuid, "#")
	l.Target, l.Part = f.library.target(uuid, f.record.ID)
	f.record.Links = append(f.record.Links, l)
}

// target takes a UUID apart that stands in the record self: the primary document, in the form of a record's id, and the place
// inside it.
func (l *library) target(uuid, self string) (id, part string) {
	parts := strings.Split(uuid, ".")
	switch {
	case parts[0] == "" && uuid != "": // relative: a part of this very document
		return self, strings.TrimLeft(uuid, ".")
	case parts[0] == "Compendium":
		return l.inCompendium(parts)
	case len(parts) >= 2 && parts[1] != "":
		return divide(parts, 1)
	default:
		return "", ""
	}
}

// inCompendium is target for a UUID that begins with Compendium. Before v11 it was without the type of the document. Where
// an id belongs a name may stand, and that may have dots.
func (l *library) inCompendium(parts []string) (id, part string) {
	if len(parts) < 4 || slices.Contains(parts[:4], "") {
		return "", ""
	}
	if _, typed := kinds[parts[3]]; len(parts) > 4 && parts[4] != "" && (typed || isID(parts[4])) {
		return divide(parts, 4)
	}
	typ := first(l.types[parts[1]+"."+parts[2]], "Document")
	if isID(parts[3]) && len(parts) > 5 && embeddedTypes[parts[4]] {
		return strings.Join([]string{"Compendium", parts[1], parts[2], typ, parts[3]}, "."), strings.Join(parts[4:], ".")
	}
	return strings.Join([]string{"Compendium", parts[1], parts[2], typ, strings.Join(parts[3:], ".")}, "."), ""
}

// divide cuts behind the id or name at i: in front of the next type of embedded documents, where it is a name.
func divide(parts []string, i int) (id, part string) {
	for i++; i < len(parts) && !isID(parts[i-1]) && !embeddedTypes[parts[i]]; i++ {
	}
	return strings.Join(parts[:i], "."), strings.Join(parts[i:], ".")
}

// full is a UUID in the form of today.
func (l *library) full(uuid, self string) string {
	id, part := l.target(uuid, self)
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
	a := f.library.files.resolve(f.pack.pkg.root, ref)
	f.library.trail.referred(reference{f.pack.pkg.root.dir, ref}, a)
	a.Pointer, a.Role = pointer, role(f.typ, pointer, kind)
	f.record.Assets = append(f.record.Assets, a)
}
