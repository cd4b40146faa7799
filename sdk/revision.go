package sdk

import (
	"bytes"
	"fmt"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
)

// MaxRevision is how many bytes a revision may have.
const MaxRevision = 4 << 10

// RevisionWriter is a [Writer] that remembers streams across runs, so that a second run does only what has changed. The
// Writers that the converter hands to Read are. A source that uses it says so: [Plugin.Incremental].
//
// A source names the state of each stream that it reads, by a hash mostly. When nothing but that is known of a stream at the
// next run, it comes back in [ReadRequest.Known]; where the state is still the same the source says so, and sends nothing.
// It does not come back when the version of the plugin or of the converter, or the options, are others, or when the stream
// was not read to its end.
type RevisionWriter interface {
	// Revision names the state that the stream is read in; at most [MaxRevision] bytes, the last one counts. Another state
	// has another revision whenever anything that the source says of the stream could be another: records, what is skipped
	// or reported, facts, and where assets are, but not their bytes. A stream that changes while it is read has none.
	Revision(stream string, revision []byte) error
	// Unchanged says that all of the stream is as it was in the revision of Known. Nothing else is sent for it.
	Unchanged(stream string) error
	// UnchangedRecord stands for the next record of the stream: the one of that id, which is as it was in the revision of
	// Known.
	UnchangedRecord(stream, id string) error
}

// maxSame is how many ids of records that have not changed travel together.
const maxSame = 1000

// Revision names the state that a stream is read in. A host that does not know the message is not sent one.
func (w *writer) Revision(stream string, revision []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.open(stream); err != nil {
		return err
	}
	if len(revision) > MaxRevision {
		return &Diagnostic{
			Kind: Invalid, Code: "TOO_LARGE", Stream: stream, Summary: fmt.Sprintf("a revision has %d bytes, more than %d", len(revision), MaxRevision),
			Suggestion: "this is a fault of the plugin: please report it to its author",
		}
	}
	if !w.remembers {
		return nil
	}
	message := &sourcepb.StreamRevision{Stream: text(stream), Revision: bytes.Clone(revision)}
	return w.send(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Revision{Revision: message}})
}

// Unchanged says that a stream is as the host knows it.
func (w *writer) Unchanged(stream string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := w.open(stream)
	if err == nil {
		err = w.isKnown(stream)
	}
	if err != nil {
		return err
	}
	if c.records+c.failed+c.same > 0 {
		return &Diagnostic{
			Kind: Internal, Code: "unchanged_late", Stream: stream, Summary: "the source sent a part of a stream and then said that nothing of it has changed",
			Suggestion: "this is a fault of the plugin: please report it to its author",
		}
	}
	message := &sourcepb.Unchanged{Stream: text(stream), Whole: true}
	return w.send(&sourcepb.ReadResponse{Message: &sourcepb.ReadResponse_Unchanged{Unchanged: message}})
}

// UnchangedRecord says that a record is as the host knows it.
func (w *writer) UnchangedRecord(stream, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	c, err := w.open(stream)
	if err == nil {
		err = w.isKnown(stream)
	}
	if err != nil {
		return err
	}
	if w.batch != nil || w.same != nil && (w.same.Stream != stream || len(w.same.Ids) >= maxSame) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	if w.same == nil {
		w.same = &sourcepb.Unchanged{Stream: stream}
	}
	w.same.Ids = append(w.same.Ids, text(id))
	c.same++
	return nil
}

// isKnown says whether the host has given a revision of a stream.
func (w *writer) isKnown(stream string) error {
	if _, known := w.known[stream]; known {
		return nil
	}
	return &Diagnostic{
		Kind: Internal, Code: "revision_unknown", Stream: stream,
		Summary:    "the source said that something has not changed of which it was given no revision",
		Suggestion: "this is a fault of the plugin: please report it to its author",
	}
}
