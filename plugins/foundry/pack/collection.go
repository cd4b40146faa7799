package pack

import (
	"errors"
	"fmt"
	"iter"
)

// Collection walks the primary documents of one collection, by id. It leaves the Report alone. An error ends the walk.
func (p *Pack) Collection(name string) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		w := p.walk(yield)
		keys := p.db.Cursor(prefix(name))
		var err error
		if keys.Next() {
			err = w.collection(keys, name)
		}
		if err = errors.Join(err, keys.Err()); err != nil && !errors.Is(err, errStop) {
			yield(Document{}, fmt.Errorf("read %s: %w", name, err))
		}
	}
}
