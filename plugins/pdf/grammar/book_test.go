package grammar

import (
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/layout"
	"github.com/seed-98789ff7/converter/plugins/pdf/page"
	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// write makes a book of a text: blocks apart by empty lines, "#" before headings, as many as their level; "| " before the rows
// of a table, "[]" before the lines of a frame, "~" before lines in another font, **bold**, _italic_. A hyphen written as "¬"
// goes on in the next line.
func write(text string) layout.Book {
	book := layout.Book{Body: layout.Style{Font: "Body", Size: 10}}
	y := float32(0)
	var path []string
	for block := range strings.SplitSeq(strings.Trim(text, "\n"), "\n\n") {
		b := layout.Block{Page: 1, PageEnd: 1}
		var rows []string
		for raw := range strings.SplitSeq(block, "\n") {
			raw = strings.TrimRight(raw, " ")
			y += 12
			l := layout.Line{Place: layout.Place{Page: 1 + int(y)/600, Box: page.Box{X0: 10, Y0: y, X1: 200, Y1: y + 10}}}
			style := layout.Style{Font: "Body-Regular", Size: 10}
			if rest, ok := strings.CutPrefix(raw, "[]"); ok {
				raw, b.Frame = strings.TrimSpace(rest), 1
			}
			if rest, ok := strings.CutPrefix(raw, "~"); ok {
				raw, style.Font = rest, "Other-Regular"
			}
			if rest := strings.TrimLeft(raw, "#"); len(rest) < len(raw) {
				b.Kind, b.Level = layout.Heading, len(raw)-len(rest)-1
				style.Size, style.Bold = 14, true
				raw = strings.TrimSpace(rest)
			}
			if rest, ok := strings.CutPrefix(raw, "| "); ok {
				b.Kind = layout.Table
				rows = append(rows, strings.ReplaceAll(rest, " | ", "\t"))
				continue
			}
			if rest, ok := strings.CutSuffix(raw, "¬"); ok {
				raw, l.Hyphen = rest+"-", true
			}
			l.Text, l.Spans = styled(raw, style)
			if len(b.Lines) == 0 {
				b.Page = l.Page
			}
			b.PageEnd = l.Page
			switch {
			case b.Text == "":
			case b.Lines[len(b.Lines)-1].Hyphen:
				b.Text = strings.TrimSuffix(b.Text, "-")
			case !strings.HasSuffix(b.Text, "-") || !small(l.Text):
				b.Text += " "
			}
			for _, s := range l.Spans {
				s.From, s.To = s.From+len(b.Text), s.To+len(b.Text)
				b.Spans = append(b.Spans, s)
			}
			b.Text += l.Text
			b.Lines, b.Places = append(b.Lines, l), append(b.Places, l.Place)
		}
		if b.Kind == layout.Heading {
			path = append(append([]string{}, path[:min(len(path), b.Level)]...), b.Text)
		}
		b.Section = path
		if rows != nil {
			b.Kind, b.Lines, b.Spans = layout.Table, nil, nil
			b.Text = strings.Join(rows, "\n")
			b.Places = []layout.Place{{Page: 1, Box: page.Box{Y0: y, Y1: y + 10}}}
			b.Table = &table.Table{HeaderRows: 1}
			for _, row := range rows {
				var cells []table.Cell
				for cell := range strings.SplitSeq(row, "\t") {
					cells = append(cells, table.Cell{Text: cell, Span: 1})
				}
				b.Table.Rows = append(b.Table.Rows, cells)
			}
		}
		book.Blocks = append(book.Blocks, b)
	}
	return book
}

// styled takes marks out of a text.
func styled(raw string, style layout.Style) (string, []layout.Span) {
	var text strings.Builder
	var spans []layout.Span
	from := 0
	finish := func() {
		if text.Len() > from {
			spans = append(spans, layout.Span{From: from, To: text.Len(), Style: style})
			from = text.Len()
		}
	}
	for i := 0; i < len(raw); i++ {
		switch {
		case strings.HasPrefix(raw[i:], "**"):
			finish()
			style.Bold = !style.Bold
			i++
		case raw[i] == '_':
			finish()
			style.Italic = !style.Italic
		default:
			text.WriteByte(raw[i])
		}
	}
	finish()
	return text.String(), spans
}
