package archive

import (
	"errors"
	"fmt"
	"math"
	"regexp"
)

// Type is how much a backup holds.
type Type string

// The types of backups.
const (
	Full     Type = "full"     // database, pictures and large bodies
	Database Type = "database" // the database alone
)

// Names in a backup. Bodies and pictures have the names that they have in the state folder.
const (
	DatabaseName = "database.sqlite"
	manifestName = "manifest.json"
)

const format = 1 // of the manifest

// Manifest says what a backup is and what it holds. It is the last file in it.
type Manifest struct {
	Format  int    `json:"format"`
	Type    Type   `json:"type"`
	Program string `json:"program"` // version of the converter that made it
	Node    string `json:"node"`    // version of the rqlited that had the database
	Made    string `json:"made"`    // RFC 3339, UTC
	Schema  int    `json:"schema"`  // how many steps of the schema the database has taken
	Files   []File `json:"files"`
}

// File is one file of a backup.
type File struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Bytes is how many all files have together.
func (m Manifest) Bytes() int64 {
	var sum int64
	for _, f := range m.Files {
		sum += f.Bytes
	}
	return sum
}

// Database is how many bytes the database has.
func (m Manifest) Database() int64 {
	for _, f := range m.Files {
		if f.Name == DatabaseName {
			return f.Bytes
		}
	}
	return 0
}

// FileError says that a file is no backup that can be used, and what is wrong with it.
type FileError struct {
	Path   string
	Reason string
}

// Error names the file, what is wrong with it and what to do.
func (e *FileError) Error() string {
	return fmt.Sprintf("%s cannot be used: %s; nothing was changed, try another backup", e.Path, e.Reason)
}

// A name says where its file goes, so these are all that there may be. Blobs are named by their content.
var (
	blobName = regexp.MustCompile(`^(?:blobs|bodies/(?:compendium/)?[1-9][0-9]{0,9})/([0-9a-f]{2})/([0-9a-f]{64})$`)
	sumText  = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// check returns what is wrong with the manifest.
func (m Manifest) check() error {
	switch {
	case m.Format > format:
		return fmt.Errorf("a newer version of the program made it (form %d, this one knows %d): update the program", m.Format, format)
	case m.Format != format:
		return errors.New("it does not say what form it has")
	case m.Type != Full && m.Type != Database:
		return fmt.Errorf("it is of the unknown type %q", m.Type)
	case m.Schema < 0:
		return fmt.Errorf("it claims the version %d of its schema", m.Schema)
	}
	seen := map[string]bool{}
	left := int64(math.MaxInt64)
	for _, f := range m.Files {
		if err := f.check(m.Type); err != nil {
			return err
		}
		if seen[f.Name] {
			return fmt.Errorf("it names %q twice", f.Name)
		}
		seen[f.Name] = true
		if left -= f.Bytes; left < 0 {
			return errors.New("its files are larger than any disk")
		}
	}
	if !seen[DatabaseName] {
		return errors.New("it has no database")
	}
	return nil
}

func (f File) check(t Type) error {
	if f.Bytes < 0 || !sumText.MatchString(f.SHA256) {
		return fmt.Errorf("it does not say size and SHA-256 of %q", f.Name)
	}
	if f.Name == DatabaseName {
		return nil
	}
	parts := blobName.FindStringSubmatch(f.Name)
	switch {
	case parts == nil || t != Full:
		return fmt.Errorf("it holds %q, which does not belong into a backup", f.Name)
	case parts[1] != parts[2][:2] || parts[2] != f.SHA256:
		return fmt.Errorf("%q is not named by its content", f.Name)
	}
	return nil
}
