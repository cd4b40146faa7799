package layout

import (
	"cmp"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// frame is a filled or framed area with text of its own.
type frame struct {
	box   page.Box
	items []int // fragments in it
}

// Measures of a frame, in em of the page or as shares.
const (
	frameWidth  = 7
	frameHeight = 2.2  // more than one line has: a bar behind a heading is no frame
	frameTight  = 0.5  // areas so near to each other are one
	background  = 0.85 // of the page, or of its text: what covers more is the page's own ground
)

// findFrames finds the areas of a page that hold text apart from the rest. Grounds of pages, of single lines and of a
// table's rows and cells are none.
func (s *sheet) findFrames() {
	var areas, cells []page.Box
	for _, a := range s.Areas[:min(len(s.Areas), mostOthers)] {
		b := a.Box
		if !a.Filled && !a.Framed || b.X1-b.X0 < frameWidth*s.em || (b.X1-b.X0)*(b.Y1-b.Y0) > background*s.Width*s.Height {
			continue
		}
		switch {
		case len(areas)+len(cells) == mostAreas:
		case s.cell(b):
			cells = append(cells, b)
		default:
			areas = append(areas, b)
		}
	}
	areas = slices.DeleteFunc(areas, func(a page.Box) bool { // a line of a cell may have a ground of its own
		return slices.ContainsFunc(cells, func(c page.Box) bool { return union(a, c) == c })
	})
	if len(areas) == 0 {
		return
	}
	areas = s.together(areas)
	inside := make([][]int, len(areas))
	chars := make([]int, len(areas))
	all := 0
	for i := range s.Fragments {
		if s.aside[i] {
			continue
		}
		f := &s.Fragments[i]
		all += len(f.Text)
		for n, a := range areas {
			if within(f.Box, a) {
				inside[n] = append(inside[n], i)
				chars[n] += len(f.Text)
				break
			}
		}
	}
	for n, a := range areas {
		if a.Y1-a.Y0 < frameHeight*s.em || s.rows(inside[n]) < 2 || chars[n] < 30 || float32(chars[n]) > background*float32(all) {
			continue
		}
		for _, i := range inside[n] {
			s.framed[i] = len(s.frames)
		}
		s.frames = append(s.frames, frame{box: a, items: inside[n]})
	}
}

// What a made page costs is bounded: areas are compared with others.
const (
	mostAreas  = 256  // that may be frames
	mostOthers = 4096 // areas that they are compared with
)

// cell says whether an area has another one of its height at its side: it is the ground of a table's cell.
func (s *sheet) cell(a page.Box) bool {
	tight := 0.2 * s.em
	for i := range s.Areas[:min(len(s.Areas), mostOthers)] {
		o := s.Areas[i].Box
		if near(a.Y0, o.Y0, tight) && near(a.Y1, o.Y1, tight) && (near(a.X0, o.X1, tight) || near(a.X1, o.X0, tight)) {
			return true
		}
	}
	return false
}

// together joins areas that overlap or touch: a box, its title's ground and its border are drawn one by one.
func (s *sheet) together(areas []page.Box) []page.Box {
	for joined := true; joined; {
		joined = false
		for i := 0; i < len(areas) && !joined; i++ {
			for j := i + 1; j < len(areas); j++ {
				if s.touch(areas[i], areas[j]) {
					areas[i] = union(areas[i], areas[j])
					areas = slices.Delete(areas, j, j+1)
					joined = true
					break
				}
			}
		}
	}
	slices.SortFunc(areas, func(a, b page.Box) int { return cmp.Or(cmp.Compare(a.Y0, b.Y0), cmp.Compare(a.X0, b.X0)) })
	return areas
}

func (s *sheet) touch(a, b page.Box) bool {
	tight := frameTight * s.em
	if a.X0 > b.X1 || b.X0 > a.X1 || a.Y0 > b.Y1+tight || b.Y0 > a.Y1+tight {
		return false
	}
	overlap := min(a.Y1, b.Y1) - max(a.Y0, b.Y0)
	return overlap > tight || near(a.X0, b.X0, tight) && near(a.X1, b.X1, tight)
}

// rows counts the lines of fragments that are one below the other.
func (s *sheet) rows(items []int) int {
	levels := make([]float32, len(items))
	for n, i := range items {
		levels[n] = s.Fragments[i].Baseline
	}
	slices.Sort(levels)
	n := 0
	for k, y := range levels {
		if k == 0 || y-levels[k-1] > s.em/3 {
			n++
		}
	}
	return n
}

// within says whether the middle of a box lies in another one.
func within(b, in page.Box) bool {
	x, y := (b.X0+b.X1)/2, (b.Y0+b.Y1)/2
	return in.X0 <= x && x <= in.X1 && in.Y0 <= y && y <= in.Y1
}

func near(a, b, by float32) bool { return a-b <= by && b-a <= by }
