package leveldb

import (
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/golang/snappy"
	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
)

// fragments cuts records into the pages of a log, as LevelDB does.
func fragments(records ...[]byte) []byte {
	var log []byte
	for _, record := range records {
		for begun := false; ; begun = true {
			room := pageSize - len(log)%pageSize
			if room < fragmentHead {
				log = append(log, make([]byte, room)...)
				room = pageSize
			}
			n := min(len(record), room-fragmentHead)
			end := n == len(record)
			kind := byte(fragmentMiddle)
			switch {
			case !begun && end:
				kind = fragmentFull
			case !begun:
				kind = fragmentFirst
			case end:
				kind = fragmentLast
			}
			body := append([]byte{kind}, record[:n]...)
			log = binary.LittleEndian.AppendUint32(log, checksum(body))
			log = binary.LittleEndian.AppendUint16(log, uint16(n))
			log = append(log, body...)
			if record = record[n:]; end {
				break
			}
		}
	}
	return log
}

// batch is one write: pairs of key and value, a nil value deletes.
func batch(sequence uint64, pairs ...[]byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, sequence)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(pairs)/2))
	for pair := range slices.Chunk(pairs, 2) {
		if pair[1] == nil {
			b = text(append(b, kindDelete), pair[0])
			continue
		}
		b = text(text(append(b, kindPut), pair[0]), pair[1])
	}
	return b
}

func text(out, s []byte) []byte { return append(binary.AppendUvarint(out, uint64(len(s))), s...) }

func numbers(ns ...uint64) []byte {
	var out []byte
	for _, n := range ns {
		out = binary.AppendUvarint(out, n)
	}
	return out
}

// edit is the first record of a MANIFEST.
func edit(log uint64, more ...byte) []byte {
	e := text([]byte{tagComparator}, []byte(comparator))
	return append(append(e, numbers(tagLog, log, tagPrevLog, 0, tagNextFile, 100, tagLastSequence, 1<<40)...), more...)
}

func newTableField(level, number uint64, smallest, largest string) []byte {
	f := numbers(tagNew, level, number, 0)
	trailer := make([]byte, trailerSize)
	return text(text(f, append([]byte(smallest), trailer...)), append([]byte(largest), trailer...))
}

// folder writes files into a new folder.
func folder(t *testing.T, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// written makes a database with goleveldb and returns its folder, as it is after change and before Close, and what it
// holds then.
func written(t *testing.T, o *opt.Options, change func(db *leveldb.DB, put func(key, value string), remove func(key string))) (string, map[string]string) {
	t.Helper()
	live := t.TempDir()
	db, err := leveldb.OpenFile(live, o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	change(db, func(key, value string) {
		want[key] = value
		if err := db.Put([]byte(key), []byte(value), nil); err != nil {
			t.Fatal(err)
		}
	}, func(key string) {
		delete(want, key)
		if err := db.Delete([]byte(key), nil); err != nil {
			t.Fatal(err)
		}
	})
	dir := filepath.Join(t.TempDir(), "copy")
	if err := db.Close(); err != nil { // wait for compactions: a copy of a moving folder would be of several moments
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(live)); err != nil {
		t.Fatal(err)
	}
	return dir, want
}

// everything reads all entries and checks that they come in order.
func everything(t *testing.T, dir string) (map[string]string, Report) {
	t.Helper()
	db, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	got, last := map[string]string{}, ""
	c := db.Cursor(nil)
	for c.Next() {
		key := string(c.Key())
		if len(got) > 0 && key <= last {
			t.Fatalf("%q comes after %q", key, last)
		}
		last = key
		got[key] = string(c.Value())
	}
	if err := c.Err(); err != nil {
		t.Fatal(err)
	}
	return got, db.Report()
}

func sameEntries(t *testing.T, got, want map[string]string) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for key, value := range want {
		if have, ok := got[key]; !ok {
			t.Errorf("%q is missing", key)
		} else if have != value {
			t.Errorf("%q is %.40q, want %.40q", key, have, value)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%q should not be there", key)
		}
	}
}

func whole(t *testing.T, r Report) {
	t.Helper()
	if len(r.Damage)+len(r.Torn) > 0 {
		t.Errorf("damage where there is none: %v, torn: %v", r.Damage, r.Torn)
	}
}

func numbered(i int) string { return fmt.Sprintf("key%06d", i) }

// pair is an entry of a table: key, sequence and kind, value.
type pair struct {
	key      string
	sequence uint64
	kind     byte
	value    string
}

func (p pair) internal() []byte {
	return binary.LittleEndian.AppendUint64([]byte(p.key), p.sequence<<8|uint64(p.kind))
}

// blockOf makes a block without shared keys: each entry is a restart point.
func blockOf(entries ...[2][]byte) []byte {
	var data, restarts []byte
	for _, e := range entries {
		restarts = binary.LittleEndian.AppendUint32(restarts, uint32(len(data)))
		data = append(data, numbers(0, uint64(len(e[0])), uint64(len(e[1])))...)
		data = append(append(data, e[0]...), e[1]...)
	}
	return binary.LittleEndian.AppendUint32(append(data, restarts...), uint32(len(entries)))
}

// tableOf makes a table of one block for each row of pairs, in whatever order they are.
func tableOf(rows ...[]pair) []byte {
	var file []byte
	var index [][2][]byte
	for _, row := range rows {
		var entries [][2][]byte
		for _, p := range row {
			entries = append(entries, [2][]byte{p.internal(), []byte(p.value)})
		}
		var at []byte
		file, at = appendBlock(file, blockOf(entries...))
		index = append(index, [2][]byte{row[len(row)-1].internal(), at})
	}
	return appendEnd(file, blockOf(index...))
}

func appendBlock(file, block []byte) (longer, handle []byte) {
	kind := byte(compressNone)
	if short := snappy.Encode(nil, block); len(short) < len(block)-len(block)/8 {
		block, kind = short, compressSnappy
	}
	handle = numbers(uint64(len(file)), uint64(len(block)))
	block = append(slices.Clone(block), kind)
	file = append(file, block...)
	return binary.LittleEndian.AppendUint32(file, checksum(block)), handle
}

func appendEnd(file, index []byte) []byte {
	file, at := appendBlock(file, index)
	footer := append(append(make([]byte, 0, footerSize), 0, 0), at...)
	footer = append(footer, make([]byte, footerSize-8-len(footer))...)
	return append(file, binary.LittleEndian.AppendUint64(footer, tableMagic)...)
}

// tablesIn makes a database without logs out of tables, each at the level and with the key range given.
func tablesIn(t *testing.T, tables map[string][]byte, fields ...[]byte) string {
	t.Helper()
	files := maps.Clone(tables)
	files["CURRENT"] = []byte("MANIFEST-000002\n")
	files["MANIFEST-000002"] = fragments(edit(1000, slices.Concat(fields...)...))
	return folder(t, files)
}
