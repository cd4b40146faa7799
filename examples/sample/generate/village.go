package main

import (
	"cmp"
	"math"
	"slices"
)

const (
	shadowX, shadowY = 6, 8 // the light comes from the north-west
)

func shadow(a float64) paint { return plain(hex(0x1c2a26).alpha(a)) }

func radians(degrees float64) float64 { return degrees * math.Pi / 180 }

// drawPaths lays the dark edges of all paths first, so that crossings stay open.
func drawPaths(c *canvas) {
	lines := make([][]point, 0, len(paths()))
	for i, line := range paths() {
		lines = append(lines, wander(curve(line...), uint32(300+i)))
	}
	width := func(i int) float64 { return []float64{19, 13, 13, 11, 10, 8}[i] }
	for i, line := range lines {
		c.glow(stroke(line, width(i)+4), 2, plain(hex(0x5b5a35).alpha(0.55)))
	}
	for i, line := range lines {
		c.fill(stroke(line, width(i)), func(x, y float64) colour {
			return hex(0xdcc796).times(1 + 0.05*noise(x/2.7, y/2.7, 307) + 0.07*noise(x/17, y/17, 311))
		})
	}
}

// wander moves the points of a line a little aside, as feet do.
func wander(line []point, seed uint32) []point {
	for i, p := range line {
		line[i] = point{p.x + 3*noise(p.x/31, p.y/31, seed), p.y + 3*noise(p.x/31, p.y/31, seed+1)}
	}
	return line
}

func drawFields(c *canvas) {
	for i, f := range fields() {
		corners := f.corners()
		outline := polygon(corners[:]...)
		c.fill(stroke(closing(corners[:]), 5), plain(hex(0x4f6a3c).alpha(0.8)))
		soil := []colour{hex(0xb79f62), hex(0xa9a85a), hex(0xc2ab6b), hex(0x98a252)}[i%4]
		sin, cos := math.Sincos(radians(f.angle))
		c.fill(outline, func(x, y float64) colour {
			row := math.Sin(((y-f.y)*cos - (x-f.x)*sin) * 2 * math.Pi / 6.2)
			return soil.times(0.98 + 0.11*row + 0.05*noise(x/5, y/5, 317))
		})
	}
}

func drawPool(c *canvas) {
	x, y, rx, ry := pool()
	var points []point
	for i := range 12 {
		sin, cos := math.Sincos(float64(i) * math.Pi / 6)
		r := 1 + 0.22*noise(cos*1.7+9, sin*1.7, 331)
		points = append(points, point{x + rx*r*cos, y + ry*r*sin})
	}
	shore := blob(points...)
	c.glow(stroke(closing(shore[0]), 9), 3, plain(hex(0x57703f).alpha(0.9)))
	c.fill(shore, linear(point{x, y - ry}, point{x, y + ry}, hex(0x4f93a0), hex(0x8cc4bd)))
	for _, dy := range []float64{-9, 1, 10} {
		c.fill(stroke([]point{{x - 22 - dy, y + dy}, {x + 16 - 2*dy, y + dy}}, 1.6), plain(hex(0xe8f5ee).alpha(0.5)))
	}
}

// drawHouse draws two halves of a roof, the one away from the light darker, with courses of slate, tile or straw.
func drawHouse(c *canvas, h house) {
	k := h.corners()
	outline := polygon(k[:]...)
	c.glow(outline.moved(shadowX, shadowY), 3, shadow(0.5))
	c.fill(stroke(closing(k[:]), 3), plain(hex(0x3b2f28)))
	west, east := middle(k[0], k[3]), middle(k[1], k[2])
	tone := map[roof]colour{slate: hex(0x6f8492), tile: hex(0xb4593f), thatch: hex(0xc2a25a)}[h.roof]
	course := map[roof]float64{slate: 5, tile: 4.4, thatch: 2.6}[h.roof]
	sin, cos := math.Sincos(radians(h.angle))
	covering := func(light float64) paint {
		return func(x, y float64) colour {
			down := (y-h.y)*cos - (x-h.x)*sin
			along := (x-h.x)*cos + (y-h.y)*sin
			if h.roof == thatch {
				down, along = along, down
			}
			line := 0.07 * math.Cos(2*math.Pi*down/course)
			patch := 0.06 * (chance(int(math.Floor(down/course)), int(math.Floor(along/8)), 337) - 0.5)
			return tone.times(light + line + patch + 0.05*noise(x/9, y/9, 347))
		}
	}
	north, south := 1.16, 0.82
	if sin*0.7+cos*0.7 < 0 { // turned so far that the halves change places in the light
		north, south = south, north
	}
	c.fill(polygon(k[0], k[1], east, west), covering(north))
	c.fill(polygon(west, east, k[2], k[3]), covering(south))
	c.fill(stroke([]point{west, east}, 2.4), plain(tone.times(0.55)))
	c.fill(stroke([]point{west, east}, 1), plain(mix(tone, hex(0xffffff), 0.4)))
	drawChimney(c, h)
}

func drawChimney(c *canvas, h house) {
	at := turn(point{h.x + h.w*0.27, h.y - h.h*0.12}, radians(h.angle), point{h.x, h.y})
	stack := box(at.x-5, at.y-5, 10, 10).turned(radians(h.angle), at)
	c.fill(stack.moved(5, 6), shadow(0.4))
	c.fill(stack, plain(hex(0x7d6355)))
	c.fill(box(at.x-2.5, at.y-2.5, 5, 5).turned(radians(h.angle), at), plain(hex(0x2c2320)))
}

func middle(a, b point) point { return point{(a.x + b.x) / 2, (a.y + b.y) / 2} }

func drawPier(c *canvas, line [2]point) {
	a, b := line[0], line[1]
	length := math.Hypot(b.x-a.x, b.y-a.y)
	angle := math.Atan2(b.y-a.y, b.x-a.x)
	deck := box(a.x, a.y-7, length, 14).turned(angle, a)
	c.glow(deck.moved(5, 7), 3, shadow(0.45))
	c.fill(stroke(closing(deck[0]), 2.4), plain(hex(0x3f2f22)))
	sin, cos := math.Sincos(angle)
	c.fill(deck, func(x, y float64) colour {
		along := (x-a.x)*cos + (y-a.y)*sin
		plank := math.Floor(along / 5)
		tone := hex(0xa5814f).times(0.88 + 0.24*chance(int(plank), int(a.x), 353))
		return mix(tone, hex(0x4c3925), smoothstep(0.6, 0, along-plank*5))
	})
	for d := 8.0; d < length; d += 26 {
		for _, side := range []float64{-8, 8} {
			post := turn(point{a.x + d, a.y + side}, angle, a)
			c.fill(circle(post.x, post.y, 3.2), plain(hex(0x3f2f22)))
			c.fill(circle(post.x-0.6, post.y-0.8, 1.8), plain(hex(0xb8935f)))
		}
	}
}

func drawBoat(c *canvas, b boat, tone colour) {
	hull := func(length, width float64) shape {
		return blob(point{b.x - length/2, b.y - width*0.32}, point{b.x, b.y - width/2}, point{b.x + length*0.34, b.y - width*0.3},
			point{b.x + length/2, b.y}, point{b.x + length*0.34, b.y + width*0.3}, point{b.x, b.y + width/2},
			point{b.x - length/2, b.y + width*0.32}).turned(radians(b.angle), point{b.x, b.y})
	}
	w := b.length * 0.4
	c.glow(hull(b.length+10, w+10), 3, plain(hex(0xeaf6ee).alpha(0.35)))
	c.glow(hull(b.length, w).moved(4, 5), 2, shadow(0.45))
	c.fill(hull(b.length, w), plain(tone.times(0.55)))
	c.fill(hull(b.length-3, w-3), plain(tone))
	c.fill(hull(b.length-9, w-8), plain(hex(0x6b4f33)))
	for _, along := range []float64{-0.24, 0, 0.2} {
		bench := box(b.x+along*b.length-2, b.y-w*0.36, 4, w*0.72).turned(radians(b.angle), point{b.x, b.y})
		c.fill(bench, plain(hex(0xc9a671)))
	}
}

// drawTower draws the Long Lamp from above, with two beams.
func drawTower(c *canvas) {
	x, y, r := tower()
	c.glow(circle(x+12, y+16, r), 5, shadow(0.5))
	c.fill(circle(x, y, r+5), plain(hex(0x4a463f)))
	c.fill(circle(x, y, r+2), linear(point{x - r, y - r}, point{x + r, y + r}, hex(0xe9e2d0), hex(0x9a9484)))
	for i := range 24 { // stones of the wall
		sin, cos := math.Sincos(radians(float64(i) * 15))
		c.fill(stroke([]point{{x + cos*(r-6), y + sin*(r-6)}, {x + cos*(r+2), y + sin*(r+2)}}, 1.2), plain(hex(0x5d584e).alpha(0.7)))
	}
	c.fill(circle(x, y, r-6), plain(hex(0x5a2a24)))
	for i := range 8 { // panes of the roof
		from, to := radians(float64(i)*45+22.5), radians(float64(i)*45+67.5)
		pane := append([]point{{x, y}}, arc(x, y, r-8, r-8, from, to)...)
		light := 0.95 - 0.3*math.Cos((from+to)/2-radians(45))
		tone := []colour{hex(0xc4503c), hex(0xefe4cd)}[i%2]
		c.fill(polygon(pane...), plain(tone.times(light)))
	}
	c.fill(circle(x, y, 11), plain(hex(0x5a2a24)))
	c.fill(circle(x, y, 9), radial(x-2, y-2, 10, hex(0xfffbe6), hex(0xf4b83f)))
}

// drawLamp draws one of the eight: a post and its light.
func drawLamp(c *canvas, at point) {
	c.glow(circle(at.x, at.y, 15), 8, plain(hex(0xffd766).alpha(0.85)))
	c.fill(circle(at.x+2, at.y+3, 5), shadow(0.5))
	c.fill(circle(at.x, at.y, 5.4), plain(hex(0x3d2f1f)))
	c.fill(circle(at.x, at.y, 4), radial(at.x-1, at.y-1, 4.5, hex(0xffffff), hex(0xffc23a)))
}

// drawStair draws steps that go on under water.
func drawStair(c *canvas) {
	s := stair()
	c.fill(box(-16, -4.5, 32, 40).turned(radians(-28), point{}).moved(s.x, s.y), plain(hex(0x6f6a5c)))
	for i := range 9 {
		d := float64(i) * 9
		step := box(-15, -3.5, 30, 7).turned(radians(-28), point{}).moved(s.x+d*0.47, s.y+d*0.88)
		deep := float64(i) / 9
		c.glow(step.moved(2, 3), 1, shadow(0.35*(1-deep)))
		c.fill(step, plain(mix(hex(0xd7d0bd), hex(0x4f97a0), deep).alpha(1-0.75*deep)))
	}
}

// drawChapelNets hangs nets to dry on racks beside the chapel.
func drawChapelNets(c *canvas) {
	for i := range 3 {
		x, y := 268+float64(i)*4, 716+float64(i)*36
		net := box(x-20, y-12, 40, 24).turned(radians(-10), point{x, y})
		c.fill(net.moved(3, 4), shadow(0.25))
		c.fill(net, func(x, y float64) colour {
			a, b := math.Mod(x+y+2000, 5), math.Mod(x-y+2000, 5)
			if a < 1.1 || b < 1.1 {
				return hex(0xe5dcc2).alpha(0.95)
			}
			return hex(0x6a7350).alpha(0.35)
		})
		for _, j := range []int{0, 1, 2, 3} {
			c.fill(circle(net[0][j].x, net[0][j].y, 2.6), plain(hex(0x4b3826)))
		}
	}
}

// A tree is drawn as a heap of leaves.
type tree struct{ x, y, r float64 }

// woods scatters trees over a jittered grid, thick where the noise says so, and never on a house, path, field or beach.
func woods(t *terrain) []tree {
	var keep shape
	for _, line := range paths() {
		keep = append(keep, stroke(curve(line...), 46)...)
	}
	for _, h := range append(houses(), fields()...) {
		h.w, h.h = h.w+42, h.h+42
		k := h.corners()
		keep = append(keep, k[:])
	}
	x, y, r := tower()
	keep = append(keep, circle(x, y, r+34)...)
	x, y, rx, ry := pool()
	keep = append(keep, ellipse(x, y, rx+26, ry+22)...)
	keep = append(keep, ellipse(280, 752, 70, 90)...)
	for _, l := range lamps() {
		keep = append(keep, circle(l.x, l.y, 26)...)
	}
	taken := newCanvas(t.w, t.h).mask(keep, 0)
	var out []tree
	const cell = 19
	for gy := range t.h / cell {
		for gx := range t.w / cell {
			x := (float64(gx) + chance(gx, gy, 401)) * cell
			y := (float64(gy) + chance(gx, gy, 409)) * cell
			thick := 0.5 + fractal(x/170, y/170, 3, 419) + 0.35*smoothstep(560, 330, y)
			if t.shoreAt(int(x), int(y)) < 36 || taken.AlphaAt(int(x), int(y)).A > 0 || thick < 0.46+0.34*chance(gx, gy, 421) {
				continue
			}
			out = append(out, tree{x, y, 9 + 7*chance(gx, gy, 431)})
		}
	}
	slices.SortFunc(out, func(a, b tree) int { return cmp.Compare(a.y, b.y) })
	return out
}

func drawTree(c *canvas, t tree, seed int) {
	leaf := []colour{hex(0x4f7a45), hex(0x5d8748), hex(0x436b41), hex(0x6d8f4a)}[hash(seed, 0, 433)%4]
	crown := func(dx, dy, r float64, variant int) shape {
		var points []point
		for i := range 9 {
			sin, cos := math.Sincos(float64(i) * 2 * math.Pi / 9)
			bump := r * (0.88 + 0.26*chance(seed, i+20*variant, 439))
			points = append(points, point{t.x + dx + cos*bump, t.y + dy + sin*bump})
		}
		return blob(points...)
	}
	c.glow(crown(t.r*0.45, t.r*0.6, t.r, 0), 2, shadow(0.45))
	c.fill(crown(0, 0, t.r, 0), plain(leaf.times(0.62)))
	c.fill(crown(-t.r*0.1, -t.r*0.12, t.r*0.84, 1), plain(leaf))
	c.fill(crown(-t.r*0.24, -t.r*0.28, t.r*0.54, 2), plain(leaf.times(1.2)))
	c.fill(crown(-t.r*0.34, -t.r*0.38, t.r*0.24, 3), plain(leaf.times(1.42)))
}
