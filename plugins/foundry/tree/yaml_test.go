package tree

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestToJSON(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"words":            {"a: null\nb: ~\nc:\nd: true\ne: False\nf: yes\ng: no\nh: on", `{"a":null,"b":null,"c":null,"d":true,"e":false,"f":"yes","g":"no","h":"on"}`},
		"numbers":          {"a: 1\nb: -1.50\nc: 1e3\nd: .5\ne: 1.\nf: +7\ng: 0x1F\nh: 0o17\ni: 012", `{"a":1,"b":-1.50,"c":1e3,"d":0.5,"e":1,"f":7,"g":31,"h":15,"i":12}`},
		"no numbers":       {"a: 1_000\nb: 1.2.3\nc: .inf\nd: .nan\ne: 0b11\nf: 2024-01-01", `{"a":"1_000","b":"1.2.3","c":null,"d":null,"e":"0b11","f":"2024-01-01"}`},
		"ids":              {"_id: 1e10\nfolder: 0123456789012345\n_key: true\nx:\n  - _id: 12\n    n: 12\nfolders: 1", `{"_id":"1e10","folder":"0123456789012345","_key":"true","x":[{"_id":"12","n":12}],"folders":1}`},
		"no id":            {"_id: null\nfolder:", `{"_id":null,"folder":null}`},
		"quotes":           {"a: 'it''s'\nb: \"x\\ty\\u00e9\"\nc: '1'\nd: \"null\"", `{"a":"it's","b":"x\u0009yé","c":"1","d":"null"}`},
		"blocks":           {"a: |\n  one\n  two\nb: >-\n  one\n  two\n\n  three\nc: |-\n  x", `{"a":"one\u000atwo\u000a","b":"one two\u000athree","c":"x"}`},
		"lists":            {"a: []\nb: {}\nc:\n  - 1\n  - - 2\n    - 3\n  - x: 1\n    y: 2\nd: [1, {a: b}]", `{"a":[],"b":{},"c":[1,[2,3],{"x":1,"y":2}],"d":[1,{"a":"b"}]}`},
		"aliases":          {"a: &x {n: 1}\nb: *x", `{"a":{"n":1},"b":{"n":1}}`},
		"tags":             {"a: !!str 12\nb: !!int 3", `{"a":"12","b":3}`},
		"a single member":  {"a: 1", `{"a":1}`},
		"names":            {"1: a\n'b c': d\n\"\\u00e9\": e", `{"1":"a","b c":"d","é":"e"}`},
		"comments and end": {"# c\na: 1 # d\n---\n", `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := toJSON([]byte(tt.text))
			if err != nil || string(got) != tt.want || !json.Valid(got) {
				t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
}

// TestHostileYAML: what would make the parser or the writer go on without end is refused.
func TestHostileYAML(t *testing.T) {
	laughs := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 12 {
		laughs += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d,", i), 10), ","))
	}
	deep := ""
	for i := range 200 {
		deep += strings.Repeat(" ", i) + "a:\n"
	}
	for name, tt := range map[string]struct{ text, says string }{
		"open brackets":   {"a: " + strings.Repeat("[", 1_000_000), "nested too deeply"},
		"marks in a line": {strings.Repeat("- ", 1_000_000), "nested too deeply"},
		"indent":          {"a:\n" + strings.Repeat(" ", 1_000_000) + "b: 1", "nested too deeply"},
		"deep objects":    {deep, "nested too deeply"},
		"many laughs":     {laughs, "longer than"},
		"no anchor":       {"a: *x", "no anchor"},
		"two documents":   {"a: 1\n---\nb: 2\n", "2 documents"},
		"nothing":         {"", "0 documents"},
		"broken":          {"a: 'x", "not YAML"},
		"merge":           {"a: &x {b: 1}\nc:\n  <<: *x\n", "<<"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := toJSONWithin([]byte(tt.text), 1<<20); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %.100s, %v, want an error with %q", got, err, tt.says)
			}
		})
	}
}

// FuzzYAML: whatever the text, the result is JSON or an error.
func FuzzYAML(f *testing.F) {
	for _, text := range []string{"a: 1\n", "_id: 1e10\nb:\n  - x\n  - y: |\n      z\n", "a: &x [1]\nb: *x", "{a: [b, 'c']}", "? a\n: b", "- - - a", "a: !!str 1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := toJSON([]byte(text))
		if err == nil && !json.Valid(got) {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
