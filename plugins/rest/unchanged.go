package rest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/seed-98789ff7/converter/sdk"
)

// unchanged says of records that they are as the host has them. As long as all records come as they did the last time, in the
// same order, nothing is said at all: at the end it may be the whole list.
type unchanged struct {
	stream  string
	out     sdk.Writer
	host    sdk.RevisionWriter // nil: it remembers nothing
	history *history           // what the host has; nil: something else, or nothing

	held    int // records that are as they were, from the first one on
	settled bool
}

// compare finds out whether the host has what the history is of. It may be of a later reading, whose run came to no good end.
func (f *flow) compare() *unchanged {
	u := &unchanged{stream: f.r.Name, out: f.out}
	u.host, _ = f.out.(sdk.RevisionWriter)
	if revision := f.known[f.r.Name]; u.host != nil && len(revision) > 0 && string(revision) == f.history.revision {
		u.history = f.history
	}
	return u
}

// send sends a record, or holds it back.
func (u *unchanged) send(rec sdk.Record, e entry) error {
	same := false
	if u.history != nil {
		before, known := u.history.known[e.ID]
		same = known && before.Sum == e.Sum
		if same && !u.settled && u.held < len(u.history.ids) && u.history.ids[u.held] == e.ID {
			u.held++
			return nil
		}
	}
	if err := u.release(); err != nil {
		return err
	}
	if same {
		return u.host.UnchangedRecord(u.stream, e.ID)
	}
	return u.out.Record(u.stream, rec)
}

// release says what was held back, record by record.
func (u *unchanged) release() error {
	if u.settled {
		return nil
	}
	u.settled = true
	for i := range u.held {
		if err := u.host.UnchangedRecord(u.stream, u.history.ids[i]); err != nil {
			return err
		}
	}
	return nil
}

// settle says that the whole list is as it was, if it is, and names what was read of it otherwise, if that is all.
func (f *flow) settle() (whole bool, err error) {
	if f.skipped == 0 && !f.partial {
		sum := sha256.New()
		_, _ = fmt.Fprintln(sum, Version, f.expected, f.dropped, f.doubled, len(f.seen)) // never fails
		for _, id := range f.now.ids {
			_, _ = fmt.Fprintf(sum, "%q %s\n", id, f.now.known[id].Sum) // never fails
		}
		f.now.revision = hex.EncodeToString(sum.Sum(nil))
	}
	u := f.same
	if u.history != nil && !u.settled && f.now.revision == u.history.revision {
		return true, u.host.Unchanged(u.stream)
	}
	return false, u.release()
}

// name tells the host what the state that was read is called.
func (u *unchanged) name(revision string) error {
	if u.host == nil {
		return nil
	}
	return u.host.Revision(u.stream, []byte(revision))
}

// sumOf is the same for two records that would be the same when they are sent.
func sumOf(rec sdk.Record) string {
	raw := sha256.Sum256(rec.JSON)
	rec.JSON = nil
	text, err := json.Marshal(rec)
	if err != nil {
		return "" // it is made of strings and numbers
	}
	sum := sha256.Sum256(append(text, raw[:]...))
	return hex.EncodeToString(sum[:])
}
