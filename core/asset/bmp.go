package asset

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"

	"golang.org/x/image/bmp"
)

// readBMP reads the size by itself, since the decoder gives none for the variants it does not read.
func (h *Header) readBMP(data []byte) error {
	h.Frames = 1
	if len(data) < 30 {
		return truncated(BMP)
	}
	var width, height int
	headerLen := binary.LittleEndian.Uint32(data[14:])
	if headerLen == 12 {
		width, height = int(binary.LittleEndian.Uint16(data[18:])), int(binary.LittleEndian.Uint16(data[20:]))
	} else {
		width, height = int(int32(binary.LittleEndian.Uint32(data[18:]))), int(int32(binary.LittleEndian.Uint32(data[22:])))
		h.Alpha = headerLen > 40 && binary.LittleEndian.Uint16(data[28:]) == 32
	}
	if height < 0 {
		height = -height // Rows from top to bottom.
	}
	if err := h.setSize(width, height); err != nil {
		return err
	}
	_, err := bmp.DecodeConfig(bytes.NewReader(data))
	return explain(BMP, err)
}

func decodeBMP(ctx context.Context, data []byte) (*image.NRGBA, error) {
	img, err := bmp.Decode(newSource(ctx, data))
	if err != nil {
		return nil, err
	}
	return toNRGBA(img)
}
