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
	row   int64
	place int64
	sum   string // empty: it has come again as another one, which has a row of its own
}

// take takes an entity that came again out of them, and says whether it is the same as the stored one. If it is not, the row
// of the old one is left to be removed.
func (a *aside) take(h core.Head, sum string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	of, id := a.streams[streamKey{h.Source, h.Stream}], itemID{h.UID, h.SourceOrder}
	was, known := of[id]
	if !known {
		return false
	}
	if was.sum == sum {
		delete(of, id)
		return true
	}
	was.sum = ""
	of[id] = was
	return false
}

// before takes out those that lie in front of a checkpoint, and returns their rows.
func (a *aside) before(c core.Checkpoint) []int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	of := a.streams[streamKey{c.Source, c.Stream}]
	var rows []int64
	for id, s := range of {
		if s.place <= c.Items {
			rows = append(rows, s.row)
			delete(of, id)
		}
	}
	return rows
}

// rest takes out those of a source, by stream.
func (a *aside) rest(source string) map[string][]spare {
	a.mu.Lock()
	defer a.mu.Unlock()
	rest := map[string][]spare{}
	for key, of := range a.streams {
		if key.source != source {
			continue
		}
		for _, s := range of {
			rest[key.stream] = append(rest[key.stream], s)
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
	var old []int64 // rows that have a successor
	for after := int64(0); ; {
		page, err := r.spares(ctx, after)
		if err != nil {
			return fmt.Errorf("rewind run %s: %w", r.id, err)
		}
		old = append(old, r.aside.put(page, behind)...)
		if len(page) < listPage {
			return r.remove(ctx, old)
		}
		after = page[len(page)-1].row
	}
}

// put sets rows aside that lie behind where their streams are read from, and returns those that it has newer ones of.
func (a *aside) put(page []spareRow, behind map[streamKey]int64) (old []int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, row := range page {
		if items, asked := behind[row.stream]; !asked || row.place <= items {
			continue
		}
		of := a.streams[row.stream]
		if of == nil {
			of = map[itemID]spare{}
			a.streams[row.stream] = of
		}
		if was, known := of[row.id]; known && was.row != row.row {
			old = append(old, was.row)
		}
		of[row.id] = row.spare
	}
	return old
}

type spareRow struct {
	spare

	id     itemID
	stream streamKey
}

// spares lists stored entities behind a row, a page of them.
func (r *Run) spares(ctx context.Context, after int64) ([]spareRow, error) {
	rows, err := r.library.client.QueryLinear(ctx, rqlite.Statement{
		SQL: fmt.Sprintf(`SELECT rev,uid,source_order,source,stream,place,sum FROM %s WHERE rev>? ORDER BY rev LIMIT %d`,
			items.of(r.number), listPage),
		Args: []any{after},
	})
	if err != nil {
		return nil, err
	}
	list := make([]spareRow, 0, rows.Len())
	for rows.Next() {
		var s spareRow
		if err := rows.Scan(&s.row, &s.id.uid, &s.id.order, &s.stream.source, &s.stream.stream, &s.place, &s.sum); err != nil {
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
		var gone []int64
		n := int64(0)
		for _, s := range rest {
			if whole || s.sum == "" {
				gone = append(gone, s.row)
			} else {
				n++
			}
		}
		if err := r.remove(ctx, gone); err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		r.state.Kept(core.StageRead, source, "", core.Written, n)
		r.state.Kept(core.StageEntities, source, stream, core.Written, n)
	}
	return nil
}

// removeAtOnce is how many rows are removed in one transaction.
const removeAtOnce = 500

// remove removes rows of entities that were stored by an earlier attempt and not by this one.
func (r *Run) remove(ctx context.Context, gone []int64) error {
	slices.Sort(gone)
	for chunk := range slices.Chunk(gone, removeAtOnce) {
		list, err := rqlite.List(chunk)
		if err == nil {
			_, err = r.library.client.Apply(ctx, owned(r.number, r.token), rqlite.Statement{
				SQL:  `DELETE FROM ` + items.of(r.number) + ` WHERE rev IN (SELECT value FROM json_each(?))`,
				Args: []any{list},
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
