package link

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/core"
)

// Settled is what becomes of the entities of several sources in a library in which each kind has each slug once.
type Settled struct {
	Heads []core.Head // those that stay, by uid
	Slugs []string    // theirs
	// IDs are the native ids that lead to each of them, by uid: its own, its aliases, and those of what it replaced.
	IDs         map[string][]core.CompendiumID
	Overwritten []Overwritten // by the order of the sources
}

// Overwritten are the entities of one source that those of a later one replaced.
type Overwritten struct {
	Source, By string // names of the sources
	Kind       string // of what was replaced
	Count      int64
	Identical  int64 // of them had the same kind and content, so that nothing was lost
}

// Settle decides which entities a library has. Sources are taken in the order of the config, whatever order heads are in:
// what has the uid, or the kind and the slug, of something from an earlier source takes its place. Within one source nothing
// is replaced: slugs, which gets the heads of one source by uid, has to tell them apart.
func Settle(heads []core.Head, slugs func([]core.Head) []string) Settled {
	sorted := slices.Clone(heads)
	slices.SortFunc(sorted, func(a, b core.Head) int {
		return cmp.Or(cmp.Compare(a.SourceOrder, b.SourceOrder), cmp.Compare(a.UID, b.UID))
	})
	s := settling{byUID: map[string]*place{}, bySlug: map[slot]*place{}, over: map[pair]*Overwritten{}}
	for len(sorted) > 0 {
		order := sorted[0].SourceOrder
		n := slices.IndexFunc(sorted, func(h core.Head) bool { return h.SourceOrder != order })
		if n < 0 {
			n = len(sorted)
		}
		for i, slug := range slugs(sorted[:n]) {
			s.add(sorted[i], slug)
		}
		sorted = sorted[n:]
	}
	return s.settled()
}

// settling is the library in the making.
type settling struct {
	byUID  map[string]*place
	bySlug map[slot]*place
	over   map[pair]*Overwritten
}

type slot struct{ kind, slug string }

type pair struct {
	of, by int
	kind   string
}

// place is an entity in the library, with the ids that it took over.
type place struct {
	head      core.Head
	slug      string
	inherited []core.CompendiumID
}

func (s *settling) add(h core.Head, slug string) {
	p := &place{head: h, slug: slug}
	s.replace(s.byUID[h.UID], p)
	s.replace(s.bySlug[slot{h.Kind, slug}], p)
	s.byUID[h.UID], s.bySlug[slot{h.Kind, slug}] = p, p
}

func (s *settling) replace(old, by *place) {
	if old == nil {
		return
	}
	delete(s.byUID, old.head.UID)
	delete(s.bySlug, slot{old.head.Kind, old.slug})
	for _, id := range append(own(old.head), old.inherited...) {
		id.Rank = core.RankReplaced
		by.inherited = append(by.inherited, id)
	}
	key := pair{old.head.SourceOrder, by.head.SourceOrder, old.head.Kind}
	o := s.over[key]
	if o == nil {
		o = &Overwritten{Source: old.head.Source, By: by.head.Source, Kind: old.head.Kind}
		s.over[key] = o
	}
	o.Count++
	if old.head.Kind == by.head.Kind && old.head.ContentSHA256 == by.head.ContentSHA256 {
		o.Identical++
	}
}

func (s *settling) settled() Settled {
	out := Settled{IDs: make(map[string][]core.CompendiumID, len(s.byUID))}
	places := make([]*place, 0, len(s.byUID))
	for _, p := range s.byUID {
		places = append(places, p)
	}
	slices.SortFunc(places, func(a, b *place) int { return cmp.Compare(a.head.UID, b.head.UID) })
	for _, p := range places {
		out.Heads = append(out.Heads, p.head)
		out.Slugs = append(out.Slugs, p.slug)
		out.IDs[p.head.UID] = each(append(own(p.head), p.inherited...))
	}
	pairs := make([]pair, 0, len(s.over))
	for key := range s.over {
		pairs = append(pairs, key)
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.of, b.of), cmp.Compare(a.by, b.by), cmp.Compare(a.kind, b.kind))
	})
	for _, key := range pairs {
		out.Overwritten = append(out.Overwritten, *s.over[key])
	}
	return out
}

// own returns the ids that an entity has itself.
func own(h core.Head) []core.CompendiumID {
	plugin, _, _ := strings.Cut(h.UID, ":")
	ids := []core.CompendiumID{{Plugin: plugin, Scope: h.Scope, NativeID: h.NativeID, Rank: core.RankOwn}}
	for _, alias := range h.Aliases {
		ids = append(ids, core.CompendiumID{Plugin: plugin, Scope: h.Scope, NativeID: alias, Rank: core.RankAlias})
	}
	return ids
}

// each returns every id once, in the best rank that it has.
func each(ids []core.CompendiumID) []core.CompendiumID {
	known := map[core.CompendiumID]bool{}
	var list []core.CompendiumID
	for _, id := range ids { // the best ranks come first
		key := id
		key.Rank = 0
		if !known[key] {
			known[key] = true
			list = append(list, id)
		}
	}
	return list
}

// Open lists the targets of an entity's links that lead to nothing in the run.
func Open(e *core.Entity) []string {
	var targets []string
	for _, l := range e.Links {
		if l.Target != "" && (l.Status == core.LinkBroken || l.Status == core.LinkExternal) {
			targets = append(targets, l.Target)
		}
	}
	return targets
}

// Fall sets those of an entity's links that lead to nothing in the run, and to something in the compendium. It returns how
// many of them were counted as broken. A link into content that the run itself has is one to that content and no other: it leads to an
// item of the entity's own scope alone.
func Fall(e *core.Entity, items map[string][]core.CompendiumItem) (mended int) {
	for i := range e.Links {
		l := &e.Links[i]
		broken := l.Status == core.LinkBroken
		if !broken && l.Status != core.LinkExternal {
			continue
		}
		uid := best(items[l.Target], e.Source.Scope, broken)
		if uid == "" {
			continue
		}
		l.TargetUID, l.Status = uid, core.LinkCompendium
		if broken && l.Kind != derived {
			mended++
		}
	}
	return mended
}

// best prefers the entity's own scope, then an item's own id, then the smallest uid.
func best(items []core.CompendiumItem, scope string, only bool) string {
	var found *core.CompendiumItem
	order := func(i *core.CompendiumItem) int {
		if i.Scope == scope {
			return 0
		}
		return 1
	}
	for i := range items {
		item := &items[i]
		if only && item.Scope != scope {
			continue
		}
		if found == nil || cmp.Or(cmp.Compare(order(item), order(found)), cmp.Compare(item.Rank, found.Rank),
			cmp.Compare(item.UID, found.UID)) < 0 {
			found = item
		}
	}
	if found == nil {
		return ""
	}
	return found.UID
}
