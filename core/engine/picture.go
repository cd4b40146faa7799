package engine

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/sdk"
)

// picturesCache is the name of the cache of rendered pictures in the numbers.
const picturesCache = "pictures"

// make fetches, hashes and renders one asset. First says that its content was not asked for before. A file that has not changed
// since an earlier run is not opened where the cache has what was made of it.
func (g *gallery) make(ctx context.Context, e errand) (p *picture, first bool, outcome core.Outcome) {
	known, unread := g.recognise(e)
	if unread {
		g.met.calls.Add(1)
		if p := g.asked(known); p != nil {
			return g.other(ctx, p)
		}
		if a, outcome, hit := g.cached(ctx, known); hit {
			return g.settle(ctx, known, a, outcome)
		}
	}
	data, from, release, err := g.fetch(ctx, e)
	if err != nil {
		fault := assetFailure(err)
		return &picture{fault: &fault}, false, core.FailedItem
	}
	defer release()
	sum := sha256.Sum256(data)
	id := hex.EncodeToString(sum[:])
	g.held(from, id)

	if !unread {
		g.met.calls.Add(1)
	}
	p, first = g.claim(id)
	if !first {
		return g.other(ctx, p)
	}
	defer close(p.ready)
	p.asset, p.times, outcome, err = g.content(ctx, id, data, unread && id == known)
	switch {
	case err != nil && ctx.Err() != nil:
		p.err = ctx.Err()
	case err != nil:
		fault := assetFailure(err)
		p.fault = &fault
	}
	return p, true, outcome
}

// recognise says what a file holds without opening it, if it was read in an earlier run and has not changed since.
func (g *gallery) recognise(e errand) (id string, known bool) {
	path := e.use.Locator.Path
	if path == "" || g.run.Files == nil || g.run.Fresh {
		return "", false
	}
	info, err := lookIn(g.run.Sources[e.source].Folders, path)
	if err != nil {
		return "", false // which opening it says better
	}
	return g.run.Files.Holds(path, info)
}

// asked returns the picture of a content that was asked for before, or nil.
func (g *gallery) asked(id string) *picture {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.done[id]
}

// other waits for a picture that somebody else makes, or has made.
func (g *gallery) other(ctx context.Context, p *picture) (_ *picture, first bool, _ core.Outcome) {
	if err := g.await(ctx, p); err != nil {
		return &picture{err: err}, false, core.CancelledItem
	}
	return p, false, core.Cached
}

// settle enters an asset that the cache has, unless somebody was quicker.
func (g *gallery) settle(ctx context.Context, id string, a core.Asset, outcome core.Outcome) (p *picture, first bool, _ core.Outcome) {
	p, first = g.claim(id)
	if !first {
		return g.other(ctx, p)
	}
	p.asset = a
	close(p.ready)
	return p, true, outcome
}

// await waits until another worker has rendered a content.
func (g *gallery) await(ctx context.Context, p *picture) error {
	select {
	case <-p.ready:
		return nil
	default:
	}
	began := time.Now()
	g.met.waits.Add(1)
	p.met.Do(func() { g.met.contended.Add(1) })
	defer func() { g.met.waited.Add(time.Since(began).Microseconds()) }()
	select {
	case <-p.ready:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// claim says whether the caller is the one to render a content.
func (g *gallery) claim(id string) (p *picture, mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p = g.done[id]; p != nil {
		return p, false
	}
	p = &picture{ready: make(chan struct{})}
	g.done[id] = p
	return p, true
}

// cached takes a rendered asset from the cache.
func (g *gallery) cached(ctx context.Context, id string) (a core.Asset, outcome core.Outcome, hit bool) {
	a, hit, err := g.run.Pictures.Lookup(ctx, id, g.run.Images.Recipe)
	if err != nil {
		g.run.Log.Warn("the cache of pictures does not answer; rendering", "item", id, "error", err)
	}
	if hit && g.run.past.made[id] { // by an earlier attempt, which did not get to say so
		g.run.Recorder.Cache(picturesCache, false)
		return a, core.Written, true
	}
	g.run.Recorder.Cache(picturesCache, hit)
	return a, core.Cached, hit
}

// content takes a rendered asset from the cache, unless that was asked before, or renders it.
func (g *gallery) content(
	ctx context.Context, id string, data []byte, asked bool,
) (core.Asset, *core.AssetTimes, core.Outcome, error) {
	if !asked {
		if a, outcome, hit := g.cached(ctx, id); hit {
			return a, nil, outcome, nil
		}
	}
	a, times, err := g.render(ctx, id, data)
	g.quarantine(id, err)
	if err != nil {
		return a, times, core.FailedItem, err
	}
	if err := g.run.Pictures.Store(ctx, g.run.Images.Recipe, a); err != nil {
		g.run.Log.Warn("a picture was made but not remembered", "item", id, "error", err)
	}
	return a, times, core.Written, nil
}

// render makes the renditions of an asset and stores them. Of a damaged picture the original is kept as it came, and the
// error says what is wrong with it.
func (g *gallery) render(ctx context.Context, id string, data []byte) (core.Asset, *core.AssetTimes, error) {
	a := core.Asset{ID: id, MediaType: asset.Sniff(data).MediaType(), Bytes: int64(len(data))}
	header, err := asset.Inspect(data)
	if err == nil {
		weight := min(asset.Weight(header, g.run.Images.Config), g.memory)
		if err := g.pixels.Acquire(ctx, weight); err != nil {
			return a, nil, err
		}
		defer g.pixels.Release(weight)
	}
	limit := asset.Deadline(header)
	if g.run.Images.Render != nil {
		limit *= asset.Patience // it counts what is done, not how long it takes
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	made, wrong := g.renderer(id)(limited, data, g.run.Images.Config)
	if wrong != nil && ctx.Err() == nil && errors.Is(wrong, context.DeadlineExceeded) {
		wrong = errTooSlow
	}
	a.Width, a.Height, a.Animated = made.Width, made.Height, made.Animated
	a.Suspect, a.Unsafe, a.Note = made.Suspect, made.Unsafe, made.Note
	a.Format, a.Frames, a.Encoder = string(made.Format), made.Frames, made.Encoder
	if t := made.Traits; t != nil {
		a.Colour, a.ThumbHash, a.Likeness = t.Colour, t.ThumbHash, fmt.Sprintf("%016x", t.DHash)
	}
	for _, r := range made.Renditions {
		sum, err := g.run.Blobs.Put(ctx, r.Data)
		if err != nil {
			return core.Asset{ID: id}, nil, &sdk.Diagnostic{
				Kind: sdk.Unavailable, Code: "store.blob_unwritable", Summary: "a rendered picture cannot be stored", Cause: err,
				Suggestion: "check the state folder's disk and rights, then run again",
			}
		}
		a.Renditions = append(a.Renditions, core.Rendition{
			Resolution: r.Name, SHA256: sum, Bytes: int64(len(r.Data)), Width: r.Width, Height: r.Height,
			MediaType: r.MediaType, Ext: r.Ext, Kept: r.Kept,
		})
	}
	times := &core.AssetTimes{
		Decode: made.Times.Decode.Milliseconds(), Original: made.Times.Original.Milliseconds(),
		Resolutions: made.Times.Resolutions.Milliseconds(),
	}
	return a, times, wrong
}

// renderer returns what renders an asset. One that killed the processes which did so in an earlier run is not opened: that
// would end in the same way.
func (g *gallery) renderer(id string) func(context.Context, []byte, asset.Config) (asset.Result, error) {
	if q := g.run.Quarantine; q != nil && !g.run.Fresh {
		if why := q.Why(id, g.killed()); why != "" {
			return func(_ context.Context, data []byte, _ asset.Config) (asset.Result, error) {
				return asset.Kept(data), &asset.CodecError{Code: asset.CodeQuarantined, Reason: why}
			}
		}
	}
	if g.run.Images.Render == nil {
		return asset.Render
	}
	return g.run.Images.Render
}

// killed names what an asset kills, or does not.
func (g *gallery) killed() string { return g.run.Images.Renderer + " " + g.run.Images.Recipe }

// quarantine remembers, for later runs, how the rendering of an asset went.
func (g *gallery) quarantine(id string, wrong error) {
	q := g.run.Quarantine
	if q == nil {
		return
	}
	known, err := q.Why(id, g.killed()), error(nil)
	switch dead := asset.CodeOf(wrong) == asset.CodeQuarantined; {
	case dead && known != wrong.Error():
		err = q.Put(id, g.killed(), wrong.Error())
	case wrong == nil && known != "":
		err = q.Release(id, g.killed())
	}
	if err != nil {
		g.run.Log.Warn("it was not remembered that a picture killed its worker", "item", id, "error", err)
	}
}

var errTooSlow = &sdk.Diagnostic{
	Kind: sdk.Unsupported, Code: "image.too_slow", Summary: "the picture takes longer to decode than any picture of its size should",
	Suggestion: "save it again in another format",
}

// fetch reads the bytes of an asset; release gives back their share of the memory.
func (g *gallery) fetch(ctx context.Context, e errand) (data []byte, from *reading, release func(), err error) {
	began := time.Now()
	body, size, err := g.open(ctx, e)
	if err != nil {
		return nil, nil, nil, err
	}
	defer body.Close() //nolint:errcheck // only read
	from = g.begin(e, body, began)
	room := size
	switch {
	case size > fileBytes:
		return nil, nil, nil, tooLarge(size)
	case size < 0:
		room = fileBytes // not known: it takes all the room there is
	}
	if err := g.files.Acquire(ctx, room); err != nil {
		return nil, nil, nil, err
	}
	if data, err = readAll(body, size); err != nil {
		g.files.Release(room)
		return nil, nil, nil, err
	}
	return data, from.end(), func() { g.files.Release(room) }, nil
}

// reading is a file in a folder being read, or read; nil: it is none.
type reading struct {
	path          string
	file          *os.File
	began         time.Time
	before, after fs.FileInfo
}

// begin looks at a file that is open and about to be read.
func (g *gallery) begin(e errand, body io.Reader, began time.Time) *reading {
	path := e.use.Locator.Path
	f, local := body.(*os.File)
	if path == "" || !local || g.run.Files == nil || passes(g.run.Sources[e.source].Passing, path) {
		return nil
	}
	before, err := f.Stat()
	if err != nil {
		return nil
	}
	return &reading{path: path, file: f, began: began, before: before}
}

// end looks at it once more.
func (r *reading) end() *reading {
	if r == nil {
		return nil
	}
	var err error
	if r.after, err = r.file.Stat(); err != nil {
		return nil
	}
	return r
}

// held has it remembered what a file held.
func (g *gallery) held(r *reading, id string) {
	if r != nil {
		g.run.Files.Read(r.path, r.before, r.after, r.began, id)
	}
}

// readAll reads a file of a size that is known, or -1. It never reads much more than has room.
func readAll(body io.Reader, size int64) ([]byte, error) {
	limit := size
	if size < 0 {
		limit = fileBytes
	}
	var b bytes.Buffer
	if size >= 0 {
		b.Grow(int(size) + bytes.MinRead)
	}
	n, err := b.ReadFrom(io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case size >= 0 && n != size:
		return nil, &sdk.Diagnostic{
			Kind: sdk.Unavailable, Code: "asset.changed", Summary: "the file changed its size while it was read",
			Suggestion: "run again when nobody writes to it",
		}
	case n > fileBytes:
		return nil, tooLarge(n)
	}
	return b.Bytes(), nil
}

// open opens an asset; its size is -1 where it is not known.
func (g *gallery) open(ctx context.Context, e errand) (io.ReadCloser, int64, error) {
	switch {
	case e.use.Locator.URL != "":
		return g.get(ctx, e.use.Locator.URL)
	case e.use.Locator.Path == "":
		a, err := g.run.Sources[e.source].Source.FetchAsset(ctx, sdk.AssetRef{
			URI: e.use.URI, Role: e.use.Role, Status: e.use.Status, Key: e.use.Locator.Key,
			Revision: e.use.Locator.Revision,
		})
		if a.Size == 0 {
			a.Size = -1 // nobody sends nothing: it was not filled in
		}
		return a.Body, a.Size, err
	}
	f, info, err := openIn(g.run.Sources[e.source].Folders, e.use.Locator.Path)
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func tooLarge(size int64) error {
	return &sdk.Diagnostic{
		Kind: sdk.Unsupported, Code: "asset.too_large",
		Summary:    fmt.Sprintf("the file has %d MB, and the limit is %d MB", size>>20, int64(fileBytes)>>20),
		Suggestion: "make the file smaller at the source",
	}
}

func unreadable(err error) error {
	d := &sdk.Diagnostic{
		Kind: sdk.Unavailable, Code: "asset.unreadable", Summary: "the file cannot be read", Cause: err,
		Suggestion: "check the file and its rights, then run again",
	}
	if errors.Is(err, fs.ErrNotExist) {
		d.Code, d.Kind, d.Suggestion = "asset.missing", sdk.NotFound, "the file was there and is gone; run again"
	}
	return d
}

// assetFailure makes a failure of an error of the picture's way.
func assetFailure(err error) core.Failure {
	f := core.Failure{Stage: core.StageAssets, Code: asset.CodeOf(err), Message: err.Error()}
	if d, ok := errors.AsType[*sdk.Diagnostic](err); ok {
		f.Code, f.Message, f.Detail, f.Suggestion = d.Code, d.Error(), d.Detail, d.Suggestion
	}
	return f
}
