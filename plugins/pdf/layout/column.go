package layout

import (
	"cmp"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// Measures of a gutter, the white band between two columns; in em of the page where nothing else is said.
const (
	gutterWidth    = 0.55 // at least
	gutterCrossing = 0.15 // share of the items that may cross it at most: headings over both columns, tables
	columnWidth    = 7    // on both sides, at least
	columnLines    = 4    // the same
	columnFill     = 0.38 // share of a column that text covers at least; tables cover less
	columnFillOdd  = 0.6  // the same where other pages have their gutters elsewhere
	hintShare      = 0.25 // of the pages that must have a gutter before it counts for others too
	deepest        = 5    // columns within columns
)

// leaf is a part of a page that is one column, or what stands across several.
type leaf struct {
	box   page.Box
	items []int
}

// cutter cuts a page into columns. Its items are known by their boxes alone.
type cutter struct {
	boxes   []page.Box
	em      float32
	hints   []float32 // where gutters end on other pages
	leaves  []leaf    // in reading order
	gutters []float32 // where they end: there the next column begins, while the one before is as wide as its lines
}

// findColumns cuts all pages, and once more those that have no gutter where many others have one, or one elsewhere.
func (b *binder) findColumns() {
	count := map[int]int{} // gutters by their place in steps
	const step = 4
	for _, s := range b.sheets {
		s.findFrames()
		s.cut(nil)
		for _, x := range s.gutters {
			count[int(x/step)]++
		}
	}
	var hints []float32
	for at, n := range count {
		n += count[at-1] + count[at+1]
		if float64(n) >= hintShare*float64(len(b.sheets)) && count[at] >= count[at-1] && count[at] > count[at+1] {
			hints = append(hints, (float32(at)+0.5)*step)
		}
	}
	if len(hints) == 0 {
		return
	}
	slices.Sort(hints)
	for _, s := range b.sheets {
		odd := func(x float32) bool { return !nearAny(x, hints, 1.5*s.em) }
		if len(s.gutters) == 0 || slices.ContainsFunc(s.gutters, odd) {
			s.cut(hints)
		}
	}
}

// cut finds the leaves of a sheet: those of what is in no frame, in reading order, with those of each frame in its place.
func (s *sheet) cut(hints []float32) {
	boxes := make([]page.Box, 0, len(s.Fragments)+len(s.frames))
	for i := range s.Fragments {
		boxes = append(boxes, s.Fragments[i].Box)
	}
	outside := make([]int, 0, len(boxes))
	for i := range s.Fragments {
		if !s.aside[i] && s.framed[i] < 0 {
			outside = append(outside, i)
		}
	}
	for i := range s.frames {
		outside = append(outside, len(boxes))
		boxes = append(boxes, s.frames[i].box)
	}
	c := cutter{boxes: boxes, em: s.em, hints: hints}
	c.cut(outside, 0)
	s.gutters = c.gutters
	s.leaves = nil
	add := func(box page.Box, items []int) {
		if len(items) > 0 {
			s.leaves = append(s.leaves, leaf{box, items})
		}
	}
	for _, l := range c.leaves {
		var plain []int
		for _, item := range l.items {
			if item < len(s.Fragments) {
				plain = append(plain, item)
				continue
			}
			add(bounds(boxes, plain), plain)
			plain = nil
			inner := cutter{boxes: boxes, em: s.em, hints: hints}
			inner.cut(s.frames[item-len(s.Fragments)].items, 0)
			for _, in := range inner.leaves {
				add(in.box, in.items)
			}
		}
		add(bounds(boxes, plain), plain)
	}
	for i := range s.leaf {
		s.leaf[i] = -1
	}
	for n, l := range s.leaves {
		for _, i := range l.items {
			s.leaf[i] = n
		}
	}
}

// cut appends the leaves of the items: what stands across a gutter cuts them into bands, each of which is read from its
// left column to its right one.
func (c *cutter) cut(items []int, depth int) {
	if len(items) == 0 {
		return
	}
	slices.SortFunc(items, func(i, j int) int {
		return cmp.Or(cmp.Compare(middle(c.boxes[i]), middle(c.boxes[j])), cmp.Compare(c.boxes[i].X0, c.boxes[j].X0), cmp.Compare(i, j))
	})
	g, ok := gutter{}, false
	if depth < deepest {
		g, ok = c.gutter(items)
	}
	if !ok {
		c.leaves = append(c.leaves, leaf{bounds(c.boxes, items), items})
		return
	}
	at := len(c.gutters)
	c.gutters = append(c.gutters, g.x1)
	var across, left, right []int
	flush := func() {
		c.cut(left, depth+1)
		c.cut(right, depth+1)
		left, right = nil, nil
	}
	for n, i := range items {
		side := g.side(c.boxes[i])
		if side < 0 && len(across) > 0 && c.endsParagraph(items, n, across[len(across)-1], g) {
			side = 0
		}
		if side == 0 {
			flush()
			across = append(across, i)
			continue
		}
		if len(across) > 0 {
			c.leaves = append(c.leaves, leaf{bounds(c.boxes, across), across})
			across = nil
		}
		if side < 0 {
			left = append(left, i)
		} else {
			right = append(right, i)
		}
	}
	flush()
	if len(across) > 0 {
		c.leaves = append(c.leaves, leaf{bounds(c.boxes, across), across})
	}
	// A column cut at every heading has its gutter once.
	slices.Sort(c.gutters[at:])
	c.gutters = slices.CompactFunc(c.gutters, func(a, b float32) bool { return near(a, b, c.em) })
}

// endsParagraph says whether an item, which does not reach the gutter, is the short last line of text that stands across it.
func (c *cutter) endsParagraph(items []int, n, before int, g gutter) bool {
	box, above := c.boxes[items[n]], c.boxes[before]
	if box.X0 > above.X0+2*c.em || box.X0 < above.X0-2*c.em || box.Y0-above.Y1 > 0.5*c.em {
		return false
	}
	for _, j := range items[n+1:] {
		other := c.boxes[j]
		if other.Y0 >= box.Y1 && middle(other) > box.Y1+c.em {
			break
		}
		if g.side(other) > 0 && other.Y0 < box.Y1 && other.Y1 > box.Y0 {
			return false
		}
	}
	return true
}

// gutter is a white band from top to bottom.
type gutter struct{ x0, x1, em float32 }

// side is -1 for what is left of the gutter, 1 for what is right of it, 0 for what crosses it. What sticks out of a column
// by less than an em does not cross.
func (g gutter) side(b page.Box) int {
	switch x := (g.x0 + g.x1) / 2; {
	case b.X0 < g.x0-g.em && b.X1 > g.x1+g.em:
		return 0
	case b.X0+b.X1 < 2*x:
		return -1
	}
	return 1
}

// gutter finds the gutter that the fewest items cross, of those the widest.
func (c *cutter) gutter(items []int) (gutter, bool) {
	if len(items) < 2*columnLines {
		return c.elsewhere(items)
	}
	all := bounds(c.boxes, items)
	const most = 4096 // steps, for pages as wide as a made file says
	step := max(c.em/8, (all.X1-all.X0)/most)
	covers := make([]int, int((all.X1-all.X0)/step)+2)
	for _, i := range items {
		covers[int((c.boxes[i].X0-all.X0)/step)]++
		covers[int((c.boxes[i].X1-all.X0)/step)+1]--
	}
	for k := 1; k < len(covers); k++ {
		covers[k] += covers[k-1]
	}
	limit := int(gutterCrossing * float64(len(items)))
	wide := max(1, int(gutterWidth*c.em/step))
	type candidate struct {
		gutter
		crossing int
	}
	var found []candidate
	for from := 0; from < len(covers); from++ {
		if covers[from] > limit {
			continue
		}
		to := from
		for to < len(covers) && covers[to] <= limit {
			to++
		}
		if a, z, crossing, ok := whitest(covers[from:to], wide); ok {
			g := gutter{all.X0 + float32(from+a)*step, all.X0 + float32(from+z)*step, c.em}
			found = append(found, candidate{g, crossing})
		}
		from = to
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.crossing, b.crossing), cmp.Compare(b.x1-b.x0, a.x1-a.x0))
	})
	for _, f := range found {
		fill := float32(columnFill)
		if len(c.hints) > 0 && !nearAny(f.x1, c.hints, 1.5*c.em) {
			fill = columnFillOdd
		}
		if c.divides(f.gutter, items, fill) {
			return f.gutter, true
		}
	}
	return c.elsewhere(items)
}

// elsewhere finds a gutter where other pages have one.
func (c *cutter) elsewhere(items []int) (gutter, bool) {
	for _, x := range c.hints {
		if g := (gutter{x - gutterWidth*c.em, x, c.em}); c.hinted(g, items) {
			return g, true
		}
	}
	return gutter{}, false
}

// whitest finds the widest part of a row of counts that is at least so wide and crossed as little as possible.
func whitest(counts []int, wide int) (from, to, crossing int, ok bool) {
	if len(counts) < wide {
		return 0, 0, 0, false
	}
	for crossing = slices.Min(counts); crossing <= slices.Max(counts); crossing++ {
		for k := 0; k < len(counts); k++ {
			z := k
			for z < len(counts) && counts[z] <= crossing {
				z++
			}
			if z-k >= wide && z-k > to-from {
				from, to = k, z
			}
			k = max(k, z)
		}
		if to > from {
			return from, to, crossing, true
		}
	}
	return 0, 0, 0, false
}

// divides says whether a gutter has a column on both sides, of which text covers at least so much.
func (c *cutter) divides(g gutter, items []int, fill float32) bool {
	for _, side := range []int{-1, 1} {
		var lines int
		var area, last float32
		box := page.Box{}
		for _, i := range items { // from the top
			item := c.boxes[i]
			if g.side(item) != side {
				continue
			}
			if lines == 0 || middle(item)-last > c.em/2 {
				lines++
				last = middle(item)
			}
			box = union(box, item)
			area += (item.X1 - item.X0) * max(min(item.Y1-item.Y0, 1.2*c.em), c.em)
			if item.Y1-item.Y0 > 3*c.em { // a frame
				area += (item.X1 - item.X0) * (item.Y1 - item.Y0 - 1.2*c.em)
				lines += int((item.Y1 - item.Y0) / (1.5 * c.em))
			}
		}
		width, height := box.X1-box.X0, box.Y1-box.Y0
		if lines < columnLines || width < columnWidth*c.em || area < fill*width*height {
			return false
		}
	}
	return true
}

// hinted says whether a page has a gutter where others have it: text stands beside text there, and much of it begins there.
func (c *cutter) hinted(g gutter, items []int) bool {
	var sides [2]page.Box
	var count, beside, begin, right int
	for _, i := range items {
		switch g.side(c.boxes[i]) {
		case -1:
			sides[0] = union(sides[0], c.boxes[i])
			beside += boolInt(c.boxes[i].Y0 < sides[1].Y1 && c.boxes[i].Y1 > sides[1].Y0)
			count++
		case 1:
			sides[1] = union(sides[1], c.boxes[i])
			beside += boolInt(c.boxes[i].Y0 < sides[0].Y1 && c.boxes[i].Y1 > sides[0].Y0)
			begin += boolInt(near(c.boxes[i].X0, g.x1, 0.6*c.em))
			count++
			right++
		}
	}
	for _, s := range sides {
		if s.X1-s.X0 < columnWidth*c.em || s.Y1-s.Y0 < 2*c.em {
			return false
		}
	}
	return 2*count > len(items) && beside > 2 && 4*begin > right
}

func middle(b page.Box) float32 { return (b.Y0 + b.Y1) / 2 }

func nearAny(x float32, of []float32, by float32) bool {
	return slices.ContainsFunc(of, func(o float32) bool { return near(x, o, by) })
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// union is the smallest box around both; a box without extent counts for nothing.
func union(a, b page.Box) page.Box {
	switch (page.Box{}) {
	case a:
		return b
	case b:
		return a
	}
	return page.Box{X0: min(a.X0, b.X0), Y0: min(a.Y0, b.Y0), X1: max(a.X1, b.X1), Y1: max(a.Y1, b.Y1)}
}

func bounds(boxes []page.Box, items []int) page.Box {
	var all page.Box
	for _, i := range items {
		all = union(all, boxes[i])
	}
	return all
}
