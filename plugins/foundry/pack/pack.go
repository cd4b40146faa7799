// Package pack reads a Foundry VTT pack, or one collection of a world, and puts its documents together again. In a LevelDB
// folder, which Pack reads, Foundry keeps every embedded document (an actor's items, their effects, a scene's walls)
// as an entry of its own, and its parent lists the ids.
//
// It owns the grammar of the keys and the rule of the join. The joined document is spliced from the bytes in the
// database: numbers, strings and the order of members stay as written, embedded documents stand where their ids stood,
// and what Foundry's own command line tool adds is added: `_key` at the end of every document, [] for a list that is
// absent, null for an absent single document. In NeDB files and source trees documents stand whole; Inline adds their keys
// and nothing else. What the members of a document mean is left to others. Reading the files is the part of leveldb, nedb and
// tree, and nothing is ever written to them.
//
// Memory: what leveldb needs for one cursor a collection path (no more than 16), and one primary document with
// everything that is stored below it, at most 256 MB of each. A larger one is left out and reported.
//
// It starts no goroutine. Errors are those of leveldb. A document that cannot be used is not an error: it stands in the
// Report.
package pack

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"sync"

	"github.com/seed-98789ff7/converter/plugins/foundry/leveldb"
)

// Document is one primary document with everything embedded in it. It is the receiver's to keep.
type Document struct {
	Key        string         // `!actors!` + ID
	Collection string         // `actors`
	ID         string         // as the key has it
	JSON       []byte         // the joined text: one valid JSON object
	Embedded   map[string]int // documents embedded in it by collection path, `actors.items`; nil if there are none
	Parent     string         // ID of the adventure that it stands in as a whole; empty: it stands for itself
	Missing    []string       // keys of documents that it lists and that are not there or cannot be used
}

// Pack is an open pack: one moment of it, whatever is written to the folder meanwhile.
type Pack struct {
	db    *leveldb.DB
	limit int // of the size of one primary document

	mu     sync.Mutex
	report Report
}

// Open opens the pack in the LevelDB folder dir.
func Open(dir string) (*Pack, error) {
	db, err := leveldb.Open(dir)
	if err != nil {
		return nil, fmt.Errorf("open pack: %w", err)
	}
	return &Pack{db: db, limit: maxDocument}, nil
}

// Close lets go of the files.
func (p *Pack) Close() error { return p.db.Close() }

// Counts counts the primary documents of each collection by their keys alone. Documents that turn out to be damaged are
// among them.
func (p *Pack) Counts() (map[string]int, error) {
	counts := map[string]int{}
	c := p.db.Cursor(nil)
	for ok := c.Next(); ok; {
		path, _, good := split(c.Key())
		switch {
		case !good:
			ok = c.Next()
		case bytes.IndexByte(path, '.') >= 0:
			ok = c.Seek(after(string(path)))
		default:
			counts[string(path)]++
			ok = c.Next()
		}
	}
	if err := c.Err(); err != nil {
		return nil, fmt.Errorf("count documents: %w", err)
	}
	return counts, nil
}

// Documents walks the primary documents in the order of their keys: by collection, then by id. An error ends the walk.
func (p *Pack) Documents() iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		w := p.walk(yield)
		err := w.run()
		p.mu.Lock()
		p.report = w.report
		p.mu.Unlock()
		if err != nil && !errors.Is(err, errStop) {
			yield(Document{}, fmt.Errorf("read documents: %w", err))
		}
	}
}

func (p *Pack) walk(yield func(Document, error) bool) *walk {
	return &walk{db: p.db, limit: p.limit, yield: yield, shelved: map[string]bool{}}
}

// Report says what the pack was read from and, about the last walk through Documents, what was found.
func (p *Pack) Report() Report {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.report.clone()
	r.Database = p.db.Report()
	r.Dead += r.Database.Dead
	return r
}
