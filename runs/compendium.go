package runs

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/cache"
	"github.com/seed-98789ff7/converter/runs/compendium"
)

// compendiumCache is the name of the cache of lookups in the compendium, in the numbers of a run.
const compendiumCache = "compendium"

// warmItems is how many items of the compendium a run brings into memory while it begins.
const warmItems = 20_000

// openCompendium makes the compendium ready, built or not.
func (l *Library) openCompendium(ctx context.Context) (err error) {
	l.compendium = compendium.New(compendium.Config{
		Client: l.client, Bodies: compendiumBodies{l}, Alone: l.node != nil, BatchRows: l.config.BatchRows, Log: l.config.Log,
	})
	l.lookups, err = cache.Open(ctx, cache.Config{Name: compendiumCache, Table: l.compendium.Cached(), Log: l.config.Log})
	if err == nil {
		l.caches = append(l.caches, l.lookups)
	}
	return err
}

// Compendium returns the library that persists across runs; nil when it was never built.
func (l *Library) Compendium(ctx context.Context) (*compendium.View, error) {
	return l.compendium.View(ctx, l.lookups)
}

// Compendium is [Library.Compendium], counted with the run, and warmed behind its back.
func (r *Run) Compendium(ctx context.Context) (*compendium.View, error) {
	l := r.library
	v, err := l.compendium.View(ctx, r.caches[l.lookups])
	if v == nil || err != nil {
		return nil, err
	}
	r.still.Go(func() { //nolint:contextcheck // it is the run's, and outlives the call
		ctx, cancel := context.WithTimeout(r.lasting, prepareLimit)
		defer cancel()
		if _, err := v.Warm(ctx, warmItems); err != nil && ctx.Err() == nil {
			l.config.Log.Warn("cache_not_warmed", "error", err)
		}
	})
	return v, nil
}

// BuildCompendium begins a new compendium, which has to be published or abandoned.
func (l *Library) BuildCompendium(ctx context.Context) (*compendium.Build, error) {
	return l.compendium.Begin(ctx)
}

// Held yields what the compendium has of a source.
func (l *Library) Held(ctx context.Context, source string) iter.Seq2[core.Held, error] {
	return l.compendium.Held(ctx, source)
}

// CompendiumState says what the compendium is.
func (l *Library) CompendiumState(ctx context.Context) (compendium.State, error) {
	return l.compendium.State(ctx)
}

// compendiumBodies keeps the bodies of the compendium as those of runs are kept: packed in the row, or a file when they are
// large, one folder a generation.
type compendiumBodies struct{ library *Library }

func (b compendiumBodies) dir() string {
	return filepath.Join(b.library.config.Dir, bodiesDir, compendiumDir)
}

// generations lists those that have a folder, most often one.
func (b compendiumBodies) generations() ([]int64, error) {
	list, err := numbered(b.dir())
	if err != nil {
		return nil, fmt.Errorf("look for bodies of old compendiums: %w", err)
	}
	return list, nil
}

func (b compendiumBodies) folder(generation int64) (*blob.Folder, error) {
	return blob.OpenFolder(b.path(generation))
}

func (b compendiumBodies) path(generation int64) string {
	return filepath.Join(b.dir(), strconv.FormatInt(generation, 10))
}

// Store implements [compendium.Bodies].
func (b compendiumBodies) Store(ctx context.Context, generation int64, body []byte) (inline, name any, err error) {
	if len(body) <= inlineLimit {
		return b.library.packer.store(ctx, nil, body)
	}
	folder, err := b.folder(generation)
	if err != nil {
		return nil, nil, err
	}
	return b.library.packer.store(ctx, folder, body)
}

// Load implements [compendium.Bodies].
func (b compendiumBodies) Load(ctx context.Context, generation int64, inline, name string) ([]byte, error) {
	if name == "" {
		return b.library.packer.load(ctx, nil, inline, name)
	}
	folder, err := b.folder(generation)
	if err != nil {
		return nil, err
	}
	return b.library.packer.load(ctx, folder, inline, name)
}

// Sweep implements [compendium.Bodies].
func (b compendiumBodies) Sweep(ctx context.Context, keep func(generation int64) bool) error {
	list, err := b.generations()
	if err != nil {
		return err
	}
	for _, generation := range list {
		if keep(generation) {
			continue
		}
		if err := errors.Join(ctx.Err(), os.RemoveAll(b.path(generation))); err != nil {
			return fmt.Errorf("remove the bodies of an old compendium: %w", err)
		}
	}
	return nil
}
