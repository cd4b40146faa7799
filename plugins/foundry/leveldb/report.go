package leveldb

import (
	"errors"
	"fmt"
)

// Report is the account of one database.
type Report struct {
	Manifest   string   // the MANIFEST that CURRENT names; empty: Salvaged
	Salvaged   string   // why the state was put together from all tables and logs; empty: it was not
	Tables     int      // live tables found
	TableBytes int64    // their size on disk
	Logs       int      // live logs
	LogBytes   int64    // their size on disk
	LogEntries int      // puts and deletes in them
	Dead       int      // of those, the ones a later one in the logs replaces
	Stale      []string // table, log and MANIFEST files the database no longer uses
	Torn       []Damage // logs that end inside a record: the last write before a crash or a copy, normal
	Damage     []Damage // what could not be read, and is missing from the entries
	Tries      int      // how often Open had to look: more than one when the database is in use
}

// Damage is a place that could not be read.
type Damage struct {
	File   string // name within the folder
	Offset int64  // where the block or the record begins
	Reason string
}

// String says it in one line.
func (d Damage) String() string {
	return fmt.Sprintf("%s at byte %d: %s", d.File, d.Offset, d.Reason)
}

type place struct {
	file   string
	offset int64
}

// fault is damage found by code that does not know which file it reads.
type fault struct {
	offset int64
	reason string
}

func (f *fault) Error() string { return fmt.Sprintf("at byte %d: %s", f.offset, f.reason) }

func faultf(offset int64, format string, args ...any) error {
	return &fault{offset, fmt.Sprintf(format, args...)}
}

func faultOf(err error) (offset int64, reason string) {
	if f, ok := errors.AsType[*fault](err); ok {
		return f.offset, f.reason
	}
	return 0, err.Error()
}
