package foundry_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// records reads a module of one pack and returns its records by what follows the last dot of their ids.
func records(t *testing.T, typ string, e entries) map[string]sdk.Record {
	t.Helper()
	h := read(t, open(t, options{"roots": []string{library(t, typ, e)}}))
	if len(h.records) != len(e) || len(h.skipped) > 0 {
		t.Fatalf("read %q", h.all)
	}
	all := map[string]sdk.Record{}
	for _, r := range h.records {
		all[r.ID[strings.LastIndexByte(r.ID, '.')+1:]] = r
	}
	return all
}

func TestRecord(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"systems/s/system.json": `{"id": "s", "title": "Rules", "version": "5.3", "packs": [
			{"name": "p", "label": "Pack", "type": "Item", "system": "s", "flags": {"s": {"sourceBook": "Basics"}, "x": {"sourceBook": "no"}}}]}`,
	})
	store(t, dir, "systems/s/packs/p", entries{
		"!items!abcdefghijklmnop": `{"name":"Torch","type":"loot","folder":"f2","sort":-200000,
		"_stats":{"coreVersion":"13.345","systemId":"other","systemVersion":"5.1","createdTime":1700000000001,"modifiedTime":1700000000002.5,
		"compendiumSource":"Compendium.s.p.aaaaaaaaaaaaaaaa"},
		"ownership":{"default":0},"system":{"source":{"book":"","page":"12","license":"CC-BY-4.0","rules":"2024"}}}`,
		"!folders!f1": `{"name":"Gear","type":"Item"}`, "!folders!f2": `{"name":"Light","folder":"f1","type":"Item"}`,
	})
	h := read(t, open(t, options{"roots": []string{dir}}))
	got := h.of(t, "Torch")
	if !strings.Contains(string(got.JSON), `"sort":-200000`) {
		t.Errorf("the document is %s", got.JSON)
	}
	if len(got.Links) != 1 || got.Links[0].Kind != "derived" {
		t.Errorf("links: %+v", got.Links)
	}
	got.JSON, got.Links = nil, nil
	want := sdk.Record{
		ID: "Compendium.s.p.Item.abcdefghijklmnop", Scope: "system/s", Kind: "item", NativeType: "Item/loot", Name: "Torch",
		FolderPath: []string{"Gear", "Light"}, Sort: -200000, Ruleset: sdk.Ruleset{System: "s", Version: "5.1", Edition: "2024"},
		Origin: sdk.Origin{
			PackageKind: "system", Package: "s", PackageVersion: "5.3", Pack: "p", PackLabel: "Pack", Format: "leveldb",
			URI: "systems/s/packs/p", Page: 12, Book: "Basics", SystemVersion: "5.1", CoreVersion: "13.345",
			CreatedMS: 1700000000001, ModifiedMS: 1700000000002, DerivedFrom: "Compendium.s.p.Item.aaaaaaaaaaaaaaaa",
		},
		License: sdk.License{Expression: "CC-BY-4.0", Attribution: "Basics", From: "document"},
		Aliases: []string{"Compendium.s.p.Item.Torch"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	folder := h.of(t, "Light")
	if folder.Kind != "folder" || folder.NativeType != "Folder" || !slices.Equal(folder.FolderPath, []string{"Gear"}) ||
		folder.ID != "Compendium.s.p.Folder.f2" {
		t.Errorf("the folder is %+v", folder)
	}
}

func TestKinds(t *testing.T) {
	cases := []struct{ collection, typ, kind, native string }{
		{"actors", "npc", "creature", "Actor/npc"},
		{"actors", "character", "character", "Actor/character"},
		{"actors", "vehicle", "vehicle", "Actor/vehicle"},
		{"actors", "party", "group", "Actor/party"},
		{"actors", "", "creature", "Actor"},
		{"items", "spell", "spell", "Item/spell"},
		{"items", "feat", "feature", "Item/feat"},
		{"items", "class", "class", "Item/class"},
		{"items", "subclass", "subclass", "Item/subclass"},
		{"items", "ancestry", "species", "Item/ancestry"},
		{"items", "background", "background", "Item/background"},
		{"items", "condition", "condition", "Item/condition"},
		{"items", "some-module.spell", "spell", "Item/some-module.spell"},
		{"items", "weapon", "item", "Item/weapon"},
		{"items", "character", "item", "Item/character"},
		{"journal", "", "rule", "JournalEntry"},
		{"scenes", "", "scene", "Scene"},
		{"tables", "", "table", "RollTable"},
		{"playlists", "", "playlist", "Playlist"},
		{"macros", "script", "macro", "Macro"},
		{"cards", "deck", "cards", "Cards/deck"},
		{"adventures", "", "adventure", "Adventure"},
		{"folders", "Actor", "folder", "Folder"},
		{"effects", "base", "condition", "ActiveEffect/base"},
		{"combats", "", "other", "Combat"},
		{"novelties", "", "other", "Novelty"}, // the pack says what it holds
	}
	e := entries{}
	for i, tt := range cases {
		e[fmt.Sprintf("!%s!%d", tt.collection, i)] = fmt.Sprintf(`{"name":"x","type":%q}`, tt.typ)
	}
	all := records(t, "Novelty", e)
	for i, tt := range cases {
		r := all[fmt.Sprint(i)]
		typ, _, _ := strings.Cut(tt.native, "/")
		if r.Kind != tt.kind || r.NativeType != tt.native || r.ID != fmt.Sprintf("Compendium.m.p.%s.%d", typ, i) {
			t.Errorf("%s of type %q: %s %s %s", tt.collection, tt.typ, r.Kind, r.NativeType, r.ID)
		}
	}
}

// TestPublished: where systems say what a document was published in, and under which licence.
func TestPublished(t *testing.T) {
	cases := map[string]struct {
		doc     string
		book    string
		page    int
		edition string
		licence string
	}{
		"dnd5e":                  {`"system":{"source":{"book":"SRD 5.2","page":"7","license":"CC-BY-4.0","rules":"2024","custom":"x"}}`, "SRD 5.2", 7, "2024", "CC-BY-4.0"},
		"a label of its own":     {`"system":{"source":{"book":"","custom":"My zine"}}`, "My zine", 0, "", ""},
		"an actor of before":     {`"system":{"details":{"source":{"book":"MM","page":3}}}`, "MM", 3, "", ""},
		"both places":            {`"system":{"source":{"book":"New","license":"A"},"details":{"source":{"book":"","license":"","page":4}}}`, "New", 4, "", "A"},
		"the other way around":   {`"system":{"details":{"source":{"book":"Old","rules":"2014"}},"source":{"book":"","license":"A"}}`, "Old", 0, "2014", "A"},
		"a plain text":           {`"system":{"source":"PHB pg. 12"}`, "PHB pg. 12", 0, "", ""},
		"before v10":             {`"data":{"source":"PHB"}`, "PHB", 0, "", ""},
		"pf2e, an item":          {`"system":{"publication":{"title":"Core","license":"ORC","remaster":true}}`, "Core", 0, "remaster", "ORC"},
		"pf2e, an actor":         {`"system":{"details":{"publication":{"title":"Bestiary","license":"OGL","remaster":false}}}`, "Bestiary", 0, "", "OGL"},
		"pf2e, of before":        {`"system":{"source":{"value":"Core"},"details":{"source":{"value":"no"}}}`, "Core", 0, "", ""},
		"nothing":                {`"system":{}`, "", 0, "", ""},
		"system is null":         {`"system":null`, "", 0, "", ""},
		"system is a list":       {`"system":[{"source":"x"}]`, "", 0, "", ""},
		"of surprising types":    {`"system":{"source":[1],"details":"x","publication":{"title":{},"license":3,"remaster":"yes"}}`, "", 0, "", "3"},
		"pages that are none":    {`"system":{"source":{"book":"B","page":"12-14"}}`, "B", 0, "", ""},
		"a page below one":       {`"system":{"source":{"book":"B","page":"-3"}}`, "B", 0, "", ""},
		"a page beyond counting": {`"system":{"source":{"book":"B","page":99999999999}}`, "B", 0, "", ""},
	}
	e := entries{}
	for name, tt := range cases {
		e["!items!"+name] = `{"name":"x",` + tt.doc + `}`
	}
	all := records(t, "Item", e)
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			r := all[name]
			if r.Origin.Book != tt.book || r.Origin.Page != tt.page || r.Ruleset.Edition != tt.edition || r.License.Expression != tt.licence {
				t.Errorf("book %q, page %d, edition %q, licence %+v", r.Origin.Book, r.Origin.Page, r.Ruleset.Edition, r.License)
			}
			if tt.licence != "" && (r.License.From != "document" || r.License.Attribution == "") {
				t.Errorf("licence %+v", r.License)
			}
		})
	}
}

// TestOddMembers: a member of a surprising type is nothing to the others.
func TestOddMembers(t *testing.T) {
	cases := map[string]struct {
		doc  string
		want string // name, sort, created, derived from
	}{
		"plain":              {`"sort":7,"_stats":{"createdTime":5}`, "x 7 5 "},
		"sort is a text":     {`"sort":"","_stats":{"createdTime":5}`, "x 0 5 "},
		"sort is a number":   {`"sort":"12"`, "x 12 0 "},
		"sort has a point":   {`"sort":1.5`, "x 1 0 "},
		"sort with exponent": {`"sort":1e5`, "x 100000 0 "},
		"sort is immense":    {`"sort":1e300,"_stats":{"createdTime":1e300,"modifiedTime":-1e300}`, "x 0 0 "},
		"sort is null":       {`"sort":null`, "x 0 0 "},
		"sort is a list":     {`"sort":[3]`, "x 0 0 "},
		"stats are none":     {`"_stats":"none","sort":3`, "x 3 0 "},
		"times are texts":    {`"_stats":{"createdTime":"now","compendiumSource":"Actor.aaaaaaaaaaaaaaaa"}`, "x 0 0 Actor.aaaaaaaaaaaaaaaa"},
		"source of before":   {`"flags":{"core":{"sourceId":"Compendium.m.p.aaaaaaaaaaaaaaaa"}}`, "x 0 0 Compendium.m.p.Item.aaaaaaaaaaaaaaaa"},
		"a part of another":  {`"_stats":{"compendiumSource":"Compendium.m.p.Actor.a.Item.b"}`, "x 0 0 Compendium.m.p.Actor.a.Item.b"},
		"flags are a list":   {`"flags":[1,2,3]`, "x 0 0 "},
		"no source at all":   {`"_stats":{"compendiumSource":null},"flags":{"core":{"sourceId":4}}`, "x 0 0 "},
		"folder is a number": {`"folder":5,"sort":1`, "x 1 0 "},
		"name twice":         {`"name":"y"`, "y 0 0 "},
		"escaped members":    {`"s\u006frt":9`, "x 9 0 "},
	}
	e := entries{"!items!worse": `{"name":{"en":"x"},"type":["a"],"ownership":5,"pages":7,"results":{}}`}
	for name, tt := range cases {
		e["!items!"+name] = `{"name":"x",` + tt.doc + `}`
	}
	all := records(t, "Item", e)
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			r := all[name]
			if got := fmt.Sprint(r.Name, " ", r.Sort, " ", r.Origin.CreatedMS, " ", r.Origin.DerivedFrom); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if r := all["worse"]; r.Name != "" || r.NativeType != "Item" || r.Visibility != "" {
		t.Errorf("got %+v", r)
	}
}

func TestFolders(t *testing.T) {
	folders := entries{
		"!folders!top": `{"name":"Top"}`, "!folders!mid": `{"name":"Mid","folder":"top"}`, "!folders!low": `{"name":"Low","folder":"mid"}`,
		"!folders!self": `{"name":"Self","folder":"self"}`, "!folders!ping": `{"name":"Ping","folder":"pong"}`,
		"!folders!pong": `{"name":"Pong","folder":"ping"}`, "!folders!lost": `{"name":"Lost","folder":"gone"}`,
		"!folders!mute": `{"name":"","folder":null}`, "!folders!odd": `{"name":{},"folder":[]}`,
	}
	want := map[string][]string{
		"low": {"Top", "Mid", "Low"}, "top": {"Top"}, "self": {"Self"}, "ping": {"Pong", "Ping"}, "lost": {"Lost"}, "mute": {"mute"},
		"odd": {"odd"}, "nowhere": nil, "": nil,
	}
	items := entries{}
	for folder := range want {
		items["!items!in"+folder] = fmt.Sprintf(`{"name":"in %s","folder":%q}`, folder, folder)
	}
	pack := entries{}
	for _, e := range []entries{folders, items} {
		maps.Copy(pack, e)
	}
	world := t.TempDir()
	put(t, world, map[string]string{"worlds/w/world.json": `{"id": "w"}`})
	store(t, world, "worlds/w/data/items", items)
	store(t, world, "worlds/w/data/folders", folders)
	for name, o := range map[string]options{
		"compendium": {"roots": []string{library(t, "Item", pack)}},
		"world":      {"roots": []string{world}},
		// The folders are looked at whether or not they are wanted themselves.
		"items of a world": {"roots": []string{world}, "world_collections": []string{"items"}},
	} {
		t.Run(name, func(t *testing.T) {
			h := read(t, open(t, o))
			for folder, want := range want {
				if got := h.of(t, "in "+folder).FolderPath; !slices.Equal(got, want) {
					t.Errorf("in %q: %q, want %q", folder, got, want)
				}
			}
		})
	}
}

// TestWorldFoldersOfItsOwn: a world of the same name in another root has other folders.
func TestWorldFoldersOfItsOwn(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	for dir, name := range map[string]string{first: "First", second: "Second"} {
		put(t, dir, map[string]string{"worlds/w/world.json": `{"id": "w"}`})
		store(t, dir, "worlds/w/data/folders", entries{"!folders!f": fmt.Sprintf(`{"name":%q}`, name)})
	}
	store(t, second, "worlds/w/data/items", entries{"!items!i": `{"name":"thing","folder":"f"}`})
	h := read(t, open(t, options{"roots": []string{first, second}}))
	if got := h.of(t, "thing").FolderPath; !slices.Equal(got, []string{"Second"}) {
		t.Errorf("got %q", got)
	}
	if err := each(filepath.Join(second, "worlds/w/data/folders"), "MANIFEST-*", otherOrder); err != nil {
		t.Fatal(err)
	}
	if got := read(t, open(t, options{"roots": []string{second}})); len(got.skipped) != 1 || got.of(t, "thing").FolderPath != nil {
		t.Errorf("with damaged folders: %q", got.all)
	}
}

// privacy makes a world with everything in it.
func privacy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"worlds/w/world.json": `{"id": "w", "title": "World", "system": "s", "coreVersion": "12.331", "systemVersion": "3.1",
			"packs": [{"name": "trick", "path": "data/users", "type": "Actor"}]}`,
	})
	for _, collection := range []string{
		"actors", "cards", "combats", "drawings", "fog", "folders", "items", "journal", "macros", "messages", "playlists", "scenes",
		"settings", "tables", "users",
	} {
		store(t, dir, "worlds/w/data/"+collection, entries{"!" + collection + "!a": `{"name":"` + collection + `","password":"hunter2"}`})
	}
	return dir
}

func TestPrivacy(t *testing.T) {
	dir := privacy(t)
	for name, tt := range map[string]struct {
		collections []string
		want        string
	}{
		"by default": {nil, "actors cards folders items journal macros playlists scenes tables"},
		"when asked": {[]string{"combats", "actors", "combats"}, "actors combats"},
		"users":      {[]string{"users", "settings", "messages", "fog"}, "fog messages settings users"},
	} {
		t.Run(name, func(t *testing.T) {
			o := options{"roots": []string{dir}}
			if tt.collections != nil {
				o["world_collections"] = tt.collections
			}
			s := open(t, o)
			var got []string
			for _, r := range read(t, s).records {
				got = append(got, r.Name)
				if strings.Contains(string(r.JSON), "hunter2") {
					t.Errorf("%s has the password", r.ID)
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("read %q, want %q", got, tt.want)
			}
			if names := streams(t, s); len(names) != 1+len(got) { // and the compendium that is none
				t.Errorf("streams %q", names)
			}
			found, err := s.Discover(t.Context())
			if err != nil || found[0].Name != "world/w/packs/trick" || found[0].Records.Count != 0 {
				t.Errorf("found %+v, %v", found[0], err)
			}
		})
	}
	r := read(t, open(t, options{"roots": []string{dir}})).of(t, "actors")
	if r.ID != "Actor.a" || r.Scope != "world/w" || r.Ruleset != (sdk.Ruleset{System: "s", Version: "3.1"}) || r.Origin.CoreVersion != "12.331" {
		t.Errorf("got %+v", r)
	}
}

func TestVisibility(t *testing.T) {
	docs := map[string]struct{ doc, want string }{
		"nobody":         {`"ownership":{"default":0,"aaaaaaaaaaaaaaaa":3}`, "gm"},
		"limited":        {`"ownership":{"default":1}`, "mixed"},
		"observers":      {`"ownership":{"default":2}`, "player"},
		"owners":         {`"ownership":{"default":3}`, "player"},
		"inherited":      {`"ownership":{"default":-1}`, ""},
		"unknown":        {`"ownership":{}`, ""},
		"a list":         {`"ownership":{"default":[0]}`, ""},
		"null":           {`"ownership":null`, ""},
		"a text":         {`"ownership":{"default":"2"}`, "player"},
		"before v10":     {`"permission":{"default":0}`, "gm"},
		"pages alike":    {`"ownership":{"default":2},"pages":[{"ownership":{"default":-1}},{"ownership":{"default":3}},{}]`, "player"},
		"a hidden page":  {`"ownership":{"default":2},"pages":[{"ownership":{"default":-1}},{"ownership":{"default":0}}]`, "mixed"},
		"a page to show": {`"ownership":{"default":0},"pages":[{"ownership":{"default":2}}]`, "mixed"},
	}
	// Where they stand: pages as a field that no collection takes apart.
	e := entries{}
	for name, tt := range docs {
		e[fmt.Sprintf("!macros!%x", name)] = fmt.Sprintf(`{"name":%q,%s}`, name, tt.doc)
	}
	dir := t.TempDir()
	put(t, dir, map[string]string{"worlds/w/world.json": `{"id": "w"}`})
	store(t, dir, "worlds/w/data/macros", e)
	h := read(t, open(t, options{"roots": []string{dir}}))
	for name, tt := range docs {
		if got := h.of(t, name).Visibility; got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	for _, r := range read(t, open(t, options{"roots": []string{library(t, "Macro", e)}})).records {
		if r.Visibility != "" {
			t.Errorf("%s in a compendium: %q", r.Name, r.Visibility)
		}
	}
	journal := t.TempDir()
	put(t, journal, map[string]string{"worlds/w/world.json": `{"id": "w"}`})
	store(t, journal, "worlds/w/data/journal", entries{
		"!journal!j": `{"name":"j","pages":["p"],"ownership":{"default":2}}`, "!journal.pages!j.p": `{"ownership":{"default":0}}`,
	})
	if got := read(t, open(t, options{"roots": []string{journal}})).of(t, "j").Visibility; got != "mixed" {
		t.Errorf("a journal with a hidden page: %q", got)
	}
}
