//go:build integration

package runs

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-98789ff7/converter/core"
)

const options = "options"

// reaped puts entities into a run and says that this is all of their stream.
func reaped(t *testing.T, r *Run, raws [][]byte) (heads []core.Head) {
	t.Helper()
	if _, err := r.Known(t.Context(), "home", options); err != nil {
		t.Fatal(err)
	}
	for i, raw := range raws {
		e, h := item(i, 0, raw)
		h.Place = int64(i + 1)
		e.CompendiumUID = map[bool]string{true: "compendium:x"}[i == 1]
		e.Assets = []core.AssetUse{{URI: "a.png", Status: "present", Locator: core.Locator{Path: "/x/a.png"}}}
		if err := r.PutEntity(t.Context(), e, h); err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
	}
	m := core.Mishap{Source: "home", Stream: heads[0].Stream, Place: 99, Kind: core.MishapRemark, ID: "r", Failures: []core.Failure{{Code: "c"}}}
	if err := r.PutMishap(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := r.Keep(t.Context(), core.Harvest{Source: "home", Stream: heads[0].Stream, Fingerprint: options, Revision: []byte("1")}); err != nil {
		t.Fatal(err)
	}
	return heads
}

func ended(t *testing.T, r *Run, state core.State) {
	t.Helper()
	if err := r.End(t.Context(), Ending{State: state, Drop: true}); err != nil {
		t.Fatal(err)
	}
}

// TestReap: what a run has kept that ended well is another one's without being stored again, whatever its size.
func TestReap(t *testing.T) {
	l := openLibrary(t, Config{})
	random := rand.New(rand.NewPCG(1, 2))
	raws := [][]byte{[]byte(`{}`), document(random, 2000), document(random, 300_000), []byte(`{"a":"zstd:"}`)}
	first := begin(t, l)
	heads := reaped(t, first, raws)
	if err := first.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored, err := first.Heads(t.Context())
	if err != nil || len(stored) != len(heads) {
		t.Fatalf("%d heads, %v", len(stored), err)
	}
	want := collect(t, first, stored)
	if entries, err := l.harvest.Find("home", options); len(entries) != 0 || err != nil {
		t.Errorf("it is found before the run has ended: %v, %v", entries, err)
	}
	ended(t, first, core.Partial)

	second := begin(t, l)
	known, err := second.Known(t.Context(), "home", options)
	if err != nil || len(known) != 1 || len(known[0].Heads) != len(raws) || len(known[0].Mishaps) != 1 || known[0].Assets[0].Locator.Path != "/x/a.png" {
		t.Fatalf("known: %+v, %v", known, err)
	}
	if err := second.Carry(t.Context(), known[0], 3); err != nil {
		t.Fatal(err)
	}
	e, h := item(77, 3, []byte(`{"new":true}`))
	if err := second.PutEntity(t.Context(), e, h); err != nil {
		t.Fatal(err)
	}
	if err := second.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all, err := second.Heads(t.Context())
	if err != nil || len(all) != len(raws)+1 {
		t.Fatalf("%d heads, %v", len(all), err)
	}
	for i, got := range collect(t, second, all)[:len(raws)] {
		if all[i].SourceOrder != 3 || !bytes.Equal(got.Raw, raws[i]) || got.UID != want[i].UID || got.CompendiumUID != "" || got.RawSHA256 != want[i].RawSHA256 {
			t.Errorf("entity %d: %+v", i, got)
		}
	}
	if past, err := second.Past(t.Context()); err != nil || len(past.Heads) != len(raws)+1 {
		t.Errorf("heads: %d, %v", len(past.Heads), err)
	}
	ended(t, second, core.Succeeded)
	if n, err := l.harvest.Files(); err != nil || len(n) != 1 {
		t.Errorf("%d files, %v", len(n), err)
	}
}

// TestReapRecords: records are taken over one by one into a stream that has others, and are kept with them.
func TestReapRecords(t *testing.T) {
	l := openLibrary(t, Config{})
	first := begin(t, l)
	reaped(t, first, [][]byte{[]byte(`{"n":0}`), []byte(`{"n":1}`), []byte(`{"n":2}`)})
	ended(t, first, core.Succeeded)

	second := begin(t, l)
	known, err := second.Known(t.Context(), "home", options)
	if err != nil || len(known) != 1 {
		t.Fatal(known, err)
	}
	e, h := item(9, 0, []byte(`{"n":9}`))
	h.Place = 1
	if err := second.PutEntity(t.Context(), e, h); err != nil {
		t.Fatal(err)
	}
	for i, at := range []int{2, 0} {
		head := known[0].Heads[at]
		head.Place = int64(i + 2)
		if err := second.CarryRecord(t.Context(), known[0], at, head); err != nil {
			t.Fatal(err)
		}
	}
	if err := second.Keep(t.Context(), core.Harvest{Source: "home", Stream: h.Stream, Fingerprint: options, Revision: []byte("2")}); err != nil {
		t.Fatal(err)
	}
	ended(t, second, core.Succeeded)

	third := begin(t, l)
	known, err = third.Known(t.Context(), "home", options)
	if err != nil || len(known) != 1 || string(known[0].Revision) != "2" {
		t.Fatal(known, err)
	}
	if err := third.Carry(t.Context(), known[0], 0); err != nil {
		t.Fatal(err)
	}
	heads, err := third.Heads(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, e := range collect(t, third, heads) {
		got = append(got, fmt.Sprint(string(e.Raw), heads[i].Place))
	}
	if fmt.Sprint(got) != `[{"n":0}3 {"n":2}2 {"n":9}1]` {
		t.Errorf("got %v", got)
	}
	ended(t, third, core.Succeeded)
}

// TestNotReaped: nothing is left of runs that did not end well, that were killed, or of what the store refused.
func TestNotReaped(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "library")
	l := openLibrary(t, Config{Dir: dir})
	for name, end := range map[string]func(r *Run){
		"failed":    func(r *Run) { ended(t, r, core.Failed) },
		"cancelled": func(r *Run) { ended(t, r, core.Cancelled) },
		"refused": func(r *Run) {
			r.refused("home", "actors")
			ended(t, r, core.Succeeded)
		},
		"no room": func(r *Run) {
			if err := os.RemoveAll(filepath.Join(dir, harvestDir)); err != nil {
				t.Error(err)
			}
			ended(t, r, core.Partial)
		},
	} {
		r := begin(t, l)
		reaped(t, r, [][]byte{[]byte(`{}`), []byte(`{}`)})
		end(r)
		if files, err := l.harvest.Files(); err != nil || len(files) != 0 {
			t.Errorf("%s: %v, %v", name, files, err)
		}
	}
	reaped(t, begin(t, l), [][]byte{[]byte(`{}`), []byte(`{}`)})
	if _, err := l.harvest.Begin(); err != nil { // as a killed process leaves it
		t.Fatal(err)
	}
	closeLibrary(t, l)
	l = openLibrary(t, Config{Dir: dir})
	if files, err := l.harvest.Files(); err != nil || len(files) != 0 {
		t.Errorf("killed: %v, %v", files, err)
	}
}

// TestDamagedHarvest: what is damaged is as if it had never been.
func TestDamagedHarvest(t *testing.T) {
	l := openLibrary(t, Config{})
	r := begin(t, l)
	reaped(t, r, [][]byte{[]byte(`{}`), []byte(`{}`)})
	ended(t, r, core.Succeeded)
	files, err := l.harvest.Files()
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(files[0].Path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	next := begin(t, l)
	if known, err := next.Known(t.Context(), "home", options); len(known) != 0 || err != nil {
		t.Errorf("known: %v, %v", known, err)
	}
	reaped(t, next, [][]byte{[]byte(`{}`), []byte(`{}`)}) // it is mended by the way
	ended(t, next, core.Succeeded)
	if found, err := l.harvest.Find("home", options); len(found) != 1 || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	gone, err := l.PruneStreams(t.Context(), true, false)
	if err != nil || gone.Count != 1 {
		t.Errorf("removed %v, %v", gone, err)
	}
}
