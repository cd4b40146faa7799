package page

import (
	"strconv"
	"strings"
	"testing"
)

func TestSpark(t *testing.T) {
	long := make([]float64, 600)
	for i := range long {
		long[i] = float64(i % 7)
	}
	for name, rates := range map[string][]float64{
		"two": {1, 2}, "a minute and more": long, "all still": make([]float64, 60), "below zero": {-5, 5}, "huge": {1e12, 0},
	} {
		line, area := spark(rates)
		points := strings.Fields(line)
		if want := min(len(rates), sparkSeconds); len(points) != want {
			t.Errorf("%s: %d points, want %d", name, len(points), want)
		}
		for _, p := range append(points, strings.Fields(area)...) {
			x, y, _ := strings.Cut(p, ",")
			if outside(t, x, sparkWidth) || outside(t, y, sparkHeight) {
				t.Errorf("%s: %s is outside of the box", name, p)
			}
		}
		if !strings.HasPrefix(points[len(points)-1], "120.0,") {
			t.Errorf("%s: the newest is at %s, not at the right edge", name, points[len(points)-1])
		}
	}
	for _, rates := range [][]float64{nil, {1}} {
		if line, _ := spark(rates); line != "" {
			t.Errorf("%v makes a line", rates)
		}
	}
}

func outside(t *testing.T, coordinate string, size float64) bool {
	t.Helper()
	v, err := strconv.ParseFloat(coordinate, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v < 0 || v > size
}
