// Package page says what is on one page of a PDF: fragments of text with their styles, lines and areas drawn, pictures. It
// owns how characters become fragments, and the form in which pages travel between processes.
//
// It leaves reading the file to pdfium, and what the fragments mean to layout. It starts no goroutine. What cannot be read
// back from its own form is an error of kind internal.
//
// Lengths are points, 1/72 inch. The origin is the top left corner of the page as a reader sees it, turned if the file says
// so; y grows downwards.
package page

// Box is a rectangle on a page, X0 <= X1 and Y0 <= Y1.
type Box struct{ X0, Y0, X1, Y1 float32 }

// Page is what is on a page.
type Page struct {
	Number        int    // from 1
	Label         string // as the file numbers it: "iv"; empty: it does not say
	Width, Height float32
	Fonts         []Font     // those that the runs name
	Fragments     []Fragment // in the order in which the page paints them
	Rules         []Rule     // lines drawn level or upright
	Areas         []Area     // rectangles filled or framed
	Images        []Image    // in the order in which the page paints them
	Chars         int        // characters that have an extent
	Paths         int        // objects drawn that are neither text nor picture
	Origin        string     // where the text is from: "text", or "ocr"
	Confidence    float32    // of recognised text, 0 to 1; 1 where the file has text
	Faults        []Fault    // what could not be read of it
}

// Font is a font that text of the page is set in.
type Font struct {
	Name                string // as the file has it, without the prefix of a subset
	Bold, Italic, Fixed bool   // by its name first, its flags second
	Recoded             bool   // its codes were misread, and have been mended
}

// Fragment is text on one line without a wide gap.
type Fragment struct {
	Text     string // UTF-8, NFC as far as the font says; words apart by one blank; no blank at either end
	Box      Box    // from the characters' extents; upright: by ascent and descent
	Baseline float32
	Runs     []Run  // styles, in the order of the text; at least one
	Words    []Word // in the order of the text
	Hyphen   bool   // the file marks that the word at its end goes on in the next line; Text ends in "-"
	Turned   bool   // it does not run from left to right; Box is true, Baseline and Words are not
}

// Run is a part of a fragment in one style. It begins where the one before it ends.
type Run struct {
	End   int // byte offset in Text
	Font  int // index in Page.Fonts
	Size  float32
	Color uint32 // 0xRRGGBB of the fill
}

// Word is a word of a fragment: the bytes From to To of its text, and where they stand.
type Word struct {
	From, To int
	X0, X1   float32
}

// Rule is a line at most 2.5 points thick, level or upright.
type Rule struct {
	Box      Box
	Color    uint32
	Vertical bool
}

// Area is a rectangle that is filled, framed, or both; pictures and rules are none.
type Area struct {
	Box                 Box
	Filled, Framed      bool
	FillColor, LineTint uint32 // 0xRRGGBB
}

// Image is a picture on a page.
type Image struct {
	Index         int // by which the reader of the file finds it again
	Box           Box
	Width, Height int    // pixels, as stored
	Filter        string // how it is stored: "jpeg", "jpx", "other"
	Masked        bool   // it has a mask of transparency
	Bytes         int64  // as stored
	Digest        uint64 // of the bytes as stored; equal for one picture used on several pages
}

// Fault says that a part of a page could not be read.
type Fault struct {
	Code   string // page_timeout, page_memory, page_trap, page_limit, page_damaged, image_limit
	Detail string
}

// Document is what a file says of itself.
type Document struct {
	Pages                            int
	Title, Author, Subject, Producer string
	Creator, Language                string
	Encrypted                        bool
	Tagged                           bool // it carries a tree of its structure
	Outline                          []Bookmark
	Labels                           []string // by page; empty: the file has none
}

// Bookmark leads to a place of the file.
type Bookmark struct {
	Title string
	Level int     // 0: the outermost
	Page  int     // from 1; 0: it leads to no page
	Y     float32 // from the top of that page; negative: not said
}

// Failed says whether nothing of the page could be read.
func (p *Page) Failed() bool {
	for _, f := range p.Faults {
		switch f.Code {
		case "page_timeout", "page_memory", "page_trap", "page_damaged":
			return true
		}
	}
	return false
}
