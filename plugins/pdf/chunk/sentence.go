package chunk

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Words that end in a full stop and no sentence.
var abbreviations = []string{
	"ft", "lb", "lbs", "oz", "in", "yd", "mi", "sq", "hr", "min", "max", "e.g", "i.e", "vs", "etc", "cf", "viz", "ca", "approx",
	"no", "nr", "p", "pp", "ch", "fig", "vol", "ed", "mr", "mrs", "ms", "dr", "st", "jr", "sr", "al",
}

// sentences returns where the sentences of a text end, behind what closes them; the last one is the end of the text.
func sentences(text string) []int {
	var ends []int
	for i, r := range text {
		if r == '\n' && i > 0 {
			ends = append(ends, i)
			continue
		}
		if r != '.' && r != '!' && r != '?' {
			continue
		}
		end := i + 1
		for end < len(text) {
			next, size := utf8.DecodeRuneInString(text[end:])
			if !strings.ContainsRune(`"'”’)]»`, next) {
				break
			}
			end += size
		}
		rest := strings.TrimLeftFunc(text[end:], unicode.IsSpace)
		if rest == "" || len(rest) == len(text)-end {
			continue
		}
		if next, _ := utf8.DecodeRuneInString(rest); unicode.IsLower(next) || r == '.' && abbreviated(text[:i]) {
			continue
		}
		ends = append(ends, end)
	}
	ends = slices.Compact(ends)
	if n := len(ends); n == 0 || ends[n-1] < len(text) {
		ends = append(ends, len(text))
	}
	return ends
}

// abbreviated reports whether a text ends in a word that a full stop shortens.
func abbreviated(text string) bool {
	i := strings.LastIndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune("([{“\"", r) })
	word := text[i+1:]
	if i >= 0 && !unicode.IsSpace(rune(text[i])) && text[i] >= utf8.RuneSelf { // the blank may be several bytes long
		_, size := utf8.DecodeRuneInString(text[i:])
		word = text[i+size:]
	}
	if r, size := utf8.DecodeRuneInString(word); size == len(word) && unicode.IsUpper(r) { // an initial
		return true
	}
	return slices.Contains(abbreviations, strings.ToLower(word))
}

// lastBlank returns the byte of the last blank of a text that at most limit code points are in front of; -1: there is none.
func lastBlank(text string, limit int) int {
	found := -1
	n := 0
	for i, r := range text {
		if n > limit {
			break
		}
		if unicode.IsSpace(r) && i > 0 {
			found = i
		}
		n++
	}
	return found
}

// firstBlank returns the byte of the first blank of a text; its length if it has none.
func firstBlank(text string) int {
	if i := strings.IndexFunc(text, unicode.IsSpace); i >= 0 {
		return i
	}
	return len(text)
}

func runes(text string) int { return utf8.RuneCountInString(text) }
