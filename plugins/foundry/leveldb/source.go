package leveldb

import (
	"bytes"
	"errors"
	"os"
	"sort"
)

// source walks one ordered row of entries. The entry is good until the next step.
type source interface {
	// seek steps to the first entry whose key is not below target.
	seek(target []byte) bool
	next() bool
	entry() entry
	// place says where the entry in hand comes from.
	place() place
	// failed returns os.ErrClosed after a walk that ended because the database was closed.
	failed() error
}

// recent is the source of what the logs say.
type recent struct {
	entries []entry
	at      int
}

func (r *recent) seek(target []byte) bool {
	r.at = sort.Search(len(r.entries), func(i int) bool { return bytes.Compare(r.entries[i].key, target) >= 0 })
	return r.at < len(r.entries)
}

func (r *recent) next() bool {
	r.at++
	return r.at < len(r.entries)
}

func (r *recent) entry() entry  { return r.entries[r.at] }
func (r *recent) place() place  { return place{} }
func (r *recent) failed() error { return nil }

// chain is the source of tables that follow each other without overlap: a level, or one table of level 0.
type chain struct {
	tables []*table
	damage func(file string, offset int64, reason string)

	at     int // index of the table in hand
	window window
	index  block
	block  block
	handle handle // of the block in hand
	err    error
}

func (c *chain) seek(target []byte) bool {
	n := sort.Search(len(c.tables), func(i int) bool { return bytes.Compare(internal(c.tables[i].largest).key, target) >= 0 })
	c.enter(min(n, len(c.tables)-1)) // the last table may know better than the MANIFEST where it ends
	if c.index.seek(target) && c.load() && c.block.seek(target) && c.known() {
		return true
	}
	return c.next()
}

// next walks from block to block and from table to table until there is an entry.
func (c *chain) next() bool {
	for c.err == nil {
		if c.block.next() {
			if c.known() {
				return true
			}
			continue
		}
		c.finish(&c.block, int64(c.handle.offset))
		if c.index.next() {
			c.load()
			continue
		}
		c.finish(&c.index, c.table().indexAt)
		if c.at+1 == len(c.tables) {
			return false
		}
		c.enter(c.at + 1)
	}
	return false
}

func (c *chain) table() *table { return c.tables[c.at] }

func (c *chain) enter(n int) {
	c.at = n
	if c.window.table != c.table() {
		c.window = window{table: c.table(), raw: c.window.raw[:0], plain: c.window.plain}
	}
	c.index.reset(c.table().index)
	c.block = block{key: c.block.key[:0]}
	c.handle = handle{}
}

// load fetches the block the index is at. One that cannot be had is reported and left empty, for next to step over.
func (c *chain) load() bool {
	before := c.handle
	c.block = block{key: c.block.key[:0]}
	h, ok := parseHandle(c.index.value)
	// Blocks lie one after the other. An index that turns back could make the walk as long as it likes.
	if !ok || h.offset < before.offset+before.size {
		c.damage(c.table().name, c.table().indexAt, "an entry of the index of the table is damaged")
		return false
	}
	data, err := c.window.block(h)
	if errors.Is(err, os.ErrClosed) {
		c.err = err
		return false
	}
	if err != nil {
		at, reason := faultOf(err)
		c.damage(c.table().name, at, reason)
		return false
	}
	c.handle = h
	c.block.reset(data)
	return true
}

// finish reports why the walk through b ended early, if it did.
func (c *chain) finish(b *block, at int64) {
	if b.flaw != "" {
		c.damage(c.table().name, at, b.flaw)
		b.flaw = ""
	}
}

// known passes over entries of a kind that does not exist.
func (c *chain) known() bool {
	if kind := c.block.key[len(c.block.key)-trailerSize]; kind > kindPut {
		c.damage(c.table().name, int64(c.handle.offset), "a block has an entry of an unknown kind")
		return false
	}
	return true
}

func (c *chain) entry() entry  { return c.block.entry() }
func (c *chain) place() place  { return place{c.table().name, int64(c.handle.offset)} }
func (c *chain) failed() error { return c.err }
