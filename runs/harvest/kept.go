package harvest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// Kept is a file that was found and is whole. It stays readable until it is closed, whatever becomes of its name.
type Kept struct {
	core.Harvest

	file   *os.File
	bodies []span // by entity
}

// span is where the bodies of an entity are.
type span struct{ at, entity, raw int64 }

// Find returns what is kept of a source under a fingerprint. Files that cannot be used are passed over; what is wrong with them
// is in the error. The rest is to be closed.
func (f *Folder) Find(source, fingerprint string) ([]*Kept, error) {
	place := f.place(source, fingerprint)
	entries, err := os.ReadDir(place)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look for what is kept of source %q: %w", source, err)
	}
	var list []*Kept
	var faults []error
	for _, e := range entries {
		k, err := open(filepath.Join(place, e.Name()))
		if err == nil && (k.Source != source || k.Fingerprint != fingerprint || nameOf(k.Stream) != e.Name()) {
			err = errors.Join(fmt.Errorf("%s: %w", e.Name(), ErrDamaged), k.Close())
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("what is kept of source %q: %w", source, err))
			continue
		}
		list = append(list, k)
	}
	return list, errors.Join(faults...)
}

func open(path string) (*Kept, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	k := &Kept{file: file}
	r := reader{from: bufio.NewReaderSize(file, roomy), sum: sha256.New()}
	if err := r.all(k); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), file.Close())
	}
	return k, nil
}

// reader reads a file through, and sums up what it reads.
type reader struct {
	from *bufio.Reader
	sum  hash.Hash
	at   int64
}

// maxPart is longer than any part: lengths beyond it are no lengths.
const maxPart = 1 << 30

// all reads everything but the bodies of the entities, whose places it notes.
func (r *reader) all(k *Kept) error {
	start, err := r.take(int64(len(mark)))
	if err != nil || string(start) != mark {
		return errors.Join(ErrDamaged, err)
	}
	for {
		letter, err := r.ReadByte()
		if err != nil {
			return errors.Join(ErrDamaged, err)
		}
		switch letter {
		case partAsset:
			var a core.AssetMapping
			err = r.value(&a)
			k.Assets = append(k.Assets, a)
		case partMishap:
			var m core.Mishap
			err = r.value(&m)
			k.Mishaps = append(k.Mishaps, m)
		case partEntity:
			err = r.entity(k)
		case partHeading:
			if err = r.value(&k.Harvest); err == nil {
				return r.end()
			}
		default:
			err = ErrDamaged
		}
		if err != nil {
			return errors.Join(ErrDamaged, err)
		}
	}
}

func (r *reader) entity(k *Kept) error {
	lengths, err := r.lengths(3)
	if err != nil {
		return err
	}
	text, err := r.take(lengths[0])
	if err != nil {
		return err
	}
	var e entry
	if err := json.Unmarshal(text, &e); err != nil {
		return err
	}
	if slices.ContainsFunc(e.Uses, func(i int) bool { return i < 0 || i >= len(k.Assets) }) {
		return ErrDamaged
	}
	k.Heads, k.Uses = append(k.Heads, e.Head), append(k.Uses, e.Uses)
	k.bodies = append(k.bodies, span{r.at, lengths[1], lengths[2]})
	return r.pass(lengths[1] + lengths[2])
}

// end compares the sum.
func (r *reader) end() error {
	want := r.sum.Sum(nil)
	got := make([]byte, len(want)+1)
	if n, err := io.ReadFull(r.from, got); n != len(want) || !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Equal(got[:n], want) {
		return ErrDamaged
	}
	return nil
}

func (r *reader) value(into any) error {
	lengths, err := r.lengths(1)
	if err != nil {
		return err
	}
	text, err := r.take(lengths[0])
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func (r *reader) lengths(n int) ([]int64, error) {
	list := make([]int64, n)
	for i := range list {
		v, err := binary.ReadUvarint(r)
		if err != nil || v > maxPart {
			return nil, errors.Join(ErrDamaged, err)
		}
		list[i] = int64(v)
	}
	return list, nil
}

// ReadByte implements [io.ByteReader].
func (r *reader) ReadByte() (byte, error) {
	b, err := r.from.ReadByte()
	if err == nil {
		_, _ = r.sum.Write([]byte{b}) // never fails
		r.at++
	}
	return b, err
}

func (r *reader) take(n int64) ([]byte, error) {
	var b bytes.Buffer // a length that is none takes no memory
	if _, err := io.CopyN(io.MultiWriter(&b, r.sum), r.from, n); err != nil {
		return nil, err
	}
	r.at += n
	return b.Bytes(), nil
}

func (r *reader) pass(n int64) error {
	_, err := io.CopyN(r.sum, r.from, n)
	r.at += n
	return err
}

// Bodies returns the packed form and the packed document of an entity, by its place among the heads.
func (k *Kept) Bodies(i int) (entity, raw []byte, err error) {
	s := k.bodies[i]
	both := make([]byte, s.entity+s.raw)
	if _, err := k.file.ReadAt(both, s.at); err != nil {
		return nil, nil, fmt.Errorf("read back what was kept of stream %q: %w", k.Stream, err)
	}
	return both[:s.entity:s.entity], both[s.entity:], nil
}

// Use notes that the file was of use.
func (k *Kept) Use(now time.Time) error { return os.Chtimes(k.file.Name(), now, now) }

// Close lets go of the file.
func (k *Kept) Close() error { return k.file.Close() }
