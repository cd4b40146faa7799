package leveldb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

const (
	trailerSize = 8  // after each key: sequence number << 8 | kind
	batchHead   = 12 // sequence of the first entry (8), number of entries (4)
	maxSequence = 1<<56 - 1
)

const (
	kindDelete = 0
	kindPut    = 1
)

// entry is one put or delete.
type entry struct {
	key     []byte
	value   []byte
	trailer uint64
}

func (e *entry) deleted() bool { return e.trailer&0xff == kindDelete }

func compareEntries(a, b *entry) int {
	if c := bytes.Compare(a.key, b.key); c != 0 {
		return c
	}
	return cmp.Compare(b.trailer, a.trailer) // the newest first
}

// compareInternal orders internal keys: those with a trailer at the end.
func compareInternal(a, b []byte) int {
	ea, eb := internal(a), internal(b)
	return compareEntries(&ea, &eb)
}

func internal(key []byte) entry {
	n := len(key) - trailerSize
	return entry{key: key[:n], trailer: binary.LittleEndian.Uint64(key[n:])}
}

// replay collects the entries of the live logs.
type replay struct {
	entries []entry
}

// read adds the entries of one log. A flawed batch gives what stands before the flaw.
func (l *replay) read(name string, file io.Reader, damage func(int64, string)) ([]Damage, error) {
	r := newRecords(file, damage)
	for {
		record, at, err := r.next()
		if errors.Is(err, io.EOF) {
			return tornAt(name, r.torn), nil
		}
		if err != nil {
			return nil, err
		}
		if reason := l.batch(record); reason != "" {
			damage(at, reason)
		}
	}
}

func (l *replay) batch(record []byte) (reason string) {
	if len(record) < batchHead {
		return "a batch of writes is too short"
	}
	sequence := binary.LittleEndian.Uint64(record)
	count := binary.LittleEndian.Uint32(record[8:])
	if sequence > maxSequence-uint64(count) {
		return "the sequence number of a batch of writes is too large"
	}
	f := fields{data: record[batchHead:]}
	for i := range uint64(count) {
		if len(f.data) == 0 {
			return "a batch of writes has fewer entries than it says"
		}
		kind := f.data[0]
		f.data = f.data[1:]
		e := entry{key: f.bytes(), trailer: (sequence+i)<<8 | uint64(kind)}
		switch kind {
		case kindPut:
			e.value = f.bytes()
		case kindDelete:
		default:
			return "a batch of writes has an entry of an unknown kind"
		}
		if f.bad {
			return "an entry runs past the end of its batch of writes"
		}
		l.entries = append(l.entries, e)
	}
	if len(f.data) > 0 {
		return "a batch of writes has more entries than it says"
	}
	return ""
}

// newest returns the entries in key order, the newest of each key alone.
func (l *replay) newest() []entry {
	slices.SortFunc(l.entries, func(a, b entry) int { return compareEntries(&a, &b) })
	newest := slices.CompactFunc(l.entries, func(a, b entry) bool { return bytes.Equal(a.key, b.key) })
	return slices.Clip(newest)
}
