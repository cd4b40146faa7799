package asset

import (
	"context"
	"encoding/binary"
	"image"
	"image/gif"
)

// readGIF walks over the blocks and counts frames. Many GIFs lack the trailer or carry rubbish behind their frames; both are
// taken for the end, as browsers do, once a frame was seen.
func (h *Header) readGIF(data []byte) error {
	if len(data) < 13 {
		return truncated(GIF)
	}
	if err := h.setSize(int(binary.LittleEndian.Uint16(data[6:])), int(binary.LittleEndian.Uint16(data[8:]))); err != nil {
		return err
	}
	b := blocks{data: data[13:]}
	b.palette(data[10])
	for b.ok() && len(b.data) > 0 {
		switch introducer := b.take(1)[0]; {
		case introducer == 0x21:
			if ext := b.take(1)[0]; ext == 0xf9 && len(b.data) > 1 && b.data[1]&1 != 0 {
				h.Alpha = true
			}
			b.chain()
		case introducer == 0x2c:
			flags := b.take(9)[8]
			b.palette(flags)
			b.take(1)
			b.chain()
			if b.ok() {
				h.Frames++
				h.Progressive = h.Progressive || flags&0x40 != 0
			}
		case introducer == 0x3b || h.Frames > 0:
			b.data = nil
		default:
			return damaged(GIF, "a block is of no known kind", nil)
		}
	}
	h.Animated = h.Frames > 1
	switch {
	case !b.ok():
		return truncated(GIF)
	case h.Frames == 0:
		return damaged(GIF, "it holds no picture", nil)
	}
	return nil
}

// blocks reads the parts of a GIF one after the other; once it ran past the end it hands out zeroes and says so.
type blocks struct {
	data  []byte
	short bool
	zero  [9]byte
}

func (b *blocks) ok() bool { return !b.short }

func (b *blocks) take(n int) []byte {
	if n > len(b.data) {
		b.short, b.data = true, nil
		if n <= len(b.zero) {
			return b.zero[:n]
		}
		return nil
	}
	part := b.data[:n]
	b.data = b.data[n:]
	return part
}

// palette skips the colour table that the flags announce.
func (b *blocks) palette(flags byte) {
	if flags&0x80 != 0 {
		b.take(3 << (flags&7 + 1))
	}
}

// chain skips a chain of data blocks up to the empty one that ends it.
func (b *blocks) chain() {
	for {
		n := int(b.take(1)[0])
		if n == 0 || b.short {
			return
		}
		b.take(n)
	}
}

// decodeGIF decodes the first frame alone and sets it on its canvas: a frame may cover only a part of that.
func decodeGIF(ctx context.Context, data []byte) (*image.NRGBA, error) {
	canvas := image.Rect(0, 0, int(binary.LittleEndian.Uint16(data[6:])), int(binary.LittleEndian.Uint16(data[8:])))
	img, err := gif.Decode(newSource(ctx, data))
	if err != nil {
		return nil, err
	}
	at := img.Bounds().Min
	frame, err := toNRGBA(img)
	if err != nil {
		return nil, err
	}
	return place(frame, at, canvas), nil
}
