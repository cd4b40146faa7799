package pdf

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

func sheet(number, chars, paths int, images ...page.Image) *page.Page {
	return &page.Page{Number: number, Width: 400, Height: 600, Chars: chars, Paths: paths, Images: images}
}

func drawn(index int, digest uint64, box page.Box, width, height int) page.Image {
	return page.Image{Index: index, Digest: digest, Box: box, Width: width, Height: height}
}

func TestChoose(t *testing.T) {
	half := page.Box{X0: 0, Y0: 0, X1: 400, Y1: 300}
	full := page.Box{X0: 0, Y0: 0, X1: 400, Y1: 600}
	small := page.Box{X0: 0, Y0: 0, X1: 40, Y1: 40}
	var backed []*page.Page
	for i := range 4 {
		backed = append(backed, sheet(i+1, 900, 0, drawn(0, 7, full, 800, 1200)))
	}
	strip := func(i int) page.Image {
		return drawn(i, uint64(20+i), page.Box{X0: 10, Y0: float32(100 * i), X1: 390, Y1: float32(100 * (i + 1))}, 760, 200)
	}
	for _, tt := range []struct {
		name    string
		pages   []*page.Page
		renders string
		want    string
	}{
		{"a picture", []*page.Page{sheet(1, 900, 0, drawn(3, 1, half, 800, 600))}, "", "page-1-image-3 image"},
		{"too small on the page", []*page.Page{sheet(1, 900, 0, drawn(0, 1, small, 800, 600))}, "", ""},
		{"too few pixels", []*page.Page{sheet(1, 900, 0, drawn(0, 1, half, 200, 150))}, "", ""},
		{"twice the same", []*page.Page{sheet(1, 900, 0, drawn(0, 1, half, 800, 600)), sheet(2, 900, 0, drawn(5, 1, half, 800, 600))}, "", "page-1-image-0 image"},
		{"a background", backed, "", "page-1-image-0 background"},
		{"a map", []*page.Page{sheet(1, 40, 0, drawn(0, 1, full, 1600, 2400))}, "", "page-1-image-0 image map"},
		{"a page that is a picture of text is no map", []*page.Page{sheet(1, 0, 0, drawn(0, 1, full, 1600, 2400))}, "", "page-1-image-0 image"},
		{"strips", []*page.Page{sheet(1, 900, 0, strip(0), strip(1), strip(2))}, "", "page-1-part-10-0 image"},
		{"a drawing", []*page.Page{sheet(1, 30, 5000)}, "", "page-1 page_render map"},
		{"a drawing, not wanted", []*page.Page{sheet(1, 30, 5000)}, "none", ""},
		{"a page with many lines and much text", []*page.Page{sheet(1, 3000, 5000)}, "", ""},
		{"all pages", []*page.Page{sheet(1, 3000, 0), sheet(2, 3000, 0)}, "all", "page-1 page_render, page-2 page_render"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, c := range choose(tt.pages, tt.renders) {
				text := c.name() + " " + c.Kind
				if c.Map {
					text += " map"
				}
				got = append(got, text)
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCrop(t *testing.T) {
	whole := image.NewRGBA(image.Rect(0, 0, 200, 300))
	for y := range 300 {
		for x := range 200 {
			whole.Set(x, y, color.RGBA{uint8(x), uint8(y / 2), 0, 255})
		}
	}
	var file bytes.Buffer
	if err := png.Encode(&file, whole); err != nil {
		t.Fatal(err)
	}
	out, err := crop(file.Bytes(), page.Box{X0: 10, Y0: 20, X1: 60, Y1: 40}, 100, 150)
	if err != nil {
		t.Fatal(err)
	}
	part, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	r, g, _, _ := part.At(0, 0).RGBA()
	if got := fmt.Sprint(part.Bounds(), r>>8, g>>8); got != "(0,0)-(100,40) 20 20" {
		t.Error(got)
	}
	for _, bad := range []page.Box{{X0: 200, Y0: 0, X1: 300, Y1: 10}, {}} {
		if _, err := crop(file.Bytes(), bad, 100, 150); err == nil {
			t.Errorf("%v was cut out", bad)
		}
	}
	if _, err := crop([]byte("no picture"), page.Box{X1: 1, Y1: 1}, 1, 1); err == nil {
		t.Error("what is no picture was cut")
	}
}
