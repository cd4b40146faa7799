package pdf

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/plugins/pdf/extract"
	"github.com/seed-98789ff7/converter/plugins/pdf/keep"
	"github.com/seed-98789ff7/converter/sdk"
)

// What a page becomes, on average of many books.
const (
	pageChunks   = 5 // of the standard size
	pageTables   = 0.3
	pageEntities = 0.5
)

// For how long files that were never read are opened to ask how many pages they have. They are not opened for it once more when they
// are read.
const (
	lookFor   = 5 * time.Second // after the first one, for which PDFium may have to be compiled
	lookLimit = time.Minute     // in all; what is being opened then is given up
)

// counts are the numbers of pages and records of the files of a source, kept across runs: a file that is as it was need not be
// opened to say how much it is.
type counts struct {
	path  string // where they are kept; empty: nowhere
	shape string // names all that decides what a file becomes

	mu     sync.Mutex // guards what follows
	files  map[string]count
	dirty  bool
	opened map[string]*extract.File // to be counted, and not read yet
}

// count is what is known of a file in a state.
type count struct {
	Size     int64  `json:"size"`
	Modified int64  `json:"modified"`
	Pages    int    `json:"pages"`
	Records  int64  `json:"records,omitempty"` // 0: it was not read whole yet
	Shape    string `json:"shape,omitempty"`   // in which it had so many
}

// countsForm is raised when counts are kept in another form.
const countsForm = "1"

func rememberCounts(env sdk.Environment, shape string) *counts {
	c := &counts{shape: shape, files: map[string]count{}, opened: map[string]*extract.File{}}
	if env.CacheDir == "" {
		return c
	}
	sum := sha256.Sum256([]byte(env.Source))
	c.path = filepath.Join(env.CacheDir, "counts-"+countsForm, hex.EncodeToString(sum[:8])+".json")
	data, err := os.ReadFile(c.path)
	if err != nil || json.Unmarshal(data, &c.files) != nil || c.files == nil {
		c.files = map[string]count{} // what cannot be used is none
	}
	return c
}

// of returns what is known of a file as it is now.
func (c *counts) of(f file) count {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.files[f.path]
	if known.Size != f.size || known.Modified != f.modified {
		return count{Size: f.size, Modified: f.modified}
	}
	if known.Shape != c.shape {
		known.Records, known.Shape = 0, ""
	}
	return known
}

// note notes how many pages and records a file has; records may be 0, where they are not known.
func (c *counts) note(f file, pages int, records int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := count{Size: f.size, Modified: f.modified, Pages: pages}
	if records > 0 {
		now.Records, now.Shape = records, c.shape
	}
	if c.files[f.path] != now {
		c.files[f.path], c.dirty = now, true
	}
}

// save keeps what is known of the files that the source has.
func (c *counts) save(files []file) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.path == "" || !c.dirty {
		return nil
	}
	now := map[string]count{}
	for _, f := range files {
		if known, ok := c.files[f.path]; ok {
			now[f.path] = known
		}
	}
	data, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if err := keep.Replace(c.path, data); err != nil {
		return err
	}
	c.dirty = false
	return nil
}

// shape names all that decides what a file becomes.
func (l *library) shape() string {
	o := l.options
	o.Files, o.Exclude, o.Passwords, o.Workers, o.CacheTTL, o.CacheMB = nil, nil, nil, 0, "", 0
	text, err := json.Marshal(o)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256([]byte(Version + "\n" + reader + "\n" + l.written + "\n" + string(text)))
	return hex.EncodeToString(sum[:12])
}

// saveCounts keeps the counts. That they cannot be kept costs no more than opening the files again.
func (l *library) saveCounts() {
	if err := l.counts.save(l.files); err != nil {
		l.env.Log.Warn("how much files hold is not kept", "error", err)
	}
}

// estimate says how many records a file will be: as many as the last time, or what its pages become on average. Until then it may be
// opened for that.
func (l *library) estimate(ctx context.Context, f file, until time.Time) sdk.Estimate {
	known := l.counts.of(f)
	if known.Records > 0 {
		e := sdk.Estimate{Count: known.Records, Quality: sdk.Exact}
		if l.options.OCR.Enabled { // the letters may be recognised as others
			e.Quality = sdk.Approximate
		}
		return e
	}
	if known.Pages == 0 && time.Now().Before(until) {
		known.Pages = l.look(ctx, f)
	}
	if known.Pages == 0 {
		return sdk.Estimate{}
	}
	return sdk.Estimate{Count: 1 + int64(math.Round(float64(known.Pages)*l.options.perPage())), Quality: sdk.Approximate}
}

// perPage is how many records a page becomes, about.
func (o *Options) perPage() float64 {
	sum := 0.0
	if o.sends(chunksOut) {
		sum += pageChunks * defaultSize / float64(o.size())
	}
	if o.sends(tablesOut) {
		sum += pageTables
	}
	if o.sends(entitiesOut) && (o.Grammars == nil || len(o.Grammars) > 0) {
		sum += pageEntities
	}
	return sum
}

// look returns how many pages of a file will be read, from what is kept of its bytes or from the file itself; 0: it cannot be said.
// What is wrong with it is for the reading to say.
func (l *library) look(ctx context.Context, f file) int {
	if ctx.Err() != nil {
		return 0
	}
	if l.kept != nil && l.kept.Stats().Bytes > 0 { // the file may have been copied, or only its time is another
		var d described
		sum, err := sumOf(f.path)
		if err != nil {
			return 0
		}
		if data, ok := l.kept.Get(l.key(sum), documentPiece); ok && json.Unmarshal(data, &d) == nil && d.Pages > 0 {
			l.counts.note(f, d.Pages, 0)
			return d.Pages
		}
	}
	pool, err := l.pooled()
	if err != nil {
		return 0
	}
	opened, err := pool.Open(ctx, f.path, l.options.Passwords)
	if err != nil {
		return 0
	}
	l.counts.note(f, opened.Pages, 0)
	l.counts.mu.Lock()
	defer l.counts.mu.Unlock()
	l.counts.opened[f.path] = opened
	return opened.Pages
}

// take returns a file that was opened to be counted, unless it is another one by now.
func (c *counts) take(f file) *extract.File {
	c.mu.Lock()
	opened := c.opened[f.path]
	delete(c.opened, f.path)
	c.mu.Unlock()
	info, err := os.Stat(f.path)
	if opened == nil || err != nil || info.Size() != f.size || info.ModTime().UnixNano() != f.modified {
		return nil
	}
	return opened
}
