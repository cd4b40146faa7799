package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/sdk"
)

// sample writes an output that has everything in it.
func sample(t *testing.T, path string) Result {
	t.Helper()
	w := open(t, path)
	full := &core.Entity{
		UID: "foundry:world/home:Actor.1", Kind: "creature", NativeType: "Actor/npc", Name: `Goblin <b>"Boss"</b> & Söhne`,
		Slug: "goblin-boss", Lang: "en", Sort: -3, FolderPath: []string{"A", "B"},
		Ruleset: sdk.Ruleset{System: "dnd5e", Edition: "2024"},
		Source: core.Provenance{
			Plugin: "foundry", Name: "home", Stream: "actors", Scope: "world/home", NativeID: "Actor.1", Revision: "7",
			Origin: sdk.Origin{Package: "home", Pack: "actors", Page: 12},
		},
		License:    core.License{License: sdk.License{Expression: "CC-BY-4.0"}, Redistributable: "yes"},
		Visibility: "gm",
		Assets: []core.AssetUse{
			{Pointer: "/img", Role: "portrait", URI: "a.png", Status: sdk.Present, AssetID: hexSum([]byte("a")), Locator: core.Locator{Path: "/secret"}},
			{URI: "b.png", Status: sdk.Missing, Problem: "asset.missing"},
		},
		Links: []core.Link{
			{Pointer: "/t", Kind: "uuid", Raw: "@UUID[x]{<i>}", Target: "Actor.2", TargetUID: "foundry:world/home:Actor.2", Status: core.LinkResolved},
		},
		Warnings: []string{"half of it"}, Complete: false, RawSHA256: "r", ContentSHA256: "c",
		Raw: json.RawMessage("{\n  \"hp\": 1e5, \"html\": \"<p>1.0 &amp; 2</p>\"\n}\n"),
	}
	for _, e := range []*core.Entity{full, thing("plain")} {
		if err := w.Entity(e); err != nil {
			t.Fatal(err)
		}
	}
	a, opener := picture("a", map[string]string{"original": "big", "thumbnail": "small"})
	if err := w.Asset(a, opener); err != nil {
		t.Fatal(err)
	}
	return finish(t, w, Manifest{
		ConfigDigest: "digest", Plugins: []core.PluginUse{{Source: "home", Plugin: "foundry", Version: "1.2.3"}},
		Streams: []core.StreamCounts{
			{Source: "home", Stream: "actors", Found: 3, Written: 1, Skipped: 1, Failed: 1},
			{Source: "home", Stream: "items", Title: "Items", Found: 1, Written: 1},
			{Source: "web", Stream: "items"},
		},
		Kinds: map[string]int64{"item": 1, "creature": 1},
		Problems: []core.Problem{
			{Code: "link.broken", Message: "links lead nowhere", Warning: true, Count: 2, Examples: []string{"Z & Y", "A"}, FirstMS: 5, LastMS: 9},
			{Code: "asset.missing", Source: "home", Message: "gone", Count: 1, Detail: "d", Suggestion: "s"},
			{Code: "plugin.crashed", Message: "it was started again", Transient: true, Count: 1},
		},
	})
}

func TestGolden(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	result := sample(t, path)
	golden := filepath.Join("testdata", "golden")
	if *update {
		if err := errors.Join(os.RemoveAll(golden), os.CopyFS(golden, os.DirFS(path))); err != nil {
			t.Fatal(err)
		}
	}
	got, want := tree(t, path), tree(t, golden)
	for name := range maps.Keys(want) {
		if got[name] != want[name] {
			t.Errorf("%s:\n%s\nwant\n%s", name, got[name], want[name])
		}
	}
	if len(got) != len(want) {
		t.Errorf("files %q, want %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	var bytes int64
	for _, text := range got {
		bytes += int64(len(text))
	}
	if result.Files != len(got) || result.Bytes != bytes || result.ResultID != manifestOf(t, path).RunID {
		t.Errorf("%+v of %d files with %d bytes", result, len(got), bytes)
	}
}

func TestManifestListsWhatIsThere(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	sample(t, path)
	whole(t, path)
	m := manifestOf(t, path)
	if !slices.IsSortedFunc(m.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) }) {
		t.Errorf("the files are not in order: %+v", m.Files)
	}
	if m.Counts.Entities != 2 || m.Counts.Assets != 1 {
		t.Errorf("counts %+v", m.Counts)
	}
	want := []sourceCounts{{Source: "home", Found: 4, Written: 2, Skipped: 1, Failed: 1}, {Source: "web"}}
	if !slices.Equal(m.Counts.Sources, want) {
		t.Errorf("sources %+v, want %+v", m.Counts.Sources, want)
	}
}

func TestManifestOfNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	finish(t, open(t, path), Manifest{})
	files := tree(t, path)
	if files["entities.jsonl"] != "" || len(files) != 2 {
		t.Errorf("got %q", files)
	}
	if strings.Contains(files[manifestName], "null") {
		t.Errorf("a list is null: %s", files[manifestName])
	}
	whole(t, path)
}

// TestRunIDNamesTheContent: the same for the same content, whenever, wherever and in whatever order it was counted.
func TestRunIDNamesTheContent(t *testing.T) {
	run := func(change func(*Manifest)) string {
		t.Helper()
		w := open(t, filepath.Join(t.TempDir(), "out"))
		if err := w.Entity(thing("a")); err != nil {
			t.Fatal(err)
		}
		m := Manifest{
			ConfigDigest: "d", Streams: []core.StreamCounts{{Source: "s", Stream: "x", Written: 1}},
			Problems: []core.Problem{
				{Code: "a", Message: "m", Count: 1, Examples: []string{"1", "2"}},
				{Code: "a", Message: "m", Count: 2},
				{Code: "a", Message: "l", Source: "s", Count: 3},
			},
		}
		if change != nil {
			change(&m)
		}
		return finish(t, w, m).ResultID
	}
	id := run(nil)
	for name, tc := range map[string]struct {
		same   bool
		change func(*Manifest)
	}{
		"again":             {true, func(*Manifest) {}},
		"order of problems": {true, func(m *Manifest) { slices.Reverse(m.Problems) }},
		"order of examples": {true, func(m *Manifest) { m.Problems[0].Examples = []string{"2", "1"} }},
		"times":             {true, func(m *Manifest) { m.Problems[0].FirstMS, m.Problems[0].LastMS = 7, 8 }},
		"transient problem": {true, func(m *Manifest) { m.Problems = append(m.Problems, core.Problem{Code: "b", Transient: true}) }},
		"config":            {false, func(m *Manifest) { m.ConfigDigest = "e" }},
		"plugin":            {false, func(m *Manifest) { m.Plugins = []core.PluginUse{{Plugin: "p", Version: "2"}} }},
		"problem":           {false, func(m *Manifest) { m.Problems[0].Count++ }},
		"numbers":           {false, func(m *Manifest) { m.Streams[0].Failed++ }},
	} {
		t.Run(name, func(t *testing.T) {
			if got := run(tc.change); (got == id) != tc.same {
				t.Errorf("got %s, the first was %s", got, id)
			}
		})
	}
	if len(id) != 16 {
		t.Errorf("id %q", id)
	}
}

func TestTwoRunsWriteTheSame(t *testing.T) {
	dir := t.TempDir()
	one, other := filepath.Join(dir, "one"), filepath.Join(dir, "deep", "down", "other")
	first := sample(t, one)
	before := tree(t, one)
	if second := sample(t, other); second != first {
		t.Errorf("results %+v and %+v", first, second)
	}
	if again := sample(t, one); again != first {
		t.Errorf("results %+v and %+v", first, again)
	}
	for _, path := range []string{one, other} {
		if !maps.Equal(tree(t, path), before) {
			t.Errorf("%s differs", path)
		}
	}
	if more := beyond(t, one, "deep"); more != nil {
		t.Errorf("left behind: %q", more)
	}
}

// TestRawIsAsTheSourceWroteIt looks at the line and at the file, whose white space alone is ours.
func TestRawIsAsTheSourceWroteIt(t *testing.T) {
	for name, tc := range map[string]struct{ raw, line string }{
		"numbers": {
			`{"a":1e5,"b":1.0,"c":-0,"d":1E+2,"e":12345678901234567890123,"f":0.1000}`,
			`{"a":1e5,"b":1.0,"c":-0,"d":1E+2,"e":12345678901234567890123,"f":0.1000}`,
		},
		"markup":           {`{"a":"<p class='x'>&amp;</p>"}`, `{"a":"<p class='x'>&amp;</p>"}`},
		"escapes":          {`{"a":"\u00fc\/\ud83d\ude00\n","\u0061":1}`, `{"a":"\u00fc\/\ud83d\ude00\n","\u0061":1}`},
		"half a surrogate": {`{"a":"\ud800"}`, `{"a":"\ud800"}`},
		"line separators":  {"{\"a\":\"x\u2028y\u2029z\u0085\"}", "{\"a\":\"x\u2028y\u2029z\u0085\"}"},
		"twice the name":   {`{"a":1,"a":2}`, `{"a":1,"a":2}`},
		"order":            {`{"b":1,"a":2}`, `{"b":1,"a":2}`},
		"spaces stay":      {`{ "a" : 1 }`, `{ "a" : 1 }`},
		"spaces around":    {"\n {\"a\":1}\t\r\n", `{"a":1}`},
		"pretty":           {"{\n\t\"a\": [\n 1e5,\r\n \"x  y\"\n],\n\"b\" : {} }\n", `{"a":[1e5,"x  y"],"b":{}}`},
		"empty":            {`{}`, `{}`},
	} {
		t.Run(name, func(t *testing.T) {
			e := thing("x")
			e.Raw = json.RawMessage(tc.raw)
			path := filepath.Join(t.TempDir(), "out")
			w := open(t, path)
			if err := w.Entity(e); err != nil {
				t.Fatal(err)
			}
			finish(t, w, Manifest{})
			files := tree(t, path)
			line, file := files["entities.jsonl"], files["entities/item/x.json"]
			if !strings.HasSuffix(line, `,"raw":`+tc.line+"}\n") || strings.Count(line, "\n") != 1 {
				t.Errorf("line %s", line)
			}
			for form, text := range map[string]string{"line": line, "file": file} {
				var got struct{ Raw json.RawMessage }
				if err := json.Unmarshal([]byte(text), &got); err != nil {
					t.Fatalf("%s: %v", form, err)
				}
				if tight(t, got.Raw) != tight(t, []byte(tc.raw)) {
					t.Errorf("%s: raw is %s, want %s", form, got.Raw, tc.raw)
				}
			}
			if string(e.Raw) != tc.raw {
				t.Error("the entity itself was changed")
			}
		})
	}
}

func tight(t *testing.T, doc []byte) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, doc); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAppendEntityAppends(t *testing.T) {
	e := thing("x")
	e.Name = "a <b> & \u2028"
	e.Raw = json.RawMessage("{\n}")
	prefix := append(make([]byte, 0, 4), "abc"...)
	got, err := AppendEntity(prefix, e)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(got, []byte(`abc{"uid":"p::x"`)) || !bytes.HasSuffix(got, []byte(`"raw":{}}`)) {
		t.Errorf("got %s", got)
	}
	if !bytes.Contains(got, []byte(`"a <b> & \u2028"`)) {
		t.Errorf("the name was escaped for HTML: %s", got)
	}
	if _, err := AppendEntity(nil, &core.Entity{Raw: json.RawMessage("{\n\"a\"}")}); err == nil {
		t.Error("half a document was taken")
	}
}

// TestWrongInputs: each ends the output with an error, and what stood at its place stays.
func TestWrongInputs(t *testing.T) {
	a, opener := picture("b", map[string]string{"original": "big"})
	broken := errors.New("the disk is on fire")
	with := func(change func(*core.Entity)) func(*JSON) error {
		return func(w *JSON) error {
			e := thing("x")
			change(e)
			return w.Entity(e)
		}
	}
	rendition := func(change func(*core.Rendition)) func(*JSON) error {
		return func(w *JSON) error {
			other := a
			other.Renditions = slices.Clone(a.Renditions)
			change(&other.Renditions[0])
			return w.Asset(other, opener)
		}
	}
	for name, tc := range map[string]struct {
		do   func(*JSON) error
		says string
	}{
		"no document":     {with(func(e *core.Entity) { e.Raw = nil }), "p::x"},
		"half document":   {with(func(e *core.Entity) { e.Raw = json.RawMessage(`{"a":`) }), "p::x"},
		"half, in lines":  {with(func(e *core.Entity) { e.Raw = json.RawMessage("{\n\"a\":") }), "p::x"},
		"slug taken":      {with(func(e *core.Entity) { e.Slug = "first" }), "first.json"},
		"too long a slug": {with(func(e *core.Entity) { e.Slug = strings.Repeat("x", 300) }), "make entities"},
		"shorter":         {rendition(func(r *core.Rendition) { r.Bytes = 4 }), "what is stored is not what was written"},
		"longer":          {rendition(func(r *core.Rendition) { r.Bytes = 2 }), "what is stored is not what was written"},
		"other bytes":     {rendition(func(r *core.Rendition) { r.SHA256 = hexSum(nil) }), "what is stored is not what was written"},
		"not there": {
			func(w *JSON) error {
				return w.Asset(a, func(core.Rendition) (io.ReadCloser, error) { return nil, broken })
			}, broken.Error(),
		},
		"not readable": {
			func(w *JSON) error {
				return w.Asset(a, func(core.Rendition) (io.ReadCloser, error) {
					return io.NopCloser(io.MultiReader(strings.NewReader("b"), failing{broken})), nil
				})
			}, broken.Error(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out")
			write(t, path, "previous")
			before := tree(t, path)
			w := open(t, path)
			if err := w.Entity(thing("first")); err != nil {
				t.Fatal(err)
			}
			err := tc.do(w)
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Fatalf("got %v, want something about %q", err, tc.says)
			}
			if err := w.Abort(); err != nil {
				t.Fatal(err)
			}
			if !maps.Equal(tree(t, path), before) {
				t.Error("the previous output was touched")
			}
			if more := beyond(t, path); more != nil {
				t.Errorf("left behind: %q", more)
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// TestNotice: each licence once, with what has to be passed on word for word; what states none comes last.
func TestNotice(t *testing.T) {
	licensed := func(id, source, book, expression, text, passes string) *core.Entity {
		e := thing(id)
		e.Source.Name, e.Source.Book, e.Source.Package = source, book, "pack"
		e.License = core.License{License: sdk.License{Expression: expression, Attribution: text, From: id}, Redistributable: passes}
		return e
	}
	all := []*core.Entity{
		licensed("1", "web", "Tome", "OGL-1.0a", "COPYRIGHT NOTICE\r\n  Tome, *by* <A>\n", "yes"),
		licensed("2", "web", "Tome", "OGL-1.0a", "COPYRIGHT NOTICE\r\n  Tome, *by* <A>\n", "yes"),
		licensed("3", "home", "", "", "", "unknown"),
		licensed("4", "web", "Atlas", "CC-BY-4.0", "", "yes"),
		licensed("5", "web", "Maps\n# of <b>_A_</b>", "CC-BY-NC-4.0", "", "no"),
	}
	all[3].License.URL = "https://example.org/by"
	all[3].Assets = []core.AssetUse{
		{URI: "a", AssetID: "x", License: sdk.License{Expression: "CC0-1.0"}},
		{URI: "b", License: sdk.License{Expression: "none of its bytes are here"}},
	}
	var texts []string
	for range 2 {
		path := filepath.Join(t.TempDir(), "out")
		w := open(t, path)
		for _, e := range all {
			if err := w.Entity(e); err != nil {
				t.Fatal(err)
			}
		}
		finish(t, w, Manifest{})
		whole(t, path)
		texts = append(texts, tree(t, path)[noticeName])
		slices.Reverse(all)
	}
	want := noticeHead + `
## CC-BY-4.0

- **Atlas** (source web): 1 entity

  <https://example.org/by>

## CC-BY-NC-4.0

- **Maps # of \<b\>\_A\_\</b\>** (source web): 1 entity; it must not be passed on

## CC0-1.0

- **Atlas** (source web): 1 use of a picture

## OGL-1.0a

- **Tome** (source web): 2 entities

      COPYRIGHT NOTICE
        Tome, *by* <A>

## No licence is stated

- **pack** (source home): 1 entity; whether it may be passed on is not known
`
	if texts[0] != want || texts[1] != want {
		t.Errorf("got\n%s\nand\n%s", texts[0], texts[1])
	}
}

// TestNoticesAreBounded: a source that states another licence for each entity does not fill the memory.
func TestNoticesAreBounded(t *testing.T) {
	var n notices
	for i := range noticesMost + 5 {
		e := thing("x")
		e.License.Attribution = strings.Repeat("i", i%3) + fmt.Sprint(i)
		n.add(e)
	}
	large := notices{}
	for i := range 20 {
		e := thing("x")
		e.License.Attribution = strings.Repeat(fmt.Sprint(i%10), 1<<20+i)
		large.add(e)
	}
	if large.more == 0 || large.bytes > noticesBytes {
		t.Errorf("%d bytes of notices are held, %d are not", large.bytes, large.more)
	}
	if len(n.of) != noticesMost || n.more != 5 || !strings.Contains(string(n.text()), "\n5 more notices") {
		t.Errorf("%d notices and %d more", len(n.of), n.more)
	}
}
