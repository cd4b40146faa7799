package sdk

import "encoding/json"

// Record is one source-native document. ID and JSON are all that is needed; the rest is what the source knows better
// than the converter can guess.
type Record struct {
	// ID is the native id, unique in the source and the same on every read of the same content. For Foundry it is the
	// UUID of the document.
	ID string
	// Scope is what the id belongs to, such as "system/dnd5e": records of the same scope and id are the same document, also
	// when two sources have it. Empty: the source, so that nothing of another source is ever taken for it.
	Scope string
	// JSON is the document, one JSON object, bytes as the source wrote them, valid UTF-8.
	JSON json.RawMessage

	Kind       string // one of Kinds; empty: the stream's kind
	NativeType string // the source's own type: "Actor/npc"
	Name       string // for people; empty: the document's "name" or "title"
	Revision   string // changes when the document changes
	Lang       string // BCP 47
	FolderPath []string
	Sort       int64
	Ruleset    Ruleset
	Origin     Origin
	License    License
	Visibility string // gm, player, mixed; empty: not said
	Assets     []AssetRef
	Links      []Link
	Aliases    []string // other native ids that links to this document may use
	Warnings   []string // what is not whole, for people who read the entity; Report is for those who watch the run
	Incomplete bool     // a part of the document is missing

	Texts    []Text          // what people read of it, in the order of the document
	Embedded []Embedded      // documents inside it, in the order of the document
	Facts    json.RawMessage // one JSON object: what programs ask of its kind; nil: none
}

// Text is a piece of a record that people read.
type Text struct {
	Pointer string `json:"pointer,omitempty"` // JSON Pointer to it in the document, where it is as the source wrote it
	Role    string `json:"role,omitempty"`    // one of TextRoles; empty: not known
	Title   string `json:"title,omitempty"`   // of the part of the document it belongs to; empty: the document itself
	// Markdown is the text without marks that only the source's own application understands. The address of a link to another
	// record begins with the plugin's name and "://"; what follows is the record's id, and place and anchor in it.
	Markdown string `json:"markdown"`
	// HasSecrets says that a part of it is for the game master alone: a quotation that begins with "[!secret]", unless the
	// options of the source say otherwise.
	HasSecrets bool `json:"has_secrets,omitempty"`
}

// Embedded is a document inside a record: what is known of it beside its place.
type Embedded struct {
	Part        string  `json:"part"`              // place inside the record, as in Link.Part
	Pointer     string  `json:"pointer,omitempty"` // JSON Pointer to it
	Kind        string  `json:"kind,omitempty"`    // as a record of its own it would be one; one of Kinds
	NativeType  string  `json:"native_type,omitempty"`
	Name        string  `json:"name,omitempty"`
	Book        string  `json:"book,omitempty"` // where that is not the record's
	Page        int     `json:"page,omitempty"`
	License     License `json:"license,omitzero"` // its own; empty: that of the record
	DerivedFrom string  `json:"derived_from,omitempty"`
}

// Ruleset is the game rules a document is written for.
type Ruleset struct {
	System  string `json:"system,omitempty"`
	Version string `json:"version,omitempty"`
	Edition string `json:"edition,omitempty"`
}

// Origin is where a record comes from.
type Origin struct {
	PackageKind    string `json:"package_kind,omitempty"` // system, module, world
	Package        string `json:"package,omitempty"`
	PackageVersion string `json:"package_version,omitempty"`
	Pack           string `json:"pack,omitempty"`
	PackLabel      string `json:"pack_label,omitempty"`
	Format         string `json:"format,omitempty"` // leveldb, nedb, rest, pdf
	URI            string `json:"uri,omitempty"`    // path inside the source, or URL
	Page           int    `json:"page,omitempty"`
	Pointer        string `json:"pointer,omitempty"` // JSON Pointer inside URI
	Book           string `json:"book,omitempty"`
	SystemVersion  string `json:"system_version,omitempty"`
	CoreVersion    string `json:"core_version,omitempty"`
	CreatedMS      int64  `json:"created_ms,omitempty"`
	ModifiedMS     int64  `json:"modified_ms,omitempty"`
	DerivedFrom    string `json:"derived_from,omitempty"` // native id of the document it was made from
}

// License is the licence of a piece of content.
type License struct {
	Expression  string `json:"expression,omitempty"` // SPDX expression, else the words of the source
	Attribution string `json:"attribution,omitempty"`
	URL         string `json:"url,omitempty"`
	From        string `json:"from,omitempty"` // document, pack, package, config
}

// AssetRef is a reference of a record to a binary. Within one source the same URI means the same bytes: where documents write
// paths relative to themselves, make one of them that begins at the root of the source. At most one of URL, Path and Key is
// set, and only where Status is present, remote or data-uri.
type AssetRef struct {
	URI       string      // the reference as written in the document, as far as it is unambiguous
	Pointer   string      // JSON Pointer to the place in the document
	Role      string      // one of AssetRoles; empty: not known
	Status    AssetStatus // empty: present where one of URL, Path and Key is set
	MediaType string      // empty: not known
	Size      int64       // bytes; 0: not known
	Revision  string      // changes when the bytes change
	License   License     // its own, where the source states one for the file; that of the record says nothing of it

	URL  string // the host fetches it, through its own cache
	Path string // the host opens this file; it lies in a folder that the options name, or in WorkDir or CacheDir
	Key  string // the host asks FetchAsset
}

// AssetStatus says whether the bytes of an asset can be had.
type AssetStatus string

// The states of an asset reference. Core is the host application's own library, which the source does not carry.
const (
	Present AssetStatus = "present"
	Core    AssetStatus = "core"
	Missing AssetStatus = "missing"
	// Uninstalled is a part of a package that the source does not have: nothing is wrong with the document.
	Uninstalled AssetStatus = "uninstalled"
	Remote      AssetStatus = "remote"
	DataURI     AssetStatus = "data-uri"
	Wildcard    AssetStatus = "wildcard"
)

// Link is a reference of a record to another document.
type Link struct {
	Pointer string // JSON Pointer to the place in the document
	Kind    string // one of LinkKinds
	Raw     string // the reference as written
	Target  string // native id of the record it points to, in the form of Record.ID; empty: not known
	Part    string // place inside that record, in the source's own words: an embedded document, a page
	Label   string
	Anchor  string
}
