package runs

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

var pictures = rqlite.Upsert{
	Table: "pictures", Key: []string{"asset_id", "recipe"}, Columns: []string{"asset_id", "recipe", "body"}, Long: []string{"body"},
}

// picturesCache is the name of the cache of rendered pictures, in L2 and in the numbers of a run.
const picturesCache = "pictures"

// pictureKey is the key of a picture in the cache: what was rendered with one recipe stands together.
func pictureKey(assetID, recipe string) string { return recipe + "/" + assetID }

// picturesConfig is how rendered pictures are cached. They never change under their key, and what is not there is made
// at once, so that it is not worth remembering.
func (l *Library) picturesConfig() cache.Config {
	return cache.Config{
		Name: picturesCache, TTL: 30 * 24 * time.Hour, AbsentTTL: -1,
		Check: func(ctx context.Context, _ string, value []byte) bool {
			var a core.Asset
			if json.Unmarshal(value, &a) != nil {
				return false
			}
			whole, err := l.whole(ctx, a)
			return whole && err == nil
		},
	}
}

// Lookup returns the asset as it was rendered with a recipe in this run or an earlier one, if all of its renditions are
// still there in full.
func (l *Library) Lookup(ctx context.Context, assetID, recipe string) (core.Asset, bool, error) {
	return l.lookup(ctx, l.pictures, assetID, recipe)
}

func (l *Library) lookup(ctx context.Context, c *cache.Cache, assetID, recipe string) (asset core.Asset, found bool, err error) {
	hit, err := c.GetOrLoad(ctx, pictureKey(assetID, recipe), func(ctx context.Context) ([]byte, bool, error) {
		return l.picture(ctx, assetID, recipe)
	})
	if err == nil && hit.Found() {
		err = json.Unmarshal(hit.Value, &asset)
	}
	if err != nil {
		return core.Asset{}, false, fmt.Errorf("look up picture %s: %w", assetID, err)
	}
	return asset, hit.Found(), nil
}

// picture reads a picture from its table, where they stay for good.
func (l *Library) picture(ctx context.Context, assetID, recipe string) ([]byte, bool, error) {
	key, err := rqlite.List([]string{assetID, recipe})
	if err != nil {
		return nil, false, err
	}
	rows, err := l.client.Query(ctx, rqlite.Statement{
		SQL: `SELECT body FROM pictures WHERE asset_id=?1->>0 AND recipe=?1->>1`, Args: []any{key},
	})
	if err != nil || !rows.Next() {
		return nil, false, err
	}
	var (
		body  string
		asset core.Asset
	)
	if err := rows.Scan(&body); err != nil {
		return nil, false, err
	}
	if err := json.Unmarshal([]byte(body), &asset); err != nil {
		return nil, false, err
	}
	whole, err := l.whole(ctx, asset)
	return []byte(body), whole, err
}

// whole says that all renditions of an asset are among the blobs.
func (l *Library) whole(ctx context.Context, asset core.Asset) (bool, error) {
	for _, r := range asset.Renditions {
		if there, err := l.blobs.Has(ctx, r.SHA256, r.Bytes); err != nil || !there {
			return false, err
		}
	}
	return true, nil
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
	if err := l.pictures.Put(ctx, pictureKey(a.ID, recipe), body); err != nil {
		return fmt.Errorf("store picture %s: %w", a.ID, err)
	}
	return nil
}
