package runs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/seed-98789ff7/converter/runs/archive"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/compendium"
	"github.com/seed-98789ff7/converter/runs/harvest"
	"github.com/seed-98789ff7/converter/runs/rqlite"
	"github.com/seed-98789ff7/converter/runs/sight"
)

// BatchVariable is the environment variable that sets how many rows are stored at once at most.
const BatchVariable = "CACHE_BUILD_BATCH_SIZE"

// Config says where a library is.
type Config struct {
	// Dir is the folder of the private node and of the blobs; it is made if need be, and closed to other users.
	Dir string
	// Binary is the path of rqlited. Default: the one beside our own program, else the one on PATH.
	Binary string
	// URLs are the nodes of a cluster. Default: none, a private node in Dir.
	URLs []string
	// User and Password are those of the cluster. Default: none.
	User, Password string
	// CA holds the certificates in PEM that https nodes are trusted by. Default: those of the system.
	CA []byte
	// ReadLevel is how certain lists of runs and looks into the cache of pictures are to be up to date in a cluster. What
	// something hangs on is read for certain whatever it says. Default: weak.
	ReadLevel rqlite.ReadLevel
	// Keep is how many ended runs are kept. Default: 50.
	Keep int
	// KeepRows is how many ended runs keep their rows at most, so that they can be resumed or their failures tried again.
	// Rows go earlier when a later run of the same config has finished. Default: 3.
	KeepRows int
	// BatchRows is how many rows are stored at once at most. Default: what the environment's CACHE_BUILD_BATCH_SIZE
	// says, else 100.
	BatchRows int
	// Guest lets Open read from a private node that another process keeps, for as long as it does: what would change
	// anything is then refused. Default: that node's folder is in use, which is an error.
	Guest bool
	// Log gets what happens to the store. Default: nothing is logged.
	Log *slog.Logger
}

const (
	defaultKeep     = 50
	defaultKeepRows = 3
	mostRows        = 5000 // as many as a run holds back at most
)

func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("no folder given for the library")
	}
	if c.Keep == 0 {
		c.Keep = defaultKeep
	}
	if c.Keep < 0 {
		return c, fmt.Errorf("keep %d runs: at least 1 is kept", c.Keep)
	}
	if c.KeepRows == 0 {
		c.KeepRows = defaultKeepRows
	}
	if text := os.Getenv(BatchVariable); c.BatchRows == 0 && text != "" {
		rows, err := strconv.Atoi(text)
		if err != nil || rows < 1 || rows > mostRows {
			return c, fmt.Errorf("%s=%q: a number from 1 to %d is wanted", BatchVariable, text, mostRows)
		}
		c.BatchRows = rows
	}
	if c.BatchRows < 0 || c.BatchRows > mostRows {
		return c, fmt.Errorf("batches of %d rows: a number from 1 to %d is wanted", c.BatchRows, mostRows)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// client returns what a client of the cluster needs.
func (c Config) client() rqlite.Config {
	return rqlite.Config{URLs: c.URLs, User: c.User, Password: c.Password, CA: c.CA, Log: c.Log, ReadLevel: c.ReadLevel}
}

// Exists reports whether anything was ever remembered there. Of a cluster that is taken for granted.
func Exists(c Config) bool {
	_, err := os.Stat(filepath.Join(c.Dir, storeDir, dataDir))
	return len(c.URLs) > 0 || err == nil
}

// Library is what persists across runs. It is safe for concurrent use.
type Library struct {
	config Config
	hold   *rqlite.Hold // of the private node's folder; nil: a cluster, or a guest
	node   *rqlite.Node // nil: the same
	guest  bool         // of another process
	client *rqlite.Client
	blobs  *blob.Folder

	quarantine *Quarantine

	harvest *harvest.Folder // what is kept of streams
	seen    *sight.Files    // what the sources' files held

	packer *packer
	pulse  time.Duration

	pictures *cache.Cache
	lookups  *cache.Cache   // in the compendium
	caches   []*cache.Cache // all of them

	compendium *compendium.Store

	mu   sync.Mutex
	live map[*Run]bool // begun and not ended
}

// Open opens the library in its folder, with a private node unless a cluster is named. Runs that were left behind by
// processes that died are marked as interrupted; they can be resumed. The end of ctx ends only the opening.
func Open(ctx context.Context, config Config) (*Library, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("open the library: %w", err)
	}
	l := &Library{config: config, pulse: defaultPulse, live: map[*Run]bool{}}
	if err := l.open(ctx); err != nil {
		// What was started must not outlive a failed opening, whatever ended it.
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		return nil, fmt.Errorf("open the library in %s: %w", config.Dir, errors.Join(err, l.Close(late)))
	}
	return l, nil
}

const closeLimit = 10 * time.Second

func (l *Library) open(ctx context.Context) error {
	if err := os.MkdirAll(l.config.Dir, 0o700); err != nil {
		return err
	}
	if err := os.Chmod(l.config.Dir, 0o700); err != nil {
		return err
	}
	if err := l.reach(ctx); err != nil {
		return err
	}
	if l.guest {
		return rqlite.CheckSchema(ctx, l.client, migrations())
	}
	if l.node == nil {
		for _, advice := range l.client.Advice(ctx) {
			l.config.Log.Warn("store_advice", "advice", advice)
		}
	}
	if err := rqlite.Migrate(ctx, l.client, migrations()); err != nil {
		return err
	}
	pictures, err := l.openCache(ctx, l.picturesConfig())
	if err != nil {
		return err
	}
	l.pictures = pictures
	if err := l.openCompendium(ctx); err != nil {
		return err
	}
	if _, err := l.harvest.Prune(harvest.Limits{Bytes: harvestBytes, Age: harvestAge, Alone: l.alone()}, time.Now(), false); err != nil {
		l.config.Log.Warn("harvest_not_pruned", "error", err)
	}
	return l.bury(ctx)
}

// openCache opens a cache whose second level is in the store. It is closed with the library, and counted with each run
// that [Library.Begin] enters.
func (l *Library) openCache(ctx context.Context, config cache.Config) (*cache.Cache, error) {
	config.Table, config.Log = cacheRows{l.client}, l.config.Log
	c, err := cache.Open(ctx, config)
	if err != nil {
		return nil, err
	}
	l.caches = append(l.caches, c)
	return c, nil
}

// reach gets to the store, and changes nothing in it.
func (l *Library) reach(ctx context.Context) error {
	client := l.config.client()
	if len(l.config.URLs) == 0 {
		var err error
		if client, err = l.private(ctx); err != nil {
			return err
		}
	}
	return l.furnish(ctx, client)
}

// furnish makes the library's ways to rows and files.
func (l *Library) furnish(ctx context.Context, client rqlite.Config) (err error) {
	if l.client, err = rqlite.Open(ctx, client); err != nil {
		return err
	}
	if l.blobs, err = blob.OpenFolder(filepath.Join(l.config.Dir, blobsDir)); err != nil {
		return err
	}
	l.harvest = harvest.In(filepath.Join(l.config.Dir, harvestDir))
	l.quarantine = &Quarantine{path: filepath.Join(l.config.Dir, quarantineFile)}
	l.seen = sight.In(filepath.Join(l.config.Dir, sightFile))
	l.packer, err = newPacker()
	return err
}

// private starts the private node, or becomes the guest of the process that has it.
func (l *Library) private(ctx context.Context) (rqlite.Config, error) {
	hold, err := rqlite.Take(l.store())
	if locked, ok := errors.AsType[*rqlite.LockedError](err); ok && l.config.Guest {
		l.guest = true
		return visit(ctx, l.store(), locked)
	}
	if err != nil {
		return rqlite.Config{}, fmt.Errorf("start the store: %w", err)
	}
	l.hold = hold
	if err := archive.Finish(l.config.Dir); err != nil {
		return rqlite.Config{}, err
	}
	if err := l.startNode(ctx, hold); err != nil {
		return rqlite.Config{}, err
	}
	return l.node.ClientConfig(), nil
}

func (l *Library) startNode(ctx context.Context, hold *rqlite.Hold) (err error) {
	l.node, err = rqlite.StartNode(ctx, rqlite.NodeConfig{Binary: l.config.Binary, Dir: l.store(), Hold: hold, Log: l.config.Log})
	return err
}

// visit waits a moment for a node that is being started.
func visit(ctx context.Context, dir string, locked error) (rqlite.Config, error) {
	const patience, pause = 5 * time.Second, 100 * time.Millisecond
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for {
		config, err := rqlite.Visit(dir)
		if err == nil {
			return config, nil
		}
		select {
		case <-ctx.Done():
			return config, fmt.Errorf("%w (%w)", locked, err)
		case <-tick.C:
		}
	}
}

// Close ends what is still going on and closes the store, a private node after a snapshot. Runs that were not ended
// are left as they are; the next Open finds them interrupted. What could not be saved or stopped in order before ctx
// ends is in the error.
func (l *Library) Close(ctx context.Context) error {
	l.mu.Lock()
	live := l.live
	l.live = map[*Run]bool{}
	l.mu.Unlock()
	var failures []error
	for r := range live {
		failures = append(failures, r.stop(ctx), r.bring(false))
	}
	if len(live) > 0 {
		l.saveFiles()
	}
	for _, c := range l.caches {
		l.closeCache(ctx, c)
	}
	if l.client != nil {
		failures = append(failures, l.client.Close())
	}
	if l.node != nil {
		failures = append(failures, l.node.Stop(ctx))
	}
	if l.hold != nil {
		failures = append(failures, l.hold.Release())
		l.hold = nil
	}
	return errors.Join(failures...)
}

// cacheLimit is how long a cache may take for what the store does not have of it yet: nothing is lost with it but time.
const cacheLimit = 3 * time.Second

func (l *Library) closeCache(ctx context.Context, c *cache.Cache) {
	ctx, cancel := context.WithTimeout(ctx, cacheLimit)
	defer cancel()
	if err := c.Close(ctx); err != nil {
		l.config.Log.Warn("cache_not_saved", "error", err)
	}
}

// Lost is closed when the private node is gone for good; [Library.Err] then says why. For a cluster it is nil, which is
// never closed.
func (l *Library) Lost() <-chan struct{} {
	if l.node == nil {
		return nil
	}
	return l.node.Done()
}

// Err returns why the private node could not be kept running, nil while it runs.
func (l *Library) Err() error {
	if l.node == nil {
		return nil
	}
	return l.node.Err()
}

// Blobs returns the bytes of pictures.
func (l *Library) Blobs() blob.Store { return l.blobs }

// Files returns what the sources' files held when they were last read.
func (l *Library) Files() *sight.Files { return l.seen }

// saveFiles keeps what was learnt of the sources' files. Where that cannot be, they are read again.
func (l *Library) saveFiles() {
	if err := l.seen.Save(); err != nil {
		l.config.Log.Warn("files_not_remembered", "error", err)
	}
}

// Guest reports whether another process has the store, and this one only reads from it.
func (l *Library) Guest() bool { return l.guest }

// What lies in the folder of a library.
const (
	storeDir  = "store" // of the private node, which has its data in data
	dataDir   = "data"
	blobsDir  = "blobs"
	bodiesDir = "bodies"
	// harvestDir is for what later runs may take over of streams.
	harvestDir = "harvest"
	// sightFile says what the sources' files held when they were last read.
	sightFile = "sight"
	// quarantineFile names the pictures that killed their workers.
	quarantineFile = "quarantine.json"
	// compendiumDir is, in it, the folder of the compendium's generations.
	compendiumDir = "compendium"
	backupsDir    = "backups" // made before a restore
)

func (l *Library) store() string { return filepath.Join(l.config.Dir, storeDir) }

// bodies returns the folder of the large bodies of a run.
func (l *Library) bodies(number int64) string {
	return filepath.Join(l.config.Dir, bodiesDir, strconv.FormatInt(number, 10))
}
