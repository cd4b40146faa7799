package pdfium

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"regexp"
	"strconv"
)

// PDFium does not tell whether a picture has a mask. The file does: what describes a picture stands in front of its bytes, as text,
// whatever else of the file is packed or encrypted. Two pictures of one size and length, one with a mask and one without, are both
// taken for masked, which costs a picture that could have come as it is stored.

// masks are the pictures of a file that have one.
type masks struct {
	from  io.ReaderAt
	size  int64
	read  bool
	known map[shape][]int64 // lengths in the file; 0: not said where the picture is described
}

type shape struct{ width, height int }

var (
	maskKey   = regexp.MustCompile(`/S?Mask\s*(?:\d+\s+\d+\s+R|\[)`)
	widthKey  = regexp.MustCompile(`/(?:Width|W)\s+(\d+)`)
	heightKey = regexp.MustCompile(`/(?:Height|H)\s+(\d+)`)
	lengthKey = regexp.MustCompile(`/Length\s+(\d+)(\s+\d+\s+R)?`)
	imageKey  = regexp.MustCompile(`/Subtype\s*/Image\b`)
)

// window is how far from its mask a picture is described.
const window = 4 << 10

// has says whether a picture has a mask.
func (m *masks) has(width, height int, length int64) bool {
	if !m.read {
		m.read = true
		m.known = map[shape][]int64{}
		m.scan()
	}
	for _, l := range m.known[shape{width, height}] {
		if l == 0 || length == 0 || l == length {
			return true
		}
	}
	return false
}

// scan reads the file in pieces, each of which overlaps the one before.
func (m *masks) scan() {
	const piece = 4 << 20
	buffer := make([]byte, min(piece+2*window, m.size))
	for at := int64(0); at < m.size; at += piece {
		n, err := m.from.ReadAt(buffer[:min(int64(len(buffer)), m.size-at)], at)
		m.find(buffer[:n])
		if err != nil && !errors.Is(err, io.EOF) || n == 0 {
			return
		}
	}
}

func (m *masks) find(data []byte) {
	for from := 0; ; {
		next := bytes.Index(data[from:], []byte("Mask"))
		if next < 0 {
			return
		}
		at := from + next
		from = at + 4
		start := max(0, at-2)
		if found := maskKey.FindIndex(data[start:min(len(data), at+40)]); found == nil || start+found[0] > at {
			continue
		}
		m.add(description(data, at))
	}
}

// description is what stands around a key: from the beginning of its object to where its bytes begin.
func description(data []byte, at int) []byte {
	start := max(0, at-window)
	if begin := bytes.LastIndex(data[start:at], []byte(" obj")); begin >= 0 {
		start += begin
	}
	end := min(len(data), at+window)
	if stop := bytes.Index(data[at:end], []byte("stream")); stop >= 0 {
		end = at + stop
	}
	return data[start:end]
}

func (m *masks) add(text []byte) {
	if !imageKey.Match(text) {
		return
	}
	width, height := number(widthKey, text), number(heightKey, text)
	if width == 0 || height == 0 {
		return
	}
	length := int64(0)
	if found := lengthKey.FindSubmatch(text); found != nil && len(found[2]) == 0 {
		length, _ = strconv.ParseInt(string(found[1]), 10, 64) // too long for a number: 0
	}
	key := shape{width, height}
	if len(m.known[key]) < 1024 {
		m.known[key] = append(m.known[key], length)
	}
}

func number(key *regexp.Regexp, text []byte) int {
	found := key.FindSubmatch(text)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(string(found[1])) // too long for a number: 0
	return n
}

// masked says whether a picture is nothing but a mask, and whether it has one.
func (f *File) masked(ctx context.Context, object uint64, width, height int) (stencil, masked bool, err error) {
	size, err := f.call(ctx, "FPDFImageObj_GetImageDataRaw", object, 0, 0)
	if err != nil {
		return false, false, err
	}
	length := int64(uint32(size))
	if f.encrypted {
		length = 0 // its length in the file is another
	}
	// Width, height, two resolutions, bits a pixel, colour space, mark.
	if _, err = f.call(ctx, "FPDFImageObj_GetImageMetadata", object, 0, uint64(f.room)); err != nil {
		return false, false, err
	}
	memory, err := f.view(f.room, 28)
	if err != nil {
		return false, false, err
	}
	bits, space := binary.LittleEndian.Uint32(memory[16:]), binary.LittleEndian.Uint32(memory[20:])
	return bits == 1 && space == 0, f.masks.has(width, height, length), nil
}
