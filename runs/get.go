package runs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

const (
	listPage = 2000 // rows of a list read at once

	entityPage      = 200 // entities read at once, of which
	entityPageBytes = 1 << 20
	entityOverhead  = 2 << 10 // what an entity takes besides its raw document, roughly
)

// Heads lists all stored entities by uid, then by the order of their sources.
func (r *Run) Heads(ctx context.Context) ([]core.Head, error) {
	list, err := pages(ctx, r, "rev,uid,source_order,source,stream,place,kind,name,head", items, headsIn,
		func(h core.Head) []any { return []any{h.Row} })
	if err != nil {
		return nil, fmt.Errorf("list the entities of run %s: %w", r.id, err)
	}
	list = append(list, r.carriedHeads()...)
	slices.SortFunc(list, func(a, b core.Head) int {
		return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.SourceOrder, b.SourceOrder), cmp.Compare(b.Row, a.Row))
	})
	return slices.CompactFunc(list, func(a, b core.Head) bool { return a.UID == b.UID && a.SourceOrder == b.SourceOrder }), nil
}

// headsIn returns the heads in rows, from their columns and what they have besides.
func headsIn(rows *rqlite.Rows) ([]core.Head, error) {
	list := make([]core.Head, 0, rows.Len())
	for rows.Next() {
		var h core.Head
		var order int64
		var rest string
		err := rows.Scan(&h.Row, &h.UID, &order, &h.Source, &h.Stream, &h.Place, &h.Kind, &h.Name, &rest)
		if err == nil {
			h.SourceOrder = int(order)
			err = json.Unmarshal([]byte(rest), &h)
		}
		if err != nil {
			return nil, err
		}
		list = append(list, h)
	}
	return list, nil
}

// Mappings lists all stored asset mappings by source and URI.
func (r *Run) Mappings(ctx context.Context) ([]core.AssetMapping, error) {
	list, err := pages(ctx, r, "body", mappings, decoded, func(m core.AssetMapping) []any { return []any{m.Source, mappingKey(m.URI)} })
	if err != nil {
		return nil, fmt.Errorf("list the asset mappings of run %s: %w", r.id, err)
	}
	slices.SortFunc(list, func(a, b core.AssetMapping) int { // keys of long URIs have another order
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.URI, b.URI))
	})
	return list, nil
}

// pages reads columns of a table, in the order of its key, page after page. Like all that a run reads of its
// own rows it wants certainty: a node that has just become the leader of a cluster may not have them all yet, and a row that does
// not come is one that nobody misses.
func pages[T any](ctx context.Context, r *Run, columns string, t table, read func(*rqlite.Rows) ([]T, error), key func(T) []any,
) ([]T, error) {
	keys := strings.Join(tableKeys[t], ",")
	after := make([]string, len(tableKeys[t]))
	for i := range after {
		after[i] = fmt.Sprintf("?1->>%d", i)
	}
	first := fmt.Sprintf(`SELECT %s FROM %s ORDER BY %s LIMIT %d`, columns, t.of(r.number), keys, listPage)
	further := fmt.Sprintf(`SELECT %s FROM %s WHERE (%s)>(%s) ORDER BY %s LIMIT %d`,
		columns, t.of(r.number), keys, strings.Join(after, ","), keys, listPage)
	statement := rqlite.Statement{SQL: first}
	var list []T
	for {
		rows, err := r.library.client.QueryLinear(ctx, statement)
		if err != nil {
			return nil, err
		}
		page, err := read(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, page...)
		if len(page) < listPage {
			return list, nil
		}
		last, err := rqlite.List(key(page[len(page)-1]))
		if err != nil {
			return nil, err
		}
		statement = rqlite.Statement{SQL: further, Args: []any{last}}
	}
}

// Checkpoints lists how far each stream was read and stored.
func (r *Run) Checkpoints(ctx context.Context) ([]core.Checkpoint, error) {
	rows, err := r.library.client.QueryLinear(ctx, rqlite.Statement{
		SQL: `SELECT source,stream,state_version,state,items,complete,place,title,expected,facts FROM ` + checkpoints.of(r.number) +
			` ORDER BY source,stream`,
	})
	if err != nil {
		return nil, fmt.Errorf("list the checkpoints of run %s: %w", r.id, err)
	}
	var list []core.Checkpoint
	for rows.Next() {
		var c core.Checkpoint
		var version, complete, order int64
		var state, facts string
		err := rows.Scan(&c.Source, &c.Stream, &version, &state, &c.Items, &complete, &order, &c.Title, &c.Expected, &facts)
		if err == nil {
			state, revision, _ := strings.Cut(state, ".")
			if c.State, err = base64.StdEncoding.DecodeString(state); err == nil && revision != "" {
				c.Revision, err = base64.StdEncoding.DecodeString(revision)
			}
		}
		if err == nil {
			err = json.Unmarshal([]byte(facts), &c.Facts)
		}
		if err != nil {
			return nil, fmt.Errorf("list the checkpoints of run %s: %w", r.id, err)
		}
		c.StateVersion, c.Complete, c.Order = uint32(version), complete != 0, int(order)
		list = append(list, c)
	}
	return list, nil
}

// Mishaps lists what went wrong with single items.
func (r *Run) Mishaps(ctx context.Context) ([]core.Mishap, error) {
	list, err := pages(ctx, r, "body", mishaps, decoded, func(m core.Mishap) []any { return []any{m.Source, m.Stream, m.Place} })
	if err != nil {
		return nil, fmt.Errorf("list the mishaps of run %s: %w", r.id, err)
	}
	return list, nil
}

// Entities yields stored entities with their Raw, in the order of heads. An error ends it.
func (r *Run) Entities(ctx context.Context, heads []core.Head) iter.Seq2[*core.Entity, error] {
	return readAhead(ctx, heads, r.fetch)
}

// readAhead yields what fetch returns for heads, page after page; one page is fetched while the one before is at work.
func readAhead(ctx context.Context, heads []core.Head,
	fetch func(context.Context, []core.Head) ([]*core.Entity, error),
) iter.Seq2[*core.Entity, error] {
	type page struct {
		entities []*core.Entity
		err      error
	}
	return func(yield func(*core.Entity, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		next := make(chan page)
		gone := make(chan struct{})
		defer func() { // nothing is left behind, whenever the reader stops
			cancel()
			<-gone
		}()
		go func() {
			defer close(gone)
			defer close(next)
			for rest := heads; len(rest) > 0; {
				n := pageLength(rest)
				entities, err := fetch(ctx, rest[:n])
				rest = rest[n:]
				select {
				case next <- page{entities, err}:
				case <-ctx.Done():
					return
				}
				if err != nil {
					return
				}
			}
		}()
		left := len(heads)
		for p := range next {
			if p.err != nil {
				yield(nil, p.err)
				return
			}
			left -= len(p.entities)
			for _, e := range p.entities {
				if !yield(e, nil) {
					return
				}
			}
		}
		if left > 0 {
			yield(nil, context.Cause(ctx))
		}
	}
}

// pageLength returns how many of heads are read at once.
func pageLength(heads []core.Head) int {
	size := int64(0)
	for i, h := range heads[:min(len(heads), entityPage)] {
		size += min(h.RawBytes, inlineLimit) + entityOverhead
		if size > entityPageBytes && i > 0 {
			return i
		}
	}
	return min(len(heads), entityPage)
}

// fetch returns the entities of heads, in that order.
func (r *Run) fetch(ctx context.Context, heads []core.Head) ([]*core.Entity, error) {
	list, err := r.fetchPage(ctx, heads)
	if err != nil {
		return nil, fmt.Errorf("read the entities of run %s: %w", r.id, err)
	}
	for i, e := range list {
		if e == nil {
			return nil, fmt.Errorf("read the entities of run %s: %s is not in the store", r.id, heads[i].UID)
		}
	}
	return list, nil
}

func (r *Run) fetchPage(ctx context.Context, heads []core.Head) ([]*core.Entity, error) {
	list := make([]*core.Entity, len(heads))
	var keys []int64
	var places []int
	for i, h := range heads {
		if h.Row > 0 {
			keys, places = append(keys, h.Row), append(places, i)
			continue
		}
		var err error
		if list[i], err = r.carriedOne(h); err != nil {
			return nil, err
		}
	}
	if len(keys) == 0 {
		return list, nil
	}
	wanted, err := rqlite.List(keys)
	if err != nil {
		return nil, err
	}
	// CROSS JOIN keeps SQLite from going through the whole table, once for each key.
	rows, err := r.library.client.QueryLinear(ctx, rqlite.Statement{
		SQL: `SELECT k.key,COALESCE(i.entity,''),COALESCE(i.entity_blob,''),COALESCE(i.raw,''),COALESCE(i.raw_blob,'') ` +
			`FROM json_each(?) k CROSS JOIN ` + items.of(r.number) + ` i ON i.rev=k.value`,
		Args: []any{wanted},
	})
	if err != nil {
		return nil, err
	}
	for rows.Next() {
		var at int
		var entity, entityBlob, raw, rawBlob string
		if err := rows.Scan(&at, &entity, &entityBlob, &raw, &rawBlob); err != nil {
			return nil, err
		}
		at = places[at]
		if list[at], err = r.restore(ctx, entity, entityBlob, raw, rawBlob); err != nil {
			return nil, fmt.Errorf("%s: %w", heads[at].UID, err)
		}
	}
	return list, nil
}

// restore puts an entity together from its columns. Its raw document is behind it in one body, or has columns of its own: when
// both are large, and in rows of earlier versions.
func (r *Run) restore(ctx context.Context, entity, entityBlob, raw, rawBlob string) (*core.Entity, error) {
	body, err := r.library.packer.load(ctx, r.bodies, entity, entityBlob)
	if err != nil {
		return nil, err
	}
	body, document, together := bytes.Cut(body, []byte{bodyEnd})
	e := &core.Entity{}
	if err := json.Unmarshal(body, e); err != nil {
		return nil, err
	}
	if together {
		e.Raw = document
		return e, nil
	}
	e.Raw, err = r.library.packer.load(ctx, r.bodies, raw, rawBlob)
	return e, err
}
