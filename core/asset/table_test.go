package asset

import (
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"math"
	"slices"
	"strings"
	"testing"
)

// device is what the profiles of these tests say a device does: the Lab of its colours, from 0 to 1.
func device(levels []float64) (l, a, b float64) {
	r, g, bl := levels[0], levels[1], levels[2]
	if len(levels) == 4 {
		k := 1 - levels[3]
		r, g, bl = (1-levels[0])*k, (1-levels[1])*k, (1-levels[2])*k
	}
	return 5 + 95*(0.3*r+0.6*g+0.1*bl), 60 * (r - g), 50 * ((r+g)/2 - bl)
}

// tableOf makes a table of one of the forms: mft1, mft2, or mAB.
func tableOf(form string, channels, side int) []byte {
	out := append([]byte(form), 0, 0, 0, 0, byte(channels), 3, 0, 0)
	put := func(v float64, bytes int) {
		v = min(max(v, 0), 1)
		if bytes == 1 {
			out = append(out, byte(math.Round(v*255)))
		} else {
			out = binary.BigEndian.AppendUint16(out, uint16(math.Round(v*65535)))
		}
	}
	size, stretch := 2, 1.0
	switch form {
	case "mft1", "mft2":
		out[10] = byte(side)
		for i := range 9 {
			out = binary.BigEndian.AppendUint32(out, uint32(65536*(1-min(i%4, 1))))
		}
		points := 256
		if size = 1; form == "mft2" {
			size, stretch, points = 2, 65280.0/65535, 2
			out = binary.BigEndian.AppendUint16(out, 2)
			out = binary.BigEndian.AppendUint16(out, 2)
		}
		for range channels {
			for i := range points {
				put(float64(i)/float64(points-1), size)
			}
		}
	default:
		const lastAt, lastSize = 32, 3 * 12
		gridAt := lastAt + lastSize
		cells := 3
		for range channels {
			cells *= side
		}
		firstAt := gridAt + 20 + (2*cells+3)&^3
		for _, at := range []int{lastAt, 0, 0, gridAt, firstAt} {
			out = binary.BigEndian.AppendUint32(out, uint32(at))
		}
		for range 3 {
			out = append(out, "curv\x00\x00\x00\x00\x00\x00\x00\x00"...)
		}
		dims := make([]byte, 20)
		for i := range channels {
			dims[i] = byte(side)
		}
		dims[16] = 2
		out = append(out, dims...)
	}
	levels := make([]float64, channels)
	var fill func(c int)
	fill = func(c int) {
		if c == channels {
			l, a, b := device(levels)
			put(stretch*l/100, size)
			put(stretch*(a+128)/255, size)
			put(stretch*(b+128)/255, size)
			return
		}
		for i := range side {
			levels[c] = float64(i) / float64(side-1)
			fill(c + 1)
		}
	}
	fill(0)
	switch form {
	case "mft1", "mft2":
		points := 256
		if form == "mft2" {
			points = 2
		}
		for range 3 {
			for i := range points {
				put(float64(i)/float64(points-1), size)
			}
		}
	default:
		for len(out)%4 != 0 {
			out = append(out, 0)
		}
		for range channels {
			out = append(out, "curv\x00\x00\x00\x00\x00\x00\x00\x00"...)
		}
	}
	return out
}

// tableProfile makes a profile that other programs read too.
func tableProfile(form string, channels, side int) []byte {
	space := map[int]string{3: "RGB ", 4: "CMYK"}[channels]
	b := profile(space, map[string][]byte{"A2B0": tableOf(form, channels, side)})
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	b[8] = 2
	if form == "mAB " {
		b[8] = 4
	}
	copy(b[12:], "prtr")
	copy(b[20:], "Lab ")
	copy(b[36:], "acsp")
	for i, v := range whiteD50 {
		binary.BigEndian.PutUint32(b[68+4*i:], uint32(math.Round(v*65536)))
	}
	return b
}

var tableForms = []struct {
	form           string
	channels, side int
}{{"mft1", 3, 9}, {"mft2", 3, 9}, {"mAB ", 3, 9}, {"mft1", 4, 7}, {"mft2", 4, 7}, {"mAB ", 4, 7}}

// darkest is how bright the darkest colour of the device is, which has an L of 5.
const darkest = 5 * 27.0 / 24389

// byHand is what a colour of the device is in sRGB, by the formulas, when something so bright is black.
func byHand(black float64, levels ...float64) [3]byte {
	toXYZ := func(l, a, b float64) [3]float64 {
		f := func(t float64) float64 {
			if t > 6.0/29 {
				return t * t * t
			}
			return (t - 16.0/116) * 108 / 841
		}
		y := (l + 16) / 116
		return [3]float64{0.9642 * f(y+a/500), f(y), 0.8249 * f(y-b/200)}
	}
	xyz := toXYZ(device(levels))
	var out [3]byte
	for i := range 3 {
		light := 0.0
		for k, white := range []float64{0.9642, 1, 0.8249} {
			light += fromPCS[i][k] * (xyz[k] - black*white) / (1 - black)
		}
		light = min(max(light, 0), 1)
		v := 12.92 * light
		if light > 0.0031308 {
			v = 1.055*math.Pow(light, 1/2.4) - 0.055
		}
		out[i] = byte(math.Round(255 * v))
	}
	return out
}

func TestTables(t *testing.T) {
	for _, f := range tableForms {
		conversion, err := readProfile(tableProfile(f.form, f.channels, f.side))
		if err != nil || conversion == nil || conversion.table == nil {
			t.Errorf("%s of %d channels: %v", f.form, f.channels, err)
			continue
		}
		black := darkest
		if f.form == "mAB " {
			black = 0.0034731
		}
		limit := 3 // levels; with 8 bits for Lab, and between the points of the grid
		if f.form == "mft1" {
			limit = 6
		}
		for i := range 4096 {
			levels, numbers := [4]byte{}, make([]float64, f.channels)
			for c := range numbers {
				levels[c] = byte(i >> (3 * c) & 7 * 255 / 7)
				if f.channels == 4 && c == 3 {
					levels[c] = byte(i >> 9 * 255 / 7)
				}
				numbers[c] = float64(levels[c]) / 255
			}
			got, want := conversion.table.convert(coded(), levels), byHand(black, numbers...)
			for c := range got {
				if d := abs(int(got[c]) - int(want[c])); d > limit {
					t.Fatalf("%s of %d channels: %v became %v, want %v", f.form, f.channels, levels, got, want)
				}
			}
		}
	}
}

// TestTablesCutShort: whatever is missing of a table, it is refused, and nothing else happens.
func TestTablesCutShort(t *testing.T) {
	for _, f := range tableForms {
		whole := tableOf(f.form, f.channels, f.side)
		space := map[int]string{3: "RGB ", 4: "CMYK"}[f.channels]
		if _, err := readTable(whole, space, "Lab ", 2); err != nil {
			t.Errorf("%s: %v", f.form, err)
		}
		for n := 0; n < len(whole); n += 1 + len(whole)/500 {
			if _, err := readTable(whole[:n], space, "Lab ", 2); !errors.Is(err, errTable) {
				t.Fatalf("%s of %d channels, %d of %d bytes: %v", f.form, f.channels, n, len(whole), err)
			}
		}
		if _, err := readTable(whole, space, "Luv ", 2); !errors.Is(err, errTable) {
			t.Errorf("other colours between: %v", err)
		}
	}
}

// TestProfileOfInks goes through the whole pipeline with inks, and with profiles that are not theirs.
func TestProfileOfInks(t *testing.T) {
	inks := image.NewCMYK(image.Rect(0, 0, 30, 20))
	for i := range 600 {
		inks.SetCMYK(i%30, i/30, color.CMYK{C: 40, M: 150, Y: 90, K: 30})
	}
	want := byHand(darkest, 40.0/255, 150.0/255, 90.0/255, 30.0/255)
	p, err := picture{inks: inks}.standardise(t.Context(), JPEG, withJPEGProfile([]byte{0xff, 0xd8, 0xff, 0xd9}, tableProfile("mft2", 4, 9)))
	if err != nil || p.note != "" || p.inks != nil || p.pixels == nil {
		t.Fatalf("%+v, %v", p, err)
	}
	got := p.pixels.NRGBAAt(7, 7)
	if abs(int(got.R)-int(want[0])) > 3 || abs(int(got.G)-int(want[1])) > 3 || abs(int(got.B)-int(want[2])) > 3 || got.A != 255 {
		t.Errorf("inks became %v, want %v", got, want)
	}
	plain := flat(40, 30, color.NRGBA{200, 100, 50, 255})
	for name, profile := range map[string][]byte{"of inks": tableProfile("mft1", 4, 5), "damaged": profile("CMYK", map[string][]byte{"A2B0": []byte("mft2")})} {
		res, err := Render(t.Context(), withPNGProfile(t, asPNG(t, plain), profile), Config{Encoder: sketch{}})
		if err != nil || !strings.Contains(res.Note, "profile was not applied") {
			t.Errorf("%s: %q, %v", name, res.Note, err)
		}
	}
	seen := pixels(t, withPNGProfile(t, asPNG(t, plain), tableProfile("mft2", 3, 9))).NRGBAAt(7, 7)
	want = byHand(darkest, 200.0/255, 100.0/255, 50.0/255)
	if abs(int(seen.R)-int(want[0])) > 4 || abs(int(seen.G)-int(want[1])) > 4 || abs(int(seen.B)-int(want[2])) > 4 {
		t.Errorf("it became %v, want %v", seen, want)
	}
}

// TestNoNumbers: curves that come to no number break nothing.
func TestNoNumbers(t *testing.T) {
	body := tableOf("mAB ", 3, 2)
	at := int(binary.BigEndian.Uint32(body[28:])) // of the first curves
	endless := parametric(3, -2, 0, 0, 0, 0)      // 0 to the power of -2
	body = append(body[:at], slices.Concat(endless, endless, endless)...)
	last := len(body)
	binary.BigEndian.PutUint32(body[12:], uint32(last)) // and the last ones
	body = append(body, slices.Concat(endless, endless, endless)...)
	table, err := readTable(body, "RGB ", "Lab ", 4)
	if err != nil {
		t.Fatal(err)
	}
	for _, levels := range [][4]byte{{}, {255, 255, 255}, {1, 2, 3}} {
		table.convert(coded(), levels)
	}
}

// TestSharedCurves: two steps of a table may have the same curves, and both take them.
func TestSharedCurves(t *testing.T) {
	body := tableOf("mAB ", 3, 2)
	square := parametric(0, 2)
	at := len(body)
	binary.BigEndian.PutUint32(body[12:], uint32(at)) // the last ones
	binary.BigEndian.PutUint32(body[20:], uint32(at)) // and those in the middle
	body = append(body, slices.Concat(square, square, square)...)
	table, err := readTable(body, "RGB ", "Lab ", 4)
	if err != nil {
		t.Fatal(err)
	}
	for c := range 3 {
		if table.middle[c](0.5) != 0.25 || table.last[c](0.5) != 0.25 {
			t.Errorf("curves of %d: %v and %v", c, table.middle[c](0.5), table.last[c](0.5))
		}
	}
}
