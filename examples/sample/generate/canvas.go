package main

import (
	"image"
	"image/color"
	"image/draw"
	"math"

	"golang.org/x/image/vector"
)

// A colour is straight (not premultiplied) red, green, blue and alpha, each 0 to 1.
type colour struct{ r, g, b, a float64 }

// hex reads 0xRRGGBB.
func hex(v uint32) colour {
	return colour{float64(v>>16&255) / 255, float64(v>>8&255) / 255, float64(v&255) / 255, 1}
}

func (c colour) alpha(a float64) colour { c.a = a; return c }

func (c colour) times(f float64) colour {
	return colour{clamp(c.r * f), clamp(c.g * f), clamp(c.b * f), c.a}
}

func mix(a, b colour, t float64) colour {
	t = clamp(t)
	return colour{a.r + (b.r-a.r)*t, a.g + (b.g-a.g)*t, a.b + (b.b-a.b)*t, a.a + (b.a-a.a)*t}
}

func clamp(v float64) float64 { return min(1, max(0, v)) }

// smoothstep rises gently from 0 at a to 1 at b.
func smoothstep(a, b, v float64) float64 {
	t := clamp((v - a) / (b - a))
	return t * t * (3 - 2*t)
}

// A paint says which colour a place has.
type paint func(x, y float64) colour

func plain(c colour) paint { return func(float64, float64) colour { return c } }

// linear fades from a at one point to b at the other.
func linear(from, to point, a, b colour) paint {
	dx, dy := to.x-from.x, to.y-from.y
	length := dx*dx + dy*dy
	return func(x, y float64) colour {
		return mix(a, b, ((x-from.x)*dx+(y-from.y)*dy)/length)
	}
}

// radial fades from a in the middle to b at radius r.
func radial(x0, y0, r float64, a, b colour) paint {
	return func(x, y float64) colour { return mix(a, b, math.Hypot(x-x0, y-y0)/r) }
}

// A canvas is a picture being painted.
type canvas struct{ picture *image.NRGBA64 }

func newCanvas(w, h int) *canvas { return &canvas{image.NewNRGBA64(image.Rect(0, 0, w, h))} }

func (c *canvas) size() (w, h int) { return c.picture.Rect.Dx(), c.picture.Rect.Dy() }

// dab lays one colour over one pixel, with the given coverage.
func (c *canvas) dab(x, y int, over colour, coverage float64) {
	top := over.a * coverage
	if top <= 0 {
		return
	}
	if top >= 1 {
		c.picture.SetNRGBA64(x, y, color.NRGBA64{R: sixteen(over.r), G: sixteen(over.g), B: sixteen(over.b), A: 65535})
		return
	}
	old := c.picture.NRGBA64At(x, y)
	under := float64(old.A) / 65535 * (1 - top)
	total := top + under
	blend := func(over float64, old uint16) uint16 {
		return sixteen((over*top + float64(old)/65535*under) / total)
	}
	c.picture.SetNRGBA64(x, y, color.NRGBA64{
		R: blend(over.r, old.R), G: blend(over.g, old.G), B: blend(over.b, old.B), A: sixteen(total),
	})
}

// sixteen makes 16 bits of a number from 0 to 1.
func sixteen(v float64) uint16 { return uint16(clamp(v)*65535 + 0.5) }

// wash lays paint over the whole picture.
func (c *canvas) wash(p paint) {
	w, h := c.size()
	for y := range h {
		for x := range w {
			c.dab(x, y, p(float64(x)+0.5, float64(y)+0.5), 1)
		}
	}
}

// fill lays paint inside the shape, with smooth edges.
func (c *canvas) fill(s shape, p paint) { c.through(c.mask(s, 0), p) }

// glow lays paint inside the shape with its edge blurred: a shadow, a shine.
func (c *canvas) glow(s shape, blur int, p paint) {
	m := c.mask(s, 3*blur)
	for range 3 { // three box blurs look like a Gaussian
		m.blur(blur)
	}
	c.through(m, p)
}

// through lays paint as far as the mask lets it.
func (c *canvas) through(m mask, p paint) {
	for y := m.Rect.Min.Y; y < m.Rect.Max.Y; y++ {
		for x := m.Rect.Min.X; x < m.Rect.Max.X; x++ {
			if a := m.AlphaAt(x, y).A; a > 0 {
				c.dab(x, y, p(float64(x)+0.5, float64(y)+0.5), float64(a)/255)
			}
		}
	}
}

// layer lays another canvas of the same size over this one, inside the shape.
func (c *canvas) layer(other *canvas, s shape) {
	c.through(c.mask(s, 0), func(x, y float64) colour {
		v := other.picture.NRGBA64At(int(x), int(y))
		return colour{float64(v.R) / 65535, float64(v.G) / 65535, float64(v.B) / 65535, float64(v.A) / 65535}
	})
}

// A mask says how much of each pixel a shape covers, over the shape's own rectangle.
type mask struct{ *image.Alpha }

func (c *canvas) mask(s shape, margin int) mask {
	low, high := s.bounds()
	r := image.Rect(int(math.Floor(low.x))-margin, int(math.Floor(low.y))-margin,
		int(math.Ceil(high.x))+margin+1, int(math.Ceil(high.y))+margin+1).Intersect(c.picture.Rect)
	m := mask{image.NewAlpha(r)}
	if r.Empty() {
		return m
	}
	raster := vector.NewRasterizer(r.Dx(), r.Dy())
	raster.DrawOp = draw.Src
	for _, outline := range s {
		for i, p := range outline {
			x, y := float32(p.x-float64(r.Min.X)), float32(p.y-float64(r.Min.Y))
			if i == 0 {
				raster.MoveTo(x, y)
			} else {
				raster.LineTo(x, y)
			}
		}
		raster.ClosePath()
	}
	raster.Draw(m.Alpha, r, image.Opaque, image.Point{})
	return m
}

// blur averages over a box of the given radius, across and then down.
func (m mask) blur(radius int) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for y := range h {
		average(m.Pix[y*m.Stride:], w, 1, radius)
	}
	for x := range w {
		average(m.Pix[x:], h, m.Stride, radius)
	}
}

func average(pix []uint8, n, step, radius int) {
	old := make([]int, n)
	for i := range n {
		old[i] = int(pix[i*step])
	}
	sum, size := 0, 2*radius+1
	for i := -radius; i < n; i++ {
		if i+radius < n {
			sum += old[i+radius]
		}
		if i-radius-1 >= 0 {
			sum -= old[i-radius-1]
		}
		if i >= 0 {
			pix[i*step] = uint8(sum / size)
		}
	}
}
