package archive

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// largestManifest is enough for a million files.
const largestManifest = 256 << 20

// Archive is a backup to be read. That its files are what the manifest says is found out while they are unpacked.
type Archive struct {
	path     string
	zip      *zip.ReadCloser
	manifest Manifest
	entries  map[string]*zip.File
}

// Open opens a backup, whose manifest and list of files belong together. If they do not, the error is a [FileError].
func Open(path string) (*Archive, error) {
	z, err := zip.OpenReader(path)
	if errors.Is(err, zip.ErrFormat) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, zip.ErrInsecurePath) {
		return nil, &FileError{path, "it is no zip file, or not a whole one"}
	}
	if err != nil {
		return nil, err
	}
	a := &Archive{path: path, zip: z, entries: map[string]*zip.File{}}
	if err := a.read(); err != nil {
		return nil, errors.Join(&FileError{path, err.Error()}, z.Close())
	}
	return a, nil
}

// read reads the manifest and compares it with the list of files.
func (a *Archive) read() error {
	for _, f := range a.zip.File {
		if a.entries[f.Name] != nil {
			return fmt.Errorf("it holds %q twice", f.Name)
		}
		if !f.Mode().IsRegular() {
			return fmt.Errorf("%q in it is no ordinary file", f.Name)
		}
		a.entries[f.Name] = f
	}
	entry := a.entries[manifestName]
	if entry == nil {
		return errors.New("it has no manifest.json, so it is no backup, or not a whole one")
	}
	delete(a.entries, manifestName)
	if entry.UncompressedSize64 > largestManifest {
		return fmt.Errorf("its manifest is said to have %d bytes", entry.UncompressedSize64)
	}
	reader, err := entry.Open()
	if err != nil {
		return fmt.Errorf("its manifest cannot be read: %w", err)
	}
	err = json.NewDecoder(io.LimitReader(reader, largestManifest)).Decode(&a.manifest)
	if err = errors.Join(err, reader.Close()); err != nil {
		return fmt.Errorf("its manifest cannot be read: %w", err)
	}
	if err := a.manifest.check(); err != nil {
		return err
	}
	for _, f := range a.manifest.Files {
		switch entry := a.entries[f.Name]; {
		case entry == nil:
			return fmt.Errorf("%q is missing from it", f.Name)
		case entry.UncompressedSize64 != uint64(f.Bytes): //nolint:gosec // checked not to be negative
			return fmt.Errorf("%q has %d bytes, and should have %d", f.Name, entry.UncompressedSize64, f.Bytes)
		}
	}
	if more := len(a.entries) - len(a.manifest.Files); more > 0 {
		return fmt.Errorf("%d files in it are not in its manifest", more)
	}
	return nil
}

// Manifest returns what the backup is said to hold.
func (a *Archive) Manifest() Manifest { return a.manifest }

// Extract unpacks all files below dir, which must be new, and compares each with the manifest on the way: no byte more is
// written than it says. Told is called after each file.
func (a *Archive) Extract(ctx context.Context, dir string, told func(File)) error {
	if a.manifest.Type == Full {
		for _, part := range []string{"blobs", "bodies"} { // there may be none
			if err := os.MkdirAll(filepath.Join(dir, part), 0o700); err != nil {
				return err
			}
		}
	}
	for _, f := range a.manifest.Files {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := a.extract(f, filepath.Join(dir, filepath.FromSlash(f.Name))); err != nil {
			return err
		}
		told(f)
	}
	return nil
}

func (a *Archive) extract(f File, path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	reader, err := a.entries[f.Name].Open()
	if err != nil {
		return &FileError{a.path, fmt.Sprintf("%q: %v", f.Name, err)}
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return errors.Join(err, reader.Close())
	}
	sum := sha256.New()
	from := &reading{Reader: io.LimitReader(reader, f.Bytes+1)}
	n, err := io.Copy(io.MultiWriter(file, sum), from)
	err = errors.Join(err, file.Close(), reader.Close())
	switch {
	case from.err != nil:
		return &FileError{a.path, fmt.Sprintf("%q in it is damaged: %v", f.Name, from.err)}
	case err != nil:
		return err
	case n != f.Bytes:
		return &FileError{a.path, fmt.Sprintf("%q has not the %d bytes it should have", f.Name, f.Bytes)}
	case hex.EncodeToString(sum.Sum(nil)) != f.SHA256:
		return &FileError{a.path, fmt.Sprintf("%q in it is damaged: its SHA-256 is another one", f.Name)}
	}
	return nil
}

// Close closes the file.
func (a *Archive) Close() error { return a.zip.Close() }

// reading tells failures of the backup from those of the disk that it is unpacked to.
type reading struct {
	io.Reader
	err error
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
