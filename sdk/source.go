package sdk

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
)

// Source is one configured source: what a plugin author implements, and what the engine reads. The value behind it may
// live in this process or in another one; nothing in the contract tells which.
//
// The order of calls is Spec, Configure once, then any of the others. Read is never called twice at the same time;
// FetchAsset may be called while Read runs and from several goroutines. Errors are of the kinds of [KindOf]; an error
// that wraps a [*Diagnostic] carries code, detail and suggestion to the user.
type Source interface {
	// Spec says what the source's plugin is. It needs no configuration and does no I/O.
	Spec() Spec

	// Configure hands over the options. Wrong options are an error of kind Invalid, one [*Diagnostic] a mistake,
	// joined with errors.Join, each with the ConfigPath of the option.
	Configure(ctx context.Context, c Configuration) error

	// Check reaches the source and returns nil when it can be read.
	Check(ctx context.Context) error

	// Discover lists the streams in the order they are read in, with estimates.
	Discover(ctx context.Context) ([]Stream, error)

	// Read sends the records of the streams in request to out and returns when all of them are sent. A record that
	// cannot be read is reported with [Writer.Skip] and does not end the reading. An error from out is final: return it.
	Read(ctx context.Context, request ReadRequest, out Writer) error

	// FetchAsset opens an asset that a record referred to by key. The caller closes the body.
	FetchAsset(ctx context.Context, ref AssetRef) (Asset, error)
}

// Writer takes what a source reads. All methods but Report return an error when the reading is to end; a source hands
// that error on. A Writer is safe for use by several goroutines, but the order within a stream is the caller's.
type Writer interface {
	// Record sends one record. The writer keeps no reference to r.JSON after the call returns.
	Record(stream string, r Record) error
	// Skip counts a record that could not be read, with the reason. The id may be empty when it is unknown.
	Skip(stream, id string, reason error) error
	// Checkpoint says that everything sent to the stream so far need not be read again once it is stored.
	Checkpoint(stream string, state []byte) error
	// Progress says how far a long step is, in units of the source's choice; total 0 means unknown.
	Progress(stream string, done, total int64, note string) error
	// Report passes on something the user is to know that concerns no single record.
	Report(d Diagnostic)
}

// Spec describes a plugin.
type Spec struct {
	Name        string // lower-case letters, digits and dashes; the name in the config
	Version     string // semantic version
	Summary     string // one line
	Description string // Markdown
	Author      string
	Homepage    string
	License     string          // SPDX expression of the plugin's own code
	Options     json.RawMessage // JSON Schema of the options; empty: any object
	Kinds       []string        // kinds of entities it can send, of those in Kinds
	Can         Capabilities
	// StateVersion is the version of the checkpoints; a checkpoint of another version is not handed back.
	StateVersion uint32
	// SDK is the version of what the plugin is built with. [Serve] sets it; empty: not known, as of a source in this process.
	SDK string
}

// Capabilities name what a plugin can do beyond reading.
type Capabilities struct {
	Check       bool
	Discover    bool
	Resumable   bool // Read resumes from a checkpoint inside a stream
	Incremental bool // Read heeds [ReadRequest.Known], and names revisions
	FetchAsset  bool
}

// Configuration is what a source is configured with.
type Configuration struct {
	Source   string          // name of the source in the config
	Options  json.RawMessage // one JSON object
	BaseDir  string          // folder that relative paths in the options are relative to
	WorkDir  string          // folder the source may write to while the run lasts
	CacheDir string          // folder for downloads kept across runs; empty: none
	Log      *slog.Logger    // for developers, not sent to another process, which logs through its host; nil: none
}

// Stream is a named sequence of records of a source.
type Stream struct {
	Name    string // unique in the source, stable between runs
	Title   string // for people; empty: the name
	Kind    string // kind of its entities when a record does not say
	Records Estimate
	Assets  Estimate
	Bytes   Estimate
	License License
	// Revision names the state that the stream is in, as far as looking at it shows; empty: nothing is known. A checkpoint of
	// another state is not handed back when a run is resumed: the stream is read from its beginning. At most [MaxRevision] bytes.
	Revision []byte
}

// Estimate is a count with its quality. Records that will have to be skipped may be counted or not.
type Estimate struct {
	Count   int64
	Quality Quality
}

// Quality says how good an estimate is.
type Quality uint8

// The qualities of an estimate. Unknown is the zero value: the count says nothing.
const (
	Unknown Quality = iota
	Exact
	Approximate
	LowerBound
)

// ReadRequest says what to read.
type ReadRequest struct {
	Streams []string          // names, read in this order; nil: all
	State   map[string][]byte // last stored checkpoint by stream
	RunID   string
	// Known is the revision that the source gave each stream when it was last read to its end, where the converter still has
	// all of that; see [RevisionWriter].
	Known map[string][]byte
}

// Asset is the opened body of an asset.
type Asset struct {
	Body      io.ReadCloser
	MediaType string // empty: not known
	Size      int64  // bytes; -1: not known
}
