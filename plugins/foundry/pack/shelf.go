package pack

import (
	"bytes"
	"sort"

	"github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
)

// shelf holds what one embedded collection has for the primary document in hand. Its cursor follows the one of the
// primary collection, because both are ordered by the id of the primary document.
type shelf struct {
	prefix []byte          // of all keys of the collection
	parts  int             // of the collection path
	limit  int             // of the size of store
	cursor *leveldb.Cursor // nil: the collection has no entries
	ahead  int             // hidden entries before the first live one: the cursor over all keys counts them

	items  []item
	store  []byte // keys and values of items
	target []byte // what the keys of items begin with
	last   []byte // the target before
	mark   []byte // the highest key that was tallied
	total  int    // entries tallied so far, of all primary documents
	used   int    // of those, the ones somebody lists
}

// item is one entry: store[key:value] is its id path, store[value:end] its value.
type item struct {
	key, value, end int
	used            bool
}

func newShelf(db *leveldb.DB, path string, parts, limit int) (*shelf, error) {
	s := &shelf{prefix: prefix(path), parts: parts, limit: limit}
	cursor := db.Cursor(s.prefix)
	if cursor.Next() {
		s.cursor, s.ahead = cursor, cursor.Hidden()
	}
	return s, cursor.Err()
}

// gather collects the entries below the primary document ids.
func (s *shelf) gather(ids []byte, r *Report) error {
	s.items, s.store = s.items[:0], s.store[:0]
	if s.cursor == nil {
		return nil
	}
	if s.aim(ids) {
		s.cursor.Seek(s.target)
	}
	for s.cursor.Valid() {
		key := s.cursor.Key()
		mine := bytes.HasPrefix(key, s.target)
		if !mine && bytes.Compare(key, s.target) > 0 {
			break
		}
		if s.tally(key, r) && mine {
			if err := s.keep(key[len(s.prefix):], s.cursor.Value()); err != nil {
				return err
			}
		}
		s.cursor.Next()
	}
	return s.cursor.Err()
}

// aim sets the target and reports whether it lies behind the one before: of two ids where one begins with the other,
// the dot that follows can turn the order around.
func (s *shelf) aim(ids []byte) (behind bool) {
	s.target, s.last = s.last, s.target
	s.target = append(append(append(s.target[:0], s.prefix...), ids...), '.')
	return bytes.Compare(s.target, s.last) < 0
}

// tally counts an entry once, however often the cursor comes by, and reports whether its key fits the grammar.
func (s *shelf) tally(key []byte, r *Report) bool {
	_, ids, ok := split(key)
	ok = ok && parts(ids) == s.parts
	if bytes.Compare(key, s.mark) <= 0 {
		return ok
	}
	s.mark = append(s.mark[:0], key...)
	if ok {
		s.total++
	} else {
		r.fault(key, reasonKey)
	}
	return ok
}

func (s *shelf) keep(ids, value []byte) error {
	if len(s.store)+len(ids)+len(value) > s.limit {
		return errLarge
	}
	at := len(s.store)
	s.store = append(append(s.store, ids...), value...)
	s.items = append(s.items, item{key: at, value: at + len(ids), end: len(s.store)})
	return nil
}

// take returns the value of the entry with the id path ids and notes that somebody lists it.
func (s *shelf) take(ids []byte) ([]byte, bool) {
	n := sort.Search(len(s.items), func(i int) bool {
		return bytes.Compare(s.store[s.items[i].key:s.items[i].value], ids) >= 0
	})
	if n == len(s.items) || !bytes.Equal(s.store[s.items[n].key:s.items[n].value], ids) {
		return nil, false
	}
	if !s.items[n].used {
		s.items[n].used = true
		s.used++
	}
	return s.store[s.items[n].value:s.items[n].end], true
}

// finish passes over what is left and gives the account of the whole collection.
func (s *shelf) finish(path string, r *Report) error {
	if s.cursor == nil {
		return nil
	}
	for s.cursor.Valid() {
		s.tally(s.cursor.Key(), r)
		s.cursor.Next()
	}
	r.orphans(path, s.total-s.used)
	r.Dead += s.cursor.Hidden() - s.ahead
	return s.cursor.Err()
}
