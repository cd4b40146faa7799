package pdf

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// maxFiles is how many files one source may have.
const maxFiles = 10_000

// file is a PDF file that is to be read.
type file struct {
	path string
	name string // of its stream: its path inside the folder that was named, with slashes; else the file's name
	size int64

	modified int64 // nanoseconds since 1970
}

// find lists the files that the options name, each once, by name. A name that two of them would have gets the number of the
// option in front.
func (o *Options) find(path func(string) string) (files []file, err error) {
	var faults []error
	known := map[string]bool{}
	names := map[string]bool{}
	for i, option := range o.Files {
		found, err := o.below(path(option), fmt.Sprintf("/files/%d", i))
		faults = append(faults, err)
		for _, f := range found {
			if known[f.path] {
				continue
			}
			known[f.path] = true
			if names[f.name] {
				f.name = fmt.Sprintf("%d/%s", i+1, f.name)
			}
			names[f.name] = true
			files = append(files, f)
		}
	}
	if len(files) > maxFiles {
		faults = append(faults, &sdk.Diagnostic{
			Kind: sdk.Invalid, Code: "pdf.too_many_files", ConfigPath: "/files",
			Summary:    fmt.Sprintf("%d PDF files were found, more than %d", len(files), maxFiles),
			Suggestion: "name folders that hold fewer, or make several sources",
		})
		files = nil
	}
	slices.SortFunc(files, func(a, b file) int { return cmp.Compare(a.name, b.name) })
	return files, errors.Join(faults...)
}

// below lists the PDF files of a folder, or the file itself. Links are followed only where the option names one.
func (o *Options) below(root, configPath string) (files []file, err error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, absent(root, configPath, err)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, &sdk.Diagnostic{
			Kind: sdk.Invalid, Code: "pdf.no_file", ConfigPath: configPath, Summary: root + " is neither a file nor a folder",
			Suggestion: "name PDF files, or folders that hold some",
		}
	}
	if !info.IsDir() {
		return []file{{path: root, name: filepath.Base(root), size: info.Size(), modified: info.ModTime().UnixNano()}}, nil
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return absent(path, configPath, err)
		}
		if strings.HasPrefix(entry.Name(), ".") && path != root {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if !entry.Type().IsRegular() || !strings.EqualFold(filepath.Ext(path), ".pdf") {
			return nil
		}
		inside, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(inside)
		if slices.ContainsFunc(o.Exclude, func(pattern string) bool { return matches(pattern, name) }) {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // it went away meanwhile: it is none of the folder's files
		}
		files = append(files, file{path: path, name: name, size: info.Size(), modified: info.ModTime().UnixNano()})
		return nil
	})
	return files, err
}

func absent(path, configPath string, err error) error {
	d := &sdk.Diagnostic{
		Kind: sdk.NotFound, Code: "pdf.file_missing", ConfigPath: configPath, Summary: path + " is not there",
		Suggestion: "correct the path; it is relative to the config file",
	}
	if !errors.Is(err, os.ErrNotExist) {
		d.Kind, d.Code, d.Summary, d.Cause = sdk.Unavailable, "pdf.file_unreadable", path+" cannot be read", err
		d.Suggestion = "check its rights"
	}
	return d
}
