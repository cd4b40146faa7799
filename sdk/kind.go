package sdk

import "slices"

// Kinds is the closed list of kinds that a record may be of. What fits nowhere is "other"; the source's own word for it goes
// into NativeType.
var Kinds = [...]string{
	"creature", "character", "vehicle", "group", "item", "spell", "feature", "class", "subclass", "species",
	"background", "condition", "rule", "table", "scene", "playlist", "macro", "cards", "adventure", "folder", "other",
}

// AssetStatuses are the states of an asset reference.
var AssetStatuses = [...]AssetStatus{Present, Core, Missing, Uninstalled, Remote, DataURI, Wildcard}

// AssetRoles are what an asset is for.
var AssetRoles = [...]string{
	"portrait", "token", "map", "foreground", "thumb", "icon", "tile", "page", "audio", "video", "pdf", "other",
}

// TextRoles are what a text is for.
var TextRoles = [...]string{"description", "biography", "notes", "page", "caption", "result", "other"}

// LinkKinds are the ways in which one document refers to another: by a link to a unique id, by taking in the other's text, by a
// mention, by a roll, by an address, as what it was made from, as what it leads to.
var LinkKinds = [...]string{"uuid", "embed", "reference", "roll", "href", "derived", "advancement"}

// IsKind says whether word is one of [Kinds].
func IsKind(word string) bool { return slices.Contains(Kinds[:], word) }
