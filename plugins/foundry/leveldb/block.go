package leveldb

import (
	"bytes"
	"encoding/binary"
	"sort"
)

// block walks one decoded block: entries, each sharing the beginning of its key with the one before, and after them the
// offsets of the entries that share nothing.
type block struct {
	data     []byte // the entries
	restarts []byte // 4 bytes each
	at       int
	key      []byte // internal key of the entry in hand
	value    []byte
	flaw     string // why the walk ended early
}

func (b *block) reset(data []byte) {
	b.data, b.restarts, b.value, b.at, b.flaw = nil, nil, nil, 0, ""
	b.key = b.key[:0]
	if len(data) < 4 {
		b.flaw = "the block is too short"
		return
	}
	count := uint64(binary.LittleEndian.Uint32(data[len(data)-4:]))
	if 4*count > uint64(len(data)-4) {
		b.flaw = "the block has more restart points than room"
		return
	}
	end := len(data) - 4 - int(4*count)
	b.data, b.restarts = data[:end], data[end:len(data)-4]
}

// next steps to the next entry; false at the end and at a flaw.
func (b *block) next() bool {
	if b.at >= len(b.data) {
		return false
	}
	f := fields{data: b.data[b.at:]}
	shared, own, size := f.length(), f.length(), f.length()
	if f.bad || shared > len(b.key) || own > len(f.data) || size > len(f.data)-own || shared+own < trailerSize {
		b.flaw = "an entry of the block is damaged"
		b.at = len(b.data)
		return false
	}
	b.key = append(b.key[:shared], f.data[:own]...)
	b.value = f.data[own : own+size : own+size]
	b.at = len(b.data) - len(f.data) + own + size
	return true
}

// seek steps to the first entry whose key, without its trailer, is not below target.
func (b *block) seek(target []byte) bool {
	n := sort.Search(len(b.restarts)/4, func(i int) bool {
		key, ok := b.restartKey(i)
		return !ok || bytes.Compare(key, target) >= 0 // from a flaw on, walk: next will name it
	})
	b.at, b.key = 0, b.key[:0]
	if n > 0 {
		b.at = b.restart(n - 1)
	}
	for b.next() {
		if bytes.Compare(b.user(), target) >= 0 {
			return true
		}
	}
	return false
}

func (b *block) user() []byte { return b.key[:len(b.key)-trailerSize] }

func (b *block) entry() entry {
	e := internal(b.key)
	e.value = b.value
	return e
}

func (b *block) restart(i int) int { return int(binary.LittleEndian.Uint32(b.restarts[4*i:])) }

func (b *block) restartKey(i int) ([]byte, bool) {
	at := b.restart(i)
	if uint(at) >= uint(len(b.data)) {
		return nil, false
	}
	f := fields{data: b.data[at:]}
	shared, own, _ := f.length(), f.length(), f.length()
	if f.bad || shared != 0 || own < trailerSize || own > len(f.data) {
		return nil, false
	}
	return f.data[:own-trailerSize], true
}
