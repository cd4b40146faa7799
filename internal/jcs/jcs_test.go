package jcs_test

import (
	"encoding/json"
	"math"
	"slices"
	"testing"
	"unicode/utf16"

	"github.com/seed-98789ff7/converter/internal/jcs"
)

func TestTransform(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty object", " { } ", "{}"},
		{"order and white space", "{\"b\": [1, 2 ,null],\n\"a\": {\"y\":true,\"x\":false}}", `{"a":{"x":false,"y":true},"b":[1,2,null]}`},
		{
			"order by UTF-16 units", `{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`,
			"{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}",
		},
		{"escapes", `"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\b\f\t"`, "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\f\\t\""},
		{"no HTML escapes", `"<a&b>\u2028"`, "\"<a&b>\u2028\""},
		{"the last of two counts", `{"a":1,"a":2}`, `{"a":2}`},
		{"minus zero", `[-0, -0.0, 0e5]`, `[0,0,0]`},
		{"numbers", `[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001]`, `[333333333.3333333,1e+30,4.5,0.002,1e-27]`},
		{"where the exponent begins", `[1e20,1e21,-1e21,0.000001,0.0000001,1.5e-7]`, `[100000000000000000000,1e+21,-1e+21,0.000001,1e-7,1.5e-7]`},
		{
			"beyond exact integers", `[9007199254740993, 295147905179352825856, 123456789012345678901234]`,
			`[9007199254740992,295147905179352830000,1.2345678901234569e+23]`,
		},
		{"long exponents", `[5e-324,1.7976931348623157e308,1e-10]`, `[5e-324,1.7976931348623157e+308,1e-10]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := jcs.Transform([]byte(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	for _, in := range []string{"", "{", "[1,]", "01", "1e400", "{} {}"} {
		if got, err := jcs.Transform([]byte(in)); err == nil {
			t.Errorf("Transform(%q) = %s, want an error", in, got)
		}
	}
	for _, v := range []any{math.NaN(), math.Inf(1), 1, []any{struct{}{}}, map[string]any{"a": []byte("x")}} {
		if got, err := jcs.Append(nil, v); err == nil {
			t.Errorf("Append(%v) = %s, want an error", v, got)
		}
	}
}

// FuzzTransform: canonical JSON means the same, has its members in order, and is its own canonical form.
func FuzzTransform(f *testing.F) {
	for _, in := range []string{`{"b":1.50,"a":[true,null,"x\u0001"]}`, `{"\ue000":1,"\ud800\udc00":2}`, `-0.1e-7`} {
		f.Add([]byte(in))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		once, err := jcs.Transform(in)
		if err != nil {
			return
		}
		twice, err := jcs.Transform(once)
		if err != nil || string(once) != string(twice) {
			t.Fatalf("%q became %q: %v", once, twice, err)
		}
		var object map[string]json.RawMessage
		if json.Unmarshal(once, &object) != nil {
			return
		}
		names := make([]string, 0, len(object))
		for name := range object {
			names = append(names, name)
		}
		slices.SortFunc(names, func(a, b string) int {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		})
		want := []byte("{")
		for i, name := range names {
			if i > 0 {
				want = append(want, ',')
			}
			member, err := jcs.Append(nil, name)
			if err != nil {
				t.Fatal(err)
			}
			want = append(append(append(want, member...), ':'), object[name]...)
		}
		if string(once) != string(want)+"}" {
			t.Fatalf("%q has its members in the wrong order", once)
		}
	})
}
