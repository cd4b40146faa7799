package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// barn is a second implementation of [Harvests], in memory. It outlives the ledgers of its runs.
type barn struct {
	kept   map[[2]string]*crop // by source and stream
	states *sync.Map           // what its sources had, by revision
	fault  error               // of everything
}

func newBarn() *barn { return &barn{kept: map[[2]string]*crop{}, states: &sync.Map{}} }

// crop is what is kept of a stream.
type crop struct {
	core.Harvest

	rows []row
}

// barned is a ledger with a barn behind it.
type barned struct {
	*ledger

	barn *barn

	guard   sync.Mutex // guards what follows
	noted   map[[2]string]*crop
	bound   []*crop
	carried map[stored]row
}

func (b *barn) ledger(l *ledger) *barned {
	return &barned{ledger: l, barn: b, noted: map[[2]string]*crop{}, carried: map[stored]row{}}
}

// well ends a run well.
func (b *barned) well() {
	for _, c := range b.bound {
		b.barn.kept[[2]string{c.Source, c.Stream}] = c
	}
}

func (b *barned) crop(source, stream string) *crop {
	key := [2]string{source, stream}
	if b.noted[key] == nil {
		b.noted[key] = &crop{}
	}
	return b.noted[key]
}

func (b *barned) PutEntity(ctx context.Context, e *core.Entity, head core.Head) error {
	if err := b.ledger.PutEntity(ctx, e, head); err != nil {
		return err
	}
	bare := *e
	bare.Raw, bare.CompendiumUID = nil, ""
	body, err := json.Marshal(&bare)
	if err != nil {
		return err
	}
	b.guard.Lock()
	defer b.guard.Unlock()
	c := b.crop(head.Source, head.Stream)
	var assets []core.AssetMapping
	for _, use := range e.Assets {
		assets = append(assets, core.AssetMapping{URI: use.URI, Status: use.Status, Role: use.Role, Locator: use.Locator, Of: e.Name})
	}
	c.add(row{head, body, slices.Clone(e.Raw)}, assets)
	return nil
}

func (c *crop) add(r row, assets []core.AssetMapping) {
	var uses []int
	for _, a := range assets {
		i := slices.IndexFunc(c.Assets, func(known core.AssetMapping) bool { return known.URI == a.URI })
		if i < 0 {
			i, c.Assets = len(c.Assets), append(c.Assets, a)
		}
		uses = append(uses, i)
	}
	c.rows, c.Heads, c.Uses = append(c.rows, r), append(c.Heads, r.head), append(c.Uses, uses)
}

func (b *barned) PutMishap(ctx context.Context, m core.Mishap) error {
	b.guard.Lock()
	c := b.crop(m.Source, m.Stream)
	c.Mishaps = append(c.Mishaps, m)
	b.guard.Unlock()
	return b.ledger.PutMishap(ctx, m)
}

func (b *barned) Known(_ context.Context, source, fingerprint string) (list []core.Harvest, err error) {
	for _, c := range b.barn.kept {
		if c.Source == source && c.Fingerprint == fingerprint {
			list = append(list, c.Harvest)
		}
	}
	return list, b.barn.fault
}

func (b *barned) Carry(_ context.Context, h core.Harvest, order int) error {
	b.guard.Lock()
	defer b.guard.Unlock()
	for _, r := range b.barn.kept[[2]string{h.Source, h.Stream}].rows {
		r.head.SourceOrder = order
		b.carried[stored{r.head.UID, order}] = r
	}
	return b.barn.fault
}

func (b *barned) CarryRecord(_ context.Context, h core.Harvest, at int, head core.Head) error {
	b.guard.Lock()
	defer b.guard.Unlock()
	r := b.barn.kept[[2]string{h.Source, h.Stream}].rows[at]
	r.head = head
	b.carried[stored{head.UID, head.SourceOrder}] = r
	var assets []core.AssetMapping
	for _, i := range h.Uses[at] {
		assets = append(assets, h.Assets[i])
	}
	b.crop(h.Source, h.Stream).add(r, assets)
	return b.barn.fault
}

func (b *barned) Keep(_ context.Context, h core.Harvest) error {
	b.guard.Lock()
	defer b.guard.Unlock()
	c := b.crop(h.Source, h.Stream)
	h.Heads, h.Uses, h.Assets, h.Mishaps = c.Heads, c.Uses, c.Assets, c.Mishaps
	c.Harvest = h
	b.bound = append(b.bound, c)
	return b.barn.fault
}

func (b *barned) Heads(ctx context.Context) ([]core.Head, error) {
	heads, err := b.ledger.Heads(ctx)
	for _, r := range b.carried {
		heads = append(heads, r.head)
	}
	slices.SortFunc(heads, func(a, b core.Head) int {
		return cmp.Or(cmp.Compare(a.UID, b.UID), cmp.Compare(a.SourceOrder, b.SourceOrder))
	})
	return heads, err
}

func (b *barned) Entities(ctx context.Context, heads []core.Head) iter.Seq2[*core.Entity, error] {
	both := &ledger{entities: maps.Clone(b.entities), fault: b.ledger.fault}
	maps.Copy(both.entities, b.carried)
	return both.Entities(ctx, heads)
}

// steady is a shelf that knows what has not changed.
type steady struct {
	*shelf

	states  *sync.Map // what it had, by revision
	records bool      // it tells of records too
	say     func(out sdk.RevisionWriter) error

	sent int // records
}

func (s *steady) Spec() sdk.Spec {
	spec := s.shelf.Spec()
	spec.Can.Incremental = true
	return spec
}

// revision names what is in a stream.
func revision(items []item, stream string) []byte {
	of := slices.DeleteFunc(slices.Clone(items), func(it item) bool { return it.stream != stream })
	return []byte(sumOf(fmt.Sprintf("%+v", of)))
}

func (s *steady) Read(ctx context.Context, request sdk.ReadRequest, out sdk.Writer) error {
	w := &steadyWriter{Writer: out, to: out.(sdk.RevisionWriter), source: s, known: request.Known}
	if s.say != nil {
		return s.say(w.to)
	}
	s.shelf.attempts++
	var streams []string
	for _, it := range s.items {
		if !slices.Contains(streams, it.stream) && (len(request.Streams) == 0 || slices.Contains(request.Streams, it.stream)) {
			streams = append(streams, it.stream)
		}
	}
	for _, stream := range streams {
		rev := revision(s.items, stream)
		items := slices.Clone(s.items)
		for i := range items {
			items[i].record.JSON = slices.Clone(items[i].record.JSON)
		}
		s.states.Store(string(rev), items)
		if string(request.Known[stream]) == string(rev) {
			if err := w.to.Unchanged(stream); err != nil {
				return err
			}
			continue
		}
		one := &shelf{
			items: slices.DeleteFunc(slices.Clone(s.items), func(it item) bool { return it.stream != stream }), every: s.every,
			facts: s.facts, resume: s.resume, during: s.during, attempts: s.shelf.attempts - 1,
		}
		err := one.Read(ctx, request, w)
		if err == nil {
			err = w.to.Revision(stream, rev)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// steadyWriter says of records that they have not changed.
type steadyWriter struct {
	sdk.Writer

	to     sdk.RevisionWriter
	source *steady
	known  map[string][]byte
}

func (w *steadyWriter) Record(stream string, r sdk.Record) error {
	same := func(it item) bool {
		return it.stream == stream && it.record.ID == r.ID && it.skip == nil && fmt.Sprint(it.record.Assets) == fmt.Sprint(r.Assets) &&
			string(it.record.JSON) == string(r.JSON)
	}
	had, _ := w.source.states.Load(string(w.known[stream]))
	if items, _ := had.([]item); w.source.records && r.ID != "" && slices.ContainsFunc(items, same) {
		return w.to.UnchangedRecord(stream, r.ID)
	}
	w.source.sent++
	return w.Writer.Record(stream, r)
}

func (w *steadyWriter) Facts(stream string, facts ...sdk.Fact) error {
	return w.Writer.(sdk.FactsWriter).Facts(stream, facts...)
}

// farm is a job whose sources know what has not changed.
type farm struct {
	*job

	ledger  *barned
	sources []*steady
}

func newFarm(t *testing.T, b *barn, sources ...*shelf) *farm {
	t.Helper()
	f := &farm{job: newJob(t, sources...)}
	f.ledger = b.ledger(f.job.ledger)
	f.Ledger, f.Harvests = f.ledger, f.ledger
	for i, s := range sources {
		f.sources = append(f.sources, &steady{shelf: s, states: b.states})
		f.Sources[i].Source, f.Sources[i].Fingerprint = f.sources[i], "options"
	}
	return f
}

// harvest runs the job to a good end.
func (f *farm) harvest(t *testing.T) map[string]string {
	t.Helper()
	f.run(t)
	f.ledger.well()
	return tree(t, f.path)
}

// outcome is what a run with an empty state makes of sources.
func outcome(t *testing.T, sources ...*shelf) (map[string]string, *recorder) {
	t.Helper()
	f := newFarm(t, newBarn(), sources...)
	return f.harvest(t), f.count
}

// stored is how many entities the ledger was given.
func (f *farm) stored() int {
	n := 0
	for _, line := range f.job.ledger.log {
		if strings.HasPrefix(line, "entity ") {
			n++
		}
	}
	return n
}

// TestNothingHasChanged: a second run reads and stores nothing, and ends with the same bytes and numbers.
func TestNothingHasChanged(t *testing.T) {
	for name, sources := range map[string]func(*testing.T) []*shelf{"game": game, "eventful": eventful} {
		t.Run(name, func(t *testing.T) {
			b := newBarn()
			sources := sources(t)
			first := newFarm(t, b, sources...)
			want := first.harvest(t)
			second := newFarm(t, b, sources...)
			second.pictures, second.blobs = first.pictures, first.blobs
			second.Pictures, second.Blobs = first.pictures, first.blobs
			same(t, second.harvest(t), want)
			if got, want := second.count.codes(), first.count.codes(); !maps.Equal(got, want) {
				t.Errorf("failures %v, want %v", got, want)
			}
			for stage := range core.StageCount {
				was, is := first.count.stage(stage), second.count.stage(stage)
				if is.Found != was.Found || is.Failed != was.Failed || is.Written+is.Cached != was.Written+was.Cached {
					t.Errorf("%s: %+v, was %+v", stage, is, was)
				}
			}
			entities := second.count.stage(core.StageEntities)
			// Streams in which an id came twice are read each time.
			if n := second.stored(); n != map[string]int{"game": 0, "eventful": 19}[name] || int(entities.Cached)+n != second.total() {
				t.Errorf("%d entities were stored again, %d taken over", n, entities.Cached)
			}
			if got := second.count.bulk[harvestCache]; got[0] != entities.Cached || got[0] == 0 {
				t.Errorf("%v were counted as unchanged, %d are cached", got, entities.Cached)
			}
		})
	}
}

// total is how many entities a run has.
func (f *farm) total() int { return len(f.job.ledger.entities) + len(f.ledger.carried) }

// TestSomeHasChanged: whatever changes, a later run ends as one that knows nothing of the earlier ones.
func TestSomeHasChanged(t *testing.T) {
	drop := func(s *shelf, id string) {
		s.items = slices.DeleteFunc(s.items, func(it item) bool { return it.record.ID == id })
	}
	changes := map[string]func(t *testing.T, sources []*shelf){
		"a record": func(_ *testing.T, s []*shelf) {
			s[0].items[1].record.JSON = json.RawMessage(`{"name":"Another","a":1}`)
		},
		"a new record in front": func(_ *testing.T, s []*shelf) {
			s[1].items = append([]item{doc("spells", "new")}, s[1].items...)
		},
		"a record is gone":  func(_ *testing.T, s []*shelf) { drop(s[1], "spells.003") },
		"a stream is gone":  func(_ *testing.T, s []*shelf) { s[0].items = s[0].items[:5] },
		"a link is mended":  func(_ *testing.T, s []*shelf) { s[1].items = append(s[1].items, doc("spells", "Actor.99")) },
		"an id comes twice": func(_ *testing.T, s []*shelf) { s[0].items = append(s[0].items, doc("items", "Actor.2")) },
		"an id comes twice, in front": func(_ *testing.T, s []*shelf) {
			s[0].items = append([]item{doc("before", "Actor.2")}, s[0].items...)
		},
		"what was torn can be read": func(_ *testing.T, s []*shelf) { s[0].items[3] = doc("actors", "Actor.4") },
		"a picture": func(t *testing.T, s []*shelf) {
			t.Helper()
			s[0].bytes["token"] = drawing(t, 6, 6, 9)
			if err := os.WriteFile(s[0].items[0].record.Assets[0].Path, drawing(t, 4, 4, 7), 0o666); err != nil {
				t.Fatal(err)
			}
		},
		"the order of the streams": func(_ *testing.T, s []*shelf) {
			s[0].items = append(slices.Clone(s[0].items[5:]), s[0].items[:5]...)
		},
	}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		for _, records := range []bool{false, true} {
			t.Run(fmt.Sprint(name, records), func(t *testing.T) {
				b := newBarn()
				sources := game(t)
				newFarm(t, b, sources...).harvest(t)
				changes[name](t, sources)
				want, count := outcome(t, sources...)
				for round := range 2 { // the second one has what the first has kept of a mixture
					f := newFarm(t, b, sources...)
					for i := range f.sources {
						f.sources[i].records = records
					}
					same(t, f.harvest(t), want)
					if got, want := f.count.codes(), count.codes(); !maps.Equal(got, want) {
						t.Errorf("round %d: failures %v, want %v", round, got, want)
					}
					if f.count.stage(core.StageEntities).Cached == 0 {
						t.Error("nothing was taken over")
					}
				}
			})
		}
	}
}

// TestOnlyRecordsThatChanged: of a stream in which one record is new, no other is sent or stored.
func TestOnlyRecordsThatChanged(t *testing.T) {
	b := newBarn()
	s := &shelf{items: docs("a", 20)}
	newFarm(t, b, s).harvest(t)
	s.items = append(s.items[:7:7], append([]item{doc("a", "new")}, s.items[7:]...)...)
	f := newFarm(t, b, s)
	f.sources[0].records = true
	f.harvest(t)
	if f.sources[0].sent != 1 || f.stored() != 1 {
		t.Errorf("%d records were sent, %d stored", f.sources[0].sent, f.stored())
	}
	if c := f.count.stage(core.StageEntities); c.Cached != 20 || c.Written != 1 {
		t.Errorf("got %+v", c)
	}
	if got := f.count.bulk[harvestCache]; got != [2]int64{20, 1} {
		t.Errorf("counted %v", got)
	}
	if f.job.ledger.puts("complete a ") != 0 || f.job.ledger.puts("complete  ") != 0 {
		t.Error("a later attempt is told that it has all of the stream")
	}
}

// TestWhatIsNotKept: of what nobody can vouch for nothing is offered.
func TestWhatIsNotKept(t *testing.T) {
	pictured := func(path string) []item {
		return []item{doc("a", "1", func(r *sdk.Record) { r.Assets = []sdk.AssetRef{{URI: "x", Status: sdk.Present, Path: path}} })}
	}
	for name, test := range map[string]struct {
		first  func(t *testing.T, f *farm)
		second func(f *farm)
		taken  bool
	}{
		"all is as it was": {taken: true},
		"other options":    {second: func(f *farm) { f.Sources[0].Fingerprint = "others" }},
		"no fingerprint":   {second: func(f *farm) { f.Sources[0].Fingerprint = "" }},
		"fresh":            {second: func(f *farm) { f.Fresh = true }},
		"another version":  {second: func(f *farm) { f.Sources[0].Source = versioned{f.sources[0]} }},
		"another name":     {second: func(f *farm) { f.Sources[0].Name = "other" }},
		"the plugin died":  {first: func(_ *testing.T, f *farm) { f.sources[0].during = diesAt(2) }},
		"files that pass": {first: func(t *testing.T, f *farm) {
			t.Helper()
			dir := t.TempDir()
			path := filepath.Join(dir, "x.png")
			if err := os.WriteFile(path, drawing(t, 2, 2, 1), 0o666); err != nil {
				t.Fatal(err)
			}
			f.sources[0].items, f.Sources[0].Passing, f.Sources[0].Folders = pictured(path), []string{dir}, []string{dir}
		}},
		"the run did not end well": {first: func(_ *testing.T, f *farm) { f.ledger.barn = newBarn() }},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBarn()
			s := &shelf{items: docs("a", 5), every: 2, resume: true}
			first := newFarm(t, b, s)
			if test.first != nil {
				test.first(t, first)
			}
			first.harvest(t)
			s.during = nil
			second := newFarm(t, b, s)
			if test.second != nil {
				test.second(second)
			}
			second.harvest(t)
			if taken := second.count.stage(core.StageEntities).Cached > 0; taken != test.taken {
				t.Errorf("taken over: %v", taken)
			}
		})
	}
}

type versioned struct{ *steady }

func (v versioned) Spec() sdk.Spec {
	spec := v.steady.Spec()
	spec.Version = "2.0.0"
	return spec
}

// TestLies: a source that says what it cannot know is broken, whether or not it heeds the answer.
func TestLies(t *testing.T) {
	for name, test := range map[string]struct {
		say   func(out sdk.RevisionWriter) error
		about string
	}{
		"of a stream": {func(out sdk.RevisionWriter) error { return out.Unchanged("b") }, "was given no revision"},
		"of a record": {func(out sdk.RevisionWriter) error { return out.UnchangedRecord("a", "a.777") }, `"a.777"`},
		"and says nothing": {func(out sdk.RevisionWriter) error {
			_ = out.Unchanged("b")
			return nil
		}, "was given no revision"},
		"and sends": {func(out sdk.RevisionWriter) error {
			return errors.Join(out.Unchanged("a"), out.(sdk.Writer).Record("a", doc("a", "x").record))
		}, "sent some of it"},
		"too late": {func(out sdk.RevisionWriter) error {
			return errors.Join(out.(sdk.Writer).Record("a", doc("a", "x").record), out.Unchanged("a"))
		}, "had sent a part"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBarn()
			liar, other := &shelf{items: docs("a", 3)}, &shelf{items: docs("c", 2)}
			newFarm(t, b, liar, other).harvest(t)
			liar.items = append(liar.items, docs("b", 2)...)
			f := newFarm(t, b, liar, other)
			f.sources[0].say = test.say
			result := f.run(t)
			if !slices.Equal(result.Broken, []string{"s0"}) {
				t.Fatalf("broken: %v", result.Broken)
			}
			said := false
			for _, failure := range f.count.failures {
				said = said || failure.Code == "stream.not_known" && strings.Contains(failure.Message, test.about)
			}
			if !said {
				t.Errorf("got %+v", f.count.failures)
			}
		})
	}
}

// TestResumeWithWhatHasNotChanged: whenever a run is killed that has taken something over, a later attempt at it ends like
// one that nobody disturbed.
func TestResumeWithWhatHasNotChanged(t *testing.T) {
	for n := int64(1); ; n += 7 { // somewhere in each of its steps
		b := newBarn()
		sources := game(t)
		newFarm(t, b, sources...).harvest(t)
		sources[1].items = append([]item{doc("spells", "new")}, sources[1].items...)
		want, count := outcome(t, sources...)
		f := newFarm(t, b, sources...)
		f.sources[1].records = true
		fault, happened := dying(n)
		f.job.ledger.fault = fault
		_, err := Run(t.Context(), f.Config)
		if !happened() {
			if err != nil || n < 10 {
				t.Fatalf("killed %d times; then %v", n, err)
			}
			return
		}
		next := &farm{job: f.again(t, sources...)}
		next.ledger = b.ledger(next.job.ledger)
		next.Ledger, next.Harvests = next.ledger, next.ledger
		for i, s := range sources {
			next.sources = append(next.sources, &steady{shelf: s, states: b.states})
			next.Sources[i].Source, next.Sources[i].Fingerprint = next.sources[i], "options"
		}
		next.sources[1].records = true
		same(t, next.harvest(t), want)
		if got, want := next.count.codes(), count.codes(); !maps.Equal(got, want) {
			t.Fatalf("killed at %d: failures %v, want %v", n, got, want)
		}
		if t.Failed() {
			t.Fatalf("killed at %d", n)
		}
	}
}

// TestEqualsOfWhatHasNotChanged: what is taken over is looked up in the compendium there is now, not in that of the run that
// kept it.
func TestEqualsOfWhatHasNotChanged(t *testing.T) {
	b := newBarn()
	some, all := &edition{}, &edition{}
	for c, items := range map[*edition][]item{some: docs("a", 3), all: docs("a", 9)} {
		if _, err := newJob(t, &shelf{items: items}).compile(t, c); err != nil {
			t.Fatal(err)
		}
	}
	sources := &shelf{items: docs("a", 12)}
	for i, c := range []Compendium{some, all, nil, some} {
		f := newFarm(t, b, sources)
		f.Compendium = c
		got := f.harvest(t)
		other := newFarm(t, newBarn(), sources)
		other.Compendium = c
		same(t, got, other.harvest(t))
		if taken := f.count.stage(core.StageEntities).Cached == 12; taken != (i > 0) {
			t.Errorf("run %d: %+v", i, f.count.stage(core.StageEntities))
		}
	}
}
