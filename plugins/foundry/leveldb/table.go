package leveldb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"

	"github.com/golang/snappy"
)

const (
	footerSize   = 48
	blockTail    = 5 // after each block: compression (1 byte), checksum (4)
	tableMagic   = 0xdb4775248b80fb57
	maxBlock     = 256 << 20
	firstWindow  = 16 << 10
	largeWindow  = 128 << 10
	snappyFactor = 22 // Snappy turns 3 bytes into 64 at most: whoever promises more is damaged
)

// The compressions of a block.
const (
	compressNone   = 0
	compressSnappy = 1
	compressZstd   = 2
)

// handle is where a block lies.
type handle struct{ offset, size uint64 }

func parseHandle(data []byte) (handle, bool) {
	f := fields{data: data}
	h := handle{f.number(), f.number()}
	return h, !f.bad
}

// table is one table file with its index in memory. It does not change and may be read by several sources at once.
type table struct {
	name              string
	file              io.ReaderAt
	close             func() error
	size              int64
	index             []byte // decoded index block: for each block a key not below its last one, and its handle
	indexAt           int64
	smallest, largest []byte // internal keys, from the MANIFEST
}

// newTable reads the footer and the index.
func newTable(name string, file io.ReaderAt, size int64) (*table, error) {
	t := &table{name: name, file: file, size: size}
	footer := make([]byte, footerSize)
	at := size - footerSize
	if at < 0 {
		return nil, faultf(0, "the file is too short for a table: all %d bytes of it are left out", size)
	}
	if _, err := file.ReadAt(footer, at); err != nil {
		return nil, faultf(at, "the footer cannot be read, so the whole table is left out: %v", err)
	}
	f := fields{data: footer[:footerSize-8]}
	f.number() // the metaindex: it holds filters, which only spare single look-ups
	f.number()
	h := handle{f.number(), f.number()}
	if f.bad || binary.LittleEndian.Uint64(footer[footerSize-8:]) != tableMagic {
		return nil, faultf(at, "the footer is damaged, so the whole table is left out")
	}
	w := window{table: t}
	index, err := w.block(h)
	if err != nil {
		offset, reason := faultOf(err)
		return nil, faultf(offset, "the index of the table is lost, so the whole table is left out: %s", reason)
	}
	t.index, t.indexAt = bytes.Clone(index), int64(h.offset)
	return t, nil
}

// disjoint reports whether each of the tables, ordered by first key, ends before the next begins.
func disjoint(tables []*table) bool {
	for i, t := range tables {
		if compareInternal(t.smallest, t.largest) > 0 || i > 0 && compareInternal(tables[i-1].largest, t.smallest) >= 0 {
			return false
		}
	}
	return true
}

// window reads the blocks of one table. It reads ahead, the further the longer blocks are asked for in their order.
type window struct {
	table *table
	raw   []byte // the part of the file in hand
	start uint64 // where raw begins
	ahead int
	plain []byte // the last block that was decompressed
}

// block returns the content of a block, which is good until the next call. The error is a fault or os.ErrClosed.
func (w *window) block(h handle) ([]byte, error) {
	raw, err := w.fetch(h)
	if err != nil {
		return nil, err
	}
	end := len(raw) - 4
	at := int64(h.offset)
	if checksum(raw[:end]) != binary.LittleEndian.Uint32(raw[end:]) {
		return nil, faultf(at, "the checksum of a block of %d bytes is wrong", h.size)
	}
	data := raw[:end-1]
	switch kind := raw[end-1]; kind {
	case compressNone:
		return data, nil
	case compressSnappy:
		return w.decompress(at, data)
	case compressZstd:
		return nil, faultf(at, "a block is compressed by Zstandard, which this reader does not know")
	default:
		return nil, faultf(at, "a block is compressed in the unknown way %d", kind)
	}
}

func (w *window) decompress(at int64, data []byte) ([]byte, error) {
	n, err := snappy.DecodedLen(data)
	if err != nil || n > maxBlock || n > snappyFactor*len(data)+64 {
		return nil, faultf(at, "the length of a compressed block is wrong")
	}
	if cap(w.plain) < n {
		w.plain = make([]byte, n)
	}
	plain, err := snappy.Decode(w.plain[:cap(w.plain)], data)
	if err != nil {
		return nil, faultf(at, "a block cannot be decompressed")
	}
	return plain, nil
}

// fetch returns a block as it is in the file, with its tail.
func (w *window) fetch(h handle) ([]byte, error) {
	size := uint64(w.table.size)
	if h.size > maxBlock || h.offset > size || h.size+blockTail > size-h.offset {
		return nil, faultf(int64(min(h.offset, size)), "a block of %d bytes does not fit the file", h.size)
	}
	need := int(h.size) + blockTail
	skip := h.offset - w.start
	if h.offset >= w.start && skip <= uint64(len(w.raw)) && uint64(need) <= uint64(len(w.raw))-skip {
		return w.raw[skip:][:need], nil
	}
	if h.offset >= w.start && skip <= uint64(len(w.raw)) && w.ahead > 0 {
		w.ahead = min(2*w.ahead, largeWindow)
	} else {
		w.ahead = firstWindow
	}
	n := max(need, int(min(uint64(w.ahead), size-h.offset)))
	if cap(w.raw) < n {
		w.raw = make([]byte, n)
	}
	w.raw = w.raw[:n]
	got, err := w.table.file.ReadAt(w.raw, int64(h.offset))
	w.raw, w.start = w.raw[:got], h.offset
	if got >= need {
		return w.raw[:need], nil
	}
	if errors.Is(err, os.ErrClosed) {
		return nil, err
	}
	return nil, faultf(int64(h.offset), "a block cannot be read: %v", err)
}
