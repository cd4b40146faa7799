package pack

import (
	"fmt"
	"maps"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
	"github.com/seed-98789ff7/converter/plugins/foundry/nedb"
)

// maxFaults is how many faults a Report lists; the others are counted.
const maxFaults = 1000

// Report is the account of one walk through the documents of a pack.
type Report struct {
	Database leveldb.Report // of a LevelDB pack
	NeDB     *nedb.Report   // of a NeDB pack; nil: it is none
	Files    int            // looked at, of a source tree

	Documents  int            // primary documents handed out
	Embedded   int            // documents embedded in them
	Missing    int            // documents that others list and that are not there or cannot be used
	Orphans    map[string]int // embedded documents that no usable parent lists, by collection path: left out
	Dead       int            // entries that were deleted or replaced; complete after a whole walk
	Faults     []Fault        // entries that could not be used or were used in part, the first 1000
	FaultCount int            // all of them
}

// Fault is what is wrong with one entry.
type Fault struct {
	Key    string
	Reason string
}

// String says it in one line.
func (f Fault) String() string { return fmt.Sprintf("%q: %s", f.Key, f.Reason) }

func (r *Report) fault(key []byte, reason string) {
	r.FaultCount++
	if len(r.Faults) < maxFaults {
		r.Faults = append(r.Faults, Fault{string(key), reason})
	}
}

func (r *Report) orphans(path string, n int) {
	if n == 0 {
		return
	}
	if r.Orphans == nil {
		r.Orphans = map[string]int{}
	}
	r.Orphans[path] += n
}

func (r *Report) clone() Report {
	c := *r
	c.Orphans = maps.Clone(r.Orphans)
	c.Faults = slices.Clone(r.Faults)
	return c
}
