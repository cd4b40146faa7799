package layout

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-98789ff7/converter/plugins/pdf/page"
)

// Measures of a heading.
const (
	larger      = 1.09 // than the body
	smaller     = 0.8  // than the body, at most, where a heading is bold
	titleLength = 90   // characters at most
	boldLength  = 60   // the same of one that is no larger than the text
)

// setHeadings says of each line whether it is set as a heading is: larger than the text of the book, in a colour of its own
// and no smaller, bold between other lines, or at the top of a frame in a style of its own. A number is one that stands before
// a heading, and as large.
func (b *binder) setHeadings(rows []*row) {
	for n, r := range rows {
		if !b.mayHead(r) {
			continue
		}
		var before, next *row
		if n > 0 && rows[n-1].sheet == r.sheet && rows[n-1].frame == r.frame {
			before = rows[n-1]
		}
		if n+1 < len(rows) && rows[n+1].sheet == r.sheet && rows[n+1].frame == r.frame {
			next = rows[n+1]
		}
		r.heading = b.large(r) || b.bold(before, r, next) || b.tops(before, r, next)
	}
	for from := 0; from < len(rows); {
		to := from + 1
		for rows[from].heading && to < len(rows) && rows[to].heading && together(rows[to-1], rows[to]) {
			to++
		}
		if to-from > 1 && !b.fitsTitle(rows[from:to]) {
			for _, r := range rows[from:to] {
				r.heading = false
			}
		}
		from = to
	}
	for n, r := range rows[:max(0, len(rows)-1)] {
		r.heading = r.heading || rows[n+1].heading && b.numbers(r)
	}
}

// together says whether a line of a heading stands right below another one in the same style.
func together(before, r *row) bool {
	gap := r.baseline - before.baseline
	return before.sheet == r.sheet && before.column.frame == r.column.frame && before.main == r.main && gap >= 0 && gap <= 1.6*r.main.Size
}

// fitsTitle says whether lines that stand together are short enough to be a title, or some of them titles of bookmarks.
func (b *binder) fitsTitle(rows []*row) bool {
	length := 0
	for _, r := range rows {
		length += utf8.RuneCountInString(r.Text)
		if b.spots[spot{r.Page, key(r.Text)}] {
			return true
		}
	}
	return length < titleLength
}

// mayHead says whether a line may be a heading by what it says.
func (b *binder) mayHead(r *row) bool {
	return r.table == nil && !r.caption && !r.turned && !r.leaders && utf8.RuneCountInString(r.Text) < titleLength &&
		bullet(r.Text) == 0 && strings.IndexFunc(r.Text, unicode.IsLetter) >= 0
}

// large says whether a line is set larger than text, or in a colour of its own.
func (b *binder) large(r *row) bool {
	if r.main.Size >= larger*b.body.Size {
		return true
	}
	own := r.main.Color != b.body.Color && r.main.Size >= b.body.Size && len(r.Spans) == 1
	return own && !lower(r.Text) && unfinished(r) && !r.tabbed && counted(r.Text) == 0
}

// bold says whether a line is bold as a whole, and neither goes on nor is gone on with.
func (b *binder) bold(before, r, next *row) bool {
	if b.body.Bold || next == nil || r.tabbed || r.main.Size < smaller*b.body.Size || counted(r.Text) > 0 ||
		utf8.RuneCountInString(r.Text) > boldLength || lower(r.Text) || strings.HasSuffix(r.Text, ":") {
		return false
	}
	for _, s := range r.Spans {
		if !s.Bold {
			return false
		}
	}
	if !unfinished(r) && !strings.HasSuffix(r.Text, "?") && !strings.HasSuffix(r.Text, "!") {
		return false
	}
	if before != nil && before.table == nil && below(before, r, 1.5*r.main.Size) && (before.start.Bold || unfinished(before)) {
		return false
	}
	return next.table != nil || below(r, next, 3*r.main.Size) && !next.start.Bold
}

// tops says whether a line is the title of a frame.
func (b *binder) tops(before, r, next *row) bool {
	if r.frame == 0 || before != nil || next == nil || next.table != nil || r.main == next.main || r.tabbed {
		return false
	}
	return unfinished(r) && !lower(r.Text) && len(r.Spans) == 1 && !r.main.Italic && utf8.RuneCountInString(r.Text) <= boldLength
}

// sameTitle says whether a line goes on with a heading: it stands right below, in the same style.
func (b *binder) sameTitle(d *draft, r *row) bool {
	before := d.last()
	if !together(before, r) {
		return false
	}
	length := 0
	for _, o := range d.rows {
		length += utf8.RuneCountInString(o.Text)
	}
	if length+utf8.RuneCountInString(r.Text) >= titleLength {
		return false
	}
	return !b.spots[spot{r.Page, key(r.Text)}] // which has a bookmark of its own
}

// mark is a bookmark that leads to a page.
type mark struct {
	page.Bookmark
	key  string // of its title
	used bool
}

// marked returns the bookmarks that lead to a page, and where they lead.
func marked(outline []page.Bookmark) (marks []mark, spots map[spot]bool) {
	spots = map[spot]bool{}
	for _, m := range outline {
		if k := key(m.Title); m.Page > 0 && k != "" {
			marks = append(marks, mark{Bookmark: m, key: k})
			spots[spot{m.Page, k}] = true
		}
	}
	return marks, spots
}

// key is what titles are compared by: letters and digits in lower case, ligatures taken apart.
func key(title string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, norm.NFKC.String(title))
}

// named is the key of a bookmark's title without what kind of thing it is: "Table: Hit Points", "Sidebar: Rounding".
func (m *mark) named() string {
	if _, name, ok := strings.Cut(m.Title, ": "); ok {
		return key(name)
	}
	return m.key
}

// setTitles finds what the bookmarks lead to, and gives each heading its level. A bookmark leads to the block with its title
// on its page, or the next one; a heading first, else a block that begins with it: a run-in heading stays in its paragraph.
// A block that is nothing but the title of a bookmark is a heading however it is set.
func (b *binder) setTitles(drafts []*draft) {
	headings, blocks, runIns := index{}, index{}, index{}
	for _, d := range drafts {
		if d.Kind == Table {
			continue
		}
		at := spot{d.rows[0].Page, d.key()}
		blocks[at] = append(blocks[at], d)
		if d.Kind == Heading {
			headings[at] = append(headings[at], d)
		}
		if k := d.runIn(); k != "" {
			runIns[spot{at.page, k}] = append(runIns[spot{at.page, k}], d)
		}
	}
	title := func(m *mark) string { return m.key }
	for _, step := range []struct {
		among index
		key   func(*mark) string
	}{{headings, title}, {blocks, title}, {blocks, (*mark).named}, {runIns, title}} {
		for i := range b.marks {
			if m := &b.marks[i]; !m.used {
				step.among.lead(m, step.key(m))
			}
		}
	}
	b.setLevels(drafts)
}

// spot is a title on a page.
type spot struct {
	page int
	key  string
}

// index is blocks by what they say.
type index map[spot][]*draft

// lead lets a bookmark lead to the block that says what it says, on its page or the one after that; of several to the nearest.
func (x index) lead(m *mark, key string) {
	const most = 64 // that are compared: a made file has thousands of bookmarks to thousands of equal lines
	for n := m.Page; n <= m.Page+1; n++ {
		at := spot{n, key}
		for len(x[at]) > 0 && x[at][0].Bookmark != "" {
			x[at] = x[at][1:]
		}
		var best *draft
		for _, d := range x[at][:min(most, len(x[at]))] {
			if d.Bookmark == "" && (best == nil || m.Y >= 0 && n == m.Page && distance(d, m) < distance(best, m)) {
				best = d
			}
		}
		if best == nil {
			continue
		}
		m.used = true
		best.Bookmark, best.Level = m.Title, m.Level
		if best.key() == m.key {
			best.Kind = Heading
		}
		return
	}
}

func distance(d *draft, m *mark) float32 {
	return max(d.rows[0].Box.Y0-m.Y, m.Y-d.rows[0].Box.Y0)
}

// key of a block is that of its first lines.
func (d *draft) key() string {
	if d.keyed == "" {
		var text strings.Builder
		for _, r := range d.rows[:min(len(d.rows), 3)] {
			text.WriteString(r.Text)
		}
		d.keyed = key(text.String())
	}
	return d.keyed
}

// runIn is the key of what a paragraph begins with in a style of its own; "": nothing.
func (d *draft) runIn() string {
	first := d.rows[0]
	if d.Kind != Paragraph || first.start == d.last().end {
		return ""
	}
	return key(first.Text[:first.Spans[0].To])
}

// setLevels gives a level to the headings that have no bookmark. A style has the level that most bookmarks give to it; one
// without a bookmark is one below the next larger one, but not below the title of the whole book or another single one.
func (b *binder) setLevels(drafts []*draft) {
	type votes struct {
		style  Style
		levels map[int]int
		level  int
		count  int
	}
	styles := map[Style]*votes{}
	var ranks []*votes
	for _, d := range drafts {
		if d.Kind != Heading {
			continue
		}
		st := d.rows[0].main
		v := styles[st]
		if v == nil {
			v = &votes{style: st, levels: map[int]int{}, level: -1}
			styles[st] = v
			ranks = append(ranks, v)
		}
		v.count++
		if d.Bookmark != "" {
			v.levels[d.Level]++
		}
	}
	slices.SortFunc(ranks, func(a, b *votes) int { return rank(a.style, b.style) })
	for n, v := range ranks {
		most := 0
		for level, count := range v.levels {
			if count > most || count == most && level < v.level {
				v.level, most = level, count
			}
		}
		if most > 0 {
			continue
		}
		v.level = 0
		if n > 0 {
			above := ranks[n-1]
			single := above.count == 1 && v.count >= often
			v.level = above.level + boolInt(rankSize(above.style) != rankSize(v.style) && !single)
		}
	}
	for _, d := range drafts {
		if d.Kind == Heading && d.Bookmark == "" {
			d.Level = min(styles[d.rows[0].main].level, lowest)
		}
	}
}

// often is how many headings of a style are many more than one.
const often = 8

// lowest is the lowest level of a heading that no bookmark leads to.
const lowest = 5

// rank orders styles of headings, that of chapters first.
func rank(a, b Style) int {
	return cmp.Or(
		cmp.Compare(rankSize(b), rankSize(a)),
		cmp.Compare(boolInt(b.Bold), boolInt(a.Bold)),
		cmp.Compare(boolInt(a.Italic), boolInt(b.Italic)),
		cmp.Compare(a.Color, b.Color),
		cmp.Compare(a.Font, b.Font),
	)
}

// rankSize is a size in half points.
func rankSize(s Style) int { return int(s.Size*2 + 0.5) }

// setSections gives each block the titles above it. What is in a frame has those around the frame and its own; behind it
// all is as before.
func setSections(blocks []Block) {
	type title struct {
		text  string
		level int
	}
	var open []title
	outside, frame := 0, 0 // of open, how many stand around the frame
	var path []string      // shared by the blocks below one heading
	renew := func() {
		path = make([]string, len(open))
		for i, t := range open {
			path[i] = t.text
		}
	}
	for i := range blocks {
		bl := &blocks[i]
		if bl.Frame != frame {
			if frame != 0 {
				open = open[:outside]
			}
			frame, outside = bl.Frame, len(open)
			renew()
		}
		if bl.Kind == Heading {
			floor := 0
			if frame != 0 {
				floor = outside
			}
			for len(open) > floor && open[len(open)-1].level >= bl.Level {
				open = open[:len(open)-1]
			}
			open = append(slices.Clip(open), title{bl.Text, bl.Level})
			renew()
		}
		bl.Section = path
	}
}
