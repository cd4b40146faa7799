package pack

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/syndtr/goleveldb/leveldb"
)

// TestTooLarge: documents that would fill the memory are left out, whether their text multiplies in the join or lies
// there at full length, and the others are not.
func TestTooLarge(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pack")
	db, err := leveldb.OpenFile(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	large := `{"x":"` + strings.Repeat("x", 6000) + `"}`
	for key, value := range map[string]string{
		"!items!a":              `{}`,
		"!items!bomb":           `{"effects":["e"` + strings.Repeat(`,"e"`, 400) + `]}`,
		"!items.effects!bomb.e": large,
		"!items!full":           `{"effects":["e"]}`,
		"!items.effects!full.e": large, "!items.effects!full.f": large,
		"!items!z":           `{"effects":["e"]}`,
		"!items.effects!z.e": large,
	} {
		if err := db.Put([]byte(key), []byte(value), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	p, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.limit = 10_000
	var ids []string
	for d, err := range p.Documents() {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
	}
	if got := strings.Join(ids, " "); got != "a z" {
		t.Errorf("documents %s, want a z", got)
	}
	r := p.Report()
	if r.FaultCount != 2 || r.Faults[0].Key != "!items!bomb" || r.Faults[1].Key != "!items!full" || !strings.Contains(r.Faults[0].Reason, "larger than 256 MB") {
		t.Errorf("faults %v", r.Faults)
	}
}
