package pack

import (
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/object"
)

// maxParts limits how deep documents may be embedded in each other. Foundry's deepest are scenes.tokens.delta.items.effects.
const maxParts = 6

// field is a member of a document that lists embedded documents by id.
type field struct {
	name   string
	single bool // one id instead of a list of them
}

// fields lists the embedding members of the documents of a collection, in the order in which absent ones are added. As
// with Foundry's own tools the last part of a collection path decides, so that cards list cards at every depth.
func fields(collection string) []field {
	lists := func(names ...string) []field {
		all := make([]field, len(names))
		for i, name := range names {
			all[i].name = name
		}
		return all
	}
	switch collection {
	case "actors", "delta":
		return lists("items", "effects")
	case "items":
		return lists("effects")
	case "journal":
		return lists("pages", "categories")
	case "scenes":
		return lists("drawings", "tokens", "levels", "lights", "notes", "regions", "sounds", "templates", "tiles", "walls")
	case "tokens":
		return []field{{"delta", true}}
	case "regions":
		return lists("behaviors")
	case "tables":
		return lists("results")
	case "cards":
		return lists("cards")
	case "playlists":
		return lists("sounds")
	case "combats":
		return lists("combatants", "groups")
	}
	return nil
}

// node is one collection path, with what the join of one primary document needs to know about it.
type node struct {
	field
	path  string
	parts int
	kids  []*node
	names []string // members the scan looks for: the kids' fields, then _key and _id

	shelf *shelf       // nil for the primary collection
	shape object.Shape // of the document of this collection that is being joined
	count int          // documents of this collection in the primary document
}

// plant grows the collection paths from path downwards. Each node but the topmost gets a shelf.
func plant(path string, f field) *node {
	n := &node{field: f, path: path, parts: 1 + strings.Count(path, ".")}
	if n.parts < maxParts {
		for _, kid := range fields(path[strings.LastIndexByte(path, '.')+1:]) {
			n.kids = append(n.kids, plant(path+"."+kid.name, kid))
		}
	}
	for _, kid := range n.kids {
		n.names = append(n.names, kid.name)
	}
	n.names = append(n.names, "_key", "_id")
	return n
}

// walk calls f for n and everything below it.
func (n *node) walk(f func(*node)) {
	f(n)
	for _, kid := range n.kids {
		kid.walk(f)
	}
}
