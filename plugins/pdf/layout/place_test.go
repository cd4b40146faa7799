package layout

import (
	"slices"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

func TestJoin(t *testing.T) {
	at := func(number int, x0, y0, x1, y1 float32) Place {
		return Place{number, page.Box{X0: x0, Y0: y0, X1: x1, Y1: y1}}
	}
	got := Join([]Place{
		at(1, 10, 10, 100, 20), at(1, 12, 22, 60, 32), at(1, 20, 34, 110, 44), // down a column
		at(1, 120, 10, 200, 20),                          // the next column
		at(1, 125, 5, 200, 8),                            // above
		at(2, 125, 30, 200, 40), at(2, 195, 50, 300, 60), // another page; hardly below
	})
	want := []Place{at(1, 10, 10, 110, 44), at(1, 120, 10, 200, 20), at(1, 125, 5, 200, 8), at(2, 125, 30, 200, 40), at(2, 195, 50, 300, 60)}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if Join(nil) != nil {
		t.Error("of nothing there is something")
	}
}
