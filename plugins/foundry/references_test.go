package foundry_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// linked reads documents of a module that knows some compendia, and returns their links, document by document.
func linked(t *testing.T, typ, collection string, docs ...string) [][]sdk.Link {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"modules/m/module.json": `{"id": "m", "packs": [{"name": "p", "type": "` + typ + `"}, {"name": "gone", "type": "Scene"}]}`,
		"systems/s/system.json": `{"id": "s", "packs": [{"name": "old-items", "entity": "Item"}, {"name": "wiki", "type": "JournalEntry"}]}`,
		"worlds/w/world.json":   `{"id": "w", "packs": [{"name": "npcs", "type": "Actor"}]}`,
	})
	e := entries{}
	for i, doc := range docs {
		e[fmt.Sprintf("!%s!%016d", collection, i)] = doc
	}
	store(t, dir, "modules/m/packs/p", e)
	h := read(t, open(t, options{"roots": []string{dir}}))
	if len(h.records) != len(docs) {
		t.Fatalf("read %q", h.all)
	}
	var links [][]sdk.Link
	for _, r := range h.records {
		links = append(links, r.Links)
	}
	return links
}

func quote(t *testing.T, s string) string {
	t.Helper()
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMarks: links in prose.
func TestMarks(t *testing.T) {
	const id, other = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"
	self := "Compendium.m.p.Item."
	cases := []struct {
		text string
		want []sdk.Link
	}{
		{"@UUID[Compendium.s.x.Item." + id + "]{Magic Missile}", []sdk.Link{{Kind: "uuid", Target: "Compendium.s.x.Item." + id, Label: "Magic Missile"}}},
		{"<p>see @UUID[Compendium.s.x.JournalEntry." + id + ".JournalEntryPage." + other + "#the-end]{End}, or not</p>", []sdk.Link{{
			Raw:  "@UUID[Compendium.s.x.JournalEntry." + id + ".JournalEntryPage." + other + "#the-end]{End}",
			Kind: "uuid", Target: "Compendium.s.x.JournalEntry." + id, Part: "JournalEntryPage." + other, Anchor: "the-end", Label: "End",
		}}},
		{"@UUID[Compendium.s.old-items." + id + "]", []sdk.Link{{Kind: "uuid", Target: "Compendium.s.old-items.Item." + id}}},
		{"@UUID[Compendium.m.gone." + id + "]", []sdk.Link{{Kind: "uuid", Target: "Compendium.m.gone.Scene." + id}}},
		{"@UUID[Compendium.world.npcs." + id + "]", []sdk.Link{{Kind: "uuid", Target: "Compendium.world.npcs.Actor." + id}}},
		{"@Compendium[s.old-items." + id + "]{Sword}", []sdk.Link{{Kind: "uuid", Target: "Compendium.s.old-items.Item." + id, Label: "Sword"}}},
		{"@Compendium[s.wiki.Chapter 1. The start]{1}", []sdk.Link{{Kind: "uuid", Target: "Compendium.s.wiki.JournalEntry.Chapter 1. The start", Label: "1"}}},
		{"@Compendium[nobody.knows." + id + "]", []sdk.Link{{Kind: "uuid", Target: "Compendium.nobody.knows.Document." + id}}},
		{"@Compendium[s.wiki.JournalEntry." + id + "]", []sdk.Link{{Kind: "uuid", Target: "Compendium.s.wiki.JournalEntry." + id}}},
		{"@Actor[" + id + "]{Goblin} @Item[" + id + "] @JournalEntry[" + id + "#x] @RollTable[Loot Table] @Scene[" + id + "] @Macro[" + id + "]" +
			" @Playlist[" + id + "] @Cards[" + id + "]", []sdk.Link{
			{Raw: "@Actor[" + id + "]{Goblin}", Kind: "uuid", Target: "Actor." + id, Label: "Goblin"},
			{Raw: "@Item[" + id + "]", Kind: "uuid", Target: "Item." + id},
			{Raw: "@JournalEntry[" + id + "#x]", Kind: "uuid", Target: "JournalEntry." + id, Anchor: "x"},
			{Raw: "@RollTable[Loot Table]", Kind: "uuid", Target: "RollTable.Loot Table"},
			{Raw: "@Scene[" + id + "]", Kind: "uuid", Target: "Scene." + id},
			{Raw: "@Macro[" + id + "]", Kind: "uuid", Target: "Macro." + id},
			{Raw: "@Playlist[" + id + "]", Kind: "uuid", Target: "Playlist." + id},
			{Raw: "@Cards[" + id + "]", Kind: "uuid", Target: "Cards." + id},
		}},
		{"@UUID[Actor." + id + ".Item." + other + "]", []sdk.Link{{Kind: "uuid", Target: "Actor." + id, Part: "Item." + other}}},
		{"@UUID[Scene." + id + ".Token." + id + ".Actor." + id + ".Item." + other + "]{x}", []sdk.Link{{
			Kind: "uuid", Target: "Scene." + id, Part: "Token." + id + ".Actor." + id + ".Item." + other, Label: "x",
		}}},
		{"@UUID[." + other + "]{Shove}", []sdk.Link{{Kind: "uuid", Target: self, Part: other, Label: "Shove"}}},
		{"@UUID[..Item." + other + "#a]", []sdk.Link{{Kind: "uuid", Target: self, Part: "Item." + other, Anchor: "a"}}},
		{"@Embed[Compendium.s.x.Item." + id + " caption=false classes=\"a b\"]", []sdk.Link{{Kind: "embed", Target: "Compendium.s.x.Item." + id}}},
		{"@Embed[inline  uuid='Item." + id + "' cite]{L}", []sdk.Link{{Kind: "embed", Target: "Item." + id, Label: "L"}}},
		{"@Embed[caption=false uuid=\"Item." + id + "#x\"]", []sdk.Link{{Kind: "embed", Target: "Item." + id, Anchor: "x"}}},
		{"@Embed[." + other + " rollable]", []sdk.Link{{Kind: "embed", Target: self, Part: other}}},
		{"@Embed[caption=false]", []sdk.Link{{Kind: "embed"}}},
		{"@UUID[Compendium.s.spells.Item.Bless (Heightened [3rd])]{Bless {3}}", []sdk.Link{{
			Kind: "uuid", Target: "Compendium.s.spells.Item.Bless (Heightened [3rd])", Label: "Bless {3}",
		}}},
		{"@UUID[ Item." + id + " ]{a\nb}", []sdk.Link{{Kind: "uuid", Target: "Item." + id, Label: "a\nb"}}},
		{"@UUID[Item." + id + "] {no label}", []sdk.Link{{Raw: "@UUID[Item." + id + "]", Kind: "uuid", Target: "Item." + id}}},
		{"@UUID[Item." + id + "]{no end", []sdk.Link{{Raw: "@UUID[Item." + id + "]", Kind: "uuid", Target: "Item." + id}}},
		{"@UUID[Item." + id + "]@UUID[Item." + other + "]", []sdk.Link{
			{Raw: "@UUID[Item." + id + "]", Kind: "uuid", Target: "Item." + id}, {Raw: "@UUID[Item." + other + "]", Kind: "uuid", Target: "Item." + other},
		}},
		{"@@UUID[Item." + id + "]", []sdk.Link{{Raw: "@UUID[Item." + id + "]", Kind: "uuid", Target: "Item." + id}}},
		// A mark of the system may have one of ours in it.
		{"@Damage[2d6[fire]]{x} @Check[type:will|dc:15] @Localize[A.B] @Template[@UUID[Item." + id + "]{y}]", []sdk.Link{
			{Raw: "@UUID[Item." + id + "]{y}", Kind: "uuid", Target: "Item." + id, Label: "y"},
		}},
		// Of these the target is not known, and said so.
		{"@UUID[] @UUID[.] @UUID[Compendium.a.b] @UUID[Compendium...x] @UUID[word]", []sdk.Link{
			{Raw: "@UUID[]", Kind: "uuid"},
			{Raw: "@UUID[.]", Kind: "uuid", Target: self},
			{Raw: "@UUID[Compendium.a.b]", Kind: "uuid"},
			{Raw: "@UUID[Compendium...x]", Kind: "uuid"},
			{Raw: "@UUID[word]", Kind: "uuid"},
		}},
		{"me@example.com @name @[x] @UUID @UUID[ @Actor @uuid[Item." + id + "] @UUID[a\nb] @UUID[<b>x</b>] &Reference[prone] [[/r 1d20]]", nil},
		{"@UUID[" + strings.Repeat("x", 2000) + "]", nil},
	}
	var docs []string
	for _, tt := range cases {
		docs = append(docs, `{"text":`+quote(t, tt.text)+`}`)
	}
	for n, links := range linked(t, "Item", "items", docs...) {
		tt := cases[n]
		for i := range tt.want {
			w := &tt.want[i]
			w.Pointer = "/text"
			if w.Raw == "" {
				w.Raw = tt.text
			}
			if w.Target == self {
				w.Target += fmt.Sprintf("%016d", n) // the document itself
			}
		}
		if !slices.Equal(links, tt.want) {
			t.Errorf("%q\ngot  %+v\nwant %+v", tt.text, links, tt.want)
		}
	}
}

// TestBareUUIDs: strings that are UUIDs as a whole.
func TestBareUUIDs(t *testing.T) {
	const id, other = "aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"
	doc := `{
		"_stats":{"compendiumSource":"Compendium.s.x.Item.` + id + `","duplicateSource":"Item.` + id + `","exportSource":{"uuid":"Item.` + other + `"}},
		"flags":{"core":{"sourceId":"Compendium.s.old-items.` + id + `"},"a~b":{"c/d":{"\u00e4\uD83D\uDC09\/":["x",{"e\"\\":"Actor.` + id + `"}]}}},
		"system":{"advancement":[{"configuration":{"items":[{"uuid":"Compendium.s.x.Item.` + id + `"}]}}],
			"activities":{"k":{"spell":{"uuid":"Compendium.s.x.Item.` + id + `.ActiveEffect.` + other + `"}}}},
		"effects":["e"],
		"none":["Actor","Actor.short","Actor.` + id + `.Item","actor.` + id + `","1.5","a.b","Compendium.a.b","Compendium.a.b.c/d","Compendium.a..x",
			"Compendium.a.b.","Compendium.a.b.c d","Actor.aaaaaaaaaaaaaa-a","` + strings.Repeat("Compendium.", 30) + `x"]
	}`
	dir := library(t, "Item", entries{"!items!i": doc, "!items.effects!i.e": `{"origin":"Actor.` + id + `.Item.` + other + `"}`})
	var got []string
	for _, l := range read(t, open(t, options{"roots": []string{dir}})).records[0].Links {
		got = append(got, strings.Join([]string{l.Kind, l.Pointer, l.Target, l.Part}, " "))
	}
	want := []string{
		"derived /_stats/compendiumSource Compendium.s.x.Item." + id + " ",
		"derived /_stats/duplicateSource Item." + id + " ",
		"uuid /_stats/exportSource/uuid Item." + other + " ",
		"derived /flags/core/sourceId Compendium.s.old-items.Document." + id + " ",
		`uuid /flags/a~0b/c~1d/ä🐉~1/1/e"\ Actor.` + id + " ",
		"uuid /system/advancement/0/configuration/items/0/uuid Compendium.s.x.Item." + id + " ",
		"uuid /system/activities/k/spell/uuid Compendium.s.x.Item." + id + " ActiveEffect." + other,
		"uuid /effects/0/origin Actor." + id + " Item." + other,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestTableResults: before v13 a result names its document by collection and id.
func TestTableResults(t *testing.T) {
	const id = "aaaaaaaaaaaaaaaa"
	links := linked(t, "Item", "novelties", `{"results":[{"documentCollection":"s.old-items","documentId":"`+id+`"}]}`)[0]
	if len(links) != 0 { // not a table
		t.Errorf("got %+v", links)
	}
	dir := library(t, "RollTable", entries{
		"!tables!t":           `{"results":["a","b","c","d","e","f"]}`,
		"!tables.results!t.a": `{"type":"pack","documentCollection":"m.p","documentId":"` + id + `"}`,
		"!tables.results!t.b": `{"type":"document","documentCollection":"Item","documentId":"` + id + `"}`,
		"!tables.results!t.c": `{"type":"text","documentCollection":"","documentId":null}`,
		"!tables.results!t.d": `{"type":"document","documentCollection":"Item","documentId":"x","documentUuid":"Item.` + id + `"}`,
		"!tables.results!t.e": `{"documentCollection":["x"],"documentId":{}}`,
		"!tables.results!t.f": `{"documentUuid":"Compendium.m.p.RollTable.` + id + `"}`,
	})
	var got []string
	for _, l := range read(t, open(t, options{"roots": []string{dir}})).records[0].Links {
		got = append(got, l.Pointer+" "+l.Raw+" "+l.Target)
	}
	slices.Sort(got)
	want := []string{
		"/results/0/documentId " + id + " Compendium.m.p.RollTable." + id, "/results/1/documentId " + id + " Item." + id,
		"/results/3/documentUuid Item." + id + " Item." + id,
		"/results/5/documentUuid Compendium.m.p.RollTable." + id + " Compendium.m.p.RollTable." + id,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
