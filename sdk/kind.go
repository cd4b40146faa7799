package sdk

import "slices"

// Kinds is the closed list of kinds that a record may be of. What fits nowhere is "other"; the source's own word for it goes
// into NativeType.
var Kinds = [...]string{
	"creature", "character", "vehicle", "group", "item", "spell", "feature", "class", "subclass", "species",
	"background", "condition", "rule", "table", "scene", "playlist", "macro", "cards", "adventure", "folder", "other",
}

// IsKind says whether word is one of [Kinds].
func IsKind(word string) bool { return slices.Contains(Kinds[:], word) }
