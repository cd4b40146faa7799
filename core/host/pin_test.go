//go:build unix

package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

// copyOfGood is a plugin in a file of its own.
func copyOfGood(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "converter-plugin-good")
	script := "#!/bin/sh\nexec \"" + must(os.Executable()) + "\" " + asPlugin + " good\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPinnedPluginStarts(t *testing.T) {
	t.Parallel()
	config := pluginConfig(t, "good", "good")
	config.Command = []string{copyOfGood(t)}
	sum, err := Sum(config.Command[0])
	if err != nil {
		t.Fatal(err)
	}
	config.SHA256 = strings.ToUpper(sum)
	start(t, config)
}

func TestChangedPluginIsNotStarted(t *testing.T) {
	t.Parallel()
	config := pluginConfig(t, "good", "good")
	program := copyOfGood(t)
	config.Command = []string{program}
	pin, err := Sum(program)
	if err != nil {
		t.Fatal(err)
	}
	mark := filepath.Join(t.TempDir(), "started")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n: > \""+mark+"\"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	now, err := Sum(program)
	if err != nil {
		t.Fatal(err)
	}
	config.SHA256 = pin
	_, err = Start(t.Context(), config)
	d := diagnostic(t, err, CodeChecksum)
	if d.Kind != sdk.Invalid || !strings.Contains(d.Detail, pin) || !strings.Contains(d.Detail, now) ||
		!strings.Contains(d.Suggestion, "plugin lock") {
		t.Errorf("%v %v\n%s", d.Kind, err, d.Detail)
	}
	if _, err := os.Stat(mark); err == nil {
		t.Error("it was started all the same")
	}
}

// TestRestartLooksAgain replaces the program while it runs.
func TestRestartLooksAgain(t *testing.T) {
	t.Parallel()
	config := pluginConfig(t, "good", "good")
	program := copyOfGood(t)
	config.Command = []string{program}
	config.SHA256 = must(Sum(program))
	k, err := Keep(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := k.Configure(t.Context(), sdk.Configuration{Options: []byte(`{"do":"exit"}`)}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program+".new", []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(program+".new", program); err != nil {
		t.Fatal(err)
	}
	if err := k.Read(t.Context(), sdk.ReadRequest{}, &collector{}); err == nil {
		t.Fatal("it did not die")
	}
	diagnostic(t, k.Read(t.Context(), sdk.ReadRequest{}, &collector{}), CodeChecksum)
}
