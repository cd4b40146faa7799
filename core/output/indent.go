package output

import (
	"bytes"
	"errors"
)

var errNotJSON = errors.New("the document is not JSON")

// appendIndented appends a JSON text with each of its parts on a line of its own, two spaces further in a level: what
// json.Indent makes of it, in a quarter of the time. It sees when parts are missing, left over or in the wrong place; what
// stands inside of strings, numbers and words it takes as it is, because that was proved when the text was read.
func appendIndented(dst, text []byte) ([]byte, error) {
	n := indenter{text: text, out: dst}
	if n.value(n.space(0)) != len(text) {
		return dst, errNotJSON
	}
	return n.out, nil
}

// indenter copies a text to out. Its methods return the index behind the part that begins at i and the white space that
// follows it, or a negative number when there is no such part. Recursion is as deep as the text is nested; a record's
// text was refused when it was read if that is more than 10,000 levels.
type indenter struct {
	text  []byte
	out   []byte
	depth int
}

func (n *indenter) value(i int) int {
	if i >= len(n.text) {
		return -1
	}
	switch n.text[i] {
	case '{':
		return n.list(i, '}')
	case '[':
		return n.list(i, ']')
	case '"':
		return n.copy(i, n.stringEnd(i))
	default:
		return n.copy(i, n.wordEnd(i))
	}
}

// list copies an object or an array.
func (n *indenter) list(i int, closing byte) int {
	n.out = append(n.out, n.text[i])
	if i = n.space(i + 1); n.at(i, closing) {
		n.out = append(n.out, closing)
		return n.space(i + 1)
	}
	n.depth++
	for {
		n.line()
		if closing == '}' {
			if i = n.name(i); i < 0 {
				return -1
			}
		}
		if i = n.value(i); !n.at(i, ',') {
			break
		}
		n.out = append(n.out, ',')
		i = n.space(i + 1)
	}
	n.depth--
	if !n.at(i, closing) {
		return -1
	}
	n.line()
	n.out = append(n.out, closing)
	return n.space(i + 1)
}

// name copies the name of a member and the colon behind it.
func (n *indenter) name(i int) int {
	if !n.at(i, '"') {
		return -1
	}
	if i = n.copy(i, n.stringEnd(i)); !n.at(i, ':') {
		return -1
	}
	n.out = append(n.out, ':', ' ')
	return n.space(i + 1)
}

func (n *indenter) copy(i, end int) int {
	if end <= i {
		return -1
	}
	n.out = append(n.out, n.text[i:end]...)
	return n.space(end)
}

// line begins a line.
func (n *indenter) line() {
	const spaces = "                                                                "
	n.out = append(n.out, '\n')
	for left := 2 * n.depth; left > 0; left -= len(spaces) {
		n.out = append(n.out, spaces[:min(left, len(spaces))]...)
	}
}

func (n *indenter) at(i int, c byte) bool { return i >= 0 && i < len(n.text) && n.text[i] == c }

func (n *indenter) space(i int) int {
	for i < len(n.text) && (n.text[i] == ' ' || n.text[i] == '\t' || n.text[i] == '\n' || n.text[i] == '\r') {
		i++
	}
	return i
}

func (n *indenter) stringEnd(i int) int {
	for i++; ; {
		quote := bytes.IndexByte(n.text[i:], '"')
		if quote < 0 {
			return -1
		}
		i += quote
		escapes := 0
		for n.text[i-escapes-1] == '\\' {
			escapes++
		}
		if i++; escapes%2 == 0 {
			return i
		}
	}
}

func (n *indenter) wordEnd(i int) int {
	for ; i < len(n.text); i++ {
		switch n.text[i] {
		case ',', ':', '}', ']', '{', '[', '"', ' ', '\t', '\n', '\r':
			return i
		}
	}
	return i
}
