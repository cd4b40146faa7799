package asset

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"sync"

	"github.com/gen2brain/jpegn"
)

// The JPEG markers that the walk over a file has to know.
const (
	markSOI   = 0xd8
	markEOI   = 0xd9
	markSOS   = 0xda
	markTEM   = 0x01
	markAPP1  = 0xe1
	markAPP14 = 0xee
)

// jpegShape is what the markers of a JPEG say beyond the header fields that every format has.
type jpegShape struct {
	components int
	adobe      bool
	seenFrame  bool
	seenExif   bool
}

// readJPEG walks over all markers up to the end of the image. Arriving there is the proof that the file is complete, which
// decoders do not ask for; data after the end (a second picture, padding) is common and harmless.
func (h *Header) readJPEG(data []byte) error {
	_, err := h.walkJPEG(data)
	return err
}

func (h *Header) walkJPEG(data []byte) (jpegShape, error) {
	h.Frames = 1
	var shape jpegShape
	for rest := data[2:]; ; {
		var mark byte
		if mark, rest = nextMarker(rest); mark == 0 {
			return shape, truncated(JPEG)
		}
		switch mark {
		case markSOI, markTEM:
			continue
		case markEOI:
			if !shape.seenFrame || h.Scans == 0 {
				return shape, damaged(JPEG, "it holds no picture", nil)
			}
			return shape, nil
		}
		if len(rest) < 2 {
			return shape, truncated(JPEG)
		}
		size := int(binary.BigEndian.Uint16(rest))
		if size < 2 {
			return shape, damaged(JPEG, "a segment has no length", nil)
		}
		if size > len(rest) {
			return shape, truncated(JPEG)
		}
		if err := h.jpegSegment(&shape, mark, rest[2:size]); err != nil {
			return shape, err
		}
		rest = rest[size:]
	}
}

func (h *Header) jpegSegment(shape *jpegShape, mark byte, body []byte) error {
	switch {
	case mark == markSOS:
		h.Scans++
	case mark == markAPP1 && !shape.seenExif && bytes.HasPrefix(body, []byte("Exif\x00\x00")):
		shape.seenExif = true
		h.Orientation = exifOrientation(body)
	case mark == markAPP14 && len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")):
		shape.adobe = true
	case isFrameMarker(mark) && !shape.seenFrame:
		shape.seenFrame = true
		return h.jpegFrame(shape, mark, body)
	}
	return nil
}

// isFrameMarker reports whether mark starts a frame header: all of SOF0 to SOF15 but the three numbers used otherwise.
func isFrameMarker(mark byte) bool {
	return mark >= 0xc0 && mark <= 0xcf && mark != 0xc4 && mark != 0xc8 && mark != 0xcc
}

func (h *Header) jpegFrame(shape *jpegShape, mark byte, body []byte) error {
	if len(body) < 6 {
		return damaged(JPEG, "its frame header is too short", nil)
	}
	if err := h.setSize(int(binary.BigEndian.Uint16(body[3:])), int(binary.BigEndian.Uint16(body[1:]))); err != nil {
		return err
	}
	shape.components = int(body[5])
	h.Progressive = mark == 0xc2
	switch {
	case mark > 0xc2 && mark <= 0xc7:
		return unsupported(JPEG, "lossless or hierarchical coding", nil)
	case mark > 0xc7:
		return unsupported(JPEG, "arithmetic coding", nil)
	case body[0] != 8:
		h.Deep = true
		return unsupported(JPEG, "12 bits a channel", nil)
	case shape.components != 1 && shape.components != 3 && shape.components != 4:
		return unsupported(JPEG, "an odd number of colour channels", nil)
	}
	return nil
}

// nextMarker skips coded data and returns the next marker with what follows it, or 0 at the end of the data. A 0xff that
// belongs to the coded data is followed by 0, one that only fills by 0xff, and restart markers structure nothing.
func nextMarker(b []byte) (mark byte, rest []byte) {
	for {
		i := bytes.IndexByte(b, 0xff)
		if i < 0 || i+1 >= len(b) {
			return 0, nil
		}
		m := b[i+1]
		switch {
		case m == 0xff:
			b = b[i+1:]
		case m == 0 || m >= 0xd0 && m <= 0xd7:
			b = b[i+2:]
		default:
			return m, b[i+2:]
		}
	}
}

// decodeJPEG decodes with the fast decoder what it can be trusted with: baseline files of one or three channels whose codes add
// up. It takes whatever is broken for sound, so the codes are walked beside it, and what does not add up goes to the
// standard decoder, as all else does.
func decodeJPEG(ctx context.Context, data []byte) (picture, error) {
	var h Header
	shape, err := h.walkJPEG(data)
	if err != nil {
		return picture{}, err
	}
	if shape.components != 4 && !h.Progressive {
		var sound bool
		var walk sync.WaitGroup
		walk.Go(func() { sound = guard("codes", func() error { return addsUp(data) }) == nil })
		img, err := jpegn.Decode(newSource(ctx, data))
		walk.Wait()
		if err == nil && sound {
			return fromJPEG(img)
		}
		p, err := decodeStandardJPEG(ctx, data, shape)
		p.suspect = !sound
		return p, err
	}
	return decodeStandardJPEG(ctx, data, shape)
}

func addsUp(data []byte) error {
	if !jpegAddsUp(data) {
		return errors.New("the codes do not add up")
	}
	return nil
}

func decodeStandardJPEG(ctx context.Context, data []byte, shape jpegShape) (picture, error) {
	var r io.Reader = newSource(ctx, data)
	bare := shape.components == 4 && !shape.adobe
	if bare {
		// The standard decoder reads four channels only under Adobe's marker, and takes them for inverted then. Plain CMYK
		// is not inverted: lend it the marker, undo the inversion.
		marker := "\xff\xd8\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
		r = io.MultiReader(bytes.NewReader([]byte(marker)), newSource(ctx, data[2:]))
	}
	img, err := jpeg.Decode(r)
	if err != nil {
		return picture{}, err
	}
	if cmyk, ok := img.(*image.CMYK); ok && bare {
		for i := range cmyk.Pix {
			cmyk.Pix[i] = 255 - cmyk.Pix[i]
		}
	}
	return fromJPEG(img)
}

// fromJPEG takes what a decoder hands out over.
func fromJPEG(img image.Image) (picture, error) {
	switch m := img.(type) {
	case *image.YCbCr:
		return picture{planes: m, full: true}, nil
	case *image.Gray:
		return picture{planes: grayPlanes(m), full: true}, nil
	case *image.CMYK:
		return picture{inks: m}, nil
	default:
		m2, err := toNRGBA(m)
		return picture{pixels: m2}, err
	}
}
