package page

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/seed-98789ff7/converter/sdk"
)

// codecVersion is the first byte of a page on its way.
const codecVersion = 1

// AppendBinary appends the page in the form in which it travels.
func (p *Page) AppendBinary(b []byte) ([]byte, error) {
	e := encoder{append(b, codecVersion)}
	e.uint(uint64(p.Number))
	e.text(p.Label)
	e.floats(p.Width, p.Height, p.Confidence)
	e.text(p.Origin)
	e.uint(uint64(p.Chars))
	e.uint(uint64(p.Paths))
	e.uint(uint64(len(p.Fonts)))
	for _, f := range p.Fonts {
		e.text(f.Name)
		e.flags(f.Bold, f.Italic, f.Fixed, f.Recoded)
	}
	e.uint(uint64(len(p.Fragments)))
	for i := range p.Fragments {
		e.fragment(&p.Fragments[i])
	}
	e.uint(uint64(len(p.Rules)))
	for _, r := range p.Rules {
		e.box(r.Box)
		e.uint(uint64(r.Color))
		e.flags(r.Vertical)
	}
	e.uint(uint64(len(p.Areas)))
	for _, a := range p.Areas {
		e.box(a.Box)
		e.flags(a.Filled, a.Framed)
		e.uint(uint64(a.FillColor))
		e.uint(uint64(a.LineTint))
	}
	e.uint(uint64(len(p.Images)))
	for _, m := range p.Images {
		e.uint(uint64(m.Index))
		e.box(m.Box)
		e.uint(uint64(m.Width))
		e.uint(uint64(m.Height))
		e.text(m.Filter)
		e.flags(m.Masked)
		e.uint(uint64(m.Bytes))
		e.uint(m.Digest)
	}
	e.uint(uint64(len(p.Faults)))
	for _, f := range p.Faults {
		e.text(f.Code)
		e.text(f.Detail)
	}
	return e.b, nil
}

// encoder appends values. Whole numbers are short when they are small.
type encoder struct{ b []byte }

func (e *encoder) uint(v uint64) { e.b = binary.AppendUvarint(e.b, v) }

func (e *encoder) text(s string) {
	e.uint(uint64(len(s)))
	e.b = append(e.b, s...)
}

func (e *encoder) floats(values ...float32) {
	for _, v := range values {
		e.b = binary.LittleEndian.AppendUint32(e.b, math.Float32bits(v))
	}
}

func (e *encoder) box(b Box) { e.floats(b.X0, b.Y0, b.X1, b.Y1) }

func (e *encoder) flags(set ...bool) {
	var v byte
	for i, s := range set {
		if s {
			v |= 1 << i
		}
	}
	e.b = append(e.b, v)
}

func (e *encoder) fragment(f *Fragment) {
	e.text(f.Text)
	e.box(f.Box)
	e.floats(f.Baseline)
	e.flags(f.Hyphen, f.Turned)
	e.uint(uint64(len(f.Runs)))
	for _, r := range f.Runs {
		e.uint(uint64(r.End))
		e.uint(uint64(r.Font))
		e.floats(r.Size)
		e.uint(uint64(r.Color))
	}
	e.uint(uint64(len(f.Words)))
	for _, w := range f.Words {
		e.uint(uint64(w.From))
		e.uint(uint64(w.To))
		e.floats(w.X0, w.X1)
	}
}

// UnmarshalBinary reads what AppendBinary wrote. What it did not write is an error, and costs no more memory than its length
// allows, some kilobytes apart.
func (p *Page) UnmarshalBinary(data []byte) error {
	d := decoder{b: data}
	if version := d.byte(); version != codecVersion {
		d.fail("version %d", version)
	}
	q := Page{Number: d.int(), Label: d.text(), Width: d.float(), Height: d.float(), Confidence: d.float(), Origin: d.text(), Chars: d.int(), Paths: d.int()}
	q.Fonts = list(&d, 2, func(f *Font) {
		f.Name = d.text()
		d.flags(&f.Bold, &f.Italic, &f.Fixed, &f.Recoded)
	})
	q.Fragments = list(&d, 24, func(f *Fragment) { d.fragment(f, len(q.Fonts)) })
	q.Rules = list(&d, 18, func(r *Rule) {
		r.Box, r.Color = d.box(), d.color()
		d.flags(&r.Vertical)
	})
	q.Areas = list(&d, 19, func(a *Area) {
		a.Box = d.box()
		d.flags(&a.Filled, &a.Framed)
		a.FillColor, a.LineTint = d.color(), d.color()
	})
	q.Images = list(&d, 23, func(m *Image) {
		m.Index, m.Box, m.Width, m.Height, m.Filter = d.int(), d.box(), d.int(), d.int(), d.text()
		d.flags(&m.Masked)
		m.Bytes, m.Digest = int64(d.int()), d.uint()
	})
	q.Faults = list(&d, 2, func(f *Fault) { f.Code, f.Detail = d.text(), d.text() })
	if d.err == nil && len(d.b) > 0 {
		d.fail("%d bytes too many", len(d.b))
	}
	if d.err != nil {
		return d.err
	}
	*p = q
	return nil
}

// decoder takes values from the front of b, until the first that is none.
type decoder struct {
	b     []byte
	err   error
	runs  room[Run] // of fragments, which are many and short
	words room[Word]
}

func (d *decoder) fail(format string, arguments ...any) {
	if d.err == nil {
		d.err = &sdk.Diagnostic{
			Kind: sdk.Internal, Code: "pdf_page_form",
			Summary: "a page on its way between processes is damaged: " + fmt.Sprintf(format, arguments...),
		}
	}
	d.b = nil
}

// take takes n bytes; when there are fewer, it fails and returns none.
func (d *decoder) take(n int) []byte {
	if n > len(d.b) {
		d.fail("it is cut off")
		return nil
	}
	taken := d.b[:n]
	d.b = d.b[n:]
	return taken
}

func (d *decoder) byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail("a number is cut off")
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) int() int {
	v := d.uint()
	if v > math.MaxInt64 {
		d.fail("a number is too large")
		return 0
	}
	return int(v)
}

func (d *decoder) color() uint32 {
	v := d.uint()
	if v > math.MaxUint32 {
		d.fail("a colour is none")
	}
	return uint32(v)
}

func (d *decoder) text() string {
	n := d.int()
	return string(d.take(n))
}

func (d *decoder) float() float32 {
	if b := d.take(4); b != nil {
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	}
	return 0
}

func (d *decoder) box() Box { return Box{d.float(), d.float(), d.float(), d.float()} }

func (d *decoder) flags(set ...*bool) {
	v := d.byte()
	if v>>len(set) != 0 {
		d.fail("a flag that is none")
	}
	for i, s := range set {
		*s = v&(1<<i) != 0
	}
}

// fragment reads a fragment, of which others may rely on what it says of its text.
func (d *decoder) fragment(f *Fragment, fonts int) {
	f.Text, f.Box, f.Baseline = d.text(), d.box(), d.float()
	d.flags(&f.Hyphen, &f.Turned)
	end := 0
	f.Runs = listIn(d, &d.runs, 7, func(r *Run) {
		r.End, r.Font, r.Size, r.Color = d.int(), d.int(), d.float(), d.color()
		if r.End < end || r.End > len(f.Text) || r.Font >= fonts {
			d.fail("a run is none")
		}
		end = r.End
	})
	if end != len(f.Text) {
		d.fail("text without a style")
	}
	end = 0
	f.Words = listIn(d, &d.words, 10, func(w *Word) {
		w.From, w.To, w.X0, w.X1 = d.int(), d.int(), d.float(), d.float()
		if w.From < end || w.To < w.From || w.To > len(f.Text) {
			d.fail("a word is none")
		}
		end = w.To
	})
}

// list reads a number and as many values, none of which is shorter than least bytes.
func list[T any](d *decoder, least int, read func(*T)) []T {
	return listIn(d, nil, least, read)
}

// listIn is list with the memory of others.
func listIn[T any](d *decoder, from *room[T], least int, read func(*T)) []T {
	n := d.int()
	if n > len(d.b)/least {
		d.fail("a list is cut off")
	}
	if n == 0 || d.err != nil {
		return nil
	}
	var values []T
	if from == nil {
		values = make([]T, n)
	} else {
		values = from.take(n)
	}
	for i := range values {
		if read(&values[i]); d.err != nil {
			return nil
		}
	}
	return values
}
