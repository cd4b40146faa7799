package sdktest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"sync"

	"github.com/seed-98789ff7/converter/sdk"
)

const (
	keysKept   = 5
	faultsKept = 3
)

// recorder is a Writer that remembers what it gets. It takes what the converter takes, and nothing after its context ended.
type recorder struct {
	ctx   context.Context //nolint:containedctx // it is that of the one Read call the recorder is made for
	said  *paper
	asked []string
	on    func(records int64) // called after each record; may be nil

	scribe *scribe // nil: nobody wants to see the records themselves

	past map[string]*track // what came of streams when they had the revisions that the source was given; nil: it was given none

	mu       sync.Mutex
	streams  map[string]*track
	order    []string
	ids      map[uint64]struct{} // hashes of the ids seen
	records  int64
	bytes    int64
	failures int64
	reason   string // of the first failure
	faults   []string
	faulty   int64
	refused  bool // a call came after the end
	keys     []sdk.AssetRef
	uris     map[string]string // reference to an asset: where it leads
	paths    map[string]string // path of a file: id of a record with it
}

// track is what came of one stream.
type track struct {
	items   []item
	records int64
	failed  int64
	state   []byte // first checkpoint; nil: none
	at      int    // items before it

	revision []byte // nil: none
	same     int64  // records, or failures, that had not changed
}

// item is a record, or a failure, by its digest.
type item struct {
	id     string
	digest [sha256.Size]byte
}

func (b *bench) recorder(asked []string) *recorder {
	return &recorder{
		said: b.said, asked: asked, streams: map[string]*track{}, ids: map[uint64]struct{}{}, paths: map[string]string{}, uris: map[string]string{},
	}
}

var errNotAsked = errors.New("the source wrote to a stream that it was not asked for")

// track returns what there is of a stream, or why nothing may come any more.
func (r *recorder) track(stream string) (*track, error) {
	if err := r.ctx.Err(); err != nil {
		r.refused = true
		return nil, err
	}
	t := r.streams[stream]
	switch {
	case t != nil:
		return t, nil
	case stream == "" || len(r.asked) > 0 && !slices.Contains(r.asked, stream):
		r.fault("it wrote to stream %q, which it was not asked for", stream)
		return nil, errNotAsked
	}
	t = &track{}
	r.streams[stream] = t
	r.order = append(r.order, stream)
	return t, nil
}

func (r *recorder) fault(format string, args ...any) {
	r.faulty++
	if len(r.faults) < faultsKept {
		r.faults = append(r.faults, fmt.Sprintf(format, args...))
	}
}

// Record is that of [sdk.Writer].
func (r *recorder) Record(stream string, record sdk.Record) error {
	records, err := r.record(stream, record)
	if err == nil && r.on != nil {
		r.on(records)
	}
	return err
}

func (r *recorder) record(stream string, record sdk.Record) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.track(stream)
	if err != nil {
		return 0, err
	}
	r.records++
	t.records++
	r.bytes += int64(len(record.JSON))
	r.judge(record)
	for _, a := range record.Assets {
		r.asset(record.ID, a)
	}
	if r.scribe != nil {
		r.scribe.record(stream, record)
	}
	t.items = append(t.items, item{record.ID, digest(record)})
	return r.records, nil
}

// pointer notes what is no place in a document.
func (r *recorder) pointer(id, pointer string) {
	if pointer != "" && !strings.HasPrefix(pointer, "/") {
		r.fault("record %q: %q is no JSON Pointer, which begins with a slash", id, pointer)
	}
}

// judge notes what is wrong with a record.
func (r *recorder) judge(record sdk.Record) {
	if err := record.Validate(); err != nil {
		r.fault("record %q: %v", record.ID, err)
		return
	}
	if !json.Valid(record.JSON) {
		r.fault("record %q: its document is not JSON", record.ID)
	}
	if record.Kind != "" && !sdk.IsKind(record.Kind) {
		r.fault("record %q: there is no kind %q", record.ID, record.Kind)
	}
	for _, l := range record.Links {
		if !slices.Contains(sdk.LinkKinds[:], l.Kind) {
			r.fault("record %q: there is no kind of link %q", record.ID, l.Kind)
		}
		r.pointer(record.ID, l.Pointer)
	}
	for _, x := range record.Texts {
		if x.Role != "" && !slices.Contains(sdk.TextRoles[:], x.Role) {
			r.fault("record %q: there is no role %q of a text", record.ID, x.Role)
		}
		r.pointer(record.ID, x.Pointer)
	}
	for _, e := range record.Embedded {
		if e.Part == "" || e.Kind != "" && !sdk.IsKind(e.Kind) {
			r.fault("record %q: %q inside it has no part, or the kind %q that there is not", record.ID, e.Name, e.Kind)
		}
		r.pointer(record.ID, e.Pointer)
	}
	if len(record.Facts) > 0 && (!json.Valid(record.Facts) || record.Facts[0] != '{') {
		r.fault("record %q: its facts are no JSON object", record.ID)
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(record.ID)) // never fails
	if _, twice := r.ids[h.Sum64()]; twice {
		r.fault("the id %q came twice", record.ID)
	}
	r.ids[h.Sum64()] = struct{}{}
}

func (r *recorder) asset(id string, a sdk.AssetRef) {
	if a.Status != "" && !slices.Contains(sdk.AssetStatuses[:], a.Status) {
		r.fault("record %q: asset %q has the status %q, which there is not", id, a.URI, a.Status)
	}
	if a.Role != "" && !slices.Contains(sdk.AssetRoles[:], a.Role) {
		r.fault("record %q: asset %q has the role %q, which there is not", id, a.URI, a.Role)
	}
	r.pointer(id, a.Pointer)
	where := a.URL + "\n" + a.Path + "\n" + a.Key
	if before, known := r.uris[a.URI]; known && before != where {
		r.fault("record %q: the reference %q leads elsewhere than in a record before it; make it one that is unambiguous in the source", id, a.URI)
	}
	r.uris[a.URI] = where
	if locators(a) > 1 {
		r.fault("record %q: asset %q has more than one of URL, Path and Key", id, a.URI)
	}
	if a.Path != "" {
		r.paths[a.Path] = id
	}
	known := func(k sdk.AssetRef) bool { return k.Key == a.Key }
	if a.Key != "" && len(r.keys) < keysKept && !slices.ContainsFunc(r.keys, known) {
		r.keys = append(r.keys, a)
	}
}

// locators is how many ways to its bytes a reference names; one is right.
func locators(a sdk.AssetRef) (n int) {
	for _, locator := range []string{a.URL, a.Path, a.Key} {
		if locator != "" {
			n++
		}
	}
	return n
}

func digest(record sdk.Record) [sha256.Size]byte {
	h := sha256.New()
	_, _ = h.Write(record.JSON) // never fails
	record.JSON = nil
	rest, err := json.Marshal(record)
	if err != nil { // a Record without JSON of its own is made of strings and numbers
		rest = []byte(err.Error())
	}
	_, _ = h.Write(rest)
	return [sha256.Size]byte(h.Sum(nil))
}

// Skip is that of [sdk.Writer].
func (r *recorder) Skip(stream, id string, reason error) error {
	r.said.error(reason)
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.track(stream)
	if err != nil {
		return err
	}
	var d *sdk.Diagnostic
	if errors.As(reason, &d) && (d.Code == "record_invalid" || d.Code == "record_without_id") {
		r.fault("record %q: %s", id, d.Summary) // a record it is, which the other end of the wire did not take
	}
	if r.failures == 0 {
		r.reason = fmt.Sprintf("%q: %v", id, reason)
	}
	r.failures++
	t.failed++
	if r.scribe != nil {
		r.scribe.skip(stream, id, reason)
	}
	t.items = append(t.items, item{id, sha256.Sum256(fmt.Append(nil, reason))})
	return nil
}

// Checkpoint is that of [sdk.Writer].
func (r *recorder) Checkpoint(stream string, state []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.track(stream)
	if err == nil && t.state == nil {
		t.state, t.at = append([]byte{}, state...), len(t.items)
	}
	return err
}

// Revision is that of [sdk.RevisionWriter].
func (r *recorder) Revision(stream string, revision []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.track(stream)
	if err == nil {
		t.revision = append([]byte{}, revision...)
	}
	return err
}

// Unchanged is that of [sdk.RevisionWriter].
func (r *recorder) Unchanged(stream string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.track(stream)
	if err != nil {
		return err
	}
	past := r.past[stream]
	if past == nil || len(t.items) > 0 {
		return r.unfounded("stream %q was said to be unchanged without a revision of it, or after a part of it", stream)
	}
	t.items, t.same, t.revision = past.items, int64(len(past.items)), past.revision
	return nil
}

// UnchangedRecord is that of [sdk.RevisionWriter].
func (r *recorder) UnchangedRecord(stream, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, err := r.track(stream)
	if err != nil {
		return err
	}
	if past := r.past[stream]; past != nil {
		if i := slices.IndexFunc(past.items, func(it item) bool { return it.id == id }); i >= 0 {
			t.items = append(t.items, past.items[i])
			t.same++
			return nil
		}
	}
	return r.unfounded("record %q of stream %q was said to be unchanged, and did not come before", id, stream)
}

// unfounded wants r.mu held.
func (r *recorder) unfounded(format string, args ...any) error {
	r.fault(format, args...)
	return fmt.Errorf(format, args...)
}

// Progress is that of [sdk.Writer].
func (r *recorder) Progress(stream string, _, _ int64, note string) error {
	_, _ = r.said.Write([]byte(note + "\n"))
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err := r.track(stream)
	return err
}

// Report is that of [sdk.Writer].
func (r *recorder) Report(d sdk.Diagnostic) { r.said.diagnostic(d) }

// differs says where what came another time is not what was wanted, in all streams that either has; empty: nowhere.
func differs(want, got map[string]*track) string {
	for stream, w := range want {
		g := got[stream]
		if g == nil {
			g = &track{}
		}
		if where := differ(w.items, g.items); where != "" {
			return fmt.Sprintf("stream %q: %s", stream, where)
		}
	}
	for stream, g := range got {
		if want[stream] == nil && len(g.items) > 0 {
			return fmt.Sprintf("stream %q came, which did not before", stream)
		}
	}
	return ""
}

func differ(want, got []item) string {
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			return fmt.Sprintf("%d came instead of %d; missing is %q", len(got), len(want), want[i].id)
		case i >= len(want):
			return fmt.Sprintf("%d came instead of %d; too much is %q", len(got), len(want), got[i].id)
		case want[i].id != got[i].id:
			return fmt.Sprintf("number %d is %q instead of %q", i+1, got[i].id, want[i].id)
		case want[i].digest != got[i].digest:
			return fmt.Sprintf("number %d, %q, is not as it was", i+1, want[i].id)
		}
	}
	return ""
}
