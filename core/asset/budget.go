package asset

import "fmt"

// HardMaxPixels is the most that Budget.MaxPixels may be set to.
const HardMaxPixels = 16384 * 16384

// A file of n bytes may hold pixelsPerByte*n + freePixels pixels. Flat-coloured maps stay far below, bombs far above.
const (
	pixelsPerByte = 4000
	freePixels    = 16e6

	// Opening a picture may take this many bytes for each pixel of the largest there may be.
	decodePerPixel = 10
)

// Budget bounds what opening one asset may cost. It is checked against the header, before anything is allocated.
type Budget struct {
	MaxPixels int64 // Width times height of a picture. Default 100 million.
	MaxBytes  int64 // Size of the file, whatever its format. Default 256 MiB.
	MaxSide   int   // Width and height of a picture. Default 65535.
	MaxScans  int   // Scans of a JPEG; each costs a pass over all pixels, a normal file has ten. Default 100.
}

// Validate names the first field that makes no sense.
func (b Budget) Validate() error {
	switch {
	case b.MaxPixels < 0 || b.MaxPixels > HardMaxPixels:
		return fmt.Errorf("budget: MaxPixels is %d, must be between 1 and %d (0 for the default)", b.MaxPixels, HardMaxPixels)
	case b.MaxBytes < 0:
		return fmt.Errorf("budget: MaxBytes is %d, must be positive (0 for the default)", b.MaxBytes)
	case b.MaxSide < 0 || b.MaxSide > 65535:
		return fmt.Errorf("budget: MaxSide is %d, must be between 1 and 65535 (0 for the default)", b.MaxSide)
	case b.MaxScans < 0:
		return fmt.Errorf("budget: MaxScans is %d, must be positive (0 for the default)", b.MaxScans)
	}
	return nil
}

func (b Budget) withDefaults() Budget {
	if b.MaxPixels == 0 {
		b.MaxPixels = 100e6
	}
	if b.MaxBytes == 0 {
		b.MaxBytes = 256 << 20
	}
	if b.MaxSide == 0 {
		b.MaxSide = 65535
	}
	if b.MaxScans == 0 {
		b.MaxScans = 100
	}
	return b
}

// Check returns a *RefusedError if opening the file with header h would cost more than the budget.
func (b Budget) Check(h Header) error {
	b = b.withDefaults()
	if err := b.checkBytes(h.Bytes); err != nil {
		return err
	}
	if !h.Format.decodable() {
		return nil
	}
	pixels := int64(h.Width) * int64(h.Height)
	switch {
	case h.Width > b.MaxSide || h.Height > b.MaxSide:
		return overBudget("%d x %d pixels: a side may have %d at most; store a smaller picture", h.Width, h.Height, b.MaxSide)
	case pixels > b.MaxPixels:
		return overBudget("%d x %d pixels are %.1f MP, more than the %.1f MP allowed; store a smaller picture or raise the limit",
			h.Width, h.Height, float64(pixels)/1e6, float64(b.MaxPixels)/1e6)
	case decodeCost(h)*megapixels(h) > decodePerPixel*float64(b.MaxPixels)/1e6:
		return overBudget("opening %d x %d pixels in this form takes %.0f MB, more than the %.0f MB allowed; store a smaller picture, or one "+
			"with 8 bits a channel and without passes", h.Width, h.Height, decodeCost(h)*megapixels(h), decodePerPixel*float64(b.MaxPixels)/1e6)
	case pixels > pixelsPerByte*h.Bytes+freePixels:
		return overBudget("%d bytes claim to hold %d x %d pixels, as decompression bombs do; save the picture again if it is real",
			h.Bytes, h.Width, h.Height)
	case h.Scans > b.MaxScans:
		return overBudget("the JPEG has %d scans, more than the %d allowed; save it again as a baseline JPEG", h.Scans, b.MaxScans)
	}
	return nil
}

func (b Budget) checkBytes(n int64) error {
	if n > b.MaxBytes {
		return overBudget("the file has %d bytes, more than the %d allowed; store a smaller one or raise the limit", n, b.MaxBytes)
	}
	return nil
}

func overBudget(format string, args ...any) *RefusedError {
	return &RefusedError{Code: CodeOverBudget, Reason: fmt.Sprintf(format, args...)}
}
