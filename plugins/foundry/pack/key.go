package pack

import (
	"bytes"
	"unicode/utf8"
)

// A key is `!` + collection path + `!` + id path. Both paths have their parts divided by dots and are equally long: the
// first parts name a primary document, each further part a document embedded in the one before.
//
//	!actors!A           actor A
//	!actors.items!A.I   item I in the list "items" of actor A

// split takes a key apart and reports whether it fits the grammar. Of some keys that do not it still finds the path.
func split(key []byte) (path, ids []byte, ok bool) {
	if len(key) == 0 || key[0] != '!' {
		return nil, nil, false
	}
	path, ids, ok = bytes.Cut(key[1:], []byte{'!'})
	if !ok {
		return nil, nil, false
	}
	n := parts(path)
	return path, ids, n > 0 && n == parts(ids) && bytes.IndexByte(ids, '!') < 0 && utf8.Valid(key)
}

// parts counts the parts of a path; 0 if one of them is empty.
func parts(path []byte) int {
	if len(path) == 0 || path[0] == '.' || path[len(path)-1] == '.' || bytes.Contains(path, []byte("..")) {
		return 0
	}
	return 1 + bytes.Count(path, []byte{'.'})
}

// prefix is what all keys of one collection path begin with.
func prefix(path string) []byte { return []byte("!" + path + "!") }

// after is the first key beyond those that begin with prefix(path).
func after(path string) []byte { return []byte("!" + path + "\"") }
