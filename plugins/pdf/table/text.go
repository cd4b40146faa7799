package table

import "strings"

// Text is the table as lines, one a row, with its cells apart by tabs. A cell over several columns stands in the first.
func (t *Table) Text() string {
	var b strings.Builder
	for i, row := range t.Rows {
		if i > 0 {
			b.WriteByte('\n')
		}
		last := len(row)
		for last > 1 && row[last-1].Span == 0 { // nothing follows a cell that reaches to the end
			last--
		}
		for j, c := range row[:last] {
			if j > 0 {
				b.WriteByte('\t')
			}
			b.WriteString(flat.Replace(c.Text))
		}
	}
	return b.String()
}

var (
	flat    = strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")
	escaped = strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "\\", `\\`)
)

// Markdown is the table as Markdown has it: with one row of names, which is empty if the table has none. Names over several
// columns stand in front of those below them. The name of a group of rows is bold.
func (t *Table) Markdown() string {
	if len(t.Rows) == 0 {
		return ""
	}
	var b strings.Builder
	write := func(texts []string) {
		for _, text := range texts {
			b.WriteString("| ")
			b.WriteString(escaped.Replace(text))
			if text != "" {
				b.WriteByte(' ')
			}
		}
		b.WriteString("|\n")
	}
	header := min(t.HeaderRows, len(t.Rows))
	write(columnNames(t.Rows, header))
	b.WriteString(strings.Repeat("| --- ", len(t.Rows[0])) + "|\n")
	texts := make([]string, len(t.Rows[0]))
	for _, row := range t.Rows[header:] {
		for i, c := range row {
			texts[i] = c.Text
		}
		if len(row) > 1 && row[0].Span == len(row) && row[0].Text != "" {
			texts[0] = "**" + row[0].Text + "**"
		}
		write(texts)
	}
	return b.String()
}
