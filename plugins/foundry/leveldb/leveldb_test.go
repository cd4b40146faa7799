package leveldb

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"

	"github.com/seed-98789ff7/converter/internal/testdata"
)

// small makes many tables and levels out of little data.
func small(o opt.Options) *opt.Options {
	o.WriteBuffer = 32 << 10
	o.CompactionTableSize = 4 << 10
	o.CompactionTotalSize = 64 << 10
	return &o
}

func TestReadsWhatWasWritten(t *testing.T) {
	for name, o := range map[string]*opt.Options{
		"one log":      {},
		"many levels":  small(opt.Options{}),
		"no snappy":    small(opt.Options{Compression: opt.NoCompression}),
		"large blocks": small(opt.Options{BlockSize: 300 << 10}),
		"no restarts":  small(opt.Options{BlockRestartInterval: 1 << 20}),
	} {
		t.Run(name, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, 2))
			dir, want := written(t, o, func(_ *leveldb.DB, put func(string, string), remove func(string)) {
				for i := range 6000 {
					key := numbered(random.IntN(2000))
					if random.IntN(4) == 0 {
						remove(key)
					} else {
						put(key, strings.Repeat(fmt.Sprint(i, " "), random.IntN(60)))
					}
				}
				put("large", strings.Repeat("x", 200<<10))
				put("empty", "")
				put("", "the empty key")
			})
			got, report := everything(t, dir)
			sameEntries(t, got, want)
			whole(t, report)
			if name == "many levels" && report.Tables < 3 {
				t.Errorf("%d tables: too few to test levels", report.Tables)
			}
			if o.WriteBuffer == 0 && report.Logs == 0 {
				t.Error("no log: nothing was replayed")
			}
		})
	}
}

// TestRealPacks compares with another implementation, which reads packs that were closed in peace as it should.
func TestRealPacks(t *testing.T) {
	root := testdata.Dir(t, "foundry", "Data")
	packs := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Name() != "CURRENT" {
			return err
		}
		packs++
		dir := filepath.Join(t.TempDir(), "pack")
		if err := os.CopyFS(dir, os.DirFS(filepath.Dir(path))); err != nil {
			return err
		}
		got, report := everything(t, dir)
		whole(t, report)
		sameEntries(t, got, peer(t, dir))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if packs != 37 {
		t.Errorf("%d packs, want 37", packs)
	}
}

func peer(t *testing.T, dir string) map[string]string {
	t.Helper()
	db, err := leveldb.OpenFile(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	all := map[string]string{}
	it := db.NewIterator(nil, nil)
	defer it.Release()
	for it.Next() {
		all[string(it.Key())] = string(it.Value())
	}
	if err := it.Error(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestSeek(t *testing.T) {
	dir, want := written(t, small(opt.Options{}), func(_ *leveldb.DB, put func(string, string), remove func(string)) {
		for i := range 3000 {
			put(numbered(i), strings.Repeat("v", i%100))
		}
		for i := 0; i < 3000; i += 3 {
			remove(numbered(i))
		}
		put("kez", "")
		put("a", "")
	})
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	keys := slices.Sorted(maps.Keys(want))
	for _, prefix := range []string{"", "key", "key0001", "key000100", "nothing"} {
		inside := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return !strings.HasPrefix(k, prefix) })
		c := db.Cursor([]byte(prefix))
		var walked []string
		for c.Next() {
			walked = append(walked, string(c.Key()))
		}
		if !slices.Equal(walked, inside) || c.Next() || c.Valid() {
			t.Errorf("prefix %q: %d keys, want %d", prefix, len(walked), len(inside))
		}
		// Backwards as well, the cursor being at its end now.
		for _, target := range []string{"key002000", "key000101", "key000102", "", "key0001", "kez", "z", "key000100x"} {
			i, _ := slices.BinarySearch(inside, target)
			if ok := c.Seek([]byte(target)); ok != (i < len(inside)) {
				t.Errorf("prefix %q: Seek(%q) = %t", prefix, target, ok)
			} else if ok && (string(c.Key()) != inside[i] || string(c.Value()) != want[inside[i]]) {
				t.Errorf("prefix %q: Seek(%q) is at %q, want %q", prefix, target, c.Key(), inside[i])
			}
			if c.Next() != (i+1 < len(inside)) || c.Valid() && string(c.Key()) != inside[i+1] {
				t.Errorf("prefix %q: after Seek(%q) comes %q", prefix, target, c.Key())
			}
		}
	}
}

func TestHidden(t *testing.T) {
	dir, _ := written(t, &opt.Options{}, func(db *leveldb.DB, put func(string, string), remove func(string)) {
		put("a", "1")
		put("b", "1")
		put("c", "1")
		if err := db.CompactRange(util.Range{}); err != nil {
			t.Fatal(err)
		}
		put("a", "2")
		put("a", "3")
		remove("b")
		remove("never")
	})
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := db.Cursor(nil)
	for c.Next() {
	}
	// In the log a=2; over the table a=1, b=1; the two deletes themselves.
	if r := db.Report(); r.Dead != 1 || c.Hidden() != 4 || r.LogEntries != 4 {
		t.Errorf("%d dead in the log, %d hidden, %d in the log; want 1, 4, 4", r.Dead, c.Hidden(), r.LogEntries)
	}
}

func TestClosed(t *testing.T) {
	dir, _ := written(t, small(opt.Options{}), func(_ *leveldb.DB, put func(string, string), _ func(string)) {
		for i := range 20000 {
			put(numbered(i), strings.Repeat("v", 30))
		}
	})
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	c := db.Cursor(nil)
	if !c.Next() {
		t.Fatal("no entries")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for c.Next() {
	}
	if !errors.Is(c.Err(), os.ErrClosed) {
		t.Errorf("Err = %v after Close", c.Err())
	}
	if c = db.Cursor(nil); c.Next() || !errors.Is(c.Err(), os.ErrClosed) {
		t.Errorf("a new cursor: Err = %v", c.Err())
	}
	if len(db.Report().Damage) > 0 {
		t.Errorf("Close counts as damage: %v", db.Report().Damage)
	}
}

func TestRefuses(t *testing.T) {
	current := []byte("MANIFEST-000002\n")
	good := fragments(edit(3))
	odd := fragments(text([]byte{tagComparator}, []byte("idb_cmp1")), edit(3))
	flipped := slices.Clone(good)
	flipped[20] ^= 1
	for name, tt := range map[string]struct {
		files map[string][]byte
		want  error
		says  string
	}{
		"an empty folder":         {nil, ErrNoDatabase, "has no CURRENT file"},
		"no MANIFEST":             {map[string][]byte{"CURRENT": current}, ErrNoManifest, "MANIFEST-000002"},
		"another MANIFEST":        {map[string][]byte{"CURRENT": current, "MANIFEST-000004": good}, ErrNoManifest, "MANIFEST-000002"},
		"an empty CURRENT":        {map[string][]byte{"CURRENT": nil, "MANIFEST-000002": good}, ErrCorrupt, "CURRENT"},
		"CURRENT leads elsewhere": {map[string][]byte{"CURRENT": []byte("../MANIFEST-000002\n")}, ErrCorrupt, "CURRENT"},
		"a huge CURRENT":          {map[string][]byte{"CURRENT": make([]byte, 1<<20)}, ErrCorrupt, "larger"},
		"another order of keys":   {map[string][]byte{"CURRENT": current, "MANIFEST-000002": odd}, ErrComparator, "idb_cmp1"},
		"a flipped bit":           {map[string][]byte{"CURRENT": current, "MANIFEST-000002": flipped}, ErrCorrupt, "checksum"},
		"an empty MANIFEST":       {map[string][]byte{"CURRENT": current, "MANIFEST-000002": nil}, ErrCorrupt, "which logs"},
		"an unknown field":        {map[string][]byte{"CURRENT": current, "MANIFEST-000002": fragments(edit(3, 42))}, ErrCorrupt, "field 42"},
		"half a field":            {map[string][]byte{"CURRENT": current, "MANIFEST-000002": fragments(edit(3, tagNew, 0))}, ErrCorrupt, "runs past"},
		"a level too many": {map[string][]byte{
			"CURRENT":         current,
			"MANIFEST-000002": fragments(edit(3, newTableField(64, 5, "a", "b")...)),
		}, ErrCorrupt, "level 64"},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := Open(folder(t, tt.files))
			if db != nil || !errors.Is(err, tt.want) || !strings.Contains(fmt.Sprint(err), tt.says) {
				t.Errorf("Open = %v, %v; want %v that says %q", db, err, tt.want, tt.says)
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent folder: %v", err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "CURRENT"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a folder for CURRENT: %v", err)
	}
}

func TestCurrentWithCarriageReturn(t *testing.T) {
	got, _ := everything(t, folder(t, map[string][]byte{
		"CURRENT":         []byte("MANIFEST-000002\r\n"),
		"MANIFEST-000002": fragments(edit(3)),
		"000003.log":      fragments(batch(1, []byte("k"), []byte("v"))),
	}))
	sameEntries(t, got, map[string]string{"k": "v"})
}

// TestStale: what the MANIFEST does not name is not read, whatever is in it.
func TestStale(t *testing.T) {
	dir := tablesIn(t, map[string][]byte{
		"000005.ldb":      tableOf([]pair{{"a", 1, kindPut, "live"}}),
		"000005.sst":      tableOf([]pair{{"a", 9, kindPut, "twin"}}),
		"000099.ldb":      tableOf([]pair{{"a", 9, kindPut, "stale"}, {"b", 9, kindPut, "stale"}}),
		"000098.sst":      []byte("not even a table"),
		"000001.log":      fragments(batch(1<<50, []byte("old"), []byte("log"))),
		"MANIFEST-000077": fragments(edit(1)),
		"LOG":             nil, "LOCK": nil, "note.txt": nil, "x.log": nil, "+5.ldb": nil,
	}, newTableField(0, 5, "a", "a"))
	got, report := everything(t, dir)
	sameEntries(t, got, map[string]string{"a": "live"})
	whole(t, report)
	if want := []string{"000001.log", "000005.sst", "000098.sst", "000099.ldb", "MANIFEST-000077"}; !slices.Equal(report.Stale, want) {
		t.Errorf("stale: %v, want %v", report.Stale, want)
	}
}

// TestOldTableName: the first versions of LevelDB called tables .sst.
func TestOldTableName(t *testing.T) {
	dir := tablesIn(t, map[string][]byte{"000005.sst": tableOf([]pair{{"a", 1, kindPut, "old"}})}, newTableField(0, 5, "a", "a"))
	got, report := everything(t, dir)
	sameEntries(t, got, map[string]string{"a": "old"})
	whole(t, report)
	if len(report.Stale) > 0 {
		t.Errorf("stale: %v", report.Stale)
	}
}

// TestNothingIsWritten: neither content nor times change, and no file appears, least of all a LOCK.
func TestNothingIsWritten(t *testing.T) {
	dir, _ := written(t, small(opt.Options{}), func(_ *leveldb.DB, put func(string, string), _ func(string)) {
		for i := range 2000 {
			put(numbered(i), strings.Repeat("v", 50))
		}
	})
	if err := os.Remove(filepath.Join(dir, "LOCK")); err != nil {
		t.Fatal(err)
	}
	before := state(t, dir)
	everything(t, dir)
	if after := state(t, dir); !maps.Equal(before, after) {
		t.Errorf("before %v\nafter  %v", before, after)
	}
}

func state(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		all[e.Name()] = fmt.Sprint(info.ModTime(), info.Mode(), string(data))
	}
	info, err := os.Stat(dir)
	if err != nil {
		t.Fatal(err)
	}
	all["."] = fmt.Sprint(info.ModTime())
	return all
}

func add(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}
