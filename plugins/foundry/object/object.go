// Package object finds members in the text of one JSON object, and proves that the text is one, without decoding it. Every
// storage form of Foundry's documents is taken apart with it, so that what is kept of a document is kept byte for byte.
//
// It owns the grammar of JSON as JSON.parse has it. It starts no goroutine, reads no file, and allocates nothing but room for
// the members asked for. Its errors say what is wrong with the text, and at which byte.
package object

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
)

// maxNesting limits how deep the arrays and objects of one value may lie in each other.
const maxNesting = 128

// Shape is where the parts of one JSON object lie. Offsets count from the beginning of the text.
type Shape struct {
	Open, Close int      // its braces
	Empty       bool     // nothing between them
	Members     []Member // the wanted ones, in the order of the text
}

// Member is a member of the object that was asked for: the index of its name, and where its value lies.
type Member struct {
	Name       int
	Start, End int
}

// Value is the text of the member with the index name; nil if the object has none.
func (s *Shape) Value(text []byte, name int) []byte {
	for _, m := range s.Members {
		if m.Name == name {
			return text[m.Start:m.End]
		}
	}
	return nil
}

// Scanner proves that a value is one JSON object, as JSON.parse would have it, and finds members in it. It decodes
// nothing and allocates nothing but room for the members.
type Scanner struct {
	data  []byte
	flaw  string
	at    int      // of the flaw
	names []string // wanted members of the outermost object
	shape *Shape
}

// Object scans data and fills into with where the members of these names lie. Of members that stand twice the last one
// counts, as in JSON.parse.
func (s *Scanner) Object(data []byte, names []string, into *Shape) error {
	*into = Shape{Members: into.Members[:0]}
	*s = Scanner{data: data, names: names, shape: into}
	if !utf8.Valid(data) {
		return errors.New("the text is not UTF-8")
	}
	into.Open = s.space(0)
	if into.Open == len(data) || data[into.Open] != '{' {
		return errors.New("not a JSON object")
	}
	end := s.value(into.Open, 1)
	if end >= 0 {
		into.Close = end - 1
		if end = s.space(end); end < len(data) {
			end = s.fail(end, "text after the end of the object")
		}
	}
	if end < 0 {
		return fmt.Errorf("not JSON: at byte %d: %s", s.at, s.flaw)
	}
	return nil
}

// Entries calls each with the text of every entry of the array in list, which a scanner has passed, until one of the calls
// returns an error.
func Entries(list []byte, each func(i int, entry []byte) error) error {
	s := Scanner{data: list}
	n := 0
	for i := s.space(1); list[i] != ']'; n++ {
		if list[i] == ',' {
			i = s.space(i + 1)
		}
		end := s.value(i, 2)
		if err := each(n, list[i:end]); err != nil {
			return err
		}
		i = s.space(end)
	}
	return nil
}

func (s *Scanner) fail(at int, flaw string) int {
	s.at, s.flaw = at, flaw
	return -1
}

func (s *Scanner) space(i int) int {
	for i < len(s.data) && s.data[i] <= ' ' { // seldom: packs are written without white space
		if c := s.data[i]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			break
		}
		i++
	}
	return i
}

// value returns where the value that begins at i ends, or -1.
func (s *Scanner) value(i, depth int) int {
	if i >= len(s.data) {
		return s.fail(i, "a value is missing")
	}
	switch c := s.data[i]; {
	case c == '"':
		return s.text(i + 1)
	case c == '{' || c == '[':
		if depth > maxNesting {
			return s.fail(i, "nested too deeply")
		}
		if c == '[' {
			return s.array(i+1, depth)
		}
		return s.members(i+1, depth)
	case c == 't':
		return s.word(i, "true")
	case c == 'f':
		return s.word(i, "false")
	case c == 'n':
		return s.word(i, "null")
	case c == '-' || c >= '0' && c <= '9':
		return s.number(i)
	}
	return s.fail(i, "not the beginning of a value")
}

func (s *Scanner) members(i, depth int) int {
	i = s.space(i)
	if i < len(s.data) && s.data[i] == '}' {
		if depth == 1 {
			s.shape.Empty = true
		}
		return i + 1
	}
	for {
		if i = s.space(i); i >= len(s.data) || s.data[i] != '"' {
			return s.fail(i, "a member name is missing")
		}
		name := i
		if i = s.text(i + 1); i < 0 {
			return -1
		}
		nameEnd := i
		if i = s.space(i); i >= len(s.data) || s.data[i] != ':' {
			return s.fail(i, "a colon is missing")
		}
		start := s.space(i + 1)
		if i = s.value(start, depth+1); i < 0 {
			return -1
		}
		if depth == 1 {
			s.note(s.data[name:nameEnd], start, i)
		}
		if i = s.space(i); i >= len(s.data) || s.data[i] != ',' {
			break
		}
		i++
	}
	if i >= len(s.data) || s.data[i] != '}' {
		return s.fail(i, "a comma or a closing brace is missing")
	}
	return i + 1
}

// note keeps where a wanted member lies.
func (s *Scanner) note(quoted []byte, start, end int) {
	name := slices.Index(s.names, string(Unquote(quoted)))
	if name < 0 {
		return
	}
	s.shape.Members = slices.DeleteFunc(s.shape.Members, func(m Member) bool { return m.Name == name })
	s.shape.Members = append(s.shape.Members, Member{name, start, end})
}

func (s *Scanner) array(i, depth int) int {
	i = s.space(i)
	if i < len(s.data) && s.data[i] == ']' {
		return i + 1
	}
	for {
		if i = s.value(s.space(i), depth+1); i < 0 {
			return -1
		}
		if i = s.space(i); i >= len(s.data) || s.data[i] != ',' {
			break
		}
		i++
	}
	if i >= len(s.data) || s.data[i] != ']' {
		return s.fail(i, "a comma or a closing bracket is missing")
	}
	return i + 1
}

// text returns where the string ends whose first character is at i. Eight bytes are looked at together, because most
// of a pack is prose.
func (s *Scanner) text(i int) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	for {
		for i+8 <= len(s.data) {
			w := binary.LittleEndian.Uint64(s.data[i:])
			quote, slash := w^('"'*ones), w^('\\'*ones)
			stop := ((quote-ones)&^quote | (slash-ones)&^slash | (w-' '*ones)&^w) & high
			if stop != 0 {
				i += bits.TrailingZeros64(stop) / 8
				break
			}
			i += 8
		}
		if i >= len(s.data) {
			return s.fail(i, "a string has no end")
		}
		switch c := s.data[i]; {
		case c == '"':
			return i + 1
		case c == '\\':
			if i = s.escape(i + 1); i < 0 {
				return -1
			}
		case c < ' ':
			return s.fail(i, "a control character stands in a string")
		default:
			i++
		}
	}
}

func (s *Scanner) escape(i int) int {
	if i >= len(s.data) {
		return s.fail(i, "a string has no end")
	}
	switch s.data[i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 1
	case 'u':
		for n := 1; n <= 4; n++ {
			if i+n >= len(s.data) || !hexadecimal(s.data[i+n]) {
				return s.fail(i, "a Unicode escape is wrong")
			}
		}
		return i + 5
	}
	return s.fail(i, "an escape is unknown")
}

func hexadecimal(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (s *Scanner) word(i int, word string) int {
	if len(s.data)-i < len(word) || string(s.data[i:i+len(word)]) != word {
		return s.fail(i, "not the beginning of a value")
	}
	return i + len(word)
}

func (s *Scanner) number(i int) int {
	if s.data[i] == '-' {
		i++
	}
	if i < len(s.data) && s.data[i] == '0' {
		i++
	} else if i = s.digits(i); i < 0 {
		return -1
	}
	if i < len(s.data) && s.data[i] == '.' {
		if i = s.digits(i + 1); i < 0 {
			return -1
		}
	}
	if i < len(s.data) && (s.data[i] == 'e' || s.data[i] == 'E') {
		i++
		if i < len(s.data) && (s.data[i] == '+' || s.data[i] == '-') {
			i++
		}
		return s.digits(i)
	}
	return i
}

func (s *Scanner) digits(i int) int {
	start := i
	for i < len(s.data) && s.data[i] >= '0' && s.data[i] <= '9' {
		i++
	}
	if i == start {
		return s.fail(i, "a number lacks a digit")
	}
	return i
}

// Unquote returns the text of a string that the scanner has passed. It allocates for escapes alone, which neither the
// ids nor the member names of Foundry have.
func Unquote(quoted []byte) []byte {
	raw := quoted[1 : len(quoted)-1]
	if i := bytes.IndexByte(raw, '\\'); i >= 0 {
		return unescape(raw, i)
	}
	return raw
}

// unescape copies raw with its escapes replaced; the first is at i. A surrogate without its pair becomes U+FFFD.
func unescape(raw []byte, i int) []byte {
	out := append([]byte(nil), raw[:i]...)
	for ; i < len(raw); i++ {
		if raw[i] != '\\' {
			out = append(out, raw[i])
			continue
		}
		i++
		switch c := raw[i]; c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := unit(raw[i+1:])
			i += 4
			if low := i + 1; r&^0x3ff == 0xd800 && low+6 <= len(raw) && raw[low] == '\\' && raw[low+1] == 'u' {
				if l := unit(raw[low+2:]); l&^0x3ff == 0xdc00 {
					r = 0x10000 + (r-0xd800)<<10 + l - 0xdc00
					i += 6
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
		}
	}
	return out
}

// unit reads the four digits of a Unicode escape.
func unit(hex []byte) rune {
	n, _ := strconv.ParseUint(string(hex[:4]), 16, 16) // the scanner saw that they are digits
	return rune(n)
}

// AppendText adds text as a JSON string. Ids seldom have anything to escape.
func AppendText(out, text []byte) []byte {
	const digits = "0123456789abcdef"
	out = append(out, '"')
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < ' ':
			out = append(out, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
