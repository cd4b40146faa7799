package foundry

import (
	"encoding/json"
	"strconv"

	"github.com/seed-98789ff7/converter/sdk"
)

// collection is a member of a document that holds other documents.
type collection struct {
	name   string
	typ    string // of its documents
	single bool   // it is one document, not a list
}

// collections are the collections of each type of document, in the order they are listed in. Walls and lights are none
// here: they have neither names nor links, and are facts of their scene.
var collections = map[string][]collection{
	"Actor":        {{name: "items", typ: "Item"}, {name: "effects", typ: "ActiveEffect"}},
	"ActorDelta":   {{name: "items", typ: "Item"}, {name: "effects", typ: "ActiveEffect"}},
	"Item":         {{name: "effects", typ: "ActiveEffect"}},
	"JournalEntry": {{name: "pages", typ: "JournalEntryPage"}, {name: "categories", typ: "JournalEntryCategory"}},
	"Scene": {
		{name: "tokens", typ: "Token"},
		{name: "notes", typ: "Note"},
		{name: "tiles", typ: "Tile"},
		{name: "drawings", typ: "Drawing"},
		{name: "regions", typ: "Region"},
		{name: "sounds", typ: "AmbientSound"},
		{name: "templates", typ: "MeasuredTemplate"},
		{name: "levels", typ: "Level"},
	},
	"Token":     {{name: "delta", typ: "ActorDelta", single: true}},
	"Region":    {{name: "behaviors", typ: "RegionBehavior"}},
	"RollTable": {{name: "results", typ: "TableResult"}},
	"Cards":     {{name: "cards", typ: "Card"}},
	"Playlist":  {{name: "sounds", typ: "PlaylistSound"}},
	"Combat":    {{name: "combatants", typ: "Combatant"}, {name: "groups", typ: "CombatantGroup"}},
	"Adventure": {
		{name: "actors", typ: "Actor"},
		{name: "items", typ: "Item"},
		{name: "journal", typ: "JournalEntry"},
		{name: "scenes", typ: "Scene"},
		{name: "tables", typ: "RollTable"},
		{name: "macros", typ: "Macro"},
		{name: "cards", typ: "Cards"},
		{name: "playlists", typ: "Playlist"},
		{name: "combats", typ: "Combat"},
		{name: "folders", typ: "Folder"},
	},
}

// embeddedTypes are the types of all documents that lie in others.
var embeddedTypes = func() map[string]bool {
	types := map[string]bool{"Wall": true, "AmbientLight": true}
	for _, of := range collections {
		for _, c := range of {
			types[c.typ] = true
		}
	}
	return types
}()

// Bounds of what is listed: deeper than Foundry nests documents, and more than it can handle in one.
const (
	maxEmbedded      = 50_000
	maxEmbeddedDepth = 8
)

// inner is one document inside another, with what its texts need to know of it.
type inner struct {
	sdk.Embedded
	typ  string
	raw  []byte
	page journalPage
}

// nest lists the documents inside a document of a type.
type nest struct {
	reader *reader
	list   []inner
	places map[string]int // by pointer: where it is in the list, from 1
	left   int            // documents beyond maxEmbedded or maxEmbeddedDepth
}

// within adds the documents in doc, which lies at pointer and goes by part; both are empty for the record itself.
func (n *nest) within(typ string, doc []byte, pointer, part string, depth int) {
	of := collections[typ]
	if len(of) == 0 {
		return
	}
	values := make([][]byte, len(of))
	members(doc, func(name string, value []byte) {
		for i, c := range of {
			if c.name == name {
				values[i] = value
			}
		}
	})
	for i, c := range of {
		at := pointer + "/" + c.name
		if c.single && len(values[i]) > 0 && values[i][0] == '{' {
			n.add(c.typ, values[i], at, part, 0, depth)
		}
		elements(values[i], func(j int, value []byte) {
			if len(value) > 0 && value[0] == '{' && !c.single {
				n.add(c.typ, value, at+"/"+strconv.Itoa(j), part, j, depth)
			}
		})
	}
}

func (n *nest) add(typ string, doc []byte, pointer, part string, index, depth int) {
	if len(n.list) >= maxEmbedded || depth >= maxEmbeddedDepth {
		n.left++
		return
	}
	d, page := document{}, journalPage{}
	var id text
	members(doc, func(name string, value []byte) {
		d.member(name, value)
		if name == "_id" {
			_ = json.Unmarshal(value, &id) // see document
		}
	})
	if typ == "JournalEntryPage" {
		_ = json.Unmarshal(doc, &page) // see document
	}
	if part != "" {
		part += "."
	}
	part += typ + "." + first(string(id), strconv.Itoa(index))
	e := sdk.Embedded{
		Part: part, Pointer: pointer, Kind: kindOf(typ, string(d.typ)), NativeType: typ, Name: string(d.name),
		DerivedFrom: n.reader.fullUUID(d.source()),
	}
	if typ == "JournalEntryPage" {
		e.Kind = kinds["JournalEntry"]
	}
	if d.typ != "" && typ != "Folder" && typ != "Macro" {
		e.NativeType = typ + "/" + string(d.typ)
	}
	p := d.publication()
	e.Book, e.Page = p.book, p.page
	if p.licence != "" {
		e.License = sdk.License{Expression: p.licence, Attribution: first(p.book, n.reader.pack.pkg.title), From: "document"}
	}
	if n.places == nil {
		n.places = map[string]int{}
	}
	n.places[pointer] = len(n.list) + 1
	n.list = append(n.list, inner{Embedded: e, typ: typ, raw: doc, page: page})
	n.within(typ, doc, pointer, part, depth+1)
}
