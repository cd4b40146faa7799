package table

import (
	"slices"
	"strings"
	"testing"
)

func TestParseRange(t *testing.T) {
	for text, want := range map[string][2]int{
		"1": {1, 1}, "20": {20, 20}, "01–50": {1, 50}, "1-2": {1, 2}, "7‒9": {7, 9}, "3 — 4": {3, 4}, "91–00": {91, 100}, "00": {100, 100},
		"000": {1000, 1000}, "96+": {96, -1}, "12 or more": {12, -1}, "10 or higher": {10, -1}, "5 or less": {-1, 5}, "up to 6": {-1, 6}, "≤ 3": {-1, 3},
		"4.": {4, 4}, "5)": {5, 5}, "1 to 3": {1, 3}, "19 oder mehr": {19, -1}, "0": {0, 0}, "20–": {20, -1},
	} {
		low, high, ok := parseRange(text)
		if !ok || low != want[0] || high != want[1] {
			t.Errorf("%q is %d to %d, %v; want %v", text, low, high, ok, want)
		}
	}
	for _, text := range []string{"", "one", "1d6", "1/2", "+2", "−1", "5 gp", "1st", "10,000", "12345"} {
		if low, high, ok := parseRange(text); ok {
			t.Errorf("%q is read as %d to %d", text, low, high)
		}
	}
}

func TestParseRoll(t *testing.T) {
	for name, want := range map[string]string{
		"d8": "1d8", "d100": "1d100", "1d6": "1d6", "2d6": "2d6", "d%": "1d100", "D20": "1d20", "W6": "1d6", "Roll (1d12)": "1d12", "d6 Result": "1d6",
		"Roll d10": "1d10", "d66": "1d66", "2d6 + Cha": "2d6",
	} {
		if r, ok := parseRoll(name); !ok || r.String() != want {
			t.Errorf("%q is %v, %v; want %s", name, r, ok, want)
		}
	}
	for _, name := range []string{"", "Effect", "Level", "d0", "d1", "0d6", "dragon", "Effect that lasts for 1d10 minutes", "2nd"} {
		if r, ok := parseRoll(name); ok {
			t.Errorf("%q is read as %v", name, r)
		}
	}
}

func TestFindDice(t *testing.T) {
	for _, tt := range []struct {
		name    string
		rows    string // cells apart by bars
		header  int
		caption string
		formula string // empty: no column of rolls
		column  int
		ranges  int
		gaps    []string
	}{
		{"a die names the column", "d6|Terrain/1|a/2|b/3|c/4|d/5|e/6|f", 1, "", "1d6", 0, 6, nil},
		{"also when it is not the first", "Terrain|1d4/a|1/b|2/c|3–4", 1, "", "1d4", 1, 3, nil},
		{"hundred sides", "d100|Effect/01–50|a/51–99|b/00|c", 1, "", "1d100", 0, 3, nil},
		{"ten sides with a 0", "d10|Effect/1–9|a/0|b", 1, "", "1d10", 0, 2, nil},
		{"ten sides up to 0", "d10|Effect/1–4|a/5–0|b", 1, "", "1d10", 0, 2, nil},
		{"ends that are open", "2d6|Effect/3 or less|a/4–9|b/10+|c", 1, "", "2d6", 0, 3, nil},
		{"two dice read as digits", "d66|Effect/11–16|a/21–36|b/41–66|c", 1, "", "1d66", 0, 3, nil},
		{"two halves", "d4|A|d4|B/1|a|3|c/2|b|4|d", 1, "", "1d4", 0, 4, nil},
		{"rolls that no row has", "d8|Effect/1|a/2–3|b/7|c", 1, "", "1d8", 0, 3, []string{"no row for 4–6", "no row for 8"}},
		{"rolls that several rows have", "d6|Effect/1–3|a/3–4|b/4–6|c", 1, "", "1d6", 0, 3, []string{"several rows for 3–4"}},
		{"rolls that there are not", "d6|Effect/1–5|a/6|b/7|c/8–9|d", 1, "", "1d6", 0, 4, []string{"7–9 cannot be rolled with 1d6"}},
		{"a digit that no die has", "d66|Effect/11–16|a/21–26|b/31–66|c", 1, "", "1d66", 0, 3, nil},
		{"a range the wrong way", "d6|Effect/1–2|a/5–3|b/6|c", 1, "", "1d6", 0, 3, []string{"5–3 ends before it begins", "no row for 3–5"}},
		{"a cell that is no roll", "d6|Effect/1|a/2|b/3|c/4|d/5|e/six|f", 1, "", "1d6", 0, 5, []string{`row 6: "six" is nothing that can be rolled`, "no row for 6"}},
		{"no name, but the ends of a die", "1–10|a/11–19|b/20|c", 0, "", "1d20", 0, 3, nil},
		{"no name, but the ends of two dice", "2–4|a/5–9|b/10–12|c", 0, "", "2d6", 0, 3, nil},
		{"a name that says to roll", "Roll|Effect/1–2|a/3–4|b/5–6|c", 1, "", "1d6", 0, 3, nil},
		{"groups have no rolls", "d4|Effect/!Good/1|a/2|b/!Bad/3|c/4|d", 1, "", "1d4", 0, 4, nil},
		{"no name, but a caption that says it", "1|a/2|b/4–6|c", 0, "Encounters (d6)", "1d6", 0, 3, []string{"no row for 3"}},
		{"numbers with another name", "Level|Bonus/1|+1/2|+1/3|+2/4|+2", 1, "", "", 0, 0, nil},
		{"numbers that begin late", "3|a/4|b/5|c/6|d", 0, "", "", 0, 0, nil},
		{"numbers with gaps and no name", "1|a/3|b/6|c", 0, "", "", 0, 0, nil},
		{"a die above words", "d6|Effect/a|1/b|2", 1, "", "", 0, 0, nil},
		{"a die in a name of many words", "What happens for 1d10 minutes|b/1|c/2|d", 1, "", "", 0, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var rows [][]Cell
			for line := range strings.SplitSeq(tt.rows, "/") {
				if name, group := strings.CutPrefix(line, "!"); group {
					rows = append(rows, []Cell{{Text: name, Span: 2}, {}})
					continue
				}
				var row []Cell
				for text := range strings.SplitSeq(line, "|") {
					row = append(row, Cell{Text: text, Span: 1})
				}
				rows = append(rows, row)
			}
			d := findDice(rows, tt.header, tt.caption)
			if d == nil {
				if tt.formula != "" {
					t.Fatal("no column of rolls was found")
				}
				return
			}
			if d.Formula != tt.formula || d.Column != tt.column || len(d.Ranges) != tt.ranges || !slices.Equal(d.Gaps, tt.gaps) {
				t.Errorf("found %+v", d)
			}
		})
	}
}

// TestRangesAreWhole: ends that are not said are filled in, and each range knows its row and column.
func TestRangesAreWhole(t *testing.T) {
	cell := func(text string) Cell { return Cell{Text: text, Span: 1} }
	d := findDice([][]Cell{
		{cell("2d6"), cell("A"), cell("2d6"), cell("B")},
		{cell("3 or less"), cell("a"), cell("8–9"), cell("c")},
		{cell("4–7"), cell("b"), cell("10+"), cell("d")},
	}, 1, "")
	want := []Range{
		{Row: 1, Low: 2, High: 3, Column: 0},
		{Row: 2, Low: 4, High: 7, Column: 0},
		{Row: 1, Low: 8, High: 9, Column: 2},
		{Row: 2, Low: 10, High: 12, Column: 2},
	}
	if d == nil || !slices.Equal(d.Ranges, want) || len(d.Gaps) > 0 {
		t.Errorf("got %+v, want ranges %v", d, want)
	}
}
