// Package pdf says how good what was read of a PDF is, against references that people have made.
//
// It owns the measures; reading files is left to those who are measured. It starts no goroutine.
package pdf

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// Grid is a table in rows, whose cells know how many columns they take.
type Grid [][]Cell

// Cell is a cell of a grid.
type Cell struct {
	Text string // letters and digits, or signs where there are none
	Span int
}

// Tables is how well tables that were found agree with those that should be.
type Tables struct {
	Wanted, Found int     // tables of the reference, and those of them that were found, at least by half
	Whole         int     // of those found, the ones with nine tenths of their cells
	Detected      int     // tables found
	Precision     float64 // of pairs of neighbours
	Recall        float64
	F1            float64
	Missed        []int // by index in the reference: those that were not found
	Torn          []int // the same: found, with fewer cells
	False         []int // by index in those found: no tables of the reference, nor of all that its source has
}

func (t Tables) String() string {
	return fmt.Sprintf("%d of %d tables, %d of them whole; neighbours F1 %.4f, precision %.4f, recall %.4f; %d detected, %d of them false",
		t.Found, t.Wanted, t.Whole, t.F1, t.Precision, t.Recall, t.Detected, len(t.False))
}

// CompareTables compares tables found with a reference by pairs of neighbours: cells with text that follow each other in a row
// or a column. So neither names nor places of tables matter. Several that were found may make up one of the reference, or the
// other way round, as both may begin anew where a page does. All are the tables of the same document, those that are not
// wanted among them.
func CompareTables(found, wanted, all []Grid) Tables {
	s := Tables{Wanted: len(wanted), Detected: len(found)}
	foundPairs, wantedPairs := eachPairs(found), eachPairs(wanted)
	linked := link(foundPairs, wantedPairs)
	linkByCells(linked, found, wanted)
	known := make([]bool, len(found))
	for _, fs := range linked {
		for _, f := range fs {
			known[f] = true
		}
	}
	var right, got, want int
	for _, group := range groups(linked) {
		merged, expected := map[pair]int{}, map[pair]int{}
		for _, f := range group.found {
			merge(merged, foundPairs[f])
		}
		for _, w := range group.wanted {
			merge(expected, wantedPairs[w])
		}
		right, got, want = right+shared(merged, expected), got+total(merged), want+total(expected)
	}
	for w := range wanted {
		have := map[string]int{}
		for _, f := range linked[w] {
			merge(have, cells(found[f]))
		}
		own := cells(wanted[w])
		switch {
		case len(linked[w]) == 0:
			s.Missed = append(s.Missed, w)
		case 10*shared(have, own) < 9*total(own):
			s.Torn = append(s.Torn, w)
		}
	}
	s.Found = len(wanted) - len(s.Missed)
	s.Whole = s.Found - len(s.Torn)
	s.False = falseTables(found, known, all)
	for _, f := range s.False {
		got += total(foundPairs[f])
	}
	s.Precision, s.Recall = ratio(right, got), ratio(right, want)
	if s.Precision+s.Recall > 0 {
		s.F1 = 2 * s.Precision * s.Recall / (s.Precision + s.Recall)
	}
	return s
}

// falseTables are those found that are not known and share less than half of their cells with each of all tables.
func falseTables(found []Grid, known []bool, all []Grid) []int {
	allCells := make([]map[string]int, len(all))
	for i := range all {
		allCells[i] = cells(all[i])
	}
	var none []int
	for f := range found {
		own := cells(found[f])
		if !known[f] && !slices.ContainsFunc(allCells, func(other map[string]int) bool { return 2*shared(own, other) >= total(own) }) {
			none = append(none, f)
		}
	}
	return none
}

// pair is two neighbours, the second one below the first or to its right.
type pair struct {
	a, b string
	down bool
}

func eachPairs(tables []Grid) []map[pair]int {
	all := make([]map[pair]int, len(tables))
	for i, t := range tables {
		all[i] = t.pairs()
	}
	return all
}

func (g Grid) pairs() map[pair]int {
	found := map[pair]int{}
	above := map[int]*Cell{} // the lowest cell with text of each column
	for _, row := range g {
		left := ""
		column := 0
		for i := range row {
			c := &row[i]
			first := column
			column += c.Span
			if c.Text == "" {
				continue
			}
			if left != "" {
				found[pair{left, c.Text, false}]++
			}
			left = c.Text
			var last *Cell
			for at := first; at < column; at++ {
				if up := above[at]; up != nil && up != last {
					// A cell over several columns has each of those below it as neighbour once.
					found[pair{up.Text, c.Text, true}]++
					last = up
				}
				above[at] = c
			}
		}
	}
	return found
}

// cells counts the texts of a table.
func cells(g Grid) map[string]int {
	found := map[string]int{}
	for _, row := range g {
		for _, c := range row {
			if c.Text != "" {
				found[c.Text]++
			}
		}
	}
	return found
}

func merge[K comparable](into, from map[K]int) {
	for k, n := range from {
		into[k] += n
	}
}

func total[K comparable](m map[K]int) int {
	n := 0
	for v := range maps.Values(m) {
		n += v
	}
	return n
}

func shared[K comparable](a, b map[K]int) int {
	n := 0
	for k, v := range a {
		n += min(v, b[k])
	}
	return n
}

// link says which tables found make up each of those wanted. A table found belongs to the one with which it shares most
// pairs, the first of equal ones that has none yet; a table wanted that has none then may be a part of one that was found.
// Half of the pairs of one side have to be shared.
func link(found, wanted []map[pair]int) [][]int {
	linked := make([][]int, len(wanted))
	for f := range found {
		best, most := -1, -1.0
		for w := range wanted {
			n := shared(found[f], wanted[w])
			if n == 0 || 2*n < min(total(found[f]), total(wanted[w])) {
				continue
			}
			like := float64(n) + float64(n)/float64(total(found[f])+total(wanted[w]))
			if len(linked[w]) == 0 {
				like += 1e-6
			}
			if like > most {
				best, most = w, like
			}
		}
		if best >= 0 {
			linked[best] = append(linked[best], f)
		}
	}
	for w := range wanted {
		if len(linked[w]) > 0 {
			continue
		}
		best, most := -1, 0
		for f := range found {
			if n := shared(found[f], wanted[w]); n > most && 2*n >= total(wanted[w]) {
				best, most = f, n
			}
		}
		if best >= 0 {
			linked[w] = append(linked[w], best)
		}
	}
	return linked
}

// linkByCells finds those of the tables wanted that share no half of their pairs with any, but of their cells.
func linkByCells(linked [][]int, found, wanted []Grid) {
	foundCells := make([]map[string]int, len(found))
	for f := range found {
		foundCells[f] = cells(found[f])
	}
	for w := range wanted {
		if len(linked[w]) > 0 {
			continue
		}
		own := cells(wanted[w])
		best, most := -1, 0
		for f := range found {
			if n := shared(own, foundCells[f]); n > most && 2*n >= total(own) && 2*n >= total(foundCells[f]) {
				best, most = f, n
			}
		}
		if best >= 0 {
			linked[w] = append(linked[w], best)
		}
	}
}

// group is tables that belong together.
type group struct{ wanted, found []int }

// groups puts tables of the reference together that have a found one in common. One that has none is a group of its own.
func groups(linked [][]int) []group {
	var made []group
	of := map[int]int{} // group by found
	at := make([]int, len(linked))
	for w, found := range linked {
		into := -1
		for _, f := range found {
			g, ok := of[f]
			if !ok || g == into {
				continue
			}
			if into < 0 {
				into = g
				continue
			}
			made[into].found = append(made[into].found, made[g].found...)
			made[into].wanted = append(made[into].wanted, made[g].wanted...)
			for _, other := range made[g].found {
				of[other] = into
			}
			made[g] = group{}
		}
		if into < 0 {
			into = len(made)
			made = append(made, group{})
		}
		at[w] = into
		made[into].wanted = append(made[into].wanted, w)
		for _, f := range found {
			if _, ok := of[f]; !ok {
				of[f] = into
				made[into].found = append(made[into].found, f)
			}
		}
	}
	return made
}

func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// plain leaves of a cell what both sides write alike: letters and digits, and signs where there are no others.
func plain(text string) string {
	var letters, signs strings.Builder
	for _, r := range norm.NFKC.String(strings.ToLower(text)) {
		switch {
		case unicode.IsLetter(r) && !unicode.Is(unicode.Lm, r), unicode.IsDigit(r):
			letters.WriteRune(r)
		case unicode.In(r, unicode.Pd), r == '−', r == '\u0336':
			signs.WriteByte('-')
		case !unicode.IsSpace(r):
			signs.WriteRune(r)
		}
	}
	if letters.Len() > 0 {
		return letters.String()
	}
	return signs.String()
}

// FromTable is a table as it was found.
func FromTable(t *table.Table) Grid {
	g := make(Grid, 0, len(t.Rows))
	for _, row := range t.Rows {
		var cells []Cell
		for _, c := range row {
			if c.Span > 0 {
				cells = append(cells, Cell{plain(c.Text), c.Span})
			}
		}
		g = append(g, cells)
	}
	return g
}

// FromRows is a table of rows that may be shorter than others: the last cell of a short one takes the columns that are left.
func FromRows(rows [][]string) Grid {
	width := 0
	for _, row := range rows {
		width = max(width, len(row))
	}
	g := make(Grid, 0, len(rows))
	for _, row := range rows {
		cells := make([]Cell, len(row))
		for i, text := range row {
			cells[i] = Cell{plain(text), 1}
		}
		if len(cells) > 0 {
			cells[len(cells)-1].Span += width - len(cells)
		}
		g = append(g, cells)
	}
	return g
}

// ReadTables reads tables from a file of JSON: a list of tables, each a list of rows of texts.
func ReadTables(name string) ([]Grid, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var tables [][][]string
	if err := json.Unmarshal(content, &tables); err != nil {
		return nil, err
	}
	return gridsOf(tables), nil
}

func gridsOf(tables [][][]string) []Grid {
	grids := make([]Grid, len(tables))
	for i, rows := range tables {
		grids[i] = FromRows(rows)
	}
	return grids
}

var (
	tableTag = regexp.MustCompile(`(?is)<table\b.*?</table>`)
	rowTag   = regexp.MustCompile(`(?is)<tr\b.*?(?:</tr>|</table>)`)
	cellTag  = regexp.MustCompile(`(?is)<t[dh]\b[^>]*>(.*?)(?:</t[dh]>|</tr>)`)
	anyTag   = regexp.MustCompile(`(?s)<[^>]*>`)
)

// ReadHTML reads all tables of a page of HTML.
func ReadHTML(name string) ([]Grid, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var tables [][][]string
	for _, t := range tableTag.FindAllString(string(content), -1) {
		var rows [][]string
		for _, r := range rowTag.FindAllString(t, -1) {
			var row []string
			for _, c := range cellTag.FindAllStringSubmatch(r, -1) {
				row = append(row, html.UnescapeString(anyTag.ReplaceAllString(c[1], "")))
			}
			rows = append(rows, row)
		}
		tables = append(tables, rows)
	}
	return gridsOf(tables), nil
}
