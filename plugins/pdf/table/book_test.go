//go:build integration

package table_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdfium"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// tablesOf finds the tables of pages of a book, each page knowing what the one before ended with, and joins what goes on.
func tablesOf(t *testing.T, name string, g table.Ground, pages ...int) []table.Found {
	t.Helper()
	var all []table.Found
	for _, p := range pagesOf(t, name, pages...) {
		g.Aside = make([]bool, len(p.Fragments))
		for i, f := range p.Fragments {
			g.Aside[i] = f.Box.Y1 < 0.055*p.Height || f.Box.Y0 > 0.945*p.Height
		}
		found := table.Find(p, g)
		sound(t, p, found)
		g.Before = found
		for i := range found {
			if last := len(all) - 1; last < 0 || !all[last].Join(found[i]) {
				all = append(all, found[i])
			}
		}
	}
	return all
}

// pagesOf reads some pages of a book.
func pagesOf(t *testing.T, name string, numbers ...int) []*page.Page {
	t.Helper()
	path := testdata.Dir(t, "pdf", name)
	library, err := pdfium.Load(t.Context(), pdfium.Config{CacheDir: pdfium.CacheDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer library.Close(t.Context())
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := library.Open(t.Context(), bytes.NewReader(data), int64(len(data)), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close(t.Context())
	pages := make([]*page.Page, len(numbers))
	for i, n := range numbers {
		if pages[i], err = file.Page(t.Context(), n); err != nil {
			t.Fatalf("page %d: %v", n, err)
		}
	}
	page.Mend(pages)
	return pages
}

// firstRows are the first lines of tables, after their captions.
func firstRows(found []table.Found) []string {
	all := texts(found)
	for i := range all {
		lines := strings.Split(all[i], "\n")
		all[i] = lines[0]
		if found[i].Caption != "" {
			all[i] += " " + lines[1]
		}
	}
	return all
}

func TestBookWithLines(t *testing.T) {
	found := tablesOf(t, "cairn-2e-setting-wip.pdf", table.Ground{Body: table.Style{Font: "Ubuntu-Regular", Size: 10}}, 2, 3)
	got := firstRows(found)
	if want := []string{"[Hub Terrain] d6|Terrain", "[Near Terrain] d8|Terrain", "[Far Terrain] d8|Terrain", "[Detail Types] d6|Detail Type"}; !slices.Equal(got, want) {
		t.Fatalf("tables begin with %q, want %q", got, want)
	}
	// Its names end a page, its rows are on the next.
	far := found[2]
	if far.Page != 2 || far.PageEnd != 3 || len(far.Rows) != 9 || far.Dice == nil || far.Dice.Formula != "1d8" || len(far.Dice.Gaps) > 0 {
		t.Errorf("on pages %d to %d with %d rows and rolls %+v", far.Page, far.PageEnd, len(far.Rows), far.Dice)
	}
}

func TestBookInOneColumn(t *testing.T) {
	g := table.Ground{Body: table.Style{Font: "Palatino-Roman", Size: 10}}
	found := tablesOf(t, "odd6-core.pdf", g, 3, 8, 14, 20, 30)
	want := []string{
		"Difficulty|D/P|DC/SL|TN|TX|TY|TZ",
		"[4.14 Critical Results] d66|Result|Healing",
		"[7.1 Medieval Hand Weapons] Weapon|Hands|Type|DMG|Comments",
		"[7.2 Ranged Weapons] Weapon|DMG|R|C|M|L|X|Comments",
	}
	if got := firstRows(found); !slices.Equal(got, want) {
		t.Fatalf("tables begin with %q, want %q", got, want)
	}
	if critical := found[1]; critical.Dice == nil || len(critical.Dice.Ranges) != 21 || len(critical.Dice.Gaps) > 0 {
		t.Errorf("rolls of the second are %+v", critical.Dice)
	}
	if rows := len(found[2].Rows); rows != 25 {
		t.Errorf("the third has %d rows, want 25", rows)
	}
}

func TestBookInNarrowColumns(t *testing.T) {
	g := table.Ground{Columns: []page.Box{{X0: 42, Y0: 30, X1: 200, Y1: 740}, {X0: 210, Y0: 30, X1: 372, Y1: 740}, {X0: 382, Y0: 30, X1: 556, Y1: 740}}}
	g.Body = mostOf(pagesOf(t, "dungeon-world-pocket.pdf", 11, 12, 18))
	if got := texts(tablesOf(t, "dungeon-world-pocket.pdf", g, 11)); !slices.Equal(got, want("Score|Modifier\n---\n1-3|-3\n4-5|-2\n6-8|-1\n9-11|0\n12-15|+1\n16-17|+2\n18|+3")) {
		t.Errorf("page 11 has %q", got)
	}
	for _, p := range pagesOf(t, "dungeon-world-pocket.pdf", 2, 3, 4, 10, 12, 18, 31, 46, 58, 78, 84, 103, 107, 133, 147, 148, 149, 150, 151) { // text, contents, index
		if got := texts(table.Find(p, g)); len(got) > 0 {
			t.Errorf("page %d has %q", p.Number, got)
		}
	}
}

func TestBookWithBoxes(t *testing.T) {
	g := table.Ground{Columns: []page.Box{{X0: 40, Y0: 40, X1: 295, Y1: 730}, {X0: 315, Y0: 40, X1: 570, Y1: 730}}}
	g.Body = mostOf(pagesOf(t, "dnd-5e-latex-example.pdf", 2, 3))
	found := tablesOf(t, "dnd-5e-latex-example.pdf", g, 1, 2, 3, 4) // the values of a creature among them
	if got := texts(found); !slices.Equal(got, want("Table head|Table head\n---\nSome value|Some value\nSome value|Some value\nSome value|Some value")) {
		t.Fatalf("found %q", got)
	}
	if found[0].Kind != table.Ruled || found[0].Column != 0 {
		t.Errorf("it is %s, in column %d", found[0].Kind, found[0].Column)
	}
}

func TestBookInTwoColumns(t *testing.T) {
	g := table.Ground{
		Body:    table.Style{Font: "Cambria", Size: 9.84},
		Columns: []page.Box{{X0: 50, Y0: 40, X1: 285, Y1: 745}, {X0: 327, Y0: 40, X1: 562, Y1: 745}},
	}
	for _, tt := range []struct {
		pages  []int
		tables []string // their first lines
		rows   []int
		groups int // rows of one cell, of all of them
	}{
		{[]int{8}, []string{"[The Barbarian] Level|Proficiency Bonus|Features|Rages|Rage Damage"}, []int{21}, 0},
		{[]int{63, 64}, []string{"[Armor] Armor|Cost|Armor Class (AC)|Strength|Stealth|Weight", "[Donning and Doffing Armor] Category|Don|Doff"}, []int{18, 5}, 4},
		{[]int{65, 66}, []string{"[Weapons] Name|Cost|Damage|Weight|Properties"}, []int{42}, 4},
		{[]int{209, 210, 211}, []string{
			"d10|Damage Type|d10|Damage Type", "d100|Effect", "[Gray Bag of Tricks] d8|Creature", "[Rust Bag of Tricks] d8|Creature",
			"[Tan Bag of Tricks] d8|Creature", "Type|Strength|Rarity",
		}, []int{6, 13, 9, 9, 9, 6}, 0},
		{[]int{254, 261, 262, 263}, []string{"[Size Categories] Size|Space|Examples"}, []int{7}, 0}, // and the values of creatures
	} {
		found := tablesOf(t, "srd-5.1-cc.pdf", g, tt.pages...)
		if got := firstRows(found); !slices.Equal(got, tt.tables) {
			t.Errorf("pages %v: tables begin with %q, want %q", tt.pages, got, tt.tables)
			continue
		}
		groups := 0
		for i, f := range found {
			if len(f.Rows) != tt.rows[i] {
				t.Errorf("pages %v: table %d has %d rows, want %d:\n%s", tt.pages, i, len(f.Rows), tt.rows[i], f.Text())
			}
			if f.Dice != nil && len(f.Dice.Gaps) > 0 {
				t.Errorf("pages %v: rolls of table %d: %q", tt.pages, i, f.Dice.Gaps)
			}
			for _, row := range f.Rows {
				if row[0].Span == len(row) {
					groups++
				}
			}
		}
		if groups != tt.groups {
			t.Errorf("pages %v: %d names of groups, want %d", tt.pages, groups, tt.groups)
		}
	}
}

// mostOf is the style of most of the text of pages.
func mostOf(pages []*page.Page) table.Style {
	count := map[table.Style]int{}
	var most table.Style
	for _, p := range pages {
		for _, f := range p.Fragments {
			begin := 0
			for _, r := range f.Runs {
				s := table.Style{Font: p.Fonts[r.Font].Name, Size: r.Size, Color: r.Color}
				count[s] += r.End - begin
				begin = r.End
				if count[s] > count[most] {
					most = s
				}
			}
		}
	}
	return most
}
