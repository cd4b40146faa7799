package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/asset"
)

// picturesMany makes this program one that makes a module of many pictures:
//
//	bench -pictures-many FROM DIR N
const picturesMany = "-pictures-many"

// parts is how many parts of a run are compared with each other.
const parts = 5

// many looks at one run over a folder of thousands of pictures, part by part, and at a second run over the same. What it
// takes of memory and time is that of the program and all it has started.
func many(ctx context.Context, s settings) (report, error) {
	if s.pictures < 10*parts {
		return report{}, fmt.Errorf("-pictures %d: at least %d are wanted", s.pictures, 10*parts)
	}
	b := manyBench{settings: s, library: filepath.Join(s.work, "Data")}
	if err := b.prepare(ctx); err != nil {
		return report{}, err
	}
	r := b.report()
	for n := range s.rounds { // each run is compared with itself, so that no round is needed to warm up
		s.begin("images-many", n+1)
		costs, err := b.round(ctx, filepath.Join(s.work, fmt.Sprintf("many-%d", n)))
		if err != nil {
			return report{}, err
		}
		r.rounds = append(r.rounds, costs)
	}
	return r, nil
}

type manyBench struct {
	settings
	library string
}

func (b *manyBench) converter() string { return filepath.Join(b.repo, "bin", "converter") }

func (b *manyBench) prepare(ctx context.Context) error {
	from := filepath.Join(b.data, "images")
	if err := errors.Join(need(from, "set CONVERTER_TESTDATA to the folder that has it"), need(b.converter(), "run ./task build")); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fmt.Fprintf(b.say, "images-many: making %d pictures\n", b.pictures)
	_, _, err = measure(command(ctx, self, picturesMany, from, b.library, strconv.Itoa(b.pictures)))
	return err
}

// The variants.
const (
	firstRun   = "first run, all of it"
	secondRun  = "second run, all of it"
	ofPictures = "first run, while it makes pictures"
	allCores   = "as many cores as there are"
)

func part(n int) string { return fmt.Sprintf("pictures, part %d of %d", n, parts) }

func (b *manyBench) round(ctx context.Context, dir string) (map[string]cost, error) {
	const more = "assets: {memory_mb: 1024}\n"
	first, err := runOver(ctx, b.converter(), dir, b.library, more, "json")
	if err != nil {
		return nil, err
	}
	settle()
	costs, err := b.parts(first)
	if err != nil {
		return nil, err
	}
	second, err := runOver(ctx, b.converter(), dir, b.library, more, "none")
	if err != nil {
		return nil, err
	}
	settle()
	if costs[secondRun], _, err = measure(second); err != nil {
		return nil, err
	}
	return costs, hollow(dir)
}

// moment is how far a run was at a time, and what it had taken by then.
type moment struct {
	at   time.Time
	cpu  time.Duration
	rss  int64 // of all its processes, the most since the moment before
	done int64
}

// parts runs a command that tells its progress in JSON, and returns what the parts of its pictures took.
func (b *manyBench) parts(c *exec.Cmd) (map[string]cost, error) {
	told, tell := io.Pipe()
	c.Stderr = tell
	heard := make(chan []moment)
	go func() { heard <- moments(told, func() (time.Duration, int64) { return family(c.Process.Pid) }) }()
	all, _, err := measure(c)
	_ = tell.Close() // it returns none
	seen := <-heard
	if err != nil {
		return nil, err
	}
	costs := map[string]cost{firstRun: all, allCores: {wall: time.Second, cpu: time.Duration(runtime.NumCPU()) * time.Second}}
	marks := make([]moment, parts+1)
	for i := range marks {
		if marks[i], err = when(seen, int64(i*b.pictures/parts)); err != nil {
			return nil, err
		}
	}
	for i := range parts {
		costs[part(i+1)] = span(marks[i], marks[i+1], seen)
	}
	costs[ofPictures] = span(marks[0], marks[parts], seen)
	return costs, nil
}

// moments follows a run to its end. Sample returns what it has taken of CPU, and has of memory.
func moments(told io.Reader, sample func() (time.Duration, int64)) []moment {
	lines := bufio.NewReader(told)
	var list []moment
	var mu sync.Mutex // guards most
	var most int64
	stop := make(chan struct{})
	var beside sync.WaitGroup
	beside.Go(func() {
		tick := time.NewTicker(500 * time.Millisecond) // more often, and looking takes a tenth of a core
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, rss := sample()
				mu.Lock()
				most = max(most, rss)
				mu.Unlock()
			case <-stop:
				return
			}
		}
	})
	for {
		text, err := lines.ReadBytes('\n')
		var s struct {
			Type   string `json:"type"`
			Stages []struct {
				Stage           string `json:"stage"`
				Written, Cached int64
			} `json:"stages"`
		}
		if json.Unmarshal(text, &s) == nil && s.Type == "status" {
			cpu, rss := sample()
			m := moment{at: time.Now(), cpu: cpu}
			mu.Lock()
			m.rss, most = max(most, rss), 0
			mu.Unlock()
			for _, stage := range s.Stages {
				if stage.Stage == core.StageAssets.String() {
					m.done = stage.Written + stage.Cached
				}
			}
			list = append(list, m)
		}
		if err != nil {
			close(stop)
			beside.Wait()
			return list
		}
	}
}

// when is the moment at which so many pictures were done, between those that were seen.
func when(seen []moment, done int64) (moment, error) {
	for i := range seen {
		m := seen[i]
		switch {
		case m.done < done || done == 0 && i+1 < len(seen) && seen[i+1].done == 0:
			continue // nothing is done yet, and nothing will be for a while
		case m.done == done || i == 0:
			return m, nil
		}
		before := seen[i-1]
		share := float64(done-before.done) / float64(m.done-before.done)
		m.at = before.at.Add(time.Duration(share * float64(m.at.Sub(before.at))))
		m.cpu = before.cpu + time.Duration(share*float64(m.cpu-before.cpu))
		m.done = done
		return m, nil
	}
	return moment{}, fmt.Errorf("the run did not tell of its picture %d", done)
}

// span is what a run took from one moment to another.
func span(from, to moment, seen []moment) cost {
	c := cost{wall: to.at.Sub(from.at), cpu: to.cpu - from.cpu, count: to.done - from.done}
	for _, m := range seen {
		if !m.at.Before(from.at) && !m.at.After(to.at) {
			c.peak = max(c.peak, m.rss)
		}
	}
	return c
}

func byBusy(c cost) float64 { return c.cpu.Seconds() / c.wall.Seconds() }

func (b *manyBench) report() report {
	t := table{title: fmt.Sprintf("%d pictures", b.pictures), columns: []column{
		{name: "wall", by: byWall, form: "%.2f s"},
		{name: "CPU", by: byCPU, form: "%.2f s"},
		{name: "cores", by: byBusy, form: "%.2f"},
		{name: "peak", by: byMegabytes, form: "%.0f MB"},
		{name: "a second", by: func(c cost) float64 { return float64(c.count) / c.wall.Seconds() }, form: "%.1f"},
		{name: "CPU each", by: func(c cost) float64 { return 1000 * c.cpu.Seconds() / float64(c.count) }, form: "%.2f ms"},
	}}
	for n := range parts {
		t.rows = append(t.rows, row{part(n + 1), part(n + 1)})
	}
	t.rows = append(t.rows, rows(ofPictures)...)
	whole := table{title: "runs", columns: t.columns[:4], rows: rows(firstRun, secondRun)}
	return report{
		tables: []table{t, whole},
		bars: []bar{
			{what: "CPU of a picture, last part to first", of: part(parts), to: part(1), by: byCPU, least: 0.9, most: 1.1},
			{what: "memory, last part to second", of: part(parts), to: part(2), by: byPeak, most: 1.1},
			{what: "cores at work, of those there are", of: ofPictures, to: allCores, by: byBusy, least: 0.91},
			{what: "second run to first", of: secondRun, to: firstRun, by: byCPU, most: 0.05},
		},
		told: []bar{{what: "time of a picture, last part to first", of: part(parts), to: part(1), by: byWall}},
	}
}

// makeMany makes a Foundry module with a pack of items, each of which has a picture of its own. The kinds of pictures take turns,
// so that each part of the run has the same work.
func makeMany(ctx context.Context, from, to string, n int) error {
	c, err := newCrops(from)
	if err != nil {
		return err
	}
	dir := filepath.Join(to, "modules", "many")
	for _, folder := range []string{"img", "packs"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o777); err != nil {
			return err
		}
	}
	const manifest = `{"id":"many","title":"Many pictures","version":"1.0.0","packs":[{"name":"items","label":"Items","type":"Item","path":"packs/items.db"}]}`
	if err := os.WriteFile(filepath.Join(dir, "module.json"), []byte(manifest), 0o666); err != nil {
		return err
	}
	names, err := c.makeAll(ctx, filepath.Join(dir, "img"), n)
	if err != nil {
		return err
	}
	pack, err := os.Create(filepath.Join(dir, "packs", "items.db"))
	if err != nil {
		return err
	}
	w := bufio.NewWriter(pack)
	for i, name := range names {
		fmt.Fprintf(w, `{"_id":"many%012d","name":"Picture %d","type":"loot","img":"modules/many/img/%s","system":{}}`+"\n", i, i, name)
	}
	return errors.Join(w.Flush(), pack.Close())
}

// crops are the pictures that others are cut from.
type crops struct {
	webp   asset.Encoder
	map1   image.Image
	tokens []*image.NRGBA
}

func newCrops(from string) (c crops, err error) {
	if c.webp, _, err = asset.FindEncoder(asset.EncoderAuto); err != nil {
		return c, err
	}
	if c.map1, err = readJPEG(filepath.Join(from, "maps", "wesnoth-world-4096x2160.jpg")); err != nil {
		return c, err
	}
	files, err := filepath.Glob(filepath.Join(from, "tokens", "[01]*"))
	if err != nil || len(files) == 0 {
		return c, fmt.Errorf("no tokens in %s: %w", from, err)
	}
	for _, file := range files {
		token, err := readToken(file)
		if err != nil {
			return c, err
		}
		c.tokens = append(c.tokens, token)
	}
	return c, nil
}

func (c crops) makeAll(ctx context.Context, dir string, n int) ([]string, error) {
	names, failures := make([]string, n), make([]error, runtime.GOMAXPROCS(0))
	var group sync.WaitGroup
	for first := range failures {
		group.Go(func() {
			for i := first; i < n && failures[first] == nil; i += len(failures) {
				names[i], failures[first] = c.make(ctx, dir, i)
			}
		})
	}
	group.Wait()
	return names, errors.Join(failures...)
}

// make makes one picture, which differs from all others: five of ten are tokens as PNG, two as WebP, two portraits and one scene as
// JPEG.
func (c crops) make(ctx context.Context, dir string, i int) (name string, err error) {
	base := filepath.Join(dir, fmt.Sprintf("%05d", i))
	switch kind := i % 10; {
	case kind < 7:
		token := c.tokens[i/10%len(c.tokens)]
		m := image.NewNRGBA(token.Rect)
		copy(m.Pix, token.Pix)
		m.SetNRGBA(200, 200, color.NRGBA{byte(i), byte(i >> 8), 50, 255})
		if kind < 5 {
			return filepath.Base(base) + ".png", writePicture(base+".png", m, 0)
		}
		m.SetNRGBA(200, 202, color.NRGBA{byte(i), byte(i >> 8), 50, 255})
		for y := range 16 { // what a lossy coding does not lose
			draw.Draw(m, image.Rect(100+i>>y&1*8, 100+8*y, 108+i>>y&1*8, 108+8*y), image.NewUniform(color.NRGBA{255, 0, 0, 255}), image.Point{}, draw.Src)
		}
		data, err := c.webp.Encode(ctx, m, 90, 0)
		if err != nil {
			return "", err
		}
		return filepath.Base(base) + ".webp", os.WriteFile(base+".webp", data, 0o666)
	default:
		size := image.Pt(600, 800)
		if kind == 9 {
			size = image.Pt(1600, 1200)
		}
		room := c.map1.Bounds().Size().Sub(size)
		at := image.Pt(i*131%room.X, i*57%room.Y)
		m := image.NewRGBA(image.Rectangle{Max: size})
		draw.Draw(m, m.Rect, c.map1, at, draw.Src)
		return filepath.Base(base) + ".jpg", writePicture(base+".jpg", m, 88)
	}
}
