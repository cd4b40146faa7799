package runs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// AliveError says that a run is at work in another process.
type AliveError struct {
	ID  string
	PID int64
}

// Error says where.
func (e *AliveError) Error() string {
	return fmt.Sprintf("run %s is at work in process %d: end that first, or wait for it", e.ID, e.PID)
}

// RowsGoneError says that a run cannot be taken up again, because there is nothing to take up.
type RowsGoneError struct {
	ID    string
	State core.State
}

// Error says why.
func (e *RowsGoneError) Error() string {
	return fmt.Sprintf("of run %s (%s) nothing is stored any more: start a new run, which takes from the cache what pictures there are", e.ID, e.State)
}

// Resume takes an interrupted, failed or cancelled run up again, under its own number: what was stored stays. The numbers
// of the run are at nothing but for what was fetched; the engine counts anew what is stored. The run must be ended, as one
// that was begun. Errors are also [NotFoundError], [AliveError] and [RowsGoneError].
func (l *Library) Resume(ctx context.Context, id string, plugins []core.PluginUse) (*Run, error) {
	s, err := l.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case !s.State.Ended():
		return nil, &AliveError{ID: s.ID, PID: s.PID}
	case !s.Resumable():
		return nil, &RowsGoneError{ID: s.ID, State: s.State}
	}
	begun := s.StartedMS
	if s.ResumedMS > 0 {
		begun = s.ResumedMS
	}
	s.Attempts = append(s.Attempts, core.Attempt{StartedMS: begun, EndedMS: s.EndedMS, State: s.State, Reason: s.Reason, Actor: s.Actor})
	s.Reason, s.Actor = "resumed after it was "+string(s.State), ""
	if s.Attempts[len(s.Attempts)-1].State == core.Failed {
		s.Reason = "resumed after it failed"
	}
	s.State, s.EndedMS, s.ResultID, s.Kinds, s.Plugins = core.Running, 0, "", nil, plugins
	s.ResumedMS = time.Now().UnixMilli()
	s.HeartbeatMS, s.PID, s.Kept = s.ResumedMS, int64(os.Getpid()), false
	fetched, caches := s.Fetched, s.Caches
	s.Stages, s.Streams, s.Problems, s.Fetched, s.Caches = nil, nil, nil, nil, nil
	token, err := l.claim(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("resume run %s: %w", s.ID, err)
	}
	r := l.runOf(s, token)
	if err := r.reopen(ctx); err != nil {
		return nil, fmt.Errorf("resume run %s: %w", s.ID, errors.Join(err, r.giveUp(ctx, err, false)))
	}
	for _, f := range fetched {
		r.state.Fetched(f)
	}
	for _, c := range caches {
		if c.Cache != picturesCache { // those are counted from what is stored
			r.state.CacheN(c.Cache, c.Hits, c.Misses)
		}
	}
	r.start(ctx)
	return r, nil
}

// claim makes an ended run this process's. Of several who want it one gets it.
func (l *Library) claim(ctx context.Context, s core.Summary) (token string, err error) {
	was, old, err := l.stateOf(ctx, s.Number)
	if err != nil {
		return "", err
	}
	if !was.Ended() {
		return "", &AliveError{ID: s.ID, PID: s.PID}
	}
	body, err := encoded(s)
	if err != nil {
		return "", err
	}
	token = rand.Text()
	values, err := rqlite.List([]any{
		token, string(s.State), s.Reason, s.Actor, s.ResultID, s.EndedMS, s.HeartbeatMS, s.PID, string(body), s.Number, old,
	})
	if err != nil {
		return "", err
	}
	rows, err := l.client.Claim(ctx, rqlite.Statement{
		SQL: `UPDATE runs SET token=?1->>0,state=?1->>1,reason=?1->>2,actor=?1->>3,result_id=?1->>4,ended_ms=?1->>5,` +
			`heartbeat_ms=?1->>6,pid=?1->>7,summary=?1->>8 WHERE number=?1->>9 AND token=?1->>10`,
		Args: []any{values},
	}, rqlite.Statement{SQL: `SELECT token,pid FROM runs WHERE number=?`, Args: []any{s.Number}})
	if err != nil {
		return "", err
	}
	var owner string
	var pid int64
	if !rows.Next() {
		return "", &NotFoundError{Ref: s.ID}
	}
	if err := rows.Scan(&owner, &pid); err != nil {
		return "", err
	}
	if owner != token {
		return "", &AliveError{ID: s.ID, PID: pid}
	}
	return token, nil
}

// reopen makes the rows of earlier attempts this one's.
func (r *Run) reopen(ctx context.Context) error {
	if err := r.furnish(ctx); err != nil {
		return err
	}
	old, err := r.library.number(ctx, itemsByUID(r.number))
	if err == nil && old > 0 {
		_, err = r.library.client.Apply(ctx, append([]rqlite.Statement{owned(r.number, r.token)}, rebuildItems(r.number)...)...)
	}
	if err != nil {
		return fmt.Errorf("bring what an earlier version stored of it into today's form: %w", err)
	}
	// The problems are counted anew.
	_, err = r.library.client.Apply(ctx, owned(r.number, r.token), rqlite.Statement{SQL: `DELETE FROM ` + problems.of(r.number)})
	if err != nil {
		return err
	}
	for t := range tableCount {
		n, err := r.library.number(ctx, rqlite.Statement{SQL: `SELECT COALESCE(MAX(rev),0) FROM ` + t.of(r.number)})
		if err != nil {
			return err
		}
		r.revs = max(r.revs, uint64(n))
	}
	return nil
}

// Retry begins a new run that has all that a finished one has stored but for what failed in it, for which it is to be read
// again: it takes the rows over, and nothing is left of them there. Members of s are as in [Library.Begin].
func (l *Library) Retry(ctx context.Context, id string, s core.Summary) (*Run, error) {
	parent, err := l.Find(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case !parent.State.Ended():
		return nil, &AliveError{ID: parent.ID, PID: parent.PID}
	case !parent.Retriable():
		return nil, &RowsGoneError{ID: parent.ID, State: parent.State}
	}
	again, err := l.failedStreams(ctx, parent)
	if err != nil {
		return nil, fmt.Errorf("look for what failed in run %s: %w", parent.ID, err)
	}
	s.State, s.Parent = core.Running, parent.ID
	s.Reason = "tries again what failed in " + parent.ID
	s.StartedMS = time.Now().UnixMilli()
	s.HeartbeatMS, s.EndedMS, s.PID = s.StartedMS, 0, int64(os.Getpid())
	s, token, err := l.enter(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("begin a run: %w", err)
	}
	r := l.runOf(s, token)
	err = l.handOver(ctx, parent, r, again)
	if err == nil {
		err = r.reopen(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("begin run %s: %w", s.ID, errors.Join(err, r.giveUp(ctx, err, false)))
	}
	r.start(ctx)
	return r, nil
}

// failedStreams are the streams of a run that have to be read again, as pairs of source and stream: those with items that
// came to nothing, and those that refer to files which were missing. What bytes there are of other assets is tried again
// without its stream.
func (l *Library) failedStreams(ctx context.Context, parent core.Summary) ([][2]string, error) {
	r := l.runOf(parent, "")
	var err error
	if r.bodies, err = blob.OpenFolder(l.bodies(parent.Number)); err != nil {
		return nil, err
	}
	past, err := r.Past(ctx)
	if err != nil {
		return nil, err
	}
	failed := map[[2]string]bool{}
	for _, m := range past.Mishaps {
		if m.Kind != core.MishapRemark {
			failed[[2]string{m.Source, m.Stream}] = true
		}
	}
	missing := map[[2]string]bool{}
	for _, m := range past.Mappings {
		if m.Outcome == core.FailedItem && m.Locator.IsZero() {
			missing[[2]string{m.Source, m.URI}] = true
		}
	}
	if len(missing) > 0 {
		for e, err := range r.Entities(ctx, past.Heads) {
			if err != nil {
				return nil, err
			}
			for _, use := range e.Assets {
				if missing[[2]string{e.Source.Name, use.URI}] {
					failed[[2]string{e.Source.Name, e.Source.Stream}] = true
				}
			}
		}
	}
	list := make([][2]string, 0, len(failed))
	for key := range failed {
		list = append(list, key)
	}
	return list, nil
}

// handOver gives the rows of a run to another one, without what failed, in one transaction.
func (l *Library) handOver(ctx context.Context, parent core.Summary, to *Run, again [][2]string) error {
	if err := linkBodies(l.bodies(parent.Number), l.bodies(to.number)); err != nil {
		return err
	}
	keys, err := encoded(again)
	if err != nil {
		return err
	}
	statements := append([]rqlite.Statement{owned(to.number, to.token)}, renameTables(parent.Number, to.number)...)
	failed := fmt.Sprintf(`json_extract(body,'$.outcome')=%d`, core.FailedItem)
	statements = append(
		statements,
		rqlite.Statement{
			SQL: `DELETE FROM ` + checkpoints.of(to.number) + ` WHERE EXISTS(SELECT 1 FROM json_each(?) k WHERE ` +
				`source=k.value->>0 AND (stream=k.value->>1 OR stream=''))`,
			Args: []any{string(keys)},
		},
		rqlite.Statement{SQL: `DELETE FROM ` + mappings.of(to.number) + ` WHERE ` + failed + ` AND json_extract(body,'$.locator') IS NULL`},
		rqlite.Statement{SQL: `UPDATE ` + mappings.of(to.number) + ` SET body=json_set(json_remove(body,'$.outcome','$.failures','$.problem',` +
			`'$.asset_id','$.first','$.asset'),'$.pending',json('true')) WHERE ` + failed},
		rqlite.Statement{SQL: `DELETE FROM ` + made.of(to.number)},
		rqlite.Statement{SQL: `UPDATE runs SET summary=json_set(summary,'$.child',?) WHERE number=?`, Args: []any{to.id, parent.Number}},
	)
	_, err = l.client.Apply(ctx, statements...)
	if err != nil && tableGone(err) { // done already, and the answer was lost; or somebody else was faster
		there, lookErr := l.current(ctx, to.number)
		if lookErr != nil || !there {
			return errors.Join(err, lookErr)
		}
		err = nil
	}
	if err != nil {
		return err
	}
	if err := os.RemoveAll(l.bodies(parent.Number)); err != nil {
		to.tidy(err)
	}
	return nil
}

// linkBodies makes the large bodies of one run those of another one too.
func linkBodies(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) && path == from {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		if err := os.Link(path, target); err == nil || errors.Is(err, fs.ErrExist) {
			return nil
		}
		data, err := os.ReadFile(path) // a file system without links
		if err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o600)
	})
}
