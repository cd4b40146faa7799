package memory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/core"
)

func TestNormalise(t *testing.T) {
	for _, test := range []struct{ a, b, want string }{
		{`picture is 4000 x 3000`, `picture is 12 x 9`, `picture is # x #`},
		{`took 1.5s of 3_000`, `took 12.25s of 10`, `took #s of #`},
		{`no document "Goblin Boss" here`, `no document "Orc's \ 12" here`, `no document "*" here`},
		{`no pack 'a b' here`, `no pack 'it's 3' here`, `no pack "*" here`},
		{`can't read “Über”`, `can't read “x”`, `can't read "*"`},
		{`open /home/a/b.webp: denied`, `open C:\x: denied`, ``},
		{`open assets/a b.png: denied`, `open other/c b.png: denied`, `open * *: denied`},
		{`read tokens/x.webp.`, `read y/z.png.`, `read *.`},
		{`file goblin.webp is damaged`, `file o.jpeg is damaged`, `file * is damaged`},
		{`id 3f2a9c41 unknown`, `id 0123456789abcdef unknown`, `id # unknown`},
		{`id 123e4567-e89b-12d3-a456-426614174000`, `id 0x1F`, `id #`},
		{`GET https://a.example/1?x=2: 404`, `GET https://b.example/7?x=9: 404`, ``},
		{`deadbeef and cafe stay words`, `deadbeef and cafe stay words`, `deadbeef and cafe stay words`},
		{`an open "quotation`, `an open "quotation`, `an open "quotation`},
		{``, ``, ``},
	} {
		a, b := normalise(test.a), normalise(test.b)
		if test.want != "" && (a != test.want || b != test.want) {
			t.Errorf("%q and %q became %q and %q, want %q", test.a, test.b, a, b, test.want)
		}
	}
	if a, b := normalise(`GET https://a.example/1: 404`), normalise(`GET https://b.example/2: 500`); a != b {
		t.Errorf("%q and %q", a, b)
	}
	for _, pair := range [][2]string{{"the picture is damaged", "the picture is too large"}, {"no such document", "no such pack"}} {
		if normalise(pair[0]) == normalise(pair[1]) {
			t.Errorf("%q and %q are one", pair[0], pair[1])
		}
	}
}

func FuzzNormalise(f *testing.F) {
	for _, seed := range []string{`a "b" 'c' 12.5`, "\xff\"", "“„«", `"""`, "''", "x'", ".", "1.", "0x", "/", strings.Repeat("é", 600)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		once := normalise(message)
		if utf8.ValidString(message) && !utf8.ValidString(once) {
			t.Errorf("%q became %q, which is not UTF-8", message, once)
		}
		if strings.ContainsAny(once, "0123456789") && utf8.ValidString(message) {
			t.Errorf("%q became %q with a number left", message, once)
		}
	})
}

func TestFingerprint(t *testing.T) {
	base := core.Failure{Stage: core.StageAssets, Code: "image.damaged", Plugin: "foundry", Message: `row 5 of "a.png"`, Item: "a", Source: "home"}
	same, other := base, []core.Failure{base, base, base, base}
	same.Item, same.Message, same.Source, same.Detail = "b", `row 17 of "b.png"`, "away", "more"
	if fingerprint(base) != fingerprint(same) {
		t.Error("the same cause has two fingerprints")
	}
	other[0].Code = "image.large"
	other[1].Plugin = "open5e"
	other[2].Message = "nothing there"
	other[3].Warning = true
	for _, f := range other {
		if fingerprint(f) == fingerprint(base) {
			t.Errorf("%+v has the fingerprint of another cause", f)
		}
	}
}

func TestProblems(t *testing.T) {
	s, clock := newState(core.Running)
	first := clock.Now().UnixMilli()
	for i := range 8 {
		s.Failure(core.Failure{
			Stage: core.StageAssets, Code: "image.damaged", Source: "home", Plugin: "foundry", Item: fmt.Sprint("token", i/2),
			Message: fmt.Sprintf("row %d is missing", i), Detail: "d", Suggestion: "replace it",
		})
		clock.advance(time.Second)
	}
	s.Failure(core.Failure{Stage: core.StageEntities, Code: "entity.bare", Message: "m", Warning: true})
	for range 9 {
		s.Failure(core.Failure{Stage: core.StageRead, Code: "often", Message: "m"})
	}
	got := s.Summary().Problems
	var codes []string
	for _, p := range got {
		codes = append(codes, p.Code)
	}
	if want := []string{"often", "image.damaged", "entity.bare"}; !slices.Equal(codes, want) {
		t.Fatalf("problems %v, want %v: the most frequent first, warnings last", codes, want)
	}
	p := got[1]
	if p.Count != 8 || p.FirstMS != first || p.LastMS != first+7000 || p.Stage != "images" || p.Message != "row 0 is missing" ||
		!slices.Equal(p.Examples, []string{
			"token0", "token0: row 1 is missing", "token1: row 2 is missing", "token1: row 3 is missing", "token2: row 4 is missing",
			"token2: row 5 is missing", "token3: row 6 is missing", "token3: row 7 is missing",
		}) {
		t.Errorf("the problem is %+v", p)
	}
	if items, causes := new(s.Summary()).Failures(); items != 17 || causes != 2 {
		t.Errorf("%d failures of %d causes", items, causes)
	}
}

func TestProblemsSince(t *testing.T) {
	s, _ := newState(core.Running)
	if list, at := s.ProblemsSince(0); len(list) != 0 || at != 0 {
		t.Errorf("at first: %v, %d", list, at)
	}
	s.Failure(core.Failure{Code: "a"})
	s.Failure(core.Failure{Code: "b"})
	list, at := s.ProblemsSince(0)
	if len(list) != 2 {
		t.Errorf("all: %v", list)
	}
	s.Failure(core.Failure{Code: "b"})
	list, next := s.ProblemsSince(at)
	if len(list) != 1 || list[0].Code != "b" || list[0].Count != 2 {
		t.Errorf("changed: %+v", list)
	}
	if list, _ = s.ProblemsSince(next); len(list) != 0 {
		t.Errorf("nothing changed: %+v", list)
	}
}

// There are never more causes than the limit, nothing goes uncounted, and warnings are never counted as failures.
func TestTooManyCauses(t *testing.T) {
	s, _ := newState(core.Running)
	word := func(i int) string { return strings.Repeat(string(rune('a'+i%26)), 1+i/26) }
	for i := range causeLimit + 30 {
		s.Failure(core.Failure{Code: "c", Message: word(i), Item: word(i)})
	}
	for i := range 20 {
		s.Failure(core.Failure{Code: "w", Message: word(i), Warning: true})
	}
	s.Failure(core.Failure{Code: "c", Message: word(0)}) // a known one is still told apart
	got := s.Summary()
	if items, _ := got.Failures(); items != causeLimit+31 || len(got.Problems) != causeLimit+2 {
		t.Errorf("%d failures in %d problems", items, len(got.Problems))
	}
	if first := got.Problems[0]; first.Code != otherName || first.Count != 30 || first.Warning {
		t.Errorf("the rest: %+v", first)
	}
	if last := got.Problems[len(got.Problems)-1]; last.Code != otherName || last.Count != 20 || !last.Warning {
		t.Errorf("the rest of the warnings: %+v", last)
	}
	if second := got.Problems[1]; second.Count != 2 || second.Message != "a" {
		t.Errorf("the known one: %+v", second)
	}
}

func TestTextsAreBounded(t *testing.T) {
	s, _ := newState(core.Running)
	long := strings.Repeat("ü", 10_000)
	s.Failure(core.Failure{Code: long, Source: long, Plugin: long, Item: long, Message: long, Detail: long, Suggestion: long})
	p := s.Summary().Problems[0]
	if size := len(fmt.Sprint(p)); size > 4500 {
		t.Errorf("a problem of %d bytes", size)
	}
	for _, text := range []string{p.Code, p.Source, p.Plugin, p.Message, p.Detail, p.Suggestion, p.Examples[0]} {
		if !utf8.ValidString(text) || !strings.HasSuffix(text, "ü…") {
			t.Errorf("cut to …%q", text[len(text)-8:])
		}
	}
}
