package runs

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// NotFoundError says that the library knows no such run.
type NotFoundError struct{ Ref string }

// Error names what was looked for.
func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no run or result is called %q: the list of runs has the names", e.Ref)
}

// Is says that it is a kind of [fs.ErrNotExist], for who does not know this package.
func (e *NotFoundError) Is(target error) bool { return target == fs.ErrNotExist }

const (
	aliveFor     = 15 * time.Second // a run whose sign of life is older is dead
	activeStates = `('queued','running','cancelling')`
	runColumns   = `number,id,state,reason,actor,result_id,started_ms,ended_ms,heartbeat_ms,pid,summary,` + hasRows

	// hasRows says whether the tables of a run are there.
	hasRows = `EXISTS(SELECT 1 FROM sqlite_schema WHERE type='table' AND name='run_'||number||'_custom_items')`
)

// Runs lists the latest runs, newest first; limit 0 is for all. One that is active in another process is as old as its
// last sign of life.
func (l *Library) Runs(ctx context.Context, limit int) ([]core.Summary, error) {
	const page = 10 // a run with hundreds of problems takes a megabyte
	var list []core.Summary
	before := int64(math.MaxInt32)
	for limit <= 0 || len(list) < limit {
		size := page
		if limit > 0 {
			size = min(size, limit-len(list))
		}
		further, err := summaries(ctx, l.client.Query, rqlite.Statement{
			SQL: `SELECT ` + runColumns + ` FROM runs WHERE number<? ORDER BY number DESC LIMIT ?`, Args: []any{before, size},
		})
		if err != nil {
			return nil, fmt.Errorf("list runs: %w", err)
		}
		list = append(list, further...)
		if len(further) < size {
			break
		}
		before = further[size-1].Number
	}
	return list, nil
}

// Find returns a run by its id (r-0001), or the latest that has the result id. If there is none, the error is a
// [NotFoundError].
func (l *Library) Find(ctx context.Context, ref string) (core.Summary, error) {
	key, err := rqlite.List([]string{ref})
	if ref == "" || err != nil {
		return core.Summary{}, &NotFoundError{Ref: ref}
	}
	list, err := summaries(ctx, l.client.Query, rqlite.Statement{
		SQL:  `SELECT ` + runColumns + ` FROM runs WHERE id=?1->>0 OR result_id=?1->>0 ORDER BY id=?1->>0 DESC, number DESC LIMIT 1`,
		Args: []any{key},
	})
	if err != nil {
		return core.Summary{}, fmt.Errorf("find run %s: %w", ref, err)
	}
	if len(list) == 0 {
		return core.Summary{}, &NotFoundError{Ref: ref}
	}
	return list[0], nil
}

// query is one of the client's ways to read.
type query func(context.Context, rqlite.Statement) (*rqlite.Rows, error)

func summaries(ctx context.Context, ask query, statement rqlite.Statement) ([]core.Summary, error) {
	rows, err := ask(ctx, statement)
	if err != nil {
		return nil, err
	}
	list := make([]core.Summary, 0, rows.Len())
	for rows.Next() {
		var row core.Summary
		var state, body string
		var pid, kept int64
		err := rows.Scan(&row.Number, &row.ID, &state, &row.Reason, &row.Actor, &row.ResultID, &row.StartedMS, &row.EndedMS,
			&row.HeartbeatMS, &pid, &body, &kept)
		if err != nil {
			return nil, err
		}
		var s core.Summary
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			return nil, fmt.Errorf("run %s: %w", row.ID, err)
		}
		// The columns are newer than the body when a later process found the run dead.
		s.Number, s.ID, s.State, s.Reason, s.Actor = row.Number, row.ID, core.State(state), row.Reason, row.Actor
		s.ResultID, s.StartedMS, s.EndedMS, s.HeartbeatMS = row.ResultID, row.StartedMS, row.EndedMS, row.HeartbeatMS
		s.PID, s.Kept = pid, kept != 0 && s.State.Ended()
		list = append(list, s)
	}
	return list, nil
}

var catalogue = rqlite.Upsert{
	Table: "runs", Key: []string{"number"}, Update: []string{},
	Columns: []string{
		"number", "id", "token", "name", "config", "config_digest", "state", "reason", "actor", "result_id",
		"started_ms", "ended_ms", "heartbeat_ms", "pid", "summary",
	},
}

// enter gives a run the next number and its row. Of several processes that want the same number the first one gets it,
// and the others the ones after; a token tells them apart even when an answer is lost.
func (l *Library) enter(ctx context.Context, s core.Summary) (core.Summary, string, error) {
	token := rand.Text()
	next, err := l.number(ctx, rqlite.Statement{SQL: `SELECT COALESCE(MAX(number),0)+1 FROM runs`})
	if err != nil {
		return s, "", err
	}
	for ; ; next++ {
		s.Number, s.ID = next, fmt.Sprintf("r-%04d", next)
		body, err := json.Marshal(s)
		if err != nil {
			return s, "", err
		}
		insert, err := catalogue.Statement([][]any{{
			s.Number, s.ID, token, s.Name, s.Config, s.ConfigDigest, string(s.State), s.Reason, s.Actor, s.ResultID,
			s.StartedMS, s.EndedMS, s.HeartbeatMS, os.Getpid(), string(body),
		}})
		if err != nil {
			return s, "", err
		}
		rows, err := l.client.Claim(ctx, insert, rqlite.Statement{SQL: `SELECT token FROM runs WHERE number=?`, Args: []any{next}})
		if err != nil {
			return s, "", err
		}
		var owner string
		if !rows.Next() {
			return s, "", fmt.Errorf("run %s was removed while it was entered", s.ID)
		}
		if err := rows.Scan(&owner); err != nil {
			return s, "", err
		}
		if owner == token {
			return s, token, nil
		}
	}
}

func (l *Library) number(ctx context.Context, statement rqlite.Statement) (n int64, err error) {
	rows, err := l.client.QueryLinear(ctx, statement)
	if err != nil {
		return 0, err
	}
	if !rows.Next() {
		return 0, errors.New("the store counts nothing")
	}
	return n, rows.Scan(&n)
}

// update writes the state of a run into its row. Values go in as one JSON array, in which text stays text.
func update(s core.Summary, token, condition string) (rqlite.Statement, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return rqlite.Statement{}, err
	}
	values, err := rqlite.List([]any{
		string(s.State), s.Reason, s.Actor, s.ResultID, s.StartedMS, s.EndedMS, s.HeartbeatMS, string(body), s.Number, token,
	})
	return rqlite.Statement{
		SQL: `UPDATE runs SET state=?1->>0,reason=?1->>1,actor=?1->>2,result_id=?1->>3,started_ms=?1->>4,ended_ms=?1->>5,` +
			`heartbeat_ms=?1->>6,summary=?1->>7 WHERE number=?1->>8 AND token=?1->>9` + condition,
		Args: []any{values},
	}, err
}

// bury marks the runs of dead processes as interrupted. Their rows stay, as long as [Library.shed] lets them.
func (l *Library) bury(ctx context.Context) error {
	folders, err := l.bodyFolders()
	if err != nil {
		return err
	}
	rows, err := l.client.QueryLinear(ctx, rqlite.Statement{
		SQL: `SELECT number,token,heartbeat_ms,pid FROM runs WHERE state IN ` + activeStates + ` ORDER BY number`,
	})
	if err != nil {
		return fmt.Errorf("look for runs left behind: %w", err)
	}
	for rows.Next() {
		var number, heartbeat, pid int64
		var token string
		if err := rows.Scan(&number, &token, &heartbeat, &pid); err != nil {
			return fmt.Errorf("look for runs left behind: %w", err)
		}
		// Whoever has the private node is alone with it; in a cluster others may be at work.
		if l.node == nil && time.Since(time.UnixMilli(heartbeat)) < aliveFor {
			continue
		}
		if err := l.interrupt(ctx, number, pid, token, heartbeat); err != nil {
			return fmt.Errorf("mark run r-%04d as interrupted: %w", number, err)
		}
	}
	if err := l.shed(ctx); err != nil {
		return err
	}
	return l.sweep(ctx, folders)
}

func (l *Library) interrupt(ctx context.Context, number, pid int64, token string, heartbeat int64) error {
	list, err := summaries(ctx, l.client.QueryLinear, rqlite.Statement{
		SQL: `SELECT ` + runColumns + ` FROM runs WHERE number=?`, Args: []any{number},
	})
	if err != nil || len(list) == 0 {
		return err
	}
	s := list[0]
	if s.HeartbeatMS != heartbeat {
		return nil // it lives
	}
	s.State, s.Actor, s.EndedMS = core.Interrupted, "crash", heartbeat
	s.Reason = fmt.Sprintf("its process (%d) ended without a word", pid)
	if found, err := l.storedProblems(ctx, number); err == nil { // the tables of a run that died early may not exist
		s.Problems = found
	}
	mark, err := update(s, token, ` AND state IN `+activeStates+` AND heartbeat_ms=?1->>6`)
	if err != nil {
		return err
	}
	if _, err := l.client.Apply(ctx, mark); err != nil {
		return err
	}
	state, _, err := l.stateOf(ctx, number)
	if err != nil || state != core.Interrupted { // it has given a sign of life meanwhile
		return err
	}
	current, err := l.current(ctx, number)
	if err != nil || current {
		return err
	}
	_, err = l.client.Apply(ctx, dropTables(number)...)
	return err
}

// current says that the tables of a run are such as this program makes, so that the run can be resumed.
func (l *Library) current(ctx context.Context, number int64) (bool, error) {
	n, err := l.number(ctx, rqlite.Statement{
		SQL:  `SELECT count(*) FROM sqlite_schema WHERE type='table' AND name=? AND sql LIKE '%complete INTEGER%'`,
		Args: []any{checkpoints.of(number)},
	})
	return n > 0, err
}

// stateOf returns the stored state of a run and whose it is, empty when there is no such run.
func (l *Library) stateOf(ctx context.Context, number int64) (core.State, string, error) {
	rows, err := l.client.QueryLinear(ctx, rqlite.Statement{SQL: `SELECT state,token FROM runs WHERE number=?`, Args: []any{number}})
	if err != nil || !rows.Next() {
		return "", "", err
	}
	var state, token string
	err = rows.Scan(&state, &token)
	return core.State(state), token, err
}

func (l *Library) storedProblems(ctx context.Context, number int64) ([]core.Problem, error) {
	rows, err := l.client.QueryLinear(ctx, rqlite.Statement{SQL: `SELECT body FROM ` + problems.of(number) + ` ORDER BY fingerprint`})
	if err != nil {
		return nil, err
	}
	return decoded[core.Problem](rows)
}

// decoded returns the JSON bodies that are the one column of rows.
func decoded[T any](rows *rqlite.Rows) ([]T, error) {
	list := make([]T, rows.Len())
	for i := range list {
		var body string
		rows.Next()
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(body), &list[i]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// bodyFolders lists the runs that have large bodies in files.
func (l *Library) bodyFolders() ([]int64, error) {
	list, err := numbered(filepath.Join(l.config.Dir, bodiesDir))
	if err != nil {
		return nil, fmt.Errorf("look for bodies left behind: %w", err)
	}
	return list, nil
}

// numbered lists the folders in dir whose names are numbers, none when there is no dir.
func numbered(dir string) (list []int64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if number, err := strconv.ParseInt(e.Name(), 10, 64); err == nil {
			list = append(list, number)
		}
	}
	return list, nil
}

// sweep removes the large bodies of runs that have no rows any more. A folder listed before the rows are looked at
// belongs to a run that had its row by then.
func (l *Library) sweep(ctx context.Context, folders []int64) error {
	for _, number := range folders {
		rows, err := l.client.QueryLinear(ctx, rqlite.Statement{
			SQL: `SELECT 1 FROM sqlite_schema WHERE type='table' AND name=?`, Args: []any{items.of(number)},
		})
		if err != nil {
			return fmt.Errorf("look for bodies left behind: %w", err)
		}
		if rows.Len() > 0 {
			continue
		}
		if err := os.RemoveAll(l.bodies(number)); err != nil {
			return fmt.Errorf("remove the bodies of run r-%04d: %w", number, err)
		}
	}
	return nil
}

// shed drops the rows of ended runs that nobody needs any more: those that a later run of the same config has finished
// after, those that made or were to make the compendium, and all but the newest few of the others.
func (l *Library) shed(ctx context.Context) error {
	rows, err := l.client.QueryLinear(ctx, rqlite.Statement{
		SQL: `SELECT number,COALESCE(summary->>'compendium',0) OR EXISTS(SELECT 1 FROM runs f WHERE f.number<>r.number AND ` +
			`f.ended_ms>=r.ended_ms AND f.state IN ('succeeded','partial') AND COALESCE(f.summary->>'compendium',0)=0 AND ` +
			`(f.config=r.config OR f.config_digest=r.config_digest)) ` +
			`FROM runs r WHERE state NOT IN ` + activeStates + ` AND ` + hasRows + ` ORDER BY number DESC`,
	})
	if err != nil {
		return fmt.Errorf("look for rows that nobody needs: %w", err)
	}
	kept := 0
	for rows.Next() {
		var number, superseded int64
		if err := rows.Scan(&number, &superseded); err != nil {
			return fmt.Errorf("look for rows that nobody needs: %w", err)
		}
		if superseded == 0 && kept < l.config.KeepRows {
			kept++
			continue
		}
		if _, err := l.client.Apply(ctx, dropTables(number)...); err != nil {
			return fmt.Errorf("drop the rows of run r-%04d: %w", number, err)
		}
		if err := os.RemoveAll(l.bodies(number)); err != nil {
			return fmt.Errorf("drop the bodies of run r-%04d: %w", number, err)
		}
	}
	return nil
}

// prune forgets all ended runs but the latest ones.
func (l *Library) prune(ctx context.Context) error {
	rows, err := l.client.QueryLinear(ctx, rqlite.Statement{
		SQL:  `SELECT number FROM runs WHERE state NOT IN ` + activeStates + ` ORDER BY number DESC LIMIT -1 OFFSET ?`,
		Args: []any{l.config.Keep},
	})
	if err != nil {
		return fmt.Errorf("forget old runs: %w", err)
	}
	for rows.Next() {
		var number int64
		if err := rows.Scan(&number); err != nil {
			return fmt.Errorf("forget old runs: %w", err)
		}
		if err := l.forget(ctx, number); err != nil {
			return err
		}
	}
	return nil
}

// forget removes all there is of an ended run.
func (l *Library) forget(ctx context.Context, number int64) error {
	statements := append(dropTables(number), rqlite.Statement{SQL: `DELETE FROM runs WHERE number=?`, Args: []any{number}})
	if _, err := l.client.Apply(ctx, statements...); err != nil {
		return fmt.Errorf("forget run r-%04d: %w", number, err)
	}
	if err := os.RemoveAll(l.bodies(number)); err != nil {
		return fmt.Errorf("forget run r-%04d: %w", number, err)
	}
	return nil
}
