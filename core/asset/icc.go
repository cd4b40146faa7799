package asset

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"io"
	"math"
	"sync"
)

// profileBytes bounds a colour profile, unpacked. Those of cameras and programs have a few kB; of printers up to 3 MB.
const profileBytes = 4 << 20

// profileOf returns the colour profile that a file carries, or nil. A broken one counts as none: it is no reason to lose the
// picture.
func profileOf(f Format, data []byte) []byte {
	switch f {
	case JPEG:
		return jpegProfile(data)
	case PNG:
		return pngProfile(data)
	case WebP:
		if file, err := parseWebP(data); err == nil {
			return file.profile
		}
	case TIFF:
		return tiffProfile(data)
	default:
	}
	return nil
}

// jpegProfile puts the parts of a profile together, which are numbered from 1.
func jpegProfile(data []byte) []byte {
	const name = "ICC_PROFILE\x00"
	parts := map[byte][]byte{}
	count, size := byte(0), 0
	for rest := data[2:]; ; {
		var mark byte
		mark, rest = nextMarker(rest)
		if mark == 0 || mark == markSOS || mark == markEOI || len(rest) < 2 {
			break
		}
		n := int(binary.BigEndian.Uint16(rest))
		if n < 2 || n > len(rest) {
			break
		}
		if body := rest[2:n]; mark == 0xe2 && len(body) > len(name)+2 && string(body[:len(name)]) == name {
			count = body[len(name)+1]
			parts[body[len(name)]] = body[len(name)+2:]
			size += n
		}
		rest = rest[n:]
	}
	if size > profileBytes {
		return nil
	}
	var whole []byte
	for i := range count {
		whole = append(whole, parts[i+1]...)
	}
	return whole
}

func pngProfile(data []byte) []byte {
	for rest := data[8:]; len(rest) >= 12; {
		size, kind := int64(binary.BigEndian.Uint32(rest)), string(rest[4:8])
		if kind == "IDAT" || size > int64(len(rest)-12) {
			return nil
		}
		body := rest[8 : 8+size]
		rest = rest[12+size:]
		if kind != "iCCP" {
			continue
		}
		_, packed, ok := bytes.Cut(body, []byte{0})
		if !ok || len(packed) < 1 || packed[0] != 0 {
			return nil
		}
		r, err := zlib.NewReader(bytes.NewReader(packed[1:]))
		if err != nil {
			return nil
		}
		whole, err := io.ReadAll(io.LimitReader(r, profileBytes+1))
		if err != nil || len(whole) > profileBytes {
			return nil
		}
		return whole
	}
	return nil
}

// tiffProfile reads the tag of the first page that holds a profile.
func tiffProfile(data []byte) []byte {
	var order binary.ByteOrder = binary.BigEndian
	if data[0] == 'I' {
		order = binary.LittleEndian
	}
	offset := int64(order.Uint32(data[4:]))
	if offset+2 > int64(len(data)) {
		return nil
	}
	entries := data[offset+2:]
	for range order.Uint16(data[offset:]) {
		if len(entries) < 12 {
			return nil
		}
		if order.Uint16(entries) == 34675 {
			size, at := int64(order.Uint32(entries[4:])), int64(order.Uint32(entries[8:]))
			if size > profileBytes || at+size > int64(len(data)) {
				return nil
			}
			return data[at : at+size]
		}
		entries = entries[12:]
	}
	return nil
}

// The reasons for which a profile is not applied.
var (
	errProfileCMYK  = errors.New("it is one of printing inks, without a table that can be read")
	errProfileTable = errors.New("it works by tables that cannot be read")
	errProfileOther = errors.New("it is for other colours than the picture has")
	errProfileOdd   = errors.New("it cannot be made sense of")
)

// toSRGB converts colours of a profile to sRGB: by a table, or by curves and a matrix in fixed point.
type toSRGB struct {
	table  *table        // nil: there is none
	linear [3][256]int32 // light of each level, of 65535
	mix    [3][3]int64   // to light of the sRGB primaries, in 1/16384
}

// readProfile makes a conversion of a profile. It is nil for a profile that is sRGB by another name.
func readProfile(b []byte) (*toSRGB, error) {
	if len(b) < 132 {
		return nil, errProfileOdd
	}
	tags := map[string][]byte{}
	count := int64(binary.BigEndian.Uint32(b[128:]))
	for i := range min(count, 100) {
		at := 132 + 12*i
		if at+12 > int64(len(b)) {
			return nil, errProfileOdd
		}
		from, size := int64(binary.BigEndian.Uint32(b[at+4:])), int64(binary.BigEndian.Uint32(b[at+8:]))
		if from+size > int64(len(b)) {
			return nil, errProfileOdd
		}
		tags[string(b[at:at+4])] = b[from : from+size]
	}
	t := &toSRGB{}
	space := string(b[16:20])
	if lut := tags["A2B0"]; lut != nil && (space == "RGB " || space == "CMYK") { // it goes before curves
		if table, err := readTable(lut, space, string(b[20:24]), b[8]); err == nil {
			t.table = table
		}
	}
	switch {
	case t.table != nil:
	case space == "GRAY" && tags["kTRC"] != nil:
		for c := range 3 {
			if !readCurve(tags["kTRC"], &t.linear[c]) {
				return nil, errProfileOdd
			}
			t.mix[c][c] = 1 << 14
		}
	case space == "CMYK":
		return nil, errProfileCMYK
	case space == "RGB " && tags["rXYZ"] != nil:
		if !t.readMatrix(tags) {
			return nil, errProfileOdd
		}
	case space == "RGB ":
		return nil, errProfileTable
	default:
		return nil, errProfileOdd
	}
	if space != "CMYK" && t.changesNothing() {
		return nil, nil //nolint:nilnil // nothing is to be done, and nothing is wrong
	}
	return t, nil
}

// fromPCS goes from the profiles' common colours, which are seen by the light D50, to light of the sRGB primaries.
var fromPCS = [3][3]float64{
	{3.1341359, -1.6173863, -0.4906619},
	{-0.9787955, 1.9162544, 0.0334427},
	{0.0719554, -0.2289768, 1.4053861},
}

func (t *toSRGB) readMatrix(tags map[string][]byte) bool {
	var columns [3][3]float64
	for c, name := range []string{"r", "g", "b"} {
		xyz := tags[name+"XYZ"]
		if len(xyz) < 20 || !readCurve(tags[name+"TRC"], &t.linear[c]) {
			return false
		}
		for i := range 3 {
			columns[c][i] = fixed16(xyz[8+4*i:])
		}
	}
	for row := range 3 {
		for c := range 3 {
			sum := 0.0
			for i := range 3 {
				sum += float64(fromPCS[row][i] * columns[c][i])
			}
			t.mix[row][c] = int64(math.Round(sum * (1 << 14)))
		}
	}
	return true
}

func fixed16(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }

// readCurve fills in the light of each level by a curve: a gamma, a table or one of the formulas.
func readCurve(b []byte, out *[256]int32) bool {
	if len(b) < 12 {
		return false
	}
	var f func(x float64) float64
	switch string(b[:4]) {
	case "curv":
		n := int64(binary.BigEndian.Uint32(b[8:]))
		if 12+2*n > int64(len(b)) {
			return false
		}
		f = sampled(b[12:], int(n))
	case "para":
		if f = formula(int(binary.BigEndian.Uint16(b[8:])), b[12:]); f == nil {
			return false
		}
	default:
		return false
	}
	for i := range out {
		light := f(float64(i) / 255)
		if math.IsNaN(light) {
			return false
		}
		out[i] = int32(math.Round(min(max(light, 0), 1) * 65535))
	}
	return true
}

// sampled is a curve given by its points; one point is a gamma, none is a straight line.
func sampled(points []byte, n int) func(float64) float64 {
	switch n {
	case 0:
		return func(x float64) float64 { return x }
	case 1:
		gamma := float64(binary.BigEndian.Uint16(points)) / 256
		return func(x float64) float64 { return math.Pow(x, gamma) }
	}
	at := func(i int) float64 { return float64(binary.BigEndian.Uint16(points[2*i:])) / 65535 }
	return func(x float64) float64 {
		whole, part := math.Modf(x * float64(n-1))
		i := min(int(whole), n-1)
		return at(i)*(1-part) + at(min(i+1, n-1))*part
	}
}

// formula is one of the five curves that are given by their parameters.
func formula(kind int, b []byte) func(float64) float64 {
	need := []int{1, 3, 4, 5, 7}
	if kind >= len(need) || len(b) < 4*need[kind] {
		return nil
	}
	p := [7]float64{1, 1}
	for i := range need[kind] {
		p[i] = fixed16(b[4*i:])
	}
	g, a, bb, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	switch kind {
	case 0:
		return func(x float64) float64 { return math.Pow(x, g) }
	case 1, 2: // below -b/a: nothing, or c
		e, f, d = c, c, math.Inf(1)
		if a != 0 {
			d = -bb / a
		}
		c = 0
	}
	return func(x float64) float64 {
		if x >= d {
			return math.Pow(math.Max(a*x+bb, 0), g) + e
		}
		return c*x + f
	}
}

// coded are the levels of sRGB for each light.
var coded = sync.OnceValue(func() *[65536]byte {
	var t [65536]byte
	for i := range t {
		light := float64(i) / 65535
		v := 12.92 * light
		if light > 0.0031308 {
			v = 1.055*math.Pow(light, 1/2.4) - 0.055
		}
		t[i] = byte(math.Round(v * 255))
	}
	return &t
})

// convert converts one colour.
func (t *toSRGB) convert(code *[65536]byte, r, g, b byte) (byte, byte, byte) {
	if t.table != nil {
		rgb := t.table.convert(code, [4]byte{r, g, b})
		return rgb[0], rgb[1], rgb[2]
	}
	x, y, z := int64(t.linear[0][r]), int64(t.linear[1][g]), int64(t.linear[2][b])
	light := func(m *[3]int64) byte {
		return code[min(max((m[0]*x+m[1]*y+m[2]*z+1<<13)>>14, 0), 65535)]
	}
	return light(&t.mix[0]), light(&t.mix[1]), light(&t.mix[2])
}

// changesNothing looks at colours all over whether any would be changed by more than what rounding does.
func (t *toSRGB) changesNothing() bool {
	code := coded()
	for r := 0; r < 256; r += 17 {
		for g := 0; g < 256; g += 17 {
			for b := 0; b < 256; b += 17 {
				x, y, z := t.convert(code, byte(r), byte(g), byte(b))
				if max(abs(int(x)-r), abs(int(y)-g), abs(int(z)-b)) > 2 {
					return false
				}
			}
		}
	}
	return true
}

func abs(v int) int { return max(v, -v) }

// apply converts a picture, in place.
func (t *toSRGB) apply(p picture) (picture, error) {
	if p.planes != nil {
		err := t.applyPlanes(p.planes, p.matrix())
		p.full = false
		return p, err
	}
	code := coded()
	for i := 0; i+4 <= len(p.pixels.Pix); i += 4 {
		d := p.pixels.Pix[i : i+4 : i+4]
		d[0], d[1], d[2] = t.convert(code, d[0], d[1], d[2])
	}
	return p, nil
}

// applyPlanes converts planes, to video levels. The pixels that share a chroma sample are converted with it, and share the
// mean of what they come to; so no picture in pixels is ever held.
func (t *toSRGB) applyPlanes(m *image.YCbCr, from *matrix) error {
	luma, cb, cr, stepX, stepY, err := split(m)
	if err != nil {
		return err
	}
	code := coded()
	var rgb [4]byte
	for cy := range cb.height {
		for cx := range cb.width {
			at := cy*cb.stride + cx
			blue, red := cb.pix[at:at+1], cr.pix[at:at+1]
			var sumR, sumG, sumB, n int32
			for y := cy * stepY; y < min((cy+1)*stepY, luma.height); y++ {
				for x := cx * stepX; x < min((cx+1)*stepX, luma.width); x++ {
					l := luma.pix[y*luma.stride+x:][:1]
					from.row(rgb[:], l, blue, red)
					r, g, b := t.convert(code, rgb[0], rgb[1], rgb[2])
					sumR, sumG, sumB, n = sumR+int32(r), sumG+int32(g), sumB+int32(b), n+1
					l[0] = byte((16839*int32(r) + 33059*int32(g) + 6420*int32(b) + 16<<16 + 1<<15) >> 16)
				}
			}
			blue[0] = byte(((-9719*sumR-19081*sumG+28800*sumB)/n + 128<<16 + 1<<15) >> 16)
			red[0] = byte(((28800*sumR-24116*sumG-4684*sumB)/n + 128<<16 + 1<<15) >> 16)
		}
	}
	return nil
}

// standardise brings a picture's colours to sRGB by the profile of its file. Its note says what could not be done.
func (p picture) standardise(ctx context.Context, f Format, data []byte) (_ picture, err error) {
	if err := ctx.Err(); err != nil {
		return p, err
	}
	var t *toSRGB
	if profile := profileOf(f, data); profile != nil {
		var odd error
		t, odd = readProfile(profile)
		if odd == nil && t != nil && t.forInks() != (p.inks != nil) {
			t, odd = nil, errProfileOther
		}
		if odd != nil {
			p.note = "its colour profile was not applied, colours may be off: " + odd.Error()
		}
	}
	switch {
	case p.inks != nil && t != nil:
		p.pixels, p.inks = t.table.inks(p.inks), nil
	case p.inks != nil:
		p.pixels, err = toNRGBA(p.inks)
		p.inks = nil
	case t != nil:
		p, err = t.apply(p)
	}
	return p, err
}

// forInks says that it is colours of printing inks that are converted.
func (t *toSRGB) forInks() bool { return t.table != nil && t.table.channels == 4 }
