package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// fakeStore takes rows like the database does: all of a call or none, and a newer row over an older one.
type fakeStore struct {
	before func(call int) error // an error is the call's
	bad    func(key string) bool

	mu    sync.Mutex
	calls int
	log   [][]string        // the keys of the calls that were carried out, in order
	rows  map[string][]any  // by table and key
	order map[string]int    // call in which a key was last written
	open  int               // calls in progress
	most  int               // at the same time
	sizes []int             // bytes of the calls
	seen  map[string]uint64 // highest rev by key
}

var intoTable = regexp.MustCompile(`^INSERT INTO "run_1_(\w+)"`)

func (f *fakeStore) Apply(ctx context.Context, statements ...rqlite.Statement) ([]rqlite.Result, error) {
	f.mu.Lock()
	f.calls++
	call := f.calls
	f.open++
	f.most = max(f.most, f.open)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.open--
		f.mu.Unlock()
	}()
	if f.before != nil {
		if err := f.before(call); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return f.carryOut(call, statements)
}

func (f *fakeStore) carryOut(call int, statements []rqlite.Statement) ([]rqlite.Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	written := map[string][]any{}
	var keys []string
	size := 0
	for i, s := range statements {
		for _, arg := range s.Args {
			size += len(arg.(string))
		}
		name := intoTable.FindStringSubmatch(s.SQL)[1]
		rows, err := rowsIn(s, table(slices.Index(tableNames[:], name)))
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			key := fmt.Sprint(name, "/", row[0])
			if f.bad != nil && f.bad(key) {
				return nil, &rqlite.StatementError{Index: i, Message: "CHECK constraint failed: " + key}
			}
			written[key] = row
			keys = append(keys, key)
		}
	}
	if f.rows == nil {
		f.rows, f.order, f.seen = map[string][]any{}, map[string]int{}, map[string]uint64{}
	}
	for key, row := range written {
		rev := uint64(row[len(row)-1].(float64))
		if rev > f.seen[key] {
			f.rows[key], f.order[key], f.seen[key] = row, call, rev
		}
	}
	f.log = append(f.log, keys)
	f.sizes = append(f.sizes, size)
	return make([]rqlite.Result, len(statements)), nil
}

// rowsIn returns the rows that a statement writes into a table.
func rowsIn(s rqlite.Statement, t table) ([][]any, error) {
	var sent [][]any
	if err := json.Unmarshal([]byte(s.Args[0].(string)), &sent); err != nil {
		return nil, err
	}
	rows := make([][]any, len(sent))
	for i, values := range sent {
		for _, column := range tableColumns[t] {
			value := values[0]
			values = values[1:]
			if slices.Contains(tableLong[t], column) {
				if from, there := value.(float64); there {
					value = s.Args[1].(string)[int(from)-1:][:int(values[0].(float64))]
				}
				values = values[1:]
			}
			rows[i] = append(rows[i], value)
		}
	}
	return rows, nil
}

func (f *fakeStore) has(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.rows[key] != nil
}

func (f *fakeStore) written() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// tally counts outcomes.
type tally struct {
	mu       sync.Mutex
	outcomes map[core.Outcome]int64
	streams  map[string]int64
	failures []core.Failure
}

func (t *tally) Done(_ core.Stage, source, stream string, outcome core.Outcome, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.outcomes == nil {
		t.outcomes, t.streams = map[core.Outcome]int64{}, map[string]int64{}
	}
	t.outcomes[outcome] += n
	t.streams[source+"/"+stream] += n
}

func (t *tally) Failure(f core.Failure) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failures = append(t.failures, f)
}

func (t *tally) of(outcome core.Outcome) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.outcomes[outcome]
}

var errDown = fmt.Errorf("write to the store: %w", &rqlite.OutcomeError{Write: true, Attempts: 3, Reason: errors.New("tried long enough")})

func startWriter(t *testing.T, f *fakeStore, change func(*writerConfig)) (*writer, *tally) {
	t.Helper()
	count := &tally{}
	config := writerConfig{store: f, count: count, run: "r-0001", number: 1, log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&config)
	}
	w := newWriter(t.Context(), config)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
		cancel()
		_ = w.close(ctx)
	})
	return w, count
}

func entity(key, value string) *entry {
	return &entry{
		table: mappings, key: key, row: []any{key, "uri", value}, bytes: len(key) + len(value),
		counts: []count{{stage: core.StageEntities, source: "home", stream: "actors", outcome: core.Written, n: 1}},
		about:  core.Failure{Stage: core.StageEntities, Source: "home", Item: key},
	}
}

func mark(stream, value string) *entry {
	return &entry{table: checkpoints, key: stream, row: []any{stream, "s", 1, value, 0, false, 0, "", 0, "null"}, bytes: 20}
}

func mustPut(t *testing.T, w *writer, entries ...*entry) {
	t.Helper()
	for _, e := range entries {
		if err := w.put(t.Context(), e); err != nil {
			t.Fatalf("put %s: %v", e.key, err)
		}
	}
}

func mustFlush(t *testing.T, w *writer) {
	t.Helper()
	if err := w.flush(t.Context()); err != nil {
		t.Fatalf("flush: %v", err)
	}
}
