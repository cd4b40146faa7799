package main

import "math"

// hash turns a place and a seed into 32 well mixed bits. All chance in the pictures comes from here, so that the same
// place always looks the same.
func hash(x, y int, seed uint32) uint32 {
	h := seed ^ uint32(x)*0x9e3779b1 ^ uint32(y)*0x85ebca77
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	h *= 0x297a2d39
	return h ^ h>>15
}

// chance is hash as a number from 0 to 1.
func chance(x, y int, seed uint32) float64 { return float64(hash(x, y, seed)) / (1 << 32) }

// directions are the slopes that noise chooses from: unit vectors all round.
var directions = func() (out [256]point) {
	for i := range out {
		out[i].y, out[i].x = math.Sincos(2 * math.Pi * float64(i) / 256)
	}
	return out
}()

// noise is smooth and random, from about -1 to 1, with one hill or hollow per unit (Perlin's gradient noise).
func noise(x, y float64, seed uint32) float64 {
	x0, y0 := math.Floor(x), math.Floor(y)
	fx, fy := x-x0, y-y0
	slope := func(dx, dy int) float64 {
		d := directions[hash(int(x0)+dx, int(y0)+dy, seed)>>24]
		return d.x*(fx-float64(dx)) + d.y*(fy-float64(dy))
	}
	fade := func(t float64) float64 { return t * t * t * (t*(t*6-15) + 10) }
	u, v := fade(fx), fade(fy)
	top, bottom := slope(0, 0), slope(0, 1)
	top += (slope(1, 0) - top) * u
	bottom += (slope(1, 1) - bottom) * u
	return 1.4 * (top + (bottom-top)*v)
}

// fractal adds ever finer and fainter noise.
func fractal(x, y float64, octaves int, seed uint32) float64 {
	sum, weight, total := 0.0, 1.0, 0.0
	for i := range octaves {
		sum += weight * noise(x, y, seed+uint32(i)*101)
		total += weight
		x, y, weight = x*2.03, y*2.03, weight/2
	}
	return sum / total
}
