//go:build integration

package rqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/runs/rqlite/rqlitetest"
)

// lossy returns a client whose way to the node loses each n-th answer after the node has done what was asked.
func lossy(t *testing.T, node *Node, each int64) *Client {
	t.Helper()
	config := node.ClientConfig()
	config.Endpoints, config.URLs = nil, []string{rqlitetest.Lossy(t, node.endpoints()[0], each)}
	client, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func TestValuesComeBackAsTheyWentIn(t *testing.T) {
	for name, long := range map[string][]string{"in JSON": nil, "beside it": {"s"}} {
		t.Run(name, func(t *testing.T) { testValues(t, long) })
	}
}

func testValues(t *testing.T, long []string) {
	t.Helper()
	_, client := startNode(t, NodeConfig{})
	mustApply(t, client, `CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT, i INTEGER, r REAL, b INTEGER) STRICT`)
	rows := [][]any{
		{1, "plain", int64(math.MaxInt64), 1.5, true},
		{2, "x'4142'", int64(math.MinInt64), 2.0, false},
		{3, " X'' ", 1 << 53, 1e300, true},
		{4, "a\x00b\u2028c😀<&>\"\\\n", nil, nil, nil},
		{5, `{"n": 1.50, "a" : [ ]}`, uint8(3), float32(0.5), true},
		{6, "", 0, -0.25, false},
		{7, "'; DROP TABLE t; --", -1, 0, true},
	}
	statement, err := Upsert{Table: "t", Key: []string{"id"}, Columns: []string{"id", "s", "i", "r", "b"}, Long: long}.Statement(rows)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Apply(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	got, err := client.Query(t.Context(), Statement{SQL: `SELECT id, s, CAST(i AS TEXT), r, b, typeof(s) FROM t ORDER BY id`})
	if err != nil {
		t.Fatal(err)
	}
	if got.Len() != len(rows) {
		t.Fatalf("%d rows of %d", got.Len(), len(rows))
	}
	for n := 0; got.Next(); n++ {
		var (
			id   int
			s    string
			i    sql.NullString
			r    sql.NullFloat64
			b    sql.NullBool
			kind string
		)
		if err := got.Scan(&id, &s, &i, &r, &b, &kind); err != nil {
			t.Fatal(err)
		}
		want := rows[n]
		if s != want[1] || kind != "text" {
			t.Errorf("row %d: text %q (%s), want %q", id, s, kind, want[1])
		}
		if want[2] == nil {
			if i.Valid || r.Valid || b.Valid {
				t.Errorf("row %d: NULL became %v %v %v", id, i, r, b)
			}
			continue
		}
		if i.String != fmt.Sprint(want[2]) || b.Bool != want[4] {
			t.Errorf("row %d: %v %v, want %v %v", id, i, b, want[2], want[4])
		}
		if fmt.Sprint(r.Float64) != fmt.Sprint(want[3]) {
			t.Errorf("row %d: %v, want %v", id, r.Float64, want[3])
		}
	}
}

func TestIntegersAreExactOrRefused(t *testing.T) {
	_, client := startNode(t, NodeConfig{})
	mustApply(t, client, `CREATE TABLE t(i INTEGER PRIMARY KEY) STRICT`)
	mustApply(t, client, `INSERT INTO t VALUES(?)`, int64(math.MaxInt64))
	big, err := client.Query(t.Context(), Statement{SQL: `SELECT i, CAST(i AS TEXT) FROM t`})
	if err != nil || !big.Next() {
		t.Fatal(err)
	}
	var short, long int64
	if err := big.Scan(&short, &long); err == nil || !strings.Contains(err.Error(), "CAST") {
		t.Errorf("an integer that lost digits was given out: %d, %v", short, err)
	}
	var ignored any
	exact, err := client.Query(t.Context(), Statement{SQL: `SELECT 0, CAST(i AS TEXT) FROM t`})
	if err != nil || !exact.Next() {
		t.Fatal(err)
	}
	if err := exact.Scan(&ignored, &long); err != nil || long != math.MaxInt64 {
		t.Errorf("%d, %v", long, err)
	}
}

func TestTextStaysText(t *testing.T) {
	_, client := startNode(t, NodeConfig{})
	mustApply(t, client, `CREATE TABLE t(id INTEGER PRIMARY KEY, s TEXT, i INTEGER, r REAL, b INTEGER) STRICT`)
	statement, err := Upsert{Table: "t", Key: []string{"id"}, Columns: []string{"id", "s"}}.Statement([][]any{{1, "plain"}, {2, "x'4142'"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Apply(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	mustApply(t, client, `INSERT INTO t VALUES(?, ?, ?, ?, ?)`, 8, "as parameters", int64(math.MaxInt64), 3.0, true)
	if n := queryInt(t, client, `SELECT count(*) FROM t WHERE s = 'as parameters' AND i = 9223372036854775807 AND r = 3.0 AND b = 1`); n != 1 {
		t.Error("parameters were changed on the way")
	}

	list, err := List([]string{"x'4142'", "plain"})
	if err != nil {
		t.Fatal(err)
	}
	if n := queryInt(t, client, `SELECT count(*) FROM t WHERE s IN (SELECT value FROM json_each(?))`, list); n != 2 {
		t.Errorf("found %d of 2", n)
	}
	one, err := List([]string{"x'4142'"})
	if err != nil {
		t.Fatal(err)
	}
	if r := mustApply(t, client, `UPDATE t SET s = ? ->> 0 WHERE id = 1`, one); r.RowsAffected != 1 {
		t.Error("not updated")
	}
	if n := queryInt(t, client, `SELECT count(*) FROM t WHERE typeof(s) <> 'text'`); n != 0 {
		t.Error("text became bytes")
	}
}

func TestUpsert(t *testing.T) {
	_, client := startNode(t, NodeConfig{})
	mustApply(t, client, `CREATE TABLE items(id TEXT PRIMARY KEY, v INTEGER NOT NULL, note TEXT NOT NULL) STRICT`)
	put := func(u Upsert, rows ...[]any) {
		t.Helper()
		u.Table, u.Key, u.Columns = "items", []string{"id"}, []string{"id", "v", "note"}
		statement, err := u.Statement(rows)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.Apply(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	check := func(id string, v int64, note string) {
		t.Helper()
		rows, err := client.Query(t.Context(), Statement{SQL: `SELECT v, note FROM items WHERE id = ?`, Args: []any{id}})
		if err != nil || !rows.Next() {
			t.Fatalf("%s: %v", id, err)
		}
		var (
			gotV int64
			got  string
		)
		if err := rows.Scan(&gotV, &got); err != nil || gotV != v || got != note {
			t.Errorf("%s: %d %q %v, want %d %q", id, gotV, got, err, v, note)
		}
	}
	put(Upsert{}, []any{"a", 1, "first"}, []any{"b", 1, "first"}, []any{"a", 2, "second"})
	check("a", 2, "second")
	put(Upsert{Update: []string{}}, []any{"a", 9, "no"}, []any{"c", 1, "new"})
	check("a", 2, "second")
	check("c", 1, "new")
	put(Upsert{Update: []string{"note"}}, []any{"a", 9, "third"})
	check("a", 2, "third")
	guard := Upsert{Where: "excluded.v > items.v"}
	put(guard, []any{"a", 1, "late"}, []any{"b", 5, "newer"})
	check("a", 2, "third")
	check("b", 5, "newer")
}

func TestApplyIsAllOrNothing(t *testing.T) {
	_, client := startNode(t, NodeConfig{})
	mustApply(t, client, `CREATE TABLE t(n INTEGER PRIMARY KEY) STRICT`)
	mustApply(t, client, `INSERT INTO t VALUES(1)`)
	_, err := client.Apply(t.Context(),
		Statement{SQL: `INSERT INTO t VALUES(2)`}, Statement{SQL: `INSERT INTO t VALUES(?)`, Args: []any{1}}, Statement{SQL: `INSERT INTO t VALUES(3)`})
	var failure *StatementError
	if !errors.As(err, &failure) || failure.Index != 1 || !failure.Duplicate() || !failure.Constraint() || failure.Attempts != 1 {
		t.Errorf("want the second statement's UNIQUE failure, got %v", err)
	}
	if _, err := client.Apply(t.Context(), Statement{SQL: `INSERT INTO t VALUES(4)`}, Statement{SQL: `INSERT INTO nowhere VALUES(1)`}); !errors.As(err, &failure) || failure.Index != 1 || failure.Duplicate() {
		t.Errorf("want the second statement's failure, got %v", err)
	}
	if n := queryInt(t, client, `SELECT count(*) FROM t`); n != 1 {
		t.Errorf("%d rows: a failed call left some", n)
	}
	_, err = client.Apply(t.Context(), Statement{SQL: `CREATE TABLE u(n TEXT) STRICT`}, Statement{SQL: `INSERT INTO t VALUES('text')`})
	if !errors.As(err, &failure) || !failure.Constraint() {
		t.Errorf("text in an INTEGER column: %v", err)
	}
	if _, err := client.Query(t.Context(), Statement{SQL: `SELECT * FROM u`}); !errors.As(err, &failure) || !strings.Contains(failure.Message, "no such table") {
		t.Errorf("DDL was not undone: %v", err)
	}
	began := time.Now()
	if _, err := client.Apply(t.Context(), Statement{SQL: `PRAGMA journal_mode=DELETE`}); !errors.Is(err, ErrRejected) || time.Since(began) > 5*time.Second {
		t.Errorf("a forbidden pragma: %v after %s", err, time.Since(began))
	}
}

func TestClaimsHaveOneWinnerThoughAnswersAreLost(t *testing.T) {
	const items, workers = 40, 6
	node, client := startNode(t, NodeConfig{})
	mustApply(t, client, `CREATE TABLE tasks(id TEXT PRIMARY KEY, owner TEXT NOT NULL) STRICT`)
	mustApply(t, client, `CREATE TABLE jobs(id INTEGER PRIMARY KEY, owner TEXT) STRICT`)
	statement, err := Upsert{Table: "jobs", Key: []string{"id"}, Columns: []string{"id", "owner"}}.Statement(func() (rows [][]any) {
		for i := range items {
			rows = append(rows, []any{i, nil})
		}
		return rows
	}())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Apply(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	unreliable := lossy(t, node, 7)

	var (
		group   sync.WaitGroup
		mu      sync.Mutex
		winners = map[string]int{}
		leased  = map[int64]int{}
	)
	for w := range workers {
		group.Go(func() {
			for i := range items {
				id, token := fmt.Sprint("item-", i), fmt.Sprintf("worker-%d-%d", w, i)
				if claimItem(t, unreliable, id, token) == token {
					mu.Lock()
					winners[id]++
					mu.Unlock()
				}
			}
			for n := 0; ; n++ {
				job, ok := leaseJob(t, unreliable, fmt.Sprintf("lease-%d-%d", w, n))
				if !ok {
					return
				}
				mu.Lock()
				leased[job]++
				mu.Unlock()
			}
		})
	}
	group.Wait()
	for i := range items {
		if n := winners[fmt.Sprint("item-", i)]; n != 1 {
			t.Errorf("item %d has %d winners", i, n)
		}
		if n := leased[int64(i)]; n != 1 {
			t.Errorf("job %d was leased %d times", i, n)
		}
	}
}

func claimItem(t *testing.T, c *Client, id, token string) string {
	t.Helper()
	rows, err := c.Claim(t.Context(),
		Statement{SQL: `INSERT INTO tasks(id, owner) VALUES(?, ?) ON CONFLICT(id) DO NOTHING`, Args: []any{id, token}},
		Statement{SQL: `SELECT owner FROM tasks WHERE id = ?`, Args: []any{id}})
	if err != nil {
		t.Error(err)
		return ""
	}
	var owner string
	if !rows.Next() {
		t.Errorf("%s has no owner", id)
	} else if err := rows.Scan(&owner); err != nil {
		t.Error(err)
	}
	return owner
}

func leaseJob(t *testing.T, c *Client, token string) (int64, bool) {
	t.Helper()
	rows, err := c.Claim(t.Context(),
		Statement{SQL: `UPDATE jobs SET owner = ?1 WHERE id = (SELECT id FROM jobs WHERE owner IS NULL ORDER BY id LIMIT 1)
			AND NOT EXISTS (SELECT 1 FROM jobs WHERE owner = ?1)`, Args: []any{token}},
		Statement{SQL: `SELECT id FROM jobs WHERE owner = ?`, Args: []any{token}})
	if err != nil {
		t.Error(err)
		return 0, false
	}
	if !rows.Next() {
		return 0, false
	}
	var id int64
	if err := rows.Scan(&id); err != nil {
		t.Error(err)
		return 0, false
	}
	return id, true
}

func TestMigrateRaced(t *testing.T) {
	const starters = 6
	steps := []Migration{
		{Version: 1, Statements: []string{`CREATE TABLE a(n INTEGER PRIMARY KEY) STRICT`, `INSERT INTO a VALUES(1)`}},
		{Version: 2, Statements: []string{`ALTER TABLE a ADD COLUMN s TEXT`, `INSERT INTO a VALUES(2, 'two')`}},
		{Version: 3, Statements: []string{`CREATE INDEX a_s ON a(s)`}},
	}
	node, client := startNode(t, NodeConfig{})
	unreliable := lossy(t, node, 5)
	var group sync.WaitGroup
	for range starters {
		group.Go(func() {
			if err := Migrate(t.Context(), unreliable, steps); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := queryInt(t, client, `SELECT count(*) FROM a`); n != 2 {
		t.Errorf("%d rows: a step was taken twice or not at all", n)
	}
	if n := queryInt(t, client, `SELECT count(*) FROM schema_migrations`); n != 3 {
		t.Errorf("%d steps recorded", n)
	}

	if err := Migrate(t.Context(), client, steps[:2]); !errors.Is(err, ErrNewer) {
		t.Errorf("an older program: %v", err)
	}
	changed := []Migration{steps[0], {Version: 2, Statements: []string{`SELECT 1`}}, steps[2]}
	if err := Migrate(t.Context(), client, changed); !errors.Is(err, ErrChanged) {
		t.Errorf("an edited step: %v", err)
	}
	broken := append(append([]Migration{}, steps...), Migration{Version: 4, Statements: []string{`CREATE TABLE b(n INTEGER) STRICT`, `CREATE TABLE a(n INTEGER) STRICT`}})
	var failure *StatementError
	if err := Migrate(t.Context(), client, broken); !errors.As(err, &failure) || failure.Index != 2 {
		t.Errorf("a step that fails: %v", err)
	}
	if n := queryInt(t, client, `SELECT count(*) FROM sqlite_schema WHERE name = 'b'`); n != 0 {
		t.Error("a failed step was taken in part")
	}
	if err := Migrate(t.Context(), client, steps); err != nil {
		t.Errorf("nothing to do: %v", err)
	}
}

func TestVacuum(t *testing.T) {
	_, client := startNode(t, NodeConfig{})
	mustApply(t, client, `CREATE TABLE keep(n INTEGER PRIMARY KEY) STRICT`)
	if done, err := client.Vacuum(t.Context()); done || err != nil {
		t.Errorf("nothing to give back: %v, %v", done, err)
	}
	mustApply(t, client, `CREATE TABLE t(n INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT`)
	mustApply(t, client, `WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 500)
		INSERT INTO t SELECT n, hex(zeroblob(2000)) FROM c`)
	before := queryInt(t, client, `SELECT page_count FROM pragma_page_count()`)
	mustApply(t, client, `DROP TABLE t`)
	if done, err := client.Vacuum(t.Context()); !done || err != nil {
		t.Fatalf("%v, %v", done, err)
	}
	if after := queryInt(t, client, `SELECT page_count FROM pragma_page_count()`); after >= before/2 {
		t.Errorf("%d pages of %d are left", after, before)
	}
	if err := client.Snapshot(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCallEndsWithItsContext(t *testing.T) {
	_, client := startNode(t, NodeConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Apply(ctx, Statement{SQL: `CREATE TABLE t(n INTEGER) STRICT`})
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnknown) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkApply(b *testing.B) {
	node, err := StartNode(b.Context(), NodeConfig{Dir: b.TempDir(), Binary: binary(b)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = node.Stop(context.WithoutCancel(b.Context())) })
	client, err := Open(b.Context(), node.ClientConfig())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := client.Apply(b.Context(), Statement{SQL: `CREATE TABLE t(id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT`}); err != nil {
		b.Fatal(err)
	}
	const batch = 40
	body := strings.Repeat("b", 2000)
	rows := make([][]any, batch)
	for n := 0; b.Loop(); n++ {
		for i := range rows {
			rows[i] = []any{fmt.Sprintf("%d-%d", n, i), body}
		}
		statement, err := Upsert{Table: "t", Key: []string{"id"}, Columns: []string{"id", "body"}}.Statement(rows)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := client.Apply(b.Context(), statement); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "rows/s")
}
