//go:build integration

package pdf

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/pdf/chunk"
	"github.com/seed-98789ff7/converter/plugins/pdf/grammar"
	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/pdftest"
)

// entitiesOf reads a book by the grammars that are shipped.
func entitiesOf(tb testing.TB, name string) grammar.Result {
	tb.Helper()
	file := pdftest.Read(tb, testdata.Dir(tb, "pdf", name))
	grammars, err := grammar.Shipped()
	if err != nil {
		tb.Fatal(err)
	}
	return grammar.Find(*layout.Lay(*file.Document, slices.Values(file.Pages)), grammars)
}

// TestEntities holds what is promised of real books.
func TestEntities(t *testing.T) {
	for name, hold := range map[string]func(*testing.T, grammar.Result){
		"srd-5.1-cc.pdf": reference51, "dnd-5e-latex-example.pdf": boxed,
		"dungeon-world-pocket.pdf": none, "odd6-core.pdf": none, "cairn-2e-setting-wip.pdf": none,
	} {
		t.Run(name, func(t *testing.T) {
			r := entitiesOf(t, name)
			hold(t, r)
			chunks(t, r)
		})
	}
}

// reference51: the System Reference Document. Where fields differ, it is the reference that is not as the document, or that has
// forms of a monster as monsters.
func reference51(t *testing.T, r grammar.Result) {
	t.Helper()
	reference, err := ReadEntityReference(testdata.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	score := CompareEntities(reference, r.Entities)
	t.Log(score)
	for kind, want := range map[string]int{"monster": 319, "spell": 319, "magic-item": 240} {
		if c := score.Kinds[kind]; c.Found != want || c.Want != want || len(c.False) > 0 {
			t.Errorf("%s: %d found of %d, missing %q, false %q", kind, c.Found, c.Want, c.Missing, c.False)
		}
	}
	for field, least := range map[string]int{
		"monster abilities": 329, "monster challenge_rating": 329, "monster size": 329, "monster type": 329, "monster hit_dice": 329,
		"monster hit_points": 328, "monster alignment": 328, "monster armor_class": 320, "monster speed": 308, "monster languages": 305, "monster traits and actions": 1215,
		"spell level": 319, "spell ritual": 319, "spell concentration": 319, "spell components": 319, "spell casting_time": 318,
		"spell school": 316, "spell duration": 310, "spell range": 303, "spell text length": 313, "magic-item rarity": 236,
	} {
		if c := score.Fields[field]; c == nil || c.Agree < least {
			t.Errorf("%s: %+v, and %d have to agree", field, c, least)
		}
	}
	unsure := 0
	for _, e := range r.Entities {
		if e.Confidence < 1 {
			unsure++
		}
		if len(e.Places) == 0 || e.Page == 0 || e.PageEnd < e.Page || e.PageEnd > e.Page+4 || e.Raw == "" || e.Text == "" || len(e.Section) == 0 {
			t.Errorf("%s: pages %d to %d, %d places, section %q", e.Name, e.Page, e.PageEnd, len(e.Places), e.Section)
		}
	}
	if unsure > 2 || len(r.Unread) > 0 {
		t.Errorf("%d entities are not sure, %+v are not read", unsure, r.Unread)
	}
}

// boxed: a stat block in a frame that TeX has set.
func boxed(t *testing.T, r grammar.Result) {
	t.Helper()
	if len(r.Entities) != 1 {
		t.Fatalf("%d entities", len(r.Entities))
	}
	e := r.Entities[0]
	actions, _ := e.Fields["actions"].([]grammar.Entry)
	if e.Name != "Monster Foo" || e.Confidence != 1 || e.Fields["hit_points"] != 16 || e.Fields["dexterity"] != 14 || len(actions) != 2 ||
		actions[1].Desc != "To use an alternative Monsterbox the Players can call „monster“ instead of „monsterbox“." {
		t.Errorf("got %+v", e)
	}
}

// none: books of other games have none of these.
func none(t *testing.T, r grammar.Result) {
	t.Helper()
	if len(r.Entities) > 0 || len(r.Unread) > 0 {
		t.Errorf("%d entities, unread %+v", len(r.Entities), r.Unread)
	}
}

// chunks: those of a book together are its text, none is too long, and each knows where it is from.
func chunks(t *testing.T, r grammar.Result) {
	t.Helper()
	wholes := make([]chunk.Whole, len(r.Entities))
	for i, e := range r.Entities {
		wholes[i] = chunk.Whole{From: e.From, To: e.To, Cuts: e.Cuts, Content: chunk.Content(e.Content)}
	}
	cut, err := chunk.Book(r.Book, wholes, chunk.Config{Title: "The book"})
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, b := range r.Book.Blocks {
		want = append(want, strings.Fields(b.Text)...)
	}
	seen := map[int]bool{}
	for _, c := range cut {
		own := string([]rune(c.Text)[c.Overlap:])
		got = append(got, strings.Fields(own)...)
		if n := utf8.RuneCountInString(c.Text); n > 1000 || c.Section == "" || c.Chapter == "" || c.PageNumber == 0 || c.PageEnd < c.PageNumber || len(c.Places) == 0 {
			t.Errorf("chunk %d has %d characters, section %q, pages %d to %d, %d places", c.Index, n, c.Section, c.PageNumber, c.PageEnd, len(c.Places))
		}
		if c.Whole >= 0 && !seen[c.Whole] {
			seen[c.Whole] = true
			if e := r.Entities[c.Whole]; !strings.Contains(strings.ToLower(own), strings.ToLower(e.Name)) || string(c.ContentType) != string(e.Content) {
				t.Errorf("the first chunk of %s is %s: %.60q", e.Name, c.ContentType, own)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Error("the chunks together are not the text")
	}
	if len(seen) != len(r.Entities) {
		t.Errorf("%d of %d entities have chunks", len(seen), len(r.Entities))
	}
}
