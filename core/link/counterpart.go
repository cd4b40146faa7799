package link

import (
	"cmp"
	"slices"

	"github.com/seed-98789ff7/converter/core"
)

// Counterparts returns, by uid, what other sources have under the same name: the same kind, name, game and edition, where the
// edition is known. A name that a source has twice says nothing of which is meant, and leads to none of that source. Those of
// one entity are in the order of the sources.
func Counterparts(elected []core.Head) map[string][]core.Counterpart {
	groups := map[core.Namesake][]core.Head{}
	for _, h := range elected {
		if key := core.NamesakeOf(h.Kind, h.BaseSlug, h.System, h.Edition); key != (core.Namesake{}) {
			groups[key] = append(groups[key], h)
		}
	}
	all := map[string][]core.Counterpart{}
	for _, group := range groups {
		once := alone(group)
		for _, h := range group {
			for _, other := range once {
				if other.Source != h.Source {
					all[h.UID] = append(all[h.UID], core.Counterpart{UID: other.UID, Source: other.Source, Book: other.Book, Page: other.Page})
				}
			}
		}
	}
	return all
}

// alone are the heads that are the only ones of their source, in the order of the sources.
func alone(group []core.Head) []core.Head {
	of := map[string]int{}
	for _, h := range group {
		of[h.Source]++
	}
	once := slices.DeleteFunc(slices.Clone(group), func(h core.Head) bool { return of[h.Source] > 1 })
	slices.SortFunc(once, func(a, b core.Head) int {
		return cmp.Or(cmp.Compare(a.SourceOrder, b.SourceOrder), cmp.Compare(a.UID, b.UID))
	})
	return once
}
