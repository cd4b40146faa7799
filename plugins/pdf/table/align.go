package table

import (
	"math/bits"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// span is a stretch of a page's width.
type span struct{ x0, x1 float32 }

func (s span) width() float32 { return s.x1 - s.x0 }

func (s span) overlap(x0, x1 float32) float32 { return min(s.x1, x1) - max(s.x0, x0) }

// slots is how finely a cover tells places apart, and levels how far it counts.
const (
	slots  = 1024
	chunks = slots / 64
	levels = 3
)

// cover counts for each place of a width how many lines have text there, up to levels.
type cover struct {
	at   span
	over [levels][chunks]uint64 // the nth: a bit for each place where there are more than n
}

func (c *cover) slot(x float32) int {
	return min(max(int((x-c.at.x0)/c.at.width()*slots), 0), slots-1)
}

func (c *cover) add(l *line) {
	end := -1
	for _, p := range l.pieces {
		from, to := max(c.slot(p.x0), end+1), c.slot(p.x1)
		for w := from / 64; w <= to/64 && from <= to; w++ {
			places := ^uint64(0)
			if w == from/64 {
				places <<= from % 64
			}
			if w == to/64 {
				places &= ^uint64(0) >> (63 - to%64)
			}
			for n := levels - 1; n > 0; n-- {
				c.over[n][w] |= c.over[n-1][w] & places
			}
			c.over[0][w] |= places
		}
		end = max(end, to)
	}
}

// gaps are the places that at most tolerated lines cover, fewer than levels, at least as wide as asked, between places that more of them do.
func (c *cover) gaps(tolerated int, width float32) []span {
	step := c.at.width() / slots
	var found []span
	over := &c.over[tolerated]
	for begin := next(over, 0, true); begin < slots; {
		end := next(over, begin, false)
		if begin = next(over, end, true); begin < slots && float32(begin-end)*step >= width {
			found = append(found, span{c.at.x0 + float32(end)*step, c.at.x0 + float32(begin)*step})
		}
	}
	return found
}

// next is the first place from one on where a bit is set, or is not; slots: there is none.
func next(places *[chunks]uint64, from int, set bool) int {
	for w := from / 64; w < chunks; w++ {
		word := places[w]
		if !set {
			word = ^word
		}
		if w == from/64 {
			word &= ^uint64(0) << (from % 64)
		}
		if word != 0 {
			return 64*w + bits.TrailingZeros64(word)
		}
	}
	return slots
}

// white is the widest place within a stretch that no line covers.
func (c *cover) white(in span) span {
	step := c.at.width() / slots
	var best span
	from, to := c.slot(in.x0), c.slot(in.x1)
	for begin := next(&c.over[0], from, false); begin <= to; {
		end := min(next(&c.over[0], begin, true), to+1)
		if found := (span{max(c.at.x0+float32(begin)*step, in.x0), min(c.at.x0+float32(end)*step, in.x1)}); found.width() > best.width() {
			best = found
		}
		begin = next(&c.over[0], end, false)
	}
	return best
}

// tolerated is how many of so many lines may cross the white between two columns.
func tolerated(lines int) int {
	switch {
	case lines >= 24:
		return 2
	case lines >= 8:
		return 1
	}
	return 0
}

// block is lines that stand below each other with white between columns.
type block struct {
	lines  []*line
	single []bool // the line is one piece over several columns: the name of a group of rows
	from   int    // index of the first line in its region
	to     int    // behind the last one
	drawn  bool   // as a lattice
	rest   *Found // the table that it goes on with; nil: it goes on with none
	set    []span // its columns, where they are known before: drawn, or those of the table that it goes on with
}

// grower makes blocks of the lines of a region.
type grower struct {
	lines []line
	at    span
	marks *marks
	// wide are the gutters between columns of text that the region reaches over; none: it is a column itself.
	wide   []span
	column int // by index; -1: the region reaches over several
	origin float32
}

// seed says that a table may begin with a line.
func (g *grower) seed(l *line) bool {
	if len(l.pieces) < 2 {
		return false
	}
	if len(g.wide) == 0 {
		return true
	}
	if l.mixed {
		return false
	}
	return !l.body || len(l.pieces) > 2 || g.bridges(l)
}

// across says that a block does not fall apart at the gutters: text or edges of many lines reach over one, or the same row
// names all columns, those on either side otherwise, and nearly all rows have short text on both sides.
func (g *grower) across(b *block, rows [][]Cell, header int, columns []span) bool {
	over := 0
	for _, l := range b.lines {
		if g.bridges(l) {
			over++
		}
	}
	if body := b.lines[len(b.lines)-1].body; 10*over >= 3*len(b.lines) {
		if header == 0 && (wordy(rows) || long(rows, 0, 5)) {
			return false
		}
		return !body || len(rows) > 2 && !wordy(rows) && (header > 0 || len(rows) > 3)
	}
	if header == 0 || len(columns) < 3 || !b.lines[len(b.lines)-1].body {
		return false
	}
	names := columnNames(rows, header)
	left, right := b.extent()
	for _, gutter := range g.wide {
		if gutter.x0 < left || gutter.x1 > right {
			continue
		}
		at := 0 // the first column behind the gutter
		for at < len(columns) && columns[at].x0 < gutter.x1-b.lines[0].size {
			at++
		}
		if at == 0 || at == len(columns) || slices.Contains(names, "") || slices.Equal(names[:min(at, len(names)-at)], names[at:at+min(at, len(names)-at)]) {
			return false
		}
		both := 0
		for _, row := range rows[header:] {
			if filled(row[:at]) > 0 && filled(row[at:]) > 0 {
				both++
			}
		}
		if 10*both < 9*(len(rows)-header) {
			return false
		}
	}
	first := b.lines[0].pieces[0].style
	for c := range columns {
		if long(rows[header:], c, 4) {
			return false
		}
	}
	return len(rows)-header > 2 && !slices.ContainsFunc(b.lines[0].pieces, func(p piece) bool { return p.style != first })
}

// bridges says that a line has text in a gutter, or stands at an edge that goes over one.
func (g *grower) bridges(l *line) bool {
	for _, gutter := range g.wide {
		if len(l.pieces) > 1 && g.marks.over(l.top-0.5*l.size, l.low+0.5*l.size, gutter.x0-2*l.size, gutter.x1+2*l.size) {
			return true
		}
	}
	for _, p := range l.pieces {
		for _, gutter := range g.wide {
			if inner := gutter.width() / 5; p.x1 > gutter.x0+inner && p.x0 < gutter.x1-inner {
				return true
			}
		}
	}
	return false
}

// grow takes lines from one on as long as they keep columns apart.
func (g *grower) grow(from int) block {
	first := &g.lines[from]
	c := &cover{at: g.at}
	c.add(first)
	b := block{lines: []*line{first}, single: []bool{false}, from: from}
	body, size := first.body, first.size
	crossed, pitch := 0, float32(0)
	last := from // the last line with several pieces
	for i := from + 1; i < len(g.lines); i++ {
		l, prev := &g.lines[i], b.lines[len(b.lines)-1]
		step := l.baseline - prev.baseline
		if l.size > 1.12*size || !g.near(prev, l, step, pitch) {
			break
		}
		if g.anew(b.lines, i) || len(g.wide) > 0 && l.mixed {
			break
		}
		if below := l.body || b.bold() && aligned(prev, l); l.body != body && (i-from > 3 || len(l.pieces) < 2 || !below) {
			break // but for rows below names in another style
		}
		gaps := c.gaps(tolerated(len(b.lines)), gapEm*size)
		lost := lostBy(l, gaps, gapEm*size)
		single := false
		switch {
		case lost == 0:
		case len(l.pieces) == 1:
			single = g.group(i, l, gaps, b.lines)
			if !single && crossed >= tolerated(len(b.lines)) {
				return g.trim(b, last)
			}
			if !single {
				crossed++
			}
		case len(gaps)-lost >= 1 && (len(b.lines) <= 3 || crossed < tolerated(len(b.lines))):
			crossed++
		default:
			return g.trim(b, last)
		}
		body = l.body
		size = max(size, l.size)
		if !single {
			c.add(l)
		}
		b.lines, b.single = append(b.lines, l), append(b.single, single)
		if len(l.pieces) > 1 {
			last = i
			if pitch == 0 || step < pitch {
				pitch = step
			}
		}
	}
	return g.trim(b, last)
}

// anew says that another table begins at a line, in the columns of the one above it: with a die above what is rolled, or
// with a bold line like the one that the table begins with.
func (g *grower) anew(above []*line, i int) bool {
	l, prev := &g.lines[i], above[len(above)-1]
	if len(l.pieces) < 2 {
		return false
	}
	if l.dice() && measure.MatchString(prev.pieces[0].text) {
		return true
	}
	if !l.bold() || prev.bold() || !above[0].bold() || i+1 >= len(g.lines) {
		return false
	}
	next := &g.lines[i+1]
	return len(next.pieces) > 1 && !next.bold() && aligned(l, next)
}

// bold says that all lines of the block are bold.
func (b *block) bold() bool {
	return !slices.ContainsFunc(b.lines, func(l *line) bool { return !l.bold() })
}

// near says that a line stands close enough below another to go on with it.
func (g *grower) near(prev, l *line, step, pitch float32) bool {
	em := max(l.size, prev.size)
	switch {
	case step <= 1.55*em:
		return true
	case len(l.pieces) > 1 && len(prev.pieces) > 1 && step <= 2.2*em && aligned(prev, l):
		return true
	case pitch > 0 && len(l.pieces) > 1 && step <= 1.3*pitch && aligned(prev, l):
		return true
	}
	return step <= 4*em && g.marks.between(prev.baseline, l.baseline, min(prev.x0(), l.x0()), max(prev.x1(), l.x1()))
}

// aligned says that at least two pieces of a line begin, end or have their middle where ones of the other do.
func aligned(a, b *line) bool {
	hits := 0
	for _, p := range b.pieces {
		if slices.ContainsFunc(a.pieces, func(q piece) bool {
			return abs(p.x0-q.x0) < 2 || abs(p.x1-q.x1) < 2 || abs(p.x0+p.x1-q.x0-q.x1) < 4
		}) {
			hits++
		}
	}
	return hits >= 2
}

// lostBy is how many of the gaps are no longer wide enough with a line.
func lostBy(l *line, gaps []span, width float32) int {
	lost := 0
	for _, gap := range gaps {
		widest, x := float32(0), gap.x0
		for _, p := range l.pieces {
			if p.x1 <= gap.x0 || p.x0 >= gap.x1 {
				continue
			}
			widest, x = max(widest, p.x0-x), max(x, p.x1)
		}
		if max(widest, gap.x1-x) < width {
			lost++
		}
	}
	return lost
}

// group says that a line names a group of rows: it is set apart by its style, and another row follows it.
func (g *grower) group(i int, l *line, gaps []span, above []*line) bool {
	p := &l.pieces[0]
	if len(gaps) == 0 {
		return false
	}
	if i+1 == len(g.lines) { // its rows stand on the next page
		return !l.body && (p.bold || p.italic) && !slices.ContainsFunc(above, func(o *line) bool { return !o.bold() })
	}
	next := &g.lines[i+1]
	em := max(l.size, next.size)
	if len(next.pieces) < 2 || next.body != l.body || next.baseline-l.baseline > 2.2*em || lostBy(next, gaps, gapEm*em) > 0 {
		return false
	}
	left := above[0].x0()
	for _, other := range above {
		left = min(left, other.x0())
	}
	apart := p.bold || p.italic || p.text == strings.ToUpper(p.text)
	return apart && p.x0 < gaps[0].x0 || !l.body && abs(p.x0-left) < p.size && len(p.text) < 60
}

// trim leaves out what stands below the last row of several pieces, unless it goes on with it.
func (g *grower) trim(b block, last int) block {
	for n := len(b.lines); n > 1; n-- {
		if b.from+n-1 <= last {
			break
		}
		l, prev := b.lines[n-1], b.lines[n-2]
		if b.single[n-1] && b.from+n == len(g.lines) {
			break
		}
		leads := !b.single[n-1] && len(l.pieces) == 1 && wrapped(prev, l, b)
		if leads {
			break
		}
		b.lines, b.single = b.lines[:n-1], b.single[:n-1]
	}
	b.to = b.from + len(b.lines)
	return b
}

// wrapped says that a line of one piece looks like the rest of a cell above it.
func wrapped(prev, l *line, b block) bool {
	p := &l.pieces[0]
	for _, q := range prev.pieces {
		if q.bold == p.bold && p.x0 < q.x1 && p.x1 > q.x0 && abs(q.size-p.size) < 0.1*p.size {
			right := q.x1
			for _, other := range b.lines {
				for _, r := range other.pieces {
					if r.x0 < q.x1 && r.x1 > q.x0 {
						right = max(right, r.x1)
					}
				}
			}
			inner := !l.body && p.x0 > b.lines[0].pieces[0].x1 && p.style == q.style // text below a table begins further left
			if len(prev.pieces) == 1 || inner || strings.HasSuffix(q.text, "-") || q.x1+0.25*q.size+p.first > right {
				return l.baseline-prev.baseline <= 1.55*max(p.size, q.size)
			}
		}
	}
	return false
}

// columns are the columns that the lines of a block keep, from left to right. Lines that name the columns come after the
// others have said where they are.
func (b *block) columns(at span, header int) []span {
	if b.set != nil {
		return b.set
	}
	c := &cover{at: at}
	n := 0
	var size float32
	for i, l := range b.lines {
		if i < header || b.single[i] {
			continue
		}
		c.add(l)
		n++
		size = max(size, l.size)
	}
	width := gapEm * size
	if n <= 2 {
		width = 0.8 * size
	}
	gaps := c.gaps(tolerated(n), width)
	left, right := b.extent()
	var made []span
	for _, gap := range gaps {
		made = append(made, span{left, gap.x0})
		left = gap.x1
	}
	made = append(made, span{left, right})
	for _, l := range b.lines[:header] {
		made = named(made, l, c)
	}
	if header > 0 {
		made = alone(made, b.lines[header-1])
	}
	return made
}

// alone adds columns for names that stand in the white between two, far from both: those columns are empty.
func alone(columns []span, l *line) []span {
	for i := range l.pieces {
		p := &l.pieces[i]
		far := p.size
		at := slices.IndexFunc(columns, func(c span) bool { return c.x1 > p.x0-far })
		if at > 0 && columns[at].x0 > p.x1+far {
			columns = slices.Insert(slices.Clone(columns), at, span{p.x0, p.x1})
		}
	}
	return columns
}

// named parts columns that a line of names has several names for, if no text below stands in the white between the names.
func named(columns []span, l *line, c *cover) []span {
	for i := 1; i < len(l.pieces); i++ {
		p, q := &l.pieces[i-1], &l.pieces[i]
		if q.x0-p.x1 < 0.9*p.size {
			continue
		}
		for n, column := range columns {
			if p.x1 <= column.x0 || q.x0 >= column.x1 {
				continue
			}
			white := c.white(span{p.x1, q.x0})
			if white.width() < gapEm*p.size {
				break
			}
			columns = slices.Insert(slices.Clone(columns), n+1, span{white.x1, column.x1})
			columns[n].x1 = white.x0
			break
		}
	}
	return columns
}

func (b *block) extent() (left, right float32) {
	left, right = b.lines[0].x0(), b.lines[0].x1()
	for _, l := range b.lines {
		left, right = min(left, l.x0()), max(right, l.x1())
	}
	return left, right
}

func (b *block) box() page.Box {
	box := page.Box{Y0: b.lines[0].top, Y1: b.lines[0].low}
	box.X0, box.X1 = b.extent()
	for _, l := range b.lines {
		box.Y0, box.Y1 = min(box.Y0, l.top), max(box.Y1, l.low)
	}
	return box
}
