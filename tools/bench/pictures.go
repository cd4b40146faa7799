package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/webp"

	"github.com/seed-98789ff7/converter/core/asset"
	renderer "github.com/seed-98789ff7/converter/core/asset/worker"
)

// The programs that do with other tools what is measured.
var (
	//go:embed peers/pictures.c
	vipsProgram []byte
	//go:embed peers/pictures.py
	pillowProgram []byte
)

// picturesFlag makes this program a process that makes the four files of pictures, and picturesServe its worker:
//
//	bench -pictures ENCODER WAY OUT FILE…    WAY: process (as a run does it), or within (in this process)
//	bench -pictures-content FROM TO          makes the pictures, which takes more memory than what is measured may inherit
const (
	picturesFlag    = "-pictures"
	picturesServe   = "-pictures-serve"
	picturesContent = "-pictures-content"
)

// pictures compares what becomes of pictures here with the tools people use.
func pictures(ctx context.Context, s settings) (report, error) {
	b := picturesBench{settings: s, peers: map[string][]string{}}
	if err := errors.Join(b.prepare(ctx), b.findPeers(ctx)); err != nil {
		return report{}, err
	}
	r := b.report()
	for n := range s.rounds + 1 {
		s.begin("pictures", n)
		costs, err := b.round(ctx)
		if err != nil {
			return report{}, err
		}
		if n > 0 {
			r.rounds = append(r.rounds, costs)
		}
	}
	return r, nil
}

type picturesBench struct {
	settings
	self   string
	inputs map[string][]string // files by name of the input
	peers  map[string][]string // command lines by name; one that is not installed is not there
}

// The inputs.
const (
	largeJPEG = "8192² JPEG"
	smallJPEG = "4096² JPEG"
	smallPNG  = "4096² PNG"
	tokens    = "100 tokens"
)

// prepare has the pictures made.
func (b *picturesBench) prepare(ctx context.Context) error {
	from := filepath.Join(b.data, "images")
	if err := need(from, "set CONVERTER_TESTDATA to the folder that has it"); err != nil {
		return err
	}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return err
	}
	if _, _, err := measure(command(ctx, b.self, picturesContent, from, b.work)); err != nil {
		return err
	}
	b.inputs = map[string][]string{}
	for name, pattern := range map[string]string{largeJPEG: "map8k.jpg", smallJPEG: "map4k.jpg", smallPNG: "map4k.png", tokens: "tokens/*"} {
		if b.inputs[name], err = filepath.Glob(filepath.Join(b.work, pattern)); err != nil {
			return err
		}
	}
	return nil
}

// makeContent composes maps of the test data's, at their own scale, so that the detail in them is real.
func makeContent(from, to string) error {
	map1, err := readJPEG(filepath.Join(from, "maps", "wesnoth-world-4096x2160.jpg"))
	if err != nil {
		return err
	}
	map2, err := readJPEG(filepath.Join(from, "maps", "earth-blue-marble-4096x2048.jpg"))
	if err != nil {
		return err
	}
	large := image.NewRGBA(image.Rect(0, 0, 8192, 8192))
	parts := []image.Image{map1, map2}
	for i := range 4 {
		for column := range 2 {
			m := parts[(i+column)%2]
			draw.Draw(large, image.Rect(4096*column, 2048*i, 4096*(column+1), 2048*(i+1)), m, m.Bounds().Min, draw.Src)
		}
	}
	crop := large.SubImage(image.Rect(2048, 1024, 2048+4096, 1024+4096))
	for _, x := range []struct {
		file    string
		m       image.Image
		quality int
	}{{"map8k.jpg", large, 92}, {"map4k.jpg", crop, 90}, {"map4k.png", crop, 0}} {
		if err := writePicture(filepath.Join(to, x.file), x.m, x.quality); err != nil {
			return err
		}
	}
	return makeTokens(filepath.Join(from, "tokens"), filepath.Join(to, "tokens"))
}

// makeTokens makes a hundred tokens of those there are, each with another pixel.
func makeTokens(from, to string) error {
	files, err := filepath.Glob(filepath.Join(from, "[01]*"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("no tokens in %s: %w", from, err)
	}
	if err := os.Mkdir(to, 0o777); err != nil {
		return err
	}
	for i := range 100 {
		m, err := readToken(files[i%len(files)])
		if err != nil {
			return err
		}
		m.SetNRGBA(200, 200, color.NRGBA{byte(i), 100, 50, 255})
		if err := writePicture(filepath.Join(to, fmt.Sprintf("%03d.png", i)), m, 0); err != nil {
			return err
		}
	}
	return nil
}

func readJPEG(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	return jpeg.Decode(f)
}

func readToken(path string) (*image.NRGBA, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // only read
	var m image.Image
	if strings.HasSuffix(path, ".png") {
		m, err = png.Decode(f)
	} else {
		m, err = webp.Decode(f)
	}
	if err != nil {
		return nil, err
	}
	out := image.NewNRGBA(m.Bounds())
	draw.Draw(out, out.Rect, m, m.Bounds().Min, draw.Src)
	return out, nil
}

// writePicture writes a JPEG, or a PNG at quality 0.
func writePicture(path string, m image.Image, quality int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if quality > 0 {
		err = jpeg.Encode(f, m, &jpeg.Options{Quality: quality})
	} else {
		err = (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(f, m)
	}
	return errors.Join(err, f.Close())
}

// findPeers looks which of the other tools are installed. One is enough.
func (b *picturesBench) findPeers(ctx context.Context) error {
	script := filepath.Join(b.work, "pictures.py")
	if err := os.WriteFile(script, pillowProgram, 0o666); err != nil {
		return err
	}
	for _, python := range []string{"/usr/bin/python3", "python3"} {
		if command(ctx, python, "-c", "import PIL").Run() == nil {
			b.peers["Pillow"] = []string{python, script, "-1", "-1"}
			b.peers["Pillow, method 2"] = []string{python, script, "2", "2"}
			b.peers["Pillow, original at 2"] = []string{python, script, "2", "4"}
			break
		}
	}
	if flags, err := command(ctx, "pkg-config", "--cflags", "--libs", "vips").Output(); err == nil {
		source, program := filepath.Join(b.work, "pictures.c"), filepath.Join(b.work, "vips-pictures")
		if err := os.WriteFile(source, vipsProgram, 0o666); err != nil {
			return err
		}
		args := append([]string{"-O2", "-o", program, source}, strings.Fields(string(flags))...)
		if out, err := command(ctx, "cc", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("compile the program for libvips: %w\n%s", err, tail(out))
		}
		b.peers["libvips"] = []string{program, "-1", "-1"}
		b.peers["libvips, effort 2"] = []string{program, "2", "2"}
		b.peers["libvips, original at 2"] = []string{program, "2", "4"}
	}
	if path, err := exec.LookPath("convert-im6.q16"); err == nil {
		b.peers["ImageMagick"] = []string{path}
	}
	if len(b.peers) == 0 {
		return errors.New("there is nothing to compare with: apt-get install python3-pil libvips-dev imagemagick")
	}
	return nil
}

// variant is one way to make the four files of one input.
type variant struct {
	name, input string
	command     func(out string, files []string) []string
	split       int // processes beside each other; 0: one
}

func (b *picturesBench) variants() []variant {
	ours := func(encoder, way string) func(string, []string) []string {
		return func(out string, files []string) []string {
			return append([]string{b.self, picturesFlag, encoder, way, out}, files...)
		}
	}
	var list []variant
	for _, input := range []string{largeJPEG, smallJPEG, smallPNG, tokens} {
		list = append(list, variant{"ours", input, ours("native", "process"), 0})
		if input == smallJPEG || input == tokens {
			list = append(list, variant{"ours, in one process", input, ours("native", "within"), 0})
		}
		if input == largeJPEG || input == smallJPEG {
			list = append(list, variant{"ours, built-in encoder", input, ours("wasm", "process"), 0})
		}
		for _, name := range []string{"Pillow", "Pillow, method 2", "libvips", "libvips, effort 2", "ImageMagick"} {
			line, there := b.peers[name]
			tuned := strings.Contains(name, ", ")
			if !there || input == largeJPEG && name == "ImageMagick" || input == tokens && (tuned || name == "ImageMagick") {
				continue // Debian's policy of ImageMagick forbids pictures that large
			}
			v := variant{name: name, input: input, command: func(out string, files []string) []string {
				return append(append(slices.Clone(line), out), files...)
			}}
			if name == "ImageMagick" {
				v.command = magick(line[0])
			}
			if input == tokens {
				v.split = 2
			}
			list = append(list, v)
		}
	}
	return list
}

// magick makes the four files of one picture, each size from the one before.
func magick(program string) func(string, []string) []string {
	return func(out string, files []string) []string {
		c := []string{program, files[0], "-quality", "85", "-write", filepath.Join(out, "original.webp"), "-quality", "80", "-filter", "Lanczos"}
		for _, box := range []string{"1920", "800", "256"} {
			c = append(c, "-resize", box+"x"+box+">", "-write", filepath.Join(out, box+".webp"))
		}
		return append(c, "null:")
	}
}

func (b *picturesBench) round(ctx context.Context) (map[string]cost, error) {
	costs := map[string]cost{}
	for _, v := range b.variants() {
		out, err := os.MkdirTemp(b.work, "out-")
		if err != nil {
			return nil, err
		}
		c, err := b.measure(ctx, v, out)
		if err != nil {
			return nil, err
		}
		costs[v.name+" "+v.input] = c
		if err := os.RemoveAll(out); err != nil {
			return nil, err
		}
	}
	return costs, nil
}

// measure runs a variant, in as many processes beside each other as it says, and looks whether all files are there.
func (b *picturesBench) measure(ctx context.Context, v variant, out string) (cost, error) {
	files := b.inputs[v.input]
	n := max(v.split, 1)
	costs, failures := make([]cost, n), make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		part := files[i*len(files)/n : (i+1)*len(files)/n]
		group.Go(func() {
			line := v.command(out, part)
			costs[i], _, failures[i] = measure(command(ctx, line[0], line[1:]...))
		})
	}
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return cost{}, err
	}
	made, err := countFiles(out)
	if err != nil {
		return cost{}, err
	}
	if made.Documents < 3*len(files) { // equal sizes may share a file
		return cost{}, fmt.Errorf("%s made %d files of %s", v.name, made.Documents, v.input)
	}
	sum := cost{count: int64(len(files)), bytes: made.Written}
	for _, c := range costs {
		sum.wall = max(sum.wall, c.wall)
		sum.cpu += c.cpu
		sum.peak += c.peak
	}
	return sum, nil
}

func (b *picturesBench) report() report {
	r := report{}
	for _, input := range []string{largeJPEG, smallJPEG, smallPNG, tokens} {
		t := table{title: input, columns: []column{
			{name: "wall", by: byWall, form: "%.2f s"},
			{name: "CPU", by: byCPU, form: "%.2f s"},
			{name: "peak", by: byMegabytes, form: "%.0f MB"},
			{name: "written", by: func(c cost) float64 { return float64(c.bytes) / 1e6 }, form: "%.2f MB"},
		}}
		for _, v := range b.variants() {
			if v.input == input {
				t.rows = append(t.rows, row{v.name, v.name + " " + input})
			}
		}
		r.tables = append(r.tables, t)
	}
	for _, x := range []struct {
		peer, input string
		ours        string
		least       float64
	}{
		{"Pillow", largeJPEG, "ours", 5},
		{"libvips", largeJPEG, "ours", 5},
		{"Pillow, method 2", largeJPEG, "ours", 1.1},
		{"libvips, effort 2", largeJPEG, "ours", 1.1},
		{"Pillow", smallJPEG, "ours", 2.4},
		{"libvips, effort 2", smallJPEG, "ours", 1.2},
		{"libvips", smallPNG, "ours", 1.7},
		{"libvips", tokens, "ours", 1.25},
		{"Pillow", tokens, "ours", 1.05},
		{"libvips", largeJPEG, "ours, built-in encoder", 1},
	} {
		if b.peers[x.peer] != nil {
			r.bars = append(r.bars, bar{
				what: x.input + ": " + x.peer + " to " + x.ours, of: x.peer + " " + x.input, to: x.ours + " " + x.input, by: byWall, least: x.least,
			})
		}
	}
	r.told = append(r.told, bar{
		what: "the process, 4096² JPEG: with it to without", of: "ours " + smallJPEG, to: "ours, in one process " + smallJPEG, by: byWall,
	}, bar{
		what: "the process, 100 tokens: with it to without", of: "ours " + tokens, to: "ours, in one process " + tokens, by: byWall,
	})
	return r
}

// makePictures is what is measured: it makes the files of pictures as a run does, two at a time.
func makePictures(ctx context.Context, out io.Writer, args []string) error {
	if len(args) < 4 {
		return errors.New("encoder, way, folder and files are wanted")
	}
	encoder, _, err := asset.FindEncoder(args[0])
	if err != nil {
		return err
	}
	config := asset.Config{Encoder: encoder}
	render := asset.Render
	if args[1] == "process" {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		pool := renderer.New(renderer.Config{Command: []string{self, picturesServe}})
		defer pool.Close()
		render = pool.Render
	}
	files := make(chan string)
	workers := min(runtime.GOMAXPROCS(0), len(args)-3)
	failures := make([]error, workers)
	var group sync.WaitGroup
	for i := range workers {
		group.Go(func() {
			for path := range files {
				if failures[i] == nil {
					failures[i] = makePicture(ctx, render, config, args[2], path)
				}
			}
		})
	}
	for _, path := range args[3:] {
		files <- path
	}
	close(files)
	group.Wait()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(tally{Documents: len(args) - 3})
}

type renderFunc func(context.Context, []byte, asset.Config) (asset.Result, error)

func makePicture(ctx context.Context, render renderFunc, c asset.Config, out, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	res, err := render(ctx, data, c)
	if err != nil {
		return err
	}
	for _, r := range res.Renditions {
		if err := os.WriteFile(filepath.Join(out, r.FileName(filepath.Base(path))), r.Data, 0o666); err != nil {
			return err
		}
	}
	return nil
}
