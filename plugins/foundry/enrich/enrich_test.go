package enrich

import (
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestAll(t *testing.T) {
	for text, want := range map[string][]Mark{
		"plain, me@example.com @ @[x] [x] & &x": nil,
		"@UUID[Actor.a]{The {old} man}!":        {{Name: "UUID", Config: "Actor.a", Label: "The {old} man", Labelled: true, End: 29}},
		"a @Damage[2d6[fire],1d4[cold]] b":      {{Name: "Damage", Config: "2d6[fire],1d4[cold]", Start: 2, End: 30}},
		"&Reference[prone]":                     {{Sort: And, Name: "Reference", Config: "prone", End: 17}},
		"&amp;Reference[Total Cover]{cover}":    {{Sort: And, Name: "Reference", Config: "Total Cover", Label: "cover", Labelled: true, End: 34}},
		"[[/r 2d6[fire] # Hit]]{}":              {{Sort: Roll, Name: "r", Config: "2d6[fire] # Hit", Labelled: true, End: 24}},
		"[[1d6]] [[ lookup @name lowercase ]]": {
			{Sort: Roll, Config: "1d6", End: 7}, {Sort: Roll, Name: "lookup", Config: "@name lowercase", Start: 8, End: 36},
		},
		"[[/r 1d20cs<5]]":                          {{Sort: Roll, Name: "r", Config: "1d20cs<5", End: 15}},
		"[[/save]][[/damage]]":                     {{Sort: Roll, Name: "save", End: 9}, {Sort: Roll, Name: "damage", Start: 9, End: 20}},
		"[[]] [[ ]] [[x] [[x]y]":                   nil,
		"@UUID[a<b] @UUID[a\nb] @UUID[":            nil,
		"@Template[@UUID[x]]":                      {{Name: "Template", Config: "@UUID[x]", End: 19}},
		"[[a] [[/r 1]]":                            {{Sort: Roll, Name: "r", Config: "1", Start: 5, End: 13}},
		"@UUID[x]{no end":                          {{Name: "UUID", Config: "x", End: 8}},
		"@UUID[" + strings.Repeat("x", 2000) + "]": nil,
	} {
		if got := All(text); !slices.Equal(got, want) {
			t.Errorf("%q\ngot  %+v\nwant %+v", text, got, want)
		}
	}
}

func TestOptions(t *testing.T) {
	for config, want := range map[string]Options{
		"":                         {},
		"a  b\tc":                  {Words: []string{"a", "b", "c"}},
		`uuid="x y" cite=false in`: {Words: []string{"in"}, Named: map[string]string{"uuid": "x y", "cite": "false"}},
		`types='a|b' DC=15`:        {Named: map[string]string{"types": "a|b", "dc": "15"}},
		`2d6 + (1 + 2) type=fire`:  {Words: []string{"2d6", "+", "(1 + 2)"}, Named: map[string]string{"type": "fire"}},
		`Thieves' Tools`:           {Words: []string{"Thieves'", "Tools"}},
		`"no end`:                  {Words: []string{`"no`, "end"}},
	} {
		got := Mark{Config: config}.Options()
		if !slices.Equal(got.Words, want.Words) || !maps.Equal(got.Named, want.Named) {
			t.Errorf("%q: %+v", config, got)
		}
	}
	if o := (Mark{Config: "Average format=long cite=false"}).Options(); !o.Has("average") || !o.Has("format") || o.Has("cite") || o.Has("x") {
		t.Errorf("%+v", o)
	}
}

func TestFormulas(t *testing.T) {
	nan := math.NaN()
	for formula, want := range map[string]struct{ value, average float64 }{
		"1 + 2 * 3":               {7, 7},
		"(1+2)*3 - -4":            {13, 13},
		"floor(7 / 2) + ceil(.5)": {4, 4},
		"max(1, min(5, 3), 2)":    {3, 3},
		"Math.round(2.5)":         {3, 3},
		"7 % 4":                   {3, 3},
		"2d6 + 3":                 {nan, 10},
		"d8":                      {nan, 4.5},
		"(1+1)d4":                 {nan, 5},
		"1d6 - 1d4":               {nan, 1},
		"2d20kh":                  {nan, nan},
		"@level + 1":              {nan, nan},
		"1 / 0":                   {nan, nan},
		"(1":                      {nan, nan},
		"1)":                      {nan, nan},
		"what(1)":                 {nan, nan},
		"1 2":                     {12, 12}, // as Foundry reads it, without spaces
		"":                        {nan, nan},
		strings.Repeat("(", 900):  {nan, nan},
	} {
		for name, f := range map[string]func(string) (float64, bool){"value": Eval, "average": Average} {
			w := want.value
			if name == "average" {
				w = want.average
			}
			got, ok := f(formula)
			if ok == math.IsNaN(w) || ok && got != w {
				t.Errorf("the %s of %q is %v, %v; want %v", name, formula, got, ok, w)
			}
		}
	}
}

// FuzzMarks: whatever stands in a text, marks are cut out of it whole, in order, and never without end.
func FuzzMarks(f *testing.F) {
	for _, s := range []string{
		"@UUID[a.b]{c}", "@UUID[[[]]]{{}}", "@UUID[", "@[", "@", "[[/r 1d6]]{x}", "[[[1]]]", "[[", "]]", "&Reference[", "&amp;Reference[x y=z]",
		"@Damage[2d6[fire]]", `[[/item "a b" c='d e']]`, "[[lookup @a.b lowercase]]", strings.Repeat("[[@UUID[", 40), "@UUID[\xff]{\xfe}",
		"[[floor((@a + 1) / 2)d6]]", "[[/damage 1d4 + (2)d6 & 3]]",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		from := 0
		for _, m := range All(s) {
			raw := s[m.Start:m.End]
			if m.Start < from || m.End <= m.Start || !strings.Contains(raw, m.Config) || m.Labelled != strings.HasSuffix(raw, "{"+m.Label+"}") && m.Labelled {
				t.Fatalf("of %q it takes %+v", s, m)
			}
			again := All(raw)
			if len(again) != 1 || !reflect.DeepEqual(again[0], func() Mark { m.End -= m.Start; m.Start = 0; return m }()) {
				t.Fatalf("%q by itself is %+v", raw, again)
			}
			from = m.Start + len(raw)
			for _, w := range m.Options().Words {
				Eval(w)
			}
			Average(m.Config)
		}
	})
}
