package foundry

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// packageKind is a kind of packages, with the folder they lie in. Its name is that of the manifest.
type packageKind struct{ name, folder string }

var packageKinds = [...]packageKind{
	{"system", "systems"}, {"module", "modules"}, {"world", "worlds"},
}

// pkg is one package: a folder with a manifest.
type pkg struct {
	root      root
	kind      string
	dir       string // inside the root, with forward slashes
	id        string
	title     string
	version   string
	license   string
	system    string // rules it is for
	coreWas   string // Foundry version that wrote a world last
	systemWas string // and system version
}

// scope names the package among all packages.
func (p pkg) scope() string { return p.kind + "/" + p.id }

// owner names the package in the UUIDs of its compendia: there all worlds go by one name.
func (p pkg) owner() string {
	if p.kind == "world" {
		return "world"
	}
	return p.id
}

// pack is one collection of documents to read: a compendium, or a collection of a world.
type pack struct {
	pkg        pkg
	name       string // that UUIDs use; for a world's collection, the collection
	label      string
	typ        string // document type it holds
	system     string
	book       string
	dir        string // of its files, or its file, absolute
	format     string
	uri        string // the same inside the root
	collection string // of a world; empty for a compendium
}

// stream is the pack's name as a stream. A world may have a compendium that is called like one of its collections.
func (p pack) stream() string {
	if p.pkg.kind == "world" && p.collection == "" {
		return p.pkg.scope() + "/packs/" + p.name
	}
	return p.pkg.scope() + "/" + p.name
}

// uuid is the UUID of a primary document of the pack.
func (p pack) uuid(typ, id string) string {
	if p.collection != "" {
		return typ + "." + id
	}
	return "Compendium." + p.pkg.owner() + "." + p.name + "." + typ + "." + id
}

// manifest is what is read of a manifest. Every member may be of a surprising type: what does not fit stays empty.
type manifest struct {
	ID            text            `json:"id"`
	Name          text            `json:"name"` // of the package, before v10
	Title         text            `json:"title"`
	Version       text            `json:"version"`
	License       text            `json:"license"`
	System        json.RawMessage `json:"system"` // of a world; before v10 of a module, where it may be a list
	CoreVersion   text            `json:"coreVersion"`
	SystemVersion text            `json:"systemVersion"`
	Relationships struct {
		Systems []struct {
			ID text `json:"id"`
		} `json:"systems"`
	} `json:"relationships"`
	Packs []struct {
		Name   text                       `json:"name"`
		Label  text                       `json:"label"`
		Path   text                       `json:"path"`
		Type   text                       `json:"type"`
		Entity text                       `json:"entity"` // type, before v10
		System text                       `json:"system"`
		Flags  map[string]json.RawMessage `json:"flags"`
	} `json:"packs"`
}

// text is a string, or nothing when the member is of another type. Numbers are taken as they are written.
type text string

// UnmarshalJSON never fails.
func (t *text) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*t = text(s)
	} else if len(b) > 0 && (b[0] == '-' || b[0] >= '0' && b[0] <= '9') {
		*t = text(b)
	}
	return nil
}

// look finds the packages of all roots and their packs, in the order of the roots, then of kinds, then of names.
func (l *library) look() {
	l.types = map[string]string{}
	for _, r := range l.roots {
		if r.kind != "" {
			l.lookAt(r, r.kind, r.mount)
			continue
		}
		if r.only != "" {
			l.lookAtOne(r, pkg{})
			continue
		}
		for _, kind := range packageKinds {
			entries, err := fs.ReadDir(r.fs.FS(), kind.folder)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				l.noAccess(filepath.Join(r.dir, kind.folder), err)
			}
			for _, e := range entries {
				l.lookAt(r, kind.name, path.Join(kind.folder, e.Name()))
			}
		}
	}
	l.unique()
}

// unique drops a pack met in an earlier root too: the same package stands in both, and the first root wins.
func (l *library) unique() {
	seen := map[string]bool{}
	l.packs = slices.DeleteFunc(l.packs, func(p pack) bool {
		if seen[p.stream()] {
			l.note(sdk.Invalid, "foundry.pack_twice", "the pack "+p.stream()+" is in two places; the one in "+p.dir+" is left out",
				"remove one of the copies, or one of the roots", nil)
			return true
		}
		seen[p.stream()] = true
		return false
	})
}

// lookAt reads one package's manifest. A folder without one is not a package.
func (l *library) lookAt(r root, kind, dir string) {
	name := path.Join(dir, first(r.manifest, kind+".json"))
	info, err := r.stat(dir)
	if err == nil && !info.IsDir() {
		return
	}
	var data []byte
	if err == nil {
		data, err = r.read(name, maxManifest)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.noAccess(r.path(name), err)
		}
		return
	}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	var m manifest
	if !json.Valid(data) {
		l.note(sdk.Invalid, "foundry.manifest_damaged", "the manifest "+name+" is no valid JSON; its package is left out",
			"install the package again", nil)
		return
	}
	_ = json.Unmarshal(data, &m) // members of a surprising type stay empty
	p := pkg{
		root: r, kind: kind, dir: dir, id: first(string(m.ID), string(m.Name), path.Base(dir)), title: string(m.Title),
		version: string(m.Version), license: licenceWords(string(m.License)), system: m.rules(kind),
		coreWas: string(m.CoreVersion), systemWas: string(m.SystemVersion),
	}
	if kind == "system" {
		p.system = p.id
	}
	before := len(l.packs)
	l.compendia(p, m)
	if kind == "world" {
		l.world(p)
	}
	if r.only != "" && len(l.packs) == before {
		l.lookAtOne(r, p)
	}
}

// maxManifest is larger than any manifest.
const maxManifest = 64 << 20

func readManifest(r *os.Root, name string) ([]byte, error) { return readPlain(r, name, maxManifest) }

// readPlain reads a file of at most so many bytes.
func readPlain(r *os.Root, name string, limit int64) ([]byte, error) {
	info, err := r.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > limit { // a pipe could be waited for without end
		return nil, errors.New("it is no plain file, or too large")
	}
	return r.ReadFile(name)
}

// rules is the system a package is for, where it says so.
func (m manifest) rules(kind string) string {
	var one text
	_ = json.Unmarshal(m.System, &one)
	if one != "" && kind == "world" {
		return string(one)
	}
	if len(m.Relationships.Systems) == 1 {
		return string(m.Relationships.Systems[0].ID)
	}
	var list []text
	_ = json.Unmarshal(m.System, &list)
	if len(list) == 1 {
		return string(list[0])
	}
	return string(one)
}

// licenceWords takes a licence, not the name of a file that holds one. An address of one is taken as it is.
func licenceWords(s string) string {
	if isAddress(s) {
		return s
	}
	if strings.ContainsAny(s, "/\\") || strings.HasSuffix(strings.ToLower(s), ".txt") || strings.HasSuffix(strings.ToLower(s), ".md") ||
		strings.EqualFold(s, "LICENSE") {
		return ""
	}
	return s
}

func isAddress(s string) bool {
	return strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
}

func (l *library) compendia(p pkg, m manifest) {
	for _, declared := range m.Packs {
		where := inside(string(declared.Path))
		name := first(string(declared.Name), path.Base(where))
		if name == "." {
			continue // neither a name nor a path
		}
		if where == "" {
			where = inside("packs/" + name)
		}
		system := first(string(declared.System), p.system)
		entry := pack{
			pkg: p, name: name, label: first(string(declared.Label), name), typ: first(string(declared.Type), string(declared.Entity)),
			system: system, book: book(declared.Flags, system), uri: path.Join(p.dir, where),
		}
		if full := entry.owned(); l.types[full] == "" { // the first root wins here too
			l.types[full] = entry.typ
		}
		l.addPack(entry, true)
	}
}

// inside is where a path of a manifest leads inside its package, which it never leaves. Older manifests end it with .db.
func inside(name string) string {
	return strings.TrimSuffix(path.Clean("/" + strings.ReplaceAll(name, "\\", "/"))[1:], ".db")
}

// worldCollections are the collections of a world that are read when the options name none: not those that hold
// passwords, settings, chat or a player's fog.
var worldCollections = []string{"actors", "cards", "folders", "items", "journal", "macros", "playlists", "scenes", "tables"}

func (l *library) world(p pkg) {
	for _, collection := range l.collections() {
		entry := pack{
			pkg: p, name: collection, label: first(p.title, p.id) + ": " + collection, typ: documentTypes[collection],
			system: p.system, uri: path.Join(p.dir, "data", collection), collection: collection,
		}
		l.addPack(entry, false)
	}
}

// collections are those of worlds that are read.
func (l *library) collections() []string {
	wanted := l.options.WorldCollections
	if len(wanted) == 0 {
		wanted = worldCollections
	}
	return slices.Compact(slices.Sorted(slices.Values(wanted)))
}

// addPack takes a pack whose files are there, and notes what one without them means.
func (l *library) addPack(p pack, declared bool) {
	only := p.pkg.root.only
	if only != "" && !p.same(only) || !l.options.wants(p) {
		return
	}
	where := p.uri
	if only != "" {
		p.uri = strings.TrimSuffix(only, ".db") // sources lie elsewhere than the pack they are for
	}
	uri, format, both := p.find()
	if format == "" {
		if declared {
			l.remark(sdk.NotFound, "foundry.pack_absent", "the package "+p.pkg.id+" declares the pack "+where+", which is not there")
		}
		return
	}
	p.uri, p.format, p.dir = uri, format, p.pkg.root.path(uri)
	l.packs = append(l.packs, p)
	if both != "" && declared {
		l.remark(sdk.Unsupported, "foundry.nedb_left", "beside the pack "+p.uri+" lies the file it was made from, "+both+", which is not read")
	}
}

// sibling is another collection of the world that the pack is of, if its files are there.
func (p pack) sibling(collection string) (pack, bool) {
	p.name, p.collection, p.typ = collection, collection, documentTypes[collection]
	p.uri = path.Join(p.pkg.dir, "data", collection)
	uri, format, _ := p.find()
	p.uri, p.format, p.dir = uri, format, p.pkg.root.path(uri)
	return p, format != ""
}

// book is the name of the book a compendium stands for, which systems keep in their flags.
func book(flags map[string]json.RawMessage, system string) string {
	var f struct {
		SourceBook text `json:"sourceBook"`
	}
	_ = json.Unmarshal(flags[system], &f)
	return string(f.SourceBook)
}

func (l *library) note(kind sdk.Kind, code, summary, suggestion string, cause error) {
	l.notes = append(l.notes, sdk.Diagnostic{
		Severity: sdk.SeverityWarning, Kind: kind, Code: code, Summary: summary, Suggestion: suggestion, Cause: cause,
	})
}

// remark notes what is worth knowing and no fault.
func (l *library) remark(kind sdk.Kind, code, summary string) {
	l.notes = append(l.notes, sdk.Diagnostic{Severity: sdk.SeverityInfo, Kind: kind, Code: code, Summary: summary})
}

func (l *library) noAccess(name string, err error) {
	l.note(sdk.Unavailable, "foundry.package_unreadable", name+" cannot be read",
		"check its rights; a link that leads out of the Data folder is not followed", err)
}

func first(words ...string) string {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}
