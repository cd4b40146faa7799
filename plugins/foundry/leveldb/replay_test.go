package leveldb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
	"testing"
)

func loggedIn(t *testing.T, logs map[string][]byte, manifest []byte) (map[string]string, Report) {
	t.Helper()
	files := map[string][]byte{"CURRENT": []byte("MANIFEST-000002"), "MANIFEST-000002": fragments(manifest)}
	maps.Copy(files, logs)
	return everything(t, folder(t, files))
}

// TestLogs: which logs count, and what they say against each other. The MANIFEST of these tests always claims a last
// sequence far above that of the logs, as LevelDB itself leaves it behind when writes came in during a flush.
func TestLogs(t *testing.T) {
	k, v := []byte("k"), func(s string) []byte { return []byte(s) }
	for name, tt := range map[string]struct {
		logs     map[string][]byte
		manifest []byte
		want     map[string]string
	}{
		"below the last sequence": {
			map[string][]byte{"000003.log": fragments(batch(1, k, v("1")))},
			edit(3),
			map[string]string{"k": "1"},
		},
		"two live logs": {
			map[string][]byte{"000003.log": fragments(batch(1, k, v("1"), v("m"), v("1"))), "000007.log": fragments(batch(3, k, v("2")))},
			edit(3),
			map[string]string{"k": "2", "m": "1"},
		},
		"the higher sequence wins, not the later log": {
			map[string][]byte{"000003.log": fragments(batch(9, k, v("9"))), "000007.log": fragments(batch(3, k, v("3")))},
			edit(3),
			map[string]string{"k": "9"},
		},
		"the previous log": {
			map[string][]byte{"000003.log": fragments(batch(1, k, v("1"))), "000004.log": fragments(batch(2, v("no"), v("no"))), "000007.log": fragments(batch(3, v("m"), v("3")))},
			edit(5, numbers(tagPrevLog, 3)...),
			map[string]string{"k": "1", "m": "3"},
		},
		"old logs": {map[string][]byte{"000003.log": fragments(batch(1, k, v("1")))}, edit(4), nil},
		"deleted": {
			map[string][]byte{"000003.log": fragments(batch(1, k, v("1"), v("m"), v("1"), k, nil))},
			edit(3),
			map[string]string{"m": "1"},
		},
		"written again": {
			map[string][]byte{"000003.log": fragments(batch(1, k, v("1")), batch(2, k, nil), batch(3, k, v("3")))},
			edit(3),
			map[string]string{"k": "3"},
		},
		"an empty log":   {map[string][]byte{"000003.log": nil}, edit(3), nil},
		"an empty batch": {map[string][]byte{"000003.log": fragments(batch(1), batch(1, k, v("")))}, edit(3), map[string]string{"k": ""}},
		"room in advance": {
			map[string][]byte{"000003.log": append(fragments(batch(1, k, v("1"))), make([]byte, 3*pageSize)...)},
			edit(3),
			map[string]string{"k": "1"},
		},
		"a large value": {
			map[string][]byte{"000003.log": fragments(batch(1, v("a"), v("a")), batch(2, k, bytes.Repeat(v("x"), 5*pageSize)), batch(3, v("z"), v("z")))},
			edit(3),
			map[string]string{"a": "a", "k": strings.Repeat("x", 5*pageSize), "z": "z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, report := loggedIn(t, tt.logs, tt.manifest)
			sameEntries(t, got, tt.want)
			whole(t, report)
		})
	}
}

// manyPages is a log of a few pages, and what it says.
func manyPages() ([]byte, []map[string]string) {
	var records [][]byte
	now := map[string]string{}
	states := []map[string]string{{}}
	for i := range 60 {
		key, value := numbered(i), strings.Repeat(string(rune('a'+i%26)), 1+i*i)
		records = append(records, batch(uint64(i+1), []byte(key), []byte(value)))
		now = maps.Clone(now)
		now[key] = value
		states = append(states, now)
	}
	return fragments(records...), states
}

// TestTornLog: wherever a log is cut off, what was written before stands, and nothing is called damaged.
func TestTornLog(t *testing.T) {
	log, states := manyPages()
	seen := 0
	for cut := 0; cut <= len(log); cut += 97 {
		r := &replay{}
		damage := func(at int64, reason string) { t.Errorf("cut at %d: damage at %d: %s", cut, at, reason) }
		torn, err := r.read("log", bytes.NewReader(log[:cut]), damage)
		if err != nil {
			t.Fatal(err)
		}
		if len(r.entries) < seen || len(r.entries) > len(states)-1 {
			t.Fatalf("cut at %d: %d entries after %d", cut, len(r.entries), seen)
		}
		seen = len(r.entries)
		for _, e := range r.entries {
			if states[seen][string(e.key)] != string(e.value) {
				t.Errorf("cut at %d: %s is wrong", cut, e.key)
			}
		}
		if len(torn) == 1 && (torn[0].Offset >= int64(cut) || torn[0].File != "log") {
			t.Errorf("cut at %d: torn %v", cut, torn)
		}
		if end := len(fragments(pagesUntil(seen)...)); end < cut && len(torn) == 0 && cut%pageSize != 0 && end/pageSize == cut/pageSize {
			t.Errorf("cut at %d: the log ends at %d, and nothing is said of the rest", cut, end)
		}
	}
	if seen < 50 {
		t.Errorf("the whole log has %d entries", seen)
	}
}

func pagesUntil(n int) [][]byte {
	var records [][]byte
	for i := range n {
		records = append(records, batch(uint64(i+1), []byte(numbered(i)), bytes.Repeat([]byte("x"), 1+i*i)))
	}
	return records
}

// TestFlippedBitsInLog: nothing is made up, every loss is reported, and the pages behind are read.
func TestFlippedBitsInLog(t *testing.T) {
	log, states := manyPages()
	want := states[len(states)-1]
	for at := 0; at < len(log); at += 307 {
		damaged := append([]byte(nil), log...)
		damaged[at] ^= 1 << (at % 8)
		got, report := loggedIn(t, map[string][]byte{"000003.log": damaged}, edit(3))
		onlyTruth(t, fmt.Sprintf("bit at byte %d", at), got, want, report)
		if last := numbered(59); at < len(log)-2*pageSize && got[last] != want[last] {
			t.Errorf("bit at byte %d: the end of the log is lost", at)
		}
		for _, d := range report.Damage {
			if d.File != "000003.log" || d.Offset > int64(at) {
				t.Errorf("bit at byte %d: reported as %v", at, d)
			}
		}
	}
}

func TestDamagedBatches(t *testing.T) {
	good := batch(1, []byte("k"), []byte("v"))
	more := append(batch(5, []byte("m"), []byte("v")), 9)
	fewer := batch(5, []byte("m"), []byte("v"))
	fewer[8] = 2
	unknown := batch(5, []byte("m"), []byte("v"))
	unknown[batchHead] = 4
	long := batch(5, []byte("m"), []byte("v"))
	long[batchHead+1] = 200
	for name, tt := range map[string]struct {
		record []byte
		want   map[string]string
		says   string
	}{
		"too short":       {good[:11], nil, "too short"},
		"too many":        {more, map[string]string{"m": "v"}, "more entries"},
		"too few":         {fewer, map[string]string{"m": "v"}, "fewer entries"},
		"unknown kind":    {unknown, nil, "unknown kind"},
		"long key":        {long, nil, "runs past"},
		"large sequence":  {batch(maxSequence, []byte("m"), []byte("v")), nil, "sequence"},
		"another segment": {bytes.Repeat([]byte{0xff}, 40), nil, "sequence"},
	} {
		t.Run(name, func(t *testing.T) {
			got, report := loggedIn(t, map[string][]byte{"000003.log": fragments(good, tt.record, batch(7, []byte("z"), []byte("z")))}, edit(3))
			want := map[string]string{"k": "v", "z": "z"}
			maps.Copy(want, tt.want)
			sameEntries(t, got, want)
			if len(report.Damage) != 1 || !strings.Contains(report.Damage[0].Reason, tt.says) || report.Damage[0].Offset != int64(fragmentHead+len(good)) {
				t.Errorf("reported %v, want one that says %q", report.Damage, tt.says)
			}
		})
	}
}

// TestMiddleWithoutBeginning: pieces of a record that have lost the others are not taken for a record.
func TestMiddleWithoutBeginning(t *testing.T) {
	long := fragments(batch(1, []byte("k"), bytes.Repeat([]byte("v"), 2*pageSize)))
	end := fragments(batch(2, []byte("z"), []byte("z")))
	for name, tt := range map[string]struct {
		log  []byte
		says string
	}{
		"no beginning": {append(append([]byte(nil), long[pageSize:2*pageSize]...), end...), "no beginning"},
		"no end":       {append(append([]byte(nil), long[:pageSize]...), end...), "no end"},
	} {
		t.Run(name, func(t *testing.T) {
			got, report := loggedIn(t, map[string][]byte{"000003.log": tt.log}, edit(3))
			sameEntries(t, got, map[string]string{"z": "z"})
			if len(report.Damage) != 1 || !strings.Contains(report.Damage[0].Reason, tt.says) {
				t.Errorf("reported %v, want one that says %q", report.Damage, tt.says)
			}
		})
	}
}

// TestLogThatCannotBeRead: a failing disk is an error, not the end of the log.
func TestLogThatCannotBeRead(t *testing.T) {
	broken := errors.New("broken disk")
	r := &replay{}
	if _, err := r.read("log", io.MultiReader(bytes.NewReader(fragments(batch(1))), failing{broken}), nil); !errors.Is(err, broken) {
		t.Errorf("read = %v", err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
