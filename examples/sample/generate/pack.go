package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/storage"
)

// writePack writes entries as a LevelDB folder that is the same, byte for byte, each time.
//
// The database is built in memory, and only its manifest and tables are copied out: a database folder on disk would also
// have a LOCK, and a LOG with the time of day in it. The journal is empty by then and is left out, too, because many a
// .gitignore names *.log.
func writePack(dir string, contents []entry) error {
	files, err := buildPack(contents)
	if err != nil {
		return fmt.Errorf("write pack %s: %w", filepath.Base(dir), err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// buildPack writes a database, closes it and opens it again. Opening turns the journal into one sorted table before it
// returns, whereas a compaction would go on behind our back and leave now more files, now fewer.
func buildPack(contents []entry) (map[string][]byte, error) {
	memory := storage.NewMemStorage()
	db, err := leveldb.Open(memory, nil)
	if err != nil {
		return nil, err
	}
	var batch leveldb.Batch
	for _, e := range contents {
		batch.Put([]byte(e.key), e.value)
	}
	if err := errors.Join(db.Write(&batch, nil), db.Close()); err != nil {
		return nil, err
	}
	if db, err = leveldb.Open(memory, nil); err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return liveFiles(memory)
}

// liveFiles reads the manifest, the tables, and what CURRENT has to say.
func liveFiles(memory storage.Storage) (map[string][]byte, error) {
	manifest, err := memory.GetMeta()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{"CURRENT": []byte(manifest.String() + "\n")}
	all, err := memory.List(storage.TypeAll)
	if err != nil {
		return nil, err
	}
	for _, file := range all {
		content, err := readFile(memory, file)
		if err != nil {
			return nil, err
		}
		switch {
		case file.Type == storage.TypeTable, file == manifest:
			files[file.String()] = content
		case file.Type == storage.TypeJournal && len(content) > 0:
			return nil, fmt.Errorf("%s still holds %d bytes that are in no table", file, len(content))
		}
	}
	return files, nil
}

func readFile(memory storage.Storage, file storage.FileDesc) ([]byte, error) {
	reader, err := memory.Open(file)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(reader)
	return content, errors.Join(err, reader.Close())
}
