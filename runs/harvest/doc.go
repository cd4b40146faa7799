// Package harvest keeps what streams brought that were read to their end, a file each, for later runs that find nothing
// changed.
//
// It owns the form of the files and the promise that one which can be found is whole: it is written beside its place, ends with
// the SHA-256 of all that stands before it, is put in its place by one rename when the run has ended well, and is read through
// and compared before anything of it is used. What is damaged, or of another form, is passed over. It leaves to its user how
// bodies are packed, what a fingerprint is made of, and when a run has ended well.
//
// Memory: 64 KiB for each stream that is being written, less after [Sheaf.Flush]; about 500 bytes for each entity and 300 for
// each reference to an asset of what was found. One open file for each stream that was found. It starts no goroutine. Errors
// are those of the file system and [ErrDamaged].
package harvest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrDamaged says that a file is not what was written.
var ErrDamaged = errors.New("the file is damaged, or of another version")

// Folder is where the files are: in folders by source and by fingerprint.
type Folder struct{ dir string }

// In returns the Folder in dir, which is made when something is kept in it.
func In(dir string) *Folder { return &Folder{dir: dir} }

// partsDir is for files in the making.
const partsDir = "new"

// leftBehind is how old the file of a killed run is when it is removed. Where several programs share a folder, one of them may be
// at work.
const leftBehind = 24 * time.Hour

func nameOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:12])
}

func (f *Folder) place(source, fingerprint string) string {
	return filepath.Join(f.dir, nameOf(source), nameOf(fingerprint))
}

// File is one file in a Folder.
type File struct {
	Path string
	Size int64
	Used time.Time // the last time that a run wrote it or took it over
	Part bool      // it is being written, or was when its run was killed
}

// Files lists all files, the one used last first.
func (f *Folder) Files() ([]File, error) {
	var list []File
	err := filepath.WalkDir(f.dir, func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			list = append(list, File{path, info.Size(), info.ModTime(), filepath.Base(filepath.Dir(path)) == partsDir})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what is kept of streams: %w", err)
	}
	slices.SortStableFunc(list, func(a, b File) int { return b.Used.Compare(a.Used) })
	return list, nil
}

// Limits say what is kept.
type Limits struct {
	Bytes int64         // of all files together; those used last stay
	Age   time.Duration // since a file was used
	// Alone says that nobody else writes to the folder: what is in the making there was left by a killed run.
	Alone bool
}

// Prune removes what is beyond the limits, or only lists it.
func (f *Folder) Prune(l Limits, now time.Time, dryRun bool) (gone []File, err error) {
	files, err := f.Files()
	if err != nil {
		return nil, err
	}
	sum := int64(0)
	for _, file := range files {
		sum += file.Size
		old := now.Sub(file.Used)
		if file.Part {
			sum -= file.Size
		}
		switch {
		case file.Part && !l.Alone && old < leftBehind:
			continue
		case !file.Part && sum <= l.Bytes && old <= l.Age:
			continue
		}
		if !dryRun {
			if err := os.Remove(file.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return gone, fmt.Errorf("remove what is kept of a stream: %w", err)
			}
			// The folders around it go with the last file in them.
			_ = os.Remove(filepath.Dir(file.Path))
			_ = os.Remove(filepath.Dir(filepath.Dir(file.Path)))
		}
		gone = append(gone, file)
	}
	return gone, nil
}
