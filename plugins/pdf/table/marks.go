package table

import (
	"cmp"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// marks are the level edges that a page draws: rules, and the upper and lower ends of areas, from top to bottom.
type marks struct {
	edges []edge
}

// edge is a level stroke.
type edge struct {
	y float32
	span
}

// level collects the level edges of a page. Those on one height that touch are one.
func level(p *page.Page) *marks {
	var all []edge
	for _, r := range p.Rules {
		if !r.Vertical {
			all = append(all, edge{(r.Box.Y0 + r.Box.Y1) / 2, span{r.Box.X0, r.Box.X1}})
		}
	}
	for _, a := range p.Areas {
		if a.Box.X1-a.Box.X0 < 3 || a.Box.Y1-a.Box.Y0 > p.Height/2 {
			continue
		}
		all = append(all, edge{a.Box.Y0, span{a.Box.X0, a.Box.X1}}, edge{a.Box.Y1, span{a.Box.X0, a.Box.X1}})
	}
	slices.SortFunc(all, func(a, b edge) int {
		return cmp.Or(cmp.Compare(a.y, b.y), cmp.Compare(a.x0, b.x0), cmp.Compare(a.x1, b.x1))
	})
	m := &marks{}
	for begin := 0; begin < len(all); {
		end := begin + 1
		for end < len(all) && all[end].y-all[end-1].y < 1 && all[end].y-all[begin].y < snap {
			end++
		}
		row := all[begin:end]
		slices.SortFunc(row, func(a, b edge) int { return cmp.Or(cmp.Compare(a.x0, b.x0), cmp.Compare(a.x1, b.x1)) })
		for _, e := range row {
			if n := len(m.edges) - 1; n >= 0 && m.edges[n].y == row[0].y && e.x0 <= m.edges[n].x1+snap {
				m.edges[n].x1 = max(m.edges[n].x1, e.x1)
				continue
			}
			m.edges = append(m.edges, edge{row[0].y, e.span})
		}
		begin = end
	}
	return m
}

// snap is how far apart, in points, ends of lines may lie that are meant to meet.
const snap = 3

// between says that an edge stands between two heights over most of a width.
func (m *marks) between(y0, y1, x0, x1 float32) bool {
	at, _ := slices.BinarySearchFunc(m.edges, y0, func(e edge, y float32) int { return cmp.Compare(e.y, y) })
	for _, e := range m.edges[at:] {
		if e.y >= y1 {
			return false
		}
		if e.overlap(x0, x1) > 0.6*(x1-x0) {
			return true
		}
	}
	return false
}

// over says that an edge between two heights reaches over a whole width.
func (m *marks) over(y0, y1, x0, x1 float32) bool {
	at, _ := slices.BinarySearchFunc(m.edges, y0, func(e edge, y float32) int { return cmp.Compare(e.y, y) })
	for _, e := range m.edges[at:] {
		if e.y >= y1 {
			return false
		}
		if e.x0 <= x0 && e.x1 >= x1 {
			return true
		}
	}
	return false
}

// part says that edges stand between many of the lines of a block.
func (m *marks) part(b *block) bool {
	left, right := b.extent()
	n := 0
	for i := 1; i < len(b.lines); i++ {
		if m.between(b.lines[i-1].baseline, b.lines[i].baseline, left, right) {
			n++
		}
	}
	return 3*n >= len(b.lines)
}
