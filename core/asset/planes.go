package asset

import (
	"fmt"
	"image"
)

// matrix holds the coefficients that turn one Y'CbCr sample into RGB, in 16.16 fixed point.
type matrix struct {
	black  int32 // Luma of black.
	luma   int32
	redCr  int32
	greenB int32 // Of Cb, subtracted.
	greenR int32 // Of Cr, subtracted.
	blueCb int32
}

// Both are BT.601. JPEG uses all 256 levels; lossy WebP uses video levels, luma 16 to 235 and chroma 16 to 240. Package
// image knows only the first: read that way, a WebP's white becomes 235 and its black 16.
var (
	fullRange    = matrix{black: 0, luma: 65536, redCr: 91881, greenB: 22554, greenR: 46802, blueCb: 116130}
	limitedRange = matrix{black: 16, luma: 76309, redCr: 104597, greenB: 25674, greenR: 53278, blueCb: 132201}
)

// planes is a picture in Y'CbCr with what package image does not record about it.
type planes struct {
	*image.YCbCr
	matrix      matrix
	alpha       []byte // nil for opaque.
	alphaStride int
}

// fromWebP converts what the WebP decoder hands out.
func fromWebP(img image.Image) (*image.NRGBA, error) {
	switch m := img.(type) {
	case *image.YCbCr:
		return fromPlanes(planes{YCbCr: m, matrix: limitedRange})
	case *image.NYCbCrA:
		return fromPlanes(planes{YCbCr: &m.YCbCr, matrix: limitedRange, alpha: m.A, alphaStride: m.AStride})
	default:
		return toNRGBA(img)
	}
}

// fromPlanes converts planes to pixels. Chroma that is stored coarser than luma is interpolated, not repeated: repeated, it
// would shift colours by half a pixel and show as steps on sharp edges.
func fromPlanes(p planes) (*image.NRGBA, error) {
	stepX, stepY, err := chromaSteps(p.SubsampleRatio)
	if err != nil {
		return nil, err
	}
	width, height := p.Rect.Dx(), p.Rect.Dy()
	out := image.NewNRGBA(image.Rect(0, 0, width, height))
	columns, rows := (width+stepX-1)/stepX, (height+stepY-1)/stepY
	cb, cr := make([]byte, width+stepX), make([]byte, width+stepX)
	mixed := make([]int32, columns)
	for y := range height {
		near, far := y/stepY, y/stepY
		if stepY == 2 {
			far = min(max(near+2*(y%2)-1, 0), rows-1)
		}
		spread(cb, mixed, p.Cb[near*p.CStride:], p.Cb[far*p.CStride:], stepX)
		spread(cr, mixed, p.Cr[near*p.CStride:], p.Cr[far*p.CStride:], stepX)
		dst := out.Pix[y*out.Stride : (y+1)*out.Stride]
		p.matrix.row(dst, p.Y[y*p.YStride:y*p.YStride+width], cb, cr)
		if p.alpha != nil {
			for x, a := range p.alpha[y*p.alphaStride : y*p.alphaStride+width] {
				dst[4*x+3] = a
			}
		}
	}
	return out, nil
}

func chromaSteps(r image.YCbCrSubsampleRatio) (x, y int, err error) {
	switch r {
	case image.YCbCrSubsampleRatio444:
		return 1, 1, nil
	case image.YCbCrSubsampleRatio422:
		return 2, 1, nil
	case image.YCbCrSubsampleRatio420:
		return 2, 2, nil
	case image.YCbCrSubsampleRatio440:
		return 1, 2, nil
	case image.YCbCrSubsampleRatio411:
		return 4, 1, nil
	case image.YCbCrSubsampleRatio410:
		return 4, 2, nil
	default:
		return 0, 0, fmt.Errorf("chroma subsampling %v", r)
	}
}

// spread writes one row of chroma at the luma's width. The row is mixed from the two stored rows that lie next to it, the
// nearer counting three times; columns likewise. Steps of four are so rare that they are repeated.
func spread(dst []byte, mixed []int32, near, far []byte, step int) {
	for i := range mixed {
		mixed[i] = 3*int32(near[i]) + int32(far[i])
	}
	last := len(mixed) - 1
	for i, v := range mixed {
		switch step {
		case 1:
			dst[i] = byte((v + 2) >> 2)
		case 2:
			dst[2*i] = byte((3*v + mixed[max(i-1, 0)] + 8) >> 4)
			dst[2*i+1] = byte((3*v + mixed[min(i+1, last)] + 8) >> 4)
		default:
			for j := range step {
				dst[step*i+j] = byte((v + 2) >> 2)
			}
		}
	}
}

// row converts one row of samples to opaque pixels.
func (m *matrix) row(dst, luma, cb, cr []byte) {
	const half = 1 << 15
	cb, cr = cb[:len(luma)], cr[:len(luma)]
	for x, l := range luma {
		y := (int32(l)-m.black)*m.luma + half
		b, r := int32(cb[x])-128, int32(cr[x])-128
		d := dst[4*x : 4*x+4 : 4*x+4]
		d[0] = clamp(y + m.redCr*r)
		d[1] = clamp(y - m.greenB*b - m.greenR*r)
		d[2] = clamp(y + m.blueCb*b)
		d[3] = 255
	}
}

// clamp cuts a 16.16 fixed point value to a byte.
func clamp(v int32) byte {
	return byte(min(max(v>>16, 0), 255))
}
