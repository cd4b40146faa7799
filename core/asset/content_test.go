//go:build integration

package asset

import (
	"errors"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

// outcome is what must become of one hostile file.
type outcome struct {
	code       string // "" if it is rendered.
	format     Format
	kept       bool // The original.
	thumbnail  string
	unsafe     bool
	suspect    bool
	renditions int
}

// hostile has a line for every file of the hostile set; a file without one fails the test.
var hostile = map[string]outcome{
	"bad-crc.png":                      {code: CodeDamaged, format: PNG, kept: true, renditions: 1},
	"bitflips.jpg":                     {format: JPEG, thumbnail: "64x43", suspect: true, renditions: 2},
	"bitflips.webp":                    {code: CodeDamaged, format: WebP, kept: true, renditions: 1},
	"bomb-16383x16383-lossless.webp":   {code: CodeOverBudget, format: WebP},
	"bomb-30000x30000-1bit.png":        {code: CodeOverBudget, format: PNG},
	"bomb-header-2147483647.png":       {code: CodeOverBudget, format: PNG},
	"bomb-iccp-256MiB.png":             {format: PNG, thumbnail: "16x16", renditions: 2},
	"empty.png":                        {code: CodeNotAnImage},
	"gif-3000-frames-4000x4000.gif":    {format: GIF, kept: true, thumbnail: "64x64", renditions: 2},
	"gif-header-65535.gif":             {code: CodeOverBudget, format: GIF},
	"html-named.png":                   {code: CodeNotAnImage},
	"jpeg-header-lies-65500x65500.jpg": {code: CodeOverBudget, format: JPEG},
	"png-named.jpg":                    {format: PNG, thumbnail: "64x64", renditions: 2},
	"sliver-1x20000.png":               {format: PNG, kept: true, thumbnail: "1x64", renditions: 2},
	"svg-billion-laughs.svg":           {format: SVG, kept: true, unsafe: true, renditions: 1},
	"svg-huge.svg":                     {format: SVG, kept: true, renditions: 1},
	"svg-script.svg":                   {format: SVG, kept: true, unsafe: true, renditions: 1},
	"svg-xxe.svg":                      {format: SVG, kept: true, unsafe: true, renditions: 1},
	"tiff-palette-index-oob.tif":       {code: CodeDamaged, format: TIFF, kept: true, renditions: 1},
	"tiny-3x1.png":                     {format: PNG, thumbnail: "3x1", renditions: 2},
	"too-wide-for-webp-16384x64.png":   {format: PNG, kept: true, thumbnail: "64x1", renditions: 2},
	"truncated-half.jpg":               {code: CodeDamaged, format: JPEG, kept: true, renditions: 1},
	"truncated-half.png":               {code: CodeDamaged, format: PNG, kept: true, renditions: 1},
	"truncated-half.webp":              {code: CodeDamaged, format: WebP, kept: true, renditions: 1},
	"webp-vp8x-canvas-lies.webp":       {code: CodeOverBudget, format: WebP},
}

func TestHostile(t *testing.T) {
	files, err := os.ReadDir(testdata.Dir(t, "images", "hostile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(f.Name(), func(t *testing.T) {
			want, known := hostile[f.Name()]
			if !known {
				t.Fatal("no outcome is written down for this file")
			}
			data := content(t, "hostile", f.Name())
			c := Config{Resolutions: []Resolution{{"thumbnail", 64}}}
			if len(data) > 1<<19 {
				c.Encoder = sketch{} // The real one takes its time with these.
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			res, err := Render(t.Context(), data, c)
			runtime.ReadMemStats(&after)
			checkOutcome(t, want, res, err)
			// What was allocated in all is more than what was ever held at once.
			limit := uint64(300 << 20)
			if want.code != "" {
				limit = 16 << 20
			}
			if used := after.TotalAlloc - before.TotalAlloc; used > limit {
				t.Errorf("took %d MB", used>>20)
			}
		})
	}
}

func checkOutcome(t *testing.T, want outcome, res Result, err error) {
	t.Helper()
	if CodeOf(err) != want.code || err != nil && want.code == "" {
		t.Fatalf("got %v, want code %q", err, want.code)
	}
	if failed, ok := errors.AsType[*CodecError](err); ok {
		t.Fatalf("a codec broke down: %v\n%s", err, failed.Stack)
	}
	got := outcome{code: want.code, format: res.Format, unsafe: res.Unsafe, suspect: res.Suspect, renditions: len(res.Renditions)}
	if len(res.Renditions) > 0 {
		got.kept = res.Renditions[0].Kept
	}
	if len(res.Renditions) > 1 {
		got.thumbnail = image.Pt(res.Renditions[1].Width, res.Renditions[1].Height).String()
		got.thumbnail = strings.NewReplacer("(", "", ")", "", ",", "x").Replace(got.thumbnail)
	}
	if got != want {
		t.Errorf("got  %+v (%s)\nwant %+v", got, res.Note, want)
	}
}

func TestEXIFSet(t *testing.T) {
	shrink := func(name string) *image.NRGBA {
		return scale(pixels(t, content(t, "exif", name)), image.Pt(90, 60))
	}
	want := shrink("Landscape_1.jpg")
	for _, name := range []string{"Landscape_3.jpg", "Landscape_6.jpg", "Landscape_8.jpg"} {
		if e := meanError(t, shrink(name), want); e > 4 {
			t.Errorf("%s does not lie like the upright one: mean error %.1f", name, e)
		}
	}
}

func TestAlphaHalo(t *testing.T) {
	m := pixels(t, content(t, "colour", "alpha-halo-disc.png"))
	for _, box := range []int{256, 100, 33} {
		m = scale(m, image.Pt(box, box))
		for i := 0; i < len(m.Pix); i += 4 {
			if p := m.Pix[i : i+4]; p[3] > 0 && (p[0] < 254 || p[1] < 254 || p[2] < 254) {
				t.Fatalf("at %d pixels hidden magenta shows: %v", box, p)
			}
		}
	}
	// And as a browser sees it, behind lossy coding.
	seen := pixels(t, asWebP(t, m))
	for i := 0; i < len(seen.Pix); i += 4 {
		if p := seen.Pix[i : i+4]; p[3] > 32 && p[1] < 250 {
			t.Fatalf("encoded, hidden magenta shows: %v", p)
		}
	}
}

func TestChecker(t *testing.T) {
	m := scale(pixels(t, content(t, "colour", "checker-1px-1024.png")), image.Pt(256, 256))
	if p := m.NRGBAAt(128, 128); p.R < 126 || p.R > 130 || p.A != 255 {
		t.Errorf("a fine checker became %v, want mid gray", p)
	}
}

// TestColourModels compares one picture in several models, at a size where their coding does not matter.
func TestColourModels(t *testing.T) {
	shrink := func(name string) *image.NRGBA {
		return scale(pixels(t, content(t, "colour", name)), image.Pt(64, 48))
	}
	want := shrink("srgb-reference.png")
	if e := meanError(t, shrink("cmyk-noadobe-640.jpg"), want); e > 3 {
		t.Errorf("CMYK without Adobe's marker: mean error %.1f", e)
	}
	luma := flat(64, 48, color.NRGBA{A: 255})
	for i := 0; i < len(want.Pix); i += 4 {
		r, g, b := float64(want.Pix[i]), float64(want.Pix[i+1]), float64(want.Pix[i+2])
		l := byte(0.299*r + 0.587*g + 0.114*b + 0.5)
		luma.Pix[i], luma.Pix[i+1], luma.Pix[i+2] = l, l, l
	}
	if e := meanError(t, shrink("gray.jpg"), luma); e > 2 {
		t.Errorf("gray: mean error %.1f", e)
	}
	if p := pixels(t, content(t, "colour", "cmyk-adobe.jpg")).NRGBAAt(1, 1); p.A != 255 {
		t.Errorf("CMYK with Adobe's marker came out transparent: %v", p)
	}
}

// TestPNGModels renders every model and interlacing of the PNG set, and holds those that show one picture to each other.
func TestPNGModels(t *testing.T) {
	for _, dir := range []string{"png", "portraits"} {
		paths, err := filepath.Glob(filepath.Join(testdata.Dir(t, "images", dir), "*.png"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no files: %v", err)
		}
		for _, path := range paths {
			data := content(t, dir, filepath.Base(path))
			res, err := Render(t.Context(), data, Config{Encoder: sketch{}})
			if err != nil || len(res.Renditions) != 4 || res.Note != "" {
				t.Errorf("%s: %+v, %v", filepath.Base(path), res, err)
			}
		}
	}
	for name, same := range map[string]struct {
		token string
		limit float64 // A palette of 256 colours cannot do better.
	}{
		"token-16bit.png":         {"01-lord.png", 0},
		"token-interlaced.png":    {"00-necromancer.png", 0},
		"token-palette-alpha.png": {"02-zombie-bat.png", 4},
	} {
		if e := meanError(t, pixels(t, content(t, "png", name)), pixels(t, content(t, "tokens", same.token))); e > same.limit {
			t.Errorf("%s differs from %s: mean error %.2f", name, same.token, e)
		}
	}
	interlaced, straight := pixels(t, content(t, "png", "ibasn3p08.png")), pixels(t, content(t, "png", "basn3p08.png"))
	if e := meanError(t, interlaced, straight); e != 0 {
		t.Errorf("interlaced palette: mean error %.2f", e)
	}
}

func TestTokens(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(testdata.Dir(t, "images", "tokens"), "*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		res, err := Render(t.Context(), content(t, "tokens", name), Config{Encoder: sketch{}})
		if err != nil || len(res.Renditions) != 4 {
			t.Errorf("%s: %+v, %v", name, res, err)
			continue
		}
		if kept := res.Renditions[0].Kept; kept != (res.Format == WebP) {
			t.Errorf("%s: original kept is %v", name, kept)
		}
	}
}

func TestMaps(t *testing.T) {
	for name, want := range map[string]string{
		"odd-size-1501x999-444.jpg":          "H_original.webp 1501x999 kept=false\nH_thumbnail.webp 256x170 kept=false\nH_preview.webp 800x532 kept=false\nH_display.webp 1501x999 kept=false\n",
		"wesnoth-world-2048-progressive.jpg": "H_original.webp 2048x1080 kept=false\nH_thumbnail.webp 256x135 kept=false\nH_preview.webp 800x422 kept=false\nH_display.webp 1920x1013 kept=false\n",
	} {
		res, err := Render(t.Context(), content(t, "maps", name), Config{Encoder: sketch{}})
		if got := summary(res); err != nil || got != want || res.Suspect {
			t.Errorf("%s: %v, suspect %v\n%s", name, err, res.Suspect, got)
		}
	}
}

func TestAnimations(t *testing.T) {
	for name, ext := range map[string]string{"rotating-squares.gif": "gif", "rotating-squares.webp": "webp", "tokens-6frames.webp": "webp"} {
		res, err := Render(t.Context(), content(t, "animated", name), Config{Encoder: sketch{}})
		if err != nil || !res.Animated || !res.Renditions[0].Kept || res.Renditions[0].Ext != ext || len(res.Renditions) != 4 {
			t.Errorf("%s: %+v, %v", name, res, err)
		}
	}
}

func TestIcons(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join(testdata.Dir(t, "images", "icons"), "*.svg"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, path := range paths {
		res, err := Render(t.Context(), content(t, "icons", filepath.Base(path)), Config{})
		if err != nil || res.Unsafe || res.Width != 512 || res.Height != 512 {
			t.Errorf("%s: %+v, %v", filepath.Base(path), res, err)
		}
	}
}
