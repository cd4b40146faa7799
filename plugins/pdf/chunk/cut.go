package chunk

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
)

// piece is a part of a block's text, without blanks at its ends.
type piece struct{ block, from, to int }

// draft is a chunk that is being filled.
type draft struct {
	overlap string // what its text begins with and is not its own
	pieces  []piece
	length  int
	whole   int
	sidebar int // 0: none
	table   int // the table it is a part of, by its place; -1: none
}

// cutter goes through a book and fills drafts.
type cutter struct {
	Config
	book     *layout.Book
	sidebars []int       // by block: which sidebar it is in; 0: none
	tables   map[int]int // by block: its place among the tables
	contents []Content   // of the wholes
	done     []draft
	now      draft
	aligned  int     // the block that starts are of; -1: of none
	starts   []int   // of its lines, in its text
	waiting  []piece // headings and captions, which go with what follows
}

func newCutter(book *layout.Book, config Config) *cutter {
	c := &cutter{Config: config, book: book, tables: map[int]int{}, aligned: -1}
	for i, b := range book.Blocks {
		if b.Kind == layout.Table {
			c.tables[i] = len(c.tables)
		}
	}
	c.sidebars = sidebars(book)
	c.fresh("")
	return c
}

// sidebars says which blocks are beside the text: in frames, or below a bookmark that says so.
func sidebars(book *layout.Book) []int {
	of := make([]int, len(book.Blocks))
	framed, all := 0, 0
	highest := 0
	for _, b := range book.Blocks {
		all += len(b.Text)
		if b.Frame > 0 {
			framed += len(b.Text)
		}
		highest = max(highest, b.Frame)
	}
	background := framed*2 > all // pages have a frame
	marked, level := 0, 0
	for i, b := range book.Blocks {
		switch title := strings.ToLower(b.Bookmark); {
		case strings.HasPrefix(title, "sidebar:"):
			highest++
			marked, level = highest, b.Level
			if b.Kind != layout.Heading {
				level = 1 << 10
			}
		case b.Kind == layout.Heading && b.Level <= level:
			marked = 0
		}
		switch {
		case b.Frame > 0 && !background:
			of[i] = b.Frame
		default:
			of[i] = marked
		}
	}
	return of
}

func (c *cutter) run(wholes []Whole) {
	for _, w := range wholes {
		c.contents = append(c.contents, w.Content)
	}
	for i, n := 0, 0; i < len(c.book.Blocks); {
		for n < len(wholes) && wholes[n].From < i {
			n++
		}
		if n < len(wholes) && wholes[n].From == i && wholes[n].To > i {
			c.whole(wholes[n], n)
			i = wholes[n].To
			continue
		}
		c.block(i)
		i++
	}
	c.finish()
}

func (c *cutter) block(i int) {
	b := &c.book.Blocks[i]
	p := c.piece(i, 0, len(b.Text))
	if p.from == p.to {
		return
	}
	switch {
	case b.Kind == layout.Heading && c.runes(p)*2 <= c.Size:
		if b.Level <= 1 || c.now.length >= c.Size*6/10 {
			c.close()
		}
		c.wait(p)
	case b.Kind == layout.Caption && i+1 < len(c.book.Blocks) && c.book.Blocks[i+1].Kind == layout.Table && c.runes(p)*2 <= c.Size:
		c.close()
		c.wait(p)
	case b.Kind == layout.Table:
		c.close()
		c.fresh("")
		c.now.sidebar = c.sidebars[i]
		c.table(i)
		c.close()
	default:
		if len(c.now.pieces) > 0 && c.now.sidebar != c.sidebars[i] {
			c.close()
		}
		c.paragraph(p)
	}
}

// piece returns a part of a block without blanks around it.
func (c *cutter) piece(block, from, to int) piece {
	text := c.book.Blocks[block].Text
	from += len(text[from:to]) - len(strings.TrimLeftFunc(text[from:to], unicode.IsSpace))
	to = from + len(strings.TrimRightFunc(text[from:to], unicode.IsSpace))
	return piece{block, from, to}
}

func (c *cutter) text(p piece) string { return c.book.Blocks[p.block].Text[p.from:p.to] }

func (c *cutter) runes(p piece) int { return runes(c.text(p)) }

// far reports whether a piece is so much longer than a chunk that its characters need not be counted, over and over, to see it.
func (c *cutter) far(p piece) bool { return p.to-p.from > utf8.UTFMax*c.Size }

// wait keeps a heading for what follows. Headings without end that nothing follows are text.
func (c *cutter) wait(p piece) {
	if len(c.waiting) > 0 && c.waitingLength()+2+c.runes(p) > c.Size/2 {
		c.close()
		for _, w := range c.waiting {
			c.add(w)
		}
		c.waiting = nil
		c.close()
	}
	c.waiting = append(c.waiting, p)
}

func (c *cutter) waitingLength() int {
	n := 0
	for i, w := range c.waiting {
		if i > 0 {
			n += 2
		}
		n += c.runes(w)
	}
	return n
}

// separator returns what stands between two pieces of a chunk.
func (c *cutter) separator(a, b piece) string {
	kinds := [2]layout.Kind{c.book.Blocks[a.block].Kind, c.book.Blocks[b.block].Kind}
	switch {
	case a.block == b.block:
		return c.book.Blocks[a.block].Text[a.to:b.from]
	case kinds == [2]layout.Kind{layout.Item, layout.Item}, c.now.whole >= 0:
		return "\n"
	default:
		return "\n\n"
	}
}

// with returns how long the chunk would be with more pieces.
func (c *cutter) with(pieces ...piece) int {
	n := c.now.length
	last := c.now.pieces
	for i, p := range pieces {
		if i > 0 {
			last = pieces[:i]
		}
		if len(last) > 0 {
			n += runes(c.separator(last[len(last)-1], p))
		}
		n += c.runes(p)
	}
	return n
}

func (c *cutter) add(p piece) {
	c.now.length = c.with(p)
	if len(c.now.pieces) == 0 {
		c.now.sidebar = c.sidebars[p.block]
	}
	if n := len(c.now.pieces); n > 0 && c.now.pieces[n-1].block == p.block {
		c.now.pieces[n-1].to = p.to
		return
	}
	c.now.pieces = append(c.now.pieces, p)
}

// put adds a piece with the headings that wait for it, if that is not too long. An overlap that is in the way is left out.
func (c *cutter) put(p piece) bool {
	if c.far(p) {
		return false
	}
	all := append(slices.Clone(c.waiting), p)
	n := c.with(all...)
	if n > c.Size && len(c.now.pieces) == 0 && n-runes(c.now.overlap) <= c.Size {
		c.bare()
		n = c.with(all...)
	}
	if n > c.Size {
		return false
	}
	c.force(p)
	return true
}

// bare leaves out the overlap of a chunk that has nothing else yet.
func (c *cutter) bare() {
	whole, table, sidebar := c.now.whole, c.now.table, c.now.sidebar
	c.fresh("")
	c.now.whole, c.now.table, c.now.sidebar = whole, table, sidebar
}

// force adds a piece with the headings that wait for it.
func (c *cutter) force(p piece) {
	for _, w := range c.waiting {
		c.add(w)
	}
	c.waiting = nil
	c.add(p)
	c.now.sidebar = c.sidebars[p.block]
}

// paragraph adds a paragraph whole if it fits, else to a new chunk, cut at the ends of its sentences if it is long.
func (c *cutter) paragraph(p piece) {
	if !c.far(p) && c.with(append(slices.Clone(c.waiting), p)...) <= c.Size {
		c.force(p)
		return
	}
	if len(c.now.pieces) > 0 {
		c.cutAt(p)
	}
	if !c.far(p) && c.runes(p) <= c.Size-c.Overlap-2 && c.put(p) {
		return
	}
	c.sentences(p, c.cutAt)
}

// sentences adds a text by its sentences; next begins a new chunk.
func (c *cutter) sentences(p piece, next func(piece)) {
	text := c.text(p)
	from := 0
	for _, end := range sentences(text) {
		s := c.piece(p.block, p.from+from, p.from+end)
		from = end
		if s.from < s.to {
			c.sentence(s, next)
		}
	}
}

// sentence adds a sentence, cut at its blanks if it is too long.
func (c *cutter) sentence(s piece, next func(piece)) {
	for s.from < s.to {
		if !c.far(s) && c.runes(s) < c.Size-c.Overlap {
			if c.put(s) {
				return
			}
			if len(c.now.pieces) > 0 {
				next(s)
				if c.put(s) {
					return
				}
			}
		} else if len(c.now.pieces) > 0 {
			next(s)
		}
		// It is too long, or the headings above it leave too little room.
		limit := min(c.Size-c.Overlap-1, c.Size-c.waitingLength()-2)
		at := lastBlank(c.text(s), limit)
		if at < 0 {
			at = firstBlank(c.text(s))
		}
		part := c.piece(s.block, s.from, s.from+at)
		c.oneWord(part)
		s = c.piece(s.block, s.from+at, s.to)
	}
}

// oneWord adds a piece that is short enough, or a word that cannot be cut.
func (c *cutter) oneWord(p piece) {
	if !c.put(p) {
		if len(c.now.pieces) == 0 {
			c.bare()
		}
		c.force(p)
	}
}

// fresh begins a new chunk.
func (c *cutter) fresh(overlap string) {
	c.now = draft{overlap: overlap, length: runes(overlap), whole: -1, table: -1}
}

// close ends a chunk where the text ends it.
func (c *cutter) close() {
	if len(c.now.pieces) > 0 {
		c.done = append(c.done, c.now)
	}
	c.fresh("")
}

// cutAt ends a chunk for its length; the next one begins with p, and with the end of this one.
func (c *cutter) cutAt(p piece) {
	last := c.now
	c.close()
	if last.whole >= 0 || last.table >= 0 || last.sidebar != c.sidebars[p.block] {
		return
	}
	overlap := c.repeat(last)
	if overlap == "" {
		return
	}
	between := "\n\n"
	if n := len(last.pieces); last.pieces[n-1].block == p.block && len(c.waiting) == 0 {
		between = " "
	}
	c.fresh(overlap + between)
}

// repeat returns the end of a chunk that the next one repeats: its last sentences, or its last words.
func (c *cutter) repeat(d draft) string {
	if c.Overlap == 0 {
		return ""
	}
	text, starts := "", []int(nil)
	for i, p := range d.pieces {
		if i > 0 {
			text += c.separator(d.pieces[i-1], p)
		}
		if k := c.book.Blocks[p.block].Kind; k == layout.Heading || k == layout.Table {
			starts = nil
			text += c.text(p)
			continue
		}
		from := 0
		for _, end := range sentences(c.text(p)) {
			for from < end {
				r, size := utf8.DecodeRuneInString(c.text(p)[from:])
				if !unicode.IsSpace(r) {
					break
				}
				from += size
			}
			starts = append(starts, len(text)+from)
			from = end
		}
		text += c.text(p)
	}
	for _, at := range starts {
		if runes(text[at:]) <= c.Overlap {
			return text[at:]
		}
	}
	if len(starts) == 0 {
		return ""
	}
	// The last sentence is too long: its last words.
	last := text[starts[len(starts)-1]:]
	for i, r := range last {
		if unicode.IsSpace(r) {
			if rest := strings.TrimLeftFunc(last[i:], unicode.IsSpace); runes(rest) <= c.Overlap {
				return rest
			}
		}
	}
	return ""
}

// table adds a table by its rows; the rows that name the columns are repeated where it is cut.
func (c *cutter) table(i int) {
	b := &c.book.Blocks[i]
	place, whole, sidebar := c.tables[i], c.now.whole, c.now.sidebar
	header := ""
	var rows []piece
	from := 0
	for n := range strings.SplitSeq(b.Text, "\n") {
		if p := c.piece(i, from, from+len(n)); p.from < p.to {
			rows = append(rows, p)
		}
		from += len(n) + 1
	}
	if b.Table != nil {
		for _, p := range rows[:min(b.Table.HeaderRows, len(rows))] {
			header += c.text(p) + "\n"
		}
	}
	if runes(header)*2 > c.Size {
		header = ""
	}
	again := func() {
		c.close()
		c.fresh(header)
		c.now.whole, c.now.table, c.now.sidebar = whole, place, sidebar
	}
	c.now.table = place
	for _, row := range rows {
		if len(c.now.pieces) > 0 && c.with(row) > c.Size {
			again()
		}
		if c.put(row) {
			c.now.whole, c.now.table, c.now.sidebar = whole, place, sidebar
			continue
		}
		c.words(row, again)
		c.now.whole, c.now.table, c.now.sidebar = whole, place, sidebar
	}
}

// words adds a text cut at its blanks alone.
func (c *cutter) words(p piece, next func()) {
	for p.from < p.to {
		if c.put(p) {
			return
		}
		if len(c.now.pieces) > 0 {
			next()
			continue
		}
		limit := c.Size - c.with(c.waiting...) - 2
		at := lastBlank(c.text(p), limit)
		if at < 0 {
			at = firstBlank(c.text(p))
		}
		part := c.piece(p.block, p.from, p.from+at)
		c.oneWord(part)
		p = c.piece(p.block, p.from+at, p.to)
	}
}

// whole makes one chunk of a whole, or several cut where it may be cut.
func (c *cutter) whole(w Whole, n int) {
	c.close()
	begin := func(piece) {
		c.close()
		c.now.whole = n
	}
	c.now.whole = n
	to := min(w.To, len(c.book.Blocks))
	var segment []piece
	titles := true // and nothing else
	cuts := map[int]bool{}
	for _, at := range w.Cuts {
		cuts[at] = true
	}
	flush := func() {
		if len(segment) == 0 {
			return
		}
		all := append(slices.Clone(c.waiting), segment...)
		if len(c.now.pieces) > 0 && c.with(all...) > c.Size {
			begin(piece{})
		}
		for i, p := range segment {
			b := &c.book.Blocks[p.block]
			switch {
			case b.Kind == layout.Heading && i < len(segment)-1 && c.runes(p)*2 <= c.Size:
				c.waiting = append(c.waiting, p)
			case c.put(p):
			case b.Kind == layout.Table:
				if len(c.now.pieces) > 0 {
					begin(p)
				}
				c.table(p.block)
			case !c.far(p) && c.runes(p) <= c.Size && len(c.now.pieces) > 0:
				begin(p)
				if !c.put(p) {
					c.sentences(p, begin)
				}
			default:
				c.sentences(p, begin)
			}
		}
		segment, titles = nil, true
	}
	for i := w.From; i < to; i++ {
		p := c.piece(i, 0, len(c.book.Blocks[i].Text))
		if p.from == p.to {
			continue
		}
		if cuts[i] && !titles {
			last := len(segment)
			for c.book.Blocks[segment[last-1].block].Kind == layout.Heading {
				last--
			}
			above := slices.Clone(segment[last:]) // headings of what begins here
			segment = segment[:last]
			flush()
			segment = append(segment, above...)
		}
		segment = append(segment, p)
		titles = titles && c.book.Blocks[i].Kind == layout.Heading
	}
	flush()
	c.close()
}

// finish closes the last chunk. Headings that nothing follows go with what is in front of them, if they fit there.
func (c *cutter) finish() {
	if len(c.now.pieces) > 0 || len(c.done) == 0 {
		c.close()
	}
	for _, w := range c.waiting {
		if n := len(c.done); n > 0 && len(c.now.pieces) == 0 {
			c.now = c.done[n-1]
			if c.with(w) <= c.Size {
				c.add(w)
				c.done[n-1] = c.now
				c.fresh("")
				continue
			}
			c.fresh("")
			if last := c.done[n-1]; last.whole < 0 && last.table < 0 {
				if overlap := c.repeat(last); overlap != "" {
					c.fresh(overlap + "\n\n")
				}
			}
		}
		if c.with(w) > c.Size {
			c.close()
		}
		c.add(w)
	}
	c.waiting = nil
	c.close()
}
