package asset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	_ "unsafe" // For go:linkname.

	"github.com/gen2brain/webp"
)

// ErrTooLarge is what an Encoder returns for a picture that it cannot hold. The original is then kept as it came.
var ErrTooLarge = errors.New("too large for the WebP encoder")

// MaxWebPSide is the longest side that the WebP format can hold.
const MaxWebPSide = 16383

// Encoder turns pixels into lossy WebP. An implementation must return the same bytes for the same call, whatever else is
// going on: its output is addressed by content.
type Encoder interface {
	// Name names the codec and its version, for the record that is kept with the renditions.
	Name() string
	// Encode encodes m, whose origin is zero: an *image.NRGBA whose rows follow each other without gaps, or an
	// *image.YCbCr in 4:2:0 with video levels, which is how WebP stores it. Quality goes from 1 to 100, method from 0 (fast)
	// to 6 (small). A picture that does not fit is answered with ErrTooLarge.
	Encode(ctx context.Context, m image.Image, quality, method int) ([]byte, error)
}

// The encoders that FindEncoder knows.
const (
	EncoderAuto   = "auto"   // the machine's libwebp where it can be used, else the built-in one
	EncoderNative = "native" // the machine's libwebp
	EncoderWasm   = "wasm"   // the built-in one
)

// FindEncoder returns an encoder by name; "" is auto. The note says why auto came to the built-in one. What is opaque, both
// write with the same bytes; transparency is coded a little differently by each version of libwebp.
func FindEncoder(name string) (e Encoder, note string, err error) {
	switch name {
	case EncoderWasm:
		return wasm{}, "", nil
	case EncoderAuto, "", EncoderNative:
		e, err := findNative()
		switch {
		case err == nil:
			return e, "", nil
		case name == EncoderNative:
			return nil, "", fmt.Errorf("libwebp cannot be used: %w; install it, or choose the built-in encoder", err)
		default:
			return wasm{}, "libwebp cannot be used, so that pictures take four times as long: " + err.Error(), nil
		}
	default:
		return nil, "", fmt.Errorf("there is no encoder %q", name)
	}
}

// KindOf returns the name by which FindEncoder finds e.
func KindOf(e Encoder) string {
	if _, ok := e.(wasm); ok {
		return EncoderWasm
	}
	return EncoderNative
}

// Above some 26 MP the modes of libwebp's usual methods do not fit their partition, and it encodes the picture again and
// again until they do. Method 2 and less never come there; the others are told from this size on to give in sooner.
const (
	cliffPixels = 24e6
	cliffLimit  = 60
)

// wasm is libwebp compiled to WebAssembly and from there to Go: slower than the native library by a factor of four, but it
// is everywhere and everywhere the same.
type wasm struct{}

// The most pixels that an encoder is given, so that it stays within a gigabyte: wasm takes 15 bytes for each, and coding
// transparency several times as much.
const (
	wasmOpaquePixels  = 70e6
	wasmAlphaPixels   = 8e6
	nativeAlphaPixels = 24e6
)

var errNoMemory = errors.New("it has no memory for the picture")

// fitsEncoder says ErrTooLarge for what WebP or an encoder cannot hold.
func fitsEncoder(ctx context.Context, m image.Image, alphaPixels int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	size := m.Bounds().Size()
	if size.X > MaxWebPSide || size.Y > MaxWebPSide {
		return fmt.Errorf("%w: the format ends at %d pixels a side", ErrTooLarge, MaxWebPSide)
	}
	if pixels := size.X * size.Y; pixels > alphaPixels {
		if m, ok := m.(*image.NRGBA); ok && !m.Opaque() {
			return fmt.Errorf("%w: it takes %.0f MP with transparency", ErrTooLarge, float64(alphaPixels)/1e6)
		}
	}
	return nil
}

// Name names the codec.
func (wasm) Name() string { return "libwebp 1.6.0 (gen2brain/webp v0.6.4, wasm)" }

// Encode encodes m. Once begun it cannot be interrupted.
func (wasm) Encode(ctx context.Context, m image.Image, quality, method int) ([]byte, error) {
	if err := fitsEncoder(ctx, m, wasmAlphaPixels); err != nil {
		return nil, err
	}
	size := m.Bounds().Size()
	if size.X*size.Y > wasmOpaquePixels {
		return nil, fmt.Errorf("%w: it takes %.0f MP", ErrTooLarge, wasmOpaquePixels/1e6)
	}
	if size.X*size.Y > cliffPixels {
		method = min(method, methodOriginal) // it cannot be told the limit
	}
	if planes, ok := m.(*image.YCbCr); ok { // it knows planes only with alpha; where that is full, it is left out
		alpha := bytes.Repeat([]byte{255}, size.X*size.Y)
		m = &image.NYCbCrA{YCbCr: *planes, A: alpha, AStride: size.X}
	}
	var out bytes.Buffer
	if err := encodeWasm(&out, m, quality, method, false, false); err != nil {
		return nil, err
	}
	if out.Len() == 0 {
		return nil, webp.ErrEncode
	}
	return out.Bytes(), nil
}

// testPicture is a small opaque picture in planes with something of everything: flat parts, slopes, noise.
func testPicture() *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, 40, 34), image.YCbCrSubsampleRatio420)
	noise := uint32(1)
	for i := range m.Y {
		noise = noise*1664525 + 1013904223
		m.Y[i] = byte(16 + i%40*3)
		if i > len(m.Y)/2 {
			m.Y[i] = byte(40 + noise>>25)
		}
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = byte(100+i%20*2), byte(150-i/20)
	}
	return m
}

// encodeWasm is the module's own entry to its built-in encoder. Its public Encode takes whatever libwebp it finds on the machine
// instead, unless the program is built with the tag nodynamic. Who builds without the tag must get the same library of
// pictures, so the choice is not left open.
//
//go:linkname encodeWasm github.com/gen2brain/webp.encode
func encodeWasm(w io.Writer, m image.Image, quality, method int, lossless, exact bool) error
