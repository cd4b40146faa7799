package pdf

import (
	"math"
	"slices"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

func TestCompareTables(t *testing.T) {
	armor := [][]string{{"Armor", "Cost"}, {"Light Armor"}, {"Padded", "5 gp"}, {"Leather", "10 gp"}, {"Hide", "12 gp"}}
	races := [][]string{{"Race", "Speed"}, {"Elf", "30"}, {"Dwarf", "25"}}
	scores := [][]string{{"STR", "DEX"}, {"21", "9"}}
	strange := [][]string{{"the quick", "brown fox"}, {"jumps over", "a dog"}}
	// The first has 12 pairs of neighbours, the second 7.
	perfect := Tables{Wanted: 2, Found: 2, Whole: 2, Detected: 2, Precision: 1, Recall: 1, F1: 1}
	with := func(change func(*Tables)) Tables {
		s := perfect
		change(&s)
		return s
	}
	for _, tt := range []struct {
		name  string
		found [][][]string
		want  Tables
	}{
		{"both", [][][]string{races, armor}, perfect},
		{"in parts", [][][]string{armor[:3], armor[3:], races}, with(func(s *Tables) { s.Detected, s.Recall, s.F1 = 3, 17.0/19, 34.0/36 })},
		{"as one", [][][]string{slices.Concat(armor, races)}, with(func(s *Tables) { s.Detected, s.Precision, s.F1 = 1, 19.0/21, 38.0/40 })},
		{"one of them", [][][]string{armor}, with(func(s *Tables) {
			s.Found, s.Whole, s.Detected, s.Recall, s.F1, s.Missed = 1, 1, 1, 12.0/19, 24.0/31, []int{1}
		})},
		{"with rows lost", [][][]string{armor, races[1:]}, with(func(s *Tables) {
			s.Whole, s.Recall, s.F1, s.Torn = 1, 16.0/19, 32.0/35, []int{1}
		})},
		{"and one that is not wanted", [][][]string{armor, races, scores}, with(func(s *Tables) { s.Detected = 3 })},
		{"and one that is none", [][][]string{armor, races, strange}, with(func(s *Tables) {
			s.Detected, s.False, s.Precision, s.F1 = 3, []int{2}, 19.0/23, 38.0/42
		})},
		{"none", nil, Tables{Wanted: 2, Missed: []int{0, 1}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := CompareTables(gridsOf(tt.found), gridsOf([][][]string{armor, races}), gridsOf([][][]string{armor, races, scores}))
			near := func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
			if got.Wanted != tt.want.Wanted || got.Found != tt.want.Found || got.Whole != tt.want.Whole || got.Detected != tt.want.Detected ||
				!near(got.Precision, tt.want.Precision) || !near(got.Recall, tt.want.Recall) || !near(got.F1, tt.want.F1) ||
				!slices.Equal(got.Missed, tt.want.Missed) || !slices.Equal(got.Torn, tt.want.Torn) || !slices.Equal(got.False, tt.want.False) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

// TestNeighbours: a cell over several columns is a neighbour of each of those below it, cells without text are passed over.
func TestNeighbours(t *testing.T) {
	got := FromTable(&table.Table{Rows: [][]table.Cell{
		{{Text: "Level", Span: 1}, {Text: "Slots", Span: 2}, {}},
		{{Span: 1}, {Text: "1st", Span: 1}, {Text: "—", Span: 1}},
		{{Text: "1", Span: 1}, {Span: 1}, {Text: "2 ½", Span: 1}},
	}}).pairs()
	want := map[pair]int{
		{"level", "slots", false}: 1, {"slots", "1st", true}: 1, {"slots", "-", true}: 1, {"1st", "-", false}: 1,
		{"level", "1", true}: 1, {"-", "212", true}: 1, {"1", "212", false}: 1,
	}
	if len(got) != len(want) || shared(got, want) != total(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestTables holds what is found in the reference document to its bars, page by page and without joining what goes on.
