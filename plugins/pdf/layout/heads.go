package layout

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// outer is the part of a page's height, at its top and at its foot, where running heads and page numbers stand.
const outer = 0.08

// head is text that may be a running head, with its numbers masked.
type head struct {
	text string
	foot bool
	less int // of a number alone: by how much it is less than the sheet's own, so that page numbers are one head
}

// setHeadsAside takes out of the text what pages repeat at their edges.
//
// A text is a running head when enough pages of the file have it there, some that follow each other, or two that repeat a
// larger title, or that count on with nothing but a number between marks; so is what stands on the level and in the style of running heads that half of the pages have: the title of a
// short chapter.
func (b *binder) setHeadsAside() {
	enough := max(3, len(b.sheets)/12)
	pages := map[head][]int{} // ascending
	b.eachHead(func(n, _ int, h head) {
		if on := pages[h]; len(on) == 0 || on[len(on)-1] != n {
			pages[h] = append(on, n)
		}
	})
	titles := b.titles()
	repeated := func(n int, h head, f *page.Fragment) bool {
		on := len(pages[h])
		return on >= enough || follow(pages[h], n) || on > 1 && (titles[key(f.Text)] > f.Runs[0].Size || h.text != "#" && bare(h.text) == "#")
	}
	type place struct {
		level int
		size  float32
	}
	levels := map[place]int{}
	b.eachHead(func(n, i int, h head) {
		s := b.sheets[n]
		if f := &s.Fragments[i]; repeated(n, h, f) && s.alone(i) {
			s.takeHead(i)
			levels[place{s.edge(i), f.Runs[0].Size}]++
		}
	})
	b.eachHead(func(n, i int, _ head) {
		s := b.sheets[n]
		at := place{s.edge(i), s.Fragments[i].Runs[0].Size}
		if !s.aside[i] && levels[at] > len(b.sheets)/2 && levels[at] >= 3 && s.alone(i) {
			s.takeHead(i)
		}
	})
	b.setLabels()
}

// titles are the texts set larger than the book's text, with their largest sizes.
func (b *binder) titles() map[string]float32 {
	titles := map[string]float32{}
	for _, s := range b.sheets {
		for i := range s.Fragments {
			f := &s.Fragments[i]
			if s.aside[i] || f.Runs[0].Size < larger*b.body.Size || len(f.Text) > titleLength {
				continue
			}
			k := key(f.Text)
			titles[k] = max(titles[k], f.Runs[0].Size)
		}
	}
	return titles
}

// atEdge is -1 for what stands at the top edge of a page, 1 for what stands at its foot, else 0. What is turned may stand at
// the sides: the thumb index of a book.
func (s *sheet) atEdge(f *page.Fragment) int {
	x := (f.Box.X0 + f.Box.X1) / 2
	side := f.Turned && (x <= s.Width*outer || x >= s.Width*(1-outer))
	switch y := middle(f.Box); {
	case y <= s.Height*outer || side:
		return -1
	case y >= s.Height*(1-outer):
		return 1
	}
	return 0
}

// eachHead calls do with each fragment that stands at the edge of a page: the sheet's index and its own.
func (b *binder) eachHead(do func(n, i int, h head)) {
	const most = 64 // at one edge; more of them are text
	for n, s := range b.sheets {
		var edges [3][]int
		for i := range s.Fragments {
			f := &s.Fragments[i]
			if f.Text == "" || len(f.Runs) == 0 || len(f.Text) > 200 {
				continue
			}
			at := s.atEdge(f)
			edges[at+1] = append(edges[at+1], i)
		}
		for _, at := range []int{-1, 1} {
			if len(edges[at+1]) > most {
				continue
			}
			for _, i := range edges[at+1] {
				h := head{text: masked(s.Fragments[i].Text), foot: at > 0}
				if strings.IndexFunc(h.text, said) < 0 {
					continue
				}
				if bare(h.text) == "#" {
					value, _ := number(bare(s.Fragments[i].Text))
					h.less = s.Number - value
				}
				do(n, i, h)
			}
		}
	}
}

// bare is a text without marks and blanks around it: the number of "- 12 -".
func bare(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return r != '#' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// said says whether a character says something; bullets and lines made of text do not.
func said(r rune) bool { return r == '#' || unicode.IsLetter(r) }

// edge is the height at which a fragment stands, from the nearer edge, in steps; it tells the top from the foot.
func (s *sheet) edge(i int) int {
	const step = 5
	f := &s.Fragments[i]
	if f.Box.Y0 > s.Height/2 {
		return -1 - int(max(0, s.Height-f.Box.Y1)/step)
	}
	return 1 + int(max(0, f.Box.Y0)/step)
}

// alone says whether a fragment stands apart from the text: there is no text right above and below it.
func (s *sheet) alone(i int) bool {
	f := &s.Fragments[i]
	gap := 0.6 * f.Runs[0].Size
	for j := range s.Fragments {
		o := &s.Fragments[j]
		if j == i || s.aside[j] || o.Box.X0 >= f.Box.X1 || o.Box.X1 <= f.Box.X0 {
			continue
		}
		if o.Box.Y0 < f.Box.Y1+gap && o.Box.Y1 > f.Box.Y0-gap {
			return false
		}
	}
	return true
}

// takeHead sets a fragment aside as a running head.
func (s *sheet) takeHead(i int) {
	if !s.aside[i] || s.loose[i] {
		s.aside[i] = true
		s.heads = append(s.heads, i)
	}
}

// follow says whether sheet n is one of three in a row, none of which is more than two pages from the next: a chapter has
// its title on all pages, or on those to one side.
func follow(on []int, n int) bool {
	for i := 2; i < len(on); i++ {
		if on[i-2] <= n && n <= on[i] && on[i]-on[i-1] <= 2 && on[i-1]-on[i-2] <= 2 {
			return true
		}
	}
	return false
}

// masked is a text with # for its numbers, Roman ones where they stand alone.
func masked(text string) string {
	if roman(text) {
		return "#"
	}
	if strings.IndexFunc(text, unicode.IsDigit) < 0 {
		return text
	}
	var out strings.Builder
	number := false
	for _, r := range text {
		if unicode.IsDigit(r) {
			if !number {
				out.WriteByte('#')
			}
			number = true
			continue
		}
		number = false
		out.WriteRune(r)
	}
	return out.String()
}

// roman says whether a text is a page number in Roman digits.
func roman(text string) bool {
	return len(text) > 0 && len(text) <= 8 && strings.Trim(text, "ivxlc") == ""
}

// fromRoman is the value of a number in Roman digits.
func fromRoman(text string) int {
	digits := map[byte]int{'i': 1, 'v': 5, 'x': 10, 'l': 50, 'c': 100}
	n := 0
	for k := range len(text) {
		d := digits[text[k]]
		if k+1 < len(text) && d < digits[text[k+1]] {
			d = -d
		}
		n += d
	}
	return n
}

// setLabels gives each sheet the number that is printed on it. Of several numbers it is the one that counts the pages.
func (b *binder) setLabels() {
	offsets := map[int]int{}
	for _, s := range b.sheets {
		for _, i := range s.heads {
			if n, ok := number(s.Fragments[i].Text); ok && !roman(s.Fragments[i].Text) {
				offsets[n-s.Number]++
			}
		}
	}
	offset, most := 0, 0
	for o, n := range offsets {
		if n > most || n == most && o < offset {
			offset, most = o, n
		}
	}
	for _, s := range b.sheets {
		s.label = s.Label
		for _, i := range s.heads {
			text := s.Fragments[i].Text
			n, ok := number(text)
			switch {
			case roman(text):
				s.label = text
			case ok && most > 1 && n-s.Number == offset:
				s.label = digits(text)
			}
		}
	}
}

// number is the only number in a text.
func number(text string) (int, bool) {
	if roman(text) {
		return fromRoman(text), true
	}
	d := digits(text)
	if d == "" || len(d) > 6 {
		return 0, false
	}
	n := 0
	for _, r := range d {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int(r-'0')
	}
	return n, true
}

// digits are those of the only number in a text; of several there are none.
func digits(text string) string {
	from := strings.IndexFunc(text, unicode.IsDigit)
	if from < 0 {
		return ""
	}
	to := from
	for to < len(text) {
		r, size := utf8.DecodeRuneInString(text[to:])
		if !unicode.IsDigit(r) {
			break
		}
		to += size
	}
	if strings.IndexFunc(text[to:], unicode.IsDigit) >= 0 {
		return ""
	}
	return text[from:to]
}
