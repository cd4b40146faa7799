package sdktest

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/sdk"
)

// place is a folder whose path is another one on every machine.
type place struct{ dir, name string }

// places are the folders of a configuration, the longest path first, as they stand in the strings of JSON; and what they
// are called when links are followed.
func places(c sdk.Configuration) []place {
	var all []place
	for _, p := range []place{{c.BaseDir, "${base}"}, {c.WorkDir, "${work}"}, {c.CacheDir, "${cache}"}} {
		dirs := []string{filepath.Clean(p.dir)}
		if target, err := filepath.EvalSymlinks(p.dir); err == nil && target != dirs[0] {
			dirs = append(dirs, target)
		}
		for _, dir := range dirs {
			if !filepath.IsAbs(dir) || dir == filepath.Dir(dir) { // the root is no place of anybody
				continue
			}
			quoted, err := json.Marshal(dir)
			if err == nil {
				all = append(all, place{string(quoted[1 : len(quoted)-1]), p.name})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b place) int { return len(b.dir) - len(a.dir) })
	return all
}

// hide puts the names of places where their paths stand, and leaves alone what only begins or ends like them.
func hide(text []byte, places []place) []byte {
	for _, p := range places {
		var out []byte
		for {
			before, after, found := bytes.Cut(text, []byte(p.dir))
			out = append(out, before...)
			if !found {
				break
			}
			if inName(before, after) {
				out = append(out, p.dir...)
			} else {
				out = append(out, p.name...)
			}
			text = after
		}
		text = out
	}
	return text
}

// inName returns whether a path between the two texts is part of a longer name.
func inName(before, after []byte) bool {
	letter := func(c byte) bool {
		return c >= utf8.RuneSelf || c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= c|' ' && c|' ' <= 'z'
	}
	if n := len(before); n > 0 && (letter(before[n-1]) || before[n-1] == '.') {
		return true
	}
	if len(after) > 1 && after[0] == '.' { // a file name goes on after a dot, a sentence does not
		after = after[1:]
	}
	return len(after) > 0 && letter(after[0])
}
