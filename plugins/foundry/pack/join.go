package pack

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/seed-98789ff7/converter/plugins/foundry/object"
)

// unusable is why a value is left out.
type unusable struct{ reason string }

func (u *unusable) Error() string { return u.reason }

// join puts one primary document at a time together.
type join struct {
	root   *node
	limit  int // of the size of the joined text
	report *Report

	scan    object.Scanner
	keys    []byte // the keys of the documents being joined, one behind the other
	out     []byte // the joined text
	missing []string
}

// gather fills the shelves with what is stored below the primary document ids.
func (j *join) gather(ids []byte) error {
	var err error
	j.root.walk(func(n *node) {
		n.count = 0
		if n != j.root && err == nil {
			err = n.shelf.gather(ids, j.report)
		}
	})
	return err
}

// document joins the primary document into out.
func (j *join) document(key, ids, value []byte) error {
	j.out, j.keys, j.missing = j.out[:0], j.keys[:0], nil
	return j.append(j.root, key, ids, value)
}

// embedded is how many documents of each collection path the joined text has.
func (j *join) embedded() map[string]int {
	var counts map[string]int
	j.root.walk(func(n *node) {
		if n == j.root || n.count == 0 {
			return
		}
		if counts == nil {
			counts = map[string]int{}
		}
		counts[n.path] = n.count
	})
	return counts
}

// append adds the document in value to out, with everything below it. Of one that is not JSON it adds nothing.
func (j *join) append(n *node, key, ids, value []byte) error {
	if err := j.scan.Object(value, n.names, &n.shape); err != nil {
		return &unusable{err.Error()}
	}
	n.count++
	keyMember, idMember := len(n.kids), len(n.kids)+1
	from := n.shape.Open
	for _, m := range n.shape.Members {
		raw := value[m.Start:m.End]
		if m.Name == idMember {
			j.checkID(key, ids, raw)
			continue
		}
		j.out = append(j.out, value[from:m.Start]...)
		from = m.End
		if m.Name == keyMember {
			j.out = object.AppendText(j.out, key)
		} else if err := j.member(n.kids[m.Name], key, ids, raw); err != nil {
			return err
		}
	}
	j.out = append(j.out, value[from:n.shape.Close]...)
	j.absent(n, key)
	j.out = append(j.out, '}')
	if len(j.out) > j.limit {
		return errLarge
	}
	return nil
}

// absent adds the members that the document does not have and that Foundry's own tool adds.
func (j *join) absent(n *node, key []byte) {
	comma := !n.shape.Empty
	for i, name := range n.names[:len(n.kids)+1] {
		if slices.ContainsFunc(n.shape.Members, func(m object.Member) bool { return m.Name == i }) {
			continue
		}
		if comma {
			j.out = append(j.out, ',')
		}
		comma = true
		j.out = append(append(append(j.out, '"'), name...), `":`...)
		switch {
		case i == len(n.kids):
			j.out = object.AppendText(j.out, key)
		case n.kids[i].single:
			j.out = append(j.out, "null"...)
		default:
			j.out = append(j.out, "[]"...)
		}
	}
}

// member adds what belongs where raw stands: the documents that raw lists by id. Kid is the collection they are in, key
// and ids belong to the document that lists them.
func (j *join) member(kid *node, key, ids, raw []byte) error {
	switch {
	case !kid.single && raw[0] == '[':
		return j.list(kid, key, ids, raw)
	case !kid.single:
		if string(raw) != "null" {
			j.report.fault(key, fmt.Sprintf("%q is not a list", kid.name))
		}
		j.out = append(j.out, "[]"...)
	case raw[0] == '"' && len(raw) > 2:
		present, err := j.child(kid, ids, object.Unquote(raw))
		if !present {
			j.out = append(j.out, "null"...)
		}
		return err
	case raw[0] == '{':
		j.inline(kid, key, raw)
	default:
		if raw[0] != '"' && string(raw) != "null" {
			j.report.fault(key, fmt.Sprintf("%q is not an id", kid.name))
		}
		j.out = append(j.out, "null"...)
	}
	return nil
}

func (j *join) list(kid *node, key, ids, raw []byte) error {
	j.out = append(j.out, '[')
	empty := len(j.out)
	err := object.Entries(raw, func(_ int, entry []byte) error {
		before := len(j.out)
		if before > empty {
			j.out = append(j.out, ',')
		}
		present := entry[0] == '{'
		switch entry[0] {
		case '{':
			j.inline(kid, key, entry)
		case '"':
			var err error
			if present, err = j.child(kid, ids, object.Unquote(entry)); err != nil {
				return err
			}
		default:
			j.report.fault(key, fmt.Sprintf("%q lists something that is not an id", kid.name))
		}
		if !present {
			j.out = j.out[:before]
		}
		return nil
	})
	j.out = append(j.out, ']')
	return err
}

// inline keeps a document that stands where its id should.
func (j *join) inline(kid *node, key, raw []byte) {
	j.report.fault(key, fmt.Sprintf("%q has a whole document where an id belongs; it is kept as it is", kid.name))
	j.out = append(j.out, raw...)
}

// child adds one embedded document and reports whether it did. One that cannot be had goes to the missing ones.
func (j *join) child(kid *node, parent, id []byte) (bool, error) {
	start := len(j.keys)
	j.keys = append(append(append(append(j.keys, kid.shelf.prefix...), parent...), '.'), id...)
	key := j.keys[start:]
	value, present := kid.shelf.take(key[len(kid.shelf.prefix):])
	if present {
		err := j.append(kid, key, key[len(kid.shelf.prefix):], value)
		if u, bad := errors.AsType[*unusable](err); bad {
			j.report.fault(key, u.reason)
			present = false
		} else if err != nil {
			return false, err
		}
	}
	if !present {
		j.missing = append(j.missing, string(key))
	}
	j.keys = j.keys[:start]
	return present, nil
}

// checkID reports an `_id` that is not the one the key ends with. The key is what others refer to.
func (j *join) checkID(key, ids, raw []byte) {
	last := ids[bytes.LastIndexByte(ids, '.')+1:]
	if raw[0] != '"' || !bytes.Equal(object.Unquote(raw), last) {
		j.report.fault(key, fmt.Sprintf("its _id is %.40q", raw))
	}
}
