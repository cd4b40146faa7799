package page

import (
	"math/bits"
	"slices"
)

// room is memory for many short lists, which is taken for several at a time. The lists live as long as any of them.
type room[T any] struct{ left []T }

// roomOf is for how many values together memory is taken at least.
const roomOf = 128

// take returns a list of n empty values.
func (r *room[T]) take(n int) []T {
	if n > len(r.left) {
		r.left = make([]T, max(n, roomOf))
	}
	list := r.left[:n:n]
	r.left = r.left[n:]
	return list
}

// keep returns a copy of a list.
func (r *room[T]) keep(list []T) []T {
	kept := r.take(len(list))
	copy(kept, list)
	return kept
}

// nth is the value that would be at an index if the values were sorted; with NaN among them, any. It changes their order.
func nth(values []float32, at int) float32 {
	for turns := 2 * bits.Len(uint(len(values))); len(values) > 12 && turns > 0; turns-- {
		a, b, c := values[0], values[len(values)/2], values[len(values)-1]
		pivot := max(min(a, b), min(max(a, b), c))
		i, j := 0, len(values)-1
		for i <= j { // what is left of i is at most the pivot, what is right of j at least
			for values[i] < pivot {
				i++
			}
			for values[j] > pivot {
				j--
			}
			if i <= j {
				values[i], values[j] = values[j], values[i]
				i++
				j--
			}
		}
		switch {
		case at <= j:
			values = values[:j+1]
		case at >= i:
			values, at = values[i:], at-i
		default:
			return pivot
		}
	}
	slices.Sort(values)
	return values[at]
}
