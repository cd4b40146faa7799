// Package table finds tables on a page, those with lines and those without, and knows what rolls of dice their rows are for.
//
// It leaves to layout which fragments a column of the page has, and where the text around a table goes. It starts no goroutine
// and returns no errors: where it is not sure, it finds no table.
package table

import "github.com/seed-98789ff7/converter/plugins/pdf/page"

// Kind says how a table was found.
type Kind string

// Ruled tables have lines around their cells, aligned ones columns of text alone.
const (
	Ruled   Kind = "ruled"
	Aligned Kind = "aligned"
)

// Table is a table in the form of rows, all of the same length.
type Table struct {
	Kind       Kind
	Page       int // of its first row
	PageEnd    int // of its last row
	Box        page.Box
	Caption    string // empty: none was found
	Rows       [][]Cell
	HeaderRows int // the first rows, which name the columns
	Dice       *Dice
	Confidence float32 // 0 to 1
}

// Cell is a cell of a table.
type Cell struct {
	Text string
	Span int // columns it takes; those it covers are cells without text and with Span 0; at least 1 elsewhere
	Bold bool
}

// Dice says which column of a table holds what is rolled.
type Dice struct {
	Column  int
	Formula string // "1d8", "1d100", "2d6"; empty: not said
	Ranges  []Range
	Gaps    []string // what is wrong with the ranges, for people; none: every roll has one row
}

// Range is what has to be rolled for a row, both ends included.
type Range struct {
	Row, Low, High int
	Column         int // Dice.Column, but in a table set in halves beside each other
}
