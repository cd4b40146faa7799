package asset

import (
	"context"
	"encoding/binary"
	"image"

	codec "github.com/gen2brain/avif"
)

// readAVIF finds the largest picture size among the item properties: that of the picture, where others are its thumbnail and
// its tiles.
func (h *Header) readAVIF(data []byte) error {
	turned := false
	h.Frames = 1
	h.Animated = len(data) >= 12 && string(data[8:12]) == "avis"
	if cutBox(data) {
		return truncated(AVIF)
	}
	meta := box(data, "meta")
	if len(meta) < 4 {
		return truncated(AVIF)
	}
	for props := box(box(meta[4:], "iprp"), "ipco"); ; {
		kind, body, rest, ok := nextBox(props)
		if !ok {
			break
		}
		props = rest
		if kind == "irot" && len(body) == 1 {
			turned = body[0]&1 == 1
		}
		if kind == "auxC" {
			h.Alpha = true
		}
		if kind == "pixi" && len(body) > 5 && body[5] > 8 || kind == "av1C" && len(body) > 2 && body[2]&0x40 != 0 {
			h.Deep = true
		}
		if kind != "ispe" || len(body) < 12 {
			continue
		}
		width, height := int64(binary.BigEndian.Uint32(body[4:])), int64(binary.BigEndian.Uint32(body[8:]))
		if width > 65535 || height > 65535 || width*height <= int64(h.Width)*int64(h.Height) {
			continue
		}
		h.Width, h.Height = int(width), int(height)
	}
	if turned {
		h.Width, h.Height = h.Height, h.Width
	}
	return h.setSize(h.Width, h.Height)
}

// decodeAVIF decodes the first frame, set upright by what the container says. The decoder is libavif compiled to WebAssembly.
func decodeAVIF(ctx context.Context, data []byte) (*image.NRGBA, error) {
	img, err := codec.Decode(newSource(ctx, data), codec.Options{AutoRotate: true})
	if err != nil {
		return nil, err
	}
	return toNRGBA(img)
}

// cutBox reports whether the last box goes on behind the end of b. The decoder shows what is there of it without a word.
func cutBox(b []byte) bool {
	for {
		_, _, rest, ok := nextBox(b)
		if !ok {
			return len(b) >= 8 && int64(binary.BigEndian.Uint32(b)) > int64(len(b)) || len(b) > 0 && len(b) < 8
		}
		b = rest
	}
}

// box returns the body of the first box of a kind.
func box(b []byte, kind string) []byte {
	for {
		k, body, rest, ok := nextBox(b)
		if !ok || k == kind {
			return body
		}
		b = rest
	}
}

// nextBox cuts the first box off b. Boxes with a 64-bit length hold media data; the walk ends at them.
func nextBox(b []byte) (kind string, body, rest []byte, ok bool) {
	if len(b) < 8 {
		return "", nil, nil, false
	}
	size := int64(binary.BigEndian.Uint32(b))
	if size == 0 {
		size = int64(len(b))
	}
	if size < 8 || size > int64(len(b)) {
		return "", nil, nil, false
	}
	return string(b[4:8]), b[8:size], b[size:], true
}
