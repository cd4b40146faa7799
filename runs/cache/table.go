package cache

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// ErrRefused says that a Table will never take a row or a deletion, however often it is tried.
var ErrRefused = errors.New("the store refuses the row")

// Table is the second level: rows that outlive the process. All methods may be called from many goroutines and
// processes. The suite in cachetest says what an implementation has to do.
type Table interface {
	// Find returns those rows of keys that are there and expire after nowMS, in any order.
	Find(ctx context.Context, cache string, keys []string, nowMS int64) ([]Row, error)
	// Scan returns the first rows whose keys have the prefix and come after another key, by key, if they expire after
	// nowMS.
	Scan(ctx context.Context, cache, prefix, after string, nowMS int64, limit int) ([]Row, error)
	// Write carries out deletions and writes rows, all of it or nothing. It may be carried out twice, and late: a row
	// replaces one of the same writer only with a higher Rev, one of another writer always.
	Write(ctx context.Context, cache string, deletions []Deletion, rows []Row) error
	// Purge removes rows, of whatever cache, that have expired at nowMS, the oldest first and at most limit, and returns
	// how many.
	Purge(ctx context.Context, nowMS int64, limit int) (int, error)
}

// Row is one entry in L2.
type Row struct {
	Key       string
	Value     []byte
	Absent    bool // known not to exist; Value is empty
	ExpiresMS int64
	Checksum  string // of all of the above, as it was when the row was written
	Writer    string // names the process that wrote it
	Rev       int64  // grows with every put of that process
}

// Sum returns the checksum that the row should have.
func (r *Row) Sum(cache string) string {
	h := sha256.New() // a hash takes everything
	var head [17]byte
	binary.BigEndian.PutUint32(head[0:], uint32(len(cache)))  //nolint:gosec // keys are short
	binary.BigEndian.PutUint32(head[4:], uint32(len(r.Key)))  //nolint:gosec // keys are short
	binary.BigEndian.PutUint64(head[8:], uint64(r.ExpiresMS)) //nolint:gosec // only its bits count
	if r.Absent {
		head[16] = 1
	}
	h.Write(head[:])
	h.Write([]byte(cache))
	h.Write([]byte(r.Key))
	h.Write(r.Value)
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Deletion removes the rows whose keys match, except those that Writer wrote with Rev or later.
type Deletion struct {
	Match  Pattern
	Writer string
	Rev    int64
}

// Covers says whether the deletion removes a row.
func (d Deletion) Covers(r *Row) bool {
	return (r.Writer != d.Writer || r.Rev < d.Rev) && d.Match.Matches(r.Key)
}
