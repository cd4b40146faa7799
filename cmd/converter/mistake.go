package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// mistake is one thing wrong with a config file.
type mistake struct {
	at   position
	code string
	text string
	hint string // what is meant instead, shown below the place

	lacks string // pointer of the field that is missing
	means string // pointer of the field that is meant
}

type mistakes []mistake

// configError is a config file with mistakes; nothing was started.
type configError struct {
	document *document
}

// Error shows every mistake with its place and the line it stands on.
func (e *configError) Error() string {
	d := e.document
	slices.SortStableFunc(d.found, func(a, b mistake) int {
		return cmp.Or(cmp.Compare(a.at.line, b.at.line), cmp.Compare(a.at.column, b.at.column))
	})
	var b strings.Builder
	for _, m := range d.found {
		fmt.Fprintf(&b, "%s:%d:%d: %s [%s]\n", d.path, m.at.line, m.at.column, m.text, m.code)
		b.WriteString(d.excerpt(m))
	}
	if n := len(d.found); n == 1 {
		b.WriteString("1 mistake in the config. Nothing was started.")
	} else {
		fmt.Fprintf(&b, "%d mistakes in the config. Nothing was started.", n)
	}
	return b.String()
}

// excerpt shows the line of a mistake with a mark under it, and the line before it.
func (d *document) excerpt(m mistake) string {
	if m.at.line < 1 || m.at.line > len(d.lines) || strings.TrimSpace(d.lines[m.at.line-1]) == "" {
		return ""
	}
	var b strings.Builder
	for n := max(1, m.at.line-1); n <= m.at.line; n++ {
		fmt.Fprintf(&b, "  %4d │ %s\n", n, strings.TrimRight(d.lines[n-1], "\r"))
	}
	line := []rune(d.lines[m.at.line-1])
	width := max(1, min(m.at.width, len(line)-m.at.column+1))
	b.WriteString("       │ " + strings.Repeat(" ", max(0, m.at.column-1)) + strings.Repeat("^", width))
	if m.hint != "" {
		b.WriteString(" " + m.hint)
	}
	return b.String() + "\n"
}

// nearest returns the candidate most like word, or "" when none is like it.
func nearest(word string, candidates []string) string {
	best, distance := "", 1+max(1, len(word)/3)
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		if n := edits(strings.ToLower(word), strings.ToLower(c)); n < distance {
			best, distance = c, n
		}
	}
	return best
}

// edits counts the insertions, deletions, replacements and swaps of neighbours that make b of a.
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range y {
		rows[0][j+1] = j + 1
	}
	for i := range x {
		for j := range y {
			change := 1
			if x[i] == y[j] {
				change = 0
			}
			n := min(rows[i][j]+change, rows[i][j+1]+1, rows[i+1][j]+1)
			if i > 0 && j > 0 && x[i] == y[j-1] && x[i-1] == y[j] {
				n = min(n, rows[i-1][j-1]+1)
			}
			rows[i+1][j+1] = n
		}
	}
	return rows[len(x)][len(y)]
}
