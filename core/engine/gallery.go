package engine

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/sdk"
)

// Images says how pictures are made.
type Images struct {
	Config asset.Config
	Recipe string // names Config and the encoder: same bytes and same recipe, same renditions
	// Renderer names the program that renders and what it may take: what killed one need not kill another. Default: "".
	Renderer string
	Memory   int64 // megabytes for pixels at one time; default 1024
	// Render makes the renditions, within the time that its context leaves it: ten times what it may keep a core busy for, which it
	// sees to itself and answers with context.DeadlineExceeded. Default: [asset.Render], in this process and in that time.
	Render func(ctx context.Context, data []byte, c asset.Config) (asset.Result, error)

	// LookAlikes says to report pictures that look alike and are not the same.
	LookAlikes bool

	// Web fetches what sources name by URL. It holds each body in memory and knows how large one may be. Default: such
	// references are skipped.
	Web *http.Client
	// Remote says to fetch also what documents only refer to, out there in the net; default: no.
	Remote bool
}

// fileBytes bounds the bytes of asset files in memory at one time; one larger file passes alone.
const fileBytes = 256 << 20

// gallery makes the pictures of a run: each reference once, each content once.
type gallery struct {
	run    *run
	queue  *queue
	files  *semaphore.Weighted // bytes of files in memory
	pixels *semaphore.Weighted // megabytes of pixels
	memory int64               // how many there are
	met    meter

	mu    sync.Mutex // guards what follows
	known map[reference]bool
	done  map[string]*picture // by asset id
}

// reference is an asset as a source's documents name it.
type reference struct {
	source int
	uri    string
}

// picture is one content being rendered, or rendered. It is made once, whoever asks first.
type picture struct {
	met   sync.Once     // somebody waits
	ready chan struct{} // closed when what follows is set
	asset core.Asset
	times *core.AssetTimes
	fault *core.Failure // what is wrong with it; nil: nothing. It says nothing of who refers to it
	err   error         // it was not looked at to the end
}

// meter counts the workers who came with a content, and those who waited until another had rendered it.
type meter struct{ calls, waits, waited, contended atomic.Int64 }

func (m *meter) meeting() core.Meeting {
	return core.Meeting{
		Place: "picture", Calls: m.calls.Load(), Waits: m.waits.Load(), WaitedUS: m.waited.Load(), Contended: m.contended.Load(),
	}
}

func newGallery(r *run) *gallery {
	g := &gallery{
		run: r, queue: newQueue(), known: map[reference]bool{}, done: map[string]*picture{},
		files: semaphore.NewWeighted(fileBytes),
	}
	if r.Images != nil {
		r.Recorder.Meets(g.met.meeting)
		if g.memory = r.Images.Memory; g.memory <= 0 {
			g.memory = 1024
		}
		g.pixels = semaphore.NewWeighted(g.memory)
	}
	return g
}

// add queues the assets of an entity that no entity before it had. A reference whose bytes cannot be had is mapped at
// once, with its status.
func (g *gallery) add(ctx context.Context, source int, e *core.Entity) error {
	for _, use := range e.Assets {
		if err := g.refer(ctx, source, use, e.Name); err != nil {
			return err
		}
	}
	return nil
}

// refer queues one asset, unless it was queued before.
func (g *gallery) refer(ctx context.Context, source int, use core.AssetUse, of string) error {
	if g.run.Images == nil || !g.first(reference{source, use.URI}) {
		return nil
	}
	name := g.run.Sources[source].Name
	g.run.Recorder.Found(core.StageAssets, name, "", 1)
	if !g.fetches(use) {
		return g.absent(ctx, source, use, of)
	}
	if err := g.expect(ctx, name, use, of); err != nil {
		return err
	}
	g.queue.put(errand{source: source, use: use, of: of})
	return nil
}

// expect notes in the ledger that a reference is to be seen to. Its entity comes later there, so that no entity is known
// whose references are not.
func (g *gallery) expect(ctx context.Context, source string, use core.AssetUse, of string) error {
	err := g.run.Ledger.PutMapping(ctx, core.AssetMapping{
		Source: source, URI: use.URI, Status: use.Status, Pending: true, Role: use.Role, Locator: use.Locator, Of: of,
	})
	if err != nil {
		g.run.Recorder.Done(core.StageAssets, source, "", core.CancelledItem, 1)
	}
	return err
}

// fetches says whether the bytes of an asset are to be had, and wanted.
func (g *gallery) fetches(use core.AssetUse) bool {
	images := g.run.Images
	switch {
	case use.Locator.IsZero(), use.Locator.URL != "" && images.Web == nil:
		return false
	case use.Status == sdk.Remote:
		return images.Remote
	default:
		return use.Status == sdk.Present || use.Status == sdk.DataURI
	}
}

func (g *gallery) first(ref reference) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.known[ref] {
		return false
	}
	g.known[ref] = true
	return true
}

// count is how many references were met.
func (g *gallery) count() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int64(len(g.known))
}

// made says whether there is anything to write of an asset. It is for the time after the workers.
func (g *gallery) made(assetID string) bool {
	p := g.done[assetID]
	return p != nil && len(p.asset.Renditions) > 0
}

// absent maps a reference whose bytes are not to be had. Only a picture that should be there and is not is a failure:
// most references of game content lead to the host application's own library or to the net.
func (g *gallery) absent(ctx context.Context, source int, use core.AssetUse, of string) error {
	m := core.AssetMapping{
		Source: g.run.Sources[source].Name, URI: use.URI, Status: use.Status, Outcome: core.Skipped, Role: use.Role, Of: of,
	}
	if use.Status == sdk.Missing {
		m.Outcome, m.Problem = core.FailedItem, "asset.missing"
		m.Failures = []core.Failure{{
			Stage: core.StageAssets, Code: m.Problem, Source: m.Source, Plugin: g.run.plugins[source].Plugin, Item: use.URI,
			Message:    "a file that documents refer to is not there",
			Detail:     "first named by " + of,
			Suggestion: "put the file in its place and run again, or correct the document",
		}}
		g.run.Recorder.Failure(m.Failures[0])
	}
	return g.put(ctx, m)
}

// put hands a mapping to the ledger, which counts it when it is stored. A failure may be one too many.
func (g *gallery) put(ctx context.Context, m core.AssetMapping) error {
	if err := g.run.Ledger.PutMapping(ctx, m); err != nil {
		g.run.Recorder.Done(core.StageAssets, m.Source, "", core.CancelledItem, 1)
		return err
	}
	if m.Outcome == core.FailedItem {
		return g.run.limit.fail()
	}
	return nil
}

// abandon counts the references that no worker took. It is for the time after the workers.
func (g *gallery) abandon() {
	for _, e := range g.queue.items {
		g.run.Recorder.Done(core.StageAssets, g.run.Sources[e.source].Name, "", core.CancelledItem, 1)
	}
}

// work runs the workers until the queue is closed and empty, or one of them cannot go on.
func (g *gallery) work(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for range g.run.Workers {
		group.Go(func() error {
			for {
				e, more, err := g.queue.take(ctx)
				if err != nil || !more {
					return err
				}
				if err := g.one(ctx, e); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// one makes one picture and maps it. A picture that cannot be used is counted and reported; an error is the ledger's, the
// context's, or says that it was one too many.
func (g *gallery) one(ctx context.Context, e errand) error {
	r := g.run
	end := r.Recorder.Begin(core.StageAssets, e.use.URI)
	defer end()
	m := core.AssetMapping{
		Source: r.Sources[e.source].Name, URI: e.use.URI, Status: e.use.Status, Role: e.use.Role, Locator: e.use.Locator, Of: e.of,
	}
	p, first, outcome := g.make(ctx, e)
	if ctx.Err() != nil || p.err != nil {
		r.Recorder.Done(core.StageAssets, m.Source, "", core.CancelledItem, 1)
		return errors.Join(p.err, ctx.Err())
	}
	a := p.asset
	m.Outcome, m.First = outcome, first
	if first {
		m.Asset, m.MS = &a, p.times
	}
	report := func(f core.Failure) {
		f.Stage, f.Source, f.Plugin, f.Item = core.StageAssets, m.Source, r.plugins[e.source].Plugin, e.use.URI
		r.Recorder.Failure(f)
		m.Failures = append(m.Failures, f)
	}
	if p.fault != nil {
		m.Outcome, m.Problem = core.FailedItem, p.fault.Code
		report(*p.fault)
	}
	if a.Suspect { // from the cache too: a run says the same of the same content
		report(core.Failure{
			Code: "image.suspect", Warning: true,
			Message:    "a picture can be decoded, but its data do not add up: a part of it may look wrong",
			Suggestion: "look at it, and restore it from a backup if it is damaged",
		})
	}
	if len(a.Renditions) > 0 {
		m.AssetID = a.ID
	}
	if p.fault == nil && strings.HasPrefix(a.MediaType, "image/") && !a.Unsafe { // what can be shown
		r.Recorder.Picture(core.Recent{AssetID: a.ID, URI: e.use.URI, Width: a.Width, Height: a.Height})
	}
	return g.put(ctx, m)
}

// takeUp makes known what earlier attempts at the run have seen to, and queues what they have not.
func (g *gallery) takeUp(ctx context.Context) error {
	order := map[string]int{}
	for i, s := range g.run.Sources {
		if past := g.run.past.sources[i]; !past.anew || past.whole {
			order[s.Name] = i
		}
	}
	made := map[string]bool{}
	mappings := slices.DeleteFunc(g.run.past.Mappings, func(m core.AssetMapping) bool {
		_, stays := order[m.Source]
		return !stays
	})
	for i := range mappings {
		m := &mappings[i]
		if !m.First || m.Asset == nil {
			continue
		}
		there, err := g.there(ctx, *m.Asset)
		if err != nil {
			return err
		}
		if m.Pending = !there; m.Pending { // it is made once more
			continue
		}
		p := &picture{ready: make(chan struct{}), asset: *m.Asset}
		close(p.ready)
		for _, f := range m.Failures {
			if !f.Warning {
				p.fault = &f
			}
		}
		g.done[m.Asset.ID], made[m.Asset.ID] = p, true
	}
	for _, m := range mappings {
		source := order[m.Source]
		g.known[reference{source, m.URI}] = true
		g.recall(source, m, m.Pending || m.AssetID != "" && !made[m.AssetID])
	}
	return nil
}

// recall counts a reference that an earlier attempt has met, and queues it if it is not seen to.
func (g *gallery) recall(source int, m core.AssetMapping, pending bool) {
	recorder := g.run.Recorder
	if pending {
		recorder.Found(core.StageAssets, m.Source, "", 1)
		g.queue.put(errand{source: source, of: m.Of, use: core.AssetUse{URI: m.URI, Role: m.Role, Status: m.Status, Locator: m.Locator}})
		return
	}
	recorder.Kept(core.StageAssets, m.Source, "", m.Outcome, 1)
	for _, f := range m.Failures {
		recorder.Failure(f)
	}
	if m.First {
		recorder.Cache(picturesCache, m.Outcome == core.Cached)
	}
	if m.Outcome == core.FailedItem {
		g.run.limit.failed.Add(1)
	}
}

// there says whether all renditions of an asset are still among the blobs.
func (g *gallery) there(ctx context.Context, a core.Asset) (bool, error) {
	for _, r := range a.Renditions {
		if there, err := g.run.Blobs.Has(ctx, r.SHA256, r.Bytes); err != nil || !there {
			return false, err
		}
	}
	return true, nil
}

// queue is the assets waiting for a worker. It is not bounded, because what it holds is (a reference each, no bytes), and
// a bound would let the pool wait for pictures that wait for the pool.
type queue struct {
	mu     sync.Mutex // guards what follows
	items  []errand
	closed bool
	wake   chan struct{} // holds one token while there is something to see
}

// errand is one asset to make.
type errand struct {
	source int
	use    core.AssetUse
	of     string // name of the first entity that refers to it
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

func (q *queue) put(e errand) {
	q.mu.Lock()
	q.items = append(q.items, e)
	q.mu.Unlock()
	q.ring()
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.ring()
}

func (q *queue) ring() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take waits for the next asset; more is false when the queue is closed and empty.
func (q *queue) take(ctx context.Context) (e errand, more bool, err error) {
	for {
		q.mu.Lock()
		if len(q.items) > 0 {
			e = q.items[0]
			q.items[0] = errand{}
			q.items = q.items[1:]
			again := len(q.items) > 0 || q.closed
			q.mu.Unlock()
			if again {
				q.ring()
			}
			return e, true, nil
		}
		closed := q.closed
		q.mu.Unlock()
		if closed {
			q.ring() // the next worker is to see it too
			return e, false, nil
		}
		select {
		case <-q.wake:
		case <-ctx.Done():
			return e, false, ctx.Err()
		}
	}
}
