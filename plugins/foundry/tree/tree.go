// Package tree reads the source trees that packs are built from: a folder of JSON or YAML files, one document each. It never
// writes to them.
//
// Two kinds are known. In those of Foundry's own command line tool every document has a `_key` that says what it is, folders
// are files like the others, and an Adventure may name files instead of holding its documents. In those of pf2e documents have
// no `_key` and folders stand in one `_folders.json`.
//
// It owns which files are documents, how YAML becomes JSON, and what cannot be used. JSON is handed out as it is written. What
// the members of a document mean is left to its callers.
//
// Open reads every file once for its id and keeps a line about it; Read reads it again. Folders nest 32 deep at most, files are
// at most 64 MB, links that lead out of the folder are not followed. It starts no goroutine. Errors are those of the
// operating system; a file that cannot be used is no error but a Fault.
package tree

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/object"
)

const (
	maxFile    = 64 << 20
	maxFolders = 32 // above a file
	maxFaults  = 1000
)

// Document is one document of a tree.
type Document struct {
	File string // with forward slashes, inside the tree
	Key  string // as it says itself; empty: it does not
	ID   string

	entry int // of the list in File; -1: it is the file
}

// Fault is a file that cannot be used.
type Fault struct {
	File   string
	Reason string
}

// Tree is an open tree.
type Tree struct {
	Documents  []Document // by file
	Files      int        // looked at
	Faults     []Fault    // the first 1000
	FaultCount int        // all of them

	folder fs.FS
	parts  map[string]bool // files that adventures name
	scan   object.Scanner
}

// IsSource says whether a file of this name can hold a document.
func IsSource(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".json", ".yml", ".yaml":
		return true
	}
	return false
}

// Keyed says whether its documents say themselves what they are.
func (t *Tree) Keyed() bool {
	return slices.ContainsFunc(t.Documents, func(d Document) bool { return d.Key != "" && d.entry < 0 })
}

// Open looks at all files of the folder. It holds nothing open.
func Open(folder fs.FS) (*Tree, error) {
	t := &Tree{folder: folder, parts: map[string]bool{}}
	err := fs.WalkDir(folder, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && name == ".":
			return err
		case err != nil:
			t.fault(name, err.Error())
			return nil
		case e.IsDir() && strings.Count(name, "/") >= maxFolders:
			t.fault(name, "it lies too deep")
			return fs.SkipDir
		case e.IsDir() && (e.Name() == "node_modules" || name != "." && e.Name()[0] == '.'):
			return fs.SkipDir
		case !e.Type().IsRegular() || !IsSource(name):
			return nil
		}
		t.Files++
		t.look(name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.choose()
	return t, nil
}

// choose drops what is no document: parts of adventures, and in a tree with keys what has none.
func (t *Tree) choose() {
	keyed := t.Keyed()
	t.Documents = slices.DeleteFunc(t.Documents, func(d Document) bool {
		switch {
		case t.parts[d.File]:
			return true
		case keyed && d.Key == "" && d.entry < 0:
			t.fault(d.File, "it has no _key, and the others have: it is taken for no document")
			return true
		case d.ID == "":
			t.fault(d.File, "it has no _id")
			return true
		}
		return false
	})
	slices.SortFunc(t.Documents, func(a, b Document) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.entry, b.entry))
	})
}

func (t *Tree) fault(file, reason string) {
	t.FaultCount++
	if len(t.Faults) < maxFaults {
		t.Faults = append(t.Faults, Fault{file, reason})
	}
}

var headNames = []string{"_id", "_key"}

// look notes the documents of one file.
func (t *Tree) look(name string) {
	text, err := t.read(name)
	if err != nil {
		t.fault(name, err.Error())
		return
	}
	if path.Base(name) == "_folders.json" && len(text) > 0 && text[0] == '[' {
		t.list(name, text)
		return
	}
	d := Document{File: name, entry: -1}
	if isYAML(name) {
		if id, key, ok := head(text); ok {
			d.ID, d.Key = id, key
			t.note(d, nil)
			return
		}
		if text, err = toJSON(text); err != nil {
			t.fault(name, err.Error())
			return
		}
	}
	if d.ID, d.Key, err = t.head(text); err != nil {
		t.fault(name, err.Error())
		return
	}
	t.note(d, text)
}

func (t *Tree) head(text []byte) (id, key string, err error) {
	var shape object.Shape
	if err := t.scan.Object(text, headNames, &shape); err != nil {
		return "", "", err
	}
	return textOf(shape.Value(text, 0)), textOf(shape.Value(text, 1)), nil
}

func textOf(raw []byte) string {
	if len(raw) == 0 || raw[0] != '"' {
		return ""
	}
	return string(object.Unquote(raw))
}

// note takes a document, and the files that it names if it is an adventure. Text is what the file says; nil: not known yet.
func (t *Tree) note(d Document, text []byte) {
	t.Documents = append(t.Documents, d)
	if !strings.HasPrefix(d.Key, "!adventures!") {
		return
	}
	if text == nil {
		var err error
		if text, err = t.whole(d.File); err != nil {
			return // Read says so
		}
	}
	t.splice(d.File, text, func(file string) { t.parts[file] = true })
}

// list notes the folders of a pf2e tree.
func (t *Tree) list(name string, text []byte) {
	wrapped := slices.Concat([]byte(`{"_":`), text, []byte("}"))
	var shape object.Shape
	if err := t.scan.Object(wrapped, nil, &shape); err != nil {
		t.fault(name, err.Error())
		return
	}
	_ = object.Entries(text, func(i int, entry []byte) error {
		if id, _, err := t.head(entry); err == nil && id != "" {
			t.Documents = append(t.Documents, Document{File: name, ID: id, Key: "!folders!" + id, entry: i})
		} else {
			t.fault(name, fmt.Sprintf("entry %d of the list is no folder", i))
		}
		return nil
	})
}

// Read returns a document as JSON.
func (t *Tree) Read(d Document) ([]byte, error) {
	if d.entry >= 0 {
		text, err := t.read(d.File)
		if err != nil {
			return nil, err
		}
		var found []byte
		var shape object.Shape
		if err := t.scan.Object(slices.Concat([]byte(`{"_":`), text, []byte("}")), nil, &shape); err != nil {
			return nil, err
		}
		_ = object.Entries(text, func(i int, entry []byte) error {
			if i == d.entry {
				found = entry
			}
			return nil
		})
		if found == nil {
			return nil, errors.New("the list became shorter")
		}
		return found, nil
	}
	text, err := t.whole(d.File)
	if err == nil && strings.HasPrefix(d.Key, "!adventures!") {
		text = t.splice(d.File, text, func(string) {})
	}
	return text, err
}

// whole is what a file says, as JSON.
func (t *Tree) whole(name string) ([]byte, error) {
	text, err := t.read(name)
	if err == nil && isYAML(name) {
		text, err = toJSON(text)
	}
	return text, err
}

func isYAML(name string) bool { return !strings.EqualFold(path.Ext(name), ".json") }

// read reads a file, without white space and marks around its text.
func (t *Tree) read(name string) ([]byte, error) {
	file, err := t.folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a plain file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("it is larger than %d MB", maxFile>>20)
	}
	text, err := io.ReadAll(io.LimitReader(file, maxFile))
	text = bytes.TrimPrefix(text, []byte("\uFEFF"))
	if !isYAML(name) {
		text = bytes.Trim(text, " \t\r\n")
	}
	return text, err
}

var headLine = regexp.MustCompile(`(?m)^(_id|_key):[ \t]+(?:'([^'\n]*)'|"([^"\\\n]*)"|([^\s'"#&*!|>{\[][^\n#]*?))[ \t]*\r?$`)

// head finds the id and the key of a YAML text that has them as lines of their own, which is how all of them are written.
func head(text []byte) (id, key string, ok bool) {
	for _, m := range headLine.FindAllSubmatch(text, -1) {
		word := string(slices.Concat(m[2], m[3], m[4]))
		if string(m[1]) == "_id" {
			id = word
		} else {
			key = word
		}
	}
	return id, key, id != "" && key != ""
}

// adventureFields are the members of an Adventure that hold documents.
var adventureFields = []string{"actors", "cards", "combats", "folders", "items", "journal", "macros", "playlists", "scenes", "tables"}

// splice puts the files that an adventure names in the place of their names, and calls each with them. A name that leads to no
// file stays.
func (t *Tree) splice(name string, text []byte, each func(file string)) []byte {
	var shape object.Shape
	if err := t.scan.Object(text, adventureFields, &shape); err != nil {
		return text // whoever joins it says so
	}
	var out []byte
	from := 0
	for _, m := range shape.Members {
		if text[m.Start] != '[' {
			continue
		}
		out = append(append(out, text[from:m.Start]...), '[')
		_ = object.Entries(text[m.Start:m.End], func(i int, entry []byte) error {
			if i > 0 {
				out = append(out, ',')
			}
			if part, file := t.part(name, textOf(entry)); part != nil && len(out) < maxJSON {
				each(file)
				entry = part
			}
			out = append(out, entry...)
			return nil
		})
		out = append(out, ']')
		from = m.End
	}
	return append(out, text[from:]...)
}

// part reads a file that an adventure names. Names are relative to the adventure's file, or to a folder called like it.
func (t *Tree) part(adventure, name string) (text []byte, file string) {
	if !IsSource(name) {
		return nil, ""
	}
	for _, base := range []string{path.Dir(adventure), strings.TrimSuffix(adventure, path.Ext(adventure)), "."} {
		file := path.Join(base, strings.ReplaceAll(name, "\\", "/"))
		if !fs.ValidPath(file) {
			continue
		}
		text, err := t.whole(file)
		var scan object.Scanner
		if err == nil && scan.Object(text, nil, &object.Shape{}) == nil {
			return text, file
		}
	}
	return nil, ""
}
