package asset

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"image"
	"os"
	"strings"
	"sync"
	"testing"
)

// TestEncoderBytes holds the built-in encoder to the bytes it wrote when this was recorded, whatever tags, machine or
// libraries the test runs with: content addresses depend on it.
func TestEncoderBytes(t *testing.T) {
	for name, test := range map[string]struct {
		img             *image.NRGBA
		quality, method int
		want            string
	}{
		"opaque original":   {gradient(61, 47, opaque), 85, 2, "7c90a57d858631fa"},
		"opaque resolution": {gradient(61, 47, opaque), 80, 4, "461633899586f9d9"},
		"alpha original":    {gradient(61, 47, fading), 85, 2, "6c69adf4973aeeae"},
		"alpha resolution":  {gradient(61, 47, fading), 80, 4, "2c46ec449c4be9a0"},
	} {
		out, err := wasm{}.Encode(t.Context(), test.img, test.quality, test.method)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(out))[:16]; got != test.want {
			t.Errorf("%s: %s, want %s (%d bytes)", name, got, test.want, len(out))
		}
	}
}

func TestEncoderIsDeterministic(t *testing.T) {
	img := gradient(97, 64, fading)
	first := asWebP(t, img)
	other := gradient(50, 80, opaque)
	results := make([][]byte, 8)
	var group sync.WaitGroup
	for i := range results {
		group.Go(func() {
			if _, err := (wasm{}).Encode(t.Context(), other, 20+i, i%5); err != nil {
				t.Error(err)
			}
			out, err := wasm{}.Encode(t.Context(), img, 100, 2)
			if err != nil {
				t.Error(err)
			}
			results[i] = out
		})
	}
	group.Wait()
	for i, r := range results {
		if !bytes.Equal(r, first) {
			t.Errorf("call %d wrote other bytes", i)
		}
	}
}

func TestEncoderRefusesWhatItCannotHold(t *testing.T) {
	for name, img := range map[string]*image.NRGBA{
		"wide":  image.NewNRGBA(image.Rect(0, 0, 16384, 1)),
		"tall":  image.NewNRGBA(image.Rect(0, 0, 1, 16384)),
		"alpha": {Rect: image.Rect(0, 0, 6000, 4001), Pix: make([]byte, 4), Stride: 0},
	} {
		if _, err := (wasm{}).Encode(t.Context(), img, 85, 2); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// TestEncodersAgree: what is opaque, the machine's library and the built-in encoder write with the same bytes, so that it does
// not matter to content addresses which of them runs.
func TestEncodersAgree(t *testing.T) {
	built, _, err := FindEncoder(EncoderWasm)
	if err != nil {
		t.Fatal(err)
	}
	own, _, err := FindEncoder(EncoderNative)
	if err != nil {
		t.Skipf("SKIPPED: this machine has no libwebp to compare with: %v", err)
	}
	odd := image.NewYCbCr(image.Rect(0, 0, 61, 47), image.YCbCrSubsampleRatio420)
	for i := range odd.Y {
		odd.Y[i] = byte(16 + i*7%220)
	}
	for i := range odd.Cb {
		odd.Cb[i], odd.Cr[i] = byte(16+i%31*7), byte(240-i%31*6)
	}
	for name, m := range map[string]image.Image{
		"pixels in planes": toPlanes(gradient(97, 64, opaque)), "planes": testPicture(), "odd planes": odd, "one pixel": toPlanes(gradient(1, 1, opaque)),
	} {
		for _, set := range []struct{ quality, method int }{{85, 2}, {80, 4}, {1, 0}, {100, 6}} {
			a, err := built.Encode(t.Context(), m, set.quality, set.method)
			if err != nil {
				t.Fatal(err)
			}
			b, err := own.Encode(t.Context(), m, set.quality, set.method)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(a, b) {
				t.Errorf("%s at %+v: %d and %d bytes, which differ", name, set, len(a), len(b))
			}
		}
	}
}

// TestEncodersAgreeOnWhatIsSeen: with transparency the bytes may differ; the pixels hardly.
func TestEncodersAgreeOnWhatIsSeen(t *testing.T) {
	own, _, err := FindEncoder(EncoderNative)
	if err != nil {
		t.Skipf("SKIPPED: this machine has no libwebp to compare with: %v", err)
	}
	m := pixels(t, content(t, "tokens", "01-lord.png"))
	a, err := own.Encode(t.Context(), m, 80, 4)
	if err != nil {
		t.Fatal(err)
	}
	b, err := (wasm{}).Encode(t.Context(), m, 80, 4)
	if err != nil {
		t.Fatal(err)
	}
	if e := meanError(t, pixels(t, a), pixels(t, b)); e > 0.1 {
		t.Errorf("they differ by %.2f", e)
	}
}

func TestFindEncoder(t *testing.T) {
	if e, _, err := FindEncoder(""); err != nil || e == nil {
		t.Errorf("none was found: %v", err)
	}
	if _, _, err := FindEncoder("steam"); err == nil || !strings.Contains(err.Error(), `no encoder "steam"`) {
		t.Errorf("got %v", err)
	}
}

// TestEncoderNamesItsVersion fails when the module is updated and the recorded name is not.
func TestEncoderNamesItsVersion(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(mod), "github.com/gen2brain/webp ")
	version := strings.Fields(rest)[0]
	if name := (wasm{}).Name(); !strings.Contains(name, "gen2brain/webp "+version+",") {
		t.Errorf("the encoder is %q, go.mod has %s", name, version)
	}
}
