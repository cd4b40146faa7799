package main

// A face and shoulders, drawn from simple shapes: the parts that the people of the island share.
type bust struct {
	skin, coat colour
	brow       colour
	headY      float64 // middle of the head
	headW      float64 // half width
	headH      float64 // half height
	young      bool
}

var ink = hex(0x241d1f)

// shoulders come first, so that everything else stands in front of them.
func (b bust) shoulders(c *canvas) {
	y := b.headY + b.headH
	body := blob(point{200 - 44, y + 22}, point{200 - 96, y + 50}, point{200 - 132, y + 110}, point{200 - 140, 420},
		point{200 + 140, 420}, point{200 + 132, y + 110}, point{200 + 96, y + 50}, point{200 + 44, y + 22})
	c.glow(body.moved(4, 4), 6, plain(ink.alpha(0.4)))
	c.fill(body, linear(point{90, 260}, point{330, 400}, mix(b.coat, hex(0xffffff), 0.1), b.coat.times(0.62)))
}

func (b bust) neck(c *canvas) {
	y := b.headY + b.headH
	neck := blob(point{176, y - 26}, point{224, y - 26}, point{226, y + 20}, point{236, y + 36}, point{200, y + 54}, point{164, y + 36}, point{174, y + 20})
	c.fill(neck, plain(b.skin.times(0.78)))
}

// head draws ears, face, the shaded cheek, eyes, nose and mouth.
func (b bust) head(c *canvas) {
	x, y := 200.0, b.headY
	for _, side := range []float64{-1, 1} {
		c.fill(ellipse(x+side*(b.headW-2), y+8, 11, 17), plain(b.skin.times(0.84)))
	}
	face := b.outline()
	c.glow(face.moved(2, 8), 4, plain(ink.alpha(0.28)))
	c.fill(face, linear(point{x - b.headW, y}, point{x + b.headW, y + 30}, mix(b.skin, hex(0xffffff), 0.08), b.skin.times(0.86)))
	b.features(c)
}

func (b bust) outline() shape {
	x, y, w, h := 200.0, b.headY, b.headW, b.headH
	return blob(point{x, y - h}, point{x + w*0.72, y - h*0.78}, point{x + w, y - h*0.12}, point{x + w*0.84, y + h*0.5},
		point{x + w*0.36, y + h*0.94}, point{x, y + h}, point{x - w*0.36, y + h*0.94}, point{x - w*0.84, y + h*0.5},
		point{x - w, y - h*0.12}, point{x - w*0.72, y - h*0.78})
}

func (b bust) features(c *canvas) {
	x, y, w, h := 200.0, b.headY, b.headW, b.headH
	size := 1.0
	if b.young {
		size = 1.25
	}
	for _, side := range []float64{-1, 1} {
		ex := x + side*w*0.42
		c.fill(ellipse(ex, y+2, 9*size, 6.4*size), plain(hex(0xfbf6ea)))
		c.fill(circle(ex+1, y+2.4, 5.2*size), plain(ink))
		c.fill(circle(ex-0.8, y+0.4, 1.7*size), plain(hex(0xffffff)))
		c.fill(stroke(curve(point{ex - 11*size, y + 0.5}, point{ex, y - 6*size}, point{ex + 11*size, y + 0.5}), 2.6), plain(ink.alpha(0.9)))
		brow := curve(point{ex - side*12, y - 17}, point{ex + side*2, y - 22}, point{ex + side*15, y - 15})
		c.fill(brush(brow, func(t float64) float64 { return 6.5 - 4*t }), plain(b.brow))
	}
	c.fill(stroke(curve(point{x - 1, y + 6}, point{x - 7, y + h*0.30}, point{x + 3, y + h*0.34}), 3), plain(b.skin.times(0.62)))
	c.fill(stroke(curve(point{x - 17, y + h*0.57}, point{x, y + h*0.62}, point{x + 18, y + h*0.55}), 3.4), plain(b.skin.times(0.45)))
	for _, side := range []float64{-1, 1} { // a little warmth on the cheeks
		c.glow(circle(x+side*w*0.55, y+h*0.34, 12), 6, plain(hex(0xd4604c).alpha(0.28)))
	}
}

// lantern draws a hand lantern that hangs from (x, y).
func lantern(c *canvas, x, y, size float64, flame colour) {
	at := func(dx, dy float64) point { return point{x + dx*size, y + dy*size} }
	c.glow(circle(x, y+50*size, 46*size), int(20*size), plain(flame.alpha(0.75)))
	c.fill(stroke(curve(at(-17, 26), at(-14, 4), at(0, -4), at(14, 4), at(17, 26)), 4*size), plain(hex(0x3b2f28)))
	roof := polygon(at(-8, 10), at(8, 10), at(26, 28), at(-26, 28))
	glass := polygon(at(-19, 28), at(19, 28), at(23, 74), at(-23, 74))
	foot := box(x-28*size, y+74*size, 56*size, 10*size)
	c.fill(glass, radial(x, y+54*size, 34*size, hex(0xffffff), flame))
	drop := blob(at(0, 34), at(7, 50), at(9, 60), at(0, 69), at(-9, 60), at(-7, 50))
	c.fill(drop, linear(at(0, 34), at(0, 70), hex(0xffffff), mix(flame, hex(0xff8a2a), 0.35)))
	for _, dx := range []float64{-19, -0.7, 19} {
		low := dx * 23 / 19
		c.fill(stroke([]point{at(dx, 28), at(low, 74)}, 3*size), plain(hex(0x3b2f28)))
	}
	for _, s := range []shape{roof, foot} {
		c.fill(s, linear(at(-26, 0), at(28, 0), hex(0x8a6d45), hex(0x3b2f28)))
	}
}
