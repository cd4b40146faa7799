package cache_test

import (
	"context"
	"fmt"

	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/cache/cachetest"
)

// A library of documents is looked up by kind and slug, and by the hash of their content. What it does not have is
// remembered as well; when it is replaced, everything is forgotten at once.
func Example() {
	ctx := context.Background()
	c, err := cache.Open(ctx, cache.Config{Name: "compendium", Table: cachetest.NewMemory()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close(ctx)
	library := map[string]string{"slug/creature/goblin": "uid-1", "hash/9f86": "uid-1"}
	find := func(key string) {
		hit, err := c.GetOrLoad(ctx, key, func(context.Context) ([]byte, bool, error) {
			uid, there := library[key]
			return []byte(uid), there, nil
		})
		fmt.Printf("%s: %q found=%v again=%v %v\n", key, hit.Value, hit.Found(), hit.Level != cache.Loaded, err)
	}
	find("slug/creature/goblin")
	find("slug/creature/goblin")
	find("slug/creature/ghost")
	find("slug/creature/ghost")
	if err := c.Invalidate(ctx, "slug/*"); err != nil {
		fmt.Println(err)
	}
	find("slug/creature/goblin")
	// Output:
	// slug/creature/goblin: "uid-1" found=true again=false <nil>
	// slug/creature/goblin: "uid-1" found=true again=true <nil>
	// slug/creature/ghost: "" found=false again=false <nil>
	// slug/creature/ghost: "" found=false again=true <nil>
	// slug/creature/goblin: "uid-1" found=true again=false <nil>
}
