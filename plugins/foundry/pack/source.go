package pack

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"iter"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/object"
	"github.com/seed-98789ff7/converter/plugins/foundry/tree"
)

// source is one document of a source tree.
type source struct {
	tree.Document
	collection string
}

func (s source) key() string { return string(prefix(s.collection)) + s.ID }

// OpenTree opens the pack that is a folder of source files. Documents that do not say it belong to the collection named.
func OpenTree(folder fs.FS, collection string) (*Inline, error) {
	t, err := tree.Open(folder)
	if err != nil {
		return nil, fmt.Errorf("open pack: %w", err)
	}
	sources, doubles := sorted(t, collection)
	counts := func() (map[string]int, error) {
		all := map[string]int{}
		for _, s := range sources {
			all[s.collection]++
		}
		return all, nil
	}
	texts := func(unusable func(key, reason string)) iter.Seq2[Text, error] {
		return func(yield func(Text, error) bool) {
			for _, f := range slices.Concat(t.Faults, doubles) {
				unusable(f.File, f.Reason)
			}
			for _, s := range sources {
				text, err := t.Read(s.Document)
				if err != nil {
					unusable(s.key(), fmt.Sprintf("%s: %v", s.File, err))
					continue
				}
				if !yield(Text{Collection: s.collection, ID: s.ID, JSON: text}, nil) {
					return
				}
			}
		}
	}
	p := NewInline(counts, texts, func() error { return nil })
	p.file = func(r *Report) {
		r.FaultCount += t.FaultCount - len(t.Faults)
		r.Files = t.Files
	}
	p.Named = len(sources) > 0 && !t.Keyed()
	return p, nil
}

// sorted puts the documents of a tree in the order of their keys. Of several with one key the first file wins.
func sorted(t *tree.Tree, collection string) (sources []source, doubles []tree.Fault) {
	for _, d := range t.Documents {
		s := source{d, collection}
		if path, ids, ok := split([]byte(d.Key)); ok && bytes.IndexByte(path, '.') < 0 {
			s.collection, s.ID = string(path), string(ids)
		} else if d.Key != "" {
			doubles = append(doubles, tree.Fault{File: d.File, Reason: reasonKey})
			continue
		}
		if s.collection == "" {
			text, _ := t.Read(d)
			s.collection = Guess(text)
		}
		if strings.ContainsAny(s.ID, ".!") {
			doubles = append(doubles, tree.Fault{File: d.File, Reason: "its _id is not one of Foundry's"})
			continue
		}
		sources = append(sources, s)
	}
	slices.SortStableFunc(sources, func(a, b source) int {
		return cmp.Or(strings.Compare(a.collection+"!", b.collection+"!"), strings.Compare(a.ID, b.ID))
	})
	sources = slices.CompactFunc(sources, func(b, a source) bool { // a stands before b
		same := a.collection == b.collection && a.ID == b.ID
		if same {
			doubles = append(doubles, tree.Fault{File: b.File, Reason: fmt.Sprintf("it has the same id as %s, which is read", a.File)})
		}
		return same
	})
	return sources, doubles
}

// signs are members that only documents of one collection have, the telling ones first.
var signs = []struct{ member, collection string }{
	{"prototypeToken", "actors"},
	{"token", "actors"},
	{"pages", "journal"},
	{"walls", "scenes"},
	{"results", "tables"},
	{"command", "macros"},
	{"playing", "playlists"},
	{"cards", "cards"},
	{"caption", "adventures"},
	{"content", "journal"},
	{"items", "actors"},
}

// Guess tells the collection of a document by its members, where nothing else says it.
func Guess(text []byte) string {
	names := make([]string, len(signs))
	for i, s := range signs {
		names[i] = s.member
	}
	var scan object.Scanner
	var shape object.Shape
	if scan.Object(text, names, &shape) == nil {
		for i, s := range signs {
			if shape.Value(text, i) != nil {
				return s.collection
			}
		}
	}
	return "items"
}
