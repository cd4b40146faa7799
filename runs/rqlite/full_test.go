//go:build integration && linux

package rqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// smallDisk returns a folder on a disk of that many MiB.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", size)); err != nil {
		t.Skipf("SKIPPED: no small disk can be mounted here, so nothing was proved about a full one: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestFullDisk writes until the disk is full: the store says so in words, goes on when there is room again, and nothing
// that it confirmed is lost, before and after a restart.
func TestFullDisk(t *testing.T) {
	const mib, batch = 1 << 20, 50
	disk := smallDisk(t, 64)
	ballast := filepath.Join(disk, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 24*mib), 0o600); err != nil {
		t.Fatal(err)
	}
	config := NodeConfig{Dir: filepath.Join(disk, "store"), Binary: binary(t), MinFree: mib}
	node, _ := startNode(t, config)
	hasty := node.ClientConfig()
	hasty.RetryFor = 3 * time.Second
	client, err := Open(t.Context(), hasty)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	mustApply(t, client, `CREATE TABLE t(id TEXT PRIMARY KEY, batch INTEGER NOT NULL, body TEXT NOT NULL) STRICT`)
	write := func(b int) error {
		rows := make([][]any, batch)
		for i := range rows {
			rows[i] = []any{fmt.Sprintf("%d-%d", b, i), b, strings.Repeat(fmt.Sprint(i%10), 2000)}
		}
		statement, err := Upsert{Table: "t", Key: []string{"id"}, Columns: []string{"id", "batch", "body"}}.Statement(rows)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Apply(t.Context(), statement)
		return err
	}
	confirmed := 0
	for ; err == nil; confirmed++ {
		err = write(confirmed)
	}
	confirmed--
	if !errors.Is(err, ErrFull) || !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "make room in "+config.Dir) {
		t.Fatalf("after %d batches: %v", confirmed, err)
	}
	t.Logf("full after %d batches: %v", confirmed, err)

	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	await(t, func() bool { return write(confirmed) == nil })
	whole := func(c *Client, when string) {
		t.Helper()
		got := queryInt(t, c, `SELECT count(*) FROM (SELECT 1 FROM t GROUP BY batch HAVING count(*) = ?)`, batch)
		if want := int64(confirmed + 1); got != want {
			t.Errorf("%s: %d batches are whole of %d confirmed", when, got, want)
		}
		if got := queryInt(t, c, `SELECT count(*) FROM t`); got != int64((confirmed+1)*batch) {
			t.Errorf("%s: %d rows", when, got)
		}
	}
	whole(client, "with room again")
	if err := node.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	_, again := startNode(t, config)
	whole(again, "after a restart")
}
