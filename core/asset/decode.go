package asset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// decode returns the first frame of data as it is shown: upright, eight bits a channel, in planes if it is opaque. Formats are
// chosen here, one by one; the registry of package image is not used, because any import anywhere in the program can put
// another decoder into it.
func decode(ctx context.Context, data []byte, h Header) (picture, error) {
	var p picture
	err := guard("decoding", func() (err error) {
		switch h.Format {
		case JPEG:
			p, err = decodeJPEG(ctx, data)
		case PNG:
			p, err = decodePNG(ctx, data, h)
		case GIF:
			p.pixels, err = decodeGIF(ctx, data)
		case WebP:
			p, err = decodeWebP(ctx, data)
		case BMP:
			p.pixels, err = decodeBMP(ctx, data)
		case TIFF:
			p.pixels, err = decodeTIFF(ctx, data)
		case AVIF:
			p.pixels, err = decodeAVIF(ctx, data)
		default:
			err = unsupported(h.Format, "a format without pixels", nil)
		}
		if err == nil {
			p, err = p.standardise(ctx, h.Format, data)
		}
		if err == nil {
			p, err = p.upright(h.Orientation)
		}
		if err == nil {
			p = p.settle()
		}
		return err
	})
	if stopped := ctx.Err(); err != nil && stopped != nil {
		return picture{}, stopped // Not every decoder passes the reader's error on.
	}
	if err != nil {
		return picture{}, explain(h.Format, err)
	}
	if size := p.size(); size != image.Pt(h.Width, h.Height) {
		return picture{}, damaged(h.Format, fmt.Sprintf("its picture has %d x %d pixels, its header says %d x %d",
			size.X, size.Y, h.Width, h.Height), nil)
	}
	return p, nil
}

// explain turns a decoder's error into one of ours. Those that are ours already, or the caller's, stay as they are.
func explain(f Format, err error) error {
	var (
		jpegUnsupported jpeg.UnsupportedError
		pngUnsupported  png.UnsupportedError
		tiffUnsupported tiff.UnsupportedError
	)
	switch {
	case err == nil, interrupted(err), CodeOf(err) != "":
		return err
	case errors.As(err, &jpegUnsupported), errors.As(err, &pngUnsupported), errors.As(err, &tiffUnsupported),
		errors.Is(err, bmp.ErrUnsupported):
		return unsupported(f, fmt.Sprintf("a rare coding (%v)", err), err)
	default:
		return damaged(f, err.Error(), err)
	}
}

// source reads bytes until the work is called off: decoders cannot be stopped in any other way.
type source struct {
	*bytes.Reader
	stopped func() error
}

func newSource(ctx context.Context, data []byte) source {
	return source{Reader: bytes.NewReader(data), stopped: ctx.Err}
}

// Read reads unless the work was called off.
func (s source) Read(p []byte) (int, error) {
	if err := s.stopped(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}

// ReadAt reads unless the work was called off.
func (s source) ReadAt(p []byte, off int64) (int, error) {
	if err := s.stopped(); err != nil {
		return 0, err
	}
	return s.Reader.ReadAt(p, off)
}
