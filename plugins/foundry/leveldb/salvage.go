package leveldb

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// salvage reads a folder that does not say what in it is live, which is what cause found. Everything in it is taken: of each
// key the entry with the highest sequence number counts, as in a whole database. What only the MANIFEST knew is lost: entries
// of tables that were out of use may come back where the delete that hid them is gone.
func salvage(dir string, cause error) (*DB, error) {
	if !errors.Is(cause, ErrNoDatabase) && !errors.Is(cause, ErrNoManifest) && !errors.Is(cause, ErrCorrupt) {
		return nil, cause
	}
	for try := 1; try <= tries; try++ {
		files, err := listFiles(dir)
		if err != nil {
			return nil, err
		}
		if !files.some() {
			return nil, cause
		}
		d := &DB{dir: dir, seen: map[place]bool{}, report: Report{Salvaged: cause.Error()}}
		err = d.gather(files)
		again, listErr := listFiles(dir)
		_, headErr := readHead(dir)
		made := headErr == nil && !errors.Is(cause, ErrCorrupt) // a program was just making it
		if err != nil || listErr != nil || made || !files.equal(again) {
			_ = d.Close() // a snapshot nobody saw: only the next try counts
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
			if made {
				return nil, busy(dir)
			}
			continue
		}
		d.report.Tries = try
		return d, nil
	}
	return nil, busy(dir)
}

// gather opens all files. After an error the DB is still to be closed.
func (d *DB) gather(files files) error {
	var open []*table
	for _, name := range files.tables() {
		t, err := d.openTable(name, meta{})
		if f, bad := errors.AsType[*fault](err); bad {
			d.damage(name, f.offset, f.reason)
			continue
		}
		if err != nil {
			d.young = open
			return err
		}
		if t.measure() {
			open = append(open, t)
		} else {
			_ = t.close() // an empty table, only read
		}
	}
	d.levels = rows(open)
	return d.readLogs(func(uint64) bool { return true }, files)
}

// measure finds out between which keys the entries of a table lie, and says whether it has any. A first block that is damaged
// makes the range larger than it is, which costs speed alone.
func (t *table) measure() bool {
	var index block
	index.reset(t.index)
	if !index.next() {
		return false
	}
	t.smallest = make([]byte, trailerSize)
	w := window{table: t}
	if h, ok := parseHandle(index.value); ok {
		if data, err := w.block(h); err == nil {
			var first block
			if first.reset(data); first.next() {
				t.smallest = bytes.Clone(first.key)
			}
		}
	}
	t.largest = bytes.Clone(index.key)
	for index.next() {
		t.largest = append(t.largest[:0], index.key...)
	}
	return true
}

// rows puts tables into as few rows as can be, in each of which none overlaps the next: one cursor reads a row.
func rows(tables []*table) [][]*table {
	slices.SortStableFunc(tables, func(a, b *table) int { return compareInternal(a.smallest, b.smallest) })
	var rows [][]*table
	for _, t := range tables {
		i := slices.IndexFunc(rows, func(row []*table) bool {
			last := row[len(row)-1]
			return bytes.Compare(internal(last.largest).key, internal(t.smallest).key) < 0
		})
		if i < 0 {
			rows = append(rows, nil)
			i = len(rows) - 1
		}
		rows[i] = append(rows[i], t)
	}
	return rows
}

// some says whether there is anything to salvage.
func (f files) some() bool { return len(f.logs) > 0 || len(f.tables()) > 0 }

// tables lists the files of tables by their numbers.
func (f files) tables() []string {
	var names []string
	for name, n := range f.names {
		if n.kind == tableFile {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(f.names[a].number, f.names[b].number), cmp.Compare(a, b))
	})
	return names
}

// equal says whether the same tables and logs are there.
func (f files) equal(o files) bool {
	return slices.Equal(f.tables(), o.tables()) && slices.Equal(f.logs, o.logs)
}

// IsDatabase says whether the folder holds a database, or what is left of one.
func IsDatabase(dir string) bool {
	if _, err := os.Stat(filepath.Join(dir, "CURRENT")); err == nil {
		return true
	}
	files, err := listFiles(dir)
	return err == nil && files.some()
}

func busy(dir string) error {
	return fmt.Errorf("%w: %s changed during each of %d tries to read it: "+
		"close the program that writes there, or copy the folder and read the copy", ErrBusy, dir, tries)
}
