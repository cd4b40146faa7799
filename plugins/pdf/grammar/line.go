package grammar

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// line is a line of the book as grammars see it.
type line struct {
	text   string // without ligatures, blanks single
	raw    string // as it is set
	spans  []layout.Span
	block  int  // in the book
	at     int  // in the lines of its block
	first  bool // of its block
	kind   layout.Kind
	level  int
	frame  int
	hyphen bool // its last word goes on
	place  layout.Place
	table  *table.Table // of the first row of one
}

// Letters that fonts have in one piece, and blanks of all widths.
var pieces = strings.NewReplacer(
	"ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "ﬅ", "st", "ﬆ", "st",
	"\u00a0", " ", "\u2002", " ", "\u2003", " ", "\u2007", " ", "\u2009", " ", "\u200a", " ", "\u202f", " ", "\t", " ", "\n", " ", "\r", " ",
	"\u00ad", "", "\u200b", "", "\ufeff", "", "\u2010", "-", "\u2011", "-",
)

// lines returns the lines of a book. Rows of tables are lines too; a block without lines is one.
func lines(book *layout.Book) []line {
	var all []line
	for i := range book.Blocks {
		b := &book.Blocks[i]
		set := b.Lines
		if len(set) == 0 {
			set = rows(b)
		}
		for n, l := range set {
			ours := line{raw: l.Text, block: i, at: n, first: n == 0, kind: b.Kind, level: b.Level, frame: b.Frame, hyphen: l.Hyphen, place: l.Place}
			if n == 0 {
				ours.table = b.Table
			}
			ours.text, ours.spans = clean(l.Text, l.Spans)
			all = append(all, ours)
		}
	}
	return all
}

// rows makes lines of the text of a block that has none.
func rows(b *layout.Block) []layout.Line {
	var made []layout.Line
	from := 0
	for text := range strings.SplitSeq(b.Text, "\n") {
		l := layout.Line{Text: text, Place: layout.Place{Page: b.Page}}
		if len(b.Places) > 0 {
			l.Place = b.Places[0]
		}
		for _, s := range b.Spans {
			if lo, hi := max(s.From, from), min(s.To, from+len(text)); lo < hi {
				l.Spans = append(l.Spans, layout.Span{From: lo - from, To: hi - from, Style: s.Style})
			}
		}
		made = append(made, l)
		from += len(text) + 1
	}
	return made
}

// clean takes ligatures apart and makes blanks single, and moves the styles along.
func clean(text string, spans []layout.Span) (string, []layout.Span) {
	if isClean(text) {
		return text, spans
	}
	var b strings.Builder
	put := func(s string) {
		for _, r := range pieces.Replace(s) {
			if r == ' ' && (b.Len() == 0 || strings.HasSuffix(b.String(), " ")) {
				continue
			}
			b.WriteRune(r)
		}
	}
	var moved []layout.Span
	at := 0
	for _, s := range spans {
		from, to := max(at, min(s.From, len(text))), min(s.To, len(text))
		if from >= to {
			continue
		}
		put(text[at:from])
		begin := b.Len()
		put(text[from:to])
		if b.Len() > begin {
			moved = append(moved, layout.Span{From: begin, To: b.Len(), Style: s.Style})
		}
		at = to
	}
	put(text[at:])
	cleaned := strings.TrimRight(b.String(), " ")
	for i := len(moved) - 1; i >= 0 && moved[i].To > len(cleaned); i-- {
		moved[i].To = len(cleaned)
	}
	for len(moved) > 0 && moved[len(moved)-1].From >= len(cleaned) {
		moved = moved[:len(moved)-1]
	}
	return cleaned, moved
}

// isClean reports whether a text has nothing to clean, which most have.
func isClean(text string) bool {
	before := byte(' ')
	for i := range len(text) {
		b := text[i]
		switch { // what is of several bytes and is replaced begins with one of these
		case b == ' ' && before == ' ', b < ' ', b == 0xc2, b == 0xef:
			return false
		case b == 0xe2 && i+2 < len(text) && text[i+1] == 0x80 && (text[i+2] < 0x93 || text[i+2] == 0xaf):
			return false
		}
		before = b
	}
	return before != ' ' || text == ""
}

// lead returns how much of the beginning of a line is bold, in bytes.
func (l *line) lead() int {
	end := 0
	for _, s := range l.spans {
		if strings.TrimSpace(l.text[end:s.From]) != "" || !s.Bold && strings.TrimSpace(l.text[s.From:s.To]) != "" {
			break
		}
		end = s.To
	}
	return end
}

func (l *line) bold() bool { return l.text != "" && l.lead() >= len(l.text) }

func (l *line) italic() bool {
	slanted := 0
	for _, s := range l.spans {
		if s.Italic {
			slanted += s.To - s.From
		}
	}
	return slanted*2 > len(l.text)
}

// style returns the style that most of a line has.
func (l *line) style() layout.Style {
	var most layout.Style
	length := map[layout.Style]int{}
	best := 0
	for _, s := range l.spans {
		length[s.Style] += s.To - s.From
		if n := length[s.Style]; n > best {
			most, best = s.Style, n
		}
	}
	return most
}

// family returns a font's name without what says how it is cut.
func family(s layout.Style) string {
	name, _, _ := strings.Cut(s.Font, "-")
	name, _, _ = strings.Cut(name, ",")
	return strings.TrimRightFunc(name, unicode.IsDigit)
}

// open reports whether a text cannot be complete.
func open(text string) bool {
	if strings.Count(text, "(") > strings.Count(text, ")") {
		return true
	}
	text = strings.TrimRight(text, " ")
	if text == "" {
		return true
	}
	last, _ := utf8.DecodeLastRuneInString(text)
	if strings.ContainsRune(",;&-–—", last) {
		return true
	}
	i := strings.LastIndexByte(text, ' ')
	switch text[i+1:] {
	case "and", "or", "of", "the", "a", "to", "from", "with", "in", "per":
		return true
	default:
		return false
	}
}

// small reports whether a text begins with a small letter.
func small(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return unicode.IsLower(r)
}
