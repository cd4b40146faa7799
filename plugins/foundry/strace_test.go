package foundry_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/internal/testdata"
	"github.com/seed-98789ff7/converter/plugins/foundry"
	"github.com/seed-98789ff7/converter/sdk"
)

// readThis makes the test program read a folder as a plugin does, for another one that watches it.
const readThis = "FOUNDRY_TEST_READ"

func TestMain(m *testing.M) {
	dir := os.Getenv(readThis)
	if dir == "" {
		os.Exit(m.Run())
	}
	if err := readAlone(context.Background(), strings.Split(dir, "\n")); err != nil {
		fmt.Fprint(os.Stderr, err)
		os.Exit(1)
	}
}

func readAlone(ctx context.Context, roots []string) error {
	text, err := json.Marshal(options{"roots": roots})
	if err != nil {
		return err
	}
	s := foundry.New()
	if err := s.Configure(ctx, sdk.Configuration{Options: text}); err != nil {
		return err
	}
	if _, err := s.Discover(ctx); err != nil {
		return err
	}
	h := &heard{}
	if err := s.Read(ctx, sdk.ReadRequest{}, h); err != nil {
		return err
	}
	fmt.Println(len(h.records), len(h.skipped))
	return s.(io.Closer).Close()
}

var (
	// opens are system calls that open a file for more than reading, with the path.
	opens = regexp.MustCompile(`\b(?:open|openat|openat2|creat)\(.*?"([^"]*)".*\b(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND)\b`)
	// changes are system calls that change or lock something.
	changes = regexp.MustCompile(`\b(?:rename|renameat|renameat2|unlink|unlinkat|rmdir|mkdir|mkdirat|link|linkat|symlink|symlinkat|` +
		`truncate|ftruncate|chmod|fchmod|fchmodat|chown|fchown|fchownat|lchown|utime|utimes|utimensat|futimesat|setxattr|fallocate|mknod|mknodat|flock)\(` +
		`|\bF_(?:OFD_)?SETLKW?\b`)
)

// TestReadOnly watches every system call of a reading: nothing is opened for writing, made, renamed, removed or locked.
func TestReadOnly(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("SKIPPED: there is no strace")
	}
	trace := filepath.Join(t.TempDir(), "trace")
	const calls = "trace=%file,creat,flock,fcntl,ftruncate,fchmod,fchown,fallocate"
	if out, err := exec.CommandContext(t.Context(), strace, "-f", "-o", trace, "-e", calls, "true").CombinedOutput(); err != nil {
		t.Skipf("SKIPPED: strace cannot watch programs here: %v: %s", err, out)
	}
	// A folder with everything that could tempt a reader to write: both older forms, a pack without LOCK, one without MANIFEST.
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "worlds"), os.DirFS(testdata.Dir(t, "foundry", "Data", "worlds"))); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(dir, "modules"), os.DirFS(testdata.Dir(t, "foundry", "Data", "modules"))); err != nil {
		t.Fatal(err)
	}
	world := filepath.Join(dir, "worlds", "trophy-dark-srd", "data")
	for _, gone := range []string{"items", "macros/LOCK", "folders/CURRENT"} {
		if err := os.RemoveAll(filepath.Join(world, gone)); err != nil {
			t.Fatal(err)
		}
	}
	put(t, dir, map[string]string{"tree/a.yml": "_id: a\n_key: '!items!a'\n"})
	before := state(t, dir)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), strace, "-f", "-qq", "-s", "4096", "-o", trace, "-e", calls, program)
	child.Env = append(os.Environ(), readThis+"="+dir+"\n"+filepath.Join(dir, "tree"))
	out, err := child.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	var records, skipped int
	if _, err := fmt.Sscan(string(out), &records, &skipped); err != nil || records != 77 || skipped > 0 {
		t.Errorf("%d records, %d skipped: %v", records, skipped, err)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, dir) {
			read++
		}
		if m := opens.FindStringSubmatch(line); m != nil && m[1] != "/dev/null" || changes.MatchString(line) {
			t.Errorf("not only read: %s", line)
		}
	}
	if read < 50 {
		t.Errorf("only %d system calls name the folder: the trace shows nothing", read)
	}
	if after := state(t, dir); !maps.Equal(before, after) {
		t.Error("the folder changed")
	}
}

// TestTraceSeesWrites: what is looked for in a trace is found in one of a program that writes.
func TestTraceSeesWrites(t *testing.T) {
	for line, want := range map[string]bool{
		`7 openat(AT_FDCWD, "/d/LOCK", O_RDWR|O_CREAT|O_CLOEXEC, 0644) = 3`: true,
		`7 openat(AT_FDCWD, "/d/LOG", O_WRONLY) = 3`:                        true,
		`7 openat(AT_FDCWD, "/d/CURRENT", O_RDONLY|O_CLOEXEC) = 3`:          false,
		`7 rename("/d/a", "/d/b") = 0`:                                      true,
		`7 unlinkat(AT_FDCWD, "/d/a", 0) = 0`:                               true,
		`7 flock(3, LOCK_SH) = 0`:                                           true,
		`7 fcntl(3, F_SETLK, {l_type=F_WRLCK}) = 0`:                         true,
		`7 fcntl(3, F_GETFL) = 0x8000`:                                      false,
		`7 newfstatat(AT_FDCWD, "/d/rename", {}, 0) = 0`:                    false,
	} {
		if got := opens.MatchString(line) || changes.MatchString(line); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}
