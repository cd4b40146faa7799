package sdktest

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/seed-98789ff7/converter/internal/sourcepb"
	"github.com/seed-98789ff7/converter/sdk"
)

// TestGoldenNamesAreThoseOfTheProtocol makes a field that is new in the protocol one in golden files too.
func TestGoldenNamesAreThoseOfTheProtocol(t *testing.T) {
	for _, tc := range []struct {
		message proto.Message
		line    any
		more    []string // what stands in the batch of a record
	}{
		{&sourcepb.Record{}, recordLine{}, []string{"stream"}},
		{&sourcepb.AssetRef{}, assetLine{}, nil},
		{&sourcepb.Link{}, linkLine{}, nil},
		{&sourcepb.Ruleset{}, sdk.Ruleset{}, nil},
		{&sourcepb.Origin{}, sdk.Origin{}, nil},
		{&sourcepb.License{}, sdk.License{}, nil},
	} {
		want := tc.more
		fields := tc.message.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			want = append(want, string(fields.Get(i).Name()))
		}
		var got []string
		for _, f := range reflect.VisibleFields(reflect.TypeOf(tc.line)) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			got = append(got, name)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%T has %q, not %q", tc.line, got, want)
		}
	}
}

func TestGoldenLines(t *testing.T) {
	s := newScribe(sdk.Configuration{BaseDir: "/home/gm", WorkDir: "/home/gm/.converter/work/1"})
	s.record("b", sdk.Record{ID: "1", JSON: []byte("{ \"n\": 1.0e+2,\n \"html\": \"<b>&\", \"a\": 12345678901234567890 }")})
	s.record("a", sdk.Record{
		ID: "2", Sort: -5, Ruleset: sdk.Ruleset{System: "dnd5e"}, Incomplete: true, JSON: []byte(`{"path": "/home/gm/x"}`),
		Links: []sdk.Link{{Raw: "x"}},
	})
	s.skip("b", "3", &sdk.Diagnostic{Code: "guard.torn", Summary: "torn: /home/gm/.converter/work/1/book"})
	s.skip("b", "", errors.New("asleep"))
	s.record("b", sdk.Record{ID: "4", JSON: []byte(`{"name": }`)})
	want := []string{
		`{"stream":"b","id":"1","json":{"n":1.0e+2,"html":"<b>&","a":12345678901234567890}}`,
		`{"stream":"b","id":"3","skipped":true,"code":"guard.torn","summary":"torn: ${work}/book"}`,
		`{"stream":"b","skipped":true,"code":"record_unreadable","summary":"asleep"}`,
		`{"stream":"b","id":"4","json":"{\"name\": }"}`,
		`{"stream":"a","id":"2","sort":-5,"ruleset":{"system":"dnd5e"},"links":[{"raw":"x"}],"incomplete":true,"json":{"path":"${base}/x"}}`,
	}
	for name, order := range map[string][2][]string{"discovered": {{"b", "a"}, {"a", "b"}}, "seen": {nil, {"b", "a"}}} {
		var got []string
		for _, l := range s.all(order[0], order[1]) {
			got = append(got, string(l.text))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// TestPlacesAreHidden, but not what only looks like them.
func TestPlacesAreHidden(t *testing.T) {
	all := places(sdk.Configuration{BaseDir: "/g/m", WorkDir: "/g/m/w/", CacheDir: ""})
	for text, want := range map[string]string{
		`"/g/m/a.png"`:         `"${base}/a.png"`,
		`"/g/m"`:               `"${base}"`,
		`"/g/m/w/a.png"`:       `"${work}/a.png"`,
		`"file:///g/m/w"`:      `"file://${work}"`,
		`"see /g/m. And /g/m"`: `"see ${base}. And ${base}"`,
		`"/g/m/w2 /g/m.old"`:   `"${base}/w2 /g/m.old"`,
		`"/mnt/g/m/a"`:         `"/mnt/g/m/a"`,
		`"./g/m /g/mé"`:        `"./g/m /g/mé"`,
		`"nothing"`:            `"nothing"`,
	} {
		if got := string(hide([]byte(text), all)); got != want {
			t.Errorf("%s became %s, not %s", text, got, want)
		}
	}
	if got := places(sdk.Configuration{BaseDir: "/", WorkDir: "here"}); len(got) > 0 {
		t.Errorf("places of nobody: %v", got)
	}
}

func TestGoldenFileIsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "testdata", "guards.jsonl")
	lines := []line{{"1", []byte(`{"id":"1"}`)}, {"2", []byte(`{"id":"2"}`)}}
	if r := write(path, nil, lines); r.Outcome != OK || r.Seen != "2 lines written to "+path {
		t.Errorf("%s: %s", r.Outcome, r.Seen)
	}
	text, err := os.ReadFile(path)
	if want := "{\"id\":\"1\"}\n{\"id\":\"2\"}\n"; err != nil || string(text) != want {
		t.Errorf("%q, %v", text, err)
	}
	asOnWindows := []byte(strings.ReplaceAll(string(text), "\n", "\r\n"))
	if r := write(path, asOnWindows, lines); r.Seen != "2 lines in "+path+", as they were" {
		t.Errorf("%s: %s", r.Outcome, r.Seen)
	}
	if r := write(filepath.Join(path, "below a file"), nil, lines); r.Outcome != Failed || r.Advice == "" {
		t.Errorf("%s: %s", r.Outcome, r.Seen)
	}
}

func TestDifferencesAreShown(t *testing.T) {
	long := strings.Repeat("ä", 200)
	for _, tc := range []struct{ kept, got, want string }{
		{`{"id":"1"}`, `{"id":"1"}`, ""},
		{
			`{"id":"1","n":"` + long + `b"}`, `{"id":"1","n":"` + long + `c"}`,
			"line 1, \"1\", is another\nwant …" + strings.Repeat("ä", 20) + "b\"}\ngot  …" + strings.Repeat("ä", 20) + "c\"}",
		},
		{"a" + long, "b", "line 1, \"1\", is another\nwant a" + strings.Repeat("ä", 50) + "…\ngot  b"},
	} {
		if where := unlike([]byte(tc.kept+"\n"), []line{{"1", []byte(tc.got)}}); where != tc.want {
			t.Errorf("%s\nwant\n%s", where, tc.want)
		}
	}
}
