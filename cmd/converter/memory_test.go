//go:build integration

package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/image/tiff"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/internal/testdata"
)

// tapestry is a large picture that packs well and is nowhere flat.
func tapestry(side int, alpha bool) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, side, side))
	line := make([]byte, 4*2*side)
	for i := range 2 * side {
		x, p := i%1000, line[4*i:][:4] // again and again within what packers look back to
		p[0], p[1], p[2], p[3] = byte(x/7), byte(x*x>>9), byte(x>>5*37), 255
		if alpha {
			p[3] = byte(200 + x>>3%50)
		}
	}
	for y := range side {
		copy(m.Pix[y*m.Stride:][:4*side], line[4*(y*3%side):])
	}
	return m
}

// progressive has Pillow make a progressive JPEG of another one, or skips the test.
func progressive(t *testing.T, data []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.jpg"), filepath.Join(dir, "to.jpg")
	check(t, os.WriteFile(from, data, 0o666))
	const script = `import sys; from PIL import Image; Image.MAX_IMAGE_PIXELS = None; Image.open(sys.argv[1]).save(sys.argv[2], quality=80, progressive=True)`
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", script, from, to).Run() == nil {
			made, err := os.ReadFile(to)
			check(t, err)
			return made
		}
	}
	t.Skip("SKIPPED: there is no Python with Pillow: apt-get install python3-pil")
	return nil
}

// asAVIF has avifenc make a large picture that is quickly coded, with chroma as fine as luma, or skips the test.
func asAVIF(t *testing.T, side, bits int, alpha bool) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		x, y := i%side, i/side
		p := m.Pix[4*i:][:4]
		p[0], p[1], p[2], p[3] = byte(x>>5), byte(y>>5), 90, 255
		if alpha {
			p[3] = byte(200 + x>>7%50)
		}
	}
	program, err := exec.LookPath("avifenc")
	if err != nil {
		t.Skip("SKIPPED: there is no avifenc: apt-get install libavif-bin")
	}
	var b bytes.Buffer
	quick := png.Encoder{CompressionLevel: png.BestSpeed}
	check(t, quick.Encode(&b, m))
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from.png"), filepath.Join(dir, "to.avif")
	check(t, os.WriteFile(from, b.Bytes(), 0o666))
	said, err := exec.CommandContext(t.Context(), program, "-s", "10", "-y", "444", "-d", strconv.Itoa(bits), from, to).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	made, err := os.ReadFile(to)
	check(t, err)
	return made
}

// TestMemory: what a run has in memory at most with the worst pictures that pass the budget, each alone, and with large maps in the
// forms they usually have. That is the program, its plugin and what renders; the node of the store has a bound of its own.
func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("SKIPPED: it takes /proc to see what processes have in memory")
	}
	encode := func(write func(b *bytes.Buffer) error) []byte {
		t.Helper()
		var b bytes.Buffer
		check(t, write(&b))
		return b.Bytes()
	}
	webp := func(m image.Image) []byte {
		t.Helper()
		e, _, err := asset.FindEncoder(asset.EncoderAuto)
		check(t, err)
		data, err := e.Encode(t.Context(), m, 80, 0)
		check(t, err)
		return data
	}
	asJPEG := func(side int) []byte {
		return encode(func(b *bytes.Buffer) error { return jpeg.Encode(b, tapestry(side, false), &jpeg.Options{Quality: 85}) })
	}
	quick := png.Encoder{CompressionLevel: png.BestSpeed}
	for _, tc := range []struct {
		name  string
		ext   string
		count int
		limit int64 // megabytes
		data  func(*testing.T) []byte
	}{
		{"PNG with transparency", "png", 1, 1280, func(*testing.T) []byte {
			return encode(func(b *bytes.Buffer) error { return quick.Encode(b, tapestry(10000, true)) })
		}},
		{"PNG of 16 bits", "png", 1, 1280, func(*testing.T) []byte {
			from := tapestry(7900, true)
			m := image.NewNRGBA64(from.Rect)
			for i, v := range from.Pix {
				m.Pix[2*i], m.Pix[2*i+1] = v, byte(i)
			}
			return encode(func(b *bytes.Buffer) error { return quick.Encode(b, m) })
		}},
		{"TIFF", "tif", 1, 1280, func(*testing.T) []byte {
			return encode(func(b *bytes.Buffer) error {
				return tiff.Encode(b, tapestry(7400, true), &tiff.Options{Compression: tiff.Deflate})
			})
		}},
		{"JPEG", "jpg", 1, 1280, func(*testing.T) []byte { return asJPEG(10000) }},
		{"progressive JPEG", "jpg", 1, 1280, func(t *testing.T) []byte { //nolint:thelper // it is data of the test
			return progressive(t, asJPEG(9100))
		}},
		{"AVIF", "avif", 1, 1280, func(t *testing.T) []byte { return asAVIF(t, 5773, 8, false) }},                              //nolint:thelper // the same
		{"AVIF with transparency", "avif", 1, 1280, func(t *testing.T) []byte { return asAVIF(t, 4714, 8, true) }},             //nolint:thelper // the same
		{"AVIF of 10 bits", "avif", 1, 1280, func(t *testing.T) []byte { return asAVIF(t, 4082, 10, false) }},                  //nolint:thelper // the same
		{"AVIF of 10 bits with transparency", "avif", 1, 1280, func(t *testing.T) []byte { return asAVIF(t, 3651, 10, true) }}, //nolint:thelper // the same
		{"WebP", "webp", 1, 1280, func(*testing.T) []byte { return webp(planes(10000)) }},
		{"eight maps as JPEG", "jpg", 8, 300, func(t *testing.T) []byte { //nolint:thelper // the same
			return encode(func(b *bytes.Buffer) error { return jpeg.Encode(b, atlas(t), &jpeg.Options{Quality: 90}) })
		}},
		{"eight maps as WebP", "webp", 8, 300, func(t *testing.T) []byte { return webp(atlas(t)) }}, //nolint:thelper // the same
	} {
		t.Run(tc.name, func(t *testing.T) {
			root, files := gallery(t, tc.count)
			hang(t, files, tc.ext, tc.data(t))
			p := newProject(t, root, "run: {workers: 2}\n")
			c := p.command("--progress", "json")
			var out bytes.Buffer
			c.Stdout = &out
			check(t, c.Start())
			ended := make(chan error, 1)
			go func() { ended <- c.Wait() }()
			var most int64
			var parts string
			for done := false; !done; {
				select {
				case err := <-ended:
					check(t, err)
					done = true
				case <-time.After(20 * time.Millisecond):
					if now, which := held(family(t, c.Process.Pid)); now > most {
						most, parts = now, which
					}
				}
			}
			last := lastLine(t, out.String())
			if s := last.Stage(core.StageAssets); s.Written != int64(tc.count) || len(last.Problems) > 0 {
				t.Errorf("counts %+v, problems %+v", s, last.Problems)
			}
			t.Logf("%d MB at most:%s", most>>20, parts)
			if most > tc.limit<<20 || most == 0 {
				t.Errorf("%d MB, the limit is %d:%s", most>>20, tc.limit, parts)
			}
		})
	}
}

// atlas is a map of 4096² pixels with the detail that maps have.
func atlas(t *testing.T) *image.NRGBA {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 4096, 4096))
	for i, name := range []string{"wesnoth-world-4096x2160.jpg", "earth-blue-marble-4096x2048.jpg"} {
		f, err := os.Open(testdata.Dir(t, "images", "maps", name))
		check(t, err)
		part, err := jpeg.Decode(f)
		check(t, errors.Join(err, f.Close()))
		draw.Draw(m, image.Rect(0, 2048*i, 4096, 2048*(i+1)), part, part.Bounds().Min, draw.Src)
	}
	return m
}

// hang writes one picture to all files, each with something else beside it, so that none is the copy of another.
func hang(t *testing.T, files []string, ext string, data []byte) {
	t.Helper()
	for i, file := range files {
		check(t, os.WriteFile(file, varied(data, ext, byte(i)), 0o666))
	}
}

// planes is a large opaque picture as WebP stores it.
func planes(side int) *image.YCbCr {
	m := image.NewYCbCr(image.Rect(0, 0, side, side), image.YCbCrSubsampleRatio420)
	for i := range m.Y {
		m.Y[i] = byte(30 + (i%side+i/side*3)>>3%190)
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = byte(100+i>>6%50), byte(160-i>>4%60)
	}
	return m
}

// varied makes other bytes of the same picture.
func varied(data []byte, ext string, n byte) []byte {
	switch ext {
	case "jpg":
		return append([]byte{0xff, 0xd8, 0xff, 0xfe, 0, 3, n}, data[2:]...) // a comment
	case "webp":
		out := append(bytes.Clone(data), 'n', 'o', 't', 'e', 2, 0, 0, 0, n, n)
		size := len(out) - 8
		out[4], out[5], out[6], out[7] = byte(size), byte(size>>8), byte(size>>16), byte(size>>24)
		return out
	default:
		return data
	}
}

// held is what processes have in memory, but for the node of the store: what they share counts once.
func held(family map[int]string) (sum int64, parts string) {
	for pid, line := range family {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil || strings.Contains(line, "rqlited") {
			continue
		}
		for row := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(row, "Pss:"); ok {
				n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
				if err == nil {
					sum += n << 10
					what := "which begins or ends"
					if fields := strings.Fields(line); len(fields) > 0 {
						what = fields[min(1, len(fields)-1)]
					}
					parts += fmt.Sprintf(" %s %d MB,", what, n>>10)
				}
			}
		}
	}
	return sum, parts
}
