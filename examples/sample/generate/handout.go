package main

import (
	"image"
	"math"
)

const handoutWidth, handoutHeight = 900, 1200

// drawHandout paints the harbour office's printed notice, pinned to a board, with what a child wrote under it.
func drawHandout(letters *fonts) (image.Image, error) {
	c := newCanvas(handoutWidth, handoutHeight)
	c.wash(board)
	paper := sheet()
	c.glow(paper.moved(9, 13), 11, plain(hex(0x120a05).alpha(0.75)))
	c.fill(paper, vellum)
	c.glow(stroke(closing(paper[0]), 7), 5, plain(hex(0x8a6333).alpha(0.55)))
	for _, fold := range [][]point{{{60, 596}, {842, 604}}, {{452, 60}, {447, 1142}}} {
		c.glow(stroke(fold, 6), 3, plain(hex(0x7a5a30).alpha(0.28)))
		c.fill(stroke([]point{{fold[0].x, fold[0].y + 2}, {fold[1].x, fold[1].y + 2}}, 1.4), plain(hex(0xfff8e2).alpha(0.5)))
	}
	c.fill(ring(676, 1002, 70, 64), func(x, y float64) colour { // where somebody put a mug
		return hex(0x7d5526).alpha(0.16 + 0.2*clamp(fractal(x/30, y/30, 3, 907)))
	})
	drawLighthouseCut(c, 450, 218)
	if err := printNotice(c, letters); err != nil {
		return nil, err
	}
	if err := scribble(c, letters.italic); err != nil {
		return nil, err
	}
	for _, pin := range []point{{450, 78}} {
		c.glow(circle(pin.x+6, pin.y+9, 12), 4, plain(ink.alpha(0.5)))
		c.fill(circle(pin.x, pin.y, 13), radial(pin.x-4, pin.y-5, 18, hex(0xfff0c0), hex(0x9a6a22)))
	}
	return c.picture, nil
}

// board is the notice board: planks from top to bottom.
func board(x, y float64) colour {
	plank := math.Floor(x / 150)
	tone := hex(0x5a4030).times(0.85 + 0.3*chance(int(plank), 1, 911))
	grain := fractal(x/7, y/160+plank*9, 4, 919)
	c := tone.times(1 + 0.22*grain)
	return mix(hex(0x1c110a), c, smoothstep(0, 5, math.Abs(x-plank*150)))
}

func vellum(x, y float64) colour {
	c := mix(hex(0xf1e3bf), hex(0xdcc491), 0.5+0.9*fractal(x/190, y/190, 4, 929))
	edge := math.Min(math.Min(x-60, 840-x), math.Min(y-60, 1140-y))
	c = mix(hex(0xb8915a), c, smoothstep(-20, 90, edge+30*fractal(x/50, y/50, 3, 937)))
	return c.times(1 + 0.025*noise(x/2.1, y/2.1, 941))
}

// sheet is a rectangle that was torn off a block.
func sheet() shape {
	corners := []point{{62, 58}, {842, 66}, {836, 1144}, {56, 1138}}
	var out []point
	for i, a := range corners {
		b := corners[(i+1)%4]
		for j := range 60 {
			t := float64(j) / 60
			x, y := a.x+(b.x-a.x)*t, a.y+(b.y-a.y)*t
			out = append(out, point{x + 5*fractal(x/40, y/40, 3, 947), y + 5*fractal(x/40, y/40, 3, 953)})
		}
	}
	return shape{out}
}

// press is printer's ink: not quite even.
func press(x, y float64) colour {
	return hex(0x2a2320).alpha(0.93 - 0.3*smoothstep(0.1, 0.6, fractal(x/9, y/9, 3, 967)))
}

// drawLighthouseCut is the woodcut at the head of the notice.
func drawLighthouseCut(c *canvas, x, y float64) {
	for i := range 24 {
		angle := radians(float64(i) * 15)
		if math.Sin(angle) > 0.5 { // none towards the ground
			continue
		}
		sin, cos := math.Sincos(angle)
		from, to := 30.0, 74.0+14*float64(i%2)
		c.fill(brush([]point{{x + cos*from, y - 36 + sin*from}, {x + cos*to, y - 36 + sin*to}}, taper(2, 5)), press)
	}
	c.fill(polygon(point{x - 17, y - 20}, point{x + 17, y - 20}, point{x + 30, y + 78}, point{x - 30, y + 78}), press)
	for i := range 3 {
		top := y - 4 + float64(i)*28
		w := 17 + float64(i)*4.4
		c.fill(polygon(point{x - w - 1, top}, point{x + w + 1, top}, point{x + w + 3, top + 12}, point{x - w - 3, top + 12}), plain(hex(0xeddcb4)))
	}
	c.fill(box(x-24, y-26, 48, 7), press)
	c.fill(polygon(point{x, y - 66}, point{x + 18, y - 50}, point{x - 18, y - 50}), press)
	c.fill(box(x-13, y-50, 26, 25), press)
	c.fill(box(x-9, y-46, 18, 18), plain(hex(0xf4e7c6)))
	for i := range 3 {
		half := 120 - float64(i)*22
		c.fill(stroke(wavy(x-half, x+half, y+84+float64(i)*9, 2.6, 30), 3), press)
	}
}

func printNotice(c *canvas, letters *fonts) error {
	black, red, none := hex(0x2a2320).alpha(0.92), hex(0x8c2f22).alpha(0.92), colour{}
	type line struct {
		face          *face
		words         string
		y             float64
		size, spacing float64
		ink           colour
	}
	lines := []line{
		{letters.capitals, "Harbour Office of Pellwick", 342, 25, 4, black},
		{letters.bold, "NOTICE TO MARINERS", 400, 51, 4, black},
		{letters.italic, "Eight lamps are kept upon this isle, and are lit at dusk in this order.", 462, 22, 0.2, black},
		{letters.italic, "A master standing in from the south may steer by them.", 492, 22, 0.2, black},
		{letters.italic, "Should any master count MORE than eight,", 884, 25, 0.4, red},
		{letters.italic, "let him heave to, keep all hands from the rail, and wait for morning.", 918, 23, 0.2, red},
		{letters.capitals, "By order: O. Vesk, Harbourmistress", 966, 21, 1.6, black},
	}
	for i, lamp := range []string{
		"The Oar Lamp", "The Weigh Lamp", "The Office Lamp", "The Widows' Lamp",
		"The Net Lamp", "The Grinder's Lamp", "The Stair Lamp", "The Long Lamp",
	} {
		numeral := []string{"I", "II", "III", "IV", "V", "VI", "VII", "VIII"}[i]
		lines = append(lines, line{letters.capitals, numeral + "  ·  " + lamp, 548 + float64(i)*37, 25, 1.5, black})
	}
	for _, l := range lines {
		if err := c.label(l.face, l.words, point{450, l.y}, l.size, l.spacing, 0.35, l.ink, none); err != nil {
			return err
		}
	}
	for _, y := range []float64{434, 520, 846} {
		c.fill(brush([]point{{170, y}, {450, y + 2}, {730, y + 4}}, func(t float64) float64 { return 0.8 + 3*math.Sin(math.Pi*t) }), press)
		c.fill(star(450, y+2, 10, 5, 4), press)
	}
	return nil
}

// scribble is Pip's hand: a tally of nine, and a remark.
func scribble(c *canvas, f *face) error {
	pencil := func(x, y float64) colour {
		return hex(0x2f4f86).alpha(0.85 - 0.5*smoothstep(0, 0.5, noise(x/2.4, y/2.4, 971)))
	}
	for i := range 9 {
		x := 196 + float64(i)*24 + 6*chance(i, 1, 977)
		if i == 4 {
			continue // the fifth stroke goes across the first four
		}
		c.fill(stroke(curve(point{x, 1030 + 8*chance(i, 2, 977)}, point{x - 5 + 4*chance(i, 3, 977), 1056}, point{x - 8, 1082 - 8*chance(i, 4, 977)}), 4), pencil)
	}
	c.fill(stroke(curve(point{180, 1072}, point{232, 1056}, point{292, 1036}), 4), pencil)
	words, _, err := f.set("nine. I counted twice", 41, 0.6)
	if err != nil {
		return err
	}
	c.fill(words.mapped(func(p point) point { // lean it over and let it wander off the line
		return point{424 + p.x*0.84 - p.y*0.10, 1086 + p.y - p.x*0.05 + 3.4*math.Sin(p.x/37) + 1.6*noise(p.x/16, p.y/16, 983)}
	}), pencil)
	c.fill(stroke(curve(point{432, 1104}, point{520, 1092}, point{640, 1092}, point{738, 1080}), 3.4), pencil)
	return nil
}
