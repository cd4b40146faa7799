package asset

import (
	"image"
	"math"
)

// The resampler's fixed point: weights have weightBits, samples and the rows between the two passes have middleBits of what follows
// the point, so that nothing is rounded to whole levels before the end.
const (
	weightBits = 15
	middleBits = 6
	lobes      = 3 // of the Lanczos kernel
)

// axis says of what source samples each sample along one axis is made.
type axis struct {
	from, count []int
	weights     []int64 // stride of them for each sample
	stride      int
}

// newAxis builds the weights for one axis. Scale is how many source samples lie in one of the new; it is not always the
// ratio of the lengths, because the last sample of a coarser plane may stand for less than the others.
func newAxis(from, to int, scale float64) axis {
	width := math.Max(scale, 1)
	reach := lobes * width
	a := axis{from: make([]int, to), count: make([]int, to), stride: int(2*reach) + 2}
	a.weights = make([]int64, to*a.stride)
	exact := make([]float64, a.stride)
	for i := range to {
		centre := (float64(i)+0.5)*scale - 0.5
		first := min(max(int(math.Ceil(centre-reach)), 0), from-1)
		last := max(min(int(math.Floor(centre+reach)), from-1), first)
		sum := 0.0
		for k := first; k <= last; k++ {
			w := lanczos((float64(k) - centre) / width)
			exact[k-first] = w
			sum += w
		}
		weights := a.weights[i*a.stride:]
		rest, largest := int64(1<<weightBits), 0
		for k := range last - first + 1 {
			weights[k] = int64(math.Round(exact[k] / sum * (1 << weightBits)))
			rest -= weights[k]
			if weights[k] > weights[largest] {
				largest = k
			}
		}
		weights[largest] += rest // flat colour stays what it is
		a.from[i], a.count[i] = first, last-first+1
	}
	return a
}

func lanczos(x float64) float64 {
	switch x = math.Abs(x); {
	case x < 1e-9:
		return 1
	case x >= lobes:
		return 0
	default:
		x *= math.Pi
		return lobes * math.Sin(x) * math.Sin(x/lobes) / (x * x)
	}
}

// plane is one channel of a picture.
type plane struct {
	pix           []byte
	stride        int
	width, height int
}

func newPlane(width, height int) plane {
	return plane{pix: make([]byte, width*height), stride: width, width: width, height: height}
}

// levels are what the 256 values of a sample stand for, with middleBits behind the point.
type levels [256]int64

// resample returns the plane at another size. Rows are narrowed once each, and no more of them are held than are mixed.
//
// Two sums are made with one multiplication, in the halves of an int64: whatever the lower one comes to, signed, is taken off
// before the upper one is looked at. Two rows are narrowed at a time, and two neighbours mixed.
func (p plane) resample(width, height int, scaleX, scaleY float64, of *levels) plane {
	out := newPlane(width, height)
	across, down := newAxis(p.width, width, scaleX), newAxis(p.height, height, scaleY)
	rows := make([][]int64, down.stride+2)
	for i := range rows {
		rows[i] = make([]int64, ceil(width, 2))
	}
	both, sums := make([]int64, p.width), make([]int64, ceil(width, 2))
	next := 0
	for y := range height {
		first, count := down.from[y], down.count[y]
		for ; next < first+count; next += 2 {
			if next+1 >= first {
				of.pair(both, p.pix[next*p.stride:][:p.width], p.pix[min(next+1, p.height-1)*p.stride:])
				across.narrow(rows[next%len(rows)], rows[(next+1)%len(rows)], both)
			}
		}
		const half = 1 << (weightBits + middleBits - 1)
		for i := range sums {
			sums[i] = half + half<<32
		}
		weights := down.weights[y*down.stride:][:count]
		k := 0
		for ; k+2 <= count; k += 2 {
			addTwo(sums, rows[(first+k)%len(rows)], rows[(first+k+1)%len(rows)], weights[k], weights[k+1])
		}
		if k < count {
			addTwo(sums, rows[(first+k)%len(rows)], rows[(first+k)%len(rows)], weights[k], 0)
		}
		dst := out.pix[y*out.stride:][:width]
		for i, sum := range sums {
			low, high := halves(sum)
			dst[2*i] = level(low)
			if 2*i+1 < len(dst) {
				dst[2*i+1] = level(high)
			}
		}
	}
	return out
}

// level is what a sum comes to.
func level(sum int64) byte {
	return byte(min(max(sum>>(weightBits+middleBits), 0), 255))
}

// halves takes the two sums apart.
func halves(sum int64) (low, high int64) {
	low = int64(int32(sum))
	return low, (sum - low) >> 32
}

// pair puts what two rows stand for into the halves.
func (l *levels) pair(dst []int64, low, high []byte) {
	low, high = low[:len(dst)], high[:len(dst)]
	for x := range dst {
		dst[x] = l[low[x]] | l[high[x]]<<32
	}
}

// addTwo mixes two rows into the sums.
func addTwo(sums, a, b []int64, weightA, weightB int64) {
	a, b = a[:len(sums)], b[:len(sums)]
	for i := range sums {
		sums[i] += weightA*a[i] + weightB*b[i]
	}
}

// narrow makes two rows of a pair. Each holds two neighbours in the halves.
func (a *axis) narrow(upper, lower, src []int64) {
	lower = lower[:len(upper)]
	for i := range upper {
		evenUpper, evenLower := halves(a.mix(2*i, src))
		oddUpper, oddLower := int64(0), int64(0)
		if 2*i+1 < len(a.from) {
			oddUpper, oddLower = halves(a.mix(2*i+1, src))
		}
		upper[i] = evenUpper>>weightBits + oddUpper>>weightBits<<32
		lower[i] = evenLower>>weightBits + oddLower>>weightBits<<32
	}
}

// mix makes one sample of a pair of rows.
func (a *axis) mix(x int, src []int64) int64 {
	const half = 1 << (weightBits - 1)
	weights := a.weights[x*a.stride:][:a.count[x]]
	part := src[a.from[x]:][:len(weights)]
	sum := int64(half + half<<32)
	for k, w := range weights {
		sum += w * part[k]
	}
	return sum
}

// turn returns the plane as an EXIF orientation shows it.
func (p plane) turn(orientation int) plane {
	width, height := p.width, p.height
	if orientation >= 5 {
		width, height = height, width
	}
	right, bottom := p.width-1, (p.height-1)*p.stride
	var start, stepX, stepY int
	switch orientation {
	case 2:
		start, stepX, stepY = right, -1, p.stride
	case 3:
		start, stepX, stepY = right+bottom, -1, -p.stride
	case 4:
		start, stepX, stepY = bottom, 1, -p.stride
	case 5:
		start, stepX, stepY = 0, p.stride, 1
	case 6:
		start, stepX, stepY = bottom, -p.stride, 1
	case 7:
		start, stepX, stepY = right+bottom, -p.stride, -1
	case 8:
		start, stepX, stepY = right, p.stride, -1
	default:
		return p
	}
	out := newPlane(width, height)
	for y := range height {
		dst, at := out.pix[y*width:][:width], start+y*stepY
		for x := range dst {
			dst[x] = p.pix[at]
			at += stepX
		}
	}
	return out
}

// split returns the planes of m.
func split(m *image.YCbCr) (luma, cb, cr plane, stepX, stepY int, err error) {
	stepX, stepY, err = chromaSteps(m.SubsampleRatio)
	if err != nil {
		return luma, cb, cr, 0, 0, err
	}
	width, height := m.Rect.Dx(), m.Rect.Dy()
	columns, rows := ceil(width, stepX), ceil(height, stepY)
	luma = plane{pix: m.Y, stride: m.YStride, width: width, height: height}
	cb = plane{pix: m.Cb, stride: m.CStride, width: columns, height: rows}
	cr = plane{pix: m.Cr, stride: m.CStride, width: columns, height: rows}
	return luma, cb, cr, stepX, stepY, nil
}

func join(luma, cb, cr plane, ratio image.YCbCrSubsampleRatio) *image.YCbCr {
	return &image.YCbCr{
		Y: luma.pix, Cb: cb.pix, Cr: cr.pix, YStride: luma.stride, CStride: cb.stride,
		SubsampleRatio: ratio, Rect: image.Rect(0, 0, luma.width, luma.height),
	}
}

// scalePlanes resamples to a size, and to the chroma of WebP, which is half as fine as luma both ways, and its levels.
func scalePlanes(m *image.YCbCr, size image.Point, r *levelRange) (*image.YCbCr, error) {
	luma, cb, cr, stepX, stepY, err := split(m)
	if err != nil {
		return nil, err
	}
	x, y := float64(luma.width)/float64(size.X), float64(luma.height)/float64(size.Y)
	luma = r.luma.scale(luma, size.X, size.Y, x, y)
	x, y = 2*x/float64(stepX), 2*y/float64(stepY)
	cb = r.chroma.scale(cb, ceil(size.X, 2), ceil(size.Y, 2), x, y)
	cr = r.chroma.scale(cr, ceil(size.X, 2), ceil(size.Y, 2), x, y)
	return join(luma, cb, cr, image.YCbCrSubsampleRatio420), nil
}

// turnPlanes applies an EXIF orientation. It says no where the chroma samples would come to lie half a sample off: at an odd
// side that is turned round.
func turnPlanes(m *image.YCbCr, orientation int) (turned *image.YCbCr, ok bool) {
	if orientation < 2 || orientation > 8 {
		return m, true
	}
	luma, cb, cr, stepX, stepY, err := split(m)
	if err != nil || luma.width%stepX != 0 || luma.height%stepY != 0 {
		return nil, false
	}
	ratio := m.SubsampleRatio
	if orientation >= 5 {
		switch ratio {
		case image.YCbCrSubsampleRatio422:
			ratio = image.YCbCrSubsampleRatio440
		case image.YCbCrSubsampleRatio440:
			ratio = image.YCbCrSubsampleRatio422
		case image.YCbCrSubsampleRatio444, image.YCbCrSubsampleRatio420:
		default:
			return nil, false
		}
	}
	return join(luma.turn(orientation), cb.turn(orientation), cr.turn(orientation), ratio), true
}
