package pdf

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Heading is a title and the page it stands on.
type Heading struct {
	Title string
	Page  int
	Level int
}

// Headings is how well titles that were found agree with those of a reference, each number from 0 to 1.
type Headings struct {
	Precision float64 // of the titles found, those that the reference has on the same page, or on the one before or after it
	Recall    float64 // of those of the reference, those found
	Levels    float64 // of two titles in a row that both have, the share that is in the same relation: above, beside or below
}

func (h Headings) String() string {
	return fmt.Sprintf("precision %.3f, recall %.3f, levels %.3f", h.Precision, h.Recall, h.Levels)
}

// CompareHeadings measures titles against those of a reference. "Table: Hit Points" is the title "Hit Points" too.
func CompareHeadings(want, got []Heading) Headings {
	places := map[string][]int{} // of titles found, by what they say
	for i, h := range got {
		places[letters(h.Title)] = append(places[letters(h.Title)], i)
	}
	used := make([]bool, len(got))
	find := func(title string, page int) int {
		for _, i := range places[title] {
			if away := got[i].Page - page; !used[i] && -1 <= away && away <= 1 {
				used[i] = true
				return i
			}
		}
		return -1
	}
	type pair struct{ want, got int }
	var both []pair
	for _, h := range want {
		i := find(letters(h.Title), h.Page)
		if _, name, ok := strings.Cut(h.Title, ": "); ok && i < 0 {
			i = find(letters(name), h.Page)
		}
		if i >= 0 {
			both = append(both, pair{h.Level, got[i].Level})
		}
	}
	same := 0
	for k := 1; k < len(both); k++ {
		if sign(both[k].want-both[k-1].want) == sign(both[k].got-both[k-1].got) {
			same++
		}
	}
	n := float64(len(both))
	return Headings{Precision: n / float64(len(got)), Recall: n / float64(len(want)), Levels: float64(same) / (n - 1)}
}

// letters are those of a title, and its digits, in lower case.
func letters(title string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(title))
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}
