// Package blob keeps bytes under the name of their SHA-256: pictures across runs, and the bodies of a run that are too
// large for the database.
//
// It owns the layout of the folder and the promise that whoever opens a blob gets all of it. It leaves to its callers
// which blobs are still wanted. It starts no goroutine. Errors are those of the file system; a blob that is not there
// is [ErrNotFound], and a name that is no SHA-256 is [ErrName].
//
// A blob is held in memory once while it is put, and never while it is read.
package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"time"
)

var (
	// ErrNotFound says that there is no such blob. It is a kind of fs.ErrNotExist.
	ErrNotFound = fmt.Errorf("no such blob: %w", fs.ErrNotExist)
	// ErrName says that a name is not a SHA-256 in lower case hexadecimal.
	ErrName = errors.New("not a SHA-256 in hexadecimal")
)

// AnySize makes [Store.Has] accept a blob of any size.
const AnySize = -1

// Store is a content-addressed store of bytes. All methods may be called from many goroutines and processes. The suite
// in blobtest says what an implementation has to do.
type Store interface {
	// Put keeps data and returns its name. Putting what is there already costs no write.
	Put(ctx context.Context, data []byte) (sha256 string, err error)
	// Open returns the bytes of a blob, or ErrNotFound.
	Open(ctx context.Context, sha256 string) (io.ReadCloser, error)
	// Has reports whether there is a blob of that size, or of whatever size with AnySize. One of another size is not
	// whole, and counts as absent.
	Has(ctx context.Context, sha256 string, size int64) (bool, error)
	// Remove forgets a blob; one that is not there is forgotten already.
	Remove(ctx context.Context, sha256 string) error
}

// Name returns the name of data.
func Name(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// CheckName returns [ErrName] unless name could be that of a blob, so that a name never leads out of a folder.
func CheckName(name string) error {
	if len(name) != 2*sha256.Size {
		return fmt.Errorf("blob %q: %w", name, ErrName)
	}
	for i := range len(name) {
		if c := name[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fmt.Errorf("blob %q: %w", name, ErrName)
		}
	}
	return nil
}

// Folder is a Store in a folder: ab/<sha256>, readable by its owner alone. A blob is written beside its place under
// another name and moved there when it is whole, so a file under a blob's name is always all of it.
type Folder struct{ dir string }

var _ Store = (*Folder)(nil)

// OpenFolder returns the Store in dir, which is made if it is not there.
func OpenFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open the blob folder: %w", err)
	}
	return &Folder{dir: dir}, nil
}

// Path returns where a blob lies, whether it is there or not. The name must have passed [CheckName].
func (f *Folder) Path(name string) string { return filepath.Join(f.dir, name[:2], name) }

// Put implements [Store].
func (f *Folder) Put(ctx context.Context, data []byte) (string, error) {
	name := Name(data)
	there, err := f.Has(ctx, name, int64(len(data)))
	if err != nil || there {
		return name, err
	}
	if err := f.write(name, data); err != nil {
		return "", fmt.Errorf("put blob %s: %w", name, err)
	}
	return name, nil
}

func (f *Folder) write(name string, data []byte) (err error) {
	dir := filepath.Join(f.dir, name[:2])
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	part, err := os.CreateTemp(dir, partPrefix+"*") // made 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(part.Name()))
		}
	}()
	if _, err := io.Copy(part, bytes.NewReader(data)); err != nil {
		return errors.Join(err, part.Close())
	}
	if err := part.Close(); err != nil {
		return err
	}
	// What stood there was not whole, or another process has put the same bytes meanwhile: replacing it is right.
	return os.Rename(part.Name(), f.Path(name))
}

// Open implements [Store].
func (f *Folder) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := errors.Join(ctx.Err(), CheckName(name)); err != nil {
		return nil, err
	}
	file, err := os.Open(f.Path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("blob %s: %w", name, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob: %w", err)
	}
	return file, nil
}

// Has implements [Store].
func (f *Folder) Has(ctx context.Context, name string, size int64) (bool, error) {
	if err := errors.Join(ctx.Err(), CheckName(name)); err != nil {
		return false, err
	}
	info, err := os.Lstat(f.Path(name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for blob: %w", err)
	}
	return info.Mode().IsRegular() && (size == AnySize || info.Size() == size), nil
}

// Remove implements [Store].
func (f *Folder) Remove(ctx context.Context, name string) error {
	if err := errors.Join(ctx.Err(), CheckName(name)); err != nil {
		return err
	}
	if err := os.Remove(f.Path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove blob: %w", err)
	}
	return nil
}

// Info is one file of a Folder.
type Info struct {
	Name     string // of the blob; empty: what a Put left that was killed
	Path     string
	Size     int64
	Modified time.Time
}

// All yields the files of the folder, by name. An error ends it.
func (f *Folder) All(ctx context.Context) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		dirs, err := os.ReadDir(f.dir)
		if err != nil {
			yield(Info{}, fmt.Errorf("list the blobs: %w", err))
			return
		}
		for _, dir := range dirs {
			if !dir.IsDir() || len(dir.Name()) != 2 {
				continue
			}
			if !f.list(ctx, dir.Name(), yield) {
				return
			}
		}
	}
}

// list yields the files of one of the folders in the folder, and reports whether more are wanted.
func (f *Folder) list(ctx context.Context, dir string, yield func(Info, error) bool) bool {
	entries, err := os.ReadDir(filepath.Join(f.dir, dir))
	if err = errors.Join(err, ctx.Err()); err != nil {
		yield(Info{}, fmt.Errorf("list the blobs: %w", err))
		return false
	}
	for _, e := range entries {
		info, err := e.Info()
		switch {
		case errors.Is(err, fs.ErrNotExist): // it was removed meanwhile
			continue
		case err != nil:
			yield(Info{}, fmt.Errorf("list the blobs: %w", err))
			return false
		}
		found := Info{Path: filepath.Join(f.dir, dir, e.Name()), Size: info.Size(), Modified: info.ModTime()}
		switch {
		case !info.Mode().IsRegular():
			continue
		case CheckName(e.Name()) == nil && e.Name()[:2] == dir:
			found.Name = e.Name()
		case !strings.HasPrefix(e.Name(), partPrefix):
			continue // nobody here has made it
		}
		if !yield(found, nil) {
			return false
		}
	}
	return true
}

const partPrefix = ".part-"

// Destroy removes the folder with all blobs in it.
func (f *Folder) Destroy() error {
	if err := os.RemoveAll(f.dir); err != nil {
		return fmt.Errorf("remove the blob folder: %w", err)
	}
	return nil
}
