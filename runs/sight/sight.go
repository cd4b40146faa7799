// Package sight remembers across runs what files held when they were last read, so that a file that has not changed since is not
// read again.
//
// It owns the question when a file counts as unchanged, and the file that the answers are kept in. A file is unchanged when the
// system gives it the same identity, size, time of writing and time of change; the last of these nobody can set back. One that
// was written to within two seconds before it was read is not remembered: it could change once more without a trace. Where a
// system has no such identity, nothing is. It leaves to its user which files may be looked at, and what is done with their bytes.
//
// What is kept is written beside its place and renamed, and ends with the SHA-256 of all that stands before it; what is damaged, or
// of another version, counts as nothing. Where two programs write at the same time, the later one wins, and the files of the
// other are read once more. It takes about 300 bytes of memory a file, and starts no goroutine. Errors are those of the file
// system and [ErrDamaged].
package sight

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ErrDamaged says that what is kept is not what was written.
var ErrDamaged = errors.New("the file is damaged, or of another version")

const (
	mark = "converter sight 1\n"
	// settled is how long a file must have been left alone before it was read: the clocks of file systems have ticks of up to
	// two seconds, and within one nothing tells two states apart.
	settled = 2 * time.Second
	// keptFor is how long is remembered what was not asked for.
	keptFor = 30 * 24 * time.Hour
)

// Files is what is remembered. It is safe for concurrent use.
type Files struct {
	path string

	mu     sync.Mutex // guards what follows
	loaded bool
	fault  error // of the loading
	known  map[string]entry
	dirty  bool
}

// entry is what is remembered of one file.
type entry struct {
	state state
	sum   [sha256.Size]byte
	day   int64 // on which it was last of use
}

// state tells one state of a file from every other.
type state struct {
	device, inode           uint64
	size, modified, changed int64 // times in nanoseconds
}

// In returns what is remembered in the file at path, which is read when it is first asked, and made when there is something to keep.
func In(path string) *Files { return &Files{path: path} }

// Holds returns the SHA-256 of the bytes of a file, if it was read before and has not changed since. Info is what the system says
// of it now.
func (f *Files) Holds(path string, info fs.FileInfo) (sum string, known bool) {
	now, ok := stateOf(info)
	if !ok {
		return "", false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load()
	e, ok := f.known[path]
	if !ok || e.state != now {
		return "", false
	}
	if today := day(time.Now()); e.day != today {
		e.day, f.dirty = today, true
		f.known[path] = e
	}
	return hex.EncodeToString(e.sum[:]), true
}

// Read says what a file held: before and after are what the system said of it when it was open and nothing was read yet, at
// the time began, and when all of it was.
func (f *Files) Read(path string, before, after fs.FileInfo, began time.Time, sum string) {
	was, ok := stateOf(before)
	is, still := stateOf(after)
	latest := began.Add(-settled).UnixNano()
	e := entry{state: was, day: day(began)}
	n, err := hex.Decode(e.sum[:], []byte(sum[:min(len(sum), 2*len(e.sum))]))
	sure := ok && still && was == is && max(was.modified, was.changed) < latest && err == nil && n == len(e.sum)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load()
	switch _, known := f.known[path]; {
	case sure:
		f.known[path], f.dirty = e, true
	case known:
		delete(f.known, path)
		f.dirty = true
	}
}

// Save keeps what was learnt since the last time, and lets go of what was of no use for 30 days.
func (f *Files) Save() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.dirty {
		return nil
	}
	oldest := day(time.Now().Add(-keptFor))
	maps.DeleteFunc(f.known, func(_ string, e entry) bool { return e.day < oldest })
	if err := f.write(); err != nil {
		return fmt.Errorf("keep what files held: %w", err)
	}
	f.dirty = false
	return nil
}

// Forget removes what is remembered.
func (f *Files) Forget() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.loaded, f.dirty, f.known = true, false, map[string]entry{}
	if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget what files held: %w", err)
	}
	return nil
}

// Fault is why what was kept could not be used; nil: it could, or there was none.
func (f *Files) Fault() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load()
	return f.fault
}

// Amount returns for how many files it is remembered what they held, and how many bytes that takes where it is kept.
func (f *Files) Amount() (files, bytes int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.load()
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return int64(len(f.known)), 0, nil
	}
	if err != nil {
		return 0, 0, err
	}
	return int64(len(f.known)), info.Size(), nil
}

// Verify reads the files that seem unchanged, and returns the paths of those that are not what is remembered of them. With repair
// that is forgotten. What has changed visibly, or is gone, is no fault.
func (f *Files) Verify(repair bool) (wrong []string, err error) {
	f.mu.Lock()
	f.load()
	paths := slices.Sorted(maps.Keys(f.known))
	f.mu.Unlock()
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		said, known := f.Holds(path, info)
		if !known {
			continue
		}
		is, err := sumOf(path)
		if err != nil || is == said {
			continue // it cannot be read: then no run takes it for anything but that
		}
		wrong = append(wrong, path)
		if repair {
			f.mu.Lock()
			delete(f.known, path)
			f.dirty = true
			f.mu.Unlock()
		}
	}
	if repair {
		return wrong, f.Save()
	}
	return wrong, nil
}

func sumOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	return hex.EncodeToString(sum.Sum(nil)), errors.Join(err, file.Close())
}

func day(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// load wants f.mu held.
func (f *Files) load() {
	if f.loaded {
		return
	}
	f.loaded, f.known = true, map[string]entry{}
	text, err := os.ReadFile(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return
	case err == nil:
		f.known, err = parse(string(text))
	}
	if err != nil {
		f.known, f.fault = map[string]entry{}, fmt.Errorf("recall what files held from %s: %w", f.path, err)
	}
}

// parse reads what write has written: the mark, a line a file, and the sum of all that.
func parse(text string) (map[string]entry, error) {
	at := strings.LastIndexByte(strings.TrimSuffix(text, "\n"), '\n') + 1
	if !strings.HasPrefix(text, mark) || text[at:] != sealOf(text[:at]) {
		return nil, ErrDamaged
	}
	known := map[string]entry{}
	for line := range strings.Lines(text[len(mark):at]) {
		path, e, err := parseLine(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return nil, errors.Join(ErrDamaged, err)
		}
		known[path] = e
	}
	return known, nil
}

func parseLine(line string) (path string, e entry, err error) {
	fields := strings.SplitN(line, " ", 8)
	if len(fields) != 8 || len(fields[0]) != 2*len(e.sum) {
		return "", e, ErrDamaged
	}
	_, wrong := hex.Decode(e.sum[:], []byte(fields[0]))
	number := func(i int) int64 {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		wrong = cmp.Or(wrong, err)
		return n
	}
	e.state = state{
		device: uint64(number(1)), inode: uint64(number(2)), //nolint:gosec // written as the same bits
		size: number(3), modified: number(4), changed: number(5),
	}
	e.day = number(6)
	path, err = strconv.Unquote(fields[7])
	return path, e, cmp.Or(wrong, err)
}

func sealOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]) + "\n"
}

func (f *Files) write() (err error) {
	var b strings.Builder
	b.WriteString(mark)
	for _, path := range slices.Sorted(maps.Keys(f.known)) {
		e := f.known[path]
		s := e.state
		fmt.Fprintf(&b, "%x %d %d %d %d %d %d %q\n", e.sum, int64(s.device), int64(s.inode), s.size, s.modified, s.changed, e.day, path) //nolint:gosec // as parse reads them
	}
	b.WriteString(sealOf(b.String()))
	if err := os.MkdirAll(filepath.Dir(f.path), 0o700); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+"-*.part")
	if err != nil {
		return err
	}
	_, err = part.WriteString(b.String())
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), f.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}
