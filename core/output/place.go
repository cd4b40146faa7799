package output

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const manifestName = "manifest.json"

// place returns where an output at path lies. A link stays what it is: what it leads to is replaced, on its own disk.
func place(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("output folder: %w", err)
	}
	if err := Replaceable(path); err != nil {
		return "", err
	}
	if followed, err := filepath.EvalSymlinks(path); err == nil {
		return followed, nil
	}
	return path, nil // nothing is there
}

// Replaceable says whether a run may put its output at path: where nothing is, an empty folder, or what a run wrote. What
// would have to be chosen differently is an error of kind Invalid; a folder that cannot be looked at, of Unavailable.
func Replaceable(path string) error {
	for {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return dangling(path)
		case err != nil:
			return unreachable(path, "the output folder cannot be looked at", "check the path and its rights", err)
		case !info.IsDir():
			return refused(path, "output.not_a_folder", "the output path is a file", "name a folder, or remove the file")
		case isMount(path):
			return refused(path, "output.mount_point", "the output folder is a mount point, and a run replaces the whole folder",
				"name a folder inside it")
		}
		err = replaceable(path)
		if now, statErr := os.Stat(path); err == nil || statErr == nil && os.SameFile(info, now) {
			return err
		}
		// Another run has put its output there meanwhile: what was seen is gone.
	}
}

func dangling(path string) error {
	if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSymlink {
		return refused(path, "output.dangling_link", "the output path is a link that leads nowhere", "make the folder it names, or remove it")
	}
	return nil
}

func replaceable(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return unreachable(path, "the output folder cannot be read", "check its rights", err)
	}
	if len(entries) == 0 || ours(path) {
		return nil
	}
	return refused(path, "output.foreign_files", "the output folder holds files that no run wrote, and a run replaces the whole folder",
		"name another folder, or empty this one")
}

// ours says whether a run wrote the folder: its manifest says so, and there is nothing beside what a run writes.
func ours(path string) bool {
	text, err := os.ReadFile(filepath.Join(path, manifestName))
	if err != nil {
		return false
	}
	var m struct {
		Format string `json:"format"`
	}
	if json.Unmarshal(text, &m) != nil || m.Format != Format {
		return false
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return false
	}
	for _, e := range entries {
		switch e.Name() {
		case manifestName, noticeName, "entities", "entities.jsonl", "assets":
		case ".DS_Store", "Thumbs.db", "desktop.ini": // what file managers leave behind
		default:
			return false
		}
	}
	return true
}
