package layout

import "strings"

// bind makes the book of its lines.
func (b *binder) bind(rows []*row) *Book {
	b.marks, b.spots = marked(b.doc.Outline)
	drafts := b.paragraphs(rows)
	drafts = joinTables(drafts)
	b.setTitles(drafts)
	w := collect(drafts)
	book := &Book{Body: b.body, Blocks: make([]Block, 0, len(drafts)), Pages: make([]Report, 0, len(b.sheets))}
	for _, d := range drafts {
		book.Blocks = append(book.Blocks, d.block(w))
	}
	setSections(book.Blocks)
	for _, s := range b.sheets {
		book.Pages = append(book.Pages, s.found)
	}
	return book
}

// joinTables joins tables that go on in the next column or on the next page. Nothing stands between the two.
func joinTables(drafts []*draft) []*draft {
	kept := drafts[:0]
	for _, d := range drafts {
		if n := len(kept); d.table != nil && n > 0 && kept[n-1].table != nil && kept[n-1].Frame == d.Frame {
			if before := kept[n-1]; before.table.Join(*d.table) {
				before.rows = append(before.rows, d.rows...)
				continue
			}
		}
		kept = append(kept, d)
	}
	return kept
}

// block is the draft with its lines put together.
func (d *draft) block(w *words) Block {
	bl := d.Block
	bl.Page, bl.PageEnd = d.rows[0].Page, d.last().Page
	for n, r := range d.rows {
		if n > 0 && r.sheet == d.rows[n-1].sheet && r.column == d.rows[n-1].column {
			p := &bl.Places[len(bl.Places)-1]
			p.Box = union(p.Box, r.Box)
			continue
		}
		bl.Places = append(bl.Places, r.Place)
	}
	if d.table != nil {
		bl.Table = &d.table.Table
		bl.Text = tabbed(bl.Table)
		return bl
	}
	var text strings.Builder
	bl.Lines = make([]Line, len(d.rows))
	for n, r := range d.rows {
		bl.Lines[n] = r.Line
		if n+1 == len(d.rows) {
			bl.write(&text, r.Text, r.Spans)
			break
		}
		line := r.Text
		switch w.between(line, d.rows[n+1].Text) {
		case whole:
			bl.Lines[n].Hyphen = true
			line = strings.TrimRightFunc(line, hyphen)
			bl.write(&text, line, r.Spans)
		case tight:
			bl.write(&text, line, r.Spans)
		default:
			bl.write(&text, line, r.Spans)
			text.WriteByte(' ')
			bl.Spans[len(bl.Spans)-1].To++
		}
	}
	bl.Text = text.String()
	if len(bl.Lines) == 1 { // one copy is enough
		bl.Text = bl.Lines[0].Text
	}
	return bl
}

// write adds a line to the text of a block, and its styles.
func (bl *Block) write(text *strings.Builder, line string, spans []Span) {
	at := text.Len()
	text.WriteString(line)
	for _, s := range spans {
		s.From, s.To = at+s.From, at+min(s.To, len(line))
		if s.From >= s.To {
			continue
		}
		if n := len(bl.Spans); n > 0 && bl.Spans[n-1].Style == s.Style {
			bl.Spans[n-1].To = s.To
			continue
		}
		bl.Spans = append(bl.Spans, s)
	}
}
