package asset

import (
	"image"
	"image/color"
	"testing"

	"github.com/disintegration/imaging"
)

func traitsOf(tb testing.TB, data []byte) Traits {
	tb.Helper()
	res, err := Render(tb.Context(), data, Config{Encoder: sketch{}})
	if err != nil || res.Traits == nil {
		tb.Fatalf("no traits: %v", err)
	}
	return *res.Traits
}

func TestTraits(t *testing.T) {
	sky := flat(60, 40, color.NRGBA{40, 90, 200, 255})
	for y := range 12 { // less of it, and hidden colours that weigh nothing
		for x := range 60 {
			sky.SetNRGBA(x, y, color.NRGBA{250, 250, 250, 255})
			sky.SetNRGBA(x, y+20, color.NRGBA{255, 0, 255, 0})
		}
	}
	got := traitsOf(t, asPNG(t, sky))
	if got.Colour != "#285ac8" {
		t.Errorf("colour %s", got.Colour)
	}
	if h := got.ThumbHash; len(h) < 20 || len(h) > 30 || h[2]>>7 != 1 || h[4]>>7 != 1 {
		t.Errorf("hash %x: want some 25 bytes that say transparent and wide", h)
	}
	if none := traitsOf(t, asPNG(t, image.NewNRGBA(image.Rect(0, 0, 9, 9)))); none.Colour != "" {
		t.Errorf("nothing has the colour %s", none.Colour)
	}
}

// TestThumbHashOfFlatColour: its mean can be read back.
func TestThumbHashOfFlatColour(t *testing.T) {
	h := thumbHash(flat(20, 30, color.NRGBA{200, 100, 50, 255}))
	first := int(h[0]) | int(h[1])<<8 | int(h[2])<<16
	l, p, q := float64(first&63)/63, float64(first>>6&63)/31.5-1, float64(first>>12&63)/31.5-1
	b := l - 2.0/3*p
	r := (3*l - b + q) / 2
	g := r - q
	for _, c := range []struct{ got, want float64 }{{255 * r, 200}, {255 * g, 100}, {255 * b, 50}} {
		if d := c.got - c.want; d < -8 || d > 8 {
			t.Errorf("%.0f, want %.0f", c.got, c.want)
		}
	}
	if h[2]>>7 != 0 || h[4]>>7 != 0 || h[2]>>2&31 != 0 {
		t.Errorf("%x says transparent, wide or not flat", h)
	}
}

// TestNearDuplicates: the same token smaller, and flattened in another format, is near; other tokens are not.
func TestNearDuplicates(t *testing.T) {
	token := traitsOf(t, content(t, "tokens", "00-necromancer.png"))
	for _, name := range []string{"neardup-00-280.png", "neardup-00-flat.jpg"} {
		if d := token.Distance(traitsOf(t, content(t, "tokens", name))); d > 5 {
			t.Errorf("%s is %d away", name, d)
		}
	}
	for _, name := range []string{"01-lord.png", "02-zombie-bat.png"} {
		if d := token.Distance(traitsOf(t, content(t, "tokens", name))); d < 10 {
			t.Errorf("%s is %d away", name, d)
		}
	}
	m := gradient(300, 200, opaque)
	if d := traitsOf(t, asPNG(t, m)).Distance(traitsOf(t, asJPEG(t, imaging.Resize(m, 90, 60, imaging.Lanczos)))); d > 3 {
		t.Errorf("a smaller copy is %d away", d)
	}
}
