//go:build integration

package pdfium_test

import (
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdftest"
)

// TestBooks: real books, by what a reader sees in them.
func TestBooks(t *testing.T) {
	for name, want := range map[string]struct {
		pages, marks int
		texts        map[int][]string // fragments by page
	}{
		"srd-5.1-cc.pdf": {403, 1958, map[int][]string{
			261: {"Aboleth", "Large aberration, lawful evil", "9 (−1)", "diseased creature’s skin becomes translucent and slimy,"},
			15:  {"System Reference Document 5.1"},
		}},
		"dungeon-world-pocket.pdf": {152, 0, map[int][]string{
			20: {"The Bard", "some ring of truth to them, don’t", "roads and the glory of coin and com-", "antry and royals alike—to soothe the"},
		}},
		"odd6-core.pdf": {34, 136, map[int][]string{
			12: {"4.3.1 Combat Maneuvers", "no need to actively choose a Defense action; instead, you’ll make a Defense roll whenever your character is tar-"},
		}},
		"cairn-2e-setting-wip.pdf":   {8, 0, map[int][]string{5: {"Abandoned bridge", "d12", "Enormous footprint"}}},
		"dnd-5e-latex-example.pdf":   {4, 0, map[int][]string{2: {"TEST", "nean faucibus. Morbi dolor nulla, malesuada eu, pulvi-"}}},
		"edge/bad-xref.pdf":          {34, 136, map[int][]string{12: {"4.3.1 Combat Maneuvers"}}},
		"edge/scanned-two-pages.pdf": {2, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := pdftest.Read(t, testdata.Dir(t, "pdf")+"/"+name)
			if len(b.Pages) != want.pages || len(b.Outline) != want.marks {
				t.Errorf("%d pages, %d bookmarks; want %d, %d", len(b.Pages), len(b.Outline), want.pages, want.marks)
			}
			for n, texts := range want.texts {
				for _, text := range texts {
					if !has(b.Pages[n-1], text) {
						t.Errorf("page %d has no %q", n, text)
					}
				}
			}
			for _, p := range b.Pages {
				sound(t, p)
			}
		})
	}
}

func has(p *page.Page, text string) bool {
	for _, f := range p.Fragments {
		if f.Text == text {
			return true
		}
	}
	return false
}

// sound holds what page says of its fields.
func sound(t *testing.T, p *page.Page) {
	t.Helper()
	for _, f := range p.Fragments {
		if f.Text != strings.Join(strings.Fields(f.Text), " ") || f.Text == "" {
			t.Errorf("page %d: %q has blanks too many", p.Number, f.Text)
		}
		if len(f.Runs) == 0 || f.Runs[len(f.Runs)-1].End != len(f.Text) {
			t.Errorf("page %d: %q: runs %v", p.Number, f.Text, f.Runs)
		}
		for i, r := range f.Runs {
			if i > 0 && r.End <= f.Runs[i-1].End || r.Font >= len(p.Fonts) {
				t.Errorf("page %d: %q: runs %v", p.Number, f.Text, f.Runs)
			}
		}
		if f.Turned {
			continue
		}
		words := strings.Fields(f.Text)
		if len(words) != len(f.Words) {
			t.Errorf("page %d: %q has words %v", p.Number, f.Text, f.Words)
			continue
		}
		for i, w := range f.Words {
			if f.Text[w.From:w.To] != words[i] || w.X0 > w.X1 {
				t.Errorf("page %d: %q: word %q is %q, %v", p.Number, f.Text, words[i], f.Text[w.From:w.To], w)
			}
		}
		if f.Box.X0 > f.Box.X1 || f.Box.Y0 > f.Baseline || f.Box.Y1 < f.Baseline {
			t.Errorf("page %d: %q: box %v, baseline %v", p.Number, f.Text, f.Box, f.Baseline)
		}
	}
}
