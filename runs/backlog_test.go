package runs

import (
	"fmt"
	"slices"
	"testing"
)

// contents lists what the backlog would store, in order, and checks its sums against it.
func contents(t *testing.T, b *backlog) []string {
	t.Helper()
	rows, bytes := b.rows, b.bytes
	var list []string
	size := 0
	batch := b.take(1000, 1<<30, true)
	for _, e := range batch {
		size += e.bytes
		list = append(list, fmt.Sprint(e.key, "=", valueOf(e)))
	}
	if rows != len(batch) || bytes != size || b.rows != 0 || b.bytes != 0 || b.first() != nil {
		t.Errorf("believed to hold %d rows of %d bytes and then %d of %d, held %d of %d", rows, bytes, b.rows, b.bytes, len(batch), size)
	}
	return list
}

func TestBacklog(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(b *backlog)
		want []string
	}{
		{"in order", func(b *backlog) {
			b.put(entity("a", "1"), 0)
			b.put(mark("s", "2"), 0)
			b.put(entity("b", "3"), 0)
		}, []string{"a=1", "s=2", "b=3"}},
		{"a row is replaced where it stands, a checkpoint moves to the end", func(b *backlog) {
			b.put(entity("a", "1"), 0)
			b.put(mark("s", "2"), 0)
			b.put(entity("b", "3"), 0)
			b.put(mark("s", "4"), 0)
			b.put(entity("a", "5"), 0)
		}, []string{"a=5", "b=3", "s=4"}},
		{"a checkpoint that is waited for stays", func(b *backlog) {
			b.put(entity("a", "1"), 0)
			b.put(mark("s", "2"), 0)
			b.put(entity("b", "3"), 2)
			b.put(mark("s", "4"), 2)
			b.put(mark("s", "5"), 2)
		}, []string{"a=1", "s=2", "b=3", "s=5"}},
		{"the same key in two tables", func(b *backlog) {
			b.put(entity("a", "1"), 0)
			b.put(mark("a", "2"), 0)
		}, []string{"a=1", "a=2"}},
		{"put back", func(b *backlog) {
			b.put(entity("a", "1"), 0)
			b.put(entity("b", "2"), 0)
			batch := b.take(1, 1000, true)
			b.put(entity("c", "3"), 0)
			b.putBack(batch, 0)
		}, []string{"a=1", "b=2", "c=3"}},
		{"put back with a newer row waiting", func(b *backlog) {
			b.put(entity("a", "1"), 0)
			batch := b.take(1, 1000, true)
			b.put(entity("b", "2"), 0)
			b.put(entity("a", "3"), 0)
			b.putBack(batch, 0)
		}, []string{"a=3", "b=2"}},
		{"put back with a newer checkpoint waiting", func(b *backlog) {
			b.put(entity("a", "1"), 0)
			b.put(mark("s", "2"), 0)
			batch := b.take(2, 1000, true)
			b.put(entity("b", "3"), 0)
			b.put(mark("s", "4"), 0)
			b.putBack(batch, 0)
		}, []string{"a=1", "b=3", "s=4"}},
		{"put back a checkpoint that is waited for", func(b *backlog) {
			b.put(mark("s", "1"), 0)
			batch := b.take(1, 1000, true)
			b.put(entity("b", "2"), 1)
			b.put(mark("s", "3"), 1)
			b.putBack(batch, 1)
			b.put(mark("s", "4"), 1)
		}, []string{"s=1", "b=2", "s=4"}},
		{"replaced after it was put back", func(b *backlog) {
			b.put(entity("a", "1"), 0)
			b.putBack(b.take(1, 1000, true), 0)
			b.put(entity("a", "2"), 0)
		}, []string{"a=2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b backlog
			test.do(&b)
			if got := contents(t, &b); !slices.Equal(got, test.want) {
				t.Errorf("holds %v, want %v", got, test.want)
			}
		})
	}
}

// A row that comes late must not replace its successor: numbers rise with the puts, also of rows that were put back.
func TestBacklogNumbersRise(t *testing.T) {
	var b backlog
	b.put(entity("a", "1"), 0)
	batch := b.take(1, 1000, true)
	old := batch[0].rev
	b.put(entity("a", "2"), 0)
	b.putBack(batch, 0)
	if batch = b.take(1, 1000, true); batch[0].rev <= old {
		t.Errorf("the newer row has number %d, the older one had %d", batch[0].rev, old)
	}
	if batch[0].counts[0].n != 2 {
		t.Errorf("it stands for %d puts, want 2", batch[0].counts[0].n)
	}
}

// valueOf is what a test has put for the key of an entry.
func valueOf(e *entry) any {
	if e.table == checkpoints {
		return e.row[3]
	}
	return e.row[len(e.row)-1]
}
