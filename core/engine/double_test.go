package engine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

// ledger is a second implementation of [Ledger], in memory. It keeps entities as JSON, as a store does, so that what is
// not part of their JSON form is lost.
type ledger struct {
	count *recorder
	// fault is asked before everything that is done, by its name ("entity", "mapping", "checkpoint", "flush", "heads",
	// "entities", "mappings") and what is in hand. It may wait. Nil: nothing goes wrong.
	fault func(ctx context.Context, what, item string) error

	mu          sync.Mutex // guards what follows
	entities    map[stored]row
	mappings    map[[2]string]core.AssetMapping
	checkpoints map[[2]string]core.Checkpoint
	mishaps     map[mishapKey]core.Mishap
	aside       map[stored]bool
	made        []string
	log         []string // every put, in its order: "entity p::1", "checkpoint monsters 3"
}

type stored struct {
	uid    string
	source int
}

type mishapKey struct {
	source, stream string
	place          int64
}

type row struct {
	head core.Head
	body []byte
	raw  []byte
}

func newLedger(count *recorder) *ledger {
	return &ledger{
		count: count, entities: map[stored]row{}, mappings: map[[2]string]core.AssetMapping{},
		checkpoints: map[[2]string]core.Checkpoint{}, mishaps: map[mishapKey]core.Mishap{}, aside: map[stored]bool{},
	}
}

func (l *ledger) ask(ctx context.Context, what, item string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l.fault == nil {
		return nil
	}
	return l.fault(ctx, what, item)
}

func (l *ledger) PutEntity(ctx context.Context, e *core.Entity, head core.Head) error {
	if err := l.ask(ctx, "entity", e.UID); err != nil {
		return err
	}
	bare := *e
	bare.Raw = nil
	body, err := json.Marshal(&bare)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key, now := stored{head.UID, head.SourceOrder}, row{head: head, body: body, raw: bytes.Clone(e.Raw)}
	if was := l.entities[key]; l.aside[key] && was.head.Place == head.Place && bytes.Equal(was.body, body) && bytes.Equal(was.raw, e.Raw) {
		l.log = append(l.log, "same "+e.UID)
	} else {
		l.entities[key] = now
		l.log = append(l.log, "entity "+e.UID)
	}
	delete(l.aside, key)
	outcome := core.Written
	if e.CompendiumUID != "" {
		outcome = core.Cached
	}
	l.count.Done(core.StageEntities, head.Source, head.Stream, outcome, 1)
	return nil
}

func (l *ledger) PutMapping(ctx context.Context, m core.AssetMapping) error {
	if err := l.ask(ctx, "mapping", m.URI); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mappings[[2]string{m.Source, m.URI}] = m
	if m.Pending {
		l.log = append(l.log, "pending "+m.URI)
		return nil
	}
	l.log = append(l.log, "mapping "+m.URI)
	l.count.Done(core.StageAssets, m.Source, "", m.Outcome, 1)
	return nil
}

func (l *ledger) PutMishap(ctx context.Context, m core.Mishap) error {
	if err := l.ask(ctx, "mishap", m.ID); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mishaps[mishapKey{m.Source, m.Stream, m.Place}] = m
	return nil
}

func (l *ledger) PutCheckpoint(ctx context.Context, c core.Checkpoint) error {
	what := "checkpoint"
	if c.Complete {
		what = "complete"
	}
	if err := l.ask(ctx, what, c.Stream); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.Complete && c.Stream != "" {
		c.State = l.checkpoints[[2]string{c.Source, c.Stream}].State
		c.StateVersion = l.checkpoints[[2]string{c.Source, c.Stream}].StateVersion
	}
	l.checkpoints[[2]string{c.Source, c.Stream}] = c
	l.log = append(l.log, fmt.Sprintf("%s %s %s", what, c.Stream, c.State))
	return nil
}

// Past returns all there is; what was put is stored at once.
func (l *ledger) Past(ctx context.Context) (past core.Past, err error) {
	if err := l.ask(ctx, "past", ""); err != nil {
		return past, err
	}
	if past.Heads, err = l.Heads(ctx); err == nil {
		past.Mappings, err = l.Mappings(ctx)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	past.Made = l.made
	for _, c := range l.checkpoints {
		past.Checkpoints = append(past.Checkpoints, c)
	}
	for _, m := range l.mishaps {
		past.Mishaps = append(past.Mishaps, m)
	}
	return past, err
}

func (l *ledger) Rewind(ctx context.Context, from []core.Checkpoint) error {
	if err := l.ask(ctx, "rewind", ""); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range from {
		for key, r := range l.entities {
			if r.head.Source == c.Source && r.head.Stream == c.Stream && r.head.Place > c.Items {
				l.aside[key] = true
			}
		}
		for key := range l.mishaps {
			if key.source == c.Source && key.stream == c.Stream && key.place > c.Items {
				delete(l.mishaps, key)
			}
		}
	}
	return nil
}

func (l *ledger) Anew(ctx context.Context, source string) error {
	if err := l.ask(ctx, "anew", source); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.mappings {
		if key[0] == source {
			delete(l.mappings, key)
		}
	}
	for key := range l.checkpoints {
		if key[0] == source {
			delete(l.checkpoints, key)
		}
	}
	return nil
}

func (l *ledger) Finish(ctx context.Context, source string, whole bool) error {
	if err := l.ask(ctx, "finish", source); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.aside {
		r := l.entities[key]
		switch {
		case r.head.Source != source:
			continue
		case whole:
			delete(l.entities, key)
		default:
			l.count.Kept(core.StageRead, source, "", core.Written, 1)
			l.count.Kept(core.StageEntities, source, r.head.Stream, core.Written, 1)
		}
		delete(l.aside, key)
	}
	return nil
}

func (l *ledger) Flush(ctx context.Context) error { return l.ask(ctx, "flush", "") }

func (l *ledger) Heads(ctx context.Context) ([]core.Head, error) {
	if err := l.ask(ctx, "heads", ""); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var heads []core.Head
	for _, r := range l.entities {
		heads = append(heads, r.head)
	}
	slices.SortFunc(heads, func(a, b core.Head) int {
		return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.SourceOrder, b.SourceOrder))
	})
	return heads, nil
}

func (l *ledger) Entities(ctx context.Context, heads []core.Head) iter.Seq2[*core.Entity, error] {
	return func(yield func(*core.Entity, error) bool) {
		for _, h := range heads {
			if err := l.ask(ctx, "entities", h.UID); err != nil {
				yield(nil, err)
				return
			}
			l.mu.Lock()
			r := l.entities[stored{h.UID, h.SourceOrder}]
			l.mu.Unlock()
			e := &core.Entity{}
			if err := json.Unmarshal(r.body, e); err != nil {
				yield(nil, err)
				return
			}
			e.Raw = r.raw
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (l *ledger) Mappings(ctx context.Context) ([]core.AssetMapping, error) {
	if err := l.ask(ctx, "mappings", ""); err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []core.AssetMapping
	for _, m := range l.mappings {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b core.AssetMapping) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.URI, b.URI))
	})
	return all, nil
}

// puts returns how often something was put.
func (l *ledger) puts(what string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, line := range l.log {
		if line == what {
			n++
		}
	}
	return n
}

// recorder is a second implementation of [Recorder], in memory.
type recorder struct {
	mu       sync.Mutex // guards what follows
	stages   [core.StageCount]core.StageCounts
	streams  []core.StreamCounts // in the order in which they were announced or found
	failures []core.Failure
	kinds    map[string]int64
	pictures int
	hits     int
	lookups  int
	bulk     map[string][2]int64 // hits and misses by cache
	fetched  []core.Fetched
	progress []string
	inHand   int // items, and sources being read
	steps    []string
	of       map[string][]string // steps by source
	meets    func() core.Meeting
}

func (r *recorder) Doing(step string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.steps = append(r.steps, step)
}

func (r *recorder) Streams(source string, streams []core.StreamCounts) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range streams {
		r.streams = append(r.streams, core.StreamCounts{Source: source, Stream: s.Stream, Title: s.Title})
	}
}

func (r *recorder) Facts(source, stream string, facts []core.Fact) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, s := range r.streams {
		if s.Source == source && s.Stream == stream {
			r.streams[i].Facts = facts
			return
		}
	}
	r.streams = append(r.streams, core.StreamCounts{Source: source, Stream: stream, Facts: facts})
}

func (r *recorder) Total(stage core.Stage, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stages[stage].Total, r.stages[stage].Estimated = n, false
}

func (r *recorder) Estimate(stage core.Stage, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stages[stage].Total, r.stages[stage].Estimated = n, true
}

func (r *recorder) Found(stage core.Stage, source, stream string, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stages[stage].Found += n
	if s := r.stream(source, stream); s != nil {
		s.Found += n
	}
}

func (r *recorder) Kept(stage core.Stage, source, stream string, outcome core.Outcome, n int64) {
	r.Found(stage, source, stream, n)
	r.Done(stage, source, stream, outcome, n)
}

func (r *recorder) Done(stage core.Stage, source, stream string, outcome core.Outcome, n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, s := &r.stages[stage], r.stream(source, stream)
	if s == nil {
		s = &core.StreamCounts{}
	}
	switch outcome {
	case core.Written:
		c.Written += n
		s.Written += n
	case core.Cached: // a stream has it all the same
		c.Cached += n
		s.Written += n
	case core.Skipped:
		c.Skipped += n
		s.Skipped += n
	case core.FailedItem:
		c.Failed += n
		s.Failed += n
	default:
		c.Cancelled += n
	}
}

// stream wants r.mu held.
func (r *recorder) stream(source, stream string) *core.StreamCounts {
	if stream == "" {
		return nil
	}
	for i := range r.streams {
		if r.streams[i].Source == source && r.streams[i].Stream == stream {
			return &r.streams[i]
		}
	}
	r.streams = append(r.streams, core.StreamCounts{Source: source, Stream: stream})
	return &r.streams[len(r.streams)-1]
}

func (r *recorder) Ended(stage core.Stage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stages[stage].Ended = true
}

func (r *recorder) Failure(f core.Failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, f)
}

func (r *recorder) Begin(core.Stage, string) func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inHand++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.inHand--
	}
}

func (r *recorder) Cache(_ string, hit bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lookups++
	if hit {
		r.hits++
	}
}

func (r *recorder) Meets(of func() core.Meeting) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.meets = of
}

func (r *recorder) meeting() core.Meeting {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.meets()
}

func (r *recorder) CacheN(name string, hits, misses int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bulk == nil {
		r.bulk = map[string][2]int64{}
	}
	n := r.bulk[name]
	r.bulk[name] = [2]int64{n[0] + hits, n[1] + misses}
}

func (r *recorder) Reading(string) func() { return r.Begin(core.StageRead, "") }

func (r *recorder) Step(source, step string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[string][]string{}
	}
	r.of[source] = append(r.of[source], step)
}

func (r *recorder) Progress(source, stream string, done, total int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress = append(r.progress, fmt.Sprintf("%s/%s %d of %d", source, stream, done, total))
}

func (r *recorder) Fetched(f core.Fetched) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetched = append(r.fetched, f)
}

func (r *recorder) Picture(core.Recent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pictures++
}

func (r *recorder) Tally() ([]core.StreamCounts, []core.Problem) {
	r.mu.Lock()
	defer r.mu.Unlock()
	type cause struct {
		code, source, message string
		warning, transient    bool
	}
	items := map[cause][]string{}
	for _, f := range r.failures {
		c := cause{f.Code, f.Source, f.Message, f.Warning, f.Transient}
		items[c] = append(items[c], f.Item)
	}
	var problems []core.Problem
	for c, examples := range items {
		count := int64(len(examples))
		slices.Sort(examples)
		examples = slices.Compact(examples)
		problems = append(problems, core.Problem{
			Code: c.code, Source: c.source, Message: c.message, Warning: c.warning, Transient: c.transient, Count: count,
			Examples: examples[:min(len(examples), 5)],
		})
	}
	return slices.Clone(r.streams), problems
}

func (r *recorder) Kinds(counts map[string]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds = counts
}

// stage returns the numbers of a stage.
func (r *recorder) stage(stage core.Stage) core.StageCounts {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stages[stage]
}

// codes returns how many failures and warnings of each code there are; warnings have a star.
func (r *recorder) codes() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	codes := map[string]int{}
	for _, f := range r.failures {
		code := f.Code
		if f.Warning {
			code += "*"
		}
		codes[code]++
	}
	return codes
}

// balanced checks that everything that came to a stage has an outcome, and nothing is in hand.
func (r *recorder) balanced(t *testing.T) {
	t.Helper()
	for i := range r.stages {
		if c := r.stage(core.Stage(i)); c.Found != c.Done() {
			t.Errorf("stage %s does not add up: %+v", core.Stage(i), c)
		}
	}
	if r.inHand != 0 {
		t.Errorf("%d items are still in hand", r.inHand)
	}
}

// blobs is a second implementation of [Blobs], in memory.
type blobs struct {
	fault error // of every put

	mu    sync.Mutex // guards what follows
	bytes map[string][]byte
}

func (b *blobs) Put(_ context.Context, data []byte) (string, error) {
	if b.fault != nil {
		return "", b.fault
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bytes == nil {
		b.bytes = map[string][]byte{}
	}
	b.bytes[sha(data)] = bytes.Clone(data)
	return sha(data), nil
}

func (b *blobs) Open(_ context.Context, sha256 string) (io.ReadCloser, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.bytes[sha256]
	if !ok {
		return nil, errors.New("no such blob")
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// pictures is a second implementation of [Pictures], in memory.
type pictures struct {
	fault  error  // of everything
	before func() // called by each lookup

	mu     sync.Mutex // guards what follows
	assets map[[2]string]core.Asset
	stores int
}

func (p *pictures) Lookup(_ context.Context, assetID, recipe string) (core.Asset, bool, error) {
	if p.before != nil {
		p.before()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	a, ok := p.assets[[2]string{assetID, recipe}]
	return a, ok, p.fault
}

func (p *pictures) Store(_ context.Context, recipe string, a core.Asset) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.assets == nil {
		p.assets = map[[2]string]core.Asset{}
	}
	if p.fault == nil {
		p.assets[[2]string{a.ID, recipe}] = a
		p.stores++
	}
	return p.fault
}

func (b *blobs) Has(_ context.Context, sha256 string, size int64) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.bytes[sha256]
	return ok && int64(len(data)) == size, nil
}

func sha(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
