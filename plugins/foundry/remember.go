package foundry

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"
)

// remembered are the numbers of documents of packs, kept across runs: a pack whose files are what they were is not counted again.
type remembered struct {
	file string // empty: nothing is kept

	mu     sync.Mutex // guards what follows
	counts map[string]remembrance
	dirty  bool
	hits   int64
	misses int64
}

type remembrance struct {
	Files  string         `json:"files"` // what identity says of them
	Counts map[string]int `json:"counts"`
}

// rememberedVersion is raised when counting changes.
const rememberedVersion = "1"

func remember(cacheDir string) *remembered {
	r := &remembered{counts: map[string]remembrance{}}
	if cacheDir == "" {
		return r
	}
	r.file = filepath.Join(cacheDir, "counts-"+rememberedVersion+".json")
	data, err := os.ReadFile(r.file)
	if err != nil || json.Unmarshal(data, &r.counts) != nil || r.counts == nil {
		r.counts = map[string]remembrance{} // a cache that cannot be used is none
	}
	return r
}

// of returns the numbers of a pack, counted if they are not known for these files.
func (r *remembered) of(dir, files string, count func() (map[string]int, error)) (map[string]int, error) {
	r.mu.Lock()
	known, ok := r.counts[dir]
	if ok = ok && files != "" && known.Files == files; ok {
		r.hits++
	} else if r.file != "" {
		r.misses++
	}
	r.mu.Unlock()
	if ok {
		return maps.Clone(known.Counts), nil
	}
	counts, err := count()
	if err != nil || files == "" {
		return counts, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[dir], r.dirty = remembrance{files, maps.Clone(counts)}, true
	return counts, nil
}

// save keeps what was counted. What cannot be kept is counted again.
func (r *remembered) save() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == "" || !r.dirty {
		return
	}
	data, err := json.Marshal(r.counts)
	if err != nil {
		return
	}
	if os.MkdirAll(filepath.Dir(r.file), 0o700) != nil { // nobody has needed the folder yet
		return
	}
	part, err := os.CreateTemp(filepath.Dir(r.file), "counts-*.part")
	if err != nil {
		return
	}
	_, err = part.Write(data)
	if closeErr := part.Close(); err == nil && closeErr == nil && os.Rename(part.Name(), r.file) == nil {
		r.dirty = false
		return
	}
	_ = os.Remove(part.Name()) // a part nobody reads
}

// take returns the hits and misses since it was last called.
func (r *remembered) take() (hits, misses int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	hits, misses = r.hits, r.misses
	r.hits, r.misses = 0, 0
	return hits, misses
}

// identity tells one state of the files of a pack from every other: their names, sizes and times. Empty: they cannot be looked at.
func (p pack) identity() string {
	dir, err := filepath.EvalSymlinks(p.dir) // a walk does not follow them
	if err != nil {
		return ""
	}
	sum := sha256.New()
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch e.Name() {
		case "LOCK", "LOG", "LOG.old": // nothing that is read
			return nil
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			_, err = fmt.Fprintln(sum, name, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		return ""
	}
	return hex.EncodeToString(sum.Sum(nil)[:12])
}
