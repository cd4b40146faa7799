package pack

import (
	"fmt"
	"iter"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/nedb"
)

// OpenNeDB opens the pack in the NeDB file at path. The file does not say which collection it holds.
func OpenNeDB(path, collection string) (*Inline, error) {
	db, err := nedb.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open pack: %w", err)
	}
	counts := func() (map[string]int, error) {
		if db.Len() == 0 {
			return nil, nil
		}
		return map[string]int{collection: db.Len()}, nil
	}
	texts := func(unusable func(key, reason string)) iter.Seq2[Text, error] {
		return func(yield func(Text, error) bool) {
			for d, err := range db.Documents() {
				if strings.ContainsAny(d.ID, ".!") {
					unusable(string(prefix(collection))+d.ID, reasonKey)
					continue
				}
				if !yield(Text{Collection: collection, ID: d.ID, JSON: d.JSON}, err) || err != nil {
					return
				}
			}
		}
	}
	p := NewInline(counts, texts, db.Close)
	p.file = func(r *Report) {
		f := db.Report()
		r.NeDB = &f
		r.Dead = f.Overwritten + f.Deleted
	}
	return p, nil
}
