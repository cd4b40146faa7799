package asset

import (
	"encoding/binary"
	"errors"
	"image"
	"math"
)

// table converts colours of a profile that works by tables to sRGB; it is for one picture at a time. It is curves, a grid of colours
// with a dimension for each channel, curves, a matrix, curves. What a profile leaves out changes nothing.
//
//	lut8, lut16   first curves ─► grid ─► last curves
//	mAB           first curves ─► grid ─► middle curves ─► matrix ─► last curves
type table struct {
	channels int // 3: red, green, blue; 4: inks
	first    [4][256]float64
	side     [4]int // of the grid; 0: there is none
	grid     []float32
	middle   [3]func(float64) float64
	matrix   [3][4]float64
	last     [3]func(float64) float64

	pcs         func(v [3]float64) [3]float64 // to XYZ
	scale, lift [3]float64                    // bring the darkest colour to black
	memo        []answer
}

// errTable says that a table is none.
var errTable = errors.New("the table cannot be made sense of")

// gridCells bounds a grid. A profile of its size cannot hold more.
const gridCells = profileBytes

func straight(v float64) float64 { return v }

// readTable reads the table for the look that is meant for pictures.
func readTable(b []byte, space, pcs string, version byte) (*table, error) {
	t := &table{channels: 3, scale: [3]float64{1, 1, 1}}
	if space == "CMYK" {
		t.channels = 4
	}
	if len(b) < 32 || int(b[8]) != t.channels || b[9] != 3 {
		return nil, errTable
	}
	for i := range 3 {
		t.middle[i], t.last[i] = straight, straight
		t.matrix[i][i] = 1
	}
	kind := string(b[:4])
	var err error
	switch kind {
	case "mft1":
		err = t.readOld(b, 48, 256, 256, 1)
	case "mft2":
		if len(b) < 52 {
			return nil, errTable
		}
		err = t.readOld(b, 52, int(binary.BigEndian.Uint16(b[48:])), int(binary.BigEndian.Uint16(b[50:])), 2)
	case "mAB ":
		err = t.readNew(b)
	default:
		err = errTable
	}
	if err != nil {
		return nil, err
	}
	switch pcs {
	case "Lab ":
		t.pcs = labOf(kind)
	case "XYZ ":
		t.pcs = func(v [3]float64) [3]float64 {
			const most = 1 + 32767.0/32768
			return [3]float64{v[0] * most, v[1] * most, v[2] * most}
		}
	default:
		return nil, errTable
	}
	t.deepen(version)
	return t, nil
}

// labOf returns the way from the numbers of a table to XYZ through Lab. Tables of 16 bits have other numbers than all else.
func labOf(kind string) func([3]float64) [3]float64 {
	stretch := 1.0
	if kind == "mft2" {
		stretch = 65535.0 / 65280
	}
	return func(v [3]float64) [3]float64 {
		l := 100 * stretch * v[0]
		a, b := 255*stretch*v[1]-128, 255*stretch*v[2]-128
		fy := (l + 16) / 116
		cube := func(f float64) float64 {
			if f > 6.0/29 {
				return f * f * f
			}
			return 3 * 36 / 841.0 * (f - 4.0/29)
		}
		return [3]float64{whiteD50[0] * cube(fy+a/500), cube(fy), whiteD50[2] * cube(fy-b/200)}
	}
}

var whiteD50 = [3]float64{0.9642, 1, 0.8249}

// readOld reads the forms of the second version: all curves have points, of so many bytes each.
func (t *table) readOld(b []byte, at, firstPoints, lastPoints, size int) error {
	side := int(b[10])
	if firstPoints < 2 || lastPoints < 2 || firstPoints > 4096 || lastPoints > 4096 || side < 2 {
		return errTable
	}
	cells := 3
	for i := range t.channels {
		t.side[i] = side
		if cells *= side; cells > gridCells {
			return errTable
		}
	}
	if len(b)-at < size*(t.channels*firstPoints+cells+3*lastPoints) {
		return errTable
	}
	take := func(n int) []float64 {
		points := make([]float64, n)
		for i := range points {
			points[i] = sample(b[at:], size)
			at += size
		}
		return points
	}
	for c := range t.channels {
		t.setFirst(c, through(take(firstPoints)))
	}
	t.grid = make([]float32, cells)
	for i := range t.grid {
		t.grid[i] = float32(sample(b[at:], size))
		at += size
	}
	for c := range 3 {
		t.last[c] = through(take(lastPoints))
	}
	return nil
}

func sample(b []byte, size int) float64 {
	if size == 1 {
		return float64(b[0]) / 255
	}
	return float64(binary.BigEndian.Uint16(b)) / 65535
}

// through is the curve through points that are as far from each other.
func through(points []float64) func(float64) float64 {
	return func(x float64) float64 {
		whole, part := math.Modf(unit(x) * float64(len(points)-1))
		i := int(whole)
		return points[i]*(1-part) + points[min(i+1, len(points)-1)]*part
	}
}

// unit brings a number between 0 and 1; what is none, which formulas can come to, is 0.
func unit(x float64) float64 {
	if x > 0 {
		return min(x, 1)
	}
	return 0
}

func (t *table) setFirst(channel int, curve func(float64) float64) {
	for i := range 256 {
		t.first[channel][i] = unit(curve(float64(i) / 255))
	}
}

// readNew reads the form of the fourth version, whose parts may be left out.
func (t *table) readNew(b []byte) error {
	offset := func(i int) int { return int(binary.BigEndian.Uint32(b[12+4*i:])) }
	lastAt, matrixAt, middleAt, gridAt, firstAt := offset(0), offset(1), offset(2), offset(3), offset(4)
	if (gridAt == 0 || firstAt == 0) && t.channels != 3 {
		return errTable
	}
	firsts, err := curvesAt(b, firstAt, t.channels)
	if err != nil {
		return err
	}
	for c := range t.channels {
		t.setFirst(c, firsts[c])
	}
	for _, set := range []struct {
		at   int
		list *[3]func(float64) float64
	}{{middleAt, &t.middle}, {lastAt, &t.last}} { // which may be the same curves
		curves, err := curvesAt(b, set.at, 3)
		if err != nil {
			return err
		}
		copy(set.list[:], curves)
	}
	if matrixAt != 0 {
		if matrixAt < 0 || matrixAt > len(b)-48 {
			return errTable
		}
		for i := range 9 {
			t.matrix[i/3][i%3] = fixed16(b[matrixAt+4*i:])
		}
		for i := range 3 {
			t.matrix[i][3] = fixed16(b[matrixAt+36+4*i:])
		}
	}
	if gridAt == 0 {
		return nil
	}
	return t.readGrid(b, gridAt)
}

func (t *table) readGrid(b []byte, at int) error {
	if at < 0 || at > len(b)-20 {
		return errTable
	}
	size := int(b[at+16])
	cells := 3
	for i := range t.channels {
		t.side[i] = int(b[at+i])
		if cells *= t.side[i]; t.side[i] < 2 || cells > gridCells {
			return errTable
		}
	}
	if at += 20; size != 1 && size != 2 || len(b)-at < size*cells {
		return errTable
	}
	t.grid = make([]float32, cells)
	for i := range t.grid {
		t.grid[i] = float32(sample(b[at+size*i:], size))
	}
	return nil
}

// curvesAt reads curves that follow each other, straight ones if they are left out.
func curvesAt(b []byte, at, n int) ([]func(float64) float64, error) {
	curves := make([]func(float64) float64, n)
	for i := range curves {
		curves[i] = straight
		if at == 0 {
			continue
		}
		if at < 0 || at > len(b)-12 {
			return nil, errTable
		}
		var size int
		switch rest := b[at:]; string(rest[:4]) {
		case "curv":
			count := int(binary.BigEndian.Uint32(rest[8:]))
			if size = 12 + 2*count; count < 0 || count > len(b) || size > len(rest) {
				return nil, errTable
			}
			curves[i] = sampled(rest[12:size], count)
		case "para":
			kind := int(binary.BigEndian.Uint16(rest[8:]))
			if curves[i] = formula(kind, rest[12:]); curves[i] == nil {
				return nil, errTable
			}
			size = 12 + 4*[]int{1, 3, 4, 5, 7}[kind]
		default:
			return nil, errTable
		}
		bounded := curves[i]
		curves[i] = func(x float64) float64 { return bounded(unit(x)) }
		at += (size + 3) &^ 3
	}
	return curves, nil
}

// light is the light of the sRGB primaries of a colour.
func (t *table) light(levels [4]byte) [3]float64 {
	xyz := t.xyz(levels)
	var out [3]float64
	for i := range 3 {
		for k := range 3 {
			out[i] += fromPCS[i][k] * (t.scale[k]*xyz[k] + t.lift[k])
		}
	}
	return out
}

func (t *table) xyz(levels [4]byte) [3]float64 {
	var at [4]float64
	for c := range t.channels {
		at[c] = t.first[c][levels[c]]
	}
	v := [3]float64{at[0], at[1], at[2]}
	if t.grid != nil {
		v = t.between(at)
	}
	for i := range v {
		v[i] = t.middle[i](v[i])
	}
	var mixed [3]float64
	for i := range mixed {
		mixed[i] = t.last[i](t.matrix[i][0]*v[0] + t.matrix[i][1]*v[1] + t.matrix[i][2]*v[2] + t.matrix[i][3])
	}
	return t.pcs(mixed)
}

// between is the colour at a place of the grid, between those of the corners around it.
func (t *table) between(at [4]float64) (v [3]float64) {
	var low, step [4]int
	var part [4]float64
	stride := 3
	for c := t.channels - 1; c >= 0; c-- { // the last channel changes fastest
		whole, rest := math.Modf(at[c] * float64(t.side[c]-1))
		i := min(int(whole), t.side[c]-1)
		low[c], part[c] = i*stride, rest
		if i < t.side[c]-1 {
			step[c] = stride
		}
		stride *= t.side[c]
	}
	for corner := range 1 << t.channels {
		weight, place := 1.0, 0
		for c := range t.channels {
			place += low[c]
			if corner>>c&1 == 1 {
				weight *= part[c]
				place += step[c]
			} else {
				weight *= 1 - part[c]
			}
		}
		if weight == 0 {
			continue
		}
		for i := range v {
			v[i] += weight * float64(t.grid[place+i])
		}
	}
	return v
}

// deepen has the darkest colour become black, as all programs do that look at pictures: paper and ink come to no black, and
// what is shown would be gray. From the fourth version on it is laid down which colour that is.
func (t *table) deepen(version byte) {
	const (
		laidDown = 0.0034731
		lightest = 0.184 // what is lighter than half is no black
	)
	y := laidDown
	if version < 4 {
		darkest := [4]byte{}
		if t.channels == 4 {
			darkest = [4]byte{255, 255, 255, 255}
		}
		y = min(unit(t.xyz(darkest)[1]), lightest)
	}
	for i, white := range whiteD50 {
		black := y * white
		t.scale[i] = white / (white - black)
		t.lift[i] = -white * black / (white - black)
	}
}

// convert converts one colour: red, green and blue, or inks.
func (t *table) convert(code *[65536]byte, levels [4]byte) [3]byte {
	if t.memo == nil {
		t.memo = make([]answer, 1<<memoBits)
	}
	known := &t.memo[binary.LittleEndian.Uint32(levels[:])*2654435761>>(32-memoBits)]
	if !known.given || known.levels != levels {
		*known = answer{levels: levels, given: true}
		for i, v := range t.light(levels) {
			known.rgb[i] = code[int(unit(v)*65535+0.5)]
		}
	}
	return known.rgb
}

// answer is what a colour came to. Pictures have the same ones again and again.
type answer struct {
	levels [4]byte
	rgb    [3]byte
	given  bool
}

const memoBits = 14

// inks converts a picture in printing inks, in its own memory.
func (t *table) inks(m *image.CMYK) *image.NRGBA {
	code := coded()
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		p := m.Pix[i : i+4 : i+4]
		rgb := t.convert(code, [4]byte(p))
		p[0], p[1], p[2], p[3] = rgb[0], rgb[1], rgb[2], 255
	}
	return &image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
}
