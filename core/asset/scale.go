package asset

import (
	"image"

	"github.com/disintegration/imaging"
)

// upright applies an EXIF orientation.
func upright(m *image.NRGBA, orientation int) *image.NRGBA {
	switch orientation {
	case 2:
		return imaging.FlipH(m)
	case 3:
		return imaging.Rotate180(m)
	case 4:
		return imaging.FlipV(m)
	case 5:
		return imaging.Transpose(m)
	case 6:
		return imaging.Rotate270(m)
	case 7:
		return imaging.Transverse(m)
	case 8:
		return imaging.Rotate90(m)
	default:
		return m
	}
}

// fit returns the size at which a picture fits a square box with its aspect kept. Nothing is enlarged and no side vanishes.
func fit(width, height, box int) image.Point {
	if width <= box && height <= box {
		return image.Pt(width, height)
	}
	if width >= height {
		return image.Pt(box, max(1, (2*height*box+width)/(2*width)))
	}
	return image.Pt(max(1, (2*width*box+height)/(2*height)), box)
}

// scale resamples with Lanczos-3, weighting colours by alpha so that hidden colours do not bleed into visible ones.
func scale(m *image.NRGBA, size image.Point) *image.NRGBA {
	if m.Rect.Size() == size {
		return m
	}
	return imaging.Resize(m, size.X, size.Y, imaging.Lanczos)
}
