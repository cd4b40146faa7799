package layout

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// Measures of a line, in em of its text.
const (
	neighbours = 0.75 // gap up to which pieces of a line are one that are painted one behind the other
	strangers  = 0.28 // the same of others, and of what stands in different columns
	blank      = 0.10 // gap from which on there is a blank
	tab        = 1.5  // gap of which a line has several when it has cells, or one twice as wide
	level      = 0.25 // by how much the baselines of a line differ at most
)

// row is a line, or a table in its place, while a book is made.
type row struct {
	Line
	sheet    *sheet
	main     Style // of most of it, rounded
	start    Style // of its first character, rounded
	end      Style // of its last one
	baseline float32
	lead     float32 // width of its first word
	frame    int     // number in the book; 0: in none
	column   column
	turned   bool // it does not run from left to right
	marked   bool // the file marks that its last word goes on
	caption  bool // of a table
	heading  bool
	tabbed   bool // wide gaps divide it
	leaders  bool // dots lead from one part to the next
	table    *table.Found
}

// column is where a line stands on its page: between which gutters, in which frame.
type column struct{ from, to, frame int }

// edges are where most lines of a column begin and end.
type edges struct{ left, right float32 }

// lines makes lines of the fragments of all sheets, in the order of reading.
func (b *binder) lines() []*row {
	var all []*row
	for _, s := range b.sheets {
		from := len(all)
		units := b.order(s)
		all = append(all, b.rows(s, units)...)
		all = append(all, turned(s)...)
		s.settle(all[from:])
		s.Page = &page.Page{Number: s.Number, Width: s.Width, Height: s.Height, Chars: s.Chars} // the rest is in the lines
	}
	return all
}

// rows makes the lines of a sheet.
func (b *binder) rows(s *sheet, units []unit) []*row {
	captions := map[int]bool{}
	for _, t := range s.tables {
		for _, i := range t.Captions {
			captions[i] = true
		}
	}
	numbers := make([]int, len(s.frames))
	number := func(u unit) int {
		n := s.frameAt(u)
		if n < 0 {
			return 0
		}
		if numbers[n] == 0 {
			b.frames++
			numbers[n] = b.frames
		}
		return numbers[n]
	}
	var rows []*row
	for n := 0; n < len(units); {
		u := units[n]
		if u.table >= 0 {
			t := &s.tables[u.table]
			r := &row{sheet: s, table: t, frame: number(u)}
			r.Place = Place{s.Number, t.Box}
			rows = append(rows, r)
			n++
			continue
		}
		pieces := []int{u.fragment}
		for n++; n < len(units) && units[n].table < 0 && s.sameLine(pieces, units[n].fragment); n++ {
			pieces = append(pieces, units[n].fragment)
		}
		r := s.row(pieces)
		r.frame = number(u)
		r.caption = captions[u.fragment]
		rows = append(rows, r)
	}
	return rows
}

// sameLine says whether a fragment goes on in the line of those in front of it.
func (s *sheet) sameLine(pieces []int, next int) bool {
	last := pieces[len(pieces)-1]
	a, b := &s.Fragments[last], &s.Fragments[next]
	if s.framed[last] != s.framed[next] {
		return false
	}
	size, other := a.Runs[0].Size, b.Runs[0].Size
	em := max(size, other)
	gap := b.Box.X0 - a.Box.X1
	if gap < -0.3*em {
		return false
	}
	if s.raised(a, b) {
		return gap < strangers*em
	}
	if dropped(a, b) {
		return gap < 1.5*other
	}
	if !near(a.Baseline, b.Baseline, level*min(size, other)) {
		return false
	}
	if s.leaf[last] == s.leaf[next] {
		return true
	}
	if next == last+1 {
		return gap < neighbours*em
	}
	return gap < strangers*em
}

// raised says whether one of two fragments is a note's number, or another small thing above or below the line of the other.
func (s *sheet) raised(a, b *page.Fragment) bool {
	small, large := a, b
	if small.Runs[0].Size > large.Runs[0].Size {
		small, large = b, a
	}
	size := large.Runs[0].Size
	return small.Runs[0].Size <= 0.8*size && len(small.Text) <= 4 && !near(a.Baseline, b.Baseline, level*small.Runs[0].Size) &&
		small.Baseline > large.Baseline-0.7*size && small.Baseline < large.Baseline+0.35*size
}

// dropped says whether a fragment is a large first letter, and the other one the line that it begins.
func dropped(a, b *page.Fragment) bool {
	large, size := a.Runs[0].Size, b.Runs[0].Size
	if large < 1.8*size || utf8.RuneCountInString(a.Text) > 2 {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(a.Text)
	return unicode.IsLetter(r) && b.Box.Y1 <= a.Baseline+0.5*size && b.Box.Y0 >= a.Baseline-large
}

// row makes a line of its pieces.
func (s *sheet) row(pieces []int) *row {
	r := &row{sheet: s}
	first, last := &s.Fragments[pieces[0]], &s.Fragments[pieces[len(pieces)-1]]
	weights := make([]styled, 0, 4)
	text := first.Text
	if len(pieces) > 1 {
		var out strings.Builder
		for n, i := range pieces {
			f := &s.Fragments[i]
			if n > 0 {
				before := &s.Fragments[pieces[n-1]]
				em := min(before.Runs[0].Size, f.Runs[0].Size)
				gap := f.Box.X0 - before.Box.X1
				if gap > blank*em && !dropped(before, f) {
					out.WriteByte(' ')
				}
				if gap > tab*em && n > 1 || gap > 2*tab*em {
					r.tabbed = true
				}
			}
			r.add(s, f, out.Len(), &weights)
			out.WriteString(f.Text)
		}
		text = out.String()
	} else {
		r.add(s, first, 0, &weights)
	}
	r.Text = text
	r.leaders = leads(text)
	r.Page = s.Number
	r.main = heaviest(weights)
	if len(r.Spans) > 1 && text == strings.ToUpper(text) { // small capitals are as large as their first letter
		for _, s := range r.Spans {
			r.main.Size = max(r.main.Size, s.rounded().Size)
		}
	}
	r.start, r.end = r.Spans[0].rounded(), r.Spans[len(r.Spans)-1].rounded()
	r.baseline = last.Baseline
	r.marked = last.Hyphen
	r.lead = r.Box.X1 - r.Box.X0
	if len(first.Words) > 0 {
		r.lead = first.Words[0].X1 - first.Words[0].X0
	}
	if n := s.framed[pieces[0]]; n >= 0 {
		r.column.frame = n + 1
	}
	return r
}

// leads says whether a text has a row of dots that lead to a page number.
func leads(text string) bool {
	return strings.Contains(text, ". . . .") || strings.Contains(text, ".....") || strings.Contains(text, "……")
}

// styled is how much of a line is in a style.
type styled struct {
	Style
	n int
}

func heaviest(weights []styled) Style {
	return slices.MaxFunc(weights, func(a, b styled) int { return cmp.Compare(a.n, b.n) }).Style
}

// add adds a fragment, whose text begins at a place of the line's.
func (r *row) add(s *sheet, f *page.Fragment, at int, weights *[]styled) {
	r.Box = union(r.Box, f.Box)
	from := 0
	for _, run := range f.Runs {
		if run.End <= from {
			continue
		}
		st := s.style(run)
		if n := len(r.Spans); n > 0 && r.Spans[n-1].Style == st {
			r.Spans[n-1].To = at + run.End
		} else {
			if n > 0 {
				r.Spans[n-1].To = at + from
			}
			r.Spans = append(r.Spans, Span{at + from, at + run.End, st})
		}
		st = st.rounded()
		k := slices.IndexFunc(*weights, func(w styled) bool { return w.Style == st })
		if k < 0 {
			k = len(*weights)
			*weights = append(*weights, styled{Style: st})
		}
		(*weights)[k].n += run.End - from
		from = run.End
	}
	if len(r.Spans) == 0 {
		st := s.style(f.Runs[0])
		r.Spans = append(r.Spans, Span{at, at + len(f.Text), st})
		*weights = append(*weights, styled{st.rounded(), len(f.Text)})
	}
	r.Spans[len(r.Spans)-1].To = at + len(f.Text)
}

// turned makes lines of what does not run from left to right or stands nowhere; they come after all others.
func turned(s *sheet) []*row {
	heads := map[int]bool{}
	for _, i := range s.heads {
		heads[i] = true
	}
	var rows []*row
	for i := range s.Fragments {
		f := &s.Fragments[i]
		if s.loose[i] && f.Text != "" && len(f.Runs) > 0 && !heads[i] {
			r := s.row([]int{i})
			r.turned = true
			if !placed(f) {
				r.Box, r.lead = page.Box{}, 0
			}
			rows = append(rows, r)
		}
	}
	return rows
}

// settle finds where the columns of a sheet begin and end, by its lines of text; headings may stick out.
func (s *sheet) settle(rows []*row) {
	lefts, rights := map[column][]float32{}, map[column][]float32{}
	for _, r := range rows {
		for _, g := range s.gutters {
			r.column.from += boolInt(g <= r.Box.X0+0.5*s.em)
			r.column.to += boolInt(g <= r.Box.X1-0.5*s.em)
		}
		if r.table == nil && !r.turned && r.main.Size < larger*s.em {
			lefts[r.column] = append(lefts[r.column], r.Box.X0)
			rights[r.column] = append(rights[r.column], r.Box.X1)
		}
	}
	for _, r := range rows { // of headings alone
		if c := r.column; len(lefts[c]) == 0 && r.table == nil {
			lefts[c], rights[c] = []float32{r.Box.X0}, []float32{r.Box.X1}
		}
	}
	s.edges = map[column]edges{}
	for c, l := range lefts {
		slices.Sort(l)
		right := rights[c]
		slices.Sort(right)
		few := len(l) / 25 // lines that stick out
		s.edges[c] = edges{l[few], right[len(right)-1-few]}
	}
	s.report()
}
