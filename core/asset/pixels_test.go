package asset

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"testing"
)

func TestToNRGBA(t *testing.T) {
	r := image.Rect(3, 5, 4, 6) // One pixel away from the origin, as sub-images are.
	for name, test := range map[string]struct {
		img  image.Image
		want []byte
	}{
		"nrgba":          {set(image.NewNRGBA(r), color.NRGBA{1, 2, 3, 4}), []byte{1, 2, 3, 4}},
		"rgba":           {&image.RGBA{Pix: []byte{64, 32, 0, 128}, Stride: 4, Rect: r}, []byte{128, 64, 0, 128}},
		"rgba hidden":    {&image.RGBA{Pix: []byte{9, 9, 9, 0}, Stride: 4, Rect: r}, []byte{0, 0, 0, 0}},
		"rgba illegal":   {&image.RGBA{Pix: []byte{200, 0, 0, 100}, Stride: 4, Rect: r}, []byte{255, 0, 0, 100}},
		"gray":           {set(image.NewGray(r), color.Gray{77}), []byte{77, 77, 77, 255}},
		"gray16 up":      {set(image.NewGray16(r), color.Gray16{0x8000}), []byte{128, 128, 128, 255}},
		"gray16 down":    {set(image.NewGray16(r), color.Gray16{0x7fff}), []byte{127, 127, 127, 255}},
		"nrgba64":        {set(image.NewNRGBA64(r), color.NRGBA64{0xffff, 0x00ff, 0x0000, 0x8080}), []byte{255, 1, 0, 128}},
		"rgba64":         {set(image.NewRGBA64(r), color.RGBA64{0x4000, 0x2000, 0, 0x8000}), []byte{128, 64, 0, 128}},
		"rgba64 hidden":  {&image.RGBA64{Pix: []byte{9, 9, 9, 9, 9, 9, 0, 0}, Stride: 8, Rect: r}, []byte{0, 0, 0, 0}},
		"cmyk":           {&image.CMYK{Pix: []byte{255, 0, 128, 0}, Stride: 4, Rect: r}, []byte{0, 255, 127, 255}},
		"cmyk black":     {&image.CMYK{Pix: []byte{0, 0, 0, 255}, Stride: 4, Rect: r}, []byte{0, 0, 0, 255}},
		"ycbcr":          {&image.YCbCr{Y: []byte{255}, Cb: []byte{128}, Cr: []byte{128}, YStride: 1, CStride: 1, Rect: r}, []byte{255, 255, 255, 255}},
		"paletted alpha": {image.NewPaletted(r, color.Palette{color.NRGBA{10, 20, 30, 40}}), []byte{10, 20, 30, 40}},
	} {
		got, err := toNRGBA(test.img)
		if err != nil || got.Rect != image.Rect(0, 0, 1, 1) || !bytes.Equal(got.Pix, test.want) {
			t.Errorf("%s: got %v, %v, want %v", name, got, err, test.want)
		}
	}
	if _, err := toNRGBA(image.NewAlpha(r)); err == nil {
		t.Error("a model that no decoder makes was accepted")
	}
}

func set[M interface {
	image.Image
	Set(x, y int, c color.Color)
}](m M, c color.Color) M {
	m.Set(m.Bounds().Min.X, m.Bounds().Min.Y, c)
	return m
}

func TestPackSubImage(t *testing.T) {
	whole := gradient(9, 7, fading)
	part, ok := whole.SubImage(image.Rect(2, 3, 6, 5)).(*image.NRGBA)
	if !ok {
		t.Fatal("sub-image of another type")
	}
	got := pack(part)
	if got.Stride != 16 || len(got.Pix) != 32 || got.NRGBAAt(0, 0) != whole.NRGBAAt(2, 3) || got.NRGBAAt(3, 1) != whole.NRGBAAt(5, 4) {
		t.Errorf("got %v", got)
	}
}

// TestLossyWebPColours holds against reading WebP's video levels as full range, which turns white into 235 and black into 16.
func TestLossyWebPColours(t *testing.T) {
	for _, c := range []color.NRGBA{
		{255, 255, 255, 255}, {0, 0, 0, 255}, {128, 128, 128, 255}, {255, 0, 0, 255}, {0, 255, 0, 255}, {0, 0, 255, 255},
	} {
		want := flat(33, 17, c)
		got := pixels(t, asWebP(t, want))
		tolerance := 2.0
		if c.R == c.G && c.G == c.B {
			tolerance = 0
		}
		if e := meanError(t, got, want); e > tolerance {
			t.Errorf("%v came back as %v", c, got.NRGBAAt(16, 8))
		}
	}
}

func TestLossyWebPAlpha(t *testing.T) {
	want := gradient(70, 50, fading)
	got := pixels(t, asWebP(t, want))
	for i := 3; i < len(got.Pix); i += 4 {
		if got.Pix[i] != want.Pix[i] {
			t.Fatalf("alpha at %d is %d, want %d", i/4, got.Pix[i], want.Pix[i])
		}
	}
	if e := meanError(t, got, want); e > 2 {
		t.Errorf("mean error %.2f", e)
	}
}

func TestAnimatedWebPFirstFrame(t *testing.T) {
	frame := asWebP(t, gradient(12, 8, opaque))
	data := animate(t, 20, 16, frame, frame)
	got := pixels(t, data)
	if got.Rect != image.Rect(0, 0, 20, 16) || got.NRGBAAt(11, 7).A != 255 || got.NRGBAAt(12, 8).A != 0 {
		t.Errorf("frame 0 is not alone on its canvas: %v", got.Rect)
	}
}

func TestGIFFirstFrame(t *testing.T) {
	got := pixels(t, asGIF(t, paint(10, 10, 5, 6, 1), paint(40, 30, 0, 0, 2)))
	if got.Rect != image.Rect(0, 0, 40, 30) {
		t.Fatalf("canvas %v", got.Rect)
	}
	for p, want := range map[image.Point]color.NRGBA{
		{5, 6}: {255, 0, 0, 255}, {14, 15}: {255, 0, 0, 255}, {4, 6}: {}, {15, 15}: {}, {39, 29}: {},
	} {
		if c := got.NRGBAAt(p.X, p.Y); c != want {
			t.Errorf("%v is %v, want %v", p, c, want)
		}
	}
}

// TestChromaIsInterpolated compares an edge in colour, stored at half resolution, with the picture it came from.
func TestChromaIsInterpolated(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420,
		image.YCbCrSubsampleRatio440, image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410,
	} {
		m := image.NewYCbCr(image.Rect(0, 0, 9, 7), ratio)
		for i := range m.Y {
			m.Y[i] = 100
		}
		for i := range m.Cb {
			m.Cb[i], m.Cr[i] = byte(100+8*(i%m.CStride)), 128
		}
		got, err := fromPlanes(planes{YCbCr: m, matrix: fullRange})
		if err != nil {
			t.Fatal(err)
		}
		for x := 1; x < 9; x++ {
			before, now := got.NRGBAAt(x-1, 3).B, got.NRGBAAt(x, 3).B
			if now < before || ratio != image.YCbCrSubsampleRatio411 && ratio != image.YCbCrSubsampleRatio410 && x > 1 && x < 8 && now == before {
				t.Errorf("%v: blue goes %d, %d at column %d", ratio, before, now, x)
			}
		}
	}
	if _, err := fromPlanes(planes{YCbCr: &image.YCbCr{SubsampleRatio: 99}}); err == nil {
		t.Error("an unknown subsampling was accepted")
	}
}

func TestJPEGColours(t *testing.T) {
	for _, c := range []color.NRGBA{{255, 255, 255, 255}, {0, 0, 0, 255}, {200, 30, 60, 255}} {
		want := flat(21, 13, c)
		if e := meanError(t, pixels(t, asJPEG(t, want)), want); e > 1.5 {
			t.Errorf("%v: mean error %.2f", c, e)
		}
	}
	gray := image.NewGray(image.Rect(0, 0, 9, 9))
	gray.SetGray(4, 4, color.Gray{255})
	if m := pixels(t, asJPEG(t, gray)); m.NRGBAAt(4, 4).R < 240 || m.NRGBAAt(0, 0).A != 255 {
		t.Errorf("gray: %v", m.NRGBAAt(4, 4))
	}
}

func TestUpright(t *testing.T) {
	want := gradient(48, 32, opaque)
	for o := 1; o <= 8; o++ {
		// Lay the picture down as a camera held in that position would store it.
		inverse := map[int]int{6: 8, 8: 6}[o]
		if inverse == 0 {
			inverse = o
		}
		stored := upright(want, inverse)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, stored, &jpeg.Options{Quality: 100}); err != nil {
			t.Fatal(err)
		}
		got := pixels(t, withEXIF(b.Bytes(), o))
		if e := meanError(t, got, want); e > 3 {
			t.Errorf("orientation %d: mean error %.1f", o, e)
		}
	}
}

func TestFit(t *testing.T) {
	for _, test := range []struct {
		width, height, box int
		want               image.Point
	}{
		{400, 400, 256, image.Pt(256, 256)},
		{400, 300, 800, image.Pt(400, 300)},
		{1501, 999, 800, image.Pt(800, 532)},
		{999, 1501, 800, image.Pt(532, 800)},
		{1, 20000, 256, image.Pt(1, 256)},
		{16384, 64, 256, image.Pt(256, 1)},
		{65535, 1, 1920, image.Pt(1920, 1)},
		{3, 1, 256, image.Pt(3, 1)},
		{256, 257, 256, image.Pt(255, 256)},
	} {
		if got := fit(test.width, test.height, test.box); got != test.want {
			t.Errorf("fit(%d, %d, %d) = %v, want %v", test.width, test.height, test.box, got, test.want)
		}
	}
}

func TestScaleDoesNotBleed(t *testing.T) {
	// White on the left, magenta hidden under full transparency on the right.
	m := flat(64, 64, color.NRGBA{255, 255, 255, 255})
	for y := range 64 {
		for x := 32; x < 64; x++ {
			m.SetNRGBA(x, y, color.NRGBA{255, 0, 255, 0})
		}
	}
	for i, small := 0, scale(m, image.Pt(21, 21)); i < len(small.Pix); i += 4 {
		if p := small.Pix[i : i+4]; p[3] > 0 && p[1] != 255 {
			t.Fatalf("hidden colour shows at %d: %v", i/4, p)
		}
	}
}
