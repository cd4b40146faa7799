// Package keep remembers on disk what was made of files, so that a file that has not changed is not read again and one whose
// reading was broken off is read on from there. It owns how results are found again, how long they are kept and how much room
// they take: of [Cache] the pieces that are read back here, of [Files] the files that others open.
//
// It leaves what a result is, and into which pieces it is divided, to its caller. It starts no goroutine. Whatever cannot be
// read back, as it is damaged, is as if it were not there; what cannot be written is an error of the file system, with which the
// caller goes on and does without.
//
// A piece is written beside its place and renamed, and says in itself what it is of: programs may write the same pieces at
// the same time, and may be killed at any moment.
package keep

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// TTL is how long results are kept if nobody says otherwise.
const TTL = 24 * time.Hour

// Config says where results are kept.
type Config struct {
	Dir      string        // which is made when it is needed
	TTL      time.Duration // after which a piece is as if it were not there; default: for ever
	MaxBytes int64         // that all pieces together take; those not used for longest are removed; default: 2 GiB
}

// Key names what was made of a file.
type Key struct {
	File      [sha256.Size]byte // of its bytes
	Extractor string            // version of the rules by which it was made
	Options   string            // that change what is made
}

// Cache keeps pieces of results. It may be used by several goroutines.
type Cache struct {
	config Config

	mu    sync.Mutex
	size  int64 // of all pieces, as far as this process knows
	stats Stats
}

// Stats is what a cache did since it was opened.
type Stats struct {
	Hits, Misses    int64
	Damaged         int64 // pieces that could not be read back; they count as misses too
	Written         int64
	Evicted         int64
	Bytes           int64 // that its pieces take now
	Expired         int64
	RemovedLeftover int64 // files of writers that were killed
}

const (
	suffix    = ".piece"
	leftover  = ".part"
	begins    = "converter piece 1\n"
	headSize  = len(begins) + 8 + 8 + sha256.Size
	forgotten = time.Hour // after which a file that is being written belongs to nobody
)

var pieceName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// Open opens a cache, and removes what has expired and what killed writers left. A folder that does not exist yet is empty.
func Open(config Config) (*Cache, error) {
	if config.Dir == "" {
		return nil, errors.New("open results: no folder is named")
	}
	if config.MaxBytes == 0 {
		config.MaxBytes = 2 << 30
	}
	c := &Cache{config: config}
	if err := c.tidy(0); err != nil {
		return nil, fmt.Errorf("open results: %w", err)
	}
	return c, nil
}

// Get returns a piece, or says that there is none.
func (c *Cache) Get(k Key, piece string) ([]byte, bool) {
	if !pieceName.MatchString(piece) {
		return nil, false
	}
	path := c.path(k, piece)
	content, err := os.ReadFile(path)
	value, written, ok := unpack(k, piece, content)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.stats.Misses++
		return nil, false
	case !ok:
		c.stats.Misses++
		c.stats.Damaged++
		c.remove(path, int64(len(content)))
		return nil, false
	case c.expired(written):
		c.stats.Misses++
		c.stats.Expired++
		c.remove(path, int64(len(content)))
		return nil, false
	default:
		c.stats.Hits++
		now := time.Now()
		_ = os.Chtimes(path, now, now) // it is removed late; it says in itself when it was written
		return value, true
	}
}

// Put keeps a piece, in place of one that has its name. One that is larger than the cache may be is not kept.
func (c *Cache) Put(k Key, piece string, value []byte) error {
	if !pieceName.MatchString(piece) {
		return fmt.Errorf("keep a piece: %q is no name of one: it has to be small letters, digits, dots, hyphens, underscores", piece)
	}
	content := pack(k, piece, time.Now(), value)
	if int64(len(content)) > c.config.MaxBytes {
		return nil
	}
	replaced, err := c.write(c.path(k, piece), content)
	if err != nil {
		return fmt.Errorf("keep a piece: %w", err)
	}
	c.mu.Lock()
	c.stats.Written++
	c.size += int64(len(content)) - replaced
	full := c.size > c.config.MaxBytes
	c.mu.Unlock()
	if !full {
		return nil
	}
	// Somewhat more is removed than must be, so that not every piece has the folder read.
	if err := c.tidy(c.config.MaxBytes / 10); err != nil {
		return fmt.Errorf("make room for results: %w", err)
	}
	return nil
}

// Forget removes all pieces of a result.
func (c *Cache) Forget(k Key) error {
	err := os.RemoveAll(c.folder(k))
	return errors.Join(err, c.tidy(0))
}

// Stats returns what the cache did so far.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Bytes = c.size
	return s
}

func (c *Cache) expired(written time.Time) bool {
	return c.config.TTL > 0 && time.Since(written) > c.config.TTL
}

// remove takes a piece away; the lock is held. That it cannot be removed, or is gone already, changes nothing.
func (c *Cache) remove(path string, size int64) bool {
	if os.Remove(path) != nil {
		return false
	}
	c.size -= size
	return true
}

func (c *Cache) folder(k Key) string {
	id := k.id()
	return filepath.Join(c.config.Dir, id[:2], id)
}

func (c *Cache) path(k Key, piece string) string { return filepath.Join(c.folder(k), piece+suffix) }

// id is different for different keys.
func (k Key) id() string {
	sum := sha256.Sum256(fmt.Appendf(k.File[:], "%d %s %d %s", len(k.Extractor), k.Extractor, len(k.Options), k.Options))
	return hex.EncodeToString(sum[:])
}

// pack makes the content of a piece's file: how it begins, when it was written, how long it is, a sum over all of it, the piece.
func pack(k Key, piece string, written time.Time, value []byte) []byte {
	content := make([]byte, 0, headSize+len(value))
	content = append(content, begins...)
	content = binary.BigEndian.AppendUint64(content, uint64(written.UnixNano())) //nolint:gosec // only its bits count
	content = binary.BigEndian.AppendUint64(content, uint64(len(value)))
	sum := check(k, piece, content, value)
	return append(append(content, sum[:]...), value...)
}

func check(k Key, piece string, head, value []byte) [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n", k.id(), piece)
	h.Write(head)
	h.Write(value)
	return [sha256.Size]byte(h.Sum(nil))
}

// unpack is the reverse of pack, and says whether the content is whole and is that piece.
func unpack(k Key, piece string, content []byte) (value []byte, written time.Time, ok bool) {
	if len(content) < headSize || string(content[:len(begins)]) != begins {
		return nil, time.Time{}, false
	}
	head, value := content[:headSize-sha256.Size], content[headSize:]
	numbers := head[len(begins):]
	if binary.BigEndian.Uint64(numbers[8:]) != uint64(len(value)) || check(k, piece, head, value) != [sha256.Size]byte(content[len(head):headSize]) {
		return nil, time.Time{}, false
	}
	return value, time.Unix(0, int64(binary.BigEndian.Uint64(numbers))), true //nolint:gosec // only its bits count
}

// write puts a file in its place, whole or not at all, and returns how large the one was that it replaced.
func (c *Cache) write(path string, content []byte) (replaced int64, err error) {
	var f *os.File
	for range 5 { // somebody who tidies may remove the folder in between
		if err = os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return 0, err
		}
		if f, err = os.CreateTemp(filepath.Dir(path), "*"+leftover); !errors.Is(err, fs.ErrNotExist) {
			break
		}
	}
	if err != nil {
		return 0, err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Close())
	now := time.Now()
	if err = errors.Join(err, os.Chtimes(f.Name(), now, now)); err == nil {
		if old, statErr := os.Stat(path); statErr == nil {
			replaced = old.Size()
		}
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(f.Name()))
	}
	return replaced, nil
}

// file is one that lies in the folder.
type file struct {
	path string
	size int64
	time time.Time // when it was used last
}

// tidy counts what there is, removes what has expired or was left by the killed, and what was not used for longest until so much
// room is free.
func (c *Cache) tidy(room int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	pieces, parts, err := c.list()
	if err != nil {
		return err
	}
	for _, p := range parts {
		if time.Since(p.time) > forgotten && os.Remove(p.path) == nil {
			c.stats.RemovedLeftover++
		}
	}
	c.size = 0
	for _, p := range pieces {
		c.size += p.size
	}
	slices.SortFunc(pieces, func(a, b file) int {
		return cmp.Or(a.time.Compare(b.time), strings.Compare(a.path, b.path))
	})
	for _, p := range pieces {
		switch {
		case c.expired(p.time):
			if c.remove(p.path, p.size) {
				c.stats.Expired++
			}
		case c.size > c.config.MaxBytes-room:
			if c.remove(p.path, p.size) {
				c.stats.Evicted++
			}
		default:
			continue
		}
		// These go only when they are empty.
		_ = os.Remove(filepath.Dir(p.path))
		_ = os.Remove(filepath.Dir(filepath.Dir(p.path)))
	}
	return nil
}

// list returns the pieces in the folder, and what is being written. What others remove meanwhile is not there.
func (c *Cache) list() (pieces, parts []file, err error) {
	err = filepath.WalkDir(c.config.Dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			return nil
		}
		var info fs.FileInfo
		if err == nil {
			info, err = entry.Info()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case strings.HasSuffix(path, suffix):
			pieces = append(pieces, file{path, info.Size(), info.ModTime()})
		case strings.HasSuffix(path, leftover):
			parts = append(parts, file{path, info.Size(), info.ModTime()})
		}
		return nil
	})
	return pieces, parts, err
}
