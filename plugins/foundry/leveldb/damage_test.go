package leveldb

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// onlyTruth checks that nothing was made up, and that what is missing was reported.
func onlyTruth(t *testing.T, what string, got, want map[string]string, r Report) (lost int) {
	t.Helper()
	for key, value := range got {
		if want[key] != value {
			t.Errorf("%s: %q reads %.40q, was written %.40q", what, key, value, want[key])
		}
	}
	lost = len(want) - len(got)
	if lost > 0 && len(r.Damage)+len(r.Torn) == 0 {
		t.Errorf("%s: %d entries are missing and the report is silent", what, lost)
	}
	return lost
}

// TestFlippedBits: one flipped bit in a table costs one block at most, unless it hits the index or the footer.
func TestFlippedBits(t *testing.T) {
	clean, want := thousands()
	dir := tablesIn(t, map[string][]byte{"000005.ldb": clean}, newTableField(2, 5, "key", "kez"))
	table, err := newTable("t", bytes.NewReader(clean), int64(len(clean)))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	for range 150 {
		at := random.Int64N(int64(len(clean)))
		damaged := append([]byte(nil), clean...)
		damaged[at] ^= 1 << random.IntN(8)
		add(t, dir, "000005.ldb", damaged)
		what := fmt.Sprintf("bit at byte %d of %d", at, len(clean))
		got, report := everything(t, dir)
		lost := onlyTruth(t, what, got, want, report)
		if at < table.indexAt && lost > 20 {
			t.Errorf("%s: %d entries lost, more than a block has", what, lost)
		}
		for _, d := range report.Damage {
			if d.File != "000005.ldb" || at < table.indexAt && (d.Offset > at || d.Offset < at-2048) {
				t.Errorf("%s: reported as %v", what, d)
			}
		}
	}
}

// thousands is a table of many blocks of 20 entries, every other one compressed, and what it says.
func thousands() ([]byte, map[string]string) {
	random := rand.New(rand.NewPCG(5, 6))
	want := map[string]string{}
	var rows [][]pair
	for i := range 100 {
		var row []pair
		for j := range 20 {
			p := pair{numbered(20*i + j), 1, kindPut, strings.Repeat("prose ", 10)}
			if i%2 == 0 {
				p.value = fmt.Sprintf("%x", random.Uint64())
			}
			row = append(row, p)
			want[p.key] = p.value
		}
		rows = append(rows, row)
	}
	return tableOf(rows...), want
}

func TestDamagedTables(t *testing.T) {
	good := tableOf([]pair{{"a", 1, kindPut, "1"}, {"b", 1, kindPut, "1"}}, []pair{{"c", 1, kindPut, "1"}})
	other := tableOf([]pair{{"x", 2, kindPut, "1"}})
	turned, first := appendBlock(nil, blockOf([2][]byte{pair{"a", 1, kindPut, ""}.internal(), []byte("1")}))
	turned = appendEnd(turned, blockOf(
		[2][]byte{pair{"a", 1, kindPut, ""}.internal(), first},
		[2][]byte{pair{"b", 1, kindPut, ""}.internal(), first}))
	short, at := appendBlock(nil, blockOf([2][]byte{[]byte("short"), nil}))
	short = appendEnd(short, blockOf([2][]byte{pair{"a", 1, kindPut, ""}.internal(), at}))
	for name, tt := range map[string]struct {
		table []byte
		want  map[string]string // besides x
		says  string
	}{
		"nothing wrong":         {good, map[string]string{"a": "1", "b": "1", "c": "1"}, ""},
		"missing":               {nil, nil, "the table is missing"},
		"empty":                 {[]byte{}, nil, "too short"},
		"cut":                   {good[:len(good)-1], nil, "footer"},
		"beginning cut":         {good[8:], nil, "index"},
		"unknown kind":          {tableOf([]pair{{"a", 1, 7, "1"}, {"b", 1, kindPut, "1"}}), map[string]string{"b": "1"}, "unknown kind"},
		"wrong order":           {tableOf([]pair{{"b", 1, kindPut, "1"}, {"a", 1, kindPut, "1"}}), map[string]string{"b": "1"}, "wrong order"},
		"wrong order of blocks": {tableOf([]pair{{"b", 1, kindPut, "1"}}, []pair{{"a", 1, kindPut, "1"}}), map[string]string{"b": "1"}, "wrong order"},
		"index turns back":      {turned, map[string]string{"a": "1"}, "index of the table is damaged"},
		"key without trailer":   {short, nil, "an entry of the block"},
	} {
		t.Run(name, func(t *testing.T) {
			tables := map[string][]byte{"000007.ldb": other}
			if tt.table != nil {
				tables["000005.ldb"] = tt.table
			}
			dir := tablesIn(t, tables, newTableField(1, 5, "a", "c"), newTableField(1, 7, "x", "x"))
			got, report := everything(t, dir)
			want := map[string]string{"x": "1"}
			maps.Copy(want, tt.want)
			sameEntries(t, got, want)
			if said := fmt.Sprint(report.Damage); tt.says == "" && len(report.Damage) > 0 || !strings.Contains(said, tt.says) {
				t.Errorf("reported %s, want %q", said, tt.says)
			}
			if len(report.Damage) > 0 && report.Damage[0].File != "000005.ldb" {
				t.Errorf("reported %v", report.Damage)
			}
		})
	}
}

// TestOverlap: tables of a deeper level that overlap against all rules are merged all the same.
func TestOverlap(t *testing.T) {
	one := tableOf([]pair{{"a", 5, kindPut, "new"}, {"c", 1, kindPut, "old"}, {"d", 9, kindDelete, ""}})
	two := tableOf([]pair{{"b", 3, kindPut, "b"}, {"c", 2, kindPut, "new"}, {"d", 8, kindPut, "gone"}})
	low := tableOf([]pair{{"a", 4, kindPut, "old"}, {"e", 1, kindPut, "e"}})
	dir := tablesIn(t, map[string][]byte{"000005.ldb": one, "000006.ldb": two, "000007.ldb": low},
		newTableField(1, 5, "a", "d"), newTableField(1, 6, "b", "d"), newTableField(2, 7, "a", "e"))
	got, report := everything(t, dir)
	sameEntries(t, got, map[string]string{"a": "new", "b": "b", "c": "new", "e": "e"})
	whole(t, report)
}

// TestDeletedTable: a later edit takes back what an earlier one added.
func TestDeletedTable(t *testing.T) {
	table := tableOf([]pair{{"a", 1, kindPut, "1"}})
	dir := tablesIn(t, map[string][]byte{"000005.ldb": table, "000006.ldb": tableOf([]pair{{"b", 1, kindPut, "1"}})},
		newTableField(0, 5, "a", "a"), newTableField(3, 6, "b", "b"), numbers(tagDeleted, 0, 5), numbers(tagDeleted, 60, 6))
	got, report := everything(t, dir)
	sameEntries(t, got, map[string]string{"b": "1"})
	if len(report.Stale) != 1 || report.Stale[0] != "000005.ldb" {
		t.Errorf("stale: %v", report.Stale)
	}
}

func TestNotPlainFiles(t *testing.T) {
	dir := tablesIn(t, map[string][]byte{}, newTableField(0, 5, "a", "b"))
	if err := os.Mkdir(filepath.Join(dir, "000005.ldb"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a folder for a table: %v", err)
	}
}

// TestSnappyBomb: a block that promises more than Snappy can hold is refused before there is room made for it.
func TestSnappyBomb(t *testing.T) {
	w := window{}
	for _, data := range [][]byte{numbers(1 << 31), numbers(200 << 20), {0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {}, {5, 0}} {
		if _, err := w.decompress(0, data); err == nil {
			t.Errorf("%x is taken for a block", data)
		}
	}
	if cap(w.plain) > 1<<10 {
		t.Errorf("%d bytes were set aside", cap(w.plain))
	}
}
