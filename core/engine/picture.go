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
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/sdk"
)

// picturesCache is the name of the cache of rendered pictures in the numbers.
const picturesCache = "pictures"

// make fetches, hashes and renders one asset. First says that its content was not asked for before.
func (g *gallery) make(ctx context.Context, e errand) (p *picture, first bool, outcome core.Outcome) {
	data, release, err := g.fetch(ctx, e)
	if err != nil {
		fault := assetFailure(err)
		return &picture{fault: &fault}, false, core.FailedItem
	}
	defer release()
	sum := sha256.Sum256(data)
	id := hex.EncodeToString(sum[:])

	g.met.calls.Add(1)
	p, first = g.claim(id)
	if !first {
		if err := g.await(ctx, p); err != nil {
			return &picture{err: err}, false, core.CancelledItem
		}
		return p, false, core.Cached
	}
	defer close(p.ready)
	p.asset, p.times, outcome, err = g.content(ctx, id, data)
	switch {
	case err != nil && ctx.Err() != nil:
		p.err = ctx.Err()
	case err != nil:
		fault := assetFailure(err)
		p.fault = &fault
	}
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

// content takes a rendered asset from the cache, or renders it.
func (g *gallery) content(ctx context.Context, id string, data []byte) (core.Asset, *core.AssetTimes, core.Outcome, error) {
	a, hit, err := g.run.Pictures.Lookup(ctx, id, g.run.Images.Recipe)
	if err != nil {
		g.run.Log.Warn("the cache of pictures does not answer; rendering", "item", id, "error", err)
	}
	if hit && g.run.past.made[id] { // by an earlier attempt, which did not get to say so
		g.run.Recorder.Cache(picturesCache, false)
		return a, nil, core.Written, nil
	}
	g.run.Recorder.Cache(picturesCache, hit)
	if hit {
		return a, nil, core.Cached, nil
	}
	a, times, err := g.render(ctx, id, data)
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
	limited, cancel := context.WithTimeoutCause(ctx, asset.Deadline(header), errTooSlow)
	defer cancel()
	render := g.run.Images.Render
	if render == nil {
		render = asset.Render
	}
	made, wrong := render(limited, data, g.run.Images.Config)
	if wrong != nil && ctx.Err() == nil && errors.Is(context.Cause(limited), errTooSlow) {
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

var errTooSlow = &sdk.Diagnostic{
	Kind: sdk.Unsupported, Code: "image.too_slow", Summary: "the picture takes longer to decode than any picture of its size should",
	Suggestion: "save it again in another format",
}

// fetch reads the bytes of an asset; release gives back their share of the memory.
func (g *gallery) fetch(ctx context.Context, e errand) (data []byte, release func(), err error) {
	body, size, err := g.open(ctx, e)
	if err != nil {
		return nil, nil, err
	}
	defer body.Close() //nolint:errcheck // only read
	room := size
	switch {
	case size > fileBytes:
		return nil, nil, tooLarge(size)
	case size < 0:
		room = fileBytes // not known: it takes all the room there is
	}
	if err := g.files.Acquire(ctx, room); err != nil {
		return nil, nil, err
	}
	if data, err = readAll(body, size); err != nil {
		g.files.Release(room)
		return nil, nil, err
	}
	return data, func() { g.files.Release(room) }, nil
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
