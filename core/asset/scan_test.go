package asset

import (
	"bytes"
	"image"
	"image/jpeg"
	"testing"
)

// TestCodesAddUp: pictures with the longest codes that there are add up, at any size. With a byte more or less many do not; codes
// fall into step again after a while, and where they then have lost no block it cannot be seen.
func TestCodesAddUp(t *testing.T) {
	for _, quality := range []int{5, 50, 90, 100} {
		for _, size := range []image.Point{{1, 1}, {17, 33}, {200, 120}} {
			var b bytes.Buffer
			if err := jpeg.Encode(&b, grain(size.X, size.Y, 7), &jpeg.Options{Quality: quality}); err != nil {
				t.Fatal(err)
			}
			data := b.Bytes()
			if !jpegAddsUp(data) {
				t.Errorf("quality %d, %v: sound, and does not add up", quality, size)
			}
			if size.X < 100 {
				continue
			}
			unseen := 0
			for i := range 100 {
				at := len(data) - 10 - i*(len(data)-900)/100
				if data[at] == 0xff || data[at-1] == 0xff {
					continue
				}
				if jpegAddsUp(append(bytes.Clone(data[:at]), data[at+1:]...)) {
					unseen++
				}
				if jpegAddsUp(append(append(bytes.Clone(data[:at]), data[at]^0x55), data[at:]...)) {
					unseen++
				}
			}
			if unseen > 150 {
				t.Errorf("quality %d, %v: %d of 200 changes go unseen", quality, size, unseen)
			}
		}
	}
}
