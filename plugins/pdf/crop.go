package pdf

import (
	"bytes"
	"errors"
	"image"
	"image/draw"
	"image/png"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// crop takes a part of a drawn page, a PNG. Box, width and height are points.
func crop(drawn []byte, b page.Box, width, height float32) ([]byte, error) {
	whole, err := png.Decode(bytes.NewReader(drawn))
	if err != nil {
		return nil, err
	}
	at := whole.Bounds()
	if width <= 0 || height <= 0 {
		return nil, errors.New("the page has no extent")
	}
	x, y := float32(at.Dx())/width, float32(at.Dy())/height
	part := image.Rect(int(b.X0*x), int(b.Y0*y), int(b.X1*x+0.5), int(b.Y1*y+0.5)).Add(at.Min).Intersect(at)
	if part.Empty() {
		return nil, errors.New("the picture lies outside of its page")
	}
	out := image.NewRGBA(image.Rect(0, 0, part.Dx(), part.Dy()))
	draw.Draw(out, out.Bounds(), whole, part.Min, draw.Src)
	var text bytes.Buffer
	if err := png.Encode(&text, out); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}
