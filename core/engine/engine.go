package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/output"
	"github.com/seed-98789ff7/converter/sdk"
)

// Config is what a run needs. Ledger, Recorder and Log are required, Pictures and Blobs when Images is set.
type Config struct {
	RunID        string
	ConfigDigest string // names what decides the content, not where it goes
	Sources      []Source
	Outputs      []Output
	Images       *Images // nil: assets are not looked at
	Workers      int     // of each pool; default one a core
	MaxFailures  int64   // failed items that a run may have; one more ends it with a [TooManyError]; default any number

	// CheckpointEvery is how long a checkpoint of a stream may wait before the ledger has it, and how soon after one the
	// next one is handed over at most. Default: each is, at once.
	CheckpointEvery time.Duration
	// Fresh says that nothing is taken over from earlier runs; what is read is kept all the same.
	Fresh bool
	// Resumed says that the ledger may have something of an earlier attempt at the run, to go on from.
	Resumed bool

	Ledger   Ledger
	Pictures Pictures
	Blobs    Blobs
	Files    Files // nil: each file is read

	Quarantine Quarantine // nil: what killed a renderer is tried again in each run

	Recorder Recorder
	Log      *slog.Logger

	Compendium Compendium // nil: there is none
	Harvests   Harvests   // nil: nothing is kept of streams, and nothing taken over
}

// Source is a configured source, already configured. Its place in the config is its rank in conflicts.
type Source struct {
	Name   string
	Source sdk.Source
	// Folders are those that its assets may be opened in by path, absolute; a file stands for itself. Default: none.
	Folders []string
	// Passing are folders of its that are gone when the run has ended: what refers to files in there is not kept. Default: none.
	Passing []string
	// Fingerprint names all that decides what the source sends, but the state of what it reads: its options, and the programs.
	// Default: nothing of its streams is kept for later runs.
	Fingerprint string
}

// Output is a place to write to.
type Output struct {
	Name string
	Path string
	Open func() (output.Writer, error)
}

// Result is what a run made.
type Result struct {
	ResultID string // names the content of the first output
	Entities int64
	Assets   int64
	Files    int
	Bytes    int64
	Written  []string // paths of the outputs that are in place
	// Broken are the sources, in their order, that could not be read to their end; their entities are not all here.
	Broken []string
}

// maxAttempts is how often the reading of one source is begun: once, and twice more when its plugin died.
const maxAttempts = 3

// Run runs a conversion to its end.
func Run(ctx context.Context, c Config) (Result, error) {
	r, err := newRun(c)
	if err != nil {
		return Result{}, err
	}
	writers, err := r.open()
	if err != nil {
		return Result{}, err
	}
	defer writers.abort(r)
	if err := r.gather(ctx); err != nil {
		return Result{}, err
	}
	return r.write(ctx, writers)
}

func newRun(c Config) (*run, error) {
	if len(c.Sources) == 0 {
		return nil, errors.New("there is no source to read")
	}
	if c.Workers <= 0 {
		c.Workers = runtime.GOMAXPROCS(0)
	}
	return &run{
		Config: c, plugins: plugins(c.Sources), broken: make([]error, len(c.Sources)), limit: &limit{allowed: c.MaxFailures},
		equals: map[string]string{}, tally: newTally(c.Recorder, len(c.Sources)),
	}, nil
}

// gather finds out what the sources have, and reads and stores it.
func (r *run) gather(ctx context.Context) error {
	if err := r.remember(ctx); err != nil {
		return err
	}
	r.Recorder.Doing("looking at the sources")
	if err := r.discover(ctx); err != nil {
		return err
	}
	r.Recorder.Doing("reading")
	return r.limit.settle(r.read(ctx))
}

// run is one run in progress.
type run struct {
	Config
	plugins  []core.PluginUse
	found    [][]sdk.Stream // by source
	pictures *gallery
	limit    *limit
	past     *past
	tally    *tally

	mu     sync.Mutex        // guards what follows
	broken []error           // by source: why it is not, or not wholly, part of the result
	gaps   map[gap]string    // streams that could not be read in full, and why
	taken  []core.Head       // of entities that were taken over
	equals map[string]string // in the compendium, of those, by uid and source
}

func plugins(sources []Source) []core.PluginUse {
	uses := make([]core.PluginUse, len(sources))
	for i, s := range sources {
		spec := s.Source.Spec()
		uses[i] = core.PluginUse{Source: s.Name, Plugin: spec.Name, Version: spec.Version}
	}
	return uses
}

// discover checks all sources and lists their streams. A source that cannot be reached is left out and reported; the run
// goes on as long as one is left.
func (r *run) discover(ctx context.Context) error {
	r.found = make([][]sdk.Stream, len(r.Sources))
	failed := make([]error, len(r.Sources))
	var group errgroup.Group
	group.SetLimit(r.Workers)
	for i := range r.Sources {
		group.Go(func() error {
			r.found[i], failed[i] = r.look(ctx, i)
			return nil
		})
	}
	_ = group.Wait() // the functions return none
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, s := range r.Sources {
		if failed[i] != nil {
			r.leaveOut(i, failed[i])
			continue
		}
		r.announce(s.Name, r.found[i])
		r.tally.announce(i, r.found[i])
		for _, stream := range r.found[i] {
			if known := r.past.sources[i].marks[stream.Name].Facts; len(known) > 0 {
				r.Recorder.Facts(s.Name, stream.Name, known)
			}
		}
	}
	r.tally.tell()
	if _, all := r.leftOut(); all != nil {
		return fmt.Errorf("no source can be read: %w", all)
	}
	return nil
}

func (r *run) look(ctx context.Context, i int) ([]sdk.Stream, error) {
	if past := r.past.sources[i]; past.whole {
		return past.streams, nil
	}
	source := r.Sources[i].Source
	can := source.Spec().Can
	if err := source.Check(ctx); err != nil && (can.Check || sdk.KindOf(err) != sdk.Unsupported) {
		return nil, fmt.Errorf("check source %q: %w", r.Sources[i].Name, err)
	}
	streams, err := source.Discover(ctx)
	if err != nil && (can.Discover || sdk.KindOf(err) != sdk.Unsupported) {
		return nil, fmt.Errorf("look into source %q: %w", r.Sources[i].Name, err)
	}
	return streams, nil
}

func (r *run) announce(source string, streams []sdk.Stream) {
	counts := make([]core.StreamCounts, len(streams))
	for i, s := range streams {
		counts[i] = core.StreamCounts{Source: source, Stream: s.Name, Title: s.Title, Found: s.Records.Count}
	}
	r.Recorder.Streams(source, counts)
}

// leaveOut reports that a source is not, or not wholly, part of the result.
func (r *run) leaveOut(i int, err error) {
	r.mu.Lock()
	r.broken[i] = err
	r.mu.Unlock()
	for _, d := range sdk.Diagnose(err, "source.failed") {
		f := r.failure(i, core.StageRead, "", d)
		f.Item = r.Sources[i].Name
		f.Warning = false
		r.Recorder.Failure(f)
	}
}

// leftOut returns the names of the sources that are left out, and why, if that is all of them.
func (r *run) leftOut() (names []string, all error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, err := range r.broken {
		if err != nil {
			names = append(names, r.Sources[i].Name)
		}
	}
	if len(names) == len(r.Sources) {
		all = errors.Join(r.broken...)
	}
	return names, all
}

// place is where in a source something is, as far as it is known.
func place(o sdk.Origin) string {
	text := o.URI
	if o.Page > 0 {
		text += fmt.Sprintf(", page %d", o.Page)
	}
	if o.Pointer != "" {
		text += " " + o.Pointer
	}
	return strings.TrimPrefix(strings.TrimSpace(text), ", ")
}

// failure makes a failure of what a source said. Stream is empty when only the source knows it.
func (r *run) failure(i int, stage core.Stage, stream string, d *sdk.Diagnostic) core.Failure {
	if stream == "" {
		stream = d.Stream
	}
	f := core.Failure{
		Stage: stage, Code: d.Code, Source: r.Sources[i].Name, Plugin: r.plugins[i].Plugin, Stream: stream,
		Item: d.RecordID, Message: d.Error(), Detail: d.Detail, Suggestion: d.Suggestion,
		Warning: d.Severity != sdk.SeverityError,
	}
	if f.Item == "" {
		f.Item = place(d.Origin)
	}
	if f.Item == "" {
		f.Item = stream
	}
	if f.Code == "" {
		f.Code = "source." + d.Kind.String()
	}
	return f
}
