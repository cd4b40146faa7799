package asset

import "time"

// Weight returns the megabytes that one Render of a file within budget may hold at its peak, the input not counted. A memory
// semaphore takes it. What weighs more than the semaphore holds should take all of it and run alone, rather than never.
func Weight(h Header, c Config) int64 {
	const largestBox = 3.69 // MP of a resolution, 1920 x 1920.
	base := int64(16)       // What even the smallest picture costs.
	if !h.Format.decodable() {
		return base
	}
	if h.Format == AVIF {
		base += 100 // Its decoder, which is compiled once in a process.
	}
	c = c.withDefaults()
	mp := megapixels(h)
	held := 1.5 // Luma, and chroma half as fine.
	if h.Alpha {
		held = 4
	}
	encoding := min(mp, largestBox) * encodeCost(h, c, c.EffortResolution)
	if again, _ := encodesOriginal(h, c); again { // beside the resolutions
		if h.Format == JPEG && mp <= bothForms/1e6 {
			held *= 2
		}
		encoding += min(mp, largestOriginal(h, c)) * encodeCost(h, c, c.EffortOriginal)
	}
	return base + int64(max(mp*decodeCost(h), mp*held+encoding)+0.5)
}

// largestOriginal is the megapixels up to which an original is encoded.
func largestOriginal(h Header, c Config) float64 {
	_, slow := c.Encoder.(wasm)
	switch {
	case slow && h.Alpha:
		return wasmAlphaPixels / 1e6
	case slow:
		return wasmOpaquePixels / 1e6
	case h.Alpha:
		return nativeAlphaPixels / 1e6
	default:
		return HardMaxPixels / 1e6
	}
}

// decodeCost is the megabytes per megapixel that a decoder holds, with the finished pixels. Measured, and rounded up.
func decodeCost(h Header) float64 {
	cost := 9.0
	switch {
	case h.Format == JPEG && !h.Progressive:
		cost = 4
	case h.Format == JPEG:
		cost = 12 // All coefficients, before the first pixel.
	case h.Format == WebP && h.Lossy && !h.Alpha:
		cost = 5
	case h.Format == TIFF && h.Deep:
		cost = 36
	case h.Format == TIFF:
		cost = 18 // It may be packed as one piece, which doubles as it grows, beside the picture.
	case h.Format == AVIF:
		cost = 30 // Its decoder's memory is moved when it grows, and what comes out of it is copied.
		if h.Alpha {
			cost += 15
		}
		if h.Deep {
			cost += 30
		}
	case h.Deep:
		cost = 16
	}
	if h.Format != JPEG && h.Progressive {
		cost += 6
	}
	return cost
}

// encodeCost is the megabytes per megapixel that an encoder holds besides the pixels. The built-in one works on copies, in a
// memory that it moves when it grows. Transparency is coded losslessly, which takes several times the memory of colour.
func encodeCost(h Header, c Config, method int) float64 {
	_, slow := c.Encoder.(wasm)
	switch {
	case slow && h.Alpha:
		return 95
	case slow && method > methodOriginal:
		return 40
	case slow:
		return 20
	case h.Alpha:
		return 28
	case method > methodOriginal:
		return 9
	default:
		return 2.5
	}
}

// Patience is how many times its Deadline one Render may take by the clock, where its time on a core is counted.
const Patience = 10

// Deadline returns how long one Render may keep a core busy before something must be wrong with the file. Where that cannot be seen,
// it is the time by the clock.
func Deadline(h Header) time.Duration {
	limit := 30 * time.Second
	if h.Format.decodable() {
		limit += time.Duration(megapixels(h) * float64(time.Second))
	}
	return limit
}

// megapixels is the size of a picture, cut at what no budget lets through: headers can claim anything.
func megapixels(h Header) float64 {
	return min(float64(h.Width)*float64(h.Height), HardMaxPixels) / 1e6
}
