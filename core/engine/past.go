package engine

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// past is what the earlier attempts at the run have left, and what follows from it for each source. All numbers of the
// earlier attempts are counted from what is stored, never taken over: they are right whenever an attempt came to its end.
//
//	whole     it was read to its end: it is not asked again
//	anew      nothing of how far it was read is of use: it is read from its start, and what is the same is not stored again
//	otherwise it is read on from its checkpoints; what is stored behind them is set aside until it comes again
type past struct {
	core.Past

	sources []pastSource
	made    map[string]bool // ids of the assets that were rendered in this run
}

// pastSource is the past of one source.
type pastSource struct {
	whole, anew bool
	streams     []sdk.Stream // of one that is whole, in their order
	marks       map[string]core.Checkpoint
	heads       []core.Head
	mishaps     []core.Mishap
}

// remember asks the ledger for what there is, and decides what it is worth.
func (r *run) remember(ctx context.Context) (err error) {
	r.past = &past{sources: make([]pastSource, len(r.Sources)), made: map[string]bool{}}
	if !r.Resumed {
		return nil
	}
	if r.past.Past, err = r.Ledger.Past(ctx); err != nil {
		return fmt.Errorf("look at what the run has stored before: %w", err)
	}
	r.past.sort(r.Sources)
	for i := range r.past.sources {
		s := &r.past.sources[i]
		if why := r.useless(i); why != "" {
			s.anew, s.whole = true, false
			r.Recorder.Failure(core.Failure{
				Stage: core.StageRead, Code: "source.read_anew", Source: r.Sources[i].Name, Plugin: r.plugins[i].Plugin,
				Item: r.Sources[i].Name, Message: "the source is read from its start: " + why, Warning: true, Transient: true,
				Suggestion: "nothing is lost: what is the same as before is not stored again",
			})
		}
	}
	for _, id := range r.past.Made {
		r.past.made[id] = true
	}
	return nil
}

// sort sorts what there is by source.
func (p *past) sort(sources []Source) {
	order := map[string]int{}
	for i, s := range sources {
		order[s.Name] = i
		p.sources[i].marks = map[string]core.Checkpoint{}
	}
	for _, c := range p.Checkpoints {
		i, known := order[c.Source]
		switch {
		case !known:
		case c.Stream == "":
			p.sources[i].whole = c.Complete
		default:
			p.sources[i].marks[c.Stream] = c
		}
	}
	for _, h := range p.Heads {
		if i, known := order[h.Source]; known {
			p.sources[i].heads = append(p.sources[i].heads, h)
		}
	}
	for _, m := range p.Mishaps {
		if i, known := order[m.Source]; known {
			p.sources[i].mishaps = append(p.sources[i].mishaps, m)
		}
	}
	for i := range p.sources {
		s := &p.sources[i]
		if !s.whole {
			continue
		}
		marks := make([]core.Checkpoint, 0, len(s.marks))
		for _, c := range s.marks {
			marks = append(marks, c)
		}
		slices.SortFunc(marks, func(a, b core.Checkpoint) int { return a.Order - b.Order })
		for _, c := range marks {
			s.streams = append(s.streams, sdk.Stream{Name: c.Stream, Title: c.Title, Records: sdk.Estimate{Count: c.Expected}})
		}
	}
}

// useless says why a source cannot be read on from where it was; empty: it can, or there is nothing to go on from.
func (r *run) useless(i int) string {
	s, spec := r.past.sources[i], r.Sources[i].Source.Spec()
	for _, m := range r.past.Mappings {
		// What a source keeps for one attempt, in a folder of its own, is gone with that.
		if m.Source == r.Sources[i].Name && m.Pending && m.Locator.Path != "" && !r.opens(i, m.Locator.Path) {
			return "a file that it had named is gone"
		}
	}
	if s.whole {
		return ""
	}
	begun := len(s.heads) > 0 || len(s.mishaps) > 0
	for _, c := range s.marks {
		begun = true
		if !c.Complete && c.StateVersion != spec.StateVersion {
			return fmt.Sprintf("the version of its checkpoints was %d and is %d", c.StateVersion, spec.StateVersion)
		}
	}
	if begun && (!spec.Can.Resumable || !spec.Can.Discover) {
		return "its plugin cannot read on from where it was"
	}
	return ""
}

func (r *run) opens(i int, path string) bool {
	f, _, err := openIn(r.Sources[i].Folders, path)
	if err != nil {
		return false
	}
	return f.Close() == nil
}

// settled says whether an item will not come again.
func (s *pastSource) settled(stream string, place int64) bool {
	if s.whole {
		return true
	}
	mark, ok := s.marks[stream]
	return ok && !s.anew && (mark.Complete || place <= mark.Items)
}

// takeUp puts the run where the earlier attempts have left it: the ledger rewound to the checkpoints, the numbers up to
// there, the pictures known that are there. Of a source that cannot be reached all stays as it is.
func (r *run) takeUp(ctx context.Context) error {
	if !r.Resumed {
		return nil
	}
	var rewind []core.Checkpoint
	for i := range r.Sources {
		s := &r.past.sources[i]
		if r.broken[i] != nil { // nobody writes to it yet
			s.whole = true
		}
		if s.anew && !s.whole {
			s.marks = map[string]core.Checkpoint{}
			if err := r.Ledger.Anew(ctx, r.Sources[i].Name); err != nil {
				return err
			}
		}
		rewind = append(rewind, r.behind(i)...)
		r.recount(i)
	}
	if err := r.Ledger.Rewind(ctx, rewind); err != nil {
		return err
	}
	return r.pictures.takeUp(ctx)
}

// behind lists how far the streams of a source are settled that are not whole.
func (r *run) behind(i int) []core.Checkpoint {
	s, name := &r.past.sources[i], r.Sources[i].Name
	if s.whole {
		return nil
	}
	r.dropMoved(i)
	list := []core.Checkpoint{{Source: name}} // what it remarked about no stream
	known := map[string]bool{"": true}
	note := func(stream string) {
		if !known[stream] && !s.marks[stream].Complete {
			list = append(list, core.Checkpoint{Source: name, Stream: stream, Items: s.marks[stream].Items})
		}
		known[stream] = true
	}
	gone := map[string]bool{}
	for _, h := range s.heads {
		gone[h.Stream] = true
	}
	for _, found := range r.found[i] {
		note(found.Name)
		delete(gone, found.Name)
	}
	if len(r.found[i]) > 0 {
		for stream := range gone { // it cannot be read to its end any more
			if !s.marks[stream].Complete {
				delete(s.marks, stream)
				r.Recorder.Failure(core.Failure{
					Stage: core.StageRead, Code: "stream.gone", Source: name, Plugin: r.plugins[i].Plugin, Stream: stream, Item: stream,
					Message: "the source no longer has a stream that had been read in part", Warning: true, Transient: true,
				})
			}
		}
	}
	for _, h := range s.heads {
		note(h.Stream)
	}
	for _, m := range s.mishaps {
		note(m.Stream)
	}
	return list
}

// dropMoved drops the checkpoints of streams that are others by now.
func (r *run) dropMoved(i int) {
	s, name := &r.past.sources[i], r.Sources[i].Name
	for _, found := range r.found[i] {
		mark, marked := s.marks[found.Name]
		if !marked || mark.Complete || len(mark.Revision) == 0 || len(found.Revision) == 0 || bytes.Equal(mark.Revision, found.Revision) {
			continue
		}
		delete(s.marks, found.Name)
		r.Recorder.Failure(core.Failure{
			Stage: core.StageRead, Code: "stream.moved", Source: name, Plugin: r.plugins[i].Plugin, Stream: found.Name, Item: found.Name,
			Message: "the stream is another one than when it was read in part: it is read from its start", Warning: true, Transient: true,
			Suggestion: "nothing is lost: what is the same as before is not stored again",
		})
	}
}

// recount counts what is settled of a source.
func (r *run) recount(i int) {
	s, name := &r.past.sources[i], r.Sources[i].Name
	written := map[string]int64{}
	for _, h := range s.heads {
		if s.settled(h.Stream, h.Place) {
			written[h.Stream]++
		}
	}
	for stream, n := range written {
		r.arrivedBefore(i, core.Written, n)
		r.Recorder.Kept(core.StageEntities, name, stream, core.Written, n)
	}
	for _, m := range s.mishaps {
		if !s.settled(m.Stream, m.Place) {
			continue
		}
		switch m.Kind {
		case core.MishapRecord:
			r.arrivedBefore(i, core.Written, 1)
		case core.MishapDuplicate, core.MishapSkipped:
			r.arrivedBefore(i, core.FailedItem, 1)
		}
		if m.Kind != core.MishapRemark {
			r.Recorder.Kept(core.StageEntities, name, m.Stream, core.FailedItem, 1)
			r.limit.failed.Add(1)
		}
		for _, f := range m.Failures {
			r.Recorder.Failure(f)
		}
	}
}

// recall tells a writer what has come of its source before, so that it knows a second record of one id, and where to read on.
func (p *past) recall(w *writer) {
	s := &p.sources[w.source]
	if s.anew || len(s.marks) == 0 {
		return
	}
	for name, mark := range s.marks {
		stream := w.streams[name]
		if stream == nil {
			continue
		}
		stream.items, stream.place, stream.facts = mark.Items, mark.Items, mark.Facts
		stream.recalled = mark.Complete || mark.Items > 0
		if !mark.Complete && (mark.Items > 0 || len(mark.State) > 0) {
			w.state[name] = mark.State
		}
	}
	settle := func(known map[string]times, id string, place int64) {
		if id == "" {
			return
		}
		t := known[id]
		t.settled, t.counted, t.sent = t.settled+1, t.counted+1, t.sent+1
		t.place = place
		known[id] = t
	}
	for _, h := range s.heads {
		if s.settled(h.Stream, h.Place) {
			settle(w.ids, h.NativeID, h.Place)
		}
	}
	for _, m := range s.mishaps {
		if !s.settled(m.Stream, m.Place) {
			continue
		}
		switch m.Kind {
		case core.MishapRecord, core.MishapDuplicate:
			settle(w.ids, m.ID, m.Place)
		case core.MishapSkipped:
			settle(w.skips, m.ID, m.Place)
		case core.MishapRemark:
			settle(w.remarks, m.ID, m.Place)
		}
	}
}
