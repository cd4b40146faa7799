package asset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"strings"
	"sync"
	"testing"
)

// summary writes a result down in one line a rendition.
func summary(r Result) string {
	var b strings.Builder
	for _, x := range r.Renditions {
		fmt.Fprintf(&b, "%s %dx%d kept=%v\n", x.FileName("H"), x.Width, x.Height, x.Kept)
	}
	return b.String()
}

func TestRender(t *testing.T) {
	token, wide := gradient(40, 30, fading), gradient(200, 100, opaque)
	still := asWebP(t, token)
	small := Config{Encoder: sketch{}, Resolutions: []Resolution{{"tiny", 16}, {"half", 100}, {"large", 1000}, {"huge", 2000}}}
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"cascade": {asPNG(t, wide), `
H_original.webp 200x100 kept=false
H_tiny.webp 16x8 kept=false
H_half.webp 100x50 kept=false
H_large.webp 200x100 kept=false
H_huge.webp 200x100 kept=false
`},
		"rotated": {withEXIF(asJPEG(t, wide), 8), `
H_original.webp 100x200 kept=false
H_tiny.webp 8x16 kept=false
H_half.webp 50x100 kept=false
H_large.webp 100x200 kept=false
H_huge.webp 100x200 kept=false
`},
		"lossy webp": {still, `
H_original.webp 40x30 kept=true
H_tiny.webp 16x12 kept=false
H_half.webp 40x30 kept=false
H_large.webp 40x30 kept=false
H_huge.webp 40x30 kept=false
`},
		"animated webp": {animate(t, 60, 40, still, still), `
H_original.webp 60x40 kept=true
H_tiny.webp 16x11 kept=false
H_half.webp 60x40 kept=false
H_large.webp 60x40 kept=false
H_huge.webp 60x40 kept=false
`},
		"gif": {asGIF(t, paint(40, 30, 0, 0, 1), paint(40, 30, 0, 0, 2)), `
H_original.gif 40x30 kept=true
H_tiny.webp 16x12 kept=false
H_half.webp 40x30 kept=false
H_large.webp 40x30 kept=false
H_huge.webp 40x30 kept=false
`},
		"bmp": {asBMP(t, gradient(10, 10, opaque)), `
H_original.webp 10x10 kept=false
H_tiny.webp 10x10 kept=false
H_half.webp 10x10 kept=false
H_large.webp 10x10 kept=false
H_huge.webp 10x10 kept=false
`},
		"svg":   {[]byte(`<svg viewBox="0 0 9 8"/>`), "\nH_original.svg 9x8 kept=true\n"},
		"video": {[]byte("\x1a\x45\xdf\xa3 webm"), "\nH_original.webm 0x0 kept=true\n"},
		"sound": {[]byte("OggS\x00"), "\nH_original.ogg 0x0 kept=true\n"},
		"pdf":   {[]byte("%PDF-1.7"), "\nH_original.pdf 0x0 kept=true\n"},
		"avif": {asAVIF(t, gradient(40, 30, opaque)), `
H_original.avif 40x30 kept=true
H_tiny.webp 16x12 kept=false
H_half.webp 40x30 kept=false
H_large.webp 40x30 kept=false
H_huge.webp 40x30 kept=false
`},
	} {
		res, err := Render(t.Context(), test.data, small)
		if got := "\n" + summary(res); err != nil || got != test.want {
			t.Errorf("%s: %v%s", name, err, got)
		}
	}
}

func TestRenderSettings(t *testing.T) {
	res, err := Render(t.Context(), asPNG(t, gradient(40, 30, opaque)), Config{Encoder: sketch{}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range res.Renditions {
		got = append(got, r.Name+" "+string(r.Data[:len(r.Data)-9]))
	}
	want := []string{"original 40x30 q85 m2", "thumbnail 40x30 q80 m4", "preview 40x30 q80 m4", "display 40x30 q80 m4"}
	if fmt.Sprint(got) != fmt.Sprint(want) || res.Encoder != "sketch" {
		t.Errorf("got %q by %q", got, res.Encoder)
	}
	if &res.Renditions[1].Data[0] != &res.Renditions[3].Data[0] {
		t.Error("renditions of one size do not share their bytes")
	}
}

func TestRenderKeepsInput(t *testing.T) {
	still := asWebP(t, gradient(40, 30, fading))
	before := bytes.Clone(still)
	res, err := Render(t.Context(), still, Config{Encoder: sketch{}})
	if err != nil || !bytes.Equal(res.Renditions[0].Data, before) || !bytes.Equal(still, before) {
		t.Errorf("a kept original is not its input: %v", err)
	}
}

// TestRenderEncodes goes all the way once, with the real encoder, and looks at what a browser would see.
func TestRenderEncodes(t *testing.T) {
	white := flat(90, 60, color.NRGBA{255, 255, 255, 255})
	c := Config{Resolutions: []Resolution{{"thumbnail", 45}}}
	for name, data := range map[string][]byte{"png": asPNG(t, white), "jpeg": asJPEG(t, white), "lossy webp": asWebP(t, white)} {
		res, err := Render(t.Context(), data, c)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range res.Renditions {
			if r.MediaType != "image/webp" || Sniff(r.Data) != WebP {
				t.Errorf("%s %s is %s", name, r.Name, r.MediaType)
			}
			seen := pixels(t, r.Data)
			if e := meanError(t, seen, flat(r.Width, r.Height, color.NRGBA{255, 255, 255, 255})); e != 0 {
				t.Errorf("%s %s: white is off by %.2f", name, r.Name, e)
			}
		}
	}
}

func TestRenderIsDeterministic(t *testing.T) {
	data := asPNG(t, gradient(120, 90, fading))
	c := Config{Resolutions: []Resolution{{"a", 50}, {"b", 20}}}
	results := make([]Result, 4)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() {
			res, err := Render(t.Context(), data, c)
			if err != nil {
				t.Error(err)
			}
			results[i] = res
		})
	}
	group.Wait()
	for _, res := range results[1:] {
		for i := range res.Renditions {
			if !bytes.Equal(res.Renditions[i].Data, results[0].Renditions[i].Data) {
				t.Errorf("%s has other bytes in a parallel call", res.Renditions[i].Name)
			}
		}
	}
}

func TestRenderGuardsTheCodec(t *testing.T) {
	data := asPNG(t, gradient(9, 9, opaque))
	res, err := Render(t.Context(), data, Config{Encoder: sketch{panic: true}})
	failed, ok := errors.AsType[*CodecError](err)
	if !ok || failed.Code != CodeFailed || !bytes.Contains(failed.Stack, []byte("sketch.Encode")) ||
		!strings.Contains(failed.Reason, "pencil broke") {
		t.Fatalf("got %v", err)
	}
	if len(res.Renditions) != 1 || !bytes.Equal(res.Renditions[0].Data, data) || res.Renditions[0].Ext != "png" {
		t.Errorf("the original was not kept: %+v", res)
	}
	cause := errors.New("no ink")
	if _, err := Render(t.Context(), data, Config{Encoder: sketch{fail: cause}}); CodeOf(err) != CodeFailed || !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}

func TestRenderTooLargeForTheEncoder(t *testing.T) {
	data := asPNG(t, gradient(9, 9, opaque))
	res, err := Render(t.Context(), data, Config{Encoder: sketch{fail: fmt.Errorf("%w: really", ErrTooLarge)}})
	if err != nil || len(res.Renditions) != 1 || !res.Renditions[0].Kept || !strings.Contains(res.Note, "really") || res.Encoder != "" {
		t.Errorf("got %+v, %v", res, err)
	}
}

func TestRenderCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, data := range map[string][]byte{
		"png": asPNG(t, gradient(9, 9, opaque)), "jpeg": asJPEG(t, gradient(9, 9, opaque)), "gif": asGIF(t, paint(9, 9, 0, 0, 1)),
		"webp": asWebP(t, gradient(9, 9, opaque)), "bmp": asBMP(t, gradient(9, 9, opaque)), "tiff": asTIFF(t, gradient(9, 9, opaque)),
		"svg": []byte("<svg/>"), "sound": []byte("OggS"),
	} {
		res, err := Render(ctx, data, Config{Encoder: sketch{}})
		if !errors.Is(err, context.Canceled) || CodeOf(err) != "" || res.Renditions != nil {
			t.Errorf("%s: got %+v, %v", name, res, err)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		want   string
	}{
		"zero":      {Config{}, ""},
		"original":  {Config{Resolutions: []Resolution{{"original", 9}}}, "taken"},
		"twice":     {Config{Resolutions: []Resolution{{"a", 9}, {"a", 8}}}, "taken"},
		"no name":   {Config{Resolutions: []Resolution{{"", 9}}}, "letters"},
		"path":      {Config{Resolutions: []Resolution{{"../a", 9}}}, "letters"},
		"no box":    {Config{Resolutions: []Resolution{{"a", 0}}}, "box is 0"},
		"large box": {Config{Resolutions: []Resolution{{"a", 16384}}}, "16383"},
		"quality":   {Config{QualityOriginal: 101}, "QualityOriginal is 101"},
		"quality 2": {Config{QualityResolution: -1}, "QualityResolution is -1"},
		"pixels":    {Config{Budget: Budget{MaxPixels: HardMaxPixels + 1}}, "MaxPixels"},
		"bytes":     {Config{Budget: Budget{MaxBytes: -1}}, "MaxBytes"},
		"side":      {Config{Budget: Budget{MaxSide: 65536}}, "MaxSide"},
		"scans":     {Config{Budget: Budget{MaxScans: -1}}, "MaxScans"},
	} {
		_, err := Render(t.Context(), asPNG(t, gradient(2, 2, opaque)), withSketch(test.config))
		switch {
		case test.want == "" && err != nil, test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
}

func withSketch(c Config) Config {
	c.Encoder = sketch{}
	return c
}

func TestSuspectJPEG(t *testing.T) {
	data := asJPEG(t, gradient(64, 64, opaque))
	if !jpegAddsUp(data) {
		t.Fatal("a sound file is suspected")
	}
	flagged, tried := 0, 0
	for at := len(data) - 200; at < len(data)-10; at++ {
		if data[at] == 0xff || data[at-1] == 0xff || data[at]^0x10 == 0xff {
			continue // Markers are another matter.
		}
		tried++
		bad := bytes.Clone(data)
		bad[at] ^= 0x10
		res, err := Render(t.Context(), bad, Config{Encoder: sketch{}})
		if err != nil || res.Suspect {
			flagged++
		}
		if res.Suspect && !strings.Contains(res.Note, "garbled") {
			t.Fatalf("suspect without a word: %q", res.Note)
		}
	}
	// A flip in the extra bits of a coefficient changes no length and cannot be seen.
	if flagged*5 < tried {
		t.Errorf("only %d of %d flipped bits were noticed", flagged, tried)
	}
}

// seen keeps the planes that it was given.
type seen struct {
	sketch
	mu     *sync.Mutex
	planes map[string]*image.YCbCr // by size and quality
}

func (s seen) Encode(ctx context.Context, m image.Image, quality, method int) ([]byte, error) {
	if m, ok := m.(*image.YCbCr); ok {
		s.mu.Lock()
		s.planes[fmt.Sprintf("%v at %d", m.Rect.Size(), quality)] = m
		s.mu.Unlock()
	}
	return s.sketch.Encode(ctx, m, quality, method)
}

// TestBothForms: what is encoded at the size that it has is the JPEG's own samples at video levels, whatever else is made of them and
// whether they are held in one form or in two, and its sizes are the same with an original and without, but for a large one's last bit.
func TestBothForms(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 3001, 3001))
	for i := range gray.Pix {
		gray.Pix[i] = byte(i%3001>>3 + i/3001>>4)
	}
	small := gray.SubImage(image.Rect(0, 0, 301, 203))
	for name, data := range map[string][]byte{
		"colours": asJPEG(t, gradient(301, 203, opaque)), "gray": asJPEG(t, small), "large": asJPEG(t, gray),
	} {
		h, err := Inspect(data)
		if err != nil {
			t.Fatal(err)
		}
		if large := h.Width*h.Height > bothForms; large != (name == "large") {
			t.Fatalf("%s is of the wrong size", name)
		}
		want, err := decode(t.Context(), data, h)
		if err != nil || !want.full {
			t.Fatal(want.full, err)
		}
		want.video()
		made := map[string]seen{}
		for _, original := range []string{OriginalWebP, OriginalKeep} {
			e := seen{mu: &sync.Mutex{}, planes: map[string]*image.YCbCr{}}
			c := Config{Encoder: e, Original: original, Resolutions: []Resolution{{"whole", 4000}, {"small", 100}}}
			if _, err := Render(t.Context(), data, c); err != nil {
				t.Fatal(err)
			}
			made[original] = e
			for what, got := range e.planes {
				if got.Rect != want.planes.Rect {
					continue
				}
				for y := range got.Rect.Dy() {
					row, same := got.Y[y*got.YStride:][:h.Width], want.planes.Y[y*want.planes.YStride:][:h.Width]
					if !bytes.Equal(row, same) {
						t.Fatalf("%s, %s, %s: row %d is another", name, original, what, y)
					}
				}
			}
		}
		if n := len(made[OriginalWebP].planes); n != 3 {
			t.Errorf("%s: %d pictures were encoded", name, n)
		}
		for what, got := range made[OriginalKeep].planes {
			off := 0
			for y := range got.Rect.Dy() {
				if got.Rect == want.planes.Rect {
					break // that was looked at
				}
				for x := range got.Rect.Dx() {
					beside := made[OriginalWebP].planes[what].YCbCrAt(x, y)
					off = max(off, abs(int(got.YCbCrAt(x, y).Y)-int(beside.Y)), abs(int(got.YCbCrAt(x, y).Cb)-int(beside.Cb)))
				}
			}
			if off > 1 || off > 0 && name != "large" {
				t.Errorf("%s, %s: it differs by %d with an original", name, what, off)
			}
		}
	}
}
