package table

import "slices"

// goOn takes the lines from the top of a region that stand in the columns of a table, moved by a distance.
func (g *grower) goOn(t *Found, shift float32) block {
	columns := make([]span, len(t.columns))
	for i, c := range t.columns {
		columns[i] = span{c.x0 + shift, c.x1 + shift}
	}
	b := block{set: columns, rest: t}
	last, inner := 0, false
	for i := range g.lines {
		l := &g.lines[i]
		if !t.like(l) || i > 0 && !g.near(&g.lines[i-1], l, l.baseline-g.lines[i-1].baseline, 0) || !standsIn(l, columns) {
			break
		}
		if len(l.pieces) > 1 && (l.dice() || l.bold() && !t.bold) {
			break // other names
		}
		b.lines, b.single = append(b.lines, l), append(b.single, false)
		if len(l.pieces) > 1 || i == 0 && !t.body && l.x0() > columns[1].x0-0.6*l.size {
			last = i + 1
		}
		inner = inner || len(l.pieces) > 1 || l.x0() > columns[1].x0-0.6*l.size
	}
	// What goes on with a cell at the top may have one piece a line.
	for last > 0 && last < len(b.lines) && len(g.lines[last].pieces) == 1 && g.lines[last].x0() > columns[1].x0-0.6*g.lines[last].size {
		last++
	}
	if !inner || last == 0 {
		return block{}
	}
	if last < len(g.lines) { // text that goes on past the columns is no part of a table
		l, prev := &g.lines[last], &g.lines[last-1]
		if len(l.pieces) == 1 && t.like(l) && l.baseline-prev.baseline < 1.3*l.size && l.pieces[0].style == prev.pieces[0].style {
			return block{}
		}
	}
	b.lines, b.single, b.to = b.lines[:last], b.single[:last], last
	return b
}

// like says that a line is set as a table is.
func (t *Found) like(l *line) bool {
	return l.body == t.body && abs(l.size-t.size) < 0.1*t.size && l.pieces[0].family == t.family
}

// standsIn says that each piece of a line stands in one column, and does not reach into the next.
func standsIn(l *line, columns []span) bool {
	last := len(columns) - 1
	for _, p := range l.pieces {
		in := slices.IndexFunc(columns, func(c span) bool { return p.x0 < c.x1+0.1*p.size && p.x1 > c.x0 })
		if in < 0 {
			return false
		}
		left, right := columns[0].x0-0.6*p.size, columns[last].x1+3*p.size
		if in > 0 {
			left = columns[in-1].x1 + 0.2*p.size
		}
		if in < last {
			right = columns[in+1].x0 - 0.2*p.size
		}
		if p.x0 < left || p.x1 > right {
			return false
		}
	}
	return true
}

// Join adds the rows of next to t if next is a part of the same table, in the column or on the page after it. The caller
// sees to it that nothing but running heads stands between the two.
func (t *Found) Join(next Found) bool {
	if len(t.columns) != len(next.columns) || len(t.Rows) == 0 || len(next.Rows) == 0 ||
		abs(t.size-next.size) > 0.1*t.size && !t.header() || t.body != next.body && !t.header() {
		return false
	}
	rows := next.Rows
	if !next.goesOn {
		if next.Caption != "" && next.Caption != t.Caption {
			return false
		}
		if !t.fits(&next) {
			return false
		}
		switch {
		case next.HeaderRows == 0:
		case next.HeaderRows == t.HeaderRows && t.sameHeader(rows):
			rows = rows[next.HeaderRows:]
		default:
			return false
		}
	}
	if len(rows) > 0 && next.HeaderRows == 0 && len(t.Rows) > t.HeaderRows && t.wraps(rows[0]) {
		last := t.Rows[len(t.Rows)-1]
		for i, c := range rows[0] {
			if c.Text != "" {
				last[i].Text = join(last[i].Text, c.Text, false)
			}
		}
		rows = rows[1:]
	}
	t.Rows = append(t.Rows, rows...)
	t.PageEnd = max(t.PageEnd, next.PageEnd)
	t.Dice = findDice(t.Rows, t.HeaderRows, t.Caption)
	t.columns, t.origin, t.ends = next.columns, next.origin, next.ends
	t.size, t.body, t.bold, t.family = next.size, next.body, next.bold, next.family
	return true
}

// header says that a table has no rows but those that name its columns.
func (t *Found) header() bool { return len(t.Rows) == t.HeaderRows }

func (t *Found) sameHeader(rows [][]Cell) bool {
	for i := range t.HeaderRows {
		if !slices.EqualFunc(t.Rows[i], rows[i], func(a, b Cell) bool { return a.Text == b.Text && a.Span == b.Span }) {
			return false
		}
	}
	return true
}

// wraps says that a row is the rest of the last row of a table: it has nothing in the first column, and what it has goes on
// with cells of that row.
func (t *Found) wraps(row []Cell) bool {
	last := t.Rows[len(t.Rows)-1]
	if row[0].Text != "" || last[0].Text == "" || last[0].Span > 1 {
		return false
	}
	for i, c := range row {
		if c.Text != "" && (last[i].Text == "" || c.Span != 1) {
			return false
		}
	}
	return true
}

// fits says that the columns of next, moved to where those of t are, leave them apart.
func (t *Found) fits(next *Found) bool {
	apart := func(shift float32) bool {
		for i := 1; i < len(t.columns); i++ {
			if max(t.columns[i-1].x1, next.columns[i-1].x1+shift) > min(t.columns[i].x0, next.columns[i].x0+shift) {
				return false
			}
		}
		return true
	}
	over := func(shift float32) bool { // of names alone, each stands over a column
		for i, c := range t.columns {
			middle := (c.x0 + c.x1) / 2
			if middle < next.columns[i].x0+shift-t.size || middle > next.columns[i].x1+shift+t.size {
				return false
			}
		}
		return true
	}
	for _, shift := range []float32{t.origin - next.origin, 0, t.columns[0].x0 - next.columns[0].x0} {
		if apart(shift) || t.header() && over(shift) {
			return true
		}
	}
	return false
}
