// Package chunk cuts a book into pieces for search and for language models: whole paragraphs under the heading they belong to,
// tables by rows, game content each by itself. It owns the rules; every piece knows its pages, its chapter and what it is.
//
// It leaves the order of the text to layout, and what is game content to grammar. It starts no goroutine. The one error it
// has is that of a Config that cannot be used.
//
// All lengths are code points of the text as it is written.
package chunk

import (
	"fmt"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
)

// Config says how long chunks are.
type Config struct {
	Size    int    // that a chunk has at most, if no single word is longer; 100 at least; default: 1000
	Overlap int    // of the end of a chunk that the next one repeats where a text is cut for its length, less than half of Size; negative: none; default: 200
	Title   string // section of what stands in front of the first heading; default: none
}

// Validate says what of a config cannot be used.
func (c Config) Validate() error {
	c = c.filled()
	switch {
	case c.Size < 100:
		return fmt.Errorf("the size of chunks is %d; it has to be 100 or more", c.Size)
	case c.Overlap*2 >= c.Size:
		return fmt.Errorf("the overlap of chunks is %d; it has to be less than half of their size, which is %d", c.Overlap, c.Size)
	default:
		return nil
	}
}

func (c Config) filled() Config {
	if c.Size == 0 {
		c.Size = 1000
	}
	switch {
	case c.Overlap == 0:
		c.Overlap = 200
	case c.Overlap < 0:
		c.Overlap = 0
	}
	return c
}

// Content is what the text of a chunk is.
type Content string

// The contents.
const (
	Rule      Content = "rule"
	Table     Content = "table"
	Sidebar   Content = "sidebar"
	Example   Content = "example"
	StatBlock Content = "statblock"
	Spell     Content = "spell"
	Item      Content = "item"
)

// Chunk is a piece of a book. The texts of all chunks in their order, each without its overlap, are the text of the book.
type Chunk struct {
	Index       int
	Text        string
	Overlap     int // with how much of it, in code points, it repeats the chunk in front of it, or the header of its table
	PageNumber  int // of its first character that is no overlap
	PageEnd     int // of its last
	Chapter     string
	Section     string // titles from the chapter down, joined by " > "
	ContentType Content
	HasTables   bool  // it is one, has one, or cites one
	Tables      []int // those, by their place among the tables of the book
	Hash        string
	DuplicateOf int // the first chunk with the same text and content; -1: it is that
	Whole       int // what it is a part of, by its place among what was given; -1: nothing
	Places      []layout.Place
}

// Whole is a part of a book that stays by itself, as a stat block.
type Whole struct {
	From, To int   // blocks, To excluded
	Cuts     []int // blocks in front of which it may be cut if it is too long: traits, actions
	Content  Content
}

// Book cuts a book. Wholes stand in the order of the book and have no blocks in common.
func Book(book layout.Book, wholes []Whole, config Config) ([]Chunk, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c := newCutter(&book, config.filled())
	c.run(wholes)
	return c.label(), nil
}
