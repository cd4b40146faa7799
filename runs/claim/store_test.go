//go:build integration

package claim

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/runs/rqlite"
	"github.com/seed-98789ff7/converter/runs/rqlite/rqlitetest"
)

func startNode(t *testing.T) (*rqlite.Node, *rqlite.Client) {
	t.Helper()
	binary := os.Getenv("CONVERTER_RQLITED")
	if binary == "" {
		binary = filepath.Join("..", "..", "bin", "rqlited")
	}
	node, err := rqlite.StartNode(t.Context(), rqlite.NodeConfig{Dir: t.TempDir(), Binary: binary})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	client := open(t, node.ClientConfig())
	_, err = client.Apply(t.Context(),
		rqlite.Statement{SQL: `CREATE TABLE claims(id TEXT NOT NULL PRIMARY KEY, owner TEXT NOT NULL) STRICT, WITHOUT ROWID`},
		rqlite.Statement{SQL: `CREATE TABLE items(id TEXT NOT NULL, creator TEXT NOT NULL, PRIMARY KEY(id, creator)) STRICT`})
	if err != nil {
		t.Fatal(err)
	}
	return node, client
}

func open(t *testing.T, config rqlite.Config) *rqlite.Client {
	t.Helper()
	client, err := rqlite.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func count(t *testing.T, c *rqlite.Client, sql string) int {
	t.Helper()
	rows, err := c.QueryLinear(t.Context(), rqlite.Statement{SQL: sql})
	if err != nil || !rows.Next() {
		t.Fatal(err)
	}
	var n int
	if err := rows.Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestOneCreatorEach lets sixteen workers of two processes create the same 1,000 items 10,000 times each: every item is
// created once, by the one who won it, also where each tenth answer of the store is lost, and where half of the winners
// fail at first.
func TestOneCreatorEach(t *testing.T) {
	const processes, workers, rounds, items = 2, 8, 10_000, 1000
	for name, test := range map[string]struct {
		lose  int64
		fail  bool
		batch int
	}{
		"all answers come":   {},
		"each tenth is lost": {lose: 10, batch: 7},
		"creators fail":      {lose: 10, fail: true},
	} {
		t.Run(name, func(t *testing.T) {
			node, client := startNode(t)
			config := node.ClientConfig()
			if test.lose > 0 {
				config.URLs, config.Endpoints = []string{rqlitetest.Lossy(t, config.Endpoints()[0], test.lose)}, nil
			}
			var winners, failed [items]atomic.Int64
			var wg sync.WaitGroup
			began := time.Now()
			var books []*Book
			for p := range processes {
				way := open(t, config)
				book, err := New(Config{Store: way, Table: "claims", Owner: fmt.Sprint("process ", p), Batch: test.batch})
				if err != nil {
					t.Fatal(err)
				}
				books = append(books, book)
				for w := range workers {
					wg.Go(func() {
						for n := range rounds {
							i := (n + w/2*(items*2/workers)) % items // two workers of each process meet at each item
							id := fmt.Sprint("foundry:world/test:Item.", i)
							mine, err := book.Claim(t.Context(), id)
							if err != nil {
								t.Error(err)
								return
							}
							switch {
							case !mine:
							case test.fail && i%2 == 0 && failed[i].Add(1) == 1:
								book.GiveBack(id)
							default:
								winners[i].Add(1)
								create(t, way, id, fmt.Sprintf("%d/%d", p, w))
							}
						}
					})
				}
			}
			wg.Wait()
			for i := range items {
				if n := winners[i].Load(); n != 1 {
					t.Errorf("item %d has %d winners", i, n)
				}
			}
			if n := count(t, client, `SELECT count(*) FROM items`); n != items {
				t.Errorf("%d items were created, not %d", n, items)
			}
			if n := count(t, client, `SELECT count(*) FROM claims`); n != items {
				t.Errorf("%d items were claimed, not %d", n, items)
			}
			for p, book := range books {
				t.Logf("process %d: %+v", p, book.Stats())
			}
			t.Logf("%d creations in %s", processes*workers*rounds, time.Since(began).Round(time.Millisecond))
		})
	}
}

func create(t *testing.T, c *rqlite.Client, id, creator string) {
	t.Helper()
	row, err := rqlite.Upsert{Table: "items", Key: []string{"id", "creator"}, Columns: []string{"id", "creator"}}.Statement([][]any{{id, creator}})
	if err == nil {
		_, err = c.Apply(t.Context(), row)
	}
	if err != nil {
		t.Error(err)
	}
}

// A process that goes on with the work of one that died owns what that one had got.
func TestSuccessor(t *testing.T) {
	_, client := startNode(t)
	claimed := func(owner, id string) bool {
		t.Helper()
		book, err := New(Config{Store: client, Table: "claims", Owner: owner})
		if err != nil {
			t.Fatal(err)
		}
		mine, err := book.Claim(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return mine
	}
	for range 2 {
		if !claimed("run 1", "x'4142'") || claimed("run 2", "x'4142'") {
			t.Error("what run 1 got is not that of run 1 alone")
		}
	}
}
