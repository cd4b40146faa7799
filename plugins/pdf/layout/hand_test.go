package layout_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// set is a piece of text set on a page: 10 points large where nothing else is said, each character half as wide as high.
type set struct {
	x, y  float32 // of the beginning of its baseline
	text  string
	size  float32
	style int // a font of fonts()
	color uint32
	runIn int // characters at the beginning that are bold

	turned bool
}

const (
	plain = iota
	bold
	italic
)

func fonts() []page.Font {
	return []page.Font{{Name: "Book"}, {Name: "Book-Bold", Bold: true}, {Name: "Book-Italic", Italic: true}}
}

// sheet is a page of 600 by 800 points.
func sheet(n int, pieces ...set) *page.Page {
	p := &page.Page{Number: n, Width: 600, Height: 800, Fonts: fonts(), Origin: "text", Confidence: 1}
	for _, s := range pieces {
		p.Fragments = append(p.Fragments, s.fragment())
		p.Chars += len(s.text)
	}
	return p
}

func (s set) fragment() page.Fragment {
	size := s.size
	if size == 0 {
		size = 10
	}
	wide := size / 2
	f := page.Fragment{
		Text: s.text, Baseline: s.y, Turned: s.turned, Hyphen: strings.HasSuffix(s.text, "-"),
		Box: page.Box{X0: s.x, Y0: s.y - 0.75*size, X1: s.x + wide*float32(len([]rune(s.text))), Y1: s.y + 0.25*size},
	}
	if s.runIn > 0 {
		f.Runs = append(f.Runs, page.Run{End: s.runIn, Font: bold, Size: size, Color: s.color})
	}
	f.Runs = append(f.Runs, page.Run{End: len(s.text), Font: s.style, Size: size, Color: s.color})
	at, x := 0, s.x
	for word := range strings.SplitSeq(s.text, " ") {
		w := wide * float32(len([]rune(word)))
		f.Words = append(f.Words, page.Word{From: at, To: at + len(word), X0: x, X1: x + w})
		at, x = at+len(word)+1, x+w+wide
	}
	return f
}

// column sets lines one below the other, 12 points apart.
func column(x, y float32, lines ...string) []set {
	var pieces []set
	for n, text := range lines {
		pieces = append(pieces, set{x: x, y: y + 12*float32(n), text: text})
	}
	return pieces
}

// filled is a column of prose without meaning: lines of 40 characters, which are 200 points wide.
func filled(x, y float32, word string, lines int) []set {
	var pieces []set
	for n := range lines {
		text := fmt.Sprintf("%s %d is of no meaning at all and has a lot", word, n)
		pieces = append(pieces, set{x: x, y: y + 12*float32(n), text: text[:40]})
	}
	return pieces
}

func lay(t *testing.T, doc page.Document, pages ...*page.Page) *layout.Book {
	t.Helper()
	doc.Pages = len(pages)
	b := layout.Lay(doc, slices.Values(pages))
	sound(t, b, pages)
	return b
}

// shown is a book as lines: "# " for each level of a heading, "* " for items, "| " for tables, "> " for captions, "[n] " for frames.
func shown(b *layout.Book) []string {
	var lines []string
	for _, bl := range b.Blocks {
		mark := ""
		switch bl.Kind {
		case layout.Heading:
			mark = strings.Repeat("#", bl.Level+1) + " "
		case layout.Item:
			mark = "* "
		case layout.Table:
			mark = "| "
		case layout.Caption:
			mark = "> "
		case layout.Paragraph:
		}
		if bl.Frame > 0 {
			mark = fmt.Sprintf("[%d] %s", bl.Frame, mark)
		}
		lines = append(lines, mark+bl.Text)
	}
	return lines
}

// sound holds what layout says of its fields, and that no text is lost and none is there twice.
func sound(t *testing.T, b *layout.Book, pages []*page.Page) {
	t.Helper()
	if len(b.Pages) != len(pages) {
		t.Errorf("%d reports of %d pages", len(b.Pages), len(pages))
	}
	want, got := map[rune]int{}, map[rune]int{}
	count := func(to map[rune]int, text string) {
		for _, r := range text {
			if r != ' ' && r != '\t' && r != '\n' && r != '-' && r != '\u00AD' {
				to[r]++
			}
		}
	}
	for _, p := range pages {
		for _, f := range p.Fragments {
			count(want, f.Text)
		}
	}
	for _, r := range b.Pages {
		for _, h := range r.Heads {
			count(got, h)
		}
	}
	for i, bl := range b.Blocks {
		count(got, bl.Text)
		switch {
		case bl.Text == "" || len(bl.Places) == 0 || bl.Page != bl.Places[0].Page || bl.PageEnd < bl.Page:
			t.Errorf("block %d is on pages %d to %d, at %v: %q", i, bl.Page, bl.PageEnd, bl.Places, bl.Text)
		case bl.Kind == layout.Table:
			continue
		case len(bl.Lines) == 0:
			t.Errorf("block %d has no lines: %q", i, bl.Text)
		}
		spans(t, bl.Text, bl.Spans)
		for _, l := range bl.Lines {
			spans(t, l.Text, l.Spans)
		}
		if bl.Kind == layout.Heading && (len(bl.Section) == 0 || bl.Section[len(bl.Section)-1] != bl.Text) {
			t.Errorf("heading %q is in %q", bl.Text, bl.Section)
		}
	}
	for r, n := range want {
		if got[r] != n {
			t.Errorf("%q is %d times in the book, %d times on the pages", r, got[r], n)
		}
	}
}

// spans holds that spans cover a text from its beginning to its end.
func spans(t *testing.T, text string, list []layout.Span) {
	t.Helper()
	at := 0
	for _, s := range list {
		if s.From != at || s.To <= s.From {
			t.Errorf("span %d to %d behind %d of %q", s.From, s.To, at, text)
		}
		at = s.To
	}
	if at != len(text) {
		t.Errorf("spans end at %d of %d: %q", at, len(text), text)
	}
}
