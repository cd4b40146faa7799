package asset

import (
	"errors"
	"testing"
)

// FuzzRender feeds broken files through everything but the encoder. No input may break a codec down, and none may come back
// as an error that has no code.
func FuzzRender(f *testing.F) {
	solid, faded := gradient(12, 9, opaque), gradient(12, 9, fading)
	still := asWebP(f, faded)
	for _, seed := range [][]byte{
		withEXIF(asJPEG(f, solid), 6), asPNG(f, faded), asGIF(f, paint(40, 30, 0, 0, 1), paint(4, 3, 1, 1, 2)), still,
		animate(f, 20, 20, still, still), asBMP(f, solid), asTIFF(f, faded),
		[]byte(`<svg viewBox="0 0 9 9"><g id="a"/><use href="#a"/></svg>`),
	} {
		f.Add(seed)
	}
	c := Config{Encoder: sketch{}, Resolutions: []Resolution{{"a", 7}}, Budget: Budget{MaxPixels: 1 << 20}}
	f.Fuzz(func(t *testing.T, data []byte) {
		res, err := Render(t.Context(), data, c)
		if failed, ok := errors.AsType[*CodecError](err); ok {
			t.Fatalf("%v\n%s", err, failed.Stack)
		}
		if err != nil && CodeOf(err) == "" {
			t.Fatalf("untyped: %v", err)
		}
		for _, r := range res.Renditions[min(1, len(res.Renditions)):] {
			if r.Width < 1 || r.Height < 1 || r.Width > 7 || r.Height > 7 {
				t.Fatalf("%+v", r)
			}
		}
	})
}
