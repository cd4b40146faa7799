package compendium

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

const (
	heldPage = 100

	heldSQL = `SELECT i.generation,i.uid,COALESCE(i.entity,''),COALESCE(i.entity_blob,''),COALESCE(i.raw,''),COALESCE(i.raw_blob,'') ` +
		`FROM compendium c CROSS JOIN compendium_items i ON i.generation=c.generation AND i.uid>?1->>0 ` +
		`WHERE c.id=1 AND i.source=?1->>1 ORDER BY i.uid LIMIT ?2`
	aliasSQL = `SELECT a.uid,a.native_id FROM compendium c CROSS JOIN compendium_ids a ON a.generation=c.generation AND a.rank=?1 ` +
		`JOIN compendium_items i ON i.generation=a.generation AND i.uid=a.uid WHERE c.id=1 AND i.source=?2->>0 ORDER BY a.uid,a.native_id`
)

// Held yields the entities of a source that the library has, with their Raw, by uid. It ends with an error when another library
// takes the place of this one meanwhile.
func (s *Store) Held(ctx context.Context, source string) iter.Seq2[core.Held, error] {
	return func(yield func(core.Held, error) bool) {
		aliases, err := s.aliases(ctx, source)
		var live int64
		for after, n := "", heldPage; err == nil && n == heldPage; {
			var key string
			if key, err = rqlite.List([]string{after, source}); err != nil {
				break
			}
			var rows *rqlite.Rows
			if rows, err = s.config.Client.QueryLinear(ctx, rqlite.Statement{SQL: heldSQL, Args: []any{key, heldPage}}); err != nil {
				break
			}
			for n = 0; rows.Next(); n++ {
				var generation int64
				var e *core.Entity
				if generation, e, err = s.held(ctx, rows, &after); err != nil {
					break
				}
				if live == 0 {
					live = generation
				}
				if live != generation {
					err = errors.New("another compendium took its place meanwhile: build again")
					break
				}
				if !yield(core.Held{Entity: e, Aliases: aliases[e.UID]}, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(core.Held{}, fmt.Errorf("read what the compendium has of %s: %w", source, err))
		}
	}
}

func (s *Store) held(ctx context.Context, rows *rqlite.Rows, uid *string) (generation int64, e *core.Entity, err error) {
	var entity, entityBlob, raw, rawBlob string
	if err := rows.Scan(&generation, uid, &entity, &entityBlob, &raw, &rawBlob); err != nil {
		return 0, nil, err
	}
	e, err = s.whole(ctx, generation, entity, entityBlob, raw, rawBlob)
	return generation, e, err
}

// aliases lists the other native ids of the items of a source, by uid.
func (s *Store) aliases(ctx context.Context, source string) (map[string][]string, error) {
	key, err := rqlite.List([]string{source})
	if err != nil {
		return nil, err
	}
	rows, err := s.config.Client.QueryLinear(ctx, rqlite.Statement{SQL: aliasSQL, Args: []any{core.RankAlias, key}})
	if err != nil {
		return nil, err
	}
	all := map[string][]string{}
	for rows.Next() {
		var uid, id string
		if err := rows.Scan(&uid, &id); err != nil {
			return nil, err
		}
		all[uid] = append(all[uid], id)
	}
	return all, nil
}
