// Package link resolves the references of entities over all entities of a run, and finds twins and repeated identities.
//
// It works in memory on heads (about 500 bytes an entity); reading entities and storing results is the engine's. It
// starts no goroutine and returns no errors: what cannot be resolved has a status that says so.
package link

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/core"
)

// Index answers which entity a native id means.
type Index struct {
	byID  map[string][]target
	areas map[string]bool // scopes and id prefixes this run has documents of
}

type target struct {
	uid    string
	source string
	scope  string
	order  int
	alias  bool // the id is not its own, but leads to it too
}

// NewIndex makes the index of a run. Heads are those of [Elect]: one for each uid.
func NewIndex(heads []core.Head) *Index {
	x := &Index{byID: make(map[string][]target, len(heads)), areas: map[string]bool{}}
	for _, h := range heads {
		t := target{uid: h.UID, source: h.Source, scope: h.Scope, order: h.SourceOrder}
		x.byID[h.NativeID] = append(x.byID[h.NativeID], t)
		t.alias = true
		for _, alias := range h.Aliases {
			x.byID[alias] = append(x.byID[alias], t)
		}
		x.areas[area(h.NativeID, h.Scope)] = true
	}
	for _, targets := range x.byID {
		slices.SortFunc(targets, func(a, b target) int {
			return cmp.Or(cmp.Compare(a.order, b.order), byAlias(a, b), cmp.Compare(a.uid, b.uid))
		})
	}
	return x
}

// byAlias puts documents that have an id of their own before those that only go by it too.
func byAlias(a, b target) int {
	switch {
	case a.alias == b.alias:
		return 0
	case a.alias:
		return 1
	default:
		return -1
	}
}

// area is the part of the content an id lies in: the id without its last two dotted parts, which name type and
// document. An id without such parts lies in its scope.
func area(id, scope string) string {
	for range 2 {
		i := strings.LastIndexByte(id, '.')
		if i < 0 {
			return "scope " + scope
		}
		id = id[:i]
	}
	return id
}

// derived is the kind of links to what a document was made from. Nobody follows them, so that one that leads nowhere is no
// fault of the document's.
const derived = "derived"

// Resolve sets target and status of every link of e and returns how many are broken that people follow.
func (x *Index) Resolve(e *core.Entity) (broken int) {
	for i := range e.Links {
		l := &e.Links[i]
		if l.Target == "" {
			l.Status = core.LinkUnknown
			if l.Kind == "href" {
				l.Status = core.LinkExternal
			}
			continue
		}
		if uid, ok := x.find(l.Target, e); ok {
			l.TargetUID, l.Status = uid, core.LinkResolved
			continue
		}
		l.Status = core.LinkExternal
		if x.areas[area(l.Target, e.Source.Scope)] {
			l.Status = core.LinkBroken
			if l.Kind != derived {
				broken++
			}
		}
	}
	return broken
}

// find prefers a document of the same scope, then of the same source, then the first source of the config.
func (x *Index) find(id string, from *core.Entity) (uid string, ok bool) {
	targets := x.byID[id]
	if len(targets) == 0 {
		return "", false
	}
	best := targets[0]
	for _, t := range targets {
		if t.source != from.Source.Name {
			continue
		}
		if t.scope == from.Source.Scope {
			return t.uid, true
		}
		if best.source != from.Source.Name {
			best = t
		}
	}
	return best.uid, true
}

// Elect returns the heads to write, one for each uid, by uid, and those that lost. The same document met in two sources
// is written once: the source named first in the config wins.
func Elect(heads []core.Head) (elected, lost []core.Head) {
	sorted := slices.Clone(heads)
	slices.SortFunc(sorted, func(a, b core.Head) int {
		return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.SourceOrder, b.SourceOrder))
	})
	for _, h := range sorted {
		if n := len(elected); n > 0 && elected[n-1].UID == h.UID {
			lost = append(lost, h)
			continue
		}
		elected = append(elected, h)
	}
	return elected, lost
}

// Twins returns, by uid, the uid of the entity that it is an exact twin of: same kind, same content. The twin with the
// smallest uid stands for the others.
func Twins(elected []core.Head) map[string]string {
	type key struct{ kind, content string }
	first := make(map[key]string, len(elected))
	twins := map[string]string{}
	for _, h := range elected {
		k := key{h.Kind, h.ContentSHA256}
		if uid, ok := first[k]; ok {
			twins[h.UID] = uid
			continue
		}
		first[k] = h.UID
	}
	return twins
}
