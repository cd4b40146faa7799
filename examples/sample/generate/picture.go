package main

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"path"
)

// A picture is a file that the generator draws; its name is relative to the module's folder.
type picture struct {
	file string
	draw func() ([]byte, error)
}

// pictures are all that the documents of the module show, except the one portrait that is missing on purpose.
func pictures() ([]picture, error) {
	letters, err := newFonts()
	if err != nil {
		return nil, err
	}
	out := []picture{
		{"icons/lamp.svg", func() ([]byte, error) { return drawLampIcon(), nil }},
		{"maps/pellwick-isle.jpg", func() ([]byte, error) { return photograph(drawMap(letters)) }},
		{"handouts/notice-to-mariners.jpg", func() ([]byte, error) { return photograph(drawHandout(letters)) }},
	}
	for _, m := range medals() {
		out = append(out, picture{path.Join("tokens", m.file+".png"), func() ([]byte, error) { return cutout(m.draw()) }})
	}
	return out, nil
}

// photograph makes a JPEG file, which has no transparency.
func photograph(drawn image.Image, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, drawn, &jpeg.Options{Quality: 81}); err != nil {
		return nil, fmt.Errorf("encode JPEG: %w", err)
	}
	return out.Bytes(), nil
}

// cutout makes a PNG file with transparency. Colours are rounded to every fourth shade, which hardly shows and makes the
// file a third smaller.
func cutout(drawn image.Image) ([]byte, error) {
	size := drawn.Bounds()
	flat := image.NewNRGBA(size)
	for y := range size.Dy() {
		for x := range size.Dx() {
			flat.Set(x, y, drawn.At(x, y))
		}
	}
	for i := 0; i < len(flat.Pix); i += 4 {
		visible := flat.Pix[i+3] > 0
		for j := i; j < i+3; j++ {
			if visible {
				flat.Pix[j] = uint8(min(252, (int(flat.Pix[j])+2)/4*4))
			} else {
				flat.Pix[j] = 0
			}
		}
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	if err := encoder.Encode(&out, flat); err != nil {
		return nil, fmt.Errorf("encode PNG: %w", err)
	}
	return out.Bytes(), nil
}
