package asset

import (
	"context"
	"encoding/binary"
	"fmt"
	"image"

	"golang.org/x/image/webp"
)

// webpFrame is one picture inside a WebP file: where it lies on the canvas and its coded parts.
type webpFrame struct {
	rect   image.Rectangle
	pixels []byte // Body of the VP8 or VP8L chunk.
	alpha  []byte // Body of the ALPH chunk; nil if there is none.
	lossy  bool
}

// webpFile is the structure of a WebP file.
type webpFile struct {
	canvas  image.Rectangle // Empty if the file has no extended header.
	flags   byte            // Of the extended header.
	exif    []byte
	profile []byte
	first   webpFrame
	frames  int
}

// size returns the extent of the whole picture.
func (f *webpFile) size() image.Rectangle {
	if f.canvas.Empty() {
		return f.first.rect
	}
	return f.canvas
}

const (
	webpAnimated = 1 << 1
	webpAlpha    = 1 << 4
)

func (h *Header) readWebP(data []byte) error {
	f, err := parseWebP(data)
	size := f.size()
	if serr := h.setSize(size.Dx(), size.Dy()); serr != nil && err == nil {
		err = serr
	}
	h.Frames = f.frames
	h.Animated = f.frames > 1 || f.flags&webpAnimated != 0
	h.Lossy = f.first.lossy
	h.Alpha = f.flags&webpAlpha != 0 || f.first.alpha != nil || !f.first.lossy && vp8lAlpha(f.first.pixels)
	h.Orientation = exifOrientation(f.exif)
	return err
}

// parseWebP walks over the chunks. What it understood up to an error is returned with it.
func parseWebP(data []byte) (webpFile, error) {
	var f webpFile
	body := data[12:]
	declared := int64(binary.LittleEndian.Uint32(data[4:])) - 4
	if declared < 0 {
		return f, damaged(WebP, "its container gives an impossible length", nil)
	}
	short := declared > int64(len(body))
	if !short {
		body = body[:declared]
	}
	var still webpFrame
	for len(body) > 0 {
		kind, part, rest, ok := nextChunk(body)
		if !ok && len(part) == 0 {
			return f, truncated(WebP)
		}
		body = rest
		if err := f.chunk(kind, part, &still); err != nil {
			return f, err
		}
		short = short || !ok
	}
	if still.pixels != nil && f.flags&webpAnimated == 0 {
		f.first, f.frames = still, 1
	}
	switch {
	case short:
		return f, truncated(WebP)
	case f.frames == 0:
		return f, damaged(WebP, "it holds no picture", nil)
	case f.flags&webpAnimated == 0 && !f.canvas.Empty() && f.canvas != f.first.rect:
		return f, contradiction(f.canvas, f.first.rect)
	}
	return f, nil
}

// nextChunk cuts the first chunk off b. A chunk that is cut short is returned as far as it goes, with ok false.
func nextChunk(b []byte) (kind string, part, rest []byte, ok bool) {
	if len(b) < 8 {
		return "", nil, nil, false
	}
	kind, size := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
	b = b[8:]
	if size > int64(len(b)) {
		return kind, b, nil, false
	}
	return kind, b[:size], b[min(size+size&1, int64(len(b))):], true
}

func (f *webpFile) chunk(kind string, part []byte, still *webpFrame) error {
	switch kind {
	case "VP8X":
		if len(part) < 10 {
			return damaged(WebP, "its header is too short", nil)
		}
		f.flags = part[0]
		f.canvas = image.Rect(0, 0, uint24(part[4:])+1, uint24(part[7:])+1)
	case "ICCP":
		f.profile = part
	case "EXIF":
		f.exif = part
	case "ANMF":
		return f.animationFrame(part)
	case "ALPH", "VP8 ", "VP8L":
		if still.pixels == nil {
			return still.chunk(kind, part)
		}
	}
	return nil
}

// chunk takes a coded part of a frame and reads the size that the coded picture itself declares.
func (w *webpFrame) chunk(kind string, part []byte) error {
	var width, height int
	switch kind {
	case "ALPH":
		w.alpha = part
		return nil
	case "VP8 ":
		if len(part) < 10 || part[0]&1 != 0 || string(part[3:6]) != "\x9d\x01\x2a" {
			return damaged(WebP, "its picture has no valid header", nil)
		}
		w.lossy = true
		width = int(binary.LittleEndian.Uint16(part[6:]) & 0x3fff)
		height = int(binary.LittleEndian.Uint16(part[8:]) & 0x3fff)
	case "VP8L":
		if len(part) < 5 || part[0] != 0x2f {
			return damaged(WebP, "its picture has no valid header", nil)
		}
		bits := binary.LittleEndian.Uint32(part[1:])
		width, height = int(bits&0x3fff)+1, int(bits>>14&0x3fff)+1
	}
	w.pixels = part
	w.rect = image.Rect(0, 0, width, height)
	return nil
}

func (f *webpFile) animationFrame(part []byte) error {
	if len(part) < 16 {
		return damaged(WebP, "a frame is too short", nil)
	}
	at := image.Pt(2*uint24(part), 2*uint24(part[3:]))
	rect := image.Rect(0, 0, uint24(part[6:])+1, uint24(part[9:])+1)
	var frame webpFrame
	for rest := part[16:]; len(rest) > 0 && frame.pixels == nil; {
		kind, body, next, ok := nextChunk(rest)
		if !ok {
			return truncated(WebP)
		}
		rest = next
		if kind == "ALPH" || kind == "VP8 " || kind == "VP8L" {
			if err := frame.chunk(kind, body); err != nil {
				return err
			}
		}
	}
	switch {
	case frame.pixels == nil:
		return damaged(WebP, "a frame holds no picture", nil)
	case frame.rect != rect:
		return contradiction(rect, frame.rect)
	case !rect.Add(at).In(f.canvas):
		return contradiction(f.canvas, rect.Add(at))
	}
	frame.rect = rect.Add(at)
	if f.frames == 0 {
		f.first = frame
	}
	f.frames++
	return nil
}

func contradiction(canvas, picture image.Rectangle) *RefusedError {
	return &RefusedError{
		Code: CodeInconsistent,
		Reason: fmt.Sprintf("the webp file announces %d x %d pixels but carries %d x %d at (%d,%d); save it again with another program",
			canvas.Dx(), canvas.Dy(), picture.Dx(), picture.Dy(), picture.Min.X, picture.Min.Y),
	}
}

func uint24(b []byte) int {
	return int(b[0]) | int(b[1])<<8 | int(b[2])<<16
}

func vp8lAlpha(pixels []byte) bool {
	return len(pixels) >= 5 && pixels[4]&0x10 != 0
}

// decodeWebP decodes the first frame and sets it on its canvas. The decoder is given a container of our making that holds
// that frame and nothing else: it knows no animations, and refuses files that announce transparency and bring none.
func decodeWebP(ctx context.Context, data []byte) (picture, error) {
	f, err := parseWebP(data)
	if err != nil {
		return picture{}, err
	}
	img, err := webp.Decode(newSource(ctx, f.first.container()))
	if err != nil {
		return picture{}, err
	}
	if m, ok := img.(*image.YCbCr); ok && f.first.rect == f.size() {
		return picture{planes: m}, nil
	}
	frame, err := fromWebP(img)
	if err != nil {
		return picture{}, err
	}
	return picture{pixels: place(frame, f.first.rect.Min, f.size())}, nil
}

// container wraps the frame's coded parts into a WebP file of its own.
func (w *webpFrame) container() []byte {
	b := make([]byte, 12, 12+18+16+len(w.alpha)+len(w.pixels)+2)
	copy(b, "RIFF....WEBP")
	if w.lossy && w.alpha != nil {
		width, height := w.rect.Dx()-1, w.rect.Dy()-1
		b = appendChunk(b, "VP8X", []byte{
			webpAlpha, 0, 0, 0,
			byte(width), byte(width >> 8), byte(width >> 16),
			byte(height), byte(height >> 8), byte(height >> 16),
		})
		b = appendChunk(b, "ALPH", w.alpha)
	}
	kind := "VP8L"
	if w.lossy {
		kind = "VP8 "
	}
	b = appendChunk(b, kind, w.pixels)
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	return b
}

func appendChunk(b []byte, kind string, body []byte) []byte {
	b = append(b, kind...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = append(b, body...)
	if len(body)%2 == 1 {
		b = append(b, 0)
	}
	return b
}
