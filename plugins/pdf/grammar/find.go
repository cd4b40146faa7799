package grammar

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
)

// Entity is a piece of game content.
type Entity struct {
	Kind       string
	Name       string
	Grammar    string
	Content    Content
	Fields     map[string]any // string, int, float64, bool, []string, map[string]any, []Entry, []any
	Section    []string       // titles of the headings above it
	Page       int
	PageEnd    int
	Places     []layout.Place
	Raw        string // as it is set, line by line
	Text       string // Markdown
	Confidence float64
	Warnings   []string
	From, To   int   // its blocks in the book of the result, To excluded
	Cuts       []int // of these blocks, the ones with which a section or an entry begins
}

// Entry is a trait, an action, or another part of an entity that has a name.
type Entry struct {
	Name string `json:"name"`
	Desc string `json:"desc"`
}

// Unread is what looks like an entity and is none: its anchor and what is required near it are there, and too much of the rest is
// not.
type Unread struct {
	Grammar  string
	Kind     string
	Name     string       // empty: none was found
	Line     string       // the first one, as it is set
	Place    layout.Place // of that line
	Missing  []string     // names of required fields that are not there
	Warnings []string
}

// Why says in words why it could not be read.
func (u *Unread) Why() string {
	switch {
	case u.Name == "":
		return "no name stands above it"
	case len(u.Missing) > 0:
		return "it lacks " + strings.ReplaceAll(strings.Join(u.Missing, ", "), "_", " ")
	case len(u.Warnings) > 0:
		return "too much of it is not understood"
	default:
		return "another entry begins in the midst of it"
	}
}

// Result is what was found in a book.
type Result struct {
	Book     layout.Book // the blocks in which entities begin or end are divided there
	Entities []Entity    // in the order of the book
	Unread   []Unread
}

// Find reads a book by grammars. Where two of them read the same text, the one that is surer has it, then the first one.
func Find(book layout.Book, grammars []*Grammar) Result {
	f := &finder{book: &book, lines: lines(&book)}
	var found, nameless []*candidate
	for _, g := range grammars {
		for _, s := range g.Entities {
			named, others := f.candidates(s)
			found, nameless = append(found, named...), append(nameless, others...)
		}
	}
	kept, dropped := f.settle(found)
	return f.result(kept, f.unread(kept, dropped, nameless))
}

type finder struct {
	book  *layout.Book
	lines []line
}

// candidate is a text that may be an entity. Its numbers are lines.
type candidate struct {
	shape          *Shape
	anchor         *Anchor
	match          []string // the anchor's groups
	name           string
	nameMatch      []string // the groups of the name's pattern
	level          int      // of the heading it is under; -1: none
	from           int      // the first line of its name
	body           int      // the first line behind the name
	anchorAt       int
	anchorEnd      int
	end            int
	rest           int // byte in line body where the text behind the name begins
	read           reading
	confidence     float64
	anchorIsField  bool
	headingIsAbove bool
}

// candidates returns everything that an anchor of a shape is found in; and apart what has no name and can only be told of.
func (f *finder) candidates(s *Shape) (found, nameless []*candidate) {
	for i := range f.lines {
		for k := range s.Anchors {
			c := f.anchored(s, &s.Anchors[k], i)
			if c == nil {
				continue
			}
			named := f.named(c)
			if !named {
				c.from, c.body = i, i
			}
			if !f.required(c) {
				continue
			}
			if !named {
				if len(s.Require) > 0 { // an anchor alone may be a line of any text
					nameless = append(nameless, c)
				}
				continue
			}
			// The anchor may stand there twice, as words in the text of an entity.
			if n := len(found); n == 0 || found[n-1].from != c.from {
				found = append(found, c)
			}
			break
		}
	}
	return found, nameless
}

func (f *finder) anchored(s *Shape, a *Anchor, i int) *candidate {
	first := &f.lines[i]
	if !a.Pattern.mayBegin(first.text) {
		return nil
	}
	if a.Italic && !first.italic() || first.kind == layout.Heading && a.Pattern.SubexpIndex(s.Name.Group) < 0 {
		return nil
	}
	var c *candidate
	text := ""
	for n := 0; n < a.Lines && i+n < len(f.lines); n++ {
		l := &f.lines[i+n]
		if n > 0 && l.kind == layout.Heading {
			break
		}
		text = f.joined(text, i+n)
		if m := a.Pattern.FindStringSubmatch(text); m != nil {
			c = &candidate{shape: s, anchor: a, match: m, anchorAt: i, anchorEnd: i + n + 1, level: -1}
		} else if c != nil {
			break
		}
	}
	if c != nil {
		_, _, c.anchorIsField = s.key(first.text)
	}
	return c
}

// named finds the name of a candidate, or says that there is none.
func (f *finder) named(c *candidate) bool {
	n := &c.shape.Name
	if group := c.anchor.Pattern.SubexpIndex(n.Group); n.Group != "" && group >= 0 && c.match[group] != "" {
		c.from, c.body = c.anchorAt, c.anchorAt
		at := c.anchor.Pattern.FindStringSubmatchIndex(f.lines[c.anchorAt].text)
		for i := 3; i < len(at); i += 2 {
			c.rest = max(c.rest, at[i])
		}
		return c.call(c.match[group])
	}
	for i := c.anchorAt - 1; i >= 0 && i >= c.anchorAt-1-n.Within; i-- {
		l := &f.lines[i]
		if c.shape.title(l) {
			return false
		}
		if l.kind == layout.Heading {
			c.level, c.headingIsAbove = l.level, true
			c.from, c.body = i-l.at, i+1
			return c.call(f.prose(c.from, c.body))
		}
		if n.Bold && l.bold() && c.shape.mayName(l.text) {
			c.from, c.body = i, i+1
			for i-c.from < 3 && f.lines[c.from].at > 0 && f.lines[c.from-1].bold() { // the name wraps
				c.from--
			}
			return c.call(f.prose(c.from, c.body))
		}
	}
	return false
}

// mayName reports whether a line in bold may be a name.
func (s *Shape) mayName(text string) bool {
	_, _, isKey := s.key(text)
	return !isKey && len(text) < 80 && !s.labels(text)
}

// labels reports whether a text has nothing but labels and scores of abilities.
func (s *Shape) labels(text string) bool {
	return slices.ContainsFunc(s.Fields, func(f *Field) bool {
		v := f.scores()
		return v != nil && v.fits(text)
	})
}

// call gives a candidate its name.
func (c *candidate) call(name string) bool {
	n := &c.shape.Name
	if n.Remove != nil {
		name = n.Remove.ReplaceAllString(name, "")
	}
	if n.Pattern != nil {
		if c.nameMatch = n.Pattern.FindStringSubmatch(name); c.nameMatch != nil {
			name = c.nameMatch[n.Pattern.SubexpIndex(nameGroup)]
		}
	}
	c.name = strings.Trim(calm(name), " .:,")
	return c.name != ""
}

func (f *finder) required(c *candidate) bool {
	for _, near := range c.shape.Require {
		from, to := max(c.body, c.anchorAt-near.Within), min(len(f.lines), c.anchorEnd+near.Within)
		if !slices.ContainsFunc(f.lines[from:to], func(l line) bool { return near.Pattern.MatchString(l.text) }) {
			return false
		}
	}
	return true
}

// What is left out makes room for what is in front of it, which is read again; not for ever.
const mostPasses = 8

// settle reads the candidates, and leaves out those that are not sure enough or that a surer one has the text of.
func (f *finder) settle(found []*candidate) (kept, dropped []*candidate) {
	for range mostPasses {
		slices.SortStableFunc(found, func(a, b *candidate) int { return cmp.Compare(a.from, b.from) })
		for i, c := range found {
			c.end = len(f.lines)
			for _, next := range found[i+1:] {
				if next.from > c.from {
					c.end = next.from
					break
				}
			}
			c.end = f.end(c)
			c.read = f.read(c)
			c.confidence = c.read.confidence(c.shape.Confidence)
		}
		kept = nil
		again := false
		for _, c := range found {
			switch n := len(kept); {
			case c.confidence < c.shape.Confidence.Least || c.end <= c.anchorAt:
				dropped = append(dropped, c)
				again = true
			case n > 0 && kept[n-1].from == c.from:
				if c.confidence > kept[n-1].confidence {
					kept[n-1] = c
				}
			default:
				kept = append(kept, c)
			}
		}
		if !again {
			return kept, dropped
		}
		found = kept
	}
	return kept, dropped
}

// unread is what of the candidates that were left out is worth being told of, in the order of the book: not what is a part of an
// entity that was read. Of those with one anchor, the surest.
func (f *finder) unread(kept, dropped, nameless []*candidate) (list []Unread) {
	left := slices.DeleteFunc(dropped, func(c *candidate) bool {
		return slices.ContainsFunc(kept, func(k *candidate) bool { return k.has(c) })
	})
	for _, c := range nameless {
		if !slices.ContainsFunc(kept, func(k *candidate) bool { return k.from <= c.anchorAt && c.anchorAt < k.end }) {
			left = append(left, c)
		}
	}
	slices.SortStableFunc(left, func(a, b *candidate) int {
		return cmp.Or(cmp.Compare(a.anchorAt, b.anchorAt), cmp.Compare(b.confidence, a.confidence))
	})
	for i, c := range left {
		if i > 0 && left[i-1].anchorAt == c.anchorAt {
			continue
		}
		first := &f.lines[c.from]
		list = append(list, Unread{
			Grammar: c.shape.grammar, Kind: c.shape.Kind, Name: c.name, Line: strings.TrimSpace(first.raw), Place: first.place,
			Missing: c.read.absent, Warnings: c.read.warnings,
		})
	}
	return list
}

// has reports whether an entity that was read is of the text of a candidate that was not: under the same name, around the same
// anchor, or as another grammar reads it.
func (c *candidate) has(other *candidate) bool {
	if c.from >= max(other.end, other.anchorEnd) || other.from >= c.end {
		return false
	}
	return c.from == other.from || c.shape.grammar != other.shape.grammar || c.anchorAt >= other.from && c.anchorAt < other.anchorEnd
}

// end returns the line at which a candidate ends: c.end at the latest, which is where the next one begins.
func (f *finder) end(c *candidate) int {
	frame := f.lines[c.anchorAt].frame
	font := family(f.lines[c.anchorAt].style())
	for i := c.anchorEnd; i < c.end; i++ {
		l := &f.lines[i]
		switch {
		case c.shape.title(l):
		case l.kind == layout.Heading && f.endsAt(c, i):
			return i
		case l.first && frame > 0 && l.frame == 0:
			return i
		case l.first && c.shape.EndFont && l.kind == layout.Paragraph && l.lead() == 0 && len(l.spans) > 0 && family(l.style()) != font && f.allIn(l, font):
			return i
		case slices.ContainsFunc(c.shape.EndAt, func(p *Pattern) bool { return p.MatchString(l.text) }):
			return i
		}
	}
	return c.end
}

// endsAt reports whether a heading ends a candidate. Books give some headings a level that is too high: one above a section
// that begins in the middle of the text does not end it, nor does the title of a table, nor one that has the candidate's name in it.
func (f *finder) endsAt(c *candidate, at int) bool {
	l := &f.lines[at]
	if c.shape.EndHeading == EndSame && c.headingIsAbove {
		next := at + 1
		for next < c.end && f.lines[next].block == l.block {
			next++
		}
		titles := next < c.end && f.lines[next].kind == layout.Table || strings.Contains(strings.ToLower(l.text), strings.ToLower(c.name))
		if l.level > c.level || l.level >= c.level-1 && titles {
			return false
		}
	}
	for i := at + 1; i < c.end && f.lines[i].kind != layout.Heading; i++ {
		if s, _, ok := c.shape.section(&f.lines[i]); ok && s.Inline {
			return false
		}
	}
	return true
}

// allIn reports whether no part of a line is set in a font.
func (f *finder) allIn(l *line, font string) bool {
	return !slices.ContainsFunc(l.spans, func(s layout.Span) bool { return family(s.Style) == font })
}

// title reports whether a line is the title of a section.
func (s *Shape) title(l *line) bool {
	_, _, ok := s.section(l)
	return ok
}

// section returns the section that begins with a line, and the text behind its title.
func (s *Shape) section(l *line) (*Section, string, bool) {
	for _, c := range s.Sections {
		if c.Title == nil {
			continue
		}
		m := c.Title.FindStringIndex(l.text)
		if m == nil {
			continue
		}
		rest := strings.TrimLeft(l.text[m[1]:], " .:")
		if rest == "" || c.Inline && (l.lead() >= m[1] || l.first) {
			return c, rest, true
		}
	}
	return nil, "", false
}

// key returns the field that begins with a line, and the text behind its key. Of several, the one with the longest key.
func (s *Shape) key(text string) (*Field, string, bool) {
	if text == "" || s.Separator == nil && small(text) {
		return nil, "", false
	}
	var field *Field
	end := 0
	for _, f := range s.Fields {
		m := f.Key.FindStringIndex(text)
		if m != nil && m[1] > end && !small(text[m[1]:]) {
			field, end = f, m[1]
		}
	}
	return field, text[end:], field != nil
}

// joined returns a text with the text of a line behind it.
func (f *finder) joined(text string, i int) string {
	return string(f.glue([]byte(text), i, f.lines[i].text))
}

// glue puts the text of a line, or what is left of it, behind a text.
func (f *finder) glue(text []byte, i int, next string) []byte {
	return append(f.joint(text, i, next), next...)
}

// joint makes a text ready for the line behind it: with a blank, or without the hyphen.
func (f *finder) joint(text []byte, i int, next string) []byte {
	switch {
	case len(text) == 0:
	case text[len(text)-1] != '-' || !f.lines[i-1].hyphen && !small(next):
		text = append(text, ' ')
	case !f.hyphenStays(text, i, next):
		text = text[:len(text)-1]
	}
	return text
}

// The text of a block that is larger is not asked about hyphens: no paragraph of a book is.
const mostAsked = 8 << 10

// hyphenStays reports whether the hyphen at the end of a text belongs to the word that goes on with next. The layout knows.
func (f *finder) hyphenStays(text []byte, i int, next string) bool {
	before := string(text[bytes.LastIndexByte(text, ' ')+1:])
	after, _, _ := strings.Cut(next, " ")
	for _, block := range []int{f.lines[i-1].block, f.lines[i].block} {
		whole := f.book.Blocks[block].Text
		if len(whole) > mostAsked {
			continue
		}
		whole = pieces.Replace(whole)
		switch {
		case strings.Contains(whole, before+after):
			return true
		case strings.Contains(whole, strings.TrimSuffix(before, "-")+after):
			return false
		}
	}
	return !f.lines[i-1].hyphen
}

// prose returns lines as one text.
func (f *finder) prose(from, to int) string {
	var text []byte
	for i := from; i < to; i++ {
		text = f.glue(text, i, f.lines[i].text)
	}
	return string(text)
}

// above leaves out of the sections of blocks what they are not below: headings inside of entities, as "Actions", once the
// entity has ended; and of entities, the names of others.
func above(book *layout.Book, kept []*candidate, blockOf func(int) int) {
	type part struct {
		end  int // block behind the entity that it is in; 0: it is in none
		name bool
	}
	last := map[string]part{} // by title: its last heading
	next, begin, end := 0, 0, 0
	for i := range book.Blocks {
		b := &book.Blocks[i]
		if i >= end && next < len(kept) && i == blockOf(kept[next].from) {
			begin, end = i, blockOf(kept[next].end-1)+1
			next++
		}
		inside := i < end
		if b.Kind == layout.Heading {
			last[b.Text] = part{}
			if inside {
				last[b.Text] = part{end, i == begin}
			}
		}
		gone := func(title string) bool {
			p := last[title]
			return p.end > 0 && i >= p.end && (!p.name || inside)
		}
		if slices.ContainsFunc(b.Section, gone) {
			b.Section = slices.DeleteFunc(slices.Clone(b.Section), gone)
		}
	}
}

// result makes entities of candidates.
func (f *finder) result(kept []*candidate, unread []Unread) Result {
	cuts := map[int]bool{}
	for _, c := range kept {
		cuts[c.from], cuts[c.end] = true, true
		for _, at := range c.read.cuts {
			cuts[at] = true
		}
	}
	book, blockOf := f.divide(cuts)
	above(&book, kept, blockOf)
	r := Result{Book: book, Unread: unread}
	for _, c := range kept {
		from, to := blockOf(c.from), blockOf(c.end-1)+1
		first := &f.lines[c.from]
		e := Entity{
			Kind: c.shape.Kind, Name: c.name, Grammar: c.shape.grammar, Content: c.shape.Content,
			Fields: c.read.fields, Confidence: c.confidence, Warnings: c.read.warnings, Text: c.read.markdown(c.name),
			Page: first.place.Page, PageEnd: first.place.Page, From: from, To: to,
		}
		section := book.Blocks[from].Section
		if n := len(section); first.kind == layout.Heading && n > 0 {
			section = section[:n-1]
		}
		e.Section = slices.Clone(section)
		var raw strings.Builder
		for i := c.from; i < c.end; i++ {
			fmt.Fprintln(&raw, f.lines[i].raw)
			e.PageEnd = max(e.PageEnd, f.lines[i].place.Page)
		}
		e.Raw = strings.TrimRight(raw.String(), "\n")
		for i := from; i < to; i++ {
			e.Places = append(e.Places, book.Blocks[i].Places...)
		}
		e.Places = layout.Join(e.Places)
		for _, at := range c.read.cuts {
			if b := blockOf(at); b > from && !slices.Contains(e.Cuts, b) {
				e.Cuts = append(e.Cuts, b)
			}
		}
		r.Entities = append(r.Entities, e)
	}
	return r
}
