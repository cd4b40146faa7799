package keep

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// FilesConfig says where files are kept that others open, and for whom.
type FilesConfig struct {
	Dir      string        // which is made when it is needed
	TTL      time.Duration // after which a file goes that nobody has used meanwhile; default: for ever
	MaxBytes int64         // that all files together take, but for those in use; default: 2 GiB
	// User is a folder that is there for as long as what is used here must stay; default: it must until the program ends.
	User string
}

// Files keeps files under the SHA-256 of their bytes, for others to open by their path. It may be used by several goroutines, and
// by several programs on one folder.
//
//	<sha256>          a file; nothing of it is touched once it is there: others know by its times that it has not changed
//	used/<sha256>     when it was used last, by its own time
//	users/<id>        since when a user is there, and the folder that says so
//
// What was used since the first of the users came that are still there stays, whatever the bounds say.
type Files struct {
	config FilesConfig
	slack  time.Duration // for which more is held to be in use

	mu    sync.Mutex // guards what follows
	since time.Time  // when this user came; zero: it has not used anything
	known bool       // size is
	size  int64      // of all files, as far as this program knows
	due   int64      // size at which it is looked again what can go
	stats FilesStats
}

// FilesStats is what was done since the files were opened.
type FilesStats struct {
	Files, Bytes     int64 // that are there, when they were last looked through
	Written          int64
	Evicted, Expired int64
}

const (
	usedDir  = "used"
	usersDir = "users"
	newFile  = ".new-"         // begins the name of a file that is being written
	oldFile  = ".old-"         // and of one that is being removed
	coarse   = 2 * time.Second // is what some file systems make of times
)

var sumName = regexp.MustCompile(`^[0-9a-f]{64}$`)

// NewFiles returns the files of a folder. It does not look at them yet.
func NewFiles(config FilesConfig) *Files {
	if config.MaxBytes == 0 {
		config.MaxBytes = 2 << 30
	}
	return &Files{config: config, slack: coarse}
}

// Put keeps the bytes of a file, and returns their SHA-256 and where they are.
func (f *Files) Put(data []byte) (sum, path string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	hash := sha256.Sum256(data)
	sum = hex.EncodeToString(hash[:])
	if path, err = f.put(sum, data); err != nil {
		return "", "", fmt.Errorf("keep a file: %w", err)
	}
	return sum, path, nil
}

// put wants f.mu held.
func (f *Files) put(sum string, data []byte) (string, error) {
	if f.config.Dir == "" {
		return "", errors.New("no folder is named")
	}
	if !f.known {
		if err := f.tidy(0); err != nil {
			return "", err
		}
	}
	if path, ok := f.use(sum, int64(len(data))); ok {
		return path, nil
	}
	if err := f.mark(sum); err != nil { // why it cannot be is what use does not say
		return "", err
	}
	path := filepath.Join(f.config.Dir, sum)
	if err := Replace(path, data); err != nil {
		return "", err
	}
	f.stats.Written++
	if f.size += int64(len(data)); f.size <= f.due {
		return path, nil
	}
	return path, f.tidy(f.config.MaxBytes / 10)
}

// Use says where the file of a sum is, and that it is needed for as long as its user is there; or that there is none of that size.
func (f *Files) Use(sum string, size int64) (path string, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.use(sum, size)
}

// use wants f.mu held. A file is marked first and looked for then; who removes it does the reverse, and puts it back.
func (f *Files) use(sum string, size int64) (path string, ok bool) {
	path = filepath.Join(f.config.Dir, sum)
	if f.config.Dir == "" || !sumName.MatchString(sum) || !isFile(path, size) || f.mark(sum) != nil {
		return "", false
	}
	return path, isFile(path, size)
}

func isFile(path string, size int64) bool {
	info, err := os.Lstat(path)
	return err == nil && info.Mode().IsRegular() && info.Size() == size
}

// mark notes that a file is used now. It wants f.mu held.
func (f *Files) mark(sum string) error {
	if err := f.begin(); err != nil {
		return err
	}
	path, now := filepath.Join(f.config.Dir, usedDir, sum), time.Now()
	if now.Before(f.since) { // somebody has set the clock
		now = f.since
	}
	err := os.Chtimes(path, now, now)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	return os.Chtimes(path, now, now)
}

// begin says to others that this user is there, if it has not been said. One that was killed and is there again came when it did
// first. It wants f.mu held.
func (f *Files) begin() error {
	if !f.since.IsZero() {
		return nil
	}
	since := time.Now()
	if f.config.User != "" {
		sum := sha256.Sum256([]byte(f.config.User))
		path := filepath.Join(f.config.Dir, usersDir, hex.EncodeToString(sum[:16]))
		if before, _, ok := user(path); ok {
			since = before
		} else if err := Replace(path, fmt.Appendf(nil, "%d\n%s", since.UnixNano(), f.config.User)); err != nil {
			return err
		}
	}
	f.since = since
	return nil
}

// user reads since when a user is there, and its folder.
func user(path string) (since time.Time, folder string, ok bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return since, "", false
	}
	number, folder, found := strings.Cut(string(text), "\n")
	nanos, err := strconv.ParseInt(number, 10, 64)
	return time.Unix(0, nanos), folder, found && err == nil
}

// inUse is the time since which everything that was used stays. Users that are gone are forgotten. It wants f.mu held.
func (f *Files) inUse() (time.Time, error) {
	first := f.since
	entries, err := os.ReadDir(filepath.Join(f.config.Dir, usersDir))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return first, err
	}
	for _, e := range entries {
		path := filepath.Join(f.config.Dir, usersDir, e.Name())
		since, folder, ok := user(path)
		if !ok { // it is being written, or what a killed one left
			if info, err := e.Info(); err != nil || time.Since(info.ModTime()) < forgotten {
				continue
			}
		}
		if _, err := os.Stat(folder); !ok || errors.Is(err, fs.ErrNotExist) {
			_ = os.Remove(path) // tried again the next time
			continue
		}
		if since.Before(first) {
			first = since
		}
	}
	return first.Add(-f.slack), nil
}

// Tidy removes files that nobody has used for too long, and those that were not used for longest until the others are within the
// bound; and what killed programs have left.
func (f *Files) Tidy() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.tidy(0); err != nil {
		return fmt.Errorf("tidy files: %w", err)
	}
	return nil
}

// Stats returns what was done so far.
func (f *Files) Stats() FilesStats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// tidy wants f.mu held. Room is what is free of the bound when something has to go.
func (f *Files) tidy(room int64) error {
	if _, err := os.Stat(f.config.Dir); errors.Is(err, fs.ErrNotExist) {
		f.known, f.due = true, f.config.MaxBytes
		return nil
	}
	if err := f.begin(); err != nil {
		return err
	}
	inUse, err := f.inUse()
	if err != nil {
		return err
	}
	files, err := f.list(inUse)
	if err != nil {
		return err
	}
	f.size, f.stats.Files = 0, int64(len(files))
	for _, one := range files {
		f.size += one.size
	}
	for _, one := range files {
		expired := f.config.TTL > 0 && time.Since(one.time) > f.config.TTL
		if !one.time.Before(inUse) || !expired && f.size <= f.config.MaxBytes-room {
			break
		}
		if !f.remove(one, inUse) {
			continue
		}
		f.size -= one.size
		f.stats.Files--
		if expired {
			f.stats.Expired++
		} else {
			f.stats.Evicted++
		}
	}
	// What is in use may be more than the bound. It is not looked through again for each file.
	f.known, f.due, f.stats.Bytes = true, max(f.config.MaxBytes, f.size+f.config.MaxBytes/10), f.size
	return nil
}

// list returns the files with the times at which they were used, those first that were not for longest.
func (f *Files) list(inUse time.Time) (files []file, err error) {
	marks, err := inFolder(filepath.Join(f.config.Dir, usedDir))
	if err != nil {
		return nil, err
	}
	found, err := inFolder(f.config.Dir)
	if err != nil {
		return nil, err
	}
	for name, info := range found {
		path := filepath.Join(f.config.Dir, name)
		if sum, is := strings.CutPrefix(name, oldFile); is && sumName.MatchString(sum) { // who removed it was killed: it is decided anew
			_ = os.Rename(path, filepath.Join(f.config.Dir, sum))
			continue
		}
		if strings.HasPrefix(name, newFile) && time.Since(info.ModTime()) > forgotten {
			_ = os.Remove(path) // tried again the next time
		}
		if !sumName.MatchString(name) {
			continue
		}
		one := file{path, info.Size(), info.ModTime()}
		if mark, ok := marks[name]; ok {
			one.time = mark.ModTime()
		}
		files = append(files, one)
	}
	for name, mark := range marks {
		if _, there := found[name]; !there && mark.ModTime().Before(inUse) {
			_ = os.Remove(filepath.Join(f.config.Dir, usedDir, name)) // tried again the next time
		}
	}
	slices.SortFunc(files, func(a, b file) int {
		return cmp.Or(a.time.Compare(b.time), strings.Compare(a.path, b.path))
	})
	return files, nil
}

// inFolder lists the regular files of a folder, by name.
func inFolder(dir string) (map[string]fs.FileInfo, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	found := map[string]fs.FileInfo{}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && info.Mode().IsRegular() { // others may have removed it
			found[e.Name()] = info
		}
	}
	return found, nil
}

// remove removes a file, unless somebody begins to use it at the same time.
func (f *Files) remove(one file, inUse time.Time) bool {
	sum := filepath.Base(one.path)
	aside, mark := filepath.Join(f.config.Dir, oldFile+sum), filepath.Join(f.config.Dir, usedDir, sum)
	if os.Rename(one.path, aside) != nil {
		return false
	}
	if info, err := os.Lstat(mark); err == nil && !info.ModTime().Before(inUse) {
		_ = os.Rename(aside, one.path) // else it is as if it had never been there
		return false
	}
	if os.Remove(aside) != nil {
		return false
	}
	_ = os.Remove(mark) // one that is left goes the next time
	return true
}

// Replace puts a file in its place, whole or not at all, and makes the folder if need be.
func Replace(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), newFile+"*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		if gone := os.Remove(f.Name()); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
