package nedb

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func write(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "x.db")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
	return path
}

func read(tb testing.TB, path string) ([]string, Report) {
	tb.Helper()
	db, err := Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	var texts []string
	for d, err := range db.Documents() {
		if err != nil {
			tb.Fatal(err)
		}
		texts = append(texts, string(d.JSON))
	}
	if db.Len() != len(texts) {
		tb.Errorf("Len = %d of %d", db.Len(), len(texts))
	}
	return texts, db.Report()
}

func TestLines(t *testing.T) {
	deep := strings.Repeat("[", 10_000_000)
	for name, tt := range map[string]struct {
		text   string
		want   []string
		report string // overwritten, deleted, indexes, damage, torn
	}{
		"empty":                   {"", nil, "0 0 0 [] false"},
		"by id":                   {"{\"_id\":\"b\"}\n{\"_id\":\"a\"}\n", []string{`{"_id":"a"}`, `{"_id":"b"}`}, "0 0 0 [] false"},
		"the last one wins":       {"{\"_id\":\"a\",\"n\":1}\n{\"_id\":\"b\"}\n{\"_id\":\"a\",\"n\":2}\n", []string{`{"_id":"a","n":2}`, `{"_id":"b"}`}, "1 0 0 [] false"},
		"deleted":                 {"{\"_id\":\"a\"}\n{\"_id\":\"a\",\"$$deleted\":true}\n", nil, "0 2 0 [] false"},
		"deleted and made again":  {"{\"_id\":\"a\"}\n{\"$$deleted\":true,\"_id\":\"a\"}\n{\"_id\":\"a\",\"n\":3}\n", []string{`{"_id":"a","n":3}`}, "0 2 0 [] false"},
		"deleted without a trace": {"{\"_id\":\"a\",\"$$deleted\":true}\n", nil, "0 1 0 [] false"},
		"not quite deleted":       {"{\"_id\":\"a\",\"$$deleted\":false}\n", []string{`{"_id":"a","$$deleted":false}`}, "0 0 0 [] false"},
		"indexes":                 {"{\"$$indexCreated\":{\"fieldName\":\"n\"}}\n{\"$$indexRemoved\":\"n\"}\n{\"_id\":\"a\"}\n", []string{`{"_id":"a"}`}, "0 0 2 [] false"},
		"dates and numbers":       {"{\"_id\":\"a\",\"d\":{\"$$date\":12},\"n\":1.50}\n", []string{`{"_id":"a","d":{"$$date":12},"n":1.50}`}, "0 0 0 [] false"},
		"no end of the last line": {"{\"_id\":\"a\"}", []string{`{"_id":"a"}`}, "0 0 0 [] false"},
		"cut off":                 {"{\"_id\":\"a\"}\n{\"_id\":\"b\",\"n", []string{`{"_id":"a"}`}, "0 0 0 [] true"},
		"CRLF, blanks and a mark": {"\uFEFF {\"_id\":\"a\"} \r\n\r\n\n{\"_id\":\"b\"}\r\n", []string{`{"_id":"a"}`, `{"_id":"b"}`}, "0 0 0 [] false"},
		"damaged lines": {
			"{\"_id\":\"a\"}\nnonsense\n{\"_id\":7}\n{\"_id\":\"\"}\n{\"n\":1}\n{\"_id\":\"\xff\"}\n[]\n{\"_id\":\"b\"}\n",
			[]string{`{"_id":"a"}`, `{"_id":"b"}`},
			"0 0 0 [line 2: not a JSON object line 3: it has no _id line 4: it has no _id line 5: it has no _id " +
				"line 6: the text is not UTF-8 line 7: not a JSON object] false",
		},
		"nested deeply": {`{"_id":"a","n":` + deep + "\n{\"_id\":\"b\"}\n", []string{`{"_id":"b"}`}, "0 0 0 [line 1: not JSON: at byte 142: nested too deeply] false"},
		"too long": {
			`{"_id":"a","n":"` + strings.Repeat("x", maxLine) + "\"}\n{\"_id\":\"b\"}\n",
			[]string{`{"_id":"b"}`},
			"0 0 0 [line 1: it is longer than 64 MB] false",
		},
		"an id in other words": {"{\"_id\":\"a\"}\n{\"_id\":\"\\u0061\"}\n", []string{`{"_id":"\u0061"}`}, "1 0 0 [] false"},
		"another member":       {"{\"_ID\":\"x\",\"_id\":\"a\"}\n", []string{`{"_ID":"x","_id":"a"}`}, "0 0 0 [] false"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, tt.text)
			got, r := read(t, path)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %.300q\nwant %q", got, tt.want)
			}
			if said := fmt.Sprint(r.Overwritten, r.Deleted, r.Indexes, r.Damage, r.Torn); said != tt.report {
				t.Errorf("report %s\nwant   %s", said, tt.report)
			}
			if r.Live != len(tt.want) || r.Bytes != int64(len(tt.text)) || r.DamageCount != len(r.Damage) {
				t.Errorf("report %+v", r)
			}
		})
	}
}

// TestManyDamagedLines: what is not listed any more is counted.
func TestManyDamagedLines(t *testing.T) {
	_, r := read(t, write(t, strings.Repeat("x\n", maxDamage+5)))
	if len(r.Damage) != maxDamage || r.DamageCount != maxDamage+5 {
		t.Errorf("%d of %d listed", len(r.Damage), r.DamageCount)
	}
}

// TestSpare: the copy that is left when a compaction was cut off is read only in place of a file that is gone.
func TestSpare(t *testing.T) {
	path := write(t, "{\"_id\":\"a\"}\n")
	if err := os.WriteFile(path+"~", []byte("{\"_id\":\"b\"}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got, r := read(t, path); !slices.Equal(got, []string{`{"_id":"a"}`}) || r.Spare {
		t.Errorf("%q, %+v", got, r)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if got, r := read(t, path); !slices.Equal(got, []string{`{"_id":"b"}`}) || !r.Spare {
		t.Errorf("%q, %+v", got, r)
	}
	if err := os.Remove(path + "~"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open = %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}

// TestWrittenMeanwhile: what is appended or put in place by a rename changes nothing that was opened; what is written over it
// is seen.
func TestWrittenMeanwhile(t *testing.T) {
	path := write(t, "{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n")
	db, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString("{\"_id\":\"a\",\"$$deleted\":true}\n"); err != nil {
		t.Fatal(err)
	}
	file.Close()
	n := 0
	for _, err := range db.Documents() {
		n++
		if err != nil {
			t.Error(err)
		}
	}
	if n != 2 {
		t.Errorf("%d documents", n)
	}
	for _, text := range []string{"{\"_id\":\"c\"}\n{\"_id\":\"d\"}\n", "{"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range db.Documents() {
			last = err
		}
		if !errors.Is(last, ErrBusy) || !strings.Contains(last.Error(), "copy the file") {
			t.Errorf("after %q was written over it: %v", text, last)
		}
	}
}

// FuzzLines holds the reader against a naive one.
func FuzzLines(f *testing.F) {
	for _, text := range []string{
		"", "\n", "{\"_id\":\"a\"}\n{\"_id\":\"a\",\"$$deleted\":true}\n", "{\"_id\":\"a\",\"n\":1}\r\n{\"_id\":\"a\"}", "x\n{\"_id\":\"b\"}\n",
		"{\"$$indexCreated\":{\"fieldName\":\"x\"}}\n", "\uFEFF{\"_id\":\"a\"}\n{\"_id\":\"c\",", "{\"_id\":7}\n", "{\"_id\":\"\\ud800\"}\n",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, r := read(t, write(t, text))
		want := map[string]string{}
		for i, line := range strings.Split(text, "\n") {
			if i == 0 {
				line = strings.TrimPrefix(strings.Trim(line, space), "\uFEFF")
			}
			line = strings.Trim(line, space)
			var members map[string]json.RawMessage
			if !utf8.ValidString(line) || json.Unmarshal([]byte(line), &members) != nil {
				continue
			}
			var id string
			if json.Unmarshal(members["_id"], &id) != nil || id == "" || members["_id"][0] != '"' ||
				members["$$indexCreated"] != nil || members["$$indexRemoved"] != nil {
				continue
			}
			if delete(want, id); string(members["$$deleted"]) != "true" {
				want[id] = line
			}
		}
		for _, line := range got {
			var members map[string]json.RawMessage
			var id string
			if json.Unmarshal([]byte(line), &members) != nil || json.Unmarshal(members["_id"], &id) != nil || want[id] != line {
				t.Fatalf("%q of %q, want %q", line, text, want[id])
			}
		}
		if deep := strings.Count(text, "[")+strings.Count(text, "{") > 100; len(got) != len(want) && !deep {
			t.Fatalf("%d documents of %q, want %d", len(got), text, len(want))
		}
		if r.Lines < r.Live+r.Overwritten+r.Indexes+r.DamageCount {
			t.Fatalf("report %+v of %q", r, text)
		}
	})
}
