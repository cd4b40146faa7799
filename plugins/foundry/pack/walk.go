package pack

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
)

// maxDocument limits the stored and the joined size of one primary document: a list that names the same large document
// a million times must not fill the memory.
const maxDocument = 256 << 20

const reasonKey = "the key is not one of Foundry's"

var (
	errStop  = errors.New("no more documents wanted")
	errLarge = fmt.Errorf("the document and what is embedded in it are larger than %d MB", maxDocument>>20)
)

// walk is one pass over all keys. Each primary collection is joined when it comes up; the embedded collections that
// belong to it are read along with it by cursors of their own, and passed over later.
type walk struct {
	db      *leveldb.DB
	limit   int
	yield   func(Document, error) bool
	shelved map[string]bool // collection paths that were read along with their primary collection
	report  Report
}

func (w *walk) run() error {
	keys := w.db.Cursor(nil)
	for ok := keys.Next(); ok; {
		path, _, good := split(keys.Key())
		switch {
		case w.shelved[string(path)]:
			ok = keys.Seek(after(string(path)))
		case !good:
			w.report.fault(keys.Key(), reasonKey)
			ok = keys.Next()
		case bytes.IndexByte(path, '.') < 0:
			if err := w.collection(keys, string(path)); err != nil {
				return err
			}
			ok = keys.Valid()
		default:
			w.report.orphans(string(path), 1)
			ok = keys.Next()
		}
	}
	w.report.Dead += keys.Hidden()
	return keys.Err()
}

// collection walks keys to the end of one primary collection.
func (w *walk) collection(keys *leveldb.Cursor, name string) error {
	j := join{root: plant(name, field{}), limit: w.limit, report: &w.report}
	var err error
	j.root.walk(func(n *node) {
		if n != j.root && err == nil {
			n.shelf, err = newShelf(w.db, n.path, n.parts, w.limit)
			w.shelved[n.path] = true
		}
	})
	if err != nil {
		return err
	}
	for all := prefix(name); keys.Valid() && bytes.HasPrefix(keys.Key(), all); keys.Next() {
		if err := w.document(&j, keys.Key(), keys.Value()); err != nil {
			return err
		}
	}
	j.root.walk(func(n *node) {
		if n != j.root && err == nil {
			err = n.shelf.finish(n.path, &w.report)
		}
	})
	return err
}

// document joins one primary document and hands it out.
func (w *walk) document(j *join, key, value []byte) error {
	path, ids, good := split(key)
	if !good {
		w.report.fault(key, reasonKey)
		return nil
	}
	err := j.gather(ids)
	if err == nil {
		err = j.document(key, ids, value)
	}
	if _, bad := errors.AsType[*unusable](err); bad || errors.Is(err, errLarge) {
		w.report.fault(key, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	d := Document{
		Key:        string(key),
		Collection: string(path),
		ID:         string(ids),
		JSON:       bytes.Clone(j.out),
		Embedded:   j.embedded(),
		Missing:    j.missing,
	}
	w.report.Documents++
	for _, n := range d.Embedded {
		w.report.Embedded += n
	}
	w.report.Missing += len(d.Missing)
	if !w.yield(d, nil) {
		return errStop
	}
	return nil
}
