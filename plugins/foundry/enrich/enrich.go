// Package enrich finds the marks in Foundry's texts that its enrichers replace when a text is shown: `@UUID[…]{…}`,
// `@Damage[2d6[fire]]`, `&Reference[prone]`, `[[/r 1d6]]{…}`, `[[lookup @name]]`.
//
// It owns where a mark begins and ends, and its parts; what it means is for whoever asks. Brackets nest, so they are counted.
// It starts no goroutine and returns no errors: what is no mark is text.
package enrich

import (
	"strings"
)

// Sort is one of the three forms of marks.
type Sort uint8

// The forms: `@Name[…]`, `&Reference[…]`, `[[…]]`.
const (
	At Sort = iota
	And
	Roll
)

// Mark is one mark of a text.
type Mark struct {
	Sort Sort
	// Name is what stands in front of the bracket, or the command of a roll, without its slash: "UUID", "Reference", "damage",
	// "lookup". Empty: a formula alone, `[[1d6]]`.
	Name     string
	Config   string // what stands in the brackets, without the command
	Label    string // what stands in the braces behind
	Labelled bool
	Start    int // in the text
	End      int
}

// What a name is not longer than, and neither of its brackets. It bounds the search for the end of one that has none.
const (
	maxName    = 32
	maxBracket = 1024
)

// Next returns the first mark of s at from or behind.
func Next(s string, from int) (Mark, bool) {
	for i := from; i < len(s); i++ {
		next := strings.IndexAny(s[i:], "@&[")
		if next < 0 {
			break
		}
		i += next
		var m Mark
		ok := false
		switch s[i] {
		case '@':
			m, ok = named(s, i, i+1)
		case '&':
			rest := strings.TrimPrefix(s[i+1:], "amp;") // as it stands in HTML
			at := len(s) - len(rest)
			if strings.HasPrefix(rest, "Reference[") {
				m, ok = named(s, i, at)
				m.Sort = And
			}
		case '[':
			m, ok = roll(s, i)
		}
		if ok {
			return m, true
		}
	}
	return Mark{}, false
}

// All returns the marks of s, which do not overlap.
func All(s string) []Mark {
	var all []Mark
	for m, ok := Next(s, 0); ok; m, ok = Next(s, m.End) {
		all = append(all, m)
	}
	return all
}

// named takes the mark that begins at i and whose name begins at from.
func named(s string, i, from int) (Mark, bool) {
	open := strings.IndexByte(s[from:min(len(s), from+maxName+1)], '[')
	if open < 1 || !isName(s[from:from+open]) {
		return Mark{}, false
	}
	open += from
	end := Closing(s, open, '[', ']')
	if end < 0 || strings.ContainsAny(s[open:end], "<>\n") {
		return Mark{}, false
	}
	m := Mark{Name: s[from:open], Config: s[open+1 : end], Start: i, End: end + 1}
	return m.labelled(s), true
}

// roll takes the mark `[[…]]` that begins at i. Foundry takes a third bracket at its end for one of the formula's.
func roll(s string, i int) (Mark, bool) {
	if !strings.HasPrefix(s[i:], "[[") {
		return Mark{}, false
	}
	end := Closing(s, i, '[', ']')
	if end < i+4 || s[end-1] != ']' || strings.IndexByte(s[i:end], '\n') >= 0 {
		return Mark{}, false
	}
	if inner := Closing(s, i+1, '[', ']'); inner != end-1 {
		return Mark{}, false
	}
	config := strings.TrimSpace(s[i+2 : end-1])
	if config == "" {
		return Mark{}, false
	}
	m := Mark{Sort: Roll, Config: config, Start: i, End: end + 1}
	word, rest, _ := strings.Cut(config, " ")
	if command, is := strings.CutPrefix(word, "/"); is || word == "lookup" {
		m.Name, m.Config = command, strings.TrimSpace(rest)
	}
	return m.labelled(s), true
}

func (m Mark) labelled(s string) Mark {
	if m.End < len(s) && s[m.End] == '{' {
		if end := Closing(s, m.End, '{', '}'); end > 0 {
			m.Label, m.Labelled, m.End = s[m.End+1:end], true, end+1
		}
	}
	return m
}

func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// Closing returns the index of the bracket that closes the one at i, or -1. It looks no further than brackets are long.
func Closing(s string, i int, open, shut byte) int {
	depth := 0
	for s = s[:min(len(s), i+maxBracket)]; i < len(s); i++ {
		switch s[i] {
		case open:
			depth++
		case shut:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}

// Options are the words in the brackets of a mark: those of the form name=value, the value in quotes or not, by name, and the
// others in their order.
type Options struct {
	Words []string
	Named map[string]string
}

// Has says whether a word stands among the options, or is named and not false.
func (o Options) Has(word string) bool {
	for _, w := range o.Words {
		if strings.EqualFold(w, word) {
			return true
		}
	}
	v, named := o.Named[strings.ToLower(word)]
	return named && v != "false"
}

// Options takes the words in the brackets apart.
func (m Mark) Options() Options {
	o := Options{Named: map[string]string{}}
	for _, word := range Split(m.Config, " \t") {
		name, value, named := strings.Cut(word, "=")
		if named && name != "" && isName(name) {
			o.Named[strings.ToLower(name)] = unquoted(value)
		} else {
			o.Words = append(o.Words, unquoted(word))
		}
	}
	return o
}

// Split divides s at the bytes of cut, but for those in quotes or brackets. Empty parts are left out.
func Split(s, cut string) []string {
	var parts []string
	start, depth := 0, 0
	var quote byte
	for i := 0; i <= len(s); i++ {
		if i == len(s) || quote == 0 && depth <= 0 && strings.IndexByte(cut, s[i]) >= 0 {
			if part := strings.TrimSpace(s[start:i]); part != "" {
				parts = append(parts, part)
			}
			start = i + 1
			continue
		}
		switch c := s[i]; {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '"' || c == '\'' && (i == 0 || s[i-1] == '=' || s[i-1] == ' ') && strings.IndexByte(s[i+1:], '\'') >= 0:
			if strings.IndexByte(s[i+1:], c) >= 0 {
				quote = c
			}
		case c == '[' || c == '(' || c == '{':
			depth++
		case c == ']' || c == ')' || c == '}':
			depth--
		}
	}
	return parts
}

func unquoted(s string) string {
	if n := len(s); n >= 2 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}
