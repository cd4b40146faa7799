package asset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"strings"
	"testing"
)

// TestAdobeRGB: one picture, once as sRGB and once in another space with its profile.
func TestAdobeRGB(t *testing.T) {
	data := content(t, "colour", "adobergb-icc.jpg")
	want := pixels(t, content(t, "colour", "srgb-reference.png"))
	if got := psnr(t, pixels(t, data), want); got < 36 {
		t.Errorf("%.1f dB", got)
	}
	bare := bytes.ReplaceAll(data, []byte("ICC_PROFILE\x00"), []byte("ICC_PROFILX\x00"))
	if got := psnr(t, pixels(t, bare), want); got > 34 {
		t.Errorf("without its profile it comes out as well: %.1f dB", got)
	}
}

// profile builds a profile of tags.
func profile(space string, tags map[string][]byte) []byte {
	b := make([]byte, 132, 1024)
	copy(b[16:], space)
	copy(b[20:], "XYZ ")
	binary.BigEndian.PutUint32(b[128:], uint32(len(tags)))
	at := 132 + 12*len(tags)
	var bodies []byte
	for name, body := range tags {
		b = append(b, name...)
		b = binary.BigEndian.AppendUint32(b, uint32(at+len(bodies)))
		b = binary.BigEndian.AppendUint32(b, uint32(len(body)))
		bodies = append(bodies, body...)
	}
	return append(b, bodies...)
}

func xyz(x, y, z float64) []byte {
	b := []byte("XYZ \x00\x00\x00\x00")
	for _, v := range []float64{x, y, z} {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(v*65536)))
	}
	return b
}

func gammaCurve(g float64) []byte {
	return binary.BigEndian.AppendUint16([]byte("curv\x00\x00\x00\x00\x00\x00\x00\x01"), uint16(g*256))
}

func parametric(kind uint16, values ...float64) []byte {
	b := binary.BigEndian.AppendUint16([]byte("para\x00\x00\x00\x00"), kind)
	b = append(b, 0, 0)
	for _, v := range values {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(v*65536)))
	}
	return b
}

func rgbProfile(curve []byte, r, g, b []byte) []byte {
	return profile("RGB ", map[string][]byte{"rXYZ": r, "gXYZ": g, "bXYZ": b, "rTRC": curve, "gTRC": curve, "bTRC": curve})
}

var srgbCurve = parametric(3, 2.4, 1/1.055, 0.055/1.055, 1/12.92, 0.04045)

func srgbProfile(curve []byte) []byte {
	return rgbProfile(curve, xyz(0.4361, 0.2225, 0.0139), xyz(0.3851, 0.7169, 0.0971), xyz(0.1431, 0.0606, 0.7141))
}

func displayP3() []byte {
	return rgbProfile(srgbCurve, xyz(0.5151, 0.2412, -0.0011), xyz(0.2919, 0.6922, 0.0419), xyz(0.1572, 0.0666, 0.7841))
}

func TestReadProfile(t *testing.T) {
	for name, test := range map[string]struct {
		profile []byte
		from    [3]byte
		want    [3]byte // of a profile that changes something
		same    bool
		err     error
	}{
		"sRGB":            {profile: srgbProfile(srgbCurve), same: true},
		"gamma 1":         {profile: srgbProfile(gammaCurve(1)), from: [3]byte{55, 55, 55}, want: [3]byte{128, 128, 128}},
		"gamma 1.8":       {profile: srgbProfile(gammaCurve(1.8)), from: [3]byte{128, 128, 128}, want: [3]byte{147, 147, 147}},
		"Display P3":      {profile: displayP3(), from: [3]byte{200, 100, 50}, want: [3]byte{215, 93, 31}},
		"white stays":     {profile: displayP3(), from: [3]byte{255, 255, 255}, want: [3]byte{255, 255, 255}},
		"gray":            {profile: profile("GRAY", map[string][]byte{"kTRC": gammaCurve(1)}), from: [3]byte{55, 55, 55}, want: [3]byte{128, 128, 128}},
		"inks":            {profile: profile("CMYK", nil), err: errProfileCMYK},
		"tables":          {profile: profile("RGB ", map[string][]byte{"A2B0": {1}}), err: errProfileTable},
		"no curve":        {profile: rgbProfile(nil, xyz(1, 0, 0), xyz(0, 1, 0), xyz(0, 0, 1)), err: errProfileOdd},
		"short":           {profile: []byte("RGB"), err: errProfileOdd},
		"tags past end":   {profile: append(make([]byte, 128), 0xff, 0xff, 0xff, 0xff), err: errProfileOdd},
		"formula unknown": {profile: srgbProfile(parametric(9, 1)), err: errProfileOdd},
	} {
		got, err := readProfile(test.profile)
		if !errors.Is(err, test.err) || (got == nil) != (test.same || test.err != nil) {
			t.Errorf("%s: %v, %v", name, got != nil, err)
			continue
		}
		if got == nil {
			continue
		}
		r, g, b := got.convert(coded(), test.from[0], test.from[1], test.from[2])
		for i, v := range []byte{r, g, b} {
			if d := int(v) - int(test.want[i]); d < -1 || d > 1 {
				t.Errorf("%s: %v became %v, want %v", name, test.from, [3]byte{r, g, b}, test.want)
				break
			}
		}
	}
}

// TestProfileInEveryFormat: whether it lies in a chunk, a segment or a tag, and whether the picture is in planes or pixels.
func TestProfileInEveryFormat(t *testing.T) {
	plain := flat(40, 30, color.NRGBA{200, 100, 50, 255})
	for name, data := range map[string][]byte{
		"png":  withPNGProfile(t, asPNG(t, plain), displayP3()),
		"jpeg": withJPEGProfile(asJPEG(t, plain), displayP3()),
		"webp": withWebPProfile(asWebP(t, plain), displayP3(), 40, 30),
	} {
		got := pixels(t, data).NRGBAAt(20, 15)
		if abs(int(got.R)-215) > 3 || abs(int(got.G)-93) > 3 || abs(int(got.B)-31) > 4 {
			t.Errorf("%s: %v", name, got)
		}
	}
	res, err := Render(t.Context(), withPNGProfile(t, asPNG(t, plain), profile("CMYK", nil)), Config{Encoder: sketch{}})
	if err != nil || !strings.Contains(res.Note, "profile was not applied") {
		t.Errorf("%q, %v", res.Note, err)
	}
}

func TestPlanesAndPixelsAreConvertedAlike(t *testing.T) {
	conversion, err := readProfile(displayP3())
	if err != nil {
		t.Fatal(err)
	}
	want := gradient(64, 48, opaque)
	p, err := conversion.apply(picture{planes: toPlanes(want)})
	if _, wrong := conversion.apply(picture{pixels: want}); err != nil || wrong != nil {
		t.Fatal(err, wrong)
	}
	got, err := p.rgb()
	if err != nil {
		t.Fatal(err)
	}
	if e := meanError(t, got, want); e > 1.5 {
		t.Errorf("they differ by %.2f", e)
	}
}

func FuzzProfile(f *testing.F) {
	f.Add(displayP3())
	f.Add(profile("GRAY", map[string][]byte{"kTRC": parametric(4, 2, 1, 0, 1, 0.5, 0, 0)}))
	for _, form := range tableForms {
		f.Add(tableProfile(form.form, form.channels, 2))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if conversion, err := readProfile(data); err == nil && conversion != nil {
			if conversion.forInks() {
				conversion.table.inks(image.NewCMYK(image.Rect(0, 0, 2, 2)))
				return
			}
			if _, err := conversion.apply(picture{pixels: image.NewNRGBA(image.Rect(0, 0, 2, 2))}); err != nil {
				t.Error(err)
			}
		}
	})
}
