package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs"
)

// documentBytes makes items of 2.4 KB: a document, and what is known of it. A row has 1.5 KB, since both are packed.
const documentBytes = 1900

// document is a JSON document with what real ones are full of: markup, quotation marks, numbers.
func document(n, size int) []byte {
	random := rand.New(rand.NewPCG(uint64(n), 7)) //nolint:gosec // the same rows each time
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"_id":"%016d","name":"Goblin \"Boss\" %d","system":{"description":{"value":"`, n, n)
	for b.Len() < size*2/3 {
		fmt.Fprintf(&b, `<p class=\"text\">The %x is %d feet tall &amp; wears %x.</p>`, random.Uint64(), random.IntN(100), random.Uint64())
	}
	b.WriteString(`"},"list":[`)
	for b.Len() < size-30 {
		fmt.Fprintf(&b, `{"key":"a%d","value":%d.50,"on":true},`, random.IntN(1000), random.IntN(1e6))
	}
	b.WriteString(`0]}}`)
	return b.Bytes()
}

// thing is an entity as a run puts it.
type thing struct {
	entity core.Entity
	head   core.Head
}

// things are entities whose documents have about so many bytes, with numbers from first on.
func things(first, count, size int) []thing {
	list := make([]thing, count)
	for i := range list {
		list[i] = newThing(first+i, size)
	}
	return list
}

func newThing(n, size int) thing {
	raw := document(n, size)
	// Native ids are random texts: they come to the table in no order.
	uid := fmt.Sprintf("foundry:world:Actor.%016x", rand.New(rand.NewPCG(uint64(n), 1)).Uint64()) //nolint:gosec // the same each time
	sum := strings.Repeat("a", 64)
	e := core.Entity{
		UID: uid, Kind: "creature", NativeType: "npc", Name: fmt.Sprintf("Goblin \"Boss\" %d", n), Slug: fmt.Sprintf("goblin-boss-%d", n),
		Source:  core.Provenance{Plugin: "foundry", Name: "home", Stream: "actors", NativeID: uid},
		License: core.License{Redistributable: "unknown"}, Complete: true, RawSHA256: sum, ContentSHA256: sum, Raw: raw,
	}
	return thing{e, core.Head{
		UID: uid, Source: "home", Stream: "actors", Kind: e.Kind, Name: e.Name, BaseSlug: e.Slug, NativeID: uid, Place: int64(n) + 1,
		ContentSHA256: sum, RawBytes: int64(len(raw)),
	}}
}

// workers is how many put at a time, as the pool of a run on a machine of two cores does.
const workers = 2

// put puts entities by many workers.
func put(ctx context.Context, r *runs.Run, count int, thing func(i int) thing) error {
	return each(ctx, count, func(i int) error {
		t := thing(i)
		return r.PutEntity(ctx, &t.entity, t.head)
	})
}

// each has the workers do something with each number below count.
func each(ctx context.Context, count int, do func(i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range workers {
		group.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= count {
					return nil
				}
				if err := do(i); err != nil {
					return err
				}
			}
			return ctx.Err()
		})
	}
	return group.Wait()
}
