package claim

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// silent is a store that takes its time and then has an error.
type silent struct {
	takes time.Duration
	err   error
	calls int
}

func (s *silent) Claim(ctx context.Context, _, _ rqlite.Statement) (*rqlite.Rows, error) {
	s.calls++ // one batch is on its way at a time
	select {
	case <-time.After(s.takes):
		if s.err != nil {
			return nil, s.err
		}
		return &rqlite.Rows{}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func book(t *testing.T, store Store) *Book {
	t.Helper()
	b, err := New(Config{Store: store, Table: "claims", Owner: "me"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whoever carries the batch may leave: the others' questions are carried by one of them.
func TestCarrierLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrong := errors.New("wrong")
		store := &silent{takes: time.Minute, err: wrong}
		b := book(t, store)
		short, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := b.Claim(short, "first"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who left: %v", err)
			}
		})
		synctest.Wait()
		began := time.Now()
		for _, id := range []string{"first", "second", "third"} {
			wg.Go(func() {
				if _, err := b.Claim(t.Context(), id); !errors.Is(err, wrong) {
					t.Errorf("%s: %v", id, err)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took > 2*time.Minute+time.Second || store.calls > 3 {
			t.Errorf("%d requests in %s", store.calls, took)
		}
		if len(b.waiting) != 0 || len(b.settled) != 0 {
			t.Errorf("left: %d questions, %d answers", len(b.waiting), len(b.settled))
		}
	})
}

func TestClaimErrors(t *testing.T) {
	b := book(t, &silent{})
	if _, err := b.Claim(t.Context(), "\xff"); !errors.Is(err, rqlite.ErrRejected) {
		t.Errorf("not UTF-8: %v", err)
	}
	if mine, err := b.Claim(t.Context(), "a"); mine || err == nil {
		t.Errorf("a store that wrote nothing down: %v, %v", mine, err)
	}
	for _, config := range []Config{
		{Table: "t", Owner: "o"},
		{Store: &silent{}, Owner: "o"},
		{Store: &silent{}, Table: "t"},
		{Store: &silent{}, Table: "t; DROP TABLE t", Owner: "o"},
		{Store: &silent{}, Table: "t", Owner: "o", Batch: -1},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("taken: %+v", config)
		}
	}
}
