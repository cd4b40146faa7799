package runs

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// keyLimit is the longest URI that is a key as it stands. References may hold a whole picture.
const keyLimit = 512

// PutEntity queues an entity; what e and head refer to may be reused when it returns. It is counted as written when it
// is stored.
func (r *Run) PutEntity(ctx context.Context, e *core.Entity, head core.Head) error {
	row, err := r.itemRow(ctx, e, head)
	if err != nil {
		return fmt.Errorf("put entity %s: %w", e.UID, err)
	}
	item := head.Name
	if item == "" {
		item = head.UID
	}
	return r.writer.put(ctx, &entry{
		table: items, key: fmt.Sprintf("%s\x00%d", head.UID, head.SourceOrder), row: row, bytes: rqlite.Size(row),
		counts: []count{{stage: core.StageEntities, source: head.Source, stream: head.Stream, outcome: core.Written, n: 1}},
		about: core.Failure{
			Stage: core.StageEntities, Source: head.Source, Plugin: e.Source.Plugin, Stream: head.Stream, Item: item,
		},
	})
}

func (r *Run) itemRow(ctx context.Context, e *core.Entity, head core.Head) ([]any, error) {
	bare := *e
	bare.Raw = nil
	body, err := encoded(&bare)
	if err != nil {
		return nil, err
	}
	known, err := encoded(&head)
	if err != nil {
		return nil, err
	}
	entity, entityBlob, err := r.library.packer.store(ctx, r.bodies, body)
	if err != nil {
		return nil, err
	}
	raw, rawBlob, err := r.library.packer.store(ctx, r.bodies, e.Raw)
	if err != nil {
		return nil, err
	}
	return []any{head.UID, head.SourceOrder, head.Kind, head.Name, string(known), entity, entityBlob, raw, rawBlob}, nil
}

// encoded returns the JSON form of value without the escapes that only HTML needs.
func encoded(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// PutMapping queues an asset mapping. Its outcome is counted when it is stored.
func (r *Run) PutMapping(ctx context.Context, m core.AssetMapping, outcome core.Outcome) error {
	body, err := encoded(m)
	if err != nil {
		return fmt.Errorf("put mapping of %s: %w", m.URI, err)
	}
	uri := mappingKey(m.URI)
	row := []any{m.Source, uri, string(body)}
	return r.writer.put(ctx, &entry{
		table: mappings, key: m.Source + "\x00" + uri, row: row, bytes: rqlite.Size(row),
		counts: []count{{stage: core.StageAssets, source: m.Source, outcome: outcome, n: 1}},
		about:  core.Failure{Stage: core.StageAssets, Source: m.Source, Item: uri},
	})
}

func mappingKey(uri string) string {
	if len(uri) <= keyLimit {
		return uri
	}
	return "sha256:" + blob.Name([]byte(uri))
}

// PutCheckpoint queues a checkpoint, behind everything put before it.
func (r *Run) PutCheckpoint(ctx context.Context, c core.Checkpoint) error {
	row := []any{c.Source, c.Stream, c.StateVersion, base64.StdEncoding.EncodeToString(c.State)}
	return r.writer.put(ctx, &entry{
		table: checkpoints, key: c.Source + "\x00" + c.Stream, row: row, bytes: rqlite.Size(row),
		about: core.Failure{Stage: core.StageRead, Source: c.Source, Stream: c.Stream, Item: "checkpoint"},
	})
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
