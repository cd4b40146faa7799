package leveldb

import "bytes"

// Cursor walks the live entries of a DB in key order, or those whose keys begin with its prefix. It begins before the
// first one. A Cursor is for one goroutine.
type Cursor struct {
	db      *DB
	prefix  []byte
	sources []source
	heap    []input // one for each source that has entries left; the smallest key, newest entry on top

	key    []byte
	value  []byte
	used   bool // key was decided on: further entries of it are hidden
	begun  bool
	valid  bool
	hidden int
	err    error
}

type input struct {
	entry
	source source
}

// Cursor returns a Cursor over the keys that begin with prefix; all keys, if it is empty.
func (d *DB) Cursor(prefix []byte) *Cursor {
	c := &Cursor{db: d, prefix: bytes.Clone(prefix)}
	if len(d.memory) > 0 {
		c.sources = append(c.sources, &recent{entries: d.memory})
	}
	for _, t := range d.young {
		c.sources = append(c.sources, &chain{tables: []*table{t}, damage: d.damage})
	}
	for _, level := range d.levels {
		c.sources = append(c.sources, &chain{tables: level, damage: d.damage})
	}
	return c
}

// Next steps to the next entry and reports whether there is one.
func (c *Cursor) Next() bool {
	if !c.begun {
		return c.Seek(nil)
	}
	if !c.valid {
		return false
	}
	c.advance()
	return c.settle()
}

// Seek steps to the first entry whose key is not below target, backwards too, and reports whether there is one.
func (c *Cursor) Seek(target []byte) bool {
	if bytes.Compare(target, c.prefix) < 0 {
		target = c.prefix
	}
	c.begun, c.used = true, false
	c.key = append(c.key[:0], target...)
	c.heap = c.heap[:0]
	for _, s := range c.sources {
		if s.seek(c.key) {
			c.heap = append(c.heap, input{s.entry(), s})
		} else if c.failed(s) {
			return false
		}
	}
	for i := len(c.heap)/2 - 1; i >= 0; i-- {
		c.sink(i)
	}
	return c.settle()
}

// Valid reports whether the Cursor is at an entry.
func (c *Cursor) Valid() bool { return c.valid }

// Key is the key of the entry. It is good until the next step.
func (c *Cursor) Key() []byte { return c.key }

// Value is the value of the entry. It is good until the next step.
func (c *Cursor) Value() []byte { return c.value }

// Hidden counts the entries of tables and logs the Cursor has passed over so far: deletes, and what a newer entry of the
// same key replaces.
func (c *Cursor) Hidden() int { return c.hidden }

// Err returns what ended the walk early: os.ErrClosed, after Close of the DB. Damage does not end it.
func (c *Cursor) Err() error { return c.err }

// settle makes the newest entry of the next key the one in hand, unless it is a delete.
func (c *Cursor) settle() bool {
	c.valid, c.value = false, nil
	for len(c.heap) > 0 {
		top := &c.heap[0]
		order := bytes.Compare(top.key, c.key)
		switch {
		case order < 0:
			p := top.source.place()
			c.db.damage(p.file, p.offset, "a block has keys in the wrong order")
		case order == 0 && c.used:
			c.hidden++
		case !bytes.HasPrefix(top.key, c.prefix):
			c.heap = c.heap[:0]
			return false
		default:
			c.key = append(c.key[:0], top.key...)
			c.used = true
			if !top.deleted() {
				c.value, c.valid = top.value, true
				return true
			}
			c.hidden++
		}
		c.advance()
	}
	return false
}

// advance steps the source of the top entry.
func (c *Cursor) advance() {
	top := &c.heap[0]
	switch {
	case top.source.next():
		top.entry = top.source.entry()
	case c.failed(top.source):
		c.heap = c.heap[:0]
		return
	default:
		last := len(c.heap) - 1
		c.heap[0] = c.heap[last]
		c.heap = c.heap[:last]
	}
	c.sink(0)
}

func (c *Cursor) failed(s source) bool {
	if err := s.failed(); err != nil {
		c.err, c.valid = err, false
		return true
	}
	return false
}

// sink restores the order of the heap below i.
func (c *Cursor) sink(i int) {
	for {
		least := i
		for _, child := range []int{2*i + 1, 2*i + 2} {
			if child < len(c.heap) && compareEntries(&c.heap[child].entry, &c.heap[least].entry) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		c.heap[i], c.heap[least] = c.heap[least], c.heap[i]
		i = least
	}
}
