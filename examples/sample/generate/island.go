package main

import "math"

// A terrain knows, for each pixel of the map, how far it is from the shore and how high.
type terrain struct {
	w, h  int
	shore []float64 // pixels from the shore; negative at sea
	lift  []float64 // height of the ground, without unit
}

func newTerrain(w, h int) *terrain {
	t := &terrain{w: w, h: h, shore: make([]float64, w*h), lift: make([]float64, w*h)}
	value := make([]float64, w*h)
	for i := range value {
		value[i] = land(float64(i%w)+0.5, float64(i/w)+0.5)
	}
	outside := distances(w, h, func(i int) bool { return value[i] > 0 })
	inside := distances(w, h, func(i int) bool { return value[i] <= 0 })
	for i := range value {
		t.shore[i] = math.Sqrt(inside[i]) - math.Sqrt(outside[i])
		x, y := float64(i%w), float64(i/w)
		t.lift[i] = 30*smoothstep(0, 170, t.shore[i]) + 26*fractal(x/130, y/130, 4, 23)*smoothstep(8, 90, t.shore[i])
	}
	return t
}

func (t *terrain) at(field []float64, x, y int) float64 {
	return field[min(max(y, 0), t.h-1)*t.w+min(max(x, 0), t.w-1)]
}

// shoreAt is the distance from the shore, smoothed over the neighbouring pixels.
func (t *terrain) shoreAt(x, y int) float64 {
	sum := 2 * t.at(t.shore, x, y)
	sum += t.at(t.shore, x-1, y) + t.at(t.shore, x+1, y) + t.at(t.shore, x, y-1) + t.at(t.shore, x, y+1)
	return sum / 6
}

// shade is how brightly a slope catches the light from the north-west, about -1 to 1.
func (t *terrain) shade(x, y int) float64 {
	dx := t.at(t.lift, x+2, y) - t.at(t.lift, x-2, y)
	dy := t.at(t.lift, x, y+2) - t.at(t.lift, x, y-2)
	return math.Tanh((dx + dy) * 0.22)
}

// distances gives each pixel its squared distance to the nearest pixel that is a target, exactly and in linear time:
// first along the columns, then as the lower envelope of parabolas along the rows (Felzenszwalb and Huttenlocher).
func distances(w, h int, target func(i int) bool) []float64 {
	const far = 1e12
	grid := make([]float64, w*h)
	for i := range grid {
		if !target(i) {
			grid[i] = far
		}
	}
	column := make([]float64, h)
	for x := range w {
		for y := range h {
			column[y] = grid[y*w+x]
		}
		for y, d := range envelope(column) {
			grid[y*w+x] = d
		}
	}
	for y := range h {
		copy(grid[y*w:(y+1)*w], envelope(grid[y*w:(y+1)*w]))
	}
	return grid
}

func envelope(f []float64) []float64 {
	n := len(f)
	vertex := make([]int, n)
	border := make([]float64, n+1)
	k := 0
	border[0], border[1] = math.Inf(-1), math.Inf(1)
	for q := 1; q < n; q++ {
		cross := func(v int) float64 {
			return (f[q] + float64(q*q) - f[v] - float64(v*v)) / float64(2*(q-v))
		}
		s := cross(vertex[k])
		for s <= border[k] {
			k--
			s = cross(vertex[k])
		}
		k++
		vertex[k], border[k], border[k+1] = q, s, math.Inf(1)
	}
	out := make([]float64, n)
	k = 0
	for q := range n {
		for border[k+1] < float64(q) {
			k++
		}
		d := float64(q - vertex[k])
		out[q] = d*d + f[vertex[k]]
	}
	return out
}

// ground is the colour of land and sea.
func (t *terrain) ground(x, y int) colour {
	shore := t.shoreAt(x, y)
	fx, fy := float64(x), float64(y)
	if shore < -1.2 {
		return t.sea(fx, fy, -shore)
	}
	dry := t.meadow(x, y, shore)
	if shore > 1.2 {
		return dry
	}
	return mix(hex(0x3f4a3e), mix(t.sea(fx, fy, 1), dry, (shore+1.2)/2.4), math.Abs(shore)/1.2*0.55+0.35)
}

func (t *terrain) sea(x, y, depth float64) colour {
	depth += 16 * fractal(x/90, y/90, 3, 51) * smoothstep(0, 60, depth)
	c := mix(hex(0x9fd0c2), hex(0x63aeb0), smoothstep(0, 36, depth))
	c = mix(c, hex(0x3d8797), smoothstep(24, 120, depth))
	c = mix(c, hex(0x2a6580), smoothstep(90, 320, depth))
	c = c.times(1 + 0.045*fractal(x/34, y/14, 3, 61))
	for i, line := range []float64{9, 21, 37, 58} { // the rings that surf draws round a shore
		near := smoothstep(1.9, 0.4, math.Abs(depth-line-3*noise(x/40, y/40, 71)))
		c = mix(c, hex(0xeaf6ee), near*(0.42-0.09*float64(i)))
	}
	return c
}

func (t *terrain) meadow(x, y int, shore float64) colour {
	fx, fy := float64(x), float64(y)
	tone := fractal(fx/110, fy/110, 4, 31)
	c := mix(hex(0x93ad62), hex(0x6f9553), 0.5+0.9*tone)
	c = mix(c, hex(0xb3b56b), 0.7*smoothstep(0.12, 0.6, fractal(fx/70, fy/70, 3, 37)))
	c = c.times(1 + 0.05*noise(fx/3.1, fy/3.1, 41) + 0.14*t.shade(x, y))
	beach := 13 + 9*fractal(fx/60, fy/60, 3, 43)
	rock := smoothstep(0.05, 0.3, fractal(fx/210, fy/210, 2, 47)+0.55*smoothstep(520, 250, fy)-0.12)
	sand := mix(hex(0xd9c48e), hex(0xefdfb3), shore/14).times(1 + 0.04*noise(fx/2.3, fy/2.3, 53))
	stone := mix(hex(0x8b877c), hex(0xb5b0a1), 0.5+0.8*fractal(fx/13, fy/9, 3, 59))
	edge := mix(sand, stone, rock)
	return mix(edge, c, smoothstep(beach-3, beach+5, shore))
}
