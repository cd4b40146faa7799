package runs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/seed-98789ff7/converter/runs/archive"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// Progress is told how far something long is: done of total bytes or files, total 0 when it is not known.
type Progress func(doing string, done, total int64)

// BackupConfig says what is backed up, and where to.
type BackupConfig struct {
	// Output is the path of the file, where nothing may be yet.
	Output string
	// Type is how much it holds. Default: full.
	Type archive.Type
	// Program is the version of the program, for the manifest.
	Program string
	// Progress is told how far it is. Default: nobody is.
	Progress Progress
}

func (c BackupConfig) withDefaults() BackupConfig {
	if c.Type == "" {
		c.Type = archive.Full
	}
	if c.Progress == nil {
		c.Progress = func(string, int64, int64) {}
	}
	return c
}

// BackedUp is what a backup became.
type BackedUp struct {
	Manifest archive.Manifest
	Path     string
	Bytes    int64 // of the file
	// Guest says that another process has the store, and may have worked on meanwhile.
	Guest bool
	// Unproved says why the database was not opened again to see whether it is sound; empty: it is.
	Unproved string
}

var errVanished = errors.New("large bodies were removed while they were copied")

// Backup writes what a library holds to one file, while others may be at work in it. Nothing is changed in the library.
func Backup(ctx context.Context, config Config, b BackupConfig) (BackedUp, error) {
	b = b.withDefaults()
	l, err := attach(ctx, config)
	if err != nil {
		return BackedUp{}, fmt.Errorf("back up: %w", err)
	}
	done, err := l.backup(ctx, b)
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	if closed := l.Close(late); closed != nil {
		l.config.Log.Warn("store_not_closed", "error", closed)
	}
	if err != nil {
		return done, fmt.Errorf("back up: %w", err)
	}
	return done, nil
}

// attach opens a library as it is: its schema stays, and nothing is tidied up. It may be that of another process.
func attach(ctx context.Context, config Config) (*Library, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	config.Guest = true
	l := &Library{config: config, pulse: defaultPulse, live: map[*Run]bool{}}
	if err := l.reach(ctx); err != nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		return nil, errors.Join(err, l.Close(late))
	}
	return l, nil
}

// backup makes a backup. When bodies vanish because their run has ended, the database is older than what there is, so it
// is begun anew.
func (l *Library) backup(ctx context.Context, b BackupConfig) (BackedUp, error) {
	for attempt := 1; ; attempt++ {
		done, err := l.backupOnce(ctx, b)
		if !errors.Is(err, errVanished) || attempt == 3 {
			return done, err
		}
		l.config.Log.Info("backup_begun_anew", "error", err)
	}
}

func (l *Library) backupOnce(ctx context.Context, b BackupConfig) (done BackedUp, err error) {
	output, err := filepath.Abs(b.Output)
	if err != nil {
		return done, err
	}
	done = BackedUp{Path: output, Guest: l.guest}
	if err := l.roomForBackup(ctx, filepath.Dir(output), b); err != nil {
		return done, err
	}
	w, err := archive.Create(output, time.Now())
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, w.Abort()) }()
	work, err := os.MkdirTemp(filepath.Dir(output), ".converter-backup-*")
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	generation, err := l.generation(ctx)
	if err != nil {
		return done, err
	}
	manifest := archive.Manifest{Type: b.Type, Program: b.Program}
	if manifest.Node, manifest.Schema, done.Unproved, err = l.backupDatabase(ctx, b, w, work); err != nil {
		return done, err
	}
	if b.Type == archive.Full { // after the database: what its rows name was there by then
		if err := l.backupFiles(ctx, b, w); err != nil {
			return done, err
		}
		if now, err := l.generation(ctx); err != nil || now != generation {
			return done, errors.Join(err, fmt.Errorf("%w: the compendium was built anew", errVanished))
		}
	}
	done.Manifest, done.Bytes, err = w.Commit(manifest)
	return done, err
}

// generation is which generation of rows is the compendium; 0: there is none, or it is not known yet what that is.
func (l *Library) generation(ctx context.Context) (int64, error) {
	known, err := l.number(ctx, rqlite.Statement{SQL: `SELECT COUNT(*) FROM sqlite_schema WHERE type='table' AND name='compendium'`})
	if err != nil || known == 0 {
		return 0, err
	}
	return l.number(ctx, rqlite.Statement{SQL: `SELECT generation FROM compendium WHERE id=1`})
}

// roomForBackup looks whether the disk has room: for the copy of the database, and after it for the trial or the zip file.
func (l *Library) roomForBackup(ctx context.Context, dir string, b BackupConfig) error {
	database, err := l.databaseSize(ctx)
	if err != nil {
		return err
	}
	need := 4 * database
	if b.Type == archive.Full {
		files, err := l.filesSize(ctx)
		if err != nil {
			return err
		}
		need = max(need, 2*database+files)
	}
	return room(dir, need)
}

// room returns an error when dir has not that many bytes free, and some more.
func room(dir string, need int64) error {
	const spare = 16 << 20
	free, known := rqlite.FreeSpace(dir)
	if known && free < uint64(need)+spare { //nolint:gosec // a size is not negative
		return fmt.Errorf("%w: up to %d MiB are wanted in %s, %d are free: make room, or use another disk",
			errNoRoom, (need+spare)>>20+1, dir, free>>20)
	}
	return nil
}

var errNoRoom = errors.New("the disk has too little room")

// databaseSize is how many bytes the database has.
func (l *Library) databaseSize(ctx context.Context) (int64, error) {
	return l.number(ctx, rqlite.Statement{SQL: `SELECT page_count*page_size FROM pragma_page_count(), pragma_page_size()`})
}

// filesSize is how many bytes the files have that a full backup holds.
func (l *Library) filesSize(ctx context.Context) (int64, error) {
	var sum int64
	err := l.files(ctx, func(_ string, f blob.Info) error {
		sum += f.Size
		return nil
	})
	return sum, err
}

// files calls each with pictures and bodies, and their names in a backup. What is not whole is left out.
func (l *Library) files(ctx context.Context, each func(name string, f blob.Info) error) error {
	folders, err := l.allBodies()
	if err != nil {
		return err
	}
	folders[blobsDir] = l.blobs
	for _, name := range slices.Sorted(maps.Keys(folders)) {
		for f, err := range folders[name].All(ctx) {
			if err != nil {
				return err
			}
			if f.Name == "" {
				continue
			}
			if err := each(name+"/"+f.Name[:2]+"/"+f.Name, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// allBodies are the folders of large bodies, of runs and of the compendium, by their names in a backup.
func (l *Library) allBodies() (map[string]*blob.Folder, error) {
	numbers, err := l.bodyFolders()
	if err != nil {
		return nil, err
	}
	generations, err := compendiumBodies{l}.generations()
	if err != nil {
		return nil, err
	}
	folders := map[string]*blob.Folder{}
	for _, number := range numbers {
		if folders[bodiesDir+"/"+strconv.FormatInt(number, 10)], err = blob.OpenFolder(l.bodies(number)); err != nil {
			return nil, err
		}
	}
	for _, g := range generations {
		if folders[bodiesDir+"/"+compendiumDir+"/"+strconv.FormatInt(g, 10)], err = (compendiumBodies{l}).folder(g); err != nil {
			return nil, err
		}
	}
	return folders, nil
}

func (l *Library) backupFiles(ctx context.Context, b BackupConfig, w *archive.Writer) error {
	total, err := l.filesSize(ctx)
	if err != nil {
		return err
	}
	var done int64
	return l.files(ctx, func(name string, f blob.Info) error {
		file, err := os.Open(f.Path)
		if errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%w: %s", errVanished, name)
		}
		if err != nil {
			return err
		}
		if err := errors.Join(w.Add(name, file), file.Close()); err != nil {
			return err
		}
		done += f.Size
		b.Progress("copying pictures and bodies", done, total)
		return nil
	})
}

// backupDatabase copies the database, opens the copy to see that it is sound, and adds it to the backup.
func (l *Library) backupDatabase(ctx context.Context, b BackupConfig, w *archive.Writer, work string) (
	node string, schema int, unproved string, err error,
) {
	b.Progress("copying the database", 0, 0)
	path := filepath.Join(work, archive.DatabaseName)
	if err := l.copyDatabase(ctx, path); err != nil {
		return "", 0, "", err
	}
	for _, s := range l.client.Nodes(ctx) {
		if s.Version != "" {
			node = s.Version
			break
		}
	}
	b.Progress("looking whether the copy is sound", 0, 0)
	trial := filepath.Join(work, "trial")
	schema, err = l.config.trial(ctx, path, trial)
	if errors.Is(err, rqlite.ErrNoBinary) && l.node == nil { // a cluster needs none on this machine
		unproved = err.Error()
		schema, err = rqlite.SchemaVersion(ctx, l.client)
	}
	if err = errors.Join(err, os.RemoveAll(trial)); err != nil {
		return node, schema, unproved, err
	}
	file, err := os.Open(path)
	if err != nil {
		return node, schema, unproved, err
	}
	err = errors.Join(w.Add(archive.DatabaseName, file), file.Close(), os.Remove(path))
	return node, schema, unproved, err
}

func (l *Library) copyDatabase(ctx context.Context, path string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = l.client.Backup(ctx, file)
	return errors.Join(err, file.Close())
}

// errUnsound says that SQLite has found something wrong in a database.
var errUnsound = errors.New("the database is damaged")

// trial makes a private node of a copy of a database, in a folder of its own, and has SQLite look through all of it. It
// returns how many steps of the schema the database has taken.
func (c Config) trial(ctx context.Context, database, dir string) (schema int, err error) {
	node, err := rqlite.StartNode(ctx, rqlite.NodeConfig{Binary: c.Binary, Dir: dir, Log: c.Log, LittleFree: 1})
	if err != nil {
		return 0, err
	}
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		err = errors.Join(err, node.Stop(late))
	}()
	config := node.ClientConfig()
	config.AttemptTimeout, config.RetryFor = lookThrough, lookThrough
	client, err := rqlite.Open(ctx, config)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, client.Close()) }()
	if err := client.Boot(ctx, database); err != nil {
		return 0, err
	}
	if err := sound(ctx, client, "integrity_check"); err != nil {
		return 0, err
	}
	return rqlite.SchemaVersion(ctx, client)
}

// lookThrough is how long SQLite may take to look through a database.
const lookThrough = 30 * time.Minute

// sound asks SQLite whether the database is sound, by one of its two checks.
func sound(ctx context.Context, client *rqlite.Client, check string) error {
	rows, err := client.QueryLinear(ctx, rqlite.Statement{SQL: `SELECT * FROM pragma_` + check + ` LIMIT 1`})
	if err != nil {
		return err
	}
	var found string
	if rows.Next() {
		if err := rows.Scan(&found); err != nil {
			return err
		}
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", errUnsound, found)
	}
	return nil
}
