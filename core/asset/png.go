package asset

import (
	"context"
	"encoding/binary"
	"image/png"
)

// readPNG walks over the chunks up to the end chunk. Checksums are left to the decoder.
func (h *Header) readPNG(data []byte) error {
	const signature, overhead = 8, 12
	h.Frames = 1
	first, seenData := true, false
	for rest := data[signature:]; ; {
		if len(rest) < overhead {
			return truncated(PNG)
		}
		size, kind := int64(binary.BigEndian.Uint32(rest)), string(rest[4:8])
		if first != (kind == "IHDR") || first && (size != 13 || len(rest) < 13+overhead) {
			return damaged(PNG, "its header chunk is missing or broken", nil)
		}
		if first {
			first = false
			if err := h.pngHeader(rest[8:21]); err != nil {
				return err
			}
		}
		if size > int64(len(rest)-overhead) {
			return truncated(PNG)
		}
		body := rest[8 : 8+size]
		switch kind {
		case "IDAT":
			seenData = true
		case "IEND":
			if !seenData {
				return damaged(PNG, "it holds no picture", nil)
			}
			return nil
		case "tRNS":
			h.Alpha = true
		case "eXIf":
			h.Orientation = exifOrientation(body)
		case "acTL":
			// Behind the first picture data the chunk means nothing, and players ignore it.
			if len(body) >= 4 && !seenData {
				h.Frames = int(binary.BigEndian.Uint32(body) & 0x7fffffff)
				h.Animated = h.Frames > 1
			}
		}
		rest = rest[overhead+size:]
	}
}

func (h *Header) pngHeader(b []byte) error {
	width, height := binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
	if width > 1<<31-1 || height > 1<<31-1 {
		return damaged(PNG, "its header gives an impossible size", nil)
	}
	h.Deep = b[8] == 16
	h.Alpha = b[9]&4 != 0
	h.Progressive = b[12] == 1
	return h.setSize(int(width), int(height))
}

// decodePNG leaves to the standard decoder what is rare, and what is wrong.
func decodePNG(ctx context.Context, data []byte, h Header) (picture, error) {
	if plain, err := newPlainPNG(data, h.Orientation == 1); err == nil {
		if p, err := plain.read(ctx); err == nil {
			return p, nil
		}
	}
	img, err := png.Decode(newSource(ctx, data))
	if err != nil {
		return picture{}, err
	}
	pixels, err := toNRGBA(img)
	return picture{pixels: pixels}, err
}
