//go:build integration

package rqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func binary(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv(binaryVariable); path != "" {
		return path
	}
	dir, err := filepath.Abs("../..")
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(dir, "bin", "rqlited")
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("no rqlited to test with: build %s, or set %s", path, binaryVariable)
	}
	return path
}

func startNode(t *testing.T, config NodeConfig) (*Node, *Client) {
	t.Helper()
	config.Binary = binary(t)
	if config.Dir == "" {
		config.Dir = filepath.Join(t.TempDir(), "store")
	}
	node, err := StartNode(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := node.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	client, err := Open(t.Context(), node.ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return node, client
}

func mustApply(t *testing.T, c *Client, sql string, args ...any) Result {
	t.Helper()
	results, err := c.Apply(t.Context(), Statement{SQL: sql, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	return results[0]
}

func queryInt(t *testing.T, c *Client, sql string, args ...any) int64 {
	t.Helper()
	rows, err := c.QueryLinear(t.Context(), Statement{SQL: sql, Args: args})
	if err != nil {
		t.Fatal(err)
	}
	var n int64
	if !rows.Next() {
		t.Fatalf("%s: no row", sql)
	}
	if err := rows.Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n *Node) pid() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.child == nil {
		return 0
	}
	return n.child.command.Process.Pid
}

func TestNodeStartsFastAndKeepsItsFolderClosed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "store")
	began := time.Now()
	node, client := startNode(t, NodeConfig{Dir: dir})
	took := time.Since(began)
	t.Logf("start: %s", took)
	if took > 10*time.Second {
		t.Errorf("start took %s", took)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder: %v, %v", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(dir, "auth.json")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file with the password is still there: %v", err)
	}
	mustApply(t, client, `CREATE TABLE t(id TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT`)
	if r := mustApply(t, client, `INSERT INTO t VALUES(?, ?)`, "a", 7); r.RowsAffected != 1 {
		t.Errorf("rows affected %d", r.RowsAffected)
	}

	stranger, err := Open(t.Context(), Config{URLs: node.endpoints(), RetryFor: 2 * time.Second})
	if !errors.Is(err, ErrUnauthorized) {
		t.Errorf("without a password: %v, %v", stranger, err)
	}
}

func TestNodeRestartsFromItsFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	config := NodeConfig{Dir: dir, Binary: binary(t)}
	for i := range 3 {
		began := time.Now()
		node, err := StartNode(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		client, err := Open(t.Context(), node.ClientConfig())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("start %d: %s", i, time.Since(began))
		mustApply(t, client, `CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY) STRICT`)
		mustApply(t, client, `INSERT INTO t VALUES(?)`, i)
		if n := queryInt(t, client, `SELECT count(*) FROM t`); n != int64(i+1) {
			t.Fatalf("start %d: %d rows", i, n)
		}
		if err := node.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		select {
		case <-node.Done():
		default:
			t.Fatal("stopped, but not done")
		}
		if err := node.Err(); err != nil {
			t.Error(err)
		}
		began = time.Now()
		if _, err := client.Query(t.Context(), Statement{SQL: "SELECT 1"}); !errors.Is(err, ErrUnavailable) {
			t.Errorf("a stopped node answered: %v", err)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("a stopped node was asked for %s", took)
		}
		client.Close()
	}
}

// TestNothingConfirmedIsLost kills the process again and again while it is written to.
func TestNothingConfirmedIsLost(t *testing.T) {
	const kills, writers = 4, 3
	node, client := startNode(t, NodeConfig{})
	mustApply(t, client, `CREATE TABLE t(id TEXT PRIMARY KEY, batch TEXT NOT NULL, body TEXT NOT NULL) STRICT`)
	upsert := Upsert{Table: "t", Key: []string{"id"}, Columns: []string{"id", "batch", "body"}}

	const batchSize = 20
	var (
		stop      atomic.Bool
		confirmed [writers]atomic.Int64
		group     sync.WaitGroup
	)
	for w := range writers {
		group.Go(func() {
			for b := 0; !stop.Load(); b++ {
				rows := make([][]any, batchSize)
				for i := range rows {
					rows[i] = []any{fmt.Sprintf("%d-%d-%d", w, b, i), fmt.Sprintf("%d-%d", w, b), strings.Repeat("x", 500)}
				}
				statement, err := upsert.Statement(rows)
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := client.Apply(t.Context(), statement); err != nil {
					t.Error(err)
					return
				}
				confirmed[w].Add(1)
			}
		})
	}
	total := func() (sum int64) {
		for i := range confirmed {
			sum += confirmed[i].Load()
		}
		return sum
	}
	for range kills {
		before := total()
		await(t, func() bool { return total() > before+20 })
		pid := node.pid()
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		await(t, func() bool { now := node.pid(); return now != 0 && now != pid })
	}
	stop.Store(true)
	group.Wait()
	for w := range writers {
		want := confirmed[w].Load() * batchSize
		if got := queryInt(t, client, `SELECT count(*) FROM t WHERE batch LIKE ?`, fmt.Sprintf("%d-%%", w)); got != want {
			t.Errorf("writer %d: %d rows of %d confirmed", w, got, want)
		}
	}
	if half := queryInt(t, client, `SELECT count(*) FROM (SELECT 1 FROM t GROUP BY batch HAVING count(*) <> ?)`, batchSize); half != 0 {
		t.Errorf("%d batches are there in part", half)
	}
	t.Logf("%d batches confirmed", total())
}

// await waits until condition holds. It is for what another process does, which tells nobody.
func await(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("nothing happened for 30 s")
		}
	}
}

func TestNodeGivesUpOnAProcessThatKeepsDying(t *testing.T) {
	node, client := startNode(t, NodeConfig{MaxRestarts: 2})
	for killed := 0; ; {
		if pid := node.pid(); pid != 0 && pid != killed {
			killed = pid
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
		}
		select {
		case <-node.Done():
		case <-time.After(2 * time.Millisecond):
			continue
		}
		break
	}
	err := node.Err()
	if err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the reason is wanted: %v", err)
	}
	if _, words, _ := strings.Cut(err.Error(), "its last lines:\n"); strings.TrimSpace(words) == "" {
		t.Errorf("its last lines are wanted: %v", err)
	}
	began := time.Now()
	_, err = client.Apply(t.Context(), Statement{SQL: "CREATE TABLE t(n INTEGER) STRICT"})
	if !errors.Is(err, ErrUnavailable) || time.Since(began) > 5*time.Second {
		t.Errorf("a client of a lost node: %v after %s", err, time.Since(began))
	}
}

func TestSecondProcessIsToldWhoHasTheFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	startNode(t, NodeConfig{Dir: dir})
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), parentVariable+"="+dir, binaryVariable+"="+binary(t))
	output, err := command.Output()
	if err == nil {
		t.Fatalf("two processes have one folder: %s", output)
	}
	if want := fmt.Sprintf("in use by process %d, since 2", os.Getpid()); !strings.Contains(string(output), want) {
		t.Errorf("it said %q, not %q", output, want)
	}
}

func TestOrphan(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "store")
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), parentVariable+"="+dir, binaryVariable+"="+binary(t))
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	var url string
	if _, err := fmt.Fscanln(stdout, &url); err != nil || !strings.HasPrefix(url, "http://") {
		t.Fatalf("the parent said %q, %v", url, err)
	}
	// A connection to the node ends when the node does.
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = command.Wait()
	if err := connection.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the node outlived its parent: %v", err)
	}
	// The next process has the folder at once, and finds no password lying about.
	startNode(t, NodeConfig{Dir: dir})
}

func TestStopWithoutTimeKills(t *testing.T) {
	node, err := StartNode(t.Context(), NodeConfig{Dir: t.TempDir(), Binary: binary(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_ = node.Stop(ctx) // it may have ended before it was killed
	select {
	case <-node.Done():
	default:
		t.Error("not done")
	}
}

func TestStopWhileRestarting(t *testing.T) {
	for range 3 {
		node, err := StartNode(t.Context(), NodeConfig{Dir: t.TempDir(), Binary: binary(t)})
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(node.pid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		await(t, func() bool { return node.pid() == 0 })
		if err := node.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		if err := node.Err(); err != nil {
			t.Errorf("it was stopped, and says: %v", err)
		}
		if err := node.Stop(t.Context()); err != nil {
			t.Errorf("a second time: %v", err)
		}
	}
}

func TestNodeThatCannotStart(t *testing.T) {
	dir := t.TempDir()
	// A file where the data should be.
	if err := os.WriteFile(filepath.Join(dir, "data"), []byte("not a folder"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := StartNode(t.Context(), NodeConfig{Dir: dir, Binary: binary(t), Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "last lines") {
		t.Errorf("want the process's last lines, got %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "data")); err != nil {
		t.Fatal(err)
	}
	startNode(t, NodeConfig{Dir: dir}) // the lock was let go of
}
