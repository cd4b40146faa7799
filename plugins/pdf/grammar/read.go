package grammar

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
)

// reading is what was read of an entity.
type reading struct {
	fields   map[string]any
	warnings []string
	absent   []string // required fields
	unread   int
	strange  map[string]bool // fields that are there and were not understood
	cuts     []int           // lines with which a section or an entry begins
	head     []string        // lines of its text: the fields
	before   string          // text between the name and the fields that is none of them
	parts    []part
}

// part is what a reading has of a section.
type part struct {
	title   string
	text    string // in front of the entries, or all of it
	entries []Entry
}

func (r *reading) confidence(c Confidence) float64 {
	sure := 1 - float64(len(r.absent))*c.Missing - float64(r.unread)*c.Unread
	return math.Round(max(0, sure)*100) / 100
}

// read reads a candidate whose end is known.
func (f *finder) read(c *candidate) reading {
	r := reading{fields: map[string]any{}, strange: map[string]bool{}}
	maps.Copy(r.fields, c.anchor.Set)
	if c.nameMatch != nil {
		r.groups(c.shape.Name.Pattern.SubexpNames(), c.nameMatch, c.shape.Name.Values, nameGroup)
	}
	if !c.anchorIsField {
		r.groups(c.anchor.Pattern.SubexpNames(), c.match, c.anchor.Values, c.shape.Name.Group)
		if c.rest == 0 {
			r.head = append(r.head, f.prose(c.anchorAt, c.anchorEnd))
		}
	}
	var at int
	if c.shape.Separator != nil {
		at = f.readInline(c, &r)
	} else {
		at = f.readHead(c, &r)
	}
	for _, field := range c.shape.Fields {
		if field.Required && !r.has(field) && !r.strange[field.Name] {
			r.absent = append(r.absent, field.Name)
			r.warnings = append(r.warnings, field.Name+": missing")
		}
	}
	f.readSections(c, at, &r)
	return r
}

func (r *reading) has(field *Field) bool {
	for name, v := range field.Values {
		if _, ok := r.fields[name]; ok {
			return true
		}
		if v.Spread {
			for _, member := range v.Names {
				if _, ok := r.fields[member]; ok {
					return true
				}
			}
		}
	}
	return false
}

// readHead reads fields that begin lines. It returns the line at which they end.
func (f *finder) readHead(c *candidate, r *reading) int {
	var intro []int
	i := c.body
	for i < c.end {
		l := &f.lines[i]
		if i == c.anchorAt && !c.anchorIsField {
			i = c.anchorEnd
			continue
		}
		if i > c.anchorAt && c.shape.title(l) {
			break
		}
		if field, rest, ok := c.shape.key(l.text); ok {
			i = f.readField(c, r, field, rest, i)
			continue
		}
		switch {
		case l.kind != layout.Heading && c.shape.labels(l.text): // of modifiers, above the scores
		case i > c.anchorAt && !f.stray(c, r, i):
			f.readIntro(c, r, intro)
			return i
		case i > c.anchorAt:
			r.warnings = append(r.warnings, fmt.Sprintf("a line among the fields is not understood: %q", clip(l.text)))
		default:
			intro = append(intro, i)
		}
		i++
	}
	f.readIntro(c, r, intro)
	return i
}

// stray reports whether a line stands among the fields and is none: a field that is missed begins with the next line.
func (f *finder) stray(c *candidate, r *reading, i int) bool {
	if i+1 >= c.end || f.runIn(i) > 0 || f.lines[i].kind == layout.Heading {
		return false
	}
	field, _, ok := c.shape.key(f.lines[i+1].text)
	return ok && field.Required && !r.has(field)
}

func (f *finder) readIntro(c *candidate, r *reading, intro []int) {
	if c.shape.Intro == nil {
		return
	}
	text := ""
	for _, i := range intro {
		text = f.joined(text, i)
	}
	r.intro(c.shape.Intro, text)
}

// intro makes values of the text between the name and the fields.
func (r *reading) intro(intro *Intro, text string) {
	m := intro.Pattern.FindStringSubmatch(text)
	if m == nil {
		r.unread++
		r.warnings = append(r.warnings, fmt.Sprintf("the text below the name is not understood: %q", clip(text)))
		return
	}
	r.head = slices.Insert(r.head, 0, text)
	r.groups(intro.Pattern.SubexpNames(), m, intro.Values, "")
}

// mostLines is how many lines a field has at most, and all fields together where they follow each other in lines.
const mostLines = 50

// readField reads the field that begins with line i, and returns the line behind it.
func (f *finder) readField(c *candidate, r *reading, field *Field, rest string, i int) int {
	if v := field.scores(); v != nil {
		return f.readScores(c, r, field, v, i)
	}
	key := strings.TrimSpace(strings.TrimSuffix(f.lines[i].text, rest))
	text := strings.TrimLeft(rest, " :.")
	next := i + 1
	for next < min(c.end, i+mostLines) && f.goesOn(c, field, text, next) {
		if text == "" {
			text = f.lines[next].text
		} else {
			text = f.joined(text, next)
		}
		next++
	}
	next, text = f.untilRead(c, field, text, next)
	r.field(field, key, text)
	return next
}

// untilRead takes up to two more lines to a text that is not understood without them: the layout may have taken them apart.
func (f *finder) untilRead(c *candidate, field *Field, text string, next int) (int, string) {
	may := func(i int) bool { return i < c.end && f.mayGoOn(c, i) && f.runIn(i) == 0 }
	if !may(next) || field.fits(text) {
		return next, text
	}
	longer := text
	for i := next; i < next+2 && may(i); i++ {
		longer = f.joined(longer, i)
		if field.fits(longer) {
			return i + 1, longer
		}
	}
	return next, text
}

// fits reports whether a text is understood.
func (field *Field) fits(text string) bool {
	var trial reading
	trial.fields, trial.strange = map[string]any{}, map[string]bool{}
	trial.field(field, "", text)
	return trial.unread == 0
}

// mayGoOn reports whether a line can be a part of the field above it.
func (f *finder) mayGoOn(c *candidate, i int) bool {
	l := &f.lines[i]
	if i == c.anchorAt || l.kind == layout.Heading || c.shape.title(l) {
		return false
	}
	_, _, isKey := c.shape.key(l.text)
	return !isKey
}

// goesOn reports whether the text of a field goes on in a line.
func (f *finder) goesOn(c *candidate, field *Field, text string, i int) bool {
	l := &f.lines[i]
	if !f.mayGoOn(c, i) {
		return false
	}
	unfinished := open(text) || small(l.text)
	switch {
	case text == "":
		return true
	case field.Wrap == WrapNever:
		return false
	case f.runIn(i) > 0 && !strings.HasSuffix(text, "("):
		return false
	case field.Wrap == WrapOpen || l.first:
		return unfinished
	default:
		return true
	}
}

func (field *Field) scores() *Value {
	for _, v := range field.Values {
		if v.Type == Abilities {
			return v
		}
	}
	return nil
}

// readScores reads ability scores: labels and scores in one line, in a line each, or labels in a line above the scores.
func (f *finder) readScores(c *candidate, r *reading, field *Field, v *Value, i int) int {
	next := i
	var set []string
	for next < c.end && v.fits(f.lines[next].text) && f.lines[next].kind != layout.Heading {
		set = append(set, f.lines[next].text)
		next++
	}
	text := strings.Join(set, " ")
	if next == i { // the label is a word of a text
		return i + 1
	}
	values, waiting, ok := v.scores(text)
	if !ok || waiting > 0 && len(values) == 0 {
		r.notRead(field.Name, text)
		return next
	}
	r.head = append(r.head, strings.TrimSpace(text))
	r.put(field.Name, v, values)
	if waiting > 0 || r.scored(field.Name, v) < v.distinct() && !f.moreScores(c, v, next) {
		r.notRead(field.Name, text)
	}
	return next
}

// moreScores reports whether other scores follow in the fields of a candidate.
func (f *finder) moreScores(c *candidate, v *Value, from int) bool {
	for i := from; i < min(c.end, from+12); i++ {
		if v.leads(f.lines[i].text) != "" && v.fits(f.lines[i].text) {
			return true
		}
	}
	return false
}

// distinct returns how many different things the labels of a value stand for.
func (v *Value) distinct() int {
	names := map[string]bool{}
	for _, name := range v.Names {
		names[name] = true
	}
	return len(names)
}

// scored returns how many members of a value there are so far.
func (r *reading) scored(name string, v *Value) int {
	if !v.Spread {
		members, _ := r.fields[name].(map[string]any)
		return len(members)
	}
	n := 0
	counted := map[string]bool{}
	for _, member := range v.Names {
		if _, ok := r.fields[member]; ok && !counted[member] {
			counted[member] = true
			n++
		}
	}
	return n
}

// field makes values of the text of a field.
func (r *reading) field(field *Field, key, text string) {
	r.head = append(r.head, strings.TrimSpace("**"+key+"** "+text))
	if !field.Repeat && r.has(field) {
		r.warnings = append(r.warnings, fmt.Sprintf("%s: stands here twice; the first one was taken, not %q", field.Name, clip(text)))
		return
	}
	if strings.Trim(text, "-–—−") == "" && text != "" { // which says that there is none
		r.strange[field.Name] = true
		return
	}
	if field.Pattern != nil {
		m := field.Pattern.FindStringSubmatch(text)
		if m == nil {
			r.notRead(field.Name, text)
			return
		}
		r.groups(field.Pattern.SubexpNames(), m, field.Values, "")
		return
	}
	v := field.Values[field.Name]
	value, ok := v.read(text)
	if !ok {
		r.notRead(field.Name, text)
		return
	}
	if field.Repeat {
		list, _ := r.fields[field.Name].([]any)
		r.fields[field.Name] = append(list, value)
		return
	}
	r.put(field.Name, v, value)
}

func (r *reading) notRead(name, text string) {
	r.unread++
	r.strange[name] = true
	r.warnings = append(r.warnings, fmt.Sprintf("%s: %q is not understood", name, clip(text)))
}

// groups makes values of the groups of a pattern, but for the one that is the name.
func (r *reading) groups(names, match []string, values map[string]*Value, without string) {
	for i, name := range names {
		v := values[name]
		if name == "" || name == without || v == nil || match[i] == "" && v.Type != Flag {
			continue
		}
		value, ok := v.read(match[i])
		if !ok {
			r.notRead(name, match[i])
			continue
		}
		r.put(name, v, value)
	}
}

// put stores a value; that of a member map is added to what is there.
func (r *reading) put(name string, v *Value, value any) {
	members, isMap := value.(map[string]any)
	switch {
	case isMap && v.Spread:
		maps.Copy(r.fields, members)
	case isMap:
		all, _ := r.fields[name].(map[string]any)
		if all == nil {
			all = map[string]any{}
		}
		maps.Copy(all, members)
		r.fields[name] = all
	default:
		r.fields[name] = value
	}
}

// clip shortens a text for a message.
func clip(text string) string {
	text = strings.TrimSpace(text)
	if runes := []rune(text); len(runes) > 80 {
		return string(runes[:79]) + "…"
	}
	return text
}

// readInline reads fields that follow each other in lines. It returns the line at which they end.
func (f *finder) readInline(c *candidate, r *reading) int {
	i := c.body
	for ; i < c.anchorAt; i++ {
		if _, _, ok := c.shape.key(f.lines[i].text); ok {
			break
		}
	}
	if !c.anchorIsField && c.rest == 0 {
		i = max(i, c.anchorEnd)
	}
	r.before = f.prose(c.body, min(i, c.anchorAt))
	text := ""
	for last := i + mostLines; i < min(c.end, last); i++ {
		l := f.lines[i]
		if i == c.body && c.rest > 0 {
			l.text = strings.TrimLeft(l.text[c.rest:], " :.,;–—-)")
		}
		if i > c.anchorAt && (l.kind == layout.Heading || c.shape.title(&l)) {
			break
		}
		if _, _, ok := c.shape.key(l.text); !ok && l.first && i >= c.anchorEnd && !open(text) {
			break
		}
		if text != "" {
			text += "\n"
		}
		text += l.text
	}
	f.readPairs(c, r, text)
	if c.shape.Intro != nil && r.before != "" {
		r.intro(c.shape.Intro, r.before)
		r.before = ""
	}
	return i
}

// readPairs reads keys and values. Text in front of the first key is none of them.
func (f *finder) readPairs(c *candidate, r *reading, text string) {
	var field *Field
	var key string
	from := 0
	finish := func(end int) {
		value := strings.Trim(strings.ReplaceAll(text[from:end], "\n", " "), " :,;|.")
		switch {
		case field == nil:
		case field.scores() != nil:
			if values, _, ok := field.scores().scores(key + " " + value); ok && len(values) > 0 {
				r.head = append(r.head, key+" "+value)
				r.put(field.Name, field.scores(), values)
			} else {
				r.notRead(field.Name, value)
			}
		default:
			r.field(field, key, value)
		}
	}
	for i := 0; i < len(text); {
		begin := i
		if i > 0 {
			switch m := c.shape.Separator.FindStringIndex(text[i:]); {
			case text[i] == '\n':
				begin = i + 1
			case m != nil && m[1] > 0:
				begin = i + m[1]
			default:
				i++
				continue
			}
		}
		next, rest, ok := c.shape.key(text[begin:])
		if !ok || next == field && !field.Repeat && field.scores() == nil {
			i = max(i+1, begin)
			if begin == 0 {
				i = 1
			}
			continue
		}
		finish(i)
		field, from = next, len(text)-len(rest)
		key = text[begin:from]
		i = from
	}
	finish(len(text))
}
