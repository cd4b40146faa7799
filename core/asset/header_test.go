package asset

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestInspect(t *testing.T) {
	solid, faded := gradient(40, 30, opaque), gradient(40, 30, fading)
	lossy, lossyAlpha := asWebP(t, solid), asWebP(t, faded)
	deep := image.NewNRGBA64(image.Rect(0, 0, 5, 7))
	for name, test := range map[string]struct {
		data []byte
		want Header
	}{
		"jpeg":          {asJPEG(t, solid), Header{Format: JPEG, Frames: 1, Scans: 1}},
		"png":           {asPNG(t, faded), Header{Format: PNG, Frames: 1, Alpha: true}},
		"opaque png":    {asPNG(t, solid), Header{Format: PNG, Frames: 1}},
		"deep png":      {asPNG(t, deep), Header{Format: PNG, Width: 5, Height: 7, Frames: 1, Alpha: true, Deep: true}},
		"bmp":           {asBMP(t, solid), Header{Format: BMP, Frames: 1}},
		"tiff":          {asTIFF(t, faded), Header{Format: TIFF, Frames: 1, Alpha: true}},
		"gif":           {asGIF(t, paint(40, 30, 0, 0, 1)), Header{Format: GIF, Frames: 1, Alpha: true}},
		"animated gif":  {asGIF(t, paint(40, 30, 0, 0, 1), paint(4, 3, 1, 1, 2)), Header{Format: GIF, Frames: 2, Animated: true, Alpha: true}},
		"lossy webp":    {lossy, Header{Format: WebP, Frames: 1, Lossy: true}},
		"webp alpha":    {lossyAlpha, Header{Format: WebP, Frames: 1, Lossy: true, Alpha: true}},
		"animated webp": {animate(t, 60, 50, lossyAlpha, lossy), Header{Format: WebP, Width: 60, Height: 50, Frames: 2, Animated: true, Lossy: true, Alpha: true}},
		"rotated jpeg":  {withEXIF(asJPEG(t, solid), 6), Header{Format: JPEG, Width: 30, Height: 40, Orientation: 6, Frames: 1, Scans: 1}},
		"avif":          {avif(t), Header{Format: AVIF, Width: 640, Height: 480, Frames: 1}},
		"deep avif":     {avif(t, "\x00\x00\x00\x0cav1C\x81\x00\x4c\x00"), Header{Format: AVIF, Width: 640, Height: 480, Frames: 1, Deep: true}},
		"deeper avif":   {avif(t, "\x00\x00\x00\x0epixi\x00\x00\x00\x00\x01\x0c"), Header{Format: AVIF, Width: 640, Height: 480, Frames: 1, Deep: true}},
		"shallow avif":  {avif(t, "\x00\x00\x00\x0cav1C\x81\x00\x0c\x00"), Header{Format: AVIF, Width: 640, Height: 480, Frames: 1}},
		"mp3":           {[]byte("ID3 and so on"), Header{Format: MP3, Width: -1}},
	} {
		t.Run(name, func(t *testing.T) {
			want := test.want
			want.Bytes = int64(len(test.data))
			want.Orientation = max(want.Orientation, 1)
			switch {
			case want.Width < 0:
				want.Width = 0
			case want.Width == 0:
				want.Width, want.Height = 40, 30
			}
			got, err := Inspect(test.data)
			if err != nil || got != want {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

// avif builds the boxes of an AVIF with two item sizes, other properties, and no picture.
func avif(t *testing.T, properties ...string) []byte {
	t.Helper()
	wrap := func(kind string, parts ...[]byte) []byte {
		body := slices.Concat(parts...)
		return slices.Concat([]byte{0, 0, byte((len(body) + 8) >> 8), byte(len(body) + 8)}, []byte(kind), body)
	}
	ispe := func(w, h int) []byte {
		return wrap("ispe", []byte{0, 0, 0, 0, 0, 0, byte(w >> 8), byte(w), 0, 0, byte(h >> 8), byte(h)})
	}
	return slices.Concat(
		wrap("ftyp", []byte("avif\x00\x00\x00\x00avifmif1")),
		wrap("meta", make([]byte, 4), wrap("iprp", wrap("ipco", ispe(160, 120), ispe(640, 480), []byte(strings.Join(properties, ""))))),
	)
}

func TestInspectAPNG(t *testing.T) {
	data := asPNG(t, gradient(8, 8, opaque))
	chunk := []byte("\x00\x00\x00\x08acTL\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\x00\x00")
	h, err := Inspect(slices.Concat(data[:33], chunk, data[33:]))
	if err != nil || !h.Animated || h.Frames != 3 {
		t.Errorf("got %+v, %v, want three frames", h, err)
	}
}

// TestInspectTruncated cuts files at every length: that is never a panic, never a success.
func TestInspectTruncated(t *testing.T) {
	solid, faded := gradient(12, 9, opaque), gradient(12, 9, fading)
	still := asWebP(t, faded)
	for name, data := range map[string][]byte{
		"jpeg":          withEXIF(asJPEG(t, solid), 3),
		"png":           asPNG(t, faded),
		"gif":           bytes.TrimSuffix(asGIF(t, paint(40, 30, 0, 0, 1), paint(4, 3, 1, 1, 2)), []byte(";")),
		"webp":          still,
		"animated webp": animate(t, 20, 20, still, still),
		"bmp":           asBMP(t, solid),
		"tiff":          asTIFF(t, faded),
	} {
		t.Run(name, func(t *testing.T) {
			complete := 0
			for n := range data {
				res, err := Render(t.Context(), data[:n], Config{Encoder: sketch{}})
				if err != nil && CodeOf(err) == "" {
					t.Fatalf("%d of %d bytes: untyped error %v", n, len(data), err)
				}
				if err == nil {
					complete++
				}
				if broken, ok := errors.AsType[*CodecError](err); ok {
					t.Fatalf("%d of %d bytes: %v\n%s", n, len(data), err, broken.Stack)
				}
				if _, cut := errors.AsType[*DamagedError](err); cut && (len(res.Renditions) != 1 || !res.Renditions[0].Kept) {
					t.Fatalf("%d of %d bytes: the original was not kept: %+v", n, len(data), res)
				}
			}
			// A GIF may end behind any block once it has a frame; a TIFF's last bytes are its resolution in print.
			if allowed := map[string]int{"gif": 2, "tiff": 16}[name]; complete != allowed {
				t.Errorf("%d truncations passed for complete, %d may", complete, allowed)
			}
		})
	}
}

func TestInspectWebPContradictions(t *testing.T) {
	still := asWebP(t, gradient(12, 9, fading))
	lies := bytes.Clone(still)
	lies[12+8+4] = 99 // Canvas width in the extended header.
	outside := animate(t, 13, 9, still, still)
	for name, data := range map[string][]byte{"canvas": lies, "frame outside": outside} {
		_, err := Inspect(data)
		if CodeOf(err) != CodeInconsistent {
			t.Errorf("%s: got %v, want %s", name, err, CodeInconsistent)
		}
	}
}

func TestInspectJPEGVariants(t *testing.T) {
	base := asJPEG(t, gradient(8, 8, opaque))
	at := bytes.Index(base, []byte{0xff, 0xc0})
	variant := func(change func(b []byte)) []byte {
		b := bytes.Clone(base)
		change(b[at:])
		return b
	}
	for name, test := range map[string]struct {
		data []byte
		code string
	}{
		"lossless":        {variant(func(b []byte) { b[1] = 0xc3 }), CodeUnsupported},
		"arithmetic":      {variant(func(b []byte) { b[1] = 0xc9 }), CodeUnsupported},
		"12 bits":         {variant(func(b []byte) { b[4] = 12 }), CodeUnsupported},
		"no height":       {variant(func(b []byte) { b[5], b[6] = 0, 0 }), CodeDamaged},
		"no picture":      {[]byte("\xff\xd8\xff\xd9"), CodeDamaged},
		"trailing bytes":  {append(bytes.Clone(base), "appended by a camera"...), ""},
		"fill and resets": {slices.Concat(base[:2], []byte{0xff, 0xff, 0xff, 0x01}, base[2:]), ""},
	} {
		if _, err := Inspect(test.data); CodeOf(err) != test.code {
			t.Errorf("%s: got %v, want code %q", name, err, test.code)
		}
	}
}

func TestEXIFOrientation(t *testing.T) {
	for o := 1; o <= 8; o++ {
		if got := exifOrientation(exifBlock(o)); got != o {
			t.Errorf("got %d, want %d", got, o)
		}
	}
	little := []byte("II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00")
	if got := exifOrientation(little); got != 8 {
		t.Errorf("little endian: got %d, want 8", got)
	}
	for name, b := range map[string][]byte{
		"empty": nil, "short": []byte("MM\x00*"), "far": []byte("MM\x00*\xff\xff\xff\xff"),
		"cut": exifBlock(6)[:20], "nine": exifBlock(9), "zero": exifBlock(0),
	} {
		if got := exifOrientation(b); got != 1 {
			t.Errorf("%s: got %d, want 1", name, got)
		}
	}
}

func TestBudget(t *testing.T) {
	ok := Header{Format: PNG, Bytes: 1e6, Width: 4000, Height: 3000}
	for name, test := range map[string]struct {
		change func(h *Header)
		budget Budget
		code   string
	}{
		"fits":         {func(*Header) {}, Budget{}, ""},
		"pixels":       {func(h *Header) { h.Width, h.Height = 10001, 10000 }, Budget{}, CodeOverBudget},
		"just pixels":  {func(h *Header) { h.Width, h.Height = 10000, 10000 }, Budget{}, ""},
		"side":         {func(h *Header) { h.Width, h.Height = 65536, 1 }, Budget{}, CodeOverBudget},
		"overflow":     {func(h *Header) { h.Width, h.Height = 1<<31-1, 1<<31-1 }, Budget{}, CodeOverBudget},
		"ratio":        {func(h *Header) { h.Width, h.Height, h.Bytes = 8000, 8000, 11000 }, Budget{}, CodeOverBudget},
		"flat map":     {func(h *Header) { h.Width, h.Height, h.Bytes = 8000, 8000, 12001 }, Budget{}, ""},
		"scans":        {func(h *Header) { h.Format, h.Scans = JPEG, 101 }, Budget{}, CodeOverBudget},
		"bytes":        {func(h *Header) { h.Bytes = 256<<20 + 1 }, Budget{}, CodeOverBudget},
		"video bytes":  {func(h *Header) { *h = Header{Format: MP4, Bytes: 256<<20 + 1} }, Budget{}, CodeOverBudget},
		"vector sides": {func(h *Header) { *h = Header{Format: SVG, Width: 1e6, Height: 1e6} }, Budget{}, ""},
		"avif":         {func(h *Header) { h.Format, h.Width, h.Height = AVIF, 5773, 5773 }, Budget{}, ""},
		"large avif":   {func(h *Header) { h.Format, h.Width, h.Height = AVIF, 5774, 5774 }, Budget{}, CodeOverBudget},
		"clear avif":   {func(h *Header) { h.Format, h.Width, h.Height, h.Alpha = AVIF, 4715, 4715, true }, Budget{}, CodeOverBudget},
		"deep avif":    {func(h *Header) { h.Format, h.Width, h.Height, h.Deep = AVIF, 4083, 4083, true }, Budget{}, CodeOverBudget},
		"own limit":    {func(*Header) {}, Budget{MaxPixels: 11e6}, CodeOverBudget},
		"own side":     {func(*Header) {}, Budget{MaxSide: 3999}, CodeOverBudget},
	} {
		h := ok
		test.change(&h)
		if err := test.budget.Check(h); CodeOf(err) != test.code {
			t.Errorf("%s: got %v, want code %q", name, err, test.code)
		}
	}
}

func TestJPEGScansAreCounted(t *testing.T) {
	base := asJPEG(t, gradient(8, 8, opaque))
	at := bytes.Index(base, []byte{0xff, 0xda})
	data := slices.Concat(base[:at], bytes.Repeat(base[at:len(base)-2], 101), base[len(base)-2:])
	res, err := Render(t.Context(), data, Config{Encoder: sketch{}})
	if CodeOf(err) != CodeOverBudget || res.Renditions != nil {
		t.Errorf("got %+v, %v, want a refusal", res, err)
	}
}

func TestWeight(t *testing.T) {
	token := Header{Format: PNG, Width: 400, Height: 400, Alpha: true, Frames: 1}
	large := Header{Format: JPEG, Width: 8192, Height: 8192, Frames: 1}
	kept := Header{Format: WebP, Lossy: true, Width: 8192, Height: 8192, Frames: 1, Orientation: 1}
	quick := Config{Encoder: sketch{}} // counts as the machine's own
	for name, test := range map[string]struct {
		got, least, most int64
	}{
		"token": {Weight(token, quick), 16, 40}, "token, built-in": {Weight(token, Config{}), 16, 90},
		"map": {Weight(large, quick), 250, 450}, "map, built-in": {Weight(large, Config{}), 1000, 2000},
		"kept": {Weight(kept, quick), 150, 400}, "film": {Weight(Header{Format: MP4}, quick), 16, 16},
	} {
		if test.got < test.least || test.got > test.most {
			t.Errorf("%s: %d MB", name, test.got)
		}
	}
	liar := Header{Format: PNG, Width: 1<<31 - 1, Height: 1<<31 - 1}
	if w, d := Weight(liar, quick), Deadline(liar); w < 0 || w > 1e6 || d < 0 || d > time.Hour {
		t.Errorf("a lying header weighs %d and may take %v", w, d)
	}
	if d := Deadline(Header{Format: PNG, Width: 10000, Height: 10000}); d.Seconds() != 130 {
		t.Errorf("deadline of 100 MP: %v", d)
	}
}

func TestPaletteBeyondItsEnd(t *testing.T) {
	m := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.NRGBA{R: 9, A: 255}})
	m.Pix[1] = 200
	got, err := toNRGBA(m)
	if err != nil || !bytes.Equal(got.Pix, []byte{9, 0, 0, 255, 0, 0, 0, 0}) {
		t.Errorf("got %v, %v", got, err)
	}
}
