package runs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// Verdict is what a check came to.
type Verdict string

// The verdicts.
const (
	Sound   Verdict = "ok"
	Doubt   Verdict = "warning" // it works, and something will be regretted
	Failing Verdict = "failed"
)

// Finding is what one check saw.
type Finding struct {
	Check   string  `json:"check"`
	Verdict Verdict `json:"verdict"`
	Text    string  `json:"text"`
	Advice  string  `json:"advice,omitempty"` // what to do
}

// examination collects findings.
type examination struct {
	config Config
	list   []Finding
}

func (e *examination) ok(check, format string, args ...any) {
	e.list = append(e.list, Finding{Check: check, Verdict: Sound, Text: fmt.Sprintf(format, args...)})
}

func (e *examination) doubt(check, text, advice string) {
	e.list = append(e.list, Finding{Check: check, Verdict: Doubt, Text: text, Advice: advice})
}

func (e *examination) fail(check, text, advice string) {
	e.list = append(e.list, Finding{Check: check, Verdict: Failing, Text: text, Advice: advice})
}

// The checks of [Examine].
const (
	checkBinary    = "rqlited"
	checkFolder    = "state folder"
	checkSpace     = "space"
	checkStore     = "store"
	checkSchema    = "schema"
	checkIntegrity = "integrity"
	checkSize      = "size"
	checkNode      = "node"
)

// Examine looks whether a library can be used, and how it is. It changes nothing in it, and leaves nothing behind; a
// library in use is looked at while it is.
func Examine(ctx context.Context, config Config) []Finding {
	e := &examination{}
	config, err := config.withDefaults()
	if err != nil {
		e.fail(checkStore, err.Error(), "correct it")
		return e.list
	}
	e.config = config
	private := len(config.URLs) == 0
	if path, named, err := rqlite.FindBinary(ctx, config.Binary); err == nil {
		e.ok(checkBinary, "%s (%s)", path, firstWords(named, 2))
	} else if private {
		e.fail(checkBinary, err.Error(), "")
	} else {
		e.doubt(checkBinary, err.Error(), "a cluster needs none here; only backups of it are not tried out without one")
	}
	there := e.folder()
	e.space()
	switch {
	case private && !there:
		e.scratch(ctx)
	default:
		e.store(ctx)
	}
	return e.list
}

func firstWords(s string, n int) string {
	words := strings.Fields(s)
	return strings.Join(words[:min(n, len(words))], " ")
}

// folder looks at the state folder, and reports whether there is a store in it.
func (e *examination) folder() bool {
	dir := e.config.Dir
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.writable(e.parent(), fmt.Sprintf("%s is not there yet; the first run makes it", dir))
		return false
	case err != nil:
		e.fail(checkFolder, err.Error(), "see that this user may read it, or name another one with --state")
		return false
	case !info.IsDir():
		e.fail(checkFolder, dir+" is no folder", "move it away, or name another one with --state")
		return false
	}
	text := dir
	if n, bytes := left(filepath.Join(dir, backupsDir)); n > 0 {
		text += fmt.Sprintf("; %d MB of backups from before restores in %s", bytes/1e6, backupsDir)
	}
	if e.writable(dir, text) && info.Mode().Perm()&0o077 != 0 {
		e.doubt(checkFolder, fmt.Sprintf("others may look into %s (%s)", dir, info.Mode().Perm()), "the next run closes it; chmod 700 does it now")
	}
	_, err = os.Stat(filepath.Join(dir, storeDir, dataDir))
	return err == nil
}

// left is how many files lie in a folder, and their bytes.
func left(dir string) (n int, bytes int64) {
	entries, _ := os.ReadDir(dir) // none: there is nothing
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			n++
			bytes += info.Size()
		}
	}
	return n, bytes
}

// parent is the nearest folder above the state folder that is there.
func (e *examination) parent() string {
	dir, err := filepath.Abs(e.config.Dir)
	if err != nil {
		return "."
	}
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

func (e *examination) writable(dir, text string) bool {
	file, err := os.CreateTemp(dir, ".converter-doctor-*")
	if err == nil {
		err = errors.Join(file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		e.fail(checkFolder, fmt.Sprintf("nothing can be written to %s: %v", dir, err), "see that this user may write there, or name another folder with --state")
		return false
	}
	e.ok(checkFolder, "%s", text)
	return true
}

const littleSpace = 1 << 30

func (e *examination) space() {
	dir := e.parent()
	free, known := rqlite.FreeSpace(dir)
	switch {
	case !known:
		e.doubt(checkSpace, "how much is free is not known on this system", "see that there is at least 1 GB")
	case free < littleSpace:
		e.doubt(checkSpace, fmt.Sprintf("%d MB are free on the disk of %s", free/1e6, dir),
			"a run wants three to four times what it stores; make room: converter cache prune, converter runs prune")
	default:
		e.ok(checkSpace, "%.1f GB are free", float64(free)/1e9)
	}
}

// scratch starts a node in a folder of its own, since there is no store yet.
func (e *examination) scratch(ctx context.Context) {
	dir, err := os.MkdirTemp("", "converter-doctor-")
	if err != nil {
		e.fail(checkStore, err.Error(), "see that the folder for temporary files can be written to")
		return
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			e.doubt(checkStore, err.Error(), "remove "+dir)
		}
	}()
	config := e.config
	config.Dir = dir
	began := time.Now()
	l, err := attach(ctx, config)
	if errors.Is(err, rqlite.ErrNoBinary) {
		return // it was said
	}
	if err != nil {
		e.fail(checkStore, err.Error(), "")
		return
	}
	e.ok(checkStore, "a node starts and answers within %s; there is no store yet", time.Since(began).Round(time.Millisecond))
	e.close(ctx, l)
}

func (e *examination) close(ctx context.Context, l *Library) {
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeLimit)
	defer cancel()
	if err := l.Close(late); err != nil {
		e.doubt(checkStore, err.Error(), "look whether an rqlited is left running")
	}
}

func (e *examination) store(ctx context.Context) {
	began := time.Now()
	l, err := attach(ctx, e.config)
	if errors.Is(err, rqlite.ErrNoBinary) {
		return // it was said
	}
	if err != nil {
		e.fail(checkStore, err.Error(), adviceFor(err))
		e.remains(ctx)
		return
	}
	defer e.close(ctx, l)
	took := time.Since(began).Round(time.Millisecond)
	switch {
	case l.guest:
		e.ok(checkStore, "another process has it and lets others read; it answers within %s", took)
	case l.node != nil:
		e.ok(checkStore, "the node starts and has all its data in sight within %s", took)
	default:
		e.ok(checkStore, "the cluster answers within %s", took)
	}
	e.schema(ctx, l)
	if err := sound(ctx, l.client.Patient(lookThrough), "quick_check"); err != nil {
		e.fail(checkIntegrity, err.Error(), "restore a backup: converter restore FILE.zip")
	} else {
		e.ok(checkIntegrity, "SQLite finds the database sound")
	}
	e.size(ctx, l)
	if len(e.config.URLs) > 0 {
		e.nodes(ctx, l)
	}
}

// remains says which nodes of a cluster are there that is of no use.
func (e *examination) remains(ctx context.Context) {
	if len(e.config.URLs) == 0 {
		return
	}
	statuses, err := rqlite.Nodes(ctx, e.config.client())
	if err != nil {
		e.fail(checkNode, err.Error(), "")
	}
	for _, s := range statuses {
		if s.Err != nil {
			e.unreachable(s)
			continue
		}
		e.ok(checkNode, "%s: rqlited %s, %s", s.URL, s.Version, strings.ToLower(s.State))
	}
}

func (e *examination) unreachable(s rqlite.Status) {
	e.fail(checkNode, fmt.Sprintf("%s: %v", s.URL, s.Err),
		"start it, or take it out of store.urls; a run goes on while more than half of the nodes are there")
}

func adviceFor(err error) string {
	switch {
	case errors.Is(err, rqlite.ErrUnauthorized):
		return "correct store.user and store.password"
	case errors.Is(err, rqlite.ErrUnavailable):
		return "see that the nodes of store.urls run and can be reached from here; a private node's last words stand above"
	default:
		return ""
	}
}

func (e *examination) schema(ctx context.Context, l *Library) {
	err := rqlite.CheckSchema(ctx, l.client, migrations())
	version, versionErr := rqlite.SchemaVersion(ctx, l.client)
	switch err = errors.Join(err, versionErr); {
	case err != nil:
		e.fail(checkSchema, err.Error(), "")
	case version < len(migrations()):
		e.ok(checkSchema, "version %d; the next run takes it to %d", version, len(migrations()))
	default:
		e.ok(checkSchema, "version %d, the newest that this program knows", version)
	}
}

func (e *examination) size(ctx context.Context, l *Library) {
	pages, err := l.pages(ctx)
	if err != nil {
		e.fail(checkSize, err.Error(), "")
		return
	}
	text := fmt.Sprintf("database %.1f MB, of which %.1f MB are free for new rows", float64(pages.size())/1e6, float64(pages.free*pages.bytes)/1e6)
	var log int64
	for _, s := range l.client.Nodes(ctx) {
		log = max(log, s.LogSize)
	}
	text += fmt.Sprintf("; log %.1f MB", float64(log)/1e6)
	if log > 1<<30 {
		e.doubt(checkSize, text, "a log does not shrink: a backup and a restore make it small again")
		return
	}
	e.ok(checkSize, "%s", text)
}

// nodes looks at each node of a cluster.
func (e *examination) nodes(ctx context.Context, l *Library) {
	statuses := l.client.Nodes(ctx)
	leaders := slices.IndexFunc(statuses, func(s rqlite.Status) bool { return s.State == "Leader" })
	for _, s := range statuses {
		if s.Err != nil {
			e.unreachable(s)
			continue
		}
		var times []string
		var failures []error
		for _, level := range []rqlite.ReadLevel{rqlite.Weak, rqlite.Linearizable} {
			took, err := l.client.ReadFrom(ctx, s.URL, level)
			failures = append(failures, err)
			times = append(times, fmt.Sprintf("%s %s", level, took.Round(100*time.Microsecond)))
		}
		text := fmt.Sprintf("%s: rqlited %s, %s, reads %s", s.URL, s.Version, strings.ToLower(s.State), strings.Join(times, ", "))
		switch err := errors.Join(failures...); {
		case err != nil:
			e.fail(checkNode, fmt.Sprintf("%s: %v", s.URL, err), "")
		case len(s.Advice()) > 0:
			e.doubt(checkNode, text, strings.Join(s.Advice(), "; "))
		default:
			e.ok(checkNode, "%s", text)
		}
	}
	if leaders < 0 && len(statuses) > 1 {
		e.doubt(checkNode, "none of store.urls is the leader", "name all nodes of the cluster")
	}
}
