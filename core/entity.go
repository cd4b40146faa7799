package core

import (
	"encoding/json"

	"github.com/seed-98789ff7/converter/sdk"
)

// Kinds is the closed list of kinds of entities, in the order in which they are listed.
var Kinds = sdk.Kinds

// IsKind says whether word is one of [Kinds].
func IsKind(word string) bool { return sdk.IsKind(word) }

// Entity is the normalised form of a record. Its JSON form is a line of entities.jsonl; the members are in the order of
// the fields, Raw last.
type Entity struct {
	// UID is `<plugin>:<scope>:<native id>`, the identity of the entity. Names, ids and slugs all collide; it does not.
	UID        string `json:"uid"`
	Kind       string `json:"kind"` // one of Kinds
	NativeType string `json:"native_type,omitempty"`
	Name       string `json:"name"`
	// Slug is unique among the entities of its kind in one output.
	Slug       string      `json:"slug"`
	Lang       string      `json:"lang,omitempty"`
	Sort       int64       `json:"sort,omitempty"`
	FolderPath []string    `json:"folder_path,omitempty"`
	Ruleset    sdk.Ruleset `json:"ruleset,omitzero"`
	Source     Provenance  `json:"source"`
	License    License     `json:"license"`
	Visibility string      `json:"visibility,omitempty"`
	Assets     []AssetUse  `json:"assets,omitempty"`
	Links      []Link      `json:"links,omitempty"`
	// Text is what people read of it, as Markdown; Embedded the documents inside it. Facts is what programs ask of its kind.
	Text     []sdk.Text      `json:"text,omitempty"`
	Embedded []sdk.Embedded  `json:"embedded,omitempty"`
	Facts    json.RawMessage `json:"facts,omitempty"`
	Warnings []string        `json:"warnings,omitempty"`
	Complete bool            `json:"complete"`
	// AliasOf is the uid of the entity that this one is an exact twin of: same kind, same content.
	AliasOf string `json:"alias_of,omitempty"`
	// CompendiumUID is the uid of the item of the compendium that this one equals: same kind, same content.
	CompendiumUID string `json:"compendium_uid,omitempty"`
	// Counterparts are what other sources have under the same name, in the same edition of the same game.
	Counterparts []Counterpart `json:"counterparts,omitempty"`
	// RawSHA256 is over Raw; ContentSHA256 is over Raw without the members that say only where a document lies.
	RawSHA256     string          `json:"raw_sha256"`
	ContentSHA256 string          `json:"content_sha256"`
	Raw           json.RawMessage `json:"raw"`
}

// Provenance says where an entity comes from.
type Provenance struct {
	Plugin     string `json:"plugin"`
	Name       string `json:"name"` // the source's name in the config
	Stream     string `json:"stream"`
	Scope      string `json:"scope,omitempty"`
	NativeID   string `json:"native_id"`
	Revision   string `json:"revision,omitempty"`
	sdk.Origin        // inlined
}

// License is the licence of an entity, with the answer to the question that matters.
type License struct {
	sdk.License            // inlined
	Redistributable string `json:"redistributable"` // yes, no, unknown
}

// Counterpart is the same thing as another source tells it: same kind, name, game and edition. Its content may differ.
type Counterpart struct {
	UID    string `json:"uid"`
	Source string `json:"source"`         // name of its source in the config
	Book   string `json:"book,omitempty"` // where it is printed
	Page   int    `json:"page,omitempty"`
	// In is "compendium" where the run itself does not have it.
	In string `json:"in,omitempty"`
}

// AssetUse is one use of an asset by an entity.
type AssetUse struct {
	Pointer string          `json:"pointer,omitempty"`
	Role    string          `json:"role,omitempty"`
	URI     string          `json:"uri"` // as written in the document
	Status  sdk.AssetStatus `json:"status"`
	// AssetID is the SHA-256 of the bytes, empty when they could not be had.
	AssetID string `json:"asset_id,omitempty"`
	// License is the file's own, where the source states one: that of the entity says nothing of it.
	License sdk.License `json:"license,omitzero"`
	// Problem is the code of what went wrong with the bytes.
	Problem string `json:"problem,omitempty"`
	// Locator is how to get the bytes; it stays inside the run.
	Locator Locator `json:"-"`
}

// Locator says how the bytes of an asset can be had; at most one of Path, URL and Key is set.
type Locator struct {
	Path     string
	URL      string
	Key      string
	Revision string
}

// IsZero says that there is nothing to get.
func (l Locator) IsZero() bool { return l.Path == "" && l.URL == "" && l.Key == "" }

// The states of a link.
const (
	LinkResolved = "resolved"
	LinkBroken   = "broken"   // points into content of this run that has no such document
	LinkExternal = "external" // points to content outside of this run
	LinkUnknown  = "unknown"  // the reference could not be understood
	// LinkCompendium leads to an item of the compendium that this run does not have.
	LinkCompendium = "compendium"
)

// Link is a reference of an entity to another one.
type Link struct {
	Pointer   string `json:"pointer,omitempty"`
	Kind      string `json:"kind"`
	Raw       string `json:"raw"`
	Target    string `json:"target,omitempty"`     // native id
	Part      string `json:"part,omitempty"`       // place inside the target, in the source's words
	TargetUID string `json:"target_uid,omitempty"` // set when resolved, or in the compendium
	Label     string `json:"label,omitempty"`
	Anchor    string `json:"anchor,omitempty"`
	Status    string `json:"status"`
}
