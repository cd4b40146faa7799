//go:build integration

package runs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/runs/rqlite"
)

func binary(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("CONVERTER_RQLITED"); path != "" {
		return path
	}
	path, err := filepath.Abs(filepath.Join("..", "bin", "rqlited"))
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		tb.Fatalf("no rqlited to test with: build %s, or set CONVERTER_RQLITED", path)
	}
	return path
}

func openLibrary(tb testing.TB, config Config) *Library {
	tb.Helper()
	config.Binary = binary(tb)
	if config.Log == nil {
		config.Log = slog.New(slog.NewTextHandler(tb.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	if config.Dir == "" {
		config.Dir = filepath.Join(tb.TempDir(), "library")
	}
	l, err := Open(tb.Context(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closeLibrary(tb, l) })
	return l
}

func closeLibrary(tb testing.TB, l *Library) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), 20*time.Second)
	defer cancel()
	if err := l.Close(ctx); err != nil {
		tb.Error(err)
	}
}

func begin(tb testing.TB, l *Library) *Run {
	tb.Helper()
	r, err := l.Begin(tb.Context(), core.Summary{Name: "test", Config: "/x/converter.yaml", Outputs: []string{"/x/out"}})
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// document makes a JSON document of about size bytes with what real ones are full of: quotation marks, markup, numbers.
func document(random *rand.Rand, size int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"_id":"Ab12","name":"Goblin \"Boss\"","system":{"description":{"value":"`)
	for b.Len() < size/2 {
		fmt.Fprintf(&b, `<p class=\"text\">The %x is %d feet tall &amp; wears a <em>hat</em>.</p>\n`, random.Uint32(), random.IntN(100))
	}
	b.WriteString(`"},"list":[`)
	for b.Len() < size-20 {
		fmt.Fprintf(&b, `{"key":"a%d","value":%d.50,"on":true},`, random.IntN(1000), random.IntN(1e6))
	}
	b.WriteString(`0]}}`)
	return b.Bytes()
}

func item(i, order int, raw []byte) (*core.Entity, core.Head) {
	e := &core.Entity{
		UID: fmt.Sprintf("foundry:world/test:Actor.%06d", i), Kind: "creature", Name: fmt.Sprintf("Creature <%d> & \"friend\"", i),
		Source:  core.Provenance{Plugin: "foundry", Name: "home", Stream: "actors", NativeID: fmt.Sprint(i)},
		License: core.License{Redistributable: "unknown"}, Raw: raw, Sort: 1<<53 - 1, Complete: true,
		Warnings: []string{"one", "two"}, Slug: fmt.Sprintf("creature-%d", i), RawSHA256: strings.Repeat("a", 64),
		Links:  []core.Link{{Pointer: "/a", Kind: "uuid", Raw: "@UUID[Actor.x]", Target: "Actor.x", Status: core.LinkBroken}},
		Assets: []core.AssetUse{{Pointer: "/img", Role: "portrait", URI: "tokens/a b.webp", Status: "present"}},
	}
	return e, core.Head{
		UID: e.UID, SourceOrder: order, Source: "home", Stream: "actors", Kind: e.Kind, Name: e.Name, BaseSlug: e.Slug,
		NativeID: e.Source.NativeID, Aliases: []string{"x", "y"}, RawBytes: int64(len(raw)),
	}
}

// stored puts entities with these documents, and returns when they are stored.
func stored(tb testing.TB, r *Run, raws ...[]byte) {
	tb.Helper()
	for i, raw := range raws {
		e, h := item(i, 0, raw)
		if err := r.PutEntity(tb.Context(), e, h); err != nil {
			tb.Fatal(err)
		}
	}
	if err := r.Flush(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func collect(tb testing.TB, r *Run, heads []core.Head) []*core.Entity {
	tb.Helper()
	var list []*core.Entity
	for e, err := range r.Entities(tb.Context(), heads) {
		if err != nil {
			tb.Fatal(err)
		}
		list = append(list, e)
	}
	return list
}

// What is put comes back, byte for byte, whatever it is.
func TestEntities(t *testing.T) {
	r := begin(t, openLibrary(t, Config{}))
	random := rand.New(rand.NewPCG(1, 2))
	raws := [][]byte{
		[]byte(`{}`), []byte(`x'4142'`), []byte(`{"n":12345678901234567890,"f":1.500,"s":"\u0000\ud83d<&>é\u2028"}`),
		[]byte("{ \"a\" :\t1 }\n"), []byte("{\"bad\":\"\xff\"}"), document(random, 3000), document(random, 60_000),
		document(random, 70_000), document(random, 500_000),
	}
	want := make([]*core.Entity, 0, len(raws)+2)
	for i, raw := range raws {
		e, h := item(i, 1, raw)
		if err := r.PutEntity(t.Context(), e, h); err != nil {
			t.Fatal(err)
		}
		want = append(want, e)
	}
	large, h := item(50, 0, []byte(`{"large":"entity"}`))
	for range 2000 {
		large.Links = append(large.Links, core.Link{Pointer: "/x", Kind: "uuid", Raw: strings.Repeat("l", 50), Status: core.LinkUnknown})
	}
	if err := r.PutEntity(t.Context(), large, h); err != nil {
		t.Fatal(err)
	}
	odd, h := item(0, 0, []byte(`{"the same":"uid of another source"}`)) // of an earlier source than the first
	odd.Name, h.Name = "x'41'\x00ü", "x'41'\x00ü"
	if err := r.PutEntity(t.Context(), odd, h); err != nil {
		t.Fatal(err)
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want = append(append([]*core.Entity{odd}, want...), large)

	heads, err := r.Heads(t.Context())
	if err != nil || len(heads) != len(want) {
		t.Fatalf("%d heads of %d, %v", len(heads), len(want), err)
	}
	if h.Row = heads[0].Row; h.Row == 0 || !reflect.DeepEqual(heads[0], h) {
		t.Errorf("the first head is\n%+v, want\n%+v", heads[0], h)
	}
	for i, e := range collect(t, r, heads) {
		if !reflect.DeepEqual(e, want[i]) {
			t.Errorf("entity %d came back as\n%.500v, want\n%.500v", i, fmt.Sprint(*e), fmt.Sprint(*want[i]))
		}
	}
	slices.Reverse(heads)
	if got := collect(t, r, heads[2:4]); len(got) != 2 || got[0].UID != heads[2].UID || got[1].UID != heads[3].UID {
		t.Errorf("in another order: %v", got)
	}
	for range r.Entities(t.Context(), heads) {
		break
	}
	heads[3].UID, heads[3].Row = "foundry:nobody:x", 1<<40
	err = nil
	for _, err = range r.Entities(t.Context(), heads) {
	}
	if err == nil || !strings.Contains(err.Error(), "foundry:nobody:x is not in the store") {
		t.Errorf("an entity that is not there: %v", err)
	}
	if c := countOf(r.State().Summary(), core.StageEntities); c.Written != int64(len(want)) {
		t.Errorf("counted %+v", c)
	}
	if streams := r.State().Summary().Streams; len(streams) != 1 || streams[0].Written != int64(len(want)) {
		t.Errorf("streams %+v", streams)
	}
}

func countOf(s core.Summary, stage core.Stage) core.StageCounts { return s.Stage(stage) }

// TestRowsOfEarlierVersions: a run that an earlier version has begun is read as it was, and taken up again. Its items were kept
// by uid, all of the head was in its column, and a document always had its own.
func TestRowsOfEarlierVersions(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "library")
	l := openLibrary(t, Config{Dir: dir})
	r := begin(t, l)
	small, large := []byte("{\"a\":\n1.50}"), []byte(`{"a":"`+strings.Repeat("b", 2*plainLimit)+`"}`)
	var rows [][]any
	var heads []core.Head
	for i, raw := range [][]byte{small, large} {
		e, h := item(i, i, raw)
		e.Raw = nil
		body, err := encoded(e)
		if err != nil {
			t.Fatal(err)
		}
		head, err := encoded(h)
		if err != nil {
			t.Fatal(err)
		}
		heads = append(heads, h)
		rows = append(rows, []any{
			h.UID, h.SourceOrder, h.Source, h.Stream, h.Place, h.Kind, h.Name, "sum", string(head), r.library.packer.inline(body), nil,
			r.library.packer.inline(raw), nil, 7 - i, // in the order of their uids they are not in that of the puts
		})
	}
	name := items.of(r.number)
	statement, err := rqlite.Upsert{Table: name, Key: []string{"uid", "source_order"}, Columns: tableColumns[items]}.Statement(rows)
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.client.Apply(t.Context(), rqlite.Statement{SQL: `DROP TABLE ` + name}, rqlite.Statement{SQL: `CREATE TABLE ` + name +
		`(uid TEXT NOT NULL, source_order INTEGER NOT NULL, source TEXT NOT NULL, stream TEXT NOT NULL, place INTEGER NOT NULL, ` +
		`kind TEXT NOT NULL, name TEXT NOT NULL, sum TEXT NOT NULL, head TEXT NOT NULL, rev INTEGER NOT NULL, entity_blob TEXT, ` +
		`raw_blob TEXT, entity TEXT, raw TEXT, PRIMARY KEY(uid, source_order)) STRICT`}, statement)
	if err != nil {
		t.Fatal(err)
	}
	look := func() {
		t.Helper()
		listed, err := r.Heads(t.Context())
		if err != nil || len(listed) != len(heads) {
			t.Fatalf("got %+v, %v", listed, err)
		}
		for i, e := range collect(t, r, listed) {
			want, _ := item(i, i, [][]byte{small, large}[i])
			if !reflect.DeepEqual(e, want) {
				t.Errorf("got %+v, want %+v", e, want)
			}
			if listed[i].Row = 0; !reflect.DeepEqual(listed[i], heads[i]) {
				t.Errorf("got %+v, want %+v", listed[i], heads[i])
			}
		}
	}
	look()
	closeLibrary(t, l)

	l = openLibrary(t, Config{Dir: dir})
	if r, err = l.Resume(t.Context(), r.ID(), nil); err != nil {
		t.Fatal(err)
	}
	look()
	for range 2 { // an answer may be lost
		if _, err := l.client.Apply(t.Context(), rebuildItems(r.number)...); err != nil {
			t.Fatal(err)
		}
	}
	look()
	if old, err := l.number(t.Context(), itemsByUID(r.number)); err != nil || old != 0 {
		t.Errorf("kept by uid: %d, %v", old, err)
	}
	e, h := item(5, 0, small)
	if err := errors.Join(r.PutEntity(t.Context(), e, h), r.Flush(t.Context())); err != nil {
		t.Fatal(err)
	}
	if listed, err := r.Heads(t.Context()); err != nil || len(listed) != 3 || listed[2].Row <= 7 {
		t.Errorf("with one more: %+v, %v", listed, err)
	}
}

// TestItemsPutAgain: of an item that was stored twice the later one counts, and the other one is removed when the run is read
// again.
func TestItemsPutAgain(t *testing.T) {
	r := begin(t, openLibrary(t, Config{}))
	for n := range 3 {
		for i := range 2 {
			e, h := item(i, 0, fmt.Appendf(nil, `{"n":%d}`, n*i))
			if err := errors.Join(r.PutEntity(t.Context(), e, h), r.Flush(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
	}
	look := func() {
		t.Helper()
		heads, err := r.Heads(t.Context())
		if err != nil || len(heads) != 2 {
			t.Fatalf("%+v, %v", heads, err)
		}
		if got := collect(t, r, heads); string(got[0].Raw) != `{"n":0}` || string(got[1].Raw) != `{"n":2}` {
			t.Errorf("%s and %s", got[0].Raw, got[1].Raw)
		}
	}
	rows := func() int64 {
		t.Helper()
		n, err := r.library.number(t.Context(), rqlite.Statement{SQL: `SELECT COUNT(*) FROM ` + items.of(r.number)})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	look()
	if n := rows(); n != 6 {
		t.Errorf("%d rows", n)
	}
	if err := r.Rewind(t.Context(), []core.Checkpoint{{Source: "home", Stream: "actors", Items: -1}}); err != nil {
		t.Fatal(err)
	}
	look()
	if n := rows(); n != 2 {
		t.Errorf("%d rows once it is read again", n)
	}
}

func TestListsAreReadInPages(t *testing.T) {
	r := begin(t, openLibrary(t, Config{}))
	const n = 2*listPage + 3
	for i := range n {
		e, h := item(i/2, i%2, []byte(`{}`))
		if err := r.PutEntity(t.Context(), e, h); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	heads, err := r.Heads(t.Context())
	if err != nil || len(heads) != n {
		t.Fatalf("%d heads, %v", len(heads), err)
	}
	for i, h := range heads {
		if want, _ := item(i/2, 0, nil); h.UID != want.UID || h.SourceOrder != i%2 {
			t.Fatalf("head %d is %s of source %d", i, h.UID, h.SourceOrder)
		}
	}
}

func TestMappingsAndCheckpoints(t *testing.T) {
	r := begin(t, openLibrary(t, Config{}))
	long := "data:image/png;base64," + strings.Repeat("A", 100_000)
	want := []core.AssetMapping{
		{Source: "a", URI: "", Status: "missing", Problem: "asset.missing"},
		{Source: "a", URI: long, Status: "data-uri", AssetID: "x"},
		{Source: "a", URI: long + "B", Status: "data-uri"},
		{Source: "a", URI: "x'4142'", Status: "present", AssetID: "y"},
		{Source: "b", URI: "a b.webp", Status: "present"},
	}
	outcomes := []core.Outcome{core.FailedItem, core.Written, core.Cached, core.Skipped, core.Written}
	for i := range want {
		at := (i + 3) % len(want)
		want[at].Outcome = outcomes[at]
		if err := r.PutMapping(t.Context(), want[at]); err != nil {
			t.Fatal(err)
		}
	}
	marks := []core.Checkpoint{
		{Source: "a", Stream: "x", StateVersion: 7, State: []byte{0, 255, 'x'}, Revision: []byte{0, 255, '.'}, Items: 1 << 40, Facts: []core.Fact{{Name: "form", Text: "x'41' \" é"}, {Name: "n", Number: -1 << 40, Unit: "bytes", Notable: true}}},
		{Source: "a", Stream: "y", StateVersion: 1<<32 - 1, State: []byte{}, Complete: true, Order: 3, Title: "x'41'", Expected: 9},
	}
	for _, c := range append([]core.Checkpoint{{Source: "a", Stream: "x", State: []byte("old")}}, marks...) {
		if err := r.PutCheckpoint(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Mappings(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("mappings %.300v, %v", got, err)
	}
	if got, err := r.Checkpoints(t.Context()); err != nil || !reflect.DeepEqual(got, marks) {
		t.Errorf("checkpoints %v, %v", got, err)
	}
	if c := countOf(r.State().Summary(), core.StageAssets); c.Written != 2 || c.Failed != 1 || c.Cached != 1 || c.Skipped != 1 {
		t.Errorf("counted %+v", c)
	}
}

func tables(tb testing.TB, l *Library) int {
	tb.Helper()
	n, err := l.number(tb.Context(), rqlite.Statement{SQL: `SELECT count(*) FROM sqlite_schema WHERE type='table' AND name LIKE 'run\_%' ESCAPE '\'`})
	if err != nil {
		tb.Fatal(err)
	}
	return int(n)
}
