package asset

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"slices"
	"testing"

	codec "github.com/gen2brain/avif"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

// sketch stands in for the encoder where its bytes do not matter: it writes down what it was given.
type sketch struct {
	fail  error
	panic bool
}

func (sketch) Name() string { return "sketch" }

func (s sketch) Encode(_ context.Context, m image.Image, quality, method int) ([]byte, error) {
	if s.panic {
		panic("pencil broke")
	}
	if s.fail != nil {
		return nil, s.fail
	}
	size := m.Bounds().Size()
	sum := fnv.New32a()
	switch m := m.(type) {
	case *image.NRGBA:
		if m.Rect.Min != (image.Point{}) || m.Stride != 4*size.X || len(m.Pix) != 4*size.X*size.Y {
			return nil, fmt.Errorf("pixels are not packed: %v, stride %d, %d bytes", m.Rect, m.Stride, len(m.Pix))
		}
		sum.Write(m.Pix)
	case *image.YCbCr:
		if m.Rect.Min != (image.Point{}) || m.SubsampleRatio != image.YCbCrSubsampleRatio420 ||
			len(m.Y) < (size.Y-1)*m.YStride+size.X || len(m.Cr) < (size.Y-1)/2*m.CStride+(size.X+1)/2 {
			return nil, fmt.Errorf("planes are not whole: %v, %v", m.Rect, m.SubsampleRatio)
		}
		for y := range size.Y {
			sum.Write(m.Y[y*m.YStride:][:size.X])
		}
		for y := range (size.Y + 1) / 2 {
			sum.Write(m.Cb[y*m.CStride:][:(size.X+1)/2])
			sum.Write(m.Cr[y*m.CStride:][:(size.X+1)/2])
		}
	default:
		return nil, fmt.Errorf("pixels of type %T", m)
	}
	return fmt.Appendf(nil, "%dx%d q%d m%d %08x", size.X, size.Y, quality, method, sum.Sum32()), nil
}

// content returns a file of the real pictures, or skips the test.
func content(tb testing.TB, elem ...string) []byte {
	tb.Helper()
	data, err := os.ReadFile(testdata.Dir(tb, append([]string{"images"}, elem...)...))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// gradient draws a picture in which every pixel differs from its neighbours and no two corners are alike.
func gradient(width, height int, alpha func(x, y int) byte) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{R: byte(255 * x / width), G: byte(255 * y / height), B: byte(255 - 255*x/width), A: alpha(x, y)})
		}
	}
	return m
}

func opaque(int, int) byte { return 255 }

func fading(x, _ int) byte { return byte(min(4*x, 255)) }

func flat(width, height int, c color.NRGBA) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		copy(m.Pix[4*i:], []byte{c.R, c.G, c.B, c.A})
	}
	return m
}

func asPNG(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asAVIF(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := codec.Encode(&b, m, codec.Options{Quality: 90, Speed: 10}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asBMP(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := bmp.Encode(&b, m); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asTIFF(tb testing.TB, m image.Image) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := tiff.Encode(&b, m, &tiff.Options{Compression: tiff.Deflate}); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asGIF(tb testing.TB, frames ...*image.Paletted) []byte {
	tb.Helper()
	g := gif.GIF{Image: frames, Delay: make([]int, len(frames)), Config: image.Config{Width: 40, Height: 30}}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asWebP(tb testing.TB, m *image.NRGBA) []byte {
	tb.Helper()
	b, err := wasm{}.Encode(tb.Context(), m, 100, 2)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// animate wraps stills of one kind into an animated WebP; the second frame lies at (2,4).
func animate(tb testing.TB, width, height int, stills ...[]byte) []byte {
	tb.Helper()
	b := []byte("RIFF....WEBP")
	b = appendChunk(b, "VP8X", []byte{webpAnimated | webpAlpha, 0, 0, 0, byte(width - 1), byte((width - 1) >> 8), 0, byte(height - 1), byte((height - 1) >> 8), 0})
	b = appendChunk(b, "ANIM", make([]byte, 6))
	for i, still := range stills {
		f, err := parseWebP(still)
		if err != nil {
			tb.Fatal(err)
		}
		head := make([]byte, 16)
		head[0], head[3] = byte(i), byte(2*i)
		head[6], head[9] = byte(f.first.rect.Dx()-1), byte(f.first.rect.Dy()-1)
		inner := f.first.container()[12:]
		if string(inner[:4]) == "VP8X" {
			inner = inner[18:]
		}
		b = appendChunk(b, "ANMF", append(head, inner...))
	}
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

// exifBlock returns EXIF data that says nothing but the orientation.
func exifBlock(orientation int) []byte {
	b := []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00")
	b[6+19] = byte(orientation)
	return b
}

// withEXIF puts EXIF data behind the start of a JPEG.
func withEXIF(data []byte, orientation int) []byte {
	block := exifBlock(orientation)
	out := append([]byte{0xff, 0xd8, 0xff, 0xe1, 0, byte(len(block) + 2)}, block...)
	return append(out, data[2:]...)
}

// pixels decodes data through the package.
func pixels(tb testing.TB, data []byte) *image.NRGBA {
	tb.Helper()
	h, err := Inspect(data)
	if err != nil {
		tb.Fatal(err)
	}
	p, err := decode(tb.Context(), data, h)
	if err != nil {
		tb.Fatal(err)
	}
	m, err := p.rgb()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// meanError returns the mean difference of the visible channels of two pictures of one size.
func meanError(tb testing.TB, a, b *image.NRGBA) float64 {
	tb.Helper()
	if a.Rect != b.Rect {
		tb.Fatalf("sizes differ: %v and %v", a.Rect, b.Rect)
	}
	sum, n := 0, 0
	for i := range a.Pix {
		if a.Pix[i|3] == 0 && b.Pix[i|3] == 0 {
			continue
		}
		d := int(a.Pix[i]) - int(b.Pix[i])
		sum, n = sum+max(d, -d), n+1
	}
	return float64(sum) / float64(max(n, 1))
}

func paint(width, height, x0, y0 int, index uint8) *image.Paletted {
	m := image.NewPaletted(image.Rect(x0, y0, x0+width, y0+height), color.Palette{
		color.NRGBA{A: 0}, color.NRGBA{R: 255, A: 255}, color.NRGBA{G: 255, A: 255}, color.NRGBA{B: 255, A: 255},
	})
	for i := range m.Pix {
		m.Pix[i] = index
	}
	return m
}

// withPNGProfile puts a colour profile behind a PNG's header.
func withPNGProfile(tb testing.TB, data, profile []byte) []byte {
	tb.Helper()
	var packed bytes.Buffer
	packed.WriteString("iCCPname\x00\x00")
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(profile); err != nil {
		tb.Fatal(err)
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	chunk := binary.BigEndian.AppendUint32(nil, uint32(packed.Len()-4))
	chunk = append(chunk, packed.Bytes()...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(packed.Bytes()))
	return slices.Insert(bytes.Clone(data), 33, chunk...)
}

// withJPEGProfile puts a colour profile behind the start of a JPEG, in two parts.
func withJPEGProfile(data, profile []byte) []byte {
	out := []byte{0xff, 0xd8}
	half := len(profile) / 2
	for i, part := range [][]byte{profile[:half], profile[half:]} {
		body := append([]byte("ICC_PROFILE\x00"), byte(i+1), 2)
		body = append(body, part...)
		out = append(out, 0xff, 0xe2)
		out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
		out = append(out, body...)
	}
	return append(out, data[2:]...)
}

// withWebPProfile wraps a plain WebP into an extended one with a colour profile.
func withWebPProfile(data, profile []byte, width, height int) []byte {
	b := []byte("RIFF....WEBP")
	b = appendChunk(b, "VP8X", []byte{1 << 5, 0, 0, 0, byte(width - 1), byte((width - 1) >> 8), 0, byte(height - 1), byte((height - 1) >> 8), 0})
	b = appendChunk(b, "ICCP", profile)
	b = append(b, data[12:]...)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}
