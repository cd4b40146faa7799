package layout

import (
	"strings"

	"github.com/seed-98789ff7/converter/plugins/pdf/table"
)

// Text is a book as plain text: an empty line between blocks, none between the items of a list, the cells of a table apart
// by tabs.
func Text(b *Book) string {
	var text strings.Builder
	for i := range b.Blocks {
		bl := &b.Blocks[i]
		if i > 0 && (bl.Kind != Item || b.Blocks[i-1].Kind != Item) {
			text.WriteByte('\n')
		}
		text.WriteString(bl.Text)
		text.WriteByte('\n')
	}
	return text.String()
}

// tabbed is a table as text: rows as lines, their cells apart by tabs.
func tabbed(t *table.Table) string {
	var text strings.Builder
	for n, cells := range t.Rows {
		if n > 0 {
			text.WriteByte('\n')
		}
		for k, c := range cells {
			if k > 0 {
				text.WriteByte('\t')
			}
			text.WriteString(c.Text)
		}
	}
	return text.String()
}
