package runs

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed-98789ff7/converter/core"
)

// entry is one row on its way to the store.
type entry struct {
	table  table
	key    string // names the row within its table
	row    []any  // without the number of the put, which is added last
	bytes  int
	counts []count      // to be counted once the row is stored
	about  core.Failure // whom it concerns, should the store refuse the row
	mishap *core.Mishap // what it is then; nil: nothing

	place uint64    // in the order of the backlog
	rev   uint64    // number of the put that the row comes from
	since time.Time // put
	gone  bool      // superseded by a later place
}

// count is what a row stands for in the numbers of its run.
type count struct {
	stage          core.Stage
	source, stream string
	outcome        core.Outcome
	n              int64
}

// backlog is rows in the order in which they are to be stored, one for each key. It is not safe for concurrent use.
type backlog struct {
	entries []*entry // by place
	byKey   [tableCount]map[string]*entry
	rows    int // entries that are not gone
	bytes   int
	puts    uint64
}

// put adds a row. One of the same key that is still waiting is replaced where it stands: what was put after it does
// not depend on its being old. A checkpoint does depend on what was put before it and takes the last place; the one it
// supersedes is left out, unless somebody waits for it (its place is at most awaited).
func (b *backlog) put(e *entry, awaited uint64) {
	b.puts++
	e.rev, e.place = b.puts, b.puts
	old := b.byKey[e.table][e.key]
	switch {
	case old == nil:
	case e.table != checkpoints:
		b.bytes += e.bytes - old.bytes
		old.supersede(e)
		return
	case old.place > awaited:
		old.gone = true
		b.rows--
		b.bytes -= old.bytes
	}
	b.append(e)
}

func (b *backlog) append(e *entry) {
	b.entries = append(b.entries, e)
	b.index(e)
	b.rows++
	b.bytes += e.bytes
}

func (b *backlog) index(e *entry) {
	if b.byKey[e.table] == nil {
		b.byKey[e.table] = map[string]*entry{}
	}
	b.byKey[e.table][e.key] = e
}

// supersede makes the entry hold the row of a later one, and stand for both in the numbers.
func (e *entry) supersede(later *entry) {
	e.row, e.bytes, e.rev, e.about, e.mishap = later.row, later.bytes, later.rev, later.about, later.mishap
	for _, c := range later.counts {
		e.counts = merged(e.counts, c)
	}
}

func merged(counts []count, c count) []count {
	for i := range counts {
		same := counts[i]
		same.n = c.n
		if same == c {
			counts[i].n += c.n
			return counts
		}
	}
	return append(counts, c)
}

// take removes the first rows, at least one and no more than the limits allow. Unless the batch is alone, it ends in front
// of a checkpoint, and may be empty.
func (b *backlog) take(rows, bytes int, alone bool) []*entry {
	var batch []*entry
	size, at := 0, 0
	for ; at < len(b.entries); at++ {
		e := b.entries[at]
		if e.gone {
			continue
		}
		if len(batch) > 0 && (len(batch) >= rows || size+e.bytes > bytes) || e.table == checkpoints && !alone {
			break
		}
		batch = append(batch, e)
		size += e.bytes
		if b.byKey[e.table][e.key] == e {
			delete(b.byKey[e.table], e.key)
		}
	}
	clear(b.entries[:at])
	b.entries = b.entries[at:]
	b.rows -= len(batch)
	b.bytes -= size
	return batch
}

// putBack returns rows that were taken to where they stood. One whose key was put again meanwhile takes the newer row
// along; a checkpoint that was is left out, since the newer one must stay behind the rows before it, unless somebody
// waits for it.
func (b *backlog) putBack(batch []*entry, awaited uint64) {
	if len(batch) == 0 {
		return
	}
	var kept []*entry
	for _, e := range batch {
		newer := b.byKey[e.table][e.key]
		switch {
		case newer == nil:
			b.index(e)
		case e.table == checkpoints && e.place > awaited:
			continue
		case e.table == checkpoints:
		default:
			newer.gone = true
			b.rows--
			b.bytes -= newer.bytes
			e.supersede(newer)
			b.index(e)
		}
		b.rows++
		b.bytes += e.bytes
		kept = append(kept, e)
	}
	b.entries = slices.Concat(kept, b.entries)
	slices.SortStableFunc(b.entries, func(x, y *entry) int { return cmp.Compare(x.place, y.place) }) // another batch may have come back before
}

// first returns the row that is stored next, or nil.
func (b *backlog) first() *entry {
	for len(b.entries) > 0 && b.entries[0].gone {
		b.entries[0] = nil
		b.entries = b.entries[1:]
	}
	if len(b.entries) == 0 {
		return nil
	}
	return b.entries[0]
}
