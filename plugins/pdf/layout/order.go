package layout

import (
	"cmp"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// unit is a fragment or a table in the order of reading; of the two, one is -1.
type unit struct{ fragment, table int }

// order finds the tables of a sheet and the order in which all of it is read: as it is painted if that is plausible, else by
// columns.
func (b *binder) order(s *sheet) []unit {
	columns := make([]page.Box, len(s.leaves))
	for i, l := range s.leaves {
		columns[i] = l.box
	}
	body := table.Style{Font: b.body.Font, Size: b.body.Size, Color: b.body.Color}
	s.tables = table.Find(s.Page, table.Ground{Columns: columns, Body: body, Aside: s.aside})
	of := make([]int, len(s.Fragments)) // the table a fragment is part of; -1: of none
	for i := range of {
		of[i] = -1
	}
	for n := range s.tables {
		for _, i := range s.tables[n].Fragments {
			of[i] = n
		}
	}
	s.dissolveFrames(of)

	units := painted(s, of)
	if s.plausible(units) {
		return units
	}
	s.geometry = true
	units = s.byColumns(units)
	s.suspicious = s.tangled(units)
	return units
}

// dissolveFrames forgets frames that are the ground of a table, and numbers the others.
func (s *sheet) dissolveFrames(of []int) {
	for n := range s.frames {
		text := slices.ContainsFunc(s.frames[n].items, func(i int) bool { return of[i] < 0 })
		if !text {
			for _, i := range s.frames[n].items {
				s.framed[i] = -1
			}
			s.frames[n].items = nil
		}
	}
}

// painted is the order in which a page paints its text; a table stands where its first fragment does.
func painted(s *sheet, of []int) []unit {
	units := make([]unit, 0, len(s.Fragments))
	placed := make([]bool, len(s.tables))
	for i := range s.Fragments {
		n := of[i]
		switch {
		case n >= 0 && !placed[n]:
			placed[n] = true
			units = append(units, unit{-1, n})
		case n < 0 && !s.aside[i]:
			units = append(units, unit{i, -1})
		}
	}
	return units
}

// box of a unit, and the height at which it begins and ends.
func (s *sheet) box(u unit) (box page.Box, first, last float32) {
	if u.table >= 0 {
		box = s.tables[u.table].Box
		return box, box.Y0 + s.em, box.Y1
	}
	f := &s.Fragments[u.fragment]
	return f.Box, f.Baseline, f.Baseline
}

// frameAt is the frame a unit is in; -1: in none.
func (s *sheet) frameAt(u unit) int {
	if u.table >= 0 {
		return s.framed[s.tables[u.table].Fragments[0]]
	}
	return s.framed[u.fragment]
}

// plausible says whether people read a page in the order in which it is painted: that never jumps up but to the right, past
// the text in front of it, or into and out of a frame. Nor does it change between columns with each line.
func (s *sheet) plausible(units []unit) bool {
	const jump = 1.2
	var changes int
	for n := 1; n < len(units); n++ {
		a, b := units[n-1], units[n]
		before, _, last := s.box(a)
		box, first, _ := s.box(b)
		if s.frameAt(a) != s.frameAt(b) {
			continue
		}
		up := last-first > jump*s.em
		if up && box.X0 < before.X1-0.5*s.em {
			return false
		}
		wide := columnWidth * s.em
		if !up && before.X1-before.X0 > wide && box.X1-box.X0 > wide && box.X0 > before.X1 && !s.sameLeaf(a, b) {
			changes++ // a line of the next column without going up
		}
	}
	return changes <= 2*len(s.leaves)+4
}

func (s *sheet) sameLeaf(a, b unit) bool {
	return a.table < 0 && b.table < 0 && s.leaf[a.fragment] == s.leaf[b.fragment]
}

// byColumns is the order of leaves, and in a leaf from top to bottom. Tables and frames take their place as a whole.
func (s *sheet) byColumns(units []unit) []unit {
	boxes := make([]page.Box, 0, len(units)+len(s.frames))
	var outside []int
	within := make([][]int, len(s.frames))
	for n, u := range units {
		box, _, _ := s.box(u)
		boxes = append(boxes, box)
		if in := s.frameAt(u); in >= 0 {
			within[in] = append(within[in], n)
		} else {
			outside = append(outside, n)
		}
	}
	for n := range s.frames {
		if len(within[n]) > 0 {
			outside = append(outside, len(boxes))
		}
		boxes = append(boxes, s.frames[n].box)
	}
	ordered := make([]unit, 0, len(units))
	var place func(items []int)
	place = func(items []int) {
		c := cutter{boxes: boxes, em: s.em, hints: s.gutters}
		c.cut(items, 0)
		for _, l := range c.leaves {
			s.level(l.items, boxes, units)
			for _, item := range l.items {
				if item < len(units) {
					ordered = append(ordered, units[item])
				} else {
					place(within[item-len(units)])
				}
			}
		}
	}
	place(outside)
	return ordered
}

// level sorts the items of a column into lines, from top to bottom, each from left to right.
func (s *sheet) level(items []int, boxes []page.Box, units []unit) {
	base := func(item int) float32 {
		if item < len(units) {
			_, first, _ := s.box(units[item])
			return first
		}
		return boxes[item].Y0 + s.em
	}
	slices.SortStableFunc(items, func(a, b int) int { return cmp.Compare(base(a), base(b)) })
	for from := 0; from < len(items); {
		to := from + 1
		for to < len(items) && base(items[to])-base(items[from]) <= 0.3*s.em {
			to++
		}
		slices.SortStableFunc(items[from:to], func(a, b int) int { return cmp.Compare(boxes[a].X0, boxes[b].X0) })
		from = to
	}
}

// tangled says whether the order by columns is not plausible either: much of the text has other text beside it that is
// in the same column.
func (s *sheet) tangled(units []unit) bool {
	beside := 0
	for n := 1; n < len(units); n++ {
		a, b := units[n-1], units[n]
		if a.table >= 0 || b.table >= 0 {
			continue
		}
		f, o := &s.Fragments[a.fragment], &s.Fragments[b.fragment]
		if near(f.Baseline, o.Baseline, 0.3*s.em) && (o.Box.X0-f.Box.X1 > 2*s.em || o.Box.X0 < f.Box.X1-s.em) {
			beside++
		}
	}
	return 4*beside > len(units)
}
