package runs

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/harvest"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// Amount is how many of something there are, and how large they are together.
type Amount struct {
	Kind  string `json:"kind,omitempty"`
	Count int64  `json:"count"`
	Bytes int64  `json:"bytes"`
}

func (a *Amount) add(bytes int64) {
	a.Count++
	a.Bytes += bytes
}

// cacheTables are the tables whose rows spare work to later runs, and what their rows take. A further cache gets a line
// here.
var cacheTables = map[string]string{
	"pictures":      `length(asset_id)+length(recipe)+length(body)`,
	"cache_entries": `length(cache)+length(key)+length(checksum)+length(value)`,
}

// CacheStats are the numbers of what later runs need not make again.
type CacheStats struct {
	Tables  []Amount `json:"tables"`  // rows, by table
	Blobs   Amount   `json:"blobs"`   // all files of pictures
	Kinds   []Amount `json:"kinds"`   // the same by resolution, those that rows name
	Unused  Amount   `json:"unused"`  // those that no row names
	Missing Amount   `json:"missing"` // those that rows name and that are not there, or not in full
	Bodies  Amount   `json:"bodies"`  // large bodies of runs and the compendium
	Streams Amount   `json:"streams"` // files of streams that later runs may take over
	Files   Amount   `json:"files"`   // of sources, of which it is known what they held
	// Quarantined is how many pictures killed what rendered them, and are not tried again.
	Quarantined int64    `json:"quarantined"`
	Fetched     []Amount `json:"fetched"` // what plugins and the web's pictures keep, by folder
}

// CacheStats counts what is cached.
func (l *Library) CacheStats(ctx context.Context) (CacheStats, error) {
	s, err := l.cacheStats(ctx)
	if err != nil {
		return s, fmt.Errorf("count what is cached: %w", err)
	}
	return s, nil
}

func (l *Library) cacheStats(ctx context.Context) (s CacheStats, err error) {
	for _, table := range slices.Sorted(maps.Keys(cacheTables)) {
		rows, err := l.client.Query(ctx, rqlite.Statement{
			SQL: `SELECT COUNT(*),COALESCE(SUM(` + cacheTables[table] + `),0) FROM ` + table,
		})
		if err != nil {
			return s, err
		}
		a := Amount{Kind: table}
		rows.Next()
		if err := rows.Scan(&a.Count, &a.Bytes); err != nil {
			return s, err
		}
		s.Tables = append(s.Tables, a)
	}
	present, err := l.present(ctx)
	if err != nil {
		return s, err
	}
	for _, size := range present {
		s.Blobs.add(size)
	}
	kinds := map[string]*Amount{}
	for p, err := range l.pictureRows(ctx) {
		if err != nil {
			return s, err
		}
		for _, r := range p.asset.Renditions {
			key, _ := nameOf(r.SHA256)
			size, there := present[key]
			switch {
			case size == counted:
				continue // another row names it as well
			case !there || size != r.Bytes:
				s.Missing.add(r.Bytes)
				continue
			}
			present[key] = counted
			if kinds[r.Resolution] == nil {
				kinds[r.Resolution] = &Amount{Kind: r.Resolution}
			}
			kinds[r.Resolution].add(size)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(kinds)) {
		s.Kinds = append(s.Kinds, *kinds[name])
	}
	for _, size := range present {
		if size != counted {
			s.Unused.add(size)
		}
	}
	if s.Bodies, err = l.bodiesAmount(ctx); err != nil {
		return s, err
	}
	files, err := l.harvest.Files()
	if err != nil {
		return s, err
	}
	s.Streams = amountOf(files)
	s.Quarantined = l.quarantine.Count()
	if s.Files.Count, s.Files.Bytes, err = l.seen.Amount(); err != nil {
		return s, err
	}
	s.Fetched, err = l.fetched()
	return s, err
}

const counted = -1 // in place of the size of a blob

// hash is the name of a blob in less memory.
type hash [sha256.Size]byte

func nameOf(name string) (h hash, ok bool) {
	n, err := hex.Decode(h[:], []byte(name[:min(len(name), 2*len(h))]))
	return h, err == nil && n == len(h)
}

// present lists all blobs with their sizes.
func (l *Library) present(ctx context.Context) (map[hash]int64, error) {
	present := map[hash]int64{}
	for f, err := range l.blobs.All(ctx) {
		if err != nil {
			return nil, err
		}
		if h, ok := nameOf(f.Name); ok {
			present[h] = f.Size
		}
	}
	return present, nil
}

// pictureRow is a row of the pictures.
type pictureRow struct {
	id, recipe string
	asset      core.Asset
}

// pictureRows yields all rows of the pictures, by key. An error ends it.
func (l *Library) pictureRows(ctx context.Context) iter.Seq2[pictureRow, error] {
	const page = 500
	first := fmt.Sprintf(`SELECT asset_id,recipe,body FROM pictures ORDER BY asset_id,recipe LIMIT %d`, page)
	further := fmt.Sprintf(`SELECT asset_id,recipe,body FROM pictures WHERE (asset_id,recipe)>(?1->>0,?1->>1) `+
		`ORDER BY asset_id,recipe LIMIT %d`, page)
	return func(yield func(pictureRow, error) bool) {
		statement := rqlite.Statement{SQL: first}
		for {
			rows, err := l.client.QueryLinear(ctx, statement)
			if err != nil {
				yield(pictureRow{}, err)
				return
			}
			var p pictureRow
			for rows.Next() {
				if p, err = scanPicture(rows); err != nil {
					yield(p, err)
					return
				}
				if !yield(p, nil) {
					return
				}
			}
			if rows.Len() < page {
				return
			}
			last, err := rqlite.List([]string{p.id, p.recipe})
			if err != nil {
				yield(p, err)
				return
			}
			statement = rqlite.Statement{SQL: further, Args: []any{last}}
		}
	}
}

func scanPicture(rows *rqlite.Rows) (p pictureRow, err error) {
	var body string
	if err := rows.Scan(&p.id, &p.recipe, &body); err != nil {
		return p, err
	}
	if err := json.Unmarshal([]byte(body), &p.asset); err != nil {
		return p, fmt.Errorf("picture %s: %w", p.id, err)
	}
	return p, nil
}

func (l *Library) bodiesAmount(ctx context.Context) (a Amount, err error) {
	folders, err := l.allBodies()
	if err != nil {
		return a, err
	}
	for _, folder := range folders {
		for f, err := range folder.All(ctx) {
			if err != nil {
				return a, err
			}
			a.add(f.Size)
		}
	}
	return a, nil
}

// fetched counts what lies in the folders that plugins cache in, and in that of the web's pictures.
func (l *Library) fetched() ([]Amount, error) {
	root := filepath.Join(l.config.Dir, "cache")
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Amount
	for _, e := range entries {
		a := Amount{Kind: e.Name()}
		err := filepath.WalkDir(filepath.Join(root, e.Name()), func(_ string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				a.add(info.Size())
			}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it is a cache: something may go at any time
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// AtWorkError says that a run is at work, whose pictures nothing may be said about yet.
type AtWorkError struct{ Run string }

// Error names the run and says what to do.
func (e *AtWorkError) Error() string {
	return fmt.Sprintf("run %s is at work, and what it makes is not entered yet: try again when it has ended", e.Run)
}

// still returns an error while a run is at work.
func (l *Library) still(ctx context.Context) error {
	rows, err := l.client.QueryLinear(ctx, rqlite.Statement{
		SQL: `SELECT id FROM runs WHERE state IN ` + activeStates + ` ORDER BY number LIMIT 1`,
	})
	if err != nil || !rows.Next() {
		return err
	}
	busy := &AtWorkError{}
	if err := rows.Scan(&busy.Run); err != nil {
		return err
	}
	return busy
}

// PurgeCaches removes the rows of caches that have expired, or only counts them.
func (l *Library) PurgeCaches(ctx context.Context, dryRun bool) (rows int64, err error) {
	if dryRun {
		rows, err = l.number(ctx, rqlite.Statement{
			SQL: `SELECT COUNT(*) FROM cache_entries WHERE expires_ms<=?`, Args: []any{time.Now().UnixMilli()},
		})
	} else {
		var removed int
		removed, err = l.pictures.Purge(ctx, math.MaxInt) // whichever cache they are of
		rows = int64(removed)
	}
	if err != nil {
		return rows, fmt.Errorf("remove what has expired: %w", err)
	}
	return rows, nil
}

func amountOf(files []harvest.File) (a Amount) {
	for _, f := range files {
		a.add(f.Size)
	}
	return a
}

// PruneStreams removes what is kept of streams and was of no use for long, is too much, or was left by killed runs; or only
// counts it. With all it removes everything, and what the sources' files held is forgotten. While a run is at work it is an [AtWorkError].
func (l *Library) PruneStreams(ctx context.Context, all, dryRun bool) (Amount, error) {
	err := l.still(ctx)
	if dryRun && l.guest {
		err = nil
	}
	if err != nil {
		return Amount{}, fmt.Errorf("remove what is kept of streams: %w", err)
	}
	limits := harvest.Limits{Bytes: harvestBytes, Age: harvestAge, Alone: l.alone() || l.guest}
	if all {
		limits.Bytes = 0
	}
	if all && !dryRun {
		if err := l.seen.Forget(); err != nil {
			return Amount{}, err
		}
	}
	gone, err := l.harvest.Prune(limits, time.Now(), dryRun)
	return amountOf(gone), err
}

// freshFor is how long a blob is left alone that no row names: where several programs work on a cluster, a run that
// begins meanwhile may have put it.
const freshFor = time.Hour

// PruneCache removes the files of pictures that no row names any more, and what killed programs left among them, or only
// counts them. Pictures that killed their workers are tried again after it. While a run is at work it is an [AtWorkError].
func (l *Library) PruneCache(ctx context.Context, dryRun bool) (Amount, error) {
	var gone Amount
	err := l.still(ctx)
	if dryRun && l.guest { // what is counted may be in the making, and is not removed
		err = nil
	}
	if err != nil {
		return gone, fmt.Errorf("remove what is not used: %w", err)
	}
	if !dryRun {
		if err := l.quarantine.Clear(); err != nil {
			return gone, err
		}
	}
	named := map[hash]bool{}
	for p, err := range l.pictureRows(ctx) {
		if err != nil {
			return gone, fmt.Errorf("remove what is not used: %w", err)
		}
		for _, r := range p.asset.Renditions {
			if h, ok := nameOf(r.SHA256); ok {
				named[h] = true
			}
		}
	}
	for f, err := range l.blobs.All(ctx) {
		if err != nil {
			return gone, fmt.Errorf("remove what is not used: %w", err)
		}
		h, ok := nameOf(f.Name)
		if ok && named[h] || !l.alone() && time.Since(f.Modified) < freshFor {
			continue
		}
		if !dryRun {
			if err := os.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return gone, fmt.Errorf("remove what is not used: %w", err)
			}
		}
		gone.add(f.Size)
	}
	return gone, nil
}

// CacheFault is one thing that is wrong with the cache.
type CacheFault struct {
	Blob   string `json:"blob,omitempty"`  // SHA-256 that names it
	File   string `json:"file,omitempty"`  // of a source, which is not what is remembered of it
	Asset  string `json:"asset,omitempty"` // whose row names it; empty: the file itself is wrong
	Recipe string `json:"recipe,omitempty"`
	What   string `json:"what"`
}

// CacheCheck is what was found in the cache.
type CacheCheck struct {
	Blobs    Amount       `json:"blobs"` // looked at
	Rows     int64        `json:"rows"`
	Faults   []CacheFault `json:"faults"`
	Repaired bool         `json:"repaired"` // what is in Faults was removed, so that the next run makes it anew
}

// VerifyCache compares every file of a picture with its name, every row with the files that it names, and every file of a source
// that seems unchanged with what it is known to have held. With repair
// what is wrong is removed: the next run makes it anew.
func (l *Library) VerifyCache(ctx context.Context, repair bool, progress Progress) (CacheCheck, error) {
	c, err := l.verifyCache(ctx, repair, progress)
	if err != nil {
		return c, fmt.Errorf("look through the cache: %w", err)
	}
	return c, nil
}

func (l *Library) verifyCache(ctx context.Context, repair bool, progress Progress) (c CacheCheck, err error) {
	if repair {
		if err := l.still(ctx); err != nil {
			return c, err
		}
	}
	sound, err := l.verifyBlobs(ctx, &c, progress)
	if err != nil {
		return c, err
	}
	damaged := len(c.Faults)
	var broken []pictureRow
	for p, err := range l.pictureRows(ctx) {
		if err != nil {
			return c, err
		}
		c.Rows++
		if fault, ok := l.faultOf(ctx, p, sound); ok {
			c.Faults = append(c.Faults, fault)
			broken = append(broken, p)
		}
	}
	wrong, err := l.seen.Verify(repair)
	if err != nil {
		return c, err
	}
	for _, path := range wrong {
		c.Faults = append(c.Faults, CacheFault{File: path, What: "it has not changed, and is not what it was when it was last read"})
	}
	if !repair {
		return c, nil
	}
	for _, f := range c.Faults[:damaged] {
		if err := l.blobs.Remove(ctx, f.Blob); err != nil {
			return c, err
		}
	}
	for page := range slices.Chunk(broken, 100) {
		if err := l.dropPictures(ctx, page); err != nil {
			return c, err
		}
	}
	c.Repaired = true
	return c, nil
}

// verifyBlobs returns the blobs that are what their names say, with their sizes.
func (l *Library) verifyBlobs(ctx context.Context, c *CacheCheck, progress Progress) (map[hash]int64, error) {
	present, err := l.present(ctx)
	if err != nil {
		return nil, err
	}
	var total int64
	for _, size := range present {
		total += size
	}
	for f, err := range l.blobs.All(ctx) {
		if err != nil {
			return nil, err
		}
		h, ok := nameOf(f.Name)
		if !ok {
			continue
		}
		c.Blobs.add(f.Size)
		sum, err := sumOf(f.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist): // removed meanwhile
			delete(present, h)
		case err != nil:
			c.Faults = append(c.Faults, CacheFault{Blob: f.Name, What: "it cannot be read: " + err.Error()})
			delete(present, h)
		case sum != h:
			c.Faults = append(c.Faults, CacheFault{Blob: f.Name, What: "its bytes are not those that its name stands for"})
			delete(present, h)
		default:
			present[h] = f.Size
		}
		progress("comparing files with their names", c.Blobs.Bytes, total)
	}
	return present, nil
}

func sumOf(path string) (h hash, err error) {
	file, err := os.Open(path)
	if err != nil {
		return h, err
	}
	sum := sha256.New()
	_, err = io.Copy(sum, file)
	copy(h[:], sum.Sum(nil))
	return h, errors.Join(err, file.Close())
}

// faultOf returns what is wrong with a row: the first of its files that is not there in full.
func (l *Library) faultOf(ctx context.Context, p pictureRow, sound map[hash]int64) (CacheFault, bool) {
	for _, r := range p.asset.Renditions {
		h, ok := nameOf(r.SHA256)
		if size, there := sound[h]; ok && there && size == r.Bytes {
			continue
		}
		if now, err := l.blobs.Has(ctx, r.SHA256, r.Bytes); err == nil && now && !l.alone() {
			continue // made since the files were listed
		}
		what := "its file of the resolution " + cmp.Or(r.Resolution, "?") + " is not there in full"
		return CacheFault{Blob: r.SHA256, Asset: p.id, Recipe: p.recipe, What: what}, true
	}
	return CacheFault{}, false
}

// alone reports whether nobody else can write at the moment.
func (l *Library) alone() bool { return l.node != nil }

func (l *Library) dropPictures(ctx context.Context, list []pictureRow) error {
	keys := make([][2]string, len(list))
	for i, p := range list {
		keys[i] = [2]string{p.id, p.recipe}
	}
	wanted, err := json.Marshal(keys)
	if err != nil {
		return err
	}
	_, err = l.client.Apply(ctx, rqlite.Statement{
		SQL:  `DELETE FROM pictures WHERE (asset_id,recipe) IN (SELECT value->>0,value->>1 FROM json_each(?))`,
		Args: []any{string(wanted)},
	})
	return err
}
