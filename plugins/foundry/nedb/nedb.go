// Package nedb reads the live documents of a NeDB file, the store of Foundry VTT 10 and before, and never writes to it: NeDB
// itself rewrites every file it opens.
//
// It owns the format: an append log of one JSON object a line, in which the last line of an `_id` wins, `$$deleted` takes a
// document away and `$$indexCreated` and `$$indexRemoved` carry none. What the members of a document mean is left to its
// callers.
//
// Open reads the file once and keeps where each live document lies (about 100 bytes each); Documents reads those lines again
// from the same open file, which a compaction by NeDB replaces and does not change. Lines that were appended meanwhile are not
// seen. A line is read into memory as a whole, up to 64 MB; a longer one is left out.
//
// It starts no goroutine. Errors are ErrBusy and what the operating system said. A line that cannot be read is not an error:
// it is left out and stands in the Report.
package nedb

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"os"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/object"
)

// ErrBusy is the error for a file that is rewritten in place while it is read.
var ErrBusy = errors.New("the file keeps changing")

const (
	tries     = 5        // how often Open starts over on a file that shrinks under it
	maxLine   = 64 << 20 // the largest document seen has 4 MB
	maxDamage = 1000     // listed; more are counted
	space     = " \t\r\n"
)

// Document is one live document. It is the receiver's to keep.
type Document struct {
	ID   string
	JSON []byte // its line, without the line's end
}

// Damage is a line that could not be read.
type Damage struct {
	Line   int   // the first is 1
	Offset int64 // where it begins
	Reason string
}

// String says it in one line.
func (d Damage) String() string { return fmt.Sprintf("line %d: %s", d.Line, d.Reason) }

// Report is the account of one file.
type Report struct {
	Bytes       int64
	Lines       int
	Live        int
	Overwritten int      // lines that a later one of the same document replaces
	Deleted     int      // lines that take a document away, and those they took away
	Indexes     int      // lines about indexes
	Torn        bool     // the file ends inside a line: one that is being written, or the last before a crash
	Spare       bool     // read from the file's copy, because the file itself was lost while it was rewritten
	Damage      []Damage // lines that are left out, the first 1000
	DamageCount int      // all of them
}

// DB is one moment of a file.
type DB struct {
	path   string
	file   *os.File
	places []place // of the live documents, by id
	report Report
}

// place is where a document lies.
type place struct {
	id     string
	offset int64
	size   int
	sum    uint32 // of the line, to see that it is still the same
}

// Open reads the file at path, or the copy beside it that NeDB leaves when it is killed while it rewrites the file. The DB
// holds the file open until Close.
func Open(path string) (*DB, error) {
	file, spare, err := openFile(path)
	if err != nil {
		return nil, err
	}
	for range tries {
		db := &DB{path: path, file: file, report: Report{Spare: spare}}
		whole, err := db.load()
		if err != nil {
			_ = file.Close() // only read
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if whole {
			return db, nil
		}
	}
	_ = file.Close() // only read
	return nil, busy(path)
}

func busy(path string) error {
	return fmt.Errorf("%w: %s was rewritten while it was read: close the program that writes there, or copy the file and read the copy",
		ErrBusy, path)
}

// openFile opens a plain file: opening a pipe or a device could wait for ever.
func openFile(path string) (file *os.File, spare bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		if copied, spareErr := os.Stat(path + "~"); spareErr == nil {
			path, info, err, spare = path+"~", copied, nil, true
		}
	}
	if err != nil {
		return nil, false, err
	}
	if !info.Mode().IsRegular() {
		return nil, false, fmt.Errorf("%s is not a plain file", path)
	}
	file, err = os.Open(path)
	return file, spare, err
}

// Close lets go of the file.
func (d *DB) Close() error { return d.file.Close() }

// Len is how many documents there are.
func (d *DB) Len() int { return len(d.places) }

// Report says what the file holds and what could not be read.
func (d *DB) Report() Report {
	r := d.report
	r.Damage = slices.Clone(r.Damage)
	return r
}

// Documents walks the live documents by id. An error ends the walk.
func (d *DB) Documents() iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		for _, p := range d.places {
			text := make([]byte, p.size)
			_, err := d.file.ReadAt(text, p.offset)
			if errors.Is(err, io.EOF) || err == nil && crc32.ChecksumIEEE(text) != p.sum {
				err = busy(d.path)
			}
			if err != nil {
				yield(Document{}, err)
				return
			}
			if !yield(Document{ID: p.id, JSON: text}, nil) {
				return
			}
		}
	}
}

// load reads the lines that are there now, and says whether they all still were at the end.
func (d *DB) load() (whole bool, err error) {
	before, err := d.file.Stat()
	if err != nil {
		return false, err
	}
	d.report.Bytes = before.Size()
	if err := d.scan(io.NewSectionReader(d.file, 0, before.Size())); err != nil {
		return false, err
	}
	after, err := d.file.Stat()
	return err == nil && after.Size() >= before.Size(), err
}

// The members of a line that say what it is.
const (
	memberID = iota
	memberDeleted
	memberIndex
	memberNoIndex
)

var memberNames = []string{"_id", "$$deleted", "$$indexCreated", "$$indexRemoved"}

func (d *DB) scan(file io.Reader) error {
	s := scan{lines: bufio.NewReaderSize(file, 64<<10), live: map[string]place{}, report: &d.report}
	for {
		more, err := s.line()
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	for _, p := range s.live {
		d.places = append(d.places, p)
	}
	slices.SortFunc(d.places, func(a, b place) int { return strings.Compare(a.id, b.id) })
	d.report.Live = len(d.places)
	return nil
}

// scan is one pass over the lines.
type scan struct {
	lines  *bufio.Reader
	live   map[string]place
	report *Report
	object object.Scanner
	shape  object.Shape
	text   []byte // of the line in hand
	at     int64  // where the next line begins
}

// line takes the next line and says whether there are more.
func (s *scan) line() (more bool, err error) {
	text, size, ended, err := s.read()
	if err != nil || size == 0 {
		return false, err
	}
	start := s.at
	s.at += size
	s.report.Lines++
	rest := bytes.TrimLeft(text, space)
	if start == 0 {
		rest = bytes.TrimLeft(bytes.TrimPrefix(rest, []byte("\uFEFF")), space)
	}
	trimmed := bytes.TrimRight(rest, space)
	reason := ""
	switch {
	case size > maxLine:
		reason = fmt.Sprintf("it is longer than %d MB", maxLine>>20)
	case len(trimmed) > 0:
		reason = s.take(trimmed, start+int64(len(text)-len(rest)))
	}
	switch {
	case reason == "":
	case !ended:
		s.report.Torn = true
	default:
		s.damage(start, reason)
	}
	return ended, nil
}

// read reads a line with its end. Of one that is too long it reads over the rest.
func (s *scan) read() (text []byte, size int64, ended bool, err error) {
	s.text = s.text[:0]
	for {
		part, err := s.lines.ReadSlice('\n')
		size += int64(len(part))
		if size <= maxLine {
			s.text = append(s.text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF):
			return s.text, size, false, nil
		default:
			return s.text, size, true, err
		}
	}
}

func (s *scan) damage(offset int64, reason string) {
	s.report.DamageCount++
	if len(s.report.Damage) < maxDamage {
		s.report.Damage = append(s.report.Damage, Damage{s.report.Lines, offset, reason})
	}
}

// take does what the line says, or says why it cannot be used.
func (s *scan) take(text []byte, offset int64) (reason string) {
	if err := s.object.Object(text, memberNames, &s.shape); err != nil {
		return err.Error()
	}
	if s.shape.Value(text, memberIndex) != nil || s.shape.Value(text, memberNoIndex) != nil {
		s.report.Indexes++
		return ""
	}
	raw := s.shape.Value(text, memberID)
	if raw == nil || raw[0] != '"' || len(raw) == 2 {
		return "it has no _id"
	}
	id := string(object.Unquote(raw))
	_, known := s.live[id]
	if string(s.shape.Value(text, memberDeleted)) == "true" {
		s.report.Deleted++
		if known {
			s.report.Deleted++
			delete(s.live, id)
		}
		return ""
	}
	if known {
		s.report.Overwritten++
	}
	s.live[id] = place{id: id, offset: offset, size: len(text), sum: crc32.ChecksumIEEE(text)}
	return ""
}
