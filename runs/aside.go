package runs

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// aside holds the entities that an earlier attempt has stored and that this one reads again. About 150 bytes each.
type aside struct {
	mu      sync.Mutex
	streams map[streamKey]map[itemID]spare
}

type streamKey struct{ source, stream string }

type itemID struct {
	uid   string
	order int
}

type spare struct {
	place int64
	sum   string
}

// take takes an entity that came again out of them, and says whether it is the same as the stored one.
func (a *aside) take(h core.Head, sum string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	of, id := a.streams[streamKey{h.Source, h.Stream}], itemID{h.UID, h.SourceOrder}
	was, known := of[id]
	delete(of, id)
	return known && was.sum == sum
}

// before takes out those that lie in front of a checkpoint.
func (a *aside) before(c core.Checkpoint) []itemID {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.streams[streamKey{c.Source, c.Stream}]
	var list []itemID
	for id, s := range of {
		if s.place <= c.Items {
			list = append(list, id)
			delete(of, id)
		}
	}
	return list
}

// rest takes out those of a source, by stream.
func (a *aside) rest(source string) map[string][]itemID {
	a.mu.Lock()
	defer a.mu.Unlock()
	rest := map[string][]itemID{}
	for key, of := range a.streams {
		if key.source != source {
			continue
		}
		for id := range of {
			rest[key.stream] = append(rest[key.stream], id)
		}
		delete(a.streams, key)
	}
	return rest
}

// Past returns what the earlier attempts at the run have stored.
func (r *Run) Past(ctx context.Context) (past core.Past, err error) {
	if past.Checkpoints, err = r.Checkpoints(ctx); err != nil {
		return past, err
	}
	if past.Heads, err = r.Heads(ctx); err != nil {
		return past, err
	}
	if past.Mishaps, err = r.Mishaps(ctx); err != nil {
		return past, err
	}
	if past.Mappings, err = r.Mappings(ctx); err != nil {
		return past, err
	}
	rows, err := r.library.client.QueryLinear(ctx, rqlite.Statement{SQL: `SELECT asset_id FROM ` + made.of(r.number)})
	if err != nil {
		return past, fmt.Errorf("list what run %s has made: %w", r.id, err)
	}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return past, fmt.Errorf("list what run %s has made: %w", r.id, err)
		}
		past.Made = append(past.Made, id)
	}
	return past, nil
}

// Rewind prepares for what is read again of streams: all behind the first so many items of each. Mishaps are forgotten;
// entities are set aside until they come again, when one that is the same is not stored again.
func (r *Run) Rewind(ctx context.Context, from []core.Checkpoint) error {
	behind := make(map[streamKey]int64, len(from))
	for chunk := range slices.Chunk(from, removeAtOnce) {
		keys := make([][]any, len(chunk))
		for i, c := range chunk {
			behind[streamKey{c.Source, c.Stream}] = c.Items
			keys[i] = []any{c.Source, c.Stream, c.Items}
		}
		list, err := encoded(keys)
		if err != nil {
			return err
		}
		_, err = r.library.client.Apply(ctx, owned(r.number, r.token), rqlite.Statement{
			SQL: `DELETE FROM ` + mishaps.of(r.number) + ` WHERE EXISTS(SELECT 1 FROM json_each(?) k WHERE ` +
				`source=k.value->>0 AND stream=k.value->>1 AND place>k.value->>2)`,
			Args: []any{string(list)},
		})
		if err != nil {
			return fmt.Errorf("rewind run %s: %w", r.id, err)
		}
	}
	after := itemID{}
	for {
		page, err := r.spares(ctx, after)
		if err != nil {
			return fmt.Errorf("rewind run %s: %w", r.id, err)
		}
		r.aside.mu.Lock()
		for _, row := range page {
			if items, asked := behind[row.stream]; asked && row.place > items {
				if r.aside.streams[row.stream] == nil {
					r.aside.streams[row.stream] = map[itemID]spare{}
				}
				r.aside.streams[row.stream][row.id] = row.spare
			}
		}
		r.aside.mu.Unlock()
		if len(page) < listPage {
			return nil
		}
		after = page[len(page)-1].id
	}
}

type spareRow struct {
	spare

	id     itemID
	stream streamKey
}

// spares lists stored entities behind one, a page of them.
func (r *Run) spares(ctx context.Context, after itemID) ([]spareRow, error) {
	key, err := rqlite.List([]any{after.uid, after.order})
	if err != nil {
		return nil, err
	}
	rows, err := r.library.client.QueryLinear(ctx, rqlite.Statement{
		SQL: fmt.Sprintf(`SELECT uid,source_order,source,stream,place,sum FROM %s WHERE (uid,source_order)>(?1->>0,?1->>1) `+
			`ORDER BY uid,source_order LIMIT %d`, items.of(r.number), listPage),
		Args: []any{key},
	})
	if err != nil {
		return nil, err
	}
	list := make([]spareRow, 0, rows.Len())
	for rows.Next() {
		var s spareRow
		if err := rows.Scan(&s.id.uid, &s.id.order, &s.stream.source, &s.stream.stream, &s.place, &s.sum); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// Anew forgets what was stored of a source but its entities, which Rewind sets aside.
func (r *Run) Anew(ctx context.Context, source string) error {
	key, err := rqlite.List([]string{source})
	if err != nil {
		return err
	}
	statements := []rqlite.Statement{owned(r.number, r.token)}
	for _, t := range []table{mappings, checkpoints, mishaps} {
		statements = append(statements, rqlite.Statement{SQL: `DELETE FROM ` + t.of(r.number) + ` WHERE source=?1->>0`, Args: []any{key}})
	}
	if _, err := r.library.client.Apply(ctx, statements...); err != nil {
		return fmt.Errorf("begin source %s of run %s anew: %w", source, r.id, err)
	}
	return nil
}

// Finish says that the reading of a source has ended. What is still set aside of it is removed when the source was read as
// a whole, else counted, since it stays.
func (r *Run) Finish(ctx context.Context, source string, whole bool) error {
	for stream, rest := range r.aside.rest(source) {
		if whole {
			if err := r.remove(ctx, rest); err != nil {
				return err
			}
			continue
		}
		n := int64(len(rest))
		r.state.Kept(core.StageRead, source, "", core.Written, n)
		r.state.Kept(core.StageEntities, source, stream, core.Written, n)
	}
	return nil
}

// removeAtOnce is how many rows are removed in one transaction.
const removeAtOnce = 500

// remove removes entities that were stored by an earlier attempt and not by this one.
func (r *Run) remove(ctx context.Context, gone []itemID) error {
	for chunk := range slices.Chunk(gone, removeAtOnce) {
		keys := make([][]any, len(chunk))
		for i, id := range chunk {
			keys[i] = []any{id.uid, id.order}
		}
		list, err := encoded(keys)
		if err == nil {
			_, err = r.library.client.Apply(ctx, owned(r.number, r.token), rqlite.Statement{
				SQL: `DELETE FROM ` + items.of(r.number) + ` WHERE rev<=? AND ` +
					`(uid,source_order) IN (SELECT value->>0,value->>1 FROM json_each(?))`,
				Args: []any{r.revs, string(list)},
			})
		}
		if err != nil {
			return fmt.Errorf("remove what run %s no longer has: %w", r.id, err)
		}
	}
	return nil
}

// Pictures are the pictures of the library, as a run uses them: it remembers which ones it has rendered itself, so that
// a later attempt does not take them for those of other runs.
type Pictures struct{ run *Run }

// Pictures returns the pictures of the library for this run.
func (r *Run) Pictures() Pictures { return Pictures{r} }

// Lookup is that of [Library], with the numbers of this run.
func (p Pictures) Lookup(ctx context.Context, assetID, recipe string) (core.Asset, bool, error) {
	l := p.run.library
	return l.lookup(ctx, p.run.caches[l.pictures], assetID, recipe)
}

// Store is that of [Library], after a note that the run has made the asset.
func (p Pictures) Store(ctx context.Context, recipe string, a core.Asset) error {
	r := p.run
	note, err := made.upsert(r.number).Statement([][]any{{a.ID, r.revs + 1}})
	if err == nil {
		_, err = r.library.client.Apply(ctx, owned(r.number, r.token), note)
	}
	if err != nil {
		return fmt.Errorf("note picture %s: %w", a.ID, err)
	}
	return r.library.Store(ctx, recipe, a)
}
