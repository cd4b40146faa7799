package sdk

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Folders lists the folders and files that the Path of an [AssetRef] may lie in, or be: those that the options name, and
// WorkDir and CacheDir. The options name a file by any text in them, however deep, that leads to one that is there.
func (c Configuration) Folders() []string {
	var options any
	_ = json.Unmarshal(c.Options, &options) // what is no JSON names nothing
	paths := c.named(options)
	for _, own := range []string{c.WorkDir, c.CacheDir} {
		if own != "" {
			paths = append(paths, filepath.Clean(own))
		}
	}
	return paths
}

func (c Configuration) named(value any) (paths []string) {
	switch v := value.(type) {
	case string:
		path := Environment{BaseDir: c.BaseDir}.Path(v)
		if _, err := os.Stat(path); v != "" && err == nil {
			paths = append(paths, path)
		}
	case []any:
		for _, item := range v {
			paths = append(paths, c.named(item)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			paths = append(paths, c.named(v[key])...)
		}
	}
	return paths
}
