package host

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// FilePrefix is how the names of the files of plugins begin; the rest is the name of the plugin.
const FilePrefix = "converter-plugin-"

// CodeBadName is the code of a diagnostic about a name that no plugin can have.
const CodeBadName = "plugin_bad_name"

var validName = regexp.MustCompile(`^[a-z][a-z0-9-]{1,39}$`)

// FindConfig says where plugins are looked for. The zero value looks where every user's plugins are.
type FindConfig struct {
	Path      string   // file that the config names for this plugin; nothing else is looked at then; default: none
	Dirs      []string // folders named on the command line; default: none
	ConfigDir string   // folder of the config file, whose subfolder "plugins" is looked into; default: none
	// Getenv returns the variables CONVERTER_PLUGIN_PATH, XDG_DATA_HOME, HOME and PATH; default: os.Getenv.
	Getenv func(string) string
}

// Found is the file of a plugin.
type Found struct {
	Name     string
	Path     string
	From     string   // what made us look there, for people
	Shadowed []string // files of the same name that would be used if this one were not there
	Fault    error    // why it cannot be started; nil: it can be tried
}

// place is a folder to look in.
type place struct{ dir, from string }

// places are in the order they are looked in.
func (f FindConfig) places() []place {
	getenv := f.Getenv
	if getenv == nil {
		getenv = os.Getenv
	}
	var all []place
	add := func(from string, dirs ...string) {
		for _, dir := range dirs {
			known := slices.ContainsFunc(all, func(p place) bool { return p.dir == dir })
			if dir != "" && !known {
				all = append(all, place{dir, from})
			}
		}
	}
	add("--plugin-dir", f.Dirs...)
	add("CONVERTER_PLUGIN_PATH", filepath.SplitList(getenv("CONVERTER_PLUGIN_PATH"))...)
	if f.ConfigDir != "" {
		add("beside the config", filepath.Join(f.ConfigDir, "plugins"))
	}
	add("the user's plugins", userDir(getenv))
	for _, dir := range filepath.SplitList(getenv("PATH")) {
		if filepath.IsAbs(dir) { // what lies in the folder one happens to be in is not to be started
			add("PATH", dir)
		}
	}
	return all
}

func userDir(getenv func(string) string) string {
	if data := getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "converter", "plugins")
	}
	if home := getenv("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "converter", "plugins")
	}
	return ""
}

// Find returns the file of the plugin with that name: the one the config names, or the first in the order: folders of
// the command line, CONVERTER_PLUGIN_PATH, "plugins" beside the config file, the user's data folder, PATH. A file that
// is found but cannot be executed is an error, never passed over.
func Find(name string, config FindConfig) (Found, error) {
	if err := CheckName(name); err != nil {
		return Found{}, err
	}
	if config.Path != "" {
		path, err := filepath.Abs(config.Path)
		if err != nil {
			return Found{}, noSuchProgram(name, config.Path, err)
		}
		return Found{Name: name, Path: path, From: "the config"}, executable(name, path)
	}
	places := config.places()
	var found Found
	for _, p := range places {
		path, err := filepath.Abs(filepath.Join(p.dir, FilePrefix+name+suffix()))
		if err != nil {
			continue
		}
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if found.Path != "" {
			found.Shadowed = append(found.Shadowed, path)
			continue
		}
		found = Found{Name: name, Path: path, From: p.from}
	}
	if found.Path == "" {
		return Found{}, notFound(name, places)
	}
	found.Fault = executable(name, found.Path)
	return found, found.Fault
}

// CheckName says why a plugin cannot have a name; nil: it can.
func CheckName(name string) error {
	if !validName.MatchString(name) {
		return badName(name)
	}
	return nil
}

// List returns every plugin that Find would find, by name. Those that cannot be started are there with their fault.
// Folders that cannot be read are in the error; the rest is returned all the same.
func List(config FindConfig) ([]Found, error) {
	config.Path = ""
	names := map[string]bool{}
	var faults []error
	for _, p := range config.places() {
		entries, err := os.ReadDir(p.dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, fmt.Errorf("look for plugins (%s): %w", p.from, err))
		}
		for _, e := range entries {
			name, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), suffix()), FilePrefix)
			if ok && validName.MatchString(name) {
				names[name] = true
			}
		}
	}
	var all []Found
	for name := range names {
		if found, _ := Find(name, config); found.Path != "" { // its error is the fault in it
			all = append(all, found)
		}
	}
	slices.SortFunc(all, func(a, b Found) int { return strings.Compare(a.Name, b.Name) })
	return all, errors.Join(faults...)
}

func suffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

func badName(name string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: CodeBadName, Summary: fmt.Sprintf("%q cannot be the name of a plugin", name),
		Suggestion: "a name is 2 to 40 lower-case letters, digits and dashes, a letter first; a file is named by `path`",
	}
}

func notFound(name string, places []place) error {
	var looked []string
	for _, p := range places {
		looked = append(looked, fmt.Sprintf("%s (%s)", p.dir, p.from))
	}
	return &sdk.Diagnostic{
		Kind: sdk.NotFound, Code: CodeNotFound,
		Summary:    fmt.Sprintf("plugin %q: there is no file %s%s%s in any of the folders for plugins", name, FilePrefix, name, suffix()),
		Detail:     "looked in:\n" + strings.Join(looked, "\n"),
		Suggestion: "put it into one of the folders, name its folder with --plugin-dir, or its file with `path` in the config",
	}
}
