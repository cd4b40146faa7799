package layout

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// draft is a block while a book is made.
type draft struct {
	Block
	rows  []*row
	table *table.Found
	keyed string
	text  float32 // where the text of an item begins, behind its bullet or number
}

func (d *draft) last() *row { return d.rows[len(d.rows)-1] }

// paragraphs puts lines together. Between two parts of a paragraph there may be tables, captions and frames: they come
// behind it.
func (b *binder) paragraphs(rows []*row) []*draft {
	pitches := pitches(rows)
	b.setHeadings(rows)
	var drafts []*draft
	flows := map[int]*draft{} // by frame: the paragraph that may go on
	for _, r := range rows {
		if r.table != nil {
			drafts = append(drafts, &draft{Block: Block{Kind: Table, Frame: r.frame}, table: r.table, rows: []*row{r}})
			continue
		}
		if d := flows[r.frame]; d != nil && b.goesOn(d, r, pitches, d == drafts[len(drafts)-1]) {
			d.rows = append(d.rows, r)
			continue
		}
		if d := frameBefore(drafts, r); d != nil {
			d.rows = append(d.rows, r)
			flows[r.frame] = d
			continue
		}
		d := &draft{Block: Block{Kind: kind(r), Frame: r.frame}, rows: []*row{r}}
		if d.Kind == Item {
			d.text = textBegin(r)
		}
		drafts = append(drafts, d)
		if d.Kind != Caption {
			flows[r.frame] = d
		}
	}
	return drafts
}

// frameBefore is the paragraph in a frame with which the page before ends, if a line goes on with it: its frame may be too small
// there to be known as one.
func frameBefore(drafts []*draft, r *row) *draft {
	if len(drafts) == 0 || !lower(r.Text) || r.turned {
		return nil
	}
	d := drafts[len(drafts)-1]
	if d.Frame == 0 || d.Kind != Paragraph && d.Kind != Item {
		return nil
	}
	before := d.last()
	if before.sheet.Number != r.sheet.Number-1 || !unfinished(before) || rankSize(before.main) != rankSize(r.main) {
		return nil
	}
	return d
}

// below says whether a line stands right below another one, in the same column, or beside it on one line.
func below(before, r *row, most float32) bool {
	if before.sheet != r.sheet || before.column.frame != r.column.frame {
		return false
	}
	gap := r.baseline - before.baseline
	if gap < -0.5*r.main.Size || gap > most {
		return false
	}
	if before.column == r.column {
		return true
	}
	overlap := min(before.Box.X1, r.Box.X1) - max(before.Box.X0, r.Box.X0)
	return 2*overlap > min(before.Box.X1-before.Box.X0, r.Box.X1-r.Box.X0)
}

// closes says whether a text begins with what ends a sentence or a part of one: it stood behind something that is no text.
func closes(text string) bool {
	r, _ := utf8.DecodeRuneInString(text)
	return strings.ContainsRune(".,;:?!)", r)
}

// numbers says whether a line is the number of a chapter: as large as a heading, and nothing but digits.
func (b *binder) numbers(r *row) bool {
	return len(r.Text) <= 5 && strings.Trim(r.Text, "0123456789.IVXLC") == "" && r.main.Size >= larger*b.body.Size
}

// pitches finds the distance of baselines that lines of a size mostly have.
func pitches(rows []*row) map[float32]float32 {
	type step struct{ size, pitch float32 }
	counts := map[step]int{}
	for n := 1; n < len(rows); n++ {
		a, b := rows[n-1], rows[n]
		if a.table != nil || b.table != nil || a.sheet != b.sheet || a.column != b.column || a.main.Size != b.main.Size {
			continue
		}
		if gap := b.baseline - a.baseline; gap > 0.8*b.main.Size && gap < 2*b.main.Size {
			counts[step{b.main.Size, float32(int(gap*4+0.5)) / 4}]++
		}
	}
	most := map[float32]int{}
	pitches := map[float32]float32{}
	for s, n := range counts {
		if n > most[s.size] || n == most[s.size] && s.pitch < pitches[s.size] {
			most[s.size], pitches[s.size] = n, s.pitch
		}
	}
	return pitches
}

// goesOn says whether a line goes on with a block, the last one in its flow. Near: nothing stands between the two.
func (b *binder) goesOn(d *draft, r *row, pitches map[float32]float32, near bool) bool {
	before := d.last()
	if r.turned || before.turned || r.caption != before.caption || r.leaders || before.leaders {
		return false
	}
	if d.Kind == Heading && near && b.numbers(before) && r.heading {
		return below(before, r, 4*r.main.Size)
	}
	ratio := r.main.Size / before.main.Size
	if ratio > 1.08 || ratio < 0.92 {
		return false
	}
	if d.Kind == Heading || r.heading {
		return d.Kind == Heading && r.heading && near && b.sameTitle(d, r)
	}
	if bullet(r.Text) > 0 {
		return false
	}
	middle := unfinished(before) && lower(r.Text)
	if !near && (r.sheet == before.sheet || !middle) {
		return middle
	}
	pitch := pitches[r.main.Size]
	if pitch == 0 {
		pitch = 1.25 * r.main.Size
	}
	if !below(before, r, 1.25*pitch) {
		if strings.IndexFunc(r.Text, said) < 0 && closes(r.Text) && r.sheet == before.sheet && r.column == before.column {
			return true // the end of a sentence with a place to fill in
		}
		next := r.sheet != before.sheet || r.column != before.column || r.baseline < before.baseline-0.5*r.main.Size
		return next && b.goesOver(before, r)
	}
	if middle && !r.tabbed || closes(r.Text) {
		return true
	}
	if r.tabbed || before.tabbed {
		return false
	}
	if b.newStyle(before, r) {
		return false
	}
	return b.fits(d, before, r)
}

// goesOver says whether a line at the top of a column goes on with the last line of another.
func (b *binder) goesOver(before, r *row) bool {
	if !unfinished(before) {
		return false
	}
	if lower(r.Text) {
		return true
	}
	e, own, em := before.sheet.edges[before.column], r.sheet.edges[r.column], before.main.Size
	full := e.right-before.Box.X1 < max(1.5*em, r.lead+0.5*em) && before.Box.X1-before.Box.X0 > columnWidth*em
	first, _ := utf8.DecodeRuneInString(strings.TrimLeft(r.Text, opening))
	return full && before.main == r.main && r.Box.X0 < own.left+0.5*em && (unicode.IsLetter(first) || unicode.IsDigit(first)) &&
		own.right-own.left > columnWidth*em
}

// newStyle says whether a line begins something new by its style: a run-in heading, or all of it another style.
func (b *binder) newStyle(before, r *row) bool {
	if r.start.Bold && !before.end.Bold && (!unfinished(before) || strings.HasSuffix(strings.TrimSpace(r.Text[:r.Spans[0].To]), ":")) {
		return true
	}
	if unfinished(before) {
		return false
	}
	whole := len(r.Spans) == 1 && len(before.Spans) == 1
	return whole && r.main != before.main
}

// fits says whether a line is what follows on the line in front of it, by where both begin and end.
func (b *binder) fits(d *draft, before, r *row) bool {
	em := r.main.Size
	e := r.sheet.edges[r.column]
	indent := r.Box.X0 - e.left
	right := e.right
	if inner := min(before.Box.X0, r.Box.X0) - e.left; inner > 0.8*em && d.Kind != Item { // a quotation is set in from both sides
		right -= inner
	}
	room := right - before.Box.X1
	spare := 0.8 * em
	if last, _ := utf8.DecodeLastRuneInString(before.Text); unicode.IsLetter(last) || last == ',' {
		spare = 2 * em // it may be set by other measures than we have
	}
	if room > r.lead+spare && !before.marked { // its first word had room
		return false
	}
	if counted(r.Text) > 0 && !unfinished(before) {
		return false
	}
	if d.Kind == Item {
		switch {
		case r.Box.X0 >= d.text-0.5*em:
			return r.Box.X0 < d.text+2*em || unfinished(before)
		case r.Box.X0 < d.rows[0].Box.X0-0.3*em:
			return false
		}
		return unfinished(before) || room < 1.5*em
	}
	in := r.Box.X0 - before.Box.X0
	switch {
	case in > 0.5*em && indent < 5*em: // its first line is set in, or all but the first
		return unfinished(before) && room < 2*em
	case in < -0.5*em && len(d.rows) > 1 && d.rows[len(d.rows)-2].Box.X0 > r.Box.X0+0.5*em:
		return false // back from lines set in
	}
	return true
}

// kind is what a line begins.
func kind(r *row) Kind {
	switch {
	case r.caption:
		return Caption
	case r.turned:
		return Paragraph
	case r.heading:
		return Heading
	case bullet(r.Text) > 0 || counted(r.Text) > 0:
		return Item
	}
	return Paragraph
}

// bullet is how many bytes of a text its bullet takes; 0: it has none.
func bullet(text string) int {
	r, n := utf8.DecodeRuneInString(text)
	private := r >= 0xE000 && r <= 0xF8FF
	if !private && !strings.ContainsRune("•◦▪▫■□●○◆◇❖➢➤►▶‣⁃∙·✦✧★☆¶☐✓✔", r) {
		return 0
	}
	rest := text[n:]
	if strings.HasPrefix(rest, " ") {
		return n + 1
	}
	if strings.ContainsRune("•▪■●◆❖➢➤►▶‣", r) && rest != "" { // nothing else they could be
		return n
	}
	return 0
}

// counted is how many bytes of a text something takes that may be the number or dash of an item, or come in the middle of a
// sentence: "3. ", "b) ", "– "; 0: there is none.
func counted(text string) int {
	for _, dash := range []string{"– ", "— ", "- ", "* ", "† "} {
		if strings.HasPrefix(text, dash) {
			return len(dash)
		}
	}
	n := 0
	for n < len(text) && n < 3 && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	if n == 0 && len(text) > 0 && (text[0] >= 'a' && text[0] <= 'z') {
		n = 1
		if len(text) > 1 && text[1] != ')' {
			return 0
		}
	}
	if n == 0 || n+1 >= len(text) || text[n] != '.' && text[n] != ')' || text[n+1] != ' ' {
		return 0
	}
	return n + 2
}

// textBegin is where the text of an item begins on its first line.
func textBegin(r *row) float32 {
	n := max(bullet(r.Text), counted(r.Text))
	if len(r.Text) == 0 {
		return r.Box.X0
	}
	return r.Box.X0 + (r.Box.X1-r.Box.X0)*float32(n)/float32(len(r.Text))
}

// unfinished says whether a line does not end a sentence.
func unfinished(r *row) bool {
	text := strings.TrimRight(r.Text, "”’\"')]»*")
	last, _ := utf8.DecodeLastRuneInString(text)
	return !strings.ContainsRune(".!?:…", last)
}

// opening are characters that may stand in front of a word.
const opening = "“‘\"'([«—–"

// lower says whether a text begins in lower case.
func lower(text string) bool {
	text = strings.TrimLeft(text, opening)
	r, _ := utf8.DecodeRuneInString(text)
	return unicode.IsLower(r)
}
