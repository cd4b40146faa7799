//go:build integration && linux

package runs

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
	"github.com/seed-98789ff7/converter/runs/rqlite/rqlitetest"
)

// clustered returns the config of a converter on a cluster, with a state folder of its own.
func clustered(t *testing.T, c *rqlitetest.Cluster) Config {
	t.Helper()
	return Config{Dir: t.TempDir(), URLs: c.URLs(), User: rqlitetest.User, Password: rqlitetest.Password, CA: c.CA}
}

// column returns the texts that a query selects.
func column(t *testing.T, l *Library, sql string) []string {
	t.Helper()
	rows, err := l.client.QueryLinear(t.Context(), rqlite.Statement{SQL: sql})
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	return list
}

// TestSixStartAtOnce opens six converters on one new cluster at the same moment: each step of the schema is taken once,
// and all of them work.
func TestSixStartAtOnce(t *testing.T) {
	const starters = 6
	cluster := rqlitetest.Start(t, rqlitetest.Config{Binary: binary(t), TLS: true})
	libraries := make([]*Library, starters)
	var wg sync.WaitGroup
	for i := range starters {
		config := clustered(t, cluster)
		wg.Go(func() {
			l, err := Open(t.Context(), config)
			if err != nil {
				t.Error(err)
				return
			}
			libraries[i] = l
		})
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, l := range libraries {
		if l == nil {
			continue // it was said why
		}
		r := begin(t, l)
		ids[r.ID()] = true
		stored(t, r, []byte(`{}`))
		if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
			t.Error(err)
		}
		defer closeLibrary(t, l)
	}
	if len(ids) != starters {
		t.Errorf("six converters have the runs %v", ids)
	}
	var want []string
	for _, step := range migrations() {
		want = append(want, fmt.Sprint(step.Version))
	}
	if got := column(t, libraries[0], `SELECT CAST(version AS TEXT) FROM schema_migrations ORDER BY version`); !slices.Equal(got, want) {
		t.Errorf("the steps %v were taken, want %v", got, want)
	}
	cluster.Whole(`SELECT name, sql FROM sqlite_schema ORDER BY name`)
}

// TestTwoConfigsOnOneStore runs two converters with different configs on one cluster at the same time. Each has its own
// tables with its own rows, and the end of one leaves those of the other as they are.
func TestTwoConfigsOnOneStore(t *testing.T) {
	const rows = 300
	cluster := rqlitetest.Start(t, rqlitetest.Config{Binary: binary(t), Nodes: 1})
	config := func() Config {
		c := clustered(t, cluster)
		c.Keep = 1 // each is quick to forget
		return c
	}
	a, b := openLibrary(t, config()), openLibrary(t, config())
	var runs [2]*Run
	var wg sync.WaitGroup
	for i, l := range []*Library{a, b} {
		r, err := l.Begin(t.Context(), core.Summary{Name: fmt.Sprint("config ", i), ConfigDigest: fmt.Sprint("digest ", i)})
		if err != nil {
			t.Fatal(err)
		}
		runs[i] = r
		wg.Go(func() {
			for n := range rows * (i + 1) {
				e, h := item(n, i, fmt.Appendf(nil, `{"of":%d}`, i)) // the same uids in both
				if err := r.PutEntity(t.Context(), e, h); err != nil {
					t.Error(err)
					return
				}
			}
			if err := r.Flush(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var want []string
	for _, r := range runs {
		for table := range tableCount {
			want = append(want, table.of(r.number))
		}
	}
	slices.Sort(want)
	list := `SELECT name FROM sqlite_schema WHERE type='table' AND name LIKE 'run\_%' ESCAPE '\' ORDER BY name`
	if got := column(t, a, list); !slices.Equal(got, want) {
		t.Errorf("there are the tables %q, want %q", got, want)
	}
	check := func(i int) {
		t.Helper()
		r := runs[i]
		if n, err := a.number(t.Context(), rqlite.Statement{SQL: `SELECT count(*) FROM ` + items.of(r.number)}); err != nil || n != int64(rows*(i+1)) {
			t.Errorf("run %s has %d rows, want %d: %v", r.ID(), n, rows*(i+1), err)
		}
		heads, err := r.Heads(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range collect(t, r, heads) {
			if string(e.Raw) != fmt.Sprintf(`{"of":%d}`, i) {
				t.Fatalf("run %s has a document of the other: %s", r.ID(), e.Raw)
			}
		}
	}
	check(0)
	check(1)
	if err := runs[0].End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
		t.Error(err)
	}
	openLibrary(t, config()) // a third one, which looks for what the dead have left
	check(1)
	for _, name := range column(t, b, list) {
		if strings.HasPrefix(name, fmt.Sprintf("run_%d_", runs[0].number)) {
			t.Errorf("table %s was not dropped", name)
		}
	}
}

// A store that another version has changed is left alone, and the operator told what to do.
func TestStoreOfAnotherVersion(t *testing.T) {
	cluster := rqlitetest.Start(t, rqlitetest.Config{Binary: binary(t), Nodes: 1})
	l := openLibrary(t, clustered(t, cluster))
	before := column(t, l, `SELECT name FROM sqlite_schema ORDER BY name`)
	for _, test := range []struct {
		change, undo string
		want         error
		words        []string
	}{
		{
			`INSERT INTO schema_migrations(version,checksum,applied_ms) VALUES(99,'of the future',0)`,
			`DELETE FROM schema_migrations WHERE version=99`,
			rqlite.ErrNewer,
			[]string{"newer version", "at version 99", "update the program, or give it another store"},
		},
		{
			`UPDATE schema_migrations SET checksum='other'||checksum WHERE version=1`,
			`UPDATE schema_migrations SET checksum=substr(checksum,6) WHERE version=1`,
			rqlite.ErrChanged,
			[]string{"step 1 differs", "use the version that made it"},
		},
	} {
		if _, err := l.client.Apply(t.Context(), rqlite.Statement{SQL: test.change}); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), clustered(t, cluster))
		if !errors.Is(err, test.want) {
			t.Errorf("got %v", err)
			continue
		}
		for _, part := range test.words {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q is missing in: %v", part, err)
			}
		}
		if after := column(t, l, `SELECT name FROM sqlite_schema ORDER BY name`); !slices.Equal(after, before) {
			t.Errorf("it was changed: %q, was %q", after, before)
		}
		if _, err := l.client.Apply(t.Context(), rqlite.Statement{SQL: test.undo}); err != nil {
			t.Fatal(err)
		}
	}
	openLibrary(t, clustered(t, cluster)) // as it was
}
