package core

import "github.com/seed-98789ff7/converter/sdk"

// Rendition is one stored rendering of an asset.
type Rendition struct {
	Resolution string `json:"resolution"` // original, thumbnail, preview, display
	SHA256     string `json:"sha256"`     // of the rendition's own bytes
	Bytes      int64  `json:"bytes"`
	Width      int    `json:"width,omitempty"`
	Height     int    `json:"height,omitempty"`
	MediaType  string `json:"media_type"`
	Ext        string `json:"ext"`            // file name extension without dot
	Kept       bool   `json:"kept,omitempty"` // the source's own bytes, not re-encoded
}

// Asset is a binary that entities refer to.
type Asset struct {
	ID         string      `json:"asset_id"` // SHA-256 of the bytes
	MediaType  string      `json:"media_type"`
	Bytes      int64       `json:"bytes"`
	Width      int         `json:"width,omitempty"`
	Height     int         `json:"height,omitempty"`
	Format     string      `json:"format,omitempty"` // by content: jpeg, png, webp, svg, ogg and so on
	Frames     int         `json:"frames,omitempty"` // pictures in the file, where it is one that can be decoded
	Animated   bool        `json:"animated,omitempty"`
	Suspect    bool        `json:"suspect,omitempty"` // it decodes, but its data do not add up
	Unsafe     bool        `json:"unsafe,omitempty"`  // SVG with active content: never to be shown inline
	Note       string      `json:"note,omitempty"`
	Colour     string      `json:"colour,omitempty"`    // the most frequent one, #rrggbb
	ThumbHash  []byte      `json:"thumbhash,omitempty"` // a blurred picture to show until the real one is there
	Likeness   string      `json:"likeness,omitempty"`  // dHash, 16 hexadecimal digits; near ones look alike
	Encoder    string      `json:"encoder,omitempty"`   // what wrote the renditions
	Renditions []Rendition `json:"renditions"`
}

// AssetMapping leads from a native reference to an asset. AssetID is empty when the bytes could not be had or used;
// Problem then says why by its code.
type AssetMapping struct {
	Source  string          `json:"source"`
	URI     string          `json:"uri"` // as written in the documents
	Status  sdk.AssetStatus `json:"status"`
	AssetID string          `json:"asset_id,omitempty"`
	Problem string          `json:"problem,omitempty"`

	// What follows is for a later attempt at the run.

	Pending  bool      `json:"pending,omitempty"` // the reference was met, and nothing was done about it yet
	Outcome  Outcome   `json:"outcome,omitempty"` // unless it is pending
	Failures []Failure `json:"failures,omitempty"`
	Role     string    `json:"role,omitempty"`
	Locator  Locator   `json:"locator,omitzero"`
	Of       string    `json:"of,omitempty"` // name of an entity that refers to it
	// First says that the asset was looked up or rendered for this reference; others to the same bytes share it. Asset is
	// what came of it.
	First bool   `json:"first,omitempty"`
	Asset *Asset `json:"asset,omitempty"`
	// MS is how long the steps of making the asset took, in milliseconds. It is for people, and goes into no output.
	MS *AssetTimes `json:"ms,omitempty"`
}

// AssetTimes are milliseconds. The original is encoded beside the resolutions.
type AssetTimes struct {
	Decode      int64 `json:"decode"`
	Original    int64 `json:"original"`
	Resolutions int64 `json:"resolutions"`
}
