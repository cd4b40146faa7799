package layout

import (
	"iter"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// Lay makes a book of the pages of a file, which come in their order. Equal pages make equal books.
//
// What a page means depends on the others: what they repeat, where their columns are, which words they have. So all pages are
// held until the last one came, and each of them until its lines are made; memory is bounded by the text: some 10 bytes for each
// of its characters, and as many for the book.
func Lay(doc page.Document, pages iter.Seq[*page.Page]) *Book {
	b := binder{doc: doc}
	for p := range pages {
		b.sheets = append(b.sheets, newSheet(p))
	}
	b.body = b.mostText()
	b.setHeadsAside()
	b.findColumns()
	return b.bind(b.lines())
}

// binder is a book while it is made.
type binder struct {
	doc    page.Document
	sheets []*sheet
	body   Style
	frames int // numbered so far
	marks  []mark
	spots  map[spot]bool // where marks lead
}

// sheet is a page and what was found out about it.
type sheet struct {
	*page.Page
	em      float32 // size of most of its text
	aside   []bool  // by fragment: it belongs to no line
	loose   []bool  // by fragment: where it stands says nothing of the order
	heads   []int   // fragments that are running heads, feet or page numbers
	label   string
	leaves  []leaf // parts of the page that are one column, in reading order
	leaf    []int  // by fragment: index in leaves; -1: in none
	gutters []float32
	frames  []frame
	framed  []int // by fragment: index in frames; -1: in none
	tables  []table.Found
	edges   map[column]edges
	found   Report

	geometry, suspicious bool
}

func newSheet(p *page.Page) *sheet {
	n := len(p.Fragments)
	s := &sheet{Page: p, aside: make([]bool, n), loose: make([]bool, n), leaf: make([]int, n), framed: make([]int, n)}
	sizes := map[float32]int{}
	for i := range p.Fragments {
		f := &p.Fragments[i]
		s.loose[i] = f.Turned || !placed(f)
		s.aside[i] = s.loose[i] || f.Text == "" || len(f.Runs) == 0
		s.leaf[i], s.framed[i] = -1, -1
		from := 0
		for _, r := range f.Runs {
			sizes[r.Size] += r.End - from
			from = r.End
		}
	}
	s.em = 10
	most := 0
	for size, n := range sizes {
		if n > most || n == most && size < s.em {
			s.em, most = size, n
		}
	}
	if s.em < 1 { // nobody reads that: the sizes are wrong
		s.em = 10
	}
	return s
}

// placed says whether a fragment has a place that can be reckoned with.
func placed(f *page.Fragment) bool {
	for _, x := range []float32{f.Box.X0, f.Box.Y0, f.Box.X1, f.Box.Y1, f.Baseline} {
		if !(x > -1e7 && x < 1e7) {
			return false
		}
	}
	return true
}

// style is the style of a run. A font that the page does not have is one without a name.
func (s *sheet) style(r page.Run) Style {
	st := Style{Size: r.Size, Color: r.Color}
	if r.Font >= 0 && r.Font < len(s.Fonts) {
		f := s.Fonts[r.Font]
		st.Font, st.Bold, st.Italic = f.Name, f.Bold, f.Italic
	}
	return st
}

// mostText is the style that most of the text is set in.
func (b *binder) mostText() Style {
	counts := map[Style]int{}
	for _, s := range b.sheets {
		for i := range s.Fragments {
			if s.aside[i] {
				continue
			}
			from := 0
			for _, r := range s.Fragments[i].Runs {
				counts[s.style(r).rounded()] += r.End - from
				from = r.End
			}
		}
	}
	var body Style
	most := 0
	for st, n := range counts {
		if n > most || n == most && st.before(body) {
			body, most = st, n
		}
	}
	return body
}

// rounded is the style with a size that others of the same kind have too: files say 9.9626 and 9.96.
func (s Style) rounded() Style {
	s.Size = float32(int(s.Size*4+0.5)) / 4
	return s
}

// before is an order among styles, for where nothing else decides.
func (s Style) before(o Style) bool {
	switch {
	case s.Size != o.Size:
		return s.Size < o.Size
	case s.Font != o.Font:
		return s.Font < o.Font
	case s.Color != o.Color:
		return s.Color < o.Color
	case s.Bold != o.Bold:
		return o.Bold
	}
	return !s.Italic && o.Italic
}
