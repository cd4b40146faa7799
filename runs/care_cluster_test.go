//go:build integration && linux

package runs

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/archive"
	"github.com/seed-98789ff7/converter/runs/blob"
	"github.com/seed-98789ff7/converter/runs/rqlite"
	"github.com/seed-98789ff7/converter/runs/rqlite/rqlitetest"
)

// TestBackupOfACluster backs up three nodes while a run writes to them, with all of them up and after the leader was killed.
// Each backup holds at least what was confirmed before it, and becomes a private store.
func TestBackupOfACluster(t *testing.T) {
	cluster := rqlitetest.Start(t, rqlitetest.Config{Binary: binary(t)})
	l := openLibrary(t, clustered(t, cluster))
	drawn(t, l, "goblin")
	r := begin(t, l)
	random := rand.New(rand.NewPCG(1, 2))
	confirmed := 0
	write := func(n int) {
		t.Helper()
		for range n {
			confirmed++
			e, h := item(confirmed, 0, document(random, 1000))
			if err := r.PutEntity(t.Context(), e, h); err != nil {
				t.Fatal(err)
			}
		}
		if err := r.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { // another run, all the time
		defer close(stopped)
		busy := begin(t, l)
		for n := 0; ; n++ {
			select {
			case <-stop:
				if err := busy.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
					t.Error(err)
				}
				return
			default:
				e, h := item(n, 1, []byte(`{"busy":true}`))
				if err := busy.PutEntity(t.Context(), e, h); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	large := document(random, 3*inlineLimit)
	e, h := item(0, 0, large)
	if err := r.PutEntity(t.Context(), e, h); err != nil {
		t.Fatal(err)
	}
	write(300)
	var done []BackedUp
	var least []int
	save := func() {
		t.Helper()
		least = append(least, confirmed+1)
		done = append(done, backup(t, l, archive.Full))
	}
	save()
	cluster.Kill(cluster.Leader())
	cluster.Leader()
	write(100)
	save()
	close(stop)
	<-stopped
	if err := r.End(t.Context(), Ending{State: core.Succeeded, ResultID: "whole", Drop: true}); err != nil {
		t.Fatal(err)
	}
	for i, b := range done {
		if b.Guest || b.Unproved != "" || b.Manifest.Schema != len(migrations()) || !strings.HasPrefix(b.Manifest.Node, "v8.43") {
			t.Errorf("backup %d: %+v", i, b)
		}
		config := Config{Dir: filepath.Join(t.TempDir(), "alone"), Binary: binary(t)}
		if _, err := Restore(t.Context(), config, RestoreConfig{File: b.Path}); err != nil {
			t.Errorf("backup %d: %v", i, err)
			continue
		}
		alone := openLibrary(t, config)
		n, err := alone.number(t.Context(), rqlite.Statement{SQL: `SELECT count(*) FROM ` + items.of(r.number)})
		if err != nil || n < int64(least[i]) {
			t.Errorf("backup %d has %d items of the run, and %d were confirmed: %v", i, n, least[i], err)
		}
		if _, found, err := alone.Lookup(t.Context(), blob.Name([]byte("goblin")), "small"); err != nil || !found {
			t.Errorf("backup %d: the picture: %v, %v", i, found, err)
		}
		if there, err := alone.blobs.Has(t.Context(), blob.Name([]byte("goblin")), blob.AnySize); err != nil || !there {
			t.Errorf("backup %d: the picture's file: %v, %v", i, there, err)
		}
		closeLibrary(t, alone)
	}
}

// TestExamineACluster: all is well with three nodes; with two, the third is named and the rest holds; with one there is no
// store, and it is said which nodes are there and which are not.
func TestExamineACluster(t *testing.T) {
	cluster := rqlitetest.Start(t, rqlitetest.Config{Binary: binary(t), TLS: true})
	l := openLibrary(t, clustered(t, cluster))
	run := begin(t, l) // a cluster is looked at while it works
	stored(t, run, []byte(`{}`))
	config := l.config
	config.Binary = binary(t)
	nodes := func(list []Finding, verdict Verdict) (urls []string) {
		for _, f := range list {
			if f.Check == checkNode && f.Verdict == verdict {
				url, _, _ := strings.Cut(f.Text, ": ")
				urls = append(urls, url)
			}
		}
		return urls
	}

	list := Examine(t.Context(), config)
	for _, f := range list {
		if f.Verdict == Failing {
			t.Errorf("%+v", f)
		}
	}
	if got := verdicts(list); got[checkStore] != Sound || got[checkSchema] != Sound || got[checkIntegrity] != Sound || got[checkSize] != Sound {
		t.Errorf("three nodes: %+v", list)
	}
	leading := 0
	for _, f := range list {
		if f.Check == checkNode && strings.Contains(f.Text, "leader") && strings.Contains(f.Text, "linearizable") {
			leading++
		}
	}
	if all := slices.Concat(nodes(list, Sound), nodes(list, Doubt)); !slices.Equal(all, config.URLs) || leading != 1 {
		t.Errorf("nodes %q of %q, %d of them lead: %+v", all, config.URLs, leading, list)
	}

	first := cluster.Leader()
	cluster.Kill(first)
	next := cluster.Leader()
	list = Examine(t.Context(), config)
	if got := verdicts(list); got[checkStore] != Sound || got[checkIntegrity] != Sound || got[checkNode] != Failing {
		t.Errorf("two nodes: %+v", list)
	}
	if got := nodes(list, Failing); !slices.Equal(got, []string{config.URLs[first]}) {
		t.Errorf("node %d was killed, %q are named: %+v", first, got, list)
	}
	if err := run.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil { // two are enough
		t.Error(err)
	}

	cluster.Kill(next)
	list = Examine(t.Context(), config)
	if got := verdicts(list); got[checkStore] != Failing {
		t.Errorf("one node: %+v", list)
	}
	down := []string{config.URLs[first], config.URLs[next]}
	slices.Sort(down)
	if got := slices.Sorted(slices.Values(nodes(list, Failing))); !slices.Equal(got, down) || len(nodes(list, Sound)) != 1 {
		t.Errorf("%q were killed, %q are named: %s", down, got, fmt.Sprint(list))
	}
	cluster.Restart(next)
	cluster.Leader() // the library can be closed in order
}
