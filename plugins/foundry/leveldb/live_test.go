package leveldb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
)

// TestBusy: a MANIFEST that grows during each try ends in ErrBusy, one that comes to rest is read.
func TestBusy(t *testing.T) {
	dir := folder(t, map[string][]byte{
		"CURRENT":         []byte("MANIFEST-000002\n"),
		"MANIFEST-000002": fragments(edit(3)),
		"000003.log":      fragments(batch(1, []byte("k"), []byte("v"))),
	})
	looks := 0
	restless := func(until int) func(string) (head, error) {
		return func(dir string) (head, error) {
			looks++
			h, err := readHead(dir)
			if looks <= until {
				h.manifest = append(h.manifest, fragments(numbers(tagNextFile, uint64(looks)))...)
			}
			return h, err
		}
	}
	if _, err := open(dir, restless(1000)); !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "copy the folder") {
		t.Errorf("open = %v, want ErrBusy with advice", err)
	}
	if looks != 2*tries {
		t.Errorf("%d looks, want %d", looks, 2*tries)
	}
	looks = 0
	db, err := open(dir, restless(5))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if r := db.Report(); r.Tries != 4 {
		t.Errorf("%d tries, want 4", r.Tries)
	}
}

// TestSwitchedManifest: CURRENT is read, then LevelDB switches to a new MANIFEST and removes the old one.
func TestSwitchedManifest(t *testing.T) {
	dir := folder(t, map[string][]byte{"CURRENT": []byte("MANIFEST-000004\n"), "MANIFEST-000004": fragments(edit(3))})
	first := true
	db, err := open(dir, func(dir string) (head, error) {
		if first {
			first = false
			return head{current: "MANIFEST-000002"}, fmt.Errorf("%w: it is gone", ErrNoManifest)
		}
		return readHead(dir)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if r := db.Report(); r.Tries != 2 || r.Manifest != "MANIFEST-000004" {
		t.Errorf("%d tries, %s", r.Tries, r.Manifest)
	}
}

// TestLiveWriter reads while another goroutine writes. Each of its batches sets the same number in two keys far apart,
// so a view of more than one moment shows.
func TestLiveWriter(t *testing.T) {
	dir := t.TempDir()
	db, err := leveldb.OpenFile(dir, small(opt.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	stop, stopped, begun := make(chan struct{}), make(chan error, 1), make(chan struct{})
	go func() { stopped <- writeUntil(db, stop, begun) }()
	<-begun
	lowest, reads, busy := 0, 0, 0
	for range 40 {
		n, err := readTwins(dir)
		if errors.Is(err, ErrBusy) {
			busy++ // honest, if unwelcome
			continue
		}
		if err != nil {
			t.Error(err)
			break
		}
		if n < lowest {
			t.Errorf("state %d came after state %d", n, lowest)
		}
		lowest = n
		reads++
	}
	close(stop)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
	if reads < 10 {
		t.Errorf("%d of 40 reads came through, %d found the folder busy", reads, busy)
	}
	tables, _ := filepath.Glob(filepath.Join(dir, "*.ldb"))
	t.Logf("%d reads, %d busy, %d states, %d tables at the end", reads, busy, lowest, len(tables))
}

func writeUntil(db *leveldb.DB, stop <-chan struct{}, begun chan<- struct{}) error {
	for i := 0; ; i++ {
		select {
		case <-stop:
			return nil
		default:
		}
		var b leveldb.Batch
		n := []byte(strconv.Itoa(i))
		b.Put([]byte("a"), n)
		b.Put([]byte(numbered(i%500)), []byte(strings.Repeat("filler", 50)))
		b.Put([]byte("z"), n)
		if err := db.Write(&b, nil); err != nil {
			return err
		}
		if i == 200 {
			close(begun)
		}
	}
}

func readTwins(dir string) (int, error) {
	db, err := Open(dir)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	twins := map[string]string{}
	entries := 0
	c := db.Cursor(nil)
	for c.Next() {
		entries++
		if k := string(c.Key()); k == "a" || k == "z" {
			twins[k] = string(c.Value())
		}
	}
	if r := db.Report(); len(r.Damage) > 0 {
		return 0, fmt.Errorf("damage in a healthy database: %v", r.Damage)
	}
	n, err := strconv.Atoi(twins["a"])
	if err != nil || twins["a"] != twins["z"] || entries != 2+min(n+1, 500) {
		return 0, fmt.Errorf("states %q and %q at once, %d entries", twins["a"], twins["z"], entries)
	}
	return n, c.Err()
}

// TestCrash: a copy of the folder of a running database, with its log as it is.
func TestCrash(t *testing.T) {
	live := t.TempDir()
	db, err := leveldb.OpenFile(live, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	want := map[string]string{}
	for i := range 500 {
		want[numbered(i)] = strings.Repeat("v", i)
		if err := db.Put([]byte(numbered(i)), []byte(want[numbered(i)]), nil); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(dir, os.DirFS(live)); err != nil {
		t.Fatal(err)
	}
	for _, d := range []string{live, dir} {
		got, report := everything(t, d)
		sameEntries(t, got, want)
		whole(t, report)
	}
}
