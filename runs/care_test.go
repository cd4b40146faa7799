//go:build integration

package runs

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/archive"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// furnished returns a library with an ended run, a picture that a row names, and one that none names.
func furnished(t *testing.T) *Library {
	t.Helper()
	l := openLibrary(t, Config{})
	r := begin(t, l)
	if err := r.End(t.Context(), Ending{State: core.Succeeded, ResultID: "first", Drop: true}); err != nil {
		t.Fatal(err)
	}
	drawn(t, l, "goblin")
	if _, err := l.blobs.Put(t.Context(), []byte("nobody's")); err != nil {
		t.Fatal(err)
	}
	return l
}

// picture enters a picture of those bytes, whose id it returns.
func drawn(t *testing.T, l *Library, text string) string {
	t.Helper()
	name, err := l.blobs.Put(t.Context(), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	made := core.Rendition{Resolution: "original", SHA256: name, Bytes: int64(len(text))}
	if err := l.Store(t.Context(), "small", core.Asset{ID: name, Renditions: []core.Rendition{made}}); err != nil {
		t.Fatal(err)
	}
	return name
}

func results(t *testing.T, l *Library) []string {
	t.Helper()
	list, err := l.Runs(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, s := range list {
		ids = append(ids, s.ResultID)
	}
	return ids
}

func backup(t *testing.T, l *Library, kind archive.Type) BackedUp {
	t.Helper()
	config := l.config
	done, err := Backup(t.Context(), config, BackupConfig{Output: filepath.Join(t.TempDir(), "b.zip"), Type: kind})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := os.ReadDir(filepath.Dir(done.Path)); err != nil || len(n) != 1 {
		t.Errorf("beside the backup lie %v, %v", n, err)
	}
	return done
}

// TestBackupDuringARun: another library backs up, lists and counts while a run works in this one, cannot write, and what
// it saved is restored elsewhere.
func TestBackupDuringARun(t *testing.T) {
	l := furnished(t)
	r := begin(t, l)
	random := rand.New(rand.NewPCG(1, 2))
	large := document(random, 3*inlineLimit)
	put := func(uid string, raw []byte) {
		t.Helper()
		e := &core.Entity{UID: uid, Raw: raw}
		if err := r.PutEntity(t.Context(), e, core.Head{UID: uid, Kind: "creature", Name: uid}); err != nil {
			t.Fatal(err)
		}
	}
	put("large", large)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // it works all the time
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			default:
				put("small", document(random, 1000))
			}
		}
	}()
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	done := backup(t, l, archive.Full)
	if !done.Guest || done.Unproved != "" || done.Manifest.Schema != len(migrations()) || !strings.HasPrefix(done.Manifest.Node, "v8.43") {
		t.Errorf("%+v", done)
	}
	config := l.config
	config.Guest = true
	guest, err := Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if got := results(t, guest); !guest.Guest() || !slices.Equal(got, []string{"", "first"}) {
		t.Errorf("a guest sees %q", got)
	}
	if err := guest.Store(t.Context(), "small", core.Asset{ID: "x"}); !errors.Is(err, rqlite.ErrUnauthorized) {
		t.Errorf("a guest may write: %v", err)
	}
	closeLibrary(t, guest)
	close(stop)
	<-stopped
	if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
		t.Fatal(err)
	}

	other := Config{Dir: filepath.Join(t.TempDir(), "other"), Binary: binary(t)}
	restored, err := Restore(t.Context(), other, RestoreConfig{File: done.Path})
	if err != nil || restored.Before != "" || restored.Aside != "" {
		t.Fatalf("%+v, %v", restored, err)
	}
	if body, err := os.ReadFile(filepath.Join(other.Dir, "bodies", "2", blob.Name(large)[:2], blob.Name(large))); err != nil || string(body) != string(large) {
		t.Errorf("the large body: %d bytes, %v", len(body), err)
	}
	again := openLibrary(t, other)
	list, err := again.Runs(t.Context(), 0)
	if err != nil || len(list) != 2 || list[0].State != core.Interrupted || list[1].ResultID != "first" {
		t.Errorf("restored runs: %+v, %v", list, err)
	}
	if _, found, err := again.Lookup(t.Context(), blob.Name([]byte("goblin")), "small"); err != nil || !found {
		t.Errorf("the picture: %v, %v", found, err)
	}
}

// TestRestore goes back and forth: to the backup, and to what was there before it.
func TestRestore(t *testing.T) {
	l := furnished(t)
	config := l.config
	closeLibrary(t, l)
	first := backup(t, l, archive.Full)

	change := func() {
		t.Helper()
		l := openLibrary(t, config)
		r := begin(t, l)
		if err := r.End(t.Context(), Ending{State: core.Succeeded, ResultID: "second", Drop: true}); err != nil {
			t.Fatal(err)
		}
		drawn(t, l, "dragon")
		closeLibrary(t, l)
	}
	change()
	look := func(wantRuns []string, dragon bool) {
		t.Helper()
		l := openLibrary(t, config)
		defer closeLibrary(t, l)
		if got := results(t, l); !slices.Equal(got, wantRuns) {
			t.Errorf("runs %q, want %q", got, wantRuns)
		}
		name := blob.Name([]byte("dragon"))
		if there, err := l.blobs.Has(t.Context(), name, blob.AnySize); err != nil || there != dragon {
			t.Errorf("the dragon's file is there: %v, %v", there, err)
		}
	}
	restore := func(file string) Restored {
		t.Helper()
		done, err := Restore(t.Context(), config, RestoreConfig{File: file})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(config.Dir, "restore")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("something is left of the restore: %v", err)
		}
		return done
	}
	look([]string{"second", "first"}, true)
	done := restore(first.Path)
	look([]string{"first"}, false)
	restore(done.Before)
	look([]string{"second", "first"}, true)

	rows := Config{Dir: config.Dir, Binary: config.Binary}
	database, err := Backup(t.Context(), rows, BackupConfig{Output: filepath.Join(t.TempDir(), "d.zip"), Type: archive.Database})
	if err != nil || len(database.Manifest.Files) != 1 {
		t.Fatalf("%+v, %v", database, err)
	}
	restore(first.Path)
	picture := filepath.Join(config.Dir, "blobs", "zz")
	if err := os.Mkdir(picture, 0o700); err != nil {
		t.Fatal(err)
	}
	restore(database.Path)
	look([]string{"second", "first"}, false)
	if _, err := os.Stat(picture); err != nil {
		t.Errorf("a backup of the database has touched the pictures: %v", err)
	}
}

// TestRestoreRefused: what cannot be used changes nothing.
func TestRestoreRefused(t *testing.T) {
	l := furnished(t)
	config := l.config
	good := backup(t, l, archive.Database)
	if _, err := Restore(t.Context(), config, RestoreConfig{File: good.Path}); func() bool { _, is := errors.AsType[*rqlite.LockedError](err); return !is }() {
		t.Errorf("restored under a library at work: %v", err)
	}
	closeLibrary(t, l)
	want := files(t, config.Dir)
	write := func(m archive.Manifest, text string) string {
		t.Helper()
		w, err := archive.Create(filepath.Join(t.TempDir(), "b.zip"), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Add(archive.DatabaseName, strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Commit(m); err != nil {
			t.Fatal(err)
		}
		return w.Path()
	}
	newer := newerDatabase(t)
	for name, tt := range map[string]struct {
		file string
		want func(error) bool
	}{
		"no database":         {write(archive.Manifest{Type: archive.Database}, "rows"), isFileError},
		"it says it is newer": {write(archive.Manifest{Type: archive.Database, Schema: 99}, "rows"), isNewer},
		"it is newer":         {write(archive.Manifest{Type: archive.Database, Schema: 1}, newer), isNewer},
		"it is damaged":       {write(archive.Manifest{Type: archive.Database}, strings.Replace(newer, "CREATE TABLE", "CREATE ELBAT", 1)), isError},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Restore(t.Context(), config, RestoreConfig{File: tt.file})
			if !tt.want(err) {
				t.Errorf("%v", err)
			}
			if got := files(t, config.Dir); !maps.Equal(got, want) {
				t.Errorf("something was changed: %v, before %v", got, want)
			}
		})
	}
	cluster := config
	cluster.URLs = []string{"http://127.0.0.1:1"}
	if _, err := Restore(t.Context(), cluster, RestoreConfig{File: good.Path}); !errors.Is(err, ErrCluster) {
		t.Errorf("a cluster: %v", err)
	}
}

func isFileError(err error) bool { _, is := errors.AsType[*archive.FileError](err); return is }
func isNewer(err error) bool     { return errors.Is(err, rqlite.ErrNewer) }
func isError(err error) bool     { return err != nil }

// files are the sizes of all files of a library but those that say who had it.
func files(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	list := map[string]int64{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() && d.Name() != "lock" {
			list[path] = info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// newerDatabase is a database that a newer program has changed.
func newerDatabase(t *testing.T) string {
	t.Helper()
	l := openLibrary(t, Config{})
	_, err := l.client.Apply(t.Context(), rqlite.Statement{SQL: `INSERT INTO schema_migrations VALUES(99,'later',1)`})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "db")
	if err := l.copyDatabase(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestUnreadableStore: what cannot be read, and so not be backed up, is kept as it is when a backup takes its place.
func TestUnreadableStore(t *testing.T) {
	l := furnished(t)
	config := l.config
	closeLibrary(t, l)
	good := backup(t, l, archive.Full)
	log := filepath.Join(config.Dir, storeDir, dataDir, "raft.db")
	if err := os.WriteFile(log, []byte(strings.Repeat("broken", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	done, err := Restore(t.Context(), config, RestoreConfig{File: good.Path})
	if err != nil || done.Before != "" || done.Aside == "" || done.Unread == nil {
		t.Fatalf("%+v, %v", done, err)
	}
	if kept, err := os.ReadFile(filepath.Join(done.Aside, storeDir, dataDir, "raft.db")); err != nil || !strings.HasPrefix(string(kept), "broken") {
		t.Errorf("what was there is not in %s: %v", done.Aside, err)
	}
	if got := results(t, openLibrary(t, config)); !slices.Equal(got, []string{"first"}) {
		t.Errorf("runs %q", got)
	}
}

// TestRestoreKilled kills restores at random moments: what is found afterwards is all old or all new.
func TestRestoreKilled(t *testing.T) {
	const kills = 12
	l := furnished(t)
	config := l.config
	closeLibrary(t, l)
	old := backup(t, l, archive.Full)
	l = openLibrary(t, config)
	r := begin(t, l)
	if err := r.End(t.Context(), Ending{State: core.Succeeded, ResultID: "second", Drop: true}); err != nil {
		t.Fatal(err)
	}
	drawn(t, l, "dragon")
	closeLibrary(t, l)
	states := map[bool]int{}
	for i := range kills {
		c := restorer(t, config.Dir, old.Path)
		began := time.Now()
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		if i == 0 { // how long it takes undisturbed
			if err := c.Wait(); err != nil {
				t.Fatal(err)
			}
			whole = time.Since(began)
		} else {
			time.Sleep(rand.N(whole))
			_ = c.Process.Kill()
			_ = c.Wait()
		}
		l := openLibrary(t, config)
		got := results(t, l)
		dragon, err := l.blobs.Has(t.Context(), blob.Name([]byte("dragon")), blob.AnySize)
		if err != nil {
			t.Fatal(err)
		}
		isNew := slices.Equal(got, []string{"first"})
		if !isNew && !slices.Equal(got, []string{"second", "first"}) || dragon == isNew {
			t.Fatalf("kill %d left a mixture: runs %q, dragon %v", i, got, dragon)
		}
		states[isNew]++
		if isNew { // change it again
			r := begin(t, l)
			if err := r.End(t.Context(), Ending{State: core.Succeeded, ResultID: "second", Drop: true}); err != nil {
				t.Fatal(err)
			}
			drawn(t, l, "dragon")
		}
		closeLibrary(t, l)
	}
	t.Logf("old %d times, new %d times; a restore takes %s", states[false], states[true], whole)
}

var whole time.Duration

const restoreVariable = "RUNS_TEST_RESTORE" // its folder and file: be a restore

func restorer(t *testing.T, dir, file string) *exec.Cmd {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), own)
	c.Env = append(os.Environ(), restoreVariable+"="+dir+"\n"+file, "CONVERTER_RQLITED="+binary(t))
	c.Stderr = t.Output()
	return c
}

// TestMain lets the test binary be a restore that is killed.
func TestMain(m *testing.M) {
	text := os.Getenv(restoreVariable)
	if text == "" {
		os.Exit(m.Run())
	}
	dir, file, _ := strings.Cut(text, "\n")
	_, err := Restore(context.Background(), Config{Dir: dir, Binary: os.Getenv("CONVERTER_RQLITED")}, RestoreConfig{File: file})
	if err != nil {
		_, _ = os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(1)
	}
}

func TestForget(t *testing.T) {
	l := openLibrary(t, Config{})
	for range 3 {
		r := begin(t, l)
		raw := document(rand.New(rand.NewPCG(1, 2)), 3*inlineLimit)
		if err := r.PutEntity(t.Context(), &core.Entity{UID: "a", Raw: raw}, core.Head{UID: "a"}); err != nil {
			t.Fatal(err)
		}
		if err := r.End(t.Context(), Ending{State: core.Failed}); err != nil { // its rows are kept
			t.Fatal(err)
		}
	}
	live := begin(t, l)
	defer live.End(t.Context(), Ending{State: core.Succeeded, Drop: true})
	if kept, err := l.Kept(t.Context(), 1); err != nil || !kept {
		t.Errorf("rows of run 1: %v, %v", kept, err)
	}
	f := Forgetting{Keep: 1, DryRun: true}
	done, err := l.Forget(t.Context(), f)
	if err != nil || len(done.Runs) != 2 || done.Runs[0].ID != "r-0002" || done.Bodies < 2*3*inlineLimit {
		t.Errorf("%+v, %v", done, err)
	}
	if got := len(results(t, l)); got != 4 {
		t.Errorf("a dry run left %d runs of 4", got)
	}
	f.DryRun = false
	if done, err = l.Forget(t.Context(), f); err != nil || len(done.Runs) != 2 || done.Rows <= 0 {
		t.Errorf("%+v, %v", done, err)
	}
	if kept, err := l.Kept(t.Context(), 1); err != nil || kept {
		t.Errorf("rows of run 1: %v, %v", kept, err)
	}
	if _, err := os.Stat(l.bodies(1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("bodies of run 1: %v", err)
	}
	if done, err = l.Forget(t.Context(), Forgetting{Before: time.Now().Add(-time.Hour)}); err != nil || len(done.Runs) != 0 {
		t.Errorf("none is an hour old: %+v, %v", done, err)
	}
	if done, err = l.Forget(t.Context(), Forgetting{Before: time.Now().Add(time.Second)}); err != nil || len(done.Runs) != 1 {
		t.Errorf("one has ended: %+v, %v", done, err)
	}
	if got := len(results(t, l)); got != 1 {
		t.Errorf("%d runs are left, and one is at work", got)
	}
	for _, wrong := range []Forgetting{{}, {Keep: 1, Before: time.Now()}} {
		if _, err := l.Forget(t.Context(), wrong); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

func TestCache(t *testing.T) {
	l := furnished(t)
	lost, rotten := drawn(t, l, "lost"), drawn(t, l, "rotten")
	if err := l.blobs.Remove(t.Context(), lost); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(l.blobs.Path(rotten), []byte("ROTTEN"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := l.CacheStats(t.Context())
	if err != nil || s.Tables[0].Kind != "cache_entries" || s.Tables[1].Count != 3 || s.Blobs.Count != 3 || s.Unused != (Amount{Count: 1, Bytes: 8}) || s.Missing != (Amount{Count: 1, Bytes: 4}) ||
		!slices.Equal(s.Kinds, []Amount{{Kind: "original", Count: 2, Bytes: 12}}) {
		t.Errorf("%+v, %v", s, err)
	}
	quiet := func(string, int64, int64) {}
	check := func(repair bool, faults int) {
		t.Helper()
		c, err := l.VerifyCache(t.Context(), repair, quiet)
		if err != nil || len(c.Faults) != faults || c.Repaired != repair {
			t.Errorf("%+v, %v", c, err)
		}
	}
	picture := filepath.Join(t.TempDir(), "map.png")
	if err := os.WriteFile(picture, []byte("goblin"), 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(picture)
	if err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(time.Minute)
	l.Files().Read(picture, info, info, later, blob.Name([]byte("dragon")))
	check(false, 4) // the rotten file, its row, the row of the lost one, the picture of a source
	check(true, 4)
	check(false, 0)
	l.Files().Read(picture, info, info, later, blob.Name([]byte("goblin")))
	check(false, 0)
	if s, err = l.CacheStats(t.Context()); err != nil || s.Files.Count != 1 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, all := range []bool{false, true} {
		if _, known := l.Files().Holds(picture, info); !known {
			t.Errorf("all: %v: what the picture held is forgotten", all)
		}
		if _, err := l.PruneStreams(t.Context(), all, false); err != nil {
			t.Fatal(err)
		}
	}
	if _, known := l.Files().Holds(picture, info); known {
		t.Error("what the picture held is not forgotten")
	}
	if _, found, err := l.Lookup(t.Context(), rotten, "small"); err != nil || found {
		t.Errorf("the rotten picture is still found: %v, %v", found, err)
	}

	r := begin(t, l)
	var busy *AtWorkError
	if _, err := l.PruneCache(t.Context(), false); !errors.As(err, &busy) || busy.Run != r.ID() {
		t.Errorf("pruned under a run: %v", err)
	}
	if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(filepath.Dir(l.blobs.Path(blob.Name([]byte("goblin")))), ".part-1")
	if err := os.WriteFile(part, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		if gone, err := l.PruneCache(t.Context(), dry); err != nil || gone != (Amount{Count: 2, Bytes: 12}) {
			t.Errorf("dry %v: %+v, %v", dry, gone, err)
		}
	}
	if gone, err := l.PruneCache(t.Context(), false); err != nil || gone.Count != 0 {
		t.Errorf("once more: %+v, %v", gone, err)
	}
	if _, found, err := l.Lookup(t.Context(), blob.Name([]byte("goblin")), "small"); err != nil || !found {
		t.Errorf("the picture in use: %v, %v", found, err)
	}
}

func verdicts(list []Finding) map[string]Verdict {
	found := map[string]Verdict{}
	for _, f := range list {
		if found[f.Check] != Failing {
			found[f.Check] = f.Verdict
		}
	}
	return found
}

func TestExamine(t *testing.T) {
	empty := Config{Dir: filepath.Join(t.TempDir(), "none"), Binary: binary(t)}
	if got := verdicts(Examine(t.Context(), empty)); got[checkStore] != Sound || got[checkBinary] != Sound || got[checkFolder] != Sound {
		t.Errorf("nothing yet: %v", got)
	}
	if _, err := os.Stat(empty.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it has left something: %v", err)
	}
	l := furnished(t)
	for _, inUse := range []bool{true, false} {
		got := verdicts(Examine(t.Context(), l.config))
		for _, check := range []string{checkBinary, checkFolder, checkStore, checkSchema, checkIntegrity, checkSize} {
			if got[check] != Sound {
				t.Errorf("in use %v: %s is %q", inUse, check, got[check])
			}
		}
		if inUse {
			closeLibrary(t, l)
		}
	}
	for name, tt := range map[string]struct {
		config Config
		check  string
	}{
		"no rqlited": {Config{Dir: l.config.Dir, Binary: "/no/such/rqlited"}, checkBinary},
		"no folder":  {Config{Dir: binary(t), Binary: binary(t)}, checkFolder},
		"no cluster": {Config{Dir: l.config.Dir, Binary: binary(t), URLs: []string{"http://127.0.0.1:1"}}, checkNode},
	} {
		if testing.Short() && name == "no cluster" {
			continue // it tries for half a minute
		}
		if got := verdicts(Examine(t.Context(), tt.config)); got[tt.check] != Failing {
			t.Errorf("%s: %v", name, got)
		}
	}
}
