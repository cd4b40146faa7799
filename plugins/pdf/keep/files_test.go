package keep

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// putFilesInto makes the test program one that puts files until it is killed; its value is the folder.
const putFilesInto = "KEEP_TEST_PUT_FILES_INTO"

func putFiles(dir string) error {
	f := NewFiles(FilesConfig{Dir: dir, MaxBytes: 1, User: filepath.Join(dir, "nowhere")}) // nobody takes it for a user
	f.slack = 0
	for i := 0; ; i++ {
		if _, _, err := f.Put(contents(i % 20)); err != nil {
			return err
		}
		fmt.Println(i)
	}
}

// visitor is a user of files, who is there until it goes.
type visitor struct {
	*Files

	t      *testing.T
	folder string
}

func visit(t *testing.T, c FilesConfig) visitor {
	t.Helper()
	c.User = filepath.Join(t.TempDir(), "user")
	if err := os.Mkdir(c.User, 0o700); err != nil {
		t.Fatal(err)
	}
	return visitor{NewFiles(c), t, c.User}
}

func (v visitor) put(content string) (path string) {
	v.t.Helper()
	_, path, err := v.Put([]byte(content))
	if err != nil {
		v.t.Fatal(err)
	}
	time.Sleep(time.Minute)
	return path
}

func (v visitor) uses(content string) bool {
	_, ok := v.Use(hexSum(content), int64(len(content)))
	time.Sleep(time.Minute)
	return ok
}

// leave ends the use of what the visitor used.
func (v visitor) leave() {
	v.t.Helper()
	if err := errors.Join(v.Tidy(), os.Remove(v.folder)); err != nil {
		v.t.Fatal(err)
	}
	time.Sleep(time.Minute)
}

func hexSum(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// there lists which of some contents are in a folder.
func there(t *testing.T, dir string, contents ...string) string {
	t.Helper()
	var list []string
	for _, c := range contents {
		if got, err := os.ReadFile(filepath.Join(dir, hexSum(c))); err == nil {
			if string(got) != c {
				t.Errorf("%q is kept as %q", c, got)
			}
			list = append(list, c)
		}
	}
	return strings.Join(list, " ")
}

func TestFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "yet")
	f := NewFiles(FilesConfig{Dir: dir})
	if err := f.Tidy(); err != nil {
		t.Error(err)
	}
	if _, ok := f.Use(hexSum("map"), 3); ok {
		t.Error("what was not put is there")
	}
	sum, path, err := f.Put([]byte("map"))
	if err != nil || sum != hexSum("map") || path != filepath.Join(dir, sum) {
		t.Fatalf("%s, %s, %v", sum, path, err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	again := NewFiles(FilesConfig{Dir: dir})
	if _, _, err := again.Put([]byte("map")); err != nil || again.Stats().Written != 0 {
		t.Errorf("put again: %v, %+v", err, again.Stats())
	}
	if at, ok := again.Use(sum, 3); !ok || at != path {
		t.Errorf("%s, %v", at, ok)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("using a file has changed it: %v", err)
	}
	for name, size := range map[string]int64{sum: 4, sum[1:]: 3, "../" + sum: 3, "": 0, usedDir: 0} {
		if _, ok := again.Use(name, size); ok {
			t.Errorf("%q with %d bytes is there", name, size)
		}
	}
	if _, _, err := NewFiles(FilesConfig{}).Put(nil); err == nil {
		t.Error("a file is put into no folder")
	}
}

// TestFilesBound: what was not used for longest goes, once nobody who used it is there.
func TestFilesBound(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := FilesConfig{Dir: dir, MaxBytes: 10}
		first := visit(t, c)
		for _, content := range []string{"aaaa", "bbbb", "cccc"} {
			first.put(content)
		}
		if got := there(t, dir, "aaaa", "bbbb", "cccc"); got != "aaaa bbbb cccc" {
			t.Errorf("in use by itself: %s", got)
		}
		second := visit(t, c)
		if second.put("dddd"); !second.uses("aaaa") {
			t.Error("aaaa is gone")
		}
		if got := there(t, dir, "aaaa", "bbbb", "cccc", "dddd"); got != "aaaa bbbb cccc dddd" {
			t.Errorf("in use by another: %s", got)
		}
		first.leave()
		second.put("dddd")
		if err := second.Tidy(); err != nil {
			t.Fatal(err)
		}
		if got := there(t, dir, "aaaa", "bbbb", "cccc", "dddd"); got != "aaaa dddd" {
			t.Errorf("one has gone: %s", got)
		}
		if s := second.Stats(); s.Evicted != 2 || s.Files != 2 || s.Bytes != 8 {
			t.Errorf("%+v", s)
		}
		second.leave()
		third := visit(t, c)
		third.put("eeee")
		third.leave() // its folder is there while it tidies
		if got := there(t, dir, "aaaa", "dddd", "eeee"); got != "dddd eeee" {
			t.Errorf("both have gone: %s", got)
		}
	})
}

// TestFilesAge: what nobody has used for so long goes, whatever room there is.
func TestFilesAge(t *testing.T) {
	for _, tt := range []struct {
		name      string
		ttl, wait time.Duration
		want      string
	}{
		{"not yet", TTL, TTL - time.Hour, "old used"},
		{"then", TTL, TTL + time.Hour, "used"},
		{"never", 0, 1000 * TTL, "old used"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				c := FilesConfig{Dir: dir, TTL: tt.ttl}
				first := visit(t, c)
				first.put("old")
				first.put("used")
				first.leave()
				time.Sleep(tt.wait)
				second := visit(t, c)
				second.uses("used")
				second.leave()
				if got := there(t, dir, "old", "used"); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// TestFilesAfterKill: a program that was killed and is there again, in the same run, came when it did first.
func TestFilesAfterKill(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		c := FilesConfig{Dir: dir, MaxBytes: 1}
		first := visit(t, c)
		first.put("before")
		c.User = first.folder
		again := NewFiles(c)
		time.Sleep(time.Hour)
		if err := again.Tidy(); err != nil || there(t, dir, "before") == "" {
			t.Errorf("what the run uses is gone; %v", err)
		}
	})
}

// TestFilesLeft: what killed programs left goes, or is decided anew.
func TestFilesLeft(t *testing.T) {
	dir := t.TempDir()
	f := NewFiles(FilesConfig{Dir: dir, User: t.TempDir()})
	if _, _, err := f.Put([]byte("kept")); err != nil {
		t.Fatal(err)
	}
	long := time.Now().Add(-2 * forgotten)
	half, young, old := filepath.Join(dir, newFile+"1"), filepath.Join(dir, newFile+"2"), filepath.Join(dir, oldFile+hexSum("half gone"))
	mark, gone, torn := filepath.Join(dir, usedDir, hexSum("no file")), filepath.Join(dir, usersDir, "gone"), filepath.Join(dir, usersDir, "torn")
	for path, content := range map[string]string{
		half: "half", young: "half", old: "half gone", mark: "", torn: "12", filepath.Join(dir, "notes.txt"): "somebody's",
		gone: fmt.Sprintf("%d\n%s", long.UnixNano(), filepath.Join(dir, "nowhere")),
	} {
		if err := errors.Join(os.WriteFile(path, []byte(content), 0o600), os.Chtimes(path, long, long)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Chtimes(young, time.Now(), time.Now()), f.Tidy()); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{half: false, young: true, old: false, mark: false, gone: false, torn: false, filepath.Join(dir, "notes.txt"): true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s is there: %v", path, err == nil)
		}
	}
	if got := there(t, dir, "kept", "half gone"); got != "kept half gone" {
		t.Errorf("there is %q", got)
	}
}

// TestFilesTogether: many users of one folder that is far too small. What one of them was given is there until it goes.
func TestFilesTogether(t *testing.T) {
	dir := t.TempDir()
	var all sync.WaitGroup
	var evicted atomic.Int64
	for range 6 {
		all.Go(func() {
			for round := range 8 {
				v := visit(t, FilesConfig{Dir: dir, MaxBytes: 30_000})
				v.slack = 0
				given := map[string]int{}
				for i := range 12 {
					n := (i*7 + round) % 20
					content := contents(n)[:5000]
					path, ok := v.Use(hexSum(string(content)), int64(len(content)))
					if !ok {
						var err error
						if _, path, err = v.Put(content); err != nil {
							t.Error(err)
							return
						}
					}
					given[path] = n
				}
				if err := v.Tidy(); err != nil {
					t.Error(err)
				}
				for path, n := range given {
					if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, contents(n)[:5000]) {
						t.Errorf("file %d: %v", n, err)
					}
				}
				evicted.Add(v.Stats().Evicted)
				if err := os.Remove(v.folder); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if evicted.Load() == 0 {
		t.Error("nobody has removed anything")
	}
	f := NewFiles(FilesConfig{Dir: dir, MaxBytes: 30_000})
	f.slack = 0
	if err := f.Tidy(); err != nil || f.Stats().Bytes > 30_000 || f.Stats().Files == 0 {
		t.Errorf("%+v, %v", f.Stats(), err)
	}
}

// TestFilesKilled: programs put files, remove those of others before them, and are killed. Each file that is there is whole.
func TestFilesKilled(t *testing.T) {
	dir := t.TempDir()
	for round := range 4 {
		killTwo(t, putFilesInto+"="+dir, 5+9*round)
	}
	found := 0
	for i := range 20 {
		got, err := os.ReadFile(filepath.Join(dir, hexSum(string(contents(i)))))
		switch {
		case err == nil && !bytes.Equal(got, contents(i)):
			t.Errorf("file %d is not what was put", i)
		case err == nil:
			found++
		}
	}
	if found < 5 {
		t.Errorf("%d files are there", found)
	}
}
