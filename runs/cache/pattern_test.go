package cache

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

func TestPattern(t *testing.T) {
	for _, test := range []struct {
		pattern, prefix, glob string
		matches, not          []string
	}{
		{"abc", "abc", "abc", []string{"abc"}, []string{"ab", "abcd", ""}},
		{"*", "", "*", []string{"", "x", "*"}, nil},
		{"a*", "a", "a*", []string{"a", "ab"}, []string{"", "ba"}},
		{"*a", "", "*a", []string{"a", "ba", "aa"}, []string{"", "ab"}},
		{"a*b*c", "a", "a*b*c", []string{"abc", "a-b-c", "abbcc"}, []string{"ac", "acb", "abcd"}},
		{"a*a", "a", "a*a", []string{"aa", "aba"}, []string{"a"}},
		{"a**b", "a", "a**b", []string{"ab", "axb"}, []string{"a"}},
		{"[x]?*", "[x]?", "[[]x][?]*", []string{"[x]?", "[x]?y"}, []string{"x?", "xy"}},
	} {
		p := NewPattern(test.pattern)
		if p.Prefix() != test.prefix || p.Glob() != test.glob {
			t.Errorf("%q: prefix %q, glob %q", test.pattern, p.Prefix(), p.Glob())
		}
		for _, key := range test.matches {
			if !p.Matches(key) {
				t.Errorf("%q does not match %q", test.pattern, key)
			}
		}
		for _, key := range test.not {
			if p.Matches(key) {
				t.Errorf("%q matches %q", test.pattern, key)
			}
		}
	}
	star := Exactly("a*")
	if !star.Matches("a*") || star.Matches("ab") || star.Glob() != "a[*]" || star.Prefix() != "a*" {
		t.Errorf("a key with a star is %+v", star)
	}
}

// A pattern matches what the regular expression made from it does.
func TestPatternAgainstRegexp(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	text := func(letters string, most int) string {
		var b strings.Builder
		for range random.IntN(most) {
			b.WriteByte(letters[random.IntN(len(letters))])
		}
		return b.String()
	}
	agreed := map[bool]int{}
	for range 20_000 {
		pattern, key := text("ab*", 6), text("ab", 7)
		want := regexp.MustCompile("^" + strings.ReplaceAll(pattern, "*", ".*") + "$").MatchString(key)
		if got := NewPattern(pattern).Matches(key); got != want {
			t.Fatalf("%q matches %q: %v, want %v", pattern, key, got, want)
		}
		agreed[want]++
	}
	if agreed[true] < 1000 || agreed[false] < 1000 {
		t.Errorf("nothing was proved: %v", agreed)
	}
}

func TestAfter(t *testing.T) {
	for prefix, want := range map[string]string{
		"": "", "a": "b", "a/": "a0", "é": "ê", "a\U0010FFFF": "b", "\U0010FFFF\U0010FFFF": "", "x\uD7FF": "x\uE000", "~": "\x7f", "\x7f": "\u0080",
	} {
		got := After(prefix)
		if got != want {
			t.Errorf("after %q: %q, want %q", prefix, got, want)
		}
		if got != "" && (got <= prefix+"\U0010FFFF\U0010FFFF" || strings.HasPrefix(got, prefix)) {
			t.Errorf("%q does not come after all that begin with %q", got, prefix)
		}
	}
}
