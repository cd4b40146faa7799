package engine

import (
	"context"
	"io"
	"io/fs"
	"iter"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// Ledger remembers one run. Put methods queue: they return once the value is in the backlog, wait while the backlog is
// full and return the context's error when it ends first. What was put is stored in the order of the puts of one
// goroutine: a checkpoint is never stored before what was put before it. Flush returns when everything put so far is
// stored, or with what could not be.
//
// The ledger counts an entity or a mapping as written in the run's numbers when the store has acknowledged it, never
// earlier; an entity with an equal in the compendium is counted as cached.
type Ledger interface {
	PutEntity(ctx context.Context, e *core.Entity, head core.Head) error
	// PutMapping takes the mapping of a reference, first as pending, later with its outcome.
	PutMapping(ctx context.Context, m core.AssetMapping) error
	PutMishap(ctx context.Context, m core.Mishap) error
	PutCheckpoint(ctx context.Context, c core.Checkpoint) error
	Flush(ctx context.Context) error

	// Past returns what the earlier attempts at the run have stored.
	Past(ctx context.Context) (core.Past, error)
	// Rewind prepares for what is read again of streams: all behind the first so many items of each. Mishaps are forgotten;
	// entities are set aside until they come again, when one that is the same is not stored again.
	Rewind(ctx context.Context, from []core.Checkpoint) error
	// Anew forgets what was stored of a source but its entities, which Rewind sets aside.
	Anew(ctx context.Context, source string) error
	// Finish says that the reading of a source has ended. What is still set aside of it is removed when the source was read
	// as a whole, else counted, since it stays.
	Finish(ctx context.Context, source string, whole bool) error

	// Heads lists all stored entities of the run by uid, then by the order of their sources.
	Heads(ctx context.Context) ([]core.Head, error)
	// Entities yields stored entities with their Raw, by uid and order of source; heads says which ones.
	Entities(ctx context.Context, heads []core.Head) iter.Seq2[*core.Entity, error]
	// Mappings lists all asset mappings of the run by source and URI.
	Mappings(ctx context.Context) ([]core.AssetMapping, error)
}

// Harvests keeps what streams brought that were read to their end, for later runs to take over.
type Harvests interface {
	// Known lists what is kept of the streams of a source under a fingerprint. All of it is there, bodies too, and stays for
	// as long as the run. From now on what the ledger is given of the source is noted, for Keep.
	Known(ctx context.Context, source, fingerprint string) ([]core.Harvest, error)
	// Carry makes the entities of a harvest part of the run: they are among Heads and Entities, as those of the source at that
	// place in the config, and are not stored again. A later attempt at the run knows nothing of them.
	Carry(ctx context.Context, h core.Harvest, sourceOrder int) error
	// CarryRecord does so with the entity at a place of a harvest, under a head of this run's. It is noted for Keep.
	CarryRecord(ctx context.Context, h core.Harvest, at int, head core.Head) error
	// Keep says that all of a stream has been given to the ledger. It is kept in the place of what was, once the run has ended
	// well. Heads, mishaps and assets of h are not set.
	Keep(ctx context.Context, h core.Harvest) error
}

// Pictures remembers rendered assets across runs, by the SHA-256 of the source bytes and the recipe they were rendered
// with.
type Pictures interface {
	// Lookup returns a rendered asset whose renditions are all still there.
	Lookup(ctx context.Context, assetID, recipe string) (core.Asset, bool, error)
	Store(ctx context.Context, recipe string, a core.Asset) error
}

// Files remembers across runs what files held when they were read.
type Files interface {
	// Holds returns the SHA-256 of the bytes of a file that has not changed since it was last read, as far as the system can
	// tell. Info is what it says of the file now.
	Holds(path string, info fs.FileInfo) (sha256 string, known bool)
	// Read says what a file held: before and after are what the system said of it when it was open and nothing was read yet, at
	// the time began, and when all of it was.
	Read(path string, before, after fs.FileInfo, began time.Time, sha256 string)
}

// Quarantine remembers across runs which assets killed the processes that rendered them.
type Quarantine interface {
	// Why returns what was said of an asset that killed what was named so. Empty: it did not, or not lately.
	Why(assetID, renderer string) string
	// Put takes an asset in, Release lets it out.
	Put(assetID, renderer, why string) error
	Release(assetID, renderer string) error
}

// Blobs is a content-addressed store of bytes.
type Blobs interface {
	Put(ctx context.Context, data []byte) (sha256 string, err error)
	Open(ctx context.Context, sha256 string) (io.ReadCloser, error)
	Has(ctx context.Context, sha256 string, size int64) (bool, error)
}

// Recorder takes the numbers of a run. Its methods are called from many goroutines, never block and never fail.
type Recorder interface {
	// Doing says the step in words.
	Doing(step string)
	// Streams announces the streams of a source with the number of records expected in each (0: unknown).
	Streams(source string, streams []core.StreamCounts)
	// Facts sets what is known of a stream beside its records.
	Facts(source, stream string, facts []core.Fact)
	// Total sets the best known number of items of a stage.
	Total(stage core.Stage, n int64)
	// Estimate sets it too, where it is an estimate.
	Estimate(stage core.Stage, n int64)
	// Found counts items that came to a stage; stream is empty for stages after the entities.
	Found(stage core.Stage, source, stream string, n int64)
	// Done counts items that got an outcome.
	Done(stage core.Stage, source, stream string, outcome core.Outcome, n int64)
	// Kept counts items that came and got their outcome in an earlier attempt at the run.
	Kept(stage core.Stage, source, stream string, outcome core.Outcome, n int64)
	// Ended says that nothing more will come to a stage.
	Ended(stage core.Stage)
	// Failure records a failure or a warning with its cause; it does not count the item's outcome.
	Failure(f core.Failure)
	// Begin says that a worker has an item in hand; the returned function ends it.
	Begin(stage core.Stage, item string) (end func())
	// Cache counts a lookup.
	Cache(name string, hit bool)
	// CacheN counts many lookups at once.
	CacheN(name string, hits, misses int64)
	// Meets takes the numbers of a place where workers meet; of is called often, and does not wait.
	Meets(of func() core.Meeting)
	// Reading says that a source is being read; the returned function ends it.
	Reading(source string) (end func())
	// Progress says how far a source is with a stream, in units of its own; a total of 0 is not known.
	Progress(source, stream string, done, total int64)
	// Step says in words how far the reading of a source is.
	Step(source, step string)
	// Fetched adds to what a source has fetched; of the requests under way it says how many there are.
	Fetched(f core.Fetched)
	// Picture shows a finished picture.
	Picture(r core.Recent)
	// Tally returns the numbers by stream and the problems so far. Neither their order nor what is said in them, examples
	// included, depends on which came first: it is written into the outputs. The streams of a source are in the order in
	// which they were announced, or found.
	Tally() ([]core.StreamCounts, []core.Problem)
	// Kinds sets the entities written by kind.
	Kinds(counts map[string]int64)
}
