package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/entity"
	"github.com/seed-98789ff7/converter/core/link"
)

// Compendium is the library that persists across runs. What it does not have is not in the answer. An answer is of one state
// of the library, never of two.
type Compendium interface {
	// ByHash returns the items that are equal to something: same kind, same content.
	ByHash(ctx context.Context, keys []core.CompendiumKey) (map[core.CompendiumKey]core.CompendiumItem, error)
	// ByNativeID returns the items that ids of a plugin lead to.
	ByNativeID(ctx context.Context, plugin string, ids []string) (map[string][]core.CompendiumItem, error)
	// ByNamesake returns the items that are called the same.
	ByNamesake(ctx context.Context, names []core.Namesake) (map[core.Namesake][]core.CompendiumItem, error)
}

// lookups is how many entities are looked up in the compendium at once at most, and lookupBytes how much of their documents
// is held for that while they are written.
const (
	lookups     = 100
	lookupBytes = 1 << 20
)

// ahead is how many records may wait for the pool.
func (r *run) ahead() int {
	if r.Compendium != nil {
		return max(2*r.Workers, lookups)
	}
	return 2 * r.Workers
}

// some carries a task to the ledger and, with a compendium, those that wait behind it: they are looked up together. It
// waits for none, because a checkpoint may be waiting for these.
func (p *pool) some(ctx context.Context, first task) error {
	if p.run.Compendium == nil {
		return p.one(ctx, first)
	}
	batch := []made{p.make(first)}
	for full := false; !full && len(batch) < lookups; {
		select {
		case t, more := <-p.tasks:
			if full = !more; more {
				batch = append(batch, p.make(t))
			}
		default:
			full = true
		}
	}
	err := p.compare(ctx, batch)
	for _, m := range batch {
		if err != nil {
			p.drop(m.task)
			continue
		}
		err = p.keep(ctx, m)
	}
	return err
}

// drop counts a task that a worker had in hand when it could not go on.
func (p *pool) drop(t task) {
	p.run.Recorder.Done(core.StageEntities, p.run.Sources[t.source].Name, t.stream.Name, core.CancelledItem, 1)
	p.bytes.Release(t.bytes)
}

// compare marks the entities that have an equal in the compendium.
func (p *pool) compare(ctx context.Context, batch []made) error {
	keys := make([]core.CompendiumKey, 0, len(batch))
	for _, m := range batch {
		if m.err == nil {
			keys = append(keys, core.CompendiumKey{Kind: m.entity.Kind, ContentSHA256: m.entity.ContentSHA256})
		}
	}
	if len(keys) == 0 {
		return nil
	}
	equals, err := p.run.Compendium.ByHash(ctx, keys)
	if err != nil {
		return fmt.Errorf("look up in the compendium: %w", err)
	}
	for _, m := range batch {
		if m.err == nil {
			m.entity.CompendiumUID = equals[core.CompendiumKey{Kind: m.entity.Kind, ContentSHA256: m.entity.ContentSHA256}].UID
		}
	}
	return nil
}

// beyond is what links of the entities in hand lead to in the compendium, by plugin and native id.
type beyond map[string]map[string][]core.CompendiumItem

// linked yields the stored entities in order. With a compendium it takes some at a time, and finds out where their links lead
// that lead to nothing in the run.
func (r *run) linked(ctx context.Context, c *catalogue) iter.Seq2[*core.Entity, error] {
	stored := r.Ledger.Entities(ctx, c.heads)
	if r.Compendium == nil {
		return stored
	}
	return func(yield func(*core.Entity, error) bool) {
		var batch []*core.Entity
		size := 0
		hand := func() bool {
			if err := r.reach(ctx, c, batch); err != nil {
				return yield(nil, err) && false
			}
			for _, e := range batch {
				if !yield(e, nil) {
					return false
				}
			}
			batch, size = nil, 0
			return true
		}
		for e, err := range stored {
			if err != nil {
				yield(nil, err)
				return
			}
			batch = append(batch, e)
			size += len(e.Raw)
			if (len(batch) == lookups || size >= lookupBytes) && !hand() {
				return
			}
		}
		hand()
	}
}

// reach asks the compendium for what the links of entities lead to beyond the run.
func (r *run) reach(ctx context.Context, c *catalogue, batch []*core.Entity) error {
	ids := map[string][]string{}
	known := map[[2]string]bool{}
	for _, e := range batch {
		c.index.Resolve(e)
		for _, target := range link.Open(e) {
			if key := [2]string{e.Source.Plugin, target}; !known[key] {
				known[key] = true
				ids[e.Source.Plugin] = append(ids[e.Source.Plugin], target)
			}
		}
	}
	c.beyond = beyond{}
	for plugin, wanted := range ids {
		items, err := r.Compendium.ByNativeID(ctx, plugin, wanted)
		if err != nil {
			return fmt.Errorf("look up links in the compendium: %w", err)
		}
		c.beyond[plugin] = items
	}
	return r.meet(ctx, c, batch)
}

// meet asks the compendium for what is called like entities. A name that several of its items have leads to none.
func (r *run) meet(ctx context.Context, c *catalogue, batch []*core.Entity) error {
	var names []core.Namesake
	for _, e := range batch {
		if name := namesakeOf(e); name != (core.Namesake{}) {
			names = append(names, name)
		}
	}
	c.namesakes = map[string][]core.Counterpart{}
	if len(names) == 0 {
		return nil
	}
	found, err := r.Compendium.ByNamesake(ctx, names)
	if err != nil {
		return fmt.Errorf("look up names in the compendium: %w", err)
	}
	for _, e := range batch {
		items := found[namesakeOf(e)]
		if len(items) != 1 || c.known[items[0].UID] {
			continue
		}
		c.namesakes[e.UID] = []core.Counterpart{{UID: items[0].UID, Source: items[0].Source, In: core.LinkCompendium}}
	}
	return nil
}

func namesakeOf(e *core.Entity) core.Namesake {
	return core.NamesakeOf(e.Kind, entity.Slug(e.Name), e.Ruleset.System, e.Ruleset.Edition)
}

// Edition is a new state of the compendium in the making, of which nobody sees anything before it is published. It is used
// by one goroutine.
type Edition interface {
	// Put queues an entity, what it is called, and the native ids that lead to it. What cannot be stored is counted; an error says that the
	// edition cannot be made.
	Put(ctx context.Context, e *core.Entity, name core.Namesake, ids []core.CompendiumID) error
	// Flush stores what was put, and returns how many entities could not be stored.
	Flush(ctx context.Context) (failed map[core.SourceKind]int64, err error)
	// Publish puts the edition in the place of the one before.
	Publish(ctx context.Context) error
	// Abandon removes what was stored, if it was not published.
	Abandon(ctx context.Context) error
}

// ErrNothingRead says that there is nothing to put into the compendium, which stays as it was.
var ErrNothingRead = errors.New("No entities indexed") //nolint:staticcheck // it is the beginning of what people see

// Compiled is what an edition of the compendium was made of.
type Compiled struct {
	Kinds       map[core.SourceKind]Indexed
	Overwritten []link.Overwritten
	// Kept is what stays of the compendium before.
	Kept []Kept
	// Broken are the sources, in their order, that could not be read to their end.
	Broken []string
}

// Indexed are the entities of one kind from one source: Read + Kept = Indexed + Overwritten + Failed.
type Indexed struct{ Read, Kept, Indexed, Overwritten, Failed int64 }

// Items is how many items the edition has.
func (c Compiled) Items() (n int64) {
	for _, k := range c.Kinds {
		n += k.Indexed
	}
	return n
}

// Compile reads all sources and makes a new edition of the compendium of them, which begin begins when everything is read.
// There are no pictures and no outputs, and links stay as they are. What could not be read is taken from earlier; where that is nil, the
// edition goes without. When nothing at all could be read, the compendium stays as it is.
func Compile(ctx context.Context, c Config, earlier Earlier, begin func(context.Context) (Edition, error)) (Compiled, error) {
	c.Outputs, c.Images, c.Compendium = nil, nil, nil
	r, err := newRun(c)
	if err != nil {
		return Compiled{}, err
	}
	var all Compiled
	err = r.gather(ctx)
	all.Broken, _ = r.leftOut()
	if err != nil {
		if ctx.Err() == nil && len(all.Broken) == len(c.Sources) {
			err = errors.Join(ErrNothingRead, err)
		}
		return all, err
	}
	heads, err := r.Ledger.Heads(ctx)
	if err != nil {
		return all, fmt.Errorf("list what was read: %w", err)
	}
	if len(heads) == 0 {
		all.count(nil, keeping{}, link.Settled{})
		return all, ErrNothingRead
	}
	kept, err := r.keep(ctx, earlier, heads)
	if err != nil {
		return all, err
	}
	every := slices.Concat(heads, kept.heads)
	settled := link.Settle(every, entity.Slugs)
	all.count(heads, kept, settled)
	r.Recorder.Doing("building the compendium")
	edition, err := begin(ctx)
	if err != nil {
		return all, err
	}
	if err = r.fill(ctx, edition, settled, kept, link.Counterparts(every), &all); err == nil {
		err = edition.Publish(ctx)
	}
	if err != nil {
		err = errors.Join(err, edition.Abandon(context.WithoutCancel(ctx)))
	}
	return all, err
}

// count says what became of what was read before anything is stored.
func (c *Compiled) count(heads []core.Head, kept keeping, s link.Settled) {
	c.Kinds, c.Overwritten, c.Kept = map[core.SourceKind]Indexed{}, s.Overwritten, kept.list(s)
	change := func(h core.Head, by Indexed) {
		k := core.SourceKind{Source: h.Source, Kind: h.Kind}
		n := c.Kinds[k]
		c.Kinds[k] = Indexed{n.Read + by.Read, n.Kept + by.Kept, n.Indexed + by.Indexed, n.Overwritten + by.Overwritten, n.Failed + by.Failed}
	}
	for _, h := range heads {
		change(h, Indexed{Read: 1, Overwritten: 1})
	}
	for _, h := range kept.heads {
		change(h, Indexed{Kept: 1, Overwritten: 1})
	}
	for _, h := range s.Heads {
		change(h, Indexed{Indexed: 1, Overwritten: -1})
	}
}

// fill stores what is to be in the edition; peers are counterparts by uid, of what was replaced too. Nothing is left to publish when all of it failed.
func (r *run) fill(
	ctx context.Context, edition Edition, s link.Settled, kept keeping, peers map[string][]core.Counterpart, all *Compiled,
) error {
	r.Recorder.Total(core.StageWrite, int64(len(s.Heads)))
	twins := link.Twins(s.Heads)
	slugs := make(map[string]string, len(s.Heads))
	for i, h := range s.Heads {
		slugs[h.UID] = s.Slugs[i]
	}
	i := 0
	for e, err := range kept.entities(ctx, r.Ledger, s) {
		if err != nil {
			return err
		}
		e.Slug, e.AliasOf, e.Counterparts = slugs[e.UID], twins[e.UID], peers[e.UID]
		r.Recorder.Found(core.StageWrite, e.Source.Name, "", 1)
		err := edition.Put(ctx, e, namesakeOf(e), s.IDs[e.UID])
		outcome := core.Written
		if err != nil {
			outcome = core.CancelledItem
		}
		r.Recorder.Done(core.StageWrite, e.Source.Name, "", outcome, 1)
		if err != nil {
			return err
		}
		i++
	}
	if i != len(s.Heads) {
		return fmt.Errorf("the store gave back %d of %d entities; the compendium is as it was, run again", i, len(s.Heads))
	}
	failed, err := edition.Flush(ctx)
	for k, n := range failed {
		of := all.Kinds[k]
		of.Indexed, of.Failed = of.Indexed-n, of.Failed+n
		all.Kinds[k] = of
	}
	r.Recorder.Ended(core.StageWrite)
	if err == nil && all.Items() == 0 {
		err = ErrNothingRead
	}
	return err
}
