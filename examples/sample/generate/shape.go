package main

import "math"

// A point is a place on a picture, in pixels from its top left corner.
type point struct{ x, y float64 }

// A shape is a set of closed outlines; what an odd or even number of them covers does not matter, only the direction.
type shape [][]point

func (s shape) mapped(f func(point) point) shape {
	out := make(shape, len(s))
	for i, outline := range s {
		out[i] = make([]point, len(outline))
		for j, p := range outline {
			out[i][j] = f(p)
		}
	}
	return out
}

func (s shape) moved(dx, dy float64) shape {
	return s.mapped(func(p point) point { return point{p.x + dx, p.y + dy} })
}

func (s shape) turned(angle float64, at point) shape {
	return s.mapped(func(p point) point { return turn(p, angle, at) })
}

func (s shape) mirrored(x float64) shape {
	out := s.mapped(func(p point) point { return point{2*x - p.x, p.y} })
	for _, outline := range out { // a mirror turns the direction round: turn it back
		for i, j := 0, len(outline)-1; i < j; i, j = i+1, j-1 {
			outline[i], outline[j] = outline[j], outline[i]
		}
	}
	return out
}

// bounds is the smallest rectangle that holds the shape.
func (s shape) bounds() (low, high point) {
	low, high = point{math.Inf(1), math.Inf(1)}, point{math.Inf(-1), math.Inf(-1)}
	for _, outline := range s {
		for _, p := range outline {
			low = point{math.Min(low.x, p.x), math.Min(low.y, p.y)}
			high = point{math.Max(high.x, p.x), math.Max(high.y, p.y)}
		}
	}
	return low, high
}

func join(shapes ...shape) shape {
	var out shape
	for _, s := range shapes {
		out = append(out, s...)
	}
	return out
}

func turn(p point, angle float64, at point) point {
	sin, cos := math.Sincos(angle)
	dx, dy := p.x-at.x, p.y-at.y
	return point{at.x + dx*cos - dy*sin, at.y + dx*sin + dy*cos}
}

func polygon(points ...point) shape { return shape{points} }

func box(x, y, w, h float64) shape {
	return polygon(point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

func circle(x, y, r float64) shape { return ellipse(x, y, r, r) }

func ellipse(x, y, rx, ry float64) shape { return shape{arc(x, y, rx, ry, 0, 2*math.Pi)} }

// arc walks from one angle to another, clockwise as the eye sees it, and ends just short of a full turn.
func arc(x, y, rx, ry, from, to float64) []point {
	steps := max(12, int(math.Abs(to-from)*math.Max(rx, ry)/3))
	full := math.Abs(to-from) > 2*math.Pi-1e-9
	last := steps
	if full {
		last = steps - 1
	}
	out := make([]point, 0, steps+1)
	for i := 0; i <= last; i++ {
		sin, cos := math.Sincos(from + (to-from)*float64(i)/float64(steps))
		out = append(out, point{x + rx*cos, y + ry*sin})
	}
	return out
}

// ring is a disc with a hole.
func ring(x, y, outer, inner float64) shape {
	hole := arc(x, y, inner, inner, 2*math.Pi, 0)
	return shape{arc(x, y, outer, outer, 0, 2*math.Pi), hole}
}

// curve runs smoothly through the points (Catmull-Rom), open.
func curve(points ...point) []point { return spline(points, false) }

// blob is the closed smooth outline through the points.
func blob(points ...point) shape { return shape{spline(points, true)} }

func spline(points []point, closed bool) []point {
	const steps = 14
	n := len(points)
	at := func(i int) point {
		if closed {
			return points[(i+n)%n]
		}
		return points[min(max(i, 0), n-1)]
	}
	segments := n - 1
	if closed {
		segments = n
	}
	var out []point
	for i := range segments {
		a, b, c, d := at(i-1), at(i), at(i+1), at(i+2)
		for j := range steps {
			t := float64(j) / steps
			out = append(out, point{catmull(a.x, b.x, c.x, d.x, t), catmull(a.y, b.y, c.y, d.y, t)})
		}
	}
	if !closed {
		out = append(out, points[n-1])
	}
	return out
}

func catmull(a, b, c, d, t float64) float64 {
	return 0.5 * (2*b + (c-a)*t + (2*a-5*b+4*c-d)*t*t + (3*b-a-3*c+d)*t*t*t)
}

// star has its first tip straight up.
func star(x, y, outer, inner float64, tips int) shape {
	var out []point
	for i := range 2 * tips {
		r := outer
		if i%2 == 1 {
			r = inner
		}
		sin, cos := math.Sincos(math.Pi*float64(i)/float64(tips) - math.Pi/2)
		out = append(out, point{x + r*cos, y + r*sin})
	}
	return shape{out}
}

// stroke is the line drawn with a round pen of the given width.
func stroke(line []point, width float64) shape {
	return brush(line, func(float64) float64 { return width })
}

// brush is the line drawn with a round pen whose width changes along the way from 0 to 1.
func brush(line []point, width func(t float64) float64) shape {
	var out shape
	last := float64(max(1, len(line)-1))
	for i, p := range line {
		r := width(float64(i)/last) / 2
		out = append(out, circle(p.x, p.y, r)...)
		if i == 0 {
			continue
		}
		q := line[i-1]
		length := math.Hypot(p.x-q.x, p.y-q.y)
		if length < 1e-9 {
			continue
		}
		nx, ny := -(p.y-q.y)/length, (p.x-q.x)/length
		before := width(float64(i-1)/last) / 2
		out = append(out, []point{
			{q.x - nx*before, q.y - ny*before},
			{p.x - nx*r, p.y - ny*r},
			{p.x + nx*r, p.y + ny*r},
			{q.x + nx*before, q.y + ny*before},
		})
	}
	return out
}

// closing repeats the first point at the end, for stroking an outline all the way round.
func closing(outline []point) []point {
	return append(append([]point(nil), outline...), outline[0])
}
