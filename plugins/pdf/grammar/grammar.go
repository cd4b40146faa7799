// Package grammar recognises game content in a book by grammars that are data: monsters, spells, items, whatever a YAML file
// describes. It owns the form of those files (docs/pdf-grammars.md), the ones that are shipped, and what is read of a book by
// them: entities with typed fields, the places they stand at, the text they were read from, and what was not sure.
//
// It leaves the order of the text to layout and cutting it to chunk. It starts no goroutine. A file that cannot be used is an
// error of type Mistakes, which names file, line and field of each; a book has no errors, only entities with warnings and
// blocks that were not read.
package grammar

import "strings"

// Grammar describes the content of one game, or of one publisher's way to set it.
type Grammar struct {
	Name     string
	Title    string
	Entities []*Shape
}

// Shape describes how one kind of entity is set.
type Shape struct {
	Kind       string  // monster, spell, magic-item, or what the author wants
	Content    Content // statblock, spell or item
	Anchors    []Anchor
	Require    []Near
	Name       Name
	Intro      *Intro
	Separator  *Pattern // between fields of one line; nil: each field begins a line
	Fields     []*Field
	Sections   []*Section
	EndAt      []*Pattern // lines that end it
	EndHeading EndHeading
	EndFont    bool // text in another font ends it
	Confidence Confidence

	grammar string
}

// Content is what a chunk of such an entity is called.
type Content string

// The contents.
const (
	StatBlock Content = "statblock"
	Spell     Content = "spell"
	Item      Content = "item"
)

// EndHeading says which headings end an entity; those that begin a section of it never do.
type EndHeading string

// The headings that end an entity.
const (
	EndAny  EndHeading = "any"  // every one
	EndSame EndHeading = "same" // those of the level of its name, and above
)

// Anchor is the line by which an entity is found.
type Anchor struct {
	Pattern *Pattern // its groups are fields
	Lines   int      // over which it may wrap
	Italic  bool     // it is set in italics
	Values  map[string]*Value
	Set     map[string]any // fields that this line means without saying
}

// Near is a line that has to stand near the anchor.
type Near struct {
	Pattern *Pattern
	Within  int // lines, above or below
}

// Name says where the name of an entity stands.
type Name struct {
	Within int      // lines between it and the anchor
	Group  string   // of the anchor's pattern, where that has it; else, and if empty: the nearest heading above
	Bold   bool     // where there is no heading, a line in bold is one
	Remove *Pattern // is no part of it
	// Pattern takes the line of the name apart: its group name is the name, the others are fields. A line that it does not
	// match is a name as a whole.
	Pattern *Pattern
	Values  map[string]*Value
}

// Intro is the text between the name and the first field.
type Intro struct {
	Pattern *Pattern
	Values  map[string]*Value
}

// Field is a line that begins with a key.
type Field struct {
	Name     string // of the value where there is one; else for messages
	Key      *Pattern
	Pattern  *Pattern // its groups are values; nil: the whole text is one
	Values   map[string]*Value
	Wrap     Wrap
	Required bool
	Repeat   bool // it may stand several times; the value is a list
}

// Wrap says how far the text of a field goes on.
type Wrap string

// The ways to wrap.
const (
	WrapParagraph Wrap = "paragraph" // as long as the paragraph does
	WrapOpen      Wrap = "open"      // as long as it cannot be complete: brackets are open, it ends in a comma, a small letter follows
	WrapNever     Wrap = "never"
)

// Section is a part of an entity behind its fields.
type Section struct {
	Name    string
	Title   *Pattern // nil: it begins where the fields end
	Inline  bool     // the title is followed by text in its line
	Entries bool     // it holds named entries; else it is text
	Intro   string   // name of the field for text in front of the first entry
}

// Confidence says how sure an entity is: 1, less what is wrong with it.
type Confidence struct {
	Missing float64 // for each required field that is not there
	Unread  float64 // for each field whose text does not fit its pattern
	Least   float64 // what has less is no entity
}

// A blank in a key also stands for none and for a line's end: PDFs lose blanks.
func keyPattern(key string) string {
	return `^(?:` + strings.ReplaceAll(key, " ", `\s*`) + `)`
}
