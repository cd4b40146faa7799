package foundry

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/syndtr/goleveldb/leveldb"

	packs "github.com/seed-98789ff7/converter/plugins/foundry/pack"
	"github.com/seed-98789ff7/converter/sdk"
)

// leaves are the strings of a decoded document by their pointers: what the walker must find without decoding it.
func leaves(v any, at string, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			leaves(member, at+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key), into)
		}
	case []any:
		for i, entry := range v {
			leaves(entry, fmt.Sprint(at, "/", i), into)
		}
	case string:
		into[at] = v
	}
}

// FuzzWalker: of any valid document, it finds what a decoder finds, where a decoder finds it.
func FuzzWalker(f *testing.F) {
	for _, doc := range []string{
		`{}`, `[]`, `"x"`, `{"a":"b"}`, ` { "a" : [ 1 , -2.5e+3 , true , null , "x" , [ ] , { } ] , "b":{"c":"d"} } `,
		`{"~/":{"\u00e4\ud83d\udc09\/\\\"":"\u0040\\"}}`, `{"a":"\\\\","b":"\\\"","":""}`, `{"a":1,"a":"x"}`, `[[["x"]],"y"]`, "{\"a\":\"\u2028\xff\"}",
		`{"\ud800":"\udc00"}`, `{"src":"a.png","uuid":"Actor.aaaaaaaaaaaaaaaa","t":"@UUID[.x]{y}"}`,
		strings.Repeat(`{"a":[`, 100) + `"deep"` + strings.Repeat(`]}`, 100),
	} {
		f.Add([]byte(doc))
	}
	l := &library{files: newFiles(""), types: map[string]string{}}
	f.Fuzz(func(t *testing.T, doc []byte) {
		if !json.Valid(doc) || !utf8.Valid(doc) {
			return
		}
		var decoded any
		if err := json.Unmarshal(doc, &decoded); err != nil {
			return // nested too deeply
		}
		want, got := map[string]string{}, map[string]string{}
		leaves(decoded, "", want)
		members := 0
		w := walker{doc: doc, member: func(name string, value []byte) {
			members++
			if !json.Valid(value) {
				t.Errorf("the member %q is %q", name, value)
			}
		}}
		w.visit = func(quoted []byte) { got[w.pointer()] = unquote(quoted) }
		end := w.value(0)
		if rest := strings.TrimSpace(string(doc[end:])); rest != "" {
			t.Errorf("%q is left", rest)
		}
		for at, s := range want { // of members that stand twice it finds both
			if got[at] != s {
				t.Errorf("at %q it found %q, not %q", at, got[at], s)
			}
		}
		if object, ok := decoded.(map[string]any); ok && members < len(object) {
			t.Errorf("%d of %d members", members, len(object))
		}
		// And nothing that stands in a document is too much for what looks at it.
		rec := sdk.Record{ID: "Item.self"}
		refs := references{library: l, record: &rec, typ: "Item"}
		refs.find(doc, new(document).member)
	})
}

// FuzzProse: whatever stands in prose, marks are cut out of it whole and put into words, and never without end.
func FuzzProse(f *testing.F) {
	for _, s := range []string{
		"@UUID[a.b]{c}", "@UUID[[[]]]{{}}", "@UUID[", "@UUID[]{", "@[", "@", "@UUID]", "@Embed[a b=c uuid=\"d\"]", "@Compendium[a.b.c]{d",
		"x @Actor[y] @Item[z#q]{r}", "@UUID[...]", "@UUID[Compendium....]", "@UUID[\xff]{\xfe}", strings.Repeat("@UUID[", 50),
		`<img src="a.png"><a href='b.pdf'`, "src='", "src = \"x.webp\"", "data:image/png;base64,AA", "http://[::1", "//x/y.png", "a*.png", "%zz.png",
		"[[/damage 2d6[fire] average]]{x}", "[[lookup @name lowercase]]{y}", "[[/attack extended]] [[/save]] [[/check ath 12]] [[/item Bite]]",
		"&Reference[prone apply=false] &amp;Reference[rule=x]{y}", "@Damage[2d6[fire],(1d4)[bleed]] @Check[type:will|dc:12] @Template[cone|distance:5]",
		`<section class="secret"><p>x</section>y`, `<section class="secret"/>y`, "<table><tr><td colspan=99 rowspan=99>|<ul><li>x", "[[@prof + 1]] [[(1+2)*3]]",
	} {
		f.Add(s)
	}
	l := &library{files: newFiles(""), types: map[string]string{"a.b": "Item"}}
	f.Fuzz(func(t *testing.T, s string) {
		rec := sdk.Record{ID: "Item.self"}
		refs := references{library: l, record: &rec, typ: "JournalEntry", seen: map[place]bool{}}
		refs.prose(s)
		for _, link := range rec.Links {
			if !strings.Contains(s, link.Raw) {
				t.Errorf("%q has no %q", s, link.Raw)
			}
			whole := strings.HasPrefix(link.Target, "Item.self") || strings.Contains(link.Target, ".Document.") || link.Target == ""
			if id, part := l.target(link.Target, rec.ID); !whole && (id != link.Target || part != "") {
				t.Errorf("the target of %q is %q, and that of it %q, %q", link.Raw, link.Target, id, part)
			}
		}
		for _, a := range rec.Assets {
			if a.Path != "" || a.Key != "" || (a.URL != "") != (a.Status == sdk.Remote) || a.Role == "" {
				t.Errorf("%q: %+v", s, a)
			}
		}
		refs.asset(s, "image", "")
		quoted, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		refs.text(quoted)
		doc := slices.Concat([]byte(`{"name":"Self","type":"feat","system":{"description":{"value":`), quoted, []byte(`}},"effects":[{"description":`), quoted, []byte(`}]}`))
		for _, secrets := range []string{"mark", "keep", "drop"} {
			l.options.Secrets = secrets
			r := reader{library: l, pack: pack{typ: "Item"}}
			told := r.record(packs.Document{Collection: "items", ID: "self", JSON: slices.Clip(slices.Clone(doc))})
			if !json.Valid(told.JSON) {
				t.Errorf("%q became no document: %s", s, told.JSON)
			}
			for _, text := range told.Texts {
				if strings.Contains(text.Markdown, "\x00") || strings.TrimSpace(text.Markdown) == "" {
					t.Errorf("%q became %q", s, text.Markdown)
				}
			}
		}
	})
}

// TestDeepest: a document as deep as packs let through, in one that is as deep itself.
func TestDeepest(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "pack")
	db, err := leveldb.OpenFile(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	inner := strings.Repeat(`{"a":[`, 63) + `"Actor.aaaaaaaaaaaaaaaa"` + strings.Repeat(`]}`, 63)
	for key, value := range map[string]string{
		"!actors!a": `{"items":["i"],"x":` + inner + `}`, "!actors.items!a.i": `{"effects":["e"],"x":` + inner + `}`,
		"!actors.items.effects!a.i.e": `{"x":` + inner + `}`,
	} {
		if err := db.Put([]byte(key), []byte(value), nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	opened, err := packs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	r := reader{library: &library{files: newFiles("")}, pack: pack{typ: "Actor"}}
	n := 0
	for doc, err := range opened.Documents() {
		if err != nil {
			t.Fatal(err)
		}
		n++
		deep := strings.Repeat("/a/0", 63)
		want := []string{"/items/0/effects/0/x" + deep, "/items/0/x" + deep, "/x" + deep}
		var got []string
		for _, l := range r.record(doc).Links {
			got = append(got, l.Pointer)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	}
	if n != 1 || len(opened.Report().Faults) > 0 {
		t.Errorf("%d documents, %v", n, opened.Report().Faults)
	}
}
