package layout

import "github.com/seed-98789ff7/converter/plugins/pdf/page"

// Join puts places together that follow each other down a column.
func Join(places []Place) []Place {
	var joined []Place
	for _, p := range places {
		n := len(joined)
		if n == 0 || !joined[n-1].above(p) {
			joined = append(joined, p)
			continue
		}
		box := &joined[n-1].Box
		*box = page.Box{X0: min(box.X0, p.Box.X0), Y0: min(box.Y0, p.Box.Y0), X1: max(box.X1, p.Box.X1), Y1: max(box.Y1, p.Box.Y1)}
	}
	return joined
}

// above reports whether a place is above another in the same column: they share at least half of the narrower one's width.
func (a Place) above(b Place) bool {
	shared := min(a.Box.X1, b.Box.X1) - max(a.Box.X0, b.Box.X0)
	narrow := min(a.Box.X1-a.Box.X0, b.Box.X1-b.Box.X0)
	return a.Page == b.Page && b.Box.Y0 >= a.Box.Y0 && shared*2 >= narrow
}
