package entity

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

func normalised(t *testing.T, r sdk.Record, c Context) (*core.Entity, core.Head) {
	t.Helper()
	if r.ID == "" {
		r.ID = "monsters/1"
	}
	if r.JSON == nil {
		r.JSON = json.RawMessage(`{}`)
	}
	e, head, err := Normalise(r, c)
	if err != nil {
		t.Fatal(err)
	}
	return e, head
}

func TestNormaliseTakesEverythingOver(t *testing.T) {
	doc := json.RawMessage("{\"_id\": \"x\", \"hp\": 1e5,\n\"html\": \"<b>\"}")
	r := sdk.Record{
		ID: "Actor.x", Scope: "world/home", JSON: doc, Kind: "creature", NativeType: "Actor/npc", Name: " Snorri's Goblin ",
		Revision: "7", Lang: "de", FolderPath: []string{"a", "b"}, Sort: 42,
		Ruleset: sdk.Ruleset{System: "dnd5e", Version: "4.1", Edition: "2024"},
		Origin:  sdk.Origin{Package: "home", Pack: "npcs", URI: "packs/npcs", Page: 3},
		License: sdk.License{Expression: "CC-BY-4.0", Attribution: "A", From: "document"}, Visibility: "gm",
		Assets: []sdk.AssetRef{
			{URI: "a.png", Pointer: "/img", Role: "portrait", Status: sdk.Present, Path: "/x/a.png", Revision: "r"},
			{URI: "b", Status: sdk.Remote, URL: "https://b", License: sdk.License{Expression: "CC0-1.0"}},
			{URI: "c", Status: sdk.Present, Key: "k"},
		},
		Links: []sdk.Link{
			{Pointer: "/t", Kind: "uuid", Raw: "@UUID[x]", Target: "Actor.y", Part: "Item.z", Label: "L", Anchor: "h"},
		},
		Aliases: []string{"x"}, Warnings: []string{"half of it"}, Incomplete: true,
		Texts:    []sdk.Text{{Pointer: "/t", Role: "notes", Title: "T", Markdown: "*m*", HasSecrets: true}},
		Embedded: []sdk.Embedded{{Part: "Item.z", Kind: "item", Name: "Z", License: sdk.License{Expression: "ORC"}}},
		Facts:    json.RawMessage(`{"cr": 1e0}`),
	}
	e, head := normalised(t, r, Context{Plugin: "foundry", Source: "home-game", SourceOrder: 2, Stream: sdk.Stream{Name: "npcs"}})
	raw := sha256.Sum256(doc)
	content := sha256.Sum256([]byte(`{"hp":1e5,"html":"<b>"}`))
	want := &core.Entity{
		UID: "foundry:world/home:Actor.x", Kind: "creature", NativeType: "Actor/npc", Name: "Snorri's Goblin", Lang: "de", Sort: 42,
		FolderPath: []string{"a", "b"}, Ruleset: r.Ruleset,
		Source: core.Provenance{
			Plugin: "foundry", Name: "home-game", Stream: "npcs", Scope: "world/home", NativeID: "Actor.x", Revision: "7", Origin: r.Origin,
		},
		License: core.License{License: r.License, Redistributable: "yes"}, Visibility: "gm",
		Assets: []core.AssetUse{
			{
				Pointer: "/img", Role: "portrait", URI: "a.png", Status: sdk.Present,
				Locator: core.Locator{Path: "/x/a.png", Revision: "r"},
			},
			{URI: "b", Status: sdk.Remote, License: sdk.License{Expression: "CC0-1.0"}, Locator: core.Locator{URL: "https://b"}},
			{URI: "c", Status: sdk.Present, Locator: core.Locator{Key: "k"}},
		},
		Links: []core.Link{{
			Pointer: "/t", Kind: "uuid", Raw: "@UUID[x]", Target: "Actor.y", Part: "Item.z", Label: "L", Anchor: "h",
			Status: core.LinkUnknown,
		}},
		Text: r.Texts, Embedded: r.Embedded, Facts: r.Facts, Warnings: []string{"half of it"}, Complete: false,
		RawSHA256: hex.EncodeToString(raw[:]), ContentSHA256: hex.EncodeToString(content[:]), Raw: doc,
	}
	if !reflect.DeepEqual(e, want) {
		t.Errorf("entity:\n got %+v\nwant %+v", e, want)
	}
	wantHead := core.Head{
		UID: want.UID, SourceOrder: 2, Source: "home-game", Stream: "npcs", Kind: "creature", Name: "Snorri's Goblin",
		BaseSlug: "snorris-goblin", System: "dnd5e", Edition: "2024", Page: 3, Pack: "npcs", Scope: "world/home", NativeID: "Actor.x", Aliases: []string{"x"},
		ContentSHA256: want.ContentSHA256, RawBytes: int64(len(doc)),
	}
	if !reflect.DeepEqual(head, wantHead) {
		t.Errorf("head:\n got %+v\nwant %+v", head, wantHead)
	}
}

func TestNormaliseOfTheLeast(t *testing.T) {
	e, head := normalised(t, sdk.Record{ID: "1", JSON: json.RawMessage(`{}`)}, Context{Plugin: "p", Source: "s"})
	if e.UID != "p:s:1" || e.Source.Scope != "s" || e.Name != "1" || e.Kind != "other" || !e.Complete || e.License.Redistributable != "unknown" {
		t.Errorf("got %+v", e)
	}
	if e.Assets != nil || e.Links != nil || e.Warnings != nil {
		t.Errorf("empty lists were made: %+v", e)
	}
	if head.BaseSlug != "1" {
		t.Errorf("slug %q", head.BaseSlug)
	}
}

// TestFactsThatAreNone: an entity whose facts no program could read would be no JSON itself.
func TestFactsThatAreNone(t *testing.T) {
	for _, facts := range []string{`[1]`, `{"a":`, `3`, "{\"a\":\"\xff\"}"} {
		e, _ := normalised(t, sdk.Record{Facts: json.RawMessage(facts)}, Context{Plugin: "p", Source: "s"})
		if e.Facts != nil || len(e.Warnings) != 1 {
			t.Errorf("%q: %s, %q", facts, e.Facts, e.Warnings)
		}
	}
}

func TestNames(t *testing.T) {
	for name, tc := range map[string]struct{ said, doc, want string }{
		"said":              {"Orc", `{"name":"x"}`, "Orc"},
		"name":              {"", `{"title":"x","name":"Orc"}`, "Orc"},
		"title":             {"", `{"title":"Orc"}`, "Orc"},
		"blank name":        {" \t", `{"name":"  ","title":"Orc"}`, "Orc"},
		"name no string":    {"", `{"name":{"en":"x"},"title":"Orc"}`, "Orc"},
		"null":              {"", `{"name":null,"title":null}`, "id"},
		"none":              {"", `{}`, "id"},
		"inside is not top": {"", `{"a":{"name":"x"}}`, "id"},
		"escapes":           {"", `{"n\u0061me":"\u00d6rk \"1\""}`, `Örk "1"`},
		"the last counts":   {"", `{"name":"x","name":"Orc"}`, "Orc"},
	} {
		t.Run(name, func(t *testing.T) {
			e, _ := normalised(t, sdk.Record{ID: "id", Name: tc.said, JSON: json.RawMessage(tc.doc)}, Context{})
			if e.Name != tc.want {
				t.Errorf("got %q, want %q", e.Name, tc.want)
			}
		})
	}
}

func TestKinds(t *testing.T) {
	for name, tc := range map[string]struct {
		record, stream, want string
		warned               bool
	}{
		"record":              {"spell", "item", "spell", false},
		"stream":              {"", "item", "item", false},
		"neither":             {"", "", "other", false},
		"record unknown":      {"bard", "", "other", true},
		"not the stream's":    {"bard", "item", "other", true},
		"stream unknown":      {"", "bard", "other", false},
		"case counts":         {"Spell", "", "other", true},
		"every kind is known": {core.Kinds[len(core.Kinds)-1], "item", "other", false},
	} {
		t.Run(name, func(t *testing.T) {
			e, head := normalised(t, sdk.Record{Kind: tc.record}, Context{Stream: sdk.Stream{Kind: tc.stream}})
			if e.Kind != tc.want || head.Kind != tc.want {
				t.Errorf("got %q and %q, want %q", e.Kind, head.Kind, tc.want)
			}
			warned := slices.ContainsFunc(e.Warnings, func(w string) bool { return strings.Contains(w, `"`+tc.record+`"`) })
			if warned != tc.warned {
				t.Errorf("warnings: %q", e.Warnings)
			}
		})
	}
}

// TestWarningsAreNotShared: two records whose warnings lie in one array, as a source may have them.
func TestWarningsAreNotShared(t *testing.T) {
	shared := make([]string, 1, 2)
	shared[0] = "damaged pack"
	one, _ := normalised(t, sdk.Record{Kind: "bard", Warnings: shared}, Context{})
	two, _ := normalised(t, sdk.Record{Kind: "rogue", Warnings: shared}, Context{})
	if strings.Contains(one.Warnings[1], "rogue") || strings.Contains(two.Warnings[1], "bard") {
		t.Errorf("one record has the warning of another: %q, %q", one.Warnings, two.Warnings)
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		record sdk.Record
		code   string
	}{
		"no id":           {sdk.Record{JSON: json.RawMessage(`{}`)}, "record.no_id"},
		"no document":     {sdk.Record{ID: "x"}, "record.not_json"},
		"cut off":         {sdk.Record{ID: "x", JSON: json.RawMessage(`{"a":`)}, "record.not_json"},
		"two documents":   {sdk.Record{ID: "x", JSON: json.RawMessage(`{}{}`)}, "record.not_json"},
		"trailing comma":  {sdk.Record{ID: "x", JSON: json.RawMessage(`{"a":1,}`)}, "record.not_json"},
		"byte order mark": {sdk.Record{ID: "x", JSON: json.RawMessage("\ufeff{}")}, "record.not_json"},
		"array":           {sdk.Record{ID: "x", JSON: json.RawMessage(` [{}]`)}, "record.not_object"},
		"null":            {sdk.Record{ID: "x", JSON: json.RawMessage(`null`)}, "record.not_object"},
		"a lone string":   {sdk.Record{ID: "x", JSON: json.RawMessage(`"{}"`)}, "record.not_object"},
		"other encoding":  {sdk.Record{ID: "x", JSON: json.RawMessage("{\"a\":\"\xfc\"}")}, "record.not_utf8"},
		"too deeply nested": {
			sdk.Record{ID: "x", JSON: json.RawMessage(`{"a":` + strings.Repeat("[", 10001) + strings.Repeat("]", 10001) + "}")},
			"record.not_json",
		},
	} {
		t.Run(name, func(t *testing.T) {
			tc.record.Origin.URI = "packs/x"
			e, _, err := Normalise(tc.record, Context{Plugin: "p"})
			var d *sdk.Diagnostic
			if !errors.As(err, &d) || e != nil {
				t.Fatalf("got %v, %v", e, err)
			}
			if d.Code != tc.code || d.Kind != sdk.Invalid || d.RecordID != tc.record.ID || d.Origin.URI != "packs/x" {
				t.Errorf("got %+v, want code %s", d, tc.code)
			}
			if d.Summary == "" || d.Suggestion == "" {
				t.Errorf("it does not say what happened and what to do: %+v", d)
			}
		})
	}
}

func TestRedistributable(t *testing.T) {
	for expression, want := range map[string]string{
		"CC-BY-4.0": "yes", "cc by 4.0": "yes", "CC_BY_SA_4.0": "yes", "CC0-1.0": "yes", "MIT": "yes", "OGL-1.0a": "yes", "OGL": "yes",
		"ORC": "yes", "LicenseRef-ORC": "yes", "Open Game License v1.0a": "yes", "ogl-10a": "yes", "Apache-2.0": "yes",
		"Public Domain": "yes", " MIT ": "yes",

		"All Rights Reserved": "no", "LicenseRef-Proprietary": "no", "all-rights-reserved by X": "no",

		"": "unknown", "LICENSE.txt": "unknown", "https://example.org/licence": "unknown", "MITRE": "unknown", "GPL-3.0": "unknown",
		"CC-BY-NC-4.0": "unknown", "CC-BY-ND-4.0": "unknown", "cc by-nc-sa 4.0": "unknown", "cc-bystander": "unknown",
		"orchard": "unknown",

		"CC-BY-4.0 OR OGL-1.0a": "yes", "CC-BY-4.0 AND OGL-1.0a": "yes", "(CC-BY-4.0 OR Proprietary)": "yes",
		"CC-BY-4.0 AND LicenseRef-Artist": "unknown", "CC-BY-4.0 AND Proprietary": "no", "X OR Proprietary": "unknown",
		"MIT OR X AND Y": "unknown", "MIT OR X": "yes",
	} {
		if got := redistributable(expression); got != want {
			t.Errorf("%q: got %s, want %s", expression, got, want)
		}
	}
}

func TestLicenceOfRecordOrStream(t *testing.T) {
	stream := sdk.License{Expression: "OGL-1.0a", Attribution: "Publisher", From: "pack"}
	for name, tc := range map[string]struct {
		own  sdk.License
		want core.License
	}{
		"stream's": {sdk.License{}, core.License{License: stream, Redistributable: "yes"}},
		"own": {
			sdk.License{Expression: "proprietary", From: "document"},
			core.License{License: sdk.License{Expression: "proprietary", From: "document"}, Redistributable: "no"},
		},
		"own by address": {
			sdk.License{URL: "https://x"}, core.License{License: sdk.License{URL: "https://x"}, Redistributable: "unknown"},
		},
		"own author, stream's licence": {
			sdk.License{Attribution: "Author"},
			core.License{License: sdk.License{Expression: "OGL-1.0a", Attribution: "Author", From: "pack"}, Redistributable: "yes"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			e, _ := normalised(t, sdk.Record{License: tc.own}, Context{Stream: sdk.Stream{License: stream}})
			if e.License != tc.want {
				t.Errorf("got %+v, want %+v", e.License, tc.want)
			}
		})
	}
}
