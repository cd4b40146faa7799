package asset

// Header is what a file says about itself before its pixels are opened.
type Header struct {
	Format      Format
	Bytes       int64  // Size of the file.
	Width       int    // As shown, with Orientation applied; 0 if the format does not say.
	Height      int    // As shown, with Orientation applied; 0 if the format does not say.
	Orientation int    // EXIF orientation, 1 to 8; 1 means stored upright.
	Frames      int    // Pictures in the file; 0 if it is not a picture that can be decoded.
	Animated    bool   // More than one frame, shown one after the other.
	Alpha       bool   // The header announces transparency. A picture that announces it may still be opaque.
	Lossy       bool   // WebP: coded lossily.
	Deep        bool   // More than 8 bits a channel.
	Progressive bool   // JPEG in several passes, PNG or GIF interlaced: costs more memory.
	Scans       int    // JPEG: passes over the picture.
	Unsafe      string // SVG: why it must not be shown inline; "" if nothing was found.
}

// Inspect reads the header of a file. It allocates no pixels and follows only lengths that lie inside data.
//
// An error comes with the header as far as it was understood, so that the budget can still be checked: a bomb that is also
// cut off is first of all a bomb.
func Inspect(data []byte) (Header, error) {
	h := Header{Format: Sniff(data), Bytes: int64(len(data)), Orientation: 1}
	err := guard("header", func() error { return h.read(data) })
	if h.Orientation >= 5 {
		h.Width, h.Height = h.Height, h.Width
	}
	return h, err
}

func (h *Header) read(data []byte) error {
	switch h.Format {
	case JPEG:
		return h.readJPEG(data)
	case PNG:
		return h.readPNG(data)
	case GIF:
		return h.readGIF(data)
	case WebP:
		return h.readWebP(data)
	case BMP:
		return h.readBMP(data)
	case TIFF:
		return h.readTIFF(data)
	case SVG:
		return h.readSVG(data)
	case AVIF:
		return h.readAVIF(data)
	case Unknown:
		what := "the bytes are no image, sound, video or PDF that is known here"
		if len(data) == 0 {
			what = "the file is empty"
		}
		return &RefusedError{Code: CodeNotAnImage, Reason: what + "; check what the reference points to"}
	default:
		return nil
	}
}

// setSize records the picture's stored size; a side of nothing means that the header is broken.
func (h *Header) setSize(width, height int) error {
	h.Width, h.Height = width, height
	if width < 1 || height < 1 {
		return damaged(h.Format, "its header gives the picture no size", nil)
	}
	return nil
}
