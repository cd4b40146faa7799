package asset

import "encoding/binary"

// readAVIF finds the largest picture size among the item properties. It is a courtesy: AVIF is kept as it came, so a file
// in which nothing is found is not at fault.
func (h *Header) readAVIF(data []byte) {
	h.Animated = len(data) >= 12 && string(data[8:12]) == "avis"
	meta := box(data, "meta")
	if len(meta) < 4 {
		return
	}
	for props := box(box(meta[4:], "iprp"), "ipco"); ; {
		kind, body, rest, ok := nextBox(props)
		if !ok {
			return
		}
		props = rest
		if kind != "ispe" || len(body) < 12 {
			continue
		}
		width, height := int64(binary.BigEndian.Uint32(body[4:])), int64(binary.BigEndian.Uint32(body[8:]))
		if width > 65535 || height > 65535 || width*height <= int64(h.Width)*int64(h.Height) {
			continue
		}
		h.Width, h.Height = int(width), int(height)
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
