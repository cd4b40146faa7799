package layout_test

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// FuzzLay lays out pages that nobody would print. Nothing may be lost, and the same pages make the same book.
func FuzzLay(f *testing.F) {
	f.Add([]byte("The dragon sleeps on its gold and wakes when somebody takes a coin"))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 200, 201, 202, 255, 254, 253, 9, 9, 9, 9, 9, 9, 80, 80, 81, 81})
	f.Add([]byte("0001d0Xa1%0Xl1e0 w7C00x1200c00")) // a list's mark in a cell, in a fragment of its own
	f.Fuzz(func(t *testing.T, data []byte) {
		b := layout.Lay(page.Document{}, slices.Values(made(data)))
		sound(t, b, made(data))
		if again := layout.Lay(page.Document{}, slices.Values(made(data))); !reflect.DeepEqual(b, again) {
			t.Error("another book")
		}
	})
}

// made makes pages of bytes, five for each piece of text.
func made(data []byte) []*page.Page {
	words := []string{"the dragon", "Gold.", "12", "•", "iv", "well-", "known", "A Title", "—", "T", "1. first", ". . . . 7", "of all that is and was"}
	pages := []*page.Page{sheet(1)}
	for ; len(data) >= 5; data = data[5:] {
		p := pages[len(pages)-1]
		if data[0] > 240 && len(pages) < 8 {
			p = sheet(len(pages) + 1)
			pages = append(pages, p)
		}
		s := set{
			x: float32(data[1]) * 2.5, y: float32(data[2]) * 3.2, text: words[int(data[3])%len(words)],
			size: 4 + float32(data[4]%8)*4, style: int(data[4]/8) % 3, color: uint32(data[4] / 128), turned: data[0]%32 == 7,
		}
		if data[0]%16 == 5 {
			p.Areas = append(p.Areas, page.Area{Box: page.Box{X0: s.x, Y0: s.y, X1: s.x + 150, Y1: s.y + 100}, Filled: true})
			continue
		}
		p.Fragments = append(p.Fragments, s.fragment())
	}
	if len(data) > 0 && data[0] == 99 && len(pages[0].Fragments) > 0 {
		pages[0].Fragments[0].Box.X1 = float32(math.Inf(1))
	}
	return pages
}
