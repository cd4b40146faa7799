package host

import (
	"encoding/json"
	"syscall"
	"testing"

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
