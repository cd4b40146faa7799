package engine

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/entity"
	"github.com/seed-98789ff7/converter/core/link"
	"github.com/seed-98789ff7/converter/sdk"
)

// Earlier is the compendium that an edition takes the place of. Of a stream that could not be read in full, what it has and what did not
// come stays: nobody knows that it is gone.
type Earlier interface {
	// Held yields the entities of a source, with their Raw, by uid. Each call yields the same.
	Held(ctx context.Context, source string) iter.Seq2[core.Held, error]
}

// gap is a stream that could not be read in full.
type gap struct {
	source int
	stream string
}

// Kept are the entities of a stream that stay from the compendium before.
type Kept struct {
	Source, Stream string
	Count          int64
	Because        string
}

// noteGap remembers why a stream is not whole, by the first reason.
func (r *run) noteGap(source int, stream string, reason error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := gap{source, stream}
	if _, known := r.gaps[key]; known {
		return
	}
	if r.gaps == nil {
		r.gaps = map[gap]string{}
	}
	r.gaps[key] = because(reason)
}

// because is the reason in one sentence.
func because(reason error) string {
	if reason == nil {
		return "the source gives no reason"
	}
	d := sdk.Diagnose(reason, "source.failed")[0]
	words := cmp.Or(d.Summary, reason.Error())
	more, _, _ := strings.Cut(d.Detail, "\n")
	if d.Cause != nil {
		more = d.Cause.Error()
	}
	if more != "" && d.Summary != "" {
		words += ": " + more
	}
	return words
}

// identity tells the entities of all sources apart.
type identity struct {
	uid   string
	order int
}

func identityOf(h core.Head) identity { return identity{h.UID, h.SourceOrder} }

// keeping is what stays of the compendium before.
type keeping struct {
	earlier Earlier
	heads   []core.Head
	reasons map[identity]string
}

// keep finds out what stays: what earlier has of streams that could not be read in full, and what did not come.
func (r *run) keep(ctx context.Context, earlier Earlier, came []core.Head) (keeping, error) {
	k := keeping{earlier: earlier, reasons: map[identity]string{}}
	if earlier == nil {
		return k, nil
	}
	known := make(map[identity]bool, len(came))
	for _, h := range came {
		known[identityOf(h)] = true
	}
	for i, source := range r.Sources {
		why := r.why(i)
		if why == nil {
			continue
		}
		for held, err := range earlier.Held(ctx, source.Name) {
			if err != nil {
				return k, err
			}
			h := entity.HeadOf(held.Entity, i, held.Aliases)
			if reason, lacks := why(h.Stream); lacks && !known[identityOf(h)] {
				k.heads = append(k.heads, h)
				k.reasons[identityOf(h)] = reason
			}
		}
	}
	return k, nil
}

// why returns what says of a source's streams why they are not whole; nil: all of them are.
func (r *run) why(i int) func(stream string) (reason string, lacks bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if broken := r.broken[i]; broken != nil {
		reason := because(broken)
		return func(string) (string, bool) { return reason, true }
	}
	of := map[string]string{}
	for key, reason := range r.gaps {
		if key.source == i {
			of[key.stream] = reason
		}
	}
	if len(of) == 0 {
		return nil
	}
	return func(stream string) (string, bool) {
		reason, lacks := of[stream]
		return reason, lacks
	}
}

// list says what is kept of each stream, of what is among the settled.
func (k keeping) list(s link.Settled) []Kept {
	counts := map[gap]*Kept{}
	var order []gap
	for _, h := range s.Heads {
		reason, kept := k.reasons[identityOf(h)]
		if !kept {
			continue
		}
		key := gap{h.SourceOrder, h.Stream}
		if counts[key] == nil {
			counts[key] = &Kept{Source: h.Source, Stream: h.Stream, Because: reason}
			order = append(order, key)
		}
		counts[key].Count++
	}
	slices.SortFunc(order, func(a, b gap) int { return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.stream, b.stream)) })
	list := make([]Kept, 0, len(order))
	for _, key := range order {
		list = append(list, *counts[key])
	}
	return list
}

// entities yields the settled entities: those that came, then those that are kept.
func (k keeping) entities(ctx context.Context, ledger Ledger, s link.Settled) iter.Seq2[*core.Entity, error] {
	var came []core.Head
	kept := map[string]map[string]bool{} // uids by source
	for _, h := range s.Heads {
		if _, is := k.reasons[identityOf(h)]; !is {
			came = append(came, h)
			continue
		}
		if kept[h.Source] == nil {
			kept[h.Source] = map[string]bool{}
		}
		kept[h.Source][h.UID] = true
	}
	return func(yield func(*core.Entity, error) bool) {
		for e, err := range ledger.Entities(ctx, came) {
			if err != nil {
				err = fmt.Errorf("read back what was stored: %w", err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		for source, wanted := range kept {
			for held, err := range k.earlier.Held(ctx, source) {
				if err == nil && !wanted[held.Entity.UID] {
					continue
				}
				if !yield(held.Entity, err) || err != nil {
					return
				}
			}
		}
	}
}
