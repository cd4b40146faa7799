package pdf

import (
	"math"
	"strings"
	"testing"
)

func TestCompareText(t *testing.T) {
	one := "The aboleth makes three tentacle attacks. If it hits, the target is grappled by the slimy thing."
	two := "A deva regains twenty hit points, and is freed from any curse that a lesser being has put on it."
	for _, tt := range []struct {
		name      string
		want, got string
		score     Text
	}{
		{"equal", one, one, Text{1, 1, 1, 1}},
		{"case, signs, lines and ligatures do not matter", "The ﬁend’s “Fire”, 3d6.", "the FIEND s\nfire 3D6", Text{1, 1, math.NaN(), 1}},
		{"nothing in common", one, strings.ToUpper("xyzzy plugh"), Text{0, 0, 0, math.NaN()}},
		{"halves changed over", one + " " + two, two + " " + one, Text{1, 33. / 35, 19. / 28, 17. / 31}},
		{
			"words divided", "seven hit points remain to all of them here now ok", "se ven hit points remain to all of them here now ok",
			Text{2 * 10. / 23, 2 * 8. / 19, 1. / 2, 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := CompareText(tt.want, tt.got)
			for what, n := range map[string][2]float64{
				"words": {got.Words, tt.score.Words}, "trigrams": {got.Trigrams, tt.score.Trigrams},
				"tens": {got.Tens, tt.score.Tens}, "order": {got.Order, tt.score.Order},
			} {
				if math.Abs(n[0]-n[1]) > 1e-9 || math.IsNaN(n[0]) != math.IsNaN(n[1]) {
					t.Errorf("%s: %v, want %v", what, n[0], n[1])
				}
			}
		})
	}
}

func TestRising(t *testing.T) {
	for _, tt := range []struct {
		numbers []int
		want    int
	}{{nil, 0}, {[]int{7}, 1}, {[]int{3, 2, 1}, 1}, {[]int{1, 2, 3}, 3}, {[]int{5, 1, 2, 9, 3, 4}, 4}, {[]int{10, 11, 1, 12, 2}, 3}} {
		if got := rising(tt.numbers); got != tt.want {
			t.Errorf("%v: %d, want %d", tt.numbers, got, tt.want)
		}
	}
}

func TestCompareHeadings(t *testing.T) {
	want := []Heading{{"Monsters", 1, 0}, {"Table: Dragons", 2, 1}, {"Dwarves", 4, 1}, {"Elves", 9, 0}}
	got := []Heading{{"MONSTERS", 1, 0}, {"Dragons", 3, 2}, {"Dwarves", 4, 1}, {"Elves", 20, 0}, {"Monsters", 1, 3}}
	if score := CompareHeadings(want, got); score != (Headings{Precision: 3. / 5, Recall: 3. / 4, Levels: 1. / 2}) {
		t.Errorf("%+v", score)
	}
}
