package main

import (
	"image"
	"math"
)

// drawMap paints the island: ground, then what stands on it, then what a chart maker adds.
func drawMap(letters *fonts) (image.Image, error) {
	t := newTerrain(mapWidth, mapHeight)
	c := newCanvas(mapWidth, mapHeight)
	for y := range mapHeight {
		for x := range mapWidth {
			c.dab(x, y, t.ground(x, y), 1)
		}
	}
	drawWaves(c, t)
	drawStair(c)
	drawFields(c)
	drawPool(c)
	drawPaths(c)
	for _, p := range piers() {
		drawPier(c, p)
	}
	for i, b := range boats() {
		drawBoat(c, b, []colour{hex(0xd8c9a5), hex(0x9c4b3a), hex(0x4d7a86), hex(0xe3dccb)}[i%4])
	}
	drawRocks(c, t)
	for _, h := range houses() {
		drawHouse(c, h)
	}
	drawChapelNets(c)
	for i, tree := range woods(t) {
		drawTree(c, tree, i)
	}
	drawBeams(c)
	drawTower(c)
	for _, l := range lamps()[:len(lamps())-1] { // the last lamp is the tower's own
		drawLamp(c, l)
	}
	drawGrid(c)
	drawCompass(c, point{1440, 1020}, 84)
	if err := drawTitles(c, letters); err != nil {
		return nil, err
	}
	drawFrame(c)
	return c.picture, nil
}

// drawWaves strews small crests over the deep.
func drawWaves(c *canvas, t *terrain) {
	for gy := range 20 {
		for gx := range 24 {
			x := (float64(gx) + chance(gx, gy, 503)) * 67
			y := (float64(gy) + chance(gx, gy, 509)) * 60
			if t.shoreAt(int(x), int(y)) > -96 || chance(gx, gy, 521) < 0.4 {
				continue
			}
			var crest []point
			for i := range 25 {
				d := float64(i) - 12
				crest = append(crest, point{x + d*1.3, y - 2.6*math.Sin(d*math.Pi/8)})
			}
			c.fill(brush(crest, func(t float64) float64 { return 0.4 + 1.8*math.Sin(math.Pi*t) }), plain(hex(0xd8eef0).alpha(0.42)))
		}
	}
}

// drawRocks puts skerries off the northern shore.
func drawRocks(c *canvas, t *terrain) {
	for gy := range 40 {
		for gx := range 54 {
			x := (float64(gx) + chance(gx, gy, 541)) * 30
			y := (float64(gy) + chance(gx, gy, 547)) * 30
			shore := t.shoreAt(int(x), int(y))
			likely := 0.5 + 0.5*smoothstep(560, 300, y)
			if shore > -3 || shore < -26 || chance(gx, gy, 557) > 0.42*likely || (x > 540 && x < 960 && y > 640) {
				continue
			}
			r := 3 + 6*chance(gx, gy, 563)
			var points []point
			for i := range 7 {
				sin, cos := math.Sincos(float64(i) * 2 * math.Pi / 7)
				bump := r * (0.7 + 0.6*chance(gx*7+i, gy, 569))
				points = append(points, point{x + cos*bump, y + sin*bump*0.8})
			}
			rock := polygon(points...)
			c.glow(stroke(closing(points), 5), 2, plain(hex(0xf3fbf5).alpha(0.7)))
			c.fill(rock, plain(hex(0x5f5c54)))
			c.fill(rock.mapped(func(p point) point { return point{x + (p.x-x)*0.66 - 1, y + (p.y-y)*0.6 - 1.4} }), plain(hex(0xa39e90)))
		}
	}
}

// drawBeams shines the Long Lamp out to sea, two ways.
func drawBeams(c *canvas) {
	x, y, _ := tower()
	for _, degrees := range []float64{28, 208} {
		beam := polygon(point{x, y - 5}, point{x + 460, y - 74}, point{x + 460, y + 74}, point{x, y + 5}).turned(radians(degrees), point{x, y})
		c.glow(beam, 7, radial(x, y, 470, hex(0xfff2b8).alpha(0.55), hex(0xfff2b8).alpha(0)))
	}
	c.glow(circle(x, y, 70), 22, plain(hex(0xffe79a).alpha(0.5)))
}

func drawGrid(c *canvas) {
	ink := plain(hex(0x12303a).alpha(0.13))
	for x := gridSize; x < mapWidth; x += gridSize {
		c.fill(box(float64(x)-0.5, 0, 1, mapHeight), ink)
	}
	for y := gridSize; y < mapHeight; y += gridSize {
		c.fill(box(0, float64(y)-0.5, mapWidth, 1), ink)
	}
}

// drawCompass draws a rose of sixteen points, half of each point in light and half in shade.
func drawCompass(c *canvas, at point, r float64) {
	c.glow(circle(at.x, at.y, r*0.9), 14, plain(hex(0x173f50).alpha(0.35)))
	cream, ink := hex(0xf4ead0), hex(0x24343a)
	c.fill(ring(at.x, at.y, r*0.72, r*0.72-2), plain(cream.alpha(0.85)))
	c.fill(ring(at.x, at.y, r*0.62, r*0.62-1), plain(cream.alpha(0.7)))
	for _, tier := range []struct {
		count       int
		turned, out float64
	}{{8, 22.5, 0.58}, {4, 45, 0.74}, {4, 0, 1}} {
		for i := range tier.count {
			angle := radians(tier.turned + float64(i)*360/float64(tier.count))
			tip := turn(point{at.x, at.y - r*tier.out}, angle, at)
			left := turn(point{at.x - r*0.13, at.y - r*0.13}, angle, at)
			right := turn(point{at.x + r*0.13, at.y - r*0.13}, angle, at)
			c.fill(stroke(closing([]point{at, left, tip, right}), 1.6), plain(ink))
			c.fill(polygon(at, left, tip), plain(cream))
			c.fill(polygon(at, tip, right), plain(mix(ink, hex(0xa8412f), 0.75)))
		}
	}
	c.fill(circle(at.x, at.y, 6), plain(ink))
	c.fill(circle(at.x, at.y, 4), plain(hex(0xf3c34d)))
}

func drawTitles(c *canvas, letters *fonts) error {
	cream, ink := hex(0xf6edd6), hex(0x27323a)
	none := cream.alpha(0)
	drawBanner(c)
	for _, l := range []struct {
		face             *face
		words            string
		at               point
		size, spacing, d float64
		ink, halo        colour
	}{
		{letters.capitals, "Pellwick Isle", point{1290, 104}, 50, 3, 0, ink, none},
		{letters.italic, "eight lamps are kept here", point{1290, 148}, 21, 1.2, 0, hex(0x7b3b2c), none},
		{letters.capitals, "N", point{1440, 922}, 24, 0, 0, cream, ink.alpha(0.5)},
		{letters.italic, "The Long Lamp", point{1494, 226}, 21, 0.6, 0, cream, hex(0x1d4d60).alpha(0.85)},
		{letters.italic, "Harbour", point{744, 926}, 24, 3, 0, cream, hex(0x1d4d60).alpha(0.6)},
		{letters.italic, "Chapel of Nets", point{330, 868}, 19, 0.4, 12, ink, cream.alpha(0.75)},
		{letters.italic, "Lens Yard", point{1052, 540}, 19, 0.6, -12, ink, cream.alpha(0.75)},
		{letters.italic, "The Drowned Stair", point{1052, 968}, 19, 0.6, 0, cream, hex(0x1d4d60).alpha(0.6)},
		{letters.italic, "The Tolls", point{1470, 690}, 19, 0.6, 0, cream, hex(0x1d4d60).alpha(0.6)},
		{letters.italic, "Gannet Holm", point{196, 424}, 19, 0.6, 0, cream, hex(0x1d4d60).alpha(0.6)},
		{letters.italic, "the outer roads", point{330, 1080}, 26, 7, -6, cream.alpha(0.8), none},
	} {
		if err := c.label(l.face, l.words, l.at, l.size, l.spacing, l.d, l.ink, l.halo); err != nil {
			return err
		}
	}
	return nil
}

// drawBanner draws the ribbon behind the title.
func drawBanner(c *canvas) {
	tail := func(x, dir float64) shape {
		return polygon(point{x, 90}, point{x + dir*62, 90}, point{x + dir*40, 124}, point{x + dir*62, 158}, point{x, 158})
	}
	body := box(1080, 66, 420, 104)
	for _, s := range []shape{tail(1100, -1), tail(1480, 1), body} {
		c.glow(s.moved(5, 7), 5, shadow(0.5))
	}
	for _, s := range []shape{tail(1100, -1), tail(1480, 1)} {
		c.fill(stroke(closing(s[0]), 3), plain(hex(0x4b3a28)))
		c.fill(s, plain(hex(0xcdb98c)))
	}
	c.fill(stroke(closing(body[0]), 3.4), plain(hex(0x4b3a28)))
	c.fill(body, func(x, y float64) colour {
		return hex(0xf2e4c2).times(1 + 0.03*fractal(x/30, y/30, 3, 601) - 0.10*smoothstep(170, 215, math.Abs(x-1290)))
	})
	c.fill(stroke(closing(box(1088, 74, 404, 88)[0]), 1.2), plain(hex(0x7b5b3a).alpha(0.8)))
}

// drawFrame darkens the edges a little and rules a border.
func drawFrame(c *canvas) {
	c.wash(func(x, y float64) colour {
		dx, dy := (x-mapWidth/2)/(mapWidth/2), (y-mapHeight/2)/(mapHeight/2)
		return hex(0x0c2230).alpha(0.34 * smoothstep(0.75, 1.5, math.Hypot(dx, dy)))
	})
	frame := func(inset, width float64, tone colour) {
		c.fill(stroke(closing(box(inset, inset, mapWidth-2*inset, mapHeight-2*inset)[0]), width), plain(tone))
	}
	frame(4, 9, hex(0x2b3a40))
	frame(4, 5, hex(0xf0e3c4))
	frame(14, 1.6, hex(0xf0e3c4).alpha(0.8))
}
