package cache

import (
	"strings"
	"unicode/utf8"
)

// Pattern says which keys are meant: a text in which * stands for any characters, none included, or exactly one key.
type Pattern struct {
	text  string
	exact bool
}

// NewPattern returns the pattern of a text with *.
func NewPattern(text string) Pattern { return Pattern{text: text, exact: !strings.Contains(text, "*")} }

// Exactly returns the pattern that matches one key, whatever is in it.
func Exactly(key string) Pattern { return Pattern{text: key, exact: true} }

// Matches says whether a key is meant.
func (p Pattern) Matches(key string) bool {
	if p.exact {
		return key == p.text
	}
	first, rest, _ := strings.Cut(p.text, "*")
	if !strings.HasPrefix(key, first) {
		return false
	}
	key = key[len(first):]
	for {
		part, further, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(key, part)
		}
		at := strings.Index(key, part)
		if at < 0 {
			return false
		}
		key, rest = key[at+len(part):], further
	}
}

// Prefix returns what every key that is meant begins with.
func (p Pattern) Prefix() string {
	if p.exact {
		return p.text
	}
	first, _, _ := strings.Cut(p.text, "*")
	return first
}

// Glob returns the pattern as SQLite's GLOB has it.
func (p Pattern) Glob() string {
	special := []string{"?", "[?]", "[", "[[]"}
	if p.exact {
		special = append(special, "*", "[*]")
	}
	return strings.NewReplacer(special...).Replace(p.text)
}

// After returns the first text that comes after all those that begin with prefix, by the order of their bytes; empty
// when there is none.
func After(prefix string) string {
	for prefix != "" {
		last, size := utf8.DecodeLastRuneInString(prefix)
		prefix = prefix[:len(prefix)-size]
		switch {
		case last == 0xD7FF:
			return prefix + "\uE000" // what lies between is not text
		case last < utf8.MaxRune:
			return prefix + string(last+1)
		}
	}
	return ""
}
