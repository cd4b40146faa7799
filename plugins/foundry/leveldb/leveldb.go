// Package leveldb reads the live entries of a LevelDB folder and never writes to it: no lock, no repair, no log file,
// not even when the folder belongs to a running program.
//
// It owns the file formats (CURRENT, MANIFEST, tables, logs), the choice of what is live, the proof of every checksum
// and the account of what could not be read. A folder whose MANIFEST is lost or damaged is salvaged: all tables and logs in it
// are read, and of each key the newest entry counts. What keys and values mean is left to its callers.
//
// Open takes a snapshot: it reads the MANIFEST, opens every live table, replays the live logs into memory, and starts
// over when the MANIFEST changed meanwhile. From then on tables, which LevelDB never rewrites, are read through the open
// files, so that a DB shows one moment however long it is read and whatever is written beside it.
//
// Memory: the entries of the live logs (a writer starts a new log at 4 MB by default; above 1 GB Open refuses), the
// index of every live table (about one hundredth of its data), and for each Cursor, for every level-0 table and every
// deeper level, one read window of 128 KB or one block if that is larger, and one decoded block. One open file a table.
//
// It starts no goroutine. Errors are ErrNoDatabase, ErrNoManifest, ErrComparator, ErrCorrupt, ErrBusy and ErrLarge, or
// what the operating system said. A damaged block is not an error: it is left out and stands in the Report.
package leveldb

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// What Open can find instead of a database. The messages that wrap them name the file and what to do next.
var (
	ErrNoDatabase = errors.New("no LevelDB database")
	ErrNoManifest = errors.New("the MANIFEST of the database is missing, and so is everything else")
	ErrComparator = errors.New("the database orders its keys in an unknown way")
	ErrCorrupt    = errors.New("the database is damaged")
	ErrBusy       = errors.New("the database keeps changing")
	ErrLarge      = errors.New("the database has more unsorted entries than fit the memory")
)

const (
	tries   = 20      // how often Open starts over on a database that is being written to
	maxLogs = 1 << 30 // of all live logs together
)

// DB is one moment of a LevelDB folder. Cursors of one DB may be used by several goroutines, one each.
type DB struct {
	dir    string
	memory []entry    // what the live logs say, ordered, the newest of each key
	young  []*table   // level 0: tables that may overlap
	levels [][]*table // deeper levels: tables in key order that do not overlap

	mu     sync.Mutex
	report Report
	seen   map[place]bool // damage already in the report
}

// Open reads the state of the database in dir. The DB holds files open until Close.
func Open(dir string) (*DB, error) { return open(dir, readHead) }

// open loads what look says is live, until look says the same before and after.
func open(dir string, look func(dir string) (head, error)) (*DB, error) {
	for try := 1; try <= tries; try++ {
		before, err := look(dir)
		if err != nil {
			if before.moved(dir) {
				continue
			}
			return salvage(dir, err)
		}
		db, err := load(dir, before)
		if after, again := look(dir); again != nil || !before.equal(after) {
			if db != nil {
				_ = db.Close() // a snapshot nobody saw: only the next try counts
			}
			continue
		}
		if err != nil {
			return salvage(dir, err)
		}
		db.report.Tries = try
		return db, nil
	}
	return nil, busy(dir)
}

// Close lets go of the table files. Cursors of the DB end with os.ErrClosed.
func (d *DB) Close() error {
	var errs []error
	for _, t := range d.tables() {
		errs = append(errs, t.close())
	}
	return errors.Join(errs...)
}

// Report says what the DB was read from and what could not be read so far.
func (d *DB) Report() Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	r := d.report
	r.Stale = slices.Clone(r.Stale)
	r.Torn = slices.Clone(r.Torn)
	r.Damage = slices.Clone(r.Damage)
	return r
}

func (d *DB) tables() []*table {
	return slices.Concat(append(slices.Clone(d.levels), d.young)...)
}

// load opens what the MANIFEST in h calls live. It returns a nil DB with every error.
func load(dir string, h head) (*DB, error) {
	v, torn, err := parseManifest(h.current, h.manifest)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, h.current), err)
	}
	files, err := listFiles(dir)
	if err != nil {
		return nil, err
	}
	d := &DB{dir: dir, seen: map[place]bool{}}
	d.report.Manifest = h.current
	d.report.Torn = torn
	d.report.Stale = files.stale(v, h.current)
	err = d.openTables(v, files)
	if err == nil {
		err = d.readLogs(v.liveLog, files)
	}
	if err != nil {
		_ = d.Close() // the reason for giving up is what matters
		return nil, err
	}
	return d, nil
}

func (d *DB) openTables(v *version, files files) error {
	for level, metas := range v.tables() {
		var open []*table
		for _, m := range metas {
			name := files.table(m.number)
			t, err := d.openTable(name, m)
			if f, bad := errors.AsType[*fault](err); bad {
				d.damage(name, f.offset, f.reason)
				continue
			}
			if err != nil {
				d.young = append(d.young, open...) // for Close
				return err
			}
			open = append(open, t)
		}
		// The promise that deeper levels do not overlap is checked: a broken one costs speed, never an entry.
		if level == 0 || !disjoint(open) {
			d.young = append(d.young, open...)
		} else if len(open) > 0 {
			d.levels = append(d.levels, open)
		}
	}
	return nil
}

// openTable returns a fault for a table that is not there or cannot be used.
func (d *DB) openTable(name string, m meta) (*table, error) {
	file, size, err := openFile(filepath.Join(d.dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return nil, faultf(0, "the table is missing")
	}
	if err != nil {
		return nil, err
	}
	d.report.Tables++
	d.report.TableBytes += size
	t, err := newTable(name, file, size)
	if err != nil {
		_ = file.Close() // only read
		return nil, err
	}
	t.smallest, t.largest, t.close = m.smallest, m.largest, file.Close
	return t, nil
}

// readLogs replays the logs that live chooses.
func (d *DB) readLogs(live func(number uint64) bool, files files) error {
	l := &replay{}
	for _, number := range files.logs {
		if !live(number) {
			continue
		}
		name := logName(number)
		file, size, err := openFile(filepath.Join(d.dir, name))
		if err != nil {
			return err // a log that vanished means a new MANIFEST, which Open notices
		}
		d.report.Logs++
		if d.report.LogBytes += size; d.report.LogBytes > maxLogs {
			_ = file.Close() // only read
			return fmt.Errorf("%w: the logs in %s have more than %d MB: open the database once with the program "+
				"it belongs to, which moves them into tables", ErrLarge, d.dir, maxLogs>>20)
		}
		torn, err := l.read(name, file, func(at int64, reason string) { d.damage(name, at, reason) })
		_ = file.Close() // only read
		if err != nil {
			return fmt.Errorf("read %s: %w", filepath.Join(d.dir, name), err)
		}
		d.report.Torn = append(d.report.Torn, torn...)
	}
	d.report.LogEntries = len(l.entries)
	d.memory = l.newest()
	d.report.Dead = d.report.LogEntries - len(d.memory)
	return nil
}

func (d *DB) damage(file string, offset int64, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := place{file, offset}
	if d.seen[p] {
		return // several cursors, or a second walk, met the same block
	}
	d.seen[p] = true
	d.report.Damage = append(d.report.Damage, Damage{File: file, Offset: offset, Reason: reason})
}

// openFile opens a plain file for reading: opening a pipe or a device could wait for ever.
func openFile(path string) (*os.File, int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%w: %s is not a plain file", ErrCorrupt, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	return file, info.Size(), nil
}

// readSmall reads a whole file that must not be larger than limit.
func readSmall(path string, limit int64) ([]byte, error) {
	file, _, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%w: %s is larger than %d bytes", ErrCorrupt, path, limit)
	}
	return data, nil
}
