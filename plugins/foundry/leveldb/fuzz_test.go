package leveldb

import (
	"bytes"
	"slices"
	"testing"
)

// The fuzz targets feed the parsers what a damaged disk, or somebody with bad intentions, may put into the files. None may
// panic, hang or hand out entries in the wrong order.

func FuzzManifest(f *testing.F) {
	f.Add(fragments(edit(3)))
	f.Add(fragments(edit(3, newTableField(2, 5, "a", "b")...), numbers(tagDeleted, 2, 5), numbers(tagCompact, 1, 3, 7, 7, 7)))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		v, torn, err := parseManifest("m", data)
		if (err == nil) != (v != nil) {
			t.Fatalf("version %v with error %v", v, err)
		}
		for _, d := range torn {
			if d.Offset < 0 || d.Offset >= int64(len(data)) {
				t.Fatalf("torn at %d of %d", d.Offset, len(data))
			}
		}
		// The edits alone, without the checksums that keep nearly all changes from them.
		v = &version{}
		if v.edit(data) == nil {
			v.tables()
		}
	})
}

func FuzzLog(f *testing.F) {
	f.Add(fragments(batch(1, []byte("k"), []byte("v"), []byte("d"), nil)))
	f.Add(append(make([]byte, 20), fragments(batch(1, []byte("k"), bytes.Repeat([]byte("v"), pageSize)))...))
	f.Add(batch(3, []byte("k"), []byte("v")))
	f.Fuzz(func(t *testing.T, data []byte) {
		damage := func(at int64, reason string) {
			if at < 0 || at >= int64(len(data)) || reason == "" {
				t.Fatalf("damage at %d of %d: %q", at, len(data), reason)
			}
		}
		l := &replay{}
		if _, err := l.read("l", bytes.NewReader(data), damage); err != nil {
			t.Fatal(err)
		}
		l.batch(data)
		newest := l.newest()
		for i := 1; i < len(newest); i++ {
			if bytes.Compare(newest[i-1].key, newest[i].key) >= 0 {
				t.Fatalf("%q before %q", newest[i-1].key, newest[i].key)
			}
		}
	})
}

func FuzzTable(f *testing.F) {
	table := tableOf([]pair{{"a", 1, kindPut, "1"}, {"b", 2, kindDelete, ""}}, []pair{{"b", 1, kindPut, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}})
	f.Add(table, []byte("b"))
	f.Add(blockOf([2][]byte{pair{"a", 1, kindPut, ""}.internal(), []byte("1")}), []byte(""))
	f.Add(table[len(table)-footerSize:], []byte("a"))
	f.Fuzz(func(t *testing.T, data, target []byte) {
		walkTable(t, data, target)
		// As block and as index of a sound table, so that no checksum stands in the way.
		file, at := appendBlock(nil, data)
		walkTable(t, appendEnd(file, blockOf([2][]byte{pair{"zzzz", 1, kindPut, ""}.internal(), at})), target)
		walkTable(t, appendEnd(slices.Clip(table[:len(table)-footerSize]), data), target)
	})
}

func walkTable(t *testing.T, data, target []byte) {
	t.Helper()
	one, err := newTable("t", bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return
	}
	if one.measure() && (len(one.smallest) < trailerSize || len(one.largest) < trailerSize) {
		t.Fatalf("a range from %q to %q", one.smallest, one.largest)
	}
	one.smallest, one.largest = pair{}.internal(), pair{key: "zz"}.internal()
	db := &DB{young: []*table{one}, seen: map[place]bool{}}
	for _, prefix := range [][]byte{nil, target} {
		c := db.Cursor(prefix)
		for ok := c.Seek(target); ok; {
			last := bytes.Clone(c.Key())
			if bytes.Compare(last, target) < 0 || !bytes.HasPrefix(last, prefix) {
				t.Fatalf("%q after Seek(%q)", last, target)
			}
			if ok = c.Next(); ok && bytes.Compare(c.Key(), last) <= 0 {
				t.Fatalf("%q after %q", c.Key(), last)
			}
		}
		if c.Err() != nil {
			t.Fatal(c.Err())
		}
	}
}
