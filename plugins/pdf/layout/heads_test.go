package layout_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// TestHeads: what pages repeat at their edges is no text, and tells their labels.
func TestHeads(t *testing.T) {
	body := func(n int) []set { return filled(50, 100, fmt.Sprintf("Body %d", n), 10) }
	type edge struct {
		text  string
		y     float32
		size  float32
		gone  bool
		label string
	}
	for _, tt := range []struct {
		name  string
		pages [][]edge
		label []string // file's own
	}{
		{"title and number", [][]edge{
			{{"A Book of Dragons", 40, 0, true, ""}, {"11", 780, 0, true, "11"}},
			{{"A Book of Dragons", 40, 0, true, ""}, {"12", 780, 0, true, "12"}},
			{{"A Book of Dragons", 40, 0, true, ""}, {"13", 780, 0, true, "13"}},
		}, nil},
		{"one line with both, whose number of the edition counts nothing", [][]edge{
			{{"3", 40, 0, true, "3"}, {"Rules 5.1 p. 3", 780, 0, true, ""}},
			{{"4", 40, 0, true, "4"}, {"Rules 5.1 p. 4", 780, 0, true, ""}},
			{{"5", 40, 0, true, "5"}, {"Rules 5.1 p. 5", 780, 0, true, ""}},
		}, nil},
		{"numbers in Roman digits", [][]edge{
			{{"iii", 780, 0, true, "iii"}}, {{"iv", 780, 0, true, "iv"}}, {{"v", 780, 0, true, "v"}},
		}, nil},
		{"the file's own labels where none is printed", [][]edge{{}, {}, {}}, []string{"A-1", "A-2", "A-3"}},
		{"numbers that do not count pages", [][]edge{
			{{"7", 780, 0, false, ""}}, {{"7", 780, 0, false, ""}}, {{"7", 780, 0, false, ""}},
		}, nil},
		{"numbers between marks, on two pages", [][]edge{
			{{"\u2013 11 \u2013", 780, 0, true, "11"}}, {{"\u2013 12 \u2013", 780, 0, true, "12"}},
		}, nil},
		{"marks whose numbers do not count pages", [][]edge{
			{{"(7)", 780, 0, false, ""}}, {{"(7)", 780, 0, false, ""}},
		}, nil},
		{"too few", [][]edge{
			{{"A Book of Dragons", 40, 0, false, ""}}, {{"A Book of Dragons", 40, 0, false, ""}}, {},
		}, nil},
		{"not at the edge", [][]edge{
			{{"A Book of Dragons", 600, 0, false, ""}}, {{"A Book of Dragons", 600, 0, false, ""}}, {{"A Book of Dragons", 600, 0, false, ""}},
		}, nil},
		{"bullets", [][]edge{
			{{"•", 780, 0, false, ""}}, {{"•", 780, 0, false, ""}}, {{"•", 780, 0, false, ""}},
		}, nil},
		{"titles of short chapters", [][]edge{
			{{"Dragons", 400, 20, false, ""}},
			{{"Dragons", 40, 0, true, ""}},
			{{"Dragons", 40, 0, true, ""}},
			{{"Elves", 400, 20, false, ""}},
			{{"Elves", 40, 0, true, ""}},
			{{"Elves", 40, 0, true, ""}},
		}, nil},
		{"a chapter among many pages", append([][]edge{
			{{"Dragons", 40, 0, true, ""}}, {}, {{"Dragons", 40, 0, true, ""}}, {}, {{"Dragons", 40, 0, true, ""}},
		}, make([][]edge, 60)...), nil},
		{"in the style and at the height of the others", [][]edge{
			{{"A Book", 40, 8, true, ""}},
			{{"A Book", 40, 8, true, ""}},
			{{"A Book", 40, 8, true, ""}},
			{{"A Book", 40, 8, true, ""}},
			{{"Appendix", 40, 8, true, ""}},
			{{"Index", 40, 9, false, ""}},
		}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var pages []*page.Page
			for n, edges := range tt.pages {
				pieces := body(n)
				for _, e := range edges {
					pieces = append(pieces, set{x: 50, y: e.y, text: e.text, size: e.size})
				}
				p := sheet(n+1, pieces...)
				if tt.label != nil {
					p.Label = tt.label[n]
				}
				pages = append(pages, p)
			}
			b := lay(t, page.Document{}, pages...)
			for n, edges := range tt.pages {
				var gone []string
				label := ""
				if tt.label != nil {
					label = tt.label[n]
				}
				for _, e := range edges {
					if e.gone {
						gone = append(gone, e.text)
					}
					label += e.label
				}
				if r := b.Pages[n]; !slices.Equal(r.Heads, gone) || r.Label != label {
					t.Errorf("page %d: %q are left out, its label is %q; want %q, %q", n+1, r.Heads, r.Label, gone, label)
				}
			}
		})
	}
}

// TestThumbIndex: turned text at the sides.
func TestThumbIndex(t *testing.T) {
	var pages []*page.Page
	for n := range 4 {
		side := set{x: 560, y: 300, text: "Monsters", turned: true}
		inside := set{x: 300, y: 300, text: "North", turned: true}
		pages = append(pages, sheet(n+1, append(filled(50, 100, "Body", 10), side, inside)...))
	}
	for _, r := range lay(t, page.Document{}, pages...).Pages {
		if !slices.Equal(r.Heads, []string{"Monsters"}) {
			t.Errorf("page %d: %q are left out", r.Page, r.Heads)
		}
	}
}

// TestTextAtTheEdge: text that begins in the edge of every page is no running head, whatever it repeats.
func TestTextAtTheEdge(t *testing.T) {
	var pages []*page.Page
	for n := range 5 {
		pages = append(pages, sheet(n+1, column(50, 40, "Name Armor Hits", fmt.Sprintf("Orc %d of some other kind", n), "and so on.")...))
	}
	b := lay(t, page.Document{}, pages...)
	for _, r := range b.Pages {
		if len(r.Heads) > 0 {
			t.Errorf("page %d: %q are left out", r.Page, r.Heads)
		}
	}
	if len(b.Blocks) == 0 || b.Blocks[0].Kind == layout.Heading {
		t.Errorf("%q", shown(b))
	}
}
