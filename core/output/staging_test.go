package output

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/seed-98789ff7/converter/sdk"
)

func TestNothingIsVisibleBeforeCommit(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	write(t, path, "previous")
	before := tree(t, path)
	w := open(t, path)
	if err := w.Entity(thing("next")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Prepare(Manifest{}); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(tree(t, path), before) {
		t.Fatal("the output changed before it was put in place")
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	files := tree(t, path)
	if _, ok := files["entities/item/next.json"]; !ok || len(files) != 4 {
		t.Errorf("the output is %q", files)
	}
	if more := beyond(t, path); more != nil {
		t.Errorf("left behind: %q", more)
	}
}

func TestAbort(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	for name, tc := range map[string]struct {
		before, after []string // entities of the outputs written before, and there after
		do            func(*JSON) error
	}{
		"at once":        {[]string{"a"}, []string{"a"}, func(w *JSON) error { return w.Abort() }},
		"nothing before": {nil, nil, func(w *JSON) error { return w.Abort() }},
		"twice":          {[]string{"a"}, []string{"a"}, func(w *JSON) error { return errors.Join(w.Abort(), w.Abort()) }},
		"after Prepare": {[]string{"a"}, []string{"a"}, func(w *JSON) error {
			_, err := w.Prepare(Manifest{})
			return errors.Join(err, w.Abort())
		}},
		"then Commit": {[]string{"a"}, []string{"a"}, func(w *JSON) error {
			_, err := w.Prepare(Manifest{})
			return errors.Join(err, w.Abort(), w.Commit())
		}},
		"after Commit": {[]string{"a"}, []string{"next"}, func(w *JSON) error {
			_, err := w.Prepare(Manifest{})
			return errors.Join(err, w.Commit(), w.Abort(), w.Commit())
		}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(filepath.Dir(path), name, "out")
			if tc.before != nil {
				write(t, path, tc.before...)
			}
			w := open(t, path)
			if err := w.Entity(thing("next")); err != nil {
				t.Fatal(err)
			}
			if err := tc.do(w); err != nil {
				t.Fatal(err)
			}
			if more := beyond(t, path); more != nil {
				t.Errorf("left behind: %q", more)
			}
			if tc.after == nil {
				if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Error("there is an output")
				}
				return
			}
			whole(t, path)
			if lines := tree(t, path)["entities.jsonl"]; !strings.Contains(lines, `"name":"`+tc.after[0]+`"`) {
				t.Errorf("the output has %s", lines)
			}
		})
	}
}

func TestReplaceable(t *testing.T) {
	ours := filepath.Join(t.TempDir(), "ours")
	write(t, ours, "a")
	for name, tc := range map[string]struct {
		make func(path string) error
		code string // empty: it may be replaced
	}{
		"nothing":      {func(string) error { return nil }, ""},
		"empty folder": {func(path string) error { return os.Mkdir(path, 0o777) }, ""},
		"an output":    {func(path string) error { return os.CopyFS(path, os.DirFS(ours)) }, ""},
		"with what file managers leave": {func(path string) error {
			return errors.Join(os.CopyFS(path, os.DirFS(ours)), os.WriteFile(filepath.Join(path, ".DS_Store"), nil, 0o666))
		}, ""},
		"a link to an output": {func(path string) error { return os.Symlink(ours, path) }, ""},

		"a file":            {func(path string) error { return os.WriteFile(path, nil, 0o666) }, "output.not_a_folder"},
		"a link to a file":  {func(path string) error { return os.Symlink("/etc/hostname", path) }, "output.not_a_folder"},
		"a link to nothing": {func(path string) error { return os.Symlink("nowhere", path) }, "output.dangling_link"},
		"foreign files":     {func(path string) error { return os.MkdirAll(filepath.Join(path, "photos"), 0o777) }, "output.foreign_files"},
		"a hidden file": {func(path string) error {
			return errors.Join(os.Mkdir(path, 0o777), os.WriteFile(filepath.Join(path, ".x"), nil, 0o666))
		}, "output.foreign_files"},
		"an output and notes": {func(path string) error {
			return errors.Join(os.CopyFS(path, os.DirFS(ours)), os.WriteFile(filepath.Join(path, "notes"), nil, 0o666))
		}, "output.foreign_files"},
		"other manifest": {func(path string) error {
			return errors.Join(os.Mkdir(path, 0o777), os.WriteFile(filepath.Join(path, manifestName), []byte(`{"format":"web"}`), 0o666))
		}, "output.foreign_files"},
		"no JSON in the manifest": {func(path string) error {
			return errors.Join(os.Mkdir(path, 0o777), os.WriteFile(filepath.Join(path, manifestName), []byte(Format), 0o666))
		}, "output.foreign_files"},
		"half an output": {func(path string) error { return os.MkdirAll(filepath.Join(path, "entities"), 0o777) }, "output.foreign_files"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			if err := tc.make(path); err != nil {
				t.Fatal(err)
			}
			w, err := OpenJSON(path)
			if tc.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(Replaceable(path), w.Abort()); err != nil {
					t.Error(err)
				}
				return
			}
			wantCode(t, err, sdk.Invalid, tc.code)
			wantCode(t, Replaceable(path), sdk.Invalid, tc.code)
			if more := beyond(t, path); more != nil {
				t.Errorf("left behind: %q", more)
			}
			if _, err := os.Lstat(path); err != nil {
				t.Error("what was there is gone")
			}
		})
	}
}

// TestFilesThatCameDuringTheRun are not replaced either.
func TestFilesThatCameDuringTheRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	w := open(t, path)
	if _, err := w.Prepare(Manifest{}); err != nil {
		t.Fatal(err)
	}
	photo := filepath.Join(path, "photo")
	if err := errors.Join(os.Mkdir(path, 0o777), os.WriteFile(photo, []byte("dear"), 0o666)); err != nil {
		t.Fatal(err)
	}
	wantCode(t, w.Commit(), sdk.Invalid, "output.foreign_files")
	if text, err := os.ReadFile(photo); err != nil || string(text) != "dear" {
		t.Error("the file is lost")
	}
	if more := beyond(t, path); more != nil {
		t.Errorf("left behind: %q", more)
	}
}

// TestLinksStayLinks: what a link leads to is replaced, on its own disk.
func TestLinksStayLinks(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "disk", "library"), filepath.Join(dir, "out")
	if err := errors.Join(os.MkdirAll(target, 0o777), os.Symlink(target, link)); err != nil {
		t.Fatal(err)
	}
	write(t, link, "a")
	write(t, link, "b")
	if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
		t.Errorf("the link is no link any more: %v", info)
	}
	whole(t, target)
	if more := append(beyond(t, link, "disk"), beyond(t, target)...); more != nil {
		t.Errorf("left behind: %q", more)
	}
}

func TestMountPoints(t *testing.T) {
	if isMount(t.TempDir()) {
		t.Error("a folder like any other is taken for a mount point")
	}
	const mounted = "/dev/shm"
	if !isMount("/") || !isMount(mounted) {
		t.Skipf("SKIPPED: %s is no mount point here, or the system does not say: refusing one is not proved", mounted)
	}
	wantCode(t, Replaceable(mounted), sdk.Invalid, "output.mount_point")
	_, err := OpenJSON(mounted)
	wantCode(t, err, sdk.Invalid, "output.mount_point")
}

// TestReadOnlyParent: root may write nearly everywhere, but not to /sys.
func TestReadOnlyParent(t *testing.T) {
	parent := t.TempDir()
	if os.Geteuid() == 0 {
		parent = "/sys"
		if err := os.Mkdir("/sys/converter-test", 0o777); !errors.Is(err, fs.ErrPermission) && !isReadOnly(err) {
			t.Skipf("SKIPPED: as root no folder was found that cannot be written to (%v): refusing one is not proved", err)
		}
	} else if err := os.Chmod(parent, 0o555); err != nil { //nolint:gosec // read-only is the point
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(parent, "out"), filepath.Join(parent, "deep", "out")} {
		_, err := OpenJSON(path)
		wantCode(t, err, sdk.Unavailable, "output.read_only")
		if !strings.Contains(err.Error(), path) {
			t.Errorf("it does not name the folder: %v", err)
		}
	}
}

func TestWhatTheSystemRefuses(t *testing.T) {
	s := &staging{path: "/x/out"}
	for code, causes := range map[string][]error{
		"output.disk_full":  {syscall.ENOSPC, syscall.EDQUOT},
		"output.read_only":  {syscall.EROFS, syscall.EACCES, syscall.EPERM, fs.ErrPermission},
		"output.unwritable": {syscall.EIO, syscall.ENAMETOOLONG, io.ErrShortWrite},
	} {
		for _, cause := range causes {
			err := s.fail("write a", &fs.PathError{Op: "write", Path: "/x/a", Err: cause})
			wantCode(t, err, sdk.Unavailable, code)
			if !errors.Is(err, cause) {
				t.Errorf("%v is lost in %v", cause, err)
			}
		}
	}
}

// TestFullDisk lets a write fail as on a full disk; what stood at the place stays.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skipf("SKIPPED: no /dev/full: %v", err)
	}
	path := filepath.Join(t.TempDir(), "out")
	write(t, path, "previous")
	before := tree(t, path)
	w := open(t, path)
	w.jsonl.file.Close()
	w.jsonl.file = full
	if err := w.Entity(thing("next")); err != nil {
		t.Fatal(err)
	}
	_, err = w.Prepare(Manifest{})
	wantCode(t, err, sdk.Unavailable, "output.disk_full")
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if !maps.Equal(tree(t, path), before) {
		t.Error("the previous output was touched")
	}
	if more := beyond(t, path); more != nil {
		t.Errorf("left behind: %q", more)
	}
}

func TestUnusualPaths(t *testing.T) {
	for _, name := range []string{
		"two words", "a*", "a?b", "[ab]", "[a", `a\b`, `\`, "a%20b", "-rf", ".hidden", "größe", "a\nb", "$HOME", "~", "x.lock", "x.old",
		".x.converter-AAAAAAAAAA", "{a,b}", strings.Repeat("long", 50),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), name, name)
			write(t, path, "a")
			// What a killed run would have left here, and what one would have left of an output that a pattern would mean too.
			stale, other := beside(path)+"ABCDEFGHIJ", filepath.Join(filepath.Dir(path), ".ab"+infix+"ABCDEFGHIJ")
			if err := errors.Join(os.Mkdir(stale, 0o777), os.Mkdir(other, 0o777)); err != nil {
				t.Fatal(err)
			}
			write(t, path, "b")
			whole(t, path)
			if more := beyond(t, path, filepath.Base(other)); more != nil {
				t.Errorf("left behind: %q", more)
			}
			if _, err := os.Stat(other); err != nil {
				t.Error("the folder of another output was removed")
			}
		})
	}
}

func TestRelativePath(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "out", "a")
	w := open(t, "out")
	t.Chdir(t.TempDir()) // where it lies does not depend on where the program is later
	finish(t, w, Manifest{})
	if entries, _ := os.ReadDir("."); len(entries) > 0 {
		t.Errorf("written to the wrong place: %v", entries)
	}
}

// TestRightsOfTheFolder are those of any folder that the user makes.
func TestRightsOfTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	write(t, path, "a")
	other := filepath.Join(filepath.Dir(path), "other")
	if err := os.Mkdir(other, 0o777); err != nil {
		t.Fatal(err)
	}
	got, err := os.Stat(path)
	want, otherErr := os.Stat(other)
	if err := errors.Join(err, otherErr); err != nil {
		t.Fatal(err)
	}
	if got.Mode() != want.Mode() {
		t.Errorf("rights %v, want %v", got.Mode(), want.Mode())
	}
}

// child starts this test binary as a run that writes to path, and returns when it has begun.
func child(t *testing.T, path string) (cmd *exec.Cmd, stdin io.Closer, dir string) {
	t.Helper()
	cmd = exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), writerVariable+"="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	dir, ok := strings.CutPrefix(strings.TrimSpace(line), "writing in ")
	if !ok {
		t.Fatalf("the child says %q, %v", line, err)
	}
	return cmd, in, dir
}

// TestKilledWriter: a process is killed in the middle of writing; the next run clears up after it.
func TestKilledWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	write(t, path, "previous")
	before := tree(t, path)
	cmd, _, dir := child(t, path)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	if _, err := os.Stat(filepath.Join(dir, "entities.jsonl")); err != nil {
		t.Fatalf("the child had not begun: %v", err)
	}
	if !maps.Equal(tree(t, path), before) {
		t.Error("the previous output was touched")
	}
	w := open(t, path)
	if more := beyond(t, path, filepath.Base(w.stage.dir), filepath.Base(w.stage.dir)+lockSuffix); more != nil {
		t.Errorf("left behind: %q", more)
	}
	finish(t, w, Manifest{})
	whole(t, path)
}

// TestLivingWriter: two processes write to one path; neither takes the other for dead, and the later one counts.
func TestLivingWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	cmd, stdin, dir := child(t, path)
	write(t, path, "quick")
	whole(t, path)
	if _, err := os.Stat(filepath.Join(dir, "entities.jsonl")); err != nil {
		t.Fatalf("the folder of a living run was removed: %v", err)
	}
	stdin.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the living run failed: %v", err)
	}
	whole(t, path)
	if lines := tree(t, path)["entities.jsonl"]; !strings.Contains(lines, "child") {
		t.Errorf("the later run does not count: %s", lines)
	}
	if more := beyond(t, path); more != nil {
		t.Errorf("left behind: %q", more)
	}
}

// TestKilledBetweenTheRenames of a system that cannot exchange folders in one step.
func TestKilledBetweenTheRenames(t *testing.T) {
	for name, tc := range map[string]struct {
		done int    // how many of the two renames
		want string // entity of the output after the next run has begun
	}{
		"before the first": {0, "previous"}, "before the second": {1, "previous"}, "after both": {2, "next"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			write(t, path, "previous")
			next := filepath.Join(t.TempDir(), "next")
			write(t, next, "next")
			dir := beside(path) + "ABCDEFGHIJ"
			errs := []error{os.CopyFS(dir, os.DirFS(next)), os.WriteFile(dir+lockSuffix, nil, 0o600)}
			if tc.done > 0 {
				errs = append(errs, os.Rename(path, dir+oldSuffix))
			}
			if tc.done > 1 {
				errs = append(errs, os.Rename(dir, path))
			}
			held, err := lock(dir + lockSuffix)
			if err := errors.Join(append(errs, err)...); err != nil {
				t.Fatal(err)
			}
			before := tree(t, filepath.Dir(path))
			if err := sweep(path); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(tree(t, filepath.Dir(path)), before) {
				t.Fatal("the folders of a living run were touched")
			}
			held.Close()
			if err := sweep(path); err != nil {
				t.Fatal(err)
			}
			if more := beyond(t, path); more != nil {
				t.Errorf("left behind: %q", more)
			}
			whole(t, path)
			if lines := tree(t, path)["entities.jsonl"]; !strings.Contains(lines, tc.want) {
				t.Errorf("the output has %s", lines)
			}
		})
	}
}

func TestSweepLeavesWhatIsNotOurs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	names := []string{".out.converter-notes", ".out.converter-", ".out.converter-ABCDEFGHIJ.txt", "out.converter-ABCDEFGHIJ", ".out2.converter-ABCDEFGHIJ"}
	for _, name := range names {
		if err := os.Mkdir(filepath.Join(filepath.Dir(path), name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write(t, path, "a")
	if got := beyond(t, path); len(got) != len(names) {
		t.Errorf("of %q there are left %q", names, got)
	}
}

// TestSwaps holds both ways of putting a folder in another's place.
func TestSwaps(t *testing.T) {
	for name, swap := range map[string]func(fresh, path string) error{"exchange": exchange, "by two": swapByTwo} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fresh, path := filepath.Join(dir, "fresh"), filepath.Join(dir, "out")
			write(t, fresh, "next")
			write(t, path, "previous")
			if err := swap(fresh, path); err != nil {
				t.Fatal(err)
			}
			if lines := tree(t, path)["entities.jsonl"]; !strings.Contains(lines, "next") {
				t.Errorf("the output has %s", lines)
			}
			whole(t, path)
			// The previous one is where commit removes it.
			found := 0
			for _, old := range []string{fresh, fresh + oldSuffix} {
				if _, err := os.Stat(old); err == nil {
					found++
					whole(t, old)
				}
			}
			if found != 1 {
				t.Errorf("the previous output is in %d places", found)
			}
		})
	}
}

func TestSwapByTwoPutsBackWhatItTookAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	write(t, path, "previous")
	before := tree(t, path)
	if err := swapByTwo(filepath.Join(filepath.Dir(path), "not there"), path); err == nil {
		t.Fatal("nothing was put in place, and that is no error")
	}
	if !maps.Equal(tree(t, path), before) {
		t.Error("the previous output was touched")
	}
}

// TestManyWritersOfOnePath: each either is the output or has been; none fails, nothing is left.
func TestManyWritersOfOnePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			for j := range 8 {
				w, err := OpenJSON(path)
				if err != nil {
					t.Error(err)
					return
				}
				err = w.Entity(thing(fmt.Sprintf("writer-%d-%d", i, j)))
				if err == nil && j%3 > 0 {
					_, err = w.Prepare(Manifest{})
				}
				if err == nil && j%3 > 0 {
					err = w.Commit()
				}
				if err := errors.Join(err, w.Abort()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	whole(t, path)
	if more := beyond(t, path); more != nil {
		t.Errorf("left behind: %q", more)
	}
}
