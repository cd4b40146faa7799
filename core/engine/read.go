package engine

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// inFlight bounds the bytes of records between a source and the ledger.
const inFlight = 64 << 20

// read reads all sources and stores what comes of it. It returns when the ledger has stored everything.
//
// Three rooms in a row: a goroutine a source reads, the pool makes entities, a second pool of the same size makes
// pictures. A room is closed when the one before it is empty.
func (r *run) read(ctx context.Context) error {
	group, working := errgroup.WithContext(ctx)
	p := &pool{run: r, tasks: make(chan task, 2*r.Workers), bytes: semaphore.NewWeighted(inFlight)}
	r.pictures = newGallery(r)

	group.Go(func() error {
		defer close(p.tasks)
		readers, reading := errgroup.WithContext(working)
		for i := range r.Sources {
			if r.broken[i] != nil { // nobody writes to it yet
				continue
			}
			readers.Go(func() error { return r.source(reading, p, i) })
		}
		err := readers.Wait()
		r.Recorder.Ended(core.StageRead)
		return err
	})
	group.Go(func() error {
		defer r.pictures.queue.close()
		err := p.work(working)
		r.Recorder.Ended(core.StageEntities)
		r.Recorder.Total(core.StageAssets, r.pictures.count())
		if r.Images != nil {
			r.Recorder.Doing("making pictures")
		}
		return err
	})
	group.Go(func() error {
		err := r.pictures.work(working)
		r.Recorder.Ended(core.StageAssets)
		return err
	})
	if err := group.Wait(); err != nil {
		p.abandon()
		r.pictures.abandon()
		return err
	}
	if _, all := r.leftOut(); all != nil {
		return fmt.Errorf("no source could be read to its end: mend the cause and run again: %w", all)
	}
	r.Recorder.Doing("storing")
	return r.Ledger.Flush(ctx)
}

// source reads one source, and reads on from the last checkpoint when its plugin died.
func (r *run) source(ctx context.Context, p *pool, i int) error {
	defer r.Recorder.Reading(r.Sources[i].Name)()
	w := newWriter(ctx, p, i)
	request := sdk.ReadRequest{RunID: r.RunID}
	for _, s := range r.found[i] {
		request.Streams = append(request.Streams, s.Name)
	}
	for attempt := 1; ; attempt++ {
		request.State = w.begin(attempt)
		err := r.Sources[i].Source.Read(ctx, request, w)
		switch {
		case w.failed() != nil:
			return w.failed() // it is not the source's
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			return nil
		case sdk.KindOf(err) != sdk.Unavailable || attempt == maxAttempts:
			r.leaveOut(i, fmt.Errorf("read source %q: %w", r.Sources[i].Name, err))
			return nil
		}
		for _, d := range sdk.Diagnose(err, "source.restarted") {
			f := r.failure(i, core.StageRead, "", d)
			f.Item, f.Warning, f.Transient = r.Sources[i].Name, true, true
			f.Suggestion = fmt.Sprintf("it was started again and read on from its last checkpoint (attempt %d of %d)", attempt+1, maxAttempts)
			r.Recorder.Failure(f)
		}
		r.Log.Warn("source restarted", "source", r.Sources[i].Name, "attempt", attempt+1, "error", err)
	}
}
