package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// Forgetting says which ended runs are forgotten: those that are beyond the latest Keep, or that ended before Before. One
// of the two is wanted. A run at work is never forgotten.
type Forgetting struct {
	Keep   int       // 0: Before decides
	Before time.Time // zero: Keep decides
	DryRun bool      // nothing is removed
}

// Forgotten is what was forgotten, or would be.
type Forgotten struct {
	Runs   []core.Summary // newest first, without their problems
	Rows   int64          // bytes of the database that became free, and are used again
	Bodies int64          // bytes of files that are removed
	Shrunk int64          // bytes by which the database's file became smaller
}

// Forget removes all there is of ended runs, and gives the space back where it is worth it.
func (l *Library) Forget(ctx context.Context, f Forgetting) (Forgotten, error) {
	done, err := l.forgotten(ctx, f)
	if err != nil {
		return done, fmt.Errorf("forget old runs: %w", err)
	}
	if f.DryRun || len(done.Runs) == 0 {
		return done, nil
	}
	before, err := l.pages(ctx)
	if err != nil {
		return done, fmt.Errorf("forget old runs: %w", err)
	}
	for _, s := range done.Runs {
		if err := l.forget(ctx, s.Number); err != nil {
			return done, err
		}
	}
	after, err := l.pages(ctx)
	if err != nil {
		return done, fmt.Errorf("forget old runs: %w", err)
	}
	done.Rows = max(0, before.used()-after.used())
	if l.node == nil { // writes wait meanwhile, which nobody else's should
		return done, nil
	}
	if _, err := l.client.Vacuum(ctx); err != nil {
		return done, fmt.Errorf("give space back: %w", err)
	}
	last, err := l.pages(ctx)
	if err != nil {
		return done, fmt.Errorf("give space back: %w", err)
	}
	done.Shrunk = max(0, after.size()-last.size())
	return done, nil
}

// forgotten returns what would be forgotten.
func (l *Library) forgotten(ctx context.Context, f Forgetting) (Forgotten, error) {
	var done Forgotten
	if (f.Keep <= 0) == f.Before.IsZero() {
		return done, fmt.Errorf("exactly one of a number to keep and a time is wanted: %w", rqlite.ErrRejected)
	}
	list, err := l.Runs(ctx, 0)
	if err != nil {
		return done, err
	}
	ended := 0
	for _, s := range list {
		if !s.State.Ended() {
			continue
		}
		ended++
		old := ended > f.Keep
		if f.Keep <= 0 {
			old = time.UnixMilli(s.EndedMS).Before(f.Before)
		}
		if !old {
			continue
		}
		s.Problems = nil // they may be many
		done.Runs = append(done.Runs, s)
		size, err := l.bodiesSize(ctx, s.Number)
		if err != nil {
			return done, err
		}
		done.Bodies += size
	}
	return done, nil
}

// bodiesSize is how many bytes the large bodies of a run have.
func (l *Library) bodiesSize(ctx context.Context, number int64) (int64, error) {
	numbers, err := l.bodyFolders()
	if err != nil {
		return 0, err
	}
	var sum int64
	for _, n := range numbers {
		if n != number {
			continue
		}
		folder, err := blob.OpenFolder(l.bodies(n))
		if err != nil {
			return 0, err
		}
		for f, err := range folder.All(ctx) {
			if err != nil {
				return 0, err
			}
			sum += f.Size
		}
	}
	return sum, nil
}

// Kept reports whether a run's rows are still there, besides what is listed of it.
func (l *Library) Kept(ctx context.Context, number int64) (bool, error) {
	rows, err := l.client.QueryLinear(ctx, rqlite.Statement{
		SQL: `SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?`, Args: []any{items.of(number)},
	})
	if err != nil {
		return false, fmt.Errorf("look for the rows of run r-%04d: %w", number, err)
	}
	return rows.Len() > 0, nil
}

// pageCounts are how the database's file is used.
type pageCounts struct{ pages, free, bytes int64 }

func (p pageCounts) used() int64 { return (p.pages - p.free) * p.bytes }
func (p pageCounts) size() int64 { return p.pages * p.bytes }

func (l *Library) pages(ctx context.Context) (p pageCounts, err error) {
	rows, err := l.client.QueryLinear(ctx, rqlite.Statement{
		SQL: `SELECT page_count,freelist_count,page_size FROM pragma_page_count(),pragma_freelist_count(),pragma_page_size()`,
	})
	if err != nil {
		return p, err
	}
	if !rows.Next() {
		return p, fmt.Errorf("%w: the size of the database is unknown", rqlite.ErrRejected)
	}
	return p, rows.Scan(&p.pages, &p.free, &p.bytes)
}
