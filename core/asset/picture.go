package asset

import (
	"image"
	"sync"
)

// picture is a decoded picture in the form in which it is worked on. What is opaque is held in planes of luma and chroma with
// video levels, as WebP stores it: that is a third of the memory, and resampling it a fifth of the work. What has
// transparency is held in pixels.
type picture struct {
	planes *image.YCbCr
	pixels *image.NRGBA // nil if there are planes
	inks   *image.CMYK  // only between decoding and applying the profile

	suspect bool   // its data does not add up
	note    string // what a reader should know about it; "" if nothing
}

func (p picture) size() image.Point {
	if p.planes != nil {
		return p.planes.Rect.Size()
	}
	return p.pixels.Rect.Size()
}

// image returns what the encoder takes.
func (p picture) image() (image.Image, error) {
	if p.planes == nil {
		return p.pixels, nil
	}
	return scalePlanes(p.planes, p.planes.Rect.Size())
}

// scale resamples with Lanczos-3.
func (p picture) scale(size image.Point) (picture, error) {
	if p.planes == nil {
		return picture{pixels: scale(p.pixels, size)}, nil
	}
	planes, err := scalePlanes(p.planes, size)
	return picture{planes: planes}, err
}

// rgb returns the picture in pixels.
func (p picture) rgb() (*image.NRGBA, error) {
	if p.planes == nil {
		return p.pixels, nil
	}
	return fromPlanes(planes{YCbCr: p.planes, matrix: limitedRange})
}

// upright applies an EXIF orientation.
func (p picture) upright(orientation int) (picture, error) {
	if p.planes != nil {
		if turned, ok := turnPlanes(p.planes, orientation); ok {
			p.planes = turned
			return p, nil
		}
	}
	m, err := p.rgb()
	if err != nil {
		return p, err
	}
	p.planes, p.pixels = nil, upright(m, orientation)
	return p, nil
}

// settle brings an opaque picture to planes.
func (p picture) settle() picture {
	if p.planes == nil && p.pixels.Opaque() {
		p.planes, p.pixels = toPlanes(p.pixels), nil
	}
	return p
}

// toPlanes converts opaque pixels to planes in 4:2:0 with video levels.
func toPlanes(m *image.NRGBA) *image.YCbCr {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	for y := range height {
		src, dst := m.Pix[y*m.Stride:][:4*width], out.Y[y*out.YStride:][:width]
		for x := range dst {
			p := src[4*x : 4*x+3 : 4*x+3]
			dst[x] = lumaOf(int32(p[0]), int32(p[1]), int32(p[2]))
		}
	}
	for y := range ceil(height, 2) {
		upper := m.Pix[2*y*m.Stride:][:4*width]
		lower := m.Pix[min(2*y+1, height-1)*m.Stride:][:4*width]
		cb, cr := out.Cb[y*out.CStride:][:ceil(width, 2)], out.Cr[y*out.CStride:][:ceil(width, 2)]
		for x := range cb {
			i, j := 8*x, min(8*x+4, 4*width-4)
			r := int32(upper[i]) + int32(upper[j]) + int32(lower[i]) + int32(lower[j])
			g := int32(upper[i+1]) + int32(upper[j+1]) + int32(lower[i+1]) + int32(lower[j+1])
			b := int32(upper[i+2]) + int32(upper[j+2]) + int32(lower[i+2]) + int32(lower[j+2])
			cb[x], cr[x] = chromaOf(r, g, b)
		}
	}
	return out
}

// lumaOf is the brightness of a colour, with video levels.
func lumaOf(r, g, b int32) byte {
	return byte((16839*r + 33059*g + 6420*b + 16<<16 + 1<<15) >> 16)
}

// chromaOf is what else there is to the mean of four colours, whose sums it takes.
func chromaOf(r, g, b int32) (cb, cr byte) {
	return byte((-9719*r - 19081*g + 28800*b + 128<<18 + 1<<17) >> 18), byte((28800*r - 24116*g - 4684*b + 128<<18 + 1<<17) >> 18)
}

// levels are the tables from all 256 levels, which JPEG uses, to video levels.
var levels = sync.OnceValue(func() *[2][256]byte {
	var t [2][256]byte
	for i := range 256 {
		t[0][i] = byte(16 + (i*219*2+255)/510)
		t[1][i] = byte(128 + ((i-128)*224*2+255*(1<<20)+255)/510 - 1<<19)
	}
	return &t
})

// toVideo brings the planes of a JPEG to video levels, in place. Half of the work is done beside the other.
func toVideo(m *image.YCbCr) {
	t := levels()
	upper, lower := m.Y[:len(m.Y)*3/4], m.Y[len(m.Y)*3/4:] // chroma is half as much as luma
	var beside sync.WaitGroup
	beside.Go(func() {
		toLevels(&t[0], lower)
		toLevels(&t[1], m.Cb)
		toLevels(&t[1], m.Cr)
	})
	toLevels(&t[0], upper)
	beside.Wait()
}

func toLevels(table *[256]byte, samples []byte) {
	for i, v := range samples {
		samples[i] = table[v]
	}
}

// grayPlanes returns a gray picture with all 256 levels as planes with video levels.
func grayPlanes(m *image.Gray) *image.YCbCr {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewYCbCr(image.Rect(0, 0, width, height), image.YCbCrSubsampleRatio420)
	t := levels()
	for y := range height {
		dst := out.Y[y*out.YStride:][:width]
		for x, v := range m.Pix[y*m.Stride:][:width] {
			dst[x] = t[0][v]
		}
	}
	for i := range out.Cb {
		out.Cb[i], out.Cr[i] = 128, 128
	}
	return out
}
