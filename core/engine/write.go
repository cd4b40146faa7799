package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/entity"
	"github.com/seed-98789ff7/converter/core/link"
	"github.com/seed-98789ff7/converter/core/output"
	"github.com/seed-98789ff7/converter/sdk"
)

// pen is one output being written; writer is nil when it could not be begun or went wrong.
type pen struct {
	Output

	writer output.Writer
	err    error
}

type pens []*pen

// open begins all outputs before anything is read, so that a folder that cannot be written to is known at once. Outputs
// that cannot be begun are reported; none is an error.
func (r *run) open() (pens, error) {
	all := make(pens, len(r.Outputs))
	for i, o := range r.Outputs {
		all[i] = &pen{Output: o}
		w, err := o.Open()
		if err != nil {
			all[i].fail(r, err)
			continue
		}
		all[i].writer = w
	}
	return all, all.left()
}

// fail reports that an output will not be written. The others are.
func (p *pen) fail(r *run, err error) {
	p.err = fmt.Errorf("output %q: %w", p.Name, err)
	if p.writer != nil {
		if err := p.writer.Abort(); err != nil {
			r.Log.Warn("an output was given up, and what was written of it remains", "output", p.Name, "error", err)
		}
		p.writer = nil
	}
	for _, d := range sdk.Diagnose(err, "output.failed") {
		r.Recorder.Failure(core.Failure{
			Stage: core.StageWrite, Code: d.Code, Item: p.Name, Message: d.Error(), Detail: d.Detail, Suggestion: d.Suggestion,
		})
	}
}

// left is an error when no output is left to write to.
func (ps pens) left() error {
	errs := make([]error, 0, len(ps))
	for _, p := range ps {
		if p.writer != nil {
			return nil
		}
		errs = append(errs, p.err)
	}
	return errors.Join(errs...)
}

// each does one step on all outputs that are left.
func (ps pens) each(r *run, step func(*pen) error) error {
	for _, p := range ps {
		if p.writer == nil {
			continue
		}
		if err := step(p); err != nil {
			p.fail(r, err)
		}
	}
	return ps.left()
}

// abort removes what was written to outputs that were not put in place.
func (ps pens) abort(r *run) {
	for _, p := range ps {
		if p.writer == nil {
			continue
		}
		if err := p.writer.Abort(); err != nil {
			r.Log.Warn("what was written of an output remains", "output", p.Name, "error", err)
		}
	}
}

// write links what was read and writes it to the outputs.
func (r *run) write(ctx context.Context, ps pens) (Result, error) {
	r.Recorder.Doing("linking")
	heads, err := r.Ledger.Heads(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("list what was read: %w", err)
	}
	if err := r.equal(ctx); err != nil {
		return Result{}, err
	}
	c, err := r.catalogue(ctx, heads)
	if err != nil {
		return Result{}, err
	}
	r.Recorder.Total(core.StageLink, int64(len(c.heads)))
	r.Recorder.Total(core.StageWrite, int64(len(c.heads)))
	r.Recorder.Doing("writing")
	kinds, err := r.entities(ctx, ps, c)
	if err != nil {
		return Result{}, err
	}
	r.Recorder.Kinds(kinds)
	used := c.used()
	if err := r.assets(ctx, ps, used); err != nil {
		return Result{}, err
	}
	r.Recorder.Ended(core.StageWrite)
	result := Result{Entities: int64(len(c.heads)), Assets: int64(len(used))}
	result.Broken, _ = r.leftOut()
	err = r.publish(ctx, ps, kinds, &result)
	return result, err
}

// catalogue is what the heads and mappings of a run come to.
type catalogue struct {
	heads  []core.Head // one a uid, by uid
	slugs  []string
	twins  map[string]string
	peers  map[string][]core.Counterpart
	index  *link.Index
	assets map[reference]core.AssetMapping
	order  map[string]int // of sources
	made   func(assetID string) bool
	beyond beyond
	// namesakes are counterparts in the compendium, of the entities in hand, by uid.
	namesakes map[string][]core.Counterpart
	ids       map[string]bool // of the assets that entities refer to
	known     map[string]bool // uids; only with a compendium
}

func (r *run) catalogue(ctx context.Context, heads []core.Head) (*catalogue, error) {
	mappings, err := r.Ledger.Mappings(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the pictures: %w", err)
	}
	r.lookAlikes(mappings)
	elected, lost := link.Elect(heads)
	for _, h := range lost {
		r.Recorder.Failure(core.Failure{
			Stage: core.StageLink, Code: "entity.in_two_sources", Source: h.Source, Stream: h.Stream, Item: h.Name, Warning: true,
			Message:    "the same document is in two sources",
			Suggestion: "the source named first in the config wins; leave the package out of one of them",
		})
	}
	c := &catalogue{
		heads: elected, slugs: entity.Slugs(elected), twins: link.Twins(elected),
		peers: link.Counterparts(elected), index: link.NewIndex(elected),
		assets: make(map[reference]core.AssetMapping, len(mappings)), order: map[string]int{}, ids: map[string]bool{},
	}
	c.made = r.pictures.made
	if r.Compendium != nil {
		c.known = make(map[string]bool, len(elected))
		for _, h := range elected {
			c.known[h.UID] = true
		}
	}
	for i, s := range r.Sources {
		c.order[s.Name] = i
	}
	for _, m := range mappings {
		c.assets[reference{c.order[m.Source], m.URI}] = m
	}
	return c, nil
}

// finish gives an entity what needs the whole run: slug, twin, links and asset ids.
func (c *catalogue) finish(i int, e *core.Entity) (broken int) {
	e.Slug = c.slugs[i]
	e.AliasOf = c.twins[e.UID]
	e.Counterparts = slices.Concat(c.peers[e.UID], c.namesakes[e.UID])
	source := c.order[e.Source.Name]
	for j := range e.Assets {
		use := &e.Assets[j]
		m := c.assets[reference{source, use.URI}]
		use.Problem = m.Problem
		if c.made(m.AssetID) {
			use.AssetID = m.AssetID
			c.ids[m.AssetID] = true
		}
	}
	return c.index.Resolve(e) - link.Fall(e, c.beyond[e.Source.Plugin])
}

func (c *catalogue) used() []string { return slices.Sorted(maps.Keys(c.ids)) }

func (r *run) entities(ctx context.Context, ps pens, c *catalogue) (kinds map[string]int64, err error) {
	kinds = map[string]int64{}
	leads := verdicts{}
	i := 0
	for e, err := range r.linked(ctx, c) {
		if err != nil {
			return nil, fmt.Errorf("read back what was stored: %w", err)
		}
		if i == len(c.heads) || e.UID != c.heads[i].UID {
			return nil, fmt.Errorf("the store gave back %s, which was not asked for; nothing was published, run again", e.UID)
		}
		if uid := r.equals[e.UID+"\x00"+e.Source.Name]; uid != "" {
			e.CompendiumUID = uid
		}
		r.Recorder.Found(core.StageLink, e.Source.Name, "", 1)
		if broken := c.finish(i, e); broken > 0 {
			r.Recorder.Failure(brokenLinks(e))
		}
		leads.add(e)
		r.Recorder.Done(core.StageLink, e.Source.Name, "", core.Written, 1)
		r.Recorder.Found(core.StageWrite, e.Source.Name, "", 1)
		if err := ps.each(r, func(p *pen) error { return p.writer.Entity(e) }); err != nil {
			r.Recorder.Done(core.StageWrite, e.Source.Name, "", core.FailedItem, 1)
			return nil, err
		}
		r.Recorder.Done(core.StageWrite, e.Source.Name, "", core.Written, 1)
		kinds[e.Kind]++
		i++
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if i != len(c.heads) {
		return nil, fmt.Errorf("the store gave back %d of %d entities; nothing was published, run again", i, len(c.heads))
	}
	r.Recorder.Ended(core.StageLink)
	leads.tell(r.Recorder)
	return kinds, nil
}

func brokenLinks(e *core.Entity) core.Failure {
	return core.Failure{
		Stage: core.StageLink, Code: "link.broken", Source: e.Source.Name, Stream: e.Source.Stream, Item: e.Name, Warning: true,
		Message:    "links lead to documents that are not there",
		Suggestion: "the entity's links say which ones; correct the document, or read the package that has them too",
	}
}

func (r *run) assets(ctx context.Context, ps pens, ids []string) error {
	for _, id := range ids {
		if err := ctx.Err(); err != nil {
			return err
		}
		p := r.pictures.done[id] // no worker is left: the map is ours alone
		open := func(rendition core.Rendition) (io.ReadCloser, error) { return r.Blobs.Open(ctx, rendition.SHA256) }
		if err := ps.each(r, func(pen *pen) error { return pen.writer.Asset(p.asset, open) }); err != nil {
			return err
		}
	}
	return nil
}

// publish writes the manifests, then puts all outputs in place.
func (r *run) publish(ctx context.Context, ps pens, kinds map[string]int64, result *Result) error {
	r.Recorder.Doing("putting the output in place")
	m := output.Manifest{ConfigDigest: r.ConfigDigest, Plugins: r.plugins, Kinds: kinds}
	m.Streams, m.Problems = r.Recorder.Tally()
	m.Streams = slices.Clone(m.Streams)
	order := map[string]int{}
	for i, s := range r.Sources {
		order[s.Name] = i
	}
	// Streams that were not announced came in whatever order their sources were read in.
	slices.SortStableFunc(m.Streams, func(a, b core.StreamCounts) int { return cmp.Compare(order[a.Source], order[b.Source]) })
	err := ps.each(r, func(p *pen) error {
		made, err := p.writer.Prepare(m)
		if err == nil && result.ResultID == "" {
			result.ResultID, result.Files, result.Bytes = made.ResultID, made.Files, made.Bytes
		}
		return err
	})
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err // the last moment at which stopping leaves everything as it was
	}
	return ps.each(r, func(p *pen) error {
		if err := p.writer.Commit(); err != nil {
			return err
		}
		result.Written = append(result.Written, p.Path)
		return nil
	})
}
