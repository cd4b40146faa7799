package asset

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"math"
	"runtime"
	"testing"

	"github.com/disintegration/imaging"
)

// psnr returns the peak signal to noise ratio of the colours of two pictures, in dB.
func psnr(tb testing.TB, a, b *image.NRGBA) float64 {
	tb.Helper()
	if a.Rect != b.Rect {
		tb.Fatalf("sizes differ: %v and %v", a.Rect, b.Rect)
	}
	sum, n := 0.0, 0
	for i := range a.Pix {
		if i%4 == 3 {
			continue
		}
		d := float64(a.Pix[i]) - float64(b.Pix[i])
		sum, n = sum+d*d, n+1
	}
	if sum == 0 {
		return 99
	}
	return 10 * math.Log10(255*255*float64(n)/sum)
}

// luma is the brightness of a picture, alone.
func luma(m *image.NRGBA) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	for i := 0; i < len(m.Pix); i += 4 {
		v := byte((299*int(m.Pix[i]) + 587*int(m.Pix[i+1]) + 114*int(m.Pix[i+2]) + 500) / 1000)
		out.Pix[i], out.Pix[i+1], out.Pix[i+2], out.Pix[i+3] = v, v, v, 255
	}
	return out
}

// TestBothPathsAgree holds the path through planes to imaging's resampler, on real pictures and at every step of the cascade.
// Brightness has to agree closely; colours are stored half as fine in planes.
func TestBothPathsAgree(t *testing.T) {
	for _, elem := range [][]string{
		{"colour", "srgb-reference.png"},
		{"maps", "odd-size-1501x999-444.jpg"},
		{"maps", "wesnoth-world-2048.webp"},
		{"colour", "gray.jpg"},
		{"exif", "Landscape_6.jpg"},
	} {
		data := content(t, elem...)
		h, err := Inspect(data)
		if err != nil {
			t.Fatal(err)
		}
		p, err := decode(t.Context(), data, h)
		if err != nil || p.planes == nil {
			t.Fatalf("%v: no planes: %v", elem, err)
		}
		want, err := p.rgb()
		if err != nil {
			t.Fatal(err)
		}
		for _, box := range []int{800, 256, 33} {
			size := fit(h.Width, h.Height, box)
			want = imaging.Resize(want, size.X, size.Y, imaging.Lanczos)
			if p, err = p.scale(size); err != nil {
				t.Fatal(err)
			}
			got, err := p.rgb()
			if err != nil {
				t.Fatal(err)
			}
			if light, colour := psnr(t, luma(got), luma(want)), psnr(t, got, want); light < 42 || colour < 31 {
				t.Errorf("%v at %d: brightness %.1f dB, colours %.1f dB", elem, box, light, colour)
			}
		}
	}
}

// exact resamples one channel with numbers that are not rounded before the end.
func exact(m *image.Gray, size image.Point) []float64 {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	mix := func(from, to, at int, sample func(int) float64) float64 {
		scale := float64(from) / float64(to)
		wide := math.Max(scale, 1)
		centre := (float64(at)+0.5)*scale - 0.5
		sum, weights := 0.0, 0.0
		for k := range from {
			if d := (float64(k) - centre) / wide; math.Abs(d) < 3 {
				w := lanczos(d)
				sum, weights = sum+w*sample(k), weights+w
			}
		}
		return sum / weights
	}
	rows := make([]float64, size.X*height)
	for y := range height {
		for x := range size.X {
			rows[y*size.X+x] = mix(width, size.X, x, func(k int) float64 { return float64(m.Pix[y*m.Stride+k]) })
		}
	}
	out := make([]float64, size.X*size.Y)
	for y := range size.Y {
		for x := range size.X {
			out[y*size.X+x] = mix(height, size.Y, y, func(k int) float64 { return rows[k*size.X+x] })
		}
	}
	return out
}

// TestResampleIsExact: fixed point costs no more than the rounding at the end.
func TestResampleIsExact(t *testing.T) {
	m := image.NewGray(image.Rect(0, 0, 150, 110))
	noise := uint32(7)
	for i := range m.Pix {
		noise = noise*1664525 + 1013904223
		m.Pix[i] = byte(60 + i%150/2 + int(noise>>26))
	}
	for name, brought := range map[string]struct {
		by              *mapping
		level, from, to float64
	}{
		"as it is": {&levelRanges().video.luma, 1, 0, 0}, "luma": {&levelRanges().full.luma, 219. / 255, 0, 16}, "chroma": {&levelRanges().full.chroma, 224. / 255, 128, 128},
	} {
		for _, size := range []image.Point{{75, 55}, {61, 40}, {149, 109}, {7, 110}, {1, 1}} {
			p := plane{pix: m.Pix, stride: m.Stride, width: 150, height: 110}
			got := p.resample(size.X, size.Y, 150/float64(size.X), 110/float64(size.Y), &brought.by.fine)
			for i, want := range exact(m, size) {
				want = (want-brought.from)*brought.level + brought.to
				if d := math.Abs(float64(got.pix[i]) - min(max(want, 0), 255)); d > 0.6 {
					t.Fatalf("%s, %v: sample %d is %d, want %.2f", name, size, i, got.pix[i], want)
				}
			}
		}
	}
}

// TestHalvesHold: whatever the samples are, no sum outgrows its half of an int64.
func TestHalvesHold(t *testing.T) {
	for _, lengths := range [][2]int{{4096, 1920}, {1920, 800}, {800, 256}, {97, 96}, {9, 4}, {3, 2}, {2, 1}, {5, 9}, {1, 1}} {
		a := newAxis(lengths[0], lengths[1], float64(lengths[0])/float64(lengths[1]))
		for i := range a.from {
			var above, below int64 // what the weights come to
			for _, w := range a.weights[i*a.stride:][:a.count[i]] {
				above, below = above+max(w, 0), below+max(-w, 0)
			}
			reach := float64(above+below) / (1 << weightBits) // of what the rows hold, too
			if most := reach * reach * (255 << middleBits) * (1 << weightBits); most+(1<<(weightBits+middleBits)) > math.MaxInt32 {
				t.Errorf("%d to %d: sample %d may come to %.0f", lengths[0], lengths[1], i, most)
			}
		}
	}
}

func TestFlatStaysFlat(t *testing.T) {
	for _, v := range []byte{0, 16, 127, 235, 255} {
		p := newPlane(97, 61)
		for i := range p.pix {
			p.pix[i] = v
		}
		for i, got := range p.resample(40, 23, 97.0/40, 61.0/23, &levelRanges().video.luma.fine).pix {
			if got != v {
				t.Fatalf("sample %d of a flat %d is %d", i, v, got)
			}
		}
	}
}

// TestTurnPlanes holds the turning of planes to imaging's.
func TestTurnPlanes(t *testing.T) {
	m := gradient(24, 16, opaque)
	for _, ratio := range []image.YCbCrSubsampleRatio{
		image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio422, image.YCbCrSubsampleRatio420, image.YCbCrSubsampleRatio440,
	} {
		planes := image.NewYCbCr(m.Rect, ratio)
		for y := range 16 {
			for x := range 24 {
				r, g, b := m.NRGBAAt(x, y).R, m.NRGBAAt(x, y).G, m.NRGBAAt(x, y).B
				l, cb, cr := color.RGBToYCbCr(r, g, b)
				planes.Y[planes.YOffset(x, y)] = l
				planes.Cb[planes.COffset(x, y)], planes.Cr[planes.COffset(x, y)] = cb, cr
			}
		}
		straight, err := picture{planes: planes}.rgb()
		if err != nil {
			t.Fatal(err)
		}
		for orientation := 1; orientation <= 8; orientation++ {
			turned, ok := turnPlanes(planes, orientation)
			if !ok {
				t.Fatalf("%v cannot be turned", ratio)
			}
			got, err := picture{planes: turned}.rgb()
			if err != nil {
				t.Fatal(err)
			}
			if e := meanError(t, got, upright(straight, orientation)); e != 0 {
				t.Errorf("%v, orientation %d: off by %.2f", ratio, orientation, e)
			}
		}
	}
	if _, ok := turnPlanes(image.NewYCbCr(image.Rect(0, 0, 5, 4), image.YCbCrSubsampleRatio420), 3); ok {
		t.Error("an odd side was turned round")
	}
}

// TestOrientations goes through the whole pipeline with every orientation, with even and odd sides.
func TestOrientations(t *testing.T) {
	for _, size := range []image.Point{{64, 48}, {63, 47}} {
		m := gradient(size.X, size.Y, opaque)
		for orientation := 1; orientation <= 8; orientation++ {
			got, want := pixels(t, withEXIF(asJPEG(t, m), orientation)), upright(m, orientation)
			if e := meanError(t, got, want); e > 3 {
				t.Errorf("%v, orientation %d: off by %.2f", size, orientation, e)
			}
		}
	}
}

// TestWhiteStaysWhite: through both paths, and there and back.
func TestWhiteStaysWhite(t *testing.T) {
	for _, c := range []color.NRGBA{{255, 255, 255, 255}, {0, 0, 0, 255}, {128, 128, 128, 255}} {
		m := flat(50, 40, c)
		for name, data := range map[string][]byte{"jpeg": asJPEG(t, m), "png": asPNG(t, m), "webp": asWebP(t, m)} {
			got := pixels(t, data)
			for _, i := range []int{0, 1, 2} {
				if d := int(got.Pix[i]) - int(c.R); d < -1 || d > 1 || c.R != 128 && d != 0 {
					t.Errorf("%s: %v became %v", name, c, got.Pix[:4])
					break
				}
			}
		}
	}
}

// TestAVIF: what it shows, and that what is broken is no picture.
func TestAVIF(t *testing.T) {
	for name, m := range map[string]*image.NRGBA{"opaque": gradient(60, 40, opaque), "fading": gradient(60, 40, fading)} {
		data := asAVIF(t, m)
		got := pixels(t, data)
		if e := meanError(t, got, m); e > 6 {
			t.Errorf("%s: off by %.1f", name, e)
		}
		if got.Opaque() != (name == "opaque") {
			t.Errorf("%s: opaque is %v", name, got.Opaque())
		}
		res, err := Render(t.Context(), data[:len(data)-30], Config{Encoder: sketch{}})
		if CodeOf(err) != CodeDamaged || len(res.Renditions) != 1 {
			t.Errorf("%s, cut off: %v", name, err)
		}
	}
	if _, err := Render(t.Context(), avif(t), Config{Encoder: sketch{}}); CodeOf(err) != CodeDamaged {
		t.Errorf("boxes without a picture: %v", err)
	}
}

// TestRenderWithAnyNumberOfCores: the bytes do not depend on it.
func TestRenderWithAnyNumberOfCores(t *testing.T) {
	own, _, err := FindEncoder(EncoderAuto)
	if err != nil {
		t.Fatal(err)
	}
	data := asJPEG(t, gradient(300, 200, opaque))
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want := ""
	for _, cores := range []int{1, 2, 7} {
		runtime.GOMAXPROCS(cores)
		res, err := Render(t.Context(), data, Config{Encoder: own})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range res.Renditions {
			got += fmt.Sprintf("%s %x\n", r.Name, r.Data)
		}
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("with %d cores other bytes are written", cores)
		}
	}
}

func TestOriginal(t *testing.T) {
	small := asJPEG(t, gradient(64, 64, opaque)) // sketch writes less than any file has
	for name, kept := range map[string]bool{"": false, OriginalWebP: false, OriginalKeep: true, OriginalSmaller: false} {
		res, err := Render(t.Context(), small, Config{Encoder: sketch{}, Original: name})
		if err != nil || res.Renditions[0].Kept != kept || len(res.Renditions) != 4 {
			t.Errorf("%q: %v, %+v", name, err, res.Renditions)
		}
	}
	m := flat(8, 8, color.NRGBA{R: 9, A: 255})
	res, err := Render(t.Context(), asPNG(t, m), Config{Encoder: padded{}, Original: OriginalSmaller})
	if err != nil || !res.Renditions[0].Kept {
		t.Errorf("a larger original was taken: %v, %+v", err, res.Renditions)
	}
}

// padded writes more than any small picture has.
type padded struct{ sketch }

func (padded) Encode(context.Context, image.Image, int, int) ([]byte, error) {
	return make([]byte, 1<<16), nil
}

// TestResampleTwoAtOnce: two sums in one multiplication come to what each comes to by itself.
func TestResampleTwoAtOnce(t *testing.T) {
	for _, tt := range []struct{ from, to image.Point }{
		{image.Pt(97, 61), image.Pt(31, 20)},
		{image.Pt(64, 64), image.Pt(63, 1)},
		{image.Pt(5, 7), image.Pt(5, 3)},
		{image.Pt(1, 9), image.Pt(1, 4)},
		{image.Pt(40, 40), image.Pt(80, 81)},
		{image.Pt(300, 3), image.Pt(2, 2)},
	} {
		p := newPlane(tt.from.X, tt.from.Y)
		for i, m := 0, grain(tt.from.X, tt.from.Y, 3); i < len(p.pix); i++ {
			if p.pix[i] = m.Pix[4*i]; i%3 == 0 { // the extremes, where sums are largest
				p.pix[i] = 255 * (p.pix[i] & 1)
			}
		}
		scaleX, scaleY := float64(tt.from.X)/float64(tt.to.X), float64(tt.from.Y)/float64(tt.to.Y)
		got := p.resample(tt.to.X, tt.to.Y, scaleX, scaleY, &levelRanges().video.luma.fine)
		across, down := newAxis(tt.from.X, tt.to.X, scaleX), newAxis(tt.from.Y, tt.to.Y, scaleY)
		for y := range tt.to.Y {
			for x := range tt.to.X {
				sum := int64(1 << (weightBits + middleBits - 1))
				for j := range down.count[y] {
					row := int64(1 << (weightBits - middleBits - 1))
					for i := range across.count[x] {
						row += across.weights[x*across.stride+i] * int64(p.pix[(down.from[y]+j)*p.stride+across.from[x]+i])
					}
					sum += down.weights[y*down.stride+j] * (row >> (weightBits - middleBits))
				}
				if want := byte(min(max(sum>>(weightBits+middleBits), 0), 255)); got.pix[y*got.stride+x] != want {
					t.Fatalf("%v to %v: %d at (%d, %d), want %d", tt.from, tt.to, got.pix[y*got.stride+x], x, y, want)
				}
			}
		}
	}
}
