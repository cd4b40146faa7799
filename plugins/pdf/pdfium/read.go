package pdfium

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// sheet is a page while it is read.
type sheet struct {
	*File
	page  *page.Page
	place uint64 // the page in PDFium
	index int
	view  matrix // from the page's own coordinates to those of a reader
	left  int    // objects that may still be read
}

// Page reads a page, numbered from 1. With a [*TrapError] the page comes too, as far as it is known.
func (f *File) Page(ctx context.Context, n int) (*page.Page, error) {
	s := &sheet{File: f, index: n - 1, page: &page.Page{Number: n, Origin: "text", Confidence: 1}, left: f.library.config.Limits.Objects}
	if n < 1 || n > f.pages {
		return s.page, &Error{NoPage, fmt.Sprintf("page %d", n)}
	}
	if err := s.load(ctx); err != nil {
		return s.page, err
	}
	err := s.read(ctx)
	if err == nil {
		_, err = f.call(ctx, "FPDF_ClosePage", s.place)
	}
	return s.page, err
}

// load opens the page, and finds out how it lies before a reader.
func (s *sheet) load(ctx context.Context) (err error) {
	if s.place, err = s.call(ctx, "FPDF_LoadPage", s.document, uint64(s.index)); err != nil {
		return err
	}
	if s.place == 0 {
		return &Error{NoPage, fmt.Sprintf("page %d", s.index+1)}
	}
	if _, err = s.call(ctx, "FPDF_GetPageBoundingBox", s.place, uint64(s.room)); err != nil {
		return err
	}
	box, err := s.floats(4) // left, top, right, bottom
	if err != nil {
		return err
	}
	turns, err := s.call(ctx, "FPDFPage_GetRotation", s.place)
	if err != nil {
		return err
	}
	s.view, s.page.Width, s.page.Height = viewOf(box[0], box[1], box[2], box[3], int(turns))
	return nil
}

func (s *sheet) read(ctx context.Context) error {
	if err := s.characters(ctx); err != nil {
		return err
	}
	return s.objects(ctx)
}

func (s *sheet) fault(code, format string, arguments ...any) {
	s.page.Faults = append(s.page.Faults, page.Fault{Code: code, Detail: fmt.Sprintf(format, arguments...)})
}

// matrix takes (x, y) to (ax+cy+e, bx+dy+f).
type matrix struct{ a, b, c, d, e, f float32 }

var identity = matrix{1, 0, 0, 1, 0, 0}

// then is m followed by n.
func (m matrix) then(n matrix) matrix {
	return matrix{
		m.a*n.a + m.b*n.c, m.a*n.b + m.b*n.d,
		m.c*n.a + m.d*n.c, m.c*n.b + m.d*n.d,
		m.e*n.a + m.f*n.c + n.e, m.e*n.b + m.f*n.d + n.f,
	}
}

func (m matrix) point(x, y float32) (float32, float32) {
	return m.a*x + m.c*y + m.e, m.b*x + m.d*y + m.f
}

// box is the box around a box.
func (m matrix) box(x0, y0, x1, y1 float32) page.Box {
	ax, ay := m.point(x0, y0)
	bx, by := m.point(x1, y1)
	if m.b == 0 && m.c == 0 && ax <= bx && ay <= by { // as nearly always
		return page.Box{X0: ax, Y0: ay, X1: bx, Y1: by}
	}
	if m.b == 0 && m.c == 0 || m.a == 0 && m.d == 0 {
		return page.Box{X0: min(ax, bx), Y0: min(ay, by), X1: max(ax, bx), Y1: max(ay, by)}
	}
	cx, cy := m.point(x0, y1)
	dx, dy := m.point(x1, y0)
	return page.Box{X0: min(ax, bx, cx, dx), Y0: min(ay, by, cy, dy), X1: max(ax, bx, cx, dx), Y1: max(ay, by, cy, dy)}
}

// scale is by how much lengths grow, on average.
func (m matrix) scale() float32 {
	return float32(math.Sqrt(math.Abs(float64(m.a)*float64(m.d) - float64(m.b)*float64(m.c))))
}

// viewOf is the matrix from a page's own coordinates to those of a reader, and how large the page is to the reader.
func viewOf(left, top, right, bottom float32, quarters int) (m matrix, width, height float32) {
	if left > right {
		left, right = right, left
	}
	if bottom > top {
		bottom, top = top, bottom
	}
	width, height = right-left, top-bottom
	switch quarters & 3 {
	case 1:
		return matrix{0, 1, 1, 0, -bottom, -left}, height, width
	case 2:
		return matrix{-1, 0, 0, 1, right, -bottom}, width, height
	case 3:
		return matrix{0, -1, -1, 0, top, right}, height, width
	}
	return matrix{1, 0, 0, -1, -left, top}, width, height
}

// characters reads the text.
func (s *sheet) characters(ctx context.Context) error {
	text, err := s.call(ctx, "FPDFText_LoadPage", s.place)
	if err != nil || text == 0 {
		return err
	}
	total, err := s.call(ctx, "FPDFText_CountChars", text)
	if err != nil {
		return err
	}
	count := int(int32(total))
	if limit := s.library.config.Limits.Chars; count > limit {
		s.fault("page_limit", "it has %d characters; the first %d were read", count, limit)
		count = limit
	}
	from, err := s.glyphs(ctx, text, int(int32(total)))
	if err != nil {
		return err
	}
	r := &reader{sheet: s, text: text, flat: s.view.a == 1 && s.view.b == 0 && s.view.c == 0 && s.view.d == -1}
	if err := r.find(); err != nil {
		return err
	}
	var g glyph
	for i := range count {
		if err := from.glyph(ctx, i, &g); err != nil {
			return err
		}
		if err := r.read(ctx, uint64(i), &g); err != nil {
			return err
		}
	}
	r.builder.Build(s.page)
	_, err = s.call(ctx, "FPDFText_ClosePage", text)
	return err
}

// reader makes a page of the glyphs of a text page. What is the same for all glyphs of a text object is asked once, and of the blanks that
// fonts map to several code points only the first is taken.
type reader struct {
	*sheet
	text    uint64
	builder page.Builder
	current uint32 // the text object
	size    float32
	upright bool
	flat    bool // the page is not turned
	blank   bool // the last character is a blank and nothing else
	last    page.Char
	level   bool // the last one's baseline holds for all that are as high

	sizeOf, matrixOf, colorOf, fontOf *call // of a character, and of its text object
}

func (r *reader) find() (err error) {
	for name, to := range map[string]**call{
		"FPDFText_GetFontSize": &r.sizeOf, "FPDFText_GetMatrix": &r.matrixOf, "FPDFPageObj_GetFillColor": &r.colorOf, "FPDFTextObj_GetFont": &r.fontOf,
	} {
		if *to, err = r.instance.function(name); err != nil {
			return err
		}
	}
	return nil
}

// read takes the nth glyph.
func (r *reader) read(ctx context.Context, n uint64, g *glyph) error {
	plain := g.code == ' ' || g.code == 0xA0
	if plain && r.blank {
		return nil // one is enough
	}
	if g.object == 0 { // PDFium added it
		return nil
	}
	if g.object != r.current {
		set, err := r.setting(ctx, n, uint64(g.object))
		if err != nil {
			return err
		}
		r.builder.Set(set)
		r.current, r.size, r.upright, r.level = g.object, set.Size, set.DX > 0.999, false
	}
	c := page.Char{Rune: rune(g.code)}
	if r.flat && g.left <= g.right && g.bottom <= g.top {
		c.Box = page.Box{X0: g.left + r.view.e, Y0: r.view.f - g.top, X1: g.right + r.view.e, Y1: r.view.f - g.bottom}
	} else {
		c.Box = r.view.box(g.left, g.top, g.right, g.bottom)
	}
	if r.level && c.Box.Y0 == r.last.Box.Y0 && c.Box.Y1 == r.last.Box.Y1 {
		c.Y = r.last.Y
	} else {
		c.X, c.Y = r.view.point(g.x, g.y)
	}
	if r.upright {
		c.X = c.Box.X0 // its width begins there
	}
	r.blank = (plain || g.code == '\t') && c.Box.X0 < c.Box.X1 || r.blank && g.code == '\r' && c.Box == r.last.Box
	r.last, r.level = c, r.upright
	if r.shows(c.Box) {
		r.builder.Add(upright(c, r.size, r.view))
	}
	return nil
}

// shows says whether the middle of a box is on the page.
func (s *sheet) shows(b page.Box) bool {
	x, y := (b.X0+b.X1)/2, (b.Y0+b.Y1)/2
	return x >= 0 && y >= 0 && x <= s.page.Width && y <= s.page.Height
}

// upright gives the box of a character a height that its type can have: fonts say what they like of theirs.
func upright(c page.Char, size float32, view matrix) page.Char {
	if size < 0.5 || view.a == 0 || view.d > 0 {
		return c
	}
	c.Box.Y0 = min(max(c.Box.Y0, c.Y-1.1*size), c.Y-0.6*size)
	c.Box.Y1 = max(min(c.Box.Y1, c.Y+0.4*size), c.Y+0.1*size)
	return c
}

// setting is how the characters of a text object are set, of which the nth is one.
func (r *reader) setting(ctx context.Context, n, object uint64) (page.Setting, error) {
	set := page.Setting{Size: 1, DX: 1}
	size, err := r.instance.run(ctx, r.sizeOf, r.text, n)
	if err != nil {
		return set, err
	}
	if _, err = r.instance.run(ctx, r.matrixOf, r.text, n, uint64(r.room)); err != nil {
		return set, err
	}
	v, err := r.File.view(r.room, 16)
	if err != nil {
		return set, err
	}
	m := matrix{float(v), float(v[4:]), float(v[8:]), float(v[12:]), 0, 0}.then(r.view)
	set.Size = float32(math.Float64frombits(size)) * float32(math.Hypot(float64(m.c), float64(m.d)))
	if set.Size < 0 {
		set.Size = -set.Size
	}
	if length := float32(math.Hypot(float64(m.a), float64(m.b))); length > 0 {
		set.DX, set.DY = m.a/length, m.b/length
	}
	if set.Color, _, err = r.color(ctx, r.colorOf, object); err != nil {
		return set, err
	}
	font, err := r.instance.run(ctx, r.fontOf, object)
	if err != nil {
		return set, err
	}
	set.Font, err = r.font(ctx, font)
	return set, err
}

// color is a colour of an object, and how opaque it is.
func (s *sheet) color(ctx context.Context, which *call, object uint64) (rgb uint32, alpha byte, err error) {
	room := uint64(s.room)
	ok, err := s.instance.run(ctx, which, object, room, room+4, room+8, room+12)
	if err != nil || ok == 0 {
		return 0, 255, err
	}
	memory, err := s.File.view(s.room, 16)
	if err != nil {
		return 0, 0, err
	}
	part := func(i int) uint32 { return binary.LittleEndian.Uint32(memory[4*i:]) & 0xff }
	return part(0)<<16 | part(1)<<8 | part(2), byte(part(3)), nil
}
