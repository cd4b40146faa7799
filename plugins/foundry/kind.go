package foundry

import "strings"

// documentTypes are the document types by collection.
var documentTypes = map[string]string{
	"actors": "Actor", "items": "Item", "journal": "JournalEntry", "scenes": "Scene", "tables": "RollTable", "cards": "Cards",
	"playlists": "Playlist", "macros": "Macro", "adventures": "Adventure", "folders": "Folder", "combats": "Combat",
	"messages": "ChatMessage", "users": "User", "settings": "Setting", "fog": "FogExploration", "effects": "ActiveEffect",
	"drawings": "Drawing",
}

// kinds are the kinds of document types that have no subtypes worth telling apart.
var kinds = map[string]string{
	"JournalEntry": "rule", "Scene": "scene", "RollTable": "table", "Cards": "cards", "Playlist": "playlist",
	"Macro": "macro", "Adventure": "adventure", "Folder": "folder", "ActiveEffect": "condition",
	"Actor": "creature", "Item": "item",
}

// actorKinds and itemKinds are the kinds of subtypes, as systems call them; those not named are what kinds says.
var (
	actorKinds = map[string]string{
		"character": "character", "pc": "character", "hero": "character", "player": "character",
		"vehicle": "vehicle", "ship": "vehicle", "starship": "vehicle",
		"group": "group", "party": "group", "encounter": "group", "crew": "group", "loot": "group",
	}
	itemKinds = map[string]string{
		"spell": "spell", "power": "spell", "cantrip": "spell", "ritual": "spell",
		"feat": "feature", "feature": "feature", "action": "feature", "ability": "feature", "talent": "feature",
		"trait": "feature", "move": "feature", "skill": "feature",
		"class": "class", "subclass": "subclass", "archetype": "subclass",
		"race": "species", "species": "species", "ancestry": "species", "heritage": "species", "folk": "species",
		"background": "background", "condition": "condition", "effect": "condition", "status": "condition",
	}
)

// kindOf returns the kind of entity that a document of a type and subtype is.
func kindOf(typ, subtype string) string {
	kind := kinds[typ]
	subtype = subtype[strings.LastIndexByte(subtype, '.')+1:] // that of a module begins with the module
	switch typ {
	case "Actor":
		kind = first(actorKinds[subtype], kind)
	case "Item":
		kind = first(itemKinds[subtype], kind)
	}
	return first(kind, "other")
}
