package runs

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestQuarantine(t *testing.T) {
	path := filepath.Join(t.TempDir(), quarantineFile)
	again := func() *Quarantine { return &Quarantine{path: path} }
	q := again()
	if q.Why("a", "r") != "" || q.Count() != 0 {
		t.Error("somebody is in there")
	}
	for _, asset := range []string{"a", "b"} {
		if err := q.Put(asset, "r", "why "+asset); err != nil {
			t.Fatal(err)
		}
	}
	q = again()
	if q.Why("a", "r") != "why a" || q.Why("b", "r") != "why b" || q.Why("a", "s") != "" || q.Count() != 2 {
		t.Errorf("%+v", q.inside)
	}
	if err := q.Release("a", "r"); err != nil {
		t.Fatal(err)
	}
	if q = again(); q.Why("a", "r") != "" || q.Why("b", "r") == "" {
		t.Errorf("%+v", q.inside)
	}
	q.inside[inmateKey("b", "r")] = inmate{"why", time.Now().Add(-31 * 24 * time.Hour).UnixMilli()}
	if err := q.Put("c", "r", "why c"); err != nil {
		t.Fatal(err)
	}
	if q.Why("b", "r") != "" || again().Why("b", "r") != "" || again().Count() != 1 {
		t.Error("nobody is let out after a month")
	}
	if err := again().Clear(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) || again().Count() != 0 {
		t.Errorf("it is not empty: %v", err)
	}
	for _, text := range []string{"", "{", "null", `["a"]`, `{"a r":1}`} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if q := again(); q.Why("a", "r") != "" || q.Put("a", "r", "why") != nil || again().Why("a", "r") != "why" {
			t.Errorf("%q is not taken for nothing", text)
		}
	}
}
