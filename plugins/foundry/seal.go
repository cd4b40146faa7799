package foundry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// seals name the content of packs' files, by the SHA-256 of their names and bytes. What was hashed once is not hashed again while
// the files are what they were: same device and number, size, and times of their last change. That is only taken for granted
// when the files had rested before they were hashed: a file that is written twice within one tick of the clock looks the same.
type seals struct {
	file string // empty: nothing is kept

	mu    sync.Mutex // guards what follows
	kept  map[string]seal
	dirty bool
}

// seal is the content of files at one moment.
type seal struct {
	Files  string `json:"files"`  // what tells the files from others
	Newest int64  `json:"newest"` // last change of any, in ns
	At     int64  `json:"at"`     // when they were hashed
	Sum    string `json:"sum"`
}

const (
	sealVersion = "1"
	// rest is how long files have to be left alone before their times say that they are the same. File systems keep times to
	// two seconds at the worst.
	rest = 3 * time.Second
)

var errMoving = errors.New("the files change while they are looked at")

func openSeals(cacheDir string) *seals {
	s := &seals{kept: map[string]seal{}}
	if cacheDir == "" {
		return s
	}
	s.file = filepath.Join(cacheDir, "seals-"+sealVersion+".json")
	data, err := os.ReadFile(s.file)
	if err != nil || json.Unmarshal(data, &s.kept) != nil || s.kept == nil {
		s.kept = map[string]seal{} // a cache that cannot be used is none
	}
	return s
}

// of returns the seal of the files of a pack. Files that are not there have one too.
func (s *seals) of(name string) (seal, error) {
	now := seal{At: time.Now().UnixNano()}
	known, err := now.look(name)
	if err != nil {
		return seal{}, err
	}
	s.mu.Lock()
	was := s.kept[name]
	s.mu.Unlock()
	if known && was.Files == now.Files && was.Newest < was.At-int64(rest) {
		return was, nil
	}
	if now.Sum, err = sumOfFiles(name); err != nil {
		return seal{}, err
	}
	if !now.holds(name) {
		return seal{}, errMoving
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[name], s.dirty = now, true
	return now, nil
}

// holds says whether the files are still what they were.
func (s seal) holds(name string) bool {
	var again seal
	_, err := again.look(name)
	return err == nil && again.Files == s.Files
}

// look finds out what tells the files from others. Known is false where the system does not say enough for that to be
// certain.
func (s *seal) look(name string) (known bool, err error) {
	known = true
	sum := sha256.New()
	err = eachFile(name, func(path string, info fs.FileInfo) error {
		what, changed, ok := identityOf(info)
		known = known && ok
		s.Newest = max(s.Newest, info.ModTime().UnixNano(), changed)
		_, err := fmt.Fprintln(sum, path, info.Size(), info.ModTime().UnixNano(), what)
		return err
	})
	s.Files = hex.EncodeToString(sum.Sum(nil)[:12])
	return known, err
}

func sumOfFiles(name string) (string, error) {
	sum := sha256.New()
	err := eachFile(name, func(path string, info fs.FileInfo) error {
		rel, err := filepath.Rel(filepath.Dir(name), path)
		if err != nil {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		if _, err = fmt.Fprintf(sum, "%q %d\n", filepath.ToSlash(rel), info.Size()); err == nil {
			_, err = io.Copy(sum, file)
		}
		return errors.Join(err, file.Close())
	})
	return hex.EncodeToString(sum.Sum(nil)), err
}

// eachFile visits the plain files of a pack, in order: those of its folder, or its file and the copy that NeDB leaves. What is
// never read is left out.
func eachFile(name string, visit func(path string, info fs.FileInfo) error) error {
	for _, name := range []string{name, name + "~"} {
		dir, err := filepath.EvalSymlinks(name) // a walk does not follow them
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			switch e.Name() {
			case "LOCK", "LOG", "LOG.old":
				return nil
			}
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() {
				return err
			}
			return visit(name+path[len(dir):], info)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// save keeps what was hashed. What cannot be kept is hashed again.
func (s *seals) save() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == "" || !s.dirty {
		return
	}
	data, err := json.Marshal(s.kept)
	if err == nil && put(s.file, data) == nil {
		s.dirty = false
	}
}

// put puts a file in the place of the one before, whole.
func put(name string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil { // nobody has needed the folder yet
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	_, err = part.Write(data)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}
