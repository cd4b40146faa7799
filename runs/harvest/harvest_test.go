package harvest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/harvest"
)

// bound makes a finished file of a stream with n entities.
func bound(t *testing.T, f *harvest.Folder, stream string, n int) (*harvest.Sheaf, core.Harvest) {
	t.Helper()
	s, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	want := core.Harvest{
		Source: "home", Stream: stream, Fingerprint: "options", Context: "kind", Revision: []byte{0, 1, 255},
		Facts: []core.Fact{{Name: "live", Number: 3}},
	}
	for i := range n {
		head := core.Head{UID: fmt.Sprint("p:w:", i), Source: "home", Stream: stream, Place: int64(i + 1)}
		a := core.AssetMapping{URI: fmt.Sprint(i%3, ".png"), Status: "present", Locator: core.Locator{Path: "/x"}}
		if err := s.Add(head, []core.AssetMapping{a}, entityOf(i), rawOf(i)); err != nil {
			t.Fatal(err)
		}
		if i < 3 {
			want.Assets = append(want.Assets, a)
		}
		want.Heads, want.Uses = append(want.Heads, head), append(want.Uses, []int{i % 3})
		if i == n/2 {
			if err := s.Flush(); err != nil {
				t.Fatal(err)
			}
		}
	}
	m := core.Mishap{Source: "home", Stream: stream, Place: 99, Kind: core.MishapSkipped, Failures: []core.Failure{{Code: "x", Message: "torn"}}}
	if err := s.Mishap(m); err != nil {
		t.Fatal(err)
	}
	want.Mishaps = []core.Mishap{m}
	if err := s.Bind(want); err != nil {
		t.Fatal(err)
	}
	return s, want
}

func entityOf(i int) []byte { return fmt.Appendf(nil, `{"n":%d}`, i) }
func rawOf(i int) []byte    { return []byte(strings.Repeat(fmt.Sprint(i), i*20)) }

func TestWhatIsKept(t *testing.T) {
	dir := t.TempDir()
	f := harvest.In(dir)
	s, want := bound(t, f, "monsters", 50)
	if found, err := f.Find("home", "options"); len(found) != 0 || err != nil {
		t.Fatalf("found before it was stored: %v, %v", found, err)
	}
	if err := s.Store(); err != nil {
		t.Fatal(err)
	}
	for _, no := range [][2]string{{"home", "others"}, {"work", "options"}} {
		if found, err := f.Find(no[0], no[1]); len(found) != 0 || err != nil {
			t.Errorf("%v: found %v, %v", no, found, err)
		}
	}
	found, err := f.Find("home", "options")
	if err != nil || len(found) != 1 {
		t.Fatalf("found %v, %v", found, err)
	}
	k := found[0]
	if got, _ := json.Marshal(k.Harvest); !sameJSON(got, want) {
		t.Errorf("got %s", got)
	}
	again, _ := bound(t, f, "monsters", 1) // another takes its place meanwhile
	if err := again.Store(); err != nil {
		t.Fatal(err)
	}
	for i := range k.Heads {
		entity, raw, err := k.Bodies(i)
		if err != nil || string(entity) != string(entityOf(i)) || string(raw) != string(rawOf(i)) {
			t.Fatalf("body %d: %q, %q, %v", i, entity, raw, err)
		}
	}
	if err := k.Close(); err != nil {
		t.Error(err)
	}
}

func sameJSON(got []byte, want any) bool {
	text, _ := json.Marshal(want)
	var a, b any
	return json.Unmarshal(got, &a) == nil && json.Unmarshal(text, &b) == nil && reflect.DeepEqual(a, b)
}

// TestDamage: whatever byte is another one, and wherever the file ends, nothing of it is taken for what was kept.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	f := harvest.In(dir)
	s, _ := bound(t, f, "monsters", 2)
	if err := s.Store(); err != nil {
		t.Fatal(err)
	}
	files, err := f.Files()
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	path := files[0].Path
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(text []byte, what string) {
		t.Helper()
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if found, err := f.Find("home", "options"); len(found) != 0 || !errors.Is(err, harvest.ErrDamaged) {
			t.Fatalf("%s: %d found, %v", what, len(found), err)
		}
	}
	for i := range sound {
		text := append([]byte{}, sound...)
		text[i] ^= 0x41
		refused(text, fmt.Sprint("byte ", i))
		refused(sound[:i], fmt.Sprint("end at ", i))
	}
	refused(append(append([]byte{}, sound...), 'x'), "something behind it")
	other := filepath.Join(filepath.Dir(path), strings.Repeat("0", 24))
	if err := os.Rename(path, other); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	if found, err := f.Find("home", "options"); len(found) != 0 || !errors.Is(err, harvest.ErrDamaged) {
		t.Errorf("under another name: %d found, %v", len(found), err)
	}
}

// TestUnfinished: what was not finished, or could not be written, is not stored.
func TestUnfinished(t *testing.T) {
	f := harvest.In(t.TempDir())
	s, err := f.Begin()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store(); err == nil || s.Bound() {
		t.Error("it was stored before it was finished")
	}
	if err := s.Drop(); err != nil {
		t.Error(err)
	}
	if err := s.Add(core.Head{}, nil, nil, make([]byte, 1<<20)); err == nil {
		t.Error("it was written to a file that is gone")
	}
	if err := s.Bind(core.Harvest{}); err == nil || s.Bound() {
		t.Error("it was finished")
	}
}

func TestPrune(t *testing.T) {
	now := time.Now()
	for name, test := range map[string]struct {
		limits harvest.Limits
		gone   int
	}{
		"nothing":           {harvest.Limits{Bytes: 1 << 30, Age: time.Hour}, 0},
		"what a run left":   {harvest.Limits{Bytes: 1 << 30, Age: time.Hour, Alone: true}, 1},
		"what is too old":   {harvest.Limits{Bytes: 1 << 30, Age: 90 * time.Second}, 1},
		"what is too much":  {harvest.Limits{Bytes: 1, Age: time.Hour}, 3},
		"all but the first": {harvest.Limits{Bytes: 0, Age: time.Hour}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			f := harvest.In(t.TempDir())
			for i := range 3 {
				s, _ := bound(t, f, fmt.Sprint("stream ", i), 2)
				if err := s.Store(); err != nil {
					t.Fatal(err)
				}
				found, err := f.Find("home", "options")
				if err != nil {
					t.Fatal(err)
				}
				for _, k := range found {
					if k.Stream == fmt.Sprint("stream ", i) {
						err = errors.Join(err, k.Use(now.Add(-time.Duration(i)*time.Minute)))
					}
					err = errors.Join(err, k.Close())
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if _, err := f.Begin(); err != nil {
				t.Fatal(err)
			}
			if files, err := f.Files(); err == nil && test.limits.Bytes == 0 {
				test.limits.Bytes = files[1].Size * 3 / 2 // the first one is in the making
			}
			would, err := f.Prune(test.limits, now, true)
			if err != nil || len(would) != test.gone {
				t.Errorf("%d would go, %v", len(would), err)
			}
			gone, err := f.Prune(test.limits, now, false)
			if err != nil || len(gone) != test.gone {
				t.Errorf("%d went, %v", len(gone), err)
			}
			if left, err := f.Files(); err != nil || len(left) != 4-test.gone {
				t.Errorf("%d are left, %v", len(left), err)
			}
		})
	}
}
