package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// harvestCache is the name under which records are counted that were taken over from an earlier run, and those that were not.
const harvestCache = "unchanged"

// harvest is what a source's streams are known by from earlier runs.
//
//	offered    the source was told the revision that is kept of a stream
//	carried    it said that nothing has changed: the stream is part of the run as it is kept, and nothing of it is stored again
//	           or it says so of records: these are part of the run as they are kept, and what is new is stored beside them. What
//	           came of such streams is of no use to a later attempt at the run, which asks for them again
//	again      the same, but an id of the stream was taken meanwhile: it is read, after the others
//	otherwise  what comes is kept in its turn, if the source names its revision
type harvest struct {
	fingerprint string // empty: nothing is kept of the source
	streams     map[string]*core.Harvest
}

// fingerprint names all that decides what becomes of a state of a source; empty: nothing is kept of it.
func (r *run) fingerprint(i int) string {
	s := r.Sources[i]
	spec := s.Source.Spec()
	if r.Harvests == nil || s.Fingerprint == "" || !spec.Can.Incremental {
		return ""
	}
	return sumOf(s.Fingerprint, spec.Name, spec.Version, spec.StateVersion)
}

// contextOf names what a stream was announced with and its records take over.
func contextOf(s sdk.Stream) string { return sumOf(s.Kind, s.License) }

func sumOf(values ...any) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // they are strings and numbers
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// recallHarvest finds out what is kept of a source. What cannot be had is read.
func (r *run) recallHarvest(ctx context.Context, i int) (harvest, error) {
	h := harvest{fingerprint: r.fingerprint(i), streams: map[string]*core.Harvest{}}
	if h.fingerprint == "" {
		return h, nil
	}
	kept, err := r.Harvests.Known(ctx, r.Sources[i].Name, h.fingerprint)
	if err != nil {
		return h, err
	}
	for _, k := range kept {
		if r.offers(i, &k) {
			h.streams[k.Stream] = &k
		}
	}
	return h, nil
}

// offers says whether a source is told what is kept of a stream.
func (r *run) offers(i int, k *core.Harvest) bool {
	if r.Fresh {
		return false
	}
	at := slices.IndexFunc(r.found[i], func(s sdk.Stream) bool { return s.Name == k.Stream })
	switch {
	case at >= 0 && contextOf(r.found[i][at]) != k.Context, at < 0 && len(r.found[i]) > 0:
		return false
	case !r.Resumed:
		return true
	}
	// A part of it is in the ledger, or what failed is to be tried again.
	s := &r.past.sources[i]
	_, begun := s.marks[k.Stream]
	return !begun && !k.Failed() && !slices.ContainsFunc(s.heads, func(h core.Head) bool { return h.Stream == k.Stream }) &&
		!slices.ContainsFunc(s.mishaps, func(m core.Mishap) bool { return m.Stream == k.Stream })
}

// known are the revisions of the streams that are left to read.
func (w *writer) known() map[string][]byte {
	w.mu.Lock()
	defer w.mu.Unlock()
	var known map[string][]byte
	for name, h := range w.harvest.streams {
		if known == nil {
			known = map[string][]byte{}
		}
		if s := w.streams[name]; s == nil || !s.carried && !s.again {
			known[name] = h.Revision
		}
	}
	return known
}

// left are the streams that are not taken over yet. More is false when none is.
func (w *writer) left(asked []string) (left []string, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left = slices.DeleteFunc(slices.Clone(asked), func(name string) bool {
		s := w.streams[name]
		return s != nil && s.carried
	})
	return left, len(left) > 0 || len(asked) == 0
}

// againFrom lists the streams that did not come because they had not changed, and are wanted all the same.
func (w *writer) againFrom() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, s := range w.order {
		if s.again && !s.asked {
			s.asked = true
			names = append(names, s.Name)
		}
	}
	return names
}

// Revision takes the name of the state that a stream is read in.
func (w *writer) Revision(name string, revision []byte) error {
	s, err := w.stream(name, "")
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	s.revision, s.revised = slices.Clone(revision), w.attempt
	return w.ctx.Err()
}

// Unchanged takes a stream over from the run that has kept it.
func (w *writer) Unchanged(name string) error {
	s, err := w.stream(name, "")
	if err != nil {
		return err
	}
	w.mu.Lock()
	h := w.harvest.streams[name]
	switch {
	case s.carried, s.again: // said again after a restart
		w.mu.Unlock()
		return w.ctx.Err()
	case h == nil:
		w.mu.Unlock()
		return w.lie(name, "that nothing of it has changed, and was given no revision of it")
	case s.place > 0:
		w.mu.Unlock()
		return w.lie(name, "that nothing of it has changed, and had sent a part of it")
	case w.taken(h):
		s.again = true
		w.mu.Unlock()
		return w.ctx.Err()
	}
	s.carried, s.facts = true, h.Facts
	w.mu.Unlock()
	if err := w.carry(s, h); err != nil {
		return w.fail(err)
	}
	return w.ctx.Err()
}

// UnchangedRecord takes a record over from the run that has kept it.
func (w *writer) UnchangedRecord(name, id string) error {
	s, err := w.enter(name, id)
	if err != nil {
		return err
	}
	h, at, mishap := w.find(s, id)
	if h == nil {
		return w.lie(name, fmt.Sprintf("that its record %q has not changed, of which nothing is kept", id))
	}
	place, before, isNew := w.meet(s, id, w.ids)
	switch {
	case !isNew:
		return w.ctx.Err()
	case before > 0:
		return w.double(s, place, id)
	case mishap:
		m := h.Mishaps[at]
		m.Place = place
		w.count(core.Cached)
		w.pool.run.Recorder.Found(core.StageEntities, m.Source, s.Name, 1)
		err = w.pool.mishap(w.ctx, m)
	default:
		err = w.carryRecord(s, h, at, place)
	}
	if err != nil {
		return w.fail(err)
	}
	return w.ctx.Err()
}

// find returns where a record is in what is kept of its stream: among the heads, or among what came to nothing.
func (w *writer) find(s *stream, id string) (h *core.Harvest, at int, mishap bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if h = w.harvest.streams[s.Name]; h == nil || s.again {
		return nil, 0, false
	}
	if s.index == nil {
		s.index = make(map[string]int, len(h.Heads))
		for i, head := range h.Heads {
			s.index[head.NativeID] = i
		}
	}
	if at, ok := s.index[id]; ok {
		return h, at, false
	}
	at = slices.IndexFunc(h.Mishaps, func(m core.Mishap) bool { return m.Kind == core.MishapRecord && m.ID == id })
	if at < 0 {
		return nil, 0, false
	}
	return h, at, true
}

// carryRecord makes a record that has not changed part of the run.
func (w *writer) carryRecord(s *stream, h *core.Harvest, at int, place int64) error {
	r := w.pool.run
	source, head := r.Sources[w.source].Name, h.Heads[at]
	head.Place, head.SourceOrder = place, w.source
	w.mu.Lock()
	s.same++
	w.mu.Unlock()
	if err := r.Harvests.CarryRecord(w.ctx, *h, at, head); err != nil {
		return fmt.Errorf("take over record %q of stream %q of source %q: %w", head.NativeID, s.Name, source, err)
	}
	r.carried(head)
	w.count(core.Cached)
	r.Recorder.Found(core.StageEntities, source, s.Name, 1)
	outcome := core.Cached
	defer func() { r.Recorder.Done(core.StageEntities, source, s.Name, outcome, 1) }()
	for _, i := range h.Uses[at] {
		if err := r.pictures.refer(w.ctx, w.source, useOf(h.Assets[i]), h.Assets[i].Of); err != nil {
			outcome = core.CancelledItem
			return err
		}
	}
	return nil
}

// carried notes entities that are taken over.
func (r *run) carried(heads ...core.Head) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken = append(r.taken, heads...)
}

// taken notes the ids of a stream that is taken over, unless one of them was met before: which record is the second one is
// for the reading to say. It wants w.mu held.
func (w *writer) taken(h *core.Harvest) bool {
	for _, head := range h.Heads {
		if w.ids[head.NativeID].counted > 0 {
			return true
		}
	}
	note := func(known map[string]times, id string, place int64) {
		if id != "" {
			known[id] = times{settled: 1, counted: 1, sent: 1, place: place}
		}
	}
	for _, head := range h.Heads {
		note(w.ids, head.NativeID, head.Place)
	}
	for _, m := range h.Mishaps {
		if m.Kind == core.MishapRecord {
			note(w.ids, m.ID, m.Place)
		}
	}
	return false
}

// carry makes a stream that has not changed part of the run: its entities, what came to nothing, what was remarked. Its
// assets are looked at anew, for they may have changed without it.
func (w *writer) carry(s *stream, h *core.Harvest) error {
	r := w.pool.run
	source, n := r.Sources[w.source].Name, int64(len(h.Heads))
	if err := r.Harvests.Carry(w.ctx, *h, w.source); err != nil {
		return fmt.Errorf("take over stream %q of source %q: %w", s.Name, source, err)
	}
	r.carried(h.Heads...)
	r.Recorder.CacheN(harvestCache, n, 0)
	r.Recorder.Facts(source, s.Name, h.Facts)
	r.arrived(w.source, core.Cached, n)
	r.Recorder.Found(core.StageEntities, source, s.Name, n)
	for _, a := range h.Assets {
		if err := r.pictures.refer(w.ctx, w.source, useOf(a), a.Of); err != nil {
			r.Recorder.Done(core.StageEntities, source, s.Name, core.CancelledItem, n)
			return err
		}
	}
	r.Recorder.Done(core.StageEntities, source, s.Name, core.Cached, n)
	for _, m := range h.Mishaps {
		if err := w.misfortune(s, m); err != nil {
			return err
		}
	}
	return nil
}

func useOf(a core.AssetMapping) core.AssetUse {
	return core.AssetUse{URI: a.URI, Status: a.Status, Role: a.Role, Locator: a.Locator}
}

// misfortune counts an item that came to nothing when the stream was read, or what was remarked then.
func (w *writer) misfortune(s *stream, m core.Mishap) error {
	r := w.pool.run
	source := r.Sources[w.source].Name
	for _, f := range m.Failures {
		r.Recorder.Failure(f)
	}
	if m.Kind == core.MishapRemark {
		return nil
	}
	outcome := core.FailedItem
	if m.Kind == core.MishapRecord { // it could be read
		outcome = core.Cached
	}
	r.arrived(w.source, outcome, 1)
	r.Recorder.Found(core.StageEntities, source, s.Name, 1)
	r.Recorder.Done(core.StageEntities, source, s.Name, core.FailedItem, 1)
	return r.limit.fail()
}

// equal looks the entities that were taken over up in the compendium, which may be another one by now.
func (r *run) equal(ctx context.Context) error {
	if r.Compendium == nil {
		return nil
	}
	for some := range slices.Chunk(r.taken, lookups) {
		keys := make([]core.CompendiumKey, len(some))
		for i, h := range some {
			keys[i] = core.CompendiumKey{Kind: h.Kind, ContentSHA256: h.ContentSHA256}
		}
		equals, err := r.Compendium.ByHash(ctx, keys)
		if err != nil {
			return fmt.Errorf("look up in the compendium: %w", err)
		}
		for i, h := range some {
			if item, ok := equals[keys[i]]; ok {
				r.equals[h.UID+"\x00"+h.Source] = item.UID
			}
		}
	}
	return nil
}

// keep hands over what was read of a stream whole, and can be taken over by a later run.
func (w *writer) keep(s *stream) error {
	r := w.pool.run
	w.mu.Lock()
	defer w.mu.Unlock()
	n := s.place
	if s.revised != w.attempt || s.first != 0 && s.first != w.attempt {
		s.revision = nil // the plugin died on the way: who knows of what state the part before that was
	}
	if w.harvest.fingerprint == "" || s.carried {
		return nil
	}
	r.Recorder.CacheN(harvestCache, s.same, n-s.same)
	if s.revision == nil || s.recalled || s.doubled || s.astray || s.passing.Load() {
		return nil
	}
	return r.Harvests.Keep(w.ctx, core.Harvest{
		Source: r.Sources[w.source].Name, Stream: s.Name, Fingerprint: w.harvest.fingerprint, Context: contextOf(s.Stream),
		Revision: s.revision, Facts: s.facts,
	})
}

// lie remembers that a source has said what it cannot know, which ends its reading.
func (w *writer) lie(stream, what string) error {
	d := &sdk.Diagnostic{
		Kind: sdk.Internal, Code: "stream.not_known", Stream: stream,
		Summary:    fmt.Sprintf("the source says of stream %q %s", stream, what),
		Suggestion: "tell the author of the plugin; until it is mended, run with --fresh",
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lied == nil {
		w.lied = d
	}
	return d
}

// liedAbout is what the source has said without knowing it, whether or not it heeded the answer.
func (w *writer) liedAbout() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lied == nil {
		return nil
	}
	return w.lied
}
