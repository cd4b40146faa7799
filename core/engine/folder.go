package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/seed-98789ff7/converter/sdk"
)

// openIn opens a regular file that lies in one of the folders, or is one of them. A source names files by path, and it may
// be anybody's program: links that lead out of the folder are not followed.
func openIn(folders []string, path string) (*os.File, fs.FileInfo, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, unreadable(err)
	}
	var first error
	for _, folder := range folders {
		name, err := filepath.Rel(folder, path)
		if err != nil || !filepath.IsLocal(name) {
			continue
		}
		if name == "." { // the options name this very file
			folder, name = filepath.Split(path)
		}
		f, info, err := openBelow(folder, name)
		if err == nil {
			return f, info, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		return nil, nil, outside(path)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return nil, nil, outside(path) // it is there, but behind a link that leads out
	}
	return nil, nil, unreadable(first)
}

// passes says whether a file lies in one of the folders.
func passes(folders []string, path string) bool {
	return path != "" && slices.ContainsFunc(folders, func(folder string) bool {
		name, err := filepath.Rel(folder, path)
		return err == nil && filepath.IsLocal(name)
	})
}

func openBelow(folder, name string) (_ *os.File, _ fs.FileInfo, err error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	info, err := root.Stat(name) // before it is opened: opening a pipe waits for somebody to write to it
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", name)
	}
	if err != nil {
		return nil, nil, err
	}
	f, err := root.Open(name)
	return f, info, err
}

func outside(path string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: "asset.outside", Origin: sdk.Origin{URI: path},
		Summary:    fmt.Sprintf("the source names a file outside of the folders that its options name: %s", path),
		Suggestion: "name its folder in the options of the source, or put a copy in place of the link",
	}
}
