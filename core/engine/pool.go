package engine

import (
	"context"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/entity"
	"github.com/seed-98789ff7/converter/sdk"
)

// pool makes entities of records, with a fixed number of workers.
type pool struct {
	run   *run
	tasks chan task
	bytes *semaphore.Weighted // of the records in flight
}

// task is one record on its way to the ledger.
type task struct {
	source int
	stream *stream
	place  int64 // among the items of the stream
	record sdk.Record
	bytes  int64
}

// hand gives a record to the workers; it waits while they have their hands full.
func (p *pool) hand(ctx context.Context, t task) error {
	if err := p.bytes.Acquire(ctx, t.bytes); err != nil {
		return err
	}
	t.stream.gate.enter()
	select {
	case p.tasks <- t:
		p.run.Recorder.Found(core.StageEntities, p.run.Sources[t.source].Name, t.stream.Name, 1)
		return nil
	case <-ctx.Done():
		t.stream.gate.leave()
		p.bytes.Release(t.bytes)
		return ctx.Err()
	}
}

// work runs the workers until the tasks are done or one of them cannot go on.
func (p *pool) work(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for range p.run.Workers {
		group.Go(func() error {
			for {
				select {
				case t, more := <-p.tasks:
					if !more {
						return nil
					}
					if err := p.some(ctx, t); err != nil {
						return err
					}
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
	}
	return group.Wait()
}

// one makes the entity of one record and hands it to the ledger, and its pictures to the gallery. A record that is none
// is counted and reported; an error is the ledger's, or says that it was one too many. The gate is left only when there is
// nothing to store or the ledger has it: a checkpoint must not get past a record that was lost.
func (p *pool) one(ctx context.Context, t task) error {
	return p.keep(ctx, p.make(t))
}

// made is what came of a task.
type made struct {
	task

	entity *core.Entity
	head   core.Head
	err    error // the record is none
}

func (p *pool) make(t task) made {
	m := made{task: t}
	m.entity, m.head, m.err = entity.Normalise(t.record, entity.Context{
		Plugin: p.run.plugins[t.source].Plugin, Source: p.run.Sources[t.source].Name, SourceOrder: t.source, Stream: t.stream.Stream,
	})
	return m
}

func (p *pool) keep(ctx context.Context, t made) error {
	defer p.bytes.Release(t.bytes)
	r := p.run
	source := r.Sources[t.source].Name
	e, head, err := t.entity, t.head, t.err
	if err != nil {
		m := core.Mishap{Source: source, Stream: t.stream.Name, Place: t.place, Kind: core.MishapRecord, ID: t.record.ID}
		for _, d := range sdk.Diagnose(err, "record.invalid") {
			m.Failures = append(m.Failures, r.failure(t.source, core.StageEntities, t.stream.Name, d))
		}
		if err := p.mishap(ctx, m); err != nil {
			return err
		}
		t.stream.gate.leave()
		return nil
	}
	head.Place = t.place
	for _, use := range e.Assets {
		if passes(r.Sources[t.source].Passing, use.Locator.Path) {
			t.stream.passing.Store(true)
		}
	}
	if err = r.pictures.add(ctx, t.source, e); err == nil {
		err = r.Ledger.PutEntity(ctx, e, head)
	}
	if err != nil {
		r.Recorder.Done(core.StageEntities, source, t.stream.Name, core.CancelledItem, 1)
		return err
	}
	t.stream.gate.leave()
	return nil
}

// mishap counts an item that came to nothing, and hands it to the ledger. An error is the ledger's, or says that it was one
// too many.
func (p *pool) mishap(ctx context.Context, m core.Mishap) error {
	r := p.run
	r.Recorder.Done(core.StageEntities, m.Source, m.Stream, core.FailedItem, 1)
	for _, f := range m.Failures {
		r.Recorder.Failure(f)
	}
	if err := r.Ledger.PutMishap(ctx, m); err != nil {
		return err
	}
	return r.limit.fail()
}

// abandon counts the records that no worker took. It is for the time after the workers, when the tasks are closed.
func (p *pool) abandon() {
	for t := range p.tasks {
		p.run.Recorder.Done(core.StageEntities, p.run.Sources[t.source].Name, t.stream.Name, core.CancelledItem, 1)
	}
}
