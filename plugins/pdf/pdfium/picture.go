package pdfium

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// Picture is a picture as a file that others can read.
type Picture struct {
	Data          []byte
	Type          string // image/jpeg, image/png
	Width, Height int
	Stored        bool // as it is in the PDF
}

// TooLargeError says that a picture exceeds the limits.
type TooLargeError struct {
	Width, Height int
	Pixels        int // the limit, in millions
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("a picture of %d by %d pixels is larger than %d megapixels", e.Width, e.Height, e.Pixels)
}

// The formats of PDFium's bitmaps.
const (
	formatGray = 1
	formatBGR  = 2
	formatBGRx = 3
	formatBGRA = 4
)

// Picture reads a picture of a page, by the index that Page gave it. What is stored as JPEG comes as it is; what has other colours
// than those of a screen, or a mask, as PNG.
func (f *File) Picture(ctx context.Context, n, index int) (*Picture, error) {
	s := &sheet{File: f, index: n - 1, left: f.library.config.Limits.Objects}
	if n < 1 || n > f.pages || index < 0 {
		return nil, &Error{NoPage, fmt.Sprintf("picture %d of page %d", index, n)}
	}
	place, err := f.call(ctx, "FPDF_LoadPage", f.document, uint64(s.index))
	if err != nil {
		return nil, err
	}
	if s.place = place; place == 0 {
		return nil, &Error{NoPage, fmt.Sprintf("page %d", n)}
	}
	count, err := f.call(ctx, "FPDFPage_CountObjects", place)
	if err != nil {
		return nil, err
	}
	object, _, err := s.find(ctx, "FPDFPage_GetObject", place, int(int32(count)), index, 0)
	if err != nil {
		return nil, err
	}
	if object == 0 {
		return nil, &Error{NoPage, fmt.Sprintf("picture %d of page %d", index, n)}
	}
	p, err := s.picture(ctx, object)
	if err == nil {
		_, err = f.call(ctx, "FPDF_ClosePage", place)
	}
	return p, err
}

// find looks for a picture as walk does, and says how many it still has to pass by.
func (s *sheet) find(ctx context.Context, which string, parent uint64, count, index, depth int) (found uint64, left int, err error) {
	for i := range count {
		if s.left--; s.left < 0 {
			return 0, index, nil
		}
		object, err := s.call(ctx, which, parent, uint64(i))
		if err != nil {
			return 0, 0, err
		}
		if object == 0 {
			continue
		}
		kind, err := s.call(ctx, "FPDFPageObj_GetType", object)
		if err != nil {
			return 0, 0, err
		}
		switch {
		case kind == kindImage && index == 0:
			return object, 0, nil
		case kind == kindImage:
			index--
		case kind == kindForm && depth < s.library.config.Limits.Depth:
			inside, err := s.call(ctx, "FPDFFormObj_CountObjects", object)
			if err != nil {
				return 0, 0, err
			}
			found, index, err = s.find(ctx, "FPDFFormObj_GetObject", object, int(int32(inside)), index, depth+1)
			if err != nil || found != 0 {
				return found, 0, err
			}
		}
	}
	return 0, index, nil
}

func (s *sheet) picture(ctx context.Context, object uint64) (*Picture, error) {
	width, height, err := s.pixels(ctx, object)
	if err != nil {
		return nil, err
	}
	if err := s.affordable(width, height); err != nil {
		return nil, err
	}
	stencil, masked, err := s.masked(ctx, object, width, height)
	if err != nil {
		return nil, err
	}
	filters, err := s.filters(ctx, object)
	if err != nil {
		return nil, err
	}
	if n := len(filters); n > 0 && !masked && (filters[n-1] == "DCTDecode" || filters[n-1] == "DCT") {
		data, err := s.fetch(ctx, digestBytes, "FPDFImageObj_GetImageDataDecoded", object)
		if err != nil {
			return nil, err
		}
		if isScreenJPEG(data) {
			return &Picture{data, "image/jpeg", width, height, true}, nil
		}
	}
	var bitmap uint64
	if masked || stencil {
		bitmap, err = s.rendered(ctx, object, width, height)
	} else {
		bitmap, err = s.call(ctx, "FPDFImageObj_GetBitmap", object)
	}
	if err != nil {
		return nil, err
	}
	if bitmap == 0 {
		return nil, &Error{Damaged, "picture"}
	}
	m, err := s.image8(ctx, bitmap)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m); err != nil {
		return nil, err
	}
	return &Picture{b.Bytes(), "image/png", m.Bounds().Dx(), m.Bounds().Dy(), false}, nil
}

// affordable says whether so many pixels may be decoded.
func (f *File) affordable(width, height int) error {
	most := f.library.config.Limits.Pixels
	if width <= 0 || height <= 0 {
		return &Error{Damaged, "picture"}
	}
	if int64(width)*int64(height) > int64(most)*1_000_000 {
		return &TooLargeError{width, height, most}
	}
	return nil
}

// rendered is a picture as it is painted, with what its mask lets through, pixel by pixel.
func (s *sheet) rendered(ctx context.Context, object uint64, width, height int) (uint64, error) {
	// PDFium paints it as large as it is on the page, so the picture is made as large as it has pixels. The page is closed
	// afterwards and the file is not written.
	size := []uint64{double64(float64(width)), 0, 0, double64(float64(height)), 0, 0}
	if _, err := s.call(ctx, "FPDFImageObj_SetMatrix", append([]uint64{object}, size...)...); err != nil {
		return 0, err
	}
	return s.call(ctx, "FPDFImageObj_GetRenderedBitmap", s.document, s.place, object)
}

// isScreenJPEG says whether a JPEG has one or three colours, which every reader takes for the same.
func isScreenJPEG(data []byte) bool {
	if !bytes.HasPrefix(data, []byte{0xFF, 0xD8}) {
		return false
	}
	for at := 2; at+9 < len(data) && data[at] == 0xFF; {
		marker := data[at+1]
		if marker == 0xFF {
			at++
			continue
		}
		if marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC {
			return data[at+9] == 1 || data[at+9] == 3
		}
		if marker == 0xDA {
			return false
		}
		at += 2 + int(binary.BigEndian.Uint16(data[at+2:]))
	}
	return false
}

// image8 takes over a bitmap, which is then gone.
func (f *File) image8(ctx context.Context, bitmap uint64) (image.Image, error) {
	var values [4]uint64
	for i, name := range []string{"FPDFBitmap_GetWidth", "FPDFBitmap_GetHeight", "FPDFBitmap_GetStride", "FPDFBitmap_GetFormat"} {
		v, err := f.call(ctx, name, bitmap)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	width, height, stride, format := int(int32(values[0])), int(int32(values[1])), int(int32(values[2])), values[3]
	if err := f.affordable(width, height); err != nil {
		return nil, err
	}
	at, err := f.call(ctx, "FPDFBitmap_GetBuffer", bitmap)
	if err != nil {
		return nil, err
	}
	pixels, err := f.view(uint32(at), uint32(stride*height))
	if err != nil {
		return nil, err
	}
	bytesPer := map[uint64]int{formatGray: 1, formatBGR: 3, formatBGRx: 4, formatBGRA: 4}[format]
	if bytesPer == 0 || stride < width*bytesPer {
		return nil, &Error{Damaged, "picture"}
	}
	m := copyPixels(pixels, width, height, stride, format)
	_, err = f.call(ctx, "FPDFBitmap_Destroy", bitmap)
	return m, err
}

func copyPixels(pixels []byte, width, height, stride int, format uint64) image.Image {
	bounds := image.Rect(0, 0, width, height)
	if format == formatGray {
		m := image.NewGray(bounds)
		for y := range height {
			copy(m.Pix[y*m.Stride:], pixels[y*stride:y*stride+width])
		}
		return m
	}
	m := image.NewNRGBA(bounds)
	for y := range height {
		from, to := pixels[y*stride:], m.Pix[y*m.Stride:(y+1)*m.Stride]
		switch format {
		case formatBGR:
			for x := 0; x < len(to); x, from = x+4, from[3:] {
				to[x], to[x+1], to[x+2], to[x+3] = from[2], from[1], from[0], 255
			}
		case formatBGRx:
			for x := 0; x < len(to); x += 4 {
				to[x], to[x+1], to[x+2], to[x+3] = from[x+2], from[x+1], from[x], 255
			}
		default:
			for x := 0; x < len(to); x += 4 {
				to[x], to[x+1], to[x+2], to[x+3] = from[x+2], from[x+1], from[x], from[x+3]
			}
		}
	}
	return m
}

// Render draws a page. Its longer side has the pixels asked for, as far as the limits allow. The type is image/png or image/jpeg.
func (f *File) Render(ctx context.Context, n, side int, as string) (*Picture, error) {
	if n < 1 || n > f.pages {
		return nil, &Error{NoPage, fmt.Sprintf("page %d", n)}
	}
	if !slices.Contains([]string{"image/png", "image/jpeg"}, as) {
		return nil, fmt.Errorf("draw page %d: no picture is of type %q; ask for image/png or image/jpeg", n, as)
	}
	s := &sheet{File: f, index: n - 1, page: &page.Page{Number: n}}
	if err := s.load(ctx); err != nil {
		return nil, err
	}
	most := float32(min(max(side, 1), f.library.config.Limits.Side))
	longer := max(s.page.Width, s.page.Height)
	if !(longer > 0) {
		return nil, &Error{NoPage, fmt.Sprintf("page %d", n)}
	}
	width, height := max(1, int(s.page.Width/longer*most+0.5)), max(1, int(s.page.Height/longer*most+0.5))
	bitmap, err := f.call(ctx, "FPDFBitmap_CreateEx", uint64(width), uint64(height), formatBGRx, 0, 0)
	if err != nil {
		return nil, err
	}
	if bitmap == 0 {
		return nil, &TrapError{Memory: true, Err: fmt.Errorf("no room for %d by %d pixels", width, height)}
	}
	if _, err = f.call(ctx, "FPDFBitmap_FillRect", bitmap, 0, 0, uint64(width), uint64(height), 0xFFFFFFFF); err != nil {
		return nil, err
	}
	const annotations = 1
	if _, err = f.call(ctx, "FPDF_RenderPageBitmap", bitmap, s.place, 0, 0, uint64(width), uint64(height), 0, annotations); err != nil {
		return nil, err
	}
	m, err := f.image8(ctx, bitmap)
	if err != nil {
		return nil, err
	}
	if _, err := f.call(ctx, "FPDF_ClosePage", s.place); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if as == "image/png" {
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, m)
	} else {
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 90})
	}
	return &Picture{b.Bytes(), as, width, height, false}, err
}
