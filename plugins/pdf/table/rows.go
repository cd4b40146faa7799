package table

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// builder makes rows of the lines of a block.
type builder struct {
	page    *sheet
	block   *block
	marks   *marks
	columns []span
	right   []float32 // how far text of a column reaches
	header  int       // lines that name the columns
	placed  [][]placed
	pitch   float32 // between lines of one cell
	divided []bool  // by column: the file marks that the last word of the cell goes on
	whole   []bool  // a line is between edges that have one row between them
}

// placed is a piece in its columns, from first to last.
type placed struct {
	piece
	from, to int
}

// build returns the rows of a block and how many of them name the columns.
func build(p *sheet, b *block, at span, m *marks) ([][]Cell, int, []span) {
	t := &builder{page: p, block: b, marks: m}
	if b.rest == nil {
		t.header = t.headerLines()
	}
	t.columns = b.columns(at, t.header)
	if len(t.columns) < 2 && t.header > 0 {
		t.columns = b.columns(at, 0)
	}
	if len(t.columns) < 2 {
		return nil, 0, nil
	}
	t.place()
	t.edges()
	rows, header := t.head()
	rest := t.rest()
	if len(rest) == 0 {
		return nil, 0, nil
	}
	return append(rows, rest...), header, t.columns
}

// headerLines is how many of the first lines are set apart from those below them.
func (t *builder) headerLines() int {
	b := t.block
	most := min(4, len(b.lines)-1)
	bold := 0
	for bold < len(b.lines) && b.lines[bold].bold() {
		bold++
	}
	if bold > 0 && bold <= most {
		later := 0
		for _, l := range b.lines[bold:] {
			if l.bold() {
				later++
			}
		}
		if 3*later <= len(b.lines)-bold {
			return bold
		}
	}
	if n := t.apart(most); n > 0 {
		return n
	}
	if b.lines[0].dice() {
		return 1
	}
	return t.ruledOff(most)
}

// apart is how many of the first lines are in a style that the lines below them do not have.
func (t *builder) apart(most int) int {
	b := t.block
	first := b.lines[0].pieces[0].style
	like := func(l *line) bool {
		return !slices.ContainsFunc(l.pieces, func(p piece) bool { return p.style != first })
	}
	n := 0
	for n < len(b.lines) && like(b.lines[n]) {
		n++
	}
	if n == 0 || n > most {
		return 0
	}
	for _, l := range b.lines[n:] {
		if slices.ContainsFunc(l.pieces, func(p piece) bool { return p.style == first }) {
			return 0
		}
	}
	return n
}

// ruledOff is how many of the first lines stand above an edge, where most of the others have none between them.
func (t *builder) ruledOff(most int) int {
	b := t.block
	left, right := b.extent()
	at, count := 0, 0
	for i := 1; i < len(b.lines); i++ {
		if t.marks.between(b.lines[i-1].baseline, b.lines[i].baseline, left, right) {
			if count++; at == 0 {
				at = i
			}
		}
	}
	if at > 0 && at <= most && (count == 1 || 4*count < len(b.lines)) {
		return at
	}
	return 0
}

// place puts the pieces of all lines into columns.
func (t *builder) place() {
	t.right = make([]float32, len(t.columns))
	t.divided = make([]bool, len(t.columns))
	t.placed = make([][]placed, len(t.block.lines))
	for i, l := range t.block.lines {
		for _, p := range l.pieces {
			if t.block.single[i] {
				t.placed[i] = append(t.placed[i], placed{p, 0, len(t.columns) - 1})
				continue
			}
			t.placed[i] = append(t.placed[i], t.put(p)...)
		}
		if i > 0 && (t.pitch == 0 || l.baseline-t.block.lines[i-1].baseline < t.pitch) {
			t.pitch = l.baseline - t.block.lines[i-1].baseline
		}
		for _, p := range t.placed[i] {
			if p.from == p.to {
				t.right[p.from] = max(t.right[p.from], p.x1)
			}
		}
	}
}

// put finds the columns of a piece, and cuts it where its words are in several.
func (t *builder) put(p piece) []placed {
	from, to := t.reach(p.x0, p.x1, p.size)
	if from == to {
		return []placed{{p, from, to}}
	}
	for i := 1; i < len(p.words); i++ {
		_, left := t.reach(p.words[0].X0, p.words[i-1].X1, p.size)
		right, _ := t.reach(p.words[i].X0, p.words[len(p.words)-1].X1, p.size)
		if left < right && p.words[i].X0-p.words[i-1].X1 > 0.3*p.size {
			head := newPiece(t.page, p.fragment, p.words[:i])
			tail := newPiece(t.page, p.fragment, p.words[i:])
			return append(t.put(head), t.put(tail)...)
		}
	}
	return []placed{{p, from, to}}
}

// reach is the first and the last column that a stretch takes a good part of; at least the one that it takes most of.
func (t *builder) reach(x0, x1, size float32) (from, to int) {
	from, to = -1, -1
	best, most := 0, float32(-1e9)
	for i, c := range t.columns {
		o := c.overlap(x0, x1)
		if o > most {
			best, most = i, o
		}
		if o > min(1.2*size, 0.6*c.width()) || o > 0 && o >= 0.6*(x1-x0) {
			if from < 0 {
				from = i
			}
			to = i
		}
	}
	if from < 0 {
		return best, best
	}
	return from, to
}

// head makes rows of the lines that name the columns: one, unless a name is over several columns.
func (t *builder) head() (rows [][]Cell, header int) {
	if t.header == 0 {
		return nil, 0
	}
	over := false
	for _, l := range t.placed[:t.header] {
		for _, p := range l {
			over = over || p.from < p.to
		}
	}
	if !over {
		row := t.row()
		for _, l := range t.placed[:t.header] {
			t.fill(row, l)
		}
		return [][]Cell{row}, 1
	}
	for _, l := range t.placed[:t.header] {
		t.center(l)
		row := t.row()
		t.fill(row, l)
		rows = append(rows, row)
	}
	return rows, t.header
}

// center widens names over several columns that stand in the middle of more of them, as far as no other name of the line does.
func (t *builder) center(l []placed) {
	for i := range l {
		p := &l[i]
		if p.from == p.to {
			continue
		}
		first, last := 0, len(t.columns)-1
		if i > 0 {
			first = l[i-1].to + 1
		}
		if i+1 < len(l) {
			last = l[i+1].from - 1
		}
		from, to := p.from, p.to
		for a := first; a <= from; a++ {
			for b := last; b >= to; b-- {
				off := abs(t.columns[a].x0 + t.columns[b].x1 - p.x0 - p.x1)
				if off <= 2*p.size && b-a > p.to-p.from {
					p.from, p.to = a, b
				}
			}
		}
	}
}

func (t *builder) row() []Cell {
	row := make([]Cell, len(t.columns))
	for i := range row {
		row[i].Span = 1
	}
	return row
}

// fill adds the pieces of a line to a row.
func (t *builder) fill(row []Cell, line []placed) {
	for _, p := range line {
		at := p.from
		for at > 0 && row[at].Span == 0 {
			at--
		}
		cell := &row[at]
		if cell.Text == "" {
			cell.Bold = p.bold
			t.divided[at] = false
		} else {
			cell.Bold = cell.Bold && p.bold
		}
		cell.Text = join(cell.Text, p.text, t.divided[at])
		t.divided[at] = t.page.Fragments[p.fragment].Hyphen && strings.HasSuffix(t.page.Fragments[p.fragment].Text, p.text)
		for to := at + cell.Span; to <= p.to; to++ {
			if row[to].Text != "" || row[to].Span != 1 {
				break
			}
			row[to].Span = 0
			cell.Span++
		}
	}
}

// join puts the text of one line of a cell to that of the next.
func join(text, next string, hyphen bool) string {
	switch {
	case text == "":
		return next
	case hyphen:
		return strings.TrimSuffix(text, "-") + next
	}
	if before, cut := strings.CutSuffix(text, "-"); cut {
		last, _ := utf8.DecodeLastRuneInString(before)
		first, _ := utf8.DecodeRuneInString(next)
		if unicode.IsLetter(last) && unicode.IsLower(first) {
			return text + next
		}
	}
	return text + " " + next
}

// mostLines is how many lines a row may have: more are text in columns.
const mostLines = 80

// rest makes rows of the lines that do not name the columns; none, if one of them would be too long.
func (t *builder) rest() [][]Cell {
	var rows [][]Cell
	var leads []*placed                     // what stands in the first column of each row
	last := make([]*placed, len(t.columns)) // the lowest piece of each cell of the row
	begin := 0
	flush := func(end int) {
		if begin == end {
			return
		}
		row := t.row()
		var lead *placed
		for _, l := range t.placed[begin:end] {
			t.fill(row, l)
			if lead == nil && l[0].from == 0 {
				lead = &l[0]
			}
		}
		rows, leads = append(rows, row), append(leads, lead)
		begin = end
		clear(last)
	}
	begin = t.header
	for i := t.header; i < len(t.placed); i++ {
		if i > t.header && t.begins(i, last) {
			flush(i)
		}
		if i-begin > mostLines {
			return nil
		}
		for j := range t.placed[i] {
			last[t.placed[i][j].from] = &t.placed[i][j]
		}
	}
	flush(len(t.placed))
	group(rows, leads)
	return rows
}

// begins says that a line begins a row.
func (t *builder) begins(i int, last []*placed) bool {
	b := t.block
	l, prev := b.lines[i], b.lines[i-1]
	if b.single[i] || b.single[i-1] {
		return true
	}
	if t.edge(i) {
		return true
	}
	if t.whole[i] {
		return false
	}
	filled, fits, lead := len(t.placed[i]), 0, false
	for j := range t.placed[i] {
		p := &t.placed[i][j]
		lead = lead || p.from == 0
		if t.goesOn(last[p.from], p) {
			fits++
		}
	}
	missing := false // a cell of the row has ended
	for c := range last {
		missing = missing || last[c] != nil && !slices.ContainsFunc(t.placed[i], func(p placed) bool { return p.from == c })
	}
	switch {
	case l.baseline-prev.baseline > 1.25*t.pitch:
		return true
	case filled == 1 && fits == 1:
		return false
	case lead && fits == filled:
		first, _ := utf8.DecodeRuneInString(t.placed[i][0].text)
		return !unicode.IsLower(first) && (!missing || !t.filledUp(last[0]))
	case lead:
		return true
	case filled == 1:
		return false
	}
	return 2*fits < filled
}

// edges finds the lines between two edges, or an edge and an end of the table, that have no second cell in the first column: they are one row.
func (t *builder) edges() {
	n := len(t.block.lines)
	t.whole = make([]bool, n)
	begin, leads, count := t.header, 0, 0
	end := func(to int) {
		for i := begin + 1; i < to && leads <= 1; i++ {
			t.whole[i] = !t.block.single[i] && !t.block.single[i-1]
		}
		begin, leads = to, 0
	}
	for i := t.header; i < n; i++ {
		if i > t.header && t.edge(i) {
			end(i)
			count++
		}
		if len(t.placed[i]) > 0 && t.placed[i][0].from == 0 {
			leads++
		}
	}
	end(n)
	if count == 0 {
		clear(t.whole)
	}
}

// edge says that an edge stands above a line.
func (t *builder) edge(i int) bool {
	left, right := t.columns[0].x0, t.columns[len(t.columns)-1].x1
	return t.marks.between(t.block.lines[i-1].baseline, t.block.lines[i].baseline, left, right)
}

// filledUp says that a text takes most of its column's width.
func (t *builder) filledUp(p *placed) bool {
	column := t.columns[p.from]
	return p.x1-column.x0 >= 0.6*(t.right[p.from]-column.x0)
}

// goesOn says that a piece may go on with a cell: its first word had no place at the end of the cell's last line.
func (t *builder) goesOn(above, p *placed) bool {
	switch {
	case above == nil, above.bold != p.bold && above.italic != p.italic:
		return false
	case p.from == 0 && measure.MatchString(p.text) && measure.MatchString(above.text):
		return false // numbers of rows
	case t.right[p.from]-t.columns[p.from].x0 < 4*p.size && !strings.ContainsAny(above.text, " -"):
		return false // a column of short values always looks full
	}
	return above.x1+0.25*p.size+p.first > t.right[p.from]-0.1*p.size
}

// group makes the cell of a row that has text in its first column alone reach over all of them, where it names the rows below:
// it is set otherwise than what stands in the first column of the next, or further left.
func group(rows [][]Cell, leads []*placed) {
	for i, row := range rows {
		if row[0].Text == "" || row[0].Span > 1 || i+1 == len(rows) || leads[i+1] == nil ||
			slices.ContainsFunc(row[1:], func(c Cell) bool { return c.Text != "" }) {
			continue
		}
		name, next := leads[i], leads[i+1]
		if name.bold == next.bold && name.italic == next.italic && name.x0 > next.x0-0.4*next.size {
			continue
		}
		row[0].Span = len(row)
		for j := range row[1:] {
			row[1+j].Span = 0
		}
	}
}
