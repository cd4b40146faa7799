package chunk

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"sort"
	"strings"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
)

// label makes chunks of drafts: where they stand, what they are, which of them are there twice.
func (c *cutter) label() []Chunk {
	chunks := make([]Chunk, 0, len(c.done))
	seen := map[string]int{}
	cites := c.citations()
	for i, d := range c.done {
		k := Chunk{Index: i, Overlap: runes(d.overlap), DuplicateOf: -1, Whole: d.whole}
		c.now.whole = d.whole // which says what stands between pieces
		var own strings.Builder
		for n, p := range d.pieces {
			if n > 0 {
				own.WriteString(c.separator(d.pieces[n-1], p))
			}
			own.WriteString(c.text(p))
		}
		k.Text = d.overlap + own.String()
		c.where(&k, d)
		k.ContentType = c.content(d)
		k.Tables = c.tablesOf(d, own.String(), cites)
		k.HasTables = len(k.Tables) > 0
		k.Hash = hash(k.ContentType, own.String())
		if first, again := seen[k.Hash]; again {
			k.DuplicateOf = first
		} else {
			seen[k.Hash] = i
		}
		chunks = append(chunks, k)
	}
	return chunks
}

// hash is equal for texts that are the same to people.
func hash(content Content, own string) string {
	same := strings.Join(strings.Fields(strings.ToLower(norm.NFKC.String(own))), " ")
	sum := sha256.Sum256([]byte(string(content) + "\n" + same))
	return hex.EncodeToString(sum[:])
}

// where says on which pages a draft stands, and under which headings.
func (c *cutter) where(k *Chunk, d draft) {
	first := d.pieces[0]
	section := c.book.Blocks[first.block].Section
	for _, p := range d.pieces {
		if b := &c.book.Blocks[p.block]; b.Kind != layout.Heading {
			section = b.Section
			break
		}
	}
	for i, p := range d.pieces {
		places, from, to := c.places(p)
		if i == 0 {
			k.PageNumber = from
		}
		k.PageEnd = to
		k.Places = append(k.Places, places...)
	}
	k.Places = layout.Join(k.Places)
	k.Section = strings.Join(section, " > ")
	if len(section) > 0 {
		k.Chapter = section[0]
	} else {
		k.Section, k.Chapter = c.Title, c.Title
	}
}

// places returns where a piece stands, and the pages of its first and its last character.
func (c *cutter) places(p piece) (places []layout.Place, from, to int) {
	b := &c.book.Blocks[p.block]
	if whole := c.piece(p.block, 0, len(b.Text)); whole == p {
		return b.Places, b.Page, b.PageEnd
	}
	if len(b.Lines) == 0 {
		return c.rows(p)
	}
	if c.aligned != p.block { // pieces of a block follow each other
		c.aligned, c.starts = p.block, align(b)
	}
	first := max(0, sort.SearchInts(c.starts, p.from+1)-1)
	for i := first; i < len(b.Lines) && c.starts[i] < p.to; i++ {
		places = append(places, b.Lines[i].Place)
	}
	if len(places) == 0 {
		return b.Places, b.Page, b.PageEnd
	}
	return places, places[0].Page, places[len(places)-1].Page
}

// rows returns where a part of a table is: its pages by how far into the table it stands.
func (c *cutter) rows(p piece) (places []layout.Place, from, to int) {
	b := &c.book.Blocks[p.block]
	at := func(offset int) int {
		return b.Page + (b.PageEnd-b.Page)*offset/max(1, len(b.Text))
	}
	from, to = at(p.from), at(p.to)
	for _, place := range b.Places {
		if place.Page >= from && place.Page <= to {
			places = append(places, place)
		}
	}
	return places, from, to
}

// align returns where the lines of a block begin in its text, from which hyphens at their ends may be gone.
func align(b *layout.Block) []int {
	starts := make([]int, len(b.Lines))
	at, total := 0, 0
	for i, l := range b.Lines {
		for at < len(b.Text) && (b.Text[at] == ' ' || b.Text[at] == '\n') {
			at++
		}
		starts[i] = at
		total += len(l.Text)
		for _, r := range l.Text {
			if r == ' ' || r == '\n' {
				continue
			}
			for at < len(b.Text) && (b.Text[at] == ' ' || b.Text[at] == '\n') {
				at++
			}
			switch {
			case strings.HasPrefix(b.Text[at:], string(r)):
				at += len(string(r))
			case r == '-':
			default:
				return shares(b)
			}
		}
	}
	return starts
}

// shares is what align says where the lines have another text than the block.
func shares(b *layout.Block) []int {
	starts := make([]int, len(b.Lines))
	all, before := 0, 0
	for _, l := range b.Lines {
		all += len(l.Text)
	}
	for i, l := range b.Lines {
		starts[i] = len(b.Text) * before / max(1, all)
		before += len(l.Text)
	}
	return starts
}

func (c *cutter) content(d draft) Content {
	switch {
	case d.whole >= 0:
		return c.contents[d.whole]
	case d.table >= 0:
		return Table
	case d.sidebar > 0:
		return Sidebar
	case c.example(d):
		return Example
	default:
		return Rule
	}
}

var exemplary = regexp.MustCompile(`(?i)^(?:for example|examples?|samples?)\b`)

// example reports whether a text says of itself that it is one, or is set in italics.
func (c *cutter) example(d draft) bool {
	slanted, all := 0, 0
	for i, p := range d.pieces {
		b := &c.book.Blocks[p.block]
		if exemplary.MatchString(c.text(p)) && (i == 0 || c.headings(d.pieces[:i])) {
			return true
		}
		if b.Kind == layout.Heading {
			continue
		}
		all += p.to - p.from
		at, _ := slices.BinarySearchFunc(b.Spans, p.from, func(s layout.Span, from int) int { return cmp.Compare(s.To, from) })
		for _, s := range b.Spans[at:] {
			if s.From >= p.to {
				break
			}
			if s.Italic {
				slanted += max(0, min(s.To, p.to)-max(s.From, p.from))
			}
		}
	}
	return all > 0 && slanted*10 >= all*7
}

func (c *cutter) headings(pieces []piece) bool {
	return !slices.ContainsFunc(pieces, func(p piece) bool { return c.book.Blocks[p.block].Kind != layout.Heading })
}

// citations are how texts speak of tables, in small letters: each way with the tables it means, and the lengths of the ways.
type citations struct {
	tables  map[string][]int
	lengths []int
}

func (c *citations) add(words string, table int) {
	c.tables[words] = append(c.tables[words], table)
	if !slices.Contains(c.lengths, len(words)) {
		c.lengths = append(c.lengths, len(words))
	}
}

// A title of a table that is longer is not looked for.
const mostTitle = 100

var (
	tableTitle  = regexp.MustCompile(`(?i)^tables?\s*[:–—-]?\s+`)
	tableNumber = regexp.MustCompile(`(?i)^(table\s+[a-z]?\d+(?:[.–-]\d+)*)\s*[:.–—-]?\s*`)
)

// citations returns how the tables of the book are spoken of.
func (c *cutter) citations() citations {
	all := citations{tables: map[string][]int{}}
	for i, b := range c.book.Blocks {
		if b.Kind != layout.Table {
			continue
		}
		title := ""
		if b.Table != nil {
			title = b.Table.Caption
		}
		if title == "" && i > 0 && c.book.Blocks[i-1].Kind == layout.Caption {
			title = c.book.Blocks[i-1].Text
		}
		place := c.tables[i]
		if m := tableNumber.FindStringSubmatch(title); m != nil && len(m[1]) <= mostTitle {
			all.add(strings.ToLower(m[1]), place)
			title = title[len(m[0]):]
		}
		title = strings.TrimLeft(title, "0123456789. ")
		title = strings.ToLower(strings.TrimSpace(tableTitle.ReplaceAllString(title, "")))
		if title = strings.TrimSuffix(title, " table"); runes(title) >= 4 && len(title) <= mostTitle {
			all.add(title+" table", place)
			all.add("table: "+title, place)
			all.add("table "+title, place)
		}
	}
	return all
}

// tablesOf returns the tables that a draft is, has or cites.
func (c *cutter) tablesOf(d draft, own string, all citations) []int {
	var tables []int
	for _, p := range d.pieces {
		if place, ok := c.tables[p.block]; ok {
			tables = append(tables, place)
		}
	}
	if len(all.tables) > 0 && (strings.Contains(own, "able") || strings.Contains(own, "ABLE")) {
		tables = append(tables, all.in(strings.Join(strings.Fields(strings.ToLower(own)), " "))...)
	}
	slices.Sort(tables)
	return slices.Compact(tables)
}

// in returns the tables that a text in small letters speaks of: whole words that begin or end with "table".
func (c *citations) in(text string) []int {
	const table = "table"
	var found []int
	for from := 0; ; {
		at := strings.Index(text[from:], table)
		if at < 0 {
			return found
		}
		at += from
		from = at + len(table)
		for _, n := range c.lengths {
			for _, begin := range []int{at, from - n} {
				if end := begin + n; begin >= 0 && end <= len(text) && alone(text, begin, end) {
					found = append(found, c.tables[text[begin:end]]...)
				}
			}
		}
	}
}

// alone reports whether a part of a text is not only a part of its words.
func alone(text string, begin, end int) bool {
	word := func(b byte) bool { return b >= 'a' && b <= 'z' || b >= '0' && b <= '9' || b >= 0x80 }
	return (begin == 0 || !word(text[begin-1])) && (end == len(text) || !word(text[end]))
}
