package table_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// want writes tables as texts does.
func want(tables ...string) []string {
	for i := range tables {
		tables[i] = strings.ReplaceAll(strings.TrimSpace(tables[i]), "\t", "")
	}
	return tables
}

func TestFind(t *testing.T) {
	two, three := []float32{50, 150}, []float32{50, 150, 250}
	for _, tt := range []struct {
		name string
		page draft
		want []string
	}{
		{
			"a bold line names the columns, a line in their style above them the table",
			newDraft().prose(body, 50, 60, 400, 3).sized(sansBold, 12, 50, 120, "Travel Pace").
				row(sansBold, 136, two, "Pace", "Distance").row(sans, 148, two, "Fast", "400 feet").row(sans, 160, two, "Slow", "200 feet").
				prose(body, 50, 180, 400, 3),
			want("[Travel Pace]\nPace|Distance\n---\nFast|400 feet\nSlow|200 feet"),
		},
		{
			"one row below the names is enough",
			newDraft().row(sansBold, 100, two, "Dragon", "Damage").row(sans, 112, two, "Black", "Acid"),
			want("Dragon|Damage\n---\nBlack|Acid"),
		},
		{
			"a table with a number is named by it, also in the style of text",
			newDraft().put(body, 50, 100, "Table 3-1: Gear").row(body, 114, three, "Rope", "1 gp", "10 lb.").
				row(body, 126, three, "Torch", "1 cp", "1 lb.").row(body, 138, three, "Ink", "10 gp", ""),
			want("[Table 3-1: Gear]\nRope|1 gp|10 lb.\nTorch|1 cp|1 lb.\nInk|10 gp|"),
		},
		{
			"the end of a sentence is no caption",
			newDraft().put(body, 50, 100, "table.").row(sansBold, 114, two, "d4", "Senses").row(sans, 126, two, "1", "Sight").row(sans, 138, two, "2", "Smell"),
			want("d4|Senses\n---\n1|Sight\n2|Smell"),
		},
		{
			"names as large as the text may stand above smaller rows",
			newDraft().prose(body, 50, 76, 400, 2).row(bodyBold, 100, two, "Score", "Modifier").
				sized(body, 8, 50, 113, "1–3").sized(body, 8, 150, 113, "–3").sized(body, 8, 50, 126, "4–5").sized(body, 8, 150, 126, "–2"),
			want("Score|Modifier\n---\n1–3|–3\n4–5|–2"),
		},
		{
			"a rule below it sets a header apart",
			newDraft().row(body, 100, three, "Name", "Cost", "Weight").rule(45, 103).row(body, 112, three, "Rope", "1 gp", "10 lb.").
				row(body, 124, three, "Torch", "1 cp", "1 lb.").row(body, 136, three, "Ink", "10 gp", "none"),
			want("Name|Cost|Weight\n---\nRope|1 gp|10 lb.\nTorch|1 cp|1 lb.\nInk|10 gp|none"),
		},
		{
			"a cell goes on where the next word had no place",
			newDraft().row(sansBold, 100, two, "Class", "Proficiencies").
				row(sans, 112, two, "Bard", "Light armor, one skill of").row(sans, 124, two, "", "your choice, instruments").
				row(sans, 136, two, "Monk", "Simple weapons"),
			want("Class|Proficiencies\n---\nBard|Light armor, one skill of your choice, instruments\nMonk|Simple weapons"),
		},
		{
			"so does one in the first column",
			newDraft().row(sansBold, 100, three, "Item", "Cost", "Weight").
				row(sans, 112, three, "Rope of thick", "1 gp", "10 lb.").row(sans, 124, three, "hempen fibre", "", "").
				row(sans, 136, three, "Torch", "1 cp", "1 lb."),
			want("Item|Cost|Weight\n---\nRope of thick hempen fibre|1 gp|10 lb.\nTorch|1 cp|1 lb."),
		},
		{
			"short values never go on",
			newDraft().row(sansBold, 100, []float32{50, 100, 200, 250}, "d4", "Alignment", "d4", "Alignment").
				row(sans, 112, []float32{50, 100, 200, 250}, "1", "Good", "3", "Evil").
				row(sans, 124, []float32{50, 100, 200, 250}, "2", "Neutral", "", ""),
			want("d4|Alignment|d4|Alignment\n---\n1|Good|3|Evil\n2|Neutral||"),
		},
		{
			"more white above a line begins a row",
			newDraft().row(sans, 100, three, "one", "two 2", "three").row(sans, 112, three, "", "more", "").
				row(sans, 127.4, three, "", "five", "six").row(sans, 139.4, three, "seven", "eight", ""),
			want("one|two 2 more|three\n|five|six\nseven|eight|"),
		},
		{
			"a name of rows is set apart by its style",
			newDraft().row(sansBold, 100, three, "Armor", "Cost", "Weight").put(sansItalic, 50, 112, "Light").
				row(sans, 124, three, "Padded", "5 gp", "8 lb.").put(sansItalic, 50, 136, "Medium Armor, which is worn").
				row(sans, 148, three, "Hide", "10 gp", "12 lb."),
			want("Armor|Cost|Weight\n---\nLight\nPadded|5 gp|8 lb.\nMedium Armor, which is worn\nHide|10 gp|12 lb."),
		},
		{
			"or stands further left",
			newDraft().row(sansBold, 100, three, "Item", "Cost", "Weight").put(sans, 50, 112, "Saddle").
				row(sans, 124, []float32{58, 150, 250}, "Exotic", "60 gp", "40 lb.").row(sans, 136, []float32{58, 150, 250}, "Pack", "5 gp", "15 lb."),
			want("Item|Cost|Weight\n---\nSaddle\nExotic|60 gp|40 lb.\nPack|5 gp|15 lb."),
		},
		{
			"edges between rows count more than what is filled",
			newDraft().row(sansBold, 100, two, "Size", "Breath").
				area(45, 103, 300, 126).row(sans, 112, two, "Large or", "None, as it").row(sans, 124, two, "less", "is young").
				row(sans, 136, two, "", "As one").row(sans, 148, two, "Huge", "of its age").
				area(45, 151, 300, 163).row(sans, 160, two, "Vast", "Hot"),
			want("Size|Breath\n---\nLarge or less|None, as it is young\nHuge|As one of its age\nVast|Hot"),
		},
		{
			"lines between rows keep them together, however far apart",
			newDraft().rule(45, 88).row(bodyBold, 100, two, "d6", "Terrain").rule(45, 112).row(bodyBold, 126, two, "1", "Hills").
				rule(45, 138).row(bodyBold, 152, two, "2", "River").rule(45, 164).row(bodyBold, 178, two, "3", "Sea").rule(45, 190),
			want("d6|Terrain\n---\n1|Hills\n2|River\n3|Sea"),
		},
		{
			"names in several lines are one row, unless one is over several columns",
			newDraft().row(sansBold, 88, []float32{50, 140}, "Spell", "Slots by Level").row(sansBold, 100, []float32{50, 100, 150, 200, 250}, "Level", "1st", "2nd", "3rd", "4th").
				row(sans, 112, []float32{50, 100, 150, 200, 250}, "1", "2", "0", "0", "0").row(sans, 124, []float32{50, 100, 150, 200, 250}, "2", "3", "1", "0", "0"),
			want("Spell|Slots by Level\nLevel|1st|2nd|3rd|4th\n---\n1|2|0|0|0\n2|3|1|0|0"),
		},
		{
			"names that go on below are put together",
			newDraft().row(sansBold, 88, []float32{150, 250}, "Proficiency", "Rage").row(sansBold, 100, three, "Level", "Bonus", "Damage").
				row(sans, 112, three, "1st", "+2", "+2").row(sans, 124, three, "2nd", "+2", "+2"),
			want("Level|Proficiency Bonus|Rage Damage\n---\n1st|+2|+2\n2nd|+2|+2"),
		},
		{
			"also one that stands alone above the others",
			newDraft().put(sansBold, 250, 88, "Optional").row(sansBold, 100, three, "Size", "Breath", "Rule").
				row(sans, 112, three, "Huge", "Fire", "None").row(sans, 124, three, "Tiny", "None", "Some"),
			want("Size|Breath|Optional Rule\n---\nHuge|Fire|None\nTiny|None|Some"),
		},
		{
			"a name without values below it has a column of its own",
			newDraft().row(sansBold, 100, []float32{50, 150, 200, 260}, "Weapon", "Hands", "Type", "Damage").
				row(sans, 112, []float32{50, 155, 200, 270}, "Axe", "1h", "", "3d").row(sans, 124, []float32{50, 155, 200, 270}, "Bow", "2h", "", "2d"),
			want("Weapon|Hands|Type|Damage\n---\nAxe|1h||3d\nBow|2h||2d"),
		},
		{
			"a fragment that has two cells is cut between its words",
			newDraft().row(sansBold, 100, []float32{50, 100, 116}, "Level", "A", "B").
				row(sans, 112, []float32{50, 100, 116}, "1", "20", "30").joined(sans, 124, []float32{50, 100, 116}, "2", "21", "31").joined(sans, 136, []float32{50, 100, 116}, "3", "22", "32"),
			want("Level|A|B\n---\n1|20|30\n2|21|31\n3|22|32"),
		},
		{
			"a die begins another table in the same columns",
			newDraft().row(bodyBold, 100, two, "d4", "Ruins").row(bodyBold, 112, two, "1", "Temple").row(bodyBold, 124, two, "2", "Tomb").
				row(bodyBold, 136, two, "d4", "Lair").row(bodyBold, 148, two, "1", "Cave").row(bodyBold, 160, two, "2", "Burrow"),
			want("d4|Ruins\n---\n1|Temple\n2|Tomb", "d4|Lair\n---\n1|Cave\n2|Burrow"),
		},
		{
			"so does a line as bold as the one the table begins with",
			newDraft().row(sansBold, 100, two, "Race", "Speed").row(sans, 112, two, "Elf", "30").row(sans, 124, two, "Dwarf", "25").
				row(sansBold, 136, two, "Beast", "Size").row(sans, 148, two, "Bear", "Large").row(sans, 160, two, "Rat", "Tiny"),
			want("Race|Speed\n---\nElf|30\nDwarf|25", "Beast|Size\n---\nBear|Large\nRat|Tiny"),
		},
		{
			"names at the end of a column wait for their rows",
			newDraft().prose(body, 50, 60, 400, 3).sized(sansBold, 12, 50, 120, "Weapons").row(sansBold, 136, three, "Name", "Cost", "Damage").put(sansItalic, 50, 148, "Simple Weapons"),
			want("[Weapons]\nName|Cost|Damage\n---\nSimple Weapons"),
		},
		{
			"text below a table is not its own",
			newDraft().row(sansBold, 100, two, "Race", "Speed").row(sans, 112, two, "Elf", "30").row(sans, 124, two, "Dwarf", "25").
				put(sans, 50, 142, "Note").prose(body, 50, 154, 300, 2),
			want("Race|Speed\n---\nElf|30\nDwarf|25"),
		},
		{
			"a lattice has cells, whatever stands in them",
			newDraft().rule(50, 90).rule(50, 110).rule(50, 150).rule(50, 170).upright(50, 170).upright(120, 170).upright(300, 170).
				row(body, 104, []float32{55, 125}, "Name", "What it does").
				put(body, 125, 122, "Opens doors that").put(body, 55, 131, "Key").put(body, 125, 140, "nobody else can").
				row(body, 164, []float32{55, 125}, "Rope", "Ties"),
			want("Name|What it does\nKey|Opens doors that nobody else can\nRope|Ties"),
		},
		{
			"so do areas side by side",
			newDraft().area(45, 90, 150, 102).area(150, 90, 255, 102).area(45, 102, 150, 114).area(150, 102, 255, 114).
				row(sansBold, 100, []float32{50, 155}, "Table head", "Table head").row(sans, 112, []float32{50, 155}, "Some value", "Some value"),
			want("Table head|Table head\n---\nSome value|Some value"),
		},
		{
			"areas that are the ground of some rows are no lattice",
			newDraft().area(45, 90, 150, 102).area(150, 90, 255, 102).area(45, 102, 150, 114).area(150, 102, 255, 114).
				row(sansBold, 88, two, "Level", "Bonus").row(sans, 100, two, "1st", "+2").row(sans, 112, two, "2nd", "+2").row(sans, 124, two, "3rd", "+2"),
			want("Level|Bonus\n---\n1st|+2\n2nd|+2\n3rd|+2"),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := texts(tt.page.find(t, ground)); !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\n\nwant\n%s", strings.Join(got, "\n\n"), strings.Join(tt.want, "\n\n"))
			}
		})
	}
}

// TestFindNone: what is set in columns and is no table.
func TestFindNone(t *testing.T) {
	two := []float32{50, 200}
	for _, tt := range []struct {
		name string
		page draft
	}{
		{"text side by side", newDraft().prose(body, 50, 100, 230, 10).prose(body, 310, 100, 230, 10)},
		{"text side by side in another style", newDraft().prose(sans, 50, 100, 230, 10).prose(sans, 310, 100, 230, 10)},
		{
			"contents with leaders", newDraft().row(body, 100, []float32{50, 100, 400}, "Magic", ". . . . . . . . . . . . . . . . . . .", "12").
				row(body, 112, []float32{50, 100, 400}, "Gear", ". . . . . . . . . . . . . . . . . . .", "34").row(body, 124, []float32{50, 100, 400}, "Items", ". . . . . . . . . . . . . . . . . . .", "56"),
		},
		{
			"contents without leaders", newDraft().row(body, 100, two, "Magic", "12").row(body, 112, two, "Gear", "34").
				row(body, 124, two, "Beasts", "56").row(body, 136, two, "Appendix", "78"),
		},
		{
			"an index in columns", newDraft().row(body, 100, two, "Aboleth, 261", "Dwarf, 4, 18").row(body, 112, two, "Acid, 66", "Elf, 4–5").
				row(body, 124, two, "Arrows, 69", "Fire, 12").row(body, 136, two, "Axe, 66", "Flail, 66"),
		},
		{
			"an index with pages in line", newDraft().row(body, 100, two, "Aboleth", "261").row(body, 112, two, "Acid", "66, 71").
				row(body, 124, two, "Arrows", "12").row(body, 136, two, "Axe", "66"),
		},
		{
			"the values of a creature", newDraft().row(sansBold, 100, []float32{50, 90, 130, 170, 210, 250}, "STR", "DEX", "CON", "INT", "WIS", "CHA").
				row(sans, 112, []float32{50, 90, 130, 170, 210, 250}, "21", "9", "15", "18", "15", "18"),
		},
		{
			"the values of a creature in one line of names", newDraft().put(sansBold, 50, 100, "STR DEX CON").row(sansBold, 100, []float32{130, 170}, "INT", "WIS").
				put(sans, 50, 112, "21 (+5)").row(sans, 112, []float32{130, 170}, "18 (+4)", "15 (+2)"),
		},
		{
			"names with a colon", newDraft().row(body, 100, two, "Armor:", "light, medium").row(body, 112, two, "Weapons:", "simple").
				row(body, 124, two, "Tools:", "none").row(body, 136, two, "Skills:", "choose any three"),
		},
		{
			"a list with numbers", newDraft().row(body, 100, []float32{50, 75}, "1.", "Draw a dot").row(body, 112, []float32{50, 75}, "2.", "Draw three more").
				row(body, 124, []float32{50, 75}, "3.", "Connect them").row(body, 136, []float32{50, 75}, "4.", "Go on"),
		},
		{
			"a list with numbers in columns", newDraft().row(body, 100, two, "1. A key", "5. A true name").row(body, 112, two, "2. Metal", "6. Luck").
				row(body, 124, two, "3. Steel", "7. Kindness").row(body, 136, two, "4. Nerves", "8. Power"),
		},
		{
			"a list with marks", newDraft().row(sans, 100, []float32{50, 70}, "•", "Heal one").row(sans, 112, []float32{50, 70}, "•", "Hurt two").
				row(sans, 124, []float32{50, 70}, "•", "Run"),
		},
		{
			"words that are stretched", newDraft().put(body, 50, 100, "You take the  sword").put(body, 50, 112, "and cut it in  half").
				put(body, 50, 124, "then run to the  sea").put(body, 50, 136, "where no one is  now"),
		},
		{
			"a title beside text", newDraft().sized(body, 40, 50, 120, "19").sized(body, 30, 50, 160, "Session").prose(body, 200, 100, 200, 8),
		},
		{
			"a list with marks in columns", newDraft().row(sans, 100, two, "• Heal 1", "• Hurt 3").row(sans, 112, two, "• Run 2", "• Hide 4").
				row(sans, 124, two, "• Fly 5", "• Dig 6"),
		},
		{
			"credits", newDraft().row(sans, 100, two, "Writing", "Ann Author").row(sans, 112, two, "Pictures", "Paul Painter").row(sans, 124, two, "Layout", "Lara Layouter").
				row(sans, 136, two, "Thanks", "Everybody"),
		},
		{"two lines that happen to have a gap", newDraft().prose(body, 50, 60, 400, 2).row(body, 84, two, "left", "right").row(body, 96, two, "more", "words")},
		{"text that is turned", func() draft {
			d := newDraft().row(sansBold, 100, two, "Race", "Speed").row(sans, 112, two, "Elf", "30")
			for i := range d.Fragments {
				d.Fragments[i].Turned = true
			}
			return d
		}()},
		{"an empty frame", newDraft().rule(50, 90).rule(50, 110).rule(50, 150).upright(50, 150).upright(120, 150).upright(300, 150)},
		{"a page without text", newDraft()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := texts(tt.page.find(t, ground)); len(got) > 0 {
				t.Errorf("found\n%s", strings.Join(got, "\n\n"))
			}
		})
	}
}

// columns of a page with two of them.
var columns = []page.Box{{X0: 50, Y0: 50, X1: 285, Y1: 750}, {X0: 325, Y0: 50, X1: 560, Y1: 750}}

func TestFindInColumns(t *testing.T) {
	g := ground
	g.Columns = columns
	wide := []float32{50, 150, 250, 295, 400}
	text := func() draft {
		return newDraft().prose(body, 50, 60, 230, 6).prose(body, 325, 60, 230, 6)
	}
	for _, tt := range []struct {
		name   string
		page   draft
		want   []string
		column []int
	}{
		{
			"text in the gutter makes a table one across the columns",
			text().row(sansBold, 150, wide, "Level", "Bonus", "Known", "1st", "2nd").row(sans, 162, wide, "1", "+2", "3", "2", "0").
				row(sans, 174, wide, "2", "+2", "3", "3", "1"),
			want("Level|Bonus|Known|1st|2nd\n---\n1|+2|3|2|0\n2|+2|3|3|1"),
			[]int{-1},
		},
		{
			"so do edges across it",
			text().row(sansBold, 150, []float32{50, 150, 400}, "Deity", "Kind", "Symbol").area(45, 153, 560, 165).row(sans, 162, []float32{50, 150, 400}, "Arawn", "NE", "Star").
				row(sans, 174, []float32{50, 150, 400}, "Lugh", "CN", "Hand").area(45, 177, 560, 189).row(sans, 186, []float32{50, 150, 400}, "Nuada", "N", "Silver"),
			want("Deity|Kind|Symbol\n---\nArawn|NE|Star\nLugh|CN|Hand\nNuada|N|Silver"),
			[]int{-1},
		},
		{
			"tables on the same lines are two",
			text().row(sansBold, 150, []float32{50, 150, 330, 430}, "Item", "Cost", "Item", "Cost").row(sans, 162, []float32{50, 150, 330, 430}, "Rope", "1 gp", "Ink", "10 gp").
				row(sans, 174, []float32{50, 150, 330, 430}, "Torch", "1 cp", "Oil", "1 sp"),
			want("Item|Cost\n---\nRope|1 gp\nTorch|1 cp", "Item|Cost\n---\nInk|10 gp\nOil|1 sp"),
			[]int{0, 1},
		},
		{
			"a table beside text is one",
			newDraft().prose(body, 325, 60, 230, 9).row(sansBold, 60, []float32{50, 150}, "Item", "Cost").row(sans, 72, []float32{50, 150}, "Rope", "1 gp").
				row(sans, 84, []float32{50, 150}, "Torch", "1 cp"),
			want("Item|Cost\n---\nRope|1 gp\nTorch|1 cp"),
			[]int{0},
		},
		{
			"the rest of a table at the top of the next column may be the rest of a cell",
			newDraft().prose(body, 50, 60, 230, 3).row(sansBold, 710, []float32{50, 100}, "d4", "Behavior").row(sans, 722, []float32{50, 100}, "1–2", "It does nothing.").
				row(sans, 734, []float32{50, 100}, "3", "It attacks a creature that is").
				put(sans, 375, 60, "within its reach.").row(sans, 72, []float32{325, 375}, "4", "It acts.").prose(body, 325, 100, 230, 3),
			want("d4|Behavior\n---\n1–2|It does nothing.\n3|It attacks a creature that is", "|within its reach.\n4|It acts."),
			[]int{0, 1},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found := tt.page.find(t, g)
			if got := texts(found); !slices.Equal(got, tt.want) {
				t.Fatalf("got\n%s\n\nwant\n%s", strings.Join(got, "\n\n"), strings.Join(tt.want, "\n\n"))
			}
			for i := range found {
				if found[i].Column != tt.column[i] {
					t.Errorf("table %d stands in column %d, want %d", i, found[i].Column, tt.column[i])
				}
			}
		})
	}
}

// TestFindSpans: a name over several columns reaches as far as it stands in the middle, and no further than the next name.
func TestFindSpans(t *testing.T) {
	at := []float32{50, 100, 150, 200, 250, 300}
	d := newDraft().put(sansBold, 50, 88, "Spell").put(sansBold, 147, 88, "Slots by Level").put(sansBold, 300, 88, "Other").
		row(sansBold, 100, at, "Level", "1st", "2nd", "3rd", "4th", "Things").
		row(sans, 112, at, "1", "2", "0", "0", "0", "x").row(sans, 124, at, "2", "3", "1", "0", "0", "y")
	found := d.find(t, ground)
	if len(found) != 1 {
		t.Fatalf("found %q", texts(found))
	}
	var spans []int
	for _, c := range found[0].Rows[0] {
		spans = append(spans, c.Span)
	}
	if want := []int{1, 4, 0, 0, 0, 1}; !slices.Equal(spans, want) || found[0].HeaderRows != 2 {
		t.Errorf("spans %v, %d header rows; want %v and 2", spans, found[0].HeaderRows, want)
	}
}

// TestFindInParts: a column that comes in parts below each other is one.
func TestFindInParts(t *testing.T) {
	g := ground
	g.Columns = []page.Box{{X0: 50, Y0: 90, X1: 200, Y1: 114}, {X0: 55, Y0: 105, X1: 210, Y1: 140}, {X0: 50, Y0: 140, X1: 200, Y1: 170}}
	two := []float32{50, 100}
	d := newDraft().row(sansBold, 100, two, "d4", "Purpose").row(sans, 112, two, "1", "Fame").row(sans, 124, two, "2", "Money").
		row(sans, 136, two, "3", "Knowledge").row(sans, 148, two, "4", "Rest")
	if got, want := texts(d.find(t, g)), want("d4|Purpose\n---\n1|Fame\n2|Money\n3|Knowledge\n4|Rest"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFindAside: what belongs to no text belongs to no table.
func TestFindAside(t *testing.T) {
	two := []float32{50, 150}
	d := newDraft().row(sansBold, 100, two, "Race", "Speed").row(sans, 112, two, "Elf", "30").row(sans, 124, two, "Dwarf", "25").row(sans, 136, two, "Page", "7")
	g := ground
	g.Aside = []bool{false, false, false, false, false, false, true, true}
	if got, want := texts(d.find(t, g)), want("Race|Speed\n---\nElf|30\nDwarf|25"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFindNumbers: the number of a row that was taken for that of the page belongs to its row, that of the page does not.
func TestFindNumbers(t *testing.T) {
	two := []float32{50, 100}
	d := newDraft().row(sans, 60, two, "4", "Rain").row(sans, 72, two, "5", "Snow").row(sans, 84, two, "6", "Wind").put(sans, 50, 780, "7").put(sans, 80, 780, "Weather")
	g := ground
	g.Aside = []bool{true, false, false, false, false, false, true, true}
	if got, want := texts(d.find(t, g)), want("4|Rain\n5|Snow\n6|Wind"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestFindDivided: a word that the file divides is put together, one with a hyphen of its own keeps it.
func TestFindDivided(t *testing.T) {
	two := []float32{50, 100}
	d := newDraft().row(sansBold, 100, two, "d4", "Effect").row(sans, 112, two, "1", "It comes unex-").row(sans, 124, two, "", "pectedly").
		row(sans, 136, two, "2", "A well-").row(sans, 148, two, "", "known tree")
	d.Fragments[3].Hyphen = true
	if got, want := texts(d.find(t, ground)), want("d4|Effect\n---\n1|It comes unexpectedly\n2|A well-known tree"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
