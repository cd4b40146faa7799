package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Quarantine is which assets killed the processes that rendered them. They are few, and lie in a file of the library's folder: what
// kills a process on one machine need not do so on another. It is safe for concurrent use.
type Quarantine struct {
	path string

	mu     sync.Mutex // guards what follows
	loaded bool
	inside map[string]inmate // by asset and renderer
}

type inmate struct {
	Why  string `json:"why"`
	When int64  `json:"when_ms"`
}

// quarantineAge is after how long an asset is tried again: it may have been the machine's fault.
const quarantineAge = 30 * 24 * time.Hour

// quarantineMost is how many are remembered. Whoever has more pictures that kill processes has another problem than those.
const quarantineMost = 10_000

// Quarantine returns which assets killed the processes that rendered them.
func (l *Library) Quarantine() *Quarantine { return l.quarantine }

func inmateKey(assetID, renderer string) string { return assetID + " " + renderer }

// Why returns what was said of an asset that killed a renderer, empty when it did not.
func (q *Quarantine) Why(assetID, renderer string) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.load()
	i := q.inside[inmateKey(assetID, renderer)]
	if time.Since(time.UnixMilli(i.When)) > quarantineAge {
		return ""
	}
	return i.Why
}

// Put takes an asset in, unless there are 10,000.
func (q *Quarantine) Put(assetID, renderer, why string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.load()
	key := inmateKey(assetID, renderer)
	if _, known := q.inside[key]; !known && len(q.inside) >= quarantineMost {
		return nil
	}
	q.inside[key] = inmate{why, time.Now().UnixMilli()}
	return q.save()
}

// Release lets an asset out.
func (q *Quarantine) Release(assetID, renderer string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.load()
	delete(q.inside, inmateKey(assetID, renderer))
	return q.save()
}

// Count is how many there are.
func (q *Quarantine) Count() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.load()
	return int64(len(q.inside))
}

// Clear lets all out.
func (q *Quarantine) Clear() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.loaded, q.inside = true, map[string]inmate{}
	return q.save()
}

// load wants q.mu held. What cannot be read is forgotten: then an asset is tried once more.
func (q *Quarantine) load() {
	if q.loaded {
		return
	}
	q.loaded = true
	text, err := os.ReadFile(q.path)
	if err != nil || json.Unmarshal(text, &q.inside) != nil || q.inside == nil {
		q.inside = map[string]inmate{}
	}
	for key, i := range q.inside {
		if time.Since(time.UnixMilli(i.When)) > quarantineAge {
			delete(q.inside, key)
		}
	}
}

// save wants q.mu held.
func (q *Quarantine) save() (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("keep which pictures killed their workers: %w", err)
		}
	}()
	if len(q.inside) == 0 {
		if err := os.Remove(q.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	text, err := json.MarshalIndent(q.inside, "", " ")
	if err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(q.path), filepath.Base(q.path)+"-*.part")
	if err != nil {
		return err
	}
	_, err = part.Write(text)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), q.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	return nil
}
