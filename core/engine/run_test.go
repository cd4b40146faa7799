package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/png"
	"io/fs"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/asset"
	"github.com/seed-98789ff7/converter/core/output"
	"github.com/seed-98789ff7/converter/sdk"
)

// job is a run with everything it needs. Its sources are called s0, s1, …; it has one output.
type job struct {
	Config

	count    *recorder
	ledger   *ledger
	blobs    *blobs
	pictures *pictures
	encoder  *sketch
	path     string // of the output
	earlier  Earlier
}

func newJob(t *testing.T, sources ...*shelf) *job {
	t.Helper()
	j := &job{
		count: &recorder{}, blobs: &blobs{}, pictures: &pictures{}, encoder: &sketch{}, path: filepath.Join(t.TempDir(), "out"),
	}
	j.ledger = newLedger(j.count)
	j.Config = Config{
		RunID: "r-0001", ConfigDigest: "digest", Workers: 4, Ledger: j.ledger, Pictures: j.pictures, Blobs: j.blobs, Recorder: j.count,
		Log: slog.New(slog.DiscardHandler), Outputs: []Output{jsonOutput("library", j.path)},
		Images: &Images{
			Config: asset.Config{Encoder: j.encoder, Resolutions: []asset.Resolution{{Name: "thumbnail", Box: 4}}}, Recipe: "recipe",
		},
	}
	for i, s := range sources {
		j.Sources = append(j.Sources, Source{Name: fmt.Sprint("s", i), Source: s, Folders: []string{os.TempDir()}})
	}
	return j
}

func jsonOutput(name, path string) Output {
	return Output{Name: name, Path: path, Open: func() (output.Writer, error) { return output.OpenJSON(path) }}
}

// sketch stands in for the encoder: it writes down what it was given.
type sketch struct{ calls atomic.Int64 }

func (*sketch) Name() string { return "sketch" }

func (s *sketch) Encode(_ context.Context, m image.Image, quality, _ int) ([]byte, error) {
	s.calls.Add(1)
	sum := fnv.New32a()
	switch m := m.(type) {
	case *image.NRGBA:
		sum.Write(m.Pix)
	case *image.YCbCr:
		sum.Write(m.Y)
	}
	return fmt.Appendf(nil, "%v q%d %08x", m.Bounds().Size(), quality, sum.Sum32()), nil
}

// drawing makes a small PNG; another seed, another picture.
func drawing(t *testing.T, width, height int, seed byte) []byte {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range width * height {
		m.SetNRGBA(i%width, i/width, color.NRGBA{R: seed, G: byte(i), B: byte(i >> 8), A: 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// run runs the job to a good end.
func (j *job) run(t *testing.T) Result {
	t.Helper()
	result, err := Run(t.Context(), j.Config)
	if err != nil {
		t.Fatal(err)
	}
	j.count.balanced(t)
	return result
}

// tree returns the contents of all files below a folder by their paths.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		files[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// same checks that two outputs are the same bytes.
func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if got[name] != want[name] {
			t.Errorf("%s differs:\n%s\nwant\n%s", name, got[name], want[name])
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("files %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
}

// written reads the entities of an output back, by uid.
func written(t *testing.T, path string) map[string]core.Entity {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path, "entities.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]core.Entity{}
	last := ""
	for line := range strings.Lines(string(text)) {
		var e core.Entity
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		if e.UID <= last {
			t.Errorf("%s comes after %s", e.UID, last)
		}
		last = e.UID
		all[e.UID] = e
	}
	return all
}

// previous puts what looks like the output of an earlier run in the job's place, and returns its files.
func (j *job) previous(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{"manifest.json": `{"format":"` + output.Format + `"}`, "entities.jsonl": "{}\n", "entities/item/x.json": "{}\n"}
	for name, text := range files {
		path := filepath.Join(j.path, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, []byte(text), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// untouched checks that the output is as it was and nothing lies beside it.
func (j *job) untouched(t *testing.T, before map[string]string) {
	t.Helper()
	same(t, tree(t, j.path), before)
	j.alone(t)
}

func (j *job) alone(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(j.path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); name != filepath.Base(j.path) && strings.HasPrefix(name, ".") {
			t.Errorf("left behind: %s", name)
		}
	}
}

// game makes two sources that have everything in them: links, pictures, twins, shared and bad documents.
func game(t *testing.T) []*shelf {
	t.Helper()
	dir := t.TempDir()
	portrait := filepath.Join(dir, "portrait.png")
	if err := os.WriteFile(portrait, drawing(t, 9, 7, 1), 0o666); err != nil {
		t.Fatal(err)
	}
	linked := func(targets ...string) func(*sdk.Record) {
		return func(r *sdk.Record) {
			for _, target := range targets {
				r.Links = append(r.Links, sdk.Link{Kind: "uuid", Raw: target, Target: target})
			}
		}
	}
	shown := func(refs ...sdk.AssetRef) func(*sdk.Record) { return func(r *sdk.Record) { r.Assets = refs } }
	named := func(name string) func(*sdk.Record) { return func(r *sdk.Record) { r.Name = name } }
	twin := func(r *sdk.Record) { r.JSON = json.RawMessage(`{"sort":` + fmt.Sprint(len(r.ID)) + `,"same":true}`) }

	first := &shelf{
		plugin: "shelf", every: 3, resume: true,
		bytes: map[string][]byte{"token": drawing(t, 5, 5, 2), "unknown": drawing(t, 9, 7, 1), "broken": drawing(t, 8, 8, 3)[:60]},
		items: []item{
			doc("actors", "Actor.1", linked("Actor.2", "Actor.99", "Item.1", "Compendium.x.y.Item.1", ""),
				shown(sdk.AssetRef{URI: "portrait.png", Role: "portrait", Status: sdk.Present, Path: portrait})),
			doc("actors", "Actor.2", shown(sdk.AssetRef{URI: "token.png", Status: sdk.Present, Key: "token"},
				sdk.AssetRef{URI: "portrait.png", Status: sdk.Present, Path: portrait})),
			doc("actors", "Actor.3", named("Orc"), shown(sdk.AssetRef{URI: "icons/x.svg", Status: sdk.Core}, sdk.AssetRef{URI: "gone.png", Status: sdk.Missing})),
			{stream: "actors", record: sdk.Record{ID: "Actor.4"}, skip: &sdk.Diagnostic{Kind: sdk.Invalid, Code: "shelf.torn", Summary: "the page is torn"}},
			doc("actors", "Actor.5", named("Orc"), twin),
			doc("items", "Item.1", named("Orc"), shown(sdk.AssetRef{URI: "b.png", Status: sdk.Present, Key: "broken"})),
			doc("items", "Item.2", twin),
			doc("items", "Item.3", func(r *sdk.Record) { r.JSON = json.RawMessage(`[]`) }),
			doc("items", "Item.4", linked("Actor.1", "gone"), func(r *sdk.Record) { r.Kind = "wand" }),
			{stream: "items", skip: errors.New("something unreadable")},
		},
	}
	second := &shelf{
		plugin: "shelf", every: 2, resume: true, bytes: first.bytes,
		items: append(docs("spells", 7),
			doc("spells", "Actor.1", named("Another's"), linked("spells.001", "Item.1")),
			doc("spells", "spells.007", twin, shown(
				sdk.AssetRef{URI: "copy.png", Status: sdk.Present, Key: "unknown"}, sdk.AssetRef{URI: "https://x/y.png", Status: sdk.Remote, URL: "https://x/y.png"},
			)),
		),
	}
	return []*shelf{first, second}
}

func TestWholeRun(t *testing.T) {
	j := newJob(t, game(t)...)
	result := j.run(t)
	got := written(t, j.path)
	if result.Entities != 15 || len(got) != 15 || result.Assets != 3 || !slices.Equal(result.Written, []string{j.path}) || result.Broken != nil {
		t.Errorf("result %+v, %d entities", result, len(got))
	}
	var m struct {
		RunID string `json:"run_id"`
		Files []struct{ Path string }
	}
	files := tree(t, j.path)
	if err := json.Unmarshal([]byte(files["manifest.json"]), &m); err != nil {
		t.Fatal(err)
	}
	if m.RunID == "" || m.RunID != result.ResultID || result.Files != len(files) || len(m.Files) != len(files)-1 {
		t.Errorf("manifest %s with %d files, result %+v, %d files", m.RunID, len(m.Files), result, len(files))
	}
	t.Run("links", func(t *testing.T) {
		var words []string
		for _, l := range got["shelf:w:Actor.1"].Links {
			words = append(words, strings.TrimSpace(l.Status+" "+l.TargetUID))
		}
		want := []string{"resolved shelf:w:Actor.2", "broken", "resolved shelf:w:Item.1", "external", "unknown"}
		if !slices.Equal(words, want) {
			t.Errorf("got %q, want %q", words, want)
		}
	})
	t.Run("identity", func(t *testing.T) {
		if e := got["shelf:w:Actor.1"]; e.Name != "Thing Actor.1" || e.Source.Name != "s0" {
			t.Errorf("the first source does not win: %+v", e)
		}
		for uid, alias := range map[string]string{
			"shelf:w:Item.2": "shelf:w:Actor.5", "shelf:w:spells.007": "shelf:w:Actor.5", "shelf:w:Actor.5": "",
		} {
			if e := got[uid]; e.AliasOf != alias {
				t.Errorf("%s is an alias of %q, want %q", uid, e.AliasOf, alias)
			}
		}
		slugs := map[string]bool{}
		for _, e := range got {
			if slugs[e.Kind+e.Slug] || e.Slug == "" {
				t.Errorf("the slug %s is taken", e.Slug)
			}
			slugs[e.Kind+e.Slug] = true
		}
	})
	t.Run("pictures", func(t *testing.T) {
		one, other := got["shelf:w:Actor.1"].Assets[0], got["shelf:w:spells.007"].Assets[0]
		if one.AssetID == "" || one.AssetID != other.AssetID {
			t.Errorf("the same picture has the ids %q and %q", one.AssetID, other.AssetID)
		}
		if e := got["shelf:w:Item.1"].Assets[0]; e.AssetID == "" || e.Problem != asset.CodeDamaged {
			t.Errorf("damaged: %+v", e)
		}
		if e := got["shelf:w:Actor.3"].Assets; e[0].Problem != "" || e[1].Problem != "asset.missing" || e[1].AssetID != "" {
			t.Errorf("not there: %+v", e)
		}
	})
	t.Run("numbers", func(t *testing.T) {
		for stage, want := range map[core.Stage]core.StageCounts{
			core.StageRead:     {Stage: "", Total: 19, Found: 19, Written: 17, Failed: 2, Ended: true},
			core.StageEntities: {Total: 19, Found: 19, Written: 16, Failed: 3, Ended: true},
			core.StageAssets:   {Total: 7, Found: 7, Written: 2, Cached: 1, Skipped: 2, Failed: 2, Ended: true},
			core.StageLink:     {Total: 15, Found: 15, Written: 15, Ended: true},
			core.StageWrite:    {Total: 15, Found: 15, Written: 15, Ended: true},
		} {
			if got := j.count.stage(stage); got != want {
				t.Errorf("%s: %+v, want %+v", stage, got, want)
			}
		}
		streams, _ := j.count.Tally()
		leads := func(numbers map[string]int64) (facts []core.Fact) {
			for _, f := range verdictWords {
				if f.Number = numbers[f.Name]; f.Number > 0 {
					facts = append(facts, f)
				}
			}
			return facts
		}
		want := []core.StreamCounts{
			{Source: "s0", Stream: "actors", Title: "The actors", Found: 5, Written: 4, Failed: 1, Facts: leads(map[string]int64{
				"links_resolved": 2, "links_external": 1, "links_unknown": 1, "links_broken": 1, "files_missing": 1,
			})},
			{Source: "s0", Stream: "items", Title: "The items", Found: 5, Written: 3, Failed: 2, Facts: leads(map[string]int64{
				"links_resolved": 1, "links_broken": 1,
			})},
			{Source: "s1", Stream: "spells", Title: "The spells", Found: 9, Written: 9},
		}
		if !reflect.DeepEqual(streams, want) {
			t.Errorf("streams %+v, want %+v", streams, want)
		}
		if want := map[string]int64{"item": 14, "other": 1}; !maps.Equal(j.count.kinds, want) {
			t.Errorf("kinds %v, want %v", j.count.kinds, want)
		}
	})
	t.Run("problems", func(t *testing.T) {
		want := map[string]int{
			"shelf.torn": 1, "record.unreadable": 1, "record.not_object": 1, "asset.missing": 1, asset.CodeDamaged: 1, "link.broken*": 2,
			"entity.in_two_sources*": 1,
		}
		if got := j.count.codes(); !maps.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestSameBytes: whatever the number of workers, the order in which sources send and the pace at which things are stored.
func TestSameBytes(t *testing.T) {
	want := map[string]string(nil)
	for _, workers := range []int{1, 2, 8} {
		for seed := range uint64(4) {
			sources := game(t)
			j := newJob(t, sources...)
			j.Workers = workers
			random := rand.New(rand.NewPCG(seed, 1))
			for _, s := range sources {
				if seed > 0 {
					shuffle(random, s)
				}
				s.during = func(context.Context, int, int) error { yield(); return nil }
				s.fetch = func(context.Context, string) error { yield(); return nil }
			}
			j.ledger.fault = func(context.Context, string, string) error { yield(); return nil }
			j.run(t)
			got := tree(t, j.path)
			if want == nil {
				want = got
			}
			if same(t, got, want); t.Failed() {
				t.Fatalf("with %d workers and seed %d", workers, seed)
			}
		}
	}
}

// yield lets others go first, some more often than others.
func yield() {
	for range rand.IntN(20) {
		runtime.Gosched()
	}
}

// shuffle changes the order of a source's items, but not that in which its streams first appear.
func shuffle(random *rand.Rand, s *shelf) {
	byStream := map[string][]item{}
	for _, it := range s.items {
		byStream[it.stream] = append(byStream[it.stream], it)
	}
	for _, items := range byStream {
		random.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
	}
	at := map[string]int{}
	for i := range s.items {
		name := s.items[i].stream
		s.items[i] = byStream[name][at[name]]
		at[name]++
	}
}

// TestSecondRun takes the pictures from the cache and writes the same bytes.
func TestSecondRun(t *testing.T) {
	sources := game(t)
	j := newJob(t, sources...)
	j.run(t)
	before, calls := tree(t, j.path), j.encoder.calls.Load()
	again := newJob(t, sources...)
	again.Outputs, again.path = j.Outputs, j.path
	again.Pictures, again.Blobs = j.pictures, j.blobs
	again.Images = j.Images
	again.run(t)
	j.untouched(t, before)
	if n := j.encoder.calls.Load(); n != calls {
		t.Errorf("%d pictures were made again", n-calls)
	}
	if c := again.count.stage(core.StageAssets); c.Written != 0 || c.Cached != 3 || again.count.hits != 2 || again.count.lookups != 3 {
		t.Errorf("counts %+v, %d of %d lookups", c, again.count.hits, again.count.lookups)
	}
}

// TestRecipe: pictures made in another way are not taken from the cache.
func TestRecipe(t *testing.T) {
	sources := game(t)
	j := newJob(t, sources...)
	j.run(t)
	again := newJob(t, sources...)
	again.Pictures, again.Blobs = j.pictures, j.blobs
	again.Images.Recipe = "another"
	again.run(t)
	if again.count.hits != 0 || again.encoder.calls.Load() == 0 {
		t.Errorf("%d pictures came from the cache", again.count.hits)
	}
}

func TestNothingToDo(t *testing.T) {
	for name, s := range map[string]*shelf{"no streams": {}, "no records": {hidden: true}} {
		t.Run(name, func(t *testing.T) {
			j := newJob(t, s)
			result := j.run(t)
			if result.Entities != 0 || len(written(t, j.path)) != 0 || result.ResultID == "" {
				t.Errorf("got %+v", result)
			}
		})
	}
	t.Run("no sources", func(t *testing.T) {
		j := newJob(t)
		before := j.previous(t)
		if _, err := Run(t.Context(), j.Config); err == nil || !strings.Contains(err.Error(), "no source") {
			t.Errorf("got %v", err)
		}
		j.untouched(t, before)
	})
	t.Run("no outputs", func(t *testing.T) {
		j := newJob(t, &shelf{items: docs("a", 3)})
		j.Outputs = nil
		if result := j.run(t); result.Entities != 3 || result.Written != nil {
			t.Errorf("got %+v", result)
		}
	})
}

// TestImagesOff: references stay as they are, and nobody asks for bytes.
func TestImagesOff(t *testing.T) {
	sources := game(t)
	j := newJob(t, sources...)
	j.Images, j.Pictures, j.Blobs = nil, nil, nil
	result := j.run(t)
	if result.Assets != 0 || len(j.ledger.mappings) != 0 || sources[0].fetched != nil {
		t.Errorf("pictures were looked at: %+v, %v", result, j.ledger.mappings)
	}
	if got := written(t, j.path)["shelf:w:Actor.1"].Assets[0]; got.URI != "portrait.png" || got.AssetID != "" || got.Status != sdk.Present {
		t.Errorf("got %+v", got)
	}
}

// TestConfigIsNotWrittenTo: one Config may serve several runs at once.
func TestConfigIsNotWrittenTo(t *testing.T) {
	j := newJob(t, game(t)...)
	before := *j.Images
	j.run(t)
	if !reflect.DeepEqual(before, *j.Images) {
		t.Errorf("got %+v, want %+v", *j.Images, before)
	}
}

// TestSourceWithoutStreams: a source that cannot list its streams is read all the same.
func TestSourceWithoutStreams(t *testing.T) {
	items := append(docs("b", 4), docs("a", 3)...)
	for name, discover := range map[string]error{
		"nothing": nil, "unsupported": &sdk.Diagnostic{Kind: sdk.Unsupported, Code: "x", Summary: "not here"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &shelf{items: items, hidden: true, discover: discover, check: discover, every: 2, resume: true, during: diesAt(3)}
			j := newJob(t, s, &shelf{plugin: "other", items: docs("c", 2), hidden: true})
			if result := j.run(t); result.Entities != 9 {
				t.Errorf("got %+v", result)
			}
			streams, _ := j.count.Tally()
			if got := len(streams); got != 3 {
				t.Errorf("streams %+v", streams)
			}
		})
	}
}

// TestFetchesAreCounted by source, and as the lookups of two caches, whichever source they are of.
func TestFetchesAreCounted(t *testing.T) {
	j := newJob(t,
		&shelf{items: docs("a", 3), report: sdk.Metrics{Requests: 5, Hits: 7, Misses: 4, Bytes: 900, Unchanged: 2, Changed: 1}},
		&shelf{plugin: "other", items: docs("b", 1), report: sdk.Metrics{Hits: 1}},
		&shelf{plugin: "third", items: docs("c", 1), report: sdk.Metrics{
			Requests: 9, Retries: 2, Hits: 3, Confirmed: 3, Bytes: 10, LimitWait: time.Second, PauseWait: time.Millisecond, BackoffWait: time.Minute,
			InFlight: 2, MostInFlight: 4,
		}})
	j.run(t)
	if got := j.count.bulk; len(got) != 2 || got[sourceCache] != [2]int64{11, 4} || got[recordCache] != [2]int64{2, 1} {
		t.Errorf("%v", got)
	}
	slices.SortFunc(j.count.fetched, func(a, b core.Fetched) int { return strings.Compare(a.Source, b.Source) })
	want := []core.Fetched{
		{Source: "s0", Requests: 5, Hits: 7, Misses: 4, Bytes: 900}, {Source: "s1", Hits: 1}, {
			Source: "s2", Requests: 9, Retries: 2, Hits: 3, Confirmed: 3, Bytes: 10, LimitWaitUS: 1_000_000, PauseWaitUS: 1000, BackoffWaitUS: 60_000_000,
			InFlight: 2, MostInFlight: 4,
		},
	}
	if !slices.Equal(j.count.fetched, want) {
		t.Errorf("fetched %+v, want %+v", j.count.fetched, want)
	}
}

// TestStreamsAreInTheOrderOfTheirSources, whoever sends first.
func TestStreamsAreInTheOrderOfTheirSources(t *testing.T) {
	sent := make(chan struct{})
	slow := &shelf{items: docs("z", 2), hidden: true, during: func(context.Context, int, int) error { <-sent; return nil }}
	quick := &shelf{plugin: "other", items: append(docs("y", 1), docs("x", 1)...), hidden: true}
	quick.during = func(_ context.Context, _, at int) error {
		if at == len(quick.items) {
			close(sent)
		}
		return nil
	}
	j := newJob(t, slow, quick)
	j.run(t)
	var m struct {
		Counts struct{ Streams []core.StreamCounts }
	}
	if err := json.Unmarshal([]byte(tree(t, j.path)["manifest.json"]), &m); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range m.Counts.Streams {
		names = append(names, s.Source+" "+s.Stream)
	}
	if want := []string{"s0 z", "s1 y", "s1 x"}; !slices.Equal(names, want) {
		t.Errorf("got %q, want %q", names, want)
	}
}
