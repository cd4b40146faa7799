package foundry_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-98789ff7/converter/sdk"
)

// shelf makes a Data folder with files to refer to, and a folder beside it that is nobody's business.
func shelf(t *testing.T) (data, core string) {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"secret.png": "secret", "Data/worlds/w/map one.webp": "map", "Data/tokens/Größe 50%.png": "token", "Data/a&b.png": "ab",
		"Data/what?.png": "odd", "Data/nr #1.png": "one", "Data/CASE.PNG": "case", "Data/folder.png/x": "", "Data/sub/x.webp": "xx",
		"core/icons/svg/a.svg": "core", "core/icons/only.png": "core", "Data/icons/mine.png": "mine",
	})
	return filepath.Join(dir, "Data"), filepath.Join(dir, "core")
}

// drawings reads documents in the given Data folder and returns their assets, document by document.
func drawings(t *testing.T, o options, data string, docs ...string) [][]sdk.AssetRef {
	t.Helper()
	put(t, data, map[string]string{"modules/m/module.json": `{"id": "m", "packs": [{"name": "p", "type": "Item"}]}`})
	e := entries{}
	for i, doc := range docs {
		e[fmt.Sprintf("!novelties!%06d", i)] = doc
	}
	if err := os.RemoveAll(filepath.Join(data, "modules", "m", "packs")); err != nil {
		t.Fatal(err)
	}
	store(t, data, "modules/m/packs/p", e)
	if o == nil {
		o = options{}
	}
	o["roots"] = []string{data}
	h := read(t, open(t, o))
	if len(h.records) != len(docs) {
		t.Fatalf("read %q", h.all)
	}
	var assets [][]sdk.AssetRef
	for _, r := range h.records {
		assets = append(assets, r.Assets)
	}
	return assets
}

func TestStatus(t *testing.T) {
	data, core := shelf(t)
	for link, to := range map[string]string{"out.png": "../secret.png", "outside": "..", "in.png": "sub/x.webp", "gone.png": "nothing"} {
		if err := os.Symlink(to, filepath.Join(data, link)); err != nil {
			t.Skipf("SKIPPED: links cannot be made here: %v", err)
		}
	}
	cases := []struct {
		ref    string
		status sdk.AssetStatus
		at     string // path inside Data, or core/, or URL
	}{
		{"sub/x.webp", sdk.Present, "Data/sub/x.webp"},
		{"/sub/x.webp", sdk.Present, "Data/sub/x.webp"},
		{"./sub/../sub//x.webp", sdk.Present, "Data/sub/x.webp"},
		{"worlds/w/map%20one.webp", sdk.Present, "Data/worlds/w/map one.webp"},
		{"worlds/w/map one.webp", sdk.Present, "Data/worlds/w/map one.webp"},
		{"worlds/w/map%20one.webp?1700000000000", sdk.Present, "Data/worlds/w/map one.webp"},
		{"sub/x.webp#t=3", sdk.Present, "Data/sub/x.webp"},
		{"tokens/Gr%C3%B6%C3%9Fe%2050%25.png", sdk.Present, "Data/tokens/Größe 50%.png"},
		{"tokens/Größe 50%.png", sdk.Present, "Data/tokens/Größe 50%.png"},
		{"what%3F.png", sdk.Present, "Data/what?.png"},
		{"nr%20%231.png", sdk.Present, "Data/nr #1.png"},
		{"CASE.PNG", sdk.Present, "Data/CASE.PNG"},
		{"in.png", sdk.Present, "Data/in.png"},
		{"icons/mine.png", sdk.Present, "Data/icons/mine.png"},
		{"icons/svg/a.svg", sdk.Present, "core/icons/svg/a.svg"},
		{"icons/gone.svg", sdk.Core, ""},
		{"/ui/pause.svg", sdk.Core, ""},
		{"modules/other-module/x.webp", sdk.Uninstalled, ""},
		{"modules/m/x.webp", sdk.Missing, ""},
		{"folder.png", sdk.Missing, ""},
		{"gone.png", sdk.Missing, ""},
		{"iconsx/a.png", sdk.Missing, ""},
		{"bad%zzescape.png", sdk.Missing, ""},
		{"nul\x00.png", sdk.Missing, ""},
		{strings.Repeat("x", 900) + ".png", sdk.Missing, ""},
		{"file:///etc/x.png", sdk.Missing, ""},
		{"http:x.png", sdk.Missing, ""},
		// Out of the folder leads nothing.
		{"../secret.png", sdk.Missing, ""},
		{"sub/../../secret.png", sdk.Missing, ""},
		{"%2e%2e/secret.png", sdk.Missing, ""},
		{"..%2Fsecret.png", sdk.Missing, ""},
		{"out.png", sdk.Missing, ""},
		{"outside/secret.png", sdk.Missing, ""},
		{filepath.Join(filepath.Dir(data), "secret.png"), sdk.Missing, ""},
		{"tokens/goblin-*.webp", sdk.Wildcard, ""},
		{"https://example.com/a b.png?x=1&amp;y=2", sdk.Remote, "https://example.com/a%20b.png?x=1&y=2"},
		{"HTTP://example.com/a%20b.png", sdk.Remote, "http://example.com/a%20b.png"},
		{"//example.com/a.png", sdk.Remote, "https://example.com/a.png"},
	}
	var docs []string
	for _, tt := range cases {
		text, err := json.Marshal(map[string]string{"img": tt.ref})
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(text))
	}
	for i, assets := range drawings(t, options{"core_root": core}, data, docs...) {
		tt := cases[i]
		if len(assets) != 1 {
			t.Errorf("%q: %d assets", tt.ref, len(assets))
			continue
		}
		a := assets[0]
		at := a.URL
		if a.Path != "" {
			at, _ = filepath.Rel(filepath.Dir(data), a.Path)
			if info, err := os.Stat(a.Path); err != nil || info.Size() != a.Size {
				t.Errorf("%q: %d bytes at %s: %v", tt.ref, a.Size, a.Path, err)
			}
		}
		if a.Status != tt.status || filepath.ToSlash(at) != tt.at || a.URI != tt.ref || a.Pointer != "/img" {
			t.Errorf("%q: %+v", tt.ref, a)
		}
	}
	// Without the installation, its pictures are where they are.
	if got := drawings(t, nil, data, `{"img":"icons/svg/a.svg"}`)[0][0]; got.Status != sdk.Core || got.Path != "" {
		t.Errorf("without core_root: %+v", got)
	}
}

// TestOwnRootFirst: of two files of one name a document means the one beside it.
func TestOwnRootFirst(t *testing.T) {
	roots := []string{t.TempDir(), t.TempDir()}
	for i, dir := range roots {
		put(t, dir, map[string]string{
			fmt.Sprintf("modules/m%d/module.json", i): fmt.Sprintf(`{"id": "m%d", "packs": [{"name": "p", "type": "Item"}]}`, i),
			"both.png": "x", fmt.Sprintf("only%d.png", i): "x",
		})
		store(t, dir, fmt.Sprintf("modules/m%d/packs/p", i), entries{"!items!a": `{"img":"both.png","a":"only0.png","b":"only1.png"}`})
	}
	for i, r := range read(t, open(t, options{"roots": roots})).records {
		var got []string
		for _, a := range r.Assets {
			got = append(got, a.Path)
		}
		want := []string{filepath.Join(roots[i], "both.png"), filepath.Join(roots[0], "only0.png"), filepath.Join(roots[1], "only1.png")}
		if !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestWhatIsAnAsset: strings, and what of them is a reference to a file.
func TestWhatIsAnAsset(t *testing.T) {
	data, _ := shelf(t)
	cases := []struct {
		doc  string
		want string // role, pointer and reference of each
	}{
		{`{"img":"a.webp","src":"b.WEBM","path":"c.ogg","file":"d.pdf"}`, "icon /img a.webp, video /src b.WEBM, audio /path c.ogg, pdf /file d.pdf"},
		{`{"name":"The map.png","label":"x.webp","title":"y.png","type":"z.svg","_id":"a.png"}`, ""},
		{`{"system":{"name":"x.png","names":["y.png"]}}`, "other /system/names/0 y.png"},
		{`{"flags":{"some-module":{"deep":[{"art":"a.png"}],"note":"no.txt"}}}`, "other /flags/some-module/deep/0/art a.png"},
		{`{"text":"He said <a.png>","other":"line\nx.png","third":"a|b.png","fourth":"say \"x.png"}`, ""},
		{`{"system":{"description":"<p><img class=\"x\" src=\"a.webp\" alt='b.png'><IMG SRC = 'c d.png'></p>"}}`, "other /system/description a.webp, other /system/description c d.png"},
		{`{"d":"<video poster=\"p.png\"><source src=\"v.mp4\"></video><a href=\"x.pdf\">x</a><a href=\"page.html\">"}`, "other /d p.png, video /d v.mp4, pdf /d x.pdf"},
		{`{"d":"<img src=\"a&amp;b.png\">"}`, "other /d a&amp;b.png"},
		{`{"d":"<img src=\"a.png\"><img src=\"a.png\">","e":"<img src=\"a.png\">"}`, "other /d a.png, other /e a.png"},
		{`{"d":"<img src=\"\"><img src=a.png><img src=\"a.png"}`, ""},
		{`{"img":"","a":".png","b":"png","c":null,"d":"no extension/at all","e":"v1.5"}`, ""},
		{`{"img":"` + strings.Repeat("x", 1100) + `.png"}`, ""},
		{`{"a~/b":{"\u00e4\"\\":{"img":"x\u002epng"}}}`, `icon /a~0~1b/ä"\/img x.png`},
		{`{"img":"modules\/m\/x.png"}`, "icon /img modules/m/x.png"},
	}
	var docs []string
	for _, tt := range cases {
		docs = append(docs, tt.doc)
	}
	for i, assets := range drawings(t, nil, data, docs...) {
		var got []string
		for _, a := range assets {
			got = append(got, a.Role+" "+a.Pointer+" "+a.URI)
		}
		if strings.Join(got, ", ") != cases[i].want {
			t.Errorf("%.200s\ngot  %q\nwant %q", cases[i].doc, strings.Join(got, ", "), cases[i].want)
		}
	}
	if a := drawings(t, nil, data, `{"d":"<img src=\"a&amp;b.png\">"}`)[0][0]; a.Path != filepath.Join(data, "a&b.png") {
		t.Errorf("an escaped reference: %+v", a)
	}
}

func TestDataURIs(t *testing.T) {
	data, _ := shelf(t)
	big := "data:image/png;base64," + strings.Repeat("QUJD", 50000)
	svg := "data:image/svg+xml,%3Csvg" + strings.Repeat(" ", 5000)
	text, err := json.Marshal(map[string]string{
		"a": big, "b": big + "QUJE", "c": `<p><img src="` + big + `"></p>`, "d": svg, "e": "data:text/plain,x.png",
		"f": "data:audio/ogg;base64,T2dn", "g": "data:image/" + strings.Repeat("x", 100),
	})
	if err != nil {
		t.Fatal(err)
	}
	assets := drawings(t, nil, data, string(text))[0]
	if len(assets) != 6 {
		t.Fatalf("got %+v", assets)
	}
	for i, media := range []string{"image/png", "image/png", "image/png", "image/svg+xml", "audio/ogg", "image"} {
		a := assets[i]
		if a.Status != sdk.DataURI || a.MediaType != media || !strings.HasPrefix(a.URI, "data:"+media+"#") || len(a.URI) > 100 || a.URL+a.Key != "" ||
			(a.Path == "") != (media == "image") { // one without bytes is named and no more
			t.Errorf("%s: %+v", media, a)
		}
	}
	if assets[0].URI != assets[2].URI || assets[0].URI == assets[1].URI {
		t.Errorf("the names do not tell the bytes: %s, %s, %s", assets[0].URI, assets[1].URI, assets[2].URI)
	}
}

func TestRoles(t *testing.T) {
	data, _ := shelf(t)
	for _, tt := range []struct{ typ, key, doc, want string }{
		{
			"Actor", "!actors!a", `{"img":"a.png","prototypeToken":{"texture":{"src":"b.png"}},"token":{"img":"c.png"},"system":{"icon":"d.png"}}`,
			"portrait /img, token /prototypeToken/texture/src, token /token/img, icon /system/icon",
		},
		{"Item", "!items!a", `{"img":"a.png","system":{"activities":{"x":{"img":"b.png"}}}}`, "icon /img, icon /system/activities/x/img"},
		{
			"Scene", "!scenes!a", `{"background":{"src":"a.png"},"foreground":"b.png","thumb":"c.png","img":"d.png","levels":["l"],"tokens":["t"],"tiles":["u"]}`,
			"map /background/src, foreground /foreground, thumb /thumb, map /img, map /levels/0/background/src, foreground /levels/0/foreground/src, " +
				"token /tokens/0/texture/src, icon /tokens/0/delta/items/0/img, tile /tiles/0/texture/src",
		},
		{"JournalEntry", "!journal!a", `{"img":"old.png","pages":["p"],"content":"<img src='c.png'>"}`, "page /img, page /pages/0/src, page /content"},
		{"Playlist", "!playlists!a", `{"sounds":["s"]}`, "audio /sounds/0/path"},
		{
			"Adventure", "!adventures!a", `{"img":"a.webp","scenes":[{"background":{"src":"b.png"},"thumb":"t.png"}],"actors":[{"img":"c.png"}],"journal":[{"pages":[{"src":"d.png"}]}]}`,
			"icon /img, map /scenes/0/background/src, thumb /scenes/0/thumb, portrait /actors/0/img, page /journal/0/pages/0/src",
		},
	} {
		t.Run(tt.typ, func(t *testing.T) {
			e := entries{
				"!scenes.levels!a.l": `{"background":{"src":"x.png"},"foreground":{"src":"y.png"}}`,
				"!scenes.tokens!a.t": `{"texture":{"src":"x.png"},"delta":"d"}`, "!scenes.tokens.delta!a.t.d": `{"items":["i"]}`,
				"!scenes.tokens.delta.items!a.t.d.i": `{"img":"i.png"}`, "!scenes.tiles!a.u": `{"texture":{"src":"x.png"}}`,
				"!journal.pages!a.p": `{"src":"p.png"}`, "!playlists.sounds!a.s": `{"path":"s.ogg"}`,
			}
			for key := range e {
				if !strings.HasPrefix(key, strings.TrimSuffix(tt.key, "!a")+".") {
					delete(e, key)
				}
			}
			e[tt.key] = tt.doc
			dir := library(t, tt.typ, e)
			var got []string
			for _, a := range read(t, open(t, options{"roots": []string{dir, data}})).records[0].Assets {
				got = append(got, a.Role+" "+a.Pointer)
			}
			if strings.Join(got, ", ") != tt.want {
				t.Errorf("got  %q\nwant %q", strings.Join(got, ", "), tt.want)
			}
		})
	}
}

// TestManyReferences: time grows with the length of a document, not with its square.
func TestManyReferences(t *testing.T) {
	data, _ := shelf(t)
	var files, marks strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&files, `<img src="modules/x/%d.png">@UUID[Item.aaaaaaaaaaaaaaaa]{%d}`, i, i)
		fmt.Fprintf(&marks, `{"src":"sub/%d.webp"},`, i)
	}
	text := func(s string) string {
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(quoted)
	}
	docs := map[string]string{
		"1,000 references": `{"list":[` + strings.TrimSuffix(marks.String(), ",") + `],"html":` + text(files.String()) + `}`,
		"no end of @":      `{"a":` + text(strings.Repeat("@", 1<<20)) + `}`,
		"open brackets":    `{"a":` + text(strings.Repeat("@UUID[", 1<<17)) + `}`,
		"open braces":      `{"a":` + text(strings.Repeat("@UUID[a]{", 1<<16)) + `}`,
		"attributes":       `{"a":` + text("<"+strings.Repeat(`src="`, 1<<15)) + `}`,
		"dots":             `{"a":` + text(strings.Repeat(".", 1<<20)) + `}`,
		"backslashes":      `{"a":` + text(strings.Repeat(`\"`, 1<<19)) + `}`,
		"data":             `{"a":` + text("data:image/png;base64,"+strings.Repeat("A", 1<<22)) + `}`,
	}
	for name, doc := range docs {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			assets := drawings(t, nil, data, doc)[0]
			if took := time.Since(start); took > time.Minute { // a square takes hours
				t.Errorf("it took %s", took)
			}
			if want := map[string]int{"1,000 references": 2000, "data": 1}[name]; len(assets) != want {
				t.Errorf("%d assets, want %d", len(assets), want)
			}
		})
	}
}
