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
func openIn(folders []string, path string) (f *os.File, info fs.FileInfo, err error) {
	err = within(folders, path, func(folder *os.Root, name string) (err error) {
		f, info, err = openBelow(folder, name)
		return err
	})
	return f, info, err
}

// lookIn is what the system says of a file that openIn would open.
func lookIn(folders []string, path string) (info fs.FileInfo, err error) {
	err = within(folders, path, func(folder *os.Root, name string) (err error) {
		info, err = lookBelow(folder, name)
		return err
	})
	return info, err
}

// within finds a file in one of the folders.
func within(folders []string, path string, do func(folder *os.Root, name string) error) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return unreadable(err)
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
		err = below(folder, name, do)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		return outside(path)
	}
	if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
		return outside(path) // it is there, but behind a link that leads out
	}
	return unreadable(first)
}

func below(folder, name string, do func(*os.Root, string) error) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	return errors.Join(do(root, name), root.Close())
}

// passes says whether a file lies in one of the folders.
func passes(folders []string, path string) bool {
	return path != "" && slices.ContainsFunc(folders, func(folder string) bool {
		name, err := filepath.Rel(folder, path)
		return err == nil && filepath.IsLocal(name)
	})
}

func openBelow(folder *os.Root, name string) (*os.File, fs.FileInfo, error) {
	if _, err := lookBelow(folder, name); err != nil { // before it is opened: opening a pipe waits for somebody to write to it
		return nil, nil, err
	}
	f, err := folder.Open(name)
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat() // of what was opened, which may be another one by now
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, info, nil
}

func lookBelow(folder *os.Root, name string) (fs.FileInfo, error) {
	info, err := folder.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", name)
	}
	return info, err
}

func outside(path string) error {
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: "asset.outside", Origin: sdk.Origin{URI: path},
		Summary:    fmt.Sprintf("the source names a file outside of the folders that its options name: %s", path),
		Suggestion: "name its folder in the options of the source, or put a copy in place of the link",
	}
}
