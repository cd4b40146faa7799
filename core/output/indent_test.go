package output

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// indented are texts to begin with; they have in them whatever JSON has.
var indented = []string{
	`{}`, `[]`, ` { } `, "[ \n\t]", `{"a":{},"b":[],"c":[[],{}]}`, `"text"`, `-1.50e+10`, `null`,
	`{"name":"a \"quoted\" \\","next":"\\\\\"","path":"C:\\","html":"<p>{[,:]}</p>\n","unicode":"\u00e9é"}`,
	"{ \"a\" : [ 1 , 2.0,\r\n true,false , null ] , \"b\" : { \"c\":\"\" } }",
	strings.Repeat(`[{"a":`, 60) + `0` + strings.Repeat(`}]`, 60),
}

func TestAppendIndented(t *testing.T) {
	for _, text := range indented {
		var want bytes.Buffer
		if err := json.Indent(&want, []byte(strings.TrimSpace(text)), "", "  "); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got, err := appendIndented([]byte("kept "), []byte(text))
		if err != nil || string(got) != "kept "+want.String() {
			t.Errorf("%s: %v\ngot  %s\nwant %s", text, err, got, want.String())
		}
	}
}

func TestAppendIndentedRefuses(t *testing.T) {
	for _, text := range []string{
		``, ` `, `{`, `[`, `"`, `"a`, `"a\"`, `"\`, `}`, `]`, `,`, `:`, `{]`, `[}`, `[1,]`, `[,1]`, `[1 2]`, `{"a"}`, `{"a":}`, `{"a":1,}`,
		`{,}`, `{a:1}`, `{"a":1 "b":2}`, `{"a"::1}`, `{"a":1]`, `[1}`, `[[1]`, `{"raw":}`, `{"raw":{"half":`, `{} {}`, `1 0`, `{"a":1}}`, `{1:2}`,
	} {
		if got, err := appendIndented(nil, []byte(text)); err == nil {
			t.Errorf("%q became %q", text, got)
		}
	}
}

// FuzzAppendIndented holds it against json.Indent. Of a text that is not JSON it makes an error or what is not JSON
// either.
func FuzzAppendIndented(f *testing.F) {
	for _, text := range indented {
		f.Add([]byte(text))
		f.Add([]byte(text[:len(text)/2]))
	}
	f.Add([]byte(`"\`))
	f.Add([]byte(`]]}{"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := appendIndented(nil, text)
		if !json.Valid(text) {
			if err == nil && json.Valid(got) {
				t.Errorf("%q is not JSON, and became %q", text, got)
			}
			return
		}
		var want bytes.Buffer
		if err := json.Indent(&want, bytes.TrimSpace(text), "", "  "); err != nil {
			t.Fatal(err)
		}
		if err != nil || !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%q: %v\ngot  %q\nwant %q", text, err, got, want.Bytes())
		}
	})
}
