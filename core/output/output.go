// Package output writes what a run made: entities, assets and the manifest, as files.
//
// An output is written beside its folder and put in its place by one rename, so that a run that ends early leaves the
// previous output as it was and no half one. The package owns the layout of the files and their determinism: same
// entities, same bytes. Order, links and slugs are the engine's business. It starts no goroutine; a [Writer] is used by
// one goroutine at a time. What the file system refuses is a *sdk.Diagnostic that names the folder and what to do: of kind
// Invalid when the path must be chosen differently, of Unavailable otherwise. Other errors name the entity or the picture
// that was not whole.
package output

import (
	"io"

	"github.com/seed-98789ff7/converter/core"
)

// Writer writes one output. The order of calls is Entity for each entity by uid, Asset for each asset by id, Prepare,
// then Commit or Abort. Abort after Commit does nothing.
type Writer interface {
	Entity(e *core.Entity) error
	Asset(a core.Asset, open Opener) error
	// Prepare writes the manifest and makes everything durable. Nothing visible has changed after it.
	Prepare(m Manifest) (Result, error)
	// Commit puts the output in its place.
	Commit() error
	// Abort removes what was written.
	Abort() error
}

// Opener opens the bytes of a rendition.
type Opener func(r core.Rendition) (io.ReadCloser, error)

// Result is what Prepare made.
type Result struct {
	ResultID string // names the content
	Files    int
	Bytes    int64
}

// Manifest is what the manifest says beside the files themselves.
type Manifest struct {
	ConfigDigest string
	Plugins      []core.PluginUse
	Streams      []core.StreamCounts
	Kinds        map[string]int64
	Problems     []core.Problem
}
