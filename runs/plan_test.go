//go:build integration

package runs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

// wire is a way to the node of a library on which every statement is seen.
type wire struct {
	*httptest.Server

	mu         sync.Mutex
	statements map[string]seen
}

// seen is how a statement was sent, the first time.
type seen struct {
	args  []any
	query string // of the request: how certain a read is to be
}

// tap returns a second library on the node of the first one, all of whose statements are seen.
func tap(t *testing.T, l *Library) (*Library, *wire) {
	t.Helper()
	node := l.node.ClientConfig()
	target, err := url.Parse(node.Endpoints()[0])
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{statements: map[string]seen{}}
	proxy := httputil.NewSingleHostReverseProxy(target)
	w.Server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.note(body, r.URL.RawQuery)
		r.Body = io.NopCloser(bytes.NewReader(body))
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(w.Close)
	return openLibrary(t, Config{URLs: []string{w.URL}, User: node.User, Password: node.Password, Keep: 3}), w
}

func (w *wire) note(body []byte, query string) {
	var statements [][]any
	if json.Unmarshal(body, &statements) != nil {
		return // not one with SQL
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range statements {
		text, _ := s[0].(string)
		if _, known := w.statements[text]; !known {
			w.statements[text] = seen{s[1:], query}
		}
	}
}

// known are the statements so far; the run at work goes on sending its sign of life.
func (w *wire) known() map[string]seen {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.statements)
}

var ofRun = regexp.MustCompile(`\brun_\d+_`)

// scanned says of statements why they may go through all of a table.
var scanned = map[string]string{
	"SELECT number,token,heartbeat_ms,pid FROM runs WHERE state IN": "at most `keep` rows, once when the program starts",
	"SELECT number FROM runs WHERE state NOT IN":                    "at most `keep` rows, once when a run ends",
	"SELECT number,COALESCE(summary->>'compendium',0) OR EXISTS(":   "at most `keep` rows, once when a run ends",
	"SELECT asset_id FROM":                                             "all that a run has made, once when it is resumed",
	"SELECT id FROM runs WHERE state IN":                               "at most `keep` rows, once when the cache is cleared",
	"SELECT COUNT(*),COALESCE(SUM(length(":                             "counts all rows, when somebody asks how many there are",
	"SELECT asset_id,recipe,body FROM pictures ORDER BY":               "the first page of all, in the order of the key",
	"SELECT 1 FROM sqlite_schema WHERE":                                "a few rows a kept run, when somebody looks at one",
	"SELECT page_count,":                                               "no table: the head of the file",
	"SELECT version, checksum FROM schema_migrations ORDER BY version": "as many rows as there are steps",
}

// TestPlans does all that a library does, and asks the database how it carries out each statement: what looks for
// something uses an index, and what lists a table goes along one. A run's own rows are read for certain, and what writes
// them is short enough not to be compressed in the node's log.
func TestPlans(t *testing.T) {
	first := openLibrary(t, Config{})
	first.pulse = time.Hour // the dead run gives no sign of life, however long this takes
	dead := begin(t, first)
	stored(t, dead, []byte(`{}`))
	dead.halt() // it gives no sign of life, however long the rest takes
	old := time.Now().Add(-aliveFor - time.Second).UnixMilli()
	if _, err := first.client.Apply(t.Context(), rqlite.Statement{SQL: `UPDATE runs SET heartbeat_ms=?`, Args: []any{old}}); err != nil {
		t.Fatal(err)
	}
	l, w := tap(t, first)
	exercise(t, l)
	live := begin(t, l) // tables to look at
	explained := map[string]bool{}
	for text, sent := range w.known() {
		sql := ofRun.ReplaceAllString(text, fmt.Sprintf("run_%d_", live.number))
		if strings.HasPrefix(sql, "INSERT") {
			if !strings.Contains(sql, "ON CONFLICT(") && !strings.HasPrefix(sql, "INSERT INTO schema_migrations") {
				t.Errorf("%s\n\tcannot be sent twice", sql)
			}
			if len(sql) >= 1024 {
				t.Errorf("%s\n\thas %d bytes", sql, len(sql))
			}
			continue // what is there already it finds by a unique index
		}
		ask, looks := asked(sql)
		if word, _, _ := strings.Cut(sql, " "); !looks && word != "CREATE" && word != "DROP" {
			t.Errorf("%s\n\tis not known how to look at", sql)
		}
		if !looks || explained[ask] {
			continue
		}
		explained[ask] = true
		rows, err := first.client.Query(t.Context(), rqlite.Statement{SQL: "EXPLAIN QUERY PLAN " + ask, Args: sent.args})
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		for _, step := range plan(t, rows) {
			if !indexed(ask, step) {
				t.Errorf("%s\n\tis carried out as: %s", sql, step)
			}
		}
		if strings.HasPrefix(sql, "SELECT") && ofRun.MatchString(sql) && !strings.Contains(sent.query, "linearizable") {
			t.Errorf("%s\n\tis asked with %s: rows that are there may not be seen", sql, sent.query)
		}
	}
	t.Logf("%d statements", len(explained))
	if len(explained) < 20 {
		t.Errorf("only %d statements were seen: %v", len(explained), explained)
	}
}

var change = regexp.MustCompile(`^(?:UPDATE (\w+) SET .*|DELETE FROM (\w+)) WHERE `)

// asked returns a statement as a query, of which alone the node tells the plan: a change looks for its rows like a query
// for them does. Those that only make and drop tables look for nothing.
func asked(sql string) (query string, looks bool) {
	if strings.HasPrefix(sql, "SELECT") {
		return sql, true
	}
	m := change.FindStringSubmatchIndex(sql)
	if m == nil {
		return "", false
	}
	table := change.ReplaceAllString(sql[:m[1]], "$1$2")
	return "SELECT 1 FROM " + table + " WHERE " + sql[m[1]:], true
}

func plan(t *testing.T, rows *rqlite.Rows) []string {
	t.Helper()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

// indexed reports whether a step of a statement's plan is one that stays as fast when the tables grow.
func indexed(sql, step string) bool {
	for beginning := range scanned {
		if strings.HasPrefix(sql, beginning) {
			return true
		}
	}
	switch {
	case step == "SCAN sqlite_schema": // as many rows as there are tables, and those of few runs are kept
		return true
	case strings.Contains(step, "VIRTUAL TABLE"), step == "SCAN CONSTANT ROW":
		return true
	case strings.HasPrefix(step, "SCAN"):
		// A list goes along an index, or along the table itself where that is kept in the order of the list.
		return !strings.Contains(sql, "WHERE") && (strings.Contains(step, "USING INDEX") || strings.Contains(sql, " ORDER BY rev LIMIT "))
	case strings.Contains(step, "TEMP B-TREE FOR ORDER BY"):
		return strings.HasSuffix(sql, "LIMIT 1") // of the few rows that an index found
	}
	return true
}

func TestIndexedSeesWhatIsSlow(t *testing.T) {
	for _, wrong := range [][2]string{
		{"SELECT head FROM run_1_custom_items WHERE kind=?", "SCAN run_1_custom_items"},
		{"SELECT head FROM run_1_custom_items WHERE kind=?", "SCAN run_1_custom_items USING INDEX sqlite_autoindex_run_1_custom_items_1"},
		{"SELECT head FROM run_1_custom_items WHERE uid>? ORDER BY rev LIMIT 5", "SCAN run_1_custom_items"},
		{"SELECT head FROM run_1_custom_items ORDER BY name LIMIT 5", "SCAN run_1_custom_items"},
		{"SELECT head FROM run_1_custom_items ORDER BY name LIMIT 5", "USE TEMP B-TREE FOR ORDER BY"},
		{"SELECT number FROM runs WHERE name=?", "SCAN runs"},
	} {
		if indexed(wrong[0], wrong[1]) {
			t.Errorf("%s as %s is taken for fast", wrong[0], wrong[1])
		}
	}
}

// exercise does everything with a library that has a statement of its own.
func exercise(t *testing.T, l *Library) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for range 5 { // more than are kept
		r := begin(t, l)
		for i := range listPage + 1 { // a further page
			e, h := item(i, 0, []byte(`{}`))
			must(r.PutEntity(t.Context(), e, h))
			must(r.PutMapping(t.Context(), core.AssetMapping{Source: "a", URI: fmt.Sprint(i), Status: "present"}))
		}
		must(r.PutCheckpoint(t.Context(), core.Checkpoint{Source: "a", Stream: "x"}))
		r.State().Failure(core.Failure{Code: "image.damaged", Message: "m", Item: "i"})
		r.note(t.Context(), 0)
		must(r.Flush(t.Context()))
		time.Sleep(2 * time.Millisecond) // a sign of life is told from the one before by its time
		must(r.beat(t.Context()))
		heads, err := r.Heads(t.Context())
		must(err)
		collect(t, r, heads[:3])
		_, err = r.Mappings(t.Context())
		must(err)
		_, err = r.Checkpoints(t.Context())
		must(err)
		must(r.PutMishap(t.Context(), core.Mishap{Source: "a", Stream: "x"}))
		must(r.Flush(t.Context()))
		_, err = r.Mishaps(t.Context())
		must(err)
		_, err = r.Past(t.Context())
		must(err)
		must(l.Store(t.Context(), "recipe", core.Asset{ID: "a"}))
		_, _, err = l.Lookup(t.Context(), "a", "recipe")
		must(err)
		_, err = l.Runs(t.Context(), 0)
		must(err)
		_, err = l.Find(t.Context(), r.ID())
		must(err)
		must(r.End(t.Context(), Ending{State: core.Succeeded, Drop: true, ResultID: "result"}))
	}
	lost := core.Asset{ID: "lost", Renditions: []core.Rendition{{SHA256: strings.Repeat("0", 64), Bytes: 1}}}
	for i := range 501 { // a further page
		must(l.Store(t.Context(), fmt.Sprint(i), lost))
	}
	_, err := l.CacheStats(t.Context())
	must(err)
	_, err = l.VerifyCache(t.Context(), true, func(string, int64, int64) {})
	must(err)
	_, err = l.PruneCache(t.Context(), true)
	must(err)
	_, err = l.PurgeCaches(t.Context(), true)
	must(err)
	_, err = l.PurgeCaches(t.Context(), false)
	must(err)
	_, err = l.Forget(t.Context(), Forgetting{Keep: 1})
	must(err)
	_, err = l.Kept(t.Context(), 1)
	must(err)
}
