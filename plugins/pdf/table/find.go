package table

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// Ground is what has to be known of a page before tables can be told from text.
type Ground struct {
	Columns []page.Box // of text, in reading order; none: the text of the page is one column
	Body    Style      // of most of the file's text
	Aside   []bool     // by index in Fragments, those that belong to no text: running heads, page numbers; may be shorter
	Before  []Found    // the tables of the page before: one may go on at the top of this one
}

// Style is how the text of a file is set mostly.
type Style struct {
	Font  string // by name, as in page.Font
	Size  float32
	Color uint32
}

// Found is a table on one page, and what of the page it is made of.
type Found struct {
	Table
	Fragments []int     // by index in the page's Fragments, ascending: those whose text is in Rows
	Captions  []int     // the same: those whose text is the Caption; they are not among Fragments
	Column    int       // by index in Ground.Columns: the one it stands in; -1: it stands across several
	Edges     []float32 // where its columns begin, from left to right, and where the last one ends

	columns []span
	origin  float32 // where the column of text begins
	size    float32 // of its type
	body    bool    // set as the text of the file is
	bold    bool    // its last row is
	family  string
	ends    bool // nothing stands below it in its column of text
	goesOn  bool // it is the rest of the one before it
}

// Find returns the tables of a page: first those drawn with lines, then those that stand across columns, then those of each
// column, all from top to bottom. No fragment is in two of them.
func Find(p *page.Page, g Ground) []Found {
	f := &finder{page: newSheet(p), ground: g, body: body{family(g.Body.Font), g.Body.Size}, marks: level(p), used: make([]bool, len(p.Fragments))}
	for i := range p.Fragments {
		f.used[i] = i < len(g.Aside) && g.Aside[i]
	}
	f.keepNumbers()
	f.before = lowest(g.Before)
	columns := g.Columns
	if len(columns) == 0 {
		columns = []page.Box{{X0: 0, Y0: 0, X1: p.Width, Y1: p.Height}}
	}
	columns, first := stacked(columns)
	f.index = f.isIndex()
	drawn := lattices(p)
	for i := range drawn {
		f.lattice(&drawn[i])
	}
	if gutters := gutters(f.texts(columns)); len(gutters) > 0 {
		f.region(page.Box{X0: 0, Y0: 0, X1: p.Width, Y1: p.Height}, gutters, -1)
	}
	for i, c := range columns {
		f.region(c, nil, first[i])
	}
	return f.found
}

// lowest is the table that the text of a page ended with, nil if it ended with another thing: the one of its last column, unless one
// across columns stands below it.
func lowest(found []Found) *Found {
	var last *Found
	for i := range found {
		t := &found[i]
		switch {
		case !t.ends:
		case last == nil,
			t.Column >= 0 && last.Column >= 0 && t.Column >= last.Column,
			(t.Column < 0) != (last.Column < 0) && t.Box.Y1 > last.Box.Y1:
			last = t
		}
	}
	return last
}

// mostNumbers is how many numbers that belong to no text are looked at.
const mostNumbers = 32

// keepNumbers takes back numbers that belong to no text if text stands on their line, right of them: the number of a row at the
// top or at the end of a page is easily taken for that of the page.
func (f *finder) keepNumbers() {
	aside := slices.Clone(f.used)
	looked := 0
	for i := range aside {
		n := &f.page.Fragments[i]
		if !aside[i] || n.Turned || len(n.Runs) == 0 || !single.MatchString(n.Text) {
			continue
		}
		if looked++; looked > mostNumbers {
			return
		}
		size := n.Runs[0].Size
		for j := range f.page.Fragments {
			o := &f.page.Fragments[j]
			if !aside[j] && !o.Turned && abs(o.Baseline-n.Baseline) < 0.3*size && o.Box.X0 > n.Box.X1 && o.Box.X0 < n.Box.X1+8*size {
				f.used[i] = false
			}
		}
	}
}

// stacked puts columns together that stand below each other, with nothing else beside them. It also returns the first of each.
func stacked(columns []page.Box) (made []page.Box, first []int) {
	for i, c := range columns {
		if n := len(made) - 1; n >= 0 && c.Y1 > made[n].Y0 && below(made[n], c) {
			both := made[n].Union(c)
			beside := func(o page.Box) bool { return overlap(both, o) && !below(both, o) }
			if !slices.ContainsFunc(columns[i+1:], beside) && !slices.ContainsFunc(made[:n], beside) {
				made[n] = both
				continue
			}
		}
		made, first = append(made, c), append(first, i)
	}
	return made, first
}

// below says that two boxes take about the same of the page's width, or one a part of the other's.
func below(a, b page.Box) bool {
	return min(a.X1, b.X1)-max(a.X0, b.X0) >= 0.8*min(a.X1-a.X0, b.X1-b.X0)
}

// overlap says that two boxes have more than an edge in common.
func overlap(a, b page.Box) bool {
	return min(a.X1, b.X1)-max(a.X0, b.X0) > snap && min(a.Y1, b.Y1)-max(a.Y0, b.Y0) > snap
}

// texts are the columns as far as the text of the file reaches in them, so that what stands across them does not count.
func (f *finder) texts(columns []page.Box) []page.Box {
	ends := make([][2][]float32, len(columns))
	for i := range f.page.Fragments {
		o := &f.page.Fragments[i]
		if f.used[i] || o.Turned || len(o.Runs) == 0 || abs(o.Runs[0].Size-f.body.size) > 0.06*f.body.size ||
			o.Runs[0].Font < 0 || o.Runs[0].Font >= len(f.page.Fonts) || f.page.families[o.Runs[0].Font] != f.body.family {
			continue
		}
		x, y := (o.Box.X0+o.Box.X1)/2, (o.Box.Y0+o.Box.Y1)/2
		at := slices.IndexFunc(columns, func(c page.Box) bool { return c.X0 <= x && x <= c.X1 && c.Y0 <= y && y <= c.Y1 })
		if at >= 0 {
			ends[at][0], ends[at][1] = append(ends[at][0], o.Box.X0), append(ends[at][1], o.Box.X1)
		}
	}
	texts := slices.Clone(columns)
	for i := range texts {
		if n := len(ends[i][0]); n >= 5 {
			slices.Sort(ends[i][0])
			slices.Sort(ends[i][1])
			texts[i].X0, texts[i].X1 = ends[i][0][n/20], ends[i][1][n-1-n/20]
		}
	}
	return texts
}

// mostColumns is how many columns of a page, the highest of them, are looked at for what stands across them.
const mostColumns = 24

// gutters are the white bands between columns that stand side by side.
func gutters(columns []page.Box) []span {
	columns = slices.Clone(columns)
	slices.SortStableFunc(columns, func(a, b page.Box) int { return cmp.Compare(b.Y1-b.Y0, a.Y1-a.Y0) })
	columns = columns[:min(len(columns), mostColumns)]
	var all []span
	for _, a := range columns {
		for _, b := range columns {
			beside := a.X1 <= b.X0+snap && min(a.Y1, b.Y1)-max(a.Y0, b.Y0) > 0.3*min(a.Y1-a.Y0, b.Y1-b.Y0)
			if !beside || slices.ContainsFunc(columns, func(c page.Box) bool { return c.X0 >= a.X1-snap && c.X1 <= b.X0+snap }) {
				continue
			}
			gutter := span{min(a.X1, b.X0), max(a.X1, b.X0)}
			if !slices.Contains(all, gutter) {
				all = append(all, gutter)
			}
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Or(cmp.Compare(a.x0, b.x0), cmp.Compare(a.x1, b.x1)) })
	return all
}

// finder finds the tables of one page.
type finder struct {
	page   *sheet
	ground Ground
	body   body
	marks  *marks
	used   []bool // fragments of tables found, and those that belong to no text
	found  []Found
	index  bool    // most of the page's text is words with pages
	before *Found  // the table that the text ended with in front of the region
	pieces []piece // room for those that within finds
}

// isIndex says that most of the page's text is words with pages.
func (f *finder) isIndex() bool {
	all, entries, pairs := 0, 0, 0
	words := -1 // the fragment before, if it has words
	for i := range f.page.Fragments {
		if f.used[i] {
			continue
		}
		all++
		text := f.page.Fragments[i].Text
		alone := beginsWithDigit(text) && pagesAlone.MatchString(text)
		switch {
		case endsInDigit(text) && pageEnd.MatchString(text):
			entries++
		case alone && words >= 0 && abs(f.page.Fragments[words].Baseline-f.page.Fragments[i].Baseline) < 1 &&
			f.page.Fragments[words].Box.X1 <= f.page.Fragments[i].Box.X0:
			pairs++
		}
		if words = i; alone {
			words = -1
		}
	}
	return entries+pairs >= 20 && 5*(entries+2*pairs) >= 3*all
}

// endsInDigit says whether a text ends in a digit, or in one and a full stop. Most do not, and need not be looked at more closely.
func endsInDigit(text string) bool {
	text = strings.TrimSuffix(text, ".")
	return text != "" && text[len(text)-1] >= '0' && text[len(text)-1] <= '9'
}

// beginsWithDigit is the same of where it begins.
func beginsWithDigit(text string) bool { return text != "" && text[0] >= '0' && text[0] <= '9' }

// columnOf is the column of text that a box stands in; -1: in none alone.
func (f *finder) columnOf(box page.Box) int {
	if len(f.ground.Columns) == 0 {
		return 0
	}
	middle := (box.X0 + box.X1) / 2
	return slices.IndexFunc(f.ground.Columns, func(c page.Box) bool {
		return c.X0 <= middle && middle <= c.X1 && box.X1-box.X0 <= 1.1*(c.X1-c.X0) && c.Y0 <= box.Y1 && box.Y0 <= c.Y1
	})
}

// within are the pieces of the page in a box that no table has yet, until it is called again, and how wide they are together with the box.
func (f *finder) within(box page.Box) (all []piece, at span) {
	at = span{box.X0, box.X1}
	all = slices.Grow(f.pieces[:0], len(f.page.Fragments))
	for i := range f.page.Fragments {
		b := f.page.Fragments[i].Box
		x, y := (b.X0+b.X1)/2, (b.Y0+b.Y1)/2
		if f.used[i] || x < box.X0 || x > box.X1 || y < box.Y0 || y > box.Y1 {
			continue
		}
		n := len(all)
		all = cut(all, f.page, i)
		for _, p := range all[n:] {
			at.x0, at.x1 = min(at.x0, p.x0), max(at.x1, p.x1)
		}
	}
	f.pieces = all
	return all, at
}

// region finds the tables of a part of the page.
func (f *finder) region(box page.Box, wide []span, column int) {
	all, at := f.within(box)
	if len(all) == 0 || at.width() <= 0 {
		return
	}
	g := &grower{lines: lines(all, f.body), at: at, marks: f.marks, wide: wide, column: column, origin: box.X0}
	i := f.rest(g)
	for i < len(g.lines) {
		if !g.seed(&g.lines[i]) {
			i++
			continue
		}
		b := g.grow(i)
		switch {
		case f.take(g, &b) || f.takeHeader(g, &b):
			i = b.to
		case b.to-i >= 8: // what has been looked at in vain is not looked at line by line again, but for its end
			i = b.to - 4
		default:
			i++
		}
	}
	if len(wide) > 0 {
		return
	}
	f.before = nil
	if n := len(f.found) - 1; n >= 0 && f.found[n].Column == column && f.found[n].ends {
		f.before = &f.found[n]
	}
}

// rest takes the lines with which the table before the region goes on at its top. It returns the first line behind them.
func (f *finder) rest(g *grower) int {
	t := f.before
	if t == nil || (t.Column < 0) != (len(g.wide) > 0) {
		return 0
	}
	var best block
	shifts := []float32{g.origin - t.origin, 0}
	for _, c := range t.columns[:min(len(t.columns), 6)] {
		shifts = append(shifts, g.lines[0].x0()-c.x0)
	}
	several := func(l *line) bool { return len(l.pieces) > 1 }
	for n, shift := range shifts {
		b := g.goOn(t, shift)
		if len(b.lines) > len(best.lines) && (n < 2 || slices.ContainsFunc(b.lines, several)) { // a line of one piece shows no columns
			best = b
		}
	}
	if len(best.lines) == 0 {
		return 0
	}
	if g.seed(&g.lines[0]) {
		if b := g.grow(0); len(b.lines) > len(best.lines) {
			return 0
		}
	}
	if !f.take(g, &best) {
		return 0
	}
	return best.to
}

// take makes a table of a block, unless it is none.
func (f *finder) take(g *grower, b *block) bool {
	if len(b.lines) < 2 && b.rest == nil {
		return false
	}
	if b.set == nil {
		f.above(g, b)
	}
	rows, header, columns := build(f.page, b, g.at, f.marks)
	if rows == nil {
		return false
	}
	if f.index && !b.drawn && (b.lines[len(b.lines)-1].body || index(rows[header:])) {
		return false
	}
	goesOn := b.from == 0 && f.before != nil
	if header == 0 && !b.drawn && b.rest == nil && !goesOn && !digits(rows) && !f.marks.part(b) {
		return false
	}
	if b.rest == nil && (doubtful(rows, header, b, columns) || !b.drawn && len(g.wide) > 0 && !g.across(b, rows, header, columns)) {
		return false
	}
	f.add(g, b, rows, header, columns)
	return true
}

// add puts a table among those found.
func (f *finder) add(g *grower, b *block, rows [][]Cell, header int, columns []span) {
	last := b.lines[len(b.lines)-1]
	t := Found{
		Table: Table{
			Kind: Aligned, Page: f.page.Number, PageEnd: f.page.Number, Box: b.box(), Rows: rows, HeaderRows: header,
			Confidence: b.sure(header),
		},
		Column: g.column, columns: columns, origin: g.origin,
		size: last.size, body: last.body, bold: last.bold(), family: last.pieces[0].family,
		ends: b.to == len(g.lines), goesOn: b.rest != nil,
	}
	if b.drawn {
		t.Kind, t.Column = Ruled, f.columnOf(t.Box)
		t.ends = false
	}
	for _, l := range b.lines {
		for i := range l.pieces {
			t.Fragments = append(t.Fragments, l.pieces[i].fragments()...)
		}
	}
	slices.Sort(t.Fragments)
	t.Fragments = slices.Compact(t.Fragments)
	for _, c := range columns {
		t.Edges = append(t.Edges, c.x0)
	}
	t.Edges = append(t.Edges, columns[len(columns)-1].x1)
	if b.rest == nil {
		f.caption(g, b, &t)
	}
	t.Dice = findDice(rows, header, t.Caption)
	for _, i := range slices.Concat(t.Fragments, t.Captions) {
		f.used[i] = true
	}
	f.found = append(f.found, t)
}

// sure is how sure it is that a block is a table.
func (b *block) sure(header int) float32 {
	sure := float32(0.6)
	if b.drawn {
		sure = 0.9
	}
	if header > 0 || b.rest != nil {
		sure += 0.2
	}
	if len(b.lines) > 4 {
		sure += 0.1
	}
	if !b.lines[len(b.lines)-1].body {
		sure += 0.1
	}
	return min(sure, 1)
}

// takeHeader takes the names of columns at the end of a column of text, whose rows stand on the next.
func (f *finder) takeHeader(g *grower, b *block) bool {
	if b.to == len(g.lines)-1 { // the name of the first group of rows may stand below them
		l, above := &g.lines[b.to], b.lines[len(b.lines)-1]
		p := &l.pieces[0]
		if len(l.pieces) == 1 && !l.body && (p.bold || p.italic) && l.baseline-above.baseline <= 1.55*l.size && l.size <= 1.12*above.size {
			b.lines, b.single, b.to = append(b.lines, l), append(b.single, true), b.to+1
		}
	}
	if b.to != len(g.lines) || len(b.lines) > 3 || b.set != nil || len(g.wide) > 0 && !slices.ContainsFunc(b.lines, g.bridges) {
		return false
	}
	first, last := b.lines[0], b.lines[len(b.lines)-1]
	left, right := b.extent()
	ruled := f.marks.between(first.top-1.5*first.size, first.baseline, left, right) && f.marks.between(last.baseline, last.low+1.5*last.size, left, right)
	if !first.bold() || first.body && !ruled && !first.dice() {
		return false
	}
	columns := b.columns(g.at, 0)
	if len(columns) < 2 {
		return false
	}
	t := &builder{page: f.page, block: b, marks: f.marks, columns: columns, header: 1}
	for t.header < len(b.lines) && !b.single[t.header] && b.lines[t.header].bold() {
		t.header++
	}
	if len(b.lines)-t.header > 1 {
		return false
	}
	t.place()
	t.edges()
	rows, header := t.head()
	rows = append(rows, t.rest()...)
	if len(b.lines) > t.header && filled(rows[len(rows)-1]) > 1 {
		return false
	}
	named := filled(rows[0]) >= 2 && (ruled || first.dice() || f.captioned(g, b))
	if !named || first.leads() {
		return false
	}
	f.add(g, b, rows, header, columns)
	return true
}

// above adds lines of a header that have one piece, which no table begins with.
func (f *finder) above(g *grower, b *block) {
	for n := 0; n < 3 && b.from > 0; n++ {
		l, first := &g.lines[b.from-1], b.lines[0]
		p := &l.pieces[0]
		if len(l.pieces) != 1 || f.used[p.fragment] || first.baseline-l.baseline > 1.35*first.size || abs(l.size-first.size) > 0.1*first.size {
			return
		}
		over := 0
		fits := false
		for i := range first.pieces {
			q := &first.pieces[i]
			if p.x0 < q.x1 && p.x1 > q.x0 {
				over++
				fits = q.bold == p.bold && q.family == p.family && q.italic == p.italic && (i > 0 || abs(p.x0-q.x0) > 3)
			}
		}
		if over != 1 || !fits || !first.bold() {
			return
		}
		b.lines = slices.Insert(b.lines, 0, l)
		b.single = slices.Insert(b.single, 0, false)
		b.from--
	}
}

var titled = regexp.MustCompile(`^(?i:table|tabelle|tableau|tabla|tabela|tabella)\b(?:\s*[:–—-]\s*\S|\.?\s*\d)`)

// caption finds the line above a table that names it.
func (f *finder) caption(g *grower, b *block, t *Found) {
	if !f.captioned(g, b) {
		return
	}
	p := &g.lines[b.from-1].pieces[0]
	t.Caption, t.Captions = p.text, p.fragments()
	slices.Sort(t.Captions)
	t.Captions = slices.Compact(t.Captions)
}

// captioned says that the line above a block names it.
func (f *finder) captioned(g *grower, b *block) bool {
	if b.from == 0 || b.from > len(g.lines) {
		return false
	}
	l, first := &g.lines[b.from-1], b.lines[0]
	p := &l.pieces[0]
	if len(l.pieces) != 1 || first.top-l.low > 3*l.size || f.used[p.fragment] {
		return false
	}
	if titled.MatchString(p.text) {
		return true
	}
	apart := p.bold || p.italic && !l.body
	return apart && p.family == first.pieces[0].family && len(p.text) <= 90 && l.size <= 1.5*first.size &&
		!strings.HasSuffix(p.text, ".") && p.x0 < first.x1()
}
