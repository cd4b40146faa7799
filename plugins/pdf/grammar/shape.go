package grammar

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

var (
	grammarName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	fieldName   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// The group of the pattern of a name that is the name itself.
const nameGroup = "name"

// The form of the files that this package reads.
const form = 1

func (r *reader) grammar(n ast.Node) *Grammar {
	t := r.table(n, "", "grammar", "form", "title", "entities")
	g := &Grammar{Name: t.text("grammar", ""), Title: t.text("title", "")}
	t.need("grammar", "the name of the grammar, as dnd5e")
	if g.Name != "" && !grammarName.MatchString(g.Name) {
		r.wrong(t.members["grammar"], "grammar", "is %q; it has to be small letters and digits, with single hyphens between", g.Name)
	}
	t.need("form", "the form of the file, which is 1")
	t.whole("form", form, form)
	t.need("entities", "a list of what the grammar recognises")
	for i, n := range t.list("entities", false) {
		s := r.shape(n, t.item("entities", i))
		s.grammar = g.Name
		g.Entities = append(g.Entities, s)
	}
	return g
}

func (r *reader) shape(n ast.Node, path string) *Shape {
	t := r.table(n, path, "kind", "content", "anchor", "require", "name", "intro", "separator", "fields", "sections", "ends", "confidence")
	s := &Shape{
		Kind:    t.text("kind", ""),
		Content: Content(t.oneOf("content", string(StatBlock), string(StatBlock), string(Spell), string(Item))),
	}
	t.need("kind", "what such an entity is, as monster")
	if s.Kind != "" && !grammarName.MatchString(s.Kind) {
		r.wrong(t.members["kind"], join(path, "kind"), "is %q; it has to be small letters and digits, with single hyphens between", s.Kind)
	}
	t.need("anchor", "the line by which an entity is found")
	for i, n := range t.list("anchor", true) {
		s.Anchors = append(s.Anchors, r.anchor(n, t.item("anchor", i)))
	}
	for i, n := range t.list("require", true) {
		p := t.item("require", i)
		m := r.table(n, p, "pattern", "within")
		m.need("pattern", "what has to stand near the anchor")
		s.Require = append(s.Require, Near{m.pattern("pattern", nil), m.whole("within", 3, 100)})
	}
	s.Name = r.name(t)
	if t.has("intro") {
		m := r.table(t.members["intro"], join(path, "intro"), "pattern", "values")
		m.need("pattern", "what stands between the name and the fields")
		s.Intro = &Intro{Pattern: m.pattern("pattern", nil)}
		s.Intro.Values = r.values(m, s.Intro.Pattern)
	}
	s.Separator = t.pattern("separator", func(p string) string { return `^(?:` + p + `)` })
	for i, n := range t.list("fields", false) {
		s.Fields = append(s.Fields, r.field(n, t.item("fields", i)))
	}
	s.Sections = r.sections(t)
	r.ends(t, s)
	r.confidence(t, s)
	r.shapeAsWhole(t, s)
	return s
}

func (r *reader) anchor(n ast.Node, path string) Anchor {
	t := r.table(n, path, "pattern", "lines", "style", "values", "set")
	t.need("pattern", "what the line looks like")
	a := Anchor{Pattern: t.pattern("pattern", nil), Lines: t.whole("lines", 1, 10), Set: map[string]any{}}
	a.Italic = t.oneOf("style", "", "italic") == "italic"
	a.Values = r.values(t, a.Pattern)
	if !t.has("set") {
		return a
	}
	set := r.table(t.members["set"], join(path, "set"))
	for _, name := range slices.Sorted(maps.Keys(set.members)) {
		at := join(set.path, name)
		r.fieldName(set.members[name], at, name)
		switch n := set.members[name].(type) {
		case *ast.StringNode:
			a.Set[name] = n.Value
		case *ast.BoolNode:
			a.Set[name] = n.Value
		case *ast.IntegerNode:
			a.Set[name] = int(set.number(name, 0, -1e9, 1e9))
		case *ast.FloatNode:
			a.Set[name] = n.Value
		default:
			r.wrong(set.members[name], at, "has to be a text, a number, true or false")
		}
	}
	return a
}

func (r *reader) name(t mapping) Name {
	if !t.has("name") {
		return Name{Within: 3}
	}
	m := r.table(t.members["name"], join(t.path, "name"), "within", "group", "bold", "remove", "pattern", "values")
	n := Name{Within: m.whole("within", 3, 50), Group: m.text("group", ""), Bold: m.yes("bold"), Remove: m.pattern("remove", nil), Pattern: m.pattern("pattern", nil)}
	n.Values = r.values(m, n.Pattern)
	if n.Pattern != nil && !slices.Contains(n.Pattern.SubexpNames(), nameGroup) {
		r.wrong(m.members["pattern"], join(m.path, "pattern"), "has no group (?P<name>…), which is the name")
	}
	return n
}

func (r *reader) field(n ast.Node, path string) *Field {
	t := r.table(n, path, append([]string{"name", "key", "pattern", "values", "wrap", "required", "repeat"}, valueMembers...)...)
	t.need("key", "with what the line of the field begins")
	f := &Field{
		Name: t.text("name", ""), Key: t.pattern("key", keyPattern), Pattern: t.pattern("pattern", nil),
		Wrap:     Wrap(t.oneOf("wrap", string(WrapParagraph), string(WrapParagraph), string(WrapOpen), string(WrapNever))),
		Required: t.yes("required"), Repeat: t.yes("repeat"),
	}
	if f.Key != nil {
		f.Key.Longest()
	}
	if f.Key != nil && f.Key.MatchString("") {
		r.wrong(t.members["key"], join(path, "key"), "matches nothing at all, and so every line")
	}
	switch {
	case t.has("values") || f.Pattern != nil && !t.has("name"):
		if t.has("type") {
			r.wrong(t.members["type"], join(path, "type"), "is given to each of the values; there are values here")
		}
		f.Values = r.values(t, f.Pattern)
		if f.Name == "" && f.Pattern != nil {
			f.Name = firstGroup(f.Pattern)
		}
		if len(f.Values) == 0 {
			r.wrong(t.members["pattern"], join(path, "pattern"), "has no group with a name, (?P<name>…), so that nothing is made of it")
		}
		if f.Pattern == nil {
			r.wrong(t.members["values"], join(path, "values"), "need a pattern whose groups have their names; for a single value, write name and type")
		}
	case t.has("name"):
		r.fieldName(t.members["name"], join(path, "name"), f.Name)
		f.Values = map[string]*Value{f.Name: r.value(t)}
		if f.Pattern != nil && !slices.Contains(f.Pattern.SubexpNames(), f.Name) {
			r.wrong(t.members["pattern"], join(path, "pattern"), "has no group (?P<%s>…), which is the name of the field", f.Name)
		}
	default:
		t.need("name", "how the field is called in what is made of it; or a pattern whose groups have names, where it has several")
	}
	return f
}

func (r *reader) fieldName(at ast.Node, path, name string) {
	if name != "" && !fieldName.MatchString(name) {
		r.wrong(at, path, "is %q; names of fields are small letters, digits and underscores, as armor_class", name)
	}
}

// values reads what the groups of a pattern are. Those that are not named there are text.
func (r *reader) values(t mapping, pattern *Pattern) map[string]*Value {
	values := map[string]*Value{}
	if pattern != nil {
		for _, group := range pattern.SubexpNames() {
			if group != "" {
				r.fieldName(t.members["pattern"], join(t.path, "pattern"), group)
				values[group] = &Value{Type: Text}
			}
		}
	}
	if !t.has("values") {
		return values
	}
	m := r.table(t.members["values"], join(t.path, "values"))
	for _, name := range slices.Sorted(maps.Keys(m.members)) {
		at := m.members[name]
		path := join(m.path, name)
		if pattern != nil && values[name] == nil {
			r.wrong(at, path, "is no group of the pattern; its groups are %s", groups(pattern))
		}
		if kind, ok := r.text(at); ok {
			v := &Value{Type: Type(kind)}
			r.checkType(at, path, v.Type)
			r.checkValue(at, path, v)
			values[name] = v
			continue
		}
		values[name] = r.value(r.table(at, path, valueMembers...))
	}
	return values
}

func firstGroup(p *Pattern) string {
	for _, name := range p.SubexpNames() {
		if name != "" {
			return name
		}
	}
	return ""
}

func groups(p *Pattern) string {
	names := slices.DeleteFunc(p.SubexpNames(), func(s string) bool { return s == "" })
	if len(names) == 0 {
		return "none: a group with a name is written (?P<name>…)"
	}
	return strings.Join(names, ", ")
}

func (r *reader) sections(t mapping) []*Section {
	var sections []*Section
	for i, n := range t.list("sections", false) {
		path := t.item("sections", i)
		m := r.table(n, path, "name", "title", "inline", "entries", "intro")
		m.need("name", "how the section is called in what is made of it")
		s := &Section{
			Name:    m.text("name", ""),
			Title:   m.pattern("title", func(p string) string { return `(?i)^(?:` + strings.ReplaceAll(p, " ", `\s*`) + `)` }),
			Inline:  m.yes("inline"),
			Entries: m.yes("entries"),
		}
		s.Intro = m.text("intro", s.Name+"_desc")
		r.fieldName(m.members["name"], join(path, "name"), s.Name)
		r.fieldName(m.members["intro"], join(path, "intro"), m.text("intro", ""))
		if s.Title == nil && !m.has("title") && i > 0 {
			r.wrong(n, join(path, "title"), "is missing: only the first section begins where the fields end")
		}
		sections = append(sections, s)
	}
	return sections
}

func (r *reader) ends(t mapping, s *Shape) {
	s.EndHeading = EndSame
	if !t.has("ends") {
		return
	}
	m := r.table(t.members["ends"], join(t.path, "ends"), "heading", "pattern", "font")
	s.EndHeading = EndHeading(m.oneOf("heading", string(EndSame), string(EndSame), string(EndAny)))
	s.EndFont = m.yes("font")
	for i, n := range m.list("pattern", true) {
		text, ok := r.text(n)
		if !ok {
			r.wrong(n, m.item("pattern", i), "has to be a text")
			continue
		}
		if p := r.pattern(n, m.item("pattern", i), text, nil); p != nil {
			s.EndAt = append(s.EndAt, p)
		}
	}
}

func (r *reader) confidence(t mapping, s *Shape) {
	s.Confidence = Confidence{Missing: 0.15, Unread: 0.1, Least: 0.5}
	if !t.has("confidence") {
		return
	}
	m := r.table(t.members["confidence"], join(t.path, "confidence"), "missing", "unread", "least")
	s.Confidence = Confidence{m.number("missing", 0.15, 0, 1), m.number("unread", 0.1, 0, 1), m.number("least", 0.5, 0, 1)}
}

// shapeAsWhole finds what is wrong only where parts of a shape are seen together.
func (r *reader) shapeAsWhole(t mapping, s *Shape) {
	if s.Name.Group != "" && !slices.ContainsFunc(s.Anchors, func(a Anchor) bool {
		return a.Pattern == nil || slices.Contains(a.Pattern.SubexpNames(), s.Name.Group)
	}) {
		r.wrong(t.members["name"], join(t.path, "name.group"), "is %q, which is a group of no anchor", s.Name.Group)
	}
	seen := map[string]bool{"name": true}
	for i, f := range s.Fields {
		for name := range f.Values {
			if seen[name] && name != "" {
				r.wrong(t.members["fields"], t.item("fields", i), "makes the field %q, which another one makes already (name is the name of the entity)", name)
			}
			seen[name] = true
		}
	}
	// Sections may have one name: what they hold is put together.
	for i, c := range s.Sections {
		if seen[c.Name] && c.Name != "" {
			r.wrong(t.members["sections"], t.item("sections", i), "makes the field %q, which a field makes already", c.Name)
		}
	}
}
