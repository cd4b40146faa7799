package asset

import "time"

// Weight returns the megabytes that one Render of a file within budget may hold at its peak, the input not counted, with
// the built-in encoder and boxes up to 1920 pixels. A memory semaphore takes it. What weighs more than the semaphore holds
// should take all of it and run alone, rather than never.
func Weight(h Header) int64 {
	const (
		base       = 8    // What even the smallest picture costs.
		largestBox = 3.69 // MP of a resolution, 1920 x 1920.
	)
	if !h.Format.decodable() {
		return base
	}
	mp := megapixels(h)
	peak := mp * (4 + decodeCost(h))
	if again, _ := encodesOriginal(h, Config{}); again {
		peak = max(peak, mp*(4+encodeCost(h, methodOriginal)))
	}
	peak = max(peak, mp*4+min(mp, largestBox)*(4+encodeCost(h, methodResolution)))
	return base + int64(peak+0.5)
}

// decodeCost is the megabytes per megapixel that a decoder holds besides the finished pixels.
func decodeCost(h Header) float64 {
	cost := 5.0
	if h.Deep {
		cost = 8
	}
	if h.Progressive {
		cost += 12
	}
	return cost
}

// encodeCost is the megabytes per megapixel that the built-in encoder holds, with what one encoding before it left to be
// collected. Transparency is coded losslessly, which takes several times the memory of colour.
func encodeCost(h Header, method int) float64 {
	switch {
	case h.Alpha:
		return 190
	case method > methodOriginal:
		return 64
	default:
		return 32
	}
}

// Deadline returns how long one Render may take on a busy machine before something must be wrong with the file.
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
