package foundry

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
	"github.com/seed-98789ff7/converter/plugins/foundry/tree"
	"github.com/seed-98789ff7/converter/sdk"
)

// manifestFolders are the folders in which repositories of packages keep the manifest.
var manifestFolders = []string{"", "static", "public", "src", "dist"}

// openRoot opens what an option names: a Data folder or the one around it, the folder of one package, one pack, or a zip file of
// a package.
func (l *library) openRoot(name, configPath string) (root, error) {
	info, err := os.Stat(name)
	if err != nil {
		return root{}, missingFolder(name, configPath, err)
	}
	if info.Mode().IsRegular() {
		switch strings.ToLower(filepath.Ext(name)) {
		case ".zip":
			dir, err := l.unzip(name, info, configPath)
			if err != nil {
				return root{}, err
			}
			return openFolder(dir, configPath)
		case ".db":
			return openPack(name, configPath)
		}
	}
	return openFolder(name, configPath)
}

// openFolder opens a folder as what it is.
func openFolder(dir, configPath string) (root, error) {
	if kind, at, ok := manifestIn(dir); ok {
		return openPackage(dir, kind, at, configPath)
	}
	if leveldb.IsDatabase(dir) || holdsSource(dir) {
		return openPack(dir, configPath)
	}
	return dataFolder.open(dir, configPath)
}

// manifestIn finds the manifest of a package.
func manifestIn(dir string) (kind, at string, ok bool) {
	for _, folder := range manifestFolders {
		for _, k := range packageKinds {
			if info, err := os.Stat(filepath.Join(dir, folder, k.name+".json")); err == nil && info.Mode().IsRegular() {
				return k.name, path.Join(folder, k.name+".json"), true
			}
		}
	}
	return "", "", false
}

// holdsSource says whether there are source files in a folder. Folders of Data have none, and those of programs other ones.
func holdsSource(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && !dataFolder.in(dir) && !dataFolder.in(filepath.Join(dir, "Data")) && slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return e.Type().IsRegular() && tree.IsSource(e.Name()) && !slices.Contains([]string{"package.json", "package-lock.json", "tsconfig.json"}, e.Name())
	})
}

// openPackage opens the folder of one package as if it lay in its place in Data.
func openPackage(dir, kind, at, configPath string) (root, error) {
	fs, err := os.OpenRoot(dir)
	if err != nil {
		return root{}, missingFolder(dir, configPath, err)
	}
	r := root{dir: dir, fs: fs, kind: kind, manifest: at}
	id := filepath.Base(dir)
	if data, err := readManifest(fs, filepath.FromSlash(at)); err == nil {
		var m manifest
		_ = json.Unmarshal(data, &m) // what is wrong with it is said when it is looked at
		id = first(string(m.ID), string(m.Name), id)
	}
	i := slices.IndexFunc(packageKinds[:], func(k packageKind) bool { return k.name == kind })
	r.mount = path.Join(packageKinds[i].folder, path.Base(clean(id)))
	return r, nil
}

// openPack opens one pack. Where it lies in a package, it is what the package says it is.
func openPack(name, configPath string) (root, error) {
	above := filepath.Dir(name)
	for range 4 {
		if kind, at, ok := manifestIn(above); ok {
			r, err := openPackage(above, kind, at, configPath)
			if err != nil {
				return root{}, err
			}
			rel, err := filepath.Rel(above, name)
			r.only = path.Join(r.mount, filepath.ToSlash(rel))
			return r, err
		}
		above = filepath.Dir(above)
	}
	dir := filepath.Dir(name)
	fs, err := os.OpenRoot(dir)
	if err != nil {
		return root{}, missingFolder(dir, configPath, err)
	}
	return root{dir: dir, fs: fs, only: filepath.Base(name)}, nil
}

// lookAtOne takes the one pack that a root is for, where no package declares it.
func (l *library) lookAtOne(r root, p pkg) {
	base := path.Base(r.only)
	name := strings.TrimSuffix(base, ".db")
	if p.id == "" {
		p = pkg{root: r, kind: "pack", id: name, title: name}
	}
	entry := pack{pkg: p, name: name, label: name, system: p.system, uri: strings.TrimSuffix(r.only, ".db")}
	if p.kind == "world" && path.Base(path.Dir(r.only)) == "data" || p.kind == "pack" && slices.Contains(private, name) {
		if !slices.Contains(l.collections(), name) {
			l.note(sdk.Unsupported, "foundry.private", fmt.Sprintf("%s holds a collection that is read only when world_collections names it", r.only),
				"name "+name+" in world_collections if it is to be read", nil)
			return
		}
		entry.collection, entry.typ = name, documentTypes[name]
	}
	l.addPack(entry, true)
}

// same says whether a declared pack is the one that the root is for: it lies there, or its sources do.
func (p pack) same(only string) bool {
	name := strings.TrimSuffix(path.Base(only), ".db")
	return p.uri == strings.TrimSuffix(only, ".db") || name == p.name || name == path.Base(p.uri)
}
