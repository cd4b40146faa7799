package object

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzScan holds the scanner against encoding/json: both must take the same texts for objects, and see the same members.
func FuzzScan(f *testing.F) {
	for _, text := range []string{
		`{}`, `{"items":["a","b"],"_key":null,"items":[]}`, ` {"a":-0.5e+10,"b":[true,false,null,{}],"c":"\ud83d\ude00\n\""} `,
		`{"a":01}`, `{"a":1.}`, `{"a":+1}`, `{"a":.5}`, `{"a":1e}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, "{\"a\":\"\t\"}", `{"a",}`, `{"a":1,}`, `[1]`,
		`{"it\u0065ms":[]}`, `{"a":"long enough for the words of eight bytes \\ \" \/"}`, `{"\ud800":"\udc00\ud800\ud800"}`, `{"a":tru}`, `{"a":[1 2]}`, "{\"a\":\"\x7f\u0080\"}",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var s Scanner
		var shape Shape
		err := s.Object([]byte(text), []string{"items", "_key"}, &shape)
		var members map[string]json.RawMessage
		sound := utf8.ValidString(text) && json.Unmarshal([]byte(text), &members) == nil && members != nil
		if sound != (err == nil) {
			if sound && strings.Contains(err.Error(), "deeply") {
				return
			}
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		if text[shape.Open] != '{' || text[shape.Close] != '}' || shape.Empty != (len(members) == 0) {
			t.Fatalf("%q: %+v", text, shape)
		}
		found := map[string]string{}
		for _, m := range shape.Members {
			found[s.names[m.Name]] = text[m.Start:m.End]
		}
		for _, name := range s.names {
			if found[name] != string(members[name]) {
				t.Fatalf("%q: %s is %q, want %q", text, name, found[name], members[name])
			}
		}
	})
}

// FuzzUnquote holds it against encoding/json as well.
func FuzzUnquote(f *testing.F) {
	for _, text := range []string{`""`, `"a"`, `"\u00e9\"\\\/\b\f\n\r\t"`, `"\ud83d\ude00"`, `"\ud83dx\ude00"`, `"\ud83d\ud83d\ude00"`, `"\ud800\n"`, `"é\u0000"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := Scanner{data: []byte(text)}
		if !utf8.ValidString(text) || text == "" || text[0] != '"' || s.text(1) != len(text) {
			return
		}
		var want string
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got := string(Unquote([]byte(text))); got != want {
			t.Fatalf("%q: %q, want %q", text, got, want)
		}
		var back string
		if err := json.Unmarshal(AppendText(nil, []byte(want)), &back); err != nil || back != want {
			t.Fatalf("%q written as %s: %v", want, AppendText(nil, []byte(want)), err)
		}
	})
}
