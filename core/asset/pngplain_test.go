package asset

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"
)

// writePNG packs rows of eight bits a channel with the filters in turn, into chunks of the given size.
func writePNG(tb testing.TB, m *image.NRGBA, channels int, filters []byte, part int) []byte {
	tb.Helper()
	width, height := m.Rect.Dx(), m.Rect.Dy()
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	above := make([]byte, channels*width)
	for y := range height {
		row := make([]byte, 0, channels*width)
		for x := range width {
			row = append(row, m.Pix[m.PixOffset(x, y):][:channels]...)
		}
		filter := filters[y%len(filters)]
		line := []byte{filter}
		for i, v := range row {
			var a, b, c byte
			b = above[i]
			if i >= channels {
				a, c = row[i-channels], above[i-channels]
			}
			switch filter {
			case 1:
				v -= a
			case 2:
				v -= b
			case 3:
				v -= byte((int(a) + int(b)) / 2)
			case 4:
				v -= byte(paeth(int32(a), int32(b), int32(c)))
			}
			line = append(line, v)
		}
		if _, err := z.Write(line); err != nil {
			tb.Fatal(err)
		}
		above = row
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	out := []byte("\x89PNG\r\n\x1a\n")
	add := func(kind string, body []byte) {
		out = binary.BigEndian.AppendUint32(out, uint32(len(body)))
		out = append(append(out, kind...), body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[len(out)-len(body)-4:]))
	}
	head := binary.BigEndian.AppendUint32(nil, uint32(width))
	head = binary.BigEndian.AppendUint32(head, uint32(height))
	add("IHDR", append(head, 8, map[int]byte{3: 2, 4: 6}[channels], 0, 0, 0))
	for body := range slices.Chunk(packed.Bytes(), part) {
		add("IDAT", body)
	}
	add("IEND", nil)
	return out
}

func grain(width, height int, seed uint64) *image.NRGBA {
	r := rand.New(rand.NewPCG(seed, 1))
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range m.Pix {
		m.Pix[i] = byte(r.Uint32())
		if i%4 != 3 && i >= 8 && r.Uint32()%4 > 0 {
			m.Pix[i] = m.Pix[i-4] + byte(r.Uint32()%5)
		}
	}
	return m
}

// samePicture holds what was decoded to what the standard decoder makes of the file, to the byte.
func samePicture(tb testing.TB, data []byte, got picture) {
	tb.Helper()
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		tb.Fatalf("it was read, and the standard decoder says %v", err)
	}
	pixels, err := toNRGBA(img)
	if err != nil {
		tb.Fatal(err)
	}
	want := picture{pixels: pixels}.settle()
	got = got.settle()
	switch {
	case (got.planes == nil) != (want.planes == nil):
		tb.Fatalf("planes %v, want %v", got.planes != nil, want.planes != nil)
	case got.planes == nil && (got.pixels.Rect != want.pixels.Rect || !bytes.Equal(got.pixels.Pix, want.pixels.Pix)):
		tb.Fatal("other pixels")
	case got.planes != nil && (got.planes.Rect != want.planes.Rect || !bytes.Equal(got.planes.Y, want.planes.Y) ||
		!bytes.Equal(got.planes.Cb, want.planes.Cb) || !bytes.Equal(got.planes.Cr, want.planes.Cr)):
		tb.Fatal("other planes")
	}
}

// TestPlainPNG: every filter, odd and even sizes, many bands and many chunks, with and without alpha, to planes and to pixels.
func TestPlainPNG(t *testing.T) {
	mixed := []byte{4, 3, 2, 1, 0}
	for _, channels := range []int{3, 4} {
		for _, size := range []image.Point{{1, 1}, {2, 3}, {7, 2}, {67, 31}, {640, 220}, {333, 301}} {
			every := [][]byte{{0}, {1}, {2}, {3}, {4}, mixed}
			if channels*size.X*size.Y > bandBytes { // what the bands add is the same for all of them
				every = [][]byte{mixed}
			}
			for _, filters := range every {
				t.Run(fmt.Sprintf("%d of %v with %v", channels, size, filters), func(t *testing.T) {
					data := writePNG(t, grain(size.X, size.Y, uint64(size.X)), channels, filters, 1000)
					for _, upright := range []bool{true, false} {
						plain, err := newPlainPNG(data, upright)
						if err != nil {
							t.Fatal(err)
						}
						p, err := plain.read(t.Context())
						if err != nil {
							t.Fatal(err)
						}
						if (p.planes != nil) != (upright && channels == 3) {
							t.Errorf("planes %v", p.planes != nil)
						}
						samePicture(t, data, p)
					}
				})
			}
		}
	}
}

// TestOtherPNG: whatever is not plain, or not whole, goes to the standard decoder and comes to what that says.
func TestOtherPNG(t *testing.T) {
	good := writePNG(t, grain(40, 30, 1), 3, []byte{4, 2}, 100)
	put := func(at int, b ...byte) []byte {
		data := bytes.Clone(good)
		copy(data[at:], b)
		return data
	}
	wrongFilter := writePNG(t, grain(40, 30, 1), 3, []byte{4, 9}, 100)
	short := writePNG(t, grain(40, 30, 1), 3, []byte{1}, 100)
	binary.BigEndian.PutUint32(short[20:], 31) // another row than there are
	binary.BigEndian.PutUint32(short[29:], crc32.ChecksumIEEE(short[12:29]))
	long := bytes.Clone(short)
	binary.BigEndian.PutUint32(long[20:], 29)
	binary.BigEndian.PutUint32(long[29:], crc32.ChecksumIEEE(long[12:29]))
	for name, data := range map[string][]byte{
		"interlaced": asPNG(t, gradient(9, 9, fading))[:8], "checksum": put(29, 1, 2, 3, 4), "wrong filter": wrongFilter,
		"a row too many": short, "a row too few": long, "cut": good[:len(good)-20], "gray": asPNG(t, image.NewGray(image.Rect(0, 0, 5, 5))),
		"flipped": put(200, good[200]^8),
	} {
		t.Run(name, func(t *testing.T) {
			if plain, err := newPlainPNG(data, true); err == nil {
				if _, err = plain.read(t.Context()); err == nil {
					t.Fatal("it was read as a plain one")
				}
			}
			p, err := decodePNG(t.Context(), data, Header{Orientation: 1})
			_, want := png.Decode(bytes.NewReader(data))
			if (err == nil) != (want == nil) {
				t.Fatalf("error %v, want %v", err, want)
			}
			if err == nil {
				samePicture(t, data, p)
			}
		})
	}
}

// FuzzPlainPNG: what is read as a plain PNG is what the standard decoder reads.
func FuzzPlainPNG(f *testing.F) {
	for _, channels := range []int{3, 4} {
		f.Add(writePNG(f, grain(20, 9, 1), channels, []byte{4, 3, 2, 1, 0}, 50))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := Inspect(data)
		if err != nil || h.Format != PNG || h.Width*h.Height > 1<<16 {
			return
		}
		plain, err := newPlainPNG(data, true)
		if err != nil {
			return
		}
		if p, err := plain.read(t.Context()); err == nil {
			samePicture(t, data, p)
		}
	})
}
