package archive

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// Writer writes a backup: beside its place, under which it appears when it is whole.
type Writer struct {
	path  string
	part  *os.File
	zip   *zip.Writer
	made  time.Time
	files []File
}

// Create begins a backup that will be at path, where nothing may be yet.
func Create(path string, made time.Time) (*Writer, error) {
	if err := vacant(path); err != nil {
		return nil, err
	}
	part, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".part-*") // made 0600
	if err != nil {
		return nil, err
	}
	return &Writer{path: path, part: part, zip: zip.NewWriter(part), made: made.UTC()}, nil
}

func vacant(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(fmt.Errorf("%s is there already: give another name, nothing is written over", path), err)
	}
	return nil
}

// Add adds a file. Pictures are packed already, so only others are compressed.
func (w *Writer) Add(name string, content io.Reader) error {
	method := zip.Deflate
	if blobName.MatchString(name) && name[0:5] == "blobs" {
		method = zip.Store
	}
	into, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method, Modified: w.made})
	if err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(into, sum), content)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	w.files = append(w.files, File{Name: name, Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))})
	return nil
}

// Commit ends the backup and puts it in its place. Form, time and files of m are set here. It returns what it became,
// and how large it is.
func (w *Writer) Commit(m Manifest) (Manifest, int64, error) {
	m.Format, m.Made, m.Files = format, w.made.Format(time.RFC3339), w.files
	if err := m.check(); err != nil {
		return m, 0, fmt.Errorf("write the backup: %w", err)
	}
	into, err := w.zip.CreateHeader(&zip.FileHeader{Name: manifestName, Method: zip.Deflate, Modified: w.made})
	if err != nil {
		return m, 0, err
	}
	encoder := json.NewEncoder(into)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(m); err != nil {
		return m, 0, err
	}
	if err := errors.Join(w.zip.Close(), w.part.Sync()); err != nil {
		return m, 0, err
	}
	info, err := w.part.Stat()
	if err = errors.Join(err, w.part.Close(), vacant(w.path)); err != nil {
		return m, 0, err
	}
	return m, info.Size(), os.Rename(w.part.Name(), w.path)
}

// Abort removes what was written, unless it was committed.
func (w *Writer) Abort() error {
	_ = w.part.Close() // it may be closed
	if err := os.Remove(w.part.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Path is where the backup will be.
func (w *Writer) Path() string { return w.path }
