package asset

import (
	"fmt"
	"image"
	"image/color"
)

// toNRGBA brings every model that the decoders hand out to the one that everything behind them works on. It takes img over:
// where the layout fits, its memory is used on.
func toNRGBA(img image.Image) (*image.NRGBA, error) {
	switch m := img.(type) {
	case *image.NRGBA:
		return pack(m), nil
	case *image.RGBA:
		out := pack(&image.NRGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect})
		unmultiply(out.Pix)
		return out, nil
	case *image.YCbCr:
		return fromPlanes(planes{YCbCr: m, matrix: fullRange})
	case *image.Gray:
		return convertRows(m.Rect, m.Pix, m.Stride, 1, func(d, s []byte) {
			d[0], d[1], d[2], d[3] = s[0], s[0], s[0], 255
		}), nil
	case *image.Gray16:
		return convertRows(m.Rect, m.Pix, m.Stride, 2, func(d, s []byte) {
			v := to8(s[0], s[1])
			d[0], d[1], d[2], d[3] = v, v, v, 255
		}), nil
	case *image.NRGBA64:
		return convertRows(m.Rect, m.Pix, m.Stride, 8, func(d, s []byte) {
			d[0], d[1], d[2], d[3] = to8(s[0], s[1]), to8(s[2], s[3]), to8(s[4], s[5]), to8(s[6], s[7])
		}), nil
	case *image.RGBA64:
		return convertRows(m.Rect, m.Pix, m.Stride, 8, unmultiply64), nil
	case *image.CMYK:
		return convertRows(m.Rect, m.Pix, m.Stride, 4, func(d, s []byte) {
			white := 255 - int(s[3])
			d[0], d[1], d[2], d[3] = ink(s[0], white), ink(s[1], white), ink(s[2], white), 255
		}), nil
	case *image.Paletted:
		colours := palette(m.Palette)
		return convertRows(m.Rect, m.Pix, m.Stride, 1, func(d, s []byte) {
			copy(d, colours[s[0]][:])
		}), nil
	default:
		return nil, fmt.Errorf("pixels of type %T", img)
	}
}

// convertRows builds a picture by converting pixels of the given width in bytes one by one.
func convertRows(r image.Rectangle, pix []byte, stride, size int, convert func(dst, src []byte)) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, r.Dx(), r.Dy()))
	for y := range r.Dy() {
		src, dst := pix[y*stride:], out.Pix[y*out.Stride:]
		for x := range r.Dx() {
			convert(dst[4*x:4*x+4:4*x+4], src[size*x:size*x+size:size*x+size])
		}
	}
	return out
}

// pack returns m with its origin at zero and rows that follow each other without gaps: the encoder takes no other layout.
func pack(m *image.NRGBA) *image.NRGBA {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	if m.Stride == 4*width {
		return &image.NRGBA{Pix: m.Pix[: 4*width*height : 4*width*height], Stride: m.Stride, Rect: image.Rect(0, 0, width, height)}
	}
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		copy(out.Pix[y*out.Stride:(y+1)*out.Stride], m.Pix[y*m.Stride:])
	}
	return out
}

// place sets a frame on a transparent canvas, unless it covers it.
func place(frame *image.NRGBA, at image.Point, canvas image.Rectangle) *image.NRGBA {
	if at == (image.Point{}) && frame.Rect == canvas {
		return frame
	}
	out := image.NewNRGBA(canvas)
	visible := frame.Rect.Add(at).Intersect(canvas)
	for y := visible.Min.Y; y < visible.Max.Y; y++ {
		src := frame.Pix[frame.PixOffset(visible.Min.X-at.X, y-at.Y):]
		copy(out.Pix[out.PixOffset(visible.Min.X, y):], src[:4*visible.Dx()])
	}
	return out
}

// to8 rounds a 16-bit sample to 8 bits.
func to8(high, low byte) byte {
	v := uint32(high)<<8 | uint32(low)
	return byte((v*255 + 32767) / 65535)
}

// ink returns the light that c of one ink lets through, on paper already darkened to white by black ink.
func ink(c byte, white int) byte {
	return byte(((255-int(c))*white + 127) / 255)
}

// unmultiply divides premultiplied colours by their alpha, in place.
func unmultiply(pix []byte) {
	for i := 0; i+4 <= len(pix); i += 4 {
		p := pix[i : i+4 : i+4]
		switch a := uint32(p[3]); a {
		case 255:
		case 0:
			p[0], p[1], p[2] = 0, 0, 0
		default:
			for c := range 3 {
				p[c] = byte(min((uint32(p[c])*255+a/2)/a, 255))
			}
		}
	}
}

// unmultiply64 does the same for one pixel of 16 bits a channel, and rounds it to 8.
func unmultiply64(d, s []byte) {
	a := uint32(s[6])<<8 | uint32(s[7])
	d[3] = to8(s[6], s[7])
	for c := range 3 {
		v := uint32(s[2*c])<<8 | uint32(s[2*c+1])
		if a == 0 {
			d[c] = 0
			continue
		}
		d[c] = byte(min((v*255+a/2)/a, 255))
	}
}

// palette returns the colours of p for every index that a byte can hold; those beyond the palette are transparent.
func palette(p color.Palette) *[256][4]byte {
	var table [256][4]byte
	for i, c := range p[:min(len(p), 256)] {
		if n, ok := color.NRGBAModel.Convert(c).(color.NRGBA); ok {
			table[i] = [4]byte{n.R, n.G, n.B, n.A}
		}
	}
	return &table
}
