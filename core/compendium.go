package core

// CompendiumItem is an entity of the compendium, as far as it is known without its body.
type CompendiumItem struct {
	UID    string `json:"uid"`
	Kind   string `json:"kind"`
	Slug   string `json:"slug"` // unique among the items of its kind
	Name   string `json:"name"`
	Source string `json:"source"`
	// Scope and NativeID are its own, or those that were asked for and lead to it; Rank says which.
	Scope         string `json:"scope,omitempty"`
	NativeID      string `json:"native_id"`
	Rank          int    `json:"rank,omitempty"`
	ContentSHA256 string `json:"content_sha256"`
}

// CompendiumKey is what equal entities have in common.
type CompendiumKey struct{ Kind, ContentSHA256 string }

// Namesake is what things have in common that are called the same: kind, name, game and edition.
type Namesake struct{ Kind, Slug, System, Edition string }

// NamesakeOf is that of an entity; slug is that of its name alone. It is zero where too little is known of the entity.
func NamesakeOf(kind, slug, system, edition string) Namesake {
	if slug == "" || system == "" || edition == "" {
		return Namesake{}
	}
	return Namesake{kind, slug, system, edition}
}

// The ranks of the native ids that lead to an item; a lower one goes first.
const (
	RankOwn      = 0
	RankAlias    = 1 // another id of the item
	RankReplaced = 2 // that of an item whose place it took
)

// CompendiumID is a native id that leads to an item.
type CompendiumID struct {
	Plugin, Scope, NativeID string
	Rank                    int
}

// Held is an entity of the compendium as a whole, with the native ids beside its own that lead to it.
type Held struct {
	Entity  *Entity
	Aliases []string
}

// SourceKind is what the items of one kind from one source are counted under.
type SourceKind struct{ Source, Kind string }
