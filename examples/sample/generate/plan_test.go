package main

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestWhatIsBuiltStandsOnLand(t *testing.T) {
	for _, h := range append(houses(), fields()...) {
		for _, p := range h.corners() {
			if land(p.x, p.y) <= 0 {
				t.Errorf("the house at %g, %g has a corner in the sea: %.0f, %.0f", h.x, h.y, p.x, p.y)
			}
		}
	}
	for i, l := range lamps() {
		if land(l.x, l.y) <= 0 {
			t.Errorf("lamp %d stands in the sea", i+1)
		}
	}
	if p := ninth(); land(p.x, p.y) > 0 {
		t.Error("the ninth lamp stands on land")
	}
	for i, p := range piers() {
		if land(p[0].x, p[0].y) <= 0 || land(p[1].x, p[1].y) > 0 {
			t.Errorf("pier %d does not lead from land to sea", i+1)
		}
	}
	for _, b := range boats() {
		if land(b.x, b.y) > 0 {
			t.Errorf("the boat at %g, %g lies on land", b.x, b.y)
		}
	}
}

// The scenes have a wall wherever the map has one: three whole sides of each house, and the fourth with a door in it.
func TestTheScenesFollowThePlan(t *testing.T) {
	documents, err := readPack(os.DirFS(sourceDir), moduleDir+"/packs/scenes")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		walls, doors := map[string]bool{}, 0
		for _, w := range list(d.body, "walls") {
			walls[fmt.Sprint(member(w, "c"))] = true
			if fmt.Sprint(member(w, "door")) == "1" {
				doors++
			}
		}
		for _, h := range houses() {
			k := h.corners()
			for _, side := range [][2]point{{k[0], k[1]}, {k[1], k[2]}, {k[3], k[0]}} {
				if c := coordinates(side[0], side[1]); !walls[c] {
					t.Errorf("%s: the house at %g, %g has no wall %s", d.file, h.x, h.y, c)
				}
			}
		}
		if want := len(houses()) + 1; doors != want {
			t.Errorf("%s: %d doors, want one for each house and one for the tower, %d", d.file, doors, want)
		}
		lights := map[string]bool{}
		for _, l := range list(d.body, "lights") {
			lights[fmt.Sprint(member(l, "x"), member(l, "y"))] = true
		}
		for i, l := range lamps() {
			if !lights[fmt.Sprint(int(l.x), int(l.y))] {
				t.Errorf("%s: lamp %d at %g, %g gives no light", d.file, i+1, l.x, l.y)
			}
		}
	}
}

func list(body yaml.MapSlice, name string) []yaml.MapSlice {
	var out []yaml.MapSlice
	items, _ := member(body, name).([]any)
	for _, item := range items {
		if m, ok := item.(yaml.MapSlice); ok {
			out = append(out, m)
		}
	}
	return out
}

func coordinates(a, b point) string {
	whole := func(v float64) int { return int(math.Floor(v + 0.5)) }
	return fmt.Sprint([]any{whole(a.x), whole(a.y), whole(b.x), whole(b.y)})
}

// The distance transform agrees with looking at every pair of pixels.
func TestDistances(t *testing.T) {
	const w, h = 17, 11
	target := func(i int) bool { return hash(i, 0, 5)%23 == 0 }
	got := distances(w, h, target)
	for i := range w * h {
		nearest := math.Inf(1)
		for j := range w * h {
			if target(j) {
				dx, dy := float64(i%w-j%w), float64(i/w-j/w)
				nearest = min(nearest, dx*dx+dy*dy)
			}
		}
		if got[i] != nearest {
			t.Fatalf("pixel %d: %g, want %g", i, got[i], nearest)
		}
	}
}

// What is painted beyond the edge of the canvas does no harm, and a hole stays a hole.
func TestShapesMayLeaveTheCanvas(t *testing.T) {
	c := newCanvas(20, 20)
	c.fill(circle(-40, -40, 10), plain(hex(0xff0000)))
	c.fill(circle(0, 0, 30), plain(hex(0x00ff00)))
	c.fill(ring(10, 10, 200, 4), plain(hex(0x0000ff)))
	c.glow(circle(20, 20, 4), 3, plain(hex(0xffffff)))
	if p := c.picture.NRGBA64At(10, 10); p.G != 65535 || p.B != 0 {
		t.Errorf("the hole of the ring is %v", p)
	}
	if p := c.picture.NRGBA64At(1, 10); p.B != 65535 || p.G != 0 {
		t.Errorf("the ring is %v", p)
	}
}
