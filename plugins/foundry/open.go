package foundry

import (
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
	packs "github.com/seed-98789ff7/converter/plugins/foundry/pack"
	"github.com/seed-98789ff7/converter/plugins/foundry/tree"
)

// The forms that packs are stored in, as [sdk.Origin] names them.
const (
	formatLevelDB = "leveldb"
	formatNeDB    = "nedb"
	formatSource  = "source" // a folder of JSON or YAML files
)

// documents is an open pack, in whatever form it is stored.
type documents interface {
	// Counts counts the primary documents by collection, by their keys alone.
	Counts() (map[string]int, error)
	// Documents walks them in the order of their keys, Collection those of one collection.
	Documents() iter.Seq2[packs.Document, error]
	Collection(name string) iter.Seq2[packs.Document, error]
	// Report says what the last walk through Documents found.
	Report() packs.Report
	Close() error
}

func (p pack) open() (documents, error) {
	switch p.format {
	case formatNeDB:
		return packs.OpenNeDB(p.dir, p.holds())
	case formatSource:
		local, _ := p.pkg.root.local(p.uri)
		folder, err := fs.Sub(p.pkg.root.fs.FS(), local)
		if err != nil {
			return nil, err
		}
		return packs.OpenTree(folder, p.holds())
	}
	return packs.Open(p.dir)
}

// holds is the collection of the pack's documents, where the pack itself does not say it. A file by itself is known by its name,
// as in a world, or by what is in it.
func (p pack) holds() string {
	if p.collection != "" {
		return p.collection
	}
	for collection, typ := range documentTypes {
		if typ == p.typ {
			return collection
		}
	}
	if p.format == formatSource {
		return "" // told by each document
	}
	if documentTypes[p.name] != "" {
		return p.name
	}
	return guess(p.dir)
}

// guess tells what a NeDB file holds by its first document.
func guess(file string) string {
	opened, err := packs.OpenNeDB(file, "items")
	if err != nil {
		return "items"
	}
	defer func() { _ = opened.Close() }() // only read
	for doc, err := range opened.Documents() {
		if err == nil {
			return packs.Guess(doc.JSON)
		}
	}
	return "items"
}

// local is where a path inside Data lies inside the root, if it does.
func (r root) local(name string) (string, bool) {
	switch inner, ok := strings.CutPrefix(name, r.mount+"/"); {
	case r.mount == "":
		return name, true
	case name == r.mount:
		return ".", true
	default:
		return inner, ok
	}
}

// path is the same as a path of the system.
func (r root) path(name string) string {
	local, _ := r.local(name)
	return filepath.Join(r.dir, filepath.FromSlash(local))
}

func (r root) stat(name string) (fs.FileInfo, error) {
	local, ok := r.local(name)
	if !ok {
		return nil, fs.ErrNotExist
	}
	return r.fs.Stat(filepath.FromSlash(local))
}

// read reads a file of at most so many bytes, by its path inside Data.
func (r root) read(name string, limit int64) ([]byte, error) {
	local, ok := r.local(name)
	if !ok {
		return nil, fs.ErrNotExist
	}
	return readPlain(r.fs, filepath.FromSlash(local), limit)
}

func (r root) readDir(name string) ([]fs.DirEntry, error) {
	local, ok := r.local(name)
	if !ok {
		return nil, fs.ErrNotExist
	}
	return fs.ReadDir(r.fs.FS(), local)
}

// isLevelDB says whether a folder holds a LevelDB database, or what is left of one.
func (r root) isLevelDB(name string) bool {
	if info, err := r.stat(name); err != nil || !info.IsDir() { // a link that leads out of the root is not followed
		return false
	}
	return leveldb.IsDatabase(r.path(name))
}

// isNeDB says whether a file can be one of NeDB's, or the copy that is left of one.
func (r root) isNeDB(name string) bool {
	for _, file := range []string{name, name + "~"} {
		if info, err := r.stat(file); err == nil {
			return info.Mode().IsRegular() && info.Size() > 0
		}
	}
	return false
}

// isSource says whether a folder has source files in it, or in a folder in it.
func (r root) isSource(name string) bool {
	entries, _ := r.readDir(name)
	for _, e := range entries {
		if e.Type().IsRegular() && tree.IsSource(e.Name()) {
			return true
		}
		if !e.IsDir() || e.Name()[0] == '.' {
			continue
		}
		inner, _ := r.readDir(path.Join(name, e.Name()))
		if slices.ContainsFunc(inner, func(e fs.DirEntry) bool { return e.Type().IsRegular() && tree.IsSource(e.Name()) }) {
			return true
		}
	}
	return false
}

// find says in which form a pack is there, and where: the folder without .db, the one with it, the file, and the places where
// repositories keep sources. Both is the older file that lies beside a pack that has been migrated.
func (p pack) find() (uri, format, both string) {
	r, older := p.pkg.root, p.uri+".db"
	if r.isNeDB(older) {
		both = older
	}
	switch {
	case r.isLevelDB(p.uri):
		return p.uri, formatLevelDB, both
	case r.isLevelDB(older):
		return older, formatLevelDB, ""
	case both != "":
		return older, formatNeDB, ""
	case p.collection != "":
		return "", "", ""
	}
	base := path.Base(p.uri)
	places := []string{p.uri}
	for _, where := range []string{"packs/_source", "packs/" + p.pkg.id, "packs/src", "packs/source", "src/packs", "_source", "src", "packs-src", "packs"} {
		for _, name := range []string{base, p.name} {
			places = append(places, path.Join(p.pkg.dir, where, name))
		}
	}
	for _, place := range places {
		if fs.ValidPath(place) && r.isSource(place) {
			return place, formatSource, ""
		}
	}
	return "", "", ""
}
