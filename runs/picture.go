package runs

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

var pictures = rqlite.Upsert{Table: "pictures", Key: []string{"asset_id", "recipe"}, Columns: []string{"asset_id", "recipe", "body"}}

// Lookup returns the asset as it was rendered with a recipe in this run or an earlier one, if all of its renditions are
// still there in full.
func (l *Library) Lookup(ctx context.Context, assetID, recipe string) (core.Asset, bool, error) {
	key, err := rqlite.List([]string{assetID, recipe})
	if err != nil {
		return core.Asset{}, false, fmt.Errorf("look up picture %s: %w", assetID, err)
	}
	rows, err := l.client.Query(ctx, rqlite.Statement{
		SQL: `SELECT body FROM pictures WHERE asset_id=?1->>0 AND recipe=?1->>1`, Args: []any{key},
	})
	if err != nil {
		return core.Asset{}, false, fmt.Errorf("look up picture %s: %w", assetID, err)
	}
	if !rows.Next() {
		return core.Asset{}, false, nil
	}
	var (
		body  string
		asset core.Asset
	)
	if err := rows.Scan(&body); err != nil {
		return core.Asset{}, false, fmt.Errorf("look up picture %s: %w", assetID, err)
	}
	if err := json.Unmarshal([]byte(body), &asset); err != nil {
		return core.Asset{}, false, fmt.Errorf("look up picture %s: %w", assetID, err)
	}
	for _, r := range asset.Renditions {
		there, err := l.blobs.Has(ctx, r.SHA256, r.Bytes)
		if err != nil {
			return core.Asset{}, false, fmt.Errorf("look up picture %s: %w", assetID, err)
		}
		if !there {
			return core.Asset{}, false, nil
		}
	}
	return asset, true, nil
}

// Store remembers an asset rendered with a recipe. Its renditions must be among the blobs.
func (l *Library) Store(ctx context.Context, recipe string, a core.Asset) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("store picture %s: %w", a.ID, err)
	}
	statement, err := pictures.Statement([][]any{{a.ID, recipe, string(body)}})
	if err != nil {
		return fmt.Errorf("store picture %s: %w", a.ID, err)
	}
	if _, err := l.client.Apply(ctx, statement); err != nil {
		return fmt.Errorf("store picture %s: %w", a.ID, err)
	}
	return nil
}
