package leveldb

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
)

const (
	comparator  = "leveldb.BytewiseComparator"
	maxCurrent  = 4 << 10
	maxManifest = 64 << 20 // LevelDB begins a new one at every start; a busy year fits
	maxLevel    = 63       // LevelDB uses 7
)

// head is what CURRENT and the MANIFEST it names hold: as long as it stays the same, so do the live tables and logs.
type head struct {
	current  string
	manifest []byte
}

func readHead(dir string) (head, error) {
	current, err := readCurrent(dir)
	if err != nil {
		return head{}, err
	}
	h := head{current: current}
	h.manifest, err = readSmall(filepath.Join(dir, current), maxManifest)
	if errors.Is(err, os.ErrNotExist) {
		return h, fmt.Errorf("%w: %s says %s, which is not in the folder: "+
			"copy the whole folder again, MANIFEST files included", ErrNoManifest, filepath.Join(dir, "CURRENT"), current)
	}
	return h, err
}

func (h head) equal(o head) bool {
	return h.current == o.current && bytes.Equal(h.manifest, o.manifest)
}

// moved reports whether CURRENT names another MANIFEST by now: LevelDB removes the old one after the switch.
func (h head) moved(dir string) bool {
	now, err := readCurrent(dir)
	return err == nil && now != h.current
}

func readCurrent(dir string) (string, error) {
	path := filepath.Join(dir, "CURRENT")
	data, err := readSmall(path, maxCurrent)
	if errors.Is(err, os.ErrNotExist) {
		if _, gone := os.Stat(dir); gone != nil {
			return "", gone
		}
		return "", fmt.Errorf("%w: %s has no CURRENT file: "+
			"it is another kind of folder, or an incomplete copy; copy the whole folder again", ErrNoDatabase, dir)
	}
	if err != nil {
		return "", err
	}
	name := string(bytes.TrimSpace(data)) // copies by way of text tools end it with CR LF
	if parseName(name).kind != manifestFile {
		return "", fmt.Errorf("%w: %s should name a MANIFEST file and says %.40q: "+
			"restore the folder from a backup", ErrCorrupt, path, name)
	}
	return name, nil
}

// meta is what the MANIFEST says of one table. Smallest and largest are internal keys.
type meta struct {
	number            uint64
	smallest, largest []byte
}

// version is the state the MANIFEST adds up to.
type version struct {
	log, prevLog uint64
	hasLog       bool
	levels       []map[uint64]meta
}

func (v *version) liveLog(number uint64) bool { return number >= v.log || number == v.prevLog }

func (v *version) liveTable(number uint64) bool {
	return slices.ContainsFunc(v.levels, func(level map[uint64]meta) bool {
		_, ok := level[number]
		return ok
	})
}

// tables returns the live tables of each level in the order of their first keys, which in level 0 may overlap.
func (v *version) tables() [][]meta {
	all := make([][]meta, len(v.levels))
	for i, level := range v.levels {
		for _, m := range level {
			all[i] = append(all[i], m)
		}
		slices.SortFunc(all[i], func(a, b meta) int {
			if c := compareInternal(a.smallest, b.smallest); c != 0 {
				return c
			}
			return cmp.Compare(a.number, b.number)
		})
	}
	return all
}

// parseManifest adds up the edits in data. A MANIFEST that ends inside an edit is one that is being written, and stands
// for the state before that edit; any other flaw is an error, because the list of live tables would be a guess.
func parseManifest(name string, data []byte) (*version, []Damage, error) {
	v := &version{}
	var flaw error
	r := newRecords(bytes.NewReader(data), func(at int64, reason string) {
		if flaw == nil {
			flaw = corruptManifest(at, reason)
		}
	})
	for {
		record, at, err := r.next()
		if flaw != nil {
			return nil, nil, flaw
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = v.edit(record)
		}
		if errors.Is(err, ErrComparator) {
			return nil, nil, err
		}
		if err != nil {
			return nil, nil, corruptManifest(at, err.Error())
		}
	}
	if !v.hasLog {
		return nil, nil, corruptManifest(0, "it does not say which logs are in use")
	}
	return v, tornAt(name, r.torn), nil
}

func corruptManifest(at int64, reason string) error {
	return fmt.Errorf("%w: its MANIFEST is wrong at byte %d: %s; restore the folder from a backup", ErrCorrupt, at, reason)
}

func tornAt(name string, at int64) []Damage {
	if at < 0 {
		return nil
	}
	return []Damage{{File: name, Offset: at, Reason: "the file ends inside a record"}}
}

// The fields of an edit.
const (
	tagComparator   = 1
	tagLog          = 2
	tagNextFile     = 3
	tagLastSequence = 4
	tagCompact      = 5
	tagDeleted      = 6
	tagNew          = 7
	tagPrevLog      = 9
)

func (v *version) edit(record []byte) error {
	f := fields{data: record}
	for len(f.data) > 0 && !f.bad {
		switch tag := f.number(); tag {
		case tagComparator:
			if name := f.bytes(); !f.bad && string(name) != comparator {
				return fmt.Errorf("%w: by %.60q, and this reader knows %q alone", ErrComparator, name, comparator)
			}
		case tagLog:
			v.log, v.hasLog = f.number(), true
		case tagPrevLog:
			v.prevLog = f.number()
		case tagNextFile, tagLastSequence:
			f.number() // of use to writers: the last sequence may even run ahead of what the logs begin with
		case tagCompact:
			f.number()
			f.bytes()
		case tagDeleted:
			level, number := f.number(), f.number()
			if level < uint64(len(v.levels)) {
				delete(v.levels[level], number)
			}
		case tagNew:
			if err := v.add(&f); err != nil {
				return err
			}
		default:
			return fmt.Errorf("field %d is unknown", tag)
		}
	}
	if f.bad {
		return errors.New("a field runs past the end of its record")
	}
	return nil
}

func (v *version) add(f *fields) error {
	level := f.number()
	m := meta{number: f.number()}
	f.number() // size: the file knows
	m.smallest, m.largest = bytes.Clone(f.bytes()), bytes.Clone(f.bytes())
	switch {
	case f.bad:
		return nil
	case level > maxLevel:
		return fmt.Errorf("level %d does not exist", level)
	case len(m.smallest) < trailerSize || len(m.largest) < trailerSize:
		return errors.New("the key range of a table is too short")
	}
	for uint64(len(v.levels)) <= level {
		v.levels = append(v.levels, map[uint64]meta{})
	}
	v.levels[level][m.number] = m
	return nil
}

// fields takes varints and length-prefixed strings off the front of data.
type fields struct {
	data []byte
	bad  bool
}

func (f *fields) number() uint64 {
	x, n := binary.Uvarint(f.data)
	if n <= 0 {
		f.bad, f.data = true, nil
		return 0
	}
	f.data = f.data[n:]
	return x
}

func (f *fields) bytes() []byte {
	n := f.number()
	if n > uint64(len(f.data)) {
		f.bad, f.data = true, nil
		return nil
	}
	b := f.data[:n]
	f.data = f.data[n:]
	return b
}

// length is a number that must fit 32 bits, as all lengths do.
func (f *fields) length() int {
	x := f.number()
	if x > math.MaxInt32 {
		f.bad, f.data = true, nil
		return 0
	}
	return int(x)
}
