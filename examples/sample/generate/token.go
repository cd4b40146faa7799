package main

import (
	"image"
	"math"
)

const tokenSize = 400

// A medal is one token: a ringed disc with a figure on it and nothing around it.
type medal struct {
	file   string
	metal  colour // of the ring
	ground paint  // behind the figure
	figure func(c *canvas)
}

func medals() []medal {
	brass, pewter, verdigris := hex(0xc99a4b), hex(0x9aa7ad), hex(0x5f9c8c)
	return []medal{
		{"ondra-vesk", brass, dusk(hex(0x8fc0bd), hex(0x2d6a75)), drawOndra},
		{"tobin-quill", brass, dusk(hex(0x5b6ea6), hex(0x1d2547)), drawTobin},
		{"hesper-lodd", brass, dusk(hex(0xa9bfae), hex(0x44685f)), drawHesper},
		{"corviel-anstey", brass, dusk(hex(0xb792a8), hex(0x4e2f4d)), drawCorviel},
		{"pip-marrable", brass, dusk(hex(0xf0b479), hex(0x8d4a4a)), drawPip},
		{"bosun", brass, dusk(hex(0xd98e66), hex(0x6d2f2c)), drawBosun},
		{"lantern-crab", verdigris, dusk(hex(0x6fa79f), hex(0x173f4a)), drawCrab},
		{"grey-caller", pewter, dusk(hex(0xa8b4ba), hex(0x3c4a55)), drawCaller},
		{"ninth-keeper", verdigris, dusk(hex(0x2e5b63), hex(0x0b1a26)), drawKeeper},
	}
}

// dusk is a light in the upper middle that fades outwards.
func dusk(a, b colour) paint { return radial(200, 150, 230, a, b) }

func (m medal) draw() image.Image {
	const middle, outer, inner = tokenSize / 2, 186.0, 166.0
	c := newCanvas(tokenSize, tokenSize)
	disc := circle(middle, middle, inner+2)
	c.glow(circle(middle, middle+6, outer-2), 4, plain(hex(0x101418).alpha(0.5)))

	inside := newCanvas(tokenSize, tokenSize)
	inside.wash(m.ground)
	m.figure(inside)
	inside.glow(ring(middle, middle, inner+30, inner-6), 8, plain(hex(0x0b1014).alpha(0.5)))
	c.layer(inside, disc)

	c.fill(ring(middle, middle, outer, inner), plain(m.metal.times(0.35)))
	c.fill(ring(middle, middle, outer-2, inner+2), linear(point{90, 60}, point{310, 340}, mix(m.metal, hex(0xffffff), 0.55), m.metal.times(0.55)))
	c.fill(ring(middle, middle, outer-6, inner+6), linear(point{90, 60}, point{310, 340}, m.metal.times(0.72), mix(m.metal, hex(0xffffff), 0.3)))
	for i := range 8 { // one stud for every lamp
		sin, cos := math.Sincos(radians(float64(i)*45 + 22.5))
		x, y := middle+cos*(outer+inner)/2, middle+sin*(outer+inner)/2
		c.fill(circle(x+1, y+1.5, 6.5), plain(m.metal.times(0.35)))
		c.fill(circle(x, y, 6), radial(x-2, y-2, 8, mix(m.metal, hex(0xffffff), 0.75), m.metal.times(0.6)))
	}
	return c.picture
}
