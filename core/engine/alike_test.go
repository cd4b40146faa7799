package engine

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// scene draws something with light and shade all over.
func scene(seed, side int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			v := byte((8*x/side*(37+seed*91) + 8*y/side*(53+seed*29)) % 251)
			m.SetNRGBA(x, y, color.NRGBA{v, v, v, 255})
		}
	}
	return m
}

func TestLookAlikes(t *testing.T) {
	asPNG := func(m image.Image) []byte {
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	var asJPEG bytes.Buffer
	if err := jpeg.Encode(&asJPEG, scene(0, 160), nil); err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"large.png": asPNG(scene(0, 160)), "copy.png": asPNG(scene(0, 160)), "small.png": asPNG(scene(0, 80)),
		"other.jpg": asJPEG.Bytes(), "another.png": asPNG(scene(1, 160)), "flat.png": asPNG(image.NewGray(image.Rect(0, 0, 9, 9))),
		"flat too.png": asPNG(image.NewGray(image.Rect(0, 0, 8, 9))),
	}
	var refs []sdk.AssetRef
	for name := range files {
		refs = append(refs, byKey(name))
	}
	for _, on := range []bool{false, true} {
		slices.Reverse(refs)
		j := newJob(t, showing(files, refs...))
		j.Images.LookAlikes = on
		j.run(t)
		found := slices.DeleteFunc(slices.Clone(j.count.failures), func(f core.Failure) bool { return f.Code != "image.look_alike" })
		switch {
		case !on && len(found) > 0:
			t.Errorf("not asked for: %+v", found)
		case on && (len(found) != 1 || found[0].Item != "copy.png" || found[0].Detail != "like it: other.jpg, small.png" || !found[0].Warning):
			t.Errorf("got %+v", found)
		}
	}
}

func TestAlikeIsNoChain(t *testing.T) {
	var list []likeness
	for i := range 3 {
		list = append(list, likeness{core.AssetMapping{URI: fmt.Sprint(i)}, 0xff << (3 * i)})
	}
	groups := alike(list) // each is six bits from the next
	if len(groups) != 0 {
		t.Errorf("far apart, and together: %v", groups)
	}
}
