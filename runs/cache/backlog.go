package cache

// pending is one row that the store has not acknowledged.
type pending struct {
	row    Row
	place  uint64 // in the order in which rows are written
	flying bool   // on its way
}

func (p *pending) size() int { return len(p.row.Key) + len(p.row.Value) }

// deletionLimit is how many deletions wait at most, and how many are remembered after they were carried out.
const deletionLimit = 256

// backlog is what L2 is to be told, the last word for each key. It is not safe for concurrent use.
type backlog struct {
	byKey map[string]*pending
	queue []*pending // those not on their way, by place; some are superseded
	bytes int
	place uint64

	deletions []placed // not carried out for sure
	done      []Deletion
}

// placed is a deletion with its place among all that is to be written.
type placed struct {
	Deletion

	place uint64
}

// put adds a row. One of the same key that still waits is replaced where it stands.
func (b *backlog) put(r Row) {
	old := b.byKey[r.Key]
	if old != nil {
		b.bytes -= old.size()
	}
	if old != nil && !old.flying {
		old.row = r
		b.bytes += old.size()
		return
	}
	b.place++
	p := &pending{row: r, place: b.place}
	b.byKey[r.Key] = p
	b.queue = append(b.queue, p)
	b.bytes += p.size()
}

func (b *backlog) remove(key string) {
	if old := b.byKey[key]; old != nil {
		b.bytes -= old.size()
		delete(b.byKey, key)
	}
}

// erase adds a deletion, after which nothing that waits is written for the keys it matches. Too many of them become one
// that deletes everything.
func (b *backlog) erase(d Deletion) {
	if d.Match.exact {
		b.remove(d.Match.text)
	} else {
		for key := range b.byKey {
			if d.Match.Matches(key) {
				b.remove(key)
			}
		}
	}
	b.place++
	for i := range b.deletions {
		if b.deletions[i].Match == d.Match {
			b.deletions[i].Rev, b.deletions[i].place = d.Rev, b.place
			return
		}
	}
	if len(b.deletions) >= deletionLimit {
		b.clear(d)
		return
	}
	b.deletions = append(b.deletions, placed{d, b.place})
}

// clear replaces all that is to be written by one deletion of everything: what is left then is true, and small.
func (b *backlog) clear(d Deletion) {
	d.Match = NewPattern("*")
	clear(b.byKey)
	b.queue, b.bytes = nil, 0
	b.place++
	b.deletions = []placed{{d, b.place}}
}

// deleted says that a row found in L2 is one that was to be deleted: the deletion is still waiting, or the row was
// written late, by a request that had been given up.
func (b *backlog) deleted(r *Row) bool {
	for i := range b.deletions {
		if b.deletions[i].Covers(r) {
			return true
		}
	}
	for _, d := range b.done {
		if r.Writer == d.Writer && d.Covers(r) {
			return true
		}
	}
	return false
}

// batch is what goes to the store at once.
type batch struct {
	deletions []placed
	rows      []*pending
}

func (b *batch) empty() bool { return len(b.deletions) == 0 && len(b.rows) == 0 }

// take returns the next batch: a few deletions, and rows up to the limits, at least one.
func (b *backlog) take(rows, bytes int) batch {
	const few = 20
	var next batch
	next.deletions = append(next.deletions, b.deletions[:min(few, len(b.deletions))]...)
	size, at := 0, 0
	for ; at < len(b.queue); at++ {
		p := b.queue[at]
		if b.byKey[p.row.Key] != p {
			continue
		}
		if len(next.rows) > 0 && (len(next.rows) >= rows || size+p.size() > bytes) {
			break
		}
		p.flying = true
		next.rows = append(next.rows, p)
		size += p.size()
	}
	clear(b.queue[:at])
	b.queue = b.queue[at:]
	return next
}

// settle ends the way of a batch that was stored.
func (b *backlog) settle(stored batch) {
	for _, p := range stored.rows {
		if b.byKey[p.row.Key] == p {
			b.remove(p.row.Key)
		}
	}
	for _, s := range stored.deletions {
		for i, d := range b.deletions {
			if d == s { // not renewed meanwhile
				b.deletions = append(b.deletions[:i:i], b.deletions[i+1:]...)
				break
			}
		}
		b.done = append(b.done, s.Deletion)
	}
	if over := len(b.done) - deletionLimit; over > 0 {
		b.done = append(b.done[:0:0], b.done[over:]...)
	}
}

// putBack returns rows that were not stored to the front, except those that have a newer row or were deleted meanwhile.
func (b *backlog) putBack(failed batch) {
	var kept []*pending
	for _, p := range failed.rows {
		if b.byKey[p.row.Key] == p {
			p.flying = false
			kept = append(kept, p)
		}
	}
	b.queue = append(kept, b.queue...)
}

// waitsFor says whether anything up to a place is not stored yet.
func (b *backlog) waitsFor(place uint64, flying batch) bool {
	for _, d := range b.deletions {
		if d.place <= place {
			return true
		}
	}
	for _, p := range flying.rows {
		if p.place <= place {
			return true
		}
	}
	for _, p := range b.queue {
		if b.byKey[p.row.Key] == p {
			return p.place <= place
		}
	}
	return false
}
