package layout_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// TestBlocks: what lines become.
func TestBlocks(t *testing.T) {
	body := filled(50, 500, "Body", 12) // makes clear what the text of the book is, and how wide
	rest := "Body 0 is of no meaning at all and has a"
	for _, tt := range []struct {
		name   string
		pieces []set
		want   []string // in front of the body
	}{
		{"lines of a paragraph", column(50, 100,
			"The dragon sleeps on its gold, and wakes",
			"when somebody takes a single coin of it.",
		), []string{"The dragon sleeps on its gold, and wakes when somebody takes a single coin of it."}},
		{"a short line ends a paragraph", column(50, 100,
			"The dragon sleeps on its gold.",
			"It wakes when somebody takes a coin off.",
		), []string{"The dragon sleeps on its gold.", "It wakes when somebody takes a coin off."}},
		{"so do short lines that end no sentence", column(50, 100,
			"Armor Class 17",
			"Hit Points 135",
			"Speed 10 ft.",
		), []string{"Armor Class 17", "Hit Points 135", "Speed 10 ft."}},
		{"but not in the middle of a sentence", column(50, 100,
			"It has resistance to fire,",
			"cold and falling rocks of medium weight.",
		), []string{"It has resistance to fire, cold and falling rocks of medium weight."}},
		{"a first line that is set in", []set{
			{x: 60, y: 100, text: "The dragon sleeps on its gold, and he"},
			{x: 50, y: 112, text: "who takes a coin of it lives a little..."},
			{x: 60, y: 124, text: "It wakes up when somebody takes a co."},
			{x: 50, y: 136, text: "Nobody has told of what comes next then."},
		}, []string{
			"The dragon sleeps on its gold, and he who takes a coin of it lives a little...",
			"It wakes up when somebody takes a co. Nobody has told of what comes next then.",
		}},
		{"all but the first line set in", []set{
			{x: 50, y: 100, text: "Detect. It makes a Wisdom test with which"},
			{x: 60, y: 112, text: "Perception helps if it has any of that"},
			{x: 60, y: 124, text: "to begin with."},
			{x: 50, y: 136, text: "Tail. It makes one attack with its tail."},
		}, []string{
			"Detect. It makes a Wisdom test with which Perception helps if it has any of that to begin with.",
			"Tail. It makes one attack with its tail.",
		}},
		{"space between paragraphs", slices.Concat(
			column(50, 100, "The dragon sleeps on its gold, you know."),
			column(50, 118, "It wakes up when somebody takes a coin o"),
		), []string{"The dragon sleeps on its gold, you know.", "It wakes up when somebody takes a coin o"}},
		{"a run-in heading begins a paragraph and stays in it", []set{
			{x: 50, y: 100, text: "The dragon sleeps on its gold, you know."},
			{x: 50, y: 112, text: "Fire Breath. The dragon breathes a flame", runIn: 12},
			{x: 50, y: 124, text: "of sixty feet."},
		}, []string{"The dragon sleeps on its gold, you know.", "Fire Breath. The dragon breathes a flame of sixty feet."}},
		{"labelled lines", []set{
			{x: 50, y: 100, text: "Weapons: Simple weapons, and the spear of", runIn: 8},
			{x: 50, y: 112, text: "Tools: Three instruments of your choice", runIn: 6},
			{x: 50, y: 124, text: "with their cases", style: bold},
			{x: 50, y: 136, text: "Skills: Any", runIn: 7},
		}, []string{
			"Weapons: Simple weapons, and the spear of", "Tools: Three instruments of your choice with their cases", "Skills: Any",
		}},
		{"items", []set{
			{x: 50, y: 100, text: "Take what you can carry from this table:"},
			{x: 50, y: 112, text: "•"},
			{x: 60, y: 112, text: "a rapier, a longsword, or a simple one"},
			{x: 60, y: 124, text: "that somebody else has left"},
			{x: 50, y: 136, text: "•"},
			{x: 60, y: 136, text: "a lute"},
		}, []string{
			"Take what you can carry from this table:", "* • a rapier, a longsword, or a simple one that somebody else has left", "* • a lute",
		}},
		{"numbered items", column(50, 100,
			"1. Choose one of the classes in the book.",
			"2. Choose a race.",
			"10. Begin.",
		), []string{"* 1. Choose one of the classes in the book.", "* 2. Choose a race.", "* 10. Begin."}},
		{"a number that is no item", column(50, 100,
			"The whole of it happened in the year of",
			"12. There was nobody left to write of it",
		), []string{"The whole of it happened in the year of 12. There was nobody left to write of it"}},
		{"a heading by its size", []set{
			{x: 50, y: 100, text: "Dragons", size: 14},
			{x: 50, y: 118, text: "They sleep on gold."},
		}, []string{"# Dragons", "They sleep on gold."}},
		{"a heading of two lines", []set{
			{x: 50, y: 100, text: "Dragons, and What Becomes", size: 14},
			{x: 50, y: 116, text: "of Those Who Wake Them", size: 14},
			{x: 50, y: 134, text: "They sleep on gold."},
		}, []string{"# Dragons, and What Becomes of Those Who Wake Them", "They sleep on gold."}},
		{"a heading by its colour", []set{
			{x: 50, y: 100, text: "Dragons", color: 0x800000},
			{x: 50, y: 118, text: "They sleep on gold."},
		}, []string{"# Dragons", "They sleep on gold."}},
		{"a bold heading", []set{
			{x: 50, y: 100, text: "They sleep on gold."},
			{x: 50, y: 118, text: "Dragons", style: bold},
			{x: 50, y: 130, text: "They sleep on gold."},
		}, []string{"They sleep on gold.", "# Dragons", "They sleep on gold."}},
		{"bold words that are none", []set{
			{x: 50, y: 100, text: "Nobody who ever saw a dragon comes near a"},
			{x: 50, y: 112, text: "Dragon", style: bold},
			{x: 50, y: 124, text: "again."},
		}, []string{"Nobody who ever saw a dragon comes near a Dragon again."}},
		{"headings by rank", []set{
			{x: 50, y: 60, text: "Monsters", size: 20},
			{x: 50, y: 90, text: "Dragons", size: 14},
			{x: 50, y: 120, text: "Actions", size: 12, color: 0x800000},
			{x: 50, y: 150, text: "Dwarves", size: 14},
		}, []string{"# Monsters", "## Dragons", "### Actions", "## Dwarves"}},
		{"a chapter's number", []set{
			{x: 50, y: 60, text: "7", size: 20},
			{x: 50, y: 90, text: "The Bard", size: 20},
		}, []string{"# 7 The Bard"}},
		{"large text that is no heading", []set{
			{x: 50, y: 60, text: "Whoever reads this far into such a long sentence of large", size: 12},
			{x: 50, y: 75, text: "letters has to be told that it is not the title of a thing.", size: 12},
		}, []string{"Whoever reads this far into such a long sentence of large letters has to be told that it is not the title of a thing."}},
		{"a large first letter", []set{
			{x: 50, y: 124, text: "T", size: 30},
			{x: 65, y: 112, text: "he dragon sleeps on its gold, and a"},
			{x: 65, y: 124, text: "coin is enough to wake it from that..."},
		}, []string{"The dragon sleeps on its gold, and a coin is enough to wake it from that..."}},
		{"raised and lowered", []set{
			{x: 50, y: 100, text: "It came on the 1"},
			{x: 130, y: 96, text: "st", size: 6},
			{x: 140, y: 100, text: "of May."},
		}, []string{"It came on the 1st of May."}},
		{"an entry of a table of contents", []set{
			{x: 50, y: 100, text: "Dragons . . . . . . . . . . . . . . . 12", size: 12},
			{x: 50, y: 116, text: "Dwarves . . . . . . . . . . . . . . . 14", size: 12},
		}, []string{"Dragons . . . . . . . . . . . . . . . 12", "Dwarves . . . . . . . . . . . . . . . 14"}},
		{"a quotation set in from both sides", column(65, 100,
			"He who wakes the dragon has to feed",
			"It with what is at hand and takes",
			"None of it for himself or others.",
		), []string{"He who wakes the dragon has to feed It with what is at hand and takes None of it for himself or others."}},
		{"a sentence with a place to fill in", []set{
			{x: 50, y: 100, text: "I have sworn to protect"},
			{x: 245, y: 124, text: "."},
		}, []string{"I have sworn to protect ."}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := lay(t, page.Document{}, sheet(1, append(tt.pieces, body...)...))
			got := shown(b)
			last := len(got) - 1
			if !strings.HasPrefix(got[last], rest) || !slices.Equal(got[:last], tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(append(tt.want, rest+"…"), "\n"))
			}
		})
	}
}

// TestHyphens: what stands at the end of a line and at the beginning of the next one, and what becomes of it in a book that
// has other words.
func TestHyphens(t *testing.T) {
	for _, tt := range []struct{ first, second, words, want string }{
		{"the exam-", "ple of", "An example divides words.", "the example of"},
		{"the exam-", "ple of", "", "the example of"},
		{"a well-", "known foe", "It is well-known there.", "a well-known foe"},
		{"a battle-", "axe of", "A battleaxe is no battle-axe.", "a battleaxe of"},
		{"a half-", "Elf and", "", "a half-Elf and"},
		{"from 10-", "15 gold", "", "from 10-15 gold"},
		{"of two- and three-", "headed ones", "", "of two- and threeheaded ones"},
		{"of two-", "and three-headed", "", "of two- and three-headed"},
		{"a toll -", "it rang", "", "a toll - it rang"},
		{"he slept—", "or so", "", "he slept—or so"},
		{"yes/", "no and", "", "yes/no and"},
		{"the exam\u00AD", "ple of", "", "the example of"},
		{"self-", "expression of", "It is self-made and self-taught; a tie- in.", "selfexpression of"},
		{"shoulder-to-", "shoulder now", "", "shoulder-to-shoulder now"},
		{"the conﬂa-", "gration of", "A conflagration.", "the conﬂagration of"},
	} {
		t.Run(tt.want, func(t *testing.T) {
			pad := strings.Repeat("x", 38-len([]rune(tt.first))) + " "
			pieces := column(50, 60, pad+tt.first, tt.second+" more of it follows")
			if tt.words != "" {
				pieces = append(pieces, column(50, 200, tt.words)...)
			}
			b := lay(t, page.Document{}, sheet(1, pieces...))
			if got := b.Blocks[0].Text; got != pad+tt.want+" more of it follows" {
				t.Errorf("%q, want %q", strings.TrimPrefix(got, pad), tt.want)
			}
		})
	}
	t.Run("where lines divide no words", func(t *testing.T) {
		b := lay(t, page.Document{}, sheet(1, column(50, 60,
			"All that they do is a good work of self-",
			"expression as it is known in a half-",
			"finished house.",
			"They built that half-finished thing once.",
		)...))
		if got, want := b.Blocks[0].Text, "All that they do is a good work of self-expression as it is known in a half-finished house."; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}

// TestOrder: the order in which a page is painted where people would read it so, else that of its columns.
func TestOrder(t *testing.T) {
	left, right := filled(50, 100, "Left", 20), filled(320, 100, "Right", 20)
	var across []set // line by line, from one column to the other
	for n := range left {
		across = append(across, left[n], right[n])
	}
	title := set{x: 50, y: 60, text: "A title over both of the columns is long enough to cross", size: 14}
	below := set{x: 50, y: 360, text: "Another one that crosses the gutter below both of them", size: 14}
	more := filled(50, 400, "More", 8)
	side := filled(320, 400, "Side", 8)
	for _, tt := range []struct {
		name     string
		pieces   []set
		geometry bool
		want     []string // words by which the parts are known
	}{
		{"as painted", slices.Concat([]set{title}, left, right), false, []string{"A title", "Left", "Right"}},
		{"title last", slices.Concat(left, right, []set{title}), true, []string{"A title", "Left", "Right"}},
		{"right before left", slices.Concat(right, left), true, []string{"Left", "Right"}},
		{"line by line", across, true, []string{"Left", "Right"}},
		{"bands", slices.Concat(more, side, []set{below}, right, left), true, []string{"Left", "Right", "Another", "More", "Side"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := lay(t, page.Document{}, sheet(1, tt.pieces...))
			at := -1
			text := layout.Text(b)
			for _, word := range tt.want {
				next := strings.Index(text, word)
				if next < at || strings.Count(text, word) > 1 && !whole(text, word) {
					t.Errorf("%q is at %d, behind %d:\n%s", word, next, at, text)
				}
				at = next
			}
			if r := b.Pages[0]; r.Geometry != tt.geometry || r.Suspicious {
				t.Errorf("geometry %v, suspicious %v, want %v", r.Geometry, r.Suspicious, tt.geometry)
			}
		})
	}
}

// whole says whether the numbered lines of a word follow each other with no other line between.
func whole(text, word string) bool {
	first, last := strings.Index(text, word), strings.LastIndex(text, word)
	for _, other := range []string{"Left", "Right", "More", "Side", "Another", "title"} {
		if other != word && strings.Contains(text[first:last], other) {
			return false
		}
	}
	return true
}

// TestHints: a page too short to show its columns has those of the other pages.
func TestHints(t *testing.T) {
	var pages []*page.Page
	for n := range 4 {
		pages = append(pages, sheet(n+1, slices.Concat(filled(50, 100, "Left", 20), filled(320, 100, "Right", 20))...))
	}
	short := slices.Concat(filled(320, 100, "Right", 3), filled(50, 100, "Left", 3))
	pages = append(pages, sheet(5, short...))
	b := lay(t, page.Document{}, pages...)
	if r := b.Pages[4]; !r.Geometry || len(r.Gutters) != 1 {
		t.Errorf("gutters %v, geometry %v", r.Gutters, r.Geometry)
	}
	alone := lay(t, page.Document{}, sheet(1, short...))
	if r := alone.Pages[0]; len(r.Gutters) != 0 {
		t.Errorf("the page alone has gutters %v", r.Gutters)
	}
}

// TestSuspicious: text beside text of the same column, painted from the foot to the top.
func TestSuspicious(t *testing.T) {
	var pieces []set
	for n := range 20 {
		y := 700 - 15*float32(n)
		pieces = append(pieces, set{x: 50, y: y, text: "here"}, set{x: 250, y: y, text: "there"}, set{x: 420, y: y, text: "elsewhere"})
	}
	b := lay(t, page.Document{}, sheet(1, pieces...))
	if r := b.Pages[0]; r.Tables == 0 && !r.Suspicious {
		t.Errorf("nothing is said of it: %+v", r)
	}
}

// TestGoesOn: paragraphs over columns and pages.
func TestGoesOn(t *testing.T) {
	for _, tt := range []struct {
		name        string
		last, first string
		want        bool
	}{
		{"in lower case", "and of all the things that it might do", "it sleeps on its gold.", true},
		{"behind the end of a sentence", "and of all the things that it might do.", "it sleeps on its gold.", false},
		{"a name behind a full line", "which is known to all the people of the", "Forest of Doom and beyond.", true},
		{"a name behind a short line", "which is known", "Forest of Doom and beyond.", false},
		{"a bracket behind a full line", "which is known to all the people of the", "(Old) Forest and beyond.", true},
		{"a divided word", "which is known to all the people of Dra-", "gonia and beyond.", true},
		{"a quotation ends it", "which he calls “the end of the world.”", "it sleeps on its gold.", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			foot := set{x: 320, y: 100 + 12*20, text: tt.last}
			one := sheet(1, slices.Concat(filled(50, 100, "Left", 21), filled(320, 100, "Right", 20), []set{foot})...)
			two := sheet(2, slices.Concat(column(50, 100, tt.first), filled(50, 130, "Left", 19), filled(320, 100, "Right", 20))...)
			b := lay(t, page.Document{}, one, two)
			got := slices.ContainsFunc(b.Blocks, func(bl layout.Block) bool {
				return bl.Page == 1 && bl.PageEnd == 2 && strings.HasSuffix(bl.Text, tt.first[1:]) && len(bl.Places) > 1
			})
			if got != tt.want {
				t.Errorf("goes on: %v, want %v\n%s", got, tt.want, layout.Text(b))
			}
		})
	}
}

// TestFrames: areas with text of their own, and those that are none.
func TestFrames(t *testing.T) {
	text := []set{
		{x: 60, y: 120, text: "Rounding", style: bold},
		{x: 60, y: 134, text: "Whenever you divide a number, round down"},
		{x: 60, y: 146, text: "if you end up with a fraction."},
	}
	area := func(x0, y0, x1, y1 float32) page.Area {
		return page.Area{Box: page.Box{X0: x0, Y0: y0, X1: x1, Y1: y1}, Filled: true}
	}
	for _, tt := range []struct {
		name  string
		areas []page.Area
		want  int
	}{
		{"a box", []page.Area{area(50, 100, 270, 160)}, 1},
		{"a box, its border and the ground of its title", []page.Area{area(48, 98, 272, 162), area(50, 100, 270, 126), area(50, 126, 270, 160)}, 1},
		{"none", nil, 0},
		{"the ground of the page", []page.Area{area(0, 0, 600, 800)}, 0},
		{"the ground of all its text", []page.Area{area(30, 50, 570, 650)}, 0},
		{"a bar behind a line", []page.Area{area(50, 110, 270, 124)}, 0},
		{"cells", []page.Area{area(50, 100, 150, 160), area(150, 100, 270, 160)}, 0},
		{"narrow", []page.Area{area(50, 100, 90, 160)}, 0},
		{"without text", []page.Area{area(50, 700, 270, 760)}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := sheet(1, slices.Concat(
				[]set{{x: 50, y: 60, text: "Rules", size: 18}}, text, filled(50, 300, "Body", 20),
			)...)
			p.Areas = tt.areas
			b := lay(t, page.Document{}, p)
			frames := map[int]bool{}
			for _, bl := range b.Blocks {
				if bl.Frame > 0 {
					frames[bl.Frame] = true
				}
			}
			if len(frames) != tt.want {
				t.Fatalf("%d frames, want %d: %q", len(frames), tt.want, shown(b))
			}
			if tt.want == 0 {
				return
			}
			want := []string{
				"# Rules", "[1] ## Rounding", "[1] Whenever you divide a number, round down if you end up with a fraction.",
			}
			if got := shown(b); !slices.Equal(got[:3], want) {
				t.Errorf("got %q, want %q", got, want)
			}
			inside, after := b.Blocks[2].Section, b.Blocks[3].Section
			if !slices.Equal(inside, []string{"Rules", "Rounding"}) || !slices.Equal(after, []string{"Rules"}) {
				t.Errorf("sections %q in the frame, %q behind it", inside, after)
			}
		})
	}
}

// TestFrameInParagraph: a box that a paragraph goes around comes behind it.
func TestFrameInParagraph(t *testing.T) {
	p := sheet(1, slices.Concat(
		column(50, 100, "The dragon sleeps on its gold, and does"),
		column(60, 140, "Dragons are rare, and each of them has", "a name of its own."),
		column(50, 200, "so for a hundred years."),
		filled(50, 300, "Body", 12),
	)...)
	p.Areas = []page.Area{{Box: page.Box{X0: 50, Y0: 125, X1: 270, Y1: 165}, Framed: true}}
	got := shown(lay(t, page.Document{}, p))
	want := []string{
		"The dragon sleeps on its gold, and does so for a hundred years.", "[1] Dragons are rare, and each of them has a name of its own.",
	}
	if !slices.Equal(got[:2], want) {
		t.Errorf("got %q, want %q", got[:2], want)
	}
}

// TestFrameOverPages: the rest of a box on the next page, where it is too small to be known as one.
func TestFrameOverPages(t *testing.T) {
	one := sheet(1, slices.Concat(
		filled(50, 100, "Body", 38), column(50, 556, "That is all of it."), []set{{x: 60, y: 620, text: "Oaths", style: bold}},
		column(60, 634, "A paladin who has broken a vow looks for", "absolution, and spends a night in prayer"),
	)...)
	one.Areas = []page.Area{{Box: page.Box{X0: 50, Y0: 605, X1: 270, Y1: 655}, Filled: true}}
	two := sheet(2, slices.Concat(column(60, 100, "or in an act like it."), filled(50, 130, "Body", 40))...)
	b := lay(t, page.Document{}, one, two)
	want := "[1] A paladin who has broken a vow looks for absolution, and spends a night in prayer or in an act like it."
	if got := shown(b); !slices.Contains(got, want) {
		t.Errorf("no %q in %q", want, got)
	}
}

// TestBookmarks: they give headings their levels and make headings of titles; what is set as a heading and has none is filled in.
func TestBookmarks(t *testing.T) {
	doc := page.Document{Outline: []page.Bookmark{
		{Title: "Monsters", Level: 0, Page: 1, Y: -1},
		{Title: "Dragons", Level: 1, Page: 1, Y: -1},
		{Title: "Fire Breath", Level: 2, Page: 1, Y: -1},
		{Title: "Conﬂict", Level: 1, Page: 2, Y: 50},
		{Title: "Sidebar: Rounding", Level: 2, Page: 2, Y: -1},
		{Title: "Nowhere", Level: 0, Page: 0, Y: -1},
	}}
	body := func(y float32) []set { return filled(50, y, "Body", 6) }
	b := lay(t, doc,
		sheet(1, slices.Concat(
			[]set{{x: 50, y: 60, text: "MONSTERS", size: 12}}, body(80),
			[]set{{x: 50, y: 180, text: "Dragons", size: 20}}, body(210),
			[]set{{x: 50, y: 300, text: "Fire Breath. The dragon breathes a flame", runIn: 12}},
			[]set{{x: 50, y: 350, text: "Dwarves", size: 20}}, body(380),
		)...),
		sheet(2, slices.Concat(
			[]set{{x: 50, y: 60, text: "Conflict"}}, body(80),
			[]set{{x: 50, y: 300, text: "Conflict"}}, body(330),
			[]set{{x: 50, y: 450, text: "Rounding", size: 14}}, body(480),
		)...),
	)
	type entry struct {
		kind     layout.Kind
		level    int
		bookmark string
		section  string
	}
	got := map[string]entry{}
	for _, bl := range b.Blocks {
		if first, _, _ := strings.Cut(bl.Text, "."); !strings.HasPrefix(first, "Body") {
			if _, known := got[first]; !known {
				got[first] = entry{bl.Kind, bl.Level, bl.Bookmark, strings.Join(bl.Section, " > ")}
			}
		}
	}
	want := map[string]entry{
		"MONSTERS":    {layout.Heading, 0, "Monsters", "MONSTERS"},
		"Dragons":     {layout.Heading, 1, "Dragons", "MONSTERS > Dragons"},
		"Fire Breath": {layout.Paragraph, 2, "Fire Breath", "MONSTERS > Dragons"},
		"Dwarves":     {layout.Heading, 1, "", "MONSTERS > Dwarves"},
		"Conflict":    {layout.Heading, 1, "Conﬂict", "MONSTERS > Conflict"},
		"Rounding":    {layout.Heading, 2, "Sidebar: Rounding", "MONSTERS > Conflict > Rounding"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestTurned: text that does not run from left to right comes behind the page's own.
func TestTurned(t *testing.T) {
	side := set{x: 20, y: 300, text: "Beware", turned: true}
	b := lay(t, page.Document{}, sheet(1, slices.Concat([]set{side}, filled(50, 100, "Body", 12))...))
	if got := shown(b); len(got) != 2 || got[1] != "Beware" || b.Pages[0].Geometry {
		t.Errorf("%q", got)
	}
}

// TestEqual: the same pages make the same book, and are not changed.
func TestEqual(t *testing.T) {
	pages := func() []*page.Page {
		var list []*page.Page
		for n := range 6 {
			p := sheet(n+1, slices.Concat(
				[]set{{x: 50, y: 30, text: "A Book"}, {x: 50, y: 60, text: "Chapter", size: 14}, {x: 300, y: 60, text: "Chapter", size: 14, color: 9}},
				filled(50, 100, "Left", 20), filled(320, 100, "Right", 20),
			)...)
			p.Areas = []page.Area{{Box: page.Box{X0: 40, Y0: 90, X1: 260, Y1: 160}, Filled: true}}
			list = append(list, p)
		}
		return list
	}
	given := pages()
	first := lay(t, page.Document{}, given...)
	for range 20 {
		if again := lay(t, page.Document{}, pages()...); !reflect.DeepEqual(first, again) {
			t.Fatal("another book")
		}
	}
	if !reflect.DeepEqual(given, pages()) {
		t.Error("the pages are changed")
	}
}

// TestNothing: what is hardly a book.
func TestNothing(t *testing.T) {
	odd := sheet(2, set{x: 50, y: 50, text: "odd"})
	odd.Fragments[0].Runs[0].Font = 99
	odd.Fragments = append(odd.Fragments, page.Fragment{}, page.Fragment{Text: "bare"})
	odd.Width, odd.Height = 0, 0
	for name, pages := range map[string][]*page.Page{"no page": nil, "no text": {sheet(1)}, "odd": {sheet(1), odd}} {
		t.Run(name, func(t *testing.T) {
			b := layout.Lay(page.Document{}, slices.Values(pages))
			if len(b.Pages) != len(pages) {
				t.Errorf("%d reports", len(b.Pages))
			}
			_ = layout.Text(b)
		})
	}
}
