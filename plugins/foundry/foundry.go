// Package foundry is the source of Foundry VTT content: the systems, modules and worlds of a `Data` folder, single packages, zip
// files of them and single packs, read offline and without writing a byte to them.
//
// It owns what Foundry content means: packages and their manifests, which files are packs, what a document is called, what it
// says to people and to programs, what lies in it and what it refers to. Marks in texts are found by foundry/enrich and put into
// words here, as Foundry would show them; HTML becomes Markdown in foundry/prose. Putting a pack's documents together is
// foundry/pack's part; reading its files is the part of foundry/leveldb, foundry/nedb and foundry/tree, for which
// foundry/object takes JSON apart. It starts no goroutine. Its errors
// are *sdk.Diagnostic with codes that begin with "foundry."; a document that cannot be read is skipped with one, a pack
// that cannot be opened too, and the others go on.
//
// Users, settings, chat and fog of worlds are read only when the options name them, and passwords never: see private.
//
// Memory: what foundry/pack needs for one pack, the names of one pack's folders and the keys of its documents, and one
// entry for each distinct asset reference (about 200 bytes). Where texts have links without words, or words of the rules, the
// names in the packs that these lead to (about 100 bytes for each document, inner ones too).
//
// Pictures that stand in documents are written to the cache folder, or else to the work folder, under the hash of their bytes.
package foundry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/prose"
	"github.com/seed-98789ff7/converter/sdk"
)

// Version is the version of the plugin.
const Version = "0.1.0"

// Options are the options of a foundry source.
type Options struct {
	Roots            []string  `json:"roots" jsonschema:"required,minItems=1" jsonschema_description:"What to read: Foundry Data folders, folders or zip files of packages, packs in any form. Relative to the config file."`
	CoreRoot         string    `json:"core_root,omitempty" jsonschema_description:"Folder of Foundry's own pictures: resources/app/public of an installation. Without it, references to them stay references."`
	Include          Selection `json:"include,omitzero" jsonschema_description:"Read nothing but these. Default: everything."`
	Exclude          Selection `json:"exclude,omitzero" jsonschema_description:"Do not read these, whatever include says. Default: nothing is left out."`
	WorldCollections []string  `json:"world_collections,omitempty" jsonschema:"uniqueItems=true,enum=actors,enum=cards,enum=combats,enum=fog,enum=folders,enum=items,enum=journal,enum=macros,enum=messages,enum=playlists,enum=scenes,enum=settings,enum=tables,enum=users" jsonschema_description:"Collections of worlds to read. Default: all but combats, fog, messages, settings and users. Passwords are never read."`
	Secrets          string    `json:"secrets,omitempty" jsonschema:"default=mark,enum=mark,enum=drop,enum=keep" jsonschema_description:"What is for the game master alone in texts: mark it as such, drop it from texts and documents, or keep it without a mark. Documents that players may not see are kept and marked as such in any case."`
	Language         string    `json:"language,omitempty" jsonschema:"default=en" jsonschema_description:"Language of the words that texts take from their packages, as the packages call it: en, de, pt-BR."`
}

// Validate refuses what would be read wrongly: not every caller has looked at the schema.
func (o *Options) Validate() error {
	var faults []error
	if len(o.Roots) == 0 || slices.Contains(o.Roots, "") {
		faults = append(faults, &sdk.Diagnostic{
			Kind: sdk.Invalid, Code: "foundry.root_unnamed", ConfigPath: "/roots", Summary: "no root is named, or one has no name",
			Suggestion: dataFolder.suggestion,
		})
	}
	known := slices.Concat(worldCollections, private, []string{"combats"})
	for i, c := range o.WorldCollections {
		if !slices.Contains(known, c) {
			faults = append(faults, &sdk.Diagnostic{
				Kind: sdk.Invalid, Code: "foundry.world_collection", ConfigPath: fmt.Sprintf("/world_collections/%d", i),
				Summary:    fmt.Sprintf("%q is no collection of worlds that can be read", c),
				Suggestion: "those that can are " + strings.Join(slices.Sorted(slices.Values(known)), ", "),
			})
		}
	}
	if !slices.Contains([]string{"", prose.Mark, prose.Drop, prose.Keep}, o.Secrets) {
		faults = append(faults, &sdk.Diagnostic{
			Kind: sdk.Invalid, Code: "foundry.secrets", ConfigPath: "/secrets",
			Summary: fmt.Sprintf("%q is no way to treat secrets", o.Secrets), Suggestion: "use mark, drop or keep",
		})
	}
	faults = append(faults, o.Include.faults("include"), o.Exclude.faults("exclude"))
	return errors.Join(faults...)
}

// New returns the source. It is not configured yet.
func New() sdk.Source {
	return sdk.Define(sdk.Plugin[Options]{
		Name:    "foundry",
		Version: Version,
		Summary: "Reads Foundry VTT systems, modules, worlds and packs, read-only.",
		License: "MIT",
		Kinds: []string{
			"creature", "character", "vehicle", "group", "item", "spell", "feature", "class", "subclass", "species",
			"background", "condition", "rule", "table", "scene", "playlist", "macro", "cards", "adventure", "folder", "other",
		},
		StateVersion: 1,
		Resumable:    true,
		Incremental:  true,
		Open:         sdk.NewOpener(open),
	})
}

// library is an opened source: the packages of its roots.
type library struct {
	options   Options
	roots     []root
	core      []root // none or one
	packs     []pack
	files     *files
	abouts    map[string]*about // what else is known of packages, by scope
	indexes   map[string]*index // names of documents, by stream
	marks     map[string]int    // marks that were met, by what became of them
	types     map[string]string // document type of each known compendium, by "package.pack"
	notes     []sdk.Diagnostic  // what was found wrong while looking, reported when reading begins
	missing   error             // folders of the options that cannot be read
	counted   *remembered
	seals     *seals
	trail     *trail // of the pack that is being read; nil: nobody keeps it
	shaped    string
	env       sdk.Environment
	temporary string // folder to remove in the end
}

// root is one Data folder, the folder of one package, or that of an installation.
type root struct {
	dir      string
	fs       *os.Root
	packages bool   // it holds packages: it is no installation
	mount    string // where it would lie in Data; empty: it is Data itself
	kind     string // of the one package that it is
	manifest string // of that package
	only     string // the one pack of it that is read, inside Data; empty: all
	search   []root // where to look for files that its documents refer to, in this order
}

func open(_ context.Context, o Options, env sdk.Environment) (*library, error) {
	l := &library{options: o, env: env, counted: remember(env.CacheDir), seals: openSeals(env.CacheDir)}
	for i, name := range o.Roots {
		r, err := l.openRoot(env.Path(name), fmt.Sprintf("/roots/%d", i))
		if err == nil && slices.ContainsFunc(l.roots, func(other root) bool { return other.dir == r.dir && other.only == r.only }) {
			err = r.fs.Close() // named twice
		} else if err == nil {
			r.packages = true
			l.roots = append(l.roots, r)
		}
		l.missing = errors.Join(l.missing, err)
	}
	if o.CoreRoot != "" {
		r, err := installation.open(env.Path(o.CoreRoot), "/core_root")
		l.missing = errors.Join(l.missing, err)
		if err == nil {
			l.core = []root{r}
		}
	}
	for i, r := range l.roots {
		places := slices.Concat([]root{r}, l.roots[:i], l.roots[i+1:], l.core)
		// Of a package around a single pack no files are named by the options, and none is looked for.
		l.roots[i].search = slices.DeleteFunc(places, func(place root) bool { return place.only != "" })
	}
	l.files = newFiles(pictureFolder(env))
	l.look()
	return l, nil
}

// Close lets go of the folders.
func (l *library) Close() error {
	var errs []error
	for _, r := range slices.Concat(l.roots, l.core) {
		errs = append(errs, r.fs.Close())
	}
	if l.temporary != "" {
		errs = append(errs, os.RemoveAll(l.temporary))
	}
	return errors.Join(errs...)
}

// Check says whether all folders are there, and anything to read in them.
func (l *library) Check(context.Context) error {
	if l.missing != nil || len(l.packs) > 0 {
		return l.missing
	}
	d := &sdk.Diagnostic{
		Kind: sdk.NotFound, Code: "foundry.nothing_found", ConfigPath: "/roots",
		Summary: "no pack that can be read was found in " + strings.Join(l.options.Roots, ", "),
		Suggestion: dataFolder.suggestion + ", the one that holds the folders systems, modules and worlds, or a package or pack; " +
			"include and exclude may leave nothing",
	}
	for _, n := range l.notes {
		d.Detail += n.Summary + "\n"
	}
	return d
}

// namedFolder is a kind of folder that options name.
type namedFolder struct {
	holds      []string // one of which is in it
	inside     []string // where it lies in the folders that people name instead
	suggestion string
}

var (
	dataFolder = namedFolder{
		holds: []string{"systems", "modules", "worlds"}, inside: []string{"Data"},
		suggestion: "name the Data folder of Foundry",
	}
	installation = namedFolder{
		holds: []string{"icons"}, inside: []string{"public", "resources/app/public"},
		suggestion: "name the folder resources/app/public of a Foundry installation",
	}
)

func (f namedFolder) open(dir, configPath string) (root, error) {
	info, err := os.Stat(dir)
	if err != nil {
		return root{}, missingFolder(dir, configPath, err)
	}
	if !info.IsDir() {
		return root{}, &sdk.Diagnostic{
			Kind: sdk.Invalid, Code: "foundry.root_not_a_folder", Summary: dir + " is not a folder",
			Suggestion: f.suggestion, ConfigPath: configPath,
		}
	}
	for _, inside := range f.inside {
		if inner := filepath.Join(dir, filepath.FromSlash(inside)); !f.in(dir) && f.in(inner) {
			dir = inner
		}
	}
	fs, err := os.OpenRoot(dir)
	if err != nil {
		return root{}, missingFolder(dir, configPath, err)
	}
	return root{dir: dir, fs: fs}, nil
}

func (f namedFolder) in(dir string) bool {
	return slices.ContainsFunc(f.holds, func(name string) bool {
		info, err := os.Stat(filepath.Join(dir, name))
		return err == nil && info.IsDir()
	})
}

func missingFolder(dir, configPath string, err error) error {
	d := &sdk.Diagnostic{
		Kind: sdk.NotFound, Code: "foundry.root_missing", Summary: "the folder " + dir + " is not there",
		Suggestion: "correct the path; it is relative to the config file", ConfigPath: configPath,
	}
	if !errors.Is(err, os.ErrNotExist) {
		d.Kind, d.Code, d.Summary, d.Cause = sdk.Unavailable, "foundry.root_unreadable", "the folder "+dir+" cannot be read", err
		d.Suggestion = "check the folder's rights"
	}
	return d
}
