//go:build integration

package asset

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"text/tabwriter"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

// layer is a picture in numbers that are not rounded: colours weighted by their opacity, and that, from 0 to 1.
type layer struct {
	width, height int
	pix           []float64 // four a pixel
}

func toLayer(m image.Image) layer {
	if planes, ok := m.(*image.YCbCr); ok {
		return fromJPEGLevels(planes)
	}
	size := m.Bounds().Size()
	flat, ok := m.(*image.NRGBA)
	if !ok {
		flat = image.NewNRGBA(image.Rectangle{Max: size})
		draw.Draw(flat, flat.Rect, m, m.Bounds().Min, draw.Src)
	}
	l := layer{size.X, size.Y, make([]float64, 4*size.X*size.Y)}
	for i := 0; i < len(l.pix); i += 4 {
		a := float64(flat.Pix[i+3]) / 255
		l.pix[i], l.pix[i+1], l.pix[i+2], l.pix[i+3] = a*float64(flat.Pix[i])/255, a*float64(flat.Pix[i+1])/255, a*float64(flat.Pix[i+2])/255, a
	}
	return l
}

// fromJPEGLevels converts what a JPEG holds to the colours that it stands for, which decoders round to whole levels, package image down.
func fromJPEGLevels(m *image.YCbCr) layer {
	l := layer{m.Rect.Dx(), m.Rect.Dy(), make([]float64, 4*m.Rect.Dx()*m.Rect.Dy())}
	for i := 0; i < len(l.pix); i += 4 {
		c := m.YCbCrAt(m.Rect.Min.X+i/4%l.width, m.Rect.Min.Y+i/4/l.width)
		y, b, r := float64(c.Y)/255, (float64(c.Cb)-128)/255, (float64(c.Cr)-128)/255
		l.pix[i], l.pix[i+1], l.pix[i+2] = within(y+1.402*r, 1), within(y-0.344136*b-0.714136*r, 1), within(y+1.772*b, 1)
		l.pix[i+3] = 1
	}
	return l
}

// fitted resamples with Lanczos-3 as it is defined.
func (l layer) fitted(width, height int) layer {
	return l.narrowed(width).turned().narrowed(height).turned()
}

func (l layer) narrowed(width int) layer {
	if width == l.width {
		return l
	}
	out := layer{width, l.height, make([]float64, 4*width*l.height)}
	step := float64(l.width) / float64(width)
	wide := math.Max(step, 1)
	for x := range width {
		centre := (float64(x)+0.5)*step - 0.5
		first := max(int(math.Ceil(centre-3*wide)), 0)
		var weights []float64
		sum := 0.0
		for k := first; k < l.width && float64(k) <= centre+3*wide; k++ {
			d := math.Pi * (float64(k) - centre) / wide
			w := 1.0
			if d != 0 {
				w = 3 * math.Sin(d) * math.Sin(d/3) / (d * d)
			}
			weights, sum = append(weights, w), sum+w
		}
		for y := range l.height {
			from, to := l.pix[4*(y*l.width+first):], out.pix[4*(y*width+x):][:4]
			for k, w := range weights {
				for c := range to {
					to[c] += w / sum * from[4*k+c]
				}
			}
		}
	}
	return out
}

func (l layer) turned() layer {
	out := layer{l.height, l.width, make([]float64, len(l.pix))}
	for y := range l.height {
		for x := range l.width {
			copy(out.pix[4*(x*l.height+y):][:4], l.pix[4*(y*l.width+x):][:4])
		}
	}
	return out
}

// luma is how bright it is on mid gray, from 0 to 255.
func (l layer) luma() []float64 {
	out := make([]float64, l.width*l.height)
	for i := range out {
		p := l.pix[4*i:][:4]
		out[i] = 255 * (0.299*within(p[0], p[3]) + 0.587*within(p[1], p[3]) + 0.114*within(p[2], p[3]) + 0.5*(1-min(max(p[3], 0), 1)))
	}
	return out
}

// colours are its red, green and blue on mid gray, from 0 to 255.
func (l layer) colours() []float64 {
	out := make([]float64, 0, 3*l.width*l.height)
	for i := 0; i < len(l.pix); i += 4 {
		p := l.pix[i:][:4]
		behind := 0.5 * (1 - min(max(p[3], 0), 1))
		out = append(out, 255*(within(p[0], p[3])+behind), 255*(within(p[1], p[3])+behind), 255*(within(p[2], p[3])+behind))
	}
	return out
}

func within(v, most float64) float64 { return max(min(v, most, 1), 0) }

func noise(got, want []float64) float64 {
	sum := 0.0
	for i := range got {
		sum += (got[i] - want[i]) * (got[i] - want[i])
	}
	return 10 * math.Log10(255*255*float64(len(got))/sum)
}

// similarity is the SSIM of two pictures, over windows of 8 by 8.
func similarity(got, want []float64, width, height int) float64 {
	const window, c1, c2 = 8, 0.01 * 255 * 0.01 * 255, 0.03 * 255 * 0.03 * 255
	sums := func(of func(i int) float64) func(x, y int) float64 {
		table := make([]float64, (width+1)*(height+1))
		for y := range height {
			row := 0.0
			for x := range width {
				row += of(y*width + x)
				table[(y+1)*(width+1)+x+1] = table[y*(width+1)+x+1] + row
			}
		}
		return func(x, y int) float64 {
			at := func(x, y int) float64 { return table[y*(width+1)+x] }
			return (at(x+window, y+window) - at(x, y+window) - at(x+window, y) + at(x, y)) / (window * window)
		}
	}
	a, b := sums(func(i int) float64 { return got[i] }), sums(func(i int) float64 { return want[i] })
	aa, bb := sums(func(i int) float64 { return got[i] * got[i] }), sums(func(i int) float64 { return want[i] * want[i] })
	ab := sums(func(i int) float64 { return got[i] * want[i] })
	total, n := 0.0, 0
	for y := range height - window + 1 {
		for x := range width - window + 1 {
			ma, mb := a(x, y), b(x, y)
			va, vb, cov := aa(x, y)-ma*ma, bb(x, y)-mb*mb, ab(x, y)-ma*mb
			total += (2*ma*mb + c1) * (2*cov + c2) / ((ma*ma + mb*mb + c1) * (va + vb + c2))
			n++
		}
	}
	return total / float64(n)
}

// TestMeasures: what judges has to be right itself.
func TestMeasures(t *testing.T) {
	m := gradient(40, 30, fading)
	l := toLayer(m)
	if same := l.fitted(40, 30); noise(same.luma(), l.luma()) < 200 {
		t.Error("a picture of the same size is another one")
	}
	light := l.luma()
	if s := similarity(light, light, 40, 30); math.Abs(s-1) > 1e-9 {
		t.Errorf("a picture is like itself by %v", s)
	}
	off := make([]float64, len(light))
	for i := range off {
		off[i] = light[i] + 1
	}
	if n := noise(off, light); math.Abs(n-48.13) > 0.01 { // 20 log 255
		t.Errorf("one level off is %.2f dB", n)
	}
	gray := image.NewGray(image.Rect(0, 0, 50, 30))
	for i := range gray.Pix {
		gray.Pix[i] = byte(i * i)
	}
	want, got := exact(gray, image.Pt(21, 17)), toLayer(gray).fitted(21, 17)
	for i := range want {
		if d := math.Abs(got.pix[4*i] - want[i]/255); d > 1e-9 {
			t.Fatalf("sample %d is %v, want %v", i, got.pix[4*i], want[i]/255)
		}
	}
}

// asShown decodes a picture without anything of this package, but for lossy WebP, whose other decoder gets the levels wrong.
func asShown(t *testing.T, name string, data []byte) image.Image {
	t.Helper()
	var m image.Image
	var err error
	switch filepath.Ext(name) {
	case ".jpg":
		m, err = jpeg.Decode(bytes.NewReader(data))
	case ".png":
		m, err = png.Decode(bytes.NewReader(data))
	default:
		m = pixels(t, data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// pillowResize makes the same rendition with Pillow.
const pillowResize = `
import sys
from PIL import Image
name, width, height, out = sys.argv[1:]
m = Image.open(name)
m.load()
if m.mode not in ("RGB", "RGBA"):
    m = m.convert("RGB")
size = (int(width), int(height))
if m.size != size:
    m = m.resize(size, Image.LANCZOS)
m.save(out, "WEBP", quality=80, method=4)
`

// pillow returns a Python that has Pillow, or skips the test.
func pillow(t *testing.T) string {
	t.Helper()
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "from PIL import Image, ImageCms").Run() == nil {
			return python
		}
	}
	t.Skip("SKIPPED: there is no Python with Pillow: apt-get install python3-pil")
	return ""
}

// TestQuality holds what a browser is shown to what a reference makes of the source, and to what Pillow makes of it. The colours of no
// display are further off than Pillow's; its brightness alone may be by what the encoder does with the same levels, which gives more to
// brightness where there is less colour to keep. The sizes made from it differ by as little as two codings of so few pixels do.
func TestQuality(t *testing.T) {
	python := pillow(t)
	encoder, _, err := FindEncoder(EncoderAuto)
	if err != nil {
		t.Fatal(err)
	}
	table := tabwriter.NewWriter(t.Output(), 0, 0, 2, ' ', 0)
	row := func(format string, args ...any) {
		if _, err := fmt.Fprintf(table, format+"\n", args...); err != nil {
			t.Fatal(err)
		}
	}
	row("picture\tsize\tcolours, dB\tPillow\tbrightness, dB\tPillow\tSSIM\tPillow\tbytes\tPillow")
	for _, elem := range [][]string{
		{"maps", "wesnoth-world-4096x2160.jpg"},
		{"maps", "earth-blue-marble-4096x2048.jpg"},
		{"maps", "wesnoth-world-2048.webp"},
		{"maps", "wesnoth-httt-1280x960.png"},
		{"maps", "odd-size-1501x999-444.jpg"},
		{"tokens", "00-necromancer.png"},
		{"tokens", "01-lord.png"},
		{"portraits", "druid.png"},
	} {
		t.Run(elem[1], func(t *testing.T) {
			data := content(t, elem...)
			source := toLayer(asShown(t, elem[1], data))
			res, err := Render(t.Context(), data, Config{Encoder: encoder, Original: OriginalKeep})
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range res.Renditions[1:] {
				want := source.fitted(r.Width, r.Height)
				file := byPillow(t, python, elem, r)
				ours, theirs := judge(toLayer(pixels(t, r.Data)), want), judge(toLayer(pixels(t, file)), want)
				row("%s\t%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.4f\t%.4f\t%d\t%d", elem[1], r.Name,
					ours.colours, theirs.colours, ours.brightness, theirs.brightness, ours.likeness, theirs.likeness, len(r.Data), len(file))
				allowed := verdict{0.25, 0.25, 0.002}
				if r.Name == "display" {
					allowed = verdict{0, 0.02, 0.001}
				}
				if ours.colours < theirs.colours-allowed.colours || ours.brightness < theirs.brightness-allowed.brightness ||
					ours.likeness < theirs.likeness-allowed.likeness {
					t.Errorf("%s is worse than Pillow's: %.3f, want %.3f", r.Name, ours, theirs)
				}
			}
		})
	}
	if err := table.Flush(); err != nil {
		t.Fatal(err)
	}
}

// verdict is how near a picture comes to another: the noise of its colours and of its brightness in dB, and its SSIM.
type verdict struct{ colours, brightness, likeness float64 }

func judge(got, want layer) verdict {
	light, wanted := got.luma(), want.luma()
	return verdict{noise(got.colours(), want.colours()), noise(light, wanted), similarity(light, wanted, want.width, want.height)}
}

// byPillow returns the rendition r of a picture as Pillow makes it.
func byPillow(t *testing.T, python string, elem []string, r Rendition) []byte {
	t.Helper()
	from, to := testdata.Dir(t, append([]string{"images"}, elem...)...), filepath.Join(t.TempDir(), "pillow.webp")
	c := exec.CommandContext(t.Context(), python, "-c", pillowResize, from, strconv.Itoa(r.Width), strconv.Itoa(r.Height), to)
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	file, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestWhiteToken: a flat white token in lossy WebP with soft edges comes back as white as it was.
func TestWhiteToken(t *testing.T) {
	encoder, _, err := FindEncoder(EncoderAuto)
	if err != nil {
		t.Fatal(err)
	}
	m := flat(300, 300, color.NRGBA{255, 255, 255, 255})
	for i := 3; i < len(m.Pix); i += 4 {
		x, y := float64(i/4%300)-149.5, float64(i/1200)-149.5
		m.Pix[i] = byte(min(max(255-4*(math.Hypot(x, y)-90), 0), 255))
	}
	for name, token := range map[string]*image.NRGBA{"opaque": flat(300, 300, color.NRGBA{255, 255, 255, 255}), "soft": m} {
		data, err := encoder.Encode(t.Context(), token, 85, 4)
		if err != nil {
			t.Fatal(err)
		}
		res, err := Render(t.Context(), data, Config{Encoder: encoder})
		if err != nil || !res.Renditions[0].Kept {
			t.Fatal(res, err)
		}
		for _, r := range res.Renditions {
			got := pixels(t, r.Data)
			for i := 0; i < len(got.Pix); i += 4 {
				if p := got.Pix[i : i+4]; p[3] > 0 && (p[0] != 255 || p[1] != 255 || p[2] != 255) {
					t.Fatalf("%s, %s: white became %v", name, r.Name, p)
				}
			}
		}
	}
}

// lcmsConvert converts raw colours by a profile with littlecms, black to black.
const lcmsConvert = `
import sys
from PIL import Image, ImageCms
mode, name, data, out = sys.argv[1:]
raw = open(data, "rb").read()
m = Image.frombytes(mode, (len(raw) // len(mode), 1), raw)
m = ImageCms.profileToProfile(m, name, ImageCms.createProfile("sRGB"), renderingIntent=0, outputMode="RGB", flags=0x2000)
open(out, "wb").write(m.tobytes())
`

// TestTablesAsOthers holds profiles of tables to what littlecms makes of them.
func TestTablesAsOthers(t *testing.T) {
	python := pillow(t)
	for _, f := range tableForms {
		dir := t.TempDir()
		data := tableProfile(f.form, f.channels, f.side)
		conversion, err := readProfile(data)
		if err != nil {
			t.Fatal(err)
		}
		var raw, ours []byte
		for i := range 20000 {
			levels := [4]byte{byte(i * 37), byte(i * 101 >> 3), byte(i * 59 >> 5), byte(i * 13 >> 2)}
			raw = append(raw, levels[:f.channels]...)
			rgb := conversion.table.convert(coded(), [4]byte(append(levels[:f.channels:f.channels], make([]byte, 4-f.channels)...)))
			ours = append(ours, rgb[:]...)
		}
		file := func(name string) string { return filepath.Join(dir, name) }
		for name, content := range map[string][]byte{"profile": data, "raw": raw} {
			if err := os.WriteFile(file(name), content, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		mode := map[int]string{3: "RGB", 4: "CMYK"}[f.channels]
		c := exec.CommandContext(t.Context(), python, "-c", lcmsConvert, mode, file("profile"), file("raw"), file("out"))
		if said, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		theirs, err := os.ReadFile(file("out"))
		if err != nil || len(theirs) != len(ours) {
			t.Fatalf("%d bytes, %v", len(theirs), err)
		}
		sum, most := 0, 0
		for i := range ours {
			d := abs(int(ours[i]) - int(theirs[i]))
			sum, most = sum+d, max(most, d)
		}
		mean := float64(sum) / float64(len(ours))
		t.Logf("%s of %d channels: %.2f levels off, %d at most", f.form, f.channels, mean, most)
		if mean > 0.6 || most > 16 { // in the darkest colours, which littlecms does not compute each
			t.Errorf("%s of %d channels: %.2f levels off, %d at most", f.form, f.channels, mean, most)
		}
	}
}
