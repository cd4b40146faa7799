package layout

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// words are those of a book that lines' ends ask about: whether it has "battleaxe", and "battle-axe".
type words struct {
	seen    map[string]bool
	divides bool // the ends of lines divide words in this book; else their hyphens belong to the words
}

// collect finds which words may be divided at the ends of lines, and which of them the book has elsewhere.
func collect(drafts []*draft) *words {
	w := &words{seen: map[string]bool{}}
	var halves [][2]string
	for _, d := range drafts {
		for n := 1; n < len(d.rows); n++ {
			if first, last, ok := divided(d.rows[n-1].Text, d.rows[n].Text); ok {
				first, last = plain(first), plain(last)
				halves = append(halves, [2]string{first, last})
				w.seen[first+last], w.seen[first+"-"+last] = false, false
			}
		}
	}
	if len(halves) == 0 {
		return w
	}
	var buffer []byte
	for _, d := range drafts {
		for n, r := range d.rows {
			text := r.Text
			if n+1 < len(d.rows) && divides(text) { // the half of a word at its end says nothing
				text = text[:strings.LastIndexByte(text, ' ')+1]
			}
			if n > 0 && divides(d.rows[n-1].Text) {
				_, text, _ = strings.Cut(text, " ")
			}
			buffer = w.see(text, buffer)
		}
		if d.table != nil {
			for _, cells := range d.table.Rows {
				for _, c := range cells {
					buffer = w.see(c.Text, buffer)
				}
			}
		}
	}
	one, two := 0, 0
	for _, h := range halves {
		one += boolInt(w.seen[h[0]+h[1]])
		two += boolInt(w.seen[h[0]+"-"+h[1]])
	}
	w.divides = one >= two
	return w
}

// see notes the words of a text.
func (w *words) see(text string, buffer []byte) []byte {
	from := -1
	for i := 0; i <= len(text); {
		r, n := utf8.RuneError, 1
		if i < len(text) {
			r, n = utf8.DecodeRuneInString(text[i:])
		}
		inside := i < len(text) && (unicode.IsLetter(r) || from >= 0 && (hyphen(r) || r == '’' || r == '\''))
		switch {
		case inside && from < 0:
			from = i
		case !inside && from >= 0:
			buffer = w.note(text[from:i], buffer)
			from = -1
		}
		i += n
	}
	return buffer
}

// note notes a word if it is asked for.
func (w *words) note(word string, buffer []byte) []byte {
	buffer = buffer[:0]
	for i := range len(word) {
		c := word[i]
		if c >= utf8.RuneSelf {
			buffer = append(buffer[:0], plain(word)...)
			break
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buffer = append(buffer, c)
	}
	if _, asked := w.seen[string(buffer)]; asked {
		w.seen[string(buffer)] = true
	}
	return buffer
}

// plain is a word as it is compared: in lower case, ligatures taken apart, one kind of hyphen.
func plain(word string) string {
	return strings.Map(func(r rune) rune {
		if hyphen(r) {
			return '-'
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(word))
}

func hyphen(r rune) bool { return r == '-' || r == '\u2010' || r == '\u2011' || r == '\u00AD' }

// divides says whether a line ends in a word and a hyphen.
func divides(line string) bool {
	last, n := utf8.DecodeLastRuneInString(line)
	if !hyphen(last) {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(line[:len(line)-n])
	return unicode.IsLetter(r)
}

// divided returns the halves of a word that the end of a line may divide: the next one begins in lower case.
func divided(line, next string) (first, last string, ok bool) {
	if !divides(line) {
		return "", "", false
	}
	if r, _ := utf8.DecodeRuneInString(next); !unicode.IsLower(r) {
		return "", "", false
	}
	_, n := utf8.DecodeLastRuneInString(line)
	line = line[:len(line)-n]
	from := strings.LastIndexFunc(line, func(r rune) bool { return !unicode.IsLetter(r) && !hyphen(r) && r != '’' })
	if from >= 0 {
		_, n = utf8.DecodeRuneInString(line[from:])
		line = line[from+n:]
	}
	to := strings.IndexFunc(next, func(r rune) bool { return !unicode.IsLetter(r) && !hyphen(r) && r != '’' })
	if to >= 0 {
		next = next[:to]
	}
	return line, next, true
}

// joint is how two lines become one text.
type joint uint8

const (
	apart joint = iota // a blank between them
	tight              // nothing between them
	whole              // nothing, and the hyphen goes: the end of the line divides a word
)

// between says how a line and the next one become one text.
func (w *words) between(line, next string) joint {
	last, n := utf8.DecodeLastRuneInString(line)
	if last == '\u00AD' {
		return whole
	}
	first, second, ok := divided(line, next)
	switch {
	case ok && hangs(second):
		return apart
	case ok:
		first, second = plain(first), plain(second)
		one, two := w.seen[first+second], w.seen[first+"-"+second]
		if one && !two || one == two && w.divides && !strings.Contains(first, "-") {
			return whole
		}
		return tight
	case hyphen(last):
		r, _ := utf8.DecodeLastRuneInString(line[:len(line)-n])
		begin, _ := utf8.DecodeRuneInString(next)
		if (unicode.IsLetter(r) || unicode.IsDigit(r)) && (unicode.IsLetter(begin) || unicode.IsDigit(begin)) {
			return tight
		}
	case last == '—' || last == '/' && !strings.HasSuffix(line, " /"):
		return tight
	case strings.HasPrefix(next, "—"):
		return tight
	}
	return apart
}

// hangs says whether a word stands between two that share their ends: "two- and three-headed".
func hangs(word string) bool {
	switch word {
	case "and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "o", "e":
		return true
	}
	return false
}
