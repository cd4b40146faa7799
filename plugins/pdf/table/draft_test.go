package table_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// Fonts of drafts, by index.
const (
	body = iota
	bodyBold
	sans
	sansBold
	sansItalic
)

// ground is what is known of most drafts: one column, text in ten points.
var ground = table.Ground{Body: table.Style{Font: "Serif", Size: 10}}

// draft is a page made by hand. A character is half an em wide, a blank a quarter.
type draft struct {
	*page.Page
}

func newDraft() draft {
	return draft{&page.Page{Number: 1, Width: 600, Height: 800, Fonts: []page.Font{
		{Name: "Serif"},
		{Name: "Serif-Bold", Bold: true},
		{Name: "Sans"},
		{Name: "Sans-Bold", Bold: true},
		{Name: "Sans-Italic", Italic: true},
	}}}
}

// sized puts a fragment on the page.
func (d draft) sized(font int, size, x, y float32, text string) draft {
	f := page.Fragment{
		Text: text, Baseline: y, Runs: []page.Run{{End: len(text), Font: font, Size: size}},
		Box: page.Box{X0: x, Y0: y - 0.8*size, X1: x + width(text, size), Y1: y + 0.2*size},
	}
	for from := 0; from < len(text); {
		to := len(text)
		if at := strings.IndexByte(text[from:], ' '); at >= 0 {
			to = from + at
		}
		start := x + width(text[:from], size)
		f.Words = append(f.Words, page.Word{From: from, To: to, X0: start, X1: start + width(text[from:to], size)})
		from = to + 1
	}
	d.Fragments = append(d.Fragments, f)
	return d
}

func width(text string, size float32) float32 {
	blanks := strings.Count(text, " ")
	return float32(len([]rune(text))-blanks)*size/2 + float32(blanks)*size/4
}

// joined puts several cells on one line as words of one fragment.
func (d draft) joined(font int, y float32, at []float32, texts ...string) draft {
	d.put(font, at[0], y, strings.Join(texts, " "))
	f := &d.Fragments[len(d.Fragments)-1]
	for i := range f.Words {
		w := &f.Words[i]
		w.X0, w.X1 = at[i], at[i]+width(texts[i], 10)
		f.Box.X1 = w.X1
	}
	return d
}

// put puts a fragment of ten points on the page.
func (d draft) put(font int, x, y float32, text string) draft { return d.sized(font, 10, x, y, text) }

// row puts fragments on one line, each at its own place; empty ones are left out.
func (d draft) row(font int, y float32, at []float32, texts ...string) draft {
	for i, text := range texts {
		if text != "" {
			d.put(font, at[i], y, text)
		}
	}
	return d
}

// prose puts lines of text as wide as asked below each other.
func (d draft) prose(font int, x, y, wide float32, lines int) draft {
	words := strings.Fields("the quick brown fox jumps over one lazy dog and then it goes on to look for another that will not mind")
	n := 0
	for i := range lines {
		var line string
		for width(line+" "+words[n%len(words)], 10) <= wide {
			line = strings.TrimSpace(line + " " + words[n%len(words)])
			n++
		}
		d.put(font, x, y+12*float32(i), line)
	}
	return d
}

// rule draws a level line to 300.
func (d draft) rule(x, y float32) draft {
	d.Rules = append(d.Rules, page.Rule{Box: page.Box{X0: x, X1: 300, Y0: y - 0.5, Y1: y + 0.5}})
	return d
}

// upright draws an upright line from 90.
func (d draft) upright(x, y float32) draft {
	d.Rules = append(d.Rules, page.Rule{Box: page.Box{X0: x - 0.5, X1: x + 0.5, Y0: 90, Y1: y}, Vertical: true})
	return d
}

// area fills a rectangle.
func (d draft) area(x0, y0, x1, y1 float32) draft {
	d.Areas = append(d.Areas, page.Area{Box: page.Box{X0: x0, Y0: y0, X1: x1, Y1: y1}, Filled: true, FillColor: 0xeeeeee})
	return d
}

// find finds the tables of a draft, and checks what holds for all of them.
func (d draft) find(t *testing.T, g table.Ground) []table.Found {
	t.Helper()
	found := table.Find(d.Page, g)
	sound(t, d.Page, found)
	return found
}

// sound checks what holds for all tables of a page.
func sound(t *testing.T, p *page.Page, found []table.Found) {
	t.Helper()
	used := map[int]bool{}
	for n, f := range found {
		if !slices.IsSorted(f.Fragments) || len(f.Fragments) == 0 {
			t.Errorf("table %d: fragments %v are not ascending", n, f.Fragments)
		}
		for _, i := range slices.Concat(f.Fragments, f.Captions) {
			if used[i] || i < 0 || i >= len(p.Fragments) {
				t.Errorf("table %d: fragment %d is not the page's, or is used twice", n, i)
			}
			used[i] = true
		}
		if len(f.Edges) != len(f.Rows[0])+1 || f.HeaderRows > len(f.Rows) {
			t.Errorf("table %d: %d edges, %d header rows for %d columns, %d rows", n, len(f.Edges), f.HeaderRows, len(f.Rows[0]), len(f.Rows))
		}
		for _, row := range f.Rows {
			if len(row) != len(f.Rows[0]) {
				t.Errorf("table %d: rows of %d and %d cells", n, len(row), len(f.Rows[0]))
			}
			for c := 0; c < len(row); c += max(row[c].Span, 1) {
				if row[c].Span < 1 || c+row[c].Span > len(row) {
					t.Fatalf("table %d: cell %d of %v has span %d", n, c, row, row[c].Span)
				}
				for _, covered := range row[c+1 : c+row[c].Span] {
					if covered.Span != 0 || covered.Text != "" {
						t.Errorf("table %d: %q is covered by a cell of span %d and has span %d", n, covered.Text, row[c].Span, covered.Span)
					}
				}
			}
		}
	}
}

// texts are tables as lines with cells apart by bars, a header above a line of dashes, the caption in front.
func texts(found []table.Found) []string {
	all := make([]string, len(found))
	for i, f := range found {
		var lines []string
		if f.Caption != "" {
			lines = append(lines, "["+f.Caption+"]")
		}
		for n, line := range strings.Split(f.Text(), "\n") {
			if n == f.HeaderRows && n > 0 {
				lines = append(lines, "---")
			}
			lines = append(lines, strings.ReplaceAll(line, "\t", "|"))
		}
		all[i] = strings.Join(lines, "\n")
	}
	return all
}
