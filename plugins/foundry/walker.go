package foundry

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// walker visits the strings of a JSON text that is known to be valid and nested no deeper than foundry/pack lets through.
type walker struct {
	doc []byte
	// visit gets each string value as written; key and pointer say where it stands. Nil: nobody asks.
	visit func(quoted []byte)
	// member gets each member of the outermost object, its name without quotes. Nil: nobody asks.
	member func(name string, value []byte)

	path []step
}

// members visits the members of an object. Anything else has none.
func members(value []byte, each func(name string, value []byte)) {
	w := walker{doc: value, member: each}
	if len(value) > 0 && value[0] == '{' {
		w.object(0)
	}
}

// step is one step of the path: a member's name as written, or an index.
type step struct {
	key   []byte // with its quotes; nil: an index
	index int
}

// value walks the value at i and returns the index behind it.
func (w *walker) value(i int) int {
	i = w.space(i)
	switch w.doc[i] {
	case '{':
		return w.object(i)
	case '[':
		return w.array(i)
	case '"':
		end := w.quoted(i)
		if w.visit != nil {
			w.visit(w.doc[i:end])
		}
		return end
	default:
		return w.bare(i)
	}
}

// bare returns the index behind the number or word at i.
func (w *walker) bare(i int) int {
	for ; i < len(w.doc); i++ {
		switch w.doc[i] {
		case ',', ']', '}', ' ', '\n', '\t', '\r':
			return i
		}
	}
	return i
}

func (w *walker) object(i int) int {
	for i = w.space(i + 1); w.doc[i] != '}'; i = w.next(i) {
		end := w.quoted(i)
		name := w.doc[i:end]
		start := w.space(w.space(end) + 1) // over the colon
		w.path = append(w.path, step{key: name})
		i = w.value(start)
		w.path = w.path[:len(w.path)-1]
		if w.member != nil && len(w.path) == 0 {
			w.member(unquote(name), w.doc[start:i])
		}
	}
	return i + 1
}

func (w *walker) array(i int) int {
	w.path = append(w.path, step{})
	for i = w.space(i + 1); w.doc[i] != ']'; i = w.next(i) {
		i = w.value(i)
		w.path[len(w.path)-1].index++
	}
	w.path = w.path[:len(w.path)-1]
	return i + 1
}

// next steps over white space and a comma.
func (w *walker) next(i int) int {
	if i = w.space(i); w.doc[i] == ',' {
		i = w.space(i + 1)
	}
	return i
}

func (w *walker) space(i int) int {
	for i < len(w.doc) && (w.doc[i] == ' ' || w.doc[i] == '\n' || w.doc[i] == '\t' || w.doc[i] == '\r') {
		i++
	}
	return i
}

// quoted returns the index behind the string at i.
func (w *walker) quoted(i int) int {
	for i++; ; i++ {
		i += bytes.IndexByte(w.doc[i:], '"')
		escapes := 0
		for j := i - 1; w.doc[j] == '\\'; j-- {
			escapes++
		}
		if escapes%2 == 0 {
			return i + 1
		}
	}
}

// key is the name of the nearest member above the value.
func (w *walker) key() string {
	for _, s := range slices.Backward(w.path) {
		if s.key != nil {
			return unquote(s.key)
		}
	}
	return ""
}

// pointer is the JSON Pointer of the value.
func (w *walker) pointer() string {
	var room [128]byte
	at := room[:0]
	for _, s := range w.path {
		at = append(at, '/')
		switch {
		case s.key == nil:
			at = strconv.AppendInt(at, int64(s.index), 10)
		case bytes.ContainsAny(s.key, `~/\`):
			at = append(at, strings.NewReplacer("~", "~0", "/", "~1").Replace(unquote(s.key))...)
		default: // nearly all
			at = append(at, s.key[1:len(s.key)-1]...)
		}
	}
	return string(at)
}

// unquote returns the text of a string of a valid JSON text.
func unquote(quoted []byte) string {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	var s string
	_ = json.Unmarshal(quoted, &s) // the text was proved valid
	return s
}

// elements visits the values of a list, in order. Anything else has none.
func elements(value []byte, each func(i int, value []byte)) {
	if len(value) == 0 || value[0] != '[' {
		return
	}
	w := walker{doc: value}
	for i, n := w.space(1), 0; value[i] != ']'; n++ {
		end := w.value(i)
		each(n, value[i:end])
		i = w.next(end)
	}
}
