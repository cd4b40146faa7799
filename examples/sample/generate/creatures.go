package main

import "math"

// drawBosun: the harbour cat, one ear torn.
func drawBosun(c *canvas) {
	fur, pale := hex(0x2b2a30), hex(0xf4efe6)
	c.fill(blob(point{130, 262}, point{92, 340}, point{86, 420}, point{314, 420}, point{308, 340}, point{270, 262}), plain(fur.times(0.9)))
	c.fill(blob(point{166, 286}, point{152, 350}, point{168, 420}, point{232, 420}, point{248, 350}, point{234, 286}), plain(pale))
	left := polygon(point{112, 190}, point{108, 78}, point{186, 132})
	right := polygon(point{288, 190}, point{292, 78}, point{278, 112}, point{262, 94}, point{252, 120}, point{214, 132})
	c.fill(join(left, right), plain(fur))
	c.fill(join(polygon(point{126, 164}, point{121, 102}, point{164, 134}), polygon(point{274, 164}, point{279, 124}, point{240, 134})), plain(hex(0xc98a83)))
	head := blob(point{200, 112}, point{262, 134}, point{296, 196}, point{286, 240}, point{240, 276}, point{200, 284}, point{160, 276}, point{114, 240}, point{104, 196}, point{138, 134})
	c.glow(head.moved(3, 8), 5, plain(ink.alpha(0.45)))
	c.fill(head, linear(point{110, 120}, point{290, 280}, hex(0x4b4a53), hex(0x1e1d22)))
	c.fill(blob(point{200, 176}, point{222, 214}, point{252, 240}, point{232, 270}, point{200, 280}, point{168, 270}, point{148, 240}, point{178, 214}), plain(pale))
	for _, side := range []float64{-1, 1} {
		x := 200 + side*46
		eye := blob(point{x - 26, 198}, point{x, 180}, point{x + 26, 196}, point{x, 214})
		c.fill(stroke(closing(eye[0]), 5), plain(hex(0x0f0e12)))
		c.fill(eye, radial(x, 196, 26, hex(0xf7e27a), hex(0xc8902a)))
		c.fill(ellipse(x, 197, 5, 15), plain(hex(0x0f0e12)))
		c.fill(circle(x-6, 190, 3.4), plain(hex(0xffffff)))
		for i := range 3 {
			y := 244 + float64(i)*9
			c.fill(brush(curve(point{200 + side*40, y}, point{200 + side*84, y - 8 + float64(i)*5}, point{200 + side*128, y - 6 + float64(i)*12}), func(t float64) float64 { return 3 - 2.2*t }), plain(hex(0xfffaf0).alpha(0.9)))
		}
		c.fill(stroke(curve(point{200, 252}, point{200 + side*12, 262}, point{200 + side*26, 256}), 3.4), plain(hex(0x4a3a38)))
	}
	c.fill(blob(point{186, 234}, point{200, 231}, point{214, 234}, point{200, 250}), plain(hex(0xd98880)))
	c.fill(stroke(curve(point{128, 282}, point{200, 316}, point{272, 282}), 13), plain(hex(0x2d5f7a)))
	c.fill(circle(200, 324, 15), radial(195, 318, 20, hex(0xfff0c0), hex(0xb07f2f)))
	c.fill(stroke([]point{{190, 328}, {210, 328}}, 3), plain(hex(0x5b3d12)))
}

// drawCrab: a crab that wears a lamp for a shell, seen from above.
func drawCrab(c *canvas) {
	shellTone, dark := hex(0xc9593a), hex(0x5d2018)
	for i := range 4 { // legs, four a side
		y := 196 + float64(i)*24
		leg := curve(point{160, y}, point{104 - float64(i)*2, y - 20 + float64(i)*12}, point{66 + float64(i)*6, y + 28 + float64(i)*12})
		for _, l := range []shape{brush(leg, taper(19, 5)), brush(leg, taper(19, 5)).mirrored(200)} {
			c.fill(l.moved(3, 5), plain(ink.alpha(0.35)))
			c.fill(l, plain(dark))
		}
		for _, l := range []shape{brush(leg, taper(13, 2)), brush(leg, taper(13, 2)).mirrored(200)} {
			c.fill(l, plain(shellTone.times(0.9)))
		}
	}
	claw := join(
		brush(curve(point{150, 180}, point{104, 154}, point{96, 122}), taper(24, 20)),
		blob(point{92, 128}, point{62, 108}, point{66, 66}, point{96, 44}, point{92, 84}, point{104, 92}, point{124, 58}, point{134, 92}, point{122, 124}))
	for _, s := range []shape{claw, claw.mirrored(200)} {
		c.fill(s.moved(3, 6), plain(ink.alpha(0.35)))
		for _, outline := range s {
			c.fill(stroke(closing(outline), 5), plain(dark))
		}
		c.fill(s, linear(point{60, 40}, point{200, 200}, hex(0xe77f57), shellTone))
	}
	body := blob(point{200, 150}, point{268, 168}, point{292, 214}, point{264, 276}, point{200, 298}, point{136, 276}, point{108, 214}, point{132, 168})
	c.fill(body.moved(3, 8), plain(ink.alpha(0.35)))
	c.fill(stroke(closing(body[0]), 7), plain(dark))
	c.fill(body, radial(180, 190, 130, hex(0xee8c61), shellTone))
	for _, side := range []float64{-1, 1} {
		x := 200 + side*24
		c.fill(stroke([]point{{x, 164}, {x + side*4, 134}}, 9), plain(dark))
		c.fill(circle(x+side*4, 130, 11), plain(hex(0xfbf3e0)))
		c.fill(circle(x+side*4+1, 128, 6), plain(ink))
	}
	c.glow(circle(200, 224, 64), 20, plain(hex(0xffd766).alpha(0.8)))
	c.fill(circle(200, 224, 54), plain(hex(0x3b2f28)))
	c.fill(circle(200, 224, 46), radial(192, 214, 56, hex(0xfffbe0), hex(0xf3a733)))
	for i := range 8 {
		sin, cos := math.Sincos(radians(float64(i)*45 + 22.5))
		c.fill(stroke([]point{{200 + cos*16, 224 + sin*16}, {200 + cos*48, 224 + sin*48}}, 4), plain(hex(0x3b2f28)))
	}
	c.fill(ring(200, 224, 18, 13), plain(hex(0x3b2f28)))
	c.fill(ring(200, 224, 54, 47), linear(point{150, 170}, point{250, 280}, hex(0xd6b071), hex(0x4c3925)))
}

// taper narrows a brush from one width to another.
func taper(from, to float64) func(t float64) float64 {
	return func(t float64) float64 { return from + (to-from)*t }
}

// drawCaller: something tall in the fog that rings a bell it does not have.
func drawCaller(c *canvas) {
	bank := func(y, height float64, seed uint32, tone colour) {
		outline := []point{{-20, 420}, {-20, y}}
		for x := -20.0; x <= 420; x += 8 {
			outline = append(outline, point{x, y + height*fractal(x/80, y/50, 3, seed)})
		}
		outline = append(outline, point{420, 420})
		c.glow(polygon(outline...), 7, plain(tone))
	}
	bank(150, 50, 801, hex(0xd3dadd).alpha(0.35))
	figure := blob(point{200, 62}, point{232, 86}, point{240, 140}, point{268, 190}, point{286, 300}, point{300, 420}, point{100, 420}, point{114, 300}, point{132, 190}, point{160, 140}, point{168, 86})
	c.glow(figure, 7, linear(point{200, 60}, point{200, 380}, hex(0x27323b), hex(0x56646e).alpha(0.9)))
	for _, side := range []float64{-1, 1} { // long arms, holding nothing
		arm := curve(point{200 + side*48, 180}, point{200 + side*96, 220}, point{200 + side*104, 290}, point{200 + side*60, 320})
		c.glow(brush(arm, taper(34, 14)), 3, plain(hex(0x333f48)))
	}
	for i := range 3 {
		r := 40 + float64(i)*26
		for _, a := range [][2]float64{{-0.55, 0.55}, {math.Pi - 0.55, math.Pi + 0.55}} {
			c.fill(stroke(arc(200, 314, r+10, r, a[0], a[1]), 5-float64(i)), plain(hex(0xf1f5f4).alpha(0.75-0.2*float64(i))))
		}
	}
	bell := curve(point{200, 276}, point{180, 284}, point{176, 316}, point{162, 338}, point{238, 338}, point{224, 316}, point{220, 284}, point{200, 276})
	c.fill(stroke(bell, 3), plain(hex(0xf1f5f4).alpha(0.85)))
	for _, side := range []float64{-1, 1} {
		x := 200 + side*17
		c.glow(circle(x, 122, 10), 5, plain(hex(0xe9fbf4).alpha(0.9)))
		c.fill(ellipse(x, 122, 6, 8), plain(hex(0xffffff)))
	}
	bank(356, 60, 809, hex(0xe3e9ea).alpha(0.75))
	bank(392, 50, 811, hex(0xf3f6f6).alpha(0.85))
}

// drawKeeper: the keeper of the ninth lamp, who has been holding it for a long time.
func drawKeeper(c *canvas) {
	glow := hex(0x9ff0dc)
	for i := range 30 { // bubbles
		x, y := 40+chance(i, 1, 821)*320, 30+chance(i, 2, 821)*330
		r := 2 + 5*chance(i, 3, 821)
		c.fill(ring(x, y, r, r-1.3), plain(glow.alpha(0.16+0.3*chance(i, 4, 821))))
	}
	cloak := blob(point{200, 54}, point{254, 84}, point{276, 150}, point{270, 216}, point{322, 290}, point{350, 420}, point{50, 420}, point{78, 290}, point{130, 216}, point{124, 150}, point{146, 84})
	c.glow(cloak.moved(3, 6), 8, plain(hex(0x000000).alpha(0.6)))
	c.fill(cloak, linear(point{100, 60}, point{310, 400}, hex(0x4c7a80), hex(0x14303b)))
	for i := range 6 { // weed on the hem of the hood, folds in the cloth
		x := 96 + float64(i)*42
		c.fill(brush(curve(point{200 + (x-200)*0.5, 250}, point{200 + (x-200)*0.85, 320}, point{x, 410}), taper(2, 7)), plain(hex(0x0d222c).alpha(0.5)))
	}
	hood := blob(point{200, 82}, point{238, 104}, point{252, 156}, point{236, 210}, point{200, 232}, point{164, 210}, point{148, 156}, point{162, 104})
	c.fill(stroke(closing(hood[0]), 9), plain(hex(0x2c545c)))
	c.fill(hood, linear(point{200, 90}, point{200, 240}, hex(0x05090d), hex(0x12333a)))
	for _, side := range []float64{-1, 1} {
		x := 200 + side*22
		c.glow(ellipse(x, 156, 9, 6), 4, plain(glow.alpha(0.9)))
		c.fill(ellipse(x, 156, 6, 4), plain(hex(0xf2fffb)))
	}
	c.fill(stroke(curve(point{182, 198}, point{200, 194}, point{218, 198}), 2.4), plain(glow.alpha(0.35)))
	lantern(c, 200, 250, 1.25, glow)
	for _, side := range []float64{-1, 1} { // two hands on the ring of the lantern
		for i := range 4 {
			y := 252 + float64(i)*7
			c.fill(stroke([]point{{200 + side*44, y + 8}, {200 + side*12, y}}, 8), plain(hex(0x14303b)))
			c.fill(stroke([]point{{200 + side*44, y + 8}, {200 + side*13, y}}, 5.4), plain(hex(0xa9cfc6)))
		}
	}
}
