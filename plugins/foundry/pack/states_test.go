package pack_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
	"github.com/seed-98789ff7/converter/plugins/foundry/pack"
)

// copied is a copy of a real pack that may be spoilt.
func copied(t *testing.T, dir string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "pack")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// texts are the documents of a pack by their keys.
func texts(docs []pack.Document) map[string]string {
	all := map[string]string{}
	for _, d := range docs {
		all[d.Key] = string(d.JSON)
	}
	return all
}

func remove(t *testing.T, dir, pattern string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("nothing to remove: %v", err)
	}
	for _, name := range names {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStates: real packs in the states in which people have them say what they said before.
func TestStates(t *testing.T) {
	root := testdata.Dir(t, "foundry")
	foreign := filepath.Join(root, "Data", "systems", "dnd5e", "packs", "races")
	for _, name := range packFolders(t, root) {
		dir := filepath.Join(root, filepath.FromSlash(name))
		docs, before := readAll(t, dir)
		want := texts(docs)
		small := before.Database.TableBytes < 1<<20
		for state, tt := range map[string]struct {
			spoil    func(t *testing.T, dir string)
			salvaged bool
		}{
			"CURRENT with CRLF": {func(t *testing.T, dir string) {
				t.Helper()
				path := filepath.Join(dir, "CURRENT")
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), 0o644); err != nil {
					t.Fatal(err)
				}
			}, false},
			"without MANIFEST": {func(t *testing.T, dir string) { t.Helper(); remove(t, dir, "MANIFEST-*") }, true},
			"without CURRENT":  {func(t *testing.T, dir string) { t.Helper(); remove(t, dir, "CURRENT") }, true},
			"stale tables":     {func(t *testing.T, dir string) { t.Helper(); addStale(t, dir, foreign) }, false},
		} {
			if !small && state != "without MANIFEST" {
				continue // copying them takes longer than all the rest, and their size changes nothing
			}
			t.Run(name+"/"+state, func(t *testing.T) {
				spoilt := copied(t, dir)
				tt.spoil(t, spoilt)
				docs, report := readAll(t, spoilt)
				if got := texts(docs); !maps.Equal(got, want) {
					t.Errorf("%d documents, want %d the same", len(got), len(want))
				}
				if (report.Database.Salvaged != "") != tt.salvaged || report.FaultCount+report.Missing+len(report.Database.Damage) > 0 {
					t.Errorf("report %+v", report)
				}
				if more := len(report.Database.Stale) - len(before.Database.Stale); state == "stale tables" && more != 2 {
					t.Errorf("%d stale files more: %q", more, report.Database.Stale)
				}
			})
		}
	}
}

// addStale puts the tables of another pack and an older MANIFEST beside those of a pack, as merges and copies do.
func addStale(t *testing.T, dir, foreign string) {
	t.Helper()
	tables, err := filepath.Glob(filepath.Join(foreign, "*.ldb"))
	if err != nil || len(tables) == 0 {
		t.Fatal(err)
	}
	for _, name := range []string{tables[0], filepath.Join(foreign, "CURRENT")} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		to := "999999.ldb"
		if filepath.Base(name) == "CURRENT" {
			to = "MANIFEST-000001"
		}
		if err := os.WriteFile(filepath.Join(dir, to), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFlippedBits flips one bit in every block of real tables, one at a time: each is reported, nothing is read that was never
// written, and no more is lost than the block held.
func TestFlippedBits(t *testing.T) {
	root := testdata.Dir(t, "foundry")
	for _, name := range []string{"systems/dnd5e/packs/monsterfeatures", "systems/dnd5e/packs/races", "modules/orbs-bad-maps/packs/orbs-bad-backgrounds"} {
		t.Run(name, func(t *testing.T) {
			dir := copied(t, filepath.Join(root, "Data", filepath.FromSlash(name)))
			want := entries(t, dir)
			tables, err := filepath.Glob(filepath.Join(dir, "*.ldb"))
			if err != nil || len(tables) == 0 {
				t.Fatal(err)
			}
			for _, path := range tables {
				flipAll(t, dir, path, want)
			}
		})
	}
}

func flipAll(t *testing.T, dir, path string, want map[string]string) {
	t.Helper()
	clean, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	// Up to the metaindex lie the blocks of entries, and at the end of them the filter, which only spares look-ups.
	metaindex, _ := binary.Uvarint(clean[len(clean)-48:])
	trials, worst, silent := 0, 0, 0
	for at := 0; at < int(metaindex); at += max(1, int(metaindex)/150) {
		damaged := slices.Clone(clean)
		damaged[at] ^= 1 << (at % 8)
		if err := os.WriteFile(path, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		got, report := entriesOf(t, dir)
		for key, value := range got {
			if want[key] != value {
				t.Errorf("bit at byte %d: %s is another", at, key)
			}
		}
		if trials++; len(report.Damage) == 0 && len(got) == len(want) && at > int(metaindex)*9/10 {
			silent++ // in the filter
			continue
		}
		if len(report.Damage) != 1 || report.Damage[0].File != filepath.Base(path) || report.Damage[0].Offset > int64(at) {
			t.Errorf("bit at byte %d: reported %v", at, report.Damage)
		}
		worst = max(worst, len(want)-len(got))
	}
	if worst > 40 || silent > trials/50 {
		t.Errorf("up to %d of %d entries were lost", worst, len(want))
	}
	if err := os.WriteFile(path, clean, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d flips, %d of them in the filter, at most %d of %d entries lost", filepath.Base(path), trials, silent, worst, len(want))
}

func entries(t *testing.T, dir string) map[string]string {
	t.Helper()
	all, report := entriesOf(t, dir)
	if len(report.Damage) > 0 {
		t.Fatal(report.Damage)
	}
	return all
}

func entriesOf(t *testing.T, dir string) (map[string]string, leveldb.Report) {
	t.Helper()
	db, err := leveldb.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string]string{}
	for c := db.Cursor(nil); c.Next(); {
		all[string(c.Key())] = string(c.Value())
	}
	return all, db.Report()
}

// TestCrashStates: the uncompacted log of a real pack, cut off anywhere, gives what was written before the cut: each document is
// the one of some moment, and a log that ends inside a write says so.
func TestCrashStates(t *testing.T) {
	dir := copied(t, filepath.Join(testdata.Dir(t, "foundry"), "Data", "modules", "orbs-bad-maps", "packs", "orbs-bad-maps"))
	logs, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(logs, func(a, b string) int { return int(size(t, b) - size(t, a)) })
	clean, err := os.ReadFile(logs[0])
	if err != nil || len(clean) < 1000 {
		t.Fatalf("no log of any length: %v", err)
	}
	torn, counts := 0, map[int]bool{}
	for cut := 0; cut <= len(clean); cut += max(1, len(clean)/60) {
		if err := os.WriteFile(logs[0], clean[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		docs, report := readAll(t, dir)
		if len(report.Database.Damage) > 0 || report.Database.Salvaged != "" || report.FaultCount > 0 {
			t.Errorf("cut at %d: %+v", cut, report)
		}
		torn += len(report.Database.Torn)
		counts[report.Database.LogEntries] = true
		for _, d := range docs {
			if !strings.HasPrefix(d.Key, "!") {
				t.Error(d.Key)
			}
		}
	}
	if torn == 0 || len(counts) < 5 {
		t.Errorf("%d cuts were inside a write, %s", torn, fmt.Sprint(len(counts))+" different states")
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
