//go:build unix

package host

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// debugged starts a plugin as a person does, and sets the variable to what it prints.
func debugged(t *testing.T) (at sourcepb.Reattach, end func(syscall.Signal) error) {
	t.Helper()
	config := pluginConfig(t, "good", "debug")
	// The cleanup ends it, after the context of the test.
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), config.Command[0], config.Command[1:]...)
	cmd.Env = append(os.Environ(), append(config.Env, "TMPDIR="+config.TempDir)...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	end = func(s syscall.Signal) error {
		ended = true
		if err := cmd.Process.Signal(s); err != nil {
			return err
		}
		return cmd.Wait()
	}
	t.Cleanup(func() {
		if !ended {
			if err := end(syscall.SIGINT); err != nil {
				t.Error(err)
			}
		}
	})
	line, err := firstLine(out)
	if err != nil {
		t.Fatal(err)
	}
	value, ok := strings.CutPrefix(line, sourcepb.ReattachKey+"='")
	value, closed := strings.CutSuffix(value, "'")
	var all map[string]sourcepb.Reattach
	if err := json.Unmarshal([]byte(value), &all); err != nil || !ok || !closed {
		t.Fatalf("it printed %q: %v", line, err)
	}
	t.Setenv(sourcepb.ReattachKey, value)
	return all["good"], end
}

// TestDebuggedPluginIsAttachedTo runs two hosts, one after the other, with a plugin that none of them started.
func TestDebuggedPluginIsAttachedTo(t *testing.T) {
	at, end := debugged(t)
	if at.Network != "unix" || at.Protocol != sourcepb.ProtocolVersion || at.Pid == 0 {
		t.Errorf("it is at %+v", at)
	}
	for n := 1; n <= 2; n++ {
		k, err := Keep(t.Context(), Config{Name: "good"}) // there is nothing to start
		if err != nil {
			t.Fatal(err)
		}
		options := fmt.Appendf(nil, `{"records": %d, "bytes": 10}`, n)
		if err := k.Configure(t.Context(), sdk.Configuration{Source: "s", Options: options}); err != nil {
			t.Fatal(err)
		}
		c := &collector{}
		if err := k.Read(t.Context(), sdk.ReadRequest{Streams: []string{"monsters"}}, c); err != nil {
			t.Fatal(err)
		}
		if len(c.records) != n {
			t.Errorf("%d records: it has not the options of host %d", len(c.records), n)
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
		diagnostic(t, k.Check(t.Context()), CodeClosed)
		if err := syscall.Kill(at.Pid, 0); err != nil {
			t.Fatalf("the plugin is gone: %v", err)
		}
	}
	if err := end(syscall.SIGINT); err != nil {
		t.Errorf("it does not end well: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(at.Addr)); !os.IsNotExist(err) {
		t.Errorf("its folder is left: %v", err)
	}
}

func TestDebuggedPluginEnds(t *testing.T) {
	_, end := debugged(t)
	k, err := Keep(t.Context(), Config{Name: "good"})
	if err != nil {
		t.Fatal(err)
	}
	if err := end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	diagnostic(t, k.Check(t.Context()), CodeAttach)
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func TestAttachesThatFail(t *testing.T) {
	nobody := `"network": "unix", "addr": "/nowhere/s", "pid": 1`
	for name, c := range map[string]struct{ value, code string }{
		"not JSON": {"good", CodeAttach},
		"nobody":   {fmt.Sprintf(`{"good": {%s, "protocol": 1}}`, nobody), CodeAttach},
		"protocol": {fmt.Sprintf(`{"good": {%s, "protocol": 9}}`, nobody), CodeProtocol},
		"network":  {`{"good": {"network": "tcp", "addr": "example.org:80", "pid": 1, "protocol": 1}}`, CodeAttach},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(sourcepb.ReattachKey, c.value)
			_, err := Start(t.Context(), Config{Name: "good"})
			if d := diagnostic(t, err, c.code); d.Suggestion == "" || strings.Contains(err.Error(), "rpc error") {
				t.Errorf("said %v; %s", err, d.Suggestion)
			}
		})
	}
	t.Run("another name", func(t *testing.T) {
		at, _ := debugged(t)
		value, err := json.Marshal(map[string]sourcepb.Reattach{"bad": at})
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(sourcepb.ReattachKey, string(value))
		_, err = Start(t.Context(), Config{Name: "bad"})
		diagnostic(t, err, CodeName)
		start(t, pluginConfig(t, "good", "good")) // another plugin is started as ever
	})
}

// metered is a collector that takes numbers too.
type metered struct {
	collector
	metrics []sdk.Metrics
}

func (m *metered) Metrics(n sdk.Metrics) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.metrics = append(m.metrics, n)
}

func TestMetricsArrive(t *testing.T) {
	t.Parallel()
	p := startGood(t, deed{Do: "metrics"})
	request := sdk.ReadRequest{Streams: []string{"monsters"}}
	m := &metered{}
	if err := p.Read(t.Context(), request, m); err != nil {
		t.Fatal(err)
	}
	if want := (sdk.Metrics{Requests: 3, Hits: 4, Misses: 2, Bytes: 1 << 40}); len(m.metrics) != 1 || m.metrics[0] != want {
		t.Errorf("%+v", m.metrics)
	}
	if err := p.Read(t.Context(), request, &collector{}); err != nil {
		t.Errorf("a writer that takes none: %v", err)
	}
}
