package runs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/memory"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// keyLimit is the longest URI that is a key as it stands. References may hold a whole picture.
const keyLimit = 512

// PutEntity queues an entity; what e and head refer to may be reused when it returns. It is counted as written, or as cached
// when the compendium has its equal, when it is stored. One that an earlier attempt has stored, and that is the same, is
// counted at once.
func (r *Run) PutEntity(ctx context.Context, e *core.Entity, head core.Head) error {
	row, sum, err := r.itemRow(ctx, e, head)
	if err == nil {
		err = r.reap(e, head, row[len(row)-4:])
	}
	if err != nil {
		return fmt.Errorf("put entity %s: %w", e.UID, err)
	}
	outcome := core.Written
	if e.CompendiumUID != "" { // it is no custom item: the compendium has its equal
		outcome = core.Cached
	}
	if r.aside.take(head, sum) {
		r.state.Done(core.StageEntities, head.Source, head.Stream, outcome, 1)
		return nil
	}
	item := head.Name
	if item == "" {
		item = head.UID
	}
	return r.writer.put(ctx, &entry{
		table: items, key: itemKey(head.UID, head.SourceOrder), row: row, bytes: rqlite.Size(row),
		counts: []count{{stage: core.StageEntities, source: head.Source, stream: head.Stream, outcome: outcome, n: 1}},
		about: core.Failure{
			Stage: core.StageEntities, Source: head.Source, Plugin: e.Source.Plugin, Stream: head.Stream, Item: item,
		},
		mishap: &core.Mishap{Source: head.Source, Stream: head.Stream, Place: head.Place, Kind: core.MishapRecord, ID: head.NativeID},
	})
}

func itemKey(uid string, order int) string { return uid + "\x00" + strconv.Itoa(order) }

// itemRow returns the row of an entity, and a sum that is another one when anything of it is.
func (r *Run) itemRow(ctx context.Context, e *core.Entity, head core.Head) (row []any, sum string, err error) {
	bare := *e
	bare.Raw = nil
	scratch, _ := r.library.packer.buffers.Get().(*bytes.Buffer) // nothing else is put there
	defer r.library.packer.buffers.Put(scratch)
	if err := encode(scratch, restOf(&head)); err != nil {
		return nil, "", err
	}
	rest := scratch.String()
	if err := encode(scratch, &bare); err != nil {
		return nil, "", err
	}
	body := scratch.Bytes()
	sum = rowSum(&head, rest, body, e.RawSHA256)
	row = []any{
		head.UID, head.SourceOrder, head.Source, head.Stream, head.Place, head.Kind, head.Name, sum, rest, nil, nil, nil, nil,
	}
	bodies := row[len(row)-4:]
	if len(body)+1+len(e.Raw) <= inlineLimit {
		scratch.WriteByte(bodyEnd)
		scratch.Write(e.Raw)
		bodies[0] = r.library.packer.inline(scratch.Bytes())
		return row, sum, nil
	}
	if bodies[0], bodies[1], err = r.library.packer.store(ctx, r.bodies, body); err != nil {
		return nil, "", err
	}
	bodies[2], bodies[3], err = r.library.packer.store(ctx, r.bodies, e.Raw)
	return row, sum, err
}

// rowSum is a sum over all that a row says of an entity, and over its document by way of the document's own.
func rowSum(h *core.Head, rest string, body []byte, raw string) string {
	digest := sha256.New()
	text := make([]byte, 0, 512)
	quoted := func(s string) { text = append(strconv.AppendQuote(text, s), ' ') }
	number := func(n int64) { text = append(strconv.AppendInt(text, n, 10), ' ') }
	quoted(h.UID)
	number(int64(h.SourceOrder))
	quoted(h.Source)
	quoted(h.Stream)
	number(h.Place)
	quoted(h.Kind)
	text = append(strconv.AppendQuote(text, h.Name), rest...)
	for _, part := range [][]byte{text, body, []byte(raw)} {
		_, _ = digest.Write(part) // never fails
	}
	return hex.EncodeToString(digest.Sum(nil)[:16])
}

// bodyEnd parts an entity from its raw document where both are one body. JSON as it is encoded here has no line break.
const bodyEnd = '\n'

// headRest is what the columns of an entity's row do not say of its head. Rows of earlier versions have all of the head in
// its place.
type headRest struct {
	BaseSlug      string   `json:",omitempty"`
	System        string   `json:",omitempty"`
	Edition       string   `json:",omitempty"`
	Book          string   `json:",omitempty"`
	Page          int      `json:",omitempty"`
	Pack          string   `json:",omitempty"`
	Scope         string   `json:",omitempty"`
	NativeID      string   `json:",omitempty"`
	Aliases       []string `json:",omitempty"`
	ContentSHA256 string   `json:",omitempty"`
	RawBytes      int64    `json:",omitempty"`
}

func restOf(h *core.Head) *headRest {
	return &headRest{
		BaseSlug: h.BaseSlug, System: h.System, Edition: h.Edition, Book: h.Book, Page: h.Page, Pack: h.Pack, Scope: h.Scope, NativeID: h.NativeID, Aliases: h.Aliases,
		ContentSHA256: h.ContentSHA256, RawBytes: h.RawBytes,
	}
}

// encoded returns the JSON form of value without the escapes that only HTML needs.
func encoded(value any) ([]byte, error) {
	var b bytes.Buffer
	err := encode(&b, value)
	return b.Bytes(), err
}

// encode makes it the content of b.
func encode(b *bytes.Buffer, value any) error {
	b.Reset()
	encoder := json.NewEncoder(b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // a line break
	return nil
}

// PutMapping queues an asset mapping. Its outcome is counted when it is stored, that of a pending one never.
func (r *Run) PutMapping(ctx context.Context, m core.AssetMapping) error {
	body, err := encoded(m)
	if err != nil {
		return fmt.Errorf("put mapping of %s: %w", m.URI, err)
	}
	uri := mappingKey(m.URI)
	row := []any{m.Source, uri, string(body)}
	var counts []count
	if !m.Pending {
		counts = []count{{stage: core.StageAssets, source: m.Source, outcome: m.Outcome, n: 1}}
	}
	return r.writer.put(ctx, &entry{
		table: mappings, key: m.Source + "\x00" + uri, row: row, bytes: rqlite.Size(row), counts: counts,
		about: core.Failure{Stage: core.StageAssets, Source: m.Source, Item: uri},
	})
}

func mappingKey(uri string) string {
	if len(uri) <= keyLimit {
		return uri
	}
	return "sha256:" + blob.Name([]byte(uri))
}

// PutMishap queues what went wrong with an item. It has been counted.
func (r *Run) PutMishap(ctx context.Context, m core.Mishap) error {
	e, err := mishapEntry(m)
	if err != nil {
		return fmt.Errorf("put what went wrong with %s: %w", m.ID, err)
	}
	r.reapMishap(m)
	return r.writer.put(ctx, e)
}

// textLimit is how much of a message or detail is kept of one item; the numbers of a run keep less.
const textLimit = 4 << 10

func mishapEntry(m core.Mishap) (*entry, error) {
	m.Failures = slices.Clone(m.Failures)
	for i := range m.Failures {
		f := &m.Failures[i]
		f.Message, f.Detail, f.Suggestion = memory.Clip(f.Message, textLimit), memory.Clip(f.Detail, textLimit), memory.Clip(f.Suggestion, textLimit)
	}
	body, err := encoded(m)
	if err != nil {
		return nil, err
	}
	row := []any{m.Source, m.Stream, m.Place, string(body)}
	return &entry{
		table: mishaps, key: fmt.Sprintf("%s\x00%s\x00%d", m.Source, m.Stream, m.Place), row: row, bytes: rqlite.Size(row),
		about: core.Failure{Stage: core.StageRead, Source: m.Source, Stream: m.Stream, Item: m.ID},
	}, nil
}

// PutCheckpoint queues a checkpoint, behind everything put before it. What was set aside of its stream and lies in front of
// it has not come again, and is removed.
func (r *Run) PutCheckpoint(ctx context.Context, c core.Checkpoint) error {
	if err := r.remove(ctx, r.aside.before(c)); err != nil {
		return err
	}
	r.rest(c)
	facts, err := encoded(c.Facts)
	if err != nil {
		return fmt.Errorf("put a checkpoint of %s: %w", c.Source, err)
	}
	row := []any{
		c.Source, c.Stream, c.StateVersion, stateText(c), c.Items, c.Complete, c.Order, c.Title, c.Expected,
		string(facts),
	}
	return r.writer.put(ctx, &entry{
		table: checkpoints, key: c.Source + "\x00" + c.Stream, row: row, bytes: rqlite.Size(row),
		about: core.Failure{Stage: core.StageRead, Source: c.Source, Stream: c.Stream, Item: "checkpoint"},
	})
}

// stateText is the state of a checkpoint and, behind a dot, the revision of its stream.
func stateText(c core.Checkpoint) string {
	text := base64.StdEncoding.EncodeToString(c.State)
	if len(c.Revision) > 0 {
		text += "." + base64.StdEncoding.EncodeToString(c.Revision)
	}
	return text
}

func (r *Run) putProblem(ctx context.Context, p core.Problem) error {
	body, err := encoded(p)
	if err != nil {
		return fmt.Errorf("put problem %s: %w", p.Fingerprint, err)
	}
	row := []any{p.Fingerprint, string(body)}
	return r.writer.put(ctx, &entry{
		table: problems, key: p.Fingerprint, row: row, bytes: rqlite.Size(row),
		about: core.Failure{Stage: core.StageRead, Source: p.Source, Plugin: p.Plugin, Item: p.Code},
	})
}

// Flush waits until everything put so far is stored, or returns what could not be: a [StoreError] when it never will.
func (r *Run) Flush(ctx context.Context) error { return r.writer.flush(ctx) }
