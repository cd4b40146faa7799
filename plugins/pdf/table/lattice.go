package table

import (
	"cmp"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// lattice is strokes that touch each other and part a place into cells.
type lattice struct {
	box  page.Box
	x, y []float32 // where its strokes stand, from left to right and from top to bottom
	// the strokes of each x and y, as stretches
	upright, level [][]span
}

// stroke is a straight line: a rule, or a side of an area.
type stroke struct {
	at      float32 // x of an upright one, y of a level one
	from    float32
	to      float32
	upright bool
}

// most strokes of a page that lattices are made of: a page with more is a drawing.
const mostStrokes = 8_000

// lattices are the grids that a page draws, from top to bottom.
func lattices(p *page.Page) []lattice {
	all := strokes(p)
	if len(all) > mostStrokes {
		return nil
	}
	var found []lattice
	for _, group := range touching(all) {
		l := newLattice(group)
		if len(l.x) >= 3 && len(l.y) >= 3 {
			found = append(found, l)
		}
	}
	slices.SortStableFunc(found, func(a, b lattice) int {
		return cmp.Or(cmp.Compare(a.box.Y0, b.box.Y0), cmp.Compare(a.box.X0, b.box.X0))
	})
	return found
}

func strokes(p *page.Page) []stroke {
	var all []stroke
	for _, r := range p.Rules {
		if r.Vertical {
			all = append(all, stroke{(r.Box.X0 + r.Box.X1) / 2, r.Box.Y0, r.Box.Y1, true})
		} else {
			all = append(all, stroke{(r.Box.Y0 + r.Box.Y1) / 2, r.Box.X0, r.Box.X1, false})
		}
	}
	for _, a := range p.Areas {
		b := a.Box
		if b.X1-b.X0 < snap || b.Y1-b.Y0 < snap || b.Y1-b.Y0 > p.Height/2 && b.X1-b.X0 > p.Width/2 {
			continue
		}
		all = append(all,
			stroke{b.X0, b.Y0, b.Y1, true}, stroke{b.X1, b.Y0, b.Y1, true},
			stroke{b.Y0, b.X0, b.X1, false}, stroke{b.Y1, b.X0, b.X1, false})
	}
	return all
}

// touching puts strokes together that touch, directly or by others. Only strokes near each other from left to right are
// compared.
func touching(all []stroke) [][]stroke {
	box := func(s stroke) page.Box {
		if s.upright {
			return page.Box{X0: s.at, X1: s.at, Y0: s.from, Y1: s.to}
		}
		return page.Box{X0: s.from, X1: s.to, Y0: s.at, Y1: s.at}
	}
	slices.SortStableFunc(all, func(a, b stroke) int { return cmp.Compare(box(a).X0, box(b).X0) })
	leader := make([]int, len(all))
	for i := range leader {
		leader[i] = i
	}
	lead := func(i int) int {
		for leader[i] != i {
			leader[i] = leader[leader[i]]
			i = leader[i]
		}
		return i
	}
	var open []int // strokes that reach as far to the right as the one looked at
	for i := range all {
		b := box(all[i])
		kept := open[:0]
		for _, j := range open {
			o := box(all[j])
			if o.X1+snap < b.X0 {
				continue
			}
			kept = append(kept, j)
			if o.Y0 <= b.Y1+snap && b.Y0 <= o.Y1+snap {
				leader[lead(i)] = lead(j)
			}
		}
		kept = append(kept, i)
		open = kept
	}
	byLeader := map[int]int{}
	var groups [][]stroke
	for i := range all {
		n, ok := byLeader[lead(i)]
		if !ok {
			n = len(groups)
			byLeader[lead(i)] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], all[i])
	}
	return groups
}

func newLattice(group []stroke) lattice {
	var l lattice
	l.x, l.upright = snapped(group, true)
	l.y, l.level = snapped(group, false)
	if len(l.x) > 0 && len(l.y) > 0 {
		l.box = page.Box{X0: l.x[0], X1: l.x[len(l.x)-1], Y0: l.y[0], Y1: l.y[len(l.y)-1]}
	}
	return l
}

// snapped puts strokes of one direction that are nearly in line together.
func snapped(group []stroke, upright bool) (at []float32, along [][]span) {
	var own []stroke
	for _, s := range group {
		if s.upright == upright {
			own = append(own, s)
		}
	}
	slices.SortStableFunc(own, func(a, b stroke) int { return cmp.Compare(a.at, b.at) })
	for i, s := range own {
		if i == 0 || s.at-at[len(at)-1] > snap {
			at, along = append(at, s.at), append(along, nil)
		}
		n := len(along) - 1
		along[n] = append(along[n], span{s.from, s.to})
	}
	return at, along
}

// columns are the places between upright strokes that reach over a good part of the lattice's height.
func (l *lattice) columns() []span {
	var at []float32
	for i, x := range l.x {
		covered := float32(0)
		for j := 1; j < len(l.y); j++ {
			middle := (l.y[j-1] + l.y[j]) / 2
			if slices.ContainsFunc(l.upright[i], func(s span) bool { return s.x0 <= middle && middle <= s.x1 }) {
				covered += l.y[j] - l.y[j-1]
			}
		}
		if 2*covered >= l.box.Y1-l.box.Y0 {
			at = append(at, x)
		}
	}
	var made []span
	for i := 1; i < len(at); i++ {
		made = append(made, span{at[i-1], at[i]})
	}
	return made
}

// lattice makes a table of what stands in the cells of a lattice, unless it is none.
func (f *finder) lattice(l *lattice) bool {
	columns := l.columns()
	if len(columns) < 2 {
		return false
	}
	all, at := f.within(l.box)
	g := &grower{lines: lines(all, f.body), at: at, marks: f.marks, origin: l.box.X0}
	if len(g.lines) < 2 {
		return false
	}
	columns = slices.DeleteFunc(columns, func(c span) bool {
		return !slices.ContainsFunc(all, func(p piece) bool { return c.overlap(p.x0, p.x1) > 0 })
	})
	b := block{single: make([]bool, len(g.lines)), to: len(g.lines), drawn: true, set: columns}
	for i := range g.lines {
		b.lines = append(b.lines, &g.lines[i])
	}
	return len(columns) > 1 && !f.goesBeyond(l, &b) && f.take(g, &b)
}

// goesBeyond says that rows like those in a lattice stand right above or below it: what is drawn is the ground of some rows.
func (f *finder) goesBeyond(l *lattice, b *block) bool {
	first, last := b.lines[0], b.lines[len(b.lines)-1]
	around := page.Box{X0: l.box.X0 - snap, X1: l.box.X1 + snap, Y0: l.box.Y0 - 2*first.size, Y1: l.box.Y1 + 2*last.size}
	all, _ := f.within(around)
	for _, o := range lines(all, f.body) {
		at := first
		switch {
		case o.baseline > last.baseline+0.3*last.size:
			at = last
		case o.baseline > first.baseline-0.3*first.size:
			continue
		}
		if len(o.pieces) > 1 && o.body == at.body && aligned(at, &o) {
			return true
		}
	}
	return false
}
