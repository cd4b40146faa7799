package flight

import (
	"context"
	"sync"
)

// Group gets once what several want at the same time. The zero value is ready.
type Group[K comparable, V any] struct {
	meter

	mu      sync.Mutex
	flights map[K]*flight[V]
}

// flight is one fetch under way.
type flight[V any] struct {
	landed  chan struct{} // closed when what follows is set
	value   V
	err     error
	crashed bool // whoever fetched went away: somebody else has to
	joined  bool
}

// Do returns what fetch returns, error or not. While a call is fetching, others with its key wait and return the same.
//
// Where the one who fetches gives up because its context ends, or panics, one of those who wait does it in its place.
func (g *Group[K, V]) Do(ctx context.Context, key K, fetch func(context.Context) (V, error)) (V, error) {
	g.calls.Add(1)
	for {
		f, mine := g.board(key)
		if mine {
			return g.fly(ctx, key, f, fetch)
		}
		if err := g.await(ctx, f.landed); err != nil {
			var none V
			return none, err
		}
		if !f.crashed {
			return f.value, f.err
		}
	}
}

// board returns the flight of a key, and whether it is the caller's to fly.
func (g *Group[K, V]) board(key K) (f *flight[V], mine bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f := g.flights[key]; f != nil {
		if !f.joined {
			f.joined = true
			g.contended.Add(1)
		}
		return f, false
	}
	if g.flights == nil {
		g.flights = map[K]*flight[V]{}
	}
	f = &flight[V]{landed: make(chan struct{}), crashed: true}
	g.flights[key] = f
	return f, true
}

func (g *Group[K, V]) fly(ctx context.Context, key K, f *flight[V], fetch func(context.Context) (V, error)) (V, error) {
	defer func() {
		g.mu.Lock()
		delete(g.flights, key)
		g.mu.Unlock()
		close(f.landed)
	}()
	f.value, f.err = fetch(ctx)
	f.crashed = f.err != nil && ctx.Err() != nil
	return f.value, f.err
}

func (g *Group[K, V]) await(ctx context.Context, landed <-chan struct{}) error {
	defer g.wait()()
	select {
	case <-landed:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
