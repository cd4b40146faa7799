package table

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

var (
	leaders    = regexp.MustCompile(`(\. ?){5,}|…{2,}|_{5,}`)
	pageEnd    = regexp.MustCompile(`\pL.*[,\s]\d{1,4}([,–-]\s?\d{1,4})*\.?$`)
	pagesAlone = regexp.MustCompile(`^\d{1,4}([,–-]\s?\d{1,4})*,?$`)
	number     = regexp.MustCompile(`^[ivxlcdm\d]+$`)
	listed     = regexp.MustCompile(`^(\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])$`)
	measure    = regexp.MustCompile(`^\(?[+−–-]?\d`)
	statNames  = regexp.MustCompile(`^\p{Lu}{1,4}\.?$`)
)

// doubtful says that rows are no table, whatever their lines look like.
func doubtful(rows [][]Cell, header int, b *block, columns []span) bool {
	if len(rows) < 2 || len(columns) < 2 {
		return true
	}
	full := 0 // rows with at least two cells
	for _, row := range rows {
		if filled(row) >= 2 {
			full++
		}
	}
	plain := header == 0 && b.lines[len(b.lines)-1].body // nothing but its columns sets it apart from text
	return full < 2 ||
		header == 0 && (2*full < len(rows) || full < 3) ||
		statLine(rows, header) ||
		contents(rows, header, b) ||
		list(rows, header) ||
		keyed(rows, header) ||
		plain && (index(rows) || wordy(rows) || narrow(b, columns)) ||
		(b.lines[len(b.lines)-1].body || header == 0) && prose(rows, b, columns)
}

// wordy says that two columns have running text in them.
func wordy(rows [][]Cell) bool {
	n := 0
	for c := range rows[0] {
		if long(rows, c, 4) {
			n++
		}
	}
	return n >= 2
}

// long says that the cells of a column have at least so many words on average.
func long(rows [][]Cell, column, most int) bool {
	cells, words := 0, 0
	for _, row := range rows {
		if row[column].Text != "" {
			cells++
			words += len(strings.Fields(row[column].Text))
		}
	}
	return cells > 0 && words >= most*cells
}

// narrow says that no two columns are further apart than stretched words are.
func narrow(b *block, columns []span) bool {
	size := b.lines[0].size
	for i := 1; i < len(columns); i++ {
		if columns[i].x0-columns[i-1].x1 >= 0.9*size {
			return false
		}
	}
	return true
}

func filled(row []Cell) int {
	n := 0
	for _, c := range row {
		if c.Text != "" {
			n++
		}
	}
	return n
}

// digits says that some of the rows have numbers. Names and words in columns, without any and without names above them, are
// credits or lists.
func digits(rows [][]Cell) bool {
	n := 0
	for _, row := range rows {
		if slices.ContainsFunc(row, func(c Cell) bool { return strings.ContainsFunc(c.Text, unicode.IsDigit) }) {
			n++
		}
	}
	return 5*n >= len(rows)
}

// statLine says that rows are the values of a creature: short names in capitals above one row of numbers.
func statLine(rows [][]Cell, header int) bool {
	if len(rows) > 3 || len(rows)-max(header, 1) > 1 {
		return false
	}
	names, values, words := 0, 0, 0
	for _, c := range rows[0] {
		for word := range strings.FieldsSeq(c.Text) {
			words++
			if statNames.MatchString(word) {
				names++
			}
		}
	}
	for _, c := range rows[len(rows)-1] {
		for word := range strings.FieldsSeq(c.Text) {
			if measure.MatchString(word) {
				values++
			}
		}
	}
	return names >= 3 && names >= words-1 && values >= names-1
}

// index says that rows are columns of an index: words with pages, or pages beside words that follow the alphabet.
func index(rows [][]Cell) bool {
	if len(rows) == 0 {
		return false
	}
	cells, entries, pages, sorted := 0, 0, 0, 0
	before := ""
	for _, row := range rows {
		for _, c := range row {
			if c.Text == "" {
				continue
			}
			cells++
			switch {
			case pageEnd.MatchString(c.Text):
				entries++
			case pagesAlone.MatchString(c.Text):
				pages++
			}
		}
		if first := strings.ToLower(row[0].Text); first >= before {
			sorted++
			before = first
		}
	}
	return 2*entries >= cells || 4*entries >= cells && 2*(entries+pages) >= cells ||
		len(rows[0]) == 2 && 5*(entries+pages) >= 2*cells && 10*sorted >= 9*len(rows) && strings.ContainsFunc(before, unicode.IsLetter)
}

// leads says that dots or a line lead from one part of a line to the next. Most have nothing that could, and need not be looked at closely.
func (l *line) leads() bool {
	dots, other := 0, false
	for i := range l.pieces {
		text := l.pieces[i].text
		dots += strings.Count(text, ".")
		other = other || strings.Contains(text, "_") || strings.Contains(text, "…")
	}
	return (dots >= 5 || other) && leaders.MatchString(l.text())
}

// contents says that rows lead to pages: dots between title and page, or pages that only rise and no header.
func contents(rows [][]Cell, header int, b *block) bool {
	dotted := 0
	for _, l := range b.lines {
		if l.leads() {
			dotted++
		}
	}
	if 3*dotted >= len(b.lines) {
		return true
	}
	if plain := b.lines[len(b.lines)-1].body; header > 0 || len(rows) < 3 || len(rows) == 3 && !plain {
		return false
	}
	before, pages := 0, 0
	for _, row := range rows {
		last := row[len(row)-1].Text
		if !number.MatchString(last) || !strings.ContainsFunc(row[0].Text+row[len(row)-2].Text, unicode.IsLetter) {
			continue
		}
		n := 0
		for _, r := range last {
			if unicode.IsDigit(r) {
				n = 10*n + int(r-'0')
			}
		}
		if n >= before {
			pages++
		}
		before = n
	}
	return 10*pages >= 9*len(rows)
}

// list says that rows are items with numbers or marks in front of them.
func list(rows [][]Cell, header int) bool {
	if header > 0 {
		return false
	}
	first, all, cells := 0, 0, 0
	for _, row := range rows {
		if listed.MatchString(row[0].Text) {
			first++
		}
		for _, c := range row {
			if c.Text == "" {
				continue
			}
			cells++
			if mark, _, more := strings.Cut(c.Text, " "); more && listed.MatchString(mark) || bullet(mark) {
				all++
			}
		}
	}
	return len(rows[0]) == 2 && 10*first >= 8*len(rows) || 2*all >= cells
}

// keyed says that rows are names with a colon and what they are.
func keyed(rows [][]Cell, header int) bool {
	if header > 0 || len(rows[0]) > 3 {
		return false
	}
	n := 0
	for _, row := range rows {
		if strings.HasSuffix(row[0].Text, ":") {
			n++
		}
	}
	return 2*n >= len(rows)
}

// prose says that columns are text that runs side by side: most lines reach the right end of both.
func prose(rows [][]Cell, b *block, columns []span) bool {
	short := 0
	for _, row := range rows {
		if len(row[0].Text) <= 8 {
			short++
		}
	}
	if 2*short > len(rows) {
		return false
	}
	long := 0 // columns of running text
	for _, c := range columns {
		lines, full := 0, 0
		for i, l := range b.lines {
			if b.single[i] {
				continue
			}
			for _, p := range l.pieces {
				if o := c.overlap(p.x0, p.x1); o > 0 && o > 0.5*(p.x1-p.x0) {
					lines++
					if o >= 0.8*c.width() && len(p.text) > 12 {
						full++
					}
				}
			}
		}
		if lines >= 3 && 2*full >= lines && 2*lines >= len(b.lines) {
			long++
		}
	}
	return long >= 2
}
