package harvest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"sync"

	"github.com/seed-98789ff7/converter/core"
)

// A file is a mark, parts, and the SHA-256 of all of that. A part is a letter, the lengths of what follows, and that. Numbers
// are of variable length.
//
//	a  reference to an asset, in front of the first entity that has it
//	e  entity: what is known of it, its packed form, its packed document
//	m  mishap
//	z  the rest: whose stream it is, and in which state. It is the last part
const (
	mark        = "converter harvest 1\n"
	partAsset   = 'a'
	partEntity  = 'e'
	partMishap  = 'm'
	partHeading = 'z'
)

const roomy = 64 << 10

// entry is what is known of an entity.
type entry struct {
	Head core.Head `json:"head"`
	Uses []int     `json:"uses,omitempty"` // places among the references of the stream
}

// Sheaf is a file in the making. It is safe for concurrent use. After an error it takes in nothing more, and is not to be
// bound: a stream that is not kept is read again.
type Sheaf struct {
	folder *Folder
	path   string

	mu     sync.Mutex // guards what follows
	sum    hash.Hash
	buffer []byte
	assets map[string]int // places of references
	items  int64
	bound  *core.Harvest
	err    error
}

// Begin begins the file of a stream.
func (f *Folder) Begin() (*Sheaf, error) {
	parts := filepath.Join(f.dir, partsDir)
	if err := os.MkdirAll(parts, 0o700); err != nil {
		return nil, fmt.Errorf("keep a stream: %w", err)
	}
	file, err := os.CreateTemp(parts, "*")
	if err != nil {
		return nil, fmt.Errorf("keep a stream: %w", err)
	}
	s := &Sheaf{folder: f, path: file.Name(), sum: sha256.New(), assets: map[string]int{}, buffer: []byte(mark)}
	if err := file.Close(); err != nil {
		return nil, errors.Join(err, os.Remove(s.path))
	}
	return s, nil
}

// Add adds an entity: what is known of it, the assets that it refers to, its packed form and its packed document.
func (s *Sheaf) Add(head core.Head, assets []core.AssetMapping, entity, raw []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := entry{Head: head, Uses: make([]int, len(assets))}
	for i, a := range assets {
		at, known := s.assets[a.URI]
		if !known {
			at = len(s.assets)
			s.assets[a.URI] = at
			s.part(partAsset, a)
		}
		e.Uses[i] = at
	}
	s.items++
	s.part(partEntity, e, entity, raw)
	return s.err
}

// Mishap adds an item that came to nothing, or a remark.
func (s *Sheaf) Mishap(m core.Mishap) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.part(partMishap, m)
	return s.err
}

// part wants s.mu held.
func (s *Sheaf) part(letter byte, value any, bodies ...[]byte) {
	text, err := json.Marshal(value)
	if err != nil {
		s.err = errors.Join(s.err, err)
	}
	if s.err != nil {
		return
	}
	s.buffer = append(s.buffer, letter)
	s.buffer = binary.AppendUvarint(s.buffer, uint64(len(text)))
	for _, b := range bodies {
		s.buffer = binary.AppendUvarint(s.buffer, uint64(len(b)))
	}
	s.buffer = append(s.buffer, text...)
	for _, b := range bodies {
		s.buffer = append(s.buffer, b...)
	}
	if len(s.buffer) >= roomy {
		s.flush()
	}
}

// Flush writes what is in memory, and gives that back.
func (s *Sheaf) Flush() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flush()
	s.buffer = nil
	return s.err
}

// flush wants s.mu held. The file is open while it is written to, and no longer: there may be hundreds.
func (s *Sheaf) flush() {
	if s.err != nil || len(s.buffer) == 0 {
		return
	}
	_, _ = s.sum.Write(s.buffer) // never fails
	file, err := os.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		_, err = file.Write(s.buffer)
		err = errors.Join(err, file.Close())
	}
	s.err, s.buffer = err, s.buffer[:0]
}

// Bind finishes the file. It is not found yet.
func (s *Sheaf) Bind(h core.Harvest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.Heads, h.Mishaps, h.Assets, h.Uses = nil, nil, nil, nil
	s.part(partHeading, h)
	s.flush()
	s.buffer = s.sum.Sum(nil)
	s.flush()
	if s.err == nil {
		s.bound = &h
	}
	s.buffer, s.assets = nil, nil
	return s.err
}

// Store puts a bound file in its place, where it is found from now on.
func (s *Sheaf) Store() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bound == nil || s.err != nil {
		return errors.Join(errors.New("keep a stream: it is not finished"), s.err)
	}
	place := s.folder.place(s.bound.Source, s.bound.Fingerprint)
	if err := os.MkdirAll(place, 0o700); err != nil {
		return fmt.Errorf("keep a stream: %w", err)
	}
	if err := os.Rename(s.path, filepath.Join(place, nameOf(s.bound.Stream))); err != nil {
		return fmt.Errorf("keep a stream: %w", err)
	}
	s.bound = nil
	return nil
}

// Bound says that all of the file is there.
func (s *Sheaf) Bound() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bound != nil
}

// Drop removes the file, unless it was stored.
func (s *Sheaf) Drop() error {
	if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove what is not kept of a stream: %w", err)
	}
	return nil
}
