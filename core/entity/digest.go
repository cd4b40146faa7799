package entity

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
)

var nameMembers = []string{"name", "title"}

// Members that say where a document lies and who may see it, not what it is. Two documents that differ in nothing else
// are twins.
var (
	placeAnywhere = []string{"_id", "_key", "_stats"}
	placeAtTop    = []string{"folder", "sort", "ownership", "permission", "flags"}
)

// digest hashes a valid JSON object without white space and without the members that only place it. It also returns
// the values of the top-level members a name may be in.
func digest(doc []byte) (sum [sha256.Size]byte, top map[string]json.RawMessage) {
	d := digester{doc: doc, out: make([]byte, 0, len(doc)), top: map[string]json.RawMessage{}}
	d.value(skipSpace(doc, 0), 0)
	return sha256.Sum256(d.out), d.top
}

// digester copies a valid document into out, member by member. The depth of recursion is bounded by json.Valid, which
// refuses documents nested deeper than 10,000.
type digester struct {
	doc []byte
	out []byte
	top map[string]json.RawMessage
}

// value copies the value that starts at i and returns the index behind it.
func (d *digester) value(i, depth int) int {
	switch d.doc[i] {
	case '{':
		return d.object(i, depth)
	case '[':
		return d.array(i, depth)
	default:
		end := skipScalar(d.doc, i)
		d.out = append(d.out, d.doc[i:end]...)
		return end
	}
}

func (d *digester) object(i, depth int) int {
	d.out = append(d.out, '{')
	first := true
	for i = skipSpace(d.doc, i+1); d.doc[i] != '}'; i = skipComma(d.doc, i) {
		keyEnd := skipString(d.doc, i)
		key := member(d.doc[i:keyEnd])
		start := skipSpace(d.doc, skipSpace(d.doc, keyEnd)+1) // over the colon
		mark := len(d.out)
		if !first {
			d.out = append(d.out, ',')
		}
		d.out = append(d.out, d.doc[i:keyEnd]...)
		d.out = append(d.out, ':')
		end := d.value(start, depth+1)
		if depth == 0 && among(key, nameMembers) {
			d.top[string(key)] = d.doc[start:end]
		}
		if among(key, placeAnywhere) || depth == 0 && among(key, placeAtTop) {
			d.out = d.out[:mark]
		} else {
			first = false
		}
		i = end
	}
	d.out = append(d.out, '}')
	return i + 1
}

// member returns the name that a quoted key stands for, its escapes undone.
func member(quoted []byte) []byte {
	bare := quoted[1 : len(quoted)-1]
	var name string
	if bytes.IndexByte(bare, '\\') < 0 || json.Unmarshal(quoted, &name) != nil {
		return bare
	}
	return []byte(name)
}

func (d *digester) array(i, depth int) int {
	d.out = append(d.out, '[')
	for i = skipSpace(d.doc, i+1); d.doc[i] != ']'; i = skipComma(d.doc, i) {
		if d.out[len(d.out)-1] != '[' {
			d.out = append(d.out, ',')
		}
		i = d.value(i, depth+1)
	}
	d.out = append(d.out, ']')
	return i + 1
}

func among(key []byte, words []string) bool { return slices.Contains(words, string(key)) }

func skipSpace(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\n' || doc[i] == '\t' || doc[i] == '\r') {
		i++
	}
	return i
}

func skipComma(doc []byte, i int) int {
	i = skipSpace(doc, i)
	if doc[i] == ',' {
		i = skipSpace(doc, i+1)
	}
	return i
}

// skipString returns the index behind the string that starts at i.
func skipString(doc []byte, i int) int {
	for i++; ; {
		j := bytes.IndexByte(doc[i:], '"')
		i += j
		backslashes := 0
		for k := i - 1; doc[k] == '\\'; k-- {
			backslashes++
		}
		i++
		if backslashes%2 == 0 {
			return i
		}
	}
}

func skipScalar(doc []byte, i int) int {
	if doc[i] == '"' {
		return skipString(doc, i)
	}
	for i < len(doc) {
		switch doc[i] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return i
		}
		i++
	}
	return i
}
