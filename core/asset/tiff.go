package asset

import (
	"bytes"
	"context"
	"image"
	"image/color"

	"golang.org/x/image/tiff"
)

// readTIFF reads the first page's header. A TIFF is laid out like EXIF data, so its orientation is found the same way.
func (h *Header) readTIFF(data []byte) error {
	h.Frames = 1
	c, err := tiff.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return explain(TIFF, err)
	}
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		h.Deep = true
	}
	h.Alpha = c.ColorModel == color.NRGBAModel || c.ColorModel == color.NRGBA64Model
	h.Orientation = exifOrientation(data)
	return h.setSize(c.Width, c.Height)
}

func decodeTIFF(ctx context.Context, data []byte) (*image.NRGBA, error) {
	img, err := tiff.Decode(newSource(ctx, data))
	if err != nil {
		return nil, err
	}
	return toNRGBA(img)
}
