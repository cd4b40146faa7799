package engine

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// TestOpenIn: what a source may have opened by naming a path.
func TestOpenIn(t *testing.T) {
	dir := t.TempDir()
	inside, other := filepath.Join(dir, "inside"), filepath.Join(dir, "other")
	for _, folder := range []string{inside, other} {
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "map.png"), []byte(folder), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"within": "map.png", "out": filepath.Join(other, "map.png"), "up": "../other", "nowhere": "gone"} {
		if err := os.Symlink(target, filepath.Join(inside, name)); err != nil {
			t.Fatal(err)
		}
	}
	book := filepath.Join(other, "map.png")
	for name, tc := range map[string]struct {
		folders []string
		path    string
		code    string // empty: it is opened
	}{
		"file in the folder":      {[]string{inside}, filepath.Join(inside, "map.png"), ""},
		"second folder":           {[]string{inside, other}, filepath.Join(other, "map.png"), ""},
		"file that is named":      {[]string{book}, book, ""},
		"its neighbour":           {[]string{book}, filepath.Join(other, "x.png"), "asset.outside"},
		"link within":             {[]string{inside}, filepath.Join(inside, "within"), ""},
		"link that leads out":     {[]string{inside}, filepath.Join(inside, "out"), "asset.outside"},
		"through a link to above": {[]string{inside}, filepath.Join(inside, "up", "map.png"), "asset.outside"},
		"dots":                    {[]string{inside}, inside + "/../other/map.png", "asset.outside"},
		"name that begins alike":  {[]string{inside}, inside + "2/map.png", "asset.outside"},
		"no folder":               {nil, filepath.Join(inside, "map.png"), "asset.outside"},
		"not there":               {[]string{inside}, filepath.Join(inside, "gone.png"), "asset.missing"},
		"link to nowhere":         {[]string{inside}, filepath.Join(inside, "nowhere"), "asset.missing"},
		"the folder itself":       {[]string{inside}, inside, "asset.unreadable"},
	} {
		f, info, err := openIn(tc.folders, tc.path)
		if tc.code == "" {
			if err != nil || info.Size() == 0 {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		if d, ok := errors.AsType[*sdk.Diagnostic](err); !ok || d.Code != tc.code || d.Suggestion == "" {
			t.Errorf("%s: %v, want code %s", name, err, tc.code)
		}
	}
}
