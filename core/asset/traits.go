package asset

import (
	"fmt"
	"image"
	"math"
	ones "math/bits"

	"github.com/disintegration/imaging"
)

// Traits are what can be said of how a picture looks without showing it.
type Traits struct {
	Colour    string // The most frequent one, as "#rrggbb"; "" of what is wholly transparent.
	ThumbHash []byte // A blurred picture of some 25 bytes, to be shown until the real one is there.
	DHash     uint64 // Whether it gets lighter or darker in 64 places: alike for what looks alike, whatever its size or format.
}

// Distance returns in how many of 64 places two pictures differ. Up to some five they look alike.
func (t Traits) Distance(u Traits) int { return ones.OnesCount64(t.DHash ^ u.DHash) }

// traitsBox is the size at which traits are read.
const traitsBox = 100

// traits reads the traits off a picture that is small already.
func (p picture) traits() (Traits, error) {
	size := p.size()
	p, err := p.scale(fit(size.X, size.Y, traitsBox))
	if err != nil {
		return Traits{}, err
	}
	m, err := p.rgb()
	if err != nil {
		return Traits{}, err
	}
	return Traits{Colour: dominant(m), ThumbHash: thumbHash(m), DHash: dHash(m)}, nil
}

// dominant returns the mean of the colours that fall into the fullest of 4,096 boxes, each weighing as much as it covers.
func dominant(m *image.NRGBA) string {
	type box struct{ r, g, b, weight int }
	boxes := make([]box, 1<<12)
	best := 0
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		r, g, b, a := int(m.Pix[i]), int(m.Pix[i+1]), int(m.Pix[i+2]), int(m.Pix[i+3])
		at := r>>4<<8 | g>>4<<4 | b>>4
		x := &boxes[at]
		x.r, x.g, x.b, x.weight = x.r+r*a, x.g+g*a, x.b+b*a, x.weight+a
	}
	for i, x := range boxes {
		if x.weight > boxes[best].weight {
			best = i
		}
	}
	x := boxes[best]
	if x.weight == 0 {
		return ""
	}
	mean := func(sum int) int { return (sum + x.weight/2) / x.weight }
	return fmt.Sprintf("#%02x%02x%02x", mean(x.r), mean(x.g), mean(x.b))
}

// dHash compares each of nine columns with the next, in eight rows, on white.
func dHash(m *image.NRGBA) uint64 {
	on := image.NewNRGBA(m.Rect)
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		r, g, b, a := int(m.Pix[i]), int(m.Pix[i+1]), int(m.Pix[i+2]), int(m.Pix[i+3])
		v := byte(255 - a + (299*r+587*g+114*b)*a/255000)
		on.Pix[i], on.Pix[i+1], on.Pix[i+2], on.Pix[i+3] = v, v, v, 255
	}
	on = imaging.Resize(on, 9, 8, imaging.Box)
	var hash uint64
	for y := range 8 {
		for x := range 8 {
			hash <<= 1
			if on.Pix[y*on.Stride+4*x] > on.Pix[y*on.Stride+4*x+4] {
				hash |= 1
			}
		}
	}
	return hash
}

// thumbHash writes a picture as the low frequencies of its light and colours, in the format called ThumbHash.
func thumbHash(m *image.NRGBA) []byte {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	n := width * height
	var meanR, meanG, meanB, cover float64
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		a := float64(m.Pix[i+3]) / 255
		meanR += a / 255 * float64(m.Pix[i])
		meanG += a / 255 * float64(m.Pix[i+1])
		meanB += a / 255 * float64(m.Pix[i+2])
		cover += a
	}
	if cover > 0 {
		meanR, meanG, meanB = meanR/cover, meanG/cover, meanB/cover
	}
	transparent := cover < float64(n)
	limit := 7.0
	if transparent {
		limit = 5
	}
	longest := float64(max(width, height))
	columns := max(1, int(math.Round(limit*float64(width)/longest)))
	rows := max(1, int(math.Round(limit*float64(height)/longest)))

	light, yellow, red, alpha := make([]float64, n), make([]float64, n), make([]float64, n), make([]float64, n)
	for i := range n {
		p := m.Pix[4*i : 4*i+4 : 4*i+4]
		a := float64(p[3]) / 255
		r := meanR*(1-a) + a/255*float64(p[0])
		g := meanG*(1-a) + a/255*float64(p[1])
		b := meanB*(1-a) + a/255*float64(p[2])
		light[i], yellow[i], red[i], alpha[i] = (r+g+b)/3, (r+g)/2-b, r-g, a
	}
	l := waves(light, width, height, max(3, columns), max(3, rows))
	p := waves(yellow, width, height, 3, 3)
	q := waves(red, width, height, 3, 3)

	wide := width > height
	first := whole(63, l.mean) | whole(31.5, 1+p.mean)<<6 | whole(31.5, 1+q.mean)<<12 | whole(31, l.scale)<<18
	second := columns | whole(63, p.scale)<<3 | whole(63, q.scale)<<9
	if wide {
		second = rows | whole(63, p.scale)<<3 | whole(63, q.scale)<<9 | 1<<15
	}
	hash := []byte{byte(first), byte(first >> 8), byte(first >> 16), byte(second), byte(second >> 8)}
	channels := []frequencies{l, p, q}
	if transparent {
		a := waves(alpha, width, height, 5, 5)
		hash[2] |= 1 << 7
		hash = append(hash, byte(whole(15, a.mean)|whole(15, a.scale)<<4))
		channels = append(channels, a)
	}
	half := false
	for _, c := range channels {
		for _, f := range c.waves {
			if v := byte(whole(15, f)); half {
				hash[len(hash)-1] |= v << 4
			} else {
				hash = append(hash, v)
			}
			half = !half
		}
	}
	return hash
}

func whole(factor, x float64) int { return int(math.Round(factor * x)) }

// frequencies are a channel taken apart: its mean, and waves between 0 and 1 of a common scale.
type frequencies struct {
	mean, scale float64
	waves       []float64
}

func waves(channel []float64, width, height, columns, rows int) frequencies {
	var out frequencies
	across := make([]float64, width)
	for cy := range rows {
		for cx := 0; cx*rows < columns*(rows-cy); cx++ {
			for x := range across {
				across[x] = math.Cos(math.Pi / float64(width) * float64(cx) * (float64(x) + 0.5))
			}
			f := 0.0
			for y := range height {
				down := math.Cos(math.Pi / float64(height) * float64(cy) * (float64(y) + 0.5))
				for x, c := range across {
					f += float64(channel[y*width+x] * c * down)
				}
			}
			f /= float64(width * height)
			if cx == 0 && cy == 0 {
				out.mean = f
				continue
			}
			out.waves = append(out.waves, f)
			out.scale = math.Max(out.scale, math.Abs(f))
		}
	}
	if out.scale > 0 {
		for i := range out.waves {
			out.waves[i] = 0.5 + 0.5/out.scale*out.waves[i]
		}
	}
	return out
}
