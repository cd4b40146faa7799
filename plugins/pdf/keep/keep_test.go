package keep

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// actAs makes the test program one that writes pieces until it is killed; its value is the folder.
const actAs = "KEEP_TEST_WRITE_TO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(putFilesInto); dir != "" {
		fmt.Fprintln(os.Stderr, putFiles(dir))
		os.Exit(1)
	}
	if dir := os.Getenv(actAs); dir != "" {
		c, err := Open(Config{Dir: dir, MaxBytes: 1 << 20})
		for i := 0; err == nil; i++ {
			err = c.Put(key("shared"), fmt.Sprintf("page-%d", i%20), contents(i%20))
			fmt.Println(i)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func key(name string) Key {
	return Key{File: sha256.Sum256([]byte(name)), Extractor: "1", Options: "{}"}
}

// contents are those of a page, large enough that writing takes more than a moment.
func contents(page int) []byte { return bytes.Repeat([]byte{byte(page), 7}, 50_000) }

func open(t *testing.T, c Config) *Cache {
	t.Helper()
	cache, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return cache
}

func put(t *testing.T, c *Cache, k Key, piece string, value []byte) {
	t.Helper()
	if err := c.Put(k, piece, value); err != nil {
		t.Fatal(err)
	}
}

func TestKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	c := open(t, Config{Dir: dir})
	if _, ok := c.Get(key("a"), "page-1"); ok {
		t.Error("an empty cache has a piece")
	}
	put(t, c, key("a"), "page-1", []byte("one"))
	put(t, c, key("a"), "page-2", nil)
	put(t, c, key("a"), "page-1", []byte("one, again"))
	again := open(t, Config{Dir: dir})
	for _, c := range []*Cache{c, again} {
		if v, ok := c.Get(key("a"), "page-1"); !ok || string(v) != "one, again" {
			t.Errorf("got %q, %v", v, ok)
		}
		if v, ok := c.Get(key("a"), "page-2"); !ok || len(v) != 0 {
			t.Errorf("got %q, %v", v, ok)
		}
	}
	other, version, options := key("b"), key("a"), key("a")
	version.Extractor, options.Options = "2", `{"ocr":true}`
	shifted := Key{File: key("a").File, Extractor: "1 2 {", Options: "}"}
	for _, k := range []Key{other, version, options, shifted} {
		if _, ok := c.Get(k, "page-1"); ok {
			t.Errorf("%+v has the piece of another", k)
		}
	}
	if got, want := c.Stats(), again.Stats(); got.Bytes != want.Bytes || got.Hits != 2 || got.Misses != 5 || got.Written != 3 {
		t.Errorf("got %+v, and opened again %+v", got, want)
	}
	if err := c.Forget(key("a")); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Get(key("a"), "page-1"); ok || c.Stats().Bytes != 0 {
		t.Errorf("a forgotten piece is there; %+v", c.Stats())
	}
}

func TestNames(t *testing.T) {
	c := open(t, Config{Dir: t.TempDir()})
	for _, bad := range []string{"", "../x", "a/b", `a\b`, "A", ".x", "a b", strings.Repeat("a", 65)} {
		if c.Put(key("a"), bad, nil) == nil {
			t.Errorf("%q is taken", bad)
		}
		if _, ok := c.Get(key("a"), bad); ok {
			t.Errorf("%q is there", bad)
		}
	}
	if _, err := Open(Config{}); err == nil {
		t.Error("a cache without a folder is opened")
	}
}

// TestDamage changes each byte of a piece, and cuts it at each length.
func TestDamage(t *testing.T) {
	c := open(t, Config{Dir: t.TempDir()})
	value := []byte("what was read of a page")
	path := c.path(key("a"), "page-1")
	put(t, c, key("a"), "page-1", value)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := [][]byte{append(bytes.Clone(whole), 0)}
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 0x10
		damaged = append(damaged, flipped, whole[:i])
	}
	for i, content := range damaged {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if v, ok := c.Get(key("a"), "page-1"); ok {
			t.Fatalf("damage %d was not seen: %q", i, v)
		}
		if _, err := os.Stat(path); err == nil {
			t.Fatal("what is damaged stays")
		}
	}
	if s := c.Stats(); s.Damaged != int64(len(damaged)) {
		t.Errorf("%d damaged of %d", s.Damaged, len(damaged))
	}
	// A piece that lies in another's place is none.
	put(t, c, key("a"), "page-1", value)
	if err := os.Rename(path, c.path(key("a"), "page-2")); err != nil {
		t.Fatal(err)
	}
	if _, ok := c.Get(key("a"), "page-2"); ok {
		t.Error("a piece is taken for another")
	}
	put(t, c, key("a"), "page-1", value)
	if v, ok := c.Get(key("a"), "page-1"); !ok || !bytes.Equal(v, value) {
		t.Error("it is not written anew")
	}
}

func TestTTL(t *testing.T) {
	for _, tt := range []struct {
		ttl, after time.Duration
		there      bool
	}{
		{TTL, TTL - time.Second, true},
		{TTL, TTL + time.Second, false},
		{0, 1000 * TTL, true},
	} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			c := open(t, Config{Dir: dir, TTL: tt.ttl})
			put(t, c, key("a"), "page-1", []byte("one"))
			time.Sleep(tt.after)
			_, again := open(t, Config{Dir: dir, TTL: tt.ttl}).Get(key("a"), "page-1")
			_, here := c.Get(key("a"), "page-1")
			if again != tt.there || here != tt.there {
				t.Errorf("kept for %v, %v later it is there: %v, %v", tt.ttl, tt.after, here, again)
			}
		})
	}
}

// TestLeftovers: what a killed writer left is removed, what is being written is not.
func TestLeftovers(t *testing.T) {
	dir := t.TempDir()
	old, young := filepath.Join(dir, "1"+leftover), filepath.Join(dir, "2"+leftover)
	for _, path := range []string{old, young} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-2 * forgotten)
	if err := os.Chtimes(old, before, before); err != nil {
		t.Fatal(err)
	}
	c := open(t, Config{Dir: dir})
	_, oldErr := os.Stat(old)
	_, youngErr := os.Stat(young)
	if oldErr == nil || youngErr != nil || c.Stats().RemovedLeftover != 1 {
		t.Errorf("old: %v, young: %v, %+v", oldErr, youngErr, c.Stats())
	}
}

func TestBound(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		piece := int64(headSize + 1000)
		c := open(t, Config{Dir: dir, MaxBytes: 10 * piece})
		for i := range 11 {
			put(t, c, key(fmt.Sprint(i)), "page", make([]byte, 1000))
			time.Sleep(time.Second)
		}
		for i := range 11 {
			if _, ok := c.Get(key(fmt.Sprint(i)), "page"); ok != (i >= 2) {
				t.Errorf("piece %d is there: %v", i, ok)
			}
			time.Sleep(time.Second)
		}
		if s := c.Stats(); s.Evicted != 2 || s.Bytes != 9*piece {
			t.Errorf("got %+v", s)
		}
		put(t, c, key("huge"), "page", make([]byte, 10*piece))
		if _, ok := c.Get(key("huge"), "page"); ok || c.Stats().Bytes != 9*piece {
			t.Errorf("what is larger than the cache is kept: %+v", c.Stats())
		}
		// Half of the room is what a smaller cache has, for what was used last.
		if _, ok := c.Get(key("2"), "page"); !ok {
			t.Error("piece 2 is gone")
		}
		small := open(t, Config{Dir: dir, MaxBytes: 5 * piece})
		if s := small.Stats(); s.Bytes != 5*piece {
			t.Errorf("opened smaller: %+v", s)
		}
		for i := range 11 {
			if _, ok := small.Get(key(fmt.Sprint(i)), "page"); ok != (i == 2 || i >= 7) {
				t.Errorf("opened smaller, piece %d is there: %v", i, ok)
			}
		}
	})
}

func TestManyWriters(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	for range 4 {
		c := open(t, Config{Dir: dir, MaxBytes: 400_000}) // four pages of twenty: they remove each other's
		for range 2 {
			all.Go(func() {
				for i := range 60 {
					piece := fmt.Sprintf("page-%d", i%20)
					if err := c.Put(key("shared"), piece, contents(i%20)); err != nil {
						t.Error(err)
					}
					if v, ok := c.Get(key("shared"), piece); ok && !bytes.Equal(v, contents(i%20)) {
						t.Error("a piece is not what was put")
					}
				}
			})
		}
	}
	all.Wait()
	c := open(t, Config{Dir: dir, MaxBytes: 400_000})
	if s := c.Stats(); s.Bytes > 400_000 || s.Damaged > 0 {
		t.Errorf("got %+v", s)
	}
}

// killTwo starts this program twice, as one that puts what it is told to by a variable of its environment, and kills both once each has
// said so many lines.
func killTwo(t *testing.T, act string, lines int) {
	t.Helper()
	var programs []*exec.Cmd
	for range 2 {
		program := exec.CommandContext(t.Context(), os.Args[0])
		program.Env = append(os.Environ(), act)
		out, err := program.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := program.Start(); err != nil {
			t.Fatal(err)
		}
		programs = append(programs, program)
		said := bufio.NewScanner(out)
		for range lines {
			if !said.Scan() {
				t.Fatal("a program ended by itself")
			}
		}
	}
	for _, p := range programs {
		if err := p.Process.Kill(); err != nil {
			t.Error(err)
		}
		if err := p.Wait(); err == nil || p.ProcessState.Exited() {
			t.Errorf("a program was to be killed, and ended with %v", err)
		}
	}
}

// TestKilled: two programs write the same pieces and are killed while they do. Each piece that is there is whole.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	for round := range 6 {
		killTwo(t, actAs+"="+dir, 5+9*round)
		c := open(t, Config{Dir: dir, MaxBytes: 1 << 20})
		there := 0
		for i := range 20 {
			v, ok := c.Get(key("shared"), fmt.Sprintf("page-%d", i))
			if ok && !bytes.Equal(v, contents(i)) {
				t.Errorf("page %d is not what was put", i)
			}
			if ok {
				there++
			}
		}
		if s := c.Stats(); s.Damaged > 0 || there < 5 {
			t.Errorf("%d pieces are there; %+v", there, s)
		}
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add(pack(key("a"), "page", time.Unix(1, 2), []byte("value")))
	f.Add([]byte(begins))
	f.Fuzz(func(t *testing.T, content []byte) {
		value, written, ok := unpack(key("a"), "page", content)
		if ok && !bytes.Equal(pack(key("a"), "page", written, value), content) {
			t.Error("what is taken is not what would be written")
		}
	})
}
