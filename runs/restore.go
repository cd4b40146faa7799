package runs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-98789ff7/converter/runs/archive"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// RestoreConfig says what is restored.
type RestoreConfig struct {
	// File is the backup.
	File string
	// Program is the version of the program, for the backup that is made before.
	Program string
	// Progress is told how far it is. Default: nobody is.
	Progress Progress
}

// Restored is what a restore did.
type Restored struct {
	Manifest archive.Manifest
	// Before is the backup of what was there; empty: there was nothing, or it could not be read.
	Before string
	// Aside is the folder that what was there was moved to, because it could not be read; Unread says why.
	Aside  string
	Unread error
}

// ErrCluster says that a cluster is not restored by this program.
var ErrCluster = errors.New("a cluster is restored on one of its nodes")

// Restore puts what a backup holds in the place of what the library holds, all of it or nothing: when it is killed, the
// library is as it was, or the next start ends the restore. A backup of the database alone leaves pictures as they are.
// What was there is backed up before. The library must not be in use, and is not open afterwards.
//
// A backup that is not whole is an [archive.FileError], one of a newer program [rqlite.ErrNewer]; nothing was changed then.
func Restore(ctx context.Context, config Config, r RestoreConfig) (done Restored, err error) {
	if r.Progress == nil {
		r.Progress = func(string, int64, int64) {}
	}
	config, err = config.withDefaults()
	if err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	if len(config.URLs) > 0 {
		return done, fmt.Errorf("restore: %w", ErrCluster)
	}
	l := &Library{config: config, pulse: defaultPulse, live: map[*Run]bool{}}
	if l.hold, err = rqlite.Take(l.store()); err != nil {
		return done, fmt.Errorf("restore: %w", err)
	}
	defer func() { err = errors.Join(err, l.hold.Release()) }()
	if err := archive.Finish(config.Dir); err != nil {
		return done, err
	}
	done, err = l.restore(ctx, r)
	if err != nil {
		return done, errors.Join(fmt.Errorf("restore: %w", err), archive.Finish(config.Dir))
	}
	return done, nil
}

func (l *Library) restore(ctx context.Context, r RestoreConfig) (done Restored, err error) {
	a, err := archive.Open(r.File)
	if err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	done.Manifest = a.Manifest()
	if err := known(done.Manifest.Schema); err != nil {
		return done, err
	}
	// Unpacked, beside it a node with the database, which takes it twice while it is made.
	if err := room(l.config.Dir, done.Manifest.Bytes()+3*done.Manifest.Database()); err != nil {
		return done, err
	}
	if err := l.stage(ctx, a, r); err != nil {
		return done, err
	}
	if err := l.save(ctx, r, &done); err != nil {
		return done, err
	}
	parts := []string{storeDir + "/" + dataDir}
	if done.Manifest.Type == archive.Full {
		parts = append(parts, blobsDir, bodiesDir)
	}
	r.Progress("putting it in place", 0, 0)
	if err := ctx.Err(); err != nil {
		return done, context.Cause(ctx)
	}
	keep := ""
	if done.Aside != "" {
		keep = filepath.Base(done.Aside)
	}
	return done, archive.Exchange(l.config.Dir, parts, keep)
}

// known refuses what a newer program has made.
func known(schema int) error {
	if mine := len(migrations()); schema > mine {
		return fmt.Errorf("%w: the backup has version %d of the schema, this program knows %d: update the program; nothing was changed",
			rqlite.ErrNewer, schema, mine)
	}
	return nil
}

// stage makes ready what will take the place of what is there: the files, and the folder of a node with the database.
func (l *Library) stage(ctx context.Context, a *archive.Archive, r RestoreConfig) error {
	fresh := archive.Staging(l.config.Dir)
	var unpacked int64
	total := a.Manifest().Bytes()
	err := a.Extract(ctx, fresh, func(f archive.File) {
		unpacked += f.Bytes
		r.Progress("unpacking and comparing", unpacked, total)
	})
	if err != nil {
		return err
	}
	r.Progress("looking whether the database is sound", 0, 0)
	database := filepath.Join(fresh, archive.DatabaseName)
	schema, err := l.config.trial(ctx, database, filepath.Join(fresh, storeDir))
	if errors.Is(err, errUnsound) || errors.Is(err, rqlite.ErrNoDatabase) || errors.Is(err, rqlite.ErrRejected) {
		return &archive.FileError{Path: r.File, Reason: err.Error()}
	}
	if err != nil {
		return err
	}
	if err := known(schema); err != nil { // it is what counts, whatever the manifest says
		return err
	}
	return os.Remove(database)
}

// save backs up what is there. What cannot be read is going to be kept as it is: that may be why there is a restore.
func (l *Library) save(ctx context.Context, r RestoreConfig, done *Restored) error {
	if _, err := os.Stat(filepath.Join(l.store(), dataDir)); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	stamp := time.Now().Format("20060102-150405.000")
	dir := filepath.Join(l.config.Dir, backupsDir)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(dir, "before-restore-"+stamp+".zip")
	err := l.saveTo(ctx, path, done.Manifest.Type, r)
	switch {
	case err == nil:
		done.Before = path
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, errNoRoom), errors.Is(err, rqlite.ErrFull), errors.Is(err, rqlite.ErrNoBinary):
		return fmt.Errorf("back up what is there: %w", err)
	}
	done.Aside, done.Unread = filepath.Join(l.config.Dir, "aside-"+stamp), err
	return nil
}

// saveTo backs up the store as it is, by a node in the folder that is held.
func (l *Library) saveTo(ctx context.Context, path string, t archive.Type, r RestoreConfig) (err error) {
	old := &Library{config: l.config, live: map[*Run]bool{}}
	if err := old.startNode(ctx, l.hold); err != nil {
		return err
	}
	defer func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
		defer cancel()
		if stopped := old.Close(late); stopped != nil {
			l.config.Log.Warn("store_not_closed", "error", stopped)
		}
	}()
	if err := old.furnish(ctx, old.node.ClientConfig()); err != nil {
		return err
	}
	_, err = old.backup(ctx, BackupConfig{
		Output: path, Type: t, Program: r.Program,
		Progress: func(doing string, done, total int64) { r.Progress("before: "+doing, done, total) },
	}.withDefaults())
	return err
}
