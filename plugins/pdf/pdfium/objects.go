package pdfium

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// The kinds of objects on a page.
const (
	kindText  = 1
	kindPath  = 2
	kindImage = 3
	kindForm  = 5
)

// digestBytes is the largest picture of which a digest is taken.
const digestBytes = 64 << 20

// objects reads what is drawn.
func (s *sheet) objects(ctx context.Context) error {
	count, err := s.call(ctx, "FPDFPage_CountObjects", s.place)
	if err != nil {
		return err
	}
	err = s.walk(ctx, "FPDFPage_GetObject", s.place, int(int32(count)), s.view, 0)
	if s.left < 0 {
		s.fault("page_limit", "it has more than %d objects; the others were not read", s.library.config.Limits.Objects)
	}
	return err
}

// walk reads the objects of a page or a form. View takes their coordinates to the reader's.
func (s *sheet) walk(ctx context.Context, which string, parent uint64, count int, view matrix, depth int) error {
	for i := range count {
		if s.left--; s.left < 0 {
			return nil
		}
		object, err := s.call(ctx, which, parent, uint64(i))
		if err != nil {
			return err
		}
		if object == 0 {
			continue
		}
		kind, err := s.call(ctx, "FPDFPageObj_GetType", object)
		if err != nil {
			return err
		}
		switch kind {
		case kindText:
		case kindPath:
			err = s.path(ctx, object, view)
		case kindImage:
			err = s.image(ctx, object, view)
		case kindForm:
			err = s.form(ctx, object, view, depth)
		default:
			s.page.Paths++
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// form reads the objects of a form.
func (s *sheet) form(ctx context.Context, object uint64, view matrix, depth int) error {
	if depth >= s.library.config.Limits.Depth {
		return nil
	}
	own, err := s.matrix(ctx, object)
	if err != nil {
		return err
	}
	count, err := s.call(ctx, "FPDFFormObj_CountObjects", object)
	if err != nil {
		return err
	}
	return s.walk(ctx, "FPDFFormObj_GetObject", object, int(int32(count)), own.then(view), depth+1)
}

// matrix is that of an object.
func (s *sheet) matrix(ctx context.Context, object uint64) (matrix, error) {
	ok, err := s.call(ctx, "FPDFPageObj_GetMatrix", object, uint64(s.room))
	if err != nil || ok == 0 {
		return identity, err
	}
	v, err := s.floats(6)
	if err != nil {
		return identity, err
	}
	return matrix{v[0], v[1], v[2], v[3], v[4], v[5]}, nil
}

// bounds is where an object is, as far as the page shows it.
func (s *sheet) bounds(ctx context.Context, object uint64, view matrix) (box page.Box, shown bool, err error) {
	room := uint64(s.room)
	ok, err := s.call(ctx, "FPDFPageObj_GetBounds", object, room, room+4, room+8, room+12)
	if err != nil || ok == 0 {
		return box, false, err
	}
	v, err := s.floats(4)
	if err != nil {
		return box, false, err
	}
	box, shown = s.clip(view.box(v[0], v[1], v[2], v[3]))
	return box, shown, nil
}

// clip cuts off what is beyond the page.
func (s *sheet) clip(b page.Box) (page.Box, bool) {
	b = page.Box{X0: max(b.X0, 0), Y0: max(b.Y0, 0), X1: min(b.X1, s.page.Width), Y1: min(b.Y1, s.page.Height)}
	return b, b.X0 <= b.X1 && b.Y0 <= b.Y1
}

// image reads what a picture is, not its pixels.
func (s *sheet) image(ctx context.Context, object uint64, view matrix) error {
	m := page.Image{Index: len(s.page.Images)}
	var shown bool
	var err error
	if m.Box, shown, err = s.bounds(ctx, object, view); err != nil {
		return err
	}
	if !shown {
		m.Box = page.Box{}
	}
	if m.Width, m.Height, err = s.pixels(ctx, object); err != nil {
		return err
	}
	filters, err := s.filters(ctx, object)
	if err != nil {
		return err
	}
	m.Filter = "other"
	if n := len(filters); n > 0 {
		switch filters[n-1] {
		case "DCTDecode", "DCT":
			m.Filter = "jpeg"
		case "JPXDecode":
			m.Filter = "jpx"
		}
	}
	if m.Bytes, m.Digest, err = s.digest(ctx, object, m); err != nil {
		return err
	}
	length := m.Bytes
	if s.encrypted {
		length = 0 // its length in the file is another
	}
	m.Masked = s.masks.has(m.Width, m.Height, length)
	s.page.Images = append(s.page.Images, m)
	return nil
}

// pixels is the size of a picture.
func (f *File) pixels(ctx context.Context, object uint64) (width, height int, err error) {
	room := uint64(f.room)
	ok, err := f.call(ctx, "FPDFImageObj_GetImagePixelSize", object, room, room+4)
	if err != nil || ok == 0 {
		return 0, 0, err
	}
	memory, err := f.view(f.room, 8)
	if err != nil {
		return 0, 0, err
	}
	return int(int32(binary.LittleEndian.Uint32(memory))), int(int32(binary.LittleEndian.Uint32(memory[4:]))), nil
}

// filters are the ways in which a picture is packed, the outermost first.
func (f *File) filters(ctx context.Context, object uint64) ([]string, error) {
	count, err := f.call(ctx, "FPDFImageObj_GetImageFilterCount", object)
	if err != nil {
		return nil, err
	}
	var names []string
	for i := range min(int(int32(count)), 8) {
		name, err := f.fetch(ctx, 64, "FPDFImageObj_GetImageFilter", object, uint64(i))
		if err != nil {
			return nil, err
		}
		names = append(names, strings.TrimRight(string(name), "\x00"))
	}
	return names, nil
}

// digest is of the bytes of a picture as they are stored. One too large for that has the digest of where it is.
func (s *sheet) digest(ctx context.Context, object uint64, m page.Image) (size int64, sum uint64, err error) {
	n, err := s.call(ctx, "FPDFImageObj_GetImageDataRaw", object, 0, 0)
	if err != nil {
		return 0, 0, err
	}
	size = int64(uint32(n))
	h := sha256.New()
	_ = binary.Write(h, binary.LittleEndian, []int64{size, int64(m.Width), int64(m.Height)}) // a hash takes all
	if size > digestBytes {
		_ = binary.Write(h, binary.LittleEndian, []int64{int64(s.page.Number), int64(m.Index)})
		return size, binary.LittleEndian.Uint64(h.Sum(nil)), nil
	}
	if size > 0 {
		at, err := s.allocate(ctx, uint32(size))
		if err != nil {
			return size, 0, err
		}
		defer s.release(ctx, at)
		if _, err := s.call(ctx, "FPDFImageObj_GetImageDataRaw", object, uint64(at), uint64(size)); err != nil {
			return size, 0, err
		}
		memory, err := s.File.view(at, uint32(size))
		if err != nil {
			return size, 0, err
		}
		h.Write(memory)
	}
	return size, binary.LittleEndian.Uint64(h.Sum(nil)), nil
}
