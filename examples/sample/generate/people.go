package main

import "math"

// drawOndra: the harbourmistress, capped and buttoned.
func drawOndra(c *canvas) {
	for i := range 3 { // water behind her
		y := 250 + float64(i)*34
		c.fill(stroke(wavy(0, 400, y, 9, 58), 5), plain(hex(0xd9efe9).alpha(0.28)))
	}
	b := bust{skin: hex(0x8a5a3c), coat: hex(0x243a5e), brow: hex(0x6d6a6a), headY: 190, headW: 60, headH: 74}
	hair := blob(point{136, 140}, point{130, 186}, point{140, 226}, point{162, 240}, point{238, 240}, point{260, 226}, point{270, 186}, point{264, 140}, point{200, 110})
	c.fill(hair, linear(point{130, 140}, point{270, 240}, hex(0x77757b), hex(0x47464d)))
	b.shoulders(c)
	b.neck(c)
	for _, side := range []float64{-1, 1} { // collar and lapels
		lapel := polygon(point{200, 330}, point{200 + side*62, 286}, point{200 + side*92, 318}, point{200 + side*52, 346}, point{200 + side*60, 372}, point{200, 420})
		c.fill(lapel, plain(hex(0x304d7a)))
		c.fill(stroke(closing(lapel[0]), 2), plain(hex(0x16243d)))
	}
	c.fill(polygon(point{176, 288}, point{224, 288}, point{200, 334}), plain(hex(0xf1ead8)))
	for i := range 2 {
		for _, dx := range []float64{-22, 22} {
			button(c, 200+dx, 352+float64(i)*26)
		}
	}
	b.head(c)
	peaked := blob(point{118, 132}, point{140, 92}, point{200, 74}, point{260, 92}, point{282, 132}, point{262, 150}, point{200, 142}, point{138, 150})
	c.fill(peaked, linear(point{120, 80}, point{280, 150}, hex(0x37568a), hex(0x1c2d4c)))
	c.fill(blob(point{138, 138}, point{200, 126}, point{262, 138}, point{264, 156}, point{200, 146}, point{136, 156}), plain(hex(0xc99a4b)))
	c.fill(blob(point{134, 154}, point{200, 142}, point{266, 154}, point{252, 176}, point{200, 164}, point{148, 176}), plain(hex(0x14181f)))
	anchor(c, 200, 112, 0.62, hex(0xe9c46a))
}

func button(c *canvas, x, y float64) {
	c.fill(circle(x+1, y+1.5, 7), plain(ink.alpha(0.5)))
	c.fill(circle(x, y, 6.4), radial(x-2, y-2, 8, hex(0xfff0c0), hex(0xb07f2f)))
}

func anchor(c *canvas, x, y, size float64, tone colour) {
	at := func(dx, dy float64) point { return point{x + dx*size, y + dy*size} }
	p := plain(tone)
	c.fill(ring(x, y-22*size, 7*size, 3.5*size), p)
	c.fill(stroke([]point{at(0, -15), at(0, 24)}, 5*size), p)
	c.fill(stroke([]point{at(-13, -8), at(13, -8)}, 5*size), p)
	c.fill(stroke(curve(at(-22, 8), at(-14, 21), at(0, 26), at(14, 21), at(22, 8)), 5*size), p)
}

// wavy is a line of swell.
func wavy(from, to, y, height, length float64) []point {
	var out []point
	for x := from; x <= to; x += 4 {
		out = append(out, point{x, y + height*math.Sin(x*2*math.Pi/length)})
	}
	return out
}

// drawTobin: the keeper of the Long Lamp, with a beard as white as the tower.
func drawTobin(c *canvas) {
	for i := range 12 { // the lamp turns behind him
		beam := polygon(point{200, 170}, point{186, -90}, point{214, -90}).turned(radians(float64(i)*30+8), point{200, 170})
		c.fill(beam, plain(hex(0xffe9a8).alpha(0.13)))
	}
	b := bust{skin: hex(0xd9a482), coat: hex(0x3f4b52), brow: hex(0xe9e4da), headY: 186, headW: 60, headH: 72}
	b.shoulders(c)
	for i := range 6 { // a knitted collar
		y := 268 + float64(i)*9
		c.fill(stroke(curve(point{142 - float64(i)*5, y}, point{200, y + 26}, point{258 + float64(i)*5, y}), 9), plain([]colour{hex(0xcfc3a6), hex(0xb9ab8b)}[i%2]))
	}
	b.neck(c)
	b.head(c)
	beard := blob(point{140, 190}, point{150, 246}, point{168, 296}, point{200, 326}, point{232, 296}, point{250, 246}, point{260, 190},
		point{244, 216}, point{222, 216}, point{200, 212}, point{178, 216}, point{156, 216})
	c.glow(beard.moved(2, 6), 4, plain(ink.alpha(0.35)))
	c.fill(beard, linear(point{150, 210}, point{250, 320}, hex(0xfaf6ec), hex(0xbfb9ae)))
	for i := range 7 {
		x := 164 + float64(i)*12
		c.fill(brush(curve(point{x, 244}, point{200 + (x-200)*0.8, 274}, point{200 + (x-200)*0.4, 304}), func(t float64) float64 { return 2.4 - 1.6*t }), plain(hex(0x9f998e).alpha(0.8)))
	}
	c.fill(blob(point{166, 222}, point{200, 208}, point{234, 222}, point{222, 236}, point{200, 226}, point{178, 236}), plain(hex(0xf4efe4)))
	c.fill(stroke(curve(point{186, 236}, point{200, 240}, point{214, 236}), 4), plain(hex(0x7a4a3c)))
	knitted := blob(point{134, 150}, point{142, 104}, point{176, 76}, point{200, 70}, point{224, 76}, point{258, 104}, point{266, 150}, point{200, 138})
	c.fill(knitted, linear(point{140, 80}, point{260, 150}, hex(0xc9523f), hex(0x7f2a26)))
	for i := range 9 {
		x := 144 + float64(i)*14
		c.fill(stroke(curve(point{200 + (x-200)*0.45, 78}, point{200 + (x-200)*0.9, 106}, point{x, 138}), 1.8), plain(hex(0x6b211f).alpha(0.6)))
	}
	c.fill(stroke(curve(point{136, 152}, point{200, 138}, point{264, 152}), 19), plain(hex(0xd9654c)))
	lantern(c, 290, 236, 1.12, hex(0xffc14d))
}

// drawHesper: the ferrywoman in her oilskin, the oar over her shoulder.
func drawHesper(c *canvas) {
	for i := range 5 {
		c.fill(stroke(wavy(0, 400, 214+float64(i)*24, 5, 74), 3), plain(hex(0xeef6ef).alpha(0.3)))
	}
	oar := []point{{336, 392}, {300, 30}}
	c.fill(stroke(oar, 13), plain(hex(0x6e4a2b)))
	c.fill(stroke([]point{{334, 392}, {298, 30}}, 5), plain(hex(0xb98a55)))
	b := bust{skin: hex(0xe3b495), coat: hex(0xd9a72f), brow: hex(0x8c3f1f), headY: 192, headW: 56, headH: 70}
	back := blob(point{142, 150}, point{132, 220}, point{146, 270}, point{200, 280}, point{254, 270}, point{268, 220}, point{258, 150})
	c.fill(back, plain(hex(0x8c3f1f)))
	b.shoulders(c)
	b.neck(c)
	c.fill(blob(point{150, 282}, point{200, 306}, point{250, 282}, point{272, 300}, point{200, 346}, point{128, 300}), plain(hex(0xeec35a)))
	c.fill(stroke([]point{{200, 326}, {200, 420}}, 3), plain(hex(0x7d5a12)))
	for i := range 2 {
		c.fill(stroke([]point{{186, 352 + float64(i)*26}, {214, 352 + float64(i)*26}}, 7), plain(hex(0x6b4a25)))
	}
	b.head(c)
	for i := range 9 { // freckles
		x, y := 168+chance(i, 1, 701)*64, 200+chance(i, 2, 701)*22
		c.fill(circle(x, y, 1.6), plain(hex(0xb06a45).alpha(0.8)))
	}
	fringe := blob(point{142, 164}, point{156, 136}, point{200, 124}, point{244, 136}, point{258, 164}, point{232, 150}, point{206, 146}, point{180, 160})
	c.fill(fringe, plain(hex(0xb4552a)))
	for i := range 6 { // the braid
		y := 232 + float64(i)*24
		c.fill(ellipse(146-float64(i)*1.6, y, 15-float64(i)*0.8, 15), plain(hex(0x8c3f1f)))
		c.fill(ellipse(143-float64(i)*1.6, y-2, 11-float64(i)*0.8, 10), plain(hex(0xc4632f)))
	}
	c.fill(box(128, 366, 22, 8), plain(hex(0x2f5d62)))
	brim := blob(point{112, 158}, point{150, 132}, point{200, 124}, point{250, 132}, point{288, 158}, point{250, 154}, point{200, 146}, point{150, 154})
	crown := blob(point{142, 142}, point{150, 96}, point{200, 76}, point{250, 96}, point{258, 142}, point{200, 132})
	c.fill(crown, linear(point{140, 80}, point{260, 140}, hex(0xf3cb62), hex(0xb98a1f)))
	c.glow(brim.moved(0, 8), 4, plain(ink.alpha(0.35)))
	c.fill(brim, linear(point{110, 130}, point{290, 160}, hex(0xf7d777), hex(0xb07f18)))
}

// drawCorviel: the lens grinder, who sees too well.
func drawCorviel(c *canvas) {
	for i := range 5 {
		c.fill(ring(200, 176, 96+float64(i)*30, 93+float64(i)*30), plain(hex(0xf5dfe8).alpha(0.22)))
	}
	b := bust{skin: hex(0xe2c2a6), coat: hex(0x4a2f4f), brow: hex(0x54483f), headY: 184, headW: 52, headH: 80}
	for _, side := range []float64{-1, 1} { // hair only at the sides
		c.fill(blob(point{200 + side*44, 130}, point{200 + side*76, 150}, point{200 + side*82, 196}, point{200 + side*60, 222}, point{200 + side*46, 190}), plain(hex(0x6a5a4c)))
	}
	b.shoulders(c)
	b.neck(c)
	waistcoat := polygon(point{158, 292}, point{242, 292}, point{262, 420}, point{138, 420})
	c.fill(waistcoat, linear(point{140, 290}, point{260, 420}, hex(0xb9873a), hex(0x7a5420)))
	c.fill(polygon(point{172, 282}, point{228, 282}, point{200, 352}), plain(hex(0xf3eddd)))
	c.fill(join(polygon(point{200, 304}, point{164, 288}, point{166, 324}), polygon(point{200, 304}, point{236, 288}, point{234, 324})), plain(hex(0x2d5f63)))
	c.fill(circle(200, 304, 8), plain(hex(0x204649)))
	b.head(c)
	c.fill(stroke(curve(point{146, 176}, point{200, 164}, point{254, 176}), 9), plain(hex(0x4a3424)))
	lens(c, 178, 186, 20, hex(0xbfe3df))
	lens(c, 226, 184, 30, hex(0xf0d48a))
	for i := range 2 { // spare lenses, folded up
		lens(c, 262+float64(i)*13, 146-float64(i)*20, 15, []colour{hex(0xd8a1b4), hex(0x9fc4e0)}[i])
	}
	c.fill(blob(point{188, 250}, point{200, 246}, point{212, 250}, point{208, 268}, point{200, 284}, point{192, 268}), plain(hex(0x6a5a4c)))
}

func lens(c *canvas, x, y, r float64, glass colour) {
	c.fill(circle(x, y, r), radial(x-r*0.3, y-r*0.3, r*1.5, glass.alpha(0.25), glass.alpha(0.85)))
	c.fill(ring(x, y, r+4, r-1), linear(point{x - r, y - r}, point{x + r, y + r}, hex(0xe7c27a), hex(0x6e4c20)))
	c.fill(stroke([]point{{x - r*0.5, y - r*0.1}, {x - r*0.1, y - r*0.55}}, 3), plain(hex(0xffffff).alpha(0.85)))
}

// drawPip: nine years old, and able to count to nine.
func drawPip(c *canvas) {
	for i := range 9 {
		sin, cos := math.Sincos(radians(200 + float64(i)*17.5))
		x, y := 200+cos*136, 196+sin*136
		tone := hex(0xfff3cf)
		if i == 8 {
			tone = hex(0x9ff0dc)
		}
		c.glow(circle(x, y, 9), 5, plain(tone.alpha(0.7)))
		c.fill(star(x, y, 12, 5, 5), plain(tone))
	}
	b := bust{skin: hex(0xd8a07a), coat: hex(0x4f7a6a), brow: hex(0x4a2c1d), headY: 204, headW: 60, headH: 64, young: true}
	c.fill(blob(point{136, 170}, point{130, 220}, point{150, 256}, point{250, 256}, point{270, 220}, point{264, 170}, point{200, 120}), plain(hex(0x4a2c1d)))
	b.shoulders(c)
	b.neck(c)
	for i := range 9 { // a striped scarf
		from, to := 122+float64(i)*17.5, 122+float64(i+1)*17.5
		sag := func(x float64) float64 { return 276 + 24*math.Cos((x-200)/80*math.Pi/2) }
		part := polygon(point{from, sag(from) - 6}, point{to, sag(to) - 6}, point{to, sag(to) + 26}, point{from, sag(from) + 26})
		c.fill(part, plain([]colour{hex(0xb8452f), hex(0xf0dfb8)}[i%2]))
	}
	c.fill(polygon(point{232, 300}, point{268, 296}, point{280, 400}, point{240, 400}), plain(hex(0xb8452f)))
	c.fill(polygon(point{236, 330}, point{271, 326}, point{275, 352}, point{237, 356}), plain(hex(0xf0dfb8)))
	b.head(c)
	for i := range 8 {
		x, y := 164+chance(i, 3, 709)*72, 218+chance(i, 4, 709)*14
		c.fill(circle(x, y, 1.7), plain(hex(0x9d5b3a).alpha(0.8)))
	}
	c.fill(blob(point{136, 192}, point{132, 160}, point{146, 130}, point{160, 138}, point{172, 112}, point{190, 126}, point{206, 106}, point{222, 126}, point{244, 118},
		point{250, 138}, point{268, 148}, point{264, 192}, point{250, 176}, point{238, 186}, point{220, 168}, point{202, 182}, point{184, 166}, point{166, 184}, point{152, 174}),
		linear(point{140, 110}, point{260, 190}, hex(0x8a5a38), hex(0x4a2c1d)))
	c.fill(box(192, 242, 8, 7), plain(hex(0xffffff))) // a tooth is coming
}
