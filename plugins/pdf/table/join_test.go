package table_test

import (
	"slices"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// TestJoin: two parts of a table, and two tables, one at the end of a page and one at the top of the next.
func TestJoin(t *testing.T) {
	two, right := []float32{50, 150}, []float32{80, 180}
	upper := func() draft {
		return newDraft().row(sansBold, 700, two, "d6", "Terrain").row(sans, 712, two, "1", "Hills").row(sans, 724, two, "2", "River and")
	}
	for _, tt := range []struct {
		name         string
		upper, lower draft
		want         string // empty: they are not joined
	}{
		{
			"rows alone",
			upper(), newDraft().row(sans, 60, two, "3", "Sea").row(sans, 72, two, "4", "Plain").row(sans, 84, two, "5", "Wood"),
			"d6|Terrain\n---\n1|Hills\n2|River and\n3|Sea\n4|Plain\n5|Wood",
		},
		{
			"rows further to the right",
			upper(), newDraft().row(sans, 60, right, "3", "Sea").row(sans, 72, right, "4", "Plain").row(sans, 84, right, "5", "Wood"),
			"d6|Terrain\n---\n1|Hills\n2|River and\n3|Sea\n4|Plain\n5|Wood",
		},
		{
			"the same names again",
			upper(), newDraft().row(sansBold, 60, two, "d6", "Terrain").row(sans, 72, two, "3", "Sea").row(sans, 84, two, "4", "Plain"),
			"d6|Terrain\n---\n1|Hills\n2|River and\n3|Sea\n4|Plain",
		},
		{
			"one row, which begins with the rest of a cell",
			upper(), newDraft().put(sans, 150, 60, "lake").row(sans, 72, two, "3", "Sea").prose(body, 50, 100, 400, 2),
			"d6|Terrain\n---\n1|Hills\n2|River and lake\n3|Sea",
		},
		{
			"one bold row of a table that is bold",
			newDraft().row(sansBold, 700, two, "d6", "Terrain").row(sansBold, 712, two, "1", "Hills").row(sansBold, 724, two, "2", "River"),
			newDraft().row(sansBold, 60, two, "3", "Sea").prose(body, 50, 100, 400, 2),
			"d6|Terrain\n---\n1|Hills\n2|River\n3|Sea",
		},
		{
			"names alone, and rows",
			newDraft().prose(body, 50, 600, 400, 2).rule(45, 708).row(bodyBold, 720, two, "d6", "Terrain").rule(45, 725),
			newDraft().row(body, 60, two, "1", "Sea").row(body, 72, two, "2", "Plain").row(body, 84, two, "3", "Wood").row(body, 96, two, "4", "Hills"),
			"d6|Terrain\n---\n1|Sea\n2|Plain\n3|Wood\n4|Hills",
		},
		{
			"other names",
			upper(), newDraft().row(sansBold, 60, two, "Race", "Speed").row(sans, 72, two, "Elf", "30").row(sans, 84, two, "Orc", "20"),
			"",
		},
		{
			"a caption",
			upper(), newDraft().sized(sansBold, 12, 50, 60, "Races").row(sansBold, 76, two, "d6", "Terrain").row(sans, 88, two, "1", "Elf"),
			"",
		},
		{
			"more columns",
			upper(), newDraft().row(sans, 60, []float32{50, 150, 250}, "3", "Sea", "a").row(sans, 72, []float32{50, 150, 250}, "4", "Plain", "b").row(sans, 84, []float32{50, 150, 250}, "5", "Wood", "c"),
			"",
		},
		{
			"columns elsewhere",
			upper(), newDraft().row(sans, 60, []float32{50, 190}, "Sea of the dead kings and", "x").row(sans, 72, []float32{50, 190}, "Plain of the living queens", "y").row(sans, 84, []float32{50, 190}, "Wood", "z"),
			"",
		},
		{
			"another size",
			upper(), newDraft().sized(sans, 14, 50, 60, "3").sized(sans, 14, 150, 60, "Sea").sized(sans, 14, 50, 78, "4").sized(sans, 14, 150, 78, "Plain").
				sized(sans, 14, 50, 96, "5").sized(sans, 14, 150, 96, "Wood"),
			"",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			first := tt.upper.find(t, ground)
			if len(first) != 1 {
				t.Fatalf("above: found %q", texts(first))
			}
			g := ground
			g.Before = first
			tt.lower.Number = 2
			second := tt.lower.find(t, g)
			if len(second) != 1 {
				t.Fatalf("below: found %q", texts(second))
			}
			before := texts(first)[0]
			joined := first[0].Join(second[0])
			got := texts(first)[0]
			switch {
			case joined != (tt.want != ""):
				t.Errorf("joined is %v: %s", joined, got)
			case joined && got != tt.want:
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			case !joined && got != before:
				t.Errorf("not joined, and changed to %s", got)
			case joined && first[0].PageEnd != 2:
				t.Errorf("ends on page %d", first[0].PageEnd)
			}
			if joined && (first[0].Dice == nil || len(first[0].Dice.Ranges) != len(first[0].Rows)-1) {
				t.Errorf("rolls are %+v", first[0].Dice)
			}
		})
	}
}

// TestNoRest: text at the top of a page is not the rest of a table, though it is set as one and its lines are short.
func TestNoRest(t *testing.T) {
	two := []float32{50, 100}
	first := newDraft().row(sansBold, 700, two, "d6", "Terrain").row(sans, 712, two, "1", "Hills with many trees on them").row(sans, 724, two, "2", "River").find(t, ground)
	g := ground
	g.Before = first
	if got := texts(newDraft().prose(sans, 50, 60, 150, 3).put(sans, 50, 96, "end.").find(t, g)); len(got) > 0 {
		t.Errorf("found %q", got)
	}
	if !slices.Equal(texts(first), want("d6|Terrain\n---\n1|Hills with many trees on them\n2|River")) {
		t.Errorf("the table before is %q", texts(first))
	}
}

func TestText(t *testing.T) {
	one := func(texts ...string) (row []table.Cell) {
		for _, text := range texts {
			row = append(row, table.Cell{Text: text, Span: 1})
		}
		return row
	}
	group := func(text string) []table.Cell { return []table.Cell{{Text: text, Span: 3}, {}, {}} }
	for _, tt := range []struct {
		name           string
		table          table.Table
		text, markdown string
	}{
		{
			"names, groups and signs of Markdown",
			table.Table{HeaderRows: 1, Rows: [][]table.Cell{one("Item", "Cost", "Of"), group("Tools"), one("a|b", `c\d`, ""), one("e", "", "f\tg")}},
			"Item\tCost\tOf\nTools\na|b\tc\\d\t\ne\t\tf g",
			"| Item | Cost | Of |\n| --- | --- | --- |\n| **Tools** | | |\n| a\\|b | c\\\\d | |\n| e | | f\tg |\n",
		},
		{
			"two rows of names, one over two columns",
			table.Table{HeaderRows: 2, Rows: [][]table.Cell{{{Span: 1}, {Text: "Slots", Span: 2}, {}}, one("Level", "1st", "2nd"), one("1", "2", "")}},
			"\tSlots\nLevel\t1st\t2nd\n1\t2\t",
			"| Level | Slots 1st | Slots 2nd |\n| --- | --- | --- |\n| 1 | 2 | |\n",
		},
		{
			"no names",
			table.Table{Rows: [][]table.Cell{one("1", "x")}},
			"1\tx",
			"| | |\n| --- | --- |\n| 1 | x |\n",
		},
		{"no rows", table.Table{}, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.table.Text(); got != tt.text {
				t.Errorf("text %q, want %q", got, tt.text)
			}
			if got := tt.table.Markdown(); got != tt.markdown {
				t.Errorf("Markdown %q, want %q", got, tt.markdown)
			}
		})
	}
}
