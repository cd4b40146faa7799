package asset

import (
	"image"
	"sync"
)

// picture is a decoded picture in the form in which it is worked on. What is opaque is held in planes of luma and chroma, as WebP
// stores it: that is a third of the memory, and resampling it a fifth of the work. What has transparency is held in pixels.
type picture struct {
	planes *image.YCbCr // with video levels, which WebP has
	full   bool         // but for these, which have all 256, as JPEG does
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
	return scalePlanes(p.planes, p.planes.Rect.Size(), p.levels())
}

// scale resamples with Lanczos-3.
func (p picture) scale(size image.Point) (picture, error) {
	if p.planes == nil {
		return picture{pixels: scale(p.pixels, size)}, nil
	}
	if p.planes.Rect.Size() == size {
		return p, nil // its levels are for the next to bring down
	}
	planes, err := scalePlanes(p.planes, size, p.levels())
	return picture{planes: planes}, err
}

// levels are those that its planes have.
func (p picture) levels() *levelRange {
	if p.full {
		return &levelRanges().full
	}
	return &levelRanges().video
}

// matrix goes from its planes to colours.
func (p picture) matrix() *matrix {
	if p.full {
		return &fullRange
	}
	return &limitedRange
}

// rgb returns the picture in pixels.
func (p picture) rgb() (*image.NRGBA, error) {
	if p.planes == nil {
		return p.pixels, nil
	}
	return fromPlanes(planes{YCbCr: p.planes, matrix: *p.matrix()})
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
	p.planes, p.full, p.pixels = nil, false, upright(m, orientation)
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

// mapping brings the samples of a plane to video levels.
type mapping struct {
	fine  levels     // what is resampled, which is rounded behind that
	whole *[256]byte // what is not; nil: it stays as it is
}

// levelRange is how the planes of a picture are brought to video levels.
type levelRange struct{ luma, chroma mapping }

var levelRanges = sync.OnceValue(func() *struct{ video, full levelRange } {
	var r struct{ video, full levelRange }
	r.full.luma.whole, r.full.chroma.whole = new([256]byte), new([256]byte)
	for i := range 256 {
		r.video.luma.fine[i], r.video.chroma.fine[i] = int64(i)<<middleBits, int64(i)<<middleBits
		r.full.luma.fine[i] = (int64(16*255+i*219)<<(middleBits+1) + 255) / 510
		r.full.chroma.fine[i] = (int64(128*255+(i-128)*224)<<(middleBits+1) + 255) / 510
		r.full.luma.whole[i] = byte(16 + (i*219*2+255)/510)
		r.full.chroma.whole[i] = byte((128*510 + (i-128)*224*2 + 255) / 510)
	}
	return &r
})

// scale resamples a plane. At scale 1 nothing is mixed.
func (m *mapping) scale(p plane, width, height int, scaleX, scaleY float64) plane {
	switch {
	case scaleX != 1 || scaleY != 1:
		return p.resample(width, height, scaleX, scaleY, &m.fine)
	case m.whole == nil:
		return p
	}
	out, whole := newPlane(width, height), m.whole
	for y := range height {
		dst := out.pix[y*width:][:width]
		for x, v := range p.pix[y*p.stride:][:width] {
			dst[x] = whole[v]
		}
	}
	return out
}

// video brings its planes to video levels, in place. Half of the work is done beside the other.
func (p *picture) video() {
	if !p.full {
		return
	}
	m, r := p.planes, p.levels()
	upper, lower := m.Y[:len(m.Y)*3/4], m.Y[len(m.Y)*3/4:] // chroma is half as much as luma
	var beside sync.WaitGroup
	beside.Go(func() {
		r.luma.apply(lower)
		r.chroma.apply(m.Cb)
		r.chroma.apply(m.Cr)
	})
	r.luma.apply(upper)
	beside.Wait()
	p.full = false
}

func (m *mapping) apply(samples []byte) {
	whole := m.whole
	for i, v := range samples {
		samples[i] = whole[v]
	}
}

// grayPlanes returns a gray picture as planes with the same levels. It takes the picture over.
func grayPlanes(m *image.Gray) *image.YCbCr {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	cb, cr := newPlane(ceil(width, 2), ceil(height, 2)), newPlane(ceil(width, 2), ceil(height, 2))
	for i := range cb.pix {
		cb.pix[i], cr.pix[i] = 128, 128
	}
	return join(plane{pix: m.Pix, stride: m.Stride, width: width, height: height}, cb, cr, image.YCbCrSubsampleRatio420)
}
