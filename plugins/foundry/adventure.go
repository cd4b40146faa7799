package foundry

import (
	"encoding/json"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/foundry/object"
	packs "github.com/seed-98789ff7/converter/plugins/foundry/pack"
)

// An Adventure holds whole documents, which become documents of the world when it is imported. Each of them is a record too:
// nobody who looks for a creature cares that it came in an adventure.

// adventureFields are the members of an Adventure that hold documents, in the order in which they are read.
var adventureFields = []string{"folders", "actors", "items", "journal", "scenes", "tables", "macros", "cards", "playlists", "combats"}

// embeddedIn walks the documents in an adventure. Those without an id of their own come with an empty one.
func embeddedIn(adventure packs.Document, each func(doc packs.Document) error) error {
	var scan object.Scanner
	var shape object.Shape
	if err := scan.Object(adventure.JSON, adventureFields, &shape); err != nil {
		return nil //nolint:nilerr // foundry/pack has proved that it is one
	}
	for i, collection := range adventureFields {
		list := shape.Value(adventure.JSON, i)
		if len(list) == 0 || list[0] != '[' {
			continue
		}
		err := object.Entries(list, func(_ int, entry []byte) error {
			if entry[0] != '{' {
				return nil
			}
			var id object.Shape
			var doc object.Scanner
			_ = doc.Object(entry, []string{"_id"}, &id) // part of a text that was proved
			d := packs.Document{Collection: collection, Parent: adventure.ID, JSON: slices.Clone(entry)}
			if raw := id.Value(entry, 0); len(raw) > 2 && raw[0] == '"' {
				d.ID = string(object.Unquote(raw))
			}
			d.Key = adventure.Key + "/" + collection + "/" + d.ID
			return each(d)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// adventures counts the documents in the adventures of a pack, by collection.
func adventures(opened documents) (map[string]int, error) {
	counts := map[string]int{}
	for doc, err := range opened.Collection("adventures") {
		if err != nil {
			return nil, err
		}
		met := map[string]bool{}
		_ = embeddedIn(doc, func(d packs.Document) error {
			if d.ID != "" && !met[d.Key] {
				counts[d.Collection]++
				met[d.Key] = true
			}
			return nil
		})
	}
	return counts, nil
}

// readAdventure sends the documents in an adventure.
func (r *reader) readAdventure(adventure packs.Document, send func(packs.Document) error) error {
	return embeddedIn(adventure, func(d packs.Document) error {
		if d.Collection == "folders" {
			var f folder
			_ = json.Unmarshal(d.JSON, &f) // a member of a surprising type stays empty
			if _, known := r.folders[d.ID]; !known {
				r.folders[d.ID] = f
			}
		}
		if d.ID == "" || r.sent[d.Key] || !r.pack.may(d.Collection) {
			return nil
		}
		return send(d)
	})
}

// documentID is the native id of a document of the pack.
func (p pack) documentID(typ string, doc packs.Document) string {
	if doc.Parent != "" {
		return p.uuid("Adventure", doc.Parent) + "." + typ + "." + doc.ID
	}
	return p.uuid(typ, doc.ID)
}
