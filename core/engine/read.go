package engine

import (
	"context"
	"fmt"
	"time"

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
	p := &pool{run: r, tasks: make(chan task, r.ahead()), bytes: semaphore.NewWeighted(inFlight)}
	r.pictures = newGallery(r)
	if err := r.takeUp(ctx); err != nil {
		r.pictures.abandon()
		return err
	}

	group.Go(func() error {
		defer close(p.tasks)
		err := r.sources(working, p)
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

// sources reads all sources, and hands the checkpoints to the ledger that have waited for long.
func (r *run) sources(ctx context.Context, p *pool) error {
	readers, reading := errgroup.WithContext(ctx)
	var writers []*writer
	for i := range r.Sources {
		if r.broken[i] != nil { // nobody writes to it yet
			continue
		}
		if r.past.sources[i].whole {
			r.tally.whole(i)
			continue
		}
		w := newWriter(reading, p, i)
		r.past.recall(w)
		writers = append(writers, w)
		readers.Go(func() error { return r.source(reading, w) })
	}
	if r.CheckpointEvery <= 0 || len(writers) == 0 {
		return readers.Wait()
	}
	ticking, stop := context.WithCancel(reading)
	var ticker errgroup.Group
	ticker.Go(func() error {
		tick := time.NewTicker(r.CheckpointEvery)
		defer tick.Stop()
		for {
			select {
			case <-ticking.Done():
				return nil
			case <-tick.C:
			}
			for _, w := range writers {
				if w.overdue() != nil {
					return nil // the writer has it, and the ledger says the same to all
				}
			}
		}
	})
	err := readers.Wait()
	stop()
	_ = ticker.Wait() // it returns none
	return err
}

// source reads one source, and reads on from the last checkpoint when its plugin died.
func (r *run) source(ctx context.Context, w *writer) error {
	i := w.source
	defer r.Recorder.Reading(r.Sources[i].Name)()
	request, wanted := r.request(i)
	var err error
	if wanted {
		if w.harvest, err = r.recallHarvest(ctx, i); err != nil {
			return err
		}
	}
	for attempt := 1; wanted; attempt++ {
		if request.State, err = w.begin(attempt); err != nil {
			return err
		}
		if request.Streams, wanted = w.left(request.Streams); !wanted {
			break
		}
		err = r.readAll(ctx, request, w)
		switch {
		case w.failed() != nil:
			return w.failed() // it is not the source's
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil:
			return r.whole(w)
		case sdk.KindOf(err) != sdk.Unavailable || attempt == maxAttempts:
			r.leaveOut(i, fmt.Errorf("read source %q: %w", r.Sources[i].Name, err))
			return r.Ledger.Finish(ctx, r.Sources[i].Name, false)
		}
		for _, d := range sdk.Diagnose(err, "source.restarted") {
			f := r.failure(i, core.StageRead, "", d)
			f.Item, f.Warning, f.Transient = r.Sources[i].Name, true, true
			f.Suggestion = fmt.Sprintf("it was started again and read on from its last checkpoint (attempt %d of %d)", attempt+1, maxAttempts)
			r.Recorder.Failure(f)
		}
		r.Log.Warn("source restarted", "source", r.Sources[i].Name, "attempt", attempt+1, "error", err)
	}
	return r.whole(w)
}

// whole notes that a source has been read to its end.
func (r *run) whole(w *writer) error {
	if err := w.complete(); err != nil {
		return err
	}
	r.tally.whole(w.source)
	return nil
}

// readAll reads what is asked for, and after that what has not changed and is wanted all the same.
func (r *run) readAll(ctx context.Context, request sdk.ReadRequest, w *writer) error {
	for {
		request.Known = w.known()
		err := r.Sources[w.source].Source.Read(ctx, request, w)
		if lied := w.liedAbout(); lied != nil {
			return lied
		}
		if request.Streams = w.againFrom(); err != nil || len(request.Streams) == 0 {
			return err
		}
	}
}

// request says what is to be read of a source: its streams but those that an earlier attempt at the run has read whole.
// Wanted says whether that is anything; a source that cannot list its streams is always asked.
func (r *run) request(i int) (request sdk.ReadRequest, wanted bool) {
	request.RunID = r.RunID
	for _, s := range r.found[i] {
		if !r.past.sources[i].marks[s.Name].Complete {
			request.Streams = append(request.Streams, s.Name)
		}
	}
	return request, len(request.Streams) > 0 || len(r.found[i]) == 0
}
