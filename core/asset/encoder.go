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

// Encoder turns pixels into lossy WebP. An implementation must return the same bytes for the same call, on every machine
// and under parallel use: its output is addressed by content.
type Encoder interface {
	// Name names the codec and its version, for the record that is kept with the renditions.
	Name() string
	// Encode encodes m, whose rows follow each other without gaps and whose origin is zero. Quality goes from 1 to 100,
	// method from 0 (fast) to 6 (small). A picture that does not fit is answered with ErrTooLarge.
	Encode(ctx context.Context, m *image.NRGBA, quality, method int) ([]byte, error)
}

// wasm is libwebp compiled to WebAssembly and from there to Go: slower than the native library by a factor of five, but it
// is everywhere and everywhere the same.
type wasm struct{}

// The most pixels that wasm is given. Its memory ends at 2 GiB, and coding transparency takes four times as much as colour.
const (
	wasmOpaquePixels = 128e6
	wasmAlphaPixels  = 24e6
)

// Name names the codec.
func (wasm) Name() string { return "libwebp 1.6.0 (gen2brain/webp v0.6.4, wasm)" }

// Encode encodes m. Once begun it cannot be interrupted.
func (wasm) Encode(ctx context.Context, m *image.NRGBA, quality, method int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	size := m.Rect.Size()
	if size.X > MaxWebPSide || size.Y > MaxWebPSide {
		return nil, fmt.Errorf("%w: the format ends at %d pixels a side", ErrTooLarge, MaxWebPSide)
	}
	if pixels := size.X * size.Y; pixels > wasmOpaquePixels || pixels > wasmAlphaPixels && !m.Opaque() {
		return nil, fmt.Errorf("%w: it takes %.0f MP, %.0f MP with transparency", ErrTooLarge, wasmOpaquePixels/1e6, wasmAlphaPixels/1e6)
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

// encodeWasm is the module's own entry to its built-in encoder. Its public Encode takes whatever libwebp the machine has
// instead, unless the program is built with the tag nodynamic, and those differ in the bytes they write for pictures with
// transparency. Who builds without the tag must get the same library of pictures, so the choice is not left open.
//
//go:linkname encodeWasm github.com/gen2brain/webp.encode
func encodeWasm(w io.Writer, m image.Image, quality, method int, lossless, exact bool) error
