package leveldb

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
)

// A log, and a MANIFEST, is a row of 32 KB pages. Each holds fragments: checksum (4 bytes), length (2), type (1), data.
// A record is one whole fragment, or a first one, middle ones and a last one.
const (
	pageSize     = 32 << 10
	fragmentHead = 7
	maxRecord    = 256 << 20 // far above any batch a writer makes; keeps a wrong chain of fragments out of memory
)

const (
	fragmentZero = iota // what a file that was made longer in advance reads as
	fragmentFull
	fragmentFirst
	fragmentMiddle
	fragmentLast
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum is LevelDB's: CRC-32C, masked so that a checksum over data with checksums in it stays useful.
func checksum(data []byte) uint32 {
	c := crc32.Checksum(data, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// records reads the records of a log one by one.
type records struct {
	file   io.Reader
	damage func(offset int64, reason string)
	torn   int64 // where the record begins that the end of the file cuts off; -1: none

	page  []byte // what is left of the page in hand
	at    int64  // where page begins in the file
	last  bool   // the page in hand was a short one: the file ends with it
	lost  bool   // something was lost, and no record has begun since
	space [pageSize]byte
}

func newRecords(file io.Reader, damage func(int64, string)) *records {
	return &records{file: file, damage: damage, torn: -1}
}

// next returns the next record and where it begins. The record is the caller's to keep. After the last one it returns
// io.EOF; every other error comes from the file.
func (r *records) next() ([]byte, int64, error) {
	var record []byte
	start, open := int64(0), false
	for {
		f, err := r.fragment()
		if err != nil {
			if errors.Is(err, io.EOF) && open {
				r.torn = start
			}
			return nil, 0, err
		}
		begins := f.kind == fragmentFull || f.kind == fragmentFirst
		if open && (begins || f.broken) {
			r.lose(start, "the record has no end")
			open = false
		}
		switch {
		case f.broken:
			continue
		case begins:
			record, start, r.lost = nil, f.offset, false
		case !open:
			r.lose(f.offset, "the record has no beginning")
			continue
		case len(record)+len(f.data) > maxRecord:
			r.lose(start, "the record is too large")
			open = false
			continue
		}
		record = append(record, f.data...)
		open = f.kind == fragmentFirst || f.kind == fragmentMiddle
		if !open {
			return record, start, nil
		}
	}
}

// lose reports damage; what follows from it, up to the next beginning of a record, is not damage of its own.
func (r *records) lose(offset int64, reason string) {
	if !r.lost {
		r.damage(offset, reason)
	}
	r.lost = true
}

// fragment is a piece of a record. A broken one stands for the rest of a page that was skipped.
type fragment struct {
	kind   byte
	broken bool
	offset int64
	data   []byte
}

func (r *records) fragment() (fragment, error) {
	for len(r.page) < fragmentHead {
		if err := r.turn(); err != nil {
			return fragment{}, err
		}
	}
	f := fragment{kind: r.page[6], offset: r.at}
	size := fragmentHead + int(binary.LittleEndian.Uint16(r.page[4:]))
	switch {
	case f.kind == fragmentZero && size == fragmentHead:
		f.broken = true // room made in advance, never written: nothing is lost
	case size > len(r.page) && r.last:
		r.torn = r.at
		r.page = nil
		return f, io.EOF
	case size > len(r.page):
		f.broken = true
		r.skip("a length in the log is wrong")
	case checksum(r.page[6:size]) != binary.LittleEndian.Uint32(r.page):
		f.broken = true
		r.skip("a checksum in the log is wrong")
	case f.kind > fragmentLast:
		f.broken = true
		r.skip("a record in the log is of an unknown type")
	}
	if f.broken {
		r.at += int64(len(r.page))
		r.page = nil
		return f, nil
	}
	f.data = r.page[fragmentHead:size]
	r.page = r.page[size:]
	r.at += int64(size)
	return f, nil
}

// skip reports that the rest of the page is left out: after a flaw no length in it can be trusted.
func (r *records) skip(reason string) {
	r.damage(r.at, reason+"; the rest of its 32 KB page is left out")
	r.lost = true
}

// turn reads the next page.
func (r *records) turn() error {
	if r.last {
		if len(r.page) > 0 {
			r.torn = r.at
			r.page = nil
		}
		return io.EOF
	}
	r.at += int64(len(r.page))
	n, err := io.ReadFull(r.file, r.space[:])
	r.page = r.space[:n]
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	r.last = n < pageSize
	return nil
}
