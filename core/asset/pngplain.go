package asset

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"io"
	"sync"

	"github.com/klauspost/compress/zlib"
)

// errNotPlain is what the reader of plain PNGs says of all that it leaves to the standard decoder: rare forms, and whatever is wrong.
var errNotPlain = errors.New("not a plain PNG")

// bandBytes is how much of a picture is unpacked at a time.
const bandBytes = 256 << 10

// plainPNG reads the PNGs that most are: eight bits a channel, red, green and blue with or without alpha, from top to bottom.
// Unpacking goes on beside undoing the filters, and what is opaque comes to planes row by row, so that its pixels are never held.
// Whatever it does not like is left to the standard decoder, which then says what is wrong.
type plainPNG struct {
	width, height int
	channels      int
	parts         [][]byte // the packed rows, as the file has them

	planes *image.YCbCr // one of the two
	pixels *image.NRGBA
}

// newPlainPNG looks at the chunks. Upright says that the picture may come in planes.
func newPlainPNG(data []byte, upright bool) (*plainPNG, error) {
	const signature, overhead = 8, 12
	p := &plainPNG{}
	before := ""
	for rest := data[signature:]; before != "IEND"; {
		if len(rest) < overhead {
			return nil, errNotPlain
		}
		size, kind := int64(binary.BigEndian.Uint32(rest)), string(rest[4:8])
		if size > int64(len(rest)-overhead) {
			return nil, errNotPlain
		}
		body := rest[8 : 8+size]
		if crc32.ChecksumIEEE(rest[4:8+size]) != binary.BigEndian.Uint32(rest[8+size:]) {
			return nil, errNotPlain
		}
		switch kind {
		case "IHDR":
			if before != "" || len(body) != 13 || body[8] != 8 || body[9] != 2 && body[9] != 6 || !bytes.Equal(body[10:], []byte{0, 0, 0}) {
				return nil, errNotPlain
			}
			p.width, p.height = int(binary.BigEndian.Uint32(body)), int(binary.BigEndian.Uint32(body[4:]))
			p.channels = map[byte]int{2: 3, 6: 4}[body[9]]
		case "IDAT":
			if p.parts != nil && before != kind {
				return nil, errNotPlain
			}
			p.parts = append(p.parts, body)
		case "tRNS", "PLTE":
			return nil, errNotPlain
		case "iCCP":
			upright = false // its colours are converted from what they are
		}
		before, rest = kind, rest[overhead+size:]
	}
	if p.channels == 0 || p.parts == nil {
		return nil, errNotPlain
	}
	if box := image.Rect(0, 0, p.width, p.height); upright && p.channels == 3 {
		p.planes = image.NewYCbCr(box, image.YCbCrSubsampleRatio420)
	} else {
		p.pixels = image.NewNRGBA(box)
	}
	return p, nil
}

// read reads the picture.
func (p *plainPNG) read(ctx context.Context) (picture, error) {
	row := 1 + p.channels*p.width
	height := max(bandBytes/row, 2) &^ 1 // of a band, even, since two rows share their chroma
	bands, free := make(chan []byte), make(chan []byte, 3)
	for range cap(free) {
		free <- make([]byte, row*min(height, p.height+p.height&1))
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var wrong error
	var unpacking sync.WaitGroup
	unpacking.Go(func() {
		defer close(bands)
		wrong = guard("unpacking", func() error { return p.unpack(ctx, bands, free) })
	})
	err := p.take(bands, free)
	cancel()
	unpacking.Wait()
	if err == nil {
		err = wrong
	}
	return picture{planes: p.planes, pixels: p.pixels}, err
}

// unpack unpacks the rows into bands.
func (p *plainPNG) unpack(ctx context.Context, bands chan<- []byte, free <-chan []byte) error {
	readers := make([]io.Reader, len(p.parts))
	for i, part := range p.parts {
		readers[i] = newSource(ctx, part)
	}
	z, err := zlib.NewReader(bufio.NewReaderSize(io.MultiReader(readers...), 32<<10))
	if err != nil {
		return err
	}
	row := 1 + p.channels*p.width
	for left := p.height; left > 0; {
		var band []byte
		select {
		case band = <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
		band = band[:row*min(cap(band)/row, left)]
		if _, err := io.ReadFull(z, band); err != nil {
			return err
		}
		left -= len(band) / row
		select {
		case bands <- band:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if n, err := io.ReadFull(z, make([]byte, 1)); n > 0 || !errors.Is(err, io.EOF) { // where the checksum is looked at
		return errNotPlain
	}
	return nil
}

// take undoes the filters and keeps the rows.
func (p *plainPNG) take(bands <-chan []byte, free chan<- []byte) error {
	size := p.channels * p.width
	above := make([]byte, size)
	y := 0
	for band := range bands {
		before := above
		for at := 0; at < len(band); at += 1 + size {
			line := band[at+1 : at+1+size]
			if !unfilter(band[at], line, before, p.channels) {
				return errNotPlain
			}
			before = line
		}
		for at := 0; at < len(band); at += 2 * (1 + size) {
			upper := band[at+1 : at+1+size]
			lower := upper
			if next := at + 1 + size; next < len(band) {
				lower = band[next+1 : next+1+size]
			}
			p.put(y, upper, lower)
			y += 2
		}
		copy(above, before)
		free <- band[:cap(band)]
	}
	return nil
}

// put keeps two rows. Behind the last of an odd number of rows stands that row once more.
func (p *plainPNG) put(y int, upper, lower []byte) {
	last := y+1 >= p.height
	if m := p.planes; m != nil {
		lumaRow(m.Y[y*m.YStride:][:p.width], upper)
		if !last {
			lumaRow(m.Y[(y+1)*m.YStride:][:p.width], lower)
		}
		chromaRow(m.Cb[y/2*m.CStride:][:ceil(p.width, 2)], m.Cr[y/2*m.CStride:], upper, lower)
		return
	}
	p.pixelRow(p.pixels.Pix[y*p.pixels.Stride:][:4*p.width], upper)
	if !last {
		p.pixelRow(p.pixels.Pix[(y+1)*p.pixels.Stride:][:4*p.width], lower)
	}
}

func (p *plainPNG) pixelRow(dst, src []byte) {
	if p.channels == 4 {
		copy(dst, src)
		return
	}
	for i, j := 0, 0; i+4 <= len(dst); i, j = i+4, j+3 {
		d, s := dst[i:i+4:i+4], src[j:j+3:j+3]
		d[0], d[1], d[2], d[3] = s[0], s[1], s[2], 255
	}
}

func lumaRow(dst, src []byte) {
	for x := range dst {
		s := src[3*x : 3*x+3 : 3*x+3]
		dst[x] = lumaOf(int32(s[0]), int32(s[1]), int32(s[2]))
	}
}

func chromaRow(cb, cr, upper, lower []byte) {
	cr, lower = cr[:len(cb)], lower[:len(upper)]
	for x := range cb {
		i, j := 6*x, min(6*x+3, len(upper)-3)
		u, v, l, m := upper[i:i+3:i+3], upper[j:j+3:j+3], lower[i:i+3:i+3], lower[j:j+3:j+3]
		cb[x], cr[x] = chromaOf(
			int32(u[0])+int32(v[0])+int32(l[0])+int32(m[0]),
			int32(u[1])+int32(v[1])+int32(l[1])+int32(m[1]),
			int32(u[2])+int32(v[2])+int32(l[2])+int32(m[2]),
		)
	}
}

// unfilter brings a row, in place, from the differences that a filter stored to what it is. Above is the row before it, of pixels
// of the given size in bytes. It says no to a filter that there is not.
func unfilter(filter byte, row, above []byte, size int) bool {
	above = above[:len(row)]
	switch filter {
	case 0:
	case 1:
		for i := size; i < len(row); i++ {
			row[i] += row[i-size]
		}
	case 2:
		for i, b := range above {
			row[i] += b
		}
	case 3:
		for i := range min(size, len(row)) {
			row[i] += above[i] / 2
		}
		for i := size; i < len(row); i++ {
			row[i] += byte((int(row[i-size]) + int(above[i])) / 2)
		}
	case 4:
		if size == 3 {
			paeth3(row, above)
		} else {
			paeth4(row, above)
		}
	default:
		return false
	}
	return true
}

// paeth3 undoes the fourth filter for three channels, and paeth4 for four. What stands to the left and above that is kept in registers.
func paeth3(row, above []byte) {
	var a0, a1, a2, c0, c1, c2 int32
	for i := 0; i+3 <= len(row); i += 3 {
		r, b := row[i:i+3:i+3], above[i:i+3:i+3]
		b0, b1, b2 := int32(b[0]), int32(b[1]), int32(b[2])
		a0 = (int32(r[0]) + paeth(a0, b0, c0)) & 255
		a1 = (int32(r[1]) + paeth(a1, b1, c1)) & 255
		a2 = (int32(r[2]) + paeth(a2, b2, c2)) & 255
		r[0], r[1], r[2] = byte(a0), byte(a1), byte(a2)
		c0, c1, c2 = b0, b1, b2
	}
}

func paeth4(row, above []byte) {
	var a0, a1, a2, a3, c0, c1, c2, c3 int32
	for i := 0; i+4 <= len(row); i += 4 {
		r, b := row[i:i+4:i+4], above[i:i+4:i+4]
		b0, b1, b2, b3 := int32(b[0]), int32(b[1]), int32(b[2]), int32(b[3])
		a0 = (int32(r[0]) + paeth(a0, b0, c0)) & 255
		a1 = (int32(r[1]) + paeth(a1, b1, c1)) & 255
		a2 = (int32(r[2]) + paeth(a2, b2, c2)) & 255
		a3 = (int32(r[3]) + paeth(a3, b3, c3)) & 255
		r[0], r[1], r[2], r[3] = byte(a0), byte(a1), byte(a2), byte(a3)
		c0, c1, c2, c3 = b0, b1, b2, b3
	}
}

// paeth is whichever of left, above and above left is nearest to left + above - above left.
func paeth(a, b, c int32) int32 {
	da, db := b-c, a-c
	dc := da + db
	da, db, dc = (da^da>>31)-da>>31, (db^db>>31)-db>>31, (dc^dc>>31)-dc>>31
	if db < da {
		a, da = b, db
	}
	if dc < da {
		a = c
	}
	return a
}
