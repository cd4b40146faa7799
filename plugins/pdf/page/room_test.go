package page

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestNth: it is the value that sorting would put there, whatever the order and however many are equal.
func TestNth(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := 1; n < 400; n++ {
		values := make([]float32, n)
		kinds := 1 + random.IntN(n)
		for i := range values {
			values[i] = float32(random.IntN(kinds)) - 3
			if n%3 == 0 {
				values[i] = float32(i) // sorted already
			}
		}
		sorted := slices.Sorted(slices.Values(values))
		for _, at := range []int{0, n / 2, n - 1, random.IntN(n)} {
			if got := nth(slices.Clone(values), at); got != sorted[at] {
				t.Fatalf("%d of %v: %v, want %v", at, values, got, sorted[at])
			}
		}
		for range n / 4 {
			values[random.IntN(n)] = float32(math.NaN())
		}
		nth(values, n/2) // and it ends with what is no number
	}
}

// TestRoom: no list reaches into another.
func TestRoom(t *testing.T) {
	var r room[int]
	random := rand.New(rand.NewPCG(1, 2))
	var lists [][]int
	for i := range 300 {
		list := slices.Repeat([]int{i}, random.IntN(roomOf/8)+i%2*roomOf)
		kept := r.keep(list)
		list = append(list, 0)
		list[0] = -1
		if len(kept) != len(list)-1 || cap(kept) != len(kept) {
			t.Fatalf("list %d has %d values and room for %d", i, len(kept), cap(kept))
		}
		lists = append(lists, kept)
	}
	for i, list := range lists {
		if slices.ContainsFunc(list, func(v int) bool { return v != i }) {
			t.Errorf("list %d is %v", i, list)
		}
	}
	if more := r.take(5); slices.ContainsFunc(more, func(v int) bool { return v != 0 }) {
		t.Errorf("a new list is %v", more)
	}
}
