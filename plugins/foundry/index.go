package foundry

import (
	"slices"
	"strings"

	packs "github.com/seed-98789ff7/converter/plugins/foundry/pack"
)

// index is what documents of one pack are called. It is made when a text has a link without words to a document of the pack.
type index struct {
	names map[string]string // by id; of a part of a document by id, dot and part
	rules []rule
}

// rule is a page that explains a word of the rules.
type rule struct{ uuid, name, word string }

// index returns that of a pack. A pack that cannot be read has no names; that is reported where it is read for itself.
func (l *library) index(p pack) *index {
	l.trail.looked(l, p.dir)
	if x := l.indexes[p.stream()]; x != nil {
		return x
	}
	x := &index{names: map[string]string{}}
	if l.indexes == nil {
		l.indexes = map[string]*index{}
	}
	l.indexes[p.stream()] = x
	opened, err := p.open()
	if err != nil {
		return x
	}
	defer func() { _ = opened.Close() }() // only read, and looked at for itself too
	for doc, err := range opened.Documents() {
		if err != nil {
			break
		}
		x.add(l, p, doc)
	}
	return x
}

func (x *index) add(l *library, p pack, doc packs.Document) {
	if slices.Contains(private, doc.Collection) {
		return
	}
	var d document
	members(doc.JSON, d.member)
	x.names[doc.ID] = string(d.name)
	typ := first(documentTypes[doc.Collection], p.typ, "Document")
	n := nest{reader: &reader{library: l, pack: p}}
	n.within(typ, doc.JSON, "", "", 0)
	for _, e := range n.list {
		x.names[doc.ID+"."+e.Part] = e.Name
		if e.NativeType == "JournalEntryPage/rule" {
			x.rules = append(x.rules, rule{uuid: p.uuid(typ, doc.ID) + "." + e.Part, name: e.Name, word: bare(e.Name)})
		}
	}
}

// name is what the document or part of one is called that a target leads to; empty when that is not known.
func (l *library) name(from pack, target, part string) string {
	parts := strings.Split(target, ".")
	id := parts[len(parts)-1]
	i := slices.IndexFunc(l.packs, func(p pack) bool {
		if parts[0] == "Compendium" && len(parts) >= 5 {
			return p.collection == "" && p.pkg.owner() == parts[1] && p.name == parts[2]
		}
		return p.collection != "" && p.typ == parts[0] && p.pkg.scope() == from.pkg.scope()
	})
	if i < 0 {
		return ""
	}
	if part != "" {
		id += "." + part
	}
	return l.index(l.packs[i]).names[id]
}

// rule is the page that explains a word of the rules of a pack: one of the same pack before one of the same edition, and
// that before any other.
func (l *library) rule(word string, from pack) (found rule, ok bool) {
	word = bare(word)
	best := 0
	for _, p := range l.packs {
		if p.typ != "JournalEntry" || p.system != from.system || p.system == "" || word == "" {
			continue
		}
		for _, r := range l.index(p).rules {
			score := 1
			switch {
			case r.word != word:
				continue
			case p.stream() == from.stream():
				score = 3
			case edition(p.name) == edition(from.name):
				score = 2
			}
			if score > best {
				best, found = score, r
			}
		}
	}
	return found, best > 0
}

// bare is a word without what people write in different ways.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r == ' ' || r == '-' || r == '_' || r == '\'' || r == '’' || r == '[' || r == ']':
			return -1
		}
		return r
	}, s)
}

// edition is what tells the packs of one edition from those of another, when a package has both: journals do not say which
// they are of, and people put a number behind the names of packs, as in monsters and monsters24.
func edition(pack string) string { return pack[len(strings.TrimRight(pack, "0123456789")):] }
