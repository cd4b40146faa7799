package host

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

// TestKeeperStartsAgain kills a plugin in the middle of each reading: the reading ends with an error that says so, the
// next call has a new process with the old options, and after the third death it is said that there will be none.
func TestKeeperStartsAgain(t *testing.T) {
	t.Parallel()
	k, err := Keep(t.Context(), pluginConfig(t, "good", "good"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	options, err := json.Marshal(deed{Records: 2000, Bytes: 500})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Configure(t.Context(), sdk.Configuration{Source: "s", Options: options}); err != nil {
		t.Fatal(err)
	}
	pids := map[int]bool{}
	for range maxStarts {
		pid := k.process.child.pid()
		c := &collector{onRecord: func(n int) error {
			if n == 100 {
				return syscall.Kill(k.process.child.pid(), syscall.SIGKILL)
			}
			return nil
		}}
		err := k.Read(t.Context(), sdk.ReadRequest{Streams: []string{"monsters"}}, c)
		if d := diagnostic(t, err, CodeKilled); d.Kind != sdk.Unavailable {
			t.Errorf("kind %v: not worth another try?", d.Kind)
		}
		if len(c.records) < 100 {
			t.Fatalf("%d records: the new process does not know its options", len(c.records))
		}
		pids[pid] = true
	}
	if len(pids) < maxStarts-1 {
		t.Errorf("%d processes in %d readings", len(pids), maxStarts)
	}
	err = k.Read(t.Context(), sdk.ReadRequest{Streams: []string{"monsters"}}, &collector{})
	diagnostic(t, err, CodeKilled)
	if spec := k.Spec(); spec.Name != "good" {
		t.Errorf("spec of a dead plugin: %+v", spec)
	}
	for pid := range pids {
		gone(t, pid)
	}
}

// TestKeeperIsClosed starts nothing after Close.
func TestKeeperIsClosed(t *testing.T) {
	t.Parallel()
	k, err := Keep(t.Context(), pluginConfig(t, "good", "good"))
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if err := k.Check(t.Context()); err == nil {
		t.Error("a closed source answers")
	}
	if k.starts != 1 {
		t.Errorf("%d starts", k.starts)
	}
}

// TestKeeperAsksAgain kills a plugin while it is being asked something short: the question is put to its successor, and
// nobody notices, until there is no successor left.
func TestKeeperAsksAgain(t *testing.T) {
	t.Parallel()
	config := pluginConfig(t, "good", "good")
	config.CallTimeout = time.Minute
	k, err := Keep(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	once := filepath.Join(t.TempDir(), "once")
	options, err := json.Marshal(deed{Do: "die-once", File: once})
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Configure(t.Context(), sdk.Configuration{Source: "s", Options: options}); err != nil {
		t.Fatalf("killed in Configure: %v", err)
	}
	if err := os.Remove(once); err != nil {
		t.Fatal(err)
	}
	streams, err := k.Discover(t.Context())
	if err != nil || len(streams) != 1 {
		t.Fatalf("killed in Discover: %v %v", streams, err)
	}
	if k.starts != maxStarts {
		t.Errorf("%d starts", k.starts)
	}
	if err := os.Remove(once); err != nil {
		t.Fatal(err)
	}
	_, err = k.Discover(t.Context())
	diagnostic(t, err, CodeKilled)
}

// TestKeeperIsKilledAtItsStart: a plugin that somebody kills before it has said a word is started again.
func TestKeeperIsKilledAtItsStart(t *testing.T) {
	t.Parallel()
	config := pluginConfig(t, "good", "killed-once")
	config.Env = append(config.Env, "ONCE="+filepath.Join(t.TempDir(), "once"))
	k, err := Keep(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if k.starts != 2 {
		t.Errorf("%d starts", k.starts)
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

// TestKeeperFetchesOn kills a plugin while one of its assets is read: the bytes are those of the whole asset.
func TestKeeperFetchesOn(t *testing.T) {
	t.Parallel()
	k, err := Keep(t.Context(), pluginConfig(t, "good", "good"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := k.Configure(t.Context(), sdk.Configuration{Source: "s"}); err != nil {
		t.Fatal(err)
	}
	asset, err := k.FetchAsset(t.Context(), sdk.AssetRef{Key: "large"})
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	for i := range int64(maxStarts) {
		if i > 0 {
			k.process.Kill()
		}
		if _, err := io.CopyN(&content, asset.Body, 300<<10); err != nil {
			t.Fatalf("after %d kills: %v", i, err)
		}
	}
	if _, err := io.Copy(&content, asset.Body); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("0123456789", 4<<20); content.String() != want {
		t.Errorf("%d bytes, want %d, or others", content.Len(), len(want))
	}
	if err := asset.Body.Close(); err != nil {
		t.Error(err)
	}
	if k.starts < 2 {
		t.Errorf("%d starts: nothing was tried", k.starts)
	}
}
