package pdfium

import (
	"context"
	"encoding/binary"
	"math"
)

// glyph is what PDFium knows of a character of a text page: its code point, the text object that paints it, its box, and where it stands.
// Lengths are in the coordinates of the page itself.
type glyph struct {
	code, object             uint32 // object 0: PDFium added it
	left, top, right, bottom float32
	x, y                     float32
}

// is says whether two are the same, to the bit: what is no number is itself.
func (g glyph) is(o glyph) bool {
	same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
	return g.code == o.code && g.object == o.object && same(g.left, o.left) && same(g.top, o.top) && same(g.right, o.right) &&
		same(g.bottom, o.bottom) && same(g.x, o.x) && same(g.y, o.y)
}

// glyphs are those of a text page.
type glyphs interface {
	// glyph sets g to the nth.
	glyph(ctx context.Context, n int, g *glyph) error
}

// asked are glyphs of which PDFium is asked, with a call for each thing there is to know.
type asked struct {
	*File
	text                      uint64
	code, object, box, origin *call
}

func (f *File) ask(text uint64) (*asked, error) {
	a := &asked{File: f, text: text}
	for name, to := range map[string]**call{
		"FPDFText_GetTextObject": &a.object, "FPDFText_GetUnicode": &a.code,
		"FPDFText_GetLooseCharBox": &a.box, "FPDFText_GetCharOrigin": &a.origin,
	} {
		found, err := f.instance.function(name)
		if err != nil {
			return nil, err
		}
		*to = found
	}
	return a, nil
}

func (a *asked) glyph(ctx context.Context, n int, g *glyph) error {
	room, at := uint64(a.room), uint64(n)
	code, err := a.instance.run(ctx, a.code, a.text, at)
	if err != nil {
		return err
	}
	object, err := a.instance.run(ctx, a.object, a.text, at)
	if err != nil {
		return err
	}
	if _, err = a.instance.run(ctx, a.box, a.text, at, room); err != nil {
		return err
	}
	if _, err = a.instance.run(ctx, a.origin, a.text, at, room+16, room+24); err != nil {
		return err
	}
	memory, err := a.view(a.room, 32)
	if err != nil {
		return err
	}
	*g = glyph{
		code: uint32(code), object: uint32(object),
		left: float(memory), top: float(memory[4:]), right: float(memory[8:]), bottom: float(memory[12:]),
		x: float32(double(memory[16:])), y: float32(double(memory[24:])),
	}
	return nil
}

// How a text page of this build lies in its memory: where it says where its list of glyphs begins and ends, the bytes of a glyph, and where
// in them is what.
const (
	listBegins = 16
	listEnds   = 20

	glyphBytes  = 80
	glyphCode   = 4
	glyphOrigin = 12 // x, y
	glyphBox    = 36 // left, bottom, right, top
	glyphObject = 76
)

// kept are glyphs that are read where PDFium keeps them. A page has thousands of them, and each call costs more than all that is read here.
type kept struct {
	*File
	at uint32
}

func (k *kept) glyph(_ context.Context, n int, g *glyph) error {
	memory, err := k.view(k.at+uint32(n)*glyphBytes, glyphBytes)
	if err != nil {
		return err
	}
	_ = memory[glyphBytes-1] // all of it is there
	*g = glyph{
		code: binary.LittleEndian.Uint32(memory[glyphCode:]), object: binary.LittleEndian.Uint32(memory[glyphObject:]),
		left: float(memory[glyphBox:]), bottom: float(memory[glyphBox+4:]), right: float(memory[glyphBox+8:]), top: float(memory[glyphBox+12:]),
		x: float(memory[glyphOrigin:]), y: float(memory[glyphOrigin+4:]),
	}
	return nil
}

// glyphs finds where the glyphs of a text page are kept. If they do not lie where they should, which another build of PDFium may make of it,
// PDFium is asked for each.
func (f *File) glyphs(ctx context.Context, text uint64, count int) (glyphs, error) {
	a, err := f.ask(text)
	if err != nil || count <= 0 {
		return a, err
	}
	head, err := f.view(uint32(text), listEnds+4)
	if err != nil {
		return nil, err
	}
	begin, end := binary.LittleEndian.Uint32(head[listBegins:]), binary.LittleEndian.Uint32(head[listEnds:])
	if uint64(begin)+uint64(count)*glyphBytes != uint64(end) {
		return a, nil
	}
	k := &kept{f, begin}
	for _, n := range []int{0, count / 2, count - 1} {
		var got, want glyph
		if err := a.glyph(ctx, n, &want); err != nil {
			return nil, err
		}
		if err := k.glyph(ctx, n, &got); err != nil || !got.is(want) {
			return a, nil //nolint:nilerr // an address that is none shows that they lie elsewhere
		}
	}
	return k, nil
}
