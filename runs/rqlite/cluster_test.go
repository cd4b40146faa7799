//go:build integration && linux

package rqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/runs/rqlite/rqlitetest"
)

func openCluster(t *testing.T, cluster *rqlitetest.Cluster, change func(*Config)) *Client {
	t.Helper()
	config := Config{URLs: cluster.URLs(), User: rqlitetest.User, Password: rqlitetest.Password, CA: cluster.CA}
	if change != nil {
		change(&config)
	}
	client, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// load is work on a cluster, with a record of what was acknowledged.
type load struct {
	client *Client
	stop   atomic.Bool
	group  sync.WaitGroup

	acks    atomic.Int64
	batches [loadWriters]atomic.Int64 // acknowledged, of each writer
	added   atomic.Int64              // increments acknowledged

	mu      sync.Mutex
	last    time.Time // acknowledgement
	longest time.Duration
	owners  map[string]int // by task: how many were told that it is theirs
}

const (
	loadWriters = 4
	loadBatch   = 20
)

var loadTables = []string{
	`CREATE TABLE items(id TEXT PRIMARY KEY, writer INTEGER NOT NULL, batch INTEGER NOT NULL, body TEXT NOT NULL) STRICT`,
	`CREATE INDEX items_batch ON items(writer, batch)`,
	`CREATE TABLE tasks(id TEXT PRIMARY KEY, owner TEXT NOT NULL) STRICT`,
	`CREATE TABLE ops(id TEXT PRIMARY KEY) STRICT`,
	`CREATE TABLE total(id INTEGER PRIMARY KEY, n INTEGER NOT NULL) STRICT`,
	`INSERT INTO total VALUES(1, 0)`,
}

// startLoad starts writers of batches, claimants who race for the same tasks, one who counts, and readers of what was
// acknowledged.
func startLoad(t *testing.T, client *Client) *load {
	t.Helper()
	if err := Migrate(t.Context(), client, []Migration{{Version: 1, Statements: loadTables}}); err != nil {
		t.Fatal(err)
	}
	l := &load{client: client, last: time.Now(), owners: map[string]int{}}
	for w := range loadWriters {
		l.each(t, func(n int) error { return l.write(t.Context(), w, n) })
	}
	for w := range 2 {
		l.each(t, func(n int) error { return l.claim(t.Context(), w, n) })
		l.each(t, func(n int) error { return l.read(t.Context(), (w+n)%loadWriters) })
	}
	l.each(t, func(n int) error { return l.add(t.Context(), n) })
	return l
}

func (l *load) each(t *testing.T, do func(n int) error) {
	t.Helper()
	l.group.Go(func() {
		for n := 0; !l.stop.Load(); n++ {
			if err := do(n); err != nil {
				t.Error(err)
				return
			}
		}
	})
}

func (l *load) acknowledged() {
	l.acks.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.longest, l.last = max(l.longest, now.Sub(l.last)), now
}

// pause returns the longest time without an acknowledgement since the last call.
func (l *load) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	longest := max(l.longest, time.Since(l.last))
	l.longest = 0
	return longest
}

func (l *load) write(ctx context.Context, writer, batch int) error {
	rows := make([][]any, loadBatch)
	for i := range rows {
		rows[i] = []any{fmt.Sprintf("%d-%d-%d", writer, batch, i), writer, batch, "a body"}
	}
	statement, err := Upsert{Table: "items", Key: []string{"id"}, Columns: []string{"id", "writer", "batch", "body"}}.Statement(rows)
	if err != nil {
		return err
	}
	if _, err := l.client.Apply(ctx, statement); err != nil {
		return err
	}
	l.batches[writer].Add(1)
	l.acknowledged()
	return nil
}

func (l *load) claim(ctx context.Context, worker, n int) error {
	id, token := fmt.Sprint("task-", n), fmt.Sprintf("worker-%d-%d", worker, n)
	rows, err := l.client.Claim(ctx,
		Statement{SQL: `INSERT INTO tasks(id, owner) VALUES(?, ?) ON CONFLICT(id) DO NOTHING`, Args: []any{id, token}},
		Statement{SQL: `SELECT owner FROM tasks WHERE id = ?`, Args: []any{id}})
	if err != nil {
		return err
	}
	var owner string
	if !rows.Next() {
		return fmt.Errorf("%s has no owner", id)
	}
	if err := rows.Scan(&owner); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if owner == token {
		l.owners[id]++
	}
	return nil
}

// add counts up by one, for which a number of the operation makes sure that it happens once.
func (l *load) add(ctx context.Context, n int) error {
	_, err := l.client.Apply(ctx,
		Statement{SQL: `INSERT INTO ops(id) VALUES(?)`, Args: []any{fmt.Sprint("op-", n)}},
		Statement{SQL: `UPDATE total SET n = n + 1 WHERE id = 1`})
	var failure *StatementError
	if err != nil && (!errors.As(err, &failure) || !failure.Duplicate()) {
		return err
	}
	l.added.Add(1)
	return nil
}

// read looks for a batch that was acknowledged.
func (l *load) read(ctx context.Context, writer int) error {
	acknowledged := l.batches[writer].Load()
	if acknowledged == 0 {
		return nil
	}
	rows, err := l.client.QueryLinear(ctx, Statement{
		SQL: `SELECT count(*) FROM items WHERE writer = ? AND batch = ?`, Args: []any{writer, acknowledged - 1},
	})
	if err != nil {
		return err
	}
	var n int
	rows.Next()
	if err := rows.Scan(&n); err != nil || n != loadBatch {
		return fmt.Errorf("batch %d of writer %d was acknowledged and has %d rows, %w", acknowledged-1, writer, n, err)
	}
	return nil
}

// goesOn waits until more was acknowledged.
func (l *load) goesOn(t *testing.T) {
	t.Helper()
	before := l.acks.Load()
	await(t, func() bool { return l.acks.Load() > before+20 })
}

// TestClusterLosesItsLeader kills and freezes leader after leader under load: what was acknowledged is there, once, and
// on all nodes.
func TestClusterLosesItsLeader(t *testing.T) {
	const kills, freezes = 10, 3
	cluster := rqlitetest.Start(t, rqlitetest.Config{Binary: binary(t)})
	client := openCluster(t, cluster, nil)
	l := startLoad(t, client)
	var killed, frozen time.Duration
	for range kills {
		l.goesOn(t)
		l.pause()
		leader := cluster.Leader()
		cluster.Kill(leader)
		l.goesOn(t)
		killed = max(killed, l.pause())
		cluster.Restart(leader)
	}
	for range freezes {
		l.goesOn(t)
		l.pause()
		leader := cluster.Leader()
		cluster.Freeze(leader)
		l.goesOn(t)
		cluster.Thaw(leader)
		frozen = max(frozen, l.pause())
	}
	l.goesOn(t)
	l.stop.Store(true)
	l.group.Wait()

	acknowledged := 0
	for w := range loadWriters {
		batches := l.batches[w].Load()
		acknowledged += int(batches)
		got := queryInt(t, client, `SELECT count(*) FROM items WHERE writer = ?`, w)
		if want := batches * loadBatch; got != want {
			t.Errorf("writer %d: %d rows of %d acknowledged", w, got, want)
		}
	}
	if n := queryInt(t, client, `SELECT n FROM total WHERE id = 1`); n != l.added.Load() {
		t.Errorf("%d increments were acknowledged, and %d were made", l.added.Load(), n)
	}
	if n := queryInt(t, client, `SELECT count(*) FROM tasks`); n != int64(len(l.owners)) {
		t.Errorf("%d tasks were won, of %d", len(l.owners), n)
	}
	for id, n := range l.owners {
		if n != 1 {
			t.Errorf("%s has %d owners", id, n)
		}
	}
	cluster.Whole(`SELECT id, writer, batch FROM items ORDER BY id`)
	cluster.Whole(`SELECT id, owner FROM tasks ORDER BY id`)
	t.Logf("%d batches, %d claims, %d increments; longest pause: leader killed %s, frozen %s",
		acknowledged, len(l.owners), l.added.Load(), killed.Round(time.Millisecond), frozen.Round(time.Millisecond))
}

// TestClusterByTLS speaks to nodes with a certificate of their own authority, with user and password, at both levels.
func TestClusterByTLS(t *testing.T) {
	cluster := rqlitetest.Start(t, rqlitetest.Config{Binary: binary(t), Nodes: 1, TLS: true})
	for _, level := range []ReadLevel{Weak, Linearizable} {
		client := openCluster(t, cluster, func(c *Config) { c.ReadLevel = level })
		mustApply(t, client, `CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY) STRICT`)
		mustApply(t, client, `INSERT INTO t VALUES(1) ON CONFLICT DO NOTHING`)
		rows, err := client.Query(t.Context(), Statement{SQL: `SELECT n FROM t`})
		if err != nil || rows.Len() != 1 {
			t.Errorf("%s: %v, %v", level, rows, err)
		}
	}
	for name, test := range map[string]struct {
		change func(*Config)
		want   error
	}{
		"authorities of the system": {func(c *Config) { c.CA = nil }, ErrRejected},
		"no password":               {func(c *Config) { c.User, c.Password = "", "" }, ErrUnauthorized},
		"wrong password":            {func(c *Config) { c.Password = "guessed" }, ErrUnauthorized},
	} {
		config := Config{URLs: cluster.URLs(), User: rqlitetest.User, Password: rqlitetest.Password, CA: cluster.CA}
		test.change(&config)
		if _, err := Open(t.Context(), config); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
