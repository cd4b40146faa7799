package table

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestCover: gaps are the stretches that so many lines cover at most, between places that more do, and white is the widest that none does.
func TestCover(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2_000 {
		c := cover{at: span{10, 10 + float32(1+random.IntN(2*slots))}}
		var count [slots]int
		for range random.IntN(8) {
			var l line
			covered := map[int]bool{}
			for range 1 + random.IntN(5) {
				x0 := c.at.x0 + (1.2*random.Float32()-0.1)*c.at.width()
				p := piece{x0: x0, x1: x0 + random.Float32()*random.Float32()*c.at.width()/2}
				l.pieces = append(l.pieces, p)
			}
			slices.SortFunc(l.pieces, func(a, b piece) int { return int(1e3 * (a.x0 - b.x0)) })
			end := -1
			for _, p := range l.pieces {
				for at := max(c.slot(p.x0), end+1); at <= c.slot(p.x1); at++ {
					covered[at] = true
				}
				end = max(end, c.slot(p.x1))
			}
			for at := range covered {
				count[at]++
			}
			c.add(&l)
		}
		step := c.at.width() / slots
		for most := range levels {
			width := random.Float32() * 20
			var want []span
			last := -1 // place that more lines cover
			for at, n := range count {
				if n <= most {
					continue
				}
				if last >= 0 && at > last+1 && float32(at-last-1)*step >= width {
					want = append(want, span{c.at.x0 + float32(last+1)*step, c.at.x0 + float32(at)*step})
				}
				last = at
			}
			if got := c.gaps(most, width); !slices.Equal(got, want) {
				t.Fatalf("up to %d lines, %.1f wide: %v, want %v", most, width, got, want)
			}
		}
		in := span{c.at.x0 + random.Float32()*c.at.width()/2, 0}
		in.x1 = in.x0 + random.Float32()*c.at.width()/2
		var want span
		for from := c.slot(in.x0); from <= c.slot(in.x1); from++ {
			to := from
			for to <= c.slot(in.x1) && count[to] == 0 {
				to++
			}
			if s := (span{max(c.at.x0+float32(from)*step, in.x0), min(c.at.x0+float32(to)*step, in.x1)}); s.width() > want.width() {
				want = s
			}
		}
		if got := c.white(in); got != want {
			t.Fatalf("white in %v: %v, want %v", in, got, want)
		}
	}
}
