package engine

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// TestCheckpointsComeAfterTheirRecords: workers are quick and slow, and none is overtaken by a checkpoint.
func TestCheckpointsComeAfterTheirRecords(t *testing.T) {
	items := docs("a", 100)
	for i, it := range docs("b", 100) {
		items = slices.Insert(items, 2*i, it)
	}
	j := newJob(t, &shelf{items: items, every: 7})
	j.onSheet()
	j.Workers = 8
	j.ledger.fault = func(context.Context, string, string) error { yield(); return nil }
	j.run(t)
	stored := map[string]int{}
	checkpoints := 0
	for _, line := range j.ledger.log {
		what, of, _ := strings.Cut(line, " ")
		if what == "entity" {
			stored[strings.TrimPrefix(of, "shelf:w:")[:1]]++
			continue
		}
		if what != "checkpoint" {
			continue
		}
		checkpoints++
		var stream string
		var n int
		if _, err := fmt.Sscan(of, &stream, &n); err != nil {
			t.Fatal(err)
		}
		// The source sends in order and waits at the checkpoint, so the first n records are all that may be there.
		if stored[stream] != n {
			t.Errorf("checkpoint %s %d was put behind %d records", stream, n, stored[stream])
		}
	}
	if checkpoints != 28 {
		t.Errorf("%d checkpoints", checkpoints)
	}
}

// TestNoCheckpointBehindALostRecord: one record cannot be put, another is still on its way; the checkpoint behind them
// must not be put, not even while the run is ending.
func TestNoCheckpointBehindALostRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("the disk is on fire")
		slow := make(chan struct{})
		j := newJob(t, &shelf{items: append(docs("b", 1), docs("a", 3)...), every: 3})
		j.onSheet()
		j.ledger.fault = func(ctx context.Context, what, item string) error {
			switch item {
			case "shelf:w:b.000": // of another stream: it holds up the end of the run
				<-slow
			case "shelf:w:a.000":
				<-ctx.Done()
				return ctx.Err()
			case "shelf:w:a.001":
				return broken
			}
			return nil
		}
		end := make(chan error)
		go func() {
			_, err := Run(t.Context(), j.Config)
			end <- err
		}()
		synctest.Wait()
		if j.ledger.puts("checkpoint a 3") != 0 {
			t.Error("the checkpoint was put though a record before it is lost")
		}
		close(slow)
		if err := <-end; !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		if j.ledger.puts("checkpoint a 3") != 0 {
			t.Error("the checkpoint was put at the end though a record before it is lost")
		}
		j.count.balanced(t)
	})
}

// waiting makes sources that wait for the end of the run when all is sent.
func waiting(t *testing.T) []*shelf {
	t.Helper()
	sources := game(t)
	for _, s := range sources {
		s.during = func(ctx context.Context, _, at int) error {
			if at < len(s.items) {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
	}
	return sources
}

// TestLedgerFails: the run ends at once, with what the ledger said, and nothing of it is to be seen.
func TestLedgerFails(t *testing.T) {
	broken := errors.New("the store is gone")
	for _, what := range []string{"entity", "mapping", "checkpoint", "flush", "heads", "mappings", "entities"} {
		for _, late := range []int{1, 3} {
			if late > 1 && (what == "flush" || what == "heads" || what == "mappings") {
				continue // done once
			}
			t.Run(fmt.Sprintf("%s %d", what, late), func(t *testing.T) {
				sources := game(t)
				if what == "entity" || what == "mapping" || what == "checkpoint" {
					sources = waiting(t) // they would never end by themselves
				}
				j := newJob(t, sources...)
				before := j.previous(t)
				synctest.Test(t, func(t *testing.T) {
					began := time.Now()
					n := 0
					j.ledger.fault = func(_ context.Context, did, _ string) error {
						j.ledger.mu.Lock()
						defer j.ledger.mu.Unlock()
						if did == what {
							if n++; n >= late {
								return broken
							}
						}
						return nil
					}
					result, err := Run(t.Context(), j.Config)
					if !errors.Is(err, broken) || result.Written != nil {
						t.Errorf("got %+v, %v", result, err)
					}
					if time.Since(began) > 0 {
						t.Error("something waited for the clock")
					}
					j.count.balanced(t)
				})
				j.untouched(t, before)
			})
		}
	}
}

// deaf is a source that does not look at what the writer returns, as a careless author may write it.
type deaf struct{ *shelf }

func (d deaf) Read(_ context.Context, _ sdk.ReadRequest, out sdk.Writer) error {
	for _, it := range d.items {
		_ = out.Record(it.stream, it.record)
		_ = out.Checkpoint(it.stream, []byte("x"))
	}
	return nil
}

func TestDeafSource(t *testing.T) {
	broken := errors.New("the store is gone")
	for _, what := range []string{"entity", "checkpoint"} {
		t.Run(what, func(t *testing.T) {
			j := newJob(t, &shelf{items: docs("a", 20)})
			j.Sources[0].Source = deaf{&shelf{items: docs("a", 20)}}
			j.ledger.fault = func(_ context.Context, did, _ string) error {
				if did == what {
					return broken
				}
				return nil
			}
			before := j.previous(t)
			if _, err := Run(t.Context(), j.Config); !errors.Is(err, broken) {
				t.Errorf("got %v", err)
			}
			j.untouched(t, before)
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		j := newJob(t, &shelf{})
		j.Sources[0].Source = deaf{&shelf{items: docs("a", 20)}}
		before := j.previous(t)
		ctx, cancel := context.WithCancel(t.Context())
		j.ledger.fault = func(_ context.Context, what, _ string) error {
			cancel()
			return nil
		}
		if _, err := Run(ctx, j.Config); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		j.untouched(t, before)
	})
}

// TestCancel ends a run wherever it may be waiting. It returns at once, nothing it started is left (synctest would say
// so), the previous output stands and the numbers add up.
func TestCancel(t *testing.T) {
	until := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	atLedger := func(what string, late int) func(*testing.T, *job, []*shelf) {
		return func(_ *testing.T, j *job, _ []*shelf) {
			n := 0
			j.ledger.fault = func(ctx context.Context, did, _ string) error {
				j.ledger.mu.Lock()
				if did == what {
					n++
				}
				wait := did == what && n >= late
				j.ledger.mu.Unlock()
				if wait {
					return until(ctx)
				}
				return nil
			}
		}
	}
	for name, prepare := range map[string]func(*testing.T, *job, []*shelf){
		"looking at the sources": func(_ *testing.T, _ *job, sources []*shelf) { sources[1].look = until },
		"before the first record": func(_ *testing.T, _ *job, sources []*shelf) {
			sources[0].during = func(ctx context.Context, _, _ int) error { return until(ctx) }
		},
		"between records": func(_ *testing.T, _ *job, sources []*shelf) {
			sources[0].during = func(ctx context.Context, _, at int) error {
				if at == 5 {
					return until(ctx)
				}
				return nil
			}
		},
		"a source that says it died": func(_ *testing.T, _ *job, sources []*shelf) {
			sources[0].during = func(ctx context.Context, _, _ int) error { return errors.Join(until(ctx), died()) }
		},
		"opening a picture": func(_ *testing.T, _ *job, sources []*shelf) {
			sources[0].fetch = func(ctx context.Context, _ string) error { return until(ctx) }
		},
		"pictures waiting in a row": func(_ *testing.T, j *job, sources []*shelf) {
			j.Workers = 1
			for _, s := range sources {
				s.fetch = func(ctx context.Context, _ string) error { return until(ctx) }
			}
		},
		"a full pool": func(_ *testing.T, j *job, sources []*shelf) {
			j.Workers = 1
			sources[1].items = append(sources[1].items, docs("spells more", 50)...)
			atLedger("entity", 1)(nil, j, nil)
		},
		"the first entity": atLedger("entity", 1), "the fourth entity": atLedger("entity", 4), "the first mapping": atLedger("mapping", 1),
		"the second mapping": atLedger("mapping", 2), "a checkpoint": atLedger("checkpoint", 1), "flushing": atLedger("flush", 1),
		"listing": atLedger("heads", 1), "listing pictures": atLedger("mappings", 1), "the first to write": atLedger("entities", 1),
		"the tenth to write": atLedger("entities", 10),
	} {
		t.Run(name, func(t *testing.T) {
			sources := game(t)
			j := newJob(t, sources...)
			before := j.previous(t)
			prepare(t, j, sources)
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				end := make(chan error)
				go func() {
					_, err := Run(ctx, j.Config)
					end <- err
				}()
				synctest.Wait()
				select {
				case err := <-end:
					t.Fatalf("it did not come to where it was to be cancelled: %v", err)
				default:
				}
				cancel()
				if err := <-end; !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				if time.Since(began) > 0 {
					t.Error("something waited for the clock")
				}
				j.count.balanced(t)
			})
			j.untouched(t, before)
			if got := j.count.codes()["plugin_crashed*"] + j.count.codes()["plugin_crashed"]; got > 0 {
				t.Error("the end of the run was taken for the death of a plugin")
			}
		})
	}
}

// TestCancelBeforeCommit: the last moment at which stopping leaves everything as it was, for both outputs; behind it both
// are put in place.
func TestCancelBeforeCommit(t *testing.T) {
	for step, want := range map[string]string{"Asset": "aborted", "Prepare": "aborted", "Commit": "committed"} {
		t.Run(step, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			j := newJob(t, game(t)...)
			one := &sheet{fault: func(what string) error {
				if what == step {
					cancel()
				}
				return nil
			}}
			other := &sheet{}
			j.Outputs = []Output{one.output("one"), other.output("other")}
			result, err := Run(ctx, j.Config)
			if errors.Is(err, context.Canceled) != (want == "aborted") || (len(result.Written) == 2) != (want == "committed") {
				t.Errorf("got %+v, %v", result, err)
			}
			if one.state != want || other.state != want {
				t.Errorf("the outputs are %s and %s, want %s", one.state, other.state, want)
			}
		})
	}
}

// TestStoreGivesBackOtherThings: slugs and twins go by place, so that an entity in another's place would get its name.
func TestStoreGivesBackOtherThings(t *testing.T) {
	for name, change := range map[string]func([]core.Head) []core.Head{
		"less":        func(h []core.Head) []core.Head { return h[:len(h)-1] },
		"nothing":     func([]core.Head) []core.Head { return nil },
		"more":        func(h []core.Head) []core.Head { return append(h, h[0]) },
		"other order": func(h []core.Head) []core.Head { slices.Reverse(h); return h },
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, &shelf{items: docs("a", 4)})
			before := j.previous(t)
			j.Ledger = mixedUp{j.ledger, change}
			if _, err := Run(t.Context(), j.Config); err == nil || !strings.Contains(err.Error(), "the store gave back") {
				t.Errorf("got %v", err)
			}
			j.untouched(t, before)
		})
	}
}

// mixedUp is a ledger that does not give back what it is asked for.
type mixedUp struct {
	*ledger
	change func([]core.Head) []core.Head
}

func (m mixedUp) Entities(ctx context.Context, heads []core.Head) iter.Seq2[*core.Entity, error] {
	return m.ledger.Entities(ctx, m.change(slices.Clone(heads)))
}

// TestPicturesCacheFails: it costs time, nothing else.
func TestPicturesCacheFails(t *testing.T) {
	calm, j := newJob(t, game(t)...), newJob(t, game(t)...)
	j.pictures.fault = errors.New("the cache is gone")
	want, got := calm.onSheet(), j.onSheet()
	calm.run(t)
	j.run(t)
	if got.text.String() != want.text.String() {
		t.Errorf("got %s\nwant %s", got.text.String(), want.text.String())
	}
}

// TestRecordsInFlightAreBounded by their bytes: who sends waits until there is room, and one that is larger than all the
// room passes alone.
func TestRecordsInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJob(t, &shelf{})
		r := &run{Config: j.Config, plugins: plugins(j.Sources)}
		r.pictures = newGallery(r)
		p := &pool{run: r, tasks: make(chan task, 10), bytes: semaphore.NewWeighted(10)}
		slow := make(chan struct{})
		j.ledger.fault = func(context.Context, string, string) error { <-slow; return nil }
		end := make(chan error)
		go func() { end <- p.work(t.Context()) }()
		handed := make(chan string, 10)
		s := &stream{}
		go func() {
			defer close(p.tasks)
			for id, size := range []int64{6, 4, 3, 10, 1} {
				rec := sdk.Record{ID: fmt.Sprint(id), JSON: []byte(`{}`)}
				if err := p.hand(t.Context(), task{stream: s, record: rec, bytes: size}); err != nil {
					t.Error(err)
				}
				handed <- rec.ID
			}
		}()
		for _, want := range []int{2, 1, 1, 1} { // 6 and 4 fit together, 3 behind them, 10 alone, 1 behind it
			synctest.Wait()
			if len(handed) != want {
				t.Fatalf("%d more were let in, want %d", len(handed), want)
			}
			for range want {
				<-handed
				slow <- struct{}{}
			}
		}
		if err := <-end; err != nil {
			t.Error(err)
		}
		if err := s.gate.wait(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestGateWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		if err := g.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.enter()
		g.enter()
		ctx, cancel := context.WithCancel(t.Context())
		ends := make(chan error, 3)
		for range 2 {
			go func() { ends <- g.wait(t.Context()) }()
		}
		go func() { ends <- g.wait(ctx) }()
		synctest.Wait()
		cancel()
		if err := <-ends; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		g.leave()
		synctest.Wait()
		if len(ends) > 0 {
			t.Error("the gate opened with one still inside")
		}
		g.leave()
		for range 2 {
			if err := <-ends; err != nil {
				t.Error(err)
			}
		}
	})
}
