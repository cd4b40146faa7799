//go:build integration

package runs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/internal/testdata"
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
	if !reflect.DeepEqual(heads[0], h) {
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
	heads[3].UID = "foundry:nobody:x"
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

// TestRowsOfEarlierVersions: a run that an earlier version has begun is read as it was. All of the head was in its column
// then, and a document always had its own.
func TestRowsOfEarlierVersions(t *testing.T) {
	r := begin(t, openLibrary(t, Config{}))
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
			r.library.packer.inline(raw), nil, 1,
		})
	}
	statement, err := items.upsert(r.number).Statement(rows)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.library.client.Apply(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	listed, err := r.Heads(t.Context())
	if err != nil || !reflect.DeepEqual(listed, heads) {
		t.Errorf("got %+v, %v", listed, err)
	}
	for i, e := range collect(t, r, listed) {
		want, _ := item(i, i, [][]byte{small, large}[i])
		if !reflect.DeepEqual(e, want) {
			t.Errorf("got %+v, want %+v", e, want)
		}
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
		{Source: "a", Stream: "x", StateVersion: 7, State: []byte{0, 255, 'x'}, Items: 1 << 40, Facts: []core.Fact{{Name: "form", Text: "x'41' \" é"}, {Name: "n", Number: -1 << 40, Unit: "bytes", Notable: true}}},
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

func TestHistory(t *testing.T) {
	l := openLibrary(t, Config{Keep: 3})
	blob, err := l.Blobs().Put(t.Context(), []byte("picture"))
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range 5 {
		r := begin(t, l)
		ids = append(ids, r.ID())
		stored(t, r, make([]byte, 100_000))
		r.State().Failure(core.Failure{Code: "image.damaged", Message: "m", Item: "x'41'"})
		if i == 4 {
			r.State().Fetched(core.Fetched{Source: "web", Requests: 12, Hits: 3, Misses: 4, Bytes: 3_400_000})
		}
		ending := Ending{State: core.Partial, Reason: "x'41'", Actor: "limit", ResultID: fmt.Sprint("result", i%2), Drop: i < 3}
		if err := r.End(t.Context(), ending); err != nil {
			t.Fatal(err)
		}
		if err := r.End(t.Context(), ending); err == nil || !strings.Contains(err.Error(), "ended before") {
			t.Errorf("ended twice: %v", err)
		}
		if err := r.PutCheckpoint(t.Context(), core.Checkpoint{}); err == nil {
			t.Error("a row was put after the end")
		}
	}
	list, err := l.Runs(t.Context(), 0)
	if err != nil || len(list) != 3 || list[0].ID != "r-0005" || list[2].ID != "r-0003" {
		t.Fatalf("kept %v, %v", list, err)
	}
	s := list[0]
	if s.State != core.Partial || s.Reason != "x'41'" || s.Actor != "limit" || s.EndedMS < s.StartedMS || s.StartedMS == 0 ||
		s.Number != 5 || s.Name != "test" || !slices.Equal(s.Outputs, []string{"/x/out"}) ||
		countOf(s, core.StageEntities).Written != 1 || len(s.Problems) != 1 || s.Problems[0].Examples[0] != "x'41'" {
		t.Errorf("the last run is kept as %+v", s)
	}
	if want := []core.Fetched{{Source: "web", Requests: 12, Hits: 3, Misses: 4, Bytes: 3_400_000}}; !slices.Equal(s.Fetched, want) {
		t.Errorf("fetched %+v, want %+v", s.Fetched, want)
	}
	if list[1].Fetched != nil { // its row has no such member, as those of older versions
		t.Errorf("a run that fetched nothing: %+v", list[1].Fetched)
	}
	if list, err = l.Runs(t.Context(), 1); err != nil || len(list) != 1 || list[0].ID != "r-0005" {
		t.Errorf("the latest one: %v, %v", list, err)
	}
	for ref, want := range map[string]string{"r-0004": "r-0004", "result0": "r-0005", "result1": "r-0004"} {
		if s, err := l.Find(t.Context(), ref); err != nil || s.ID != want {
			t.Errorf("Find(%s): %s, %v", ref, s.ID, err)
		}
	}
	for _, ref := range []string{"", "r-0001", "r-9", "x'41'", "%", "\xff"} {
		var missing *NotFoundError
		if _, err := l.Find(t.Context(), ref); !errors.As(err, &missing) || missing.Ref != ref {
			t.Errorf("Find(%q): %v", ref, err)
		}
	}
	if n := tables(t, l); n != int(tableCount) {
		t.Errorf("%d tables of runs, want those of r-0005: a later run has finished after r-0004", n)
	}
	for i, id := range ids {
		if _, err := os.Stat(l.bodies(int64(i + 1))); os.IsNotExist(err) == (id == "r-0005") {
			t.Errorf("bodies of %s: %v", id, err)
		}
	}
	if there, err := l.Blobs().Has(t.Context(), blob, 7); !there || err != nil {
		t.Errorf("the picture is %v, %v", there, err)
	}
	if next := begin(t, l); next.ID() != "r-0006" {
		t.Errorf("the next run is %s", next.ID())
	}
}

func TestEndings(t *testing.T) {
	l := openLibrary(t, Config{})
	for _, test := range []struct {
		before []core.State
		end    core.State
		want   core.State
	}{
		{nil, core.Succeeded, core.Succeeded},
		{nil, core.Cancelled, core.Cancelled},
		{[]core.State{core.Cancelling}, core.Cancelled, core.Cancelled},
		{[]core.State{core.Cancelling}, core.Succeeded, core.Cancelled},
		{[]core.State{core.Failed}, core.Succeeded, core.Failed},
	} {
		r := begin(t, l)
		for _, state := range test.before {
			if err := r.State().Transition(state, "", ""); err != nil {
				t.Fatal(err)
			}
		}
		for _, state := range []core.State{core.Running, core.Interrupted, ""} {
			if err := r.End(t.Context(), Ending{State: state}); err == nil {
				t.Errorf("a run ended as %q", state)
			}
		}
		if err := r.End(t.Context(), Ending{State: test.end, Drop: true}); err != nil {
			t.Errorf("%v: %v", test, err)
		}
		if s, err := l.Find(t.Context(), r.ID()); err != nil || s.State != test.want {
			t.Errorf("%v: ended as %s, %v", test, s.State, err)
		}
	}
	r, err := l.Begin(t.Context(), core.Summary{State: core.Queued})
	if err != nil {
		t.Fatal(err)
	}
	if s, err := l.Find(t.Context(), r.ID()); err != nil || s.State != core.Queued {
		t.Errorf("begun as %s, %v", s.State, err)
	}
	if err := r.End(t.Context(), Ending{State: core.Failed, Drop: true}); err != nil {
		t.Error(err)
	}
	if _, err := l.Begin(t.Context(), core.Summary{State: core.Failed}); err == nil {
		t.Error("a run began as failed")
	}
}

// A run whose process died is found by the next one: interrupted, with its problems and its rows.
func TestInterrupted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "library")
	l := openLibrary(t, Config{Dir: dir})
	r := begin(t, l)
	stored(t, r, []byte(`{}`), make([]byte, 100_000))
	r.State().Failure(core.Failure{Code: "image.damaged", Message: "m", Item: "token"})
	r.note(t.Context(), 0)
	closeLibrary(t, l)

	l = openLibrary(t, Config{Dir: dir})
	s, err := l.Find(t.Context(), r.ID())
	if err != nil || s.State != core.Interrupted || s.Actor != "crash" || s.EndedMS != s.HeartbeatMS || s.Reason == "" ||
		len(s.Problems) != 1 || s.Problems[0].Code != "image.damaged" || !s.Resumable() {
		t.Errorf("%+v, %v", s, err)
	}
	if n := tables(t, l); n != int(tableCount) {
		t.Errorf("%d tables are left", n)
	}
	if _, err := os.Stat(l.bodies(1)); err != nil {
		t.Errorf("bodies: %v", err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	_, err = Open(t.Context(), Config{Dir: dir, Binary: binary(t)})
	if _, locked := errors.AsType[*rqlite.LockedError](err); !locked {
		t.Errorf("a second library in the folder: %v", err)
	}
}

// other returns the library as another process of the same cluster has it.
func other(tb testing.TB, l *Library) *Library {
	tb.Helper()
	node := l.node.ClientConfig()
	return openLibrary(tb, Config{Dir: tb.TempDir(), URLs: node.Endpoints(), User: node.User, Password: node.Password})
}

// In a cluster a run is dead when its sign of life is old. One that was wrongly taken for dead notices.
func TestSignOfLife(t *testing.T) {
	l := openLibrary(t, Config{})
	alive, late := begin(t, l), begin(t, l)
	before, err := l.Find(t.Context(), alive.ID())
	if err != nil {
		t.Fatal(err)
	}
	for time.Now().UnixMilli() <= before.HeartbeatMS { // a sign of life is told from the one before by its time
	}
	alive.State().Found(core.StageRead, "home", "actors", 7)
	if err := alive.beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	after, err := l.Find(t.Context(), alive.ID())
	if err != nil || after.HeartbeatMS <= before.HeartbeatMS || countOf(after, core.StageRead).Found != 7 {
		t.Errorf("after a sign of life: %+v, %v", after, err)
	}
	old := time.Now().Add(-aliveFor - time.Second).UnixMilli()
	if _, err := l.client.Apply(t.Context(), rqlite.Statement{SQL: `UPDATE runs SET heartbeat_ms=? WHERE number=2`, Args: []any{old}}); err != nil {
		t.Fatal(err)
	}
	second := other(t, l)
	for id, want := range map[string]core.State{alive.ID(): core.Running, late.ID(): core.Interrupted} {
		if s, err := second.Find(t.Context(), id); err != nil || s.State != want {
			t.Errorf("%s is %s, want %s: %v", id, s.State, want, err)
		}
	}
	if err := late.beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	e, h := item(1, 0, []byte(`{}`))
	var lost *StoreError
	if err := late.PutEntity(t.Context(), e, h); !errors.As(err, &lost) || !strings.Contains(err.Error(), "took this run for dead") {
		t.Errorf("put into a run that was taken for dead: %v", err)
	}
	if err := late.End(t.Context(), Ending{State: core.Succeeded}); !errors.As(err, &lost) {
		t.Errorf("end: %v", err)
	}
	if s, err := l.Find(t.Context(), late.ID()); err != nil || s.State != core.Failed || s.Actor != "store" {
		t.Errorf("it ended as %s by %s: %v", s.State, s.Actor, err)
	}
	stored(t, alive, []byte(`{}`))
}

// The sign of life is given without anybody's doing, and carries the problems along.
func TestSignOfLifeIsGiven(t *testing.T) {
	l := openLibrary(t, Config{})
	l.pulse = 5 * time.Millisecond
	r := begin(t, l)
	r.State().Failure(core.Failure{Code: "image.damaged"})
	r.State().Found(core.StageRead, "home", "", 3)
	for ctx := t.Context(); ; {
		s, err := l.Find(ctx, r.ID())
		if err != nil {
			t.Fatal(err)
		}
		found, err := l.storedProblems(ctx, 1)
		if err != nil {
			t.Fatal(err)
		}
		if s.HeartbeatMS > s.StartedMS && countOf(s, core.StageRead).Found == 3 && len(found) == 1 {
			return // else the test runs into its time limit
		}
	}
}

func TestManyBeginAtOnce(t *testing.T) {
	l := openLibrary(t, Config{})
	libraries := []*Library{l, other(t, l), other(t, l)}
	var mu sync.Mutex
	ids := map[string]bool{}
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			r, err := libraries[i%3].Begin(t.Context(), core.Summary{Name: "race"})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			ids[r.ID()] = true
			mu.Unlock()
			if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(ids) != 12 || !ids["r-0001"] || !ids["r-0012"] {
		t.Errorf("twelve runs are called %v", ids)
	}
	for limit, want := range map[int]int{0: 12, 5: 5, 11: 11, 40: 12} { // 10 are read at once
		list, err := l.Runs(t.Context(), limit)
		if err != nil || len(list) != want {
			t.Errorf("the latest %d are %d, %v", limit, len(list), err)
		}
		for i, s := range list {
			if s.Number != int64(12-i) {
				t.Errorf("of the latest %d, number %d is run %d", limit, i, s.Number)
			}
		}
	}
}

func TestPictures(t *testing.T) {
	l := openLibrary(t, Config{})
	body := []byte("rendition")
	name, err := l.Blobs().Put(t.Context(), body)
	if err != nil {
		t.Fatal(err)
	}
	want := core.Asset{
		ID: strings.Repeat("ab", 32), MediaType: "image/webp", Width: 5, Note: "x'41'",
		Renditions: []core.Rendition{{Resolution: "original", SHA256: name, Bytes: int64(len(body)), Ext: "webp"}},
	}
	lookup := func(id, recipe string) bool {
		t.Helper()
		got, found, err := l.Lookup(t.Context(), id, recipe)
		if err != nil {
			t.Fatal(err)
		}
		if found && !reflect.DeepEqual(got, want) {
			t.Errorf("found %+v", got)
		}
		return found
	}
	if lookup(want.ID, "webp80") {
		t.Error("found before it was stored")
	}
	for range 2 {
		if err := l.Store(t.Context(), "webp80", want); err != nil {
			t.Fatal(err)
		}
	}
	if !lookup(want.ID, "webp80") || lookup(want.ID, "webp90") || lookup("x'41'", "webp80") {
		t.Error("found what was not stored, or not what was")
	}
	want.Renditions[0].Width = 9
	if err := l.Store(t.Context(), "webp80", want); err != nil || !lookup(want.ID, "webp80") {
		t.Errorf("stored anew: %v", err)
	}
	if err := os.WriteFile(l.blobs.Path(name), body[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	if lookup(want.ID, "webp80") {
		t.Error("found with a rendition that is not whole")
	}
	if err := l.Blobs().Remove(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if lookup(want.ID, "webp80") {
		t.Error("found without its rendition")
	}
}

// The node is killed again and again while rows are put: all of them arrive, and each counts once.
func TestNodeIsKilled(t *testing.T) {
	l := openLibrary(t, Config{})
	r := begin(t, l)
	const n = 1500
	for i := range n {
		e, h := item(i, 0, []byte(fmt.Sprint(`{"n":`, i, `}`)))
		if err := r.PutEntity(t.Context(), e, h); err != nil {
			t.Fatal(err)
		}
		if i%500 == 250 {
			kill(t, l)
		}
	}
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	heads, err := r.Heads(t.Context())
	if c := countOf(r.State().Summary(), core.StageEntities); err != nil || len(heads) != n || c.Written != n || c.Failed != 0 {
		t.Errorf("%d stored, counted %+v, %v", len(heads), c, err)
	}
	if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
		t.Error(err)
	}
}

// kill ends the node's process, the one that its lock file names.
func kill(tb testing.TB, l *Library) {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(l.config.Dir, "store", "lock"))
	if err != nil {
		tb.Fatal(err)
	}
	var holder struct{ Child int }
	if err := json.Unmarshal(text, &holder); err != nil || holder.Child == 0 {
		tb.Fatalf("%s: %v", text, err)
	}
	process, err := os.FindProcess(holder.Child)
	if err != nil {
		tb.Fatal(err)
	}
	if err := process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Fatal(err)
	}
}

// When the store is gone for good nobody hangs.
func TestStoreIsLost(t *testing.T) {
	l := openLibrary(t, Config{})
	r := begin(t, l)
	stored(t, r, []byte(`{}`))
	if err := l.node.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-l.Lost():
	case <-t.Context().Done():
	}
	e, h := item(5, 0, []byte(`{}`))
	err := r.PutEntity(t.Context(), e, h)
	if err == nil {
		err = r.Flush(t.Context())
	}
	var lost *StoreError
	if !errors.As(err, &lost) || !strings.Contains(err.Error(), "process is gone") {
		t.Errorf("%v", err)
	}
	if err := r.End(t.Context(), Ending{State: core.Succeeded, Drop: true}); err == nil || !strings.Contains(err.Error(), "listed as interrupted") {
		t.Errorf("end: %v", err)
	}
	if got := r.State().State(); got != core.Failed {
		t.Errorf("the run is %s", got)
	}
	for name, call := range map[string]func() error{
		"Begin":  func() error { _, err := l.Begin(t.Context(), core.Summary{}); return err },
		"Runs":   func() error { _, err := l.Runs(t.Context(), 1); return err },
		"Heads":  func() error { _, err := r.Heads(t.Context()); return err },
		"Store":  func() error { return l.Store(t.Context(), "r", core.Asset{ID: "a"}) },
		"Lookup": func() error { _, _, err := l.Lookup(t.Context(), "a", "r"); return err },
	} {
		if err := call(); !errors.Is(err, rqlite.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// BenchmarkEntities stores 40 MB of documents, lists them and reads them back: what a run does besides its own work.
func BenchmarkEntities(b *testing.B) {
	const total = 40 << 20
	b.Run("made", func(b *testing.B) {
		random := rand.New(rand.NewPCG(1, 2))
		var raws [][]byte
		for size := 0; size < total; size += len(raws[len(raws)-1]) {
			raws = append(raws, document(random, 8<<10))
		}
		passThrough(b, raws)
	})
	b.Run("real", func(b *testing.B) {
		files, err := filepath.Glob(filepath.Join(testdata.Dir(b, "foundry", "Data-v9", "systems"), "*", "packs", "*.db"))
		if err != nil || len(files) == 0 {
			b.Fatalf("no packs: %v", err)
		}
		var raws [][]byte
		for size := 0; size < total; {
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					b.Fatal(err)
				}
				for line := range bytes.Lines(text) {
					raws = append(raws, line)
					size += len(line)
				}
			}
		}
		passThrough(b, raws)
	})
}

func passThrough(b *testing.B, raws [][]byte) {
	b.Helper()
	l := openLibrary(b, Config{Log: slog.New(slog.DiscardHandler)})
	var written, listed, read, ended time.Duration
	size := 0
	for _, raw := range raws {
		size += len(raw)
	}
	for b.Loop() {
		r := begin(b, l)
		began := time.Now()
		stored(b, r, raws...)
		written += time.Since(began)
		began = time.Now()
		heads, err := r.Heads(b.Context())
		if err != nil || len(heads) != len(raws) {
			b.Fatalf("%d heads, %v", len(heads), err)
		}
		listed += time.Since(began)
		began = time.Now()
		for i, e := range collect(b, r, heads) {
			if !bytes.Equal(e.Raw, raws[i]) {
				b.Fatalf("entity %d came back different", i)
			}
		}
		read += time.Since(began)
		began = time.Now()
		if err := r.End(b.Context(), Ending{State: core.Succeeded, Drop: true}); err != nil {
			b.Fatal(err)
		}
		ended += time.Since(began)
	}
	b.SetBytes(int64(size))
	b.ReportMetric(float64(len(raws)), "entities")
	for name, took := range map[string]time.Duration{"written": written, "listed": listed, "read": read, "ended": ended} {
		b.ReportMetric(took.Seconds()*1000/float64(b.N), name+"-ms")
	}
}
