package leveldb

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

type fileKind int

const (
	otherFile fileKind = iota
	logFile
	tableFile
	manifestFile
)

type fileName struct {
	kind   fileKind
	number uint64
}

func parseName(name string) fileName {
	kind, digits := otherFile, ""
	if rest, ok := strings.CutPrefix(name, "MANIFEST-"); ok {
		kind, digits = manifestFile, rest
	} else if rest, ok := strings.CutSuffix(name, ".log"); ok {
		kind, digits = logFile, rest
	} else if rest, ok := strings.CutSuffix(name, ".ldb"); ok {
		kind, digits = tableFile, rest
	} else if rest, ok := strings.CutSuffix(name, ".sst"); ok {
		kind, digits = tableFile, rest
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	if kind == otherFile || err != nil || digits[0] == '+' {
		return fileName{}
	}
	return fileName{kind, number}
}

func logName(number uint64) string { return fmt.Sprintf("%06d.log", number) }

// files are the names in the folder that matter.
type files struct {
	names map[string]fileName
	logs  []uint64 // ascending, which is the order they were written in
}

func listFiles(dir string) (files, error) {
	f := files{names: map[string]fileName{}}
	list, err := os.ReadDir(dir)
	if err != nil {
		return f, err
	}
	for _, e := range list {
		n := parseName(e.Name())
		if n.kind == otherFile || e.IsDir() {
			continue
		}
		f.names[e.Name()] = n
		if n.kind == logFile && e.Name() == logName(n.number) {
			f.logs = append(f.logs, n.number)
		}
	}
	slices.Sort(f.logs)
	return f, nil
}

// table is the file of table number: .ldb, or .sst as the first versions of LevelDB wrote.
func (f files) table(number uint64) string {
	if old := fmt.Sprintf("%06d.sst", number); f.names[old].kind == tableFile {
		if name := fmt.Sprintf("%06d.ldb", number); f.names[name].kind != tableFile {
			return old
		}
	}
	return fmt.Sprintf("%06d.ldb", number)
}

// stale lists the files that version v has no use for, in the order of their names.
func (f files) stale(v *version, manifest string) []string {
	var stale []string
	for name, n := range f.names {
		used := false
		switch n.kind {
		case logFile:
			used = v.liveLog(n.number)
		case tableFile:
			used = v.liveTable(n.number) && name == f.table(n.number)
		case manifestFile:
			used = name == manifest
		case otherFile:
		}
		if !used {
			stale = append(stale, name)
		}
	}
	slices.Sort(stale)
	return stale
}
