package grammar

import (
	"slices"
	"testing"
)

// TestPattern: what a pattern says at a glance is what it would say anyway.
func TestPattern(t *testing.T) {
	texts := []string{"", "AC 5", "Armor Class 5", "armor class 5", "ARMOR", "x: AC 3", "Goblin: AC 3", "3rd-level", "ſtr 4", "K 5", "\u212a 5", " AC", "1st cantrip", "Evil cantrip", "über"}
	for _, tt := range []struct {
		pattern  string
		none     []string // a few that it is sure not to match
		literals []string
	}{
		{`^AC \d`, []string{"", "armor class 5", "x: AC 3"}, []string{"AC "}},
		{`^(?:(?i:Armor\s*Class)|AC)\s*\d`, []string{"x: AC 3", "3rd-level"}, nil},
		{`^(?P<name>\p{Lu}[^:]*):\s*AC`, []string{"AC 5", "x: AC 3"}, []string{":", "AC"}},
		{`^\s*(?:x)?AC`, []string{"3rd-level"}, []string{"AC"}},
		{`AC`, []string{"3rd-level"}, []string{"AC"}},
		{`^(?i:k) \d`, []string{"AC 5"}, []string{" "}},
		{`^(?i:str)`, []string{"AC 5"}, nil},
		{`^.*cantrip$`, []string{"AC 5"}, []string{"cantrip"}},
		{`^(?:a|)`, nil, nil},
		{`^(?:ab){0,2}c?`, nil, nil},
		{`^(?:ab){2}`, []string{"AC 5"}, []string{"ab"}},
		{`^(?:ü|[0-9])`, []string{"AC 5"}, nil},
		{`a|^b`, nil, nil},
		{`(?m)^AC`, nil, []string{"AC"}},
	} {
		p, err := newPattern(tt.pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range texts {
			if p.MatchString(text) && !p.may(text) {
				t.Errorf("%s: matches %q, and says that it does not", tt.pattern, text)
			}
			if !slices.Equal(p.FindStringSubmatch(text), p.Regexp.FindStringSubmatch(text)) || !slices.Equal(p.FindStringIndex(text), p.Regexp.FindStringIndex(text)) {
				t.Errorf("%s: finds something else in %q", tt.pattern, text)
			}
		}
		for _, text := range tt.none {
			if p.may(text) {
				t.Errorf("%s: does not see at a glance that it is not in %q", tt.pattern, text)
			}
		}
		for _, literal := range tt.literals {
			if !slices.Contains(p.literals, literal) {
				t.Errorf("%s: has %q, not %q", tt.pattern, p.literals, literal)
			}
		}
	}
}
