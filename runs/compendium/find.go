package compendium

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// way is by what something is looked up. It is a letter in the keys of the cache.
type way string

const (
	byHash way = "h" // kind, SHA-256 of the content: at most one item
	bySlug way = "s" // kind, slug: at most one item
	byName way = "n" // kind, name
	byUID  way = "u" // uid, nothing: at most one item
	byID   way = "i" // plugin, native id
	byCall way = "m" // kind, what it is called: name, game and edition
)

// ask is what is looked up; both parts depend on the way.
type ask [2]string

const (
	itemColumns = `COALESCE(i.uid,''),COALESCE(i.kind,''),COALESCE(i.slug,''),COALESCE(i.name,''),COALESCE(i.source,''),` +
		`COALESCE(i.scope,''),COALESCE(i.native_id,''),COALESCE(i.content_sha256,''),0`
	idColumns = `COALESCE(i.uid,''),COALESCE(i.kind,''),COALESCE(i.slug,''),COALESCE(i.name,''),COALESCE(i.source,''),` +
		`COALESCE(d.scope,''),COALESCE(d.native_id,''),COALESCE(i.content_sha256,''),COALESCE(d.rank,0)`

	// The pointer, what is asked and what answers it are read by one statement: of one moment, that is, and of one library.
	// Each question has a row also when there is no answer.
	findFrom  = ` FROM compendium c CROSS JOIN json_each(?) k LEFT JOIN compendium_items i ON i.generation=c.generation AND `
	findWhere = ` WHERE c.id=1`
)

var findSQL = map[way]string{
	byHash: `SELECT c.generation,k.key,` + itemColumns + findFrom + `i.uid=(SELECT MIN(h.uid) FROM compendium_items h ` +
		`WHERE h.generation=c.generation AND h.kind=k.value->>0 AND h.content_sha256=k.value->>1)` + findWhere,
	bySlug: `SELECT c.generation,k.key,` + itemColumns + findFrom + `i.kind=k.value->>0 AND i.slug=k.value->>1` + findWhere,
	byName: `SELECT c.generation,k.key,` + itemColumns + findFrom + `i.kind=k.value->>0 AND i.name=k.value->>1` + findWhere,
	byCall: `SELECT c.generation,k.key,` + itemColumns + findFrom + `i.kind=k.value->>0 AND i.namesake=k.value->>1` + findWhere,
	byUID:  `SELECT c.generation,k.key,` + itemColumns + findFrom + `i.uid=k.value->>0` + findWhere,
	byID: `SELECT c.generation,k.key,` + idColumns + ` FROM compendium c CROSS JOIN json_each(?) k LEFT JOIN compendium_ids d ON ` +
		`d.generation=c.generation AND d.plugin=k.value->>0 AND d.native_id=k.value->>1 LEFT JOIN compendium_items i ON ` +
		`i.generation=d.generation AND i.uid=d.uid` + findWhere,
}

const (
	// scanSQL lists the items that others may equal, one a content, in the order of the keys.
	scanSQL = `SELECT MIN(i.uid),i.kind,i.slug,i.name,i.source,i.scope,i.native_id,i.content_sha256 FROM compendium c CROSS JOIN ` +
		`compendium_items i ON i.generation=c.generation AND (i.kind,i.content_sha256)>(?2->>0,?2->>1) WHERE c.id=1 AND ` +
		`c.generation=?1 GROUP BY i.kind,i.content_sha256 ORDER BY i.kind,i.content_sha256 LIMIT ?3`
	bodySQL = `SELECT i.generation,COALESCE(i.entity,''),COALESCE(i.entity_blob,''),COALESCE(i.raw,''),COALESCE(i.raw_blob,'') ` +
		`FROM compendium c CROSS JOIN compendium_items i ON i.generation=c.generation AND i.uid=?->>0 WHERE c.id=1`
)

// find answers asks from the library, and says which generation that is.
func (s *Store) find(ctx context.Context, by way, asks []ask) (generation int64, found [][]core.CompendiumItem, err error) {
	list, err := json.Marshal(asks)
	if err != nil {
		return 0, nil, err
	}
	rows, err := s.config.Client.Query(ctx, rqlite.Statement{SQL: findSQL[by], Args: []any{string(list)}})
	if err != nil {
		return 0, nil, err
	}
	if rows.Len() < len(asks) {
		return 0, nil, errors.New("the row of the compendium is gone")
	}
	found = make([][]core.CompendiumItem, len(asks))
	for rows.Next() {
		var i core.CompendiumItem
		var at int
		err := rows.Scan(&generation, &at, &i.UID, &i.Kind, &i.Slug, &i.Name, &i.Source, &i.Scope, &i.NativeID, &i.ContentSHA256, &i.Rank)
		if err != nil {
			return 0, nil, err
		}
		if i.UID != "" {
			found[at] = append(found[at], i)
		}
	}
	return generation, found, nil
}

// scan lists items of a generation by kind and content, none when it is not the library any more.
func (s *Store) scan(ctx context.Context, generation int64, after ask, limit int) ([]core.CompendiumItem, error) {
	from, err := rqlite.List(after[:])
	if err != nil {
		return nil, err
	}
	rows, err := s.config.Client.Query(ctx, rqlite.Statement{SQL: scanSQL, Args: []any{generation, from, limit}})
	if err != nil {
		return nil, err
	}
	list := make([]core.CompendiumItem, rows.Len())
	for n := range list {
		i := &list[n]
		rows.Next()
		if err := rows.Scan(&i.UID, &i.Kind, &i.Slug, &i.Name, &i.Source, &i.Scope, &i.NativeID, &i.ContentSHA256); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Entity returns an item of the library as a whole, nil when there is none.
func (s *Store) Entity(ctx context.Context, uid string) (*core.Entity, error) {
	e, err := s.entity(ctx, uid)
	if err != nil {
		return nil, fmt.Errorf("read %s from the compendium: %w", uid, err)
	}
	return e, nil
}

func (s *Store) entity(ctx context.Context, uid string) (*core.Entity, error) {
	key, err := rqlite.List([]string{uid})
	if err != nil {
		return nil, err
	}
	rows, err := s.config.Client.Query(ctx, rqlite.Statement{SQL: bodySQL, Args: []any{key}})
	if err != nil || !rows.Next() {
		return nil, err
	}
	var generation int64
	var entity, entityBlob, raw, rawBlob string
	if err := rows.Scan(&generation, &entity, &entityBlob, &raw, &rawBlob); err != nil {
		return nil, err
	}
	return s.whole(ctx, generation, entity, entityBlob, raw, rawBlob)
}

// whole puts an entity together from the columns of its row.
func (s *Store) whole(ctx context.Context, generation int64, entity, entityBlob, raw, rawBlob string) (*core.Entity, error) {
	body, err := s.config.Bodies.Load(ctx, generation, entity, entityBlob)
	if err != nil {
		return nil, err
	}
	e := &core.Entity{}
	if err := json.Unmarshal(body, e); err != nil {
		return nil, err
	}
	e.Raw, err = s.config.Bodies.Load(ctx, generation, raw, rawBlob)
	return e, err
}
