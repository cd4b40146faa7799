package grammar

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
)

// A name in front of a text, where the file does not say what is bold.
var plainRunIn = regexp.MustCompile(`^(\p{Lu}[^.!?:]{1,60}[.!?:])\s+\p{Lu}`)

// runIn returns how much of a line is the name of an entry that begins there, in bytes; 0: none.
func (f *finder) runIn(i int) int {
	l := &f.lines[i]
	if l.kind == layout.Heading || l.kind == layout.Table {
		return 0
	}
	lead := l.lead()
	if lead == 0 || !l.first && i > 0 && open(f.lines[i-1].text) {
		return 0
	}
	if end := nameEnd(l.text[:lead]); end > 0 {
		return end
	}
	// The full stop is not in bold.
	if rest := l.text[lead:]; len(rest) > 1 && strings.ContainsRune(".:!?", rune(rest[0])) && rest[1] == ' ' {
		return lead + 1
	}
	// A name that goes on in the next line.
	if lead == len(l.text) && i+1 < len(f.lines) && f.lines[i+1].block == l.block {
		next := &f.lines[i+1]
		if n := next.lead(); n > 0 && nameEnd(next.text[:n]) > 0 {
			return lead
		}
	}
	return 0
}

// nameEnd returns where the first sentence of a text in bold ends, brackets left alone.
func nameEnd(text string) int {
	depth := 0
	for i, r := range text {
		switch r {
		case '(':
			depth++
		case ')':
			depth--
		case '.', ':', '!', '?':
			rest := text[i+1:]
			if depth <= 0 && (rest == "" || rest[0] == ' ') && i > 0 {
				return i + 1
			}
		}
	}
	return 0
}

// readSections reads what stands behind the fields.
func (f *finder) readSections(c *candidate, at int, r *reading) {
	var section *Section
	title := ""
	if len(c.shape.Sections) > 0 && c.shape.Sections[0].Title == nil {
		section = c.shape.Sections[0]
	}
	var kept []line
	var index []int
	finish := func() {
		if section != nil && (len(kept) > 0 || r.before != "") {
			f.readSection(c, section, title, kept, index, r)
		}
		kept, index = nil, nil
	}
	for i := at; i < c.end; i++ {
		l := f.lines[i]
		if i == c.body && c.rest > 0 {
			l.text = strings.TrimLeft(l.text[min(c.rest, len(l.text)):], " :.,;–—-)")
		}
		if next, rest, ok := c.shape.section(&f.lines[i]); ok {
			finish()
			section, title = next, strings.Trim(calm(strings.TrimSuffix(l.text, rest)), " .:")
			r.cuts = append(r.cuts, i)
			if rest == "" {
				continue
			}
			l = cut(l, len(l.text)-len(rest))
		}
		kept, index = append(kept, l), append(index, i)
	}
	finish()
}

// cut returns a line without its beginning.
func cut(l line, at int) line {
	l.text = l.text[at:]
	l.spans = slices.Clone(l.spans)
	for i := range l.spans {
		l.spans[i].From, l.spans[i].To = max(0, l.spans[i].From-at), max(0, l.spans[i].To-at)
	}
	l.spans = slices.DeleteFunc(l.spans, func(s layout.Span) bool { return s.From >= s.To })
	return l
}

func (f *finder) readSection(c *candidate, s *Section, title string, kept []line, index []int, r *reading) {
	if s.Entries {
		f.readEntries(c, s, title, kept, index, r)
		return
	}
	text := strings.TrimSpace(r.before + "\n\n" + f.paragraphs(kept, index))
	r.before = ""
	r.add(s.Name, text)
	r.parts = append(r.parts, part{title: title, text: text})
}

// add puts text behind what a field has.
func (r *reading) add(name, text string) {
	if before, ok := r.fields[name].(string); ok {
		text = before + "\n\n" + text
	}
	r.fields[name] = text
}

func (f *finder) readEntries(c *candidate, s *Section, title string, kept []line, index []int, r *reading) {
	styled := slices.ContainsFunc(kept, func(l line) bool { return l.lead() > 0 && l.lead() < len(l.text) })
	begins := func(i int) int {
		if styled {
			return min(f.runIn(index[i]), len(kept[i].text))
		}
		if m := plainRunIn.FindStringSubmatchIndex(kept[i].text); kept[i].first && m != nil {
			return m[3]
		}
		return 0
	}
	wide := wideGap(kept, begins)
	p := part{title: title}
	name, from, end := "", 0, len(kept)
	finish := func(to int) {
		text := f.paragraphs(kept[from:to], index[from:to])
		switch {
		case name != "":
			p.entries = append(p.entries, Entry{name, text})
		case text != "":
			p.text = text
			r.add(s.Intro, text)
		}
		from = to
	}
	for i := 0; i < len(kept); i++ {
		at := begins(i)
		if at == 0 {
			if styled && name != "" && kept[i].first && kept[i].kind == layout.Paragraph && gap(&kept[i-1], &kept[i]) > wide {
				end = i
				break
			}
			continue
		}
		finish(i)
		r.cuts = append(r.cuts, index[i])
		name = kept[i].text[:at]
		kept[i] = cut(kept[i], at)
		if styled && nameEnd(name) == 0 && i+1 < len(kept) { // it goes on in the next line
			i++
			from = i
			at = nameEnd(kept[i].text[:kept[i].lead()])
			name += " " + kept[i].text[:at]
			kept[i] = cut(kept[i], at)
		}
		name = strings.Trim(name, " .:")
	}
	finish(end)
	if len(p.entries) > 0 {
		all, _ := r.fields[s.Name].([]Entry)
		r.fields[s.Name] = append(all, p.entries...)
	}
	r.parts = append(r.parts, p)
	if end < len(kept) {
		r.apart(c.shape, f.paragraphs(kept[end:], index[end:]))
	}
}

// gap returns how far a line stands below another in the same column; 0 if it does not.
func gap(above, l *line) float32 {
	if above.place.Page != l.place.Page || l.place.Box.Y0 < above.place.Box.Y1 {
		return 0
	}
	return l.place.Box.Y0 - above.place.Box.Y1
}

// wideGap returns how much is between entries and what is none of them: most of a line, and clearly more than between entries.
func wideGap(kept []line, begins func(i int) int) float32 {
	wide := float32(0)
	for i := range kept {
		if height := kept[i].place.Box.Y1 - kept[i].place.Box.Y0; i == 0 {
			wide = height * 0.8
		} else if begins(i) > 0 {
			wide = max(wide, 1.5*gap(&kept[i-1], &kept[i]))
		}
	}
	return wide
}

// apart keeps text that stands apart behind the entries: it describes all of the entity, as the text in front of them does.
func (r *reading) apart(s *Shape, text string) {
	name := s.Sections[0].Intro
	if !s.Sections[0].Entries {
		name = s.Sections[0].Name
	}
	r.add(name, text)
	r.parts = append(r.parts, part{text: text})
}

// paragraphs returns lines as Markdown.
func (f *finder) paragraphs(kept []line, index []int) string {
	var out []string
	for i := 0; i < len(kept); {
		to := i + 1
		for to < len(kept) && kept[to].block == kept[i].block && index[to] == index[to-1]+1 {
			to++
		}
		if kept[i].kind == layout.Table {
			if text := grid(kept[i:to]); text != "" {
				out = append(out, text)
			}
			i = to
			continue
		}
		var joined []byte
		for n := i; n < to; n++ {
			joined = f.glue(joined, index[n], kept[n].text)
		}
		text := strings.TrimSpace(string(joined))
		switch last := len(out) - 1; {
		case text == "":
		case kept[i].kind == layout.Item:
			out = append(out, "- "+strings.TrimLeft(text, "•–- "))
		case kept[i].kind == layout.Heading:
			out = append(out, "**"+text+"**")
		case last >= 0 && !ended(out[last]) && i > 0 && kept[i-1].kind != layout.Heading && (small(text) || f.full(index[i-1], text)):
			out[last] += " " + text
		default:
			out = append(out, text)
		}
		i = to
	}
	var b strings.Builder
	for i, text := range out {
		switch {
		case i == 0:
		case strings.HasPrefix(text, "- ") && strings.HasPrefix(out[i-1], "- "):
			b.WriteString("\n")
		default:
			b.WriteString("\n\n")
		}
		b.WriteString(text)
	}
	return b.String()
}

// full reports whether a line ends where it does because the first word of what follows has no room in it: the layout took apart
// what is one paragraph.
func (f *finder) full(at int, next string) bool {
	l := &f.lines[at]
	room, seen := float32(0), 0
	for i := max(0, at-60); i < min(len(f.lines), at+60); i++ {
		o := &f.lines[i]
		if i != at && o.place.Page == l.place.Page && o.place.Box.X0 < l.place.Box.X1 && o.place.Box.X1 > l.place.Box.X0 && o.place.Box.X0 > l.place.Box.X0-30 {
			room, seen = max(room, o.place.Box.X1-l.place.Box.X1), seen+1
		}
	}
	word, _, _ := strings.Cut(next, " ")
	letter := (l.place.Box.X1 - l.place.Box.X0) / float32(max(1, utf8.RuneCountInString(l.text)))
	return seen > 3 && letter > 0 && room < letter*float32(utf8.RuneCountInString(word)+1)
}

func ended(text string) bool {
	return strings.HasSuffix(text, "|") || strings.ContainsAny(text[len(text)-1:], ".!?:")
}

// grid returns a table as Markdown.
func grid(kept []line) string {
	t := kept[0].table
	if t == nil || len(t.Rows) == 0 {
		var rows []string
		for _, l := range kept {
			rows = append(rows, strings.ReplaceAll(l.raw, "\t", " | "))
		}
		return strings.Join(rows, "\n")
	}
	var b strings.Builder
	write := func(cells []string) {
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	rows := make([][]string, 0, len(t.Rows)+1)
	if t.HeaderRows == 0 {
		rows = append(rows, make([]string, len(t.Rows[0])))
	}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = strings.ReplaceAll(strings.Join(strings.Fields(pieces.Replace(cell.Text)), " "), "|", `\|`)
		}
		rows = append(rows, cells)
	}
	for i, cells := range rows {
		write(cells)
		if i == 0 {
			write(slices.Repeat([]string{"---"}, len(cells)))
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// markdown returns all of an entity as people read it.
func (r *reading) markdown(name string) string {
	var b strings.Builder
	b.WriteString("# " + name + "\n")
	for _, line := range r.head {
		b.WriteString("\n" + line + "\n")
	}
	for _, p := range r.parts {
		if p.title != "" {
			b.WriteString("\n## " + p.title + "\n")
		}
		if p.text != "" {
			b.WriteString("\n" + p.text + "\n")
		}
		for _, e := range p.entries {
			b.WriteString("\n***" + e.Name + ".*** " + e.Desc + "\n")
		}
	}
	return strings.TrimRight(b.String(), "\n")
}

// calm puts a text that is all in capitals into words with one each.
func calm(text string) string {
	letters := 0
	for _, r := range text {
		if unicode.IsLower(r) {
			return text
		}
		if unicode.IsUpper(r) {
			letters++
		}
	}
	if letters < 4 {
		return text
	}
	var b strings.Builder
	begins := true
	for _, r := range text {
		if begins {
			b.WriteRune(unicode.ToUpper(r))
		} else {
			b.WriteRune(unicode.ToLower(r))
		}
		begins = !unicode.IsLetter(r) && r != '\'' && r != '’'
	}
	return b.String()
}
