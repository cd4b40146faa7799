package pdf

import (
	"fmt"
	"hash/maphash"
	"math"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Text is how much a text agrees with a reference, each number from 0 to 1.
type Text struct {
	Words    float64 // F1 of the words, whatever their order: what is lost, and what is too much
	Trigrams float64 // F1 of three words in a row: lines of columns mixed, words divided
	Tens     float64 // of ten words in a row of the reference, the share that the text has
	Order    float64 // of places known by four words that both have once, the share that comes in the reference's order; NaN: there are none
}

func (t Text) String() string {
	return fmt.Sprintf("words %.4f, trigrams %.4f, ten in a row %.4f, order %.4f", t.Words, t.Trigrams, t.Tens, t.Order)
}

// Bar is how good a text has to be in one measure.
type Bar struct {
	Name  string
	Of    func(Text) float64
	Least float64
}

// Bars are those that the text of the two-column rulebook has to meet.
func Bars() []Bar {
	return []Bar{
		{"words", func(t Text) float64 { return t.Words }, 0.985},
		{"trigrams", func(t Text) float64 { return t.Trigrams }, 0.97},
		{"ten words in a row", func(t Text) float64 { return t.Tens }, 0.94},
		{"order", func(t Text) float64 { return t.Order }, 0.999},
	}
}

// CompareText measures a text against a reference. Words are runs of letters and digits in lower case, ligatures taken apart.
func CompareText(reference, text string) Text {
	ids := map[string]uint32{}
	want, got := tokens(reference, ids), tokens(text, ids)
	return Text{
		Words:    f1(grams(want, 1), grams(got, 1)),
		Trigrams: f1(grams(want, 3), grams(got, 3)),
		Tens:     recall(grams(want, 10), grams(got, 10)),
		Order:    order(want, got),
	}
}

// tokens are the words of a text as numbers, equal for equal words.
func tokens(text string, ids map[string]uint32) []uint32 {
	var list []uint32
	apart := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) }
	for word := range strings.FieldsFuncSeq(strings.ToLower(norm.NFKC.String(text)), apart) {
		id, known := ids[word]
		if !known {
			id = uint32(len(ids)) //nolint:gosec // no text has that many words
			ids[word] = id
		}
		list = append(list, id)
	}
	return list
}

var seed = maphash.MakeSeed()

// grams counts the n words in a row of a text.
func grams(words []uint32, n int) map[uint64]int {
	counts := map[uint64]int{}
	for i := 0; i+n <= len(words); i++ {
		counts[gram(words[i:i+n])]++
	}
	return counts
}

func gram(words []uint32) uint64 {
	var h maphash.Hash
	h.SetSeed(seed)
	for _, w := range words {
		maphash.WriteComparable(&h, w)
	}
	return h.Sum64()
}

func f1(want, got map[uint64]int) float64 {
	return 2 * float64(shared(want, got)) / float64(total(want)+total(got))
}

// recall is the share of the different things wanted that is there.
func recall(want, got map[uint64]int) float64 {
	n := 0
	for g := range want {
		n += min(1, got[g])
	}
	return float64(n) / float64(len(want))
}

// order is the length of the longest run of anchors that are in the same order in both, as a share of all anchors.
func order(want, got []uint32) float64 {
	const n = 4
	places := map[uint64]int{} // of the four words that the text has once
	counts := grams(got, n)
	for i := 0; i+n <= len(got); i++ {
		if g := gram(got[i : i+n]); counts[g] == 1 {
			places[g] = i
		}
	}
	counts = grams(want, n)
	var anchors []int
	for i := 0; i+n <= len(want); i++ {
		g := gram(want[i : i+n])
		if at, ok := places[g]; ok && counts[g] == 1 {
			anchors = append(anchors, at)
		}
	}
	if len(anchors) == 0 {
		return math.NaN()
	}
	return float64(rising(anchors)) / float64(len(anchors))
}

// rising is the length of the longest rising run of numbers, others left out.
func rising(numbers []int) int {
	var ends []int // by length: the lowest end of a run that long
	for _, x := range numbers {
		low, high := 0, len(ends)
		for low < high {
			if mid := (low + high) / 2; ends[mid] < x {
				low = mid + 1
			} else {
				high = mid
			}
		}
		if low == len(ends) {
			ends = append(ends, x)
		} else {
			ends[low] = x
		}
	}
	return len(ends)
}
