package runs

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/harvest"
)

// How much is kept of streams, and for how long after it was last of use.
const (
	harvestBytes = 1 << 30
	harvestAge   = 30 * 24 * time.Hour
)

// reaper is what a run takes over of earlier ones, and what it keeps for later ones.
type reaper struct {
	mu      sync.Mutex
	noted   map[string]bool // sources whose streams are kept
	sheaves map[streamKey]*harvest.Sheaf
	spoiled map[streamKey]bool // of which something is not as it was put
	found   []*harvest.Kept
	carried map[itemID]carried
	heads   []core.Head // of those
}

// carried is where an entity is that was taken over.
type carried struct {
	from *harvest.Kept
	at   int
}

func newReaper() *reaper {
	return &reaper{
		noted: map[string]bool{}, sheaves: map[streamKey]*harvest.Sheaf{}, spoiled: map[streamKey]bool{}, carried: map[itemID]carried{},
	}
}

// Known lists what is kept of the streams of a source. What is damaged is passed over: its streams are read.
func (r *Run) Known(ctx context.Context, source, fingerprint string) ([]core.Harvest, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found, err := r.library.harvest.Find(source, fingerprint)
	if err != nil {
		r.log.Info("streams_not_recalled", "source", source, "error", err)
	}
	r.reaper.mu.Lock()
	defer r.reaper.mu.Unlock()
	r.reaper.noted[source] = true
	r.reaper.found = append(r.reaper.found, found...)
	list := make([]core.Harvest, len(found))
	for i, k := range found {
		list[i] = k.Harvest
	}
	return list, nil
}

// Carry makes the entities of a harvest part of the run, without storing them again.
func (r *Run) Carry(ctx context.Context, h core.Harvest, order int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.reaper.mu.Lock()
	defer r.reaper.mu.Unlock()
	i := slices.IndexFunc(r.reaper.found, func(k *harvest.Kept) bool { return k.Source == h.Source && k.Stream == h.Stream })
	if i < 0 {
		return fmt.Errorf("take over stream %q of source %q: nothing of it was recalled", h.Stream, h.Source)
	}
	k := r.reaper.found[i]
	for at, head := range k.Heads {
		head.SourceOrder = order
		r.reaper.carried[itemID{head.UID, order}] = carried{k, at}
		r.reaper.heads = append(r.reaper.heads, head)
	}
	if err := k.Use(time.Now()); err != nil {
		r.log.Debug("use_not_noted", "source", h.Source, "stream", h.Stream, "error", err)
	}
	return nil
}

// CarryRecord makes the entity at a place of a harvest part of the run, without storing it again, and keeps it once more.
func (r *Run) CarryRecord(ctx context.Context, h core.Harvest, at int, head core.Head) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k, err := r.reaper.take(h, at, head)
	if err != nil {
		return err
	}
	key := streamKey{h.Source, h.Stream}
	s := r.reaper.sheaf(r, key)
	if s == nil {
		return nil
	}
	entity, raw, err := k.Bodies(at)
	if err != nil {
		return err
	}
	assets := make([]core.AssetMapping, len(k.Uses[at]))
	for i, use := range k.Uses[at] {
		assets[i] = k.Assets[use]
	}
	r.reaper.note(r, key, s.Add(head, assets, entity, raw))
	return nil
}

func (p *reaper) take(h core.Harvest, at int, head core.Head) (*harvest.Kept, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.found, func(k *harvest.Kept) bool { return k.Source == h.Source && k.Stream == h.Stream })
	if i < 0 {
		return nil, fmt.Errorf("take over a record of stream %q of source %q: nothing of it was recalled", h.Stream, h.Source)
	}
	p.carried[itemID{head.UID, head.SourceOrder}] = carried{p.found[i], at}
	p.heads = append(p.heads, head)
	return p.found[i], nil
}

// Keep says that all of a stream has been put. It is kept once the run has ended well.
func (r *Run) Keep(ctx context.Context, h core.Harvest) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	key := streamKey{h.Source, h.Stream}
	if s := r.reaper.sheaf(r, key); s != nil {
		r.reaper.note(r, key, s.Bind(h))
	}
	return nil
}

// sheaf returns what is written of a stream, nil when nothing is to be.
func (p *reaper) sheaf(r *Run, key streamKey) *harvest.Sheaf {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.noted[key.source] || p.spoiled[key] || key.stream == "" {
		return nil
	}
	if s := p.sheaves[key]; s != nil {
		return s
	}
	s, err := r.library.harvest.Begin()
	if err != nil {
		p.spoil(r, key, err)
		return nil
	}
	p.sheaves[key] = s
	return s
}

// note notes how the writing went. What cannot be written is not kept, and that is all.
func (p *reaper) note(r *Run, key streamKey, err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spoil(r, key, err)
}

// spoil wants p.mu held.
func (p *reaper) spoil(r *Run, key streamKey, err error) {
	p.spoiled[key] = true
	r.log.Info("stream_not_kept", "source", key.source, "stream", key.stream, "error", err)
}

var errRowRefused = errors.New("the store has refused a row of it")

// refused says that the store does not take a row of a stream.
func (r *Run) refused(source, stream string) {
	r.reaper.note(r, streamKey{source, stream}, errRowRefused)
}

// reap keeps an entity that is put, in the packed form that its row has; bodies are the columns of that.
func (r *Run) reap(e *core.Entity, head core.Head, bodies []any) error {
	key := streamKey{head.Source, head.Stream}
	s := r.reaper.sheaf(r, key)
	if s == nil {
		return nil
	}
	entity, together := bodies[0].(string)
	together = together && bodies[2] == nil && bodies[3] == nil
	raw := []byte(nil)
	packed, err := r.library.packer.bytes(entity)
	if err == nil && (!together || e.CompendiumUID != "") {
		packed, raw, err = r.apart(e)
	}
	if err != nil {
		return err
	}
	assets := make([]core.AssetMapping, len(e.Assets))
	for i, use := range e.Assets {
		assets[i] = core.AssetMapping{URI: use.URI, Status: use.Status, Pending: true, Role: use.Role, Locator: use.Locator, Of: e.Name}
	}
	r.reaper.note(r, key, s.Add(head, assets, packed, raw))
	return nil
}

// apart packs an entity and its document by themselves: large ones, and those that have an equal in the compendium, which it is
// not by the time that they are taken over.
func (r *Run) apart(e *core.Entity) (entity, raw []byte, err error) {
	bare := *e
	bare.Raw, bare.CompendiumUID = nil, ""
	body, err := encoded(&bare)
	if err != nil {
		return nil, nil, err
	}
	encoder := r.library.packer.encoder
	return encoder.EncodeAll(body, nil), encoder.EncodeAll(e.Raw, nil), nil
}

// reapMishap keeps what went wrong with an item.
func (r *Run) reapMishap(m core.Mishap) {
	key := streamKey{m.Source, m.Stream}
	if s := r.reaper.sheaf(r, key); s != nil {
		r.reaper.note(r, key, s.Mishap(m))
	}
}

// rest gives back memory at a checkpoint: many streams are read one after the other.
func (r *Run) rest(c core.Checkpoint) {
	key := streamKey{c.Source, c.Stream}
	r.reaper.mu.Lock()
	s := r.reaper.sheaves[key]
	r.reaper.mu.Unlock()
	if s != nil && !c.Complete {
		r.reaper.note(r, key, s.Flush())
	}
}

// carriedOne returns an entity that was taken over, nil when that one was not.
func (r *Run) carriedOne(head core.Head) (*core.Entity, error) {
	r.reaper.mu.Lock()
	c, ok := r.reaper.carried[itemID{head.UID, head.SourceOrder}]
	r.reaper.mu.Unlock()
	if !ok {
		return nil, nil
	}
	entity, raw, err := c.from.Bodies(c.at)
	if err != nil {
		return nil, err
	}
	if entity, err = r.library.packer.unpacked(entity); err != nil {
		return nil, err
	}
	entity, document, together := bytes.Cut(entity, []byte{bodyEnd})
	e := &core.Entity{}
	if err := json.Unmarshal(entity, e); err != nil {
		return nil, err
	}
	if together {
		e.Raw = document
		return e, nil
	}
	e.Raw, err = r.library.packer.unpacked(raw)
	return e, err
}

// carriedHeads are those of the entities that were taken over.
func (r *Run) carriedHeads() []core.Head {
	r.reaper.mu.Lock()
	defer r.reaper.mu.Unlock()
	return slices.Clone(r.reaper.heads)
}

// bring puts what the run has kept in its place if it has ended well, and removes it otherwise.
func (r *Run) bring(well bool) (err error) {
	p := r.reaper
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, k := range p.found {
		err = errors.Join(err, k.Close())
	}
	for key, s := range p.sheaves {
		if well && s.Bound() && !p.spoiled[key] {
			err = errors.Join(err, s.Store())
		}
		err = errors.Join(err, s.Drop())
	}
	p.found, p.noted = nil, map[string]bool{}
	clear(p.sheaves)
	if well {
		_, pruned := r.library.harvest.Prune(harvest.Limits{Bytes: harvestBytes, Age: harvestAge}, time.Now(), false)
		err = errors.Join(err, pruned)
	}
	return err
}

// packedForm is how zstd's bodies begin, and no JSON does.
var packedForm = []byte{0x28, 0xb5, 0x2f, 0xfd}

// bytes returns what inline has made of a body as it lies in files.
func (p *packer) bytes(text string) ([]byte, error) {
	if packed, ok := strings.CutPrefix(text, packedMark); ok {
		return base64.StdEncoding.DecodeString(packed)
	}
	return []byte(text), nil
}

// unpacked is the way back.
func (p *packer) unpacked(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, packedForm) {
		return data, nil
	}
	body, err := p.wide.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("a packed body: %w", err)
	}
	return body, nil
}
