package leveldb

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSalvage: folders that do not say what is live. The tables overlap and repeat each other, a log is newer than they are.
func TestSalvage(t *testing.T) {
	files := map[string][]byte{
		"000005.ldb": tableOf([]pair{{"a", 5, kindPut, "old"}, {"c", 6, kindPut, "c"}}),
		"000006.sst": tableOf([]pair{{"a", 9, kindPut, "newer"}, {"b", 8, kindPut, "gone"}}, []pair{{"d", 3, kindPut, "d"}}),
		"000007.ldb": tableOf([]pair{{"x", 1, kindPut, "x"}}),
		"000008.ldb": tableOf([]pair{{"x", 1, kindPut, "x"}}),
		"000009.log": fragments(batch(20, []byte("a"), []byte("newest"), []byte("b"), nil)),
		"LOCK":       {}, "LOG": []byte("text"),
	}
	want := map[string]string{"a": "newest", "c": "c", "d": "d", "x": "x"}
	for name, tt := range map[string]struct {
		change map[string][]byte // nil: removed
		says   string
	}{
		"no MANIFEST":          {map[string][]byte{"CURRENT": []byte("MANIFEST-000004\n")}, "MANIFEST-000004, which is not in the folder"},
		"no CURRENT":           {nil, "has no CURRENT file"},
		"no CURRENT, MANIFEST": {map[string][]byte{"MANIFEST-000004": fragments(edit(9))}, "has no CURRENT file"},
		"CURRENT is nonsense":  {map[string][]byte{"CURRENT": []byte("\x00\x00\x00")}, "should name a MANIFEST file"},
		"MANIFEST is damaged":  {map[string][]byte{"CURRENT": []byte("MANIFEST-000004\n"), "MANIFEST-000004": flip(fragments(edit(9)), 9)}, "MANIFEST is wrong at byte 0"},
		"MANIFEST is empty":    {map[string][]byte{"CURRENT": []byte("MANIFEST-000004\n"), "MANIFEST-000004": {}}, "which logs are in use"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, files)
			for file, data := range tt.change {
				add(t, dir, file, data)
			}
			got, report := everything(t, dir)
			sameEntries(t, got, want)
			if !strings.Contains(report.Salvaged, tt.says) || report.Manifest != "" || report.Tables != 4 || report.Logs != 1 || len(report.Damage) > 0 {
				t.Errorf("report %+v, want %q", report, tt.says)
			}
		})
	}
}

func flip(data []byte, at int) []byte {
	data[at] ^= 1
	return data
}

// TestSalvageDamaged: what is left is read, and what is not is said.
func TestSalvageDamaged(t *testing.T) {
	broken := tableOf([]pair{{"a", 1, kindPut, "1"}}, []pair{{"b", 1, kindPut, "1"}})
	broken[3] ^= 1
	dir := folder(t, map[string][]byte{
		"000005.ldb": broken, "000006.ldb": []byte("short"), "000007.ldb": tableOf([]pair{{"c", 1, kindPut, "1"}}), "000008.ldb": tableOf(),
	})
	got, report := everything(t, dir)
	sameEntries(t, got, map[string]string{"b": "1", "c": "1"})
	if len(report.Damage) != 2 || report.Salvaged == "" {
		t.Errorf("report %+v", report)
	}
}

// TestNothingToSalvage: what is no database stays an error, and so does one that orders its keys in another way.
func TestNothingToSalvage(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string][]byte
		want  error
	}{
		"empty":         {nil, ErrNoDatabase},
		"CURRENT alone": {map[string][]byte{"CURRENT": []byte("MANIFEST-000004\n")}, ErrNoManifest},
		"other files":   {map[string][]byte{"a.txt": nil, "LOG": nil}, ErrNoDatabase},
		"other comparator": {map[string][]byte{
			"CURRENT": []byte("MANIFEST-000004\n"), "MANIFEST-000004": fragments(append(numbers(tagComparator, 3), "xyz"...)),
			"000005.ldb": tableOf([]pair{{"a", 1, kindPut, "1"}}),
		}, ErrComparator},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(folder(t, tt.files)); !errors.Is(err, tt.want) {
				t.Errorf("Open = %v, want %v", err, tt.want)
			}
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestRows: tables that do not overlap share a row, in whatever order they come.
func TestRows(t *testing.T) {
	of := func(smallest, largest string) *table {
		end := strings.Repeat("\x00", trailerSize)
		return &table{name: smallest + largest, smallest: []byte(smallest + end), largest: []byte(largest + end)}
	}
	for want, tables := range map[string][]*table{
		"ab cd ef":    {of("e", "f"), of("a", "b"), of("c", "d")},
		"ac|bd":       {of("b", "d"), of("a", "c")},
		"ab|bc":       {of("a", "b"), of("b", "c")},
		"az|bc de gh": {of("d", "e"), of("a", "z"), of("b", "c"), of("g", "h")},
		"":            nil,
	} {
		var got []string
		for _, row := range rows(tables) {
			var names []string
			for _, t := range row {
				names = append(names, t.name)
			}
			got = append(got, strings.Join(names, " "))
		}
		if strings.Join(got, "|") != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
