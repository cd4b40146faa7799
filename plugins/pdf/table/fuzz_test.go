package table_test

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// FuzzFind: whatever stands on a page, no fragment is in two tables, and rows are whole. The parts of a page can be joined.
func FuzzFind(f *testing.F) {
	f.Add([]byte("\x01\x05\x05\x08Name Cost\x01\x05\x06\x04Rope\x01\x20\x06\x041 gp"), false)
	f.Add([]byte("\x81\x05\x05\x40\x20\x82\x05\x05\x40\x20\x03\x10\x08\x021\x03\x20\x08\x022"), true)
	f.Fuzz(func(t *testing.T, data []byte, columns bool) {
		p := pageOf(data)
		g := table.Ground{Body: table.Style{Font: "Serif", Size: 10}}
		if columns {
			g.Columns = []page.Box{{X0: 0, Y0: 0, X1: 290, Y1: 800}, {X0: 310, Y0: 0, X1: 600, Y1: 800}}
		}
		found := table.Find(p, g)
		sound(t, p, found)
		if len(found) == 0 {
			return
		}
		g.Before = found
		next := table.Find(p, g)
		sound(t, p, next)
		for i := range next {
			if found[0].Join(next[i]) {
				sound(t, p, found[:1])
			}
		}
		if lines := strings.Count(found[0].Text(), "\n") + 1; lines != len(found[0].Rows) {
			t.Errorf("%d rows are %d lines", len(found[0].Rows), lines)
		}
	})
}

// pageOf makes a page of bytes: a kind, a place, and what there is.
func pageOf(data []byte) *page.Page {
	d := newDraft()
	take := func(n int) []byte {
		n = min(n, len(data))
		taken := data[:n]
		data = data[n:]
		return taken
	}
	number := func() float32 {
		b := take(1)
		if len(b) == 0 {
			return 0
		}
		if b[0] == 0xff { // any number there is
			if bits := take(4); len(bits) == 4 {
				return math.Float32frombits(binary.LittleEndian.Uint32(bits))
			}
		}
		return 5 * float32(b[0])
	}
	for len(data) > 0 && len(d.Fragments) < 300 {
		kind := take(1)[0]
		x, y := number(), number()
		switch {
		case kind&0x80 != 0:
			x1, y1 := x+number(), y+number()
			box := page.Box{X0: x, Y0: y, X1: x1, Y1: y1}
			if kind&1 != 0 {
				d.Areas = append(d.Areas, page.Area{Box: box, Filled: true})
			} else {
				d.Rules = append(d.Rules, page.Rule{Box: box, Vertical: kind&2 != 0})
			}
		default:
			size := []float32{10, 10, 8, 30}[kind>>4&3]
			n := 1
			if b := take(1); len(b) > 0 {
				n = int(b[0] % 40)
			}
			d.sized(int(kind%5), size, x, y, strings.Join(strings.Fields(strings.ToValidUTF8(string(take(n)), "")), " "))
			last := &d.Fragments[len(d.Fragments)-1]
			last.Hyphen = strings.HasSuffix(last.Text, "-")
			if last.Text == "" {
				d.Fragments = d.Fragments[:len(d.Fragments)-1]
			}
		}
	}
	return d.Page
}
