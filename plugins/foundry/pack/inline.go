package pack

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/seed-98789ff7/converter/plugins/foundry/object"
)

// Text is a primary document as a file has it, with everything embedded in it in place.
type Text struct {
	Collection string
	ID         string
	JSON       []byte
}

// Inline is a pack whose documents are stored whole, in any form but LevelDB's. It adds what the join adds to the others: the
// `_key` of every document, and the numbers of those embedded.
type Inline struct {
	Named bool // its documents refer to each other by name, not by id

	counts func() (map[string]int, error)
	texts  func(report func(key, reason string)) iter.Seq2[Text, error]
	close  func() error
	file   func(*Report) // adds what the files have to say; nil: nothing

	mu     sync.Mutex
	report Report
}

// NewInline makes a pack of what a storage form has to say: the numbers of documents by collection, the documents in the order
// of their keys, and how to close it. Texts is called for every walk, with where to say what cannot be used.
func NewInline(counts func() (map[string]int, error), texts func(func(key, reason string)) iter.Seq2[Text, error], closing func() error) *Inline {
	return &Inline{counts: counts, texts: texts, close: closing}
}

// Close lets go of the files.
func (p *Inline) Close() error { return p.close() }

// Counts counts the primary documents of each collection.
func (p *Inline) Counts() (map[string]int, error) { return p.counts() }

// Report says what the last walk through Documents found.
func (p *Inline) Report() Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.report.clone()
	if p.file != nil {
		p.file(&r)
	}
	return r
}

// Documents walks the primary documents. An error ends the walk.
func (p *Inline) Documents() iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		w := spread{yield: yield, roots: map[string]*node{}}
		w.run(p.texts(func(key, reason string) { w.report.fault([]byte(key), reason) }), "")
		p.mu.Lock()
		p.report = w.report
		p.mu.Unlock()
	}
}

// Collection walks the primary documents of one collection. It leaves the Report alone.
func (p *Inline) Collection(name string) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		w := spread{yield: yield, roots: map[string]*node{}}
		w.run(p.texts(func(string, string) {}), name)
	}
}

// spread is one walk through documents that are stored whole.
type spread struct {
	yield  func(Document, error) bool
	roots  map[string]*node // by collection
	report Report

	scan object.Scanner
	out  []byte
}

func (w *spread) run(texts iter.Seq2[Text, error], only string) {
	for t, err := range texts {
		if err != nil {
			w.yield(Document{}, fmt.Errorf("read documents: %w", err))
			return
		}
		if only != "" && t.Collection != only {
			continue
		}
		if !w.document(t) {
			return
		}
	}
}

// document hands one document out, and says whether more are wanted.
func (w *spread) document(t Text) bool {
	root := w.roots[t.Collection]
	if root == nil {
		root = plant(t.Collection, field{})
		w.roots[t.Collection] = root
	}
	root.walk(func(n *node) { n.count = 0 })
	w.out = w.out[:0]
	key := string(prefix(t.Collection)) + t.ID
	if err := w.append(root, t.ID, t.JSON); err != nil {
		w.report.fault([]byte(key), err.Error())
		return true
	}
	d := Document{Key: key, Collection: t.Collection, ID: t.ID, JSON: bytes.Clone(w.out), Embedded: (&join{root: root}).embedded()}
	w.report.Documents++
	for _, n := range d.Embedded {
		w.report.Embedded += n
	}
	return w.yield(d, nil)
}

// append adds the document in value to out, its `_key` and those of all below it included.
func (w *spread) append(n *node, ids string, value []byte) error {
	shape := object.Shape{}
	if err := w.scan.Object(value, n.names, &shape); err != nil {
		return err
	}
	n.count++
	key := append(prefix(n.path), ids...)
	keyMember, hasKey := len(n.kids), false
	from := shape.Open
	for _, m := range shape.Members {
		raw := value[m.Start:m.End]
		switch {
		case m.Name == keyMember:
			hasKey = true
			w.out = append(w.out, value[from:m.Start]...)
			w.out = object.AppendText(w.out, key)
		case m.Name > keyMember:
			continue // _id
		default:
			w.out = append(w.out, value[from:m.Start]...)
			if err := w.member(n.kids[m.Name], ids, raw); err != nil {
				return err
			}
		}
		from = m.End
	}
	w.out = append(w.out, value[from:shape.Close]...)
	if !hasKey {
		if !shape.Empty {
			w.out = append(w.out, ',')
		}
		w.out = append(w.out, `"_key":`...)
		w.out = object.AppendText(w.out, key)
	}
	if w.out = append(w.out, '}'); len(w.out) > maxDocument {
		return errLarge
	}
	return nil
}

// member adds what stands in a member that has embedded documents. Anything else in it stays as it is.
func (w *spread) member(kid *node, ids string, raw []byte) error {
	if kid.single || raw[0] != '[' {
		return w.child(kid, ids, 0, raw)
	}
	w.out = append(w.out, '[')
	err := object.Entries(raw, func(i int, entry []byte) error {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		return w.child(kid, ids, i, entry)
	})
	w.out = append(w.out, ']')
	return err
}

// child adds one embedded document.
func (w *spread) child(kid *node, ids string, i int, raw []byte) error {
	if raw[0] != '{' {
		w.out = append(w.out, raw...)
		return nil
	}
	var shape object.Shape
	_ = w.scan.Object(raw, []string{"_id"}, &shape) // part of a text that was passed
	id := ""
	if quoted := shape.Value(raw, 0); quoted != nil && quoted[0] == '"' {
		id = string(object.Unquote(quoted))
	}
	if id == "" || strings.ContainsAny(id, ".!") {
		id = made(kid.path, ids, i)
		w.report.fault([]byte(string(prefix(kid.path))+ids+"."+id), "it has no _id of its own; this one was made for it")
	}
	return w.append(kid, ids+"."+id, raw)
}

// made is an id for an embedded document that has none: the same at every reading.
func made(path, ids string, i int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", path, ids, i))
	return strings.NewReplacer("-", "0", "_", "1").Replace(base64.RawURLEncoding.EncodeToString(sum[:12]))
}
