package main

import (
	"fmt"
	"math"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// A face sets words as shapes, so that they can be turned, bent and given a halo like anything else.
type face struct {
	font   *sfnt.Font
	buffer sfnt.Buffer
}

func newFace(ttf []byte) (*face, error) {
	f, err := sfnt.Parse(ttf)
	if err != nil {
		return nil, fmt.Errorf("read a font: %w", err)
	}
	return &face{font: f}, nil
}

// set gives the shape of the words, starting at (0, 0) on the base line, and how wide they run.
func (f *face) set(words string, size, spacing float64) (shape, float64, error) {
	var out shape
	pen := 0.0
	ppem := fixed.Int26_6(math.Round(size * 64))
	for _, letter := range words {
		index, err := f.font.GlyphIndex(&f.buffer, letter)
		if err != nil {
			return nil, 0, fmt.Errorf("find the letter %q: %w", letter, err)
		}
		segments, err := f.font.LoadGlyph(&f.buffer, index, ppem, nil)
		if err != nil {
			return nil, 0, fmt.Errorf("draw the letter %q: %w", letter, err)
		}
		out = append(out, outlines(segments).moved(pen, 0)...)
		advance, err := f.font.GlyphAdvance(&f.buffer, index, ppem, font.HintingNone)
		if err != nil {
			return nil, 0, fmt.Errorf("measure the letter %q: %w", letter, err)
		}
		pen += float64(advance)/64 + spacing
	}
	return out, pen - spacing, nil
}

// outlines flattens the curves of one letter.
func outlines(segments sfnt.Segments) shape {
	var out shape
	at := func(p fixed.Point26_6) point { return point{float64(p.X) / 64, float64(p.Y) / 64} }
	var last point
	line := func(p point) { out[len(out)-1] = append(out[len(out)-1], p); last = p }
	const steps = 6
	for _, s := range segments {
		a, b, c := at(s.Args[0]), at(s.Args[1]), at(s.Args[2])
		from := last
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			out = append(out, []point{a})
			last = a
		case sfnt.SegmentOpLineTo:
			line(a)
		case sfnt.SegmentOpQuadTo:
			for i := 1; i <= steps; i++ {
				t := float64(i) / steps
				line(bezier(t, from, a, a, b, 2.0/3))
			}
		case sfnt.SegmentOpCubeTo:
			for i := 1; i <= steps; i++ {
				t := float64(i) / steps
				line(bezier(t, from, a, b, c, 1))
			}
		}
	}
	return out
}

// bezier is the cubic curve from a to d; with pull 2/3 and b equal to c it is the quadratic one.
func bezier(t float64, a, b, c, d point, pull float64) point {
	b = point{a.x + (b.x-a.x)*pull, a.y + (b.y-a.y)*pull}
	c = point{d.x + (c.x-d.x)*pull, d.y + (c.y-d.y)*pull}
	u := 1 - t
	weigh := func(a, b, c, d float64) float64 { return u*u*u*a + 3*u*u*t*b + 3*u*t*t*c + t*t*t*d }
	return point{weigh(a.x, b.x, c.x, d.x), weigh(a.y, b.y, c.y, d.y)}
}

// label writes words with their middle at a place, turned, with a halo that keeps them legible.
func (c *canvas) label(f *face, words string, at point, size, spacing, degrees float64, ink, halo colour) error {
	s, width, err := f.set(words, size, spacing)
	if err != nil {
		return err
	}
	s = s.moved(at.x-width/2, at.y+size*0.34).turned(radians(degrees), at)
	if halo.a > 0 {
		var around shape
		for _, outline := range s {
			around = append(around, stroke(closing(outline), size*0.16)...)
		}
		c.glow(around, 2, plain(halo))
	}
	c.fill(s, plain(ink))
	return nil
}
