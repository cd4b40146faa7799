package main

import "math"

// The plan of the island: what stands where, in pixels of the map. The walls, lights and notes of the scenes in
// source/modules/ninth-lamp/scenes repeat these numbers, and a test compares the two.

const (
	mapWidth, mapHeight = 1600, 1200
	gridSize            = 50
)

// A house is a rectangle with a ridged roof; angle 0 puts the ridge from west to east.
type house struct {
	x, y, w, h float64 // the middle, and the size before turning
	angle      float64 // degrees, clockwise
	roof       roof
}

type roof int

const (
	slate roof = iota
	tile
	thatch
)

// corners run clockwise from the one that is north-west before turning.
func (h house) corners() [4]point {
	middle := point{h.x, h.y}
	turned := func(dx, dy float64) point {
		return turn(point{h.x + dx*h.w/2, h.y + dy*h.h/2}, h.angle*math.Pi/180, middle)
	}
	return [4]point{turned(-1, -1), turned(1, -1), turned(1, 1), turned(-1, 1)}
}

func houses() []house {
	return []house{
		{536, 716, 92, 56, -58, tile},    // the Crooked Oar
		{744, 630, 84, 50, -2, slate},    // the harbour office
		{1046, 590, 104, 60, -12, slate}, // the Lens Yard
		{340, 770, 112, 54, 78, slate},   // the Chapel of Nets
		{466, 626, 66, 44, 14, thatch},
		{546, 630, 56, 42, -6, slate},
		{626, 632, 66, 44, 4, tile},
		{820, 641, 58, 42, 8, thatch},
		{932, 690, 64, 46, 38, tile},
		{990, 756, 62, 46, 64, slate},
		{502, 532, 60, 42, -12, tile},
		{622, 536, 60, 42, -10, thatch},
		{752, 540, 64, 42, 8, tile},
		{846, 556, 60, 42, 14, slate},
		{1150, 660, 62, 46, 34, thatch},
	}
}

// tower is the Long Lamp, the lighthouse on the north-eastern head.
func tower() (x, y, r float64) { return 1322, 262, 40 }

// stair is where the Drowned Stair goes under.
func stair() point { return point{1144, 906} }

// lamps are the eight that everybody knows, in the order they are lit.
func lamps() []point {
	return []point{{586, 732}, {652, 697}, {796, 690}, {918, 770}, {402, 838}, {1012, 642}, {1124, 850}, {1322, 262}}
}

// ninth is where, on some nights, there is one more.
func ninth() point { return point{1318, 1010} }

// paths are drawn smoothly through their points, the broad ones first.
func paths() [][]point {
	return [][]point{
		{{584, 742}, {612, 706}, {680, 672}, {760, 668}, {850, 690}, {890, 730}, {912, 764}},                              // the quay
		{{688, 670}, {688, 600}, {696, 520}, {760, 440}, {880, 384}, {1020, 350}, {1180, 316}, {1300, 274}},               // to the Long Lamp
		{{862, 700}, {874, 656}, {880, 626}, {950, 644}, {1040, 646}, {1096, 690}, {1116, 770}, {1126, 850}, {1140, 898}}, // to the Drowned Stair
		{{612, 706}, {590, 674}, {500, 672}, {430, 706}, {396, 760}, {394, 826}},                                          // to the chapel
		{{880, 626}, {790, 594}, {688, 586}, {600, 582}, {500, 580}, {430, 596}},                                          // the back lane
		{{760, 440}, {650, 416}, {560, 400}},                                                                              // to the pool
	}
}

// pool is the fresh water in the north of the island.
func pool() (x, y, rx, ry float64) { return 486, 396, 62, 30 }

// fields are ploughed: the middle, the size, degrees.
func fields() []house {
	return []house{{610, 470, 96, 62, -14, 0}, {836, 480, 110, 66, -18, 0}, {936, 544, 74, 52, -14, 0}, {400, 546, 84, 60, 12, 0}}
}

// piers run out into the harbour.
func piers() [][2]point {
	return [][2]point{
		{{582, 740}, {656, 846}},
		{{694, 676}, {714, 796}},
		{{772, 672}, {780, 790}},
		{{905, 751}, {828, 850}},
	}
}

// A boat lies at the piers or out in the roads; the angle is its course in degrees.
type boat struct{ x, y, length, angle float64 }

func boats() []boat {
	return []boat{
		{676, 800, 46, 62},
		{606, 826, 40, 56},
		{738, 752, 44, 80},
		{806, 748, 40, 88},
		{872, 824, 44, 128},
		{752, 880, 54, 20},
		{560, 980, 58, -24},
		{1010, 1040, 62, 12},
	}
}

// land is positive where the island is dry and negative at sea: a few smooth heaps, a bay cut out, and a ragged edge.
func land(x, y float64) float64 {
	heap := func(cx, cy, rx, ry, degrees float64) float64 {
		p := turn(point{x, y}, -degrees*math.Pi/180, point{cx, cy})
		dx, dy := (p.x-cx)/rx, (p.y-cy)/ry
		return math.Exp(-1.1 * (dx*dx + dy*dy))
	}
	height := heap(720, 520, 470, 262, -6) +
		0.78*heap(1240, 300, 230, 100, -24) +
		0.75*heap(372, 750, 165, 180, 24) +
		0.85*heap(1080, 760, 170, 210, -20) +
		0.42*heap(1012, 420, 240, 130, -20) +
		0.62*heap(168, 352, 52, 36, -30) + 0.5*heap(226, 306, 24, 20, 0) +
		0.62*heap(1436, 606, 56, 40, 50) +
		0.56*heap(1372, 700, 28, 24, 0)
	height -= 1.15 * heap(742, 868, 165, 158, 0)
	height -= 0.5 * heap(742, 1010, 190, 150, 0)
	ragged := fractal(x/120, y/120, 5, 7)
	return height - 0.36 + 0.15*ragged
}
