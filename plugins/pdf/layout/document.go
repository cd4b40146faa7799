// Package layout makes text of pages: the order in which people read it, paragraphs across columns and pages, headings and
// the tree they make, tables in their places; without running heads and page numbers.
//
// It leaves reading the file to pdfium, finding the tables of a column to table, cutting the text into chunks to chunk, and
// what is game content to grammar. It starts no goroutine and returns no errors: what looks wrong is told in the reports of
// the pages.
package layout

import (
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// Book is a file in the order in which people read it.
type Book struct {
	Blocks []Block
	Pages  []Report // one for each page
	Body   Style    // of most of its text
}

// Kind is what a block is.
type Kind uint8

// The kinds of blocks.
const (
	Paragraph Kind = iota
	Heading
	Item // of a list
	Caption
	Table
)

// Block is a paragraph, a heading, an item of a list, a caption or a table.
type Block struct {
	Kind     Kind
	Level    int    // of a heading; 0: a chapter
	Text     string // lines joined, words put together again that a line's end divides; of a table: rows as lines, cells apart by tabs
	Spans    []Span // styles of Text
	Lines    []Line // as they are set; of a table: none
	Table    *table.Table
	Page     int // of its first line
	PageEnd  int // of its last line
	Places   []Place
	Frame    int      // the framed or filled area it is in, numbered from 1 through the book; 0: none
	Section  []string // titles of the headings above it, the chapter first; of a heading with its own title at the end
	Bookmark string   // title of the bookmark that leads to it; empty: none
}

// Place is a part of a page.
type Place struct {
	Page int
	Box  page.Box
}

// Line is a line of text as it is set.
type Line struct {
	Text  string // a word divided at its end keeps its hyphen
	Spans []Span
	Place
	Hyphen bool // its last word goes on in the next line
}

// Span is a part of a text in one style.
type Span struct {
	From, To int // byte offsets in the text
	Style
}

// Style is how text is set.
type Style struct {
	Font         string
	Size         float32
	Bold, Italic bool
	Color        uint32 // 0xRRGGBB
}

// Report is what was found out about a page.
type Report struct {
	Page       int
	Label      string    // the number printed on it or the one that the file gives it; empty: none
	Geometry   bool      // the order is from where the text stands, because the one in which it is painted is not plausible
	Suspicious bool      // neither order is plausible
	Gutters    []float32 // where the columns begin, but for the first
	Heads      []string  // what was left out of the text: running heads, feet, page numbers
	Tables     int
	Chars      int
}
